"""A notebook run from a clean kernel and written as one HTML page.

Promise (tests/test_notebooks.py): the page needs nothing but itself: pictures are inside, formulas are MathML, and no
script, font or style is fetched from anywhere.
"""

import asyncio
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import Any

from ..draw.mathml import mathml
from ..errors import ExtraMissingError, FileError, FormatError
from ..files import write_whole

TIMEOUT = 600  # seconds for one cell
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDE = 1100  # points: a drawing up to this width is scaled to the page, a wider one can be scrolled


def write_page(chapter: Path) -> Path:
    """Run the notebook and write it as a page beside it. Returns the page's path.

    Raises FormatError if it is no notebook, FileError if a cell fails, ExtraMissingError if Jupyter is not installed.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, DeadKernelError
    except ImportError as error:
        raise ExtraMissingError(
            f"pages are made with Jupyter ({error}): python -m pip install 'micrograd-nn[notebook]'"
        ) from None
    content = chapter.read_bytes()
    try:
        notebook = nbformat.reads(content.decode(), as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
    except Exception:  # what is no notebook fails in there in many ways
        raise FormatError(f"{chapter} is no notebook: move it away, and the chapter is copied anew") from None
    client = NotebookClient(notebook, timeout=TIMEOUT, resources={"metadata": {"path": str(chapter.parent)}})
    try:
        _execute(client)
    except CellExecutionError as error:
        why = f"{error.ename}: {error.evalue.splitlines()[0] if error.evalue else ''}"
        raise FileError(f"{chapter} does not run, so there is no page of it: {why}") from None
    except DeadKernelError:
        raise FileError(f"{chapter} does not run, so there is no page of it: its Python ended in the middle") from None
    target = chapter.with_suffix(".html")
    write_whole(target, page(notebook).encode())
    return target


def _execute(client: Any) -> None:
    """Run the notebook in a thread: in this one, nbclient would take Ctrl-C to itself and trip over it."""
    kernels: list[Any] = []
    client.on_notebook_start = lambda notebook: kernels.append(client.km.provisioner.process)
    with ThreadPoolExecutor(1) as thread:
        # the kernel's own log goes nowhere; what a cell says comes another way
        running = thread.submit(asyncio.run, client.async_execute(stderr=subprocess.DEVNULL))
        try:
            running.result()
        except KeyboardInterrupt:
            while not running.done():  # the kernel may still be on its way
                for kernel in kernels:
                    kernel.terminate()
                time.sleep(0.1)
            raise


def page(notebook: Any) -> str:
    """A notebook that has been run, as the text of an HTML page."""
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
    from pygments.formatters import HtmlFormatter

    class Renderer(IPythonRenderer):
        def inline_math(self, body: str) -> str:
            return mathml(body)

        def block_math(self, body: str) -> str:
            return mathml(body, block=True)

    def markdown(source: str) -> str:
        linked = re.sub(r"\((\w+)\.ipynb\)", r"(\1.html)", source)
        text: str = MarkdownWithMath(renderer=Renderer(escape=False)).render(linked)
        return text

    loader = DictLoader({"page": _file("page.html.j2")})
    exporter: Any = HTMLExporter(template_name="lab", extra_loaders=[loader])  # type: ignore[no-untyped-call]
    exporter.template_file = "page"
    exporter.register_filter("markdown2html", markdown)
    exporter.register_filter("size", lambda svg: " wide" if _width(svg) > WIDE else "")
    exporter.register_filter("formula", lambda latex: mathml(latex.strip("$\n "), block=True))
    colours = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        cell.outputs = [output for output in cell.get("outputs", []) if not _is_progress(output)]
    notebook.metadata |= {"title": title_of(notebook), "style": _file("page.css") + colours}
    text: str = exporter.from_notebook_node(notebook)[0]
    return text


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def title_of(notebook: Any) -> str:
    """The first heading."""
    headings = [line for cell in notebook.cells for line in cell.source.splitlines() if line.startswith("# ")]
    return str(headings[0]).removeprefix("# ") if headings else "notebook"


def _is_progress(output: Any) -> bool:
    """A bar moves while a chapter runs: text on standard error, or a widget, which is a script."""
    return output.get("name") == "stderr" or WIDGET in output.get("data", {})


def _width(svg: str) -> float:
    found = re.search(r'<svg[^>]* width="([\d.]+)pt"', svg)
    return float(found[1]) if found else 0.0
