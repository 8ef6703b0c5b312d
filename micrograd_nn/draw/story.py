"""What the walk tells: the forward pass, then the backward pass, one operation at a time, as data.

Numbers come from ``derive.steps``, formulas from the rows. The order is a person's: a neuron is finished before the
next one begins, the first cell before the second, one sample before the next; backward is the same way back. A unit
(a neuron, a loss) is told twice: operation by operation, and as one step, for where it is folded. What a page looks
like is not known here, and the graph is not changed.
"""

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count

from ..derive import Step, explain, steps
from ..derive.chain import Chain, Factor, numbered, slope_of
from ..derive.recorded import names_of, partial_latex
from ..engine.graph import postorder
from ..engine.operation import Operation
from ..engine.value import Constant, Value, adjoints, topological_order
from ..errors import GraphError
from ..notation._simplify import Tidy
from ..notation.latex import LATEX, label_latex, number_as_latex, text_latex
from ..notation.symbol import Symbol
from ..notation.text import PRODUCT, TEXT, equation, rounded, shown, write
from .folding import BUDGET, modules, owners

LONGEST_NAME = 12  # characters of a name in the walk's graph
FLAT = 0.02  # a slope so small lets hardly anything through


@dataclass(frozen=True)
class Unit:
    """A neuron, or a loss: what one name is made of, from its inputs to its output."""

    output: Value
    made: list[Value]  # what operations made inside, the output last
    inputs: list[Value]  # the operands that come from outside, and the parameters; no constants


@dataclass(frozen=True)
class Moment:
    """One step of the walk. ``gathered`` holds what changes: (place of a node, its gradient so far)."""

    phase: str  # start, forward, seed or backward
    title: str
    place: int | None = None  # of the node at work, in the order of the story
    operands: tuple[int, ...] = ()
    gathered: tuple[tuple[int, float], ...] = ()
    unit: int | None = None  # in which it happens
    whole: bool = False  # the unit in one step


@dataclass
class Story:
    """The walk through the graph below root.

    Raises GraphError if there are more than 400 values, or if a ``.data`` has changed since they were recorded.
    """

    root: Value
    order: list[Value] = field(init=False)
    names: list[str] = field(init=False)
    units: list[Unit] = field(init=False)
    moments: list[Moment] = field(init=False)

    def __post_init__(self) -> None:
        recorded = topological_order(self.root)
        if len(recorded) > BUDGET:
            raise GraphError(
                f"a walk through {len(recorded):,} values is longer than anyone follows; up to {BUDGET} are told: "
                "walk(node) goes through a part of the graph"
            )
        self.steps = {step.node: step for step in steps(self.root)}
        self.adjoints = adjoints(self.root)
        inside = modules(recorded)
        inside = inside if len(inside) > 1 else {}  # a unit that is all there is says nothing
        owner = {node: output for output, members in inside.items() for node in [*members, output]}
        blocks = list(_blocks(self.root, recorded, owner))
        self.order = list(dict.fromkeys(node for block in blocks for made in block for node in (*made.operands, made)))
        self.order = self.order or recorded  # a leaf alone
        self.place = {node: i for i, node in enumerate(self.order)}
        self.names = _names(self.root, self.order)
        self.units = [_unit(block) for block in blocks if len(block) > 1 and block[-1] in inside]
        self.unit_of = {node: i for i, unit in enumerate(self.units) for node in unit.made}
        self.homes = self._homes(owners(recorded))
        self.moments = list(self._moments(blocks))

    def _homes(self, owner: dict[Value, Value | None]) -> dict[Value, list[int]]:
        """The units that a parameter or a constant belongs to and is folded away with: those of one neuron."""
        homes: dict[Value, dict[int, None]] = {leaf: {} for leaf in self.order if leaf.operation is None}
        for node in self.order:
            for operand in node.operands:
                if operand in homes and owner[operand] is not None and node in self.unit_of:
                    homes[operand][self.unit_of[node]] = None
        return {leaf: list(found) for leaf, found in homes.items()}

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
        node = self._copy[place]
        label, node.label = node.label, self.names[place]  # an unnamed node is called here as in the whole walk
        try:
            return explain(self._copy[-1], node).latex()
        except GraphError as error:
            return _in_words(error)
        finally:
            node.label = label

    @cached_property
    def _copy(self) -> list[Value]:
        """The same graph once more, whose labels may change."""
        copy = deepcopy(self.root)
        twin = dict(zip(topological_order(self.root), topological_order(copy), strict=True))
        return [twin[node] for node in self.order]

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

    def _moments(self, blocks: list[list[Value]]) -> Iterator[Moment]:
        yield Moment("start", "Before the first step")
        for block in blocks:
            for node in block:
                yield self._at_work("forward", f"Compute {self.name(node)}", node, self._told(node))
            if (unit := self._whole(block)) is not None:
                yield replace(self._at_work("forward", f"Compute {self.name(block[-1])}", block[-1], unit), whole=True)
        end = self.place[self.root]
        yield Moment("seed", f"Turn around at {self.name(self.root)}", end, gathered=((end, 1.0),))
        uses = Counter(operand for node in self.order for operand in node.operands)
        totals: dict[Value, float] = {}
        for block in reversed(blocks):
            for node in reversed(block):
                if self._told(node):
                    yield replace(
                        self._hands_on(node, self._told(node)), gathered=tuple(self._gather(node, uses, totals))
                    )
            unit = self._whole(block)
            if unit:
                gathered = tuple((self.place[node], totals[node]) for node in unit)
                yield replace(self._hands_on(block[-1], unit), gathered=gathered, whole=True)

    def _gather(self, node: Value, uses: Counter[Value], totals: dict[Value, float]) -> Iterator[tuple[int, float]]:
        """What each operand has after node handed its gradient on. The last sum is the engine's, to the last bit."""
        step = self.steps[node]
        for operand, contribution in zip(step.operands, step.contributions, strict=True):
            uses[operand] -= 1
            if not isinstance(operand, Constant):
                totals[operand] = totals.get(operand, 0.0) + contribution if uses[operand] else self.adjoints[operand]
                yield self.place[operand], totals[operand]

    def _hands_on(self, node: Value, operands: list[Value]) -> Moment:
        return self._at_work("backward", f"{self.name(node)} hands its gradient on", node, operands)

    def _at_work(self, phase: str, title: str, node: Value, operands: list[Value]) -> Moment:
        places = tuple(self.place[operand] for operand in operands)
        return Moment(phase, title, self.place[node], places, unit=self.unit_of.get(node))

    def _told(self, node: Value) -> list[Value]:
        """The operands that take part: constants do not."""
        return [operand for operand in node.operands if not isinstance(operand, Constant)]

    def _whole(self, block: list[Value]) -> list[Value] | None:
        """The inputs of the unit that a block is, if it is one."""
        return self.units[self.unit_of[block[-1]]].inputs if block[-1] in self.unit_of else None

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
        node = self.order[moment.place]
        if moment.phase == "seed":
            name = self.names[moment.place]
            same = f"A change of {self.name(node)} changes {self.name(node)} by just as much: its gradient is 1."
            return f"{partial_latex(name, name)} = 1", same
        if moment.whole and moment.unit is not None:
            unit = self.units[moment.unit]
            return self._unit_forward(unit) if moment.phase == "forward" else self._unit_backward(unit, i)
        return self._forward(node) if moment.phase == "forward" else self._backward(self.steps[node], i)

    def _forward(self, node: Value) -> tuple[str, str]:
        row = node.operation
        assert row is not None  # only what an operation made has a forward moment
        written = self._computed(node, Symbol.apply(row, *map(self.symbol, node.operands)), _with_numbers(node, row))
        letters = zip("ab", map(self.name, node.operands), strict=False)
        return written, f"{row.doc} Here {' and '.join(f'{letter} is {name}' for letter, name in letters)}."

    def _unit_forward(self, unit: Unit) -> tuple[str, str]:
        written: dict[Value, Symbol] = {}
        for node in unit.made:
            assert node.operation is not None
            operands = [written.get(operand) or self.symbol(operand) for operand in node.operands]
            written[node] = Symbol.apply(node.operation, *operands)
        whole = written[unit.output]
        words = f"{len(unit.made)} operations in one step. Unfold {self.name(unit.output)} to take them one by one."
        try:
            return self._computed(unit.output, whole, numbered(whole)), words
        except GraphError as error:
            return _in_words(error), words

    def _computed(self, node: Value, written: Symbol, put_in: Symbol) -> str:
        name = label_latex(self.names[self.place[node]])
        return equation(name, latex(written), latex(put_in), number_latex(node.data))

    def _backward(self, step: Step, i: int) -> tuple[str, str]:
        symbols = [self.symbol(operand) for operand in step.operands]
        before = self._before(i)
        after = iter(self.moments[i].gathered)
        rows: list[str] = []
        sentences = [f"The gradient of {self.name(step.node)} is complete: {rounded(step.upstream)}."]
        for k, operand in enumerate(step.operands):
            if not isinstance(operand, Constant):
                _, total = next(after)
                slope = slope_of(step.node, k, symbols, self.symbol(step.node))
                factor = self._factor(step.node, operand, slope, step.partials[k])
                rows += self._rows(factor, step, before.get(operand, 0.0), total)
                sentences.append(self._gets(operand, step.upstream, factor.number, total))
                before[operand] = total
        return _aligned(rows), " ".join(sentences)

    def _unit_backward(self, unit: Unit, i: int) -> tuple[str, str]:
        upstream = self.adjoints[unit.output]
        before = self._before(i)
        rows, name = [], self.names[self.place[unit.output]]
        for place, total in self.moments[i].gathered:
            node = self.order[place]
            factor = self._through(unit, node)
            left = partial_latex(self.names[-1], factor.parent)
            slope = _as_factor(factor)
            earlier = "" if before.get(node, 0.0) == 0 else f"{number_latex(before[node])} + "
            numbers = rf"{_signed(number_latex(upstream), bool(earlier))} \cdot {_signed(number_latex(factor.number))}"
            product = rf"{partial_latex(self.names[-1], name)} \cdot {slope}"
            rows.append(_chain_rule(left, earlier, product, numbers, total))
        words = (
            f"The gradient of {self.name(unit.output)} is complete: {rounded(upstream)}. Through its "
            f"{len(unit.made)} operations it goes on to {len(rows)} values. Unfold it to take them one by one."
        )
        return _aligned(rows), words

    def _through(self, unit: Unit, operand: Value) -> Factor:
        """∂output/∂operand through the inside of the unit, which has no names here."""
        inside = {node for node in unit.made if node is not unit.output}
        inside |= {node for node in self.order if isinstance(node, Constant)}
        names = {node: self.names[self.place[node]] for node in self.order if node not in inside}
        return Chain(unit.output, operand, names).factors[unit.output][operand]

    def _before(self, i: int) -> dict[Value, float]:
        """What each node has gathered before the i-th moment, told in the same grain."""
        found: dict[Value, float] = {}
        unit = self.moments[i].unit
        for moment in self.moments[:i]:
            if not (self.moments[i].whole and moment.unit == unit):
                found |= {self.order[place]: total for place, total in moment.gathered}
        return found

    def _factor(self, child: Value, parent: Value, slope: Tidy, partial: float) -> Factor:
        return Factor(self.names[self.place[child]], self.names[self.place[parent]], slope, partial)

    def _rows(self, factor: Factor, step: Step, before: float, after: float) -> Iterator[str]:
        """The local slope, then the chain rule: each in symbols, with the numbers put in, and worked out."""
        local = equation(latex(factor.symbol), latex(numbered(factor.symbol)), number_latex(factor.number))
        yield f"{factor.latex()} &= {local}"
        root = self.names[-1]
        earlier = "" if before == 0 else f"{number_latex(before)} + "
        product = rf"{partial_latex(root, factor.child)} \cdot {factor.latex()}"
        up, partial = number_latex(step.upstream), number_latex(factor.number)
        numbers = rf"{_signed(up, bool(earlier))} \cdot {_signed(partial)}"
        yield _chain_rule(partial_latex(root, factor.parent), earlier, product, numbers, after)

    def _gets(self, operand: Value, upstream: float, partial: float, total: float) -> str:
        return (
            f"{self.name(operand)} gets {rounded(upstream)} times the local slope {rounded(partial)}, "
            f"that is {rounded(upstream * partial)}, and has {rounded(total)} so far."
        )


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


def _unit(block: list[Value]) -> Unit:
    made = set(block)
    operands = dict.fromkeys(operand for node in block for operand in node.operands)
    return Unit(block[-1], block, [o for o in operands if o not in made and not isinstance(o, Constant)])


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


def _with_numbers(node: Value, row: Operation) -> Symbol:
    return Symbol.apply(row, *(operand.data for operand in node.operands))


def _aligned(rows: list[str]) -> str:
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _in_words(error: GraphError) -> str:
    return text_latex(str(error))


def _chain_rule(left: str, earlier: str, product: str, numbers: str, after: float) -> str:
    """∂L/∂x = what x has already + ∂L/∂v·∂v/∂x; with a sum in it, the numbers get a line of their own."""
    between = r" \\" + "\n&" if earlier else " "
    return f"{left} &= {earlier}{product}{between}= {earlier}{numbers} = {number_latex(after)}"


def _as_factor(factor: Factor) -> str:
    """The slope in symbols, between brackets where a product would not hold it together; unwritten if too long."""
    try:
        written = latex(factor.symbol)
    except GraphError:
        return factor.latex()
    row = factor.symbol.operation
    loose = written.startswith("-") or (row is not None and row.level < PRODUCT)
    return rf"\left({written}\right)" if loose else written


def _signed(written: str, always: bool = True) -> str:
    return rf"\left({written}\right)" if always and written.startswith("-") else written
