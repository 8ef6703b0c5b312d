"""A program as a C99 file of its own: for a microcontroller, or for a reader.

It needs libm and nothing else, allocates nothing, keeps nothing between two calls, and says at its head how it is used.
"""

from collections.abc import Sequence
from textwrap import fill, indent

from ...errors import counted
from ..backend import Update
from .file import CFile, Computation, vectors_of
from .source import constant

EXACT = "With -ffp-contract=off its numbers have the bits of the scalar engine."
ROUNDED = "Its sums are rounded in another order than the scalar engine's."


def to_c(
    computation: Computation,
    numbers: Sequence[float],
    update: Update | None = None,
    scalars: Sequence[str] = (),
    equations: str = "",
) -> str:
    """The file. ``numbers`` are the parameters', ``scalars`` the optimiser's names of its own numbers."""
    file = CFile(computation, lanes=1, standalone=True)
    file.predict()
    file.loss_and_gradient()
    if update:
        file.step(update)
    listed = fill(", ".join(map(constant, numbers)), 116, initial_indent="    ", subsequent_indent="    ")
    start = f"const double parameters[{len(numbers)}] = {{\n{listed}\n}};\n\n" if numbers else ""
    text = str(file).replace("struct work {", f"{start}struct work {{", 1)
    return f"/* {_head(file, update, scalars)}\n\n   It computes\n\n{indent(equations, '      ')}\n*/\n{text}"


def _head(file: CFile, update: Update | None, scalars: Sequence[str]) -> str:
    widths = [f"{name} with {counted(width, 'number')}" for name, width in file.inputs.items()]
    given = ", ".join(["n", "p", *file.inputs])
    lines = [
        f"predict({given}, out, w): what was recorded, for each of n rows, into out[n]; returned is the sum.",
        f"loss_and_gradient({given}, g, w): the gradient of the mean over the rows into g; returned is the sum.",
    ]
    if update:
        vectors = vectors_of(update)
        moving = ", ".join(["n", *vectors, "s", *file.inputs])
        kept = [f"{vector} is the {memory}" for vector, memory in zip(vectors[1:], update.memories, strict=True)]
        numbers = [f"s[{k}] is {name}" for k, name in enumerate(scalars)]
        lines.append(
            f"step({moving}, g, w): a step of the optimiser, which moves {', '.join(vectors)}; nothing moves if the "
            f"sum, returned, is nan or infinite. {'; '.join([*numbers, *kept])}{', zeros at first' if kept else ''}."
        )
    size = counted(file.count, "number")
    paragraphs = [
        "Compiled by micrograd_nn. C99, needs libm, allocates nothing: cc -O2 -c this.c, and -lm to link.",
        *lines,
        f"A row of the inputs: {', '.join(widths) or 'nothing'}. The parameters p are {size}; `parameters` "
        "has them as they were when this was written. w is memory to work in, such as `static struct work w;`. "
        + (EXACT if file.computation.exact else ROUNDED),
    ]
    wrapped = (
        fill(text, 116, initial_indent="   ", subsequent_indent="   ", break_on_hyphens=False) for text in paragraphs
    )
    return "\n\n".join(wrapped).strip()
