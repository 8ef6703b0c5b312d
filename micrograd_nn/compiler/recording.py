"""Recording for every row: a graph that was recorded without a look at any number can't depend on the numbers.

Promise (tests/test_recording.py): whoever looks while it is recorded, by ``.data``, ``float()``, ``if x > 3``, ``==``,
``print`` or ``no_grad``, gets a GraphError that names the line; so does whoever catches it and goes on.
"""

import linecache
import os
import pickle
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from itertools import repeat
from typing import Any

from ..engine.modes import Mode, enable_grad, now
from ..engine.value import Value, as_value
from ..errors import GraphError
from ..nn.module import Parameter

PACKAGE, LIBRARY = os.path.dirname(os.path.dirname(__file__)), os.path.dirname(os.__file__)
WAY_OUT = "write it with maximum, minimum, step or abs, or leave it to the scalar engine"
_looked: ContextVar[str] = ContextVar(
    "looked", default=""
)  # what was said of the first look: code may swallow an error


def _hidden(attribute: str) -> Any:
    """An attribute of a Value that nobody may look at or change while numbers are hidden."""
    own = vars(Value)[attribute]

    def get(self: Value) -> Any:
        _look()
        return own.__get__(self)

    def change(self: Value, number: Any) -> None:
        _look()
        own.__set__(self, number)

    return property(get, change)


def _unseen_too(attribute: str) -> Any:
    """An operand, which is unseen from when somebody gets at it: so what is above is marked, and not a whole graph."""
    own = vars(Value)[attribute]

    def get(self: Value) -> Any:
        operand = own.__get__(self)
        if operand.__class__ is Value and operand.left is not None and now()[2]:
            operand.__class__ = Unseen
        return operand

    return property(get, own.__set__)


class Unseen(Value):
    """A Value whose number may be any: under ``hide_numbers`` a look at it raises, elsewhere it is like another."""

    __slots__ = ()
    data, _grad, partials = map(_hidden, ("data", "_grad", "partials"))
    left, right = map(_unseen_too, ("left", "right"))

    @classmethod
    def made(cls, node: Value, recording: bool) -> Value:
        """What was made of one that is unseen, and so is unseen."""
        if not recording:
            _look()  # its number would stay behind in a leaf
        node.__class__ = cls
        return node


class UnseenParameter(Parameter, Unseen):
    """The same of a parameter, which has a place for attributes that a Value has not."""

    __slots__ = ()


HIDDEN: dict[type[Value], type[Value]] = {Value: Unseen, Parameter: UnseenParameter}
SHOWN = {hidden: kind for kind, hidden in HIDDEN.items()}


class hide_numbers(Mode):
    """A look at the number of an ``Unseen`` raises GraphError."""

    spreading = Unseen


def _look() -> None:
    """Somebody looks at an ``Unseen``. While numbers are hidden this raises GraphError, with the user's line."""
    if not now()[2]:
        return
    frame: Any = sys._getframe(1)
    while frame.f_back and not _is_users(frame.f_code.co_filename):
        frame = frame.f_back
    file, number = frame.f_code.co_filename, frame.f_lineno
    line = linecache.getline(file, number, frame.f_globals).strip()
    said = f"line {number} of {os.path.basename(file)} looks at a number: {line}"
    _looked.set(_looked.get() or f"{said}\nA compiled graph is the same for all rows: {WAY_OUT}")
    raise GraphError(_looked.get())


def _is_users(file: str) -> bool:
    """Whether code is neither ours, nor Python's own, such as copy.py, nor NumPy's."""
    library = file.startswith(LIBRARY) and "-packages" not in file
    return not (library or file.startswith(PACKAGE) or f"{os.sep}numpy{os.sep}" in file)


def record(function: Callable[..., Any], given: Sequence[Any], hidden: Iterable[Value], again: Any = None) -> Any:
    """``function(*given)``, one Value or several, as a graph that is the same whatever numbers hidden Values hold.

    Raises GraphError if the function looks at a number that depends on them, and names the line that does; if it draws
    a random number (the next call draws it again); or if it records another graph than ``again``, what it gave before.
    """
    leaves = {*hidden}
    kinds = [SHOWN.get(type(leaf), type(leaf)) for leaf in leaves]
    if not HIDDEN.keys() >= {*kinds}:
        raise GraphError(f"leaves of a class of one's own may look at their numbers: {WAY_OUT}")
    before = _random_state()
    hide, show = (map(setattr, leaves, repeat("__class__"), to) for to in (map(HIDDEN.get, kinds), kinds))
    _looked.set("")
    try:
        deque(hide, maxlen=0)
        with enable_grad(), hide_numbers():
            made = function(*given)
        with enable_grad():
            again = function(*given) if again is None else again
    except Exception:
        if not _looked.get():
            raise
    finally:
        deque(show, maxlen=0)  # all of it in one step of C, which no Ctrl-C divides
        drawn = pickle.dumps(before) != pickle.dumps(_random_state())
        _random_state(*before)
    if _looked.get():
        raise GraphError(_looked.get())
    if drawn or not _alike(made, again, leaves):
        name = getattr(function, "__name__", type(function).__name__)
        raise GraphError(f"{name} records another graph each time: is it random? A compiled graph is always the same")
    return made


def _random_state(*states: Any) -> tuple[Any, Any]:
    """Where Python's and NumPy's own random numbers stand; they go on from there if states are given."""
    numpy = sys.modules.get("numpy.random")  # nobody draws from it before it is imported
    if states:
        random.setstate(states[0])
    if numpy and any(states[1:]):
        numpy.set_state(states[1])
    return random.getstate(), numpy and numpy.get_state()


def as_list(made: Any) -> list[Any]:
    """One Value or several, as a list."""
    return list(made) if isinstance(made, Sequence) else [made]


def _alike(one: Any, other: Any, hidden: set[Value]) -> bool:
    """Whether two graphs are the same but for the objects that their nodes are."""
    ones, others = as_list(one), as_list(other)
    waiting = [*zip(map(as_value, ones), map(as_value, others), strict=False)]
    found: dict[Value, Value] = {}
    while waiting:
        a, b = waiting.pop()
        if a is b or found.get(a) is b:
            continue
        leaves_differ = a.left is None and (a in hidden or b in hidden or repr(a._data) != repr(b._data))
        if a in found or a.operation is not b.operation or leaves_differ:
            return False
        found[a] = b
        waiting += zip(a.operands, b.operands, strict=True)
    return len(ones) == len(others)
