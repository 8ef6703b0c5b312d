"""What all optimisers share: the parameters, the learning rate, a step that moves all of them, and their state."""

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, TypeVar

from ..engine.value import Value, set_numbers
from ..errors import ArgumentError, ArgumentTypeError, MicrogradError, StateError, UnknownNameError, counted
from ..habits import UNREACHED
from ..number import as_float, whole_number

Memory = tuple[Any, ...]
Kind = TypeVar("Kind", bound="type[Optimizer]")

OPTIMIZERS: "dict[str, type[Optimizer]]" = {}


def offered(kind: Kind) -> Kind:
    """Let a class be asked for by its name: ``fit(…, optimizer="adam")``."""
    OPTIMIZERS[kind.__name__.lower()] = kind
    return kind


def named_optimizer(name: str) -> "Callable[..., Optimizer]":
    """The optimiser of that name, in any case of letters. Raises UnknownNameError, which lists the names."""
    if not isinstance(name, str) or name.lower() not in OPTIMIZERS:
        raise UnknownNameError("optimiser", name, OPTIMIZERS)
    return OPTIMIZERS[name.lower()]


class Optimizer:
    """What all optimisers share: the list of parameters, the learning rate, and a step that moves all of them.

    A kind of descent gives ``memories``, the names of the numbers that it keeps for each parameter (each starts at
    0), ``scalars``, the numbers that all parameters share in one step, and ``rule``. Scalars of its own count as
    different in every step, unless ``scalars_vary`` says no: then a compiled training asks for them once. A rule may
    branch on its hyperparameters, never on p, g or memory.

    ``maximize=True`` climbs instead. ``lr`` is the rate of the next step; schedules count from ``initial_lr``, the
    rate that was given here, or to the optimiser whose state was loaded.

    Raises ArgumentError if there is no parameter, if one comes twice, or if a hyperparameter is out of its range.

    >>> class Halves(Optimizer):
    ...     def rule(self, p, g, memory, s):
    ...         return p / 2, memory
    >>> w = Value(3.0)
    >>> w.backward()
    >>> Halves([w], lr=0.1).step()
    >>> w.data
    1.5
    """

    memories: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Value], lr: float, weight_decay: float = 0.0, maximize: bool = False) -> None:
        if not isinstance(params, Iterable):
            kind = type(params).__name__
            raise ArgumentTypeError(f"an optimiser takes a list of Values, got {kind}: pass net.parameters()")
        self.params = list(params)
        self.lr = self.initial_lr = within("lr", lr, RATE)
        self.weight_decay = within("weight_decay", weight_decay, FROM_0)
        self.maximize = maximize
        self.steps = 0
        if not self.params:
            raise ArgumentError("an optimiser needs at least one parameter: pass net.parameters()")
        if not all(isinstance(p, Value) for p in self.params):
            raise ArgumentTypeError("an optimiser takes a list of Values: pass net.parameters()")
        if len(set(self.params)) != len(self.params):
            raise ArgumentError("a parameter is in the list twice, and would be moved twice")
        self.memory: list[Memory] = [(0.0,) * len(self.memories) for _ in self.params]

    @property
    def lr(self) -> float:
        """The rate of the next step. Raises ArgumentError if it is set to anything but a number from 0 up."""
        return self._lr

    @lr.setter
    def lr(self, rate: float) -> None:
        self._lr = within("lr", rate, FROM_0)  # a float: NumPy's would go on into every .data

    def scalars(self) -> dict[str, float]:
        """The numbers that all parameters share in the step under way; ``self.steps`` counts from 1."""
        return {"lr": self.lr}

    def scalars_vary(self) -> bool:
        """Whether ``scalars`` may differ from step to step, as long as nobody sets ``lr``."""
        return not self._has_scalars_of(Optimizer)

    def _has_scalars_of(self, kind: "type[Optimizer]") -> bool:
        """Are they those of that class, not overridden in a class made from it?"""
        return type(self).scalars is kind.scalars and type(self).lr is Optimizer.lr

    def scalars_at(self, step: int) -> dict[str, float]:
        """The scalars of that step, counted from 1; ``steps`` is afterwards what it was."""
        before, self.steps = self.steps, step
        try:
            return self.scalars()
        finally:
            self.steps = before

    def rule(self, p: Any, g: Any, memory: Memory, s: dict[str, Any]) -> tuple[Any, Memory]:
        """The parameter p with gradient g after a step, and its memory: on floats, arrays of a tracer, or symbols."""
        raise NotImplementedError

    def downhill(self, p: Any, g: Any) -> Any:
        """The slope to descend: g, or -g to climb, plus the pull of weight_decay towards 0."""
        if self.maximize:
            g = -g
        return g + self.weight_decay * p if self.weight_decay else g

    def step(self) -> None:
        """Move each parameter that has a gradient. After an error or Ctrl-C all have moved, or none."""
        s = self.scalars_at(self.steps + 1)
        moved = [
            (p.data, memory) if (g := p.grad) is UNREACHED else self.rule(p.data, g, memory, s)
            for p, memory in zip(self.params, self.memory, strict=True)
        ]
        numbers = [float(number) for number, _ in moved]
        own = {"memory": [memory for _, memory in moved], "steps": self.steps + 1}
        # ``deferred`` would take longer than a small network's step.
        set_numbers(self.params, numbers, map(self.__dict__.update, [own]))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({counted(len(self.params), 'parameter')}, lr={self.lr}, steps={self.steps})"

    def zero_grad(self) -> None:
        """Forget all gradients: each parameter's ``.grad`` is UNREACHED again."""
        for parameter in self.params:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """All that a later step depends on besides the parameters: steps, both rates, and one list per memory."""
        kept = {name: [memory[i] for memory in self.memory] for i, name in enumerate(self.memories)}
        return {"steps": self.steps, "lr": self.lr, "initial_lr": self.initial_lr, **kept}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state_dict, all or nothing. Raises StateError if it is of another kind of optimiser.

        An older state has no initial_lr: schedules then count from this optimiser's own.
        """
        count = len(self.params)
        misfit = f"this state does not fit {type(self).__name__} over {counted(count, 'parameter')}; nothing was loaded"
        wanted = ["steps", "lr", *self.memories]
        if {*wanted, "initial_lr"} != {*state, "initial_lr"}:
            raise StateError(f"{misfit}. It needs {', '.join(wanted)}, got {', '.join(state)}")
        try:
            steps = whole_number("steps", state["steps"], least=0)
            lr = within("lr", state["lr"], FROM_0)
            first = within("initial_lr", state.get("initial_lr", self.initial_lr), RATE)
            columns = [list(map(as_float, state[name])) for name in self.memories]
        except (MicrogradError, TypeError) as error:
            raise StateError(f"{misfit}. It holds what is no number or no list of numbers: {error}") from None
        if any(len(column) != count for column in columns):
            raise StateError(f"{misfit}. Its memories are of the sizes {[len(column) for column in columns]}")
        memory = list(zip(*columns, strict=True)) if columns else [()] * count
        self.memory, self.steps, self.lr, self.initial_lr = memory, steps, lr, first


# ---- hyperparameters ----

Range = tuple[str, Callable[[float], bool]]  # in words, and as a test
RATE: Range = "a positive number such as 0.1", lambda x: x > 0.0
FROM_0: Range = "a number from 0 up", lambda x: x >= 0.0
SMALL: Range = "a small number from 0 up", lambda x: x >= 0.0
SHARE: Range = "a number from 0 up to, but without, 1, such as 0.9", lambda x: 0.0 <= x < 1.0
ANY: Range = "a number, mostly from 0 to 1", isfinite


def within(name: str, given: Any, legal: Range) -> float:
    """given as a finite number of that range. Raises ArgumentError."""
    words, holds = legal
    try:
        number = as_float(given)
    except MicrogradError:
        raise ArgumentError(f"{name} is {words}, got {given!r}") from None
    if not (isfinite(number) and holds(number)):
        raise ArgumentError(f"{name} is {words}, got {given}")
    return number
