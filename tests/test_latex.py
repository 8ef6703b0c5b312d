"""LaTeX and text, held to what they mean: read back by an independent reader and worked out at random points."""

from math import fsum, isfinite, prod
from random import Random

import mpmath
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from latex_reader import read
from random_graphs import at_stop, carried_over, random_graph

from micrograd_nn.derive import Symbol, simplify
from micrograd_nn.engine import ops
from micrograd_nn.engine.operation import TABLE, lookup
from micrograd_nn.engine.value import topological_order
from micrograd_nn.errors import JOINERS, FormulaError, GraphError, NumberError, UnknownNameError
from micrograd_nn.notation._collect import product, total
from micrograd_nn.notation._formula import parse
from micrograd_nn.notation._simplify import Tidy
from micrograd_nn.notation.latex import label_latex, number_latex
from micrograd_nn.notation.text import Written, label_text, number_text

TOLERANCE = 1e-12
NAMES = "abt"


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


def points(row, count=25):
    draw, found = Random(row.name), []
    while len(found) < count:
        operands = [draw.uniform(-3.0, 3.0) for _ in range(row.arity)]
        if row.domain.holds(*operands):
            found.append(operands)
    return found


def check(symbol, numbers, expected, functions=None):
    got = read(symbol.latex(), {label_latex(name): number for name, number in numbers.items()}, functions)
    assert abs(got - expected) <= TOLERANCE * abs(expected), (symbol.latex(), numbers)


def check_row(row, functions=None):
    names = [Symbol(name) for name in NAMES[: row.arity]]
    formulas = [(family, slope) for family in (row.partials, row.textbook) for slope in family]
    for operands in points(row):
        numbers = dict(zip(NAMES, operands, strict=False)) | {"t": row(*operands)}
        check(row(*names), numbers, numbers["t"], functions)
        for family, slope in formulas:
            accurate = row.partials[family.index(slope)](*operands, numbers["t"])
            formula = Symbol.of(slope(*names, Symbol("t")))
            check(formula, numbers, accurate, functions)
            check(simplify(formula), numbers, accurate, functions)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_value_slopes_and_textbook_slopes_of_every_row_mean_what_they_say(name):
    check_row(lookup(name))


def test_a_row_of_the_user_is_written_like_a_built_in_one(softsign):
    check_row(softsign, {r"\operatorname{softsign}": lambda a: a / (1 + abs(a))})
    assert str(softsign(Symbol("z1"))) == "softsign(z1)"


@pytest.mark.parametrize("seed", range(150))
def test_brackets_stand_where_they_are_needed(seed):
    root, leaves = random_graph(seed, n_leaves=3, n_nodes=10)
    if any(at_stop(node.operation, *[o.data for o in node.operands]) for node in topological_order(root)):
        return
    symbols = carried_over(root, {leaf: Symbol(leaf.label) for leaf in leaves}, Symbol.of)
    numbers = {label_latex(leaf.label): leaf.data for leaf in leaves}
    exact = read(symbols[root].latex(), numbers)
    assert abs(exact - root.data) <= 1e-9 * max(1.0, abs(root.data))
    assert abs(read(simplify(symbols[root]).latex(), numbers) - exact) <= 1e-12 * max(1.0, abs(root.data))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_back_as_the_same_float(number):
    assert mpmath.almosteq(read(number_latex(number), {}), mpmath.mpf(repr(number)), rel_eps=1e-40)
    assert float(number_text(number).replace("−", "-")) == number


@given(st.text(min_size=1, max_size=60))
@example("\\input{x}")
@example("}{")
@example("$x$")
@example("h1[2]")
@example("e")
@example("sigma")
@example("\0")
@example("a" * 1_000_000)
def test_a_label_can_not_break_out_of_its_place(label):
    latex = label_latex(label)
    assert read(rf"2 \cdot {latex} + 1", {latex: 3.0}) == 7
    assert len(latex) < 200
    assert all(c.isprintable() or c in JOINERS for c in label_text(label))


# ---- whatever is written reads back ----

LEAVES = ("x", "w1", "h1[2]", "bias", 2.0, -1.0, 0.5, -0.25, 3.0, 1e-7, 1.0 / 3.0)


def random_expression(draw, depth=4, rows=()):
    """Any row of the table, or of these, on names and numbers, without regard to what it comes to."""
    if depth == 0 or draw.random() < 0.15:
        leaf = draw.choice(LEAVES)
        return Symbol(leaf) if isinstance(leaf, str) else Symbol.of(leaf)
    often = [lookup(name) for name in ("add", "sub", "mul", "div", "neg", "pow")] * 3
    row = draw.choice(rows or [*TABLE.values(), *often])
    expression = Symbol.apply(row, *[random_expression(draw, depth - 1, rows) for _ in range(row.arity)])
    constant = all(part.name is None for part in expression.parts())  # a formula refuses numbers that make inf or nan
    return Symbol.of(2.0) if constant and not isfinite(expression.evaluate({})) else expression


def is_moderate(expression, numbers):
    """Whether all of its parts are numbers of a size that readers with 50 digits can handle."""
    worked_out = [1.0]

    def apply(row, *operands):
        worked_out.append(mpmath.inf if at_stop(row, *operands) else row(*operands))
        return worked_out[-1]

    expression.fold(lambda leaf: leaf.number if leaf.name is None else numbers[leaf.name], apply)
    return all(abs(number) < 500 for number in worked_out)


def check_expression(seed):
    """Whatever an expression is written as, text or LaTeX, has its numbers wherever it has some."""
    draw = Random(seed)
    expression = random_expression(draw)
    for _ in range(3):
        numbers = {name: draw.uniform(-3.0, 3.0) for name in LEAVES if isinstance(name, str)}
        if is_moderate(expression, numbers):
            exact = pytest.approx(expression.evaluate(numbers), rel=1e-6, abs=1e-9)
            assert parse(expression.text())(numbers) == exact, str(expression)
            assert parse(expression.latex())(numbers) == exact, expression.latex()
            typeset = {label_latex(name): number for name, number in numbers.items()}
            # a negative base to the power of -1/(1/3) is real in floats alone
            assert float(mpmath.re(read(expression.latex(), typeset))) == exact, expression.latex()


@pytest.mark.parametrize(
    "seed", [*range(300), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(300, 1000))]
)
def test_whatever_is_written_reads_back(seed):
    check_expression(seed)


@pytest.mark.parametrize("level", range(2, 6))
def test_a_bracket_that_is_dropped_is_found(level, monkeypatch):
    """At each level to which a template asks for brackets."""
    bracketed = Written.__format__
    monkeypatch.setattr(
        Written, "__format__", lambda self, asked: self.text if asked == str(level) else bracketed(self, asked)
    )
    with pytest.raises((AssertionError, FormulaError, SyntaxError)):
        [check_expression(seed) for seed in range(1000)]


def test_a_shared_part_that_doubles_is_refused_and_not_written_for_ever():
    x = Symbol("x")
    for _ in range(200):
        x = ops.tanh(x * x)
    assert x.evaluate({"x": 0.5}) == 0.0
    with pytest.raises(GraphError, match="label some nodes in between"):
        str(x)


def test_a_symbol_is_made_of_symbols_and_numbers_and_worked_out_at_its_names():
    a = Symbol("a")
    for compute in (lambda: a + "b", lambda: simplify(a * None)):
        with pytest.raises(NumberError, match="expected one real number"):
            compute()
    with pytest.raises(UnknownNameError, match="unknown name 'a'; choose one of: b"):
        (a + 1.0).evaluate({"b": 1.0})


@pytest.mark.parametrize(
    ("symbol", "text"),
    [
        (2.0 * (Symbol("y") - Symbol("o1")) ** 1.0 * -1.0, "−2(y − o1)"),
        (Symbol("w5") * (Symbol("o1") * (1.0 - Symbol("o1"))), "w5·o1(1 − o1)"),
        (ops.neg(-Symbol("a")), "a"),
        (Symbol("a") + -Symbol("b"), "a − b"),
        (Symbol("a") - (Symbol("b") - Symbol("c")), "a − (b − c)"),
        (Symbol("a") * 0.0 + Symbol("b"), "b"),
        (Symbol("a") * 3.0 * 2.0, "6·a"),
        (Symbol("a") * -0.5 / 1.0, "−0.5·a"),
        (Symbol.of(1.0) / Symbol.of(3.0) * (2.0 * Symbol("a")), "2/3·a"),
        (Symbol("a") ** 2.0 * (Symbol("b") + 1.0), "a^2·(b + 1)"),
        (Symbol("a") / Symbol("b") * (Symbol("b") + 1.0), "a/b·(b + 1)"),
        (0.7310585786300049 * (0.3127 * Symbol("a")), "0.7310585786300049·0.3127·a"),
    ],
)
def test_what_people_simplify_is_simplified(symbol, text):
    assert str(simplify(symbol)) == text


x, y, z, r = map(Tidy, "xyzr")


@pytest.mark.parametrize(
    ("symbol", "text"),
    [
        (product([0.5 / r, 2.0 * x]), "x/r"),
        (product([r, -(((x - y) ** 2.0) / (2.0 * z**2.0) ** 2.0), 4.0 * z, Tidy.of(-1.0)]), "r(x − y)^2/z^3"),
        (product([x / y, y / x]), "1"),
        (product([2.0 * x / (3.0 * y)]), "2·x/(3·y)"),
        (product([-x, -y, x]), "x^2·y"),
        (product([x**0.5, x**0.5, y**-2.0]), "x/y^2"),
        (product([(1.0 - x) * y, 1.0 - x]), "(1 − x)^2·y"),
        (product([x * 0.0, y]), "0"),
        (product([]), "1"),
        (product([Tidy.of(-0.7310585786300049), x, Tidy.of(0.3127)]), "−0.3127·0.7310585786300049·x"),
        (product([Tidy.of(1e300)] * 2), "1e300·1e300"),
        (product([(x * y) ** 0.5, (x * y) ** 0.5]), "x·y"),
        (total([x * x, 2.0 * x**2.0]), "3·x^2"),
        (total([x / y, 2.0 * x / y, -(x / y)]), "2·x/y"),
        (total([x - y, y - x]), "0"),
        (total([Tidy.of(0.123456789), x]), "x + 0.123456789"),
        (total([x * x, y]), "x·x + y"),  # as it was recorded: nothing meets
        (total([x / 3.0, y, -y, -z]), "x/3 − z"),  # what meets nothing stays as it was recorded
        (total([]), "0"),
    ],
)
def test_factors_and_terms_are_put_together_as_a_textbook_does(symbol, text):
    assert str(symbol) == text


@pytest.mark.parametrize("seed", range(300))
def test_what_is_put_together_keeps_its_number(seed):
    draw = Random(seed)
    arithmetic = [lookup(name) for name in ("add", "sub", "mul", "div", "neg", "pow", "sin")]
    parts = [Tidy.of(random_expression(draw, 3, arithmetic)) for _ in range(4)]
    numbers = {name: draw.uniform(0.5, 3.0) for name in LEAVES if isinstance(name, str)}
    if all(is_moderate(part, numbers) for part in parts):
        known = [part.evaluate(numbers) for part in parts]
        assert product(parts).evaluate(numbers) == pytest.approx(prod(known), rel=1e-9, abs=1e-9)
        assert total([*parts, parts[0]]).evaluate(numbers) == pytest.approx(
            fsum([*known, known[0]]), rel=1e-9, abs=1e-9
        )
