"""The checks of the table are strong enough: every broken slope of every row is found by them.

A mutant that nothing can find is not wrong; each is named below with the reason why it computes the same.
"""

import pytest
from mutants import entered, mutants
from random_graphs import ROWS
from row_checks import accuracy, corners, higher, polynomials

from micrograd_nn.operation import TABLE, Operation

CONSTANT = "the slope is one number, whatever the operands are"
ZERO = "the slope is 0 everywhere: any multiple of it is the same"
EQUAL = "both slopes are the same number"
EQUIVALENT = {
    **dict.fromkeys(("add 0: operands swapped", "add 1: operands swapped"), CONSTANT),
    **dict.fromkeys(("sub 0: operands swapped", "sub 1: operands swapped"), CONSTANT),
    **dict.fromkeys(("greater 0: operands swapped", "greater 1: operands swapped"), CONSTANT),
    **dict.fromkeys(("add: slopes exchanged", "greater: slopes exchanged"), EQUAL),
    **{
        f"{slope}: {what}": ZERO
        for slope in ("greater 0", "greater 1", "step 0", "stop_gradient 0")
        for what in ("times 1 + 1e-12", "times 1 - 1e-12", "sign flipped")
    },
}


def finds(row: Operation) -> str | None:
    """The first thing that any check has against a row."""
    for check in (accuracy, corners, polynomials, lambda row: higher(row, 2, 12)):
        for fault in check(row):
            return fault
    return None


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_every_broken_slope_is_found(row: Operation) -> None:
    survivors = set()
    for what, partials in mutants(row):
        with entered(row, partials) as mutant:
            if finds(mutant) is None:
                survivors.add(what)
    assert survivors == {what for what in EQUIVALENT if what.split()[0].rstrip(":") == row.name}
    assert TABLE[row.name] is row


def test_the_mutants_cover_every_slope_of_every_row() -> None:
    for row in ROWS:
        names = [what for what, _ in mutants(row)]
        for k in range(row.arity):
            assert sum(what.startswith(f"{row.name} {k}:") for what in names) >= 4
