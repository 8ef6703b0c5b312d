"""Compile: a recorded scalar graph at the speed of arrays, or of straight-line code.

Promise: what is stepped, derived and drawn is what runs here; a program's numbers are those of the scalar engine, to
the bit in straight-line code, Python's or C's, and within the rounding of its sums in arrays. NumPy is imported when
the first graph is lifted, and the ``python`` backend does without it.

    recording for every row, which a look at a number refuses
    trace     the graph as flat lists of integers
    lift      sums of products become matrix products, the rest groups of like operations
    reverse   the sweep, written down by running the table's partials on tracers
    backends  steps as readable source: Python over floats, Python over NumPy arrays, C, or for JAX
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..collector import undisturbed
from ..engine.value import Value

if TYPE_CHECKING:
    from .program import Program


@undisturbed
def compile(
    loss: Value | Callable[..., Value],
    inputs: Sequence[Any] = (),
    parameters: Iterable[Value] = (),
    backend: str = "auto",
    dtype: str = "float64",
    devices: Sequence[Any] = (),
) -> "Program":
    """A Program that computes ``loss``, its gradient and its training for any numbers in the inputs.

    ``inputs`` are the leaves that vary from row to row, one entry per argument: a Value, or a list of Values (lists
    in lists too). ``parameters`` are the leaves that are trained. Every other leaf is a constant. ``backend`` is
    "python", "numpy", "c", "jax" or "auto"; ``dtype`` "float64" or "float32". ``devices`` are some of JAX's, such as
    ``jax.devices()``: the rows of a batch are shared out among them.

    >>> x, y, w = Value(0.0), Value(0.0), Value(2.0)
    >>> program = compile((w * x - y) ** 2, inputs=[x, y], parameters=[w])
    >>> program([1.0, 2.0], [2.0, 5.0])
    0.5

    A graph that is recorded already can't tell what was decided on the way by looking at numbers, as by ``if x > 0``,
    and is compiled as it stands, for all rows. Safe is a function that records the loss from the inputs: it is called
    here, and refused with the line that looks at a number.

    >>> compile(lambda x, y: (w * x - y) ** 2, inputs=[x, y], parameters=[w])([1.0, 2.0], [2.0, 5.0])
    0.5

    Raises GraphError for a function that looks at a number or records another graph when it is called again,
    ArgumentError or ArgumentTypeError if an input or parameter is no leaf or is listed twice, UnknownNameError for a
    backend or dtype that there is not, ExtraMissingError for a backend that can't run on this machine.
    """
    from .program import Program  # here, so that importing this room is quick

    return Program(loss, inputs, parameters, backend, dtype, devices)
