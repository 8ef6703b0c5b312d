"""What the walk tells: the forward pass, then the backward pass, one operation at a time, as data.

Numbers come from ``derive.steps``, formulas from the rows. The order is a person's: a neuron is finished before the
next one begins, the first cell before the second, one sample before the next; backward is the same way back. A unit
(a neuron, a loss) is told twice: operation by operation, and as one step, for where it is folded. What a page looks
like is not known here, and the graph is not changed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from ..derive import Explanation, Step, steps
from ..derive.chain import Chain, Factor, numbered, slope_of
from ..derive.recorded import names_of, partial_latex
from ..engine.graph import postorder
from ..engine.value import Constant, Value, adjoints, topological_order
from ..errors import GraphError
from ..notation._simplify import Tidy
from ..notation.latex import LATEX, label_latex, number_as_latex, text_latex
from ..notation.symbol import Symbol
from ..notation.text import PRODUCT, TEXT, equation, rounded, shown, write
from .folding import BUDGET, modules, owners

LONGEST_NAME = 12  # characters of a name in the walk's graph
FLAT = 0.02  # a slope so small lets hardly anything through
Gathered = tuple[int, float, float]  # the place of a node, its gradient before a step, and after it


class Unit:
    """A neuron, a loss, or a single operation: what one name is made of, from its inputs to its output."""

    def __init__(self, made: list[Value]) -> None:
        self.made, self.output = made, made[-1]
        inside = set(made)
        self.operands = list(dict.fromkeys(x for node in made for x in node.operands if x not in inside))
        self.inputs = [x for x in self.operands if not isinstance(x, Constant)]


@dataclass(frozen=True)
class Moment:
    """One step of the walk. ``gathered`` holds what changes: (place of a node, its gradient so far)."""

    phase: str  # start, forward, seed or backward
    title: str
    place: int | None = None  # of the node at work, in the order of the story
    operands: tuple[int, ...] = ()
    gathered: tuple[tuple[int, float], ...] = ()
    before: tuple[float, ...] = ()  # the gradients that these nodes had until then
    unit: int | None = None  # in which it happens
    whole: bool = False  # the unit in one step


class Story:
    """The walk through the graph below root.

    Raises GraphError if there are more than 400 values, or if a ``.data`` has changed since they were recorded.
    """

    def __init__(self, root: Value) -> None:
        recorded = topological_order(root)
        if len(recorded) > BUDGET:
            raise GraphError(
                f"a walk through {len(recorded):,} values is longer than anyone follows; up to {BUDGET} are told: "
                "walk(node) goes through a part of the graph"
            )
        self.root = root
        self.steps = {step.node: step for step in steps(root)}
        self.adjoints = adjoints(root)
        inside = modules(recorded)
        inside = inside if len(inside) > 1 else {}  # a unit that is all there is says nothing
        owner = {node: output for output, members in inside.items() for node in [*members, output]}
        blocks = list(map(Unit, _blocks(root, recorded, owner)))
        self.order = list(dict.fromkeys(x for block in blocks for made in block.made for x in (*made.operands, made)))
        self.order = self.order or recorded  # a leaf alone
        self.place = {node: i for i, node in enumerate(self.order)}
        self.names = _names(root, self.order)
        self.units = [block for block in blocks if len(block.made) > 1 and block.output in inside]
        self.unit_of = {node: i for i, unit in enumerate(self.units) for node in unit.made}
        self.homes = self._homes(owners(recorded))
        self.moments = list(self._moments(blocks))

    def _homes(self, owner: dict[Value, Value | None]) -> dict[Value, list[int]]:
        """The units that a parameter or a constant belongs to and is folded away with: those of one neuron."""
        homes: dict[Value, list[int]] = {leaf: [] for leaf in self.order if leaf.operation is None}
        for i, unit in enumerate(self.units):
            for operand in unit.operands:
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
            return Explanation(Chain(self.root, self.order[place], names)).latex()
        except GraphError as error:
            return _in_words(error)

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

    def _moments(self, blocks: list[Unit]) -> Iterator[Moment]:
        yield Moment("start", "Before the first step")
        for block in blocks:
            for node in block.made:
                yield self._at_work("forward", node, _told(node))
            if block.output in self.unit_of:
                yield self._at_work("forward", block.output, block.inputs, whole=True)
        end = self.place[self.root]
        yield Moment("seed", f"Turn around at {self.name(self.root)}", end, gathered=((end, 1.0),))
        uses = Counter(operand for node in self.order for operand in node.operands)
        totals: dict[Value, float] = {}
        for block in reversed(blocks):
            earlier = dict(totals)
            for node in reversed(block.made):
                if _told(node):
                    yield self._at_work("backward", node, _told(node), [*self._gather(node, uses, totals)])
            if block.output in self.unit_of and block.inputs:
                gathered = [(self.place[x], earlier.get(x, 0.0), totals[x]) for x in block.inputs]
                yield self._at_work("backward", block.output, block.inputs, gathered, whole=True)

    def _gather(self, node: Value, uses: Counter[Value], totals: dict[Value, float]) -> Iterator[Gathered]:
        """What each operand has before and after node hands on. The last sum is the engine's, to the last bit."""
        step = self.steps[node]
        for operand, contribution in zip(step.operands, step.contributions, strict=True):
            uses[operand] -= 1
            if not isinstance(operand, Constant):
                before = totals.get(operand, 0.0)
                totals[operand] = before + contribution if uses[operand] else self.adjoints[operand]
                yield self.place[operand], before, totals[operand]

    def _at_work(
        self, phase: str, node: Value, operands: list[Value], gathered: Sequence[Gathered] = (), whole: bool = False
    ) -> Moment:
        name, places = self.name(node), tuple(self.place[operand] for operand in operands)
        title = f"Compute {name}" if phase == "forward" else f"{name} hands its gradient on"
        totals = tuple((place, after) for place, _, after in gathered)
        before = tuple(before for _, before, _ in gathered)
        return Moment(phase, title, self.place[node], places, totals, before, self.unit_of.get(node), whole)

    # ---- what is said at a moment ----

    def tell(self, i: int) -> tuple[str, str]:
        """The i-th moment's formula in LaTeX and its words."""
        moment = self.moments[i]
        if moment.place is None:
            leaves = sum(node.operation is None and not isinstance(node, Constant) for node in self.order)
            return "", (
                f"{leaves} numbers are given. {len(self.steps)} operations will be computed from them, operands "
                "first; then the gradient goes back the same way."
            )
        node, name = self.order[moment.place], self.names[moment.place]
        if moment.phase == "seed":
            same = f"A change of {self.name(node)} changes {self.name(node)} by just as much: its gradient is 1."
            return f"{partial_latex(name, name)} = 1", same
        unit = self.units[moment.unit] if moment.whole and moment.unit is not None else Unit([node])
        if moment.phase == "forward":
            return self._computed(unit), self._made_of(unit)
        return self._unit_backward(unit, moment) if moment.whole else self._backward(self.steps[node], moment)

    def _computed(self, unit: Unit) -> str:
        """The output of a unit from its inputs, in symbols and with the numbers put in."""
        written: dict[Value, Symbol] = {}
        for node in unit.made:
            assert node.operation is not None
            operands = [written.get(operand) or self.symbol(operand) for operand in node.operands]
            written[node] = Symbol.apply(node.operation, *operands)
        whole, name = written[unit.output], label_latex(self.names[self.place[unit.output]])
        try:
            return equation(name, latex(whole), latex(numbered(whole)), number_latex(unit.output.data))
        except GraphError as error:
            return _in_words(error)

    def _made_of(self, unit: Unit) -> str:
        node = unit.output
        if len(unit.made) > 1:
            return f"{len(unit.made)} operations in one step. Unfold {self.name(node)} to take them one by one."
        assert node.operation is not None  # only what an operation made has a forward moment
        letters = zip("ab", map(self.name, node.operands), strict=False)
        return f"{node.operation.doc} Here {' and '.join(f'{letter} is {name}' for letter, name in letters)}."

    def _backward(self, step: Step, moment: Moment) -> tuple[str, str]:
        symbols = [self.symbol(operand) for operand in step.operands]
        child = self.names[self.place[step.node]]
        told = [k for k, operand in enumerate(step.operands) if not isinstance(operand, Constant)]
        rows: list[str] = []
        sentences = [f"The gradient of {self.name(step.node)} is complete: {rounded(step.upstream)}."]
        for k, (place, total), before in zip(told, moment.gathered, moment.before, strict=True):
            slope = slope_of(step.node, k, symbols, self.symbol(step.node))
            factor = Factor(child, self.names[place], slope, step.partials[k])
            local = equation(latex(slope), latex(numbered(slope)), number_latex(factor.number))
            rows.append(f"{factor.latex()} &= {local}")
            rows.append(self._chain_rule(factor, factor.latex(), step.upstream, before, total))
            sentences.append(
                f"{self.name(step.operands[k])} gets {rounded(step.upstream)} times the local slope "
                f"{rounded(factor.number)}, that is {rounded(step.upstream * factor.number)}, and has "
                f"{rounded(total)} so far."
            )
        return _aligned(rows), " ".join(sentences)

    def _unit_backward(self, unit: Unit, moment: Moment) -> tuple[str, str]:
        upstream = self.adjoints[unit.output]
        rows = []
        for (place, total), before in zip(moment.gathered, moment.before, strict=True):
            factor = self._through(unit, self.order[place])
            rows.append(self._chain_rule(factor, _as_factor(factor), upstream, before, total))
        words = (
            f"The gradient of {self.name(unit.output)} is complete: {rounded(upstream)}. Through its "
            f"{len(unit.made)} operations it goes on to {len(rows)} values. Unfold it to take them one by one."
        )
        return _aligned(rows), words

    def _chain_rule(self, factor: Factor, slope: str, upstream: float, before: float, after: float) -> str:
        """∂L/∂x = what x has already + ∂L/∂v·∂v/∂x; with a sum in it, the numbers get a line of their own."""
        root = self.names[-1]
        earlier = "" if before == 0 else f"{number_latex(before)} + "
        between = r" \\" + "\n&" if earlier else " "
        up, partial = number_latex(upstream), _signed(number_latex(factor.number))
        numbers = rf"{_signed(up) if earlier else up} \cdot {partial} = {number_latex(after)}"
        product = rf"{partial_latex(root, factor.child)} \cdot {slope}"
        return f"{partial_latex(root, factor.parent)} &= {earlier}{product}{between}= {earlier}{numbers}"

    def _through(self, unit: Unit, operand: Value) -> Factor:
        """∂output/∂operand through the inside of the unit, which has no names here."""
        inside = {node for node in unit.made if node is not unit.output}
        inside |= {node for node in self.order if isinstance(node, Constant)}
        names = {node: self.names[self.place[node]] for node in self.order if node not in inside}
        return Chain(unit.output, operand, names).factors[unit.output][operand]


# ---- the order of a person ----


def _blocks(root: Value, recorded: list[Value], owner: dict[Value, Value]) -> Iterator[list[Value]]:
    """What operations made, unit by unit; what is in no unit stands alone. Operands first."""
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


def _told(node: Value) -> list[Value]:
    """The operands that take part: constants do not."""
    return [operand for operand in node.operands if not isinstance(operand, Constant)]


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


def _aligned(rows: list[str]) -> str:
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _in_words(error: GraphError) -> str:
    return text_latex(str(error))


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
