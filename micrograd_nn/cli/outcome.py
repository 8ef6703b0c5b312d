"""What a command found, and the one place where it is printed: as text, as JSON, or with the notes left out.

Promise (tests/test_cli_table.py): with --json standard output is one JSON object with the keys that --help lists; with
--quiet it is the result alone; a number of the result that is nan or infinite ends with a code of its own.
"""

import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..progress import write

NOT_FINITE = 3  # the exit code
CODES = "Exit codes: 0 success, 1 failure, 2 usage error, 3 nan or infinity in the result, 130 stopped by Ctrl-C."


@dataclass(frozen=True)
class Outcome:
    """The result for programs, the same for people, the files that were written, and the exit code if all is finite."""

    data: dict[str, Any]
    text: str = ""
    written: Sequence[Path] = ()
    code: int = 0


def show(outcome: Outcome, arguments: Namespace) -> int:
    """Print what was found, as the options ask for it. Returns the exit code."""
    strange: list[str] = []

    def named(constant: str) -> str:  # NaN, Infinity or -Infinity, which JSON does not have
        strange.append(constant)
        return constant

    whole = json.dumps({"written": outcome.written} | outcome.data, default=_plain)
    finite = json.loads(whole, parse_constant=named)
    if getattr(arguments, "json", False):
        print(json.dumps(finite, ensure_ascii=False, indent=1))
    elif outcome.text:
        print(outcome.text)
    if outcome.written:
        say(arguments, "\n" * bool(outcome.text) + f"Wrote {', '.join(map(str, outcome.written))}")
    return outcome.code or NOT_FINITE * bool(strange)


def say(arguments: Namespace, text: str, result: bool = False) -> None:
    """Print a note on the way, or a part of the result before its end."""
    if not arguments.json and (result or not arguments.quiet):
        write(text)


def _plain(thing: Any) -> Any:
    """What JSON has for NumPy's arrays and numbers, and for paths."""
    return thing.tolist() if hasattr(thing, "tolist") else str(thing)
