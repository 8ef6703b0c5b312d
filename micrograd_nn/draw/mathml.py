"""The LaTeX that this package writes, as MathML, which a browser typesets without fetching anything.

Promise (tests/test_draw_mathml.py): every piece of text comes out escaped, so a label can't become markup; what is not
understood is shown as it stands rather than dropped; and there is no recursion, however deep the formula.
"""

import re
import unicodedata
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
SIGNS = {"cdot": "·", "times": "×", "infty": "∞", "dots": "…", "ldots": "…", "leftarrow": "←", "|": "‖", "ge": "≥"}
SIGNS |= {"le": "≤", "approx": "≈", "sum": "∑", "odot": "⊙"}
SPACES = dict.fromkeys((",", ";", ":", " ", "!"), "0.2em") | {"quad": "1em", "qquad": "2em"}
ATOMS = {name: f"<mo>{sign}</mo>" for name, sign in SIGNS.items()}
ATOMS |= {name: f"<mi>{letter}</mi>" for name, letter in (GREEK | {"partial": "∂"}).items()}
ATOMS |= {name: f'<mspace width="{width}"></mspace>' for name, width in SPACES.items()}
PARTS = {  # what takes the atoms after it as its parts, and how many
    "frac": ("<mfrac>{}{}</mfrac>", 2),
    "sqrt": ("<msqrt>{}</msqrt>", 1),
    "bar": ("<mover>{}<mo>¯</mo></mover>", 1),
}
UPRIGHT = {"text": "<mtext>{}</mtext>", "mathit": "<mi>{}</mi>"}
PLAIN = {"-": "−", "'": "′"}
BREAK, CELL = re.compile(r"\\\\\s*\n?"), re.compile(r"(?<!\\)&")


def mathml(latex: str, block: bool = False) -> str:
    r"""LaTeX as one ``math`` element, on a line of its own if ``block``; an aligned block becomes a table.

    >>> mathml(r"\frac{\partial L}{\partial w_{1}}")[:50]
    '<math><mfrac><mrow><mi>∂</mi><mi>L</mi></mrow><mro'
    """
    opening = '<math display="block">' if block else "<math>"
    aligned = re.fullmatch(r"\\begin\{aligned\}(.*)\\end\{aligned\}", latex.strip(), re.DOTALL)
    if not aligned:
        return f"{opening}{_row(latex)}</math>"
    rows = [[_row(cell) for cell in CELL.split(line)] for line in BREAK.split(aligned[1].strip())]
    table = "".join(f"<mtr><mtd>{'</mtd><mtd>'.join(cells)}</mtd></mtr>" for cells in rows)
    return f'{opening}<mtable displaystyle="true">{table}</mtable></math>'


@dataclass
class _Group:
    """What stands between two brackets so far, and the constructs that still wait for their parts."""

    atoms: list[str] = field(default_factory=list)
    waiting: list[tuple[str, list[str], int]] = field(default_factory=list)  # template, parts so far, parts needed

    def take(self, atom: str) -> None:
        """An atom is complete: it is a part of what waits for one, or stands by itself."""
        while self.waiting:
            template, parts, needed = self.waiting[-1]
            parts.append(atom)
            if len(parts) < needed:
                return
            self.waiting.pop()
            atom = template.format(*parts)
        self.atoms.append(atom)

    def opens(self) -> bool:
        """Whether nothing stands here yet that a minus sign could take something away from."""
        sign = re.fullmatch(r"<mo[^>]*>(.+)</mo>", self.atoms[-1]) if self.atoms else None
        return not self.atoms or (sign is not None and sign[1] not in ")]}|…")

    def script(self, below: bool) -> None:
        """The last atom gets the next one as its index or its exponent; a sum gets its limits below and above it."""
        base = self.atoms.pop() if self.atoms else "<mrow></mrow>"
        is_sum = base.removeprefix("<munder>").startswith(ATOMS["sum"])
        tag = ("munder" if below else "mover") if is_sum else ("msub" if below else "msup")
        self.waiting.append((f"<{tag}>{{}}{{}}</{tag}>", [base], 2))

    def mathml(self) -> str:
        """The atoms in a row, and what waited in vain for more."""
        atoms = self.atoms + [part for _, parts, _ in self.waiting for part in parts]
        return atoms[0] if len(atoms) == 1 else f"<mrow>{''.join(atoms)}</mrow>"


def _row(latex: str) -> str:
    groups = [_Group()]
    for token in TOKEN.finditer(latex):
        top, command, char = groups[-1], token["command"], token["char"]
        bracket = f"<mo>{escape((token['bracket'] or '')[-1:])}</mo>"
        if token["raw"]:
            content = escape(re.sub(r"\\(.)", r"\1", token["content"]))
            top.take(UPRIGHT.get(token["raw"], '<mi mathvariant="normal">{}</mi>').format(content))
        elif token["fence"] == "left":
            groups.append(_Group([bracket]))
        elif token["fence"]:
            _close(groups, bracket)
        elif command in PARTS:
            template, needed = PARTS[command]
            top.waiting.append((template, [], needed))
        elif command:  # \tanh, \ln: a name of several letters stands upright
            kind = "mi" if len(command) > 1 else "mo"
            top.take(ATOMS.get(command) or f"<{kind}>{escape(command)}</{kind}>")
        elif token["number"]:
            top.take(f"<mn>{token['number']}</mn>")
        elif char == "{":
            groups.append(_Group())
        elif char == "}":
            _close(groups)
        elif char in ("_", "^"):
            top.script(below=char == "_")
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


def _character(char: str) -> str:
    if char.isalpha():
        return f"<mi>{escape(char)}</mi>"
    if char in "()[]|":
        return f'<mo stretchy="false">{char}</mo>'  # one that stretches stands askew before an exponent
    return f"<mo>{PLAIN.get(char) or escape(char)}</mo>"
