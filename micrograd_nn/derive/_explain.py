"""∂L/∂w written out: the chain through the named nodes, each factor in symbols and in numbers, and the result.

Promise: it is what a textbook prints, and it is this graph: symbols come from the rows, numbers from the sweep, and
the whole, worked out at the recorded numbers, is the gradient.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import groupby, islice, pairwise
from math import isclose, isfinite, prod

from ..engine.value import Value, adjoints
from ..errors import GraphError, counted
from ..notation._collect import product, total
from ..notation._simplify import Tidy
from ..notation.latex import label_latex, number_latex
from ..notation.symbol import Symbol
from ..notation.text import bracketed, equation, label_text, number_text
from ..number import whole_number
from ._paths import largest_first
from .chain import Chain
from .named import Factor, formula_of, numbered
from .recorded import check_unchanged, node_of, partial_latex, partial_text
from .worked import Rule, rules_of

MOST = 8  # terms that are written out unless more are asked for
DIGITS = 6
ALL = 17  # digits
OFF = 30  # in the last digit: so far what rounded numbers come to may be off
INDENT = " " * 4
WIDE = 48  # columns: a longer symbol doesn't push the others aside


class Explanation:
    """How ∂root/∂target comes about. ``print`` it, or let Jupyter typeset it.

    ``terms`` are the paths through named nodes, each a list of factors from root down; ``count`` is how many there
    are in all; ``number`` is the gradient.

    >>> w = Value(3.0, "w")
    >>> explain(w * w, w).number
    6.0
    """

    def __init__(self, chain: Chain, most: int = MOST, digits: int | None = DIGITS, rules: bool = False) -> None:
        self.chain, self.digits, self.rules = chain, digits, rules
        root, target = chain.root, chain.target
        self.number = adjoints(root).get(target, 0.0)
        self.count = self.chain.count
        largest = largest_first(self.chain.named, self.chain.edges, target)
        found = [path.nodes for path in islice(largest, min(most, self.count))]
        if self.count <= most:  # all of them: in the graph's order, as a textbook has them
            place = {node: i for i, node in enumerate(self.chain.order)}
            found.sort(key=lambda nodes: [place[node] for node in nodes])
        factors = self.chain.factors
        self.terms = [[factors[child][parent] for child, parent in pairwise(nodes)] for nodes in found]

    @property
    def factors(self) -> list[Factor]:
        """The factors of the terms, each once, from the loss down."""
        return list(dict.fromkeys(factor for term in self.terms for factor in term))

    @property
    def symbol(self) -> Tidy:
        """The whole derivative as one expression. Raises GraphError if there are more terms than are written out."""
        if self.count > len(self.terms):
            raise GraphError(
                f"{counted(self.count, 'term')}, of which {len(self.terms)} are written: "
                f"explain(L, w, most={self.count})"
            )
        return total([product(factor.symbol for factor in term) for term in self.terms])

    def update(self, lr: float) -> str:
        """What a step of gradient descent makes of the weight, with the numbers put in.

        >>> w = Value(0.3, "w")
        >>> explain(w * w, w).update(0.5)
        'w ← w − 0.5·∂L/∂w = 0.3 − 0.5·0.6 = 0'
        """
        w, before = label_text(self.chain.names[self.chain.target]), self.chain.target.data
        rate, slope = (bracketed(number_text(number, self.digits)) for number in (lr, self.number))
        start, after = (number_text(number, self.digits) for number in (before, before - lr * self.number))
        return f"{w} ← {w} − {rate}·{self.whole()} = {start} − {rate}·{slope} = {after}"

    # ---- text ----

    def __str__(self) -> str:
        whole, result = self.whole(), number_text(self.number, self.digits)
        rows = [self._columns(factor) for factor in self.factors]
        if not rows:  # nothing depends on the target, or it is the root itself
            return f"{whole} = {result}"
        width = max(len(row[0]) for row in rows)
        middle = max((len(row[1]) for row in rows if len(row[1]) <= WIDE), default=0)
        lines = [f"{lhs:{width}} = {' = '.join([f'{symbol:{middle}}', *rest])}".rstrip() for lhs, symbol, *rest in rows]
        shares = [
            f"with {equation(share.label, formula.text(), number_text(share.data, self.digits))}"
            for share, formula in self._shares
        ]
        worked = [
            "\n".join([line, *(f"{INDENT}{rule.text()}" for rule in self._rules_of(factor))])
            for line, factor in zip(lines, self.factors, strict=True)
        ]
        if self._is_one_factor():
            return "\n".join([*(worked if self.rules else lines[:1]), *shares])
        rest = self.count - len(self.terms)
        more = f"… {rest:,} more" if rest < 10**30 else "… and very many more"
        chain, numbers = self._sums(str, number_text, " · ", "\n" + " " * len(whole) + " + ", more)
        return "\n".join([f"{whole} = {chain}", "", *worked, *shares, "", f"{whole} = {numbers} = {result}"])

    __repr__ = __str__

    def _columns(self, factor: Factor) -> list[str]:
        try:
            written = [factor.symbol.text(), *self._in_numbers(factor, Tidy.text)]
        except GraphError as error:
            written = [f"({error})", "…"]
        return [side for side, _ in groupby([str(factor), *written, number_text(factor.number, self.digits)])]

    # ---- LaTeX ----

    def latex(self) -> str:
        """The same in LaTeX, as the lines of an aligned block. Raises GraphError if a factor is too long to be read."""
        lines = []
        for factor in self.factors:
            written = factor.symbol.latex(), *self._in_numbers(factor, Tidy.latex)
            lines.append(rf"{factor.latex()} &= {equation(*written, number_latex(factor.number, self.digits))}")
            lines += [rf"&\quad {rule.latex()}" for rule in self._rules_of(factor)]
        for share, formula in self._shares:
            number = number_latex(share.data, self.digits)
            lines.append(f"{label_latex(share.label)} &= {equation(formula.latex(), number)}")
        whole, result = self.whole(partial_latex, r"\mathrm{d}"), number_latex(self.number, self.digits)
        if not lines:
            lines = [f"{whole} &= {result}"]
        elif not self._is_one_factor():
            chain, numbers = self._sums(Factor.latex, number_latex, r" \cdot ", " + ", r"\dots")
            lines = [f"{whole} &= {chain}", *lines, f"{whole} &= {numbers} = {result}"]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str | None:
        try:
            return f"$${self.latex()}$$"
        except GraphError:
            return None  # Jupyter then shows the text, which says what can be done

    # ---- parts of both ----

    def whole(self, partial: Callable[..., str] = partial_text, d: str = "d") -> str:
        """∂L/∂w; but dL/dw where ∂L/∂w, past all other names, is one of several terms."""
        root, target = self.chain.root, self.chain.target
        names = self.chain.names[root], self.chain.names[target]
        one_of_several = self.count > 1 and target in self.chain.factors[root]
        return partial(*names, d) if one_of_several else partial(*names)

    def _in_numbers(self, factor: Factor, write: Callable[..., str]) -> list[str]:
        """The factor with numbers in it, in so many digits that they make what it comes to; nothing if none do."""
        put_in = numbered(factor.symbol)
        made = (digits for digits in self._enough if self._comes_to(_rounded(put_in, digits), factor.number))
        return [write(put_in, digits) for digits in islice(made, 1)]

    @property
    def _enough(self) -> Iterable[int | None]:
        """How many digits may be shown, from those that were asked for."""
        return [None] if self.digits is None else [*range(self.digits, ALL), None]

    def _comes_to(self, shown: float, right: float) -> bool:
        """Is this what a reader of the shown numbers expects?"""
        if not isfinite(right):
            return True
        return isclose(shown, right, rel_tol=OFF * 10.0 ** -(self.digits or ALL - 5), abs_tol=0.0)

    @cached_property
    def _shares(self) -> list[tuple[Value, Tidy]]:
        """The shares of a softmax that stand in the factors, each with what it is made of."""
        used = {leaf.key for factor in self.factors for leaf in factor.symbol.parts() if leaf.name}
        return [(share, formula) for share, formula in self.chain.graph.share_formulas().items() if share in used]

    def _rules_of(self, factor: Factor) -> list[Rule]:
        """The rules that it takes to derive the child towards the parent, if they were asked for."""
        if not self.rules:
            return []
        return rules_of(formula_of(self._by_name[factor.child], self.chain.names), factor.parent)

    @cached_property
    def _by_name(self) -> dict[str, Value]:
        return {self.chain.names[node]: node for node in self.chain.named}

    def _is_one_factor(self) -> bool:
        return self.count == 1 and len(self.terms[0]) == 1

    def _sums(
        self, written: Callable[[Factor], str], number: Callable[..., str], dot: str, plus: str, more: str
    ) -> tuple[str, str]:
        """The terms in factors and in numbers, and whether there are more."""
        ends = [more] if self.count > len(self.terms) else []
        digits = self._digits_of_terms()
        numbers = [[bracketed(number(factor.number, digits)) for factor in term] for term in self.terms]
        numbers[0][0] = number(self.terms[0][0].number, digits)
        factors = [[*map(written, term)] for term in self.terms]
        return plus.join([*map(dot.join, factors), *ends]), plus.join([*map(dot.join, numbers), *ends])

    def _digits_of_terms(self) -> int | None:
        """So many that the terms come to the whole, where they are shown to."""
        rows = [[Tidy.of(factor.number) for factor in term] for term in self.terms]
        for digits in self._enough if self.count == len(rows) else ():
            if self._comes_to(sum(prod(_rounded(number, digits) for number in row) for row in rows), self.number):
                return digits
        return self.digits


def _rounded(symbol: Symbol, digits: int | None) -> float:
    """What an expression of numbers comes to where each is rounded to so many digits."""
    if digits is None:
        return symbol.evaluate({})
    return float(
        symbol.fold(lambda leaf: float(f"{leaf.number:.{digits}g}"), lambda operation, *made: operation(*made))
    )


def explain(
    root: Value, target: Value | str, most: int = MOST, digits: int | None = DIGITS, rules: bool = False
) -> Explanation:
    """∂root/∂target as a product of ∂child/∂parent through named nodes, summed over the paths between them.

    A node is named if it has a label; target is a node or its label. ``most`` terms are written out, the largest;
    ``digits`` is how many significant digits numbers get, None for all; more are shown where the line would not come
    out otherwise. ``rules`` writes under each factor by which rules it was derived. Where target also enters root past
    all other names, ∂root/∂target is that term alone and the whole is written droot/dtarget. p1, p2, … are the shares
    of a softmax that has no names of its own.

    >>> x, w, y = Value(2.0, "x"), Value(0.5, "w"), Value(1.0, "y")
    >>> o = w * x * 3
    >>> o.label = "o"
    >>> print(explain((y - o) ** 2, w))
    ∂L/∂w = ∂L/∂o · ∂o/∂w
    <BLANKLINE>
    ∂L/∂o = −2(y − o) = −2(1 − 3) = 4
    ∂o/∂w = 3·x       = 3·2 = 6
    <BLANKLINE>
    ∂L/∂w = 4 · 6 = 24
    >>> print(explain((y - o) ** 2, o, rules=True))
    ∂L/∂o = −2(y − o) = −2(1 − 3) = 4
        power rule with chain rule: (u^2)′ = 2·u′·u with u = y − o, u′ = −1

    Raises ArgumentError or ArgumentTypeError if most or digits is no whole number from 1 up, UnknownNameError for a
    label that is not there, GraphError if a ``.data`` has changed since the graph was recorded, ArgumentTypeError if
    root is no Value.
    """
    whole_number("most, the number of terms to write,", most)
    if digits is not None:
        whole_number("digits, if not None for all of them,", digits)
    check_unchanged(root)
    return Explanation(Chain(root, node_of(target, root)), most, digits, rules)
