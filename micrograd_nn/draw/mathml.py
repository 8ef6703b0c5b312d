"""The LaTeX that this package writes, as MathML, which a browser typesets without fetching anything.

Promise: every piece of text comes out escaped, so a label can't become markup; what is not understood is shown as it
stands rather than dropped; and there is no recursion, however deep the formula.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

TOKEN = re.compile(
    r"\\(?P<raw>text|mathrm|mathit|operatorname)\{(?P<content>(?:\\.|[^\\{}])*)\}"
    r"|\\(?P<fence>left|right)(?![A-Za-z])\s*(?P<bracket>\\?.)"
    r"|\\(?P<command>[A-Za-z]+|.)"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<space>\s+)"
    r"|(?P<char>.)",
    re.DOTALL,
)
GREEK = {unicodedata.name(letter).rsplit(" ", 1)[1].lower(): letter for letter in "αβγδεζηθικμνξπρστυφχψω"} | {
    "lambda": "λ"
}  # Unicode spells it lamda
SIGNS = {"cdot": "·", "times": "×", "infty": "∞", "dots": "…", "ldots": "…", "partial": "∂", "leftarrow": "←", "|": "‖"}
SIGNS |= {"ge": "≥", "le": "≤", "approx": "≈", "sum": "∑", "odot": "⊙"}
PLAIN = {"-": "−", "'": "′"}
SUM = "<mo>∑</mo>"
SPACES = dict.fromkeys((",", ";", ":", " ", "!"), "0.2em") | {"quad": "1em", "qquad": "2em"}
BREAK = re.compile(r"\\\\\s*\n?")


def mathml(latex: str, block: bool = False) -> str:
    r"""LaTeX as one ``math`` element, on a line of its own if ``block``; an aligned block becomes a table.

    >>> mathml(r"\frac{\partial L}{\partial w_{1}}")[:50]
    '<math><mfrac><mrow><mi>∂</mi><mi>L</mi></mrow><mro'
    """
    opening = '<math display="block">' if block else "<math>"
    aligned = re.fullmatch(r"\\begin\{aligned\}(.*)\\end\{aligned\}", latex.strip(), re.DOTALL)
    if not aligned:
        return f"{opening}{_row(latex)}</math>"
    rows = [_table_row(line) for line in BREAK.split(aligned[1].strip())]
    return f'{opening}<mtable displaystyle="true">{"".join(rows)}</mtable></math>'


def _table_row(line: str) -> str:
    cells = re.split(r"(?<!\\)&", line)
    return "<mtr>" + "".join(f"<mtd>{_row(cell)}</mtd>" for cell in cells) + "</mtr>"


@dataclass
class _Group:
    """What stands between two brackets so far, and the constructs that still wait for their parts."""

    atoms: list[str] = field(default_factory=list)
    waiting: list[tuple[Callable[..., str], list[str], int]] = field(default_factory=list)

    def take(self, atom: str) -> None:
        """An atom is complete: it is a part of what waits for one, or stands by itself."""
        while self.waiting:
            build, parts, needed = self.waiting[-1]
            parts.append(atom)
            if len(parts) < needed:
                return
            self.waiting.pop()
            atom = build(*parts)
        self.atoms.append(atom)

    def opens(self) -> bool:
        """Whether nothing stands here yet that a minus sign could take something away from."""
        sign = re.fullmatch(r"<mo[^>]*>(.+)</mo>", self.atoms[-1]) if self.atoms else None
        return not self.atoms or (sign is not None and sign[1] not in ")]}|…")

    def wait(self, build: Callable[..., str], needed: int, *parts: str) -> None:
        """The next atoms are parts of this construct."""
        self.waiting.append((build, list(parts), needed))

    def script(self, tag: str) -> None:
        """The last atom gets the next one as its index or its exponent."""
        base = self.atoms.pop() if self.atoms else "<mrow></mrow>"
        if SUM in (base, base[len("<munder>") :][: len(SUM)]):
            tag = {"msub": "munder", "msup": "mover"}[tag]  # the limits of a sum stand below and above it
        self.wait(lambda base, script: f"<{tag}>{base}{script}</{tag}>", 2, base)

    def mathml(self) -> str:
        """The atoms in a row, and what waited in vain for more."""
        atoms = self.atoms + [part for _, parts, _ in self.waiting for part in parts]
        return atoms[0] if len(atoms) == 1 else f"<mrow>{''.join(atoms)}</mrow>"


def _row(latex: str) -> str:
    groups = [_Group()]
    for token in TOKEN.finditer(latex):
        top = groups[-1]
        kind, char = token.lastgroup, token["char"]
        if token["raw"]:
            top.take(_upright(token["raw"], re.sub(r"\\(.)", r"\1", token["content"])))
        elif token["fence"]:
            _fence(groups, token["fence"], token["bracket"])
        elif kind == "command":
            _command(top, token["command"])
        elif kind == "number":
            top.take(f"<mn>{token['number']}</mn>")
        elif char == "{":
            groups.append(_Group())
        elif char == "}":
            _close(groups)
        elif char in ("_", "^"):
            top.script("msub" if char == "_" else "msup")
        elif char == "-" and top.opens():
            top.take('<mo form="prefix" lspace="0" rspace="0">−</mo>')
        elif char:
            top.take(_character(char))
    while len(groups) > 1:
        _close(groups)
    return groups[0].mathml()


def _close(groups: list[_Group], *atoms: str) -> None:
    if len(groups) > 1:
        group = groups.pop()
        group.atoms.extend(atoms)
        groups[-1].take(group.mathml())


def _fence(groups: list[_Group], side: str, bracket: str) -> None:
    sign = f"<mo>{escape(bracket.removeprefix(chr(92)))}</mo>"
    if side == "left":
        groups.append(_Group([sign]))
    else:
        _close(groups, sign)


def _command(top: _Group, name: str) -> None:
    if name == "frac":
        top.wait(lambda above, below: f"<mfrac>{above}{below}</mfrac>", 2)
    elif name == "sqrt":
        top.wait(lambda inside: f"<msqrt>{inside}</msqrt>", 1)
    elif name == "bar":
        top.wait(lambda below: f"<mover>{below}<mo>¯</mo></mover>", 1)
    elif name == "partial":
        top.take("<mi>∂</mi>")
    elif name in SIGNS:
        top.take(f"<mo>{SIGNS[name]}</mo>")
    elif name in GREEK:
        top.take(f"<mi>{GREEK[name]}</mi>")
    elif name in SPACES:
        top.take(f'<mspace width="{SPACES[name]}"></mspace>')
    elif len(name) > 1:
        top.take(f"<mi>{escape(name)}</mi>")  # \tanh, \ln: a name of several letters stands upright
    else:
        top.take(f"<mo>{escape(name)}</mo>")


def _upright(kind: str, content: str) -> str:
    if kind == "text":
        return f"<mtext>{escape(content)}</mtext>"
    if kind == "mathit":
        return f"<mi>{escape(content)}</mi>"
    return f'<mi mathvariant="normal">{escape(content)}</mi>'


def _character(char: str) -> str:
    if char.isalpha():
        return f"<mi>{escape(char)}</mi>"
    if char in "()[]|":
        return f'<mo stretchy="false">{char}</mo>'  # one that stretches stands askew before an exponent
    return f"<mo>{PLAIN.get(char) or escape(char)}</mo>"
