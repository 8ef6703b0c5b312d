"""What is switched on while a ``with`` block runs: ``no_grad``, ``enable_grad`` and ``detect_anomaly``.

Promise: a mode belongs to the thread or task that entered it and ends with its block. While none changes anything,
an operation pays a single look at ``entered`` for them.
"""

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from threading import Lock
from types import TracebackType
from typing import Any, TypeVar

from ..errors import ArgumentTypeError

F = TypeVar("F", bound=Callable[..., Any])

entered = 0  # how many open blocks change something, in any thread: the hot path's one question
recording: ContextVar[bool] = ContextVar("recording", default=True)
watching: ContextVar[bool] = ContextVar("watching", default=False)
_lock = Lock()


class _Mode:
    """A variable that holds another value inside a block; serves as context manager and as decorator."""

    _variable: ContextVar[bool]
    _inside: bool

    def __init__(self) -> None:
        self._tokens: list[tuple[Token[bool], bool]] = []

    def __enter__(self) -> None:
        changes = self._variable.get() is not self._inside
        _count(+changes)
        self._tokens.append((self._variable.set(self._inside), changes))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        token, changed = self._tokens.pop()
        self._variable.reset(token)
        _count(-changed)

    def __call__(self, function: F) -> F:
        if isgeneratorfunction(function) or iscoroutinefunction(function) or isasyncgenfunction(function):
            raise ArgumentTypeError(
                f"{type(self).__name__} as a decorator ends before {function.__name__} runs, which returns a generator "
                f"or a coroutine: write `with {type(self).__name__}():` inside it"
            )

        @wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return inside  # type: ignore[return-value]  # wraps keeps the signature


class no_grad(_Mode):
    """Operations compute but record nothing: their results are leaves.

    >>> from micrograd_nn import Value
    >>> w = Value(2.0)
    >>> with no_grad():
    ...     (w * 3).operands
    ()
    """

    _variable, _inside = recording, False


class enable_grad(_Mode):
    """Operations record again, inside a ``no_grad`` block."""

    _variable, _inside = recording, True


class detect_anomaly(_Mode):
    """Operations and sweeps raise AnomalyError where they make nan or inf, and say which one and of what.

    >>> from micrograd_nn import Value, log
    >>> with detect_anomaly():
    ...     log(Value(-1.0, "x"))
    Traceback (most recent call last):
    ...
    micrograd_nn.errors.AnomalyError: log made nan of x = -1.0; it is real where a > 0
    """

    _variable, _inside = watching, True


def _count(change: int) -> None:
    global entered
    with _lock:
        entered += change
