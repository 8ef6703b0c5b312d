"""What can go wrong, as one tree.

Promise: every error that this package raises on purpose is a ``MicrogradError`` and also the builtin error that
Python's users expect there; its text names the thing, what was given, what is allowed and the way out; and after
it no ``.data``, ``.grad``, file or graph has changed.

    MicrogradError
    ├── NumberError      (TypeError)           not one real number
    ├── TooLargeError    (OverflowError)       an int that no float holds
    ├── ArgumentError    (ValueError)          right type, wrong value
    │   ├── ShapeError                         wrong number of inputs, weights, layers
    │   ├── UnknownNameError                   a name that is not on the list, which is given
    │   └── StateError                         a state_dict that does not fit
    ├── ArgumentTypeError (TypeError)          wrong type
    ├── GraphError       (RuntimeError)        a graph that can't answer what was asked of it
    ├── RenderError      (RuntimeError)        a picture that can't be drawn on this machine
    └── AnomalyError     (FloatingPointError)  nan or inf, under detect_anomaly
"""

from collections.abc import Iterable
from difflib import get_close_matches


class MicrogradError(Exception):
    """The root: ``except MicrogradError`` catches whatever this package raises on purpose."""


class NumberError(MicrogradError, TypeError):
    """A Value was asked to hold something else than one real number."""


class TooLargeError(MicrogradError, OverflowError):
    """A number lies beyond the largest float, 1.8e308."""


class ArgumentError(MicrogradError, ValueError):
    """An argument of the right type has a value that is not allowed."""


class ShapeError(ArgumentError):
    """A list has the wrong length."""


class UnknownNameError(ArgumentError):
    """A name that is not on the list of legal names."""

    def __init__(self, kind: str, given: object, legal: Iterable[str]) -> None:
        names = sorted(legal)
        nearest = get_close_matches(str(given), names, n=len(names), cutoff=0.0)
        super().__init__(f"unknown {kind} {given!r}; choose one of: {', '.join(nearest)}")


class StateError(ArgumentError):
    """A state_dict does not fit the module that was asked to load it."""


class ArgumentTypeError(MicrogradError, TypeError):
    """An argument has a type that is not allowed."""


class GraphError(MicrogradError, RuntimeError):
    """The recorded graph can't answer what was asked of it."""


class RenderError(MicrogradError, RuntimeError):
    """A picture can't be drawn: no ``dot`` was found, or it failed."""


class AnomalyError(MicrogradError, FloatingPointError):
    """An operation made nan or inf while ``detect_anomaly`` was watching."""
