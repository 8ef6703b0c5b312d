"""Formulas as people type them: "sigmoid(w1*x1 + w2*x2 + b1)" becomes Values.

Promise: the text is read by Python's own parser, held against a list of what is allowed, and never handed to eval;
nothing is computed before the whole of it has been understood, and every error marks the place.

Besides Python's arithmetic and calls of the table's operations by name or sign, a formula may be written as in a
textbook: −2(y − o1), w5·o1(1 − o1), x², w1x1 + b1, x[z > 0], |x|, xσ(z), and sigmoid'(z) for an operation's slope.
Where the sign of a product is left out between names, they are one operand: a/w1x1 is a/(w1·x1), but xy^2 is x·y^2.
"""

import ast
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import cycle
from keyword import kwlist
from typing import Any, NoReturn
from unicodedata import decomposition, normalize

from ..engine.operation import TABLE, Operation, as_float
from ..engine.ops import add, div, greater, mul, neg, power, sub
from ..engine.value import Value, topological_order
from ..errors import ArgumentTypeError, FormulaError, MicrogradError

LONGEST = 10_000  # characters
CONSTANTS = {"e": math.e, "pi": math.pi, "π": math.pi}  # a name of the caller comes before them
PRIME = "ʹ"  # an apostrophe that Python takes for a letter
TYPED = {"−": "-", "–": "-", "·": "*", "⋅": "*", "∙": "*", "×": "*", "^": "**", "'": PRIME, "′": PRIME, "’": PRIME}
COMMA = "a comma stands between operands only: write 0.585 with a point"
NOT_READ = (  # what Python would skip, or refuse in words of its own
    (re.compile(r"#"), "a formula holds no comment"),
    (re.compile(r"\\"), "a formula is typed on a line, as in w5*o1*(1 - o1), and not in LaTeX"),
    (re.compile(r"(?<=\d),(?=0\d)"), COMMA),
)
WORD = rf"(?!(?:{'|'.join(kwlist)})\b)[^\W\d]"  # the first letter of a name
FACTORS = (  # where the sign of a product may be missing
    re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:e\d+)?(?=[^\W\d_])(?!e[-+]?\d)"),  # 2x
    re.compile(rf"\b(?:{WORD}\w*|\d+)(?=\s+{WORD})"),  # x y
    re.compile(rf"[)\]](?=\s*(?:\(|{WORD}))"),  # (a + b)(a - b), (a + b)x
    re.compile(r"[\w)\]](?=\s*\[[^][]*[<>])"),  # x[z > 0]
    re.compile(r"\w+(?=\s*\()"),  # 2(y - o1), and xsin(z), but not sin(z)
)
EXPONENT = re.compile(r"(\d+\.?\d*|\.\d+)(e\d+)")  # 2e1 is 20, but 2·e1 for a caller who has an e1
BINARY = {ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: div, ast.Pow: power}


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a formula in postfix order: a number or a name to put down, or what takes ``count`` of them up."""

    column: int
    count: int = 0
    content: Any = None  # a float, a name, or a function of the operands
    tight: bool = False  # a name and the power that binds its last factor only: xy^2 is x·y^2


@dataclass(frozen=True)
class Formula:
    """A formula that has been read. Calling it with numbers, Values or symbols for its names works it out."""

    text: str
    items: tuple[Item, ...]

    def __call__(self, names: Mapping[str, Any]) -> Any:
        """What the formula makes of those names. Raises FormulaError for a name that is not among them."""
        return _work_out(self.bound(names), names)

    @property
    def names(self) -> list[str]:
        """The names in it as they stand, in order, without those of constants."""
        words = [item.content for item in self.items if isinstance(item.content, str)]
        return [word for word in dict.fromkeys(words) if word not in CONSTANTS and not EXPONENT.fullmatch(word)]

    def bound(self, known: Iterable[str]) -> "list[Item]":
        """The items in their places, each name split into names that are known. Raises FormulaError if none fits."""
        known = [*known]
        names = {normalize("NFKC", "".join(_typed(name))): name for name in known}
        names |= {name: name for name in known}  # as it stands in items that have been bound before
        items: list[Item] = []
        held: list[list[Item]] = []  # products that wait until their last factor has its power
        for item in self.items:
            named = isinstance(item.content, str)
            factors, products = self._known(item, names) if named else ([replace(item, tight=False)], [])
            items += factors
            if not item.tight:
                items += products
            elif item.count:
                items += held.pop()
            else:
                held.append(products)
        return items

    def _known(self, item: Item, names: dict[str, str]) -> tuple[list[Item], list[Item]]:
        """The factors that a name stands for, and the products that join them."""
        number = EXPONENT.fullmatch(item.content)
        if number and number[2] in names:
            factors = [Item(item.column, content=float(number[1])), Item(item.column, content=names[number[2]])]
            return factors, [Item(item.column, 2, mul)]
        if number:
            return [Item(item.column, content=float(item.content))], []
        meanings = CONSTANTS | names
        pieces = [item.content] if item.content in meanings else _split(item.content, meanings)
        if pieces is None:
            some = ", ".join(sorted({*names.values()})[:30])
            meant = get_close_matches(item.content, _callable_rows(), n=1)
            hint = f"; did you mean the operation {meant[0]}(…)?" if meant else ""
            word = item.content.replace(PRIME, "'")
            what = f"unknown name {word!r:.60}; known are: {some or 'none'}{hint}"
            raise FormulaError(what, self.text, item.column)
        factors = [Item(item.column, content=meanings[piece]) for piece in pieces]
        return factors, [Item(item.column, 2, mul)] * (len(pieces) - 1)


def formula(text: str, names: Mapping[str, Any] | Value | None = None) -> Value:
    """The Value that a formula makes of Values, numbers, or the labelled nodes of a graph.

    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> formula("sigmoid(w*x - 1)", {"w": w, "x": x}).data
    0.5
    >>> formula("w·x + 3", w * x).data
    4.0

    Raises FormulaError (ValueError), which marks the place, before anything is computed.
    """
    parsed = parse(text)
    given = labelled(names) if isinstance(names, Value) else dict(names or {})
    items = parsed.bound(given)
    used = {item.content for item in items if isinstance(item.content, str)}
    values = {name: _as_value(name, given[name]) for name in used}
    result = _work_out(items, values)
    return result if isinstance(result, Value) else Value(result)


def labelled(root: Value) -> dict[str, Value]:
    """The nodes below root by label; a label that stands more than once is numbered: h1[1], h1[2], …"""
    nodes: dict[str, list[Value]] = {}
    for node in topological_order(root):
        if node.label:
            nodes.setdefault(node.label, []).append(node)
    names: dict[str, Value] = {}
    for label, same in nodes.items():
        names |= {label: same[0]} if len(same) == 1 else {f"{label}[{i}]": node for i, node in enumerate(same, start=1)}
    return names


def parse(text: str) -> Formula:
    """Read a formula without working it out. Raises FormulaError, ArgumentTypeError if it is no str."""
    if not isinstance(text, str):
        raise ArgumentTypeError(f"a formula is a str such as 'w*x + b', got {type(text).__name__}")
    if len(text) > LONGEST:
        raise FormulaError(f"a formula of {len(text):,} characters; at most {LONGEST:,} are read", text, 0)
    return Formula(text, tuple(_Reader(text).items()))


class _Reader:
    """From text to postfix items, by a stack of its own: a deep formula is an error and not a crash."""

    def __init__(self, text: str) -> None:
        self.text = text
        pieces = _typed(text, _signs())
        source = "".join(pieces)
        columns = [i for i, piece in enumerate(pieces) for _ in piece]
        for pattern in FACTORS:
            for found in reversed([*pattern.finditer(source)]):
                end = found.end()
                if source[end:].lstrip().startswith("("):
                    end -= _called(found.group())
                if end > found.start():
                    source = f"{source[:end]}*{source[end:]}"
                    columns.insert(end, columns[end - 1])
        self.source = source.lstrip()
        self.columns = [*columns[len(source) - len(self.source) :], len(text)]

    def items(self) -> list[Item]:
        out: list[Item] = []
        constants: list[float | None] = []  # the number under each operand, where no name is in it
        stack: list[Any] = [self.tree()]
        while stack:
            node = stack.pop()
            if not isinstance(node, Item):
                parts, item = self.understood(node)
                stack += [*([item] if item else []), *reversed(parts)]
                continue
            operands = [constants.pop() for _ in range(node.count)][::-1]
            constants.append(self.constant(node, operands))
            out.append(node)
        return out

    def tree(self) -> ast.expr:
        for pattern, what in NOT_READ:
            if found := pattern.search(self.source):
                self.fail(what, self.columns_at(found.start()))
        try:
            return ast.parse(self.source, mode="eval").body
        except SyntaxError as error:
            self.fail(f"this is no formula: {error.msg}", self.columns_at(error.offset - 1 if error.offset else 0))
        except (RecursionError, MemoryError):
            self.fail("nested too deeply to be read: give parts of it names of their own", 0)
        except ValueError as error:  # NUL, a lone surrogate
            self.fail(f"this is no formula: {error}", 0)

    def understood(self, node: Any) -> tuple[list[Any], Item | None]:
        """The parts of a node, and the item that takes them up. Raises FormulaError for what is not on the list."""
        rule = RULES.get(type(node))
        if rule is None:
            self.fail(
                f"a formula holds numbers, names, arithmetic and operations, no {type(node).__name__}", self.at(node)
            )
        return rule(self, node)

    def constant(self, item: Item, operands: list[float | None]) -> float | None:
        if item.count == 0:
            return item.content if isinstance(item.content, float) else None
        if None in operands:
            return None
        number = float(item.content(*operands))
        if not math.isfinite(number):
            self.fail(f"these numbers make {number}, and a formula holds finite ones", item.column)
        return number

    def at(self, node: Any) -> int:
        return self.columns_at(len(self.source.encode()[: node.col_offset].decode(errors="ignore")))

    def columns_at(self, index: int) -> int:
        return self.columns[min(max(index, 0), len(self.columns) - 1)]

    def fail(self, what: str, column: int) -> NoReturn:
        raise FormulaError(what, self.text, column) from None

    # ---- what is allowed ----

    def number(self, node: Any) -> tuple[list[Any], Item | None]:
        if type(node.value) not in (int, float):
            self.fail(f"a formula holds numbers, not the {type(node.value).__name__} {node.value!r:.30}", self.at(node))
        try:
            number = as_float(node.value)
        except MicrogradError as error:
            self.fail(str(error), self.at(node))
        if math.isinf(number):
            self.fail("this number is too large: floats end at 1.8e308", self.at(node))
        written = self.source.encode()[node.col_offset : node.end_col_offset].decode()
        return [], Item(self.at(node), content=written if EXPONENT.fullmatch(written) else number)

    def name(self, node: Any) -> tuple[list[Any], Item | None]:
        return [], Item(self.at(node), content=node.id)

    def numbered(self, node: Any) -> tuple[list[Any], Item | None]:
        if not isinstance(node.value, ast.Name) or type(getattr(node.slice, "value", None)) is not int:
            self.fail("square brackets number a name, as in h1[2]", self.at(node))
        return [], Item(self.at(node), content=f"{node.value.id}[{node.slice.value}]")

    def unary(self, node: Any) -> tuple[list[Any], Item | None]:
        if isinstance(node.op, ast.UAdd):
            return [node.operand], None
        if not isinstance(node.op, ast.USub):
            self.fail("only + and - may stand before a term", self.at(node))
        return [node.operand], Item(self.at(node), 1, neg)

    def binary(self, node: Any) -> tuple[list[Any], Item | None]:
        if type(node.op) not in BINARY:
            self.fail("only + - * / ** may stand between terms; write abs(x) for |x|", self.at(node))
        rest = self.source.encode()[node.left.end_col_offset :].lstrip()
        single = isinstance(node.left, ast.Name | ast.Subscript | ast.Constant)
        left = self.understood(node.left)[1] if single else None
        tight = left is not None and isinstance(left.content, str) and rest.startswith(b"**")  # and not (xy)^2
        parts = [replace(left, tight=True) if left and tight else node.left, node.right]
        return parts, Item(self.at(node), 2, BINARY[type(node.op)], tight)

    def comparison(self, node: Any) -> tuple[list[Any], Item | None]:
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Gt | ast.Lt):
            self.fail("a comparison is a > b or a < b: 1 where it is true, else 0", self.at(node))
        pair = [node.left, *node.comparators]
        return pair if isinstance(node.ops[0], ast.Gt) else pair[::-1], Item(self.at(node), 2, greater)

    def square(self, node: Any) -> tuple[list[Any], Item | None]:
        if len(node.elts) != 1 or not isinstance(node.elts[0], ast.Compare):
            self.fail("square brackets hold one comparison, as in [z > 0]", self.at(node))
        return [node.elts[0]], None

    def comma(self, node: Any) -> tuple[list[Any], Item | None]:
        self.fail(COMMA, self.at(node))

    def call(self, node: Any) -> tuple[list[Any], Item | None]:
        if node.keywords:
            self.fail("operations take operands without names", self.at(node))
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        row = _callable_rows().get(name.rstrip(PRIME))
        if row is None:
            self.fail("only an operation can be called", self.at(node))
        fewest = 1 if row.default is not None else row.arity
        if not fewest <= len(node.args) <= row.arity:
            self.fail(f"{row.name} takes {row.arity} operand(s), got {len(node.args)}", self.at(node))
        return node.args, Item(self.at(node), len(node.args), self.slope(row, node) if name.endswith(PRIME) else row)

    def slope(self, row: Operation, node: Any) -> Callable[..., Any]:
        if (
            not node.func.id.endswith(PRIME)
            or node.func.id.endswith(PRIME * 2)
            or (row.arity > 1 and row.default is None)
        ):
            self.fail("an apostrophe is the slope of an operation of one operand, once", self.at(node))

        def slope(a: Any, b: Any = row.default) -> Any:
            operands = (a,) if row.arity == 1 else (a, b)
            return row.partials[0](*operands, row(*operands))

        return slope


RULES: dict[type, Callable[[_Reader, Any], tuple[list[Any], Item | None]]] = {
    ast.Constant: _Reader.number,
    ast.Name: _Reader.name,
    ast.Subscript: _Reader.numbered,
    ast.UnaryOp: _Reader.unary,
    ast.BinOp: _Reader.binary,
    ast.Compare: _Reader.comparison,
    ast.List: _Reader.square,
    ast.Tuple: _Reader.comma,
    ast.Call: _Reader.call,
}


def _work_out(items: Iterable[Item], names: Mapping[str, Any]) -> Any:
    stack: list[Any] = []
    for item in items:
        if item.count:
            operands = [stack.pop() for _ in range(item.count)]
            stack.append(item.content(*reversed(operands)))
        else:
            stack.append(names[item.content] if isinstance(item.content, str) else item.content)
    return stack[0]


def _callable_rows() -> dict[str, Operation]:
    return {row.sign: row for row in TABLE.values()} | TABLE


def _signs() -> dict[str, str]:
    """Signs that are no letters, such as √, by the name that Python can read."""
    rows = [row for row in TABLE.values() if row.text.startswith(f"{row.sign}(")]
    return {row.sign: row.name for row in rows if len(row.sign) == 1 and not row.sign.isidentifier()}


def _typed(text: str, signs: Mapping[str, str] | None = None) -> list[str]:
    """What Python's parser is given for each character: x² is x**(2), eˣ is e**(x), |x| is abs(x), ½ is (1/2)."""
    written = {**TYPED, **(signs or {})}
    bars = cycle(("abs(", ")")) if text.count("|") % 2 == 0 else cycle("|")
    pieces = []
    for before, character, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if raised := _raised(character):
            pieces.append(f"{'' if _raised(before) else '**('}{raised}{'' if _raised(after) else ')'}")
        elif character == "|":
            pieces.append(next(bars))
        else:
            plain = written.get(character) or normalize("NFKC", character)  # as Python's parser reads names
            mixed = character if before.isdigit() else f"({plain.replace('⁄', '/')})"  # 1½ is no product: refused
            pieces.append(mixed if "⁄" in plain else plain)
    return pieces


def _raised(character: str) -> str:
    """What stands raised: 2 for ², x for ˣ, nothing for what doesn't, and for ⁽ and ⁾, which may count layers."""
    raised = decomposition(character).startswith("<super>") and character not in "⁽⁾"
    return normalize("NFKC", character).replace("−", "-") if raised else ""


def _called(word: str) -> int:
    """How many of the last letters of a word, before a bracket, name an operation: all of sin, three of xsin."""
    rows, name = _callable_rows(), word.rstrip(PRIME)
    longest = max((row for row in rows if name.endswith(row)), key=len, default="")
    return len(longest) + len(word) - len(name) if longest else 0


def _split(word: str, names: Mapping[str, Any]) -> list[str] | None:
    """word as a row of known names, if there is exactly one way: w1x1 as w1, x1."""
    ways: list[list[list[str]]] = [[[]], *([] for _ in word)]
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 20), end):
            if word[start:end] in names and not word[end : end + 1].isdigit():
                ways[end] += [[*way, word[start:end]] for way in ways[start][:2]]
    return ways[-1][0] if len(ways[-1]) == 1 else None


def _as_value(name: str, given: Any) -> Value:
    return given if isinstance(given, Value) else Value(given, label=name)
