"""The table: one row per operation, and everything else asks the row. To add an operation, write one.

How it is computed, what its slopes are, how it is written by hand, in LaTeX, in Python, NumPy and C, where it is real
and where it has a corner stand here side by side and nowhere else.

Numbers follow IEEE 754: log(-1) is nan and 1/0 is inf, never an exception and never a complex number. Slopes are
written in the table's own operations, so that the same line serves floats, Values (higher orders) and symbols.
"""

import math
from typing import Any

from .operation import FLAT, Domain, Operation

inf, nan = math.inf, math.nan
HUGE = 1.7976931348623157e308  # the largest float; beyond its logarithm exp is inf

# ---- arithmetic ----

# fmt: off
add = Operation("add", doc="The sum a + b.", sign="+", level=2, associative=True, reduction=("Σ", r"\sum"),
    forward=lambda a, b: a + b, partials=(lambda a, b, out: 1.0, lambda a, b, out: 1.0),
    text="{a:1} + {b:2}", latex="{a:1} + {b:2}", python="{a} + {b}", numpy="{a} + {b}")

sub = Operation("sub", doc="The difference a - b.", sign="−", level=2, forward=lambda a, b: a - b,
    partials=(lambda a, b, out: 1.0, lambda a, b, out: -1.0),
    text="{a:1} − {b:3}", latex="{a:1} - {b:3}", python="{a} - {b}", numpy="{a} - {b}")

mul = Operation("mul", doc="The product a * b.", sign="×", level=3, associative=True, reduction=("Π", r"\prod"),
    forward=lambda a, b: a * b, partials=(lambda a, b, out: b, lambda a, b, out: a),
    text="{a:3}·{b:3}", latex=r"{a:3} \cdot {b:3}", python="{a} * {b}", numpy="{a} * {b}",
    shortcut=lambda a, b: b if _is(a, 1.0) else a if _is(b, 1.0) else None)

div: Operation = Operation("div", doc="The quotient a / b, rounded once; a * b**-1 differs in a quarter of all pairs.",
    sign="/", level=3,
    forward=lambda a, b: a / b if b else nan if a == 0 or a != a else math.copysign(inf, a) * math.copysign(1.0, b),
    partials=(lambda a, b, out: div(1.0, b), lambda a, b, out: -div(out, b)),
    textbook=(lambda a, b, out: div(1.0, b), lambda a, b, out: -div(a, power(b, 2.0))),
    text="{a:3}/{b:4}", latex=r"\frac{{{a:0}}}{{{b:0}}}", numpy="{a} / {b}", c="{a} / {b}",
    python="{a} / {b} if {b} else row_div({a}, {b})", shortcut=lambda a, b: a if _is(b, 1.0) else None,
    domain=Domain("b ≠ 0", lambda a, b: b != 0), kinks=(((1.0, 0.0), inf, (inf, -inf)), ((0.0, 0.0), nan, (inf, nan))))

neg = Operation("neg", doc="The opposite -a.", sign="−", level=1, forward=lambda a: -a, partials=(lambda a, out: -1.0,),
    text="−{a:3}", latex="-{a:3}", python="-{a}", numpy="-{a}")

power: Operation = Operation("pow", doc="The power a ** b, for a variable base and a variable exponent.",
    sign="^", level=4, forward=lambda a, b: a * a if b == 2.0 else _pow(a, b),
    partials=(lambda a, b, out: _pow_base_slope(a, b),
              lambda a, b, out: out * log(a + _is_zero(a) * step(b))),  # 0, not nan, where a is 0 and b not negative
    textbook=(lambda a, b, out: b * power(a, b - 1.0), lambda a, b, out: out * log(a)),
    text="{a:5}^{b:5}", latex="{{{a:5}}}^{{{b:0}}}", numpy="np.power({a}, {b})",
    c="{b} == 2.0 ? {a} * {a} : pow({a}, {b})",
    shortcut=lambda a, b: a * a if _is(b, 2.0) else a if _is(b, 1.0) else None,
    domain=Domain("a > 0, or a = 0 and b ≥ 0, or a < 0 and b whole",
                  lambda a, b: a > 0 or (b >= 0 if a == 0 else b % 1 == 0)),
    kinks=(((0.0, 0.0), 1.0, (0.0, 0.0)), ((0.0, 1.0), 0.0, (1.0, 0.0)), ((0.0, 0.5), 0.0, (inf, 0.0)),
           ((0.0, 2.0), 0.0, (0.0, 0.0)), ((0.0, -1.0), inf, (-inf, -inf)),
           ((-2.0, 3.0), -8.0, (12.0, nan)), ((-2.0, 0.5), nan, (nan, nan))))

absolute = Operation("abs", doc="The absolute value |a|; slope 0 at its corner.", sign="|·|",
    forward=math.fabs, partials=(lambda a, out: greater(a, 0.0) - greater(0.0, a),),
    textbook=(lambda a, out: sign(a),),
    text="|{a:0}|", latex=r"\left|{a:0}\right|", numpy="np.abs({a})", c="fabs({a})", kinks=(((0.0,), 0.0, (0.0,)),))

multiply_no_nan = Operation("multiply_no_nan", level=3,
    doc="a * b, but 0 where a is 0 (TensorFlow's: where b is 0): makes x**0 flat at 0.",
    forward=lambda a, b: 0.0 if a == 0.0 else a * b, partials=(lambda a, b, out: b, lambda a, b, out: a),
    text="{a:3}·{b:3}", latex=r"{a:3} \cdot {b:3}", numpy="np.where({a} == 0.0, 0.0, {a} * {b})",
    python="{a} * {b} if {a} else 0.0", c="{a} == 0.0 ? 0.0 : {a} * {b}",
    shortcut=lambda a, b: 0.0 if _is(a, 0.0) else a * b if a.__class__ is float else None,
    kinks=(((0.0, inf), 0.0, (inf, 0.0)), ((0.0, nan), 0.0, (nan, 0.0))))


def _is(operand: Any, number: float) -> bool:
    return operand.__class__ is float and operand == number  # a known number, not a node that happens to hold it


def _is_zero(a: Any) -> Any:
    return 1.0 - greater(absolute(a), 0.0)


def _pow(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -inf if a < 0 and b % 2 == 1 else inf
    except ValueError:  # a negative base with a broken exponent, or a zero with a negative one
        return nan if a != 0 else math.copysign(inf, a) if b % 2 == 1 else inf


def _pow_base_slope(a: Any, b: Any) -> Any:
    # b·a^(b-1). Where b - 1 is rounded to c, a^c is off by a factor of a^rest: hundreds of ULP at the ends.
    c = b - 1.0
    t = c - b
    rest = (b - (c - t)) - (1.0 + t)  # Knuth's two-sum: c + rest is b - 1 exactly
    if _is(rest, 0.0) and b != 0.0:
        return b * power(a, c)  # a known exponent such as 2, -1 or 0.5: nothing to correct
    zero = _is_zero(a)  # 0·0^-1 is taken as 0·1^-1, so that higher slopes meet no infinity, and 0^rest as 1
    slope = multiply_no_nan(b, power(a + zero * _is_zero(b), c))
    return multiply_no_nan(slope, power(stop_gradient(a + zero), rest))  # a rounding has no slope


# ---- exponentials and waves ----

exp = Operation("exp", doc="e to the power of a.", level=4,
    forward=lambda a: inf if a > 709.782712893384 else math.exp(a), partials=(lambda a, out: out,),
    latex=r"e^{{{a:0}}}", numpy="np.exp({a})", python="inf if {a} > 709.782712893384 else exp({a})", c="exp({a})")

clamped_log = Operation("clamped_log", doc="ln(a), but at least -100, so that a loss stays finite; its slope is ln's.",
    sign="ln", forward=lambda a: max(math.log(a), -100.0) if a > 0 else -100.0 if a == 0 else nan,
    partials=(lambda a, out: minimum(multiply_no_nan(sqrt(sign(a)), div(1.0, a)), HUGE),),  # sqrt: nan where a < 0
    textbook=(lambda a, out: div(1.0, a),),
    text="ln({a})", latex=r"\ln\left({a:0}\right)", numpy="np.maximum(np.log({a}), -100.0)",
    c="log({a}) < -100.0 ? -100.0 : log({a})", domain=Domain("a ≥ 0", lambda a: a >= 0),
    kinks=(((0.0,), -100.0, (0.0,)), ((5e-324,), -100.0, (HUGE,)), ((-1.0,), nan, (nan,))))

clamped_log1m = Operation("clamped_log1m", doc="ln(1 - a), for a tiny a too, but at least -100; its slope is ln's.",
    sign="ln(1 − ·)", forward=lambda a: math.log1p(-a) if a < 1 else -100.0 if a == 1 else nan,
    partials=(lambda a, out: -multiply_no_nan(sqrt(sign(1.0 - a)), div(1.0, 1.0 - a)),),
    textbook=(lambda a, out: -div(1.0, 1.0 - a),),
    text="ln(1 − {a:3})", latex=r"\ln\left(1 - {a:3}\right)", numpy="np.maximum(np.log1p(-{a}), -100.0)",
    c="{a} == 1.0 ? -100.0 : log1p(-{a})", domain=Domain("a ≤ 1", lambda a: a <= 1),
    kinks=(((1.0,), -100.0, (0.0,)), ((2.0,), nan, (nan,))))

log: Operation = Operation("log", doc="The natural logarithm of a.", sign="ln",
    forward=lambda a: math.log(a) if a > 0 else -inf if a == 0 else nan,
    partials=(lambda a, out: div(step(a), step(a) * a),),  # 1/a to the bit, and nan where a is negative
    textbook=(lambda a, out: div(1.0, a),), text="ln({a})", latex=r"\ln\left({a:0}\right)", numpy="np.log({a})",
    python="math.log({a}) if {a} > 0.0 else row_log({a})", c="log({a})",
    domain=Domain("a > 0", lambda a: a > 0), kinks=(((0.0,), -inf, (inf,)), ((-1.0,), nan, (nan,))))

sqrt: Operation = Operation("sqrt", doc="The square root of a.", sign="√",
    forward=lambda a: math.sqrt(a) if a >= 0 else nan, partials=(lambda a, out: div(0.5, out),),
    text="√({a})", latex=r"\sqrt{{{a:0}}}", numpy="np.sqrt({a})", python="math.sqrt({a}) if {a} >= 0.0 else nan",
    c="sqrt({a})", domain=Domain("a ≥ 0", lambda a: a >= 0), kinks=(((0.0,), 0.0, (inf,)), ((-1.0,), nan, (nan,))))

sigmoid: Operation = Operation("sigmoid", doc="1 / (1 + exp(-a)): the smooth step from 0 to 1.", sign="σ",
    forward=lambda a: 1.0 / (1.0 + math.exp(-a)) if a >= 0 else (e := math.exp(a)) / (1.0 + e),
    partials=(lambda a, out: sigmoid_slope(a),),  # out·(1 - out) has no digit left at a = 40
    textbook=(lambda a, out: out * (1.0 - out),), text="σ({a})", latex=r"\sigma\left({a:0}\right)",
    c="({a} < 0.0 ? exp(-fabs({a})) : 1.0) / (1.0 + exp(-fabs({a})))",
    python="1.0 / (1.0 + exp(-{a})) if {a} >= 0.0 else (e := exp({a})) / (1.0 + e)",
    numpy="np.exp(np.minimum({a}, 0.0)) / (1.0 + np.exp(-np.abs({a})))")

sigmoid_slope: Operation = Operation("sigmoid_slope", doc="σ(a)·σ(-a), the slope of sigmoid.", sign="σ′", level=3,
    forward=lambda a: (e := math.exp(-abs(a))) / (1.0 + e * (2.0 + e)),
    partials=(lambda a, out: -tanh(0.5 * a) * out,),
    text="σ({a})·σ(−{a:3})", latex=r"\sigma\left({a:0}\right) \cdot \sigma\left(-{a:3}\right)",
    python="(e := exp(-{a} if {a} >= 0.0 else {a})) / (1.0 + e * (2.0 + e))",
    numpy="np.exp(-np.abs({a})) / (1.0 + np.exp(-np.abs({a})) * (2.0 + np.exp(-np.abs({a}))))",
    c="exp(-fabs({a})) / (1.0 + exp(-fabs({a})) * (2.0 + exp(-fabs({a}))))")

tanh: Operation = Operation("tanh", doc="The hyperbolic tangent of a: from -1 to 1.", forward=math.tanh,
    partials=(lambda a, out: sech2(a),),  # 1 - t² has no digit left at a = 20
    textbook=(lambda a, out: 1.0 - power(out, 2.0),),
    latex=r"\tanh\left({a:0}\right)", numpy="np.tanh({a})", python="math.tanh({a})", c="tanh({a})")

sech2: Operation = Operation("sech2", doc="1 / cosh(a)², the slope of tanh.",
    forward=lambda a: 4.0 * (e := math.exp(-2.0 * abs(a))) / (1.0 + e * (2.0 + e)),
    partials=(lambda a, out: -2.0 * tanh(a) * out,),
    python="4.0 * (e := exp(-2.0 * abs({a}))) / (1.0 + e * (2.0 + e))",
    text="1/cosh({a})^2", latex=r"\frac{{1}}{{{{\cosh\left({a:0}\right)}}^{{2}}}}", level=3, sign="sech²",
    numpy="4.0 * np.exp(-2.0 * np.abs({a})) / "
          "(1.0 + np.exp(-2.0 * np.abs({a})) * (2.0 + np.exp(-2.0 * np.abs({a}))))",
    c="4.0 * exp(-2.0 * fabs({a})) / (1.0 + exp(-2.0 * fabs({a})) * (2.0 + exp(-2.0 * fabs({a}))))")

softplus = Operation("softplus", doc="ln(1 + exp(a)): the smooth relu.",
    forward=lambda a: max(a, 0.0) + math.log1p(math.exp(-abs(a))), partials=(lambda a, out: sigmoid(a),),
    numpy="np.logaddexp({a}, 0.0)", c="({a} < 0.0 ? 0.0 : {a}) + log1p(exp(-fabs({a})))")

logaddexp: Operation = Operation("logaddexp", doc="ln(exp(a) + exp(b)), safe; a chain of it is a stable logsumexp.",
    associative=True, reduction=("logsumexp", r"\operatorname{logsumexp}"),
    forward=lambda a, b: a + math.log(2.0) if a == b else (a if a > b else b) + math.log1p(math.exp(-abs(a - b))),
    partials=(lambda a, b, out: sigmoid(_finite(a) - _finite(b)), lambda a, b, out: sigmoid(_finite(b) - _finite(a))),
    textbook=(lambda a, b, out: exp(a - out), lambda a, b, out: exp(b - out)),
    latex=r"\ln\left(e^{{{a:0}}} + e^{{{b:0}}}\right)", numpy="np.logaddexp({a}, {b})",
    c="{a} == {b} ? {a} + 0.6931471805599453 : ({a} > {b} ? {a} : {b}) + log1p(exp(-fabs({a} - {b})))",
    kinks=(((-inf, -inf), -inf, (0.5, 0.5)),))

sin = Operation("sin", doc="The sine of a, in radians.",
    forward=lambda a: math.sin(a) if math.isfinite(a) else nan, partials=(lambda a, out: cos(a),),
    latex=r"\sin\left({a:0}\right)", numpy="np.sin({a})", c="sin({a})")

cos: Operation = Operation("cos", doc="The cosine of a, in radians.",
    forward=lambda a: math.cos(a) if math.isfinite(a) else nan, partials=(lambda a, out: -sin(a),),
    latex=r"\cos\left({a:0}\right)", numpy="np.cos({a})", c="cos({a})")


def _finite(a: Any) -> Any:
    return minimum(maximum(a, -HUGE), HUGE)  # so that a - b is 0 for equal infinities


# ---- corners ----

greater: Operation = Operation("greater", doc="1 where a > b, else 0; nan beside nan. Flat wherever it has a slope.",
    forward=lambda a, b: 1.0 if a > b else 0.0 if a <= b else nan,
    partials=(lambda a, b, out: FLAT, lambda a, b, out: FLAT),
    text="[{a:0} > {b:0}]", latex=r"\left[{a:0} > {b:0}\right]", sign=">",
    python="1.0 if {a} > {b} else 0.0 if {a} <= {b} else nan", c="{a} > {b} ? 1.0 : {a} <= {b} ? 0.0 : NAN",
    numpy="np.maximum({a} > {b}, np.minimum(np.minimum({a}, {b}), 0.0))",  # the second: nan beside nan, else ≤ 0
    kinks=(((0.0, 0.0), 0.0, (0.0, 0.0)),))

step: Operation = Operation("step", doc="The threshold unit: 1 where a ≥ 0, else 0. Flat: descent learns nothing.",
    forward=lambda a: 1.0 if a >= 0 else 0.0 if a < 0 else nan, partials=(lambda a, out: FLAT,),
    numpy="np.heaviside({a}, 1.0)", c="{a} >= 0.0 ? 1.0 : {a} < 0.0 ? 0.0 : NAN", kinks=(((0.0,), 1.0, (0.0,)),))

sign: Operation = Operation("sign", doc="1 where a > 0, -1 where a < 0, and 0 at 0. Flat wherever it has a slope.",
    forward=lambda a: 1.0 if a > 0 else -1.0 if a < 0 else a + 0.0, partials=(lambda a, out: FLAT,),
    numpy="np.sign({a})", python="1.0 if {a} > 0.0 else -1.0 if {a} < 0.0 else {a} + 0.0",
    c="{a} > 0.0 ? 1.0 : {a} < 0.0 ? -1.0 : {a} + 0.0", kinks=(((0.0,), 0.0, (0.0,)),))

relu = Operation("relu", doc="max(0, a), the rectifier; slope 0 at its corner.",
    forward=lambda a: 0.0 if a <= 0 else a, partials=(lambda a, out: sign(out),),
    textbook=(lambda a, out: greater(a, 0.0),), numpy="np.maximum({a}, 0.0)", python="0.0 if {a} <= 0.0 else {a}",
    c="{a} <= 0.0 ? 0.0 : {a}",
    kinks=(((0.0,), 0.0, (0.0,)), ((nan,), nan, (nan,))))

leaky_relu = Operation("leaky_relu", doc="a where a > 0, else b·a: a relu that leaks by the slope b.", default=0.1,
    forward=lambda a, b: a if a > 0 else b * a,
    partials=(lambda a, b, out: greater(a, 0.0) + (1.0 - greater(a, 0.0)) * b, lambda a, b, out: _below_0(a)),
    numpy="np.where({a} > 0.0, {a}, {b} * {a})", python="{a} if {a} > 0.0 else {b} * {a}",
    c="{a} > 0.0 ? {a} : {b} * {a}", kinks=(((0.0, 0.1), 0.0, (0.1, 0.0)), ((nan, 0.1), nan, (nan, nan))))

elu: Operation = Operation("elu", doc="a where a > 0, else b·(exp(a) - 1): a relu that bends smoothly towards -b.",
    forward=lambda a, b: a if a > 0 else b * math.expm1(a), default=1.0,
    partials=(lambda a, b, out: greater(a, 0.0) + (1.0 - greater(a, 0.0)) * (b * exp(_below_0(a))),
              lambda a, b, out: elu(_below_0(a), 1.0)),
    numpy="np.where({a} > 0.0, {a}, {b} * np.expm1(np.minimum({a}, 0.0)))",
    c="{a} > 0.0 ? {a} : {b} * expm1({a})", kinks=(((0.0, 1.0), 0.0, (1.0, 0.0)), ((0.0, 0.5), 0.0, (0.5, 0.0))))

maximum = Operation("maximum", doc="The larger of a and b; a tie shares the slope.",
    sign="max", associative=True, reduction=("max", r"\max"), forward=lambda a, b: a if a >= b or a != a else b,
    partials=(lambda a, b, out: _exceeds(a, b), lambda a, b, out: _exceeds(b, a)),
    textbook=(lambda a, b, out: greater(a, b), lambda a, b, out: greater(b, a)),
    text="max({a}, {b})", latex=r"\max\left({a:0}, {b:0}\right)",
    numpy="np.maximum({a}, {b})", python="{a} if {a} >= {b} or {a} != {a} else {b}",
    c="{a} >= {b} || {a} != {a} ? {a} : {b}", kinks=(((1.0, 1.0), 1.0, (0.5, 0.5)), ((1.0, nan), nan, (nan, nan))))

minimum: Operation = Operation("minimum", doc="The smaller of a and b; a tie shares the slope.",
    sign="min", associative=True, reduction=("min", r"\min"), forward=lambda a, b: a if a <= b or a != a else b,
    partials=(lambda a, b, out: _exceeds(b, a), lambda a, b, out: _exceeds(a, b)),
    textbook=(lambda a, b, out: greater(b, a), lambda a, b, out: greater(a, b)),
    text="min({a}, {b})", latex=r"\min\left({a:0}, {b:0}\right)",
    numpy="np.minimum({a}, {b})", python="{a} if {a} <= {b} or {a} != {a} else {b}",
    c="{a} <= {b} || {a} != {a} ? {a} : {b}", kinks=(((1.0, 1.0), 1.0, (0.5, 0.5)), ((1.0, nan), nan, (nan, nan))))

stop_gradient = Operation("stop_gradient", doc="a itself, held constant: no slope passes through.",
    forward=lambda a: a, partials=(lambda a, out: FLAT,),
    latex=r"\operatorname{{sg}}\left({a:0}\right)", python="{a}", numpy="{a} + 0.0")


def _below_0(a: Any) -> Any:
    return multiply_no_nan(1.0 - greater(a, 0.0), a)  # min(a, 0), with the slope of the negative side at 0


def _exceeds(a: Any, b: Any) -> Any:
    return 0.5 * (1.0 + greater(a, b) - greater(b, a))  # 1 where a > b, 0 where a < b, and a half at a tie
