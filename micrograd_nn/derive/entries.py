"""What a person hands in: for which partial, and as a number, a formula or a function.

Promise: everything is read and held against the graph's names before anything is compared.
"""

import inspect
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from math import isclose
from typing import Any

from ..engine.ops import neg
from ..engine.value import Value, adjoints
from ..errors import ArgumentError, ArgumentTypeError, FormulaError, NumberError, UnknownNameError
from ..notation._formula import Formula, Item, parse, work_out
from ..notation.latex import label_latex
from ..notation.text import label_text, number_text
from ..notation.tokens import as_typed, typeset_as
from ..number import as_float
from .named import Pair
from .recorded import node_of, partial_text

Key = Any  # a Value, a name, or a pair of them
TYPED = re.compile(r"(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-−+]?\d+)?")  # a number as it stands in a formula
PARTIAL = re.compile(r"\(?[∂d](.+?)\)?/\(?[∂d](.+?)\)?")  # ∂L/∂w, dL/dw, (dL)/(dw)
FRACTION = re.compile(r"\\[dt]?frac\s*\{(.*)\}\s*\{(.*)\}")  # the same in LaTeX
NAMELESS = frozenset({inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL})


def pair_of(key: Key, root: Value, names: Mapping[Value, str], nodes: Container[Value]) -> Pair:
    """The factor or partial that a key stands for. Raises UnknownNameError, or ArgumentError for a foreign node."""
    if isinstance(key, str):
        key = ends_of(key) or key
    pair = key if isinstance(key, tuple) and len(key) == 2 else (root, key)
    child, parent = (node_of(end, root, names) for end in pair)
    for node in (child, parent):
        if node not in nodes:
            raise ArgumentError(f"{node!r} is no node of this graph")
    return child, parent


def ends_of(partial: str) -> tuple[str, str] | None:
    """child and parent of a ∂child/∂parent that is written as a person or a textbook does; None if it is none."""
    plain = re.sub(r"\\partial|\\mathrm\{d\}", "∂", FRACTION.sub(r"\1/\2", partial))
    found = PARTIAL.fullmatch("".join(plain.split()))
    return (found[1], found[2]) if found else None


def asks_for_a_factor(key: Key) -> bool:
    """Whether a key asks for one factor: a pair, or "∂L/∂w"; a name, or "dL/dw", asks for the whole."""
    return isinstance(key, tuple) or (isinstance(key, str) and key.lstrip().startswith("∂"))


@dataclass(frozen=True)
class Entry:
    """A number, or what makes one of the numbers under the names: a formula, or a person's own function."""

    made: float | Formula | Callable[[Mapping[str, float]], Any]
    tolerance: float = 0.0

    @classmethod
    def read(cls, entry: Any, names: Sequence[str], asked: Sequence[str] = ()) -> "Entry":
        """Read what was handed in for ∂child/∂parent, these two being ``asked``; the formula may begin with that and =.

        Raises FormulaError, NumberError or UnknownNameError if it makes no sense, or names another partial.
        """
        if isinstance(entry, str):
            parsed = parse(right_side(entry, asked), names)
            return cls(parsed) if parsed.names else cls(float(parsed({})), _half_the_digits(parsed))
        if callable(entry) and not isinstance(entry, Value):
            return cls(_by_name(entry, names))
        number = _as_number(entry)
        return cls(number, _half_a_digit(repr(number)))

    @property
    def items(self) -> tuple[Item, ...]:
        """What stands in the formula."""
        return self.made.items if isinstance(self.made, Formula) else ()

    def exchanged(self, numbers: Mapping[str, float]) -> "Iterator[tuple[str, str, Entry]]":
        """The formula with a name for one of its numbers, or the other way round: what stands, what belongs there."""
        for (k, item), (name, number) in product(enumerate(self.items), numbers.items()):
            said, put = ("a number", label_text(name)), [replace(item, content=name)]
            if item.content == name:
                said, put = (label_text(name), number_text(number)), [replace(item, content=number)]
            elif not isinstance(item.content, float) or not isclose(abs(number), item.content, rel_tol=1e-8):
                continue
            elif number < 0:
                put.append(Item(item.column, 1, neg))
            yield *said, Entry(Formula("", (*self.items[:k], *put, *self.items[k + 1 :]), is_bound=True))

    def at(self, numbers: Mapping[str, float], fresh: bool = False) -> float:
        """What it comes to where the names have these numbers, the recorded ones or others.

        Raises ArgumentTypeError if a person's own function gives something else than one real number.
        """
        if isinstance(self.made, float):
            return self.made
        try:
            made = self.made(numbers)
            off_the_line = fresh and isinstance(made, complex)  # such as Python's own root of a negative number
            return float("nan") if off_the_line else _as_number(made)
        except (ArithmeticError, ValueError):  # a person's own function may divide by 0 at some point
            return float("nan")
        except NumberError as error:
            way_out = "let it return one, as lambda w, y: 2*(w - y) does"
            raise ArgumentTypeError(f"from the function that was handed in: {error}; {way_out}") from None


def right_side(text: str, asked: Sequence[str] = ()) -> str:
    r"""What follows ∂L/∂w =, in text or LaTeX, or = alone; all of it if there is none.

    >>> right_side("∂L/∂w1 = 2(y − o)", ("L", "w1")), right_side(r"\frac{\partial L}{\partial w_{1}} = 2", ("L", "w1"))
    (' 2(y − o)', ' 2')

    Raises FormulaError if another partial than the one that is asked stands there.
    """
    head, equals, rest = text.partition("=")
    found = ends_of(head)
    pairs = zip(found or (), asked, strict=False)
    if not equals or (head.strip() and not found):
        return text
    same = [{as_typed(end), typeset_as(end)} & {as_typed(name), typeset_as(label_latex(name))} for end, name in pairs]
    if not all(same):
        raise FormulaError(f"this is {head.strip()}, but {partial_text(*asked)} is asked for", text, 0)
    return rest


def _as_number(given: Any) -> float:
    return given.data if isinstance(given, Value) else as_float(given)


def _half_the_digits(arithmetic: Formula) -> float:
    """How far off the outcome can be if each number is off by half a unit in its last digit, to first order.

    >>> _half_the_digits(parse("0.50·4 − 2", ())), _half_the_digits(parse("-2(3 - 1)", ()))
    (0.02, 0.0)
    """
    items, halves = [], dict[Value, float]()
    for item in arithmetic.items:
        typed = TYPED.match(arithmetic.text, item.column) if isinstance(item.content, float) else None
        if typed and (half := _half_a_digit(typed.group().replace("−", "-"))):
            item = replace(item, content=Value(item.content))
            halves[item.content] = half
        items.append(item)
    slopes = adjoints(work_out(items, {})) if halves else {}
    return sum((abs(slopes.get(number, 0.0)) * half for number, half in halves.items()), 0.0)


def _half_a_digit(written: str) -> float:
    """Half a unit in the last decimal place; a whole number is meant exactly.

    >>> _half_a_digit("0.1"), _half_a_digit("-2"), _half_a_digit("3.0")
    (0.05, 0.0, 0.0)
    """
    number = Decimal(written)
    if not number.is_finite() or number == number.to_integral_value():
        return 0.0
    return 0.5 * 10.0 ** int(number.as_tuple().exponent)


def _by_name(function: Callable[..., Any], names: Sequence[str]) -> Callable[[Mapping[str, float]], Any]:
    try:
        parameters = [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):  # some that are built in do not say what they take
        parameters = [inspect.Parameter("_", inspect.Parameter.VAR_POSITIONAL)]
    kinds = {parameter.kind for parameter in parameters}
    if kinds & NAMELESS:
        raise ArgumentTypeError(
            f"a function's arguments are labels of the graph; {getattr(function, '__name__', function)} takes some "
            "without a name: call it in one that names its own, such as lambda w, y: 2*(w - y)"
        )
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return lambda numbers: function(**numbers)
    wanted = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    for name in wanted:
        if name not in names:
            raise UnknownNameError("argument of the function; arguments are labels of the graph, and", name, names)
    return lambda numbers: function(**{name: numbers[name] for name in wanted})
