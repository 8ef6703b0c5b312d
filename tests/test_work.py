"""One budget for all that takes a graph: work per node stays flat from 10³ to 10⁵ nodes, or it is refused in words.

Work is counted, in calls of Python's and C's functions, so that a busy machine changes nothing; the long test looks at
the clock as well, for what one call into C may hide.
"""

import copy
import inspect
import pickle
import re
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import micrograd_nn
from micrograd_nn import (
    SGD,
    Value,
    check_partials,
    compile,
    count_paths,
    draw_dot,
    explain,
    explore,
    formula,
    grad,
    gradcheck,
    hessian,
    paths,
    quiz,
    replay,
    steps,
    to_sympy,
    trace,
    tutor,
    value_and_grad,
    walk,
    wrong_order,
)
from micrograd_nn.engine import topological_order
from micrograd_nn.errors import MicrogradError

Graph = tuple[Value, Value]  # the root, and a weight below it


def deep_chain(nodes: int) -> Graph:
    w, b, y = Value(0.9, "w"), Value(0.1, "b"), Value(0.5, "x")
    for _ in range(nodes // 3):
        y = (y * w + b).sin()
    return y, w


def wide_sum(nodes: int) -> Graph:
    weights = [Value(0.5, "w"), *(Value(0.5 + i / nodes, f"w{i}") for i in range(2, nodes // 4))]
    total = weights[0] * 0.5
    for i, weight in enumerate(weights[1:]):
        total = total + weight * Value(1.0 - i / nodes)
    return total, weights[0]


def spring(nodes: int, labelled: bool = False) -> Graph:
    """Simulated step by step: the paths from w to the end double with every few steps."""
    w, drag, x, v = Value(1.5, "w"), Value(0.1, "d"), Value(1.0, "x"), Value(0.0, "v")
    for i in range(nodes // 9):
        v = v - 0.01 * (w * x + drag * v)
        x = x + 0.01 * v
        if labelled:
            v.label, x.label = f"v{i}", f"x{i}"
    return x * x, w


def labelled_spring(nodes: int) -> Graph:
    return spring(nodes, labelled=True)


SHAPES = [deep_chain, wide_sum, spring, labelled_spring]


def leaves(root: Value) -> list[Value]:
    return [node for node in topological_order(root) if node.operation is None and node.label]


def compiled(backend: str) -> Callable[[Value, Value], Any]:
    def run(root: Value, weight: Value) -> None:
        parameters = leaves(root)
        program = compile(root, [], parameters, backend=backend)
        program.value_and_grad()
        program.minimize(SGD(parameters, lr=1e-9), epochs=2)

    return run


def misspelt(root: Value, weight: Value) -> None:
    with suppress(MicrogradError):
        paths(root, "no such name")
    with suppress(MicrogradError):
        formula("no_such_name + 1", root)


FUNCTIONS: dict[str, Callable[[Value, Value], Any]] = {
    "Value.backward": lambda root, weight: root.backward(),
    "Value.__repr__": lambda root, weight: repr(root),
    "copy": lambda root, weight: copy.copy(root),
    "deepcopy": lambda root, weight: copy.deepcopy(root),
    "pickle": lambda root, weight: pickle.loads(pickle.dumps(root)),
    "del": lambda root, weight: root + weight,
    "topological_order": lambda root, weight: topological_order(root),
    "grad": lambda root, weight: grad(root, [weight]),
    "grad of grad": lambda root, weight: grad(grad(root, [weight], create_graph=True)[0], [weight]),
    "hessian": lambda root, weight: hessian(root, [weight]),
    "replay": lambda root, weight: replay(root, {weight: 0.25}),
    "value_and_grad": lambda root, weight: value_and_grad(lambda a: root * a)(2.0),
    "gradcheck": lambda root, weight: gradcheck(lambda a: root * a, [2.0]),
    "steps": lambda root, weight: deque(steps(root), maxlen=1)[0].__str__(),
    "wrong_order": lambda root, weight: str(wrong_order(root)),
    "count_paths": lambda root, weight: count_paths(root, weight),
    "paths": lambda root, weight: str(paths(root, weight)),
    "explain": lambda root, weight: str(explain(root, weight, rules=True)),
    "explain in LaTeX": lambda root, weight: explain(root, weight).latex(),
    "check_partials": lambda root, weight: str(check_partials(root, {"w": 0.25})),
    "quiz": lambda root, weight: str(quiz(root, ask=["w"])),
    "tutor": lambda root, weight: str(tutor(root, weight)),
    "to_sympy": lambda root, weight: to_sympy(root),
    "formula": lambda root, weight: formula("w·w + 1", root),
    "a name that there is not": misspelt,
    "trace": lambda root, weight: trace(root),
    "draw_dot": lambda root, weight: str(draw_dot(root)),
    "walk": lambda root, weight: walk(root)._repr_html_(),
    "explore": lambda root, weight: explore(root),
    "compile's equations": lambda root, weight: str(compile(root, [], leaves(root))),
    **{f"compile: {name}": compiled(name) for name in ("auto", "python", "numpy")},
}
HEAVY = {
    "explain",
    "explain in LaTeX",
    "check_partials",
    "quiz",
    "tutor",
    "compile's equations",
}  # 0.1 ms a node, or more
HEAVY |= {name for name in FUNCTIONS if name.startswith("compile")}
SECOND = 3_000_000  # calls: about a second
WAYS_OUT = re.compile(r"label|part of|smaller|or ask|draw|walk\(|explain\(|choose one of")


def test_every_public_function_of_a_graph_is_here() -> None:
    """A public function whose first argument is the root of a graph."""
    public = [getattr(micrograd_nn, name) for name in micrograd_nn.__all__]
    functions = [thing for thing in public if inspect.isfunction(thing)]
    first = {one.__name__: next(iter(inspect.signature(one).parameters.values()), None) for one in functions}
    of_a_graph = {name for name, given in first.items() if given and given.annotation is Value}
    assert of_a_graph >= {"grad", "explain", "walk"}
    assert of_a_graph <= {*FUNCTIONS}


def calls(function: Callable[[Value, Value], Any], graph: Graph) -> tuple[int, str]:
    """How many calls it makes, and with what words it refuses, if it does."""
    count, said, before = 0, "", sys.getprofile()

    def counted(frame: Any, event: str, thing: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        function(*graph)
    except MicrogradError as error:
        said = str(error)
    finally:
        sys.setprofile(before)
    return count, said


@pytest.mark.parametrize("shape", [deep_chain, spring])
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "to_sympy"])  # which takes long to refuse
def test_the_work_for_a_node_does_not_grow_with_the_graph(
    name: str, shape: Callable[[int], Graph], capsys: pytest.CaptureFixture[str]
) -> None:
    few, many = (150, 600) if name in HEAVY else (1000, 5000)
    FUNCTIONS[name](*deep_chain(12))  # what is imported and kept at the first call
    made, said = calls(FUNCTIONS[name], shape(many))
    if said:
        assert WAYS_OUT.search(said), said
    if not (said and made < SECOND):
        assert made / many <= 2.0 * calls(FUNCTIONS[name], shape(few))[0] / few + 1.0


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in {"compile: numpy", "compile's equations"}])
def test_nor_up_to_a_hundred_thousand_nodes(
    name: str, shape: Callable[[int], Graph], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the clock, with room for a cache that gets too small: ten times as many nodes are squared a hundred times the
    work. Arrays are not asked here: the lift of 10⁵ nodes takes half a minute."""
    few, many = (3000, 30_000) if name in HEAVY or name == "to_sympy" else (10_000, 100_000)
    FUNCTIONS[name](*deep_chain(12))
    times = []
    for graph in (shape(few), shape(many)):
        begun = time.process_time()
        with suppress(MicrogradError):
            FUNCTIONS[name](*graph)
        times.append(time.process_time() - begun)
    assert times[1] <= 50.0 * times[0] + 1.0
