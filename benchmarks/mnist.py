"""Train the recorded digit network to the end: ``python -m benchmarks.mnist --data DIR``.

Promise: 784-300-100-10 is recorded as a scalar graph of one image, compiled, and trained on MNIST's four files; the
same weights then train in PyTorch, on the same batches in the same order. Printed are both accuracies on the test
images and both wall times. Without --pytorch nothing but this package runs.
"""

import argparse
from random import Random
from time import perf_counter
from typing import Any

import numpy as np

from micrograd_nn import MLP, SGD, Value, data
from micrograd_nn.compiler import compile
from micrograd_nn.nn import losses

SIZES, HELD_BACK, BATCH, RATE = (784, 300, 100, 10), 10_000, 50, 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, metavar="DIR", help="the folder with MNIST's four files")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pytorch", action="store_true", help="train the same weights in PyTorch as well")
    arguments = parser.parse_args()
    train, test = data.mnist(arguments.data)
    X, y = (np.asarray(column) for column in (train.X, train.y))
    X = X.astype(np.float32)
    net = MLP(SIZES[0], list(SIZES[1:]), "relu", "identity", init="truncated_normal", seed=arguments.seed)
    start = layers_of(net)
    seconds, layers = ours(net, X, y, arguments.epochs, arguments.seed)
    report("micrograd_nn, compiled", seconds, layers, X, y, test)
    if arguments.pytorch:
        seconds, layers = pytorch(start, X, y, arguments.epochs, arguments.seed)
        report("PyTorch, eager", seconds, layers, X, y, test)


def ours(net: MLP, X: Any, y: Any, epochs: int, seed: int) -> tuple[float, list[Any]]:
    """Record, compile, train."""
    began = perf_counter()
    image, label = [Value(0.0) for _ in range(SIZES[0])], [Value(0.0) for _ in range(SIZES[-1])]
    loss = losses.softmax_cross_entropy(net(image), label)
    program = compile(loss, [image, label], net.parameters(), dtype="float32")
    print(f"recorded and compiled in {perf_counter() - began:.1f} s\n{program}\n")
    began = perf_counter()

    def each_epoch(epoch: int, loss: float) -> None:
        right = accuracy(layers_of(net), X[:HELD_BACK], y[:HELD_BACK])
        print(f"epoch {epoch:2d}  loss {loss:.4f}  validation {right:.4f}  {perf_counter() - began:6.1f} s", flush=True)

    onehot = np.eye(SIZES[-1], dtype=np.float32)[y]
    program.minimize(
        SGD(net.parameters(), lr=RATE),
        X[HELD_BACK:],
        onehot[HELD_BACK:],
        epochs=epochs,
        batch_size=BATCH,
        shuffle=Random(seed),
        each_epoch=each_epoch,
    )
    return perf_counter() - began, layers_of(net)


def pytorch(start: list[Any], X: Any, y: Any, epochs: int, seed: int) -> tuple[float, list[Any]]:
    """The same weights, rows, batches and order."""
    import torch

    parameters = [torch.from_numpy(np.array(part, np.float32)).requires_grad_() for layer in start for part in layer]
    optimizer = torch.optim.SGD(parameters, lr=RATE)
    rows, labels = torch.from_numpy(X[HELD_BACK:]), torch.from_numpy(y[HELD_BACK:].astype(np.int64))
    source, order = Random(seed), list(range(len(rows)))
    began = perf_counter()
    for _ in range(epochs):
        source.shuffle(order)
        for batch in torch.tensor(order).split(BATCH):
            out = rows[batch]
            for k in range(0, len(parameters), 2):
                out = torch.nn.functional.linear(out if k == 0 else torch.relu(out), parameters[k], parameters[k + 1])
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(out, labels[batch]).backward()
            optimizer.step()
    numbers = [parameter.detach().numpy() for parameter in parameters]
    return perf_counter() - began, list(zip(numbers[::2], numbers[1::2], strict=True))


def layers_of(net: MLP) -> list[Any]:
    """The weights and biases as arrays."""
    return [
        (
            np.array([[w.data for w in neuron.w] for neuron in layer.neurons]),
            np.array([n.b.data for n in layer.neurons]),
        )
        for layer in net.layers
    ]


def accuracy(layers: list[Any], X: Any, y: Any) -> float:
    """The share of images whose largest output is the label."""
    for k, (w, b) in enumerate(layers):
        X = (np.maximum(X, 0.0) if k else X) @ w.T.astype(np.float32) + b.astype(np.float32)
    return float((X.argmax(axis=1) == y).mean())


def report(who: str, seconds: float, layers: list[Any], X: Any, y: Any, test: Any) -> None:
    validation = accuracy(layers, X[:HELD_BACK], y[:HELD_BACK])
    tested = accuracy(layers, np.asarray(test.X, np.float32), np.asarray(test.y))
    print(f"{who:24s} {seconds:7.1f} s   validation {validation:.4f}   test {tested:.4f}")


if __name__ == "__main__":
    main()
