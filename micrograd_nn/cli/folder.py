"""The folder that a command writes to.

Promise: what can't be written there is told before the work, so that none is lost.
"""

import os
from pathlib import Path

from ..errors import FileError


def make_folder(folder: Path) -> None:
    """Make the folder if it is not there. Raises FileError if that can't be, or if nothing can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder} is no folder and can't be made one: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise FileError(f"nothing can be written to the folder {folder}: name another one, or ask for the right")
