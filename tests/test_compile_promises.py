"""What a program never does quietly: compile a rule that looks at numbers, shuffle unasked, mix names, tear a step."""

import ast
import math
from collections.abc import Callable
from keyword import iskeyword
from random import Random
from typing import Any

import pytest

from micrograd_nn import Operation, Value
from micrograd_nn.compile import compile
from micrograd_nn.compile.backend import Update
from micrograd_nn.errors import ArgumentTypeError
from micrograd_nn.operation import TABLE
from micrograd_nn.ops import div, sqrt, tanh
from micrograd_nn.optim import SGD, Adam

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
