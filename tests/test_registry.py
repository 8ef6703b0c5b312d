"""The doors: a backend is a module and a row, an optimiser and a metric one place each, and everything else follows."""

from dataclasses import replace
from typing import Any

import pytest
from compile_cases import alike
from random_graphs import random_graph

from micrograd_nn import Value
from micrograd_nn.cli import main
from micrograd_nn.compiler import compile
from micrograd_nn.compiler.python.backend import PythonBackend
from micrograd_nn.compiler.registry import BACKENDS, Kind
from micrograd_nn.errors import ArgumentError, ExtraMissingError, UnknownNameError
from micrograd_nn.nn.optim import OPTIMIZERS, SGD, Optimizer, offered
from micrograd_nn.training import fit
from micrograd_nn.training.metrics import METRICS


class Abacus(PythonBackend):
    """A backend of one's own: here it is another's in disguise."""

    name = "abacus"


ROW = Kind("abacus", lambda graph, dtype: Abacus(graph.trace), way="bead by bead", cost=lambda graph, rows: 1e15)


def recorded() -> tuple[Value, list[Any], list[Value]]:
    w, x = Value(3.0), Value(0.5)
    return (w * x) ** 2, [x], [w]


def test_a_backend_is_a_row(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(BACKENDS, "abacus", ROW)
    program = compile(*recorded(), backend="abacus")
    assert (program([0.5]), program.backend, program.why) == (2.25, "abacus", "it was asked for")
    program.minimize(SGD(program.parameters, lr=0.1), [0.5], epochs=3)
    assert program.parameters[0].data < 3.0
    chosen = compile(*recorded())
    assert chosen([0.5]) == 2.25
    assert chosen.backend == "python"
    assert chosen.why.endswith("1e+06 s bead by bead")
    with pytest.raises(UnknownNameError, match=r"unknown backend 'abacos'; choose one of: abacus, "):
        compile(*recorded(), backend="abacos")
    assert main(["compile", "w^2", "--backend", "abacus"]) == 0
    assert "# backend: abacus" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["compile", "--help"])
    assert "auto, python, numpy, c, jax, abacus" in " ".join(capsys.readouterr().out.split())


def test_auto_takes_what_is_cheapest_and_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = replace(ROW, cost=lambda graph, rows: 0.0)
    for row, wanted in (
        (cheap, "abacus"),
        (replace(cheap, automatic=False), "python"),
        (replace(cheap, missing=lambda: "the abacus has no beads: buy some"), "python"),
    ):
        monkeypatch.setitem(BACKENDS, "abacus", row)
        assert compile(*recorded()).backend == wanted
    with pytest.raises(ExtraMissingError, match="the abacus has no beads: buy some"):
        compile(*recorded(), backend="abacus")


@pytest.mark.parametrize(("rows", "wanted"), [(1, "python"), (20, "python"), (1000, "numpy")])
def test_a_simulation_is_computed_likewise_however_many_steps_it_has(rows: int, wanted: str) -> None:
    """A step costs a backend what the step before cost it; measured, the two are even at about 75 rows."""
    for count in (200, 500, 1000, 5000):
        k, x, v = Value(1.5), Value(1.0), Value(0.0)
        for _ in range(count):
            v = v - 0.01 * (k * (x - 0.5) + 0.1 * v)
            x = x + 0.01 * v
        program = compile(x * x, [], [k])
        assert program.backends.cost(rows) == BACKENDS[wanted].cost(program.graph, rows), count


def test_a_dtype_is_asked_of_those_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compile(*recorded(), dtype="float32").why == "Python's floats are not float32"
    way = "Python's floats are float64: ask for backend='numpy'( or backend='jax')? to compute in float32"
    with pytest.raises(ArgumentError, match=f"^{way}$"):
        compile(*recorded(), backend="python", dtype="float32")
    monkeypatch.setitem(BACKENDS, "abacus", ROW)
    with pytest.raises(ArgumentError, match=r"ask for backend='numpy' .*or backend='abacus' to compute in float32"):
        compile(*recorded(), backend="python", dtype="float32")


@pytest.mark.parametrize("name", [*BACKENDS])
def test_who_says_so_has_the_engines_bits(name: str) -> None:
    if BACKENDS[name].missing():
        pytest.skip(BACKENDS[name].missing())
    for seed in range(30):
        loss, leaves = random_graph(seed)
        loss.backward()
        program = compile(loss, [], leaves, backend=name)
        if not BACKENDS[name].exact(program.graph):
            continue
        value, gradient = program.value_and_grad()
        assert alike(value, loss.data)
        assert all(alike(a, b.grad or 0.0) for a, b in zip(gradient.tolist(), leaves, strict=True))


def test_an_optimiser_and_a_metric_are_one_place_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "nothing", lambda loss: lambda outputs, target: 0.0 * outputs)
    before = dict(OPTIMIZERS)
    try:

        @offered
        class Sign(Optimizer):
            def __init__(self, params: Any, lr: float = 0.01) -> None:
                super().__init__(params, lr)

            def rule(self, p: Any, g: Any, memory: Any, s: Any) -> Any:
                return p - s["lr"] * g / (g * g + 1e-12) ** 0.5, memory

        from test_training import MOONS, small_net

        for engine in ("scalar", "compiled"):
            history = fit(small_net(), *MOONS, optimizer="sign", metrics="nothing", engine=engine, epochs=2)
            assert history["nothing"] == [0.0, 0.0]
            assert history["loss"][1] < history["loss"][0]
    finally:
        OPTIMIZERS.clear()
        OPTIMIZERS.update(before)
