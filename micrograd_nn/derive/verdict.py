"""What is said of a wrong answer to who is to find the right one: the slip and its place, never what belongs there."""

from math import isclose, isfinite

from ..notation.text import label_text, number_text
from ._explain import DIGITS
from .check import Finding


def what_is_off(finding: Finding, asked: str, whole: bool = True) -> str:
    """In words, for an entry that is not right; ``whole`` is whether it is meant over all ways, and not one factor."""
    where = "∂{}/∂{}".format(*map(label_text, finding.factor)) if finding.factor else asked
    elsewhere = where != asked
    if finding.slip:
        anywhere = whole and finding.slip.anywhere  # a product does not tell in which factor it was
        return f"{f'in {where}, ' if elsewhere and not anywhere else ''}{finding.sentence}"
    if isclose(finding.hand, finding.engine, rel_tol=1e-8):
        return "it comes out right at these numbers, and wrong at others, as if a number stood for a name"
    if elsewhere:
        return f"look at {where} again, the rest is right"
    return f"it comes to {number_text(finding.hand, DIGITS)} here, {_off(finding.hand, finding.engine)}"


def _off(hand: float, right: float) -> str:
    """How a number is off, which tells little enough."""
    if not isfinite(hand) or not isfinite(right):
        return "and that is not it"
    if hand * right < 0.0:
        return "which has the wrong sign"
    return f"which is too {'small' if abs(hand) < abs(right) else 'large'} in size"
