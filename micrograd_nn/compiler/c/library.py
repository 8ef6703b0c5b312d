"""The system's C compiler, and the libraries that it makes: each compiled once, and kept in the user's cache folder.

A library is code: it is loaded only from a folder that nobody else can write to. It is written aside and then renamed,
so that another process sees it whole or not at all, and its name says what it was made of: the source, the compiler and
what the processor can do.
"""

import ctypes
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

from ...errors import CompilerError

COMPILERS = ("cc", "clang", "gcc")  # the first that is there, unless CC names one
FLAGS = ("-std=c99", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
EXACT = ("-ffp-contract=off", "-fno-builtin-pow", "-fno-tree-slp-vectorize")  # each operation is rounded
WIDE = ("-ffp-contract=fast",)
LONG = 300_000  # characters of a source: beyond, optimising it takes minutes
KEPT = 500  # libraries in the cache folder; the oldest go
NATIVE = ("-march=native", "-mcpu=native", "")  # how compilers are told to use all that this processor has
WAY_OUT = "install one (Debian: apt install gcc; macOS: xcode-select --install) or name yours in the variable CC"


@cache
def found(named: str | None) -> tuple[tuple[str, ...], str, str]:
    """The compiler's command with flags for this processor, what it then defines, and what is wrong; "" if nothing."""
    candidates = [shlex.split(named)] if named else [[name] for name in COMPILERS]
    commands = [command for command in candidates if command and shutil.which(command[0])]
    if not commands:
        looked = f"CC={named}" if named else ", ".join(COMPILERS)
        return (), "", f"there is no C compiler here ({looked}): {WAY_OUT}"
    said = ""
    for native in NATIVE:
        name, *own = commands[0]
        command = (name, *filter(None, [native]), *own)
        # every macro that is defined beforehand: the compiler's version, and the processor's instructions
        done = subprocess.run(
            [*command, "-dM", "-E", "-x", "c", os.devnull], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return command, done.stdout, ""
        said = said or next(iter(done.stderr.strip().splitlines()), "nothing")
    return (), "", f"the C compiler {commands[0][0]} does not work, it said {said[:200]!r}: {WAY_OUT}"


def missing() -> str:
    """What is lacking on this machine, and how to get it; "" if C can be compiled."""
    return found(os.environ.get("CC"))[2]


def load(source: str, exact: bool) -> ctypes.CDLL:
    """The library of a source, compiled if it is not there yet. Raises CompilerError with what the compiler said."""
    command, macros, fault = found(os.environ.get("CC"))
    if fault:
        raise CompilerError(fault)
    wide = ("-mprefer-vector-width=512",) if "__AVX512F__" in macros and not exact else ()
    flags = (*FLAGS, "-O1" if len(source) > LONG else "-O3", *(EXACT if exact else WIDE), *wide)
    key = sha256("\0".join([source, *command, *flags, macros]).encode()).hexdigest()
    path = folder() / f"{key}.so"
    with suppress(OSError):
        return ctypes.CDLL(str(path))
    _compile([command[0], *flags, *command[1:]], source, path)  # the user's own flags come last
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise CompilerError(f"what the C compiler {command[0]} made can't be loaded: {error}") from error


def _compile(command: list[str], source: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as aside:
        made, text = Path(aside, "made.so"), Path(aside, "source.c")
        text.write_text(source, encoding="utf-8")
        done = subprocess.run([*command, "-o", made, text, "-lm"], capture_output=True, text=True, check=False)
        if done.returncode:
            said = "\n".join(done.stderr.strip().splitlines()[:3])
            raise CompilerError(f"the C compiler {command[0]} refused what was compiled; it said: {said}")
        os.replace(made, path)
    for old in sorted(path.parent.glob("*.so"), key=_age)[KEPT:]:
        old.unlink(missing_ok=True)


def _age(path: Path) -> float:
    with suppress(FileNotFoundError):  # another process has taken it away
        return -path.stat().st_mtime
    return 0.0


@cache
def folder() -> Path:
    """The cache folder, or one for this process alone where others could write to it."""
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/.cache")
    chosen = Path(home, "micrograd_nn")
    with suppress(OSError):
        chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_ours(chosen) and os.access(chosen, os.W_OK):
            return chosen
    return Path(_own().name)


@cache
def _own() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="micrograd_nn.", ignore_cleanup_errors=True)  # gone with the process


def is_ours(folder: Path) -> bool:
    """Whether the user, and the system's administrator, are all who can change what is in a folder or exchange it."""
    if sys.platform == "win32":
        return True  # the folder for local data is the user's own there
    real = folder.resolve()
    return _closed(real.stat(), sticky=False) and all(_closed(parent.stat(), sticky=True) for parent in real.parents)


def _closed(status: os.stat_result, sticky: bool) -> bool:
    """Whether nobody else can write there; in a sticky folder others can't touch what is ours."""
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid in (0, os.getuid()) and not (shared and not (sticky and status.st_mode & stat.S_ISVTX))
