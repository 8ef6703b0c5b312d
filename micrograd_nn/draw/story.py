"""What the walk tells: the forward pass, then the backward pass, one operation at a time, as data.

Numbers come from ``derive.steps``, formulas from the rows. The order is a person's: a neuron is finished before the
next one begins, the first cell before the second, one sample before the next; backward is the same way back. A module
(a neuron, a loss) is told twice: operation by operation, and as one step, for where it is folded. What a page looks
like is not known here, and the graph is not changed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import isfinite

from ..derive import Explanation, steps
from ..derive.chain import Chain
from ..derive.named import Factor, NamedGraph, Way, numbered, slope_of
from ..derive.recorded import names_of, partial_latex
from ..engine.graph import postorder
from ..engine.value import Constant, Value, adjoints, topological_order
from ..errors import GraphError, counted
from ..notation._simplify import Tidy
from ..notation.latex import LATEX, label_latex, number_as_latex, text_latex
from ..notation.symbol import Symbol
from ..notation.text import PRODUCT, TEXT, equation, rounded, shown, write
from .folding import BUDGET, modules, owners
from .source import largest_of

LONGEST_NAME = 12  # characters of a name in the walk's graph
FLAT = 0.02  # a slope so small lets hardly anything through
Gathered = tuple[int, float, float]  # the place of a node, its gradient before a step, and after it


class Block:
    """A neuron, a loss, or a single operation: what one name is made of, from its inputs to its output."""

    def __init__(self, made: list[Value]) -> None:
        self.made, self.output = made, made[-1]
        self.is_whole = len(made) > 1
        below = [x for node in made for x in node.operands if x not in {*made}]
        self.operands = [*dict.fromkeys(below)] if self.is_whole else below
        self.inputs = [x for x in self.operands if not isinstance(x, Constant)]  # a constant takes no part in backward


@dataclass(frozen=True)
class Moment:
    """One step of the walk. ``gathered`` holds what changes: of a node its place, and its gradient before and after."""

    phase: str  # start, forward, seed or backward
    title: str
    place: int | None = None  # of the node at work, in the order of the story
    operands: tuple[int, ...] = ()
    gathered: Sequence[Gathered] = ()
    module: int | None = None  # in which it happens
    whole: bool = False  # the module in one step


class Story:
    """The walk through the graph below root.

    Raises GraphError if there are more than 400 values, or if a ``.data`` has changed since they were recorded.
    """

    def __init__(self, root: Value) -> None:
        recorded = topological_order(root)
        if len(recorded) > BUDGET:
            raise GraphError(
                f"a walk through {counted(len(recorded), 'value')} is longer than anyone follows; up to {BUDGET} are "
                "told: walk(node) goes through a part of the graph"
            )
        self.root = root
        self.steps = {step.node: step for step in steps(root)}
        self.adjoints = adjoints(root)
        self.largest = largest_of(flow for step in self.steps.values() for flow in step.contributions if isfinite(flow))
        inside = modules(recorded)
        inside = inside if len(inside) > 1 else {}  # a module that is all there is says nothing
        owner = {node: output for output, members in inside.items() for node in [*members, output]}
        blocks = list(map(Block, _blocks(root, recorded, owner)))
        self.order = list(dict.fromkeys(x for block in blocks for made in block.made for x in (*made.operands, made)))
        self.order = self.order or recorded  # a leaf alone
        self.place = {node: i for i, node in enumerate(self.order)}
        self.names = _names(root, self.order)
        self.modules = [block for block in blocks if block.is_whole]
        self.module_of = {node: i for i, module in enumerate(self.modules) for node in module.made}
        self.homes = self._homes(owners(recorded))
        self.moments = list(self._moments(blocks))

    def _homes(self, owner: dict[Value, Value | None]) -> dict[Value, list[int]]:
        """The modules that a parameter or a constant belongs to and is folded away with: those of one neuron."""
        homes: dict[Value, list[int]] = {leaf: [] for leaf in self.order if leaf.operation is None}
        for i, module in enumerate(self.modules):
            for operand in module.operands:
                if operand in homes and owner[operand] is not None:
                    homes[operand].append(i)
        return homes

    # ---- names and formulas ----

    def name(self, node: Value) -> str:
        """A node's name on a line of text: its label, or the number of a constant."""
        return rounded(node.data) if isinstance(node, Constant) else shown(self.names[self.place[node]])

    def symbol(self, node: Value) -> Tidy:
        """A node in a formula: its name, or the number of a constant."""
        return Tidy.of(node.data) if isinstance(node, Constant) else Tidy(self.names[self.place[node]], key=node)

    def formula(self, node: Value) -> str:
        """How an operation made the node, on a line of text: w1·x1."""
        if node.operation is None:
            return ""
        return write(Symbol.apply(node.operation, *map(self.symbol, node.operands)), LINE)

    def derivation(self, place: int) -> str:
        """∂root/∂node in LaTeX, through the named nodes; the reason in words if it is too long to write."""
        names = names_of(self.root) | {self.order[place]: self.names[place]}  # an unnamed node as in the whole walk
        try:
            return Explanation(Chain(self.root, self.order[place], NamedGraph(self.root, names))).latex()
        except GraphError as error:
            return text_latex(str(error))

    def flat(self, node: Value) -> str:
        """Why a bend lets hardly any gradient through: a saturated sigmoid, a dead relu; nothing if it does."""
        step = self.steps.get(node)
        if step is None or len(step.operands) != 1 or not abs(step.partials[0]) < FLAT:
            return ""
        kind = "Dead" if step.partials[0] == 0 == node.data else "Saturated"
        return (
            f"{kind}: {self.name(node)} is flat here. Its slope is {rounded(step.partials[0])}; of a gradient of "
            f"{rounded(step.upstream)}, {rounded(step.contributions[0])} goes on to {self.name(step.operands[0])}."
        )

    # ---- moments ----

    def _moments(self, blocks: list[Block]) -> Iterator[Moment]:
        yield Moment("start", "Before the first step")
        for block in blocks:
            for part in _parts(block):
                yield self._at_work("forward", part)
        end = self.place[self.root]
        yield Moment("seed", f"Turn around at {self.name(self.root)}", end, gathered=[(end, 0.0, 1.0)])
        uses = Counter(operand for node in self.order for operand in node.operands)
        totals: dict[Value, float] = {}
        for block in reversed(blocks):
            earlier = dict(totals)
            for part in _parts(block, backward=True):
                whole = [(self.place[x], earlier.get(x, 0.0), totals[x]) for x in part.inputs if part.is_whole]
                if part.inputs:
                    yield self._at_work("backward", part, whole or [*self._gather(part.output, uses, totals)])

    def _gather(self, node: Value, uses: Counter[Value], totals: dict[Value, float]) -> Iterator[Gathered]:
        """What each operand has before and after node hands on. The last sum is the engine's, to the last bit."""
        step = self.steps[node]
        for operand, contribution in zip(step.operands, step.contributions, strict=True):
            uses[operand] -= 1
            if not isinstance(operand, Constant):
                before = totals.get(operand, 0.0)
                totals[operand] = before + contribution if uses[operand] else self.adjoints[operand]
                yield self.place[operand], before, totals[operand]

    def _at_work(self, phase: str, block: Block, gathered: Sequence[Gathered] = ()) -> Moment:
        name, operands = self.name(block.output), tuple(self.place[x] for x in block.inputs)
        title = f"Compute {name}" if phase == "forward" else f"{name} hands its gradient on"
        module = self.module_of.get(block.output)
        return Moment(phase, title, self.place[block.output], operands, gathered, module, block.is_whole)

    # ---- what is said at a moment ----

    def tell(self, i: int) -> tuple[str, str]:
        """The i-th moment's formula in LaTeX and its words."""
        moment = self.moments[i]
        if moment.place is None:
            leaves = sum(node.operation is None and not isinstance(node, Constant) for node in self.order)
            return "", (
                f"{counted(leaves, 'number')} given, {counted(len(self.steps), 'operation')} to be computed from "
                "there, operands first; then the gradient goes back the same way."
            )
        node, name = self.order[moment.place], self.names[moment.place]
        if moment.phase == "seed":
            same = f"A change of {self.name(node)} changes {self.name(node)} by just as much: its gradient is 1."
            return f"{partial_latex(name, name)} = 1", same
        block = self.modules[moment.module] if moment.whole and moment.module is not None else Block([node])
        return self._forward(block) if moment.phase == "forward" else self._backward(block, moment)

    def _forward(self, block: Block) -> tuple[str, str]:
        """The output of a block from its inputs, in symbols and with the numbers put in; and what was done."""
        written: dict[Value, Symbol] = {}
        for node in block.made:
            operands = [written.get(operand) or self.symbol(operand) for operand in node.operands]
            written[node] = Symbol.apply(self.steps[node].operation, *operands)
        whole, name = written[block.output], label_latex(self.names[self.place[block.output]])
        try:
            formula = equation(name, latex(whole), latex(numbered(whole)), number_latex(block.output.data))
        except GraphError as error:
            formula = text_latex(str(error))
        if block.is_whole:
            unfold = f"Unfold {self.name(block.output)} to take them one by one."
            return formula, f"{counted(len(block.made), 'operation')} in one step. {unfold}"
        letters = [f"{letter} is {self.name(x)}" for letter, x in zip("ab", block.operands, strict=False)]
        return formula, f"{self.steps[block.output].operation.doc} Here {' and '.join(letters)}."

    def _backward(self, block: Block, moment: Moment) -> tuple[str, str]:
        """The chain rule towards each input; of a single operation also its local slopes, with the numbers put in."""
        upstream, rows = self.steps[block.output].upstream, list[str]()
        sentences = [f"The gradient of {self.name(block.output)} is complete: {rounded(upstream)}."]
        for factor, (_, before, total) in zip(self._factors(block), moment.gathered, strict=True):
            slope = _as_factor(factor) if block.is_whole else factor.latex()
            if not block.is_whole:
                local = equation(latex(factor.symbol), latex(numbered(factor.symbol)), number_latex(factor.number))
                rows.append(f"{slope} &= {local}")
                sentences.append(
                    f"{shown(factor.parent)} gets {rounded(upstream)} times the local slope {rounded(factor.number)}, "
                    f"that is {rounded(upstream * factor.number)}, and has {rounded(total)} so far."
                )
            rows.append(self._chain_rule(factor, slope, upstream, before, total))
        if block.is_whole:
            ways = f"Through its {counted(len(block.made), 'operation')} it goes on to {counted(len(rows), 'value')}."
            sentences.append(f"{ways} Unfold it to take them one by one.")
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}", " ".join(sentences)

    def _chain_rule(self, factor: Factor, slope: str, upstream: float, before: float, after: float) -> str:
        """∂L/∂x = what x has already + ∂L/∂v·∂v/∂x; with a sum in it, the numbers get a line of their own."""
        root = self.names[-1]
        earlier = "" if before == 0 else f"{number_latex(before)} + "
        between = r" \\" + "\n&" if earlier else " "
        up, partial = number_latex(upstream), _signed(number_latex(factor.number))
        numbers = rf"{_signed(up) if earlier else up} \cdot {partial} = {number_latex(after)}"
        product = rf"{partial_latex(root, factor.child)} \cdot {slope}"
        return f"{partial_latex(root, factor.parent)} &= {earlier}{product}{between}= {earlier}{numbers}"

    def _factors(self, block: Block) -> list[Factor]:
        """∂output/∂input for each input, through the inside of a module, which has no names here."""
        node, named = block.output, {x: self.names[self.place[x]] for x in (block.output, *block.inputs)}
        if block.is_whole:
            graph = NamedGraph(node, named)
            return [Chain(node, x, graph).factors[node][x] for x in block.inputs]
        symbols = list(map(self.symbol, node.operands))
        return [
            Factor(named[node], named[x], Way.of(slope_of(node, k, symbols, self.symbol(node)), node.partials[k]))
            for k, x in enumerate(node.operands)
            if x in named
        ]


# ---- the order of a person ----


def _blocks(root: Value, recorded: list[Value], owner: dict[Value, Value]) -> Iterator[list[Value]]:
    """What operations made, module by module; what is in no module stands alone. Operands first."""
    depth: dict[Value, int] = {}
    for node in recorded:
        depth[node] = 1 + max((depth[operand] for operand in node.operands), default=-1)

    def below(node: Value) -> list[Value]:
        # w·x of the second cell can wait until the first cell is finished
        operands = [operand for operand in node.operands if operand.operation is not None]
        waits = len(operands) == 2 and depth[operands[0]] == 1 < depth[operands[1]]
        return operands[::-1] if waits else operands

    def inside(output: Value) -> list[Value]:
        return [*postorder(output, lambda node: [o for o in below(node) if owner.get(o) is output])]

    def before(output: Value) -> list[Value]:
        outside = [o for node in inside(output) for o in below(node) if owner.get(o) is not output]
        return [owner.get(node, node) for node in outside]

    if root.operation is not None:
        yield from map(inside, postorder(root, before))


def _parts(block: Block, backward: bool = False) -> list[Block]:
    """The operations of a block, each by itself; after them the block in one step, if there are several."""
    alone = [Block([node]) for node in block.made]
    return [*(reversed(alone) if backward else alone), *([block] if block.is_whole else ())]


def _names(root: Value, order: list[Value]) -> list[str]:
    """Labels where there are any; v1, v2, … for what operations made, c1, c2, … for leaves without a label."""
    names = names_of(root)
    taken = set(names.values())
    fresh = {"v": count(1), "c": count(1)}
    for node in order:
        if node not in names:
            letter = "c" if node.operation is None else "v"
            names[node] = next(name for i in fresh[letter] if (name := f"{letter}{i}") not in taken)
    return [names[node] for node in order]


# ---- writing ----


def number_latex(x: float, digits: int | None = None) -> str:
    """A number in a formula, written as everywhere in the pictures."""
    return number_as_latex(rounded(x))


STYLE = replace(LATEX, number=number_latex)
LINE = replace(TEXT, number=lambda x, digits: rounded(x), name=lambda name: shown(name, LONGEST_NAME))


def latex(expression: Symbol) -> str:
    """A formula in LaTeX, its numbers as in the pictures."""
    return write(expression, STYLE)


def _as_factor(factor: Factor) -> str:
    """The slope in symbols, between brackets where a product would not hold it together; unwritten if too long."""
    try:
        written = latex(factor.symbol)
    except GraphError:
        return factor.latex()
    row = factor.symbol.operation
    return rf"\left({written}\right)" if row is not None and row.level < PRODUCT else _signed(written)


def _signed(written: str) -> str:
    return rf"\left({written}\right)" if written.startswith("-") else written
