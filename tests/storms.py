"""Ctrl-C by the thousand: a real signal at random moments of a loop, and each time the question what was left."""

import signal
from collections.abc import Callable
from random import Random

import pytest

needs_a_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no interval timer")
counts = pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])


def storm(work: Callable[[], object], left: Callable[[], object], count: int) -> int:
    """How often ``left()`` was true after one of so many signals that came while ``work()`` ran again and again.

    The KeyboardInterrupt is kept meanwhile with its traceback, as a notebook keeps the latest error.
    """
    draw, faults, before = Random(count), 0, signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for _ in range(count):
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(20e-6, 300e-6))
                while True:
                    work()
            except KeyboardInterrupt as error:
                kept = error
                faults += bool(left())
            del kept
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return faults
