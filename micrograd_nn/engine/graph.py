"""A graph as such: its nodes in order, how it is copied whole, and how it grows undisturbed.

Promise: no function here calls itself on an operand, so a graph may be a million operations deep.
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from threading import local
from typing import Any, ParamSpec, Protocol, TypeVar


class Node(Protocol):
    """What has up to two operands."""

    left: Any  # the first operand, a node; None for a leaf
    right: Any  # the second operand, a node; None for a leaf or a unary operation


N = TypeVar("N", bound=Node)
T = TypeVar("T")  # a node of any kind
P = ParamSpec("P")


def topological_order(*roots: N) -> list[N]:
    """Every node below the roots, operands before their consumers, each once; depth-first, so it is deterministic."""
    order: list[N] = []
    done: set[N | None] = {None}  # the operand that a leaf or a unary operation lacks needs no visit
    path: list[N | None] = []  # from the root down to the node in hand
    push, pop, mark, finish = path.append, path.pop, done.add, order.append
    for root in roots:
        push(None)  # there is nothing above the root
        node = None if root in done else root
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
                    mark(right)  # a product in a sum, mostly: with nothing to wait for, it needs no turn of its own
                    finish(right)
                mark(node)
                finish(node)
                node = pop()
    return order


def postorder(root: T, below: Callable[[T], Iterable[T]]) -> Iterator[T]:
    """root and what ``below`` leads to, each once and after what is below it; found only as far as it is asked for.

    The walk for other edges than the recorded ones; ``topological_order`` is the same for those, and faster.
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


class Below:
    """What lies below a node, as a list that pickle and deepcopy take item by item.

    Both follow references by recursion. Handed over in order, each node finds its operands copied already.
    """

    def __init__(self, root: Node) -> None:
        self.root = root

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (), None, self._in_order()

    def _in_order(self) -> Iterator[Node]:
        order = topological_order(self.root)[:-1]
        nodes_under_way().update(order)
        try:
            yield from order
        finally:
            nodes_under_way().difference_update(order)


_thread = local()


def nodes_under_way() -> set[Node]:
    """The nodes that a Below is handing over in this thread: they need no Below of their own."""
    if not hasattr(_thread, "nodes"):
        _thread.nodes = set()
    nodes: set[Node] = _thread.nodes
    return nodes


def undisturbed(grow: Callable[P, T]) -> Callable[P, T]:
    """The function, run with Python's cyclic collector at rest: for what makes thousands of objects at a stroke.

    A graph has no cycles, so the collector finds nothing in it, and yet walks all of it again and again while it
    grows: for six times as long as the recording itself takes, at 800,000 nodes. Afterwards it is as it was.
    """

    @wraps(grow)
    def at_rest(*args: P.args, **kwargs: P.kwargs) -> T:
        if not gc.isenabled():  # nor is it stopped here: another thread may start it again at this very moment
            return grow(*args, **kwargs)
        try:  # from before it is stopped, so that no Ctrl-C leaves it so
            gc.disable()
            return grow(*args, **kwargs)
        finally:
            gc.enable()

    return at_rest
