"""The core with nothing but Python: no NumPy, safetensors, tqdm or graphviz, as in a browser.

A fresh process in which importing one of them is an error runs everything that a learner does there.
"""

import subprocess
import sys

import pytest

FORBIDDEN = ("numpy", "safetensors", "tqdm", "graphviz", "matplotlib", "scipy")
START = f"""
import sys
from importlib.abc import MetaPathFinder

class Forbid(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FORBIDDEN!r}:
            raise ImportError(f"{{name}} is not there")

sys.meta_path.insert(0, Forbid())
from micrograd_nn import check_partials, quiz, steps
from micrograd_nn import MLP, Value, data, draw_dot, draw_network, explain, grad, mse, paths, walk
net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
w1 = net.parameters()[0]
L = mse(net([-2, -1]), Value(1, "y"))
"""
JOBS = {
    "recording and backward": "L.backward(); assert w1.grad == grad(L, [w1])[0] != 0",
    "derive": "assert 'h1' in str(explain(L, w1)); assert paths(L, w1).count == 1; print(list(steps(L)))",
    "check": "assert check_partials(L, {'b3': '-2*(y - o1)*o1*(1 - o1)'}).ok",
    "quiz": "assert quiz(L)",
    "draw": "assert 'w1' in draw_dot(L).source; assert 'w1' in draw_network(net, loss=L).source",
    "walk": "assert 'h1' in walk(L).html",
    "explore": "from micrograd_nn.draw._explore import answer, graph_data\nassert graph_data(L)['nodes']\n"
    "assert answer(L, {'kind': 'nudge', 'node': 0, 'value': 0.1})['words']",
    "small datasets": "for name in data.DATASETS:\n    if name != 'digits':\n        X, y = data.dataset(name)\n"
    "        assert len(X) == len(y) > 0 and repr(data.split(data.dataset(name), 0.5)[0])",
    "save": "from micrograd_nn.storage import from_bytes, to_bytes\n"
    "assert from_bytes(to_bytes(net, loss='mse')).state_dict() == net.state_dict()",
}


@pytest.mark.parametrize("job", JOBS)
def test_a_learner_needs_nothing_but_python(job: str) -> None:
    done = subprocess.run([sys.executable, "-c", START + JOBS[job]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
