"""A lesson: a few lines of text from which a page makes a graph, its data and everything that it shows.

    x1, x2, y = (-2, -1, 1), (25, 6, 0)     several names: a sample in each bracket, the first one is shown
    w = 0.5                                  a name and a number: a leaf that learns, if there are samples
    h = sigmoid(w*x1 + x2)                   a name and a formula of what stands above; the last one is the loss

The text with today's numbers is all that a lesson is: a page keeps it in its address.
"""

import re
from collections.abc import Mapping
from typing import Any

from ..derive import quiz
from ..engine.value import Value, topological_order
from ..errors import ArgumentError, FormatError, MicrogradError, StateError, counted
from ..notation._formula import formula
from ..notation.parts import define
from ._descent import Descent
from ._explore import Data, answer, graph_data
from .sheets import keys_page, sheets_page

LINES = 200
SAMPLE = re.compile(r"\(([^()]*)\)")
PYTHON = '''\
from micrograd_nn import Value, formula, walk

v = {{name: Value(number, name) for name, number in {{{leaves}}}.items()}}
for line in """
{made}
""".strip().splitlines():
    name, _, text = line.partition(" = ")
    v[name] = formula(text, v)
    v[name].label = name

walk(v["{root}"])
'''


class Lesson:
    r"""What stands in a lesson's text: ``names``, the loss ``root``, and the ``descent`` if there are samples.

    >>> Lesson("w = 3\nL = w^2").data()["nodes"][0]["number"]
    '3'

    Raises FormatError, which names the line, for a text that is none.
    """

    def __init__(self, text: str) -> None:
        self.lines: list[tuple[str, str]] = []  # what is named, and what it is
        self.names: dict[str, Value] = {}
        self.columns: list[Value] = []
        self.samples: list[list[float]] = []
        lines = text.splitlines()
        if len(lines) > LINES:
            raise FormatError(f"a lesson has at most {LINES} lines, this one {len(lines):,}")
        for number, line in enumerate(lines, start=1):
            content = line.partition("#")[0].strip()
            if content:
                try:
                    self._read(content)
                except MicrogradError as error:
                    raise FormatError(f"line {number}: {error}") from None
        made = [value for value in self.names.values() if value.operation is not None]
        if not made:
            raise FormatError("a lesson needs a formula at its end, such as L = (y - w*x)^2")
        self.root = made[-1]
        self.descent = self._descent(made) if self.columns else None

    def _read(self, line: str) -> None:
        name, equals, content = (part.strip() for part in line.partition("="))
        names = [part.strip() for part in name.split(",")]
        for each in names:
            if not equals or not content or not each.isidentifier():
                raise ArgumentError(f"{line!r:.60} is neither NAME = FORMULA nor NAME, NAME = (1, 2), (3, 4)")
            if len(names) > 1 and each in self.names:
                raise ArgumentError(f"{each} is defined twice")
        if len(names) > 1:
            self._read_samples(names, content)
        else:
            define(name, content, self.names)
        self.lines.append((", ".join(names), content))

    def _read_samples(self, names: list[str], content: str) -> None:
        if self.columns:
            raise ArgumentError("the samples stand in one line")
        if SAMPLE.sub("", content).strip(" ,"):
            raise ArgumentError(f"samples are written as {', '.join(names)} = (1, 2), (3, 4); got {content!r:.60}")
        self.samples = [[formula(entry).data for entry in row.split(",")] for row in SAMPLE.findall(content)]
        if not self.samples or any(len(row) != len(names) for row in self.samples):
            raise ArgumentError(f"each sample has {counted(len(names), 'number')}, one for each of {', '.join(names)}")
        self.columns = [Value(number, name) for name, number in zip(names, self.samples[0], strict=True)]
        self.names |= dict(zip(names, self.columns, strict=True))

    def _descent(self, made: list[Value]) -> Descent:
        below = {*topological_order(self.root)}
        learns = [x for x in self.names.values() if x.operation is None and x in below and x not in {*self.columns}]
        return Descent(self.root, self.columns, self.samples, learns, self._prediction(made))

    def _prediction(self, made: list[Value]) -> Value | None:
        """The last formula before the loss that does not look at the target, the last column."""
        target = self.columns[-1]
        return next((node for node in reversed(made[:-1]) if target not in {*topological_order(node)}), None)

    # ---- what it says ----

    @property
    def text(self) -> str:
        """The lines, with the numbers that the leaves have now."""
        return "\n".join(f"{name} = {self._now(name, content)}" for name, content in self.lines) + "\n"

    def _now(self, name: str, content: str) -> str:
        value = self.names.get(name)
        return content if value is None or value.operation is not None else repr(value.data)

    @property
    def python(self) -> str:
        """Lines for a notebook that make the same graph."""
        leaves = ", ".join(f"{name!r}: {value.data!r}" for name, value in self.names.items() if value.operation is None)
        made = "\n".join(f"{name} = {content}" for name, content in self.lines if self._made(name))
        return PYTHON.format(leaves=leaves, made=made, root=self.root.label)

    @property
    def sheet(self) -> str:
        """A page to print, on which gradients of this graph are to be worked out."""
        return sheets_page({1: quiz(self.root, 1)})

    @property
    def key(self) -> str:
        """The answers to the sheet, with their derivations."""
        return keys_page({1: quiz(self.root, 1)})

    def _made(self, name: str) -> bool:
        return name in self.names and self.names[name].operation is not None

    def data(self) -> Data:
        """The graph and, if there are samples, the descent on them."""
        return graph_data(self.root, descent=self.descent)


class Page:
    """A page's desk: the lesson that lies on it, and the answer to every event.

        open    value   the text of a lesson   -> the data of its graph, with the samples if there are some
        text                                   -> text, the lines with today's numbers
        python                                 -> text, the same graph in a notebook
        sheet, key                             -> text, a page to print: gradients to be worked out, and their key

    and what _explore.answer knows.
    """

    lesson: Lesson | None = None

    def answer(self, event: Mapping[str, Any]) -> Data:
        """The answer as plain data; ``{"error": …}`` in words for what can't be answered, with the lesson unchanged."""
        kind = event.get("kind")
        try:
            if kind == "open":
                lesson = Lesson(str(event.get("value")))
                data = lesson.data()
                self.lesson = lesson
                return data
            if self.lesson is None:
                raise StateError("no lesson lies open")
            if kind in ("text", "python", "sheet", "key"):
                return {"text": getattr(self.lesson, kind)}
        except MicrogradError as error:
            return {"error": str(error)}
        return answer(self.lesson.root, event, self.lesson.descent)
