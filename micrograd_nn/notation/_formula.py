"""Formulas as people type them: "sigmoid(w1*x1 + w2*x2 + b1)" becomes Values.

The text is cut into tokens, a precedence parser brings them into postfix order, and nothing is ever handed to Python;
nothing is computed before the whole of it has been understood, and every error marks its place.

Besides arithmetic and calls of the table's operations by name or sign, a formula may be written as in a textbook:
−2(y − o1), w5·o1(1 − o1), x², w1x1 + b1, x[z > 0], |x|, xσ(z), tanh²(z), tanh z, sigmoid'(z) for an operation's slope,
and in LaTeX as it is printed here; [z ≤ 0] is 1 − [z > 0]. Where the sign of a product is left out between names, they
are one operand: a/w1x1 is a/(w1·x1), but xy^2 is x·y^2.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, NoReturn
from unicodedata import normalize

from ..engine.operation import Operation
from ..engine.ops import absolute, add, div, greater, mul, neg, power, sub
from ..engine.value import Value, topological_order
from ..errors import ArgumentTypeError, FormulaError, counted, printable
from .latex import label_latex
from .text import ATOM
from .tokens import LATEX, PRIME, Token, as_typed, cut, functions, split, typeset_as

LONGEST = 10_000  # characters
EMPTY = "this is no formula: it is empty"
SOFTMAX = (
    "softmax is taken of all sums at once, and each class has a share of its own: write exp(z1)/(exp(z1) + exp(z2)), "
    "or p1, p2, … for the shares of a softmax that is in the loss"
)
CONSTANTS = {"e": math.e, "pi": math.pi, "π": math.pi}  # a name of the caller comes before them
EXPONENT = re.compile(r"(\d+\.?\d*|\.\d+)(e\d+)")  # 2e1 is 20, but 2·e1 for a caller who has an e1


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a formula in postfix order: a number or a name to put down, or what takes ``count`` of them up."""

    column: int
    count: int = 0
    content: Any = None  # a float, a name, or a function of the operands


@dataclass(frozen=True)
class Formula:
    """A formula that has been read. Calling it with numbers, Values or symbols for its names works it out.

    >>> parse("2x + y²")({"x": 3.0, "y": 2.0})
    10.0
    """

    text: str
    items: tuple[Item, ...]
    is_bound: bool = False  # the words in it are names of the caller, no products of them and no constants

    def __call__(self, names: Mapping[str, Any]) -> Any:
        """What the formula makes of those names. Raises FormulaError for a name that is not among them."""
        return work_out(self.items if self.is_bound else parse(self.text, names).items, names)

    @property
    def names(self) -> list[str]:
        """The words in it, in order, without those of constants."""
        words = [item.content for item in self.items if isinstance(item.content, str)]
        return [word for word in dict.fromkeys(words) if self.is_bound or word not in CONSTANTS]


def formula(text: str, names: Mapping[str, Any] | Value | None = None) -> Value:
    """The Value that a formula makes of Values, numbers, or the labelled nodes of a graph.

    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> formula("sigmoid(w*x - 1)", {"w": w, "x": x}).data
    0.5
    >>> formula("w·x + 3", w * x).data
    4.0

    Raises FormulaError (ValueError), which marks the place, before anything is computed.
    """
    parse(text)  # what is wrong in the text itself is told first
    given = labelled(names) if isinstance(names, Value) else dict(names or {})
    items = parse(text, given).items
    used = {item.content for item in items if isinstance(item.content, str)}
    values = {name: _as_value(name, given[name]) for name in used}
    result = work_out(items, values)
    return result if isinstance(result, Value) else Value(result)


def labelled(root: Value) -> dict[str, Value]:
    """The nodes below root by label; a label that stands more than once is numbered: h1[1], h1[2], …

    >>> labelled(Value(2.0, "x") * Value(3.0, "x"))["x[2]"].data
    3.0
    """
    nodes: dict[str, list[Value]] = {}
    for node in topological_order(root):
        if node.label:
            nodes.setdefault(node.label, []).append(node)
    names: dict[str, Value] = {}
    for label, same in nodes.items():
        names |= {label: same[0]} if len(same) == 1 else {f"{label}[{i}]": node for i, node in enumerate(same, start=1)}
    return names


def parse(text: str, known: Iterable[str] | None = None) -> Formula:
    """Read a formula without working it out; each word as a name that is known, or a product, if these are given.

    >>> parse("w·x + b").names
    ['w', 'x', 'b']

    Raises FormulaError, also where no known name fits, and ArgumentTypeError if it is no str.
    """
    if not isinstance(text, str):
        raise ArgumentTypeError(f"a formula is a str such as 'w*x + b', got {type(text).__name__}")
    if len(text) > LONGEST:
        raise FormulaError(f"a formula of {counted(len(text), 'character')}; at most {LONGEST:,} are read", text, 0)
    if known is None:
        return Formula(text, _Parser(text).read())
    known = [*known]
    names = {typeset_as(label_latex(name)): name for name in known} if LATEX.search(text) else {}
    meanings = CONSTANTS | names | {as_typed(name): name for name in known}
    return Formula(text, _Parser(text, meanings).read(), is_bound=True)


# ---- the parser ----

BRACKET, COMPARISON, SUM, PRODUCT, SIGN, WORD, POWER, FUNCTION = range(8)  # how tightly they hold their operands
BINARY: dict[str, tuple[int, Callable[..., Any]]] = {
    ">": (COMPARISON, greater),
    "<": (COMPARISON, lambda a, b: greater(b, a)),
    "≤": (COMPARISON, lambda a, b: 1.0 - greater(a, b)),
    "≥": (COMPARISON, lambda a, b: 1.0 - greater(b, a)),
    "+": (SUM, add),
    "-": (SUM, sub),
    "*": (PRODUCT, mul),
    "/": (PRODUCT, div),
    "^": (POWER, power),
}
CLOSING = {"(": ")", "[": "]", "{": "}", "|": "|", "": ""}  # the text as a whole ends like a bracket


@dataclass(slots=True)
class _Waiting:
    """An operator that waits for its right operand, or a bracket that waits to be closed."""

    binding: int
    token: Token  # of a binary operator, in the column of its left operand
    content: Callable[..., Any] | None = None  # None for brackets that only group
    count: int = 1  # of its operands


class _Parser:
    """From tokens to postfix items. What waits stands on a stack, so that no formula is too deep.

    ``meanings`` says what words are: names of the caller, or the numbers of constants. Without it they stay words.
    """

    def __init__(self, text: str, meanings: Mapping[str, str | float] | None = None) -> None:
        self.text, self.meanings = text, meanings
        self.waiting = [_Waiting(BRACKET, Token("sign", "", 0, 0))]
        self.operands: list[tuple[int, float | None]] = []  # of each its column, and its number if no name is in it
        self.items: list[Item] = []
        self.wanted = True  # an operand comes next, and not an operator

    def read(self) -> tuple[Item, ...]:
        """The items of the text."""
        for token in cut(self.text, self.meanings or ()):
            (self.operand if self.wanted else self.operator)(token)
        return tuple(self.items)

    def operand(self, token: Token) -> None:
        if token.kind == "number":
            self.number(token)
        elif token.kind == "name":
            self.word(token, normalize("NFKC", token.text))
        elif token.kind in ("call", "function"):
            self.waiting.append(_Waiting(BRACKET if token.kind == "call" else FUNCTION, token, self.meaning(token)))
        elif token.text in CLOSING and token.kind != "end":
            self.waiting.append(_Waiting(BRACKET, token, absolute if token.text == "|" else None))
        elif token.text == "-":
            self.waiting.append(_Waiting(SIGN, token, neg))
        elif token.text != "+":
            where = f"before {token.text}" if token.text else "at its end"
            self.fail(f"this is no formula: an operand is missing {where}" if self.text.strip() else EMPTY, token)

    def number(self, token: Token) -> None:
        number, product = float(token.text), EXPONENT.fullmatch(token.text)
        if math.isinf(number):
            self.fail("this number is too large: floats end at 1.8e308", token)
        if product and product[2] in (self.meanings or ()):
            self.word(token, product[2], float(product[1]))
        else:
            self.put(Item(token.column, content=number), number)

    def word(self, token: Token, word: str, *before: float) -> None:
        """Put down a name, or a product of names: whatever stands before it, it is one operand."""
        pieces: list[str | float] = [word]
        if self.meanings is not None:
            pieces = [*before, *(self.meanings[piece] for piece in split(word, self.meanings))]
        if len(pieces) == len(before):
            known = [name for name in (self.meanings or {}).values() if isinstance(name, str)]
            self.fail(_unknown(word, known, token.bracket == "("), token)
        for i, piece in enumerate(pieces):
            if i:
                self.waiting.append(_Waiting(WORD, token, mul, 2))
            self.put(Item(token.column, content=piece))

    def operator(self, token: Token) -> None:
        bracket = next(wait for wait in reversed(self.waiting) if wait.binding == BRACKET)
        if token.text in BINARY:
            self.binary(token)
        elif token.text in (")", "]", "}", "") or token.text == bracket.token.text == "|":
            self.close(token, bracket)
        elif token.text == ",":
            if bracket.token.kind != "call":
                decimal = (
                    re.search(r"[0-9]+$", self.text[: token.column]),
                    re.match(r",[0-9]+", self.text[token.column :]),
                )
                number = ".".join(part[0].strip(",") for part in decimal if part) if all(decimal) else "decimals"
                self.fail(f"a comma stands between operands only: write {number} with a point", token)
            self.take_up(COMPARISON)
            bracket.count += 1
            self.wanted = True
        elif token.text == "=":
            self.fail("a comparison is a > b or a < b, and of an equation only one side is read", token)
        elif token.kind == "number":
            self.fail("this is no formula: a sign is missing before this number", token)
        else:  # a product whose sign was left out
            self.binary(Token("sign", "*", token.column, token.end))
            self.operand(token)

    def binary(self, token: Token) -> None:
        binding, content = BINARY[token.text]
        self.take_up(binding + (binding in (COMPARISON, POWER)))
        if binding == COMPARISON == self.waiting[-1].binding:
            self.fail("a comparison is a > b or a < b: 1 where it is true, else 0", token)
        self.waiting.append(_Waiting(binding, replace(token, column=self.operands[-1][0]), content, 2))
        self.wanted = True

    def close(self, token: Token, bracket: _Waiting) -> None:
        opened = bracket.token.bracket
        if CLOSING[opened] != token.text and token.text:
            self.fail(f"this is no formula: {token.text} closes no bracket", token)
        if CLOSING[opened] != token.text:
            hint = ": write abs(x) for |x|" if opened == "|" else ""
            self.fail(f"this is no formula: {opened} is not closed{hint}", bracket.token)
        self.take_up(COMPARISON)
        self.waiting.pop()
        if bracket.content:
            self.put_operation(bracket)
        self.operands[-1] = bracket.token.column, self.operands[-1][1]

    def meaning(self, call: Token) -> Callable[..., Any]:
        """The function that is called, or its slope."""
        function = functions()[call.text.rstrip(PRIME)]
        if not call.text.endswith(PRIME):
            return function
        if call.text.endswith(PRIME * 2) or not isinstance(function, Operation) or _operands(function)[0] > 1:
            self.fail("an apostrophe is the slope of an operation of one operand, once", call)

        def slope(a: Any, b: Any = function.default) -> Any:
            operands = (a,) if function.arity == 1 else (a, b)
            return function.partials[0](*operands, function(*operands))

        return slope

    def take_up(self, binding: int) -> None:
        """Put down the operators that bind at least so tightly: their operands are complete."""
        while self.waiting[-1].binding >= binding:
            self.put_operation(self.waiting.pop())

    def put_operation(self, wait: _Waiting) -> None:
        token = wait.token
        if token.kind in ("call", "function"):
            name = token.text.rstrip(PRIME)
            fewest, most = _operands(functions()[name])
            if not fewest <= wait.count <= most:
                self.fail(f"{name} takes {counted(most, 'operand')}, got {wait.count}", token)
        self.put(Item(token.column, wait.count, wait.content))
        if token.exponent:
            exponent = float(token.exponent)
            self.put(Item(token.column, content=exponent), exponent)
            self.put(Item(token.column, 2, power))

    def put(self, item: Item, number: float | None = None) -> None:
        """Put an item down, with its number if it is one. Raises FormulaError where numbers make inf or nan."""
        numbers = [self.operands.pop()[1] for _ in range(item.count)][::-1]
        if item.count and None not in numbers:
            number = float(item.content(*numbers))
            if not math.isfinite(number):
                self.fail(f"these numbers make {number}, and a formula holds finite ones", item)
        self.operands.append((item.column, number))
        self.items.append(item)
        self.wanted = False

    def fail(self, what: str, at: Token | Item) -> NoReturn:
        raise FormulaError(what, self.text, at.column)


def _operands(function: Callable[..., Any]) -> tuple[int, int]:
    """How many operands a function takes, at least and at most."""
    most = function.arity if isinstance(function, Operation) else 1
    return most if getattr(function, "default", None) is None else 1, most


# ---- names and numbers ----


def work_out(items: Iterable[Item], names: Mapping[str, Any]) -> Any:
    """What the items make of those names."""
    stack: list[Any] = []
    for item in items:
        if item.count:
            operands = [stack.pop() for _ in range(item.count)]
            stack.append(item.content(*reversed(operands)))
        else:
            stack.append(names[item.content] if isinstance(item.content, str) else item.content)
    return stack[0]


def _unknown(name: str, known: Sequence[str], called: bool) -> str:
    """What is said of a word that means nothing, with the near ones that do."""
    word, callable_here = name.replace(PRIME, "'"), _callable()
    near = get_close_matches(name, callable_here, n=3)
    if name.startswith("softmax"):
        return SOFTMAX
    operations = f"the operation {'(…) or '.join(near)}(…)" if near else ""
    if called and re.fullmatch(r"[a-z]{2,}\d*'*", word):
        hint = f"did you mean {operations}?" if near else f"known are: {', '.join(callable_here)}"
        return f"unknown function {word!r}; {hint}"
    some = ", ".join(map(printable, sorted({*known})[:30]))
    meant = next((other for other in known if other.casefold() == name.casefold()), operations)
    hint = f"; did you mean {meant}?" if meant else ""
    return f"unknown name {printable(repr(word))}; known are: {some or 'none'}{hint}"


def _callable() -> list[str]:
    """The functions that people call by a word, and do not write with a sign between two operands."""
    rows = functions()
    called = (name for name, row in rows.items() if name.isidentifier() and getattr(row, "level", ATOM) == ATOM)
    return sorted(name for name in called if "_" not in name or getattr(rows[name], "default", None) is not None)


def _as_value(name: str, given: Any) -> Value:
    return given if isinstance(given, Value) else Value(given, label=name)
