"""A progress bar where somebody watches: in a terminal and in Jupyter, and nowhere else.

Promise: nothing is written where standard error is a file or a pipe.
"""

import sys
from importlib.util import find_spec
from typing import Any


def progress_bar(wanted: bool = True, **options: Any) -> Any:
    """A tqdm bar with these options; silent unless it is wanted and there is a terminal or a notebook."""
    if wanted and "ipykernel" in sys.modules:
        if find_spec("ipywidgets"):
            from tqdm.notebook import tqdm as notebook_bar

            return notebook_bar(**options)
        wanted_in_kernel: bool | None = False
    else:
        wanted_in_kernel = None if wanted else True
    from tqdm import tqdm

    return tqdm(disable=wanted_in_kernel, dynamic_ncols=True, **options)
