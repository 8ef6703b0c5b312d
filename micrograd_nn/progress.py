"""How far a long job is, where somebody watches: in a terminal and in Jupyter, and nowhere else.

Promise: nothing is written, and tqdm not imported, where standard error is a file or a pipe.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Event, Thread
from typing import Any

PATIENCE = 2.0  # seconds before a wait is worth a word


class Unseen:
    """A bar that nobody watches: it does nothing."""

    def __enter__(self) -> "Unseen":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n: float = 1) -> None:
        """So much more is done."""

    def set_postfix(self, shown: Any, refresh: bool = True) -> None:
        """Figures behind the bar."""


def progress_bar(wanted: bool = True, **options: Any) -> Any:
    """A tqdm bar with these options; unseen unless it is wanted, there is a terminal or a notebook, and tqdm."""
    notebook = _in_notebook()
    seen = notebook or (sys.stderr is not None and sys.stderr.isatty())
    if not wanted or not seen or not find_spec("tqdm"):
        return Unseen()
    if notebook and find_spec("ipywidgets"):
        from tqdm.notebook import tqdm as notebook_bar

        return notebook_bar(**options)
    from tqdm import tqdm

    return tqdm(dynamic_ncols=True, **options)


@contextmanager
def waiting(what: str, wanted: bool = True) -> Iterator[None]:
    """A clock beside these words while the block runs, from its third second on; bars may come and go below it."""
    done = Event()
    with progress_bar(wanted, desc=what, bar_format="{desc} {elapsed}", leave=False, delay=PATIENCE) as clock:

        def tick() -> None:
            while not done.wait(PATIENCE / 2):
                clock.update(0)

        ticking = Thread(target=tick, daemon=True)
        if not isinstance(clock, Unseen):
            ticking.start()
        try:
            yield
        finally:
            done.set()
            if ticking.ident:
                ticking.join()


def write(text: str) -> None:
    """Print a line above all bars."""
    bars = sys.modules.get("tqdm")
    if bars:
        bars.tqdm.write(text)
    else:
        sys.stdout.write(f"{text}\n")


def _in_notebook() -> bool:
    """Whether this code runs in a kernel; that somebody imported Jupyter's packages says nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
