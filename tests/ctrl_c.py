"""Ctrl-C at a chosen instruction: a real SIGINT, raised when Python is about to run it."""

import signal
import sys
from collections.abc import Callable
from dis import opname
from types import FrameType
from typing import Any

PACKAGE = ("micrograd_nn", "<compiled by micrograd_nn>")


class Moment:
    """Counts the instructions of this package from ``arm`` on, and raises SIGINT before the one of that number.

    Stricter than Ctrl-C, which Python hears at calls and at jumps back only: ``heard`` counts just those.
    """

    def __init__(self, instruction: int = 0, heard: bool = False) -> None:
        self.seen, self._last, self._heard = 0, instruction, heard

    def arm(self) -> None:
        """Begin, with the functions that are under way and those that they call."""
        sys.settrace(self._trace)
        frame: FrameType | None = sys._getframe(1)
        while frame:
            self._watch(frame)
            frame = frame.f_back

    def run(self, function: Callable[[], Any]) -> bool:
        """Whether KeyboardInterrupt came out of the function, which arms it or not."""
        before = sys.gettrace()
        try:
            function()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False

    def _watch(self, frame: FrameType) -> bool:
        ours = any(name in frame.f_code.co_filename for name in PACKAGE) and "tests" not in frame.f_code.co_filename
        if ours:
            frame.f_trace, frame.f_trace_opcodes = self._trace, True
        return ours

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "call" and not self._watch(frame):
            return None
        if event == "opcode" and (not self._heard or _is_heard(frame)):
            self.seen += 1
            if self.seen == self._last:
                signal.raise_signal(signal.SIGINT)
        return self._trace


def _is_heard(frame: FrameType) -> bool:
    return opname[frame.f_code.co_code[frame.f_lasti]].startswith(("CALL", "PRECALL", "RESUME", "JUMP_BACKWARD"))
