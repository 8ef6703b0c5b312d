"""An MLP as matrices: what its graph gives, whatever it is made of and whatever was changed since the last call."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from ctrl_c import Moment

from micrograd_nn import (
    MLP,
    TABLE,
    Maxout,
    Neuron,
    Parameter,
    Value,
    detect_anomaly,
    load_checkpoint,
    load_into,
    relu,
    save,
    save_checkpoint,
)
from micrograd_nn.compiler import compile
from micrograd_nn.errors import AnomalyError, ShapeError
from micrograd_nn.nn import Layer
from micrograd_nn.nn.optim import SGD
from micrograd_nn.storage.networks import load_matrices
from micrograd_nn.training import evaluate, fit, predict
from micrograd_nn.training.matrices import as_matrices, outputs

ACTIVATIONS = [*(row.name for row in TABLE.values() if row.arity == 1 or row.default is not None), "identity"]
ROWS = np.random.default_rng(0).normal(size=(7, 3)).round(2)


def agrees(net: Any, X: Any = ROWS) -> None:
    """The compiled outputs are those of the graph, row by row; nan and inf are where they are there."""
    recorded = [out if isinstance(out := net(row), list) else [out] for row in X.tolist()]
    wanted = np.array([[z.data for z in out] for out in recorded])
    got = predict(net, X, engine="compiled").reshape(wanted.shape)
    np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "maxout", "softmax"])
@pytest.mark.parametrize("sizes", [[1], [4], [3, 2], [2, 3, 1]], ids=str)
def test_every_activation_in_every_layer(activation: str, sizes: list[int]) -> None:
    for bias in (True, False):
        net = MLP(3, sizes, activation, output=activation, bias=bias, pieces=3, init="glorot", seed=1)
        assert as_matrices(net)
        with np.errstate(all="ignore"):
            agrees(net)


def shared_weight(net: MLP) -> None:
    net.layers[0].neurons[0].w[1] = net.layers[1].neurons[0].w[0]


def shared_row(net: MLP) -> None:
    net.layers[0].neurons[1].w = net.layers[0].neurons[0].w


def shared_neuron(net: MLP) -> None:
    net.layers[0].neurons[2] = net.layers[0].neurons[0]


def computed_weight(net: MLP) -> None:
    net.layers[0].neurons[0].w[1] = net.layers[1].neurons[0].w[0] * 2.0


def plain_weight(net: MLP) -> None:
    net.layers[0].neurons[0].w[1] = 0.25  # type: ignore[call-overload]


def new_layer(net: MLP) -> None:
    net.layers.insert(1, Layer(4, 4, "sigmoid", seed=5))


def own_fire(net: MLP) -> None:
    net.layers[0].neurons[0].fire = lambda x: x[0] * 3.0  # type: ignore[method-assign]


def bent_maxouts(net: MLP) -> None:
    maxouts = [Maxout(3, seed=seed) for seed in range(4)]
    for piece in (piece for neuron in maxouts for piece in neuron.pieces):
        piece.activation = relu
    net.layers[0].neurons = [*maxouts]


def moved_by_a_program(net: MLP, trainer: bool = False) -> None:
    x, y = [Value(0.0) for _ in range(3)], Value(0.0)
    program = compile((net(x)[0] - y) ** 2, inputs=[x, y], parameters=net.parameters())
    if not trainer:
        program.minimize(SGD(net.parameters(), lr=0.5), ROWS, ROWS[:, 0])
        return
    with program.trainer(SGD(net.parameters(), lr=0.5)) as t:
        t.step(ROWS, ROWS[:, 0])


def loaded_into(net: MLP) -> None:
    with TemporaryDirectory() as folder:
        save(MLP(3, [4, 2], "tanh", seed=8), f"{folder}/net")
        load_into(net, f"{folder}/net")


def resumed(net: MLP) -> None:
    history = fit(net, ROWS, [[1.0, 0.0]] * 7, epochs=1, lr=0.5)
    with TemporaryDirectory() as folder:
        save_checkpoint(f"{folder}/fit", net, history)
        net.load_state_dict(dict.fromkeys(net.state_dict(), 0.5))
        load_checkpoint(f"{folder}/fit", net, history.optimizer)


class Doubled(Neuron):
    """A neuron of one's own."""

    def fire(self, x: Any) -> Value:
        return super().fire(x) * 2.0


def own_pieces(net: MLP) -> None:
    maxouts = [Maxout(3, seed=seed) for seed in range(4)]
    for neuron in maxouts:
        neuron.pieces = [Doubled(3, "identity", seed=seed) for seed in range(len(neuron.pieces))]
    net.layers[0].neurons = [*maxouts]


def of_values(z: Any) -> Any:
    """A function of one's own does as it likes with what it is given."""
    return z * 2.0 if isinstance(z, Value) else z


CHANGES: dict[str, Callable[[MLP], object]] = {
    "a number": lambda net: setattr(net.layers[0].neurons[0].w[0], "data", 7.0),
    "all numbers": lambda net: net.load_state_dict(dict.fromkeys(net.state_dict(), 0.5)),
    "a bias": lambda net: setattr(net.layers[1].neurons[0].b, "data", -7.0),
    "a training": lambda net: fit(net, ROWS, [[1.0, 0.0]] * 7, epochs=1, lr=0.5),
    "a step": lambda net: (net(ROWS[0].tolist())[0].backward(), SGD(net.parameters(), lr=0.5).step()),
    "a compiled training": lambda net: fit(net, ROWS, [[1.0, 0.0]] * 7, epochs=1, lr=0.5, engine="compiled"),
    "a program": moved_by_a_program,
    "a program's trainer": lambda net: moved_by_a_program(net, trainer=True),
    "a file": loaded_into,
    "a checkpoint": resumed,
    "another Value": lambda net: net.layers[0].neurons[0].w.__setitem__(0, Value(9.0)),
    "equal numbers, another Value": lambda net: (
        net.layers[0].neurons[0].w.__setitem__(0, Value(net.layers[0].neurons[0].w[0].data))
    ),
    "a label": lambda net: setattr(net.layers[0].neurons[0], "label", "mine"),
    "one activation": lambda net: setattr(net.layers[0].neurons[0], "activation", relu),
    "all activations": lambda net: [setattr(neuron, "activation", relu) for neuron in net.layers[0].neurons],
    "no activation": lambda net: [setattr(neuron, "activation", None) for neuron in net.layers[0].neurons],
    "a function as activation": lambda net: setattr(net.layers[0].neurons[0], "activation", lambda z: z * z),
    "a layer's activation": lambda net: setattr(net.layers[1], "activation", "softmax"),
    "one bias gone": lambda net: setattr(net.layers[0].neurons[0], "b", None),
    "a shared weight": shared_weight,
    "a shared row": shared_row,
    "a shared neuron": shared_neuron,
    "a computed weight": computed_weight,
    "a plain number": plain_weight,
    "a layer more": new_layer,
    "a layer less": lambda net: net.layers.pop(),
    "a neuron less": lambda net: net.layers[1].neurons.pop(),
    "a maxout among neurons": lambda net: net.layers[0].neurons.__setitem__(0, Maxout(3, seed=3)),
    "all maxouts": lambda net: setattr(net.layers[0], "neurons", [Maxout(3, seed=seed) for seed in range(4)]),
    "maxouts of bent pieces": bent_maxouts,
    "a neuron of one's own": lambda net: net.layers[0].neurons.__setitem__(0, Doubled(3, "tanh", seed=4)),
    "all neurons of one's own": lambda net: setattr(
        net.layers[0], "neurons", [Doubled(3, "tanh", seed=seed) for seed in range(4)]
    ),
    "maxouts of one's own pieces": own_pieces,
    "a function as all activations": lambda net: [
        setattr(neuron, "activation", of_values) for neuron in net.layers[0].neurons
    ],
    "a way of its own": own_fire,
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_stale_after_a_change(change: str) -> None:
    net = MLP(3, [4, 2], "tanh", seed=0)
    agrees(net)
    before = predict(net, ROWS, engine="compiled")
    CHANGES[change](net)
    agrees(net)
    same = change in ("a label", "equal numbers, another Value")
    assert np.array_equal(predict(net, ROWS, engine="compiled"), before) == same


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_stale_after_many(seed: int) -> None:
    net, draw = MLP(3, [4, 2], "tanh", seed=0), Random(seed)
    for _ in range(6):
        change = draw.choice(sorted(CHANGES))
        try:
            CHANGES[change](net)
            net(ROWS[0].tolist())
        except (ValueError, IndexError, AttributeError, ShapeError):  # a network that no longer fits together
            return
        agrees(net)


def test_what_took_a_weights_place_may_move_afterwards() -> None:
    net = MLP(3, [4, 2], "tanh", seed=0)
    agrees(net)
    row = net.layers[0].neurons[0].w
    for other in (Value(row[0].data), Parameter(row[0].data)):
        row[0] = other  # type: ignore[call-overload]
        agrees(net)
        other.data = 5.0
        agrees(net)
        other.data = row[1].data
        agrees(net)


def test_minus_zero_is_not_taken_for_zero() -> None:
    net = MLP(3, [2], "identity", init="zeros")
    weights = [(as_matrices(net) or [])[0].W]
    for neuron in net.layers[0].neurons:
        neuron.w = [Parameter(-0.0) for _ in neuron.w]
    weights += [(as_matrices(net) or [])[0].W]
    assert [np.signbit(each).sum() for each in weights] == [0, 6]


def test_ctrl_c_at_any_instruction_of_a_change_leaves_nothing_stale(ctrl_c: None) -> None:
    net = MLP(3, [4, 2], "tanh", seed=0)
    weight, instruction, stopped = net.layers[0].neurons[0].w[0], 0, True
    while stopped:
        instruction += 1
        agrees(net)
        moment = Moment(instruction)

        def change(moment: Moment = moment, number: float = float(instruction)) -> None:
            moment.arm()
            weight.data = number

        stopped = moment.run(change)
        agrees(net)
    assert instruction > 10
    assert weight.data == instruction


def test_who_reads_while_a_number_is_changed_keeps_nothing_old() -> None:
    net = MLP(3, [4, 2], "tanh", seed=0)
    weight, setter = net.layers[0].neurons[0].w[0], vars(Value)["data"].fset.__code__

    def read_at_every_line(frame: Any, event: str, _: object) -> Any:
        if frame.f_code is not setter:
            return None
        predict(net, ROWS, engine="compiled")
        return read_at_every_line

    def change() -> None:
        sys.settrace(read_at_every_line)
        weight.data = 5.0
        sys.settrace(None)

    with ThreadPoolExecutor(1) as thread:  # of its own: what else traces this one, a measure of coverage, goes on
        thread.submit(change).result()
    agrees(net)


def test_each_dtype_has_matrices_of_its_own() -> None:
    net = MLP(3, [4, 2], "tanh", seed=0)
    for dtype in ("float64", "float32", "float64"):
        assert [layer.W.dtype for layer in as_matrices(net, dtype) or []] == [dtype, dtype]


def test_a_network_from_a_file_gives_its_matrices_without_its_values(tmp_path: Path) -> None:
    for sizes, kind, bias in product(([1], [4], [3, 2]), ("tanh", "maxout", "softmax"), (True, False)):
        net = MLP(3, sizes, kind, output=kind, bias=bias, pieces=3, seed=1)
        save(net, tmp_path / "net", loss="mse")
        layers, about = load_matrices(tmp_path / "net")
        assert np.array_equal(outputs(layers, ROWS), outputs(as_matrices(net) or [], ROWS))
        assert (about["loss"], about["architecture"]["nin"]) == ("mse", 3)


def test_rows_of_another_shape() -> None:
    net = MLP(3, [4, 2], "tanh", seed=0)
    for count in (1, 7, 2):
        agrees(net, ROWS[:count])
    for engine in ("auto", "compiled"):
        with pytest.raises(ShapeError, match="the network takes 3 inputs, got 2"):
            predict(net, ROWS[:, :2], engine=engine)
        with pytest.raises(ShapeError, match="the network takes 3 inputs, got 2"):
            evaluate(net, ROWS[:, :2], [0] * 7, engine=engine)


@pytest.mark.parametrize("output", ["identity", "softmax", "sigmoid"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_evaluate_measures_what_the_graph_gives(output: str, dtype: Any) -> None:
    net, rel = MLP(3, [4, 2], "tanh", output, seed=0), 1e-11 if dtype == "float64" else 1e-5
    labels, settings = [0, 1, 1, 0, 1, 0, 0], {"metrics": ["accuracy", "mse"], "dtype": dtype}
    exact, got = (evaluate(net, ROWS, labels, engine=engine, **settings) for engine in ("scalar", "compiled"))
    assert got == pytest.approx(exact, rel=rel)


def test_a_loss_may_take_the_parameters_in_and_look_at_them() -> None:
    net = MLP(3, [4, 2], "tanh", seed=0)

    def with_weights(outputs: Any, target: Any) -> Value:
        first = net.parameters()[0]
        scale = 2.0 if first.data > 0 else 3.0
        return sum((z - y) ** 2 for z, y in zip(outputs, target, strict=True)) + scale * first**2  # type: ignore[return-value]

    for number in (0.5, -0.5):
        net.parameters()[0].data = number
        got = evaluate(net, ROWS, [0] * 7, loss=with_weights, engine="compiled")
        exact = evaluate(net, ROWS, [0] * 7, loss=with_weights, engine="scalar")
        assert got == pytest.approx(exact, rel=1e-12)


def test_layers_that_do_not_fit_each_other_are_left_to_the_graph() -> None:
    net = MLP(3, [4, 2], "tanh", seed=0)
    net.layers[0].neurons.pop()
    assert as_matrices(net) is None


def test_what_is_watched_is_recorded() -> None:
    net = MLP(3, [4, 2], "log", seed=0)
    with detect_anomaly(), pytest.raises(AnomalyError, match="log made nan"):
        predict(net, -np.abs(ROWS), engine="compiled")


def test_outputs_without_end_are_measured_on_the_graph() -> None:
    net = MLP(3, [2], seed=0)
    net.parameters()[0].data = 1e308
    measured = [evaluate(net, 100.0 * np.abs(ROWS) + 9.0, [0] * 7, engine=engine) for engine in ("scalar", "compiled")]
    assert str(measured[0]) == str(measured[1])
