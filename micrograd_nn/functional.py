"""Functions of a whole list of Values: sums, dot products, softmax and its relatives.

Promise: each is a composition of the table's operations, so the graph shows every step of it, and the compiler reads
the chain back as one reduction.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any

from .errors import ArgumentError
from .ops import exp, logaddexp, maximum, stop_gradient
from .value import Value


def chain(operation: Any, values: Iterable[Any], name: str) -> Any:
    """operation(… operation(operation(v1, v2), v3) …, vn). Raises ArgumentError if there are no values."""
    terms = list(values)
    if not terms:
        raise ArgumentError(f"{name} of an empty list: give it at least one value")
    return reduce(operation, terms)


def total(values: Iterable[Any]) -> Any:
    """v1 + v2 + … + vn, without the leading 0 that Python's sum puts into the graph.

    >>> total([Value(1.0), Value(2.0)]).data
    3.0
    """
    return chain(add, values, "total")


def mean(values: Sequence[Any]) -> Any:
    """(v1 + v2 + … + vn) / n; the value itself if there is just one."""
    return total(values) / len(values) if len(values) != 1 else values[0]


def logsumexp(values: Iterable[Any]) -> Any:
    """ln(exp(v1) + … + exp(vn)), finite wherever its result is.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    return chain(logaddexp, values, "logsumexp")


def log_softmax(values: Sequence[Value]) -> list[Value]:
    """vi - logsumexp(v): the logarithms of softmax, right where softmax itself has run down to 0."""
    normaliser = logsumexp(values)
    return [value - normaliser for value in values]


def softmax(values: Sequence[Value]) -> list[Value]:
    """exp(vi) / Σ exp(vj): as many positive numbers, with sum 1, and stable at any size of v.

    The largest value is taken off first, held constant: that changes neither the shares nor their slopes.

    >>> [p.data for p in softmax([Value(1000.0), Value(1000.0)])]
    [0.5, 0.5]
    """
    largest = stop_gradient(maxout(values))
    powers = [exp(value - largest) for value in values]
    whole = total(powers)
    return [power / whole for power in powers]


def maxout(values: Iterable[Any]) -> Any:
    """The largest of the values (Goodfellow et al., Maxout Networks, 2013)."""
    return chain(maximum, values, "maxout")
