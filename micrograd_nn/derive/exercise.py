"""The exercises of the chapters: the answer in a gap is looked at in one call, and told in words what to do next.

Promise (tests/test_exercise.py): whatever stands in the gap, there is no traceback; of a gap that was left open it is
said what to fill in; a wrong answer gets a hint, and never what is right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.value import Value
from ..errors import MicrogradError
from .check import check_partials
from .entries import PARTIAL
from .recorded import names_of, partial_text
from .verdict import what_is_off


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer; as the last line of a cell a notebook shows it."""

    right: bool
    words: str

    def __repr__(self) -> str:
        return self.words


def check(
    answer: Any,
    right: Any,
    fill: str,
    hint: str = "",
    within: float = 0.0,
    made: Callable[..., Any] | None = None,
) -> Verdict:
    """Is the answer right? A number may be off by ``within``; ``fill`` says what the gap is for.

    ``made`` makes of the answer, or of its parts if it is a tuple, what is compared; ``right`` is what comes out then,
    or a function that says whether that will do. ``{}`` in the hint stands for what was made.

    >>> check(None, 0.8757, "o1 to four digits")
    Fill in o1 to four digits.
    >>> check(0.95, 0.8757, "o1 to four digits", "σ first inside, then once more", within=0.00005)
    Not yet: σ first inside, then once more
    >>> check([1, 2], 3, "two numbers", "they add up to {}", made=sum)
    Right.
    """
    parts = answer if isinstance(answer, tuple) else (answer,)
    if any(part is None for part in parts) or (isinstance(answer, Mapping) and not answer):
        return Verdict(False, f"Fill in {fill}.")
    try:
        if isinstance(right, Mapping):
            return _by_name(answer, right, within)
        outcome = made(*parts) if made else answer
        will_do = right(outcome) if callable(right) else _is_near(outcome, right, within)
    except Exception as error:  # an answer of another kind may lead to anything
        return Verdict(False, f"Not yet: {error}. Fill in {fill}.")
    if will_do:
        return Verdict(True, "Right.")
    return Verdict(False, f"Not yet: {hint.format(outcome)}" if hint else "Not yet.")


def partials(root: Value, answer: Any, *asked: str) -> Verdict:
    """Are these the formulas for ∂root/∂name, for each name that is asked for, and for no other?

    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> partials((w * x) ** 2, {}, "w")
    Fill in a formula for ∂L/∂w: {"w": "…"}
    >>> partials((w * x) ** 2, {"w": "x*(w*x)"}, "w")
    ∂L/∂w: not yet, a factor 2 is missing.
    """
    top = names_of(root)[root]
    given = {_bare(name): formula for name, formula in answer.items()} if isinstance(answer, Mapping) else {}
    if {*given} != {*asked} or not all(isinstance(formula, str) for formula in given.values()):
        every = " and ".join(partial_text(top, name) for name in asked)
        blanks = ", ".join(f'"{name}": "…"' for name in asked)
        return Verdict(False, f"Fill in a formula for {every}: {{{blanks}}}")
    try:
        findings = check_partials(root, given).findings
    except MicrogradError as error:
        return Verdict(False, f"Not yet: {error}")
    wrong = [f"{f.partial}: not yet, {what_is_off(f, f.partial)}." for f in findings if not f.ok]
    return Verdict(not wrong, "\n".join(wrong) or "Right.")


def _by_name(answer: Any, right: Mapping[str, float], within: float) -> Verdict:
    """Numbers by partial, which may be called by the name alone."""
    given = {_bare(name): number for name, number in answer.items()}
    partials = {_bare(partial): partial for partial in right}
    if strange := [*(given.keys() - partials.keys())]:
        return Verdict(False, f"Asked for are only {' and '.join(right)}, not {', '.join(strange)}.")
    wrong = [partials[name] for name, number in given.items() if not _is_near(number, right[partials[name]], within)]
    if wrong:
        return Verdict(False, f"Not yet: {' and '.join(wrong)}.")
    missing = [partial for name, partial in partials.items() if name not in given]
    return Verdict(False, f"Fill in {' and '.join(missing)}.") if missing else Verdict(True, "Right.")


def _bare(partial: str) -> str:
    """The name in ∂L/∂w, dL/dw or w alone."""
    found = PARTIAL.fullmatch(str(partial).replace(" ", ""))
    return found[2] if found else str(partial)


def _is_near(given: Any, right: Any, within: float) -> bool:
    """Is this the number, or are these the numbers, up to what they may be off?"""
    if isinstance(right, Sequence) and not isinstance(right, str):
        return len(given) == len(right) and all(_is_near(a, b, within) for a, b in zip(given, right, strict=True))
    return bool(abs(given - right) <= within)
