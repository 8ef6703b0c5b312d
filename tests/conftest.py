"""What pytest needs to know: tests may leave the table as they found it, and hear Ctrl-C wherever they run."""

import signal
from collections.abc import Iterator

import pytest

from micrograd_nn.operation import TABLE

collect_ignore = ["data"]  # what made the expected numbers needs PyTorch, and is kept to be read


@pytest.fixture
def own_rows() -> Iterator[None]:
    """Rows that a test writes leave the table with it."""
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C is heard, here and in processes started here: what runs in a shell's background ignores it at first."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
