"""What a picture shows of a graph: all of it, or its modules folded into one box each.

Modules are read off the labels, so a network written by hand has them too: h1 is made of the unnamed values between h1
and the next named ones, and of the parameters that nothing else uses.

Promise (tests/test_draw_dot.py): a folded module's slopes are the sums over all ways through it, so what is multiplied
along a folded picture comes out as in the open one.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..engine.graph import sweep
from ..engine.value import Value, edges
from ..errors import GraphError, counted, known

BUDGET = 400  # values in one picture; beyond, nobody follows a line
LINES = 3  # lines for each value of the budget: layers of folded neurons have few values and many lines
Link = tuple[Value, float]  # an operand, and the slope towards it


@dataclass
class FoldedGraph:
    """The values that are shown, in topological order, and what leads to each."""

    shown: list[Value]
    links: dict[Value, list[Link]]
    folded: dict[Value, list[Value]]  # a folded module's output -> the values inside that are not shown
    open: dict[Value, list[Value]]  # an open module's output -> the values inside, which are shown

    def __post_init__(self) -> None:
        hidden = sum(map(len, self.folded.values()))
        self.size = len(self.shown) + hidden  # of the whole graph
        self.lines = sum(map(len, self.links.values()))  # operands that lead into the shown values
        self.frame_of = {node: module for module, inside in self.open.items() for node in [*inside, module]}
        count, are = len(self.folded), "are" if hidden != 1 else "is"
        folded = f"{counted(count, 'module')} {'are' if count > 1 else 'is'} folded"
        self.notes = [f"{folded}; {counted(hidden, 'value')} inside {are} not shown."] if count else []


def fold(order: Sequence[Value], closed: bool | Collection[str] | None = None, budget: int = BUDGET) -> FoldedGraph:
    """What to show of a graph given in topological order, with the modules named in ``closed`` folded.

    True folds all, False none, None all if there are more than ``budget`` values.

    Raises UnknownNameError for a module that is not there, GraphError if more than ``budget`` values are left,
    or more than three lines for each of them.
    """
    inside = modules(order)
    names = {module.label for module in inside if module.label}
    if closed is None or isinstance(closed, bool):
        every = len(order) > budget if closed is None else closed
        labels = names | {""} if every and names else set()  # the unnamed end, a loss perhaps, is folded along
    else:
        labels = {known("module", label, names) for label in ([closed] if isinstance(closed, str) else closed)}
    folded = {module: members for module, members in inside.items() if module.label in labels}
    hidden = {node for members in folded.values() for node in members}
    shown = [node for node in order if node not in hidden]
    links = {node: _links(node, folded[node], hidden) if node in folded else list(edges(node)) for node in shown}
    around = inside.items() if len(inside) > 1 else ()  # a single frame around everything would say nothing
    frames = {module: members for module, members in around if module not in folded and module.label}
    graph = FoldedGraph(shown, links, folded, frames)
    for what, count, most in (("values", len(shown), budget), ("lines", graph.lines, LINES * budget)):
        if count > most:
            folding = f", with {counted(len(folded), 'module')} folded" if folded else ""
            raise GraphError(
                f"a picture of this graph of {counted(len(order), 'value')}{folding} shows {count:,} {what}, more than "
                f"its budget of {most:,}: draw a part of it, draw_dot(node); or label the values that matter, "
                "node.label = 'h1', and what lies between them is folded; or draw_network(net) for the network; or "
                "raise budget="
            )
    return graph


def modules(order: Sequence[Value]) -> dict[Value, list[Value]]:
    """The modules of a graph: each one's output, and the values inside in topological order.

    A named value between which and the next named ones nothing happens is no module.
    """
    inside: dict[Value, list[Value]] = {}
    for node, owner in reversed(owners(order).items()):
        if owner is not None and owner is not node:
            inside.setdefault(owner, []).append(node)
    return {owner: members for owner, members in inside.items() if any(member.operation for member in members)}


def owners(order: Sequence[Value]) -> dict[Value, Value | None]:
    """The output of the module that each value belongs to, consumers first; None for what modules share, and inputs."""
    owner: dict[Value, Value | None] = {}
    claims: dict[Value, Value | None] = {}
    for node in reversed(order):
        if node.operation is None:
            owner[node] = None if is_input(node) else claims.get(node)
            continue
        own = owner[node] = node if node.label else claims.get(node, node)  # a root is claimed by nobody
        for operand in node.operands:
            claim = claims.setdefault(operand, own)
            if claim is not own and (operand.operation is not None or not _same_name(claim, own)):
                claims[operand] = None
    return owner


def is_input(node: Value) -> bool:
    """Whether a leaf goes into a network rather than being a part of it: x, x1, x2, …"""
    return node.operation is None and re.fullmatch(r"x\d*", node.label) is not None


def _same_name(a: Value | None, b: Value | None) -> bool:
    # h1 on one sample and h1 on the next: its parameters are still its own.
    return a is not None and b is not None and a.label != "" and a.label == b.label


def _links(node: Value, members: list[Value], hidden: set[Value]) -> list[Link]:
    """What leads into a folded module, and the slopes through it."""
    inside = [*members, node]
    before = dict.fromkeys(x for member in reversed(inside) for x in member.operands if x not in hidden)
    return slopes_through(inside, list(reversed(before)))


def slopes_through(made: list[Value], inputs: list[Value]) -> list[Link]:
    """∂output/∂input of a module for each of its inputs; the output is the last of what it made."""
    ends = set(inputs)
    found = dict(sweep([*inputs, *made], lambda x: () if x in ends else edges(x), 1.0))
    return [(x, found[x] + 0.0) for x in inputs]  # 0, not −0, behind a closed relu
