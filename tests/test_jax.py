"""A program as a function of JAX's: under jit, grad, vmap and scan, on several devices and in several processes.

What every backend is asked runs on JAX too where it is installed; here is what it alone can do.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compile_cases import arguments, engine, network
from test_compile_equal import CASES, rows_for

from micrograd_nn import MLP, Value, data, exp, maximum, relu
from micrograd_nn.compiler import compile, registry
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, ExtraMissingError, GraphError, ShapeError
from micrograd_nn.nn import losses
from micrograd_nn.nn.optim import SGD

missing = registry.BACKENDS["jax"].missing()
needs_jax = pytest.mark.skipif(bool(missing), reason=missing)
if not missing:
    import jax
    import jax.numpy as jnp


@pytest.fixture
def float64() -> Iterator[None]:
    """JAX with floats of 64 bits, for as long as the test runs."""
    with jax.enable_x64(True):
        yield


def digit_net() -> Any:
    return network([6, 8, 4], losses.softmax_cross_entropy, "relu")


# ---- the function ----


@needs_jax
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", CASES)
def test_its_numbers_are_the_engines(name: str) -> None:
    case = CASES[name]()
    rows = rows_for(case, 5, seed=5)
    f = compile(*case).to_jax()
    loss, slopes = jax.jit(f.value_and_grad)(f.parts(), *map(np.array, arguments(case, rows)))
    expected, gradient = engine(case, rows)
    assert float(loss) == pytest.approx(expected, rel=1e-13, abs=1e-15)
    assert float(f(f.parts(), *arguments(case, rows))) == pytest.approx(float(loss), rel=1e-14)
    f.store(slopes)
    assert [p.data for p in case.parameters] == pytest.approx(gradient, rel=1e-12, abs=1e-14 * (1 + max(gradient)))


@needs_jax
@pytest.mark.usefixtures("float64")
def test_parts_have_the_printed_names_and_shapes() -> None:
    case = digit_net()
    program = compile(*case)
    f = program.to_jax()
    assert {name: part.shape for name, part in f.parts().items()} == {
        "W1": (8, 6),
        "b1": (8,),
        "W2": (4, 8),
        "b2": (4,),
    }
    assert "Z1 = W1·X + b1" in str(program)
    assert "Z2 = W2·A1 + b2" in str(program)
    before = [p.data for p in case.parameters]
    f.store({name: 2.0 * part for name, part in f.parts().items()})
    assert [p.data for p in case.parameters] == [2.0 * number for number in before]


@needs_jax
@pytest.mark.usefixtures("float64")
def test_jaxs_own_transformations_have_our_slopes_at_kinks() -> None:
    """Of relu(w) + max(w, 0) + max(w, w·w) at 0: 0 + 1/2 + (1/2 + 1/2·0): the kinks' own slopes, hand."""
    w = Value(0.0)
    f = compile(relu(w) + maximum(w, 0.0) + maximum(w, w * w), [], [w]).to_jax()
    (name,) = f.parts()
    assert jax.grad(f)(f.parts())[name] == 1.0
    assert jax.jvp(f, (f.parts(),), ({name: jnp.ones(()).reshape(f.parts()[name].shape)},))[1] == 1.0
    assert f.value_and_grad(f.parts())[1][name] == 1.0


@needs_jax
@pytest.mark.usefixtures("float64")
def test_derivatives_of_second_order() -> None:
    """The loss e^(w·x) has the second derivative x²·e^(w·x): hand."""
    w, x = Value(0.5), Value(0.0)
    f = compile(exp(w * x), [x], [w]).to_jax()
    (name,) = f.parts()
    assert jax.hessian(f)(f.parts(), [3.0])[name][name].item() == pytest.approx(9.0 * np.exp(1.5), rel=1e-14)


@needs_jax
@pytest.mark.usefixtures("float64")
def test_one_gradient_per_row_by_vmap() -> None:
    case = digit_net()
    rows = rows_for(case, 4, seed=1)
    f = compile(*case).to_jax()
    X, y = map(np.array, arguments(case, rows))
    each, slopes = jax.vmap(f.value_and_grad, in_axes=(None, 0, 0))(f.parts(), X, y)
    for k in range(4):
        loss, expected = f.value_and_grad(f.parts(), X[k], y[k])
        assert float(each[k]) == pytest.approx(float(loss), rel=1e-13)
        for name, slope in expected.items():
            assert np.asarray(slopes[name][k]) == pytest.approx(np.asarray(slope), rel=1e-12, abs=1e-15)


@needs_jax
@pytest.mark.usefixtures("float64")
def test_a_training_by_scan_and_optax_is_ours() -> None:
    optax = pytest.importorskip("optax", reason="optax is not installed: python -m pip install optax")
    case = digit_net()
    X, y = map(np.array, arguments(case, rows_for(case, 12, seed=2)))
    program = compile(*case)
    f, rule = program.to_jax(), optax.sgd(0.1, momentum=0.9)

    def step(state: Any, rows: Any) -> Any:
        parts, memory = state
        loss, slopes = f.value_and_grad(parts, *rows)
        moves, memory = rule.update(slopes, memory)
        return (optax.apply_updates(parts, moves), memory), loss

    start = f.parts(), rule.init(f.parts())
    batches = X.reshape(4, 3, 6), y.reshape(4, 3, 4)
    (parts, _), history = jax.jit(lambda start: jax.lax.scan(step, start, batches))(start)
    (epoch,) = program.minimize(SGD(case.parameters, lr=0.1, momentum=0.9), X, y, batch_size=3)
    assert float(history.mean()) == pytest.approx(epoch, rel=1e-12)
    for name, part in f.parts().items():
        assert np.asarray(parts[name]) == pytest.approx(np.asarray(part), rel=1e-11, abs=1e-14)


@needs_jax
def test_float32_is_the_same_to_seven_digits_and_the_setting_of_jax_stays() -> None:
    for dtype, near in (("float32", 1e-5), ("float64", 1e-12)):
        case = digit_net()
        rows = rows_for(case, 5, seed=3)
        expected, slopes = engine(case, rows)
        program = compile(*case, backend="jax", dtype=dtype)
        loss, gradient = program.value_and_grad(*arguments(case, rows))
        assert gradient.dtype == dtype
        assert loss == pytest.approx(expected, rel=near)
        assert gradient == pytest.approx(np.array(slopes), rel=near, abs=near)
        program.minimize(SGD(case.parameters, lr=1e-9), *arguments(case, rows))
        assert jnp.ones(1).dtype == "float32"


@needs_jax
def test_what_it_refuses() -> None:
    w, x = Value(0.5), Value(0.0)
    f = compile(w * x, [x], [w]).to_jax()
    with pytest.raises(ArgumentError, match=r"computes in float64, and JAX has only float32 until it is asked: jax\."):
        f.parts()
    f = compile(w * x, [x], [w], dtype="float32").to_jax()
    with pytest.raises(GraphError, match="to differentiate with respect to the rows, give their leaves as parameters"):
        jax.grad(f, argnums=1)(f.parts(), jnp.ones(3))
    with pytest.raises(ShapeError, match=r"takes 1 argument, one for each input; got 2"):
        f(f.parts(), [1.0], [2.0])
    with pytest.raises(ShapeError, match=r"argument 1 has shape rows, or one row of it; got \(1, 2\)"):
        f(f.parts(), [[1.0, 2.0]])
    with pytest.raises(ArgumentError, match="rows are shared out among devices by JAX alone: ask for backend='jax'"):
        compile(w * x, [x], [w], devices=jax.devices())
    with pytest.raises(ArgumentTypeError, match=r"devices is a list of JAX's, such as jax.devices\(\), got 8"):
        compile(w * x, [x], [w], backend="jax", devices=8)  # type: ignore[arg-type]


def test_without_jax_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    w = Value(2.0)
    for ask in (lambda: compile(w * w, [], [w], backend="jax"), lambda: compile(w * w, [], [w]).to_jax()):
        with pytest.raises(
            ExtraMissingError, match=r"JAX is not installed: python -m pip install 'micrograd-nn\[jax\]'"
        ):
            ask()
    assert compile(w * w, [], [w])() == 4.0


# ---- several devices, several processes ----

TRAINED = """
import json, os, sys
import jax
sys.path.insert(0, "tests")
from test_jax import trained
where = json.loads(sys.argv[1])
if where:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(where["address"], num_processes=where["processes"], process_id=where["process"])
print(json.dumps([len(jax.devices()), *trained(jax.devices() if len(jax.devices()) > 1 else ())]))
"""


def trained(devices: Any) -> list[Any]:
    """Is it shared? The loss, its gradient, the losses of a training, the weights after it; last batches are of 6."""
    X, y_true = data.moons(40, seed=5)
    net, x, y = MLP(2, [8, 1], "tanh", seed=0), [Value(0.0), Value(0.0)], Value(0.0)
    program = compile(losses.mse(net(x), y), [x, y], net.parameters(), backend="jax", devices=devices)
    rows = np.array(X, float), np.array(y_true, float)
    loss, gradient = program.value_and_grad(*rows)
    each, optimizer = program.each(*rows).tolist(), SGD(net.parameters(), lr=0.1, momentum=0.9)
    history = program.minimize(optimizer, rows[0][:38], rows[1][:38], epochs=5, batch_size=16, shuffle=0)
    return [added_up(program, *rows), loss, gradient.tolist(), each, history, [p.data for p in net.parameters()]]


def added_up(program: Any, *rows: Any) -> bool:
    """Whether the gradient is added up over devices: each then works on rows of its own."""
    backend, numbers = program.runs(len(rows[0])), program.numbers()
    with backend.floats():
        lowered = backend._mean_and_grad.lower(backend.parts(numbers), backend.put(program.rows(*rows).arrays))
    return "all-reduce" in lowered.compile().as_text()


def started(where: Any, devices: int = 1) -> "subprocess.Popen[str]":
    flags = f"--xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", TRAINED, json.dumps(where)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, env=environment, cwd=Path(__file__).parent.parent, stdout=pipe, stderr=pipe, text=True
    )


def outcome(process: "subprocess.Popen[str]") -> list[Any]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    found: list[Any] = json.loads(out.splitlines()[-1])
    return found


def alone() -> list[Any]:
    shared, *found = trained(())
    assert not shared
    return found


def assert_same(got: list[Any], want: list[Any]) -> None:
    for one, other in zip(got, want, strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-14)


@needs_jax
@pytest.mark.slow
def test_eight_devices_have_the_numbers_of_one() -> None:
    count, shared, *found = outcome(started(None, devices=8))
    assert (count, shared) == (8, True)
    assert_same(found, alone())


@needs_jax
@pytest.mark.slow
def test_two_processes_have_the_numbers_of_one() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [started({"address": address, "processes": 2, "process": k}) for k in range(2)]
    first, second = map(outcome, processes)
    count, shared, *found = first
    assert (count, shared) == (2, True)
    assert first == second
    assert_same(found, alone())
