"""Every row of the table, held to 50 digits, to its corners, to its own derivatives and to its templates.

Promise: no test here names an operation; a row that is added is tested by being there.
"""

from itertools import islice

import pytest
import row_checks
from random_graphs import ROWS
from reference import REFERENCES, allowed, mp, points

from micrograd_nn import Value
from micrograd_nn.engine.operation import Operation

every_row = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
CHECKS = {
    "domain": row_checks.domains,
    "accuracy": row_checks.accuracy,
    "corners": row_checks.corners,
    "polynomials": row_checks.polynomials,
    "second derivatives at the ends": lambda row: row_checks.curves(row, 500),
    "second derivatives": lambda row: row_checks.higher(row, 2, 12),
    "third derivatives": lambda row: row_checks.higher(row, 3, 4),
    "numpy template": lambda row: row_checks.template(row, "numpy"),
    "python template": lambda row: row_checks.template(row, "python"),
    "anomalies": row_checks.anomalies,
    "shortcuts": row_checks.shortcuts,
    "text": row_checks.written,
    "textbook slopes": row_checks.textbook,
    "associative": row_checks.reductions,
}


@pytest.mark.parametrize("check", CHECKS)
@every_row
def test_row(row: Operation, check: str) -> None:
    assert list(islice(CHECKS[check](row), 3)) == []


@pytest.mark.slow
@every_row
def test_second_derivatives_at_all_points(row: Operation) -> None:
    assert list(islice(row_checks.curves(row), 3)) == []


@every_row
def test_row_has_an_independent_reference(row: Operation) -> None:
    assert row.name in REFERENCES, f"{row.name} has no formula in tests/reference.py: write its value and its slopes"
    assert len(REFERENCES[row.name].slopes) == row.arity


@every_row
def test_the_reference_is_right_about_its_own_slopes(row: Operation) -> None:
    reference = REFERENCES[row.name]
    for point in row_checks.ordinary(row, 6):
        numbers = tuple(map(mp.mpf, point))
        for k, slope in enumerate(reference.slopes):
            order = tuple(int(k == j) for j in range(row.arity))
            exact = mp.diff(reference.value, numbers, order) if row.name != "stop_gradient" else 0  # by definition
            assert abs(slope(*numbers) - exact) < 1e-30 * (1 + abs(exact))


@every_row
def test_row_is_tried_at_thousands_of_points_and_seldom_excused(row: Operation) -> None:
    tried = points(row)
    bounds = [allowed(row, point) for point in tried]
    assert len(tried) == len(set(tried)) >= 3000
    assert sum(value > 2.0 for value, _ in bounds) < 0.15 * len(tried)
    assert sum(slopes > 2000.0 for _, slopes in bounds) < 0.2 * len(tried)
    assert REFERENCES[row.name].wider is None or REFERENCES[row.name].wider.why


@every_row
def test_value_records_what_the_row_computes(row: Operation) -> None:
    """The operators that value.py spells out for speed are their rows, and every recorded slope is the partial's."""
    operators = {"add": "__add__", "sub": "__sub__", "mul": "__mul__", "div": "__truediv__", "pow": "__pow__"}
    for point in (*points(row)[:500], *(kink for kink, _, _ in row.kinks)):
        out = row.forward(*point)
        slopes = [partial(*point, out) for partial in row.partials]
        operands = [Value(x) for x in point]
        nodes = [row(*operands)]
        if row.name in operators:
            nodes.append(getattr(operands[0], operators[row.name])(operands[1]))
        for node in nodes:
            assert node.operation is row
            assert [*map(id, node.operands)] == [*map(id, operands)]
            assert row_checks.same(node.data, out)
            assert all(map(row_checks.same, node.partials, slopes))


@every_row
def test_doc_is_one_sentence(row: Operation) -> None:
    assert row.doc.endswith(".")
    assert "\n" not in row.doc
