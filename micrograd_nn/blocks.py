"""Modes: what operations do while a ``with`` block runs.

A mode belongs to the thread or task that entered it and ends with its block, however the block ends. Ctrl-C can come
before the first line of an ``__exit__``, so no mode depends on one: every block has a lock of its own, ``with`` itself
releases it, in C, and the mode is on while the lock is held. Nothing is counted, and nothing has to be put back.
"""

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from threading import Lock
from typing import Any, TypeVar
from weakref import ref

from .errors import ArgumentTypeError

F = TypeVar("F", bound=Callable[..., Any])
open_locks: set[Any] = set()  # references to the locks of open blocks, in any thread: while it is empty, no mode is on
_blocks: ContextVar[tuple[Any, ...]] = ContextVar("blocks", default=())  # (mode, reference to the lock), innermost last


def now() -> tuple[bool, bool, Any]:
    """Whether operations record, whether they raise on nan and inf, and which class of nodes spreads, in this task."""
    recording, watching, spreading = True, False, None
    for mode, lock in _blocks.get():
        if _held(lock):
            recording = recording if mode.recording is None else mode.recording
            watching, spreading = watching or mode.watching, spreading or mode.spreading
    return recording, watching, spreading


def _held(reference: Any) -> bool | None:
    lock = reference()
    return None if lock is None else lock.locked()  # None: the block is over


class _Exit:
    """``__exit__`` of a mode: the release of a lock. ``with`` looks it up before it calls ``__enter__``."""

    def __get__(self, mode: "Mode | None", kind: type) -> Callable[..., None]:
        if mode is None:
            return lambda mode, *error: mode.__exit__(*error)
        by_hand = [lock() for _, lock in _blocks.get() if lock() in mode.by_hand]
        lock = by_hand[-1] if by_hand else mode.begin()
        mode.by_hand.discard(lock)
        leave: Callable[..., None] = lock.__exit__
        return leave


class Mode(ContextDecorator):
    """What operations do inside a block; a context manager and a decorator."""

    recording: bool | None = None  # None: as outside
    watching = False
    spreading: Any = None  # a class of Values; what is made of one of them is passed through its ``made``
    __exit__ = _Exit()

    def __init__(self) -> None:
        self.by_hand: set[Any] = set()  # locks that no ``with`` has: an ExitStack, say, called ``__enter__``

    @classmethod
    def begin(cls) -> Any:
        """The lock of a new block, not held yet."""
        lock = Lock()
        _blocks.set((*(block for block in _blocks.get() if _held(block[1]) is not None), (cls, ref(lock))))
        return lock

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __enter__(self) -> None:
        begun = [lock for mode, lock in _blocks.get() if mode is type(self) and _held(lock) is False]
        if not begun:
            self.by_hand.add(self.begin())
            begun = [_blocks.get()[-1][1]]
        if not self.recording or begun[-1] is not _blocks.get()[0][1]:  # else operations record anyway
            open_locks.add(ref(begun[-1](), open_locks.discard))
        begun[-1]().acquire()  # the lock gets no name here: a traceback would keep it

    def __call__(self, function: F) -> F:
        if isgeneratorfunction(function) or iscoroutinefunction(function) or isasyncgenfunction(function):
            raise ArgumentTypeError(
                f"{type(self).__name__} as a decorator ends before {function.__name__} runs, which returns a generator "
                f"or a coroutine: write `with {type(self).__name__}():` inside it"
            )
        return super().__call__(function)
