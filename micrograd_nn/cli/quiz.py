"""``micrograd-nn quiz``: sheets for a class, and their keys, to print and to hand out."""

import re
from argparse import ArgumentParser, Namespace

from ..derive import quiz as quiz_of
from ..draw.sheets import keys_page, sheets_page
from ..errors import ArgumentError, counted
from ..files import write_whole
from .derivation import PARTS, loss_of
from .options import file_for, take
from .outcome import Outcome, say

MOST = 1000  # sheets
ABOUT = "write sheets for a class and their keys, the same network with other numbers on each"
EPILOG = f"""\
{PARTS}
The sheets and the keys, which have every derivation, are for a printer (.html) and as Markdown (.md). The numbers
depend on the seed alone."""
JSON = {"seeds": "the seeds of the sheets"}


def add_options(parser: ArgumentParser) -> None:
    """The file, the seeds, what is asked, and the folder."""
    take(parser, "file")
    parser.add_argument(
        "--seeds", default="1", metavar="SEEDS", help="a sheet for each: 7, or 1..30, or 1,4,9 (default 1)"
    )
    ask = "names whose gradients are asked for, values, slip (a wrong line to be found); default: values, all gradients"
    parser.add_argument("--ask", metavar="WHAT", help=ask)
    take(parser, "--out", "--json", "--quiet")


def run(arguments: Namespace) -> Outcome:
    """Make all sheets, then write them."""
    seeds, root = seeds_in(arguments.seeds), loss_of(arguments.file)
    quizzes = {seed: quiz_of(root, seed, arguments.ask) for seed in seeds}
    made = {
        "sheets.html": sheets_page(quizzes),
        "keys.html": keys_page(quizzes),
        "sheets.md": _markdown("Sheet", {seed: quiz.markdown for seed, quiz in quizzes.items()}),
        "keys.md": _markdown("Key", {seed: quiz.solution_markdown for seed, quiz in quizzes.items()}),
    }
    for name, text in made.items():
        write_whole(file_for(arguments.out / name), text.encode())
    say(arguments, f"{counted(len(seeds), 'sheet')}, and the key to each")
    return Outcome({"seeds": seeds}, written=[arguments.out / name for name in made])


def seeds_in(text: str) -> list[int]:
    """The numbers in 7, 1..30 or 1,4,9. Raises ArgumentError for anything else, and for too many."""
    seeds = list[int]()
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,9})(?:\s*(?:\.\.|-)\s*(\d{1,9}))?\s*", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first or last - first >= MOST or len(seeds) + last - first >= MOST:
            raise ArgumentError(
                f"--seeds are whole numbers such as 7, 1..30 or 1,4,9, {MOST:,} at most; got {text!r:.40}"
            )
        seeds += range(first, last + 1)
    return list(dict.fromkeys(seeds))


def _markdown(what: str, sections: dict[int, str]) -> str:
    return "\n".join(f"## {what} {number}\n\n{text}" for number, text in sections.items())
