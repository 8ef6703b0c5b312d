"""The tree of errors: as drawn, rooted in one, each also the builtin that Python's users expect."""

import builtins
import re
import sys
from collections.abc import Callable

import pytest

from micrograd_nn import MLP, Value, errors, from_torch, to_sympy, to_torch
from micrograd_nn.draw.plot import plot_loss
from micrograd_nn.errors import ExtraMissingError, GraphError, MicrogradError, UnknownNameError

CLASSES = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and kind.__module__ == errors.__name__
}
DRAWN = re.findall(r"^\s+([│ ├└─]*)(\w+Error)(?:\s+\((\w+)\))?\s", errors.__doc__ or "", flags=re.MULTILINE)


def test_the_drawing_shows_every_class() -> None:
    assert sorted(name for _, name, _ in DRAWN) == sorted(CLASSES)


def test_the_drawing_shows_who_inherits_from_whom() -> None:
    path: list[str] = []
    for stem, name, builtin in DRAWN:
        depth = len(stem) // 4
        path = [*path[:depth], name]
        if depth:
            assert issubclass(CLASSES[name], CLASSES[path[depth - 1]]), f"{name} under {path[depth - 1]}"
        if builtin:
            named = CLASSES.get(builtin) or getattr(builtins, builtin)
            assert issubclass(CLASSES[name], named), f"{name} is a {builtin}"


@pytest.mark.parametrize("name", CLASSES)
def test_one_root_and_a_docstring(name: str) -> None:
    kind = CLASSES[name]
    assert issubclass(kind, MicrogradError)
    assert kind.__doc__
    if kind is not MicrogradError:
        own = [base for base in kind.__mro__ if base.__module__ == "builtins"]
        assert len(own) > 3, f"{name} is also a builtin error, not only an Exception"


def test_names_come_nearest_first_and_all() -> None:
    text = str(UnknownNameError("fruit", "aple", ["banana", "apple", "cherry"]))
    assert text.startswith("unknown fruit 'aple'; choose one of: apple")
    assert all(fruit in text for fruit in ("banana", "cherry"))
    assert "choose one of" in str(UnknownNameError("fruit", 5, ["banana"]))


def test_no_message_hides_or_floods_anything():
    """Labels reach messages from many places: escape codes, lone surrogates, a whole megabyte."""
    hostile = ["\x1b[31m", "\ud800", "a\u202eb", "x" * 1_000_000, "\0"]
    for error in (UnknownNameError("node", hostile[3], hostile), GraphError("\n".join(hostile))):
        for line in str(error).split("\n"):
            assert line.isprintable()
            assert len(line) < 2100
            line.encode()
    for label in hostile:
        assert repr(Value(1.0, label)).isprintable()
        assert len(repr(Value(1.0, label))) < 200


def test_of_very_many_names_the_nearest_are_shown():
    text = str(UnknownNameError("node", "h77", [f"h{i}" for i in range(1000)]))
    assert text.startswith("unknown node 'h77'; choose one of: h77, ")
    assert text.endswith(" and 900 more")


MISSING = [
    ("matplotlib", r"'micrograd-nn\[plot\]'", lambda: plot_loss([1.0])),
    ("sympy", "sympy", lambda: to_sympy(Value(1.0, "x"))),
    ("torch", "torch", lambda: to_torch(MLP(1, [1]))),
    ("torch", "torch", lambda: from_torch(None)),
]


@pytest.mark.parametrize(("library", "brings", "use"), MISSING)
def test_a_library_that_is_missing_is_named_with_what_brings_it(
    library: str, brings: str, use: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # Python's own way to say that it is not there
    with pytest.raises(ExtraMissingError, match=f"python -m pip install {brings}"):
        use()
