"""Sphinx: the chapters executed, the rooms from their docstrings, the operations from their rows."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from docs import live, pages, vendor  # noqa: E402  # found beside this file
from micrograd_nn import __version__  # noqa: E402

project, author, version = "micrograd_nn", "The micrograd_nn founders", __version__
copyright = "the micrograd_nn founders, MIT licence"
extensions = ["myst_nb"]
exclude_patterns = ["_build", "_vendor", "_live", "page"]
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]

html_theme = "furo"
html_title = "micrograd_nn"
html_static_path = ["_static", str(vendor.brought(HERE / "_vendor", "mathjax"))]
html_extra_path = ["_live"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
mathjax_path = "tex-svg.js"  # our own copy: the site asks no other host for anything

nb_execution_mode = "cache"
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_cache_path = str(HERE / "_build" / "executed")
suppress_warnings = ["mystnb.unknown_mime_type"]


def setup(app: object) -> None:
    """Pages that are made from the package itself are written before Sphinx looks for its sources."""
    pages.write(HERE)
    live.write(HERE)
