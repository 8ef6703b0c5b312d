"""The tutor: it asks for one factor of a derivation after the other, and answers as a patient teacher does.

What it asks and answers is data, and so is all that it remembers: the moves of its record. Whoever shows it, be it a
notebook, a shell or a page, hands an entry in or asks for a hint, and gets a Reply.

Promise (tests/test_tutor.py): nothing that it says before the answer is asked for holds the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose
from textwrap import fill
from typing import Any

from ..engine.value import Value
from ..errors import ArgumentError, ArgumentTypeError, GraphError, MicrogradError, counted
from ..notation._formula import parse
from ..notation.text import equation, label_text, number_text
from ._explain import DIGITS, Explanation, explain
from .check import Finding, check_partials
from .entries import right_side
from .named import formula_of
from .questions import Question, downwards, questions_of
from .verdict import what_is_off

MOST = 40  # factors of one derivation
ANSWER = 4  # the hint that is the answer
ROUNDED = 2e-5  # relative: a few factors of six digits, multiplied
WIDTH = 100  # columns of the opening


@dataclass(frozen=True)
class Reply:
    """What the tutor says to an entry or a hint, and what it asks next; ``print`` it, or let a notebook show it.

    >>> Reply("Right: ∂L/∂w = 2", True, "That was all.")
    Right: ∂L/∂w = 2
    <BLANKLINE>
    That was all.
    """

    words: str
    right: bool | None  # None for a hint, and for an entry that could not be read
    question: str  # what is asked now; at the end, what came of it all

    def __str__(self) -> str:
        return f"{self.words}\n\n{self.question}"

    __repr__ = __str__  # what a notebook shows of the last line of a cell


class Tutor:
    """A derivation under way: ``answer`` takes a formula or a number, ``hint`` helps, ``record`` is all that happened.

    ``questions`` come one after the other, each when the one before it is answered, or given away by its last hint.

    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> asking = tutor(w * x, w)
    >>> asking.question.asked, asking.answer("x").right
    ('∂L/∂w', True)
    """

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation
        self.questions = questions_of(explanation)
        self.moves: list[dict[str, Any]] = []

    # ---- what is known of it ----

    @property
    def question(self) -> Question | None:
        """What is asked now; None at the end."""
        done = {move["asked"] for move in self.moves if move.get("right") or move.get("hint") == ANSWER}
        return next((question for question in self.questions if question.asked not in done), None)

    @property
    def asks(self) -> str:
        """What is asked now, as a line; at the end, what came of it all."""
        return f"{self.question.asked} = ?" if self.question else self._summary()

    @property
    def hints(self) -> list[str]:
        """The hints that were given to what is asked now."""
        now = self.question
        count = sum("hint" in move for move in self.moves if now and move["asked"] == now.asked)
        return [*now.hints[:count]] if now else []

    @property
    def partial(self) -> str:
        """What all of it is about: ∂L/∂w1."""
        return self.questions[-1].asked

    @property
    def record(self) -> dict[str, Any]:
        """All that happened, as JSON takes it: ``tutor(L, "w1", record)`` goes on from there."""
        return {"partial": self.partial, "moves": [dict(move) for move in self.moves]}

    @property
    def data(self) -> dict[str, Any]:
        """What a page shows, as JSON takes it: what is asked, which question that is, the hints so far, the record."""
        now = self.question
        return {
            "partial": self.partial,
            "equations": self.equations,
            "given": self.given,
            "asked": now.asked if now else "",
            "asks": self.asks,
            "place": self.questions.index(now) if now else len(self.questions),
            "count": len(self.questions),
            "hints": self.hints,
            "record": self.record,
        }

    @property
    def equations(self) -> list[str]:
        """The named parts on the way, from the root down, each with its formula and its number."""
        names = self.explanation.chain.names
        formulas = ((node, formula_of(node, names)) for node in self._parts)
        return [equation(label_text(names[node]), str(formula), _short(node.data)) for node, formula in formulas]

    @property
    def given(self) -> list[str]:
        """What else stands in these formulas, with its number."""
        names, shown = self.explanation.chain.names, {*self._parts}
        used = dict.fromkeys(leaf.key for node in shown for leaf in formula_of(node, names).parts() if leaf.name)
        others = [node for node in used if isinstance(node, Value) and node not in shown]
        return sorted(f"{label_text(names[node])} = {_short(node.data)}" for node in others)

    @property
    def _parts(self) -> list[Value]:
        """The named nodes from the root down to the target, without it."""
        return downwards(self.explanation.chain)[:-1]

    @property
    def opening(self) -> str:
        """What all of it is about, in words, with the parts on the way."""
        head = f"{self.partial}, one step after the other, from {label_text(self.questions[0].ends[0])} down:"
        unbroken = ", ".join(self.given).replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
        given = fill(f"with {unbroken}", WIDTH, initial_indent="  ", subsequent_indent="       ")
        lines = [head, "", *(f"  {line}" for line in self.equations), given.replace("\N{NO-BREAK SPACE}", " ")]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"{self.opening}\n\n{self.asks}"

    # ---- what it answers ----

    def answer(self, entry: Any) -> Reply:
        """The verdict on an entry: a formula over the graph's labels, a number, or what else check_partials takes.

        >>> w, x = Value(0.5, "w"), Value(2.0, "x")
        >>> tutor((w * x) ** 2, "w").answer("x(w*x)")
        Not yet: a factor 2 is missing.
        <BLANKLINE>
        ∂L/∂w = ?
        """
        now = self.question
        if now is None:
            return Reply("Nothing is asked any more.", None, self.asks)
        move: dict[str, Any] = {"asked": now.asked, "given": str(entry)}
        try:
            finding = self._checked(now, entry)
        except MicrogradError as error:
            self.moves.append(move | {"right": None})
            return Reply(f"This can't be read, so it doesn't count: {error}", None, self.asks)
        right = _answers(now, finding) or _is_rounded(now, finding, entry)
        self.moves.append(move | {"right": right} | ({"slip": finding.slip.value} if finding.slip else {}))
        words = f"Right: {self._answer(now)}" if right else _not_yet(now, finding) + self._offer(now)
        return Reply(words, right, self.asks)

    def hint(self) -> Reply:
        """The next hint: where to look, which rule, the rule with its gap, and then the answer."""
        now, count = self.question, len(self.hints) + 1
        if now is None:
            return Reply("Nothing is asked any more.", None, self.asks)
        self.moves.append({"asked": now.asked, "hint": count})
        words = (
            f"The answer is {self._answer(now)}" if count == ANSWER else f"Hint {count} of 3: {now.hints[count - 1]}"
        )
        return Reply(words, None, self.asks)

    def _answer(self, question: Question) -> str:
        """The answer, and what p1, p2, … in it stand for."""
        where = self.explanation.chain.graph.where(question.answer)
        return question.answer + (where and f", {where}")

    def _offer(self, question: Question) -> str:
        """A hint is offered to who has tried more than once since the last one."""
        moves = [move for move in self.moves if move["asked"] == question.asked]
        since = next((i for i, move in enumerate(reversed(moves)) if "hint" in move), len(moves))
        return " A hint may help." if since > 1 and len(self.hints) < len(question.hints) else ""

    def _checked(self, question: Question, entry: Any) -> Finding:
        chain = self.explanation.chain
        child, parent = (next(node for node in chain.named if chain.names[node] == end) for end in question.ends)
        key = parent if question.whole else (child, parent)
        return check_partials(chain.root, {key: entry}).findings[0]

    def _summary(self) -> str:
        given = {move["asked"] for move in self.moves if move.get("hint") == ANSWER}
        tries = sum("given" in move for move in self.moves)
        own = len(self.questions) - len(given)
        lines = [f"That was all. Steps by yourself: {own} of {len(self.questions)}; answers: {tries}."]
        slips = dict.fromkeys(f"{move['slip']} in {move['asked']}" for move in self.moves if "slip" in move)
        return "\n".join([*lines, *([f"To look at again: {'; '.join(slips)}."] if slips else [])])


def _short(number: float) -> str:
    return number_text(number, DIGITS)


def _answers(question: Question, finding: Finding) -> bool:
    """Is it right, and what was asked for? A factor beside which there are other ways is not the whole."""
    return finding.ok and (question.whole or not _is_rather_the_whole(question, finding))


def _is_rounded(question: Question, finding: Finding, entry: Any) -> bool:
    """Is it a number as it comes of the numbers that are shown here, which are rounded?"""
    is_number = not parse(right_side(entry)).names if isinstance(entry, str) else not callable(entry)
    return is_number and isclose(finding.hand, question.number, rel_tol=ROUNDED)


def _is_rather_the_whole(question: Question, finding: Finding) -> bool:
    return abs(finding.hand - question.number) > abs(finding.hand - finding.engine)


def _not_yet(question: Question, finding: Finding) -> str:
    if finding.ok:
        return f"Not yet: this is all that comes of {label_text(question.ends[1])}, and asked is one term of it."
    return f"Not yet: {what_is_off(finding, question.asked, question.whole)}."


def tutor(root: Value, target: Value | str, record: Mapping[str, Any] | None = None) -> Tutor:
    """A tutor for ∂root/∂target, target being a node or its label; ``record`` is an earlier one, to go on from.

    >>> x, w, y = Value(2.0, "x"), Value(0.5, "w"), Value(1.0, "y")
    >>> o = w * x * 3
    >>> o.label = "o"
    >>> asking = tutor((y - o) ** 2, w)
    >>> asking
    ∂L/∂w, one step after the other, from L down:
    <BLANKLINE>
      L = (y − o)^2 = 4
      o = 3·w·x = 3
      with w = 0.5, x = 2, y = 1
    <BLANKLINE>
    ∂L/∂o = ?
    >>> asking.answer("-2(y - o)")
    Right: ∂L/∂o = −2(y − o) = 4
    <BLANKLINE>
    ∂o/∂w = ?
    >>> asking.hint()
    Hint 1 of 3: w stands once in o = 3·w·x. Derive that towards w, as if all else in it were a number.
    <BLANKLINE>
    ∂o/∂w = ?

    Raises GraphError if root does not depend on target, or through too many factors to be asked for; ArgumentError or
    ArgumentTypeError if the record is of another derivation, or none; and what explain raises.
    """
    dialogue = Tutor(_explained(root, target))
    if record is not None:
        dialogue.moves += _moves_of(record, dialogue)
    return dialogue


def _explained(root: Value, target: Value | str) -> Explanation:
    explanation = explain(root, target)
    chain = explanation.chain
    top, bottom = (label_text(chain.names[node]) for node in (chain.root, chain.target))
    if not explanation.factors:
        raise GraphError(
            f"there is nothing to derive of {top} towards {bottom}: ask for something that {top} is made of"
        )
    if (count := sum(map(len, chain.factors.values()))) > MOST:
        raise GraphError(
            f"{counted(count, 'factor')} lie between {top} and {bottom}, and a tutor asks for {MOST} at most: take a "
            "weight nearer to the loss, or a smaller network"
        )
    return explanation


def _moves_of(record: Any, dialogue: Tutor) -> list[dict[str, Any]]:
    """The moves of a record, each looked at, because it may come from a file."""
    if not isinstance(record, Mapping) or not isinstance(record.get("moves"), list):
        raise ArgumentTypeError(
            f"a record is what tutor(…).record gave, a dict with partial and moves, got {record!r:.60}"
        )
    asked = [question.asked for question in dialogue.questions]
    moves = [dict(move) for move in record["moves"] if isinstance(move, dict) and move.get("asked") in asked]
    if record.get("partial") != dialogue.partial or len(moves) < len(record["moves"]):
        raise ArgumentError(f"this is a record of {record.get('partial')!r:.40}, and asked is {dialogue.partial}")
    return moves
