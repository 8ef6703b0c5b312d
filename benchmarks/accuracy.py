"""How many digits of a slope are right: in the tails of the operations, and over whole random graphs.

Promise: the truth is mpmath's, in 50 digits; points at which a slope is a convention, and numbers below the normal
floats, which some libraries flush to zero, are left out, so that only arithmetic is compared. Each library is asked
for its own function of that name.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from math import isinf
from typing import Any

from micrograd_nn import TABLE
from micrograd_nn.engine.value import Value, topological_order

from .harness import Effort, MissingError, Worker, require
from .page import Section

Point = tuple[float, ...]
NORMAL, HUGE = 2.3e-308, 1e308
TAILS = (
    ("sigmoid", 40.0),
    ("sigmoid", -40.0),
    ("tanh", 20.0),
    ("tanh", 300.0),
    ("softplus", -40.0),
    ("softplus", -700.0),
)
ENGINES = ("micrograd_nn", "torch", "jax", "autograd")


# ---- the libraries, each in its own process ----


@dataclass(frozen=True)
class Library:
    """A library's functions by our rows' names, and how it differentiates."""

    functions: dict[str, Callable[..., Any]]
    slopes: Callable[[Callable[..., Any], Sequence[Point]], list[Point]]  # elementwise, at many points
    gradient: Callable[[Callable[..., Any], Point], list[float]]  # of a function of single numbers


def library(name: str) -> Library:
    """The library, imported here and now. Raises MissingError if it is not installed."""
    return {"micrograd_nn": _ours, "torch": _torch, "jax": _jax, "autograd": _autograd}[name]()


ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "pow": lambda a, b: a**b,
    "abs": abs,
}
COMMON = (
    *ARITHMETIC,
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "logaddexp",
    "maximum",
    "minimum",
)


def _ours() -> Library:
    def gradient(function: Callable[..., Any], point: Point) -> list[float]:
        leaves = [Value(number) for number in point]
        function(*leaves).backward()
        return [leaf.grad or 0.0 for leaf in leaves]

    def slopes(function: Callable[..., Any], points: Sequence[Point]) -> list[Point]:
        return [tuple(gradient(function, point)) for point in points]

    return Library({name: TABLE[name] for name in COMMON}, slopes, gradient)


def _torch() -> Library:
    torch = require("torch")
    names = ("exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "logaddexp", "maximum", "minimum")
    functions = ARITHMETIC | {name: getattr(torch, name) for name in names}
    functions["softplus"] = torch.nn.functional.softplus

    def slopes(function: Callable[..., Any], points: Sequence[Point]) -> list[Point]:
        columns = [
            torch.tensor(column, dtype=torch.float64, requires_grad=True) for column in zip(*points, strict=True)
        ]
        gradients = torch.autograd.grad(function(*columns).sum(), columns)
        return list(zip(*(gradient.tolist() for gradient in gradients), strict=True))

    def gradient(function: Callable[..., Any], point: Point) -> list[float]:
        leaves = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in point]
        return [slope.item() for slope in torch.autograd.grad(function(*leaves), leaves)]

    def constant(number: float) -> Any:
        return torch.tensor(number, dtype=torch.float64)

    return Library(functions | {"constant": constant}, slopes, gradient)


def _jax() -> Library:
    jax = require("jax")
    jax.config.update("jax_enable_x64", True)
    names = ("exp", "log", "sqrt", "sin", "cos", "tanh", "logaddexp", "maximum", "minimum")
    functions = ARITHMETIC | {name: getattr(jax.numpy, name) for name in names}
    functions |= {"sigmoid": jax.nn.sigmoid, "softplus": jax.nn.softplus}

    def slopes(function: Callable[..., Any], points: Sequence[Point]) -> list[Point]:
        each = jax.vmap(jax.grad(function, argnums=tuple(range(len(points[0])))))
        gradients = each(*(jax.numpy.array(column) for column in zip(*points, strict=True)))
        return list(zip(*(gradient.tolist() for gradient in gradients), strict=True))

    def gradient(function: Callable[..., Any], point: Point) -> list[float]:
        return [float(slope) for slope in jax.grad(function, argnums=tuple(range(len(point))))(*point)]

    return Library(functions, slopes, gradient)


def _autograd() -> Library:
    differential = require("autograd")
    np = require("autograd.numpy")
    special = require("autograd.scipy.special", "autograd's sigmoid needs SciPy, which is not installed")
    names = ("exp", "log", "sqrt", "sin", "cos", "tanh", "logaddexp", "maximum", "minimum")
    functions = ARITHMETIC | {name: getattr(np, name) for name in names}
    functions |= {"sigmoid": special.expit, "softplus": lambda a: np.logaddexp(a, 0.0)}

    def slopes(function: Callable[..., Any], points: Sequence[Point]) -> list[Point]:
        columns = [np.array(column) for column in zip(*points, strict=True)]
        gradients = [differential.elementwise_grad(function, k)(*columns) for k in range(len(columns))]
        return list(zip(*(gradient.tolist() for gradient in gradients), strict=True))

    def gradient(function: Callable[..., Any], point: Point) -> list[float]:
        return [float(slope) for slope in differential.grad(function, tuple(range(len(point))))(*point)]

    return Library(functions, slopes, gradient)


def slopes_at(name: str, wanted: Sequence[tuple[str, Sequence[Point]]]) -> list[list[Point]]:
    """A library's slopes, for each operation at each of its points."""
    import warnings

    found = library(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an overflow in a library's own formula is part of what is measured
        return [found.slopes(found.functions[row], points) for row, points in wanted]


def gradients_of(name: str, seeds: Sequence[int]) -> list[list[float]]:
    """A library's gradient of each random graph, replayed node by node with its own functions."""
    import warnings

    found = library(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [found.gradient(*replayed(found, *graph(seed))) for seed in seeds]


def graph(seed: int) -> tuple[Value, list[Value]]:
    """A random graph over the operations that all libraries have, and its leaves."""
    from tests.random_graphs import random_graph

    return random_graph(seed, operations=[TABLE[name] for name in COMMON])


def replayed(found: Library, root: Value, leaves: list[Value]) -> tuple[Callable[..., Any], Point]:
    """The graph as a function of its leaves in a library's own operations, and the point."""
    order = topological_order(root)
    constant = found.functions.get("constant", float)

    def function(*numbers: Any) -> Any:
        held: dict[Value, Any] = dict(zip(leaves, numbers, strict=True))
        for node in order:
            if node.operation is not None:
                held[node] = found.functions[node.operation.name](*(held[operand] for operand in node.operands))
            elif node not in held:
                held[node] = constant(node.data)
        return held[root]

    return function, tuple(leaf.data for leaf in leaves)


# ---- the tables ----


@contextmanager
def team(effort: Effort) -> Iterator[dict[str, Worker]]:
    """A process for each library, kept over all tables."""
    with ExitStack() as stack:
        workers = {name: Worker(effort.threads) for name in ENGINES}
        for worker in workers.values():
            stack.callback(worker.close)
        yield workers


def ask_all(
    workers: dict[str, Worker], function: Callable[..., Any], *arguments: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """The function's answer for each library, and why there is none."""
    answers, missing = {}, {}
    for name, worker in workers.items():
        try:
            answers[name] = worker.ask(function, name, *arguments)
        except MissingError as reason:
            missing[name] = str(reason)
    return answers, missing


def tails(workers: dict[str, Worker], effort: Effort) -> Section:
    """Slopes far out, as numbers."""
    reference = _reference()
    answers, missing = ask_all(workers, slopes_at, [(row, [(x,)]) for row, x in TAILS])
    table = Section(
        "Slopes in the tails",
        "The slope of an operation far from 0, as each engine gives it, beside the true one from 50 digits. "
        "A 0 there means that a formula such as 1 − t² has lost all of them.",
        ("slope of", "truth", *ENGINES),
        missing=missing,
    )
    for k, (row, x) in enumerate(TAILS):
        truth = float(reference.exactly(row, (x,))[1][0])
        shown = [f"{answers[name][k][0][0]:.5g}" if name in answers else "missing" for name in ENGINES]
        table.rows.append((f"{row} at {x:g}", f"{truth:.5g}", *shown))
        table.data[f"{row} at {x:g}"] = {"truth": truth, **{name: a[k][0][0] for name, a in answers.items()}}
    return table


def worst(workers: dict[str, Worker], effort: Effort) -> Section:
    """The largest error of a slope over each operation's domain."""
    reference = _reference()
    hard = [name for name in COMMON if reference.REFERENCES[name].extremes]  # where the obvious formula loses digits
    wanted = [(name, _usual_points(reference, name, 60 if effort.quick else 2000)) for name in hard]
    answers, missing = ask_all(workers, slopes_at, wanted)
    table = Section(
        "Slopes over the whole range",
        "The largest error of a slope in units of its last place (ULP) over each operation's domain, and in how many "
        "points it is above 4 ULP, or above what rounding an operand's difference costs there. "
        "Counted are points whose operands, value and slopes are normal floats.",
        ("operation", "points", *ENGINES),
        missing=missing,
    )
    for k, (name, points) in enumerate(wanted):
        errors = {
            who: [_above(reference, name, point, got) for point, got in zip(points, answer[k], strict=True)]
            for who, answer in answers.items()
        }
        table.rows.append((name, str(len(points)), *(_worst(errors.get(who)) for who in ENGINES)))
        table.data[name] = {
            who: {"worst ulp": max(off for off, _ in found), "above": sum(bad for _, bad in found), "of": len(found)}
            for who, found in errors.items()
        }
    return table


def graphs(workers: dict[str, Worker], effort: Effort) -> Section:
    """Whole random graphs: how many gradients leave the bound that careful arithmetic keeps."""
    reference = _reference()
    seeds = [seed for seed in range(30 if effort.quick else 1500) if _smooth(graph(seed)[0])]
    answers, missing = ask_all(workers, gradients_of, seeds)
    outside = dict.fromkeys(answers, 0)
    for k, seed in enumerate(seeds):
        root, leaves = graph(seed)
        _, adjoints = reference.bounds(root)
        for name, gradients in answers.items():
            outside[name] += any(
                reference.outside(got, adjoints[leaf]) for got, leaf in zip(gradients[k], leaves, strict=True)
            )
    table = Section(
        "Gradients of random graphs",
        f"{len(seeds):,} random graphs of 12 operations, each replayed in every library, its gradient held to the "
        "running error bound: 2 ULP a value, 4 ULP a slope, carried through the chain rule in 50 digits. "
        "Counted are graphs with a gradient outside the bound; those with a node at a kink are left out.",
        ("engine", "outside the bound", "of"),
        missing=missing,
    )
    table.rows = [(name, f"{outside[name]:,}" if name in outside else "missing", f"{len(seeds):,}") for name in ENGINES]
    table.data = {"graphs": len(seeds), "outside": outside}
    return table


def _reference() -> Any:
    require("mpmath")
    return require("tests.reference", "the tests are not beside the benchmarks: run from a checkout")


def _usual_points(reference: Any, name: str, count: int) -> list[Point]:
    """Points of an operation's domain whose operands, value and slopes are normal floats."""

    def usual(point: Point) -> bool:
        value, slopes = reference.exactly(name, point)
        return all(NORMAL < abs(number) < HUGE for number in (*point, value, *slopes))

    return list(islice(filter(usual, reference.points(TABLE[name])), count))


def _above(reference: Any, name: str, point: Point, got: Point) -> tuple[float, bool]:
    """The larger error of the slopes at a point in ULP, and whether it is above the row's bound."""
    off = max(map(reference.ulps, got, reference.exactly(name, point)[1]))
    return off, off > reference.allowed(TABLE[name], point)[1]


def _worst(errors: list[tuple[float, bool]] | None) -> str:
    if errors is None:
        return "missing"
    largest, above = max(off for off, _ in errors), sum(bad for _, bad in errors)
    shown = (
        "nan or inf"
        if isinf(largest)
        else "no digit"
        if largest >= 2.0**51
        else f"{largest:.1e}"
        if largest >= 1e4
        else f"{largest:.1f}"
    )
    return f"{shown} ({above:,} above)" if above else shown


def _smooth(root: Value) -> bool:
    """Whether no node of the graph stands at a kink, where a slope is a convention."""
    for node in topological_order(root):
        numbers = [operand.data for operand in node.operands]
        if node.operation is not None and node.operation.kinks and (0.0 in numbers or len(set(numbers)) < len(numbers)):
            return False
    return True
