"""What pytest needs to know: tests may leave the table as they found it, hear Ctrl-C, and run on every backend."""

import os
import signal
from collections.abc import Iterator

import pytest

from micrograd_nn.compiler import registry
from micrograd_nn.compiler.c import library as c_library
from micrograd_nn.compiler.registry import BACKENDS
from micrograd_nn.engine.operation import TABLE, Operation
from micrograd_nn.engine.ops import absolute, div

collect_ignore = ["data"]  # what made the expected numbers needs PyTorch, and is kept to be read


@pytest.fixture
def own_rows() -> Iterator[None]:
    """Rows that a test writes leave the table with it."""
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)


@pytest.fixture
def softsign(own_rows: None) -> Operation:
    """A row of the user's own: a / (1 + |a|), which runs from -1 to 1 like tanh, but slowly."""
    TABLE.pop("softsign", None)  # should the package bring one some day
    return Operation(
        "softsign",
        doc="a / (1 + |a|): a slow tanh.",
        forward=lambda a: a / (1.0 + abs(a)),
        partials=(lambda a, out: div(1.0, 1.0 + absolute(a)) * div(1.0, 1.0 + absolute(a)),),
        textbook=(lambda a, out: 1.0 / (1.0 + abs(a)) ** 2.0,),
        latex=r"\operatorname{{softsign}}\left({a:0}\right)",
        numpy="{a} / (1.0 + np.abs({a}))",
    )


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C is heard, here and in processes started here: what runs in a shell's background ignores it at first."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def _own_libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is compiled to C here goes with the tests, and is compiled quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        named = os.environ.get("CC")
        if not c_library.missing():
            patch.setenv("CC", f"{named or c_library.found(named)[0][0]} -O1")
        yield


@pytest.fixture
def optimised(monkeypatch: pytest.MonkeyPatch) -> None:
    """C is compiled as users have it."""
    monkeypatch.setenv("CC", os.environ.get("CC", "").removesuffix(" -O1"))


@pytest.fixture(params=[*BACKENDS, "c in arrays"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each backend by name; C also in the form that larger graphs have. Skipped with its reason where it can't run."""
    name, *form = request.param.split()
    if name in BACKENDS and BACKENDS[name].missing():
        pytest.skip(BACKENDS[name].missing())
    if form:
        monkeypatch.setattr(registry, "STRAIGHT", -1)
    return name
