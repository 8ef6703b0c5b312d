"""Ten lines as a user writes them, run with the installed package, far from the clone."""

from pathlib import Path

import micrograd_nn
from micrograd_nn import MLP, Value, check_partials, compile, data, draw_dot, explain, fit, load, mse, save, walk

net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
loss = mse(net([-2, -1]), Value(1, "y"))
loss.label = "L"
loss.backward()
assert check_partials(loss, {"b3": "-2*(y - o1)*o1*(1 - o1)"}).ok
assert "∂L/∂w1" in str(explain(loss, "w1"))
assert "<svg" in draw_dot(loss).svg
assert "</html>" in walk(loss).html
assert abs(compile(loss)() - loss.data) < 1e-12
people = data.friends()
fit(net, people.X, people.y, loss="mse", epochs=10, progress=False)
save(net, "net.safetensors")
assert [p.data for p in load("net.safetensors").parameters()] == [p.data for p in net.parameters()]
assert (Path(micrograd_nn.__file__).parent / "py.typed").is_file()
assert "site-packages" in micrograd_nn.__file__
