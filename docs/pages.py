"""Pages that are made from the package: its chapters, its operations from their rows, its names from their docstrings.

They are written anew for every build and never committed.
"""

import importlib
import inspect
import io
import re
import shutil
import textwrap
from math import isfinite
from pathlib import Path
from types import FunctionType
from typing import Any

from micrograd_nn import TABLE, Operation
from micrograd_nn.notation import Symbol

ROOMS = {
    "micrograd_nn": "Everything that most people need stands at the front door.",
    "micrograd_nn.engine": "The table of operations, Value and the sweep.",
    "micrograd_nn.nn": "Neurons, layers, losses and optimisers.",
    "micrograd_nn.notation": "Expressions read and written.",
    "micrograd_nn.derive": "Every partial explained, and a person's own checked.",
    "micrograd_nn.draw": "Pictures.",
    "micrograd_nn.data": "Datasets.",
    "micrograd_nn.training": "Training and what is measured.",
    "micrograd_nn.storage": "Files.",
}

SPECIAL = re.compile(r"[|*_<>$\[\]\\]")  # what Markdown would take for its own


def write(folder: Path) -> None:
    """All of them, into folders of their own beside this file."""
    root = folder.parent
    for name, make in (("chapters", _chapters), ("api", _api), ("operations", _operations)):
        made = folder / name
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        make(root, made)


def _chapters(root: Path, into: Path) -> None:
    notebooks = sorted((root / "notebooks").glob("*.ipynb"))
    for notebook in notebooks:
        shutil.copy(notebook, into)
    _page(into / "index.md", "Chapters", "Each runs as it stands, in Jupyter or from top to bottom.", notebooks)


def _page(path: Path, title: str, lead: str, below: list[Path]) -> None:
    listed = "\n".join(page.stem for page in below)
    path.write_text(f"# {title}\n\n{lead}\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n", encoding="utf-8")


# ---- names ----


def _api(root: Path, into: Path) -> None:
    pages = []
    for room, lead in ROOMS.items():
        page = into / f"{room.replace('.', '_')}.md"
        entries = [_entry(name, thing) for name, thing in _public(room)]
        page.write_text("\n\n".join([f"# {room}", lead, *entries]) + "\n", encoding="utf-8")
        pages.append(page)
    _page(into / "index.md", "Names", "Every public name, room by room.", pages)


def _public(room: str) -> list[tuple[str, Any]]:
    """The classes and functions of a room; a row of the table has a page of its own."""
    module = importlib.import_module(room)
    return [
        (name, thing)
        for name, thing in vars(module).items()
        if not name.startswith("_") and isinstance(thing, type | FunctionType) and "micrograd_nn" in thing.__module__
    ]


def _entry(name: str, thing: Any, level: str = "##") -> str:
    """A name, how it is called, what it says of itself, and what a class can do."""
    lines = [f"{level} {name}", f"```python\n{name}{_signature(thing)}\n```", markdown(inspect.getdoc(thing) or "")]
    for member, made in vars(thing).items() if isinstance(thing, type) else ():
        function = made.fget if isinstance(made, property) else made
        if not member.startswith("_") and isinstance(function, FunctionType) and function.__doc__:
            shown = f"{name}.{member}" if isinstance(made, property) else f"{name}.{member}{_signature(function)}"
            lines.append(
                f"### {name}.{member}\n\n```python\n{shown}\n```\n\n{markdown(inspect.getdoc(function) or '')}"
            )
    return "\n\n".join(lines)


def _signature(thing: Any) -> str:
    """The arguments and their defaults, a line each where there are many; types are left to the text."""
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return "(*arguments)"
    plain = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name != "self"]
    whole = str(signature.replace(parameters=plain, return_annotation=signature.empty))
    written = re.sub(r"<function (\S+) at 0x\w+>", r"\1", whole)
    return written if len(written) <= 90 else "(\n    " + written[1:-1].replace(", ", ",\n    ") + ",\n)"


def markdown(text: str) -> str:
    r"""A docstring as Markdown: examples and indented blocks as code, everything else as it reads.

    >>> print(markdown("The value |x|, as ``abs`` has it."))
    The value \|x\|, as `abs` has it.
    """
    blocks = []
    for block in re.split(r"\n\s*\n", text):
        if block.lstrip().startswith(">>>"):
            blocks.append(f"```pycon\n{textwrap.dedent(block)}\n```")
        elif all(line.startswith("    ") for line in block.splitlines()):
            blocks.append(f"```text\n{textwrap.dedent(block)}\n```")
        else:
            parts = re.split(r"(``.+?``)", block)
            blocks.append("".join(f"`{p[2:-2]}`" if p.startswith("``") else SPECIAL.sub(r"\\\g<0>", p) for p in parts))
    return "\n\n".join(blocks)


# ---- operations ----


def _operations(root: Path, into: Path) -> None:
    pages = []
    for row in TABLE.values():
        page = into / f"{row.name}.md"
        _picture(row, into / f"{row.name}.svg")
        page.write_text(_described(row), encoding="utf-8")
        pages.append(page)
    _page(into / "index.md", "Operations", "One page per row of the table: value, slope, corner, picture.", pages)


def _described(row: Operation) -> str:
    operands = [Symbol(name) for name in "ab"[: row.arity]]
    out = row(*operands)
    slopes = [Symbol.of(partial(*operands, Symbol("out"))) for partial in row.textbook]
    lines = [f"# {row.name}", row.doc, "$$\n\\mathrm{out} = " + out.latex() + "\n$$"]
    for operand, slope in zip("ab", slopes, strict=False):
        lines.append(rf"$$\frac{{\partial\,\mathrm{{out}}}}{{\partial {operand}}} = {slope.latex()}$$")
    lines.append(f"It is real where: {row.domain.text}.")
    if row.kinks:
        lines.append("| at | value | slope |\n| --- | --- | --- |\n" + "\n".join(map(_kink, row.kinks)))
    lines.append(f"![{row.name} and its slope]({row.name}.svg)")
    return "\n\n".join(lines) + "\n"


def _kink(kink: tuple[tuple[float, ...], float, tuple[float, ...]]) -> str:
    operands, value, slopes = kink
    return f"| {', '.join(map(str, operands))} | {value} | {', '.join(map(str, slopes))} |"


def _picture(row: Operation, path: Path) -> None:
    """The operation and its slope from -3 to 3; a second operand is held at its usual value, or at 1.5."""
    from matplotlib.figure import Figure

    second = [] if row.arity == 1 else [1.5 if row.default is None else row.default]
    across = [k / 50.0 for k in range(-150, 151)]
    value = [row.forward(a, *second) for a in across]
    slope = [float(row.partials[0](a, *second, out)) for a, out in zip(across, value, strict=True)]
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    for numbers, name, style in ((value, row.name, "-"), (slope, "slope", "--")):
        axes.plot(across, [y if isfinite(y) and abs(y) < 10 else float("nan") for y in numbers], style, label=name)
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    made = io.StringIO()
    figure.savefig(made, format="svg", metadata={"Date": None})
    path.write_text(made.getvalue(), encoding="utf-8")
