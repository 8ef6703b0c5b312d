"""The page: Markdown, JSON and one plot of what was measured.

Promise: who is faster than ours stands above ours, with the same digits; what is missing stands in the table as
missing, with its reason below. The page, its numbers and its plot come from the same lists.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from .harness import PREFIXES, MissingError, Series, quantity, ratio, require


@dataclass
class Section:
    """One table: rows of text for the page, and the numbers behind them for JSON."""

    title: str
    method: str  # two plain sentences
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # who, and why
    data: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # on single rows: how an engine did it
    bars: dict[str, Series] = field(default_factory=dict)  # what the plot shows of it

    def markdown(self) -> str:
        """The section as a page has it."""
        lines = [f"## {self.title}", "", self.method, "", *self.table()]
        gone = [f"- **missing**, {who}: {why}" for who, why in self.missing.items()]
        lines += ["", *gone] if gone else []
        lines += ["", *(f"- {note}" for note in self.notes)] if self.notes else []
        return "\n".join(lines)

    def table(self) -> list[str]:
        """The lines of the table."""
        return ["| " + " | ".join(row) + " |" for row in [self.columns, ["---"] * len(self.columns), *self.rows]]

    def json(self) -> dict[str, Any]:
        """The section as the JSON file has it."""
        return {"title": self.title, "method": self.method, "missing": self.missing, **self.data}


def side_by_side(
    title: str, method: str, measured: Mapping[str, Series], missing: Mapping[str, str], ours: str, what: str = "a step"
) -> Section:
    """Engines from the fastest to the slowest, each beside ours; who is faster than ours stands above it."""
    other = next((series.beside.clock for series in measured.values() if series.beside), "")
    columns = ("engine", what, *([f"{other} time"] if other else []), f"times {ours}")
    section = Section(title, method, columns, missing=dict(missing))
    section.bars = dict(sorted(measured.items(), key=lambda pair: pair[1].median))
    for who, series in section.bars.items():
        beside = ratio(series, measured[ours]) if ours in measured else None
        name = f"**{who}**" if who.startswith("micrograd_nn") else who
        clocks = [quantity(series.beside.median, "s")] if series.beside else []
        section.rows.append((name, str(series), *clocks, "1" if who == ours else str(beside) if beside else "–"))
    section.rows += [(who, "missing", *["–"] * (len(columns) - 2)) for who in missing]
    section.data = {"reference": ours, "unit": "s", "rounds": {who: s.values for who, s in measured.items()}}
    section.data[f"rounds by {other or 'another'} clock"] = {
        who: s.beside.values for who, s in measured.items() if s.beside
    }
    section.data["medians"] = {who: series.median for who, series in section.bars.items()}
    return section


GLANCE, DEMO = "At a glance", "micrograd's demo, as its notebook writes it"


def at_a_glance(sections: Sequence[Section]) -> Section:
    """The medians of all training steps in one table, an engine a row."""
    steps = [section for section in sections if "agree within" in section.data and section.bars]
    table = Section(
        GLANCE,
        "A training step of each problem below: medians of this run, from the engine that is quickest with the first "
        "one down. A dash stands where an engine is missing, and its section says why.",
        ("a step", *(section.title for section in steps)),
    )
    medians = [{who: quantity(series.median, "s") for who, series in section.bars.items()} for section in steps]
    for who in dict.fromkeys(who for column in medians for who in column):
        name = f"**{who}**" if who.startswith("micrograd_nn") else who
        table.rows.append((name, *(column.get(who, "–") for column in medians)))
    return table


INTRODUCTION = """# Side by side

One run of `python -m benchmarks`, made on {day}. Engines took turns, {rounds} rounds; a figure is the median, the
range is in brackets, and a ratio is taken round by round: above 1 an engine took longer than ours, below 1 it was
faster. With one thread each, all are pinned to one core and the figure is processor time; with everybody's own threads
it is the wall's; the other clock stands beside it. A turn holds 300 steps or more where an engine is quick enough; one
whose turn takes longer than a second had three turns only.
No figure is a promise: another machine, another day, other numbers.
"""


BEGIN, END = "<!-- written by python -m benchmarks --publish -->", "<!-- to here -->"
SUMMARY = """Medians of one run of `python -m benchmarks` on {day}: {processor}, Python {python}, PyTorch {torch},
JAX {jax}; one thread each, pinned to one core, processor time, all engines by turns; their parameters agree. No
figure is a promise: run it on your machine. It also measures everybody's own threads, whole trainings, what compiling
costs, accuracy and start-up, and says of each figure how it was taken.
"""


UNCOMPILED = """

Uncompiled, a step of micrograd's own demo, whose notebook holds each graph until the next one is there, is
{0.median:.0f} times as fast as there; how much it is depends on the machine's caches, through which Python's
collector walks both graphs."""


def _demo(section: Section) -> tuple[Series, Series] | None:
    """Micrograd's figures and ours, if these are of its demo."""
    both = [section.bars.get(who) for who in ("micrograd", "micrograd_nn")]
    return (both[0], both[1]) if both[0] and both[1] and section.title == DEMO else None


def publish(folder: Path, sections: Sequence[Section], machine: Mapping[str, Any], root: Path) -> list[Path]:
    """The table at a glance into the README of a checkout, the written page into its site. Returns their paths."""
    readme, page = root / "README.md", root / "docs" / "how" / "benchmarks.md"
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    page.write_text("\n".join(line for line in lines if not line.startswith("![")) + "\n", encoding="utf-8")
    told = {name: str(content).partition("+")[0] for name, content in machine.items()}
    text = SUMMARY.format(day=date.today().isoformat(), **{**told, "python": told["python"].split()[-1]})
    table = next("\n".join(section.table()) for section in sections if section.title == GLANCE)
    table += "".join(UNCOMPILED.format(ratio(*demo)) for demo in map(_demo, sections) if demo)
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    written = f"{before}{BEGIN}\n\n{text}\n{table}\n\n{END}{rest.partition(END)[2]}"
    readme.write_text(written, encoding="utf-8")
    return [readme, page]


def write(folder: Path, sections: Sequence[Section], machine: Mapping[str, Any], run: Mapping[str, Any]) -> list[Path]:
    """README.md, results.json and steps.svg in the folder. Returns their paths; the plot's is left out if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    day = date.today().isoformat()
    results = {"date": day, "run": dict(run), "machine": dict(machine), "sections": [s.json() for s in sections]}
    text = [INTRODUCTION.format(day=day, rounds=run["rounds"]), machine_table(machine, run)]
    written = [folder / "README.md", folder / "results.json"]
    try:
        written.append(plot(folder / "steps.svg", sections))
        text.append("![Seconds a step, engine by engine, on a logarithmic scale](steps.svg)\n")
    except MissingError as reason:
        text.append(f"The plot is **missing**: {reason}\n")
    text += [section.markdown() + "\n" for section in sections]
    written[0].write_text("\n".join(text), encoding="utf-8")
    written[1].write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return written


def machine_table(machine: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """What ran it, as a table of two columns."""
    lines = ["| machine | |", "| --- | --- |"]
    lines += [f"| {name} | {content} |" for name, content in {**machine, **run}.items()]
    return "\n".join(lines) + "\n"


def plot(path: Path, sections: Sequence[Section]) -> Path:
    """A panel for each section that has bars: a dot at the median, a line over the range. Raises MissingError."""
    require("matplotlib", "matplotlib is not installed; the extra `bench` brings it")
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    drawn = [section for section in sections if section.bars]
    if not drawn:
        raise MissingError("nothing was measured that it shows")
    heights = [len(section.bars) + 1.5 for section in drawn]
    with plt.rc_context({"svg.hashsalt": "micrograd_nn", "svg.fonttype": "none", "font.size": 9}):
        figure, panels = plt.subplots(
            len(drawn), 1, figsize=(8, 0.24 * sum(heights)), squeeze=False, layout="constrained",
            gridspec_kw={"height_ratios": heights},
        )  # fmt: skip
        for panel, section in zip(panels[:, 0], drawn, strict=True):
            draw_panel(panel, section)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    return path


def tick(seconds: float) -> str:
    """A time on an axis: 100 ns, 2 µs."""
    scale, prefix = next((pair for pair in PREFIXES if seconds >= pair[0] * 0.9995), PREFIXES[-1])
    return f"{seconds / scale:.3g} {prefix}s"


def draw_panel(panel: Any, section: Section) -> None:
    """One section: engines from the fastest down, ours filled, the others hollow."""
    from matplotlib.ticker import LogLocator, NullFormatter

    for height, (who, series) in enumerate(section.bars.items()):
        ours = who.startswith("micrograd_nn")
        colour = "#0a67a8" if ours else "#5c6675"
        panel.plot([min(series.values), max(series.values)], [height] * 2, color=colour, linewidth=1.2)
        panel.plot(series.median, height, "o", color=colour, markerfacecolor=colour if ours else "white")
    panel.set_yticks(range(len(section.bars)), list(section.bars))
    panel.set_ylim(len(section.bars) - 0.4, -0.6)
    panel.set_xscale("log")
    low, high = panel.get_xlim()
    panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 50 else (1.0,), numticks=12))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.xaxis.set_major_formatter(lambda x, _: tick(x))
    panel.set_title(section.title, loc="left", fontsize=9, fontweight="bold")
    panel.grid(axis="x", color="#e9edf4")
    panel.set_axisbelow(True)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.tick_params(axis="y", length=0)
