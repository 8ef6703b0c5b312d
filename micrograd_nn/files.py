"""Files at the edge: written whole or not at all, and read up to a limit.

Promise: after ``write_whole`` the path holds either the old bytes or the new ones, whatever happened in between, and
no stray file stays behind; every fault of the system comes out as a FileError.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import ArgumentTypeError, FileError, FileMissingError, MicrogradError

STRAY = ".part"  # the ending of a file under way; kill -9 may leave one, which nobody reads


def name_of(path: Any) -> str:
    """A file's path as text. Raises ArgumentTypeError for what is no path: a number would be taken for an open file."""
    if not isinstance(path, str | os.PathLike):
        raise ArgumentTypeError(f"a file's path is a str or a Path, got the {type(path).__name__} {path!r:.60}")
    return os.fspath(path)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write aside, flush to the disk, then take the name over. Raises FileError; the old file is then whole."""
    target = Path(name_of(path))
    with faults_as_errors(str(target), "written", "; what was there before is still there"):
        target = Path(os.path.realpath(target))  # a link stays a link
        handle, aside = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=STRAY, dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(aside, _mode_of(target))
            os.replace(aside, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(aside)
            raise
        _flush_folder(target.parent)


def read_whole(path: str | os.PathLike[str], limit: int = -1) -> bytes:
    """The content of a file, or its first ``limit`` bytes. Raises FileMissingError or FileError."""
    name = name_of(path)
    with faults_as_errors(name), open(name, "rb") as file:
        return file.read(limit)


def check_regular(path: str | os.PathLike[str]) -> None:
    """Raise FileError for a folder, a device or a pipe, which would be waited for. Inside of ``faults_as_errors``."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise FileError(f"{name_of(path)} is no file but a folder, a pipe or a device")


@contextmanager
def faults_as_errors(name: str, done: str = "read", comfort: str = "") -> Iterator[None]:
    """Whatever the system says while that file is read or written comes out as FileMissingError or FileError."""
    try:
        yield
    except MicrogradError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        kind = FileMissingError if isinstance(error, FileNotFoundError) else FileError
        said = f"{name} could not be {done}: {getattr(error, 'strerror', None) or error}{comfort}"
        nowhere = kind is FileMissingError and done == "read"
        raise kind(f"there is no file {name}" if nowhere else said) from error


def _mode_of(target: Path) -> int:
    """The old file's permissions, or those of a new one: mkstemp's own are for the owner alone."""
    with suppress(OSError):
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _flush_folder(folder: Path) -> None:
    """Bring the new name to the disk too, where that can be done; the file is whole under its name either way."""
    if not hasattr(os, "O_DIRECTORY"):
        return  # on Windows a folder can't be opened, and needn't be
    with suppress(OSError):  # a folder that may be written but not read, or a network's that can't be flushed
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
