"""Optimisers: how parameters follow their gradients.

Promise: a step changes the parameters' ``.data`` and nothing else, all of them or none. A rule is written once, in
arithmetic and the table's operations, so that the same lines move floats here and are compiled elsewhere. Names and
defaults are PyTorch's.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Any

from .errors import ArgumentError, ArgumentTypeError
from .operation import as_float
from .value import Value


class Optimizer:
    """What all optimisers share: the list of parameters, the learning rate, and a step that moves all of them.

    A kind of descent gives ``memories``, the names of the numbers that it keeps for each parameter (each starts at
    0), ``scalars``, the numbers that all parameters share in one step, and ``rule``.

    Raises ArgumentError if there is no parameter, if one comes twice, or if lr is not positive and finite.
    """

    memories: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Value], lr: float) -> None:
        self.params = list(params)
        self.lr = as_float(lr)
        self.steps = 0
        if not self.params:
            raise ArgumentError("an optimiser needs at least one parameter: pass net.parameters()")
        if not all(isinstance(p, Value) for p in self.params):
            raise ArgumentTypeError("an optimiser takes a list of Values: pass net.parameters()")
        if len(set(self.params)) != len(self.params):
            raise ArgumentError("a parameter is in the list twice, and would be moved twice")
        if not (isfinite(self.lr) and self.lr > 0):
            raise ArgumentError(f"lr is a positive number such as 0.1, got {lr}")
        self.memory = [(0.0,) * len(self.memories) for _ in self.params]

    def scalars(self) -> dict[str, float]:
        """The numbers that all parameters share in the step under way; ``self.steps`` counts from 1."""
        return {"lr": self.lr}

    def rule(self, p: Any, g: Any, memory: tuple[Any, ...], s: dict[str, Any]) -> tuple[Any, tuple[Any, ...]]:
        """The parameter p with gradient g after a step, and its memory: on floats, arrays of a tracer, or symbols."""
        raise NotImplementedError

    def step(self) -> None:
        """Move each parameter that has a gradient."""
        self.steps += 1
        s = self.scalars()
        moved = [
            (parameter, *self.rule(parameter.data, parameter.grad, memory, s))
            if parameter.grad is not None
            else (parameter, parameter.data, memory)
            for parameter, memory in zip(self.params, self.memory, strict=True)
        ]
        self.memory = [memory for _, _, memory in moved]
        for parameter, number, _ in moved:
            parameter.data = number

    def zero_grad(self) -> None:
        """Forget all gradients: each parameter's ``.grad`` is None again."""
        for parameter in self.params:
            parameter.grad = None


class SGD(Optimizer):
    """Stochastic gradient descent: each step moves a parameter by -lr times its gradient.

    >>> w = Value(1.0)
    >>> (w * 3).backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    0.7
    """

    def __init__(self, params: Iterable[Value], lr: float = 1e-3) -> None:
        super().__init__(params, lr)

    def rule(self, p: Any, g: Any, memory: tuple[Any, ...], s: dict[str, Any]) -> tuple[Any, tuple[Any, ...]]:
        """p - lr·g."""
        return p - s["lr"] * g, memory
