"""What pytest needs to know: tests may leave the table as they found it."""

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
