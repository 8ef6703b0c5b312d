"""The slips that people make: one table, a row for each.

A wrong derivation is the right one with a slope exchanged. A row says what the slip is called, how far-fetched it is,
what is said of it, and the edits that make it: in what kind of place, under which condition, and what stands there
instead. The same function gives the wrong slope on numbers, to be compared with what a person wrote, and on symbols,
to be shown to them.

Promise: a slip is a row here and nothing else; the edits of an edge are also tried at all alike edges at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..engine.ops import div, exp, log, mul, power, sub
from . import rules
from .rules import Condition, Wrong, at

UNLIKELY = 10  # beyond the next best slip
ETAS = (0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001, 1e-4)  # learning rates that people take


class Scope(Enum):
    """In what a slip can be made."""

    ENTRY = "the whole derivative, as it is handed in"
    WHOLE = "all ways from the root down to where they meet again"
    FACTOR = "a factor of the chain"
    CUT_OFF = "all that comes from above a named node"
    RULE = "what an operation makes of the slopes of both its operands"
    EDGE = "the slope of an operation towards one operand"
    BRANCH = "one of several ways through a factor"


@dataclass(frozen=True, eq=False)
class Edit:
    """Where a slip can be made, and the wrong slopes that it leads to: always as many in the same place."""

    scope: Scope
    instead: Wrong
    where: Condition = lambda slope: True
    seen: str = ""  # how a factor begins, a regular expression, in which it is more likely
    rank: int = 0  # at least, if it is more far-fetched here than elsewhere
    unlikely: int = 0  # among slips of one rank
    f: str = ""  # the function at hand, where no operation tells it
    shown: bool = False  # of a factor: are the wrong one and the right one written down in symbols?
    said: Sequence[str] = ()  # of all wrong slopes or of each; {} is what belongs there: see ``words``


def _anywhere(
    instead: Wrong, seen: str = "", where: Condition = lambda slope: True, said: Sequence[str] = ()
) -> tuple[Edit, Edit]:
    """In the whole or in a factor: a product does not tell where."""
    return Edit(Scope.WHOLE, instead, said=said), Edit(Scope.FACTOR, instead, where, seen, said=said)


def _on_edge(where: Condition, instead: Wrong) -> Edit:
    return Edit(Scope.EDGE, instead, where)


def _inside(f: str, of_exp: Callable[..., Any], of_log: Callable[..., Any]) -> Edit:
    """Of a factor through a logsumexp, which is recorded without powers and logarithm: in the slope of exp or of ln."""
    return Edit(Scope.FACTOR, rules.inside(of_exp, of_log), rules.logsumexp, f=f)


class Slip(Enum):
    """What went wrong in a derivation: a word for it, its rank, what is said of it, and the edits that make it.

    Of two slips that explain the same numbers, the one of the lower rank is named. ``words`` fills the blanks of a
    sentence in: {f} is the function at hand.

    >>> Slip.SIGN
    <Slip.SIGN: 'sign'>
    """

    rank: int
    sentence: str
    edits: tuple[Edit, ...]

    def __new__(cls, word: str, rank: int, sentence: str, *edits: Edit) -> "Slip":
        """Read a row; the word is the member's value."""
        slip = object.__new__(cls)
        slip._value_ = word
        slip.rank, slip.sentence, slip.edits = rank, sentence, edits
        return slip

    # fmt: off
    # ---- anywhere ----

    SIGN = ("sign", 1, "the sign is the other way round",
        *_anywhere(lambda s: [-s.right], seen="−"),
        Edit(Scope.BRANCH, lambda s: [-s.right], rank=3, unlikely=3, said=["only in the term through {}"]),
        Edit(Scope.FACTOR, lambda s: [s.right - 2.0 * s.share, 2.0 * s.share - s.right], rules.probability, rank=3,
             said=["only that of p in p − y", "only that of y in p − y"]))

    FACTOR_TWO = ("factor two", 2, "there is an extra factor 2",
        *_anywhere(lambda s: [2.0 * s.right], seen=r"−?[\d.]", where=lambda s: not s.one_of_several),
        # in one of several paths, that is rather a path counted twice
        Edit(Scope.FACTOR, lambda s: [2.0 * s.right], lambda s: s.one_of_several, unlikely=UNLIKELY))

    FACTOR_HALF = ("factor half", 2, "a factor 2 is missing",
        *_anywhere(lambda s: [0.5 * s.right], seen=r"−?2\b"))

    FACTOR_N = ("factor n", 4, "the 1/n of the mean went wrong",
        *_anywhere(lambda s: [change * s.right for n in s.divisors for change in (n, 1.0 / n)],
            said=["{}"]))

    # ---- the rule of one operation ----

    SQUARE_FORGOTTEN = ("square forgotten", 2,
        "the power is forgotten",
        _on_edge(lambda s: rules.base(s) and s.constant, lambda s: [1.0, s.operands[1]]),
        _on_edge(rules.function, rules.by_rule_with(power, rules.square)),
        _on_edge(rules.squared, lambda s: [power(s.right, 0.5)]))  # 1/cosh for 1/cosh²

    SIGN_INSIDE = ("sign inside", 3, "the sign inside the rule is the other way round",
        _on_edge(rules.function, rules.by_rule_with(sub, lambda a, b: [a + b])),
        _on_edge(rules.sigmoid_of_it, lambda s: [at(-s.operands[0], s)]))

    PART_FORGOTTEN = ("part of the rule forgotten", 4, "a part of the rule is forgotten",
        _on_edge(rules.function, rules.by_rule_with(mul, lambda a, b: [a, b])),
        _on_edge(rules.function, rules.by_rule_with(sub, lambda a, b: [b])))

    ACTIVATION_FORGOTTEN = ("derivative forgotten", 2, "the derivative of {f} is forgotten",
        _on_edge(rules.function, lambda s: [1.0]),
        _inside("exp", lambda z, e: 1.0, lambda a, out: 1.0 / a),
        _inside("ln", lambda z, e: e, lambda a, out: 1.0))

    INNER_FORGOTTEN = ("inner derivative forgotten", 3, "{inner} is forgotten",
        _on_edge(rules.factor, lambda s: [s.sign, s.sign * s.number]))

    VALUE_FOR_SLOPE = ("value for slope", 3, "{f} itself stands where its derivative belongs",
        _on_edge(rules.function, lambda s: [s.out]),
        _inside("ln", lambda z, e: e, lambda a, out: out))

    INPUT_FOR_OUTPUT = ("input for output", 4, "the input of {f} stands where its output belongs",
        _on_edge(rules.function, lambda s: [s.row.textbook[0](*s.operands, s.operands[0])]),
        _inside("exp", lambda z, e: z, lambda a, out: 1.0 / a))

    INPUT_FOR_SLOPE = ("input for slope", 4, "the input of {f} stands where its derivative belongs",
        _on_edge(rules.function, lambda s: [s.operands[0]]))

    SLOPE_AT_OUTPUT = ("slope taken at the output", 4,
        "the derivative of {f} was taken at its output instead of at its input",
        _on_edge(rules.function, lambda s: [at(s.out, s)]))

    OTHER_BRANCH = ("other branch", 4, "the branches of {f} are mixed up",
        _on_edge(rules.branching, rules.sides))

    ANOTHER_RULE = ("another function's rule", 5, "this is {other}, and not that of {f}",
        _on_edge(rules.function, rules.by_other_rules),
        _inside("exp", lambda z, e: 1.0 / z, lambda a, out: 1.0 / a))

    LOGARITHM_RULE = ("logarithm's rule", 3, "the logarithm's rule went wrong: the slope of ln(x) is 1/x",
        _on_edge(rules.logarithm, lambda s: [s.operands[0], div(1.0, s.out)]),
        _inside("ln", lambda z, e: e, lambda a, out: a),
        _inside("ln", lambda z, e: e, lambda a, out: 1.0 / out))

    ROOT_RULE = ("root's rule", 4, "the root's rule went wrong: the slope of √x is 1/(2√x)",
        _on_edge(rules.root, lambda s: [0.5 * s.out, div(0.5, s.operands[0]), div(2.0, s.out), div(1.0, s.out)]))

    POWER_RULE = ("power rule for an exponential", 5,
        "xⁿ and aˣ are confused: the slope of xⁿ is n·xⁿ⁻¹, that of aˣ is aˣ·ln(a), and that of eˣ is eˣ",
        _on_edge(rules.exponential, lambda s: [s.operands[0] * exp(s.operands[0] - 1.0)]),
        _on_edge(rules.base, lambda s: [s.out * log(s.operands[0])]),
        _on_edge(rules.exponent,
            lambda s: [by * power(s.operands[0], s.operands[1] - 1.0) for by in (s.operands[1], log(s.operands[0]))]),
        _inside("exp", lambda z, e: z * exp(z - 1.0), lambda a, out: 1.0 / a))

    POWER_LEFT = ("power left as it was", 3, "the power is left as it was, and not derived",
        _on_edge(rules.base, lambda s: [power(*s.operands)]))

    POWER_FACTOR_FORGOTTEN = ("exponent not brought down", 5, "the exponent was not brought down as a factor",
        _on_edge(rules.base, lambda s: [power(s.operands[0], s.operands[1] - 1.0)]))

    POWER_NOT_LOWERED = ("power not lowered", 5, "the exponent was not lowered by one",
        _on_edge(rules.base, lambda s: [s.operands[1] * power(*s.operands)]))

    LOGARITHM_FORGOTTEN = ("logarithm forgotten", 4, "the logarithm is forgotten: the slope of aˣ is aˣ·ln(a)",
        _on_edge(rules.exponent, lambda s: [s.out]))

    QUOTIENT = ("quotient rule", 4, "the quotient rule went wrong: the slope of a/b is (a′b − a·b′)/b²",
        _on_edge(lambda s: rules.numerator(s) and not s.constant, rules.over),
        Edit(Scope.EDGE, rules.over, lambda s: rules.numerator(s) and s.constant, rank=5),  # rather a mean's n
        _on_edge(rules.denominator,
            lambda s: [s.right * s.operands[1], -s.right, div(s.right, s.operands[0]), s.operands[0]]),
        Edit(Scope.RULE, lambda s: [s.right * s.operands[1]], rules.numerator),
        Edit(Scope.RULE, lambda s: [div(*s.inner)], rules.numerator, rank=6))

    PRODUCT = ("product rule", 4, "the product rule went wrong: the slope of a·b is a′b + a·b′",
        Edit(Scope.RULE, lambda s: [s.inner[0] * s.inner[1]], rules.factor))

    WRONG_OPERAND = ("wrong quantity", 4, "the wrong quantity was taken",
        # a name for another with which it cancels is rather a factor that is forgotten
        Edit(Scope.EDGE, lambda s: [s.sign * x for x in (s.operands[s.i], *s.others)], rules.factor, unlikely=2),
        _on_edge(rules.function, lambda s: [at(x, s) for x in (s.at, *s.others)]),
        _on_edge(rules.base, lambda s: [at(x, s) for x in s.others]),
        _on_edge(rules.exponent, lambda s: [s.out * log(s.operands[1])]))

    # ---- a softmax, and what comes of a probability ----

    SOFTMAX = ("softmax's rule", 3, "softmax's rule went wrong: ∂pᵢ/∂zᵢ = pᵢ(1 − pᵢ), and ∂pᵢ/∂zⱼ = −pᵢ·pⱼ",
        # instead of p(1 − p), and instead of −p·q, for which the others stand
        Edit(Scope.FACTOR, lambda s: [s.out * (1.0 + s.out), s.out, 1.0 - s.out, -s.out * s.out,
                                      s.out * (1.0 - s.out), -s.right, div(s.right, s.out), s.out + s.right],
             rules.numerator, shown=True))

    CROSS_ENTROPY = ("cross-entropy's slope", 4, "this is not the slope of the cross-entropy",
        Edit(Scope.FACTOR, lambda s: [s.right - 1.0, s.share * (1.0 - s.share), div(s.right, s.share) - 1.0,
                                      div(-1.0, s.share)], rules.probability, shown=True,
             said=["the 1 belongs to another class", ""]),
        Edit(Scope.FACTOR, lambda s: [s.right * s.at * (1.0 - s.at), s.right * s.at + s.at], rules.through_logarithm,
             said=["this is already the slope towards the sum below: probability − target"]))

    # ---- the chain ----

    UPSTREAM_FORGOTTEN = ("upstream forgotten", 3, "the chain is cut off: what comes from above is forgotten",
        Edit(Scope.CUT_OFF, lambda s: [1.0]))

    PATH_MISSING = ("path missing", 3, "a path, that is a term of the sum, is missing",
        Edit(Scope.FACTOR, lambda s: [0.0], lambda s: s.one_of_several),
        Edit(Scope.BRANCH, lambda s: [0.0], unlikely=1, said=["the one through {}"]),
        Edit(Scope.FACTOR, lambda s: [s.share, s.right - s.share], rules.probability, unlikely=2,
             said=["y in p − y", "p in p − y"]))

    PATH_TWICE = ("path counted twice", 3, "a path, that is a term of the sum, is counted twice",
        Edit(Scope.FACTOR, lambda s: [2.0 * s.right], lambda s: s.one_of_several),
        Edit(Scope.BRANCH, lambda s: [2.0 * s.right], unlikely=2, said=["the one through {}"]),
        Edit(Scope.FACTOR, lambda s: [s.right + s.share, 2.0 * s.right - s.share], rules.probability, unlikely=3,
             said=["p in p − y", "y in p − y"]))

    FACTOR_FORGOTTEN = ("factor forgotten", 4, "a whole factor of the chain is forgotten",
        # where the chain begins with it, all that comes from above is forgotten
        Edit(Scope.FACTOR, lambda s: [1.0], lambda s: s.one_of_several or not s.from_root, unlikely=1))

    INVERTED = ("factor inverted", 6, "the factor is upside down",
        Edit(Scope.FACTOR, lambda s: [div(1.0, s.right)]))

    # ---- another quantity ----

    STEP_FOR_GRADIENT = ("step for gradient", 5, "this is the step, η times the gradient, and not the gradient",
        Edit(Scope.ENTRY, lambda s: [sign * eta * s.right for sign in (1.0, -1.0) for eta in ETAS],
             said=[f"η = {eta}" for eta in ETAS] * 2))

    NEW_WEIGHT = ("new weight for gradient", 5, "this is the new weight after a step, and not the gradient",
        Edit(Scope.ENTRY, lambda s: [s.at - eta * s.right for eta in (1, *ETAS)],
             said=[f"η = {eta}" for eta in (1, *ETAS)]))

    ANOTHER_PARTIAL = ("another partial", 5, "this is another partial",
        Edit(Scope.ENTRY, lambda s: s.others, unlikely=1, said=["{}"]))

    ADDED = ("added for multiplied", 6, "factors are added where they multiply: the chain rule takes their product",
        Edit(Scope.ENTRY, rules.added))
    # fmt: on

    @property
    def anywhere(self) -> bool:
        """Can the derivation leave open where the slip was made, as a product does with a factor 2?"""
        return any(edit.scope is Scope.WHOLE for edit in self.edits)
