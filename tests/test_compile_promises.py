"""What a program never does quietly: compile a rule that looks at numbers, shuffle unasked, mix names or threads, tear
a step."""

import ast
import builtins
import math
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from keyword import iskeyword
from random import Random
from typing import Any

import pytest
from ctrl_c import Moment
from test_compile_program import Crossed

from micrograd_nn import MLP, Operation, Value, fit
from micrograd_nn.compiler import compile, straight
from micrograd_nn.compiler.backend import _compiled
from micrograd_nn.engine.operation import TABLE
from micrograd_nn.engine.ops import div, exp, sqrt, tanh
from micrograd_nn.errors import ArgumentTypeError
from micrograd_nn.nn.optim import OPTIMIZERS, SGD, Adam

# ---- rules that look at a number ----

LOOKS: dict[str, Callable[[Any, Any], Any]] = {
    "if g": lambda p, g: p + 1.0 if g else p,
    "not g": lambda p, g: p + 1.0 if not g else p,
    "g == 0.0": lambda p, g: p + 1.0 if g == 0.0 else p,
    "0.0 == g": lambda p, g: p + 1.0 if 0.0 == g else p,  # noqa: SIM300  # the number may stand first
    "g != 0.0": lambda p, g: p + 1.0 if g != 0.0 else p,
    "g < p": lambda p, g: p + 1.0 if g < p else p,
    "g <= 1.0": lambda p, g: p + 1.0 if g <= 1.0 else p,
    "g > 1.0": lambda p, g: p + 1.0 if g > 1.0 else p,
    "1.0 <= g": lambda p, g: p + 1.0 if 1.0 <= g else p,  # noqa: SIM300
    "g in {}": lambda p, g: p + 1.0 if g in {0.0: 1} else p,
    "g in []": lambda p, g: p + 1.0 if g in [0.0] else p,
    "max": lambda p, g: p - max(g, 0.0),
    "math": lambda p, g: p - math.copysign(0.1, g),
    "float": lambda p, g: p - float(g),
    "int": lambda p, g: p - int(g),
    "round": lambda p, g: p - round(g),
    "format": lambda p, g: p - float(f"{g:.1f}"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_rule_that_looks_at_a_number_is_refused(look: str, backend: str) -> None:
    class Looking(SGD):
        def rule(self, p: Any, g: Any, memory: Any, s: Any) -> Any:
            return LOOKS[look](p, g), memory

    w, x = Value(0.5), Value(1.0)
    with pytest.raises(TypeError):
        compile(w * x, [x], [w], backend=backend).minimize(Looking([w], lr=0.1), [1.0])
    assert w.data == 0.5


def test_a_training_with_such_a_rule_is_left_to_the_scalar_engine() -> None:
    """The gradient of 0·w is 0, so each step adds 1."""

    class Counting(SGD):
        def rule(self, p: Any, g: Any, memory: Any, s: Any) -> Any:
            return (p + 1.0, memory) if g == 0.0 else (p, memory)

    for engine in ("auto", "scalar"):
        neuron = MLP(1, [1], "identity", seed=0)
        for parameter in neuron.parameters():
            parameter.data = 0.0
        fit(
            neuron,
            [[0.0]] * 100,
            [0.0] * 100,
            optimizer=Counting(neuron.parameters(), lr=0.1),
            epochs=100,
            batch_size=100,
            engine=engine,
        )
        assert neuron.parameters()[0].data == 100.0, engine


# ---- the order of the rows ----


def trained(**options: Any) -> float:
    w, x = Value(0.0), Value(0.0)
    compile((w * x - 1.0) ** 2, [x], [w]).minimize(SGD([w], lr=0.1), [1.0, 2.0, 3.0, 4.0], **options)
    return w.data


def test_rows_are_shuffled_by_a_seed_and_by_nothing_else() -> None:
    assert trained(shuffle=False) == trained(shuffle=None) == trained()
    assert trained(shuffle=0) == trained(shuffle=Random(0)) != trained()
    with pytest.raises(ArgumentTypeError, match=r"takes a seed.*: shuffle=0, not True"):
        trained(shuffle=True)
    with pytest.raises(ArgumentTypeError, match="seed is a whole number or None, got 'yes'"):
        trained(shuffle="yes")


# ---- operations of any name ----


@contextmanager
def executed() -> Iterator[list[str]]:
    """What the compiler hands to Python meanwhile."""
    found: list[str] = []

    def listening(source: Any, filename: str, *given: Any, **named: Any) -> Any:
        if filename == "<compiled by micrograd_nn>":
            found.append(source)
        return usual(source, filename, *given, **named)

    usual = builtins.compile
    builtins.compile = listening
    _compiled.cache_clear()
    try:
        yield found
    finally:
        builtins.compile = usual


def sources() -> str:
    """What is executed of every kind, one after another."""
    w, v, x, y = (Value(0.5) for _ in range(4))
    loss = div(tanh(w * x) * sqrt(v * v + 1.0) - y, v) ** 2
    kinds = (lambda p: SGD(p, lr=0.1), lambda p: SGD(p, lr=0.1, momentum=0.9), Adam)
    with executed() as found:
        for backend, kind, size in product(("python", "numpy"), kinds, (1, 2)):  # C has no names that Python executes
            program = compile(loss, [x, y], [w, v], backend=backend)
            program.value_and_grad([0.5], [0.5])
            program([0.5], [0.5])
            program.minimize(kind([w, v]), [0.5, 0.25], [0.5, 0.25], batch_size=size)
    return "\n\n".join(found)


def names_in(source: str) -> set[str]:
    """Every name, argument and function of the source."""
    nodes = list(ast.walk(ast.parse(source)))
    found = {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.arg for node in nodes if isinstance(node, ast.arg)
    }
    return found | {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


@pytest.mark.usefixtures("own_rows")
def test_an_operation_may_have_any_name_that_the_source_has() -> None:
    names = names_in(sources())
    assert {"total", "len", "float", "n", "p", "rows", "math", "np", "each", "train", "row_div"} <= names
    wrong = []
    for name in sorted(names - TABLE.keys()):
        assert not iskeyword(name)
        doubled = Operation(
            name,
            doc="2a",
            forward=lambda a: 2.0 * a,
            partials=(lambda a, out: 2.0,),
            latex="2 {a:3}",
            numpy="2.0 * {a}",
        )
        w, x = Value(3.0), Value(0.5)
        for backend in ("python", "numpy"):
            w.data = 3.0
            program = compile(doubled(w * x) + div(w, 4.0), [x], [w], backend=backend)
            got = program([0.5]), *program.value_and_grad([0.5])
            program.minimize(SGD([w], lr=1.0), [0.5, 0.5], batch_size=2)
            program.minimize(SGD([w], lr=1.0), [0.5])
            if (*got, w.data) != (3.75, 3.75, 1.25, 0.5):
                wrong.append((name, backend, got, w.data))
    assert wrong == []


# ---- a step as a whole or not at all ----


class Called(SGD):
    """A rule with calls and without a memory."""

    def rule(self, p: Any, g: Any, memory: Any, s: Any) -> Any:
        return p - s["lr"] * exp(tanh(g)), memory


KINDS: dict[str, Any] = {**OPTIMIZERS, "called": Called, "crossed": Crossed}
ROWS = [1.0, -0.5, 0.25, 2.0]
SLOWLY = [pytest.param(seconds, marks=pytest.mark.slow) for seconds in (0.1, 1.0, 5.0, 12.0)]


def descended(kind: Any, backend: str, size: int, steps: int, at: int | None = None) -> tuple[Any, int, bool]:
    """(parameters, memory, steps) after a training of so many steps; the instructions; was it interrupted?

    With ``at`` Ctrl-C comes before that instruction, counted from the first step on.
    """
    moment = Moment(at or 0)

    class Armed(kind):  # type: ignore[misc]
        asked = 0

        def scalars(self) -> Any:
            self.asked += 1
            if self.asked == 2:  # the first time was to know their names
                moment.arm()
            return super().scalars()

        def scalars_vary(self) -> bool:
            return bool(kind(self.params, lr=0.1).scalars_vary())

    w, v, x = Value(0.5), Value(1.0), Value(0.0)
    optimizer = Armed([v, w], lr=0.1)  # in another order than the program's
    program = compile(exp(w * x) * v + v * v, [x], [w, v], backend=backend)
    interrupted = moment.run(lambda: program.minimize(optimizer, ROWS[: steps * size], batch_size=size))
    return ([w.data, v.data], list(optimizer.memory), optimizer.steps), moment.seen, interrupted


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize(
    "backend", ["python", "numpy", "c", "c in arrays", pytest.param("jax", marks=pytest.mark.slow)], indirect=True
)
@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_at_any_instruction_leaves_whole_steps(kind: str, backend: str, size: int) -> None:
    """From the first step to the last number that is brought back, with a real signal."""
    last = len(ROWS) // size
    whole = [descended(KINDS[kind], backend, size, steps)[0] for steps in range(1, last + 1)]
    assert [steps for _, _, steps in whole] == list(range(1, last + 1))
    count = descended(KINDS[kind], backend, size, last)[1]
    assert count > 200
    for instruction in range(1, count, max(1, count // 60)):
        state, _, interrupted = descended(KINDS[kind], backend, size, last, instruction)
        assert interrupted, instruction
        assert state == whole[state[2] - 1], instruction
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def sent_after(seconds: float) -> threading.Timer:
    """A Ctrl-C from outside."""
    timer = threading.Timer(seconds, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    timer.start()
    return timer


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize(
    "backend",
    ["python", "numpy", "c", "c in arrays", "jax", pytest.param("long", marks=pytest.mark.slow)],
    indirect=True,
)
def test_ctrl_c_is_answered_at_once_and_leaves_whole_steps(backend: str) -> None:
    """At moments of its own, in a training of hours; "long" is a chain of more than 30,000 nodes."""

    def training() -> tuple[Any, Any, list[Value]]:
        w, v, x = Value(0.5), Value(1.0), Value(0.0)
        loss = exp(w * x) * v + v * v
        for _ in range(16_000 if backend == "long" else 0):
            loss = loss * 0.9999 + 1e-6
        program = compile(loss, [x], [w, v], backend="python" if backend == "long" else backend)
        return program, Adam([w, v], lr=1e-6), [w, v]

    source = Random(0)
    for _ in range(3 if backend == "long" else 5):
        program, optimizer, leaves = training()
        program.minimize(optimizer, ROWS, epochs=1, batch_size=2)
        timer = sent_after(source.uniform(0.05, 0.3))
        began = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            program.minimize(optimizer, ROWS, epochs=10**7, batch_size=2)
        assert time.perf_counter() - began < 3.0
        timer.join()
        again, other, expected = training()
        again.minimize(other, ROWS, epochs=optimizer.steps // 2, batch_size=2)
        if optimizer.steps % 2:
            again.minimize(other, ROWS[:2], batch_size=2)
        assert [leaf.data for leaf in leaves] == [leaf.data for leaf in expected]
        assert (optimizer.memory, optimizer.steps) == (other.memory, other.steps)


def a_spring(nodes: int) -> tuple[Value, list[Value]]:
    """Simulated step by step, pulled by its own differences: as deep as a graph can be."""
    k, d, x, v = Value(1.5), Value(0.1), Value(1.0), Value(0.0)
    for _ in range(nodes // 12):
        v = v - 0.01 * (k * (x - 0.5) + d * v)
        x = x + 0.01 * v
    return x * x, [k, d]


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("moment", [0.5, *SLOWLY])
@pytest.mark.parametrize("backend", ["python", "numpy"])
def test_row_46_ctrl_c_is_heard_while_a_deep_graph_is_compiled(backend: str, moment: float) -> None:
    """At most half a second of work after the signal, whatever there is to do for 10^5 nodes."""
    loss, weights = a_spring(100_000)
    sent: list[float] = []

    def send() -> None:
        sent.append(time.process_time())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def work() -> None:
        while True:
            program = compile(loss, [], weights, backend=backend)
            program.value_and_grad()
            program.minimize(SGD(weights, lr=1e-9), epochs=3)

    threading.Timer(moment, send).start()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert time.process_time() - sent[0] < 0.5


@pytest.mark.parametrize("backend", ["python", "numpy"])
def test_row_46_nothing_long_is_compiled_at_once(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as Python compiles it hears no Ctrl-C."""
    monkeypatch.setattr(straight, "PIECE", 100)
    loss, weights = a_spring(3000)
    with executed() as found:
        program = compile(loss, [], weights, backend=backend)
        program.value_and_grad()
        program.minimize(Adam(weights))
    assert max(len(source.splitlines()) for source in found) <= 150
    assert sum(len(source.splitlines()) for source in found) > 1500


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("backend", ["python", "numpy"])
def test_functions_that_are_cut_have_the_same_numbers(backend: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the length of a piece, to the bit: the loss, its gradient, the steps of an optimiser with memories."""
    found = []
    for piece in (10**6, 50, 7, 1):
        monkeypatch.setattr(straight, "PIECE", piece)
        loss, weights = a_spring(200)
        x = y = Value(0.0)
        for _ in range(30):
            y = tanh(y * weights[0] + weights[1])
        program = compile(loss * exp(x * weights[0]) + y, [x], weights, backend=backend)
        numbers = program(ROWS), *program.value_and_grad(ROWS)[1]
        program.minimize(Adam(weights, lr=0.1), ROWS, epochs=2, batch_size=size)
        found.append((numbers, [w.data for w in weights]))
        assert program.source.count("def ") > (2 if piece < 10**6 else 1)
    assert all(one == found[0] for one in found)


def test_a_slope_that_is_a_name_alone_is_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """At some of these depths an expression gets a line of its own, and the slope's line is ``g_0 += v12``."""
    monkeypatch.setattr(straight, "PIECE", 1)
    for depth in range(1, 14):
        w = y = Value(1.5)
        for _ in range(depth):
            y = y * w + w
        y.backward()
        assert compile(y, [], [w], backend="python").value_and_grad()[1] == [w.grad], depth


@pytest.mark.usefixtures("ctrl_c")
def test_a_handler_of_ones_own_is_called_between_steps() -> None:
    w, x = Value(0.5), Value(0.0)
    seen: list[float] = []

    def mine(number: int, frame: Any) -> None:
        seen.append(w.data)
        if len(seen) == 2:
            raise RuntimeError("enough")

    signal.signal(signal.SIGINT, mine)
    timers = [sent_after(0.1), sent_after(0.4)]
    with pytest.raises(RuntimeError, match="enough"):
        compile((w * x) ** 2, [x], [w], backend="python").minimize(SGD([w], lr=1e-6), ROWS, epochs=10**7)
    assert signal.getsignal(signal.SIGINT) is mine
    assert seen == [0.5, 0.5]  # the numbers come back at the end
    assert w.data < 0.5
    for timer in timers:
        timer.join()


def test_threads_that_share_a_program_take_turns(backend: str) -> None:
    """Each asks for its own rows, and once got numbers of the other's, from the arrays that both write into."""
    net, x = MLP(4, [8, 1], activation="tanh", seed=0), [Value(0.0) for _ in range(4)]
    program = compile(net(x), [x], net.parameters(), backend=backend)
    rows = [[[float(k + i), 1.0, -k, 0.5] for i in range(6)] for k in (0, 1)]

    def answers(k: int) -> tuple[Any, ...]:
        loss, gradient = program.value_and_grad(rows[k])
        return program(rows[k]), program.each(rows[k]).tolist(), loss, gradient.tolist()

    alone = [answers(0), answers(1)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(answers, [0, 1] * 400)) == alone * 400
    finally:
        sys.setswitchinterval(before)


def test_a_mean_that_overflows_is_inf_without_a_warning() -> None:
    """Each row's loss is a float, their sum is none; warnings are errors here."""
    x = Value(0.0)
    program = compile(x * x, [x], backend="numpy")
    assert program([1.3e154] * 2) == math.inf
    assert program.each([1.3e154] * 2).tolist() == [1.3e154**2] * 2


@pytest.mark.parametrize(("rows", "unit"), [(1, "µs"), (100_000, "ms"), (100_000_000, "s")])
def test_the_choice_gives_its_estimates_in_units_that_fit(rows: int, unit: str) -> None:
    w, x = Value(2.0), Value(3.0)
    _, why = compile((w * x) ** 2, [x], [w]).backends.choose(rows)
    assert re.search(rf"about \d[\d.]* {unit} node by node", why), why
