"""``micrograd-nn notebooks``: the chapters, copied out of the installed package.

Promise (tests/test_notebooks.py): a file that is there already is never overwritten, so what a reader has tried in a
chapter stays.
"""

import json
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import FileError
from ..files import write_whole
from .options import make_folder, take
from .outcome import Outcome, say

USUAL = Path("micrograd-nn-notebooks")
ABOUT = "copy the chapters, Jupyter notebooks, into a folder; what is there already stays as it is"
JSON = {"folder": "the folder of the copies", "kept": "the files that were there"}


def add_options(parser: ArgumentParser) -> None:
    """The folder, and what is copied into it."""
    parser.add_argument(
        "folder", type=Path, nargs="?", default=USUAL, metavar="DIR", help=f"the folder to copy to (default {USUAL})"
    )
    parser.add_argument("--solutions", action="store_true", help="with the exercises solved")
    take(parser, "--json", "--quiet")


def run(arguments: Namespace) -> Outcome:
    """Copy the chapters. Raises FileError if the folder can't be made or written."""
    folder: Path = arguments.folder
    make_folder(folder)
    written, kept = list[Path](), list[Path]()
    for source in chapters():
        target = folder / source.name
        if target.exists():
            kept.append(target)
            say(arguments, f"kept   {target}, which was there")
        else:
            content = source.read_text(encoding="utf-8")
            write_whole(target, (solved(content) if arguments.solutions else content).encode())
            written.append(target)
            say(arguments, f"wrote  {target}")
    say(arguments, f"\nOpen them with: jupyter lab {shlex.quote(str(folder))}")
    return Outcome({"folder": folder, "kept": kept, "written": written})


def chapters() -> list[Path]:
    """The chapters' files: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    folders = (package / "notebooks", package.parent / "notebooks")
    found = next((files for folder in folders if (files := sorted(folder.glob("[0-9]*.ipynb")))), [])
    if not found:
        raise FileError(f"no chapters in {' or '.join(map(str, folders))}: install the package again")
    return found


def solved(content: str) -> str:
    """A chapter's text with each exercise's gap, its first line, replaced by the solution that the cell carries."""
    notebook = json.loads(content)
    for cell, exercise in exercises(notebook):
        _, *rest = cell["source"]
        cell["source"] = [exercise["solution"] + "\n", *rest]
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def exercises(notebook: Any) -> Iterator[tuple[Any, dict[str, str]]]:
    """The cells that are exercises, each with its solution and with a wrong answer that its check must refuse."""
    for cell in notebook["cells"]:
        if "exercise" in cell["metadata"]:
            yield cell, cell["metadata"]["exercise"]
