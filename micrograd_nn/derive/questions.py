"""What a tutor asks about a derivation, in which order, and the hints for each question.

From the root down: each factor of the chain; the sum wherever ways meet; and last the whole, if it is not one of these.
A hint is read off the formula of the part that is derived and the rows of its operations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..engine.value import Value, adjoints
from ..errors import counted
from ..notation.symbol import Symbol
from ..notation.text import bracketed, equation, label_text, number_text
from ._explain import DIGITS, Explanation
from .chain import Chain
from .named import Factor, formula_of
from .recorded import partial_text
from .worked import Rule, rules_of

GAP = "___"
TIMES = {1: "once", 2: "twice"}


@dataclass(frozen=True)
class Question:
    """One thing that is asked: a factor, or what comes of all ways from the root down to a name."""

    asked: str  # ∂o1/∂h1
    ends: tuple[str, str]  # o1, h1
    whole: bool  # over all ways between the two, and not the one factor
    number: float
    hints: tuple[str, str, str]  # where to look, which rule, the rule with its gap
    answer: str


def questions_of(explanation: Explanation) -> list[Question]:
    """The questions of a derivation, each one answerable by then."""
    chain = explanation.chain
    above = _above(chain)
    gradients, root = adjoints(chain.root), chain.names[chain.root]
    known = {root: Known("", 1.0)}
    questions = list[Question]()
    for node in downwards(chain):
        name = chain.names[node]
        towards = above.get(name, [])
        questions += [_about_factor(explanation, factor) for factor in towards]
        if len(towards) > 1 or (node is chain.target and towards[0].child != root):
            several = len(towards) > 1 and any(factor.child == root for factor in towards)
            known[name] = Known(partial_text(root, name, "d" if several else "∂"), gradients[node])
            questions.append(_about_whole((root, name), known, above))
    return questions


def downwards(chain: Chain) -> list[Value]:
    """The named nodes on the way, from the root down; as far down as each other, they stand as in the graph."""
    depths = {chain.root: 0}
    for child, factors in chain.factors.items():
        for parent in factors:
            depths[parent] = max(depths.get(parent, 0), depths[child] + 1)
    return sorted(chain.named, key=depths.__getitem__)


def _above(chain: Chain) -> dict[str, list[Factor]]:
    """By name: the factors towards it that lie on a path from the target to the root, none of them the constant 0."""
    above: dict[str, list[Factor]] = {}
    for child in downwards(chain):
        for parent, factor in chain.factors.get(child, {}).items():
            if not factor.is_nothing and chain.paths_through((child, parent)):
                above.setdefault(factor.parent, []).append(factor)
    return above


# ---- one factor ----


def _about_factor(explanation: Explanation, factor: Factor) -> Question:
    names = explanation.chain.names
    child = next(node for node in explanation.chain.named if names[node] == factor.child)
    formula, parent = formula_of(child, names), label_text(factor.parent)
    uses = _uses(formula, factor.parent)
    where = (
        f"{parent} stands {TIMES.get(uses, f'{uses} times')} in {label_text(factor.child)} = {formula}. "
        f"Derive that towards {parent}, as if all else in it were a number."
    )
    gap = f"{factor} = {_with_gap(factor.symbol)}"
    answer = equation(str(factor), str(factor.symbol), number_text(factor.number, DIGITS))
    hints = where, _rules(formula, factor.parent), gap
    return Question(str(factor), (factor.child, factor.parent), False, factor.number, hints, answer)


def _rules(formula: Symbol, name: str) -> str:
    """The rules that it takes to derive a formula towards a name, from the outside in."""
    rules = rules_of(formula, name)
    said = list(dict.fromkeys(map(_rule, rules)))
    several = f"{counted(len(said), 'rule')}, outermost first; their slopes multiply" if len(said) > 1 else "one rule"
    uses = " What comes of each use adds up." if _uses(formula, name) > 1 else ""
    inside = "".join(map(_inside, rules[-1:]))
    return f"it takes {several}: {'; '.join(said)}.{inside}{uses}"


def _inside(rule: Rule) -> str:
    """What is left to do below the innermost rule; nothing where the name itself stands in it."""
    (letter, _), *more = rule.slopes
    ends = more or rule.is_plain or rule.inner[0].operation is None
    return "" if ends else f" The slope of what {letter} stands for is a factor too."


def _uses(formula: Symbol, name: str) -> int:
    """How often a name stands in a formula as it is written."""
    return formula.fold(lambda leaf: int(leaf.name == name), lambda operation, *counts: int(sum(counts)))


def _rule(rule: Rule) -> str:
    """An operation's slope, as the textbook has it: u and v for what is derived, c for what is not."""
    both = len(rule.slopes) > 1
    said = (f"the slope {slope}{f' towards {letter}' if both else ''}" for letter, slope in rule.slopes)
    return f"{rule.written} has {' and '.join(said)}"


def _with_gap(symbol: Symbol) -> str:
    """The symbol with its last name left out; all of it where it is no more than a name or a number."""
    names = [part for part in symbol.parts() if part.name is not None]
    if symbol.operation is None or not names:
        return f"{GAP}, a single {'name' if names else 'number'}"
    return str(symbol.fold(lambda leaf: Symbol(GAP) if leaf.name == names[-1].name else leaf, Symbol.apply))


# ---- the whole ----


@dataclass(frozen=True)
class Known:
    """∂root/∂name, as it was asked for before."""

    text: str  # nothing for the root itself
    number: float


def _about_whole(ends: tuple[str, str], known: Mapping[str, Known], above: Mapping[str, list[Factor]]) -> Question:
    """All ways down to a name, each from the last name above it of which the whole is known."""
    root, name = map(label_text, ends)
    whole = known[ends[1]]
    ways = [_way(factor, known, above) for factor in above[ends[1]]]
    terms = [[text for text in (known[way[0].child].text, *map(str, way)) if text] for way in ways]
    numbers = [[known[way[0].child].number, *(factor.number for factor in way)] for way in ways]
    written = [[*map(_short, row[len(row) - len(term) :])] for row, term in zip(numbers, terms, strict=True)]
    written[0][0] = written[0][0].strip("()")
    if len(ways) > 1:
        *others, last = [label_text(way[-1].child) for way in ways]
        through = f"{', '.join(others)} and {last}"
        lead = f"{counted(len(ways), 'way')} lead from {root} down to {name}"
        where = f"{lead}: they come from {through}. You have all their factors."
        rule = "along a way the factors multiply, and where ways meet, the products add up: "
    else:
        where, rule = f"one way leads from {root} down to {name}. You have all its factors.", "the factors multiply: "
    in_names, in_numbers, gapped = (
        " + ".join(map(" · ".join, rows)) for rows in (terms, written, [*written[:-1], [*written[-1][:-1], GAP]])
    )
    hints = where, f"{rule}{whole.text} = {in_names}", f"{whole.text} = {gapped}"
    answer = equation(whole.text, in_names, in_numbers, number_text(whole.number, DIGITS))
    return Question(whole.text, ends, True, whole.number, hints, answer)


def _way(factor: Factor, known: Mapping[str, Known], above: Mapping[str, list[Factor]]) -> list[Factor]:
    """The factors from the last name of which the whole is known down to this one."""
    way = [factor]
    while way[0].child not in known:
        (only,) = above[way[0].child]  # where ways meet, the whole was asked for
        way.insert(0, only)
    return way


def _short(number: float) -> str:
    return bracketed(number_text(number, DIGITS))
