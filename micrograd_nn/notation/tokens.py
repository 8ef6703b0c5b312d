r"""The tokens of a formula: numbers, names, signs and functions, each with its place in what was typed.

LaTeX and the signs of textbooks are first put into plain ones, so that x², x^{2} and x**2 become the same tokens.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import decomposition, normalize

from ..engine.operation import TABLE
from ..engine.ops import cos, div, exp, sin
from ..errors import FormulaError, printable

LONGEST_NAME = 20  # characters of a name that is looked for within a word such as w1x1
PRIME = "ʹ"  # an apostrophe that counts as a letter, as in sigmoid'
TYPED = str.maketrans("−–·⋅∙×'′’", f"--****{PRIME * 3}")
DIGITS = r"[0-9](?:_?[0-9])*"
NUMBER = re.compile(rf"(?:{DIGITS}\.?(?:{DIGITS})?|\.{DIGITS})(?:e[-+]?[0-9]+)?")
SIGN = re.compile(r"\*\*|[-+*/^<>≤≥()[\]{}|,=]")
INDEX = re.compile(r"\[\s*\w+\s*\]")  # what numbers a name, or seems to
SAMPLE = re.compile(r"\s*\[\s*([0-9]+)\s*\]")  # of h1[2], which is one name
CALL = re.compile(r"\s*(?:\^\s*(?:([0-9]+)|[({]\s*([0-9]+)\s*[)}])\s*)?[({]")  # of sin(z), tanh²(z)
ALONE = re.compile(  # of tanh z; of tanh z² and tanh z(1 − z) people are of two minds
    rf"\s*(?:[^\W\d]\w*(?:{SAMPLE.pattern})?|{NUMBER.pattern})\s*(?:$|[-+*/<>)\]}},])"
)
COMPOSED: dict[str, Callable[[Any], Any]] = {  # functions of textbooks that are made of the table's
    "sinh": lambda a: (exp(a) - exp(-a)) * 0.5,
    "cosh": lambda a: (exp(a) + exp(-a)) * 0.5,
    "sech": lambda a: div(2.0, exp(a) + exp(-a)),
    "tan": lambda a: div(sin(a), cos(a)),
}
MEANINGLESS = {
    "#": "a formula holds no comment",
    "∂": "a derivative such as ∂L/∂w is what is asked: write what it comes to",
}
LATEX = re.compile(r"\\|_\{")  # what no line of text holds
COMMAND = re.compile(
    r"(?P<space>\\(?:left|right|quad)(?![A-Za-z])|\\[,;:! ])|(?P<dot>\\(?:cdot|times)(?![A-Za-z]))"
    r"|\\(?P<bound>[lg]e)q?(?![A-Za-z])"
    r"|(?P<open>\{)|(?P<close>\})(?P<next>\s*\{)?"
    r"|(?P<name>\\(?:text|math..|operatorname)\{(?P<inner>(?:[^{}\\]|\\.)*)\}|[A-Za-z]|\\[A-Za-z]+)"
    r"(?:_(?:\{(?P<index>\w+)\}|(?P<bare>\w+)))?(?:\^\{\((?P<sample>[0-9]+)\)\})?"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A number, name, sign, call (a function with its bracket), function (without one), or the end."""

    kind: str
    text: str
    column: int
    end: int  # where the next one may begin
    exponent: str = ""  # the 2 of tanh²(z)
    bracket: str = ""  # that it opens


def cut(text: str, names: Collection[str] = ()) -> Iterator[Token]:
    """The tokens of a formula, the end among them; words that are made of names are names, where they are in doubt.

    >>> [token.text for token in cut("2tanh²(z)")]
    ['2', 'tanh', 'z', ')', '']

    Raises FormulaError for a character that has no meaning in a formula.
    """
    pieces = _from_latex(text) if LATEX.search(text) else _plain(text)
    columns = [i for i, piece in enumerate(pieces) for _ in piece]
    source, known = "".join(pieces).rstrip(), functions()
    at, depth, last = len(source) - len(source.lstrip()), 0, ""
    while at < len(source):
        tokens = _next(source, at, known, names)
        for token in tokens:
            yield replace(token, column=columns[token.column])
            last = token.text if token.kind == "sign" else token.kind
            depth += (last in ("call", "(", "[", "{")) - (last in (")", "]", "}"))
        if not tokens and source[at] not in (" \t\f\r\n" if depth else " \t\f"):  # in brackets lines may be broken
            other = f"this is no formula: {printable(source[at])} has no meaning in one"
            raise FormulaError(MEANINGLESS.get(source[at], other), text, columns[at])
        at = tokens[-1].end if tokens else at + 1
        if last in ("name", "number", ")", "]", "}") and INDEX.match(source, at):
            raise FormulaError("square brackets number a name, as in h1[2]", text, columns[at])
    yield Token("end", "", len(text), len(text))


def functions() -> dict[str, Callable[..., Any]]:
    """What can be called, by name and by sign."""
    return {**COMPOSED, **{row.sign: row for row in TABLE.values()}, **TABLE}


def as_typed(name: str) -> str:
    """A name in the form in which names are compared: ℓ, ϕ and x₁ as l, φ and x1, and one kind of apostrophe."""
    return normalize("NFKC", "".join(_plain(name)))


def typeset_as(latex: str) -> str:
    r"""The name that stands for a typeset one when LaTeX is read: w1 for w_{1}."""
    return "".join(_from_latex(latex)).strip()


def _next(source: str, at: int, known: Collection[str], names: Collection[str]) -> list[Token]:
    """The token that begins here, or a name and the function that follows it; nothing where none begins."""
    if number := NUMBER.match(source, at):
        return [Token("number", number.group(), at, number.end())]
    if sign := SIGN.match(source, at):
        return [Token("sign", sign.group().replace("**", "^"), at, sign.end(), bracket=sign.group())]
    if source[at].isidentifier() or source[at] in known:
        return _word(source, at, known, names)
    return []


def _word(source: str, at: int, known: Collection[str], names: Collection[str]) -> list[Token]:
    """A name, a function with what shows that it is one, or both, as in xsin(z)."""
    end = at + 1
    while end < len(source) and f"{source[at]}{source[end]}".isidentifier():  # letters, digits and the marks above them
        end += 1
    bare = source[at:end].rstrip(PRIME)
    call = CALL.match(source, end)
    alone = not call and bare in known and ALONE.match(source, end)
    function = max((name for name in known if bare.endswith(name)), key=len, default="") if call or alone else ""
    exponent = (call[1] or call[2] or "") if call else ""
    doubtful = alone or exponent or function in COMPOSED
    start = at + len(bare) - len(function)
    if function and not (doubtful and split(source[at:end], names)) and _is_product(source[at:start], names):
        head = [Token("name", source[at:start], at, start)] if start > at else []
        kind, after = ("call", call.end()) if call else ("function", end)
        return [*head, Token(kind, source[start:end], start, after, exponent, source[after - 1])]
    sample = SAMPLE.match(source, end)
    if sample:
        return [Token("name", f"{source[at:end]}[{sample[1]}]", at, sample.end())]
    return [Token("name", source[at:end], at, end, bracket=source[end : end + 1])]


def _is_product(head: str, names: Collection[str]) -> bool:
    """Can what stands before a function's name be names, as in xsin(z), and not the beginning of arctan(z)?"""
    return not head or bool(split(head, names)) or (not names and not re.fullmatch(r"[a-z]{3,}", head))


def split(word: str, names: Collection[str]) -> list[str]:
    """word as a row of known names, if there is exactly one way: w1x1 as w1, x1. Else empty."""
    if word in names:
        return [word]
    ways = [1] + [0] * len(word)  # to write the first characters: none, one, or 2 for more
    last = [0] * len(ways)  # where the last name begins
    for end in range(1, len(ways)):
        for start in range(max(0, end - LONGEST_NAME), end):
            if ways[start] and word[start:end] in names and not word[end : end + 1].isdigit():
                ways[end], last[end] = min(2, ways[end] + ways[start]), start
    pieces, end = list[str](), len(word)
    while end and ways[-1] == 1:
        pieces.append(word[last[end] : end])
        end = last[end]
    return pieces[::-1]


def _plain(text: str) -> list[str]:
    """What each character stands for, in plain signs: x² is x^(2), eˣ is e^(x), ½ is (1/2)."""
    pieces = []
    for before, character, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        plain = normalize("NFKC", character).translate(TYPED)
        if _raised(character):
            pieces.append(f"{'' if _raised(before) else '^('}{plain}{'' if _raised(after) else ')'}")
        elif "⁄" in plain:
            pieces.append(character if before.isdigit() else f"({plain.replace('⁄', '/')})")  # 1½ is refused
        else:
            pieces.append(plain)
    return pieces


def _raised(character: str) -> bool:
    """Whether it is an exponent, as ² and ˣ are; not so ⁽ and ⁾, which may count layers."""
    return decomposition(character).startswith("<super>") and character not in "⁽⁾"


def _from_latex(text: str) -> list[str]:
    r"""The same for LaTeX: w_{1} is w1, \frac{a}{b} is div(a, b); a command means the row that it writes."""
    pieces, commands = _plain(text), _commands()
    braces: list[int] = []  # of each open brace: how many groups of a command end with it or come after it
    groups = 0  # of the command that stands before
    for found in COMMAND.finditer(text):
        piece = "*" if found["dot"] else {"le": "≤", "ge": "≥"}.get(found["bound"], " ")
        if found["open"]:
            piece = "(" if groups else "{"
            braces.append(groups)
        elif found["close"]:
            left = braces.pop() if braces else 0
            piece = "," if left > 1 and found["next"] else (")" if left else "}") + ("{" if found["next"] else "")
            braces += [max(0, left - 1)] if found["next"] else []
        groups = 0
        if found["name"]:
            usual = found["inner"] or found["name"]
            name, groups = commands.get(found["name"], (usual.replace("\\", ""), 0))
            sample = f"[{found['sample']}]" if found["sample"] else ""
            piece = f" {name}{found['index'] or found['bare'] or ''}{sample} "
        pieces[found.start() : found.end()] = [piece] + [""] * (len(found.group()) - 1)
    return pieces


def _commands() -> dict[str, tuple[str, int]]:
    r"""The operations that LaTeX commands write, and in how many groups of braces: none for \tanh, two for \frac."""
    commands = {"e": ("exp(1)", 0)}  # a label e is typeset otherwise
    for row in TABLE.values():
        if found := re.fullmatch(r"(\\.+)\\left\(\{a:0\}(?:, \{b:0\})?\\right\)", row.latex):
            commands[found[1].format()] = row.name, 0
        elif found := re.fullmatch(r"(\\[a-z]+)\{\{\{a:0\}\}\}(?:\{\{\{b:0\}\}\})?", row.latex):
            commands[found[1]] = row.name, row.arity
    return commands
