"""A user's script, for the type checkers: run, and read by mypy --strict and pyright, outside the package."""

from typing import TYPE_CHECKING, Any, assert_type

from micrograd_nn import MLP, SGD, Layer, Neuron, Parameter, Value, compile, fit, grad, mse, relu, softmax, total

net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
loss = mse(net([1, 2]), 1)
assert_type(loss, Value)
loss.backward()
for p in net.parameters():
    p.data -= 0.1 * p.grad
    assert_type(p.grad, float)
assert_type(net.parameters(), list[Value])
assert_type(Neuron(2)([1.0, 2.0]), Value)
output: Value = net([1, 2])  # one output is a Value, more are a list: the sizes say which, so both are allowed
outputs: list[Value] = Layer(2, 3)([1.0, 2.0])
assert_type(1 - net([1, 2]) * 2, Value)
assert_type(net([1, 2]).data, float)
assert_type(net([1, 2]) > 0.5, bool)
assert_type(Layer(2, 3)([1, 2])[0], Value)
assert_type([o.data for o in Layer(2, 3)([1, 2])], list[float])
assert_type(softmax(Layer(2, 3)([1, 2])), list[Value])
if TYPE_CHECKING:
    assert net([1, 2]).logits  # type: ignore[attr-defined]  # it is no Any: what neither of them has is an error
losses = [(1 - y * net(row)).relu() for row, y in [([1, 2], 1), ([2, 1], -1)]]
assert_type(total(losses) * (1.0 / len(losses)), Value)
assert_type(sum(losses, Value(0)), Value)  # without the start a checker says Value | Literal[0]
x = Value(1.0)
assert_type(relu(x), Value)
assert_type(relu(2.0), float)
assert_type(x.tanh(), Value)
assert_type(x.leaky_relu(0.2), Value)
assert_type(2 * x + 1 - x / 2, Value)
assert_type(x**2, Value)
assert_type(2**x / (2 / x), Value)
assert_type(-x, Value)
assert_type(x > 2, bool)
assert_type(x.item(), float)
assert_type(x.detach(), Value)
assert_type(softmax([1.0, 2.0]), list[float])
assert_type(softmax(outputs), list[Value])
assert_type(total(outputs), Value)
assert_type(total([1.0]), float)
assert_type(grad(loss, [x]), list[float])
own = Parameter(1.0, "w")
own.grad = 0.0
own.grad = None
SGD([*net.parameters(), own], lr=0.1).step()
assert_type(compile(loss)(), float)
history = fit(net, [[1, 2]], [1], loss="mse", epochs=1, progress=False)
assert_type(history.last, dict[str, float])
someone: Any = Value(3.0)
assert_type(someone, Any)
