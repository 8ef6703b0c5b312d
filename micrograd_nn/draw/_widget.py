"""The walk alive in Jupyter: a slider on every leaf, by anywidget where that is installed."""

from collections.abc import Callable
from functools import cache
from typing import Any

from ..engine.value import Value
from ..errors import ArgumentTypeError
from ..nn.losses import mse
from ..nn.module import Module
from ._descent import Descent, on_network, renew
from ._explore import answer, graph_data
from ._walk import Walk, file


def explore(root: Any, data: Any = None, loss: Callable[..., Value] = mse) -> Any:
    """The walk through the graph below root, alive: every leaf can be moved, and everything follows.

    With data, root is a network, and it is trained here, sample by sample: ``explore(net, data.xor())``, or
    ``explore(net, (X, y), loss)``. What moves are the network's own parameters.

    In Jupyter, with anywidget installed (``pip install micrograd_nn[notebook]``), a moved slider moves the Value: its
    ``.data`` and what was computed from it. ``.refresh()`` shows what was changed in Python. Without anywidget it is
    the plain walk.

    Raises ArgumentTypeError if root is not a Value, or with data no network, and what walk raises.

    >>> live = explore(Value(2.0, "a") * 3)
    """
    descent = None
    if data is not None:
        if not isinstance(root, Module):
            raise ArgumentTypeError(f"with data, explore trains a network, got {type(root).__name__}")
        X, y = data if isinstance(data, tuple) else (data.X, data.y)
        descent = on_network(root, X, y, loss)
        root = descent.root
    if not isinstance(root, Value):
        raise ArgumentTypeError(f"explore goes through the graph below a Value, got {type(root).__name__}")
    try:
        return _widget()(root, descent)
    except ImportError:
        return Walk(root)


@cache
def _widget() -> Any:
    import anywidget
    import traitlets

    class Explorer(anywidget.AnyWidget):  # type: ignore[misc]  # it ships no types
        """What Jupyter shows. ``data`` is what the page draws."""

        _esm = file("live.js")
        _css = file("live.css")
        data = traitlets.Dict().tag(sync=True)

        def __init__(self, root: Value, descent: Descent | None) -> None:
            super().__init__(data=graph_data(root, descent=descent))
            self.root, self.descent = root, descent
            self.on_msg(self._answer)

        def refresh(self) -> None:
            """Compute the graph again from its leaves, and show it."""
            renew(self.root)
            self.data = graph_data(self.root, descent=self.descent)

        def _answer(self, _: Any, message: dict[str, Any], buffers: Any) -> None:
            self.send({"id": message["id"], "answer": answer(self.root, message["event"], self.descent)})

    return Explorer
