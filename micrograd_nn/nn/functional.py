"""Functions of a whole list of Values: sums, dot products, softmax and its relatives.

Each is a composition of the table's operations, so the graph shows every step of it, and the compiler reads the chain
back as one reduction.
"""

from collections.abc import Iterable
from functools import reduce
from itertools import accumulate
from operator import add
from typing import Any, TypeVar, overload

from ..engine.operation import Operand
from ..engine.ops import exp, logaddexp, maximum, softplus, stop_gradient
from ..errors import ArgumentError

T = TypeVar("T", bound=Operand)  # a Value, a symbol, or whatever else the table acts on


def chain(operation: Any, values: Iterable[Any], name: str) -> Any:
    """operation(… operation(operation(v1, v2), v3) …, vn). Raises ArgumentError if there are no values."""
    terms = list(values)
    if not terms:
        raise ArgumentError(f"{name} of an empty list: give it at least one value")
    return reduce(operation, terms)


@overload
def total(values: Iterable[float]) -> float: ...
@overload
def total(values: Iterable[T]) -> T: ...
def total(values: Iterable[Any]) -> Any:
    """v1 + v2 + … + vn, without the leading 0 that Python's sum puts into the graph.

    >>> from micrograd_nn import Value
    >>> total([Value(1.0), Value(2.0)]).data
    3.0
    """
    return chain(add, values, "total")


@overload
def mean(values: Iterable[float]) -> float: ...
@overload
def mean(values: Iterable[T]) -> T: ...
def mean(values: Iterable[Any]) -> Any:
    """(v1 + v2 + … + vn) / n; the value itself if there is just one.

    >>> mean([1.0, 2.0, 6.0])
    3.0
    """
    terms = list(values)
    return total(terms) / len(terms) if len(terms) != 1 else terms[0]


@overload
def logsumexp(values: Iterable[float]) -> float: ...
@overload
def logsumexp(values: Iterable[T]) -> T: ...
def logsumexp(values: Iterable[Any]) -> Any:
    """ln(exp(v1) + … + exp(vn)), finite wherever its result is.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    return chain(logaddexp, values, "logsumexp")


@overload
def log_softmax(values: Iterable[float]) -> list[float]: ...
@overload
def log_softmax(values: Iterable[T]) -> list[T]: ...
def log_softmax(values: Iterable[Any]) -> list[Any]:
    """ln softmax(v): right where softmax itself has run down to 0 or up to 1.

    >>> log_softmax([0.0, 40.0])
    [-40.0, -4.248354255291589e-18]
    """
    below = below_largest(values, "log_softmax")
    if len(below) == 1:
        return [own - own for own in below]
    ahead = [*accumulate(below[:-1], logaddexp)]
    behind = [*accumulate(below[:0:-1], logaddexp)][::-1]
    others = [behind[0], *map(logaddexp, ahead, behind[1:]), ahead[-1]]  # for each value all the others
    return [-softplus(rest - own) for rest, own in zip(others, below, strict=True)]


def surprise(values: Iterable[Any], k: int) -> Any:
    """-ln softmax(v)[k], from how far all others are ahead of v[k]: nothing cancels, however large v is.

    >>> surprise([0.0, 40.0], 1)
    4.248354255291589e-18
    """
    others = below_largest(values, "surprise")
    own = others.pop(k)
    return softplus(logsumexp(others) - own) if others else own - own


@overload
def softmax(values: Iterable[float]) -> list[float]: ...
@overload
def softmax(values: Iterable[T]) -> list[T]: ...
def softmax(values: Iterable[Any]) -> list[Any]:
    """exp(vi) / Σ exp(vj): as many positive numbers, with sum 1, and stable at any size of v.

    >>> from micrograd_nn import Value
    >>> [p.data for p in softmax([Value(1000.0), Value(1000.0)])]
    [0.5, 0.5]
    """
    powers = [exp(value) for value in below_largest(values, "softmax")]
    whole = total(powers)
    return [power / whole for power in powers]


def below_largest(values: Iterable[Any], name: str) -> list[Any]:
    """Each value less the largest, which is held constant: that changes neither the shares nor their slopes."""
    terms = list(values)
    largest = stop_gradient(chain(maximum, terms, name))
    return [term - largest for term in terms]


@overload
def maxout(values: Iterable[float]) -> float: ...
@overload
def maxout(values: Iterable[T]) -> T: ...
def maxout(values: Iterable[Any]) -> Any:
    """The largest of the values (Goodfellow et al., Maxout Networks, 2013).

    >>> maxout([1.0, 3.0, 2.0])
    3.0
    """
    return chain(maximum, values, "maxout")
