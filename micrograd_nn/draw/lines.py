"""Numbers on lines: dot leaves room for a number beside its line, and here it is put onto the line itself.

Promise (tests/test_draw_lines.py): a number stands on its own line, near the room that dot left, where it covers the
least of anything else.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import ceil
from xml.etree.ElementTree import Element

APART = 3.0  # points between the marks on a line
SQUARE = 4.0  # points, the side of the squares in which is noted what passes there
TRIED = 40  # places on a line, the nearest to the room that dot left
LETTER, DROP = 0.58, 0.35  # of the size of a font: a figure's width with some air, and from its middle to its foot
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def write_on_lines(graph: Element) -> None:
    """Move the text of each edge in dot's SVG, its tags without a namespace, onto the edge."""
    groups = [group for group in graph.iter("g") if group.get("class") in ("node", "edge", "cluster")]
    ways = [[mark for shape in group for mark in _marks(shape)] for group in groups]
    taken = _Taken()
    for owner, way in enumerate(ways):
        taken.add(owner, way)
    for owner, (group, way) in enumerate(zip(groups, ways, strict=True)):
        text = group.find("text")
        if group.get("class") == "edge" and text is not None and way:
            font, x, y = (float(text.attrib[key]) for key in ("font-size", "x", "y"))
            size = complex(LETTER * font * len((text.text or "").strip()), font)
            spot = taken.best(owner, way, size, room=complex(x, y - DROP * font))
            text.attrib |= {"x": f"{spot.real:.2f}", "y": f"{spot.imag + DROP * font:.2f}"}
            taken.add(~owner, (spot + size.real * k / 16 for k in range(-8, 9)))


class _Taken:
    """What lies where in a picture: in each small square, whose lines and writings pass through it."""

    def __init__(self) -> None:
        self.squares: dict[tuple[int, int], set[int]] = defaultdict(set)

    def add(self, owner: int, marks: Iterable[complex]) -> None:
        for mark in marks:
            self.squares[int(mark.real // SQUARE), int(mark.imag // SQUARE)].add(owner)

    def best(self, owner: int, way: list[complex], size: complex, room: complex) -> complex:
        """The place on the way, near the room that dot left, where a writing of that size covers the fewest others."""
        near = sorted(way[2:-2] or way, key=lambda spot: abs(spot - room))[:TRIED]
        return min(near, key=lambda spot: len(self._under(spot, size) - {owner}))

    def _under(self, spot: complex, size: complex) -> set[int]:
        low, high = spot - size / 2, spot + size / 2
        columns = range(int(low.real // SQUARE), int(high.real // SQUARE) + 1)
        rows = range(int(low.imag // SQUARE), int(high.imag // SQUARE) + 1)
        return set().union(*(self.squares.get((i, j), ()) for i in columns for j in rows))


def _marks(shape: Element) -> Iterator[complex]:
    """Points along a path of cubic Béziers, as dot writes all its lines; of a circle its middle and its ends."""
    numbers = [float(x) for x in NUMBER.findall(shape.get("d", ""))]
    points = [complex(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    for a, b, c, d in zip(points[::3], points[1::3], points[2::3], points[3::3], strict=False):
        steps = max(1, ceil((abs(b - a) + abs(c - b) + abs(d - c)) / APART))
        for s, t in ((1 - k / steps, k / steps) for k in range(steps)):
            yield s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d
    if shape.tag == "ellipse":
        x, y, r = (float(shape.attrib[key]) for key in ("cx", "cy", "rx"))
        yield from (complex(x, y) + r * turn for turn in (0, 1, -1, 1j, -1j))
