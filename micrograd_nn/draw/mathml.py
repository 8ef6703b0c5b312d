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
SIGNS = {
    "cdot": "·",
    "times": "×",
    "infty": "∞",
    "dots": "…",
    "ldots": "…",
    "leftarrow": "←",
    "|": "‖",
    "ge": "≥",
    "le": "≤",
}
SIGNS |= {"le": "≤", "approx": "≈", "sum": "∑", "odot": "⊙"}
SPACES = dict.fromkeys((",", ";", ":", " ", "!"), "0.2em") | {"quad": "1em", "qquad": "2em"}
COMMANDS = {  # what a command becomes; it takes as many of the atoms after it as there are gaps
    **{name: f"<mo>{sign}</mo>" for name, sign in SIGNS.items()},
    **{name: f"<mi>{letter}</mi>" for name, letter in (GREEK | {"partial": "∂"}).items()},
    **{name: f'<mspace width="{width}"></mspace>' for name, width in SPACES.items()},
    "frac": "<mfrac>{}{}</mfrac>",
    "sqrt": "<msqrt>{}</msqrt>",
    "bar": "<mover>{}<mo>¯</mo></mover>",
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
    waiting: list[tuple[str, list[str]]] = field(default_factory=list)  # each with the parts that it has

    def take(self, atom: str) -> None:
        """An atom is complete: it is a part of what waits for one, or stands by itself."""
        while self.waiting:
            template, parts = self.waiting[-1]
            parts.append(atom)
            if len(parts) < template.count("{}"):
                return
            self.waiting.pop()
            atom = template.format(*parts)
        self.atoms.append(atom)

    def opens(self) -> bool:
        """Whether nothing stands here yet that a minus sign could take something away from."""
        sign = re.fullmatch(r"<mo[^>]*>(.+)</mo>", self.atoms[-1]) if self.atoms else None
        return not self.atoms or (sign is not None and sign[1] not in ")]}|…")

    def script(self, place: str) -> None:
        """The last atom gets the next one as its index or its exponent; a sum gets its limits below and above it."""
        base = self.atoms.pop() if self.atoms else "<mrow></mrow>"
        is_sum = base.removeprefix("<munder>").startswith(COMMANDS["sum"])
        tag = {"_": "munder" if is_sum else "msub", "^": "mover" if is_sum else "msup"}[place]
        self.waiting.append((f"<{tag}>{{}}{{}}</{tag}>", [base]))

    def mathml(self) -> str:
        """The atoms in a row, and what waited in vain for more."""
        atoms = self.atoms + [part for _, parts in self.waiting for part in parts]
        return atoms[0] if len(atoms) == 1 else f"<mrow>{''.join(atoms)}</mrow>"


def _row(latex: str) -> str:
    groups = [_Group()]
    for token in TOKEN.finditer(latex):
        top, written = groups[-1], token.group()
        bracket = [f"<mo>{escape(token['bracket'][-1])}</mo>"] if token["fence"] else []
        if written == "{" or token["fence"] == "left":
            groups.append(_Group(bracket))
        elif written == "}" or token["fence"]:
            _close(groups, bracket)
        elif written in ("_", "^"):
            top.script(written)
        elif "{}" in COMMANDS.get(token["command"], ""):
            top.waiting.append((COMMANDS[token["command"]], []))
        elif written == "-" and top.opens():
            top.take('<mo form="prefix" lspace="0" rspace="0">−</mo>')
        elif not written.isspace():
            top.take(_atom(token))
    while len(groups) > 1:
        _close(groups, [])
    return groups[0].mathml()


def _close(groups: list[_Group], bracket: list[str]) -> None:
    if len(groups) > 1:
        group = groups.pop()
        group.atoms += bracket
        groups[-1].take(group.mathml())


def _atom(token: re.Match[str]) -> str:
    written, command = token.group(), token["command"]
    if token["raw"]:
        content = escape(re.sub(r"\\(.)", r"\1", token["content"]))
        return UPRIGHT.get(token["raw"], '<mi mathvariant="normal">{}</mi>').format(content)
    if command:  # \tanh, \ln: a name of several letters stands upright
        kind = "mi" if len(command) > 1 else "mo"
        return COMMANDS.get(command) or f"<{kind}>{escape(command)}</{kind}>"
    if written in "()[]|":
        return f'<mo stretchy="false">{written}</mo>'  # one that stretches stands askew before an exponent
    kind = "mn" if token["number"] else "mi" if written.isalpha() else "mo"
    return f"<{kind}>{PLAIN.get(written) or escape(written)}</{kind}>"
