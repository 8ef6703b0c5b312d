"""The checks of the table are strong enough: every broken slope of every row is found by them.

A mutant that nothing can find is not wrong; each is named below with the reason why it computes the same.
"""

from dataclasses import replace
from itertools import islice

import pytest
from mutants import entered, mutants, wrong_fields
from random_graphs import ROWS
from reference import REFERENCES
from row_checks import accuracy, corners, curves, higher, polynomials, written
from test_ops_rows import CHECKS

from micrograd_nn.engine.operation import TABLE, Operation

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
        for slope in ("greater 0", "greater 1", "sign 0", "step 0", "stop_gradient 0")
        for what in ("times 1 + 1e-12", "times 1 - 1e-12", "sign flipped")
    },
}


FINDS = {  # which checks look at a field
    "numpy": ("numpy template",),
    "python": ("python template",),
    "text": ("text",),
    "forward": ("accuracy", "corners"),
    "domain": ("domain",),
    "kinks": ("corners",),
    "textbook": ("textbook slopes",),
    "shortcut": ("shortcuts",),
    "reduction": ("associative",),
}


def finds(row: Operation) -> str | None:
    """The first thing that any check has against a row."""
    for check in (accuracy, corners, polynomials, lambda row: higher(row, 2, 12), lambda row: curves(row, 200)):
        for fault in check(row):
            return fault
    return None


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_every_broken_slope_is_found(row: Operation) -> None:
    survivors = set()
    for what, partials in mutants(row):
        with entered(row, partials=partials) as mutant:
            if finds(mutant) is None:
                survivors.add(what)
    assert survivors == {what for what in EQUIVALENT if what.split()[0].rstrip(":") == row.name}
    assert TABLE[row.name] is row


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_every_wrong_field_is_found(row: Operation) -> None:
    for field, fields in wrong_fields(row):
        with entered(row, **fields) as mutant:
            assert any(fault for check in FINDS[field] for fault in islice(CHECKS[check](mutant), 1)), (field, fields)


@pytest.mark.parametrize("row", [row for row in ROWS if REFERENCES[row.name].wider], ids=str)
def test_no_wider_bound_is_stated_in_vain(row: Operation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REFERENCES, row.name, replace(REFERENCES[row.name], wider=None))
    assert any(accuracy(row))


def test_a_wrong_level_is_found_where_a_row_stands_inside_another() -> None:
    """Brackets are left out if a row says that it binds tighter than it does."""
    survivors = set()
    for row in ROWS:
        for level in range(row.level + 1, 6) if row.text != _call(row) else ():
            with entered(row, level=level):
                if not any(fault for outer in TABLE.copy().values() for fault in islice(written(outer), 1)):
                    survivors.add((row.name, level))
    assert survivors == {("neg", 2), ("neg", 3), ("neg", 4)}  # x·−y means what x·(−y) means


def _call(row: Operation) -> str:
    return f"{row.name}({', '.join(('{a}', '{b}')[: row.arity])})"  # brackets of its own: any level is right


def test_the_mutants_cover_every_slope_of_every_row() -> None:
    for row in ROWS:
        names = [what for what, _ in mutants(row)]
        for k in range(row.arity):
            assert sum(what.startswith(f"{row.name} {k}:") for what in names) >= 4
