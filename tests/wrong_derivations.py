"""Derivations on paper, right and wrong, for nine networks: written by hand, without the engine.

Promise: every text here comes from the tables of this file alone; a wrong one carries the slip that was made in it and
the factor in which it was made.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from micrograd_nn import MLP, Value, exp, log, logsumexp, mse, sigmoid, sqrt, squared_error, tanh
from micrograd_nn.derive import Slip

SLOPE = {"sigmoid": "{o}*(1 - {o})", "tanh": "(1 - {o}^2)", "relu": "[{z} > 0]"}
EXPANDED = {"sigmoid": "({o} - {o}*{o})", "tanh": "(1 - {o})*(1 + {o})", "relu": "(0 < {z})"}
PRIMED = {"sigmoid": "sigmoid'({z})", "tanh": "tanh'({z})", "relu": "relu'({z})"}
SPELLED = {
    "sigmoid": "(1/(1 + exp(-({z}))))*(1 - 1/(1 + exp(-({z}))))",
    "tanh": "4/(exp({z}) + exp(-({z})))^2",
    "relu": "step({z})",
}
OF_OUTPUT = {"sigmoid": "sigmoid({o})*(1 - sigmoid({o}))", "tanh": "(1 - tanh({o})^2)"}
OF_INPUT = {"sigmoid": "({z})*(1 - ({z}))", "tanh": "(1 - ({z})^2)"}
SIGN_INSIDE = {"sigmoid": "{o}*(1 + {o})", "tanh": "(1 + {o}^2)"}
PART = {"sigmoid": "(1 - {o})", "tanh": "{o}^2"}
SIDE = {"relu": "[{z} < 0]"}
ANOTHER = {"sigmoid": "(1 - {o}^2)", "tanh": "{o}*(1 - {o})", "relu": "{o}*(1 - {o})"}


@dataclass(frozen=True)
class Factor:
    """∂child/∂parent = inner · act'(z), with o = act(z); or a factor spelled out, that of a loss or another."""

    child: str
    parent: str
    inner: str = ""
    own: str = ""  # what inner is multiplied with
    other: str = ""  # inner's neighbour
    act: str = ""
    z: str = ""
    loss: str = ""
    slope: str = ""  # another way to write act'(z)
    rule: str = ""  # of another function
    slips: tuple[tuple[Slip, str], ...] = ()  # what else stands there instead

    def __str__(self) -> str:
        parts = [
            self.loss,
            self.rule,
            self.inner,
            (self.slope or SLOPE.get(self.act, "")).format(o=self.child, z=self.z),
        ]
        return "*".join(part for part in parts if part) or "1"


@dataclass(frozen=True)
class Wrong:
    text: str
    slip: Slip
    factor: tuple[str, str] | None  # none where it is another quantity


Path = list[Factor]


def written(paths: list[Path]) -> str:
    return " + ".join("*".join(map(str, path)) for path in paths)


def right_forms(paths: list[Path]) -> Iterator[str]:
    """The same derivation in several people's hands."""
    yield written(paths)
    yield written([path[::-1] for path in paths][::-1])
    for table in (EXPANDED, PRIMED, SPELLED):
        yield written([[replace(f, slope=table[f.act]) if f.act else f for f in path] for path in paths])
    yield (
        "-(" + written([[replace(path[0], loss=f"-({path[0]})", inner="", act=""), *path[1:]] for path in paths]) + ")"
    )
    yield f"({written(paths)})/4 + 3*({written(paths)})/4"


def restyled(paths: list[Path], style: str) -> list[Path]:
    """The same derivation with every activation spelled out, or written from the weight up to the loss."""
    if style == "spelled out":
        return [[replace(f, slope=SPELLED[f.act]) if f.act else f for f in path] for path in paths]
    return [path[::-1] for path in paths] if style == "from below" else paths


def _in_all(paths: list[Path], old: Factor, new: str) -> str:
    return " + ".join("*".join(new if f == old else str(f) for f in path) for path in paths)


def wrong_forms(paths: list[Path], n: int = 1, others: Iterable[list[Path]] = ()) -> Iterator[Wrong]:
    """One slip in one place, in every place where it can be made; and other quantities, which are wrong in no place."""
    whole, target = written(paths), _from_the_loss(paths[0])[-1].parent
    yield Wrong(f"0.1*({whole})", Slip.STEP_FOR_GRADIENT, None)
    yield Wrong(f"{target} - 0.1*({whole})", Slip.NEW_WEIGHT, None)
    yield from (Wrong(written(other), Slip.ANOTHER_PARTIAL, None) for other in others)
    if len(paths) == 1 and len(paths[0]) > 2:
        first, second, *rest = map(str, paths[0])
        yield Wrong("*".join([f"({first} + {second})", *rest]), Slip.ADDED, None)
    factors = list(dict.fromkeys(f for path in paths for f in path))
    for f in factors:
        on_all = all(f in path for path in paths)
        for slip, new in _of_factor(f, n, on_all and len(factors) > 1):
            yield Wrong(_in_all(paths, f, new), slip, (f.child, f.parent))
    if len(paths) == 1:
        down = _from_the_loss(paths[0])
        for k in range(1, len(down)):
            kept = [f for f in paths[0] if f in down[k:]]
            yield Wrong(written([kept]), Slip.UPSTREAM_FORGOTTEN, ("L", down[k].child))
    else:
        for path in paths:
            own = next(f for f in _from_the_loss(path) if not all(f in other for other in paths))
            rest = [other for other in paths if other is not path]
            yield Wrong(written(rest), Slip.PATH_MISSING, (own.child, own.parent))
            yield Wrong(written([*paths, path]), Slip.PATH_TWICE, (own.child, own.parent))


def _from_the_loss(path: Path) -> Path:
    return path if path[0].loss else path[::-1]


def _of_factor(f: Factor, n: int, on_all: bool) -> Iterator[tuple[Slip, str]]:
    yield Slip.SIGN, f"(-{f})" if f.loss[:1] != "-" else str(f)[1:]
    yield Slip.INVERTED, f"1/({f})"
    yield from f.slips
    if on_all:  # in one of several paths, twice a factor is a path counted twice
        yield Slip.FACTOR_TWO, f"2*{f}"
        yield Slip.FACTOR_HALF, f"{f}/2"
    if f.loss and n > 1:
        yield Slip.FACTOR_N, f"{n}*{f}"
        yield Slip.FACTOR_N, f"{f}/{n}"
    if f.loss and "^" not in f.loss and "exp" not in f.loss:
        yield Slip.SQUARE_FORGOTTEN, ("-1" if f.loss.startswith("-2") else "-0.5") + (f"/{n}" if n > 1 else "")
        base = f.loss.split("*")[-1].split("/")[0].lstrip("-")
        yield Slip.POWER_LEFT, ("-" if f.loss.startswith("-2") else "-0.5*") + f"{base}^2" + (f"/{n}" if n > 1 else "")
        yield Slip.POWER_NOT_LOWERED, f"{f.loss}*{base}"
    if f.inner:
        yield Slip.WRONG_OPERAND, str(replace(f, inner=f.own))
        if f.other:
            yield Slip.WRONG_OPERAND, str(replace(f, inner=f.other))
        yield Slip.INNER_FORGOTTEN, str(replace(f, inner=""))
    if f.act:
        yield Slip.ACTIVATION_FORGOTTEN, str(replace(f, act="", slope=""))
        yield Slip.VALUE_FOR_SLOPE, str(replace(f, slope="{o}"))
        yield Slip.ANOTHER_RULE, str(replace(f, slope=ANOTHER[f.act]))
        if f.act in PART:
            yield Slip.SIGN_INSIDE, str(replace(f, slope=SIGN_INSIDE[f.act]))
            yield Slip.PART_FORGOTTEN, str(replace(f, slope=PART[f.act]))
        if f.act in SIDE:
            yield Slip.OTHER_BRANCH, str(replace(f, slope=SIDE[f.act]))
        yield Slip.INPUT_FOR_SLOPE, str(replace(f, slope="({z})"))
    if f.act in OF_OUTPUT:
        yield Slip.SLOPE_AT_OUTPUT, str(replace(f, slope=OF_OUTPUT[f.act]))
        yield Slip.INPUT_FOR_OUTPUT, str(replace(f, slope=OF_INPUT[f.act]))


# ---- the networks: a loss, and for some of its nodes the paths down to them ----

Case = tuple[Value, dict[str, list[Path]], int]


def _inputs(draw: Random, count: int) -> list[Value]:
    return [Value(draw.uniform(-2.0, 2.0), f"x{i}") for i in range(1, count + 1)]


def _net(draw: Random, sizes: list[int], act: str, out: str, **options: bool) -> tuple[MLP, list[Value]]:
    net = MLP(sizes[0], sizes[1:], activation=act, output=out, seed=draw.randrange(10**6), **options)
    for parameter in net.parameters():
        parameter.data = draw.uniform(-1.5, 1.5)
    return net, _inputs(draw, sizes[0])


def two_layers(draw: Random, act: str, out: str) -> Case:
    net, x = _net(draw, [2, 2, 1], act, out)
    loss = mse(net(x), Value(draw.uniform(-1.0, 1.0), "y"))
    z = ["w1*x1 + w2*x2 + b1", "w3*x1 + w4*x2 + b2"]
    top = Factor("L", "o1", loss="-2*(y - o1)")
    last = {"act": "" if out == "identity" else out, "z": "w5*h1 + w6*h2 + b3"}
    to_h = [Factor("o1", "h1", "w5", "h1", "w6", **last), Factor("o1", "h2", "w6", "h2", "w5", **last)]
    return (
        loss,
        {
            "w1": [[top, to_h[0], Factor("h1", "w1", "x1", "w1", "x2", act, z[0])]],
            "w4": [[top, to_h[1], Factor("h2", "w4", "x2", "w4", "x1", act, z[1])]],
            "b2": [[top, to_h[1], Factor("h2", "b2", act=act, z=z[1])]],
            "w6": [[top, Factor("o1", "w6", "h2", "w6", "h1", **last)]],
            "x2": [
                [top, to_h[0], Factor("h1", "x2", "w2", "x2", "w1", act, z[0])],
                [top, to_h[1], Factor("h2", "x2", "w4", "x2", "w3", act, z[1])],
            ],
        },
        1,
    )


def three_three_one(draw: Random) -> Case:
    net, x = _net(draw, [3, 3, 1], "sigmoid", "sigmoid", bias=False)
    loss = squared_error(net(x), Value(draw.uniform(-1.0, 1.0), "y"))
    top = Factor("L", "o1", loss="-(y - o1)")
    last = {"act": "sigmoid", "z": "w10*h1 + w11*h2 + w12*h3"}
    return (
        loss,
        {
            "w10": [[top, Factor("o1", "w10", "h1", "w10", "h3", **last)]],
            "w5": [
                [
                    top,
                    Factor("o1", "h2", "w11", "h2", "w12", **last),
                    Factor("h2", "w5", "x2", "w5", "x3", "sigmoid", "w4*x1 + w5*x2 + w6*x3"),
                ]
            ],
        },
        1,
    )


def shared_weight(draw: Random) -> Case:
    w, b, y = (Value(draw.uniform(-1.5, 1.5), name) for name in "wby")
    (x,) = _inputs(draw, 1)
    s = tanh(w * x + b)
    s.label = "s"
    t = sigmoid(w * s + b)
    t.label = "t"
    top = Factor("L", "t", loss="-2*(y - t)")
    outer, inner = {"act": "sigmoid", "z": "w*s + b"}, {"act": "tanh", "z": "w*x1 + b"}
    through = Factor("t", "s", "w", "s", "x1", **outer)
    return (
        (y - t) ** 2,
        {
            "w": [
                [top, Factor("t", "w", "s", "w", "x1", **outer)],
                [top, through, Factor("s", "w", "x1", "w", "s", **inner)],
            ],
            "b": [[top, Factor("t", "b", **outer)], [top, through, Factor("s", "b", **inner)]],
            "x1": [[top, through, Factor("s", "x1", "w", "x1", "b", **inner)]],
        },
        1,
    )


def cross_entropy(draw: Random) -> Case:
    net, x = _net(draw, [2, 2, 3], "tanh", "identity")
    z = net(x)
    share = "exp(o{k})/(exp(o1) + exp(o2) + exp(o3))"
    p = [share.format(k=k) for k in (1, 2, 3)]
    slips = {k: ((Slip.CROSS_ENTROPY, f"({p[k - 1]}*(1 - {p[k - 1]}))"),) for k in (1, 2, 3)}
    top = [Factor("L", f"o{k}", loss=f"({p[k - 1]}{' - 1' if k == 2 else ''})", slips=slips[k]) for k in (1, 2, 3)]
    h1 = Factor("h1", "w1", "x1", "w1", "x2", "tanh", "w1*x1 + w2*x2 + b1")
    return (
        logsumexp(z) - z[1],
        {
            "w7": [[top[1], Factor("o2", "w7", "h1", "w7", "h2")]],
            "b5": [[top[2], Factor("o3", "b5")]],
            "w1": [[top[k], Factor(f"o{k + 1}", "h1", f"w{5 + 2 * k}", "h1", f"w{6 + 2 * k}"), h1] for k in range(3)],
        },
        1,
    )


def mean_of_three(draw: Random) -> Case:
    m, b = Value(draw.uniform(-1.5, 1.5), "m"), Value(draw.uniform(-1.5, 1.5), "b")
    x = _inputs(draw, 3)
    targets = [Value(draw.uniform(-2.0, 2.0), f"y{k}") for k in (1, 2, 3)]
    outs = []
    for k, xk in enumerate(x, start=1):
        outs.append(tanh(m * xk + b))
        outs[-1].label = f"p{k}"
    top = [Factor("L", f"p{k}", loss=f"-2*(y{k} - p{k})/3") for k in (1, 2, 3)]
    act = [{"act": "tanh", "z": f"m*x{k} + b"} for k in (1, 2, 3)]
    return (
        mse(outs, targets),
        {
            "m": [
                [top[k], Factor(f"p{k + 1}", "m", f"x{k + 1}", "m", f"x{(k + 1) % 3 + 1}", **act[k])] for k in range(3)
            ],
            "x2": [[top[1], Factor("p2", "x2", "m", "x2", "b", **act[1])]],
        },
        3,
    )


def formulas(draw: Random) -> Case:
    """L = (y − q)², q = l/c, l = ln s, s = √p, p = x^k·e^g, g = t·tanh t."""
    x, k, c, t = (Value(draw.uniform(0.4, 1.8), name) for name in "xkct")
    y = Value(draw.uniform(-1.0, 1.0), "y")
    g = _named("g", t * tanh(t))
    p = _named("p", x**k * exp(g))
    s = _named("s", sqrt(p))
    l = _named("l", log(s))  # noqa: E741  # as it is called on paper
    top = Factor("L", "q", loss="-2*(y - q)")
    q_l = Factor("q", "l", rule="1/c", slips=((Slip.QUOTIENT, "1/c^2"), (Slip.QUOTIENT, "c")))
    q_c = Factor("q", "c", rule="(-l/c^2)", slips=((Slip.QUOTIENT, "(-l/c)"), (Slip.QUOTIENT, "(-1/c^2)")))
    l_s = Factor("l", "s", rule="1/s", slips=((Slip.LOGARITHM_RULE, "s"), (Slip.LOGARITHM_RULE, "1/l")))
    s_p = Factor("s", "p", rule="1/(2*s)", slips=((Slip.ROOT_RULE, "s/2"), (Slip.ROOT_RULE, "2/s")))
    p_x = Factor(
        "p",
        "x",
        rule="k*x^(k - 1)*exp(g)",
        slips=(
            (Slip.POWER_FACTOR_FORGOTTEN, "x^(k - 1)*exp(g)"),
            (Slip.POWER_NOT_LOWERED, "k*x^k*exp(g)"),
            (Slip.POWER_LEFT, "x^k*exp(g)"),
            (Slip.POWER_RULE, "x^k*log(x)*exp(g)"),
        ),
    )
    p_k = Factor(
        "p",
        "k",
        rule="x^k*log(x)*exp(g)",
        slips=(
            (Slip.LOGARITHM_FORGOTTEN, "x^k*exp(g)"),
            (Slip.POWER_RULE, "k*x^(k - 1)*exp(g)"),
        ),
    )
    g_t = Factor("g", "t", rule="(tanh(t) + t*(1 - tanh(t)^2))", slips=((Slip.PRODUCT, "(1 - tanh(t)^2)"),))
    p_g = Factor("p", "g", rule="x^k*exp(g)", slips=((Slip.POWER_RULE, "x^k*g*exp(g - 1)"),))
    down = [top, q_l, l_s, s_p]
    whole = (y - _named("q", l / c)) ** 2
    return whole, {"x": [[*down, p_x]], "k": [[*down, p_k]], "t": [[*down, p_g, g_t]], "c": [[top, q_c]]}, 1


def two_shares(draw: Random) -> Case:
    """L = (y − p1)², p1 the first of a softmax of three, of which the second depends on w too."""
    x, w, v, u, y = (Value(draw.uniform(-1.5, 1.5), name) for name in "xwvuy")
    z1, z2, z3 = (_named(f"z{i}", k * x) for i, k in enumerate((w, v, u), start=1))
    p1 = _named("p1", exp(z1) / (exp(z1) + exp(z2) + exp(z3)))
    top = Factor("L", "p1", loss="-2*(y - p1)")
    p2 = "exp(z2)/(exp(z1) + exp(z2) + exp(z3))"
    diagonal = Factor(
        "p1",
        "z1",
        rule="p1*(1 - p1)",
        slips=(
            (Slip.SOFTMAX, "p1*(1 + p1)"),
            (Slip.SOFTMAX, "p1"),
            (Slip.SOFTMAX, "(1 - p1)"),
            (Slip.SOFTMAX, "(-p1^2)"),
        ),
    )
    off = Factor(
        "p1",
        "z2",
        rule=f"(-p1*{p2})",
        slips=(
            (Slip.SOFTMAX, "p1*(1 - p1)"),
            (Slip.SOFTMAX, f"(-{p2})"),
            (Slip.SOFTMAX, f"p1*(1 - {p2})"),
        ),
    )
    to_w = Factor("z1", "w", "x", "w", "v")
    return (y - p1) ** 2, {"w": [[top, diagonal, to_w]], "v": [[top, off, Factor("z2", "v", "x", "v", "u")]]}, 1


def _named(name: str, value: Value) -> Value:
    value.label = name
    return value


NETWORKS = {
    "2-2-1 sigmoid": lambda draw: two_layers(draw, "sigmoid", "sigmoid"),
    "3-3-1 sigmoid": three_three_one,
    "2-2-1 tanh": lambda draw: two_layers(draw, "tanh", "tanh"),
    "2-2-1 relu": lambda draw: two_layers(draw, "relu", "identity"),
    "shared weight": shared_weight,
    "softmax cross-entropy": cross_entropy,
    "mean of three": mean_of_three,
    "formulas": formulas,
    "softmax": two_shares,
}
