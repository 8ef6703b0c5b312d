"""Curves, maps and matrices, with matplotlib (the extra ``plot``).

They stand among the pictures and not with training because they know lists of numbers and functions, no training: the
command line, the chapters and ``History.plot`` hand theirs in.

Promise (tests/test_draw_plot.py): each function draws on the axes that it is given, or makes some, and returns them; it
sets no global option and shows nothing by itself. Lines that share a picture differ in colour and in stroke. What is
drawn reads on a light page and on a dark one. The same picture, made again, is saved as the same bytes.
"""

import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

from ..engine.operation import Operation, lookup
from ..errors import ArgumentError, ExtraMissingError, ShapeError, counted
from .drawing import save_as
from .palette import LIGHT

INK = "#787f8b"  # like COLOURS, a contrast of about 4 with a white page and with a dark one: new axes have no ground
INKED = ("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color")
STYLE: dict[Any, str] = dict.fromkeys(INKED, INK) | dict.fromkeys(("figure.facecolor", "axes.facecolor"), "none")
COLOURS = ("#1b7abf", "#c4530b", "#3a8a5f", "#9463ab", "#93720a", "#6d7788")
STROKES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
FINE = 200  # points along a curve
GRID = 121  # points along each side of a map
Numbers = Sequence[float]
Curves = Mapping[str, Numbers] | Numbers
Points = Sequence[Numbers]
Height = Callable[[float, float], float]  # over each point of a plane
FORMATS: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".png": {}, ".pdf": {"CreationDate": None}}  # undated


class Record(Protocol):
    """What a training leaves: columns of numbers by name, "step" among them."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""

    def __getitem__(self, column: str) -> list[float]: ...


def axes(ax: Any = None, **size: Any) -> Any:
    """ax itself, or new axes. Raises ExtraMissingError if matplotlib is not installed."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ExtraMissingError(
            "plots are drawn by matplotlib, which is not installed: python -m pip install 'micrograd-nn[plot]'"
        ) from None
    with pyplot.rc_context(STYLE):
        made = pyplot.subplots(layout="constrained", **size)[1]
    for one in made.flat if hasattr(made, "flat") else [made]:
        one.spines[["top", "right"]].set_visible(False)
    return made


def save_plot(ax: Any, path: str | os.PathLike[str]) -> Path:
    """Write the figure of ax to an .svg, .png or .pdf, whole or not at all, without date and chance in it."""
    from matplotlib import rc_context

    def drawn(ending: str) -> bytes:
        content = io.BytesIO()
        with rc_context({"svg.hashsalt": "micrograd_nn"}):
            ax.figure.savefig(content, format=ending[1:], metadata=FORMATS[ending])
        return content.getvalue()

    return save_as(path, "plot", {ending: partial(drawn, ending) for ending in FORMATS})


# ---- what happened in training ----


def plot_curves(
    curves: Curves, ax: Any = None, *, x: Numbers | None = None, xlabel: str = "step", ylabel: str = "loss"
) -> Any:
    """Curves over the steps: a loss, an accuracy on two sets, the weights of a network.

    ``curves`` is a list of numbers, or lists by name; ``x`` says at which steps they were taken (0, 1, 2, … if not).
    """
    named = curves if isinstance(curves, Mapping) else {ylabel: curves}
    if not named or not all(len(curve) for curve in named.values()):
        raise ArgumentError("there is nothing to plot yet: a curve needs at least one number")
    ax = axes(ax)
    for i, (name, curve) in enumerate(named.items()):
        where = range(len(curve)) if x is None else x
        if len(where) != len(curve):
            raise ShapeError(f"{name!r} has {counted(len(curve), 'number')} for {counted(len(where), 'step')}")
        alone = sum(map(isfinite, curve)) == 1  # one number makes no line
        ax.plot(where, curve, label=name, marker="o" if alone else "", **_line(i))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if len(named) > 1:
        ax.legend(frameon=False, labelcolor=_ink(ax))
    return ax


def plot_loss(losses: Sequence[float], ax: Any = None, *, every: int = 1, xlabel: str = "epoch") -> Any:
    """A loss curve from 0 up; ``every`` is how many epochs lie between two of the losses."""
    ax = plot_curves(losses, ax, x=range(0, every * len(losses), every), xlabel=xlabel)
    ax.set_ylim(bottom=min(0.0, *losses))
    return ax


def plot_history(history: Record, ax: Any = None) -> Any:
    """What a training recorded over its steps: losses, and beside them the metrics if there are any.

    On an axis of your own only the losses. Returns the axis, or both of them.
    """
    columns = [column for column in history.columns if column not in ("step", "epoch")]
    losses = {column: history[column] for column in columns if column.endswith(("loss", "objective"))}
    metrics = {column: history[column] for column in columns if column not in losses}
    if ax is not None or not metrics:
        return plot_curves(losses, ax, x=history["step"] if columns else None)
    left, right = axes(ncols=2, figsize=(9, 3.6))
    plot_curves(losses, left, x=history["step"])
    kinds = dict.fromkeys(column.removeprefix("validation ") for column in metrics)
    plot_curves(metrics, right, x=history["step"], ylabel=", ".join(kinds))
    return [left, right]


# ---- what was learnt ----


def plot_decision(classify: Height, points: Points, labels: Numbers, ax: Any = None, *, level: float = 0.5) -> Any:
    """The plane of two inputs, coloured by classify(x1, x2), the line where it is ``level``, and labelled points."""
    if len(points) != len(labels) or not len(points):
        raise ShapeError(f"each point takes a label: got {counted(len(points), 'point')} and {len(labels)}")
    ax = _on_paper(ax)
    across, up, heights = _map(classify, points, margin=0.15)
    ax.contourf(across, up, heights, levels=20, cmap="RdBu", alpha=0.45)
    if min(map(min, heights)) < level < max(map(max, heights)):
        ax.contour(across, up, heights, levels=[level], colors=LIGHT["ink"], linewidths=1.5)
    for i, label in enumerate(sorted(set(labels))):
        chosen = [point for point, own in zip(points, labels, strict=True) if own == label]
        look = {"color": COLOURS[1 - i % 2], "marker": "os^Dv"[i % 5], "edgecolors": "white", "zorder": 3}
        ax.scatter([point[0] for point in chosen], [point[1] for point in chosen], label=f"{label:g}", **look)
    ax.set(xlabel="x1", ylabel="x2")
    outside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}  # inside, its marks would pass for points
    ax.legend(title="label", frameon=False, labelcolor=_ink(ax), **outside).get_title().set_color(_ink(ax))
    return ax


def plot_surface(
    loss: Height, path: Points, ax: Any = None, *, names: tuple[str, str] = ("m", "b"), around: Points = ()
) -> Any:
    """The loss as a map over two parameters, with the way that descent took: ``path`` is a list of (m, b).

    The map is as large as the path asks for, and the points ``around``: given the same ones, several maps match.
    """
    if not path:
        raise ArgumentError("a descent path needs at least one point (m, b)")
    ax = _on_paper(ax)
    contours = ax.contour(*_map(loss, (*path, *around), margin=0.25), levels=16, cmap="viridis", linewidths=1)
    ax.clabel(contours, fontsize=7, fmt="%g")
    ax.plot(*zip(*path, strict=True), color=COLOURS[1], marker=".", linewidth=1.2)
    marks = {tuple(path[0]): ("start", "o", 6), tuple(path[-1]): ("end", "*", 12)}  # in one place, the end's only
    for point, (name, mark, size) in marks.items():
        ax.plot(*point, marker=mark, markersize=size, color=COLOURS[1])
        plate = {"facecolor": LIGHT["paper"], "edgecolor": "none", "alpha": 0.85, "boxstyle": "round,pad=0.15"}
        beside = {"xytext": (8, 6), "textcoords": "offset points", "fontsize": 9}
        ax.annotate(name, point, color=LIGHT["ink"], bbox=plate, **beside)
    ax.set(xlabel=names[0], ylabel=names[1])
    return ax


def plot_activation(activation: str | Operation, ax: Any = None, *, start: float = -5.0, end: float = 5.0) -> Any:
    """An operation of one variable and its derivative. Raises UnknownNameError if the table has no such operation."""
    row = activation if isinstance(activation, Operation) else lookup(activation)
    rest = () if row.arity == 1 else (row.default,)
    if None in rest:
        raise ArgumentError(f"{row.name} takes two variables: a curve shows an operation of one")
    xs = [start + (end - start) * i / (FINE - 1) for i in range(FINE)]
    values = [row.forward(x, *rest) for x in xs]
    slopes = [row.partials[0](x, *rest, value) for x, value in zip(xs, values, strict=True)]
    ax = plot_curves({row.name: values, f"{row.name}′": slopes}, ax, x=xs, xlabel="x", ylabel="")
    ax.axhline(0.0, color=_ink(ax), alpha=0.5, linewidth=0.8, zorder=0)
    return ax


# ---- digits ----


def plot_confusion(matrix: Sequence[Sequence[int]], ax: Any = None, *, names: Sequence[str] | None = None) -> Any:
    """A confusion matrix: a row per true class, a column per answer; mistakes are coloured by their number."""
    size = len(matrix)
    if not size or any(len(row) != size for row in matrix):
        raise ShapeError(
            f"a confusion matrix is square, got {counted(size, 'row')} of {sorted({len(row) for row in matrix})}"
        )
    ax = axes(ax)
    mistakes = [[count * (i != j) for j, count in enumerate(row)] for i, row in enumerate(matrix)]
    ax.imshow(mistakes, cmap="Oranges", vmin=0, vmax=1.4 * max(1, *map(max, mistakes)))
    for i, row in enumerate(matrix):
        for j, count in enumerate(row):
            look = {"color": LIGHT["ink"], "fontsize": 8, "weight": "bold" if i == j else "normal"}
            ax.text(j, i, str(count), ha="center", va="center", **look)
    marks, shown = range(size), names or [str(i) for i in range(size)]
    ax.set(xlabel="answer", ylabel="truth", xticks=marks, yticks=marks, xticklabels=shown, yticklabels=shown)
    return ax


def plot_digits(
    images: Iterable[Numbers], labels: Numbers | None = None, answers: Numbers | None = None, *, columns: int = 10
) -> Any:
    """Square images, given as flat lists of pixels, in a grid; titles say the label, and a wrong answer stands out.

    Returns the array of axes.
    """
    pictures = [list(image) for image in images]
    side = round(len(pictures[0]) ** 0.5) if pictures else 0
    if not pictures or any(len(picture) != side * side for picture in pictures):
        raise ShapeError("digits are square images, flat and all of one size, such as 64 pixels for 8×8")
    rows = -(-len(pictures) // columns)
    grid = axes(nrows=rows, ncols=columns, squeeze=False, figsize=(0.75 * columns, 0.95 * rows))
    for ax in grid.flat:
        ax.axis("off")
    for i, (ax, picture) in enumerate(zip(grid.flat, pictures, strict=False)):
        ax.imshow([picture[side * j : side * (j + 1)] for j in range(side)], cmap="gray_r")
        title = "" if labels is None else f"{labels[i]}"
        taken = title if labels is None or answers is None or labels[i] == answers[i] else f"{title} → {answers[i]}"
        ax.set_title(taken, fontsize=9, color=_ink(ax) if taken == title else COLOURS[1])
    return grid


# ---- parts ----


def _ink(ax: Any) -> Any:
    """The colour of the writing on these axes, somebody's own perhaps."""
    return ax.xaxis.label.get_color()


def _on_paper(ax: Any) -> Any:
    """Axes on a white ground: a map keeps its colours on a dark page."""
    ax = axes(ax)
    ax.set_facecolor(LIGHT["paper"])
    return ax


def _line(i: int) -> dict[str, Any]:
    round_ = i // len(COLOURS)  # the seventh line has the first one's colour, and the second one's stroke
    return {"color": COLOURS[i % len(COLOURS)], "linestyle": STROKES[(i + round_) % len(STROKES)], "linewidth": 1.6}


def _map(height: Height, points: Points, margin: float) -> tuple[list[float], list[float], list[list[float]]]:
    """The sides of the plane around these points, and the heights over it."""
    across, up = (span([float(point[i]) for point in points], margin, GRID) for i in (0, 1))
    return across, up, [[float(height(x, y)) for x in across] for y in up]


def span(numbers: Numbers, margin: float, count: int) -> list[float]:
    """So many numbers, evenly from below the least to above the largest, by a margin that is a share of their width."""
    low, high = min(numbers), max(numbers)
    air = margin * (high - low) or 1.0
    return [low - air + (high - low + 2 * air) * i / (count - 1) for i in range(count)]
