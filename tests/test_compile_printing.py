"""What a program shows: its equations, read back by the rules of school; the reason for its backend; its source."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compile_cases import SPELLINGS, Case, engine, flat, network
from test_compile_equal import CASES, rows_for

from micrograd_nn import TABLE, Value, logaddexp, maximum, tanh, total
from micrograd_nn.compiler import compile
from micrograd_nn.compiler.printing import Equations, input_names
from micrograd_nn.compiler.steps import PARAMETERS, Constant, View
from micrograd_nn.engine.ops import div, multiply_no_nan
from micrograd_nn.nn import losses

# ---- reading equations back ----


class Array:
    """An array that reads ``·`` as the textbook does: a matrix times a column, or a lone number times an array."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.asarray(numbers)

    def __mul__(self, other: Any) -> "Array":
        a, b = self.numbers, numbers_of(other)
        if (a.size > 1 and b.size > 1) or (a.ndim == 2 and b.ndim == 1 and a.shape[1] == len(b)):
            return Array(b @ a.T)
        return Array(a * b.reshape(()) if b.size == 1 else b * a.reshape(()))

    def __rmul__(self, other: float) -> "Array":
        return Array(other * self.numbers)

    def __mod__(self, other: "Array") -> "Array":
        assert self.numbers.shape == other.numbers.shape
        return Array(self.numbers * other.numbers)

    def __getitem__(self, places: Any) -> "Array":
        return Array(self.numbers.reshape(-1)[list(places)])

    def __neg__(self) -> "Array":
        return Array(-self.numbers)

    def __add__(self, other: Any) -> "Array":
        return by_numpy("add")(self, other)

    def __sub__(self, other: Any) -> "Array":
        return by_numpy("sub")(self, other)

    def __rsub__(self, other: Any) -> "Array":
        return by_numpy("sub")(other, self)

    def __truediv__(self, other: Any) -> "Array":
        return by_numpy("div")(self, other)

    def __rtruediv__(self, other: Any) -> "Array":
        return by_numpy("div")(other, self)

    def __pow__(self, other: Any) -> "Array":
        return by_numpy("pow")(self, other)

    __radd__ = __add__


def by_numpy(name: str) -> Callable[..., Array]:
    """The row's operation on arrays."""

    def operator(*operands: Any) -> Array:
        with np.errstate(all="ignore"):
            template = TABLE[name].numpy.format(a="a", b="b")
            return Array(eval(template, {"np": np, **dict(zip("ab", map(numbers_of, operands), strict=False))}))

    return operator


def numbers_of(operand: Any) -> Any:
    return operand.numbers if isinstance(operand, Array) else np.asarray(operand)


def either(reduce: Callable[..., Any], name: str) -> Callable[..., Array]:
    """Of one array along its last side, of two number by number."""
    return lambda *given: by_numpy(name)(*given) if len(given) > 1 else Array(reduce(given[0].numbers, axis=-1))


FUNCTIONS: dict[str, Any] = {name: by_numpy(name) for name in TABLE if name not in ("maximum", "minimum")}
FUNCTIONS |= {
    "σ": by_numpy("sigmoid"),
    "ln": by_numpy("log"),
    "sqrt": by_numpy("sqrt"),
    "max": either(np.max, "maximum"),
    "min": either(np.min, "minimum"),
    "Σ": lambda terms: Array(np.sum(terms.numbers, axis=-1)),
    "Π": lambda terms: Array(np.prod(terms.numbers, axis=-1)),
    "logsumexp": lambda terms: Array(np.logaddexp.reduce(terms.numbers, axis=-1)),
    "row": lambda *terms: Array([float(numbers_of(term).reshape(())) for term in terms]),
}


def places(text: str) -> list[int]:
    """0…4, or 0, 2, …, 8, or a list."""
    if run := re.fullmatch(r"(\d+)…(\d+)", text):
        return list(range(int(run[1]), int(run[2]) + 1))
    first, second, *rest = [*text.split(", "), ""]
    if rest[:1] == ["…"]:
        return list(range(int(first), int(rest[1]) + 1, int(second) - int(first)))
    return [int(place) for place in text.split(", ")]


def read(text: str, known: dict[str, Any]) -> Any:
    """The right side of an equation as a number."""
    text = re.sub(r"(\w)\[([\d, …]+)\]", lambda found: f"{found[1]}⟨{places(found[2])}⟩", text)
    text = re.sub(r"\[(?![\d, ]*\]⟩)([^⟨⟩\[\]]*)\]", r"row(\1)", text).replace("⟨", "[").replace("⟩", "]")
    text = re.sub(r"\|([^|]+)\|", r"abs(\1)", text).replace("√", "sqrt")
    for sign, meaning in (("−", "-"), ("·", "*"), ("⊙", "%"), ("^", "**")):
        text = text.replace(sign, meaning)
    text = re.sub(r"(\w+|\))\(", lambda found: found[0] if found[1] in FUNCTIONS else f"{found[1]}*(", text)
    return eval(text, FUNCTIONS | known)


def read_back(case: Case, row: list[float]) -> float:
    """The loss of a row, from the printed equations alone."""
    program = compile(*case)
    lifted = program.graph.lifted
    equations = Equations(lifted)
    p, known = np.array([v.data for v in case.parameters]), {"θ": Array([v.data for v in case.parameters])}
    for number, piece in equations.pieces.items():  # which numbers are W1, b1, C1
        step = lifted.forward[number]
        if isinstance(step, View) and step.references == (PARAMETERS,):
            known[piece.text] = Array(p[step.index.positions])
        if isinstance(step, Constant):
            known[piece.text] = Array(step.numbers)
    given = iter(row)
    for (letter, number), part in zip(input_names(program.inputs), case.inputs, strict=True):
        known[f"{letter}{number or ''}"] = Array([next(given) for _ in flat(part)])
    for line in str(program).splitlines():
        name, text = line[: line.rindex(" ")].strip().split(" = ")
        known[name] = read(text, known)
    return float(numbers_of(known["L"]).reshape(()))


w, v = Value(1.5), Value(-0.5)
X = [Value(0.0) for _ in range(6)]
ODD = {
    "a repeated parameter": Case(total([w, w, w]), [], [w, v]),
    "a repeated constant": Case(total(2.0 * x for x in X[:3]), [X[:3]], []),
    "a repeated product": Case(total(tanh(w) * tanh(x) for x in X[:3]), [X[:3]], [w, v]),
    "every third": Case(total(tanh(maximum(X[i] * w, X[i + 3] * v)) for i in range(3)), [X], [w, v]),
    "chain of three": Case(logaddexp(logaddexp(X[0], X[1]), X[2]), [X[:3]], []),
    "chain of three out of order": Case(logaddexp(logaddexp(X[0], X[2]), X[1]), [X[:3]], []),
    "chain of three of four": Case(maximum(maximum(X[0], X[1]), X[2]) + X[3] * 2.0, [X[:4]], []),
    "a product": Case(X[0] * X[1] * X[2], [X[:3]], []),
    "three numbers": Case((X[0] - tanh(w * X[1] + v * X[2])) ** 2, X[:3], [w, v]),
    "small numbers": Case(w * 1e-5 * X[0] * -3.0 - 1e-7, X[:1], [w]),
    "a constant": Case(Value(2.0, "a") * 3.0, [], []),
    "a parameter": Case(w, [], [w]),
    "an input": Case(X[1], [X[:2]], []),
}
SHOWN = {
    **{name: lambda name=name: CASES[name]() for name in CASES},
    **SPELLINGS,
    **{name: (lambda case=case: case) for name, case in ODD.items()},
}


@pytest.mark.parametrize("name", SHOWN)
def test_equations_read_back_are_the_loss(name: str) -> None:
    case = SHOWN[name]()
    row = rows_for(case, 1, seed=3)[0] if case.inputs else []
    assert read_back(case, row) == pytest.approx(engine(case, [row])[0], rel=1e-6)


def test_equations_of_known_networks() -> None:
    """As a textbook has them: places with their step, inputs by their kind, shapes in one column."""
    w1, w2, b1, x1, x2, y = (Value(0.0) for _ in range(6))
    three = network([4, 3], losses.softmax_cross_entropy, "tanh")
    shown = {
        str(compile(*network([3, 4, 2], losses.mse, "maxout"))): """\
Z1 = W1·X + b1                                           8×n
V1 = (Y − W2·max(Z1[0, 2, 4, 6], Z1[1, 3, 5, 7]) − b2)^2 2×n
L = (V1[0] + V1[1])/2                                    n""",
        str(compile((y - (w1 * x1 + w2 * x2 + b1).sigmoid()) ** 2, [x1, x2, y], [w1, w2, b1])): """\
L = (x3 − σ(w1·x1 + w2·x2 + b1))^2           n""",
        str(compile(*three)): """\
Z1 = W1·X + b1                               3×n
L = logsumexp(Z1 − Σ(Y ⊙ Z1))                n""",
        str(compile(Value(2.0) * 3.0)): "L = 6                                        1",
        str(compile(maximum(x1 * w1, x1) * 1e-5, [x1], [w1])): "L = max(x·θ, x)·1e−5                         n",
    }
    assert list(shown) == list(shown.values())
    assert compile(*three)._repr_latex_().splitlines()[3] == (
        r"L &= \operatorname{logsumexp} \left(Z_{1} - \sum \left(Y \odot Z_{1}\right)\right) && n"
    )
    assert r"1 \cdot 10^{-5}" in compile(w1 * 1e-5, [], [w1])._repr_latex_()
    names = [input_names(shapes) for shapes in ([()], [(3,)], [(3,), ()], [(), (3,)], [(3,), (2,), ()])]
    assert names == [
        [("x", 0)],
        [("X", 0)],
        [("X", 0), ("Y", 0)],
        [("x", 1), ("X", 2)],
        [("X", 1), ("X", 2), ("x", 3)],
    ]


def test_a_long_expression_is_cut_into_lines() -> None:
    y = x = Value(0.5)
    for _ in range(2000):
        y = tanh(y * 1.5)
    lines = str(compile(y, [x])).splitlines()
    assert 100 < len(lines) < 300
    assert max(map(len, lines)) < 200
    assert lines[-1].startswith("L = tanh(")
    for _ in range(50):  # [y, y, y], again and again
        y = tanh(total([y, y, y]))
    assert max(map(len, str(compile(y, [x])).splitlines())) < 300


def test_one_is_no_plural() -> None:
    w, x = Value(1.0), Value(1.0)
    program = compile(w * x, [x], [w])
    assert program.why.startswith("3 nodes on 1 level, 1 row at once: ")
    program([1.0, 2.0])
    assert program.why.startswith("3 nodes on 1 level, 2 rows at once: ")
    assert compile(tanh(w * x), [x], [w]).why.startswith("4 nodes on 2 levels, 1 row at once: ")


def test_a_condition_on_a_known_number_is_decided() -> None:
    for number, written in ((2.0, "p_0 / 2.0"), (-0.5, "p_0 / (-0.5)"), (0.0, "row_div(p_0, 0.0)")):
        source = compile(div(w, number), [], [w], backend="python").source
        assert f"total += ({written})\n" in source
    assert " if p_0 else 0.0" in compile(multiply_no_nan(w, 3.0), [], [w], backend="python").source
    assert " if p_1 else row_div(" in compile(div(w, v), [], [w, v], backend="python").source
