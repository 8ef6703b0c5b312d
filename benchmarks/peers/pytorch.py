"""PyTorch: eager as its tutorials write a step, eager with the update fused by hand, and through torch.compile.

Promise: PyTorch 2.13.0 on the CPU; parameters as leaf tensors, the loss of ``torch.nn.functional``.
"""

from collections.abc import Callable
from typing import Any

from ..harness import MissingError, require
from .problem import Array, Peer, Problem, Train, flat


def prepared(problem: Problem) -> tuple[Any, Callable[..., Any], list[Any]]:
    """torch, the loss as a function of (parameters, X, y), and the batches as tensors."""
    torch = require("torch")
    activations = {"sigmoid": torch.sigmoid, "relu": torch.relu, "identity": lambda z: z}
    kinds = [activations[problem.hidden]] * (len(problem.sizes) - 2) + [activations[problem.output]]
    losses = {
        "mse": lambda out, y: ((y - out[:, 0]) ** 2).mean(),
        "hinge": lambda out, y: torch.relu(1.0 - y * out[:, 0]).mean(),
        "softmax": torch.nn.functional.cross_entropy,
    }
    error = losses[problem.loss]

    def loss(parameters: list[Any], X: Any, y: Any) -> Any:
        for k, activation in enumerate(kinds):
            X = activation(torch.nn.functional.linear(X, parameters[2 * k], parameters[2 * k + 1]))
        if problem.l2:
            return error(X, y) + problem.l2 * sum((p * p).sum() for p in parameters)
        return error(X, y)

    batches = [(torch.from_numpy(X), torch.from_numpy(y)) for X, y in problem.batches]
    return torch, loss, batches


def eager(problem: Problem) -> Train:
    torch, loss, batches = prepared(problem)

    def train(steps: int) -> Array:
        parameters = start(problem, torch)
        optimizer = torch.optim.SGD(parameters, lr=problem.lr)
        for i in range(steps):
            optimizer.zero_grad()
            loss(parameters, *batches[i % len(batches)]).backward()
            optimizer.step()
        return end(parameters)

    return train


def fused(problem: Problem, torch: Any, loss: Callable[..., Any], batches: list[Any]) -> Train:
    """Forward, backward, and one call that moves all parameters; the loss may be compiled."""

    def train(steps: int) -> Array:
        parameters = start(problem, torch)
        for i in range(steps):
            gradients = torch.autograd.grad(loss(parameters, *batches[i % len(batches)]), parameters)
            with torch.no_grad():
                torch._foreach_add_(parameters, gradients, alpha=-problem.lr)
        return end(parameters)

    return train


def start(problem: Problem, torch: Any) -> list[Any]:
    """Weights and biases, layer by layer."""
    return [torch.from_numpy(n.copy()).requires_grad_() for layer in problem.start for n in layer]


def end(parameters: list[Any]) -> Array:
    """The same as one vector."""
    numbers = [p.detach().numpy() for p in parameters]
    return flat(list(zip(numbers[::2], numbers[1::2], strict=True)))


def by_hand(problem: Problem) -> Train:
    return fused(problem, *prepared(problem))


def compiled(problem: Problem) -> Train:
    torch, loss, batches = prepared(problem)
    torch._dynamo.reset()
    train = fused(problem, torch, torch.compile(loss), batches)
    try:
        train(2)
    except Exception as error:  # whatever its compiler chain raises where it does not work
        raise MissingError(f"torch.compile failed here with {type(error).__name__}: {error}") from error
    return train


PEERS = [
    Peer(
        "PyTorch, eager",
        "Tensors over the whole batch, then `zero_grad`, `backward` and the `step` of `torch.optim.SGD`. "
        "The CPU build with its own defaults.",
        eager,
    ),
    Peer(
        "PyTorch, fused update",
        "The same with `torch.autograd.grad` and one private call that moves all parameters. "
        "It is what an expert writes to save the optimiser's own time.",
        by_hand,
    ),
    Peer(
        "PyTorch, torch.compile",
        "The same step with the loss under `torch.compile`, forward and backward in its generated C++. "
        "The seconds that compiling takes are not counted.",
        compiled,
        slow_start=True,
    ),
]
