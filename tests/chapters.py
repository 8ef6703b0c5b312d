"""Running the chapters: each from a clean kernel, its figures held against its cells, its exercises answered.

Promise: a number in the text is either computed (the metadata of its cell has under "figures" the number as it is
written, beside an expression that the chapter's own kernel works out when the cells after the text have run), or it
stands in the chapter's code.
"""

import asyncio
import json
import os
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

import micrograd_nn

HERE = Path(__file__).parents[1] / "notebooks"
CHAPTERS = sorted(HERE.glob("[0-9]*.ipynb"))
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?!\w)")
SMALL = 12  # whole numbers up to here count things in a sentence, and are no figures
TIMEOUT = 120  # seconds for one cell
KERNEL = {
    **os.environ,
    "PYTHONPATH": str(Path(micrograd_nn.__file__).parents[1]),
}  # it runs elsewhere, and what we test
NO_NETWORK = """
import socket

def refuse(*given, **named):
    raise OSError("a chapter reached for the network")

socket.getaddrinfo = refuse
"""
QUESTION = """
import json

def number(x):
    return x if isinstance(x, bool) else float(x)

print(json.dumps([{pairs}]))
"""


@dataclass
class Run:
    """A chapter after it has been run."""

    notebook: Any
    figures: list[tuple[str, Any]]  # what the text says, and what the expression beside it came to
    answers: list[tuple[str, bool, str]]  # solution, also, alone or wrong; whether the check was content; its words


class Runs:
    """Every chapter, run two at a time when the first is asked for; one that failed raises why, and only then."""

    def __init__(self, folder):
        self.folder = folder

    def __getitem__(self, path):
        if isinstance(self.done[path], Exception):
            raise self.done[path]
        return self.done[path]

    @cached_property
    def done(self):
        return dict(zip(CHAPTERS, asyncio.run(self.all_of_them()), strict=True))

    async def all_of_them(self):
        places = asyncio.Semaphore(2)
        return await asyncio.gather(*[run(path, self.folder, places) for path in CHAPTERS], return_exceptions=True)


async def run(path, folder, places):
    notebook = nbformat.read(path, as_version=4)
    asked = nbformat.from_dict({**notebook, "cells": [_code(NO_NETWORK), *_with_questions(notebook.cells)]})
    async with places:
        client = NotebookClient(asked, timeout=TIMEOUT, resources={"metadata": {"path": str(folder)}})
        await client.async_execute(env=KERNEL)
    figures, answers = [], []
    for cell in asked.cells:
        if "asks" in cell.metadata:
            figures += json.loads(cell.outputs[0].text)
        elif "answers" in cell.metadata:
            answers.append((cell.metadata["answers"], said(cell).endswith("Right."), said(cell)))
    own = [cell for cell in asked.cells[1:] if not {"asks", "answers"} & cell.metadata.keys()]
    return Run(nbformat.from_dict({**notebook, "cells": own}), figures, answers)


def said(cell):
    """What a cell printed, showed as text, or failed with."""
    parts = []
    for output in cell.get("outputs", []):
        parts += [output.get("text", ""), output.get("data", {}).get("text/plain", ""), output.get("evalue", "")]
    return "\n".join(part for part in parts if part)


def _with_questions(cells):
    """The cells; before each text the questions of the text before it; after each exercise its answers.

    Before the first exercise the later ones are solved, the last one first: each must do without those before it.
    """
    waiting = []
    later = [cell for cell in cells if "exercise" in cell.metadata][:0:-1]
    for cell in cells:
        if cell.cell_type == "markdown":
            yield from _question(waiting)
            waiting = cell.metadata.get("figures", [])
        if "exercise" in cell.metadata:
            for exercise in later:
                yield _answered(exercise, exercise.metadata.exercise.solution, "alone")
            later = []
        yield cell
        for answer, gaps in cell.metadata.get("exercise", {}).items():
            for gap in [gaps] if isinstance(gaps, str) else gaps:
                yield _answered(cell, gap, answer)
    yield from _question(waiting)


def _answered(cell, gap, answer):
    """An exercise whose first line, the gap, is filled in."""
    _, *rest = cell.source.splitlines()
    return _code("\n".join([gap, *rest]), answers=answer)


def _question(figures):
    if figures:
        pairs = ", ".join(f"[{text!r}, number({expression})]" for text, expression in figures)
        yield _code(QUESTION.format(pairs=pairs), asks=True)


def _code(source, **metadata):
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def agrees(text, number):
    """Is the number, rounded to the digits of the text, the text? A claim such as "more than 93" comes as a bool."""
    if isinstance(number, bool):
        return number
    written = text.replace(",", "").replace("−", "-")
    return abs(number - float(written)) <= 0.5 * 10.0 ** Decimal(written).as_tuple().exponent * (1 + 1e-9)


def uncovered(notebook):
    """The numbers in the text that are neither computed nor in the code: decimals, and whole ones beyond SMALL."""
    code = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "code").replace("_", "")
    known = {_plain(number) for number in NUMBER.findall(code)}
    missing = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            here = known | {_plain(text) for text, _ in cell.metadata.get("figures", [])}
            text = re.sub(r"`[^`]*`|\]\([^)]*\)", " ", cell.source)  # code, and where links lead
            numbers = map(_plain, NUMBER.findall(text))
            missing += [n for n in numbers if ("." in n or int(n) > SMALL) and n not in here]
    return missing


def _plain(number):
    return number.replace(",", "").lstrip("-−")
