"""The live page put together: its own files, the front end, the lessons, the package as a zip, and Python itself.

Beside it stands the walk that the first page shows.
"""

import json
import shutil
import zipfile
from pathlib import Path

from micrograd_nn import walk
from micrograd_nn.draw._lesson import Lesson

from . import vendor

HERE = Path(__file__).parent
FRONT_END = ("live.js", "live.css")


def write(folder: Path) -> None:
    """The whole page into _live/live, from where it is copied into the site."""
    into = folder / "_live" / "live"
    shutil.rmtree(into, ignore_errors=True)
    package = folder.parent / "micrograd_nn"
    shutil.copytree(folder / "page", into, ignore=shutil.ignore_patterns("lessons"))
    for name in FRONT_END:
        shutil.copy(package / "draw" / name, into)
    for file in vendor.brought(folder / "_vendor", "pyodide").iterdir():
        shutil.copy(file, into)
    (into / "lessons.json").write_text(json.dumps(lessons(folder)), encoding="utf-8")
    walk(Lesson(lessons(folder)[0]["text"]).root).save(into.parent / "walk.html")
    with zipfile.ZipFile(into / "micrograd_nn.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for source in sorted((*package.rglob("*.py"), *package.rglob("*.css"))):
            archive.write(source, source.relative_to(package.parent))


def lessons(folder: Path) -> list[dict[str, str]]:
    """The lessons to begin with, each with the title that its first line gives."""
    texts = [file.read_text(encoding="utf-8") for file in sorted((folder / "page" / "lessons").glob("*.txt"))]
    return [{"title": text.splitlines()[0].lstrip("# "), "text": text} for text in texts]
