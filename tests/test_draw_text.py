"""Numbers in pictures are short and true; labels are text, whatever they hold."""

import math
import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_nn.notation.text import rounded, shown


def read(text):
    """What a reader takes a written number for."""
    return float(text.replace("−", "-").replace("∞", "inf"))


def digits_of(text):
    return len(text.lstrip("−").partition("e")[0].replace(".", "").lstrip("0"))


@given(st.floats())
def test_a_number_is_short_and_reads_back_to_four_digits(x):
    written = rounded(x)
    assert len(written) <= 11, written
    if math.isnan(x):
        assert written == "nan"
    elif math.isinf(x):
        assert read(written) == x
    else:
        exact = Decimal(written.replace("−", "-"))  # 1.798e308 is right, though no float can hold it
        assert abs(exact - Decimal(x)) <= max(Decimal(abs(x)) * Decimal("0.0005000001"), Decimal("3e-324"))
        assert math.copysign(1.0, read(written)) == math.copysign(1.0, x)


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x != 0))
def test_what_is_rounded_shows_it_and_zero_is_never_said_of_another_number(x):
    written = rounded(x)
    assert read(written) != 0
    if read(written) != x:
        assert digits_of(written) >= 4, f"{x} is not {written}"


@given(st.integers(-99_999, 99_999), st.integers(0, 3))
def test_a_short_decimal_stands_as_it_is(whole, places):
    x = whole / 10**places
    if len(str(abs(whole)).strip("0")) <= 4 and abs(x) >= 1e-4:
        assert read(rounded(x)) == x
        assert digits_of(rounded(x)) <= 6


@pytest.mark.parametrize(
    ("x", "written"),
    [
        (1e300, "1e300"),
        (1e-9, "1e−9"),
        (-0.0, "−0"),
        (float("nan"), "nan"),
        (None, "–"),
        (0.99999999, "1.000"),
        (1.0, "1"),
        (0.1 + 0.2, "0.3000"),
        (0.3, "0.3"),
        (12345.678, "12346"),
        (-1234567.0, "−1.235e6"),
        (5e-324, "4.941e−324"),
    ],
)
def test_numbers_as_worked_out_by_hand(x, written):
    assert rounded(x) == written


@given(st.text(st.characters(codec=None), max_size=60))
def test_a_label_is_printable_and_keeps_what_can_be_printed(label):
    written = shown(label)
    assert len(written) <= 25
    assert all(c.isprintable() or c in "\u200c\u200d" for c in written)
    written.encode()  # no lone surrogate is left
    if label.isprintable() and len(label) <= 24:
        assert written == label


def test_nothing_turns_the_text_around_it():
    assert shown("a\u202eb\u2066c") == r"a\u202eb\u2066c"


def test_every_float_of_some_bits_is_written():
    for i in range(0, 2**64, 2**64 // 20_011):
        (x,) = struct.unpack("d", struct.pack("Q", i))
        assert rounded(x)
