"""``micrograd-nn tutor``: a derivation asked for in the terminal, one factor after the other.

Everything that is said comes from the Tutor; here it is only shown, and the record is kept in a file.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..derive import Tutor
from ..derive import tutor as tutor_of
from ..errors import ArgumentError, FormatError
from ..files import read_whole, write_whole
from .derivation import LONGEST, PARTS, STDIN, loss_of
from .options import file_for, take
from .outcome import Outcome

HINT, END = "?", "quit"
ABOUT = "be asked for a derivation, one factor after the other, with verdicts and hints"
EPILOG = PARTS
CODES = "Exit codes: 0 the derivation is complete, 1 it was left before, 2 usage error."


def add_options(parser: ArgumentParser) -> None:
    """The file, the name, and where the record is kept."""
    take(parser, "file")
    parser.add_argument("name", metavar="NAME", help="derive the last formula towards this name")
    record = "keep the tries in this file, as JSON, and go on from there the next time"
    parser.add_argument("--record", type=Path, metavar="FILE", help=record)


def run(arguments: Namespace) -> Outcome:
    """Ask until all is derived, or the person has enough."""
    if arguments.file == STDIN:
        raise ArgumentError("the tutor listens on standard input: name a file with the network")
    dialogue = tutor_of(loss_of(arguments.file), arguments.name, _record_in(arguments.record))
    print(f"{dialogue.opening}\n\nAnswer with a formula or a number; {HINT} gives a hint, {END} ends.\n")
    with suppress(EOFError):
        while dialogue.question and (entry := _asked(f"{dialogue.question.asked} = ")) != END:
            if entry:
                reply = dialogue.hint() if entry == HINT else dialogue.answer(entry)
                print(f"{reply.words}\n")
                _keep(dialogue, arguments.record)
    if dialogue.question is None:
        return Outcome({}, dialogue.asks)
    return Outcome({}, code=1)


def _asked(prompt: str) -> str:
    """What the person types; what comes from a file is shown as if it were typed."""
    entry = input(prompt).strip()
    if not sys.stdin.isatty():
        print(entry)
    return entry


def _record_in(file: Path | None) -> dict[str, Any] | None:
    """The record that a file holds; None where there is no such file yet. Raises FormatError if it is none."""
    if file is None or not file.exists():
        return None
    try:
        record: dict[str, Any] = json.loads(read_whole(file, LONGEST * 10))
    except (ValueError, RecursionError):
        raise FormatError(f"{file} is no record of a tutor: name another file after --record") from None
    return record


def _keep(dialogue: Tutor, file: Path | None) -> None:
    if file is not None:
        write_whole(file_for(file), json.dumps(dialogue.record, ensure_ascii=False, indent=1).encode())
