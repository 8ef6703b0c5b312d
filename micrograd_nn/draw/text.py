"""What pictures write: numbers, short and true, and labels, as text that does no harm.

Promise: a number that was rounded shows its four digits (1.000, 0.3000) and an exact one stands short (1, 0.3), so no
picture ever says 0 for 1e-9 or 1 for 0.9999999. A label keeps every printable character; what can't be printed, or
would turn the text around it, is shown by its number, as Python's repr does.
"""

from math import isnan

DIGITS = 4  # significant digits in pictures
LONGEST = 24  # characters of a label in pictures
JOINERS = "\u200c\u200d"  # not printable by themselves, but part of words and emoji


def number(x: float | None, digits: int = DIGITS) -> str:
    """x for a reader: at most ``digits`` significant digits, all of them shown if it was rounded; "–" for None.

    >>> [number(x) for x in (None, 3.0, 0.1, 2 / 3, 0.99999999, 1e-9, 1.23456e300, -0.0, float("nan"))]
    ['–', '3', '0.1', '0.6667', '1.000', '1e−9', '1.235e300', '−0', 'nan']
    """
    if x is None:
        return "–"
    if isnan(x):
        return "nan"
    if x in (float("inf"), float("-inf")):
        return "∞" if x > 0 else "−∞"
    return _digits(x, digits).replace("-", "−")


def _digits(x: float, digits: int) -> str:
    if abs(x) < 1e6 and x == int(x):
        return f"{x:.0f}"
    short = f"{x:.{digits}g}"
    exact = float(short) == x
    mantissa, e, exponent = (short if exact else f"{x:#.{digits}g}").partition("e")
    if not e:
        return mantissa.rstrip(".")
    if 0 < int(exponent) < 6:  # 12345.67 is 12346, not 1.235e4
        return f"{x:.0f}"
    return f"{mantissa.rstrip('.')}e{int(exponent)}"


def shown(label: str, longest: int = LONGEST) -> str:
    r"""A label as pictures write it, at most ``longest`` characters and "…".

    >>> shown("w1"), shown("a\x00b"), shown("x" * 30, 5)
    ('w1', 'a\\x00b', 'xxxxx…')
    """
    head = "".join(c if c.isprintable() or c in JOINERS else ascii(c)[1:-1] for c in label[: longest + 1])
    return head if len(head) <= longest else head[:longest] + "…"
