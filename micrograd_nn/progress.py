"""A progress bar where somebody watches: in a terminal and in Jupyter, and nowhere else.

Promise: nothing is written where standard error is a file or a pipe.
"""

import sys
from importlib.util import find_spec
from typing import Any


def progress_bar(wanted: bool = True, **options: Any) -> Any:
    """A tqdm bar with these options; silent unless it is wanted and there is a terminal or a notebook."""
    silent = None if wanted else True  # None: tqdm looks whether there is a terminal
    if wanted and _in_notebook():
        if find_spec("ipywidgets"):
            from tqdm.notebook import tqdm as notebook_bar

            return notebook_bar(**options)
        silent = False
    from tqdm import tqdm

    return tqdm(disable=silent, dynamic_ncols=True, **options)


def _in_notebook() -> bool:
    """Whether this code runs in a kernel; that somebody imported Jupyter's packages says nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
