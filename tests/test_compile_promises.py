"""What a program never does quietly: compile a rule that looks at numbers, shuffle unasked, mix names or threads, tear
a step."""

import ast
import math
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from keyword import iskeyword
from random import Random
from typing import Any

import pytest

from micrograd_nn import MLP, Operation, Value, fit
from micrograd_nn.compiler import compile
from micrograd_nn.compiler.backend import Update
from micrograd_nn.compiler.interpreter import Interpreter
from micrograd_nn.compiler.trace import trace
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


@pytest.mark.parametrize("backend", ["python", "numpy"])
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


def sources() -> str:
    """What every kind of function is generated from, one after another."""
    w, v, x, y = (Value(0.5) for _ in range(4))
    loss = div(tanh(w * x) * sqrt(v * v + 1.0) - y, v) ** 2
    texts = []
    for backend in ("python", "numpy"):
        program = compile(loss, [x, y], [w, v], backend=backend)
        texts.append(program.source)
        for optimizer in (SGD([w, v], lr=0.1), Adam([w, v])):
            optimizer.steps = 1
            for varying in (False, True):
                update = Update(optimizer.rule, optimizer.memories, tuple(optimizer.scalars()), varying)
                texts += [program.runs(size).loop(update, size).source for size in (1, 2)]
    return "\n\n".join(texts)


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
    assert {"total", "len", "float", "n", "p", "rows", "math", "np", "build", "train", "row_div"} <= names
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


def update_of(kind: Any, w: list[Value]) -> tuple[Update, list[tuple[float, ...]]]:
    """An optimiser's update, and its scalars for a few steps."""
    optimizer, each = kind(w, lr=0.1), []
    for optimizer.steps in range(1, 9):
        each.append(tuple(optimizer.scalars().values()))
    return Update(optimizer.rule, optimizer.memories, tuple(optimizer.scalars())), each


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("kind", [*OPTIMIZERS.values(), Called])
def test_nothing_is_called_between_the_stores_of_a_step(kind: Any, size: int) -> None:
    """Python looks for Ctrl-C at calls and at jumps back."""
    w, v, x = Value(0.5), Value(1.0), Value(0.0)
    program = compile(exp(w * x) * v, [x], [w, v], backend="python")
    lines = program.runs(size).loop(update_of(kind, [w, v])[0], size).source.splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith("total +="))
    stop = next(i for i, line in enumerate(lines) if line.strip() == "done += 1")
    stores = [ast.parse(line.strip()) for line in lines[start : stop + 1]]
    assert len(stores) >= 4
    assert not any(isinstance(node, ast.Call | ast.For | ast.While) for store in stores for node in ast.walk(store))


def test_an_interrupt_at_any_instruction_of_the_interpreter_leaves_whole_steps() -> None:
    """Stricter than Ctrl-C, which does not come at all of them."""
    w, x = [Value(0.5), Value(-1.0)], Value(0.0)
    update, each = update_of(Adam, w)
    interpreter = Interpreter(trace((w[0] * x - w[1]) ** 2, [x], w))
    rows = [[1.0], [2.0], [3.0]]

    def state_after(steps: int, last: int = 10**9) -> tuple[Any, Any, Any, int]:
        """Parameters, memories, tally and instructions, after so many steps or an interrupt at an instruction."""
        p, memory, tally, seen = [0.5, -1.0], [[0.0, 0.0] for _ in update.memories], [0.0, 0], 0

        def tracer(frame: Any, event: str, _: Any) -> Any:
            nonlocal seen
            frame.f_trace_opcodes = frame.f_code.co_name == "train"
            seen += event == "opcode"
            if seen == last:
                raise KeyboardInterrupt
            return tracer

        before = sys.gettrace()
        sys.settrace(tracer)
        try:
            interpreter.train(update, 1)(p, memory, [rows[:steps]], each, [], tally)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        return p, memory, tally[1], seen

    whole = [state_after(steps)[:3] for steps in range(4)]
    assert [steps for _, _, steps in whole] == [0, 1, 2, 3]
    count = state_after(3)[3]
    assert count > 100
    for instruction in range(1, count):
        state = state_after(3, instruction)[:3]
        assert state == whole[state[2]], instruction


@pytest.mark.parametrize("backend", ["python", "numpy"])
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


@pytest.mark.parametrize(("rows", "unit"), [(1, "µs"), (10_000, "ms"), (10_000_000, "s")])
def test_the_choice_gives_its_estimates_in_units_that_fit(rows: int, unit: str) -> None:
    w, x = Value(2.0), Value(3.0)
    _, why = compile((w * x) ** 2, [x], [w]).backends.choose(rows)
    assert re.search(rf"about \d[\d.]* {unit} node by node", why), why
