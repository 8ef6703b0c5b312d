"""Where a graph has a softmax, or what is made of one, and what its shares are called: p1, p2, …

A softmax is recognised by how it was recorded: as powers over their sum, as the logarithm of such a sum, or as that
logarithm less one of its terms. Only two of these have nodes for the shares, and a textbook writes p in all of them.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add as plus

from ..engine.graph import postorder
from ..engine.ops import add, div, exp, log, logaddexp, maximum, softplus, stop_gradient, sub
from ..engine.value import Value, edges, topological_order
from ..nn.functional import softmax
from ..notation._simplify import Tidy

SHIFT = (stop_gradient, maximum)  # the largest of some values, held constant
LARGEST = 700.0  # up to here ln(exp(z1) + …) can be worked out as it is written
FEWEST = 3  # terms that are added up as powers, where nothing else tells that a softmax is meant

Names = Mapping[Value, str]
Uses = Mapping[Value, int]  # by how many operations a node is taken up
Symbols = Mapping[Value, Tidy]


# ---- by shape ----


@dataclass(frozen=True)
class Made:
    """What is made of a softmax: its sums z with the slopes towards them, and what is taken off the logarithm."""

    slopes: dict[Value, float]  # ∂node/∂z as recorded
    own: Value | None = None  # the z that it is a share of, or that is taken off
    shift: Value | None = None  # what else is taken off
    is_share: bool = False

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The sums z, in the order of the classes."""
        return tuple(self.slopes)

    @property
    def taken_in(self) -> tuple[Value, ...]:
        """All that it is made of."""
        return self.inputs if self.shift is None else (*self.inputs, self.shift)

    def formula(self, symbols: Symbols) -> Tidy:
        """As a textbook writes it: exp(z1)/(exp(z1) + exp(z2)), or ln(exp(z1) + exp(z2)) − z1."""
        whole = reduce(plus, [exp(symbols[z]) for z in self.inputs])
        if self.is_share and self.own is not None:
            return exp(symbols[self.own]) / whole
        off = self.own if self.shift is None else self.shift
        return log(whole) if off is None else log(whole) - symbols[off]


def made_of_softmax(node: Value, names: Names, uses: Uses) -> Made | None:
    """What a node is made of, if it is a share of a softmax or its logarithm; None for any other node."""
    if node.operation is div:
        return _share(node, names)
    if node.operation in (softplus, logaddexp):
        return _log_of_share(node, names) or _log_of_sum(node, names, uses)
    return None


def _share(share: Value, names: Names) -> Made | None:
    """exp(zi − m)/(exp(z1 − m) + … + exp(zn − m)), with an m that is held constant or without one.

    The power above the line may be one of those below it, or the same recorded once more.
    """
    top = share.left
    if share.right.operation is not add or top.operation is not exp:
        return None
    powers = _powers(share.right)
    inputs = _without_shift([power.left for power in powers])
    inner = frozenset({top, share.right, *powers, *(power.left for power in powers)} - {*inputs})
    own = next((z for power, z in zip(powers, inputs, strict=True) if power.left is top.left), None)
    if own is None or len({*inputs}) < len(inputs) or any(node in names for node in inner):
        return None
    slopes = {z: share.dright * power.dleft for power, z in zip(powers, inputs, strict=True)}
    slopes[own] += share.dleft * top.dleft
    return Made(slopes, own, is_share=True)


def _powers(whole: Value) -> dict[Value, None]:
    """The powers of e that are added up, in order; none if something else is among them, or one of them twice."""
    nodes = [*postorder(whole, lambda node: node.operands if node.operation is add else ())]
    powers = [node for node in nodes if node.operation is exp]
    return dict.fromkeys(powers if len(nodes) == 2 * len(powers) - 1 else ())  # a list finds what has the same number


def _without_shift(exponents: list[Value]) -> list[Value]:
    """The z of each z − m, with one m for all that is held constant; the exponents themselves if they have none."""
    shifts = {node.right for node in exponents if node.operation is sub and node.right.operation is stop_gradient}
    shifted = len(shifts) == 1 and all(node.operation is sub and node.right in shifts for node in exponents)
    return [node.left for node in exponents] if shifted else exponents


def _log_of_share(top: Value, names: Names) -> Made | None:
    """−ln softmax(z)[k] from how far the other z are ahead of zk, or ln(e^(z1 − t) + … + e^(zn − t)) with any t."""
    terms, label = _differences(top, names)
    shifts, classes = {node.right for node, _ in terms}, [node.left for node, _ in terms]
    if len(shifts) != 1 or len({*classes}) < len(classes):
        return None
    (shift,) = shifts
    if label and shift.operation is not stop_gradient:
        return None
    below = postorder(shift, lambda node: node.operands if node.operation in SHIFT else ())
    place = {z: i for i, z in enumerate(below)}  # in which order the largest was looked for
    slopes = {z: slope for z, (_, slope) in zip(classes, terms, strict=True)}
    ordered = {z: slopes[z] for z in sorted(classes, key=lambda z: place.get(z, 0))}
    return Made(ordered, own=classes[-1]) if label else Made(ordered, shift=shift)


def _differences(top: Value, names: Names) -> tuple[list[tuple[Value, float]], bool]:
    """Each zj − m with ∂top/∂(zj − m), that of zk last, and whether there is a zk; nothing if others are among them."""
    chain, slope, own = top, 1.0, list[tuple[Value, float]]()
    if top.operation is softplus and top.left.operation is sub and top.left not in names:
        chain, slope, own = top.left.left, top.dleft, [(top.left.right, -top.dleft)]
    terms = [(chain, slope), *own]
    if chain.operation is logaddexp and (chain is top or chain not in names):
        met = {*names}

        def inside(link: Value) -> bool:
            """Is it met for the first time, and without a name?"""
            new = link not in met
            met.add(link)
            return new

        terms = [*((node, slope * to) for node, to in terms_of(chain, inside)), *own]
    plain = all(node.operation is sub and node not in names for node, _ in terms) and len(terms) > 1
    return (terms if plain else []), bool(own)


def _log_of_sum(top: Value, names: Names, uses: Uses) -> Made | None:
    """ln(e^z1 + … + e^zn), as a chain."""
    terms = terms_of(top, lambda node: node not in names and uses[node] == 1) if top.operation is logaddexp else []
    return Made(dict(terms)) if len(terms) >= FEWEST and len(dict(terms)) == len(terms) else None


def terms_of(top: Value, inside: Callable[[Value], bool]) -> list[tuple[Value, float]]:
    """The terms of a chain of one operation in order, each with ∂top/∂term."""
    terms = []
    stack = [*edges(top)][::-1]
    while stack:
        node, slope = stack.pop()
        if node.operation is top.operation and inside(node):
            stack += [(node.right, slope * node.dright), (node.left, slope * node.dleft)]
        else:
            terms.append((node, slope))
    return terms


# ---- by name ----


@dataclass(frozen=True)
class Softmax:
    """A softmax of a graph: its sums z, and for its shares names and Values that stand for them.

    >>> from micrograd_nn import softmax_cross_entropy
    >>> (found,) = softmaxes(softmax_cross_entropy([Value(0.0, "z1"), Value(0.0, "z2")], 1))
    >>> found.names, found.shares[0].data
    (['p1', 'p2'], 0.5)
    """

    inputs: tuple[Value, ...]
    shares: tuple[Value, ...]  # nodes of no graph, which hold a name and the number where the graph was recorded
    nodes: Mapping[Value, Value]  # the graph's own nodes for a share, where it has some, with the z above the line

    @property
    def names(self) -> list[str]:
        """What the shares are called."""
        return [share.label for share in self.shares]

    @property
    def symbols(self) -> dict[Value, Tidy]:
        """The name of each share, by its z."""
        return {z: Tidy(share.label, key=share) for z, share in zip(self.inputs, self.shares, strict=True)}

    def formulas(self, symbols: Symbols) -> list[Tidy]:
        """What each share is made of."""
        return [Made(dict.fromkeys(self.inputs, 0.0), z, is_share=True).formula(symbols) for z in self.inputs]

    def at(self, values: Mapping[Value, float]) -> dict[str, float]:
        """The shares by name where the graph has these numbers; none where it has no such sums."""
        if not all(z in values for z in self.inputs):
            return {}
        return dict(zip(self.names, softmax([values[z] for z in self.inputs]), strict=True))


def softmaxes(root: Value, names: Names | None = None) -> list[Softmax]:
    """Each softmax below root, in the order of the graph; of several, the second has p1[2], p2[2], …

    Where a label of the graph is in the way, q stands for p.
    """
    names = {} if names is None else names
    found = _found(root, names)
    taken = {name.partition("[")[0] for name in names.values()}
    most = max(map(len, found), default=0)
    letters = ("p", "q", *(f"p_{i}_" for i in range(1, len(taken) + 2)))
    letter = next(letter for letter in letters if taken.isdisjoint(_counted(letter, most)))
    several = len(found) > 1
    rows = []
    for place, (inputs, nodes) in enumerate(found.values(), start=1):
        called = [f"{name}[{place}]" if several else name for name in _counted(letter, len(inputs))]
        shares = map(Value, softmax([z.data for z in inputs]), called)
        rows.append(Softmax(inputs, tuple(shares), nodes))
    return rows


def _counted(letter: str, n: int) -> list[str]:
    return [f"{letter}{i}" for i in range(1, n + 1)]


def _found(root: Value, names: Names) -> dict[frozenset[Value], tuple[tuple[Value, ...], dict[Value, Value]]]:
    """By the sums: those in order, and the nodes for shares. What stands inside of one is none of its own."""
    order = topological_order(root)
    uses: Uses = Counter(operand for node in order for operand in node.operands)
    outside, found = {root}, list[tuple[Value, Made]]()
    for node in reversed(order):
        if node in outside:
            made = made_of_softmax(node, names, uses)
            outside.update(node.operands if made is None else made.taken_in)
            if made is not None:
                found.append((node, made))
    rows: dict[frozenset[Value], tuple[tuple[Value, ...], dict[Value, Value]]] = {}
    for node, made in reversed(found):
        _, nodes = rows.setdefault(frozenset(made.inputs), (made.inputs, {}))
        if made.is_share and made.own is not None:
            nodes[node] = made.own
    named = {key for key, (inputs, nodes) in rows.items() if nodes and len({*names} & {*nodes}) == len(inputs)}
    return {key: row for key, row in rows.items() if key not in named}
