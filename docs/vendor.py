"""What the pages bring along, so that they ask no other host for anything: packages of npm, each held to its sum."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple


class Package(NamedTuple):
    """A package of npm: its version, the sha256 of its archive, and the files that are taken out of it."""

    name: str
    version: str
    sha256: str
    files: tuple[str, ...]


PACKAGES = (
    Package(
        "mathjax",  # formulas
        "3.2.2",
        "1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09",
        ("es5/tex-svg.js",),
    ),
    Package(
        "pyodide",  # Python in the browser
        "314.0.7",
        "66b7949e5a0cba2250b586d7e368bf12fb482800748d182c4618254b685ffaa0",
        ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"),
    ),
)


def brought(folder: Path, name: str) -> Path:
    """Where the files of a package lie."""
    return next(folder / f"{package.name}-{package.version}" for package in PACKAGES if package.name == name)


def fetch(folder: Path) -> None:
    """Each package's files into a folder of its name, unless they are there. Raises SystemExit where npm is missing."""
    npm = shutil.which("npm")
    for package in PACKAGES:
        into = brought(folder, package.name)
        if all((into / Path(file).name).is_file() for file in package.files):
            continue
        if npm is None:
            raise SystemExit("npm brings MathJax and Pyodide, and it is not on this machine: install Node.js")
        with tempfile.TemporaryDirectory() as scratch:
            _unpack(package, _packed(package, npm, Path(scratch)), into)


def _packed(package: Package, npm: str, folder: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    subprocess.run([npm, "pack", "--silent", wanted], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        raise SystemExit(f"{wanted} has the checksum {found}, wanted {package.sha256}")
    return archive


def _unpack(package: Package, archive: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as content:
        for file in package.files:
            member = content.extractfile(f"package/{file}")
            assert member is not None  # the archive is the one whose sum was held against
            (into / Path(file).name).write_bytes(member.read())
