"""A notebook run from a clean kernel and written as one HTML page.

Promise: the page needs nothing but itself: pictures are inside, formulas are MathML, and no script, font or style is
fetched from anywhere.
"""

import asyncio
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

from ..draw.mathml import mathml
from ..errors import ExtraMissingError, FileError, FormatError
from ..files import write_whole

TIMEOUT = 600  # seconds for one cell
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDE = 1100  # points: a drawing up to this width is scaled to the page, a wider one can be scrolled
TEMPLATE = r"""
{%- extends 'base.html.j2' -%}
{%- block header -%}
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ nb.metadata.title | e }}</title><style>{{ nb.metadata.style }}</style></head>
<body><main>
{%- endblock header -%}
{%- block in_prompt -%}{%- endblock -%}
{%- block empty_in_prompt -%}{%- endblock -%}
{%- block output_area_prompt -%}{%- endblock -%}
{%- block data_svg -%}
<img class="drawing{{ output.data['image/svg+xml'] | size }}" alt="{{ output.data['text/plain'] | e }}"
 src="data:image/svg+xml;base64,{{ output.data['image/svg+xml'] | text_base64 }}">
{%- endblock -%}
{%- block data_png -%}
<img class="plot" alt="{{ output.data['text/plain'] | e }}" src="data:image/png;base64,{{ output.data['image/png'] }}">
{%- endblock -%}
{%- block data_latex -%}<div class="formula">{{ output.data['text/latex'] | formula }}</div>{%- endblock -%}
{%- block footer -%}</main></body></html>{%- endblock -%}
"""
STYLE = """
body { margin: 0; background: #fff; color: #1f2430; font: 1.02rem/1.6 system-ui, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 2rem 1.2rem 5rem; }
h1, h2, h3 { line-height: 1.25; margin: 2.2em 0 0.6em; } h1 { margin-top: 0.5em; }
a { color: #0b5cad; } a.anchor-link { display: none; }
code { background: #f2f3f6; padding: 0.1em 0.3em; border-radius: 4px; }
pre code { background: none; padding: 0; }
.jp-CodeCell { margin: 1.1em 0; } pre { margin: 0; overflow-x: auto; }
.jp-InputArea pre { background: #f6f7f9; border-left: 3px solid #c3cad6; padding: 0.7em 0.9em; border-radius: 4px; }
pre, code { font: 0.86rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
.jp-OutputArea { padding: 0.55em 0.9em; overflow-x: auto; }
.jp-OutputArea-child + .jp-OutputArea-child { margin-top: 0.6em; }
img { max-width: 100%; height: auto; } img.wide { max-width: none; }
table { border-collapse: collapse; margin: 0.6em 0; }
th, td { padding: 0.25em 0.7em; border-bottom: 1px solid #dde1e8; }
math { font-size: 1.08em; } math[display="block"] { margin: 1em 0; }
.jp-RenderedMarkdown { overflow-x: auto; }
.formula math[display="block"] { text-align: left; }
mtable > mtr > mtd:first-child { text-align: right; } mtable > mtr > mtd + mtd { text-align: left; }
mtd { padding: 0.35em 0.1em; } mtable > mtr > mtd:nth-child(4) { padding-left: 2.5em; }
"""


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
    try:
        notebook = nbformat.reads(chapter.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
    except OSError:
        raise
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

    loader = DictLoader({"page": TEMPLATE})
    exporter: Any = HTMLExporter(template_name="lab", extra_loaders=[loader])  # type: ignore[no-untyped-call]
    exporter.template_file = "page"
    exporter.register_filter("markdown2html", markdown)
    exporter.register_filter("size", lambda svg: " wide" if _width(svg) > WIDE else "")
    exporter.register_filter("formula", lambda latex: mathml(latex.strip("$\n "), block=True))
    colours = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        cell.outputs = [output for output in cell.get("outputs", []) if not _is_progress(output)]
    notebook.metadata |= {"title": title_of(notebook), "style": STYLE + colours}
    text: str = exporter.from_notebook_node(notebook)[0]
    return text


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
