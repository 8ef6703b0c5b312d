"""What the nodes of a graph are called in a derivation.

Promise: two nodes never share a name: a label that stands more than once is numbered in the order of the graph, as in
h1[2] for the h1 of the second sample.
"""

from collections.abc import Mapping
from typing import Any

from ..engine.value import Value
from ..errors import UnknownNameError
from ..notation._formula import labelled
from ..notation.latex import label_latex
from ..notation.text import label_text


def names_of(root: Value, *targets: Value) -> dict[Value, str]:
    """Names by node: the labels, and L and w for a root and targets that have none."""
    names = {node: name for name, node in labelled(root).items()}
    taken = set(names.values())
    for node, usual in ((root, "L"), *((target, "w") for target in targets)):
        if node not in names:
            names[node] = node.label or next(
                name for name in (usual, *_numbered(usual, len(taken))) if name not in taken
            )
            taken.add(names[node])
    return names


def node_of(key: Any, root: Value, names: Mapping[Value, str] | None = None) -> Value:
    """The node that is meant: key itself, or the node of that name; L is root where nothing else is called so.

    Raises UnknownNameError, which lists the names that there are.
    """
    if isinstance(key, Value):
        return key
    by_name = {name: node for node, name in (names_of(root) if names is None else names).items()}
    if key == "L" and key not in by_name:
        return root
    if not isinstance(key, str) or key not in by_name:
        raise UnknownNameError("node", key, by_name)
    return by_name[key]


def _numbered(usual: str, taken: int) -> list[str]:
    return [f"{usual}{i}" for i in range(1, taken + 2)]


def partial_text(child: str, parent: str, d: str = "∂") -> str:
    """∂child/∂parent on a line of text."""
    return f"{d}{label_text(child)}/{d}{label_text(parent)}"


def partial_latex(child: str, parent: str, d: str = r"\partial") -> str:
    r"""The same in LaTeX, \frac{\partial child}{\partial parent}."""
    return rf"\frac{{{d} {label_latex(child)}}}{{{d} {label_latex(parent)}}}"
