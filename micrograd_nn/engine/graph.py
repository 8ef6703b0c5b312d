"""A graph as such: its nodes in order, the chain rule along them, and how it is copied whole.

No function here calls itself on an operand, so a graph may be a million operations deep.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from operator import add as plus
from operator import mul as times
from typing import Any, TypeVar

T = TypeVar("T")  # a node of any kind
S = TypeVar("S")  # a slope: a float, a Value, a symbol, a number of paths
Edges = Callable[[T], Iterable[tuple[T, Any]]]  # node -> (operand, ∂node/∂operand), one per edge
Add = Callable[[S, S], S]


def topological_order(*roots: T) -> list[T]:
    """Every recorded node below the roots, operands before their consumers, each once; depth-first, always the same."""
    order: list[T] = []
    done: set[Any] = {None}  # the operand that a leaf or a unary operation lacks needs no visit
    path: list[Any] = []  # from the root down to the node in hand
    push, pop, mark, finish = path.append, path.pop, done.add, order.append
    for root in roots:
        push(None)  # there is nothing above the root
        node: Any = None if root in done else root
        while node is not None:
            while node.left not in done:  # down on the left
                push(node)
                node = node.left
            while node is not None:  # and up again, until something on the right is to be done first
                right = node.right
                if right not in done:
                    if right.left not in done or right.right not in done:
                        push(node)
                        node = right
                        break
                    mark(right)  # fast path, mostly a product in a sum: its operands are done
                    finish(right)
                mark(node)
                finish(node)
                node = pop()
    return order


def postorder(root: T, below: Callable[[T], Iterable[T]]) -> Iterator[T]:
    """root and all that ``below`` leads to, each once and after what is below it, only as far as it is asked for.

    The topological order of any graph; of a recorded one ``topological_order`` is the same, and faster.
    """
    done = set[T]()
    path = [root]
    while path:
        for node in below(path[-1]):
            if node not in done:
                path.append(node)
                break
        else:
            done.add(path[-1])
            yield path.pop()


def sweep(
    order: Sequence[T], edges: Edges[T], one: S, add: Add[S] = plus, mul: Callable[[S, Any], S] = times
) -> Iterator[tuple[T, S]]:
    """The chain rule from the last node of an order down: (node, ∂last/∂node) for each that it depends on.

    ``edges(node)`` gives (operand, ∂node/∂operand), one per edge. The numbers may be of any kind that ``add`` and
    ``mul`` take: floats, Values (the derivative is a graph again), symbols, whole numbers that count paths.

    >>> list(sweep(["x", "y"], {"x": [], "y": [("x", 3.0), ("x", 4.0)]}.__getitem__, 1.0))
    [('y', 1.0), ('x', 7.0)]
    """
    adjoints = {order[-1]: one}
    for node in reversed(order):
        if node in adjoints:
            adjoint = adjoints.pop(node)  # complete, and no longer needed here
            yield node, adjoint
            for operand, slope in edges(node):
                term = mul(adjoint, slope)
                adjoints[operand] = add(adjoints[operand], term) if operand in adjoints else term


copying: ContextVar[frozenset[Any]] = ContextVar("copying", default=frozenset())  # nodes that a Below hands over


class Below:
    """What lies below a node, as a list that pickle and deepcopy take item by item.

    Both follow references by recursion. Handed over in order, each node finds its operands copied already.
    """

    def __init__(self, root: Any) -> None:
        self.root = root

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (), None, self._in_order()

    def _in_order(self) -> Iterator[Any]:
        order, outside = topological_order(self.root)[:-1], copying.get()
        copying.set(outside.union(order))
        try:
            yield from order
        finally:
            copying.set(outside)
