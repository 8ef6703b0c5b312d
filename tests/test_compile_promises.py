"""What a program never does quietly: compile a rule that looks at numbers, shuffle unasked, mix names, tear a step."""

import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from micrograd_nn import Value
from micrograd_nn.compile import compile
from micrograd_nn.errors import ArgumentTypeError
from micrograd_nn.optim import SGD

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
