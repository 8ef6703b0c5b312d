"""Ctrl-C at a good moment: a block that must not be cut in two puts it off, and a training stops between two steps.

Python calls the handler of SIGINT between any two instructions of the main thread, and the usual handler raises
KeyboardInterrupt there: between the first and the last of the parameters, say, that a step moves.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self


class deferred:
    """Ctrl-C waits until the block ends, or lets it in; the handler that was there gets it, the usual one or yours.

    In other threads than the main one, where no Ctrl-C ever comes, and where it is ignored or ends the process at once,
    nothing is put off. Blocks may be nested: what waited in the inner one waits on in the outer one. Entering and
    leaving takes about 6 µs, so it goes around many steps and not around each.

    >>> with deferred() as ctrl_c:
    ...     ctrl_c.waiting  # how many came so far
    0
    """

    def __enter__(self) -> Self:
        self.waiting = 0
        self._usual: Any = None
        handler = signal.getsignal(signal.SIGINT)
        if self._applies(handler):
            with suppress(ValueError):  # signals are the main thread's
                self._usual = signal.signal(signal.SIGINT, self._called)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._usual is not None:
            signal.signal(signal.SIGINT, self._usual)
            self.let_in()

    def let_in(self) -> None:
        """Here is a good moment: what has waited comes now, each as often as it came."""
        while self.waiting:
            self.waiting -= 1
            self._usual(signal.SIGINT, None)

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Inside this block nothing is put off."""
        if self._usual is None:
            yield
            return
        signal.signal(signal.SIGINT, self._usual)
        try:
            self.let_in()
            yield
        finally:
            signal.signal(signal.SIGINT, self._called)

    def _applies(self, handler: Any) -> bool:
        return callable(handler)

    def _called(self, number: int, frame: FrameType | None) -> None:
        self.waiting += 1


class answered(deferred):
    """The first Ctrl-C only counts, and the block answers it by ending; the next one raises KeyboardInterrupt.

    A handler of yours keeps its place, and is called as ever.
    """

    def let_in(self) -> None:
        """It has been answered."""

    def _applies(self, handler: Any) -> bool:
        return handler is signal.default_int_handler

    def _called(self, number: int, frame: FrameType | None) -> None:
        self.waiting += 1
        if self.waiting > 1:
            raise KeyboardInterrupt
