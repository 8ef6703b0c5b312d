"""Expressions on paper: read, written, worked out, and derived step by step, each step open to a slip.

Nothing here knows the engine. An expression is a tree; its derivative is put together from the textbook's local slopes
in ``RIGHT``, and ``edits`` may replace any of them, which is what a slip is. ``truth`` has the right ones judged.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Tree:
    """An operation on trees; a name or a number, whose only argument is itself."""

    op: str
    args: tuple[Any, ...]

    @property
    def is_leaf(self) -> bool:
        return self.op in ("name", "number")

    def is_number(self, number: float) -> bool:
        return self.op == "number" and self.args[0] == number


def name(text: str) -> Tree:
    return Tree("name", (text,))


def number(value: float) -> Tree:
    return Tree("number", (value,))


ZERO, ONE = number(0), number(1)


# ---- reading ----

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^"}


@cache
def read(text: str) -> Tree:
    """A tree from "sigmoid(w*x + b)^2", [z > 0] included. A name with a prime is not read."""
    return _built(ast.parse(text.strip().replace("^", "**"), mode="eval").body)


def _built(node: Any) -> Tree:
    if isinstance(node, ast.Constant):
        return number(node.value)
    if isinstance(node, ast.Name):
        return name(node.id)
    if isinstance(node, ast.UnaryOp):
        return make("neg", _built(node.operand))
    if isinstance(node, ast.BinOp):
        return make(OPERATORS[type(node.op)], _built(node.left), _built(node.right))
    if isinstance(node, ast.Call):
        return make(node.func.id, *map(_built, node.args))
    (compared,) = node.elts
    pair = [_built(compared.left), _built(compared.comparators[0])]
    return make(">", *(pair if isinstance(compared.ops[0], ast.Gt) else pair[::-1]))


def make(op: str, *args: Tree) -> Tree:
    """A tree, without what nobody writes: 1·x, x^1, −(−x), 3 − 1."""
    a, b = args[0], args[-1]
    if op == "neg":
        if a.op == "number":
            return number(-a.args[0])
        return a.args[0] if a.op == "neg" else Tree(op, args)
    if op == "*":
        if a.is_number(1) or b.is_number(1):
            return b if a.is_number(1) else a
        if a.is_number(-1):
            return make("neg", b)
        if b.is_number(-1):
            return make("neg", a)
        if a.op == "neg":
            return make("neg", make("*", a.args[0], b))
    if op in "/^" and b.is_number(1):
        return a
    if op == "-" and a.op == b.op == "number":
        return number(a.args[0] - b.args[0])
    return Tree(op, args)


def fill(template: Tree, **given: Tree) -> Tree:
    """The template with trees for some of its names."""
    if template.op == "name":
        return given.get(template.args[0], template)
    if template.op == "number":
        return template
    return make(template.op, *[fill(part, **given) for part in template.args])


def names(tree: Tree) -> set[str]:
    if tree.is_leaf:
        return {tree.args[0]} if tree.op == "name" else set()
    return set().union(*map(names, tree.args))


# ---- writing ----

LEVEL = {"+": 1, "-": 1, "neg": 1, "*": 2, "/": 2, "softmax": 2, "^": 3}


def write(tree: Tree, level: int = 0, decimals: int | None = None) -> str:
    """On a line, with the brackets that are needed; numbers that are not whole in full or to so many decimals."""
    text = _written(tree, decimals)
    mine = 1 if text[0] == "-" else LEVEL.get(tree.op, 4)
    return text if mine >= level else f"({text})"


def _written(tree: Tree, decimals: int | None) -> str:
    op, args = tree.op, tree.args
    if op == "name":
        return args[0]
    if op == "number":
        whole = float(args[0]).is_integer()
        return str(int(args[0])) if whole else repr(args[0]) if decimals is None else f"{args[0]:.{decimals}f}"
    at = [lambda level, part=part: write(part, level, decimals) for part in args]
    if op == "+":
        right = at[1](1)
        return f"{at[0](1)} - {right[1:]}" if right[0] == "-" else f"{at[0](1)} + {right}"
    if op == "-":
        return f"{at[0](1)} - {at[1](2)}"
    if op == "neg":
        return f"-{at[0](2)}"
    if op == "*":
        return f"{at[0](_first(args[0]))}*{at[1](2)}"
    if op == "/":
        return f"{at[0](_first(args[0]))}/{at[1](3)}"
    if op == "^":
        return f"{at[0](4)}^{at[1](4)}"
    if op == ">":
        return f"[{at[0](0)} > {at[1](0)}]"
    if op == "softmax":
        return write(softmax_spelled(tree), 0, decimals)
    return f"{op}({', '.join(part(0) for part in at)})"


def _first(tree: Tree) -> int:
    """The level for the first factor of a product, which may bring a minus sign: −2·x, but (a + b)·x."""
    return 1 if tree.op in ("*", "/", "number") else 2


def softmax_spelled(tree: Tree) -> Tree:
    """exp(z_k)/(exp(z_1) + …) for softmax(k, z_1, …)."""
    which, *inputs = tree.args
    powers = [make("exp", z) for z in inputs]
    return make("/", powers[int(which.args[0]) - 1], total(powers))


def total(terms: list[Tree]) -> Tree:
    whole = terms[0]
    for term in terms[1:]:
        whole = make("+", whole, term)
    return whole


# ---- working out ----

FUNCTIONS: dict[str, Any] = {
    "+": np.add,
    "-": np.subtract,
    "neg": np.negative,
    "*": np.multiply,
    "/": np.divide,
    "^": lambda a, b: np.power(a, b),
    ">": lambda a, b: np.where(a > b, 1.0, 0.0),
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "abs": np.abs,
    "tanh": np.tanh,
    "sigmoid": lambda a: 1.0 / (1.0 + np.exp(-a)),
    "softplus": lambda a: np.log1p(np.exp(a)),
    "relu": lambda a: np.maximum(a, 0.0),
    "leaky_relu": lambda a, b: np.where(a > 0, a, b * a),
    "elu": lambda a, b: np.where(a > 0, a, b * (np.exp(np.minimum(a, 0.0)) - 1.0)),
    "max": np.maximum,
}


def work_out(tree: Tree, given: Mapping[str, Any]) -> Any:
    """The numbers of a tree where its names have those; arrays hold one number per point."""
    if tree.op == "name":
        return given[tree.args[0]]
    if tree.op == "number":
        return float(tree.args[0])
    if tree.op == "softmax":
        return work_out(softmax_spelled(tree), given)
    if tree.op.endswith("'"):
        (u,) = tree.args
        return work_out(fill(read(RIGHT[tree.op[:-1]][0]), A=u, O=Tree(tree.op[:-1], (u,))), given)
    return FUNCTIONS[tree.op](*[work_out(part, given) for part in tree.args])


# ---- deriving ----

RIGHT: dict[str, tuple[str, ...]] = {  # the textbook's slope towards each operand: A and B are operands, O the outcome
    "+": ("1", "1"),
    "-": ("1", "-1"),
    "neg": ("-1",),
    "*": ("B", "A"),
    "/": ("1/B", "-A/B^2"),
    "^": ("B*A^(B - 1)", "O*log(A)"),
    "exp": ("O",),
    "log": ("1/A",),
    "sqrt": ("1/(2*O)",),
    "sin": ("cos(A)",),
    "cos": ("-sin(A)",),
    "abs": ("([A > 0] - [A < 0])",),
    "tanh": ("(1 - O^2)",),
    "sigmoid": ("O*(1 - O)",),
    "softplus": ("sigmoid(A)",),
    "relu": ("[A > 0]",),
    "leaky_relu": ("([A > 0] + B*[A < 0])",),
    "elu": ("([A > 0] + B*exp(A)*[A < 0])",),
    "max": ("[A > B]", "[B > A]"),
}
PRIMED = frozenset({"sigmoid", "tanh", "relu", "softplus", "sin"})  # sigmoid'(z) may stand for their slopes

Where = tuple[int, ...]
Step = tuple[Where, int | str]  # a node, by the way to it, and the operand; "all" for the whole rule
Edits = Mapping[Step, Tree]


@dataclass(frozen=True)
class Site:
    """A step of a derivation: the slope of a node towards one of its operands."""

    step: Step
    node: Tree
    outcome: Tree  # its name, or the node itself where it has none
    shared: bool  # other operands of the node depend on the same name
    siblings: Mapping[str, str]  # of a softmax: what p_j is called, by its spelling

    @property
    def operand(self) -> int:
        return int(self.step[1])

    def filled(self, template: str) -> Tree:
        """A template's A, B, O, P with what stands here; P is the softmax's outcome for this operand."""
        given = {"A": self.node.args[0], "B": self.node.args[-1], "O": self.outcome}
        if self.node.op == "softmax":
            given["P"] = share(self.node, self.operand, self.siblings)
        return fill(read(template), **given)


def share(node: Tree, k: int, siblings: Mapping[str, str]) -> Tree:
    """The k-th outcome of the same softmax, by its name if it has one."""
    other = Tree("softmax", (number(k), *node.args[1:]))
    return name(siblings[write(other)]) if write(other) in siblings else softmax_spelled(other)


def right_slope(node: Tree, i: int, outcome: Tree, siblings: Mapping[str, str], primed: bool = False) -> Tree:
    if node.op == "softmax":
        if node.args[0].args[0] == i:
            return fill(read("O*(1 - O)"), O=outcome)
        return fill(read("-O*P"), O=outcome, P=share(node, i, siblings))
    if primed and node.op in PRIMED:
        return Tree(f"{node.op}'", node.args)
    return fill(read(RIGHT[node.op][i]), A=node.args[0], B=node.args[-1], O=outcome)


def sites(tree: Tree, x: str, out: str | None, siblings: Mapping[str, str], where: Where = ()) -> Iterator[Site]:
    """Each step on the ways from a tree down to a name."""
    if tree.is_leaf:
        return
    on_the_way = [i for i, part in enumerate(tree.args) if x in names(part)]
    for i in on_the_way:
        yield Site((where, i), tree, name(out) if out else tree, len(on_the_way) > 1, siblings)
        yield from sites(tree.args[i], x, None, siblings, (*where, i))


def derive(
    tree: Tree,
    x: str,
    out: str | None,
    siblings: Mapping[str, str],
    edits: Edits = {},  # noqa: B006  # never changed
    primed: bool = False,
    where: Where = (),
) -> Tree | None:
    """The slope of a tree towards a name, with other steps where ``edits`` has some; None if it does not depend."""
    if tree.is_leaf:
        return ONE if tree.op == "name" and tree.args[0] == x else None
    outcome = name(out) if out else tree
    inner = {}
    for i, part in enumerate(tree.args):
        slope = derive(part, x, None, siblings, edits, primed, (*where, i))
        if slope is not None:
            inner[i] = slope
    if not inner:
        return None
    if (where, "all") in edits:
        given = {"A": tree.args[0], "B": tree.args[-1], "O": outcome, "DA": inner[0], "DB": inner[len(tree.args) - 1]}
        return fill(edits[where, "all"], **given)
    terms = []
    for i, slope in inner.items():
        local = edits.get((where, i))
        if local is None:
            local = right_slope(tree, i, outcome, siblings, primed)
        if not local.is_number(0) and not slope.is_number(0):
            terms.append(make("*", local, slope))
    return total(terms) if terms else ZERO
