"""Plots: what is given is what is drawn, on the axes that are given; and nothing else in matplotlib changes."""

import subprocess
import sys
from math import nan
from random import Random

import matplotlib
import pytest
from matplotlib import pyplot

from micrograd_nn import TABLE
from micrograd_nn.draw import plot
from micrograd_nn.draw.palette import DARK, LIGHT
from micrograd_nn.errors import ArgumentError, ShapeError, UnknownNameError
from micrograd_nn.training import History

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    before = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == before
    pyplot.close("all")


def drawn(ax):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in ax.get_lines()}


def test_a_loss_curve_shows_the_losses_at_their_epochs():
    ax = plot.plot_loss([4.0, 2.0, 1.0], every=10)
    assert drawn(ax) == {"loss": ([0, 10, 20], [4.0, 2.0, 1.0])}
    assert ax.get_ylim()[0] == 0
    assert ax.get_xlabel() == "epoch"


@pytest.mark.parametrize("losses", [[0.25], [nan, 0.25, nan]])
def test_a_single_number_is_seen(losses):
    ax = plot.plot_loss(losses)
    ax.set_axis_off()
    ax.figure.canvas.draw()
    pixels = {tuple(pixel) for row in ax.figure.canvas.buffer_rgba().tolist() for pixel in row}
    assert len(pixels) > 1  # and not an empty sheet


def test_curves_are_named_and_differ_in_colour_and_stroke():
    ax = plot.plot_curves({f"w{i}": [float(i), 0.0] for i in range(14)})
    looks = {(line.get_color(), str(line.get_linestyle()), str(line._dash_pattern)) for line in ax.get_lines()}
    assert len(looks) == 14
    first = ax.get_lines()[:2]
    assert first[0].get_color() != first[1].get_color()
    assert first[0].get_linestyle() != first[1].get_linestyle()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [f"w{i}" for i in range(14)]
    with pytest.raises(ShapeError, match="'a' has 2 numbers for 1 step"):
        plot.plot_curves({"a": [1.0, 2.0]}, x=[0])


def test_a_history_shows_losses_and_beside_them_metrics():
    history = History()
    history.rows += [
        {"step": 0, "epoch": 1, "loss": 3.0, "validation loss": 4.0, "accuracy": 0.1},
        {"step": 5, "epoch": 1, "loss": 1.0, "validation loss": 2.0, "accuracy": 0.9},
    ]
    left, right = plot.plot_history(history)
    assert drawn(left) == {"loss": ([0, 5], [3.0, 1.0]), "validation loss": ([0, 5], [4.0, 2.0])}
    assert drawn(right) == {"accuracy": ([0, 5], [0.1, 0.9])}
    assert right.get_ylabel() == "accuracy"
    ax = plot.axes()
    assert history.plot(ax) is ax
    assert drawn(ax) == drawn(left)
    with pytest.raises(ArgumentError, match="nothing to plot yet"):
        plot.plot_history(History())


@pytest.mark.parametrize(
    "name", sorted(name for name, row in TABLE.items() if row.arity == 1 or row.default is not None)
)
def test_an_activation_is_drawn_with_its_derivative(name):
    row = TABLE[name]
    lines = drawn(plot.plot_activation(name))
    xs, values = lines[name]
    rest = () if row.arity == 1 else (row.default,)
    assert values == pytest.approx([row(x, *rest) for x in xs], nan_ok=True)
    slopes = lines[f"{name}′"][1]
    if name == "stop_gradient":  # by definition not the slope of what it computes
        assert set(slopes) == {0.0}
        return
    for x, slope in zip(xs, slopes, strict=True):
        if abs(x) > 0.1 and row.domain.holds(x, *rest):
            difference = (row(x + 1e-5, *rest) - row(x - 1e-5, *rest)) / 2e-5
            assert slope == pytest.approx(difference, rel=1e-4, abs=1e-6), (name, x)


def test_an_operation_of_two_variables_is_no_activation():
    with pytest.raises(ArgumentError, match="add takes two variables"):
        plot.plot_activation("add")
    with pytest.raises(UnknownNameError, match="unknown operation 'sigmoidd'; choose one of: sigmoid"):
        plot.plot_activation("sigmoidd")


def test_the_decision_line_lies_where_the_classifier_says():
    draw = Random(0)
    points = [(draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(20)]
    ax = plot.plot_decision(lambda x, y: float(x > 0.25), points, [int(x > 0.25) for x, _ in points])
    line = ax.collections[1].get_paths()[0].vertices
    assert all(abs(x - 0.25) < 0.1 for x, _ in line)
    assert sum(len(c.get_offsets()) for c in ax.collections[2:]) == 20
    figure = ax.figure
    figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    assert legend.x0 >= ax.get_window_extent().x1
    assert legend.x1 <= figure.bbox.x1
    with pytest.raises(ShapeError, match="each point takes a label: got 20 points and 1"):
        plot.plot_decision(lambda x, y: x, points, [1])


def test_the_surface_shows_the_whole_descent():
    path = [(3.0 * 0.8**i, -2.0 * 0.8**i) for i in range(10)]
    ax = plot.plot_surface(lambda m, b: m * m + b * b, path)
    assert ax.get_lines()[0].get_xydata().tolist() == [list(point) for point in path]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("m", "b")
    assert [text.get_text() for text in ax.texts if text.get_text().isalpha()] == ["start", "end"]
    others = [plot.plot_surface(lambda m, b: m * m + b * b, part, around=path) for part in (path[:3], path[5:])]
    for other in others:
        assert other.get_xlim() == ax.get_xlim()
        assert other.get_ylim() == ax.get_ylim()
    assert ax.get_xlim()[0] == pytest.approx(path[-1][0] - 0.25 * (path[0][0] - path[-1][0]))
    with pytest.raises(ArgumentError, match="at least one point"):
        plot.plot_surface(lambda m, b: m, [])
    standing = plot.plot_surface(lambda m, b: m, [(1.0, 2.0)])
    assert [text.get_text() for text in standing.texts if text.get_text().isalpha()] == ["end"]


def test_a_confusion_matrix_shows_every_count():
    ax = plot.plot_confusion([[5, 1], [0, 7]], names=["no", "yes"])
    assert [text.get_text() for text in ax.texts] == ["5", "1", "0", "7"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["no", "yes"]
    with pytest.raises(ShapeError, match="square"):
        plot.plot_confusion([[1, 2]])


def test_digits_show_their_pixels_and_mark_what_was_mistaken():
    images = [[float(i == j) for j in range(16)] for i in range(3)]
    grid = plot.plot_digits(images, [1, 2, 3], [1, 7, 3], columns=2)
    assert grid.shape == (2, 2)
    assert [ax.get_title() for ax in grid.flat] == ["1", "2 → 7", "3", ""]
    assert grid.flat[1].images[0].get_array()[0][1] == 1.0
    with pytest.raises(ShapeError, match="square images"):
        plot.plot_digits([[1.0, 2.0, 3.0]])


def contrast(one, other):
    """WCAG 2.1: of 3 up a line is seen, of 4.5 up small writing is read with ease."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in matplotlib.colors.to_rgb(colour)]
    return sum(share * x for share, x in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


@pytest.mark.parametrize("page", [LIGHT["paper"], DARK["paper"], "#111111"])
def test_writing_and_lines_stand_out_from_a_light_page_and_a_dark_one(page):
    assert min(contrast(colour, page) for colour in (plot.INK, *plot.COLOURS)) > 3.8


DRAWN = {
    "curves": lambda: plot.plot_curves({"a": [3, 1], "b": [2, 2]}),
    "decision": lambda: plot.plot_decision(lambda x, y: x * y, [(0, 1), (1, 1), (-1, 1)], [0, 1, 1]),
    "surface": lambda: plot.plot_surface(lambda m, b: m * m + b * b, [(2.0, 1.0), (1.0, 0.5)]),
    "activation": lambda: plot.plot_activation("tanh"),
    "confusion": lambda: plot.plot_confusion([[3, 1], [0, 4]]),
    "digits": lambda: plot.plot_digits([[0.0, 1.0, 2.0, 3.0]] * 2, [1, 2], [1, 3])[0, 0],
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_has_no_ground_and_is_the_same_in_a_dark_style(name, tmp_path):
    pictures = []
    for style in ("default", "dark_background"):
        with pyplot.style.context(style):
            pictures.append(plot.save_plot(DRAWN[name](), tmp_path / f"{style}.png"))
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    assert pyplot.imread(pictures[0])[0, 0].tolist()[3] == 0.0, "whatever page it is on shows through"


def test_axes_of_ones_own_keep_their_ink():
    with pyplot.style.context("dark_background"):
        ax = plot.plot_activation("tanh", pyplot.subplots()[1])
    assert {matplotlib.colors.to_hex(text.get_color()) for text in ax.get_legend().get_texts()} == {"#ffffff"}
    assert matplotlib.colors.to_rgb(ax.get_facecolor()) == (0.0, 0.0, 0.0)


def test_saved_plots_are_whole_and_the_same_every_time(tmp_path):
    code = (
        "import sys; from micrograd_nn.draw import plot;"
        "plot.save_plot(plot.plot_curves({'a': [3, 1], 'b': [2, 2]}), sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.svg")], check=True)
    here = plot.save_plot(plot.plot_curves({"a": [3, 1], "b": [2, 2]}), tmp_path / "b.svg")
    assert here.read_bytes() == (tmp_path / "a.svg").read_bytes()
    assert plot.save_plot(plot.plot_loss([1.0]), tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UnknownNameError, match=r"'\.bmp'"):
        plot.save_plot(plot.plot_loss([1.0]), tmp_path / "c.bmp")
