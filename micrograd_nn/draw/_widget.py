"""The walk alive in Jupyter: a slider on every leaf, by anywidget where that is installed."""

from functools import cache
from typing import Any

from ..engine.value import Value
from ..errors import ArgumentTypeError
from ._descent import renew
from ._explore import answer, graph_data
from ._walk import Walk, file


def explore(root: Value) -> Any:
    """The walk through the graph below root, alive: every leaf can be moved, and everything follows.

    In Jupyter, with anywidget installed (``pip install micrograd_nn[notebook]``), a moved slider moves the Value: its
    ``.data`` and what was computed from it. ``.refresh()`` shows what was changed in Python. Without anywidget it is
    the plain walk.

    Raises ArgumentTypeError if root is not a Value, and what walk raises.
    """
    if not isinstance(root, Value):
        raise ArgumentTypeError(f"explore goes through the graph below a Value, got {type(root).__name__}")
    try:
        return _widget()(root)
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

        def __init__(self, root: Value) -> None:
            super().__init__(data=graph_data(root))
            self.root = root
            self.on_msg(self._answer)

        def refresh(self) -> None:
            """Compute the graph again from its leaves, and show it."""
            renew(self.root)
            self.data = graph_data(self.root)

        def _answer(self, _: Any, message: dict[str, Any], buffers: Any) -> None:
            self.send({"id": message["id"], "answer": answer(self.root, message["event"])})

    return Explorer
