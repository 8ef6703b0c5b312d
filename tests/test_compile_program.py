"""Programs as users meet them: training, errors, the choice of a backend, the generated source."""

import ast
import re
from math import inf, isnan, nan
from random import Random
from typing import Any

import numpy as np
import pytest
from compile_cases import alike, network

from micrograd_nn import MLP, TABLE, Value, exp, tanh
from micrograd_nn.cli import main
from micrograd_nn.compiler import compile
from micrograd_nn.compiler.backend import Update
from micrograd_nn.compiler.steps import Apply, Leaf, Ref, Tape, check
from micrograd_nn.errors import AnomalyError, ArgumentError, ArgumentTypeError, GraphError, ShapeError, UnknownNameError
from micrograd_nn.nn import losses
from micrograd_nn.nn.optim import OPTIMIZERS, SGD, Adam, Optimizer

PEOPLE = [[-2.0, -1.0], [25.0, 6.0], [17.0, 4.0], [-15.0, -6.0], [3.0, 1.0]]
LABELS = [1.0, 0.0, 0.0, 1.0, 1.0]


class Crossed(Optimizer):
    """Its memory is the parameter and the gradient before, in turn: each outcome reads what another replaces."""

    memories = ("parameter", "gradient")

    def rule(self, p: Any, g: Any, memory: Any, s: Any) -> Any:
        return memory[1] - s["lr"] * g, (p, memory[0] + g)


KINDS: dict[str, Any] = {
    **{name: lambda params, kind=kind: kind(params, lr=0.05) for name, kind in OPTIMIZERS.items()},
    "crossed": lambda params: Crossed(params, lr=0.05),
    "sgd, all options": lambda params: SGD(params, lr=0.05, momentum=0.9, weight_decay=0.01, nesterov=True),
    "sgd, dampened": lambda params: SGD(params, lr=0.05, momentum=0.9, dampening=0.5, maximize=False),
}


def small(seed: int = 0) -> MLP:
    return MLP(2, [2, 1], "sigmoid", "sigmoid", seed=seed)


def recorded(net: MLP) -> tuple[Value, list[Any]]:
    x, y = [Value(0.0), Value(0.0)], Value(0.0)
    return losses.mse(net(x), y), [x, y]


def by_hand(net: MLP, optimizer: Any, epochs: int, size: int) -> None:
    """The scalar engine's training: a sweep per row, the mean gradient, a step."""
    for _ in range(epochs):
        for start in range(0, len(PEOPLE), size):
            batch = range(start, min(start + size, len(PEOPLE)))
            net.zero_grad()
            for i in batch:
                losses.mse(net(PEOPLE[i]), LABELS[i]).backward()
            for p in net.parameters():
                p.grad = (p.grad or 0.0) / len(batch)
            optimizer.step()


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("backend", ["python", "c"], indirect=True)
@pytest.mark.parametrize("kind", KINDS)
def test_training_is_the_engines_bit_for_bit(kind: str, backend: str, size: int) -> None:
    ours, theirs = small(), small()
    optimizer = KINDS[kind](ours.parameters())
    loss, inputs = recorded(ours)
    compile(loss, inputs, ours.parameters(), backend=backend).minimize(
        optimizer, PEOPLE, LABELS, epochs=6, batch_size=size
    )
    other = KINDS[kind](theirs.parameters())
    by_hand(theirs, other, 6, size)
    assert ours.state_dict() == theirs.state_dict()
    assert optimizer.state_dict() == other.state_dict()


@pytest.mark.parametrize("backend", ["numpy", "c in arrays", "jax"], indirect=True)
@pytest.mark.parametrize("kind", KINDS)
def test_training_in_arrays_is_the_same_to_rounding(kind: str, backend: str) -> None:
    ours, theirs = small(), small()
    optimizer, other = KINDS[kind](ours.parameters()), KINDS[kind](theirs.parameters())
    loss, inputs = recorded(ours)
    program = compile(loss, inputs, ours.parameters(), backend=backend)
    program.minimize(optimizer, PEOPLE, LABELS, epochs=3, batch_size=2)
    by_hand(theirs, other, 3, 2)
    assert list(ours.state_dict().values()) == pytest.approx(list(theirs.state_dict().values()), rel=1e-9)
    assert optimizer.steps == other.steps == 9
    for got, want in zip(optimizer.memory, other.memory, strict=True):
        assert got == pytest.approx(want, rel=1e-6, abs=1e-12)


def test_an_optimiser_may_have_the_parameters_in_another_order() -> None:
    ours, theirs = small(), small()
    optimizer = Adam(list(reversed(ours.parameters())), lr=0.05)
    loss, inputs = recorded(ours)
    program = compile(loss, inputs, ours.parameters(), backend="python")
    program.minimize(optimizer, PEOPLE, LABELS, epochs=2)
    program.minimize(optimizer, PEOPLE, LABELS, epochs=2)
    other = Adam(list(reversed(theirs.parameters())), lr=0.05)
    by_hand(theirs, other, 4, 1)
    assert ours.state_dict() == theirs.state_dict()
    assert optimizer.memory == other.memory


def test_shuffling_epochs_and_callbacks(backend: str) -> None:
    """One call of four epochs is two calls of two; a callback sees the parameters and may end the training."""
    nets = [small() for _ in range(3)]
    seen: list[tuple[int, float]] = []
    programs = [compile(*recorded(net), net.parameters(), backend=backend) for net in nets]
    optimizers = [SGD(net.parameters(), lr=0.1) for net in nets]
    whole = programs[0].minimize(optimizers[0], PEOPLE, LABELS, epochs=4, batch_size=2, shuffle=7)
    source = Random(7)
    halves = [
        programs[1].minimize(optimizers[1], PEOPLE, LABELS, epochs=2, batch_size=2, shuffle=source) for _ in range(2)
    ]

    def each(epoch: int, loss: float) -> bool:
        seen.append((epoch, nets[2].parameters()[0].data))
        return epoch == 3

    stopped = programs[2].minimize(
        optimizers[2], PEOPLE, LABELS, epochs=9, batch_size=2, shuffle=Random(7), each_epoch=each
    )
    assert len(whole) == 4
    assert stopped == pytest.approx(whole[:3], rel=1e-15)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert seen[-1][1] == nets[2].parameters()[0].data
    assert halves[0] == pytest.approx(whole[:2], rel=1e-15)
    assert optimizers[0].steps == optimizers[1].steps == 12


@pytest.mark.parametrize("size", [1, 2])
def test_a_loss_that_is_not_finite_ends_the_training(backend: str, size: int) -> None:
    net = small()
    optimizer = Adam(net.parameters(), lr=0.1)
    program = compile(*recorded(net), net.parameters(), backend=backend)
    rows = [*PEOPLE[:3], [nan, 1.0], PEOPLE[4]]
    with pytest.raises(AnomalyError, match=r"in epoch 1, step \d \(row .*3.*before this step") as raised:
        program.minimize(optimizer, rows, LABELS, epochs=2, batch_size=size)
    assert str(raised.value).count("step") == 2
    assert optimizer.steps == (3 if size == 1 else 1)
    assert all(not isnan(p.data) for p in net.parameters())
    again = small()
    compile(*recorded(again), again.parameters(), backend=backend).minimize(
        Adam(again.parameters(), lr=0.1),
        PEOPLE[: 3 if size == 1 else 2],
        LABELS[: 3 if size == 1 else 2],
        batch_size=size,
    )
    assert net.state_dict() == again.state_dict()


def test_a_loss_that_is_not_finite_names_its_row_in_any_epoch(backend: str) -> None:
    """Of e^(w·x) only the row with x = 1 moves w, up and up, until it overflows; the order is another in each epoch."""
    for seed in range(4):
        w, x = Value(700.0), Value(0.0)
        program = compile(exp(w * x), [x], [w], backend=backend)
        climb = SGD([w], lr=1e-304, maximize=True)
        with pytest.raises(AnomalyError, match=r"in epoch [2-9], step \d \(row 2\)"):
            program.minimize(climb, [0.0, 0.0, 1.0, 0.0, 0.0], epochs=50, shuffle=seed)


def test_ctrl_c_leaves_the_last_finished_step(backend: str) -> None:
    """The scalars of the fourth step are asked for and the interrupt comes: three steps are done, memory and all."""

    class Interrupted(Adam):
        def scalars(self) -> dict[str, float]:
            if self.steps == 4:
                raise KeyboardInterrupt
            return super().scalars()

    net, again = small(), small()
    optimizer = Interrupted(net.parameters(), lr=0.1)
    with pytest.raises(KeyboardInterrupt):
        compile(*recorded(net), net.parameters(), backend=backend).minimize(optimizer, PEOPLE, LABELS)
    other = Adam(again.parameters(), lr=0.1)
    compile(*recorded(again), again.parameters(), backend=backend).minimize(other, PEOPLE[:3], LABELS[:3])
    assert (net.state_dict(), optimizer.memory, optimizer.steps) == (again.state_dict(), other.memory, 3)


def test_gradients_go_back_into_the_values() -> None:
    net = small()
    program = compile(*recorded(net), net.parameters())
    _, gradient = program.value_and_grad(PEOPLE[0], LABELS[0], write=True)
    assert [p.grad for p in net.parameters()] == gradient.tolist()
    net.parameters()[0].data = 3.0
    assert program(PEOPLE[0], LABELS[0]) == losses.mse(net(PEOPLE[0]), LABELS[0]).data


def test_a_parameter_out_of_reach_stays(backend: str) -> None:
    w, idle, x = Value(1.0), Value(5.0), Value(2.0)
    program = compile((w * x) ** 2, [x], [w, idle], backend=backend)
    _, gradient = program.value_and_grad([2.0])
    program.minimize(SGD([w, idle], lr=0.01, weight_decay=0.5), [2.0, 3.0])
    assert gradient.tolist() == [8.0, 0.0]
    assert idle.data == 5.0
    assert w.data != 1.0


# ---- errors ----


def test_errors_name_what_is_wrong() -> None:
    net = small()
    loss, (x, y) = recorded(net)
    params = net.parameters()
    before = net.state_dict()
    program = compile(loss, [x, y], params)
    bad: list[tuple[type[Exception], str, Any]] = [
        (ArgumentTypeError, "one recorded Value, got float", lambda: compile(1.0)),  # type: ignore[arg-type]
        (ArgumentError, "made by pow", lambda: compile(loss, [loss], params)),
        (ArgumentError, "listed twice", lambda: compile(loss, [x, x[0]], params)),
        (ArgumentError, "listed twice", lambda: compile(loss, [x, params[0]], params)),
        (ArgumentError, "lists of an input have one length", lambda: compile(loss, [[[x[0]], x]], params)),
        (ArgumentTypeError, "a list with a Value", lambda: compile(loss, x[0], params)),  # type: ignore[arg-type]
        (ArgumentTypeError, "got float, str", lambda: compile(loss, [["a", 1.0]], params)),
        (ArgumentTypeError, r"list of Values, such as \[w, b\], got 3.0", lambda: compile(loss, [x, y], 3.0)),  # type: ignore[arg-type]
        (ArgumentTypeError, "a parameter is a Value, got float", lambda: compile(loss, [x, y], [1.0])),  # type: ignore[list-item]
        (
            UnknownNameError,
            "unknown backend 'nunpy'; choose one of: numpy",
            lambda: compile(loss, [x, y], params, "nunpy"),
        ),
        (UnknownNameError, "unknown dtype 'float16'", lambda: compile(loss, [x, y], params, dtype="float16")),
        (ArgumentError, "Python's floats are float64", lambda: compile(loss, [x, y], params, "python", "float32")),
        (ShapeError, r"takes 2 arguments, one for each input; got 1", lambda: program(PEOPLE)),
        (ShapeError, r"argument 1 has shape rows×2, or one row of it; got \(3,\)", lambda: program([1, 2, 3], 1)),
        (ShapeError, r"different numbers of rows: \[5, 4\]", lambda: program(PEOPLE, LABELS[:4])),
        (ShapeError, "no rows", lambda: program(np.zeros((0, 2)), [])),
        (ArgumentTypeError, "not an array of numbers", lambda: program([["a", "b"]], [1])),
        (ArgumentTypeError, "not an array of numbers: it holds complex128", lambda: program([[1j, 2.0]], [1])),
        (ArgumentTypeError, "not an array of numbers: it holds str", lambda: program([["1", "2"]], [1])),
        (
            ArgumentTypeError,
            "argument 2 is not .*: expected one real number, got None",
            lambda: program(PEOPLE[:1], None),
        ),
        (ArgumentError, "give both one list", lambda: program.minimize(SGD(params[:2], lr=1.0), PEOPLE, LABELS)),
        (ArgumentError, "epochs is a whole number from 0 up, got -1", lambda: train(program, params, epochs=-1)),
        (
            ArgumentTypeError,
            "batch_size is a whole number from 1 up, got 0.5",
            lambda: train(program, params, batch_size=0.5),
        ),
        (ArgumentError, "batch_size is a whole number from 1 up, got 0", lambda: train(program, params, batch_size=0)),
    ]
    for kind, text, call in bad:
        with pytest.raises(kind, match=text):
            call()
    assert net.state_dict() == before


def train(program: Any, params: list[Value], **options: Any) -> None:
    program.minimize(SGD(params, lr=0.1), PEOPLE, LABELS, **options)


def test_the_checker_finds_what_is_not_well_formed() -> None:
    tape = Tape()
    p = tape.add(Leaf((), (3,), False, "p"))
    x = tape.add(Leaf((), (2,), True, "x1"))
    check(tape.steps)
    for step, text in (
        (Apply((Ref(0), Ref(1)), (3,), True, TABLE["add"]), "do not fit each other|has shape"),
        (Apply((Ref(1),), (2,), False, TABLE["exp"]), "not marked so"),
        (Apply((Ref(0),), (3,), True, TABLE["exp"]), "nothing that it is made of does"),
        (Apply((Ref(5),), (3,), False, TABLE["exp"]), "must come before it"),
        (Apply((Ref(0),), (4,), False, TABLE["exp"]), r"has shape \(4,\), but makes \(3,\)"),
    ):
        with pytest.raises(GraphError, match=text):
            check([*tape.steps, step])
    assert (p.ref, x.ref) == (Ref(0), Ref(1))


# ---- what runs ----


def test_the_choice_depends_on_size_and_rows() -> None:
    net = small()
    program = compile(*recorded(net), net.parameters())
    assert program.backend == "python"
    assert "node by node" in program.why
    program(PEOPLE * 2000, LABELS * 2000)
    assert program.backend == "numpy"
    program(PEOPLE, LABELS)
    assert program.backend == "python"


HOSTILE = ('"""', "__import__('os')", "x'\n    raise SystemExit", "p_0", "w\\", "\x00", "{a}", "é" * 50, "np.ones")


def test_no_label_reaches_the_source(backend: str) -> None:
    plain, named = network([3, 4, 2], losses.mse, "relu"), network([3, 4, 2], losses.mse, "relu")
    for i, leaf in enumerate([*named.parameters, *named.inputs[0], *named.inputs[1], named.loss]):
        leaf.label = HOSTILE[i % len(HOSTILE)]
    ours, theirs = (compile(*case, backend=backend) for case in (named, plain))
    loops = [p.runs(1).loop(update_of(case), 2) for p, case in ((ours, named), (theirs, plain))]
    assert ours.source == theirs.source
    assert str(ours) == str(theirs)
    assert ours._repr_latex_() == theirs._repr_latex_()
    assert loops[0].source == loops[1].source
    if backend in ("c", "jax"):
        assert not any(label in ours.source + loops[0].source for label in HOSTILE)
    else:
        check_names(ours.source)


def check_names(source: str) -> None:
    known = {
        "value",
        "value_and_grad",
        "build",
        "each",
        "view",
        "seed",
        "float",
        "float64",
        "bool",
        "len",
        "np",
        "math",
    }
    known |= {"exp", "nan", "inf", "rows", "total", "n", "e", "p", "g", *(f"row_{name}" for name in TABLE)}
    for name in {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)} - known:
        assert re.fullmatch(r"[pgxvsfae][vs]?\d*_?\d+", name), name


def update_of(case: Any) -> Update:
    optimizer = Adam(case.parameters)
    optimizer.steps = 1
    return Update(optimizer.rule, optimizer.memories, tuple(optimizer.scalars()))


def test_constants_are_exact() -> None:
    """A constant reads back as the same bits, whatever it is."""
    for number in (0.1, -0.0, 5e-324, 1.7976931348623157e308, inf, -inf, nan, -1 / 3):
        w = Value(1.0)
        for backend in ("python", "numpy"):
            assert alike(compile(w * number, [], [w], backend=backend)(), 1.0 * number)


# ---- long graphs ----


@pytest.mark.parametrize("backend", ["auto", "numpy"])
def test_a_long_chain_of_one_operation(backend: str) -> None:
    y = w = Value(0.5)
    for _ in range(20_000):
        y = y * 1.0001
    y.backward()
    program = compile(y, [], [w], backend=backend)
    loss, (slope,) = program.value_and_grad()
    assert loss == pytest.approx(y.data, rel=1e-11)
    assert slope == pytest.approx(w.grad, rel=1e-11)


@pytest.mark.slow
def test_a_million_operations() -> None:
    """Row 9 of the reliability table: bit for bit, at the default recursion limit."""
    y = w = Value(0.5)
    for i in range(1_000_000):
        y = tanh(y) if i % 2 else y * 1.01
    y.backward()
    program = compile(y, [], [w])
    loss, (slope,) = program.value_and_grad()
    assert (loss, slope) == (y.data, w.grad)
    program.minimize(SGD([w], lr=0.1), epochs=1)
    assert w.data == 0.5 - 0.1 * slope


# ---- the command line ----


def test_the_command_prints_equations_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "(y - sigmoid(w1*x1 + w2*x2 + b1))^2", "--inputs", "x1", "x2", "y"]) == 0
    printed = capsys.readouterr().out
    assert "L = (x3 − σ(w1·x1 + w2·x2 + b1))^2" in printed
    assert "# backend: python" in printed
    assert "def value_and_grad(p, rows):" in printed
    assert main(["compile", "--network", "4,3,2", "--loss", "softmax_cross_entropy", "--backend", "numpy"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Z1 = W1·X + b1                               3×n\n")
    assert "np.matmul(" in printed


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "give a formula in quotes"),
        (["--network", "2,a"], "argument --network: sizes are whole numbers such as 300,100, or none; got '2,a'"),
        (["a*b", "--inputs", "c"], "unknown name after --inputs 'c'"),
        (["1+1"], "nothing to compile"),
        (
            ["--network", "3,1", "--loss", "softmax_cross_entropy"],
            "compares the outputs of several classes, got the single",
        ),
    ],
)
def test_the_command_says_what_is_wrong(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["compile", *words])
    except SystemExit as end:  # argparse's own way
        code = int(str(end.code))
    assert code == 2
    assert text in capsys.readouterr().err
