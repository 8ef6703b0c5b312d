"""What people expect who come from micrograd, from PyTorch and from NumPy: each expectation is a snippet that runs.

The numbers beside them are worked out by hand or by Python's own ``math``.
"""

import ast
import copy
import inspect
import math
import os
import pickle
import pydoc
import re
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

from micrograd_nn import (
    MLP,
    TABLE,
    UNREACHED,
    Checkpoint,
    EarlyStopping,
    Layer,
    Module,
    Neuron,
    Operation,
    Parameter,
    Value,
    Wider,
    check_partials,
    data,
    detect_anomaly,
    draw_dot,
    evaluate,
    explain,
    fit,
    grad,
    losses,
    no_grad,
    optim,
    paths,
    predict,
    quiz,
    relu,
    replay,
    sigmoid,
    steps,
    walk,
    wrong_order,
)
from micrograd_nn import compile as compiled
from micrograd_nn.cli import main
from micrograd_nn.cli.train import take_in
from micrograd_nn.engine.graph import topological_order
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, GraphError, NumberError, ShapeError

ROOT = Path(__file__).parent.parent

# ---- micrograd's closures ----


def tanh_by_hand(a: Value) -> Value:
    """The lecture's exercise: a tanh of one's own."""
    t = (math.exp(2 * a.data) - 1) / (math.exp(2 * a.data) + 1)
    out = Value(t, (a,), "tanh")

    def _backward() -> None:
        a.grad += (1 - t**2) * out.grad

    out._backward = _backward
    return out


def product_by_hand(a: Value, b: Value) -> Value:
    out = Value(a.data * b.data, (a, b), "*")

    def _backward() -> None:
        a.grad += b.data * out.grad
        b.grad += a.data * out.grad

    out._backward = _backward
    return out


def test_a_closure_gives_its_slopes_and_leaves_nothing_behind() -> None:
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    a.grad = 7.0
    out = product_by_hand(a, b)
    assert a.grad == 7.0
    assert b.grad is out.grad is UNREACHED
    assert (out.data, out.operands, out.partials, out._op) == (-6.0, (a, b), (-3.0, 2.0), "*")
    (2 * tanh_by_hand(out + 6.5)).backward()
    outer = 2 * (1 - math.tanh(0.5) ** 2)
    assert b.grad == pytest.approx(2.0 * outer, rel=1e-14)
    assert a.grad == pytest.approx(7.0 - 3.0 * outer, rel=1e-14)


def test_a_closure_on_one_operand_twice() -> None:
    a = Value(3.0)
    square = product_by_hand(a, a)
    square.backward()
    assert a.grad == 6.0
    assert len(topological_order(square)) == 2


def test_a_closure_is_swept_drawn_copied_and_stepped_by_hand() -> None:
    a = Value(0.5, "a")
    out = tanh_by_hand(a)
    assert "tanh" in draw_dot(out).source
    for twin in (copy.deepcopy(out), pickle.loads(pickle.dumps(out))):
        twin.backward()
        assert twin.operands[0].grad == out.partials[0]
    out.grad = 1.0
    out._backward()
    assert a.grad == out.partials[0] == pytest.approx(1 - math.tanh(0.5) ** 2, rel=1e-14)
    a._backward()  # a leaf has nothing to pass on
    a._backward = lambda: None  # as micrograd's constructor says


@pytest.mark.parametrize(
    "use",
    [
        lambda out, a: explain(out, a),
        lambda out, a: grad(out, [a], create_graph=True),
        lambda out, a: replay(out, {a: 1.0}),
        lambda out, a: compiled(out, parameters=[a])(),
        lambda out, a: compiled(out, parameters=[a], backend="python")(),
        lambda out, a: out.operation.forward(1.0),
    ],
)
def test_a_closure_has_no_formula(use: Callable[[Value, Value], object]) -> None:
    a = Value(0.5, "a")
    with pytest.raises(GraphError, match=r"'tanh' was worked out by hand, and only its number and slopes at"):
        use(tanh_by_hand(a), a)


def test_a_node_without_its_closure_has_no_slope() -> None:
    a = Value(2.0)
    Value(4.0, (a,), "square").backward()
    assert math.isnan(a.grad)
    assert Value(4.0, (), "").operands == ()
    with pytest.raises(ArgumentError, match="one or two operands, got 3"):
        Value(4.0, (a, a, a), "+")
    with pytest.raises(ArgumentTypeError, match="a label is a str"):
        Value(4.0, (1.0, a), "+")


def test_a_closure_that_fails_changes_nothing() -> None:
    a = Value(2.0)
    a.grad = 1.0
    out = Value(4.0, (a,), "square")
    with pytest.raises(ZeroDivisionError):
        out._backward = lambda: 1 / 0
    assert a.grad == 1.0
    assert out.grad is UNREACHED


# ---- micrograd's names ----


def test_micrograds_networks() -> None:
    assert Neuron(2, nonlin=False).activation is None
    assert Neuron(2, nonlin=True).activation is TABLE["relu"]
    assert [neuron.activation for neuron in Layer(2, 2, nonlin=False).neurons] == [None, None]
    assert "identity" in repr(Layer(2, 2, nonlin=False))
    parameter = MLP(2, [1]).parameters()[0]
    parameter.m = parameter.v = 0.0
    parameter.m = 0.9 * parameter.m + 0.1 * 2.0
    twin = pickle.loads(pickle.dumps(parameter))
    assert (twin.m, copy.deepcopy(parameter).v, type(twin)) == (parameter.m, 0.0, Parameter)
    assert weakref.ref(parameter)() is parameter


def test_micrograds_children_are_a_set() -> None:
    a, b = Value(1.0), Value(1.0)
    c = a + b
    assert c._prev == {a, b}
    assert list(c._prev) == [a, b]
    assert a in c._prev
    assert Value(1.0) not in c._prev
    assert c._prev | {c} == {a, b, c}
    assert (a + a)._prev == {a}
    assert a._prev == set()


def test_micrograds_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    dot = draw_dot(Value(2.0, "a") * 3, format="svg", rankdir="LR")
    assert dot.format == "svg"
    path = dot.render("graph")
    assert Path(path) == tmp_path / "graph.svg"
    assert "</svg>" in Path(path).read_text()
    assert Path(dot.render("gout", format="png", cleanup=True)).read_bytes().startswith(b"\x89PNG")
    assert dot.view() == path
    assert shown == [f"file://{path}"]
    assert sorted(os.listdir()) == ["gout.png", "graph.svg"]


# ---- the gradient that no sweep has reached ----


def test_a_parameter_that_the_loss_does_not_use() -> None:
    """It stays where it is, in a loop written by hand as in an optimiser's step, and counts as no slope."""
    used, unused = Parameter(2.0, "w1"), Parameter(3.0, "w2")
    (used * 2).backward()
    assert [p.grad != 0 for p in (used, unused)] == [True, False]
    for p in (used, unused):
        p.data -= 0.1 * p.grad
    assert (used.data, unused.data) == (1.8, 3.0)
    optim.AdamW([used, unused], lr=0.1).step()
    assert (used.data != 1.8, unused.data) == (True, 3.0), "a decay moves what has a gradient"


def test_what_no_sweep_reached_looks_like_no_number() -> None:
    v = Value(2.0)
    assert (repr(v), str(v.grad), f"{v.grad}", f"{v.grad:.4f}") == ("Value(data=2.0, grad=–)", "–", "–", "     –")
    assert ("%.4f" % v.grad, v.grad or 1.0) == ("0.0000", 1.0)  # noqa: UP031  # as the lecture's picture writes it
    v.grad += 1.5
    assert (type(v.grad), v.grad) == (float, 1.5)
    v.grad = 0
    assert repr(v.grad) == "0.0", "a slope that was found to be 0"
    for forget in (None, UNREACHED):
        v.grad = forget  # PyTorch's way, too
        assert v.grad is UNREACHED
        v.grad = 1.0
    for twin in (copy.deepcopy(Value(2.0)), pickle.loads(pickle.dumps(Value(2.0)))):
        assert twin.grad is UNREACHED
    with pytest.raises(NumberError, match="got a Value"):
        v.grad = Value(1.0)


# ---- a number like others ----

UNARY = [row for row in TABLE.values() if row.arity == 1 or row.default is not None]


@pytest.mark.parametrize("row", UNARY, ids=str)
def test_every_operation_of_one_operand_is_a_method(row: Operation) -> None:
    out = getattr(Value(0.4), row.name)()
    assert out.operation is row
    assert out.data == row(0.4)
    assert getattr(Value, row.name) is row


def test_a_method_takes_what_its_operation_takes() -> None:
    assert Value(-2.0).leaky_relu(0.5).data == -1.0
    assert (3 * Value(2.0)).sin().data == math.sin(6.0)


def test_a_value_as_a_number() -> None:
    v = Value(2.5, "v")
    assert (v.item(), int(v), round(v), math.floor(v), math.ceil(v), f"{v:.2f}") == (2.5, 2, 2, 2, 3, "2.50")
    rest = v.detach()
    assert (rest.data, rest.label, rest.operands) == (2.5, "v", ())
    (rest * v).backward()
    assert v.grad == 2.5
    assert type(np.array([v]).astype(float)[0]) is np.float64


@pytest.mark.parametrize(
    ("compute", "words"),
    [
        (lambda v: v // 2, r"a Value has no //: .* Write v / 2 for the quotient.* or v.data // 2"),
        (lambda v: 2 // v, "a Value has no //"),
        (lambda v: v % 2, r"a Value has no %: .* or v.data % 2"),
        (lambda v: divmod(v, 2), "a Value has no //"),
        (np.floor, r"np.floor does not record, .* np.exp, .* Write np.floor\(v.data\)"),
        (lambda v: np.add(v, 1.0, dtype=float), r"np.add\(dtype=…\) does not record"),
        (lambda v: np.array([1.0, 2.0]) * v, r"got a ndarray of shape \(2,\): .* \[a \* x for x in array\]"),
    ],
)
def test_what_has_no_slope_is_refused_in_words(compute: Callable[[Value], object], words: str) -> None:
    with pytest.raises(NumberError, match=words):
        compute(Value(2.5))


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "sin", "cos", "tanh", "sign", "absolute", "negative"])
def test_numpys_functions_record(name: str) -> None:
    v = Value(0.7)
    out = getattr(np, name)(v)
    assert type(out) is Value
    assert out.data == pytest.approx(float(getattr(np, name)(0.7)), rel=1e-15)
    assert out.operands == (v,)
    assert (np.positive(v), np.fabs(-v)) == (+v, abs(-v))


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "logaddexp"])
def test_numpys_functions_of_two_record_on_either_side(name: str) -> None:
    function, v = getattr(np, name), Value(0.7)
    for out, expected in ((function(v, 2.0), function(0.7, 2.0)), (function(np.float64(2.0), v), function(2.0, 0.7))):
        assert type(out) is Value
        assert out.data == pytest.approx(float(expected), rel=1e-15)
    assert np.less(v, 1.0)
    assert not np.float64(0.5) > v


@pytest.mark.parametrize("name", ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"])
def test_numpys_comparisons_are_those_of_the_numbers(name: str) -> None:
    compare = getattr(np, name)
    assert [compare(Value(0.7), x) for x in (0.5, 0.7, 0.9)] == [compare(0.7, x) for x in (0.5, 0.7, 0.9)]


# ---- each as somebody types it, in a process of its own ----

TYPED = {
    "micrograd's modules": """
from micrograd_nn.engine import Value
from micrograd_nn.nn import Neuron, Layer, MLP
n = MLP(3, [4, 4, 1])
ypred = [n(x) for x in [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5]]]
loss = sum((yout - ygt)**2 for ygt, yout in zip([1.0, -1.0], ypred))
n.zero_grad()
loss.backward()
for p in n.parameters():
    p.data += -0.1 * p.grad
assert Neuron(2, nonlin=False).activation is None and len(Layer(2, 3)([1.0, 2.0])) == 3""",
    "the lecture's exercise": """
import math
from micrograd_nn.engine import Value
def tanh(self):
    t = (math.exp(2*self.data) - 1)/(math.exp(2*self.data) + 1)
    out = Value(t, (self, ), 'tanh')
    def _backward():
        self.grad += (1 - t**2) * out.grad
    out._backward = _backward
    return out
a = Value(0.5)
tanh(a).backward()
assert abs(a.grad - 0.7864477329659274) < 1e-15""",
    "children as a set": """
from micrograd_nn import Value
a, b = Value(1.0), Value(1.0)
assert a in (a + b)._prev and (a + b)._prev == {a, b} and (a + a)._prev == {a}""",
    "attributes of one's own": """
from micrograd_nn import MLP
for p in MLP(2, [1]).parameters():
    p.m = p.v = 0.0""",
    "a picture as a file": """
from micrograd_nn import Value, draw_dot
import os, webbrowser
webbrowser.open = print
dot = draw_dot(Value(2.0)*3)
dot.format, dot.render("graph"), dot.view()
assert os.path.exists("graph.svg")""",
    "a method of what was computed": """
import math
from micrograd_nn import Value
b = Value(2.0)
assert (3*b).sin().data == math.sin(6.0)""",
    "a parameter that the loss does not use": """
from micrograd_nn import Value
used, unused = Value(2.0), Value(3.0)
(used * 2).backward()
for p in (used, unused):
    p.data -= 0.1 * p.grad
assert unused.data == 3.0 and sum(p.grad != 0 for p in (used, unused)) == 1 and str(unused.grad) == "–" """,
    "a number": """
from micrograd_nn import Value
v = Value(2.5)
assert (v.item(), int(v), v.detach().operands, f"{v:.1f}") == (2.5, 2, (), "2.5")""",
    "np.exp, and every other of its functions": """
import numpy as np
from micrograd_nn import Value
from micrograd_nn.errors import NumberError
recorded = set()
for name, function in vars(np).items():
    if isinstance(function, np.ufunc) and function.nin < 3 and not function.signature:
        operands = [Value(0.5), Value(0.25)][:function.nin]
        try:
            out = function(*operands)
        except NumberError as error:
            assert f"np.{function.__name__} does not record" in str(error) or "a Value has no" in str(error), name
        else:
            assert isinstance(out, bool) or out.operands == tuple(operands) or function is np.positive, name
            recorded.add(function.__name__)
assert {"exp", "log", "sqrt", "sin", "cos", "tanh", "maximum", "logaddexp", "absolute", "power"} < recorded""",
    "an array times a Value": """
import numpy as np
from micrograd_nn import Value
try:
    np.array([1., 2.]) * Value(2.0)
except TypeError as error:
    assert "[a * x for x in array]" in str(error)
assert (np.array([Value(1.0), Value(2.0)]) @ np.array([3.0, 4.0])).data == 11.0""",
    "a weak reference": """
import weakref
from micrograd_nn import MLP, Parameter, Value
p = MLP(2, [1]).parameters()[0]
assert weakref.ref(p)() is p and weakref.WeakSet([Parameter(2.0)]) is not None
class Held(Value):
    __slots__ = ("__weakref__",)
v = Held(2.0)
assert weakref.ref(v)() is v
try:
    weakref.ref(Value(2.0))  # Python's own words; a place for it in every node is 7 % of an eager step
except TypeError as error:
    assert "cannot create weak reference to 'Value' object" in str(error)""",
    "import *": """
from micrograd_nn import *
assert eval(compile("1 + 1", "x", "eval")) == 2 and relu(-1.0) == 0.0 and Value(2.0).data == 2.0""",
    "help": """
import pydoc, micrograd_nn
text = pydoc.plain(pydoc.render_doc(micrograd_nn.elu))
assert "b is 1 unless given" in text and "slope" in text
assert "class MLP" in pydoc.plain(pydoc.render_doc(micrograd_nn))""",
    "PyTorch's loop": """
from micrograd_nn import MLP, SGD, mse
net = MLP(2, [2, 1])
optimizer = SGD(net.parameters(), lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    loss = mse(net([1.0, -1.0]), 1.0)
    loss.backward()
    optimizer.step()
losses = [loss.item()]
for p in net.parameters():
    p.grad = None""",
}


@pytest.mark.parametrize("what", TYPED)
def test_as_it_is_typed(what: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", TYPED[what]]
    subprocess.run(command, check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})


# ---- types ----


@pytest.mark.slow
def test_a_users_script_is_typed(tmp_path: Path) -> None:
    """Outside the package, under mypy --strict; .ci/run asks pyright too, of the installed wheel."""
    script = ROOT / ".ci" / "user_types.py"
    copied = tmp_path / script.name
    copied.write_text(script.read_text())
    subprocess.run([sys.executable, copied], check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", copied.name]
    subprocess.run(command, check=True, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(ROOT)})


# ---- help and reprs ----


@pytest.mark.parametrize("row", TABLE.values(), ids=str)
def test_an_operation_says_what_it_does(row: Operation) -> None:
    """In help() and under Shift-Tab: its line, slopes, corners, default, and an example that comes out so."""
    text = pydoc.plain(pydoc.render_doc(row))
    assert row.doc in text
    assert row.domain.text in text
    assert [f"∂/∂{letter} = " in text for letter in "ab"] == [True, row.arity == 2]
    assert text.count("slope ") >= len(row.kinks)
    assert list(inspect.signature(row).parameters) == list("ab")[: row.arity]
    if row.default is not None:
        assert inspect.signature(row).parameters["b"].default == row.default
        assert f"b is {row.default:g} unless given" in text
    example, expected = re.search(r">>> (.+)\n *(.+)", text).groups()  # type: ignore[union-attr]  # else it fails
    assert repr(eval(example, dict(TABLE))) == expected


def test_relu_and_its_relatives_say_their_slopes() -> None:
    assert "∂/∂a = [a > 0]\n" in relu.__doc__
    assert "at a = 0: 0, slope 0" in relu.__doc__
    assert "∂/∂a = σ(a)·(1 − σ(a))" in sigmoid.__doc__
    assert "∂/∂b = −a/b^2" in TABLE["div"].__doc__
    assert Operation.__doc__.startswith("A row of the table.")


def test_every_object_says_what_it_is() -> None:
    w = Value(2.0, "w")
    loss = w * w + 1
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
    people = data.friends()
    history = fit(net, people.X, people.y, loss="mse", epochs=2, progress=False)
    sgd = optim.SGD([w], lr=0.1)
    report = check_partials(loss, {"w": "2*w"})
    things = [
        relu, relu.domain, explain(loss, w), report, *report.findings, paths(loss, w), *steps(loss), quiz(loss),
        *(kind([w]) for kind in optim.OPTIMIZERS.values()), optim.StepLR(sgd, 2), optim.ExponentialLR(sgd, 0.5),
        optim.CosineAnnealingLR(sgd, 5), optim.LambdaLR(sgd, float), EarlyStopping(), Checkpoint("x.safetensors"),
        net, net.layers[0], net.layers[0].neurons[0], Layer(2, 2, "maxout").neurons[0], Module(), Parameter(1.0),
        compiled(loss), people, history, data.standardise(people.X)[1], draw_dot(loss), walk(loss),
        wrong_order(w * w + w), no_grad(), detect_anomaly(), tanh_by_hand(w).operation, Wider("a difference"),
        *losses.LOSSES.values(),
    ]  # fmt: skip
    for thing in things:
        assert " at 0x" not in repr(thing), type(thing)
        assert not re.search(r"\b1 (?!class|less)\w*s\b", repr(thing)), "one of a thing is no things"
    assert repr(report) == str(report)
    assert repr(optim.SGD([w, loss], lr=0.1)) == "SGD(2 parameters, lr=0.1, steps=0)"


NOUNS = """argument branch byte character circle class column dimension entry epoch factor feature file input label
    layer line module node number operand operation output parameter part path point row rule sample sheet step student
    target term value variable way weight word"""
A_COUNT = re.compile(rf" (?:{'|'.join(NOUNS.split())})e?s\b")


@pytest.mark.parametrize("path", sorted((ROOT / "micrograd_nn").rglob("*.py")), ids=lambda path: path.stem)
def test_a_count_in_a_text_goes_through_counted(path: Path) -> None:
    """``counted(n, "row")`` says 1 row. A constant, in capitals, is never 1."""
    texts = [node.values for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.JoinedStr)]
    for number, after in (pair for parts in texts for pair in pairwise(parts)):
        if isinstance(number, ast.FormattedValue) and isinstance(after, ast.Constant) and A_COUNT.match(after.value):
            what = ast.unparse(number.value)
            assert what.isupper(), f"{path.name}:{number.lineno}: {{{what}}}{after.value}"


def test_the_front_door(tmp_path: Path) -> None:
    """In a fresh process: ``import *`` leaves Python's names alone, and help() shows the classes and functions."""
    code = """
from micrograd_nn import *
assert eval(compile("1 + 1", "x", "eval")) == 2
import builtins, micrograd_nn, pydoc
assert not {*micrograd_nn.__all__} & {*dir(builtins)}
text = pydoc.plain(pydoc.render_doc(micrograd_nn))
for name in ("class MLP", "class Value", "explain(", "fit(", "draw_dot(", "relu = <operation relu>"):
    assert name in text, name
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})


# ---- data as it comes ----


class Frame:
    """A DataFrame or a Series, as far as it matters: iterating over it gives names, ``to_numpy`` the numbers."""

    def __init__(self, numbers: list) -> None:
        self.numbers, self.columns = np.array(numbers), ["length", "width"]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def to_numpy(self) -> np.ndarray:
        return self.numbers


def test_a_data_frame() -> None:
    X, y = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1]
    nets = [MLP(2, [1], output="sigmoid", seed=0) for _ in range(2)]
    for net, rows, wanted in zip(nets, (X, Frame(X)), (y, Frame(y)), strict=True):
        fit(net, rows, wanted, epochs=3, progress=False)
    assert nets[0].state_dict() == nets[1].state_dict()
    assert predict(nets[1], Frame(X)).tolist() == predict(nets[0], X).tolist()
    assert evaluate(nets[1], Frame(X), Frame(y)) == evaluate(nets[0], X, y)
    assert data.standardise(Frame(X))[0].tolist() == data.standardise(X)[0].tolist()
    with pytest.raises(ArgumentError, match="X has nan in row 0, column 1"):
        fit(nets[0], Frame([[1.0, math.nan]]), [1], progress=False)


def test_a_flat_list_of_rows_is_refused_with_the_way_out() -> None:
    with pytest.raises(
        ShapeError, match=r"rows of a single number are \[\[1\], \[2\]\], of an array X.reshape\(-1, 1\)"
    ):
        fit(MLP(1, [1]), [1.0, 2.0, 3.0], [1, 2, 3], progress=False)


def test_what_trains_badly_is_said_before_it_does() -> None:
    two = MLP(2, [2], output="softmax", seed=0)
    with pytest.warns(
        UserWarning, match="leave out output='softmax', or take loss='categorical_cross_entropy'"
    ) as said:
        fit(two, [[0.0, 1.0], [1.0, 0.0]], [0, 1], loss="softmax_cross_entropy", epochs=1, progress=False)
    assert said[0].filename == __file__
    with pytest.warns(UserWarning, match="column 1 of X .* goes up to 5000 and column 0 to 2: .*standardise") as said:
        fit(MLP(2, [1], seed=0), [[1.0, 5000.0], [2.0, 3000.0]], [0, 1], lr=1e-9, epochs=1, progress=False)
    assert said[0].filename == __file__


# ---- a shell's manners ----


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("micrograd-nn ")


def test_an_unknown_function_gets_the_near_ones_and_no_hint_at_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "tahn(x)", "x=1"]) == 2
    said = capsys.readouterr().err
    assert "did you mean the operation tan(…) or tanh(…)" in said
    assert "gets its number" not in said
    assert main(["explain", "x*q", "x=1"]) == 2
    assert "gets its number" in capsys.readouterr().err


def shop(path: Path, *changes: tuple[int, int, object]) -> Path:
    """A table of 1,000 rows: age, income, visits, and whether somebody bought; some entries changed."""
    source = Random(1)
    rows: list[list[object]] = []
    for _ in range(1000):
        age, income, visits = source.uniform(18, 80), source.uniform(1e4, 9e4), source.randint(0, 9)
        wants = income / 1e4 + visits - age / 20 > source.gauss(4, 0.6)
        rows.append([round(age, 1), round(income), visits, "bought" if wants else "left"])
    for i, j, entry in changes:
        rows[i][j] = entry
    lines = ["age,income,visits,outcome", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_of_ones_own_from_file_to_prediction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, net = str(shop(tmp_path / "shop.csv")), str(tmp_path / "models" / "shop.safetensors")
    out = ["--out", str(tmp_path / "out" / "plots")]
    assert main(["train", table, "--target", "outcome", "--save", net, "--epochs", "20", *out]) == 0
    assert "age, income, visits standardised" in capsys.readouterr().out
    assert main(["predict", net, "30,80000,9", "70,15000,0"]) == 0
    rich, poor = capsys.readouterr().out.splitlines()
    assert rich.endswith(", bought")
    assert poor.endswith(", left")
    assert main(["evaluate", net, table, "--target", "outcome"]) == 0
    said = capsys.readouterr().out
    assert float(re.search(r"accuracy ([\d.]+)", said)[1]) > 0.9  # type: ignore[index]  # else it fails


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ["bad.csv", "--target", "outcome"],
            1,
            "2 values are missing in bad.csv: line 12, column income; line 502, column outcome",
        ),
        (["worse.csv", "--target", "outcome"], 1, "line 3, column age: 'old' is no number"),
        (["shop.csv"], 2, "--target NAME"),
        (["shop.csv", "--target", "outcom"], 2, "unknown column for the target 'outcom'; choose one of: outcome"),
        (["gone.csv", "--target", "x"], 1, "there is no file gone.csv"),
        (["moons", "--target", "x"], 2, "moons is none: leave it out"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_before_anything_is_made(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    shop(Path("shop.csv"))
    shop(Path("bad.csv"), (10, 1, ""), (500, 3, ""))
    shop(Path("worse.csv"), (1, 0, "old"))
    assert main(["train", *words]) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""
    assert sorted(os.listdir()) == ["bad.csv", "shop.csv", "worse.csv"]


def test_a_scale_in_the_first_layer_changes_no_output() -> None:
    rows = [[20.0, 3e4], [50.0, 9e4], [35.0, 1e4]]
    scaled, scale = data.standardise(rows)
    net = MLP(2, [3, 2], activation="tanh", seed=0)
    before = predict(net, scaled)
    take_in(net, scale)
    assert np.allclose(predict(net, rows), before, rtol=1e-12)


def test_a_target_of_numbers_stays_one_unless_it_is_0_and_1(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,0\n2,1.0\n3,1\n")
    assert data.read_csv(table, "b").classes == ("0", "1")
    assert data.read_csv(table, "b").y.tolist() == [0, 1, 1]
    assert data.read_csv(table, "a").y.tolist() == [1.0, 2.0, 3.0]
    assert data.read_csv(table, "a").classes == ()
