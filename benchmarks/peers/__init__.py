"""The peers: each trains the same network on the same rows in its own best style.

Promise: a peer's library is imported when the peer is asked to start, never before; one that can't start says why.

    Problem    a network, its rows and its starting weights           problem.py
    Peer       a name, how it is done in two sentences, start         problem.py
    peers()    all of them, in the order of the page                  here
"""

from importlib import import_module

from .problem import Peer as Peer
from .problem import Problem as Problem
from .problem import Train as Train
from .problem import fetched as fetched

MODULES = ("ours", "micrograd", "textbook", "python", "numpy_batch", "pytorch", "jax", "c")


def peers() -> dict[str, Peer]:
    """All peers by name, in the order of the page; only this package's own files are imported."""
    found = [peer for name in MODULES for peer in import_module(f"{__name__}.{name}").PEERS]
    return {peer.name: peer for peer in found}
