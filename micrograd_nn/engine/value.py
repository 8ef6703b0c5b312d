"""Value: a number that remembers how it was made, and the sweep that takes its derivative back to where it came from.

A Value holds one Python float and, if an operation made it, that operation, its operands in order and the local slope
towards each, recorded when it was computed. The graph is this data and nothing else: no closure, no set, no cycle.

The sum, the difference, the product and a neuron's sum are spelled out for speed; tests hold them to their rows.
"""

from collections import deque
from collections.abc import Collection, Iterable
from functools import partial
from itertools import chain, repeat
from math import isfinite, isnan
from operator import attrgetter
from typing import Any
from warnings import warn

from ..errors import printable
from ..habits import UNREACHED, Habits, made_by_hand
from ..number import as_float
from .graph import Below, copying
from .graph import topological_order as topological_order
from .modes import check_backward, check_forward, now, open_locks
from .operation import TABLE, Operand, Operation
from .ops import add, mul, sub

LEFT = "a number leaves its graph here: write micrograd_nn.exp(v) for math.exp(v), and v.data if you mean the number"


class Value(Habits, Operand):
    """One real number in a computation graph.

    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> loss = (a * b + 10) ** 2
    >>> loss.backward()
    >>> a.grad, b.grad
    (-24.0, 16.0)

    Python's signs, the table's functions, ``tanh(v)`` or ``v.tanh()``, and NumPy's, ``np.exp(v)``, record what they do.
    A leaf adds the sweeps up, as in PyTorch; a node that an operation made holds the latest sweep. In a training loop
    write ``p.data -= lr * p.grad``: it changes the number. ``p -= …`` makes a new node instead. ``bool(v)``, ``==``
    and ``<`` look at the number, ``hash(v)`` at the node: equal ones stay apart in a set. ``float(v)``, and so
    ``math.exp(v)``, takes the number out of the graph, with a warning as in PyTorch: write ``v.data``.

    Raises NumberError (TypeError) if data is not one real number, TooLargeError if no float holds it.
    """

    __slots__ = ("_data", "_grad", "label", "operation", "left", "right", "dleft", "dright")
    _data: float
    _grad: float | None  # None until a sweep has reached the node
    label: str
    operation: Operation | None  # what made it; None for a leaf
    left: Any  # the operands, Values: None where there is none
    right: Any
    dleft: float  # ∂self/∂left and ∂self/∂right, as they were when self was computed
    dright: float

    def __init__(self, data: Any, label: "str | Collection[Value]" = "", op: str = "") -> None:
        self._data, self._grad, self.label = as_float(data), None, label if isinstance(label, str) else ""
        self.operation = self.left = self.right = None
        self.dleft = self.dright = 0.0
        if not isinstance(label, str):
            made_by_hand(self, label, op)  # micrograd's Value(t, (a,), "tanh")

    @property
    def data(self) -> float:
        """The number. Setting it converts as the constructor does; what was computed from it before stays computed."""
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        number = as_float(number)
        latest["change"] = object()  # before as well: Ctrl-C in between must not leave in force what somebody keeps
        self._data = number
        latest["change"] = object()

    @property
    def grad(self) -> float:
        """The slope that sweeps found here. Before the first it is UNREACHED: it counts as 0, and prints as –."""
        return UNREACHED if self._grad is None else self._grad

    @grad.setter
    def grad(self, slope: float | None) -> None:
        self._grad = None if slope is None or slope is UNREACHED else as_float(slope)

    @property
    def operands(self) -> "tuple[Value, ...]":
        """What the operation was applied to, in order; empty for a leaf."""
        return () if self.left is None else (self.left,) if self.right is None else (self.left, self.right)

    @property
    def partials(self) -> tuple[float, ...]:
        """∂self/∂operand for each operand, recorded at forward time."""
        return () if self.left is None else (self.dleft,) if self.right is None else (self.dleft, self.dright)

    # ---- forward ----

    @classmethod
    def apply(cls, operation: Operation, *operands: Any) -> "Value":
        """Compute and record: the one way by which a row acts on Values."""
        left = as_value(operands[0])
        a = left._data
        if len(operands) == 1:
            out = operation.forward(a)
            return _record(out, operation, left, None, operation.partials[0](a, out), 0.0)
        right = as_value(operands[1])
        b = right._data
        out = operation.forward(a, b)
        dleft, dright = operation.partials
        slope = dright(a, b, out)
        if right.__class__ is Constant and isnan(slope):
            slope = 0.0  # the 2 of (-3)**2 has no slope, and needs none
        return _record(out, operation, left, right, dleft(a, b, out), slope)

    def __add__(self, other: Any) -> "Value":
        if other.__class__ is not Value:
            other = as_value(other)
        return _record(self._data + other._data, add, self, other, 1.0, 1.0)

    def __sub__(self, other: Any) -> "Value":
        if other.__class__ is not Value:
            other = as_value(other)
        return _record(self._data - other._data, sub, self, other, 1.0, -1.0)

    def __mul__(self, other: Any) -> "Value":
        if other.__class__ is not Value:
            other = as_value(other)
        a, b = self._data, other._data
        return _record(a * b, mul, self, other, b, a)

    def __radd__(self, other: Any) -> "Value":
        return as_value(other) + self

    def __rsub__(self, other: Any) -> "Value":
        return as_value(other) - self

    def __rmul__(self, other: Any) -> "Value":
        return as_value(other) * self

    rows = TABLE

    # ---- backward ----

    def backward(self) -> None:
        """Fill ``.grad`` of every node below with ∂self/∂node; after an error or Ctrl-C each is what it was.

        Raises AnomalyError under ``detect_anomaly``.
        """
        order = topological_order(self)
        before = [node._grad for node in order]
        undo = map(_set_grad, order, before)
        try:
            _sweep(order, before)
            _add_earlier(order, before)
        except BaseException:
            deque(undo, maxlen=0)  # all of it in one step of C, which no Ctrl-C divides
            raise

    # ---- as a number ----

    def __float__(self) -> float:
        number = self.data
        if now()[0]:
            warn(LEFT, stacklevel=2)
        return number

    def __repr__(self) -> str:
        label = f", label={printable(repr(self.label))}" if self.label else ""
        flag = "" if isfinite(self.data) else " (not finite!)"
        return f"Value(data={self.data}{flag}, grad={self.grad}{label})"

    def __reduce__(self) -> tuple[Any, ...]:
        below = None if self.left is None or self in copying.get() else Below(self)
        fields = self.data, self._grad, self.label, self.operation, self.left, self.right, self.dleft, self.dright
        return _restore, (self.__class__, below, *fields)


class Constant(Value):
    """What a plain number in an expression becomes, such as the 2 of x**2: anonymous, and so never changed."""

    __slots__ = ()


latest: dict[str, object] = {"change": object()}  # another after each: who keeps numbers sees if they still hold
_blank = partial(Value.__new__, Value)  # quicker than Value.__new__(Value), and than Value() by far
_set_grad, _set_data = (vars(Value)[slot].__set__ for slot in ("_grad", "_data"))


def _record(data: float, operation: Any, left: Any, right: Any, dleft: float, dright: float) -> Value:
    if open_locks:
        recording, watching, spreading = now()
        if watching:
            check_forward(data, operation, (left,) if right is None else (left, right))
        if spreading and (isinstance(left, spreading) or isinstance(right, spreading)):
            node = _restore(Value, None, data, None, "", operation, left, right, dleft, dright)
            return spreading.made(node, recording)  # type: ignore[no-any-return]
        if not recording:
            operation = left = right = None
            dleft = dright = 0.0
    node = _blank()
    node._data, node._grad, node.label = data, None, ""
    node.operation, node.left, node.right = operation, left, right
    node.dleft, node.dright = dleft, dright
    return node


def set_numbers(values: Iterable[Value], numbers: Iterable[float], *more: Iterable[object]) -> None:
    """Give each Value its number, and go through ``more``: all in one step of C, which no Ctrl-C divides."""
    changed = map(latest.update, [{"change": object()}])
    deque(chain(map(_set_data, values, numbers), changed, *more), maxlen=0)


def set_gradients(values: Iterable[Value], slopes: Iterable[float]) -> None:
    """Give each Value its gradient, likewise."""
    deque(map(_set_grad, values, slopes), maxlen=0)


def weighted_sum(weights: Iterable[Value], inputs: Iterable[Value], bias: Value | None = None) -> Value:
    """w1·x1 + … + wn·xn + b, recorded as ``*`` and ``+`` record it, without their way through Python's operators."""
    total: Value | None = None
    for w, x in zip(weights, inputs, strict=True):
        try:
            a = w._data
        except AttributeError:  # a plain number; asking for the class would cost more, and refuse a Parameter
            w = as_value(w)
            a = w._data
        b = x._data
        term = _record(a * b, mul, w, x, b, a)
        total = term if total is None else _record(total._data + term._data, add, total, term, 1.0, 1.0)
    if total is None:
        total = Value(0.0)
    return total if bias is None else _record(total._data + bias._data, add, total, bias, 1.0, 1.0)


def as_value(operand: Any) -> Value:
    """The operand itself, or a plain number as a constant of the graph. Raises NumberError for anything else."""
    return operand if isinstance(operand, Value) else Constant(operand)


def edges(node: Value) -> Iterable[tuple[Value, float]]:
    """The edges of the recorded graph below a node: each operand, and the slope towards it."""
    return zip(node.operands, node.partials, strict=True)


def adjoints(root: Value) -> dict[Value, float]:
    """∂root/∂node for every node below the root, in topological order; every ``.grad`` is afterwards what it was."""
    order = topological_order(root)
    before = [node._grad for node in order]
    undo = map(_set_grad, order, before)
    try:
        _sweep(order, before)
        return dict(zip(order, map(attrgetter("_grad"), order), strict=True))
    finally:
        deque(undo, maxlen=0)  # all of it in one step of C, which no Ctrl-C divides


def _sweep(order: list[Any], before: list[float | None]) -> None:
    """``graph.sweep`` for floats, faster: it runs on ``._grad``, and where a slope is 1 it makes no new float."""
    if before.count(None) < len(before):
        deque(map(_set_grad, order, repeat(None)), maxlen=0)
    order[-1]._grad = 1.0
    for node in reversed(order):
        left = node.left
        if left is not None:
            adjoint = node._grad
            slope = node.dleft
            if slope == 1.0:  # a sum: its operands are of one class, a product's are Parameters, and Python notices
                earlier = left._grad
                left._grad = adjoint if earlier is None else earlier + adjoint
            else:
                earlier = left._grad
                left._grad = adjoint * slope if earlier is None else earlier + adjoint * slope
            right = node.right
            if right is not None:
                slope = node.dright
                term = adjoint if slope == 1.0 else adjoint * slope
                earlier = right._grad
                right._grad = term if earlier is None else earlier + term
    if open_locks and now()[1]:
        check_backward(order)


def _add_earlier(order: list[Any], before: list[float | None]) -> None:
    """A leaf adds the sweeps up. (A loop in backward's own try: CPython 3.13.0 lets Ctrl-C past the except.)"""
    for node, earlier in zip(order, before, strict=True) if any(before) else ():
        if earlier is not None and node.left is None:
            node._grad += earlier


def _restore(kind: type[Value], _below: object, *fields: Any) -> Value:
    node = kind.__new__(kind)
    node._data, node._grad, node.label, node.operation, node.left, node.right, node.dleft, node.dright = fields
    return node
