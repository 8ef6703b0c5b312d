"""Sheets and their keys as HTML for a printer: one file each, which fetches nothing.

Promise (tests/test_sheets_print.py): on A4 and on Letter nothing is cut off, and each sheet begins on a page of its
own. Text from the graph reaches the page as text only.
"""

import re
from collections.abc import Mapping
from html import escape
from importlib import resources

from ..derive import Explanation, Quiz
from ..derive.named import formula_of, numbered
from ..derive.recorded import partial_latex
from ..engine.value import Value
from ..errors import GraphError
from ..notation.latex import label_latex, number_latex
from ..notation.text import equation
from .mathml import mathml

DIGITS = 6
SIGNS = {" = ": "=", " + ": "+", " - ": "−", r" \cdot ": "·"}
DOTS = (r" \cdot ",)
TOKEN = re.compile("|".join(map(re.escape, SIGNS)) + r"|\\[{}]|.", re.DOTALL)
OPENS = {"{": 1, "}": -1, "(": 1, ")": -1, "[": 1, "]": -1}
LONG = 40  # characters of LaTeX
ROOM, LINE = 146.0, 18.0  # millimetres that a page has for what is asked, and what a line with a slip takes of them
LOW, HIGH = 9.2, 19.0  # how high a row may be


def sheets_page(quizzes: Mapping[int, Quiz], title: str = "Sheet") -> str:
    """The sheets, by the number that each is headed with."""
    return _page(title, [_sheet(f"{title} {number}", quiz) for number, quiz in quizzes.items()])


def keys_page(quizzes: Mapping[int, Quiz], title: str = "Key") -> str:
    """The keys, by the same numbers: each answer, and how it comes about."""
    return _page(title, [_key(f"{title} {number}", quiz) for number, quiz in quizzes.items()])


def _page(title: str, sections: list[str]) -> str:
    css = resources.files(__package__).joinpath("sheets.css").read_text(encoding="utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>\n{css}</style></head>\n'
        f"<body>\n{chr(10).join(sections)}\n</body></html>\n"
    )


# ---- a sheet ----


def _sheet(heading: str, quiz: Quiz) -> str:
    names = quiz.names
    given = "".join(f"<li>{_math(label_latex(names[leaf]), number_latex(leaf.data))}</li>" for leaf in quiz.leaves)
    made = "".join(f"<li>{_math(label_latex(names[n]), formula_of(n, names).latex())}</li>" for n in quiz.made)
    parts = [f"<h2>Given</h2><ul class=given>{given}</ul>", f"<h2>and</h2><ul class=equations>{made}</ul>"]
    lines = _slip_lines(quiz)
    if asked := _asked(quiz, names):
        rows = "".join(f"<tr><td>{mathml(latex)}</td><td></td><td></td></tr>" for latex in asked)
        head = "<thead><tr><th></th><th>working</th><th>result</th></tr></thead>"
        height = min(max(LOW, (ROOM - LINE * len(lines)) / len(asked)), HIGH)
        parts.append(f'<h2>Work out</h2><table style="--row: {height:.1f}mm">{head}<tbody>{rows}</tbody></table>')
    if lines:
        listed = "".join(f"<li>{line}</li>" for line in lines)
        what = "One line of this derivation is wrong. Which one, and what belongs there?"
        blank = "<p class=blank>Line <i></i> is right as <i></i></p>"
        parts.append(f"<div class=slip><h2>{what}</h2><ol>{listed}</ol>{blank}</div>")
    who = "<p>Name <i></i> Date <i></i></p>"
    return f"<section><header><h1>{escape(heading)}</h1>{who}</header>\n{chr(10).join(parts)}</section>"


def _asked(quiz: Quiz, names: Mapping[Value, str]) -> list[str]:
    """In LaTeX, in the order of the answers."""
    root = names[quiz.root]
    return [
        *(label_latex(names[node]) for node in quiz.told),
        *(partial_latex(root, names[node]) for node in quiz.asked),
    ]


def _slip_lines(quiz: Quiz) -> list[str]:
    if quiz.slip is None:
        return []
    return [_math(*quiz.slip.chain_latex), *(_math(f.latex(), symbol.latex()) for f, symbol in quiz.slip.written)]


# ---- a key ----


def _key(heading: str, quiz: Quiz) -> str:
    values = "".join(f"<li>{_worked_out(node, quiz.names)}</li>" for node in quiz.told)
    parts = [f"<h2>Values</h2><ul class=equations>{values}</ul>"] if values else []
    parts += [f"<div class=derivation>{_derivation(explanation)}</div>" for explanation in quiz.derivations]
    if quiz.slip:
        place, factor = quiz.slip.place, quiz.slip.factors[quiz.slip.place]
        right = _math(factor.latex(), factor.symbol.latex())
        what = f"Line {place + 2} is wrong: {escape(quiz.slip.what)}. Right is"
        parts.append(f"<h2>{escape(quiz.slip.whole)}</h2><p class=answer>{what} {right}</p>")
    return f"<section class=key><header><h1>{escape(heading)}</h1></header>\n{chr(10).join(parts)}</section>"


def _worked_out(node: Value, names: Mapping[Value, str]) -> str:
    formula = formula_of(node, names)
    sides = formula.latex(), numbered(formula).latex(DIGITS), number_latex(node.data, DIGITS)
    return _math(label_latex(names[node]), *sides)


def _derivation(explanation: Explanation) -> str:
    try:
        block = explanation.latex().removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
    except GraphError:  # too long for a formula; the text says what can be done
        return f"<pre>{escape(str(explanation))}</pre>"
    return "".join(f"<p>{_math(line.replace('&=', '='))}</p>" for line in block.split(" \\\\\n"))


def _math(*sides: str) -> str:
    """An equation that may go on in the next line: a browser breaks no formula, but it does between two of them."""
    pieces = _pieces(equation(*sides))
    return " ".join(f"<span>{sign} {mathml(latex)}</span>" for sign, latex in pieces)


def _pieces(latex: str) -> list[tuple[str, str]]:
    r"""A formula cut at the signs that stand in no bracket, at dots only where it is long: each sign with what follows.

    >>> _pieces(r"L = {\left(a + b\right)}^{2} + c")
    [('', 'L'), ('=', '{\\left(a + b\\right)}^{2}'), ('+', 'c')]
    """
    pieces, depth = [("", "")], 0
    for token in TOKEN.findall(latex):
        depth += OPENS.get(token, 0)
        sign, piece = pieces[-1]
        if depth == 0 and token in SIGNS and piece and (token not in DOTS or len(piece) > LONG):
            pieces.append((SIGNS[token], ""))
        else:
            pieces[-1] = sign, piece + token
    return pieces
