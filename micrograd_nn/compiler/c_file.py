"""C files for a program: functions from rows to losses, to the gradient, to a step, and a whole training.

They need libm and nothing else, and allocate nothing: what they work in is passed as ``struct work``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import prod

from .backend import Update
from .c_source import AFTER, BEFORE, ROWS, CSource, Place, indented, nested, sides
from .layout import constant
from .lifted import Lifted
from .steps import Index, Leaf, Ref, Scatter, Step, Stretch, Sum, Tracer, plain
from .straight import record
from .trace import Trace

INCLUDES = "#include <math.h>\n#include <stdint.h>\n#include <string.h>\n"
OURS = re.compile(r"\b(exp|expm1|log|log1p|tanh)\(")  # arrays.h has them in a form that becomes vector instructions


@dataclass(frozen=True)
class Graph:
    """What files are written from. ``straight`` are single numbers, with the bits of the engine, else arrays."""

    steps: tuple[Step, ...]
    loss: Ref | float
    gradient: Ref | None
    widths: tuple[int, ...]  # of a row of each input
    reached: tuple[bool, ...]
    straight: bool


def in_arrays(lifted: Lifted) -> Graph:
    """The array steps."""
    widths = tuple(leaf.shape[0] for leaf in lifted.rows)
    return Graph(lifted.steps, lifted.loss, lifted.gradient, widths, lifted.reached, straight=False)


def straight(trace: Trace) -> Graph:
    """Node by node: each slope is added up row by row, then divided by the number of rows."""
    tape, loss, gradient = record(trace)
    rows = tape.add(Leaf((), (), False, "float(n)"))

    def mean(slope: Tracer | float) -> Ref:
        given = slope if isinstance(slope, Tracer) else constant(tape, slope, ())
        varies = given if given.step.batched else tape.add(Stretch((given.ref,), (), True))
        return (tape.add(Sum((varies.ref,), (), False)) / rows).ref

    means = {Index((), i, ()): mean(slope) for i, slope in enumerate(gradient) if trace.reached[i]}
    widths = tuple(map(prod, trace.inputs))
    whole = tape.add(Scatter(tuple(means.values()), (len(gradient),), False, tuple(means))).ref if means else None
    return Graph(tuple(tape.steps), plain(loss), whole, widths, tuple(trace.reached), straight=True)


class CFile:
    """A file under way: functions with what they need. ``ordered`` functions are told which rows to take."""

    def __init__(self, graph: Graph, lanes: int, ordered: bool) -> None:
        self.graph, self.lanes, self.ordered = graph, lanes, ordered
        self.count, self.inputs = len(graph.reached), [f"x{k}" for k in range(1, len(graph.widths) + 1)]
        self._functions: list[str] = []
        self._tables: dict[str, None] = {}
        self._arrays: dict[str, int] = {}

    @property
    def work(self) -> int:
        """How many numbers ``struct work`` has."""
        return sum(self._arrays.values()) or 1

    def __str__(self) -> str:
        members = [f"    double a{name}[{size}];" for name, size in self._arrays.items()] or ["    double unused[1];"]
        members = [f"    double {name}[{size}];" for name, size in self._arrays.items()] or ["    double unused[1];"]
        helpers = "" if self.graph.straight else files(__package__).joinpath("arrays.h").read_text(encoding="utf-8")
        work = "\n".join(["struct work {", *members, "};"])
        return "\n".join(filter(None, [INCLUDES, helpers, *self._tables, work, *self._functions])) + "\n"

    def predict(self) -> None:
        """The loss of each row, or whatever was recorded; returned is their sum."""
        source = self._source([self.graph.loss])
        self._add("double predict", source, ["double *restrict out"], lambda text: f"out[first{self._lane}] = {text};")

    def loss_and_gradient(self, scope: str = "") -> None:
        """The gradient of the mean loss; returned is the sum of the losses."""
        gradient = self.graph.gradient
        source = self._source([self.graph.loss, gradient], {} if gradient is None else {gradient: "g"})
        if gradient is None or source.text(gradient).partition("[")[0] != "g":
            text = "0.0" if gradient is None else source.text(gradient)
            source.lines[AFTER].extend(nested(sides((self.count,)) or [], [f"g[{'i0' if self.count > 1 else 0}] = {text};"]))
        self._add(f"{scope}double loss_and_gradient", source, ["double *restrict g"])

    def step(self, update: Update, scope: str = "") -> None:
        """A step of the optimiser, unless the loss is nan or infinite; returned is the sum of the losses."""
        from .steps import Tape

        tape = Tape()
        vectors = ["p", *(f"m{k}" for k in range(len(update.memories)))]
        p, *memory = (tape.add(Leaf((), (), False, name)) for name in vectors)
        moved, kept = update.on(tape, p, tape.add(Leaf((), (), False, "g")), tuple(memory))
        outcomes = [plain(outcome) for outcome in (moved, *kept)]
        places = {name: Place(f"{name}_i") for name in (*vectors, "g")}
        places |= {f"s_{k}": Place(f"s[{k}]") for k in range(len(update.scalars))}
        source = CSource(tape.steps, outcomes, 1, places)
        body = [
            *([] if all(self.graph.reached) else ["if (!reached[i]) continue;"]),
            *(f"const double {name}_i = {name}[i];" for name in (*vectors, "g")),
            *source.lines[BEFORE],
            *(f"{name}[i] = {source.text(outcome)};" for name, outcome in zip(vectors, outcomes, strict=True)),
        ]
        if not all(self.graph.reached):
            listed = ", ".join(str(int(reached)) for reached in self.graph.reached)
            self._tables[f"static const char reached[] = {{{listed}}};"] = None
        arguments = [*self._rows, "double *restrict p", *(f"double *restrict {name}" for name in vectors[1:])]
        arguments += ["const double *restrict s", *self._data, "double *restrict g", "struct work *restrict w"]
        given = ", ".join(name_of(argument) for argument in self._arguments(["double *restrict g"]))
        self._function(
            f"{scope}double step",
            arguments,
            [
                f"const double loss = loss_and_gradient({given});",
                "if (loss - loss != 0.0) return loss;",
                *nested([f"for (int i = 0; i < {self.count}; i++)"], body),
                "return loss;",
            ],
        )

    def train(self, update: Update, size: int) -> None:
        """Step by step over the parts of the rows, until the loss is nan or infinite or so many steps are done."""
        vectors = ["p", *(f"m{k}" for k in range(len(update.memories)))]
        self.loss_and_gradient("static inline ")
        self.step(update, "static inline ")
        n = "1" if size == 1 else f"lengths[part] - start < {size} ? lengths[part] - start : {size}"
        own = [f"{name}[{self.count}]" for name in (*vectors, "g")] if self.graph.straight else []
        given = [f"n, order + starts[part] + start, {', '.join(vectors)}, scalars + done * stride", *self.inputs]
        arguments = [
            "int64_t parts, const int64_t *starts, const int64_t *lengths, const int64_t *order, int64_t limit",
            "int64_t stride, const double *restrict scalars",
            *(f"double *restrict {name}{'_' if own else ''}" for name in vectors),
            *self._data,
            f"double *restrict g{'_' if own else ''}, struct work *restrict w, double *restrict sums, int64_t *count",
        ]
        self._function(
            "void train",
            arguments,
            [
                *([f"double {', '.join(own)};"] if own else []),
                *(f"memcpy({name}, {name}_, sizeof {name});" for name in vectors if own),
                *(["(void)g_;"] if own else []),
                "int64_t done = 0, part = 0;",
                "for (; part < parts; part++) {",
                "    sums[part] = 0.0;",
                f"    for (int64_t start = 0; start < lengths[part]; start += {size}) {{",
                f"        const int64_t n = {n};",
                "        if (done == limit) goto end;",
                f"        const double loss = step({', '.join(given)}, g, w);",
                "        if (loss - loss != 0.0) goto end;",
                "        sums[part] += loss;",
                "        done++;",
                "    }",
                "}",
                "end:",
                *(f"memcpy({name}_, {name}, sizeof {name});" for name in vectors if own),
                "count[0] = part;",
                "count[1] = done;",
            ],
        )

    # ---- pieces ----

    @property
    def _rows(self) -> list[str]:
        return ["int64_t n", *(["const int64_t *restrict order"] if self.ordered else [])]

    @property
    def _data(self) -> list[str]:
        return [f"const double *restrict {name}" for name in self.inputs]

    def _arguments(self, last: list[str]) -> list[str]:
        return [*self._rows, "const double *restrict p", *self._data, *last, "struct work *restrict w"]

    @property
    def _lane(self) -> str:
        return " + l" if self.lanes > 1 else ""

    def _source(self, outputs: Sequence[Ref | float | None], stores: dict[Ref, str] | None = None) -> CSource:
        leaves = {"p": vector("p", self.count), "seed": Place("seed"), "float(n)": Place("(double)n")}
        for name, width in zip(self.inputs, self.graph.widths, strict=True):
            leaves[name] = vector(f"{name}_row", width)
        source = CSource(self.graph.steps, [*outputs], self.lanes, leaves, stores, "order[{}]" if self.ordered else "{}")
        self._arrays |= source.arrays
        self._tables |= dict.fromkeys(source.tables)
        return source

    def _add(self, head: str, source: CSource, last: list[str], each: object = None) -> None:
        """A function that goes over the rows, a block at a time."""
        loss = source.text(self.graph.loss)
        ends = [f"total += {loss};", *([each(loss)] if each else [])]
        rows = [*source.lines[ROWS], *(nested(["for (int l = 0; l < lanes; l++)"], ends) if self.lanes > 1 else ends)]
        if self.lanes > 1:
            rows.insert(0, f"const int lanes = n - first < {self.lanes} ? (int)(n - first) : {self.lanes};")
        else:
            row = "order[first]" if self.ordered else "first"
            used = [(name, w) for name, w in zip(self.inputs, self.graph.widths, strict=True) if mentioned(f"{name}_row", rows)]
            rows[:0] = [f"const double *const {name}_row = {name} + {width} * {row};" for name, width in used]
        seed = ["const double seed = 1.0 / (double)n;"]
        self._function(
            head,
            self._arguments(last),
            [
                *(seed if mentioned("seed", source.lines[BEFORE] + rows + source.lines[AFTER]) else []),
                *source.lines[BEFORE],
                "double total = 0.0;",
                *nested([f"for (int64_t first = 0; first < n; first += {self.lanes})"], rows),
                *source.lines[AFTER],
                "return total;",
            ],
        )

    def _function(self, head: str, arguments: list[str], body: list[str]) -> None:
        unused = [name for argument in arguments for name in [name_of(argument)] if not mentioned(name, body)]
        body = [*(f"(void){name};" for name in unused), *body]
        if not self.graph.straight:
            body = [OURS.sub(r"array_\1(", line) for line in body]
        self._functions.append("\n".join([f"{head}({', '.join(arguments)}) {{", *indented(body), "}"]))


def vector(name: str, count: int) -> Place:
    """An array from outside."""
    return Place(name, Index((count,), 0, (1 if count > 1 else 0,)))


def name_of(argument: str) -> str:
    """The name that a declaration ends with."""
    return re.split(r"\W+", argument)[-1]


def mentioned(name: str, lines: list[str]) -> bool:
    """Whether lines use a name."""
    return any(re.search(rf"\b{name}\b", line) for line in lines)
