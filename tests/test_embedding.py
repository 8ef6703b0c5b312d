"""Embedding: a row by its number, and the same graph for all numbers where the number varies."""

from typing import Any

import numpy as np
import pytest

from micrograd_nn import MLP, Embedding, Module, Value, load_into, save
from micrograd_nn.compiler import compile
from micrograd_nn.errors import ArgumentError, DivergedError, GraphError, NumberError
from micrograd_nn.nn.losses import softmax_cross_entropy
from micrograd_nn.nn.optim import SGD
from micrograd_nn.training import evaluate, fit, predict

VOCABULARY, CONTEXT = 5, 2
DRAW = np.random.default_rng(0)
X, Y = DRAW.integers(0, VOCABULARY, (12, CONTEXT)), DRAW.integers(0, VOCABULARY, 12)


class Characters(Module):
    """The next character from those before it: embeddings side by side, then a multi-layer perceptron."""

    def __init__(self, seed: int = 0) -> None:
        self.embed = Embedding(VOCABULARY, 3, seed=seed)
        self.mlp = MLP(3 * CONTEXT, [6, VOCABULARY], "tanh", seed=seed)

    def __call__(self, x: Any) -> Any:
        return self.mlp([number for character in x for number in self.embed(character)])


class Looking(Characters):
    """The same by the lecture's E[int(x)], which looks at the number."""

    def __call__(self, x: Any) -> Any:
        return self.mlp([number for character in x for number in self.embed.weight[int(character.data)]])


def numbers(net: Module) -> list[float]:
    return [parameter.data for parameter in net.parameters()]


def test_a_number_picks_the_row_itself() -> None:
    table = Embedding(4, 3, seed=0)
    for row in (0, 3, 2.0, np.int64(1), np.array(1)):
        assert all(a is b for a, b in zip(table(row), table.weight[int(row)], strict=True))
    assert [row[0] for row in table([3, 0])] == [table.weight[3][0], table.weight[0][0]]
    assert table(np.array([[1, 2]]))[0][1] == table.weight[2]
    assert [name for name, _ in table.named_parameters()][:4] == [
        "weight.0.0",
        "weight.0.1",
        "weight.0.2",
        "weight.1.0",
    ]
    assert numbers(Embedding(4, 3, seed=0)) == numbers(table) != numbers(Embedding(4, 3, seed=1))


@pytest.mark.parametrize("number", [-1, 4, 2.5, float("nan"), float("inf")])
def test_what_picks_no_row_is_refused(number: float) -> None:
    for x in (number, Value(number)):
        with pytest.raises(ArgumentError, match=r"Embedding\(4, 3\) has the rows 0 to 3, and .* picks none of them"):
            Embedding(4, 3)(x)


def test_what_is_no_number_is_refused() -> None:
    for thing in ("a", None, [None]):
        with pytest.raises(NumberError):
            Embedding(4, 3)(thing)
    for sizes in ((0, 3), (4, 0), (2.5, 1)):
        with pytest.raises((ValueError, TypeError), match="whole number from 1 up"):
            Embedding(*sizes)  # type: ignore[arg-type]


def test_a_value_gives_the_row_and_its_gradient_and_none_to_the_others() -> None:
    table = Embedding(4, 2, seed=0)
    for row in range(4):
        out = table(x := Value(float(row)))
        assert [z.data for z in out] == [w.data for w in table.weight[row]]
        table.zero_grad()
        (out[0] * 3.0 + out[1] * 5.0).backward()
        assert [[w.grad for w in weights] for weights in table.weight] == [
            [3.0 * (k == row), 5.0 * (k == row)] for k in range(4)
        ]
        assert x.grad == 0.0


def test_a_character_model_is_trained_by_every_backend_as_by_the_scalar_engine(backend: str) -> None:
    settings: dict[str, Any] = {
        "loss": "softmax_cross_entropy",
        "lr": 0.1,
        "epochs": 2,
        "batch_size": 5,
        "metrics": "accuracy",
    }
    nets = {engine: Characters() for engine in ("scalar", backend)}
    histories = [fit(net, X, Y, engine=engine, **settings) for engine, net in nets.items()]
    assert numbers(nets[backend]) == pytest.approx(numbers(nets["scalar"]), rel=1e-9, abs=1e-12)
    assert histories[1].rows == [pytest.approx(row, rel=1e-9) for row in histories[0].rows]
    exact, got = (predict(nets["scalar"], X, engine=engine) for engine in ("scalar", backend))
    assert got == pytest.approx(exact, rel=1e-12)


def test_the_numbers_are_those_of_the_rows_looked_up_by_hand() -> None:
    net = Characters()
    by_hand = [[z.data for z in net.mlp([w for c in row for w in net.embed(c)])] for row in X.tolist()]
    assert predict(net, X) == pytest.approx(np.array(by_hand), rel=1e-12)


def test_a_number_that_picks_no_row_ends_a_compiled_training_with_its_row() -> None:
    bad, net = X.copy(), Characters()
    bad[7, 1] = VOCABULARY
    before = numbers(net)
    with pytest.raises(DivergedError, match=r"row 7: Embedding\(5, 3\) has the rows 0 to 4, and 5 picks none"):
        fit(net, bad, Y, loss="softmax_cross_entropy", batch_size=12, engine="compiled")
    assert numbers(net) == before
    assert np.isnan(predict(net, bad, engine="compiled")[7]).all()


def test_a_look_at_the_number_is_refused_as_ever() -> None:
    settings: dict[str, Any] = {"loss": "softmax_cross_entropy", "epochs": 40}
    with pytest.raises(GraphError, match=r"looks at a number: .*embed.weight\[int\(character.data\)\]"):
        fit(Looking(), X, Y, engine="compiled", **settings)
    history = fit(Looking(), X, Y, **settings)
    assert (history.engine, "int(character.data)" in history.why) == ("scalar", True)
    twin = Characters()
    assert evaluate(Looking(), X, Y, loss="softmax_cross_entropy", engine="scalar") == pytest.approx(
        evaluate(twin, X, Y, loss="softmax_cross_entropy", engine="compiled"), rel=1e-12
    )


def test_a_program_of_ones_own_is_trained(backend: str) -> None:
    net, x, y = Characters(), [Value(0.0) for _ in range(CONTEXT)], [Value(0.0) for _ in range(VOCABULARY)]
    program = compile(lambda x, y: softmax_cross_entropy(net(x), y), [x, y], net.parameters(), backend=backend)
    targets = np.eye(VOCABULARY)[Y]
    before = program(X, targets)
    program.minimize(SGD(net.parameters(), lr=0.1), X, targets, epochs=5, batch_size=4)
    assert program(X, targets) < before


def test_a_saved_table_comes_back(tmp_path: Any) -> None:
    save(net := Characters(seed=1), tmp_path / "net")
    assert load_into(Characters(), tmp_path / "net").state_dict() == net.state_dict()
