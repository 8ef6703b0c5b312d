"""C files for a program: functions from rows to losses, to the gradient, to a step, and a whole training.

They need libm and nothing else, and allocate nothing: what they work in is passed as ``struct work``.
"""

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import prod
from textwrap import fill

from ..backend import Update
from ..layout import constant as filled
from ..lifted import Lifted
from ..steps import Index, Leaf, Ref, Scatter, Step, Stretch, Sum, Tape, Tracer, plain
from ..straight import indented, record
from ..trace import Trace
from .source import AFTER, BEFORE, ROWS, CSource, Place, nested, sides

INCLUDES = "#include <math.h>\n#include <stdint.h>\n#include <string.h>\n"
OURS = re.compile(r"\b(exp|expm1|log|log1p|tanh)\(")  # lanes.h has them in a form that becomes vector instructions
HARD = "\xa0"  # a space at which no line is broken
ROW = "for (int64_t first = 0; first < n; first += {})"


@dataclass(frozen=True)
class Computation:
    """What files are written from: arrays, or with ``exact`` single numbers, which have the bits of the engine."""

    steps: tuple[Step, ...]
    loss: Ref | float
    gradient: Ref | None
    widths: tuple[int, ...]  # of a row of each input
    reached: tuple[bool, ...]
    exact: bool
    single: bool = False  # is there one row?


def in_arrays(lifted: Lifted) -> Computation:
    """The array steps."""
    widths = tuple(leaf.shape[0] for leaf in lifted.rows)
    return Computation(lifted.steps, lifted.loss, lifted.gradient, widths, lifted.reached, exact=False)


def straight(trace: Trace, single: bool = False) -> Computation:
    """Node by node: each slope is added up row by row, then divided by their number; not for a ``single`` row."""
    tape, loss, gradient = record(trace)
    rows = tape.add(Leaf((), (), False, "float(n)"))

    def mean(slope: Tracer | float) -> Ref:
        given = slope if isinstance(slope, Tracer) else filled(tape, slope, ())
        if single:
            return given.ref
        varies = given if given.step.batched else tape.add(Stretch((given.ref,), (), True))
        return (tape.add(Sum((varies.ref,), (), False)) / rows).ref

    means = {Index((), i, ()): mean(slope) for i, slope in enumerate(gradient) if trace.reached[i]}
    whole = tape.add(Scatter(tuple(means.values()), (len(gradient),), False, tuple(means))).ref if means else None
    widths, reached = tuple(map(prod, trace.inputs)), tuple(trace.reached)
    return Computation(tuple(tape.steps), plain(loss), whole, widths, reached, exact=True, single=single)


class CFile:
    """A file under way: functions, and what they need.

    ``standalone`` files are for people: they take the rows as they stand. The others are told which rows to take.
    """

    def __init__(self, computation: Computation, lanes: int, standalone: bool = False) -> None:
        self.computation, self.lanes, self.standalone = computation, lanes, standalone
        self.count = len(computation.reached)
        self.inputs = {f"x{k}": width for k, width in enumerate(computation.widths, 1)}
        self._functions: list[str] = []
        self._tables: dict[str, str] = {}  # by name
        self._arrays: dict[str, int] = {}
        self._data = [f"const double *restrict {name}" for name in self.inputs]
        self._rows = ["int64_t n", *([] if standalone else ["const int64_t *restrict order"])]
        self._row = "{}" if standalone else "order[{}]"

    @property
    def work(self) -> int:
        """How many numbers there are in ``struct work``."""
        return sum(self._arrays.values()) or 1

    def copy(self) -> "CFile":
        """As it stands, to go on with."""
        other = copy(self)
        other._functions, other._tables, other._arrays = [*self._functions], {**self._tables}, {**self._arrays}
        return other

    def __str__(self) -> str:
        members = [f"    double {name}[{size}];" for name, size in self._arrays.items()] or ["    double unused[1];"]
        functions = "\n\n".join(self._functions)
        headers = [name for name in ("arrays.h", "lanes.h") if name == "arrays.h" or not self.standalone]
        used = [header(name) for name in headers if re.search(r"\b(matmul|gram|array_\w+|\w+_lanes)\(", functions)]
        work = "\n".join(["struct work {", *members, "};"])
        return "\n".join([INCLUDES, *used, *self._tables.values(), work, "", functions]) + "\n"

    def predict(self) -> None:
        """The loss of each row, or whatever was recorded; returned is their sum."""
        source = self._source([self.computation.loss])
        number = "first + l" if self.lanes > 1 else "first"
        ends = [f"out[{number}] = {source.text(self.computation.loss)};"]
        self._over_rows("double predict", source, "double *restrict out", ends)

    def loss_and_gradient(self, scope: str = "") -> None:
        """The gradient of the mean loss; returned is the sum of the losses."""
        loss, gradient = self.computation.loss, self.computation.gradient
        source = self._source([loss, gradient], {} if gradient is None else {gradient: "g"})
        text = "0.0" if gradient is None else source.text(gradient)
        if self.count and not text.startswith("g["):  # nothing, or a view of another step's array
            line = f"{vector('g', self.count).at(['i0'])} = {text};"
            source.lines[AFTER].extend(nested(sides((self.count,)), [line]))
        self._over_rows(f"{scope}double loss_and_gradient", source, "double *restrict g")

    def step(self, update: Update, scope: str = "") -> None:
        """A step of the optimiser, unless the loss is nan or infinite; returned is the sum of the losses."""
        tape, vectors = Tape(), vectors_of(update)
        p, *memory = (tape.add(Leaf((), (), False, name)) for name in vectors)
        moved, kept = update.on(tape, p, tape.add(Leaf((), (), False, "g")), tuple(memory))
        outcomes = [plain(outcome) for outcome in (moved, *kept)]
        places = {name: Place(f"{name}_i") for name in (*vectors, "g")}
        places |= {f"s_{k}": Place(f"s[{k}]") for k in range(len(update.scalars))}
        source = CSource(tape.steps, outcomes, 1, places)
        body = [
            *(f"const double {name}_i = {name}[i];" for name in (*vectors, "g")),
            *source.lines[BEFORE],
            *(f"{name}[i] = {source.text(outcome)};" for name, outcome in zip(vectors, outcomes, strict=True)),
        ]
        if not all(self.computation.reached):
            listed = ", ".join(str(int(reached)) for reached in self.computation.reached)
            self._tables["reached"] = f"static const char reached[] = {{{listed}}};"
            body.insert(0, "if (!reached[i]) continue;")
        moving = [f"double *restrict {name}" for name in vectors]
        given = [*self._rows, "p", *self.inputs, "g", "w"]
        self._function(
            f"{scope}double step",
            [*self._rows, *moving, "const double *restrict s", *self._data, "double *restrict g"],
            [
                f"const double loss = loss_and_gradient({', '.join(map(name_of, given))});",
                "if (loss - loss != 0.0) return loss;",
                *nested([f"for (int i = 0; i < {self.count}; i++)"], body),
                "return loss;",
            ],
        )

    def train(self, update: Update, size: int) -> None:
        """Step by step over the parts of the rows, until the loss is nan or infinite or so many steps are done.

        Where ``next`` is 0 all parts are alike, and the first stands for all.
        """
        self.step(update, "static inline ")
        vectors = vectors_of(update)
        copies = vectors if self.computation.exact else []  # of a few numbers, which then stay in registers
        n = "1" if size == 1 else f"length - start < {size} ? length - start : {size}"
        given = ["n", "rows + start", *vectors, "scalars + done * stride", *self.inputs, "g", "w"]
        self._function(
            "void train",
            [
                "int64_t parts, int64_t next, const int64_t *starts, const int64_t *lengths, const int64_t *order",
                "int64_t limit, int64_t stride, const double *restrict scalars",
                *(f"double *restrict {name}{'_' if copies else ''}" for name in vectors),
                *self._data,
                "double *restrict g, double *restrict sums, int64_t *count",
            ],
            [
                *(f"double {name}[{self.count}];" for name in copies),
                *(f"memcpy({name}, {name}_, sizeof {name});" for name in copies),
                "int64_t done = 0, part = 0;",
                "for (; part < parts; part++) {",
                "    const int64_t *const rows = order + starts[part * next];",
                "    const int64_t length = lengths[part * next];",
                "    sums[part] = 0.0;",
                f"    for (int64_t start = 0; start < length; start += {size}) {{",
                "        if (done == limit) goto end;",
                f"        const int64_t n = {n};",
                f"        const double loss = step({', '.join(given)});",
                "        if (loss - loss != 0.0) goto end;",
                "        sums[part] += loss;",
                "        done++;",
                "    }",
                "}",
                "end:",
                "count[0] = part;",
                "count[1] = done;",
                *(f"memcpy({name}_, {name}, sizeof {name});" for name in copies),
            ],
        )

    # ---- pieces ----

    def _source(self, outputs: Sequence[Ref | float | None], stores: dict[Ref, str] | None = None) -> CSource:
        leaves = {"p": vector("p", self.count), "seed": Place("seed"), "float(n)": Place("(double)n")}
        leaves |= {name: vector(f"{name}_row", width) for name, width in self.inputs.items()}
        source = CSource(self.computation.steps, outputs, self.lanes, leaves, stores, self._row)
        self._arrays |= source.arrays
        self._tables |= source.tables
        return source

    def _over_rows(self, head: str, source: CSource, outcome: str, ends: Sequence[str] = ()) -> None:
        """A function that goes over the rows, a block at a time."""
        ends = [f"total += {source.text(self.computation.loss)};", *ends]
        if self.lanes > 1:
            lanes = f"const int lanes = n - first < {self.lanes} ? (int)(n - first) : {self.lanes};"
            rows = [lanes, *source.lines[ROWS], *nested(["for (int l = 0; l < lanes; l++)"], ends)]
        else:
            rows = [*source.lines[ROWS], *ends]
            at = self._row.format("0" if self.computation.single else "first")
            for name, width in reversed(self.inputs.items()):
                if mentioned(f"{name}_row", rows):
                    rows.insert(0, f"const double *const {name}_row = {name} + {width} * {at};")
        rows = rows if self.computation.single else nested([ROW.format(self.lanes)], rows)
        body = ["double total = 0.0;", *rows, *source.lines[AFTER], "return total;"]
        body = [*source.lines[BEFORE], *body]
        if mentioned("seed", body):
            body.insert(0, "const double seed = 1.0 / (double)n;")
        self._function(head, [*self._rows, "const double *restrict p", *self._data, outcome], body)

    def _function(self, head: str, arguments: list[str], body: list[str]) -> None:
        arguments = [*arguments, "struct work *restrict w"]
        names = [name_of(argument) for argument in ", ".join(arguments).split(", ")]
        body = [*(f"(void){name};" for name in names if not mentioned(name, body)), *body]
        if self.lanes > 1:
            body = [OURS.sub(r"array_\1(", line) for line in body]
        opening = f"{head}({', '.join(arguments)}) {{".replace(" ", HARD).replace(f",{HARD}", ", ")
        opening = fill(opening, 118, subsequent_indent=" " * (len(head) + 1), break_on_hyphens=False)
        opening = opening.replace(HARD, " ")
        self._functions.append("\n".join([opening, *indented(4, body), "}"]))


def vectors_of(update: Update) -> list[str]:
    """The names of what an optimiser moves."""
    return ["p", *(f"m{k}" for k in range(len(update.memories)))]


def vector(name: str, count: int) -> Place:
    """An array from outside."""
    return Place(name, Index((count,), 0, (1 if count > 1 else 0,)))


def name_of(argument: str) -> str:
    """The name that a declaration ends with."""
    return re.split(r"\W+", argument)[-1]


def mentioned(name: str, lines: list[str]) -> bool:
    """Whether lines use a name."""
    return any(re.search(rf"\b{name}\b", line) for line in lines)


@cache
def header(name: str) -> str:
    """A file of C beside this one."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
