"""The core with nothing but Python: no NumPy, safetensors, tqdm or graphviz, as in a browser.

A fresh process in which importing one of them is an error runs everything that a learner does there.
"""

import re
import subprocess
import sys

import pytest

FORBIDDEN = ("numpy", "safetensors", "tqdm", "graphviz", "matplotlib", "scipy")
FORBID = f"""
import sys
from importlib.abc import MetaPathFinder

class Forbid(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FORBIDDEN!r}:
            raise ImportError(f"{{name}} is not there")

sys.meta_path.insert(0, Forbid())
"""
START = """
from micrograd_nn.errors import ExtraMissingError
from micrograd_nn import accuracy, check_partials, evaluate, predict, quiz, steps, tutor
from micrograd_nn import MLP, SGD, Value, compile, data, draw_dot, draw_network, explain, fit, grad, mse, paths, walk
net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
w1 = net.parameters()[0]
L = mse(net([-2, -1]), Value(1, "y"))
"""
JOBS = {
    "recording and backward": "L.backward(); assert w1.grad == grad(L, [w1])[0] != 0",
    "derive": "assert 'h1' in str(explain(L, w1)); assert paths(L, w1).count == 1; print(list(steps(L)))",
    "check": "assert check_partials(L, {'b3': '-2*(y - o1)*o1*(1 - o1)'}).ok",
    "quiz": "assert quiz(L)",
    "tutor": "assert tutor(L, 'w1')",
    "draw": "assert 'w1' in draw_dot(L).source; assert 'w1' in draw_network(net, loss=L).source",
    "walk": "assert 'h1' in walk(L).html",
    "explore": "from micrograd_nn.draw._explore import answer, graph_data\nassert graph_data(L)['nodes']\n"
    "assert answer(L, {'kind': 'nudge', 'node': 0, 'value': 0.1})['words']",
    "predict and evaluate": "X, y = data.friends(); out = predict(net, X); assert len(out) == 4\n"
    "assert evaluate(net, X, y)['loss'] > 0 and accuracy(out, y) in (0, 0.25, 0.5, 0.75, 1)",
    "small datasets": "for name in data.DATASETS:\n    if name != 'digits':\n        X, y = data.dataset(name)\n"
    "        assert len(X) == len(y) > 0 and repr(data.split(data.dataset(name), 0.5)[0])",
    "save": "from micrograd_nn.storage import from_bytes, to_bytes\n"
    "assert from_bytes(to_bytes(net, loss='mse')).state_dict() == net.state_dict()",
    "fit": "history = fit(net, [[0, 0], [0, 1]], [0, 1], lr=1.0, epochs=20, engine='scalar')\n"
    "assert history['loss'][-1] < history['loss'][0]",
    "fit by itself": "assert fit(net, *data.friends(), lr=0.1, epochs=50, metrics='accuracy').last['loss'] < 0.2",
    "compile": "x = [Value(0.0, 'x1'), Value(0.0, 'x2')]; y = Value(0.0, 'y')\n"
    "program = compile(mse(net(x), y), [x, y], net.parameters(), backend='python')\n"
    "loss, gradient = program.value_and_grad([[-2, -1]], [1])\n"
    "assert list(gradient) == grad(L, net.parameters()) and loss == L.data\n"
    "assert program.minimize(SGD(net.parameters(), lr=0.5), [[-2, -1]], [1], epochs=9)[-1] < loss",
    "compile by itself": "x = Value(1.0); program = compile(x * x, [x]); assert program([3.0, 5.0]) == 17.0\n"
    "assert program.backend == 'python' and 'NumPy, which is not installed' in program.why\n"
    "for options in ({'backend': 'numpy'}, {'dtype': 'float32'}):\n    try:\n        compile(x * x, [x], **options)\n"
    "    except ExtraMissingError as error:\n        assert 'pip install numpy' in str(error)\n"
    "    else:\n        raise AssertionError",
}


NEEDS_NO_ARRAY = [*JOBS][: [*JOBS].index("predict and evaluate")]
SAID = """
for name in ("friends", "xor", "moons", "spiral", "line"):
    rows = data.dataset(name)
    print(repr(rows), *(list(map(list, X)) for X in [rows.X]), list(rows.y), repr(rows.take([1, 0], "two").rows))
for engine in ("scalar", "compiled"):
    print(fit(net, *data.xor(), lr=0.5, epochs=30, engine=engine)["loss"], net.state_dict())
one_hot = MLP(2, [2, 2], "tanh", "softmax", seed=1)
print(fit(one_hot, *data.friends(), loss="categorical_cross_entropy", lr=0.1, epochs=5, validation=data.friends()).rows)
print([list(map(float, row)) for row in predict(one_hot, data.friends().X)])
for X, y in (
    ([[1, 2], [3]], [0, 1]), ([[1, 2], [3, "a"]], [0, 1]), ([], []), ([[]], [0]), ([[1, float("nan")]], [0]),
    ([[1, 2]] * 3, [0, float("inf"), float("inf")]), ("ab", [0]), (None, [0]), ([[1, 2]], [[0, 1]]), ([[1, 2]], [0, 1]),
    ([[1, 2, 3]], [0]), ([1, 2], [0]), ([[1, 2]], [True]), ([[1, None]], [0]), ([[[1, 2]]], [0]),
):
    try:
        print(fit(net, X, y, loss="binary_cross_entropy", epochs=1, engine="scalar")["loss"])
    except Exception as error:
        print(type(error).__name__, error)
x, out = [Value(0.0), Value(0.0)], Value(0.0)
program = compile((net(x) - out) ** 2, [x, out], net.parameters(), backend="python")
print(program([[1, 2], [3, 4]], [5, 6]), program([1, 2], 3), list(program.each([[1, 2], [3, 4]], [5, 6])))
for given in ([[1, 2], [3]], [1, 2, 3], "ab", [[1, 2], ["a", 1]], [[[1, 2]]], [], [[1, 2]] * 3):
    try:
        print(program(given, [5, 6]))
    except Exception as error:
        print(type(error).__name__, str(error).partition(": ")[0])
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("job", JOBS)
def test_a_learner_needs_nothing_but_python(job: str) -> None:
    run(FORBID + START + JOBS[job])


def test_what_needs_no_array_imports_none_where_there_is_one() -> None:
    jobs = "\n".join(JOBS[job] for job in NEEDS_NO_ARRAY)
    assert run(f"import sys\n{START}{jobs}\nprint(sorted({{*sys.modules}} & {{*{FORBIDDEN!r}}}))").endswith("[]\n")


def test_numbers_and_words_are_the_same_with_numpy_and_without() -> None:
    without, with_numpy = run(FORBID + START + SAID), run(START + SAID)
    assert without.count("\n") > 30
    for one, other in zip(without.splitlines(), with_numpy.splitlines(), strict=True):
        assert one.replace(".0", "") == re.sub(r"np\.\w+\((.*?)\)", r"\1", other).replace(".0", "")
