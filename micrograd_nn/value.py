"""Value: a number that remembers how it was made, and the sweep that takes its derivative back to where it came from.

Promise: a Value holds one Python float and, if an operation made it, that operation, its operands in order and the
local slope towards each, recorded when it was computed. The graph is this data and nothing else: no closure, no set,
no cycle. It is walked by one topological sort and never by recursion, so a chain of a million operations works.

The sum, the difference and the product are spelled out here for speed; a test holds them to their rows.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from math import isfinite, isnan
from threading import local
from typing import Any

from . import modes
from .errors import AnomalyError, ArgumentTypeError, NumberError
from .operation import Operand, Operation, as_float
from .ops import add, exp, log, mul, relu, sigmoid, sub, tanh


class Value(Operand):
    """One real number in a computation graph.

    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> loss = (a * b + 10) ** 2
    >>> loss.backward()
    >>> a.grad, b.grad
    (-24.0, 16.0)

    ``grad`` is None until a sweep has reached the node. A leaf adds the sweeps up, as in PyTorch; a node that an
    operation made holds the latest sweep. Comparisons and ``float(v)`` look at the numbers, ``hash(v)`` at the node.
    In a training loop write ``p.data -= lr * p.grad``: it changes the number. ``p -= …`` makes a new node instead.

    Raises NumberError (TypeError) if data is not one real number, TooLargeError if no float holds it.
    """

    __slots__ = ("_data", "grad", "label", "operation", "left", "right", "dleft", "dright")

    _data: float
    grad: float | None
    label: str
    operation: Operation | None  # what made it; None for a leaf
    left: Any  # the first operand, a Value; None for a leaf
    right: Any  # the second operand, a Value; None for a leaf or a unary operation
    dleft: float  # ∂self/∂left, as it was when self was computed
    dright: float

    def __init__(self, data: Any, label: str = "") -> None:
        if label.__class__ is not str:
            raise ArgumentTypeError(f"a label is a str, got {label!r}: write Value({data!r}, label={str(label)!r})")
        self._data = as_float(data)
        self.grad = None
        self.label = label
        self.operation = self.left = self.right = None
        self.dleft = self.dright = 0.0

    @property
    def data(self) -> float:
        """The number. Setting it converts as the constructor does; what was computed from it before stays computed."""
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        self._data = as_float(number)

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
        nodes = [_as_value(operand) for operand in operands]
        numbers = [node._data for node in nodes]
        out = operation.forward(*numbers)
        slopes = [slope(*numbers, out) for slope in operation.partials]
        if len(nodes) == 1:
            return _record(out, operation, nodes[0], None, slopes[0], 0.0)
        return _record(out, operation, nodes[0], nodes[1], slopes[0], slopes[1])

    def __add__(self, other: Any) -> "Value":
        if other.__class__ is not Value:
            other = _as_value(other)
        return _record(self._data + other._data, add, self, other, 1.0, 1.0)

    def __sub__(self, other: Any) -> "Value":
        if other.__class__ is not Value:
            other = _as_value(other)
        return _record(self._data - other._data, sub, self, other, 1.0, -1.0)

    def __mul__(self, other: Any) -> "Value":
        if other.__class__ is not Value:
            other = _as_value(other)
        a, b = self._data, other._data
        return _record(a * b, mul, self, other, b, a)

    def exp(self) -> "Value":
        """e to the power of self."""
        return exp(self)

    def log(self) -> "Value":
        """The natural logarithm of self."""
        return log(self)

    def tanh(self) -> "Value":
        """The hyperbolic tangent of self."""
        return tanh(self)

    def sigmoid(self) -> "Value":
        """1 / (1 + exp(-self))."""
        return sigmoid(self)

    def relu(self) -> "Value":
        """max(0, self)."""
        return relu(self)

    # ---- backward ----

    def backward(self) -> None:
        """Fill ``.grad`` of every node below with ∂self/∂node. Raises AnomalyError, under detect_anomaly only.

        After an error or Ctrl-C every ``.grad`` is what it was.
        """
        order = topological_order(self)
        before = [node.grad for node in order]
        try:
            _accumulate(order, before)
        except BaseException:
            _set_grads(order, before)
            raise

    def _backward(self) -> None:
        """One step of the sweep by hand: pass ``self.grad`` on to the operands."""
        for operand, slope in zip(self.operands, self.partials, strict=True):
            operand.grad = (operand.grad or 0.0) + (self.grad or 0.0) * slope

    # ---- as a number ----

    def __float__(self) -> float:
        return self._data

    def __bool__(self) -> bool:
        return bool(self._data)

    def __eq__(self, other: object) -> bool:
        return self._data == _number(other) if _comparable(other) else NotImplemented

    def __lt__(self, other: Any) -> bool:
        return self._data < _number(other)

    def __le__(self, other: Any) -> bool:
        return self._data <= _number(other)

    def __gt__(self, other: Any) -> bool:
        return self._data > _number(other)

    def __ge__(self, other: Any) -> bool:
        return self._data >= _number(other)

    __hash__ = object.__hash__  # a node is itself: sets and dicts keep equal numbers apart

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        flag = "" if isfinite(self._data) else " (not finite!)"
        return f"Value(data={self._data}{flag}, grad={self.grad}{label})"

    # ---- micrograd's names ----

    @property
    def _prev(self) -> "tuple[Value, ...]":
        return self.operands

    @property
    def _op(self) -> str:
        return self.operation.sign if self.operation else ""

    # ---- copies ----

    def __copy__(self) -> "Value":
        return _restore(None, *self._fields())

    def __reduce__(self) -> tuple[Any, ...]:
        below = None if self in _under_way() else _Below(self)
        return _restore, (below, *self._fields())

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field) for field in Value.__slots__)


_new = Value.__new__
_set_grad = vars(Value)["grad"].__set__


def _record(data: float, operation: Operation, left: Value, right: Value | None, dleft: float, dright: float) -> Value:
    if modes.entered:
        if modes.watching.get():
            _check_forward(data, operation, left, right)
        if not modes.recording.get():
            return Value(data)
    node = _new(Value)
    node._data = data
    node.grad = None
    node.label = ""
    node.operation = operation
    node.left = left
    node.right = right
    node.dleft = dleft
    node.dright = dright
    return node


def _as_value(operand: Any) -> Value:
    return operand if isinstance(operand, Value) else Value(operand)


def topological_order(*roots: Value) -> list[Value]:
    """Every node below the roots, operands before their consumers, each once; depth-first, so it is deterministic."""
    order: list[Value] = []
    seen: set[Value] = set()
    stack: list[Value | None] = [*reversed(roots)]
    push, pop, visit, finish = stack.append, stack.pop, seen.add, order.append
    while stack:
        node = pop()
        if node is None:  # what lies under the marker has all its operands in the order
            finish(pop())  # type: ignore[arg-type]
            continue
        if node in seen:
            continue
        visit(node)
        left, right = node.left, node.right
        if left is None:
            finish(node)
            continue
        push(node)
        push(None)
        if right is not None and right not in seen:
            push(right)
        if left not in seen:
            push(left)
    return order


def adjoints(root: Value) -> dict[Value, float]:
    """∂root/∂node for every node below the root, in topological order; no ``.grad`` is changed."""
    order = topological_order(root)
    before = [node.grad for node in order]
    try:
        _accumulate(order, [None] * len(order))
        return {node: node.grad for node in order}  # type: ignore[misc]  # each was just set
    finally:
        _set_grads(order, before)


def _accumulate(order: list[Any], earlier: list[float | None]) -> None:
    """The chain rule, once around: each node hands its adjoint times the local slope to each of its operands.

    A leaf's adjoint is complete when the sweep comes to it; what it had from earlier sweeps is then added.
    """
    _set_grads(order, [0.0] * len(order))
    order[-1].grad = 1.0
    for node, before in zip(reversed(order), reversed(earlier), strict=True):
        left = node.left
        if left is not None:
            adjoint = node.grad
            left.grad += adjoint * node.dleft
            right = node.right
            if right is not None:
                right.grad += adjoint * node.dright
        elif before is not None:
            node.grad += before
    if modes.entered and modes.watching.get():
        _check_backward(order)


def _set_grads(order: list[Value], grads: Sequence[float | None]) -> None:
    # One call into C: Python handles signals between bytecodes, so Ctrl-C can't cut this loop in two.
    deque(map(_set_grad, order, grads), maxlen=0)


def _check_forward(data: float, operation: Operation, *operands: Value | None) -> None:
    given = [operand for operand in operands if operand is not None]
    if not isfinite(data) and all(isfinite(operand._data) for operand in given):
        named = " and ".join(f"{operand.label or 'an operand'} = {operand._data}" for operand in given)
        numbers = [operand._data for operand in given]
        why = "the result is too large for a float" if operation.domain.holds(*numbers) else ""
        why = why or f"it is real where {operation.domain.text}"
        raise AnomalyError(f"{operation.name} made {data} of {named}; {why}")


def _check_backward(order: list[Value]) -> None:
    for node in reversed(order):
        for operand, slope in zip(node.operands, node.partials, strict=True):
            if isfinite(node.grad) and not isfinite(node.grad * slope):  # type: ignore[arg-type,operator]
                raise AnomalyError(
                    f"backward through {node.operation.name} ({node.label or node._data}): "  # type: ignore[union-attr]
                    f"the slope towards {operand.label or 'an operand'} = {operand._data} is {slope}"
                )


def _comparable(other: object) -> bool:
    try:
        return not isnan(_number(other)) or True
    except (NumberError, OverflowError):
        return False


def _number(other: Any) -> float:
    return other._data if isinstance(other, Value) else as_float(other)


# ---- copies: pickle and deepcopy follow references by recursion, so a deep graph is handed to them in order ----

_thread = local()


def _under_way() -> set[Value]:
    if not hasattr(_thread, "nodes"):
        _thread.nodes = set()
    nodes: set[Value] = _thread.nodes
    return nodes


class _Below:
    """What lies below a node, as a list that pickle takes item by item: each finds its operands copied already."""

    def __init__(self, root: Value) -> None:
        self.root = root

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (), None, self._in_order()

    def _in_order(self) -> Iterator[Value]:
        order = topological_order(self.root)[:-1]
        _under_way().update(order)
        try:
            yield from order
        finally:
            _under_way().difference_update(order)


def _restore(_below: object, *fields: Any) -> Value:
    node = _new(Value)
    for field, content in zip(Value.__slots__, fields, strict=True):
        object.__setattr__(node, field, content)
    return node
