"""Python's cyclic collector, at rest while something large grows.

A recorded graph has no cycles, so the collector finds nothing in it, and yet walks all of it again and again while it
grows: for six times as long as the recording itself takes, at 800,000 nodes.
"""

import gc
import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
NEVER = 1 << 30  # new objects, more than fit in memory: the collector does not come before there are so many
_usual = gc.get_threshold()


def undisturbed(grow: Callable[P, T]) -> Callable[P, T]:
    """The function, run with the collector at rest: for what makes thousands of objects at a stroke.

    It rests by its threshold; ``gc.disable()`` and ``gc.enable()`` are left to the user.
    """

    @wraps(grow)
    def at_rest(*args: P.args, **kwargs: P.kwargs) -> T:
        global _usual
        before = gc.get_threshold()
        if before[0] == NEVER:  # it rests already
            return grow(*args, **kwargs)
        _usual = before
        try:
            gc.set_threshold(NEVER)
            return grow(*args, **kwargs)
        finally:
            gc.set_threshold(*before)

    return at_rest


def _wake() -> None:
    if gc.get_threshold()[0] == NEVER:
        gc.set_threshold(*_usual)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_wake)  # the thread that let it rest is not in the child
