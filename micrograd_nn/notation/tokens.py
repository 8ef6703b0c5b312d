r"""The tokens of a formula, cut from a line of text or from LaTeX.

Both become the same tokens, so that one parser reads them: x² and x^{2} are x, ^, bracket, 2, bracket, and
\frac{a}{b} is a call of div. A token knows where each of its characters stood in what was typed.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import decomposition, normalize

from ..engine.operation import TABLE, Operation
from ..engine.ops import cos, div, exp, sin
from ..errors import FormulaError, printable

PRIME = "ʹ"  # an apostrophe that counts as a letter, as in sigmoid'
TYPED = str.maketrans({
    "−": "-", "–": "-", "·": "*", "⋅": "*", "∙": "*", "×": "*", "'": PRIME, "′": PRIME, "’": PRIME,
})  # fmt: skip
SIGNS = frozenset("+-*/^<>()[]{}|,=")
DIGITS = r"[0-9](?:_?[0-9])*"
NUMBER = re.compile(rf"(?:{DIGITS}\.?(?:{DIGITS})?|\.{DIGITS})(?:e[-+]?[0-9]+)?")
SAMPLE = re.compile(r"\s*\[\s*([0-9]+)\s*\]")  # h1[2] is one name
LATEX = re.compile(r"\\|_\{")  # what no line of text holds
SPACE = re.compile(r"(?:\s|\\(?:left|right|quad)(?![A-Za-z])|\\[,;:! ])+")
DOT = re.compile(r"\\(?:cdot|times)(?![A-Za-z])")
GROUP = re.compile(r"(\\[A-Za-z]+)\s*\{")  # a command such as \frac, and its first group
NEXT_GROUP = re.compile(r"\}\s*\{")
TYPESET = re.compile(  # a name, its index, and the number of its sample: h_{1}^{(2)}
    r"([A-Za-z]|\\(?:text|mathrm|mathit|operatorname)\{(?:[^{}\\]|\\.)*\}|\\[A-Za-z]+)"
    r"(?:_(?:\{(\w+)\}|(\w)))?(\^\{\([0-9]+\)\})?"
)
COMPOSED: dict[str, Callable[[Any], Any]] = {  # functions of textbooks that are made of the table's
    "sinh": lambda a: (exp(a) - exp(-a)) * 0.5,
    "cosh": lambda a: (exp(a) + exp(-a)) * 0.5,
    "sech": lambda a: div(2.0, exp(a) + exp(-a)),
    "tan": lambda a: div(sin(a), cos(a)),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A number, a name, a sign, a call or the end. ``columns`` says where each of its characters stood."""

    kind: str
    text: str
    columns: tuple[int, ...]
    exponent: str = ""  # of a call: the 2 of tanh²(z)
    word: str = ""  # of a call that would be a product if its word were made of the caller's names

    @property
    def column(self) -> int:
        """Where it begins."""
        return self.columns[0]


def cut(text: str, no_calls: Collection[str] = ()) -> list[Token]:
    """The tokens of a formula, the end among them; words in ``no_calls`` are names also where they may be functions.

    >>> [token.text for token in cut("2tanh²(z)")]
    ['2', 'tanh', 'z', ')', '']

    Raises FormulaError for a character that has no meaning in a formula.
    """
    tokens = _latex_tokens(text) if LATEX.search(text) else _line_tokens(text)
    return [*_with_calls([*tokens, Token("end", "", (len(text),))], no_calls)]


def functions() -> dict[str, Callable[..., Any]]:
    """What can be called, by name and by sign."""
    return {**COMPOSED, **{row.sign: row for row in TABLE.values()}, **TABLE}


def as_typed(name: str) -> str:
    """A name in the form in which names are compared: ℓ, ϕ and x₁ as l, φ and x1, and one kind of apostrophe."""
    return normalize("NFKC", "".join(_plain(name)))


# ---- calls ----


def _with_calls(tokens: list[Token], no_calls: Collection[str]) -> Iterator[Token]:
    """Words as calls where they are functions: sin(z), x and sin for xsin(z), tanh²(z), and tanh z on its own."""
    names, at = functions(), 0
    while (token := tokens[at]).kind != "end":
        following = tokens[at + 1 : at + 6]
        at += 1
        exponent, length = _exponent_and_bracket([after.text for after in following])
        alone = not length and _is_one_operand(following)
        function = _function_at_end(token.text, names) if token.kind == "name" and (length or alone) else ""
        late = alone or exponent or function in COMPOSED
        if not function or (alone and token.text != function) or (late and token.text in no_calls):
            yield token
            continue
        start = len(token.text) - len(function)
        if start:
            yield replace(token, text=token.text[:start])
        kind = "function" if alone else "call"
        yield Token(kind, function, token.columns[start:], exponent, token.text if late else "")
        at += length
    yield token


def _is_one_operand(following: list[Token]) -> bool:
    """Whether a single name or number stands there: of tanh z² and tanh z(1 − z) people are of two minds."""
    return following[0].kind in ("name", "number") and (
        following[1].kind == "end" or following[1].text in ("+", "-", "*", "/", ">", "<", ")", "]", "}", ",")
    )


def _function_at_end(word: str, names: Collection[str]) -> str:
    """The longest function that the word ends in, with its apostrophes: all of sin, the sin of xsin."""
    bare = word.rstrip(PRIME)
    longest = max((name for name in names if bare.endswith(name)), key=len, default="")
    return longest and longest + word[len(bare) :]


def _exponent_and_bracket(following: list[str]) -> tuple[str, int]:
    """The exponent, if there is one, before a bracket that opens, and how many tokens both are."""
    match following:
        case ["(", *_]:
            return "", 1
        case ["^", n, "(", *_] if n.isdecimal():
            return n, 3
        case ["^", "(" | "{", n, ")" | "}", "("] if n.isdecimal():
            return n, 5
    return "", 0


# ---- a line of text ----


def _line_tokens(text: str) -> Iterator[Token]:
    pieces = _plain(text)
    source = "".join(pieces).rstrip()
    columns = [i for i, piece in enumerate(pieces) for _ in piece]
    roots = {row.sign for row in TABLE.values() if row.text.startswith(f"{row.sign}(")}  # √, no letter
    at, depth = len(source) - len(source.lstrip()), 0
    while at < len(source):
        character, kind, end = source[at], "sign", at + 1
        if character.isidentifier():
            kind, end = "name", _name_end(source, at)
        elif number := NUMBER.match(source, at):
            kind, end = "number", number.end()
        elif character in roots:
            kind = "name"
        elif character in SIGNS:
            end += source.startswith("**", at)
            depth += (character in "([{") - (character in ")]}")
        elif character in " \t\f" or (depth and character in "\r\n"):  # within brackets a formula may take more lines
            kind = ""
        else:
            raise _refusal(text, columns[at])
        if kind:
            word = source[at:end].replace("**", "^")
            yield Token(kind, SAMPLE.sub(r"[\1]", word), tuple(columns[at:end]))
        at = end


def _name_end(source: str, at: int) -> int:
    while at < len(source) and f"_{source[at]}".isidentifier():  # letters, digits and the marks above them
        at += 1
    sample = SAMPLE.match(source, at)
    return sample.end() if sample else at


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


def _refusal(text: str, column: int) -> FormulaError:
    other = f"this is no formula: {printable(text[column])} has no meaning in one"
    return FormulaError("a formula holds no comment" if text[column] == "#" else other, text, column)


# ---- LaTeX ----


def _latex_tokens(text: str) -> Iterator[Token]:
    r"""Names stay as they are typeset, w_{1}; commands are known from the rows that write them: \tanh, \frac."""
    calls, groups = _commands()
    braces: list[int] = []  # for each open brace how many groups of a command end with it or follow it, else 0
    at = 0
    while at < len(text):
        column, sign = at, text[at].translate(TYPED)
        if space := SPACE.match(text, at):
            at = space.end()
            continue
        if dot := DOT.match(text, at):
            at, kind, word = dot.end(), "sign", "*"
        elif (group := GROUP.match(text, at)) and group[1] in groups:
            braces.append(groups[group[1]].arity)
            yield Token("name", groups[group[1]].name, (column,) * len(group[1]))
            at, kind, word = group.end(), "sign", "("
        elif name := TYPESET.match(text, at):
            index = name[2] or name[3]
            typeset = name[1] + (f"_{{{index}}}" if index else "") + (name[4] or "")
            at, kind, word = name.end(), "name", calls.get(typeset, typeset)
        elif number := NUMBER.match(text, at):
            at, kind, word = number.end(), "number", number.group()
        elif braces and (following := NEXT_GROUP.match(text, at)) and braces[-1] > 1:
            braces[-1] -= 1
            at, kind, word = following.end(), "sign", ","
        elif braces and sign == "}":
            at, kind, word = at + 1, "sign", ")" if braces.pop() else "}"
        elif sign in SIGNS:
            braces += [0] if sign == "{" else []
            at, kind, word = at + 1, "sign", sign
        else:
            raise _refusal(text, at)
        yield Token(kind, word, (column,) * len(word))


def _commands() -> tuple[dict[str, str], dict[str, Operation]]:
    r"""The operations that LaTeX commands write: those with brackets, as \tanh, and those with braces, as \frac."""
    calls, groups = dict[str, str](), dict[str, Operation]()
    for row in TABLE.values():
        if found := re.fullmatch(r"(\\.+)\\left\(\{a:0\}(?:, \{b:0\})?\\right\)", row.latex):
            calls[found[1].format()] = row.name
        elif found := re.fullmatch(r"(\\[a-z]+)\{\{\{a:0\}\}\}(?:\{\{\{b:0\}\}\})?", row.latex):
            groups[found[1]] = row
    return calls, groups
