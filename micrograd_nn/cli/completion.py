"""Completion of words in a shell, written by shtab, an extra."""

from argparse import Action, ArgumentParser
from pathlib import Path
from typing import Any

from ..compiler.registry import BACKENDS
from ..engine.operation import TABLE
from ..errors import ExtraMissingError, known
from ..nn.layers import LAYER_WIDE
from ..nn.losses import LOSSES
from ..nn.optim import OPTIMIZERS
from .recipes import RECIPES

ACTIVATIONS = [row.name for row in TABLE.values() if row.arity == 1 or row.default is not None]
ACTIVATIONS += ["identity", *LAYER_WIDE]
WORDS: dict[str, Any] = {  # what completes an option that argparse leaves to us
    "dataset": RECIPES,
    "activation": ACTIVATIONS,
    "output": ACTIVATIONS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "backend": ("auto", *BACKENDS),
}
FILES = ("formula", "numbers")  # which may also be files; of a dataset the names are completed


def script(parser: ArgumentParser, shell: str) -> str:
    """The shell's code that completes the parser's words. Raises ExtraMissingError without shtab, UnknownNameError."""
    try:
        import shtab
    except ImportError:
        raise ExtraMissingError(
            "completion is written by shtab, which is not installed: python -m pip install 'micrograd-nn[completion]'"
        ) from None
    known("shell", shell, shtab.SUPPORTED_SHELLS)
    for action in every_action(parser):
        action.choices = action.choices or [*WORDS.get(action.dest, ())] or None
        if action.type is Path or action.dest in FILES:
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def every_action(parser: ArgumentParser) -> list[Action]:
    """The options of a parser and of its subparsers."""
    commands = [p for action in parser._actions if isinstance(action.choices, dict) for p in action.choices.values()]
    return [*parser._actions, *(action for command in commands for action in command._actions)]
