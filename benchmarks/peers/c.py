"""Hand-written C at -O3 -march=native, through the system's compiler: what the processor can do.

Promise: one source file for every problem, ``mlp.c``, compiled for the problem's sizes in a temporary folder; no
library but libm, one thread.
"""

import ctypes
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..harness import MissingError, compiler
from .problem import Array, Peer, Problem, Train, flat

SOURCE = Path(__file__).with_name("mlp.c")
VECTOR = 64  # bytes that lie side by side; a processor with shorter registers takes two


def start(problem: Problem) -> Train:
    lanes = 1 if problem.batch == 1 else VECTOR // np.dtype(problem.dtype).itemsize
    blocks = -(-problem.batch // lanes)
    function = built(problem, lanes, blocks)
    number = ctypes.c_double if problem.dtype == "float64" else ctypes.c_float
    pointer = np.ctypeslib.ndpointer(np.dtype(problem.dtype), flags="C")
    function.argtypes = [ctypes.c_long, ctypes.c_long, number, number, *[pointer] * 4]
    function.restype = None
    X, y, share = packed(problem, lanes * blocks)
    first = np.concatenate([n.ravel() for layer in problem.start for n in layer])

    def train(steps: int) -> Array:
        w = first.copy()
        function(steps, len(problem.batches), problem.lr, problem.l2, w, X, y, share)
        return flat(layers_of(w, problem.sizes))

    return train


def packed(problem: Problem, rows: int) -> tuple[Array, Array, Array]:
    """X[batch][input][row], y[batch][row] and share[row], with rows of share 0 up to a whole number of vectors."""
    count, inputs = len(problem.batches), problem.sizes[0]
    X, y, share = np.zeros((count, inputs, rows)), np.zeros((count, rows)), np.zeros(rows)
    for k, (some, targets) in enumerate(problem.batches):
        X[k, :, : problem.batch], y[k, : problem.batch] = some.T, targets
    share[: problem.batch] = 1.0 / problem.batch
    return X.astype(problem.dtype), y.astype(problem.dtype), share.astype(problem.dtype)


def built(problem: Problem, lanes: int, blocks: int) -> Any:
    """The function `train` of mlp.c, compiled for the problem's sizes. Raises MissingError without a compiler."""
    found = compiler()
    if found is None:
        raise MissingError("no C compiler on this machine (cc, gcc or clang)")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "mlp.so")
        flags = [f"-D{name}={content}" for name, content in constants(problem, lanes, blocks).items()]
        command = [found, "-O3", "-march=native", "-shared", "-fPIC", *flags, str(SOURCE), "-o", str(library), "-lm"]
        said = subprocess.run(command, capture_output=True, text=True)
        if said.returncode:
            raise MissingError(f"the C compiler refused mlp.c: {said.stderr.strip().splitlines()[-1]}")
        return ctypes.CDLL(str(library)).train


def constants(problem: Problem, lanes: int, blocks: int) -> dict[str, Any]:
    """What mlp.c is compiled for."""
    top = len(problem.sizes) - 1
    layers, at = [], 0
    for k, (nin, nout) in enumerate(pairwise(problem.sizes)):
        kind = (problem.hidden if k < top - 1 else problem.output).upper()
        layers.append(f"L({k},{nin},{nout},{kind},{at})")
        at += (nin + 1) * nout
    double = problem.dtype == "float64"
    return {
        "FLOAT": "double" if double else "float",
        "EXP": "exp" if double else "expf",
        "INPUTS": problem.sizes[0],
        "WIDEST": max(problem.sizes),
        "LANES": lanes,
        "BLOCKS": blocks,
        "TOP": top,
        "TOP_OUT": problem.sizes[-1],
        "LOSS": problem.loss.upper(),
        "UP(L)": " ".join(layers),
        "DOWN(L)": " ".join(layers[::-1]),
    }


def layers_of(w: Array, sizes: tuple[int, ...]) -> list[tuple[Array, Array]]:
    """The layers from C's order: a layer's weights, then its biases."""
    layers, at = [], 0
    for nin, nout in pairwise(sizes):
        end = at + nin * nout
        layers.append((w[at:end].reshape(nout, nin), w[end : end + nout]))
        at = end + nout
    return layers


PEERS = [
    Peer(
        "C, by hand",
        "One file of loops at `-O3 -march=native`, compiled for the network's sizes, on one thread. "
        "For small networks it is the physical limit; large products would want a BLAS, which it does not use.",
        start,
    )
]
