"""The table of slips: what stands instead of a right step, and what the verdict must say.

``STEPS`` has the wrong slopes of each operation: A and B are its operands, O its outcome, DA and DB their own slopes,
P another outcome of a softmax. ``EXPECTED`` says for each kind which members of ``Slip`` name it and, where the package
has no member for it yet, what its words must hold; a new member is entered by its name, which need not exist yet.
"""

from dataclasses import dataclass

FORGOTTEN, VALUE = "derivative forgotten", "value for slope"
BEFORE, AFTER = "pre-activation for output", "slope at the output"

# ---- wrong slopes towards one operand, by operation and operand ----

STEPS: dict[tuple[str, int], tuple[tuple[str, str], ...]] = {
    ("sigmoid", 0): (
        (FORGOTTEN, "1"),
        (VALUE, "O"),
        (BEFORE, "A*(1 - A)"),
        (AFTER, "sigmoid(O)*(1 - sigmoid(O))"),
        ("another rule: tanh's for σ", "(1 - O^2)"),
        ("another rule: relu's for σ", "[A > 0]"),
        ("σ(1 + σ)", "O*(1 + O)"),
        ("1 − σ alone", "(1 - O)"),
        ("σ²", "O^2"),
    ),
    ("tanh", 0): (
        (FORGOTTEN, "1"),
        (VALUE, "O"),
        (BEFORE, "(1 - A^2)"),
        (AFTER, "(1 - tanh(O)^2)"),
        ("another rule: σ's for tanh", "O*(1 - O)"),
        ("another rule: relu's for tanh", "[A > 0]"),
        ("1 − tanh", "(1 - O)"),
        ("1 + tanh²", "(1 + O^2)"),
        ("tanh² alone", "O^2"),
        ("1/cosh without its square", "2/(exp(A) + exp(-A))"),
    ),
    ("relu", 0): (
        (FORGOTTEN, "1"),
        (VALUE, "O"),
        ("relu′ = z", "A"),
        ("relu: the other side", "[A < 0]"),
        ("another rule: σ's for relu", "O*(1 - O)"),
        (AFTER, "[O > 1]"),
    ),
    ("leaky_relu", 0): (
        (FORGOTTEN, "1"),
        (VALUE, "O"),
        ("leaky relu: sides swapped", "(B*[A > 0] + [A < 0])"),
        ("leaky relu: the leak on both sides", "B"),
        ("leaky relu: the leak forgotten", "[A > 0]"),
        ("leaky relu: z beside the leak", "(A*[A > 0] + B*[A < 0])"),
    ),
    ("elu", 0): (
        (FORGOTTEN, "1"),
        (VALUE, "O"),
        ("elu: sides swapped", "([A < 0] + B*exp(A)*[A > 0])"),
        ("elu: exp on both sides", "B*exp(A)"),
        ("elu: the − 1 left", "([A > 0] + B*(exp(A) - 1)*[A < 0])"),
        ("elu: the lower side forgotten", "[A > 0]"),
    ),
    ("softplus", 0): (
        (FORGOTTEN, "1"),
        (VALUE, "O"),
        ("another rule: σ′ for softplus′", "sigmoid(A)*(1 - sigmoid(A))"),
        ("softplus: 1/(1 + e^z)", "1/(1 + exp(A))"),
        (AFTER, "sigmoid(O)"),
    ),
    ("exp", 0): (
        (FORGOTTEN, "1"),
        ("exp′ = x·e^(x−1)", "A*exp(A - 1)"),
        ("exp: the exponent for the power", "A"),
        ("another rule: 1/x for exp", "1/A"),
    ),
    ("log", 0): (
        (FORGOTTEN, "1"),
        (VALUE, "O"),
        ("ln′ = 1/ln", "1/O"),
        ("ln′ = x", "A"),
    ),
    ("sqrt", 0): (
        (FORGOTTEN, "1"),
        (VALUE, "O"),
        ("√′: ½ forgotten", "1/O"),
        ("√′: ½√ for 1/(2√)", "O/2"),
        ("√′: root forgotten", "1/(2*A)"),
        ("√′: 2 above", "2/O"),
    ),
    ("sin", 0): ((FORGOTTEN, "1"), (VALUE, "O"), ("sin′ = −cos", "-cos(A)"), (AFTER, "cos(O)")),
    ("cos", 0): ((FORGOTTEN, "1"), (VALUE, "O"), ("cos′ = sin", "sin(A)"), (AFTER, "-sin(O)")),
    ("abs", 0): (
        ("|x|′: sign forgotten", "1"),
        ("|x|′ = |x|", "abs(A)"),
        ("|x|′ = x", "A"),
    ),
    ("max", 0): (("max: the other branch", "[B > A]"), ("max: both branches", "1")),
    ("max", 1): (("max: the other branch", "[A > B]"), ("max: both branches", "1")),
    ("/", 0): (("quotient: b for 1/b", "B"), ("quotient: 1/b²", "1/B^2"), ("quotient: divisor forgotten", "1")),
    ("/", 1): (
        ("quotient: not squared", "-A/B"),
        ("quotient: sign", "A/B^2"),
        ("quotient: numerator forgotten", "-1/B^2"),
        ("quotient: a for −a/b²", "A"),
    ),
}
POWER_STEPS = (  # u^n with a number n
    ("power: n left where n·u^(n−1) belongs", "B"),
    ("power: forgotten", "1"),
    ("power: not lowered", "B*O"),
    ("power: n not brought down", "A^(B - 1)"),
    ("power: left as it was", "O"),
)
X_TO_THE_Y_STEPS = {  # both are variables
    0: (
        ("x^y as aˣ", "O*log(A)"),
        ("x^y: y not brought down", "A^(B - 1)"),
        ("x^y: not lowered", "B*O"),
        ("x^y: left as it was", "O"),
    ),
    1: (
        ("x^y as xⁿ", "B*A^(B - 1)"),
        ("x^y: ln forgotten", "O"),
        ("x^y: ln of the exponent", "O*log(B)"),
        ("x^y: lowered beside the ln", "A^(B - 1)*log(A)"),
    ),
}
SOFTMAX_STEPS = {
    "diagonal": (
        ("softmax: p(1 + p)", "O*(1 + O)"),
        ("softmax: p for p(1 − p)", "O"),
        ("softmax: 1 − p for p(1 − p)", "(1 - O)"),
        ("softmax: −p² for p(1 − p)", "-O^2"),
        ("softmax: derivative forgotten", "1"),
    ),
    "off the diagonal": (
        ("softmax: p(1 − p) off the diagonal", "O*(1 - O)"),
        ("softmax: sign off the diagonal", "O*P"),
        ("softmax: −p_j alone", "-P"),
        ("softmax: p_i(1 − p_j)", "O*(1 - P)"),
    ),
}
WHOLE_RULES: dict[str, tuple[tuple[str, str], ...]] = {  # where both operands depend on the same name
    "/": (
        ("quotient: swapped", "(A*DB - DA*B)/B^2"),
        ("quotient: plus for minus", "(DA*B + A*DB)/B^2"),
        ("quotient: not squared", "(DA*B - A*DB)/B"),
        ("quotient: quotient of the slopes", "DA/DB"),
        ("quotient: first half only", "DA/B"),
        ("quotient: second half only", "-A*DB/B^2"),
    ),
    "*": (
        ("product: product of the slopes", "DA*DB"),
        ("product: a half forgotten", "DA*B"),
        ("product: a half forgotten", "A*DB"),
    ),
}

# ---- slips of a whole factor, G, or of the whole derivation ----

FACTORS = (("sign", "-G"), ("factor 2 too much", "2*G"), ("factor 2 missing", "G/2"), ("factor upside down", "1/G"))
MEAN = (("n too much", "n*G"), ("1/n too much", "G/n"))
WHOLES = (
    ("step for the gradient", "eta*G"),
    ("step for the gradient, with its sign", "-eta*G"),
    ("new weight for the gradient", "w - eta*G"),
)
ETAS = (0.1, 0.5, 0.01, 0.05, 0.2)
EVERYWHERE = "everywhere: "  # before the kind of a rule that is wrong in every layer


# ---- what the verdict must say ----


@dataclass(frozen=True)
class Expected:
    """Names of members of ``Slip``, any of which is right, or words that the verdict holds before its "expected"."""

    slips: tuple[str, ...] = ()
    words: str = ""  # a regular expression, case ignored
    anywhere: bool = False  # no factor is wrong: whichever is named, the words decide


STEP = Expected(("STEP_FOR_GRADIENT",), r"\bstep\b|learning rate|η", anywhere=True)
ANOTHER = Expected(("ANOTHER_RULE",), r"another|rule of|'s rule")
BRANCH = Expected(("OTHER_BRANCH", "BRANCH"), r"branch|side")
QUOTIENT = "quotient"
EXPECTED: dict[str, Expected] = {
    # of a whole factor
    "sign": Expected(("SIGN",)),
    "factor 2 too much": Expected(("FACTOR_TWO",)),
    "factor 2 missing": Expected(("FACTOR_HALF",)),
    "factor upside down": Expected(("INVERTED",)),
    "factor forgotten": Expected(("FACTOR_FORGOTTEN", "UPSTREAM_FORGOTTEN")),
    "n too much": Expected(("FACTOR_N",)),
    "1/n too much": Expected(("FACTOR_N",)),
    # of the chain
    "upstream forgotten": Expected(("UPSTREAM_FORGOTTEN",)),
    "path missing": Expected(("PATH_MISSING",)),
    "path twice": Expected(("PATH_TWICE",)),
    "term missing": Expected(("PATH_MISSING",), r"(term|half|path).* (missing|forgotten)"),
    "term twice": Expected(("PATH_TWICE",), r"term.* twice"),
    "sign of one term": Expected(("SIGN",)),
    "added for multiplied": Expected(
        ("ADDED", "ADDED_FOR_MULTIPLIED"), r"\badded\b|sum where a product", anywhere=True
    ),
    "another partial": Expected(("ANOTHER_PARTIAL",), r"(this|that) is ∂|another partial", anywhere=True),
    "step for the gradient": STEP,
    "step for the gradient, with its sign": STEP,
    "new weight for the gradient": Expected(("NEW_WEIGHT", "STEP_FOR_GRADIENT"), r"new weight|\bstep\b", anywhere=True),
    # of a function of one variable
    FORGOTTEN: Expected(("ACTIVATION_FORGOTTEN", "DERIVATIVE_FORGOTTEN")),
    VALUE: Expected(("VALUE_FOR_SLOPE",)),
    BEFORE: Expected(("INPUT_FOR_OUTPUT",)),
    AFTER: Expected(("SLOPE_AT_OUTPUT",)),
    "another rule: tanh's for σ": ANOTHER,
    "another rule: relu's for σ": ANOTHER,
    "another rule: σ's for tanh": ANOTHER,
    "another rule: relu's for tanh": ANOTHER,
    "another rule: σ's for relu": ANOTHER,
    "another rule: σ′ for softplus′": ANOTHER,
    "another rule: 1/x for exp": ANOTHER,
    "σ(1 + σ)": Expected(("SIGN_INSIDE",), r"sign (inside|in the bracket)|inside.* sign"),
    "1 − σ alone": Expected(("RULE_HALF", "PART_FORGOTTEN"), r"(factor|half|σ|part).* (forgotten|missing)"),
    "σ²": Expected(("RULE_HALF", "PART_FORGOTTEN"), r"1 −.* (forgotten|missing)|part of the rule"),
    "1 − tanh": Expected(("SQUARE_FORGOTTEN",), r"square .*(forgotten|missing)"),
    "1 + tanh²": Expected(("SIGN_INSIDE",), r"sign (inside|in the bracket)|inside.* sign"),
    "tanh² alone": Expected(("RULE_HALF", "PART_FORGOTTEN"), r"1 −.* (forgotten|missing)|part of the rule"),
    "1/cosh without its square": Expected(("SQUARE_FORGOTTEN",), r"square .*(forgotten|missing)"),
    # branches
    "relu′ = z": Expected(("INPUT_FOR_SLOPE", "VALUE_FOR_SLOPE", "INPUT_FOR_OUTPUT"), r"where its (slope|derivative)"),
    "relu: the other side": BRANCH,
    "leaky relu: sides swapped": BRANCH,
    "leaky relu: the leak on both sides": BRANCH,
    "leaky relu: the leak forgotten": Expected(("OTHER_BRANCH", "ANOTHER_RULE"), r"leak|side|branch"),
    "leaky relu: z beside the leak": BRANCH,
    "elu: sides swapped": BRANCH,
    "elu: exp on both sides": Expected(("OTHER_BRANCH", "ANOTHER_RULE"), r"branch|side"),
    "elu: the − 1 left": Expected(("OTHER_BRANCH", "VALUE_FOR_SLOPE"), r"branch|side|− ?1"),
    "elu: the lower side forgotten": Expected(("OTHER_BRANCH", "ANOTHER_RULE"), r"branch|side"),
    "softplus: 1/(1 + e^z)": Expected(("SIGN_INSIDE",), r"sign (inside|in the exponent|of the exponent)"),
    "max: the other branch": BRANCH,
    "max: both branches": Expected(("OTHER_BRANCH", "ACTIVATION_FORGOTTEN"), r"branch|both"),
    # powers, exponentials, logarithms, roots, waves
    "exp′ = x·e^(x−1)": Expected(("POWER_RULE", "ANOTHER_RULE"), r"power(’s|'s)? rule|as a power|xⁿ"),
    "exp: the exponent for the power": Expected(("INPUT_FOR_OUTPUT",)),
    "ln′ = 1/ln": Expected(("LOGARITHM_RULE", "INPUT_FOR_OUTPUT", "SLOPE_AT_OUTPUT"), r"logarithm"),
    "ln′ = x": Expected(("INVERTED",), r"upside down|logarithm"),
    "√′: ½ forgotten": Expected(("FACTOR_TWO", "FACTOR_HALF"), r"½|factor 2"),
    "√′: ½√ for 1/(2√)": Expected(("ROOT_RULE", "INVERTED"), r"root|upside down|below"),
    "√′: root forgotten": Expected(("ROOT_RULE", "INPUT_FOR_OUTPUT"), r"root"),
    "√′: 2 above": Expected(("ROOT_RULE",), r"root|factor 4"),
    "sin′ = −cos": Expected(("SIGN",)),
    "cos′ = sin": Expected(("SIGN",)),
    "|x|′: sign forgotten": Expected(("ACTIVATION_FORGOTTEN", "DERIVATIVE_FORGOTTEN", "SIGN_FORGOTTEN"), r"sign\("),
    "|x|′ = |x|": Expected(("VALUE_FOR_SLOPE",)),
    "|x|′ = x": Expected(("INPUT_FOR_OUTPUT", "INPUT_FOR_SLOPE"), r"where its (slope|derivative)"),
    "power: n left where n·u^(n−1) belongs": Expected(("SQUARE_FORGOTTEN", "POWER_FORGOTTEN")),
    "power: forgotten": Expected(("SQUARE_FORGOTTEN", "POWER_FORGOTTEN", "ACTIVATION_FORGOTTEN")),
    "power: not lowered": Expected(("POWER_NOT_LOWERED",)),
    "power: n not brought down": Expected(("POWER_FACTOR_FORGOTTEN", "FACTOR_HALF"), r"factor .*(missing|forgotten)"),
    "power: left as it was": Expected(
        ("POWER_LEFT", "VALUE_FOR_SLOPE"), r"(power|square|cube) .*(left|itself|not derived)"
    ),
    "x^y as aˣ": Expected(("POWER_RULE", "EXPONENTIAL_RULE"), r"aˣ|a\^x|exponential"),
    "x^y: y not brought down": Expected(("POWER_FACTOR_FORGOTTEN",), r"factor .*(missing|forgotten)|not brought down"),
    "x^y: not lowered": Expected(("POWER_NOT_LOWERED",)),
    "x^y: left as it was": Expected(("POWER_LEFT", "VALUE_FOR_SLOPE"), r"power .*(left|itself|not derived)"),
    "x^y as xⁿ": Expected(("POWER_RULE",), r"xⁿ|x\^n|power(’s|'s)? rule|power rule"),
    "x^y: ln forgotten": Expected(("LOGARITHM_FORGOTTEN", "VALUE_FOR_SLOPE"), r"(ln|logarithm).* (forgotten|missing)"),
    "x^y: ln of the exponent": Expected(("WRONG_OPERAND",), r"ln|logarithm"),
    "x^y: lowered beside the ln": Expected(("POWER_RULE",), r"lowered|exponential|aˣ"),
    # quotients and products
    "quotient: b for 1/b": Expected(("QUOTIENT", "INVERTED"), r"quotient|upside down"),
    "quotient: 1/b²": Expected(("QUOTIENT",), QUOTIENT),
    "quotient: divisor forgotten": Expected(("QUOTIENT", "INNER_FORGOTTEN", "FACTOR_FORGOTTEN"), r"quotient|divisor"),
    "quotient: not squared": Expected(("QUOTIENT",), r"quotient|not squared|square .*(forgotten|missing)"),
    "quotient: sign": Expected(("QUOTIENT", "SIGN"), QUOTIENT),
    "quotient: numerator forgotten": Expected(("QUOTIENT",), r"quotient|numerator"),
    "quotient: a for −a/b²": Expected(("QUOTIENT",), r"quotient|product"),
    "quotient: swapped": Expected(("QUOTIENT", "SIGN"), QUOTIENT),
    "quotient: plus for minus": Expected(("QUOTIENT", "SIGN"), QUOTIENT),
    "quotient: quotient of the slopes": Expected(("QUOTIENT",), QUOTIENT),
    "quotient: first half only": Expected(("QUOTIENT", "PATH_MISSING"), QUOTIENT),
    "quotient: second half only": Expected(("QUOTIENT", "PATH_MISSING"), QUOTIENT),
    "product: product of the slopes": Expected(("PRODUCT",), r"product"),
    "product: a half forgotten": Expected(("PRODUCT", "PATH_MISSING"), r"product"),
    "inner derivative forgotten": Expected(("INNER_FORGOTTEN",)),
    "own operand": Expected(("WRONG_OPERAND",)),
    "neighbour": Expected(("WRONG_OPERAND",)),
    # softmax and cross-entropy
    "softmax: p(1 + p)": Expected(("SIGN_INSIDE", "SOFTMAX"), r"sign (inside|in the bracket)|softmax"),
    "softmax: p for p(1 − p)": Expected(("VALUE_FOR_SLOPE", "SOFTMAX"), r"softmax"),
    "softmax: 1 − p for p(1 − p)": Expected(("SOFTMAX", "RULE_HALF", "PART_FORGOTTEN"), r"softmax"),
    "softmax: −p² for p(1 − p)": Expected(("SOFTMAX",), r"softmax|diagonal"),
    "softmax: derivative forgotten": Expected(("ACTIVATION_FORGOTTEN", "SOFTMAX", "FACTOR_FORGOTTEN"), r"softmax"),
    "softmax: p(1 − p) off the diagonal": Expected(("SOFTMAX",), r"softmax|diagonal"),
    "softmax: sign off the diagonal": Expected(("SOFTMAX", "SIGN"), r"softmax|diagonal"),
    "softmax: −p_j alone": Expected(("SOFTMAX",), r"softmax"),
    "softmax: p_i(1 − p_j)": Expected(("SOFTMAX",), r"softmax|diagonal"),
    "bce: second term missing": Expected(("PATH_MISSING", "CROSS_ENTROPY"), r"cross-entropy|term.* missing"),
    "bce: first term missing": Expected(("PATH_MISSING", "CROSS_ENTROPY"), r"cross-entropy|term.* missing"),
    "bce: sign of the second term": Expected(("CROSS_ENTROPY", "SIGN"), r"cross-entropy|sign"),
    "bce: o for 1/o": Expected(("CROSS_ENTROPY", "INVERTED"), r"cross-entropy|logarithm|upside down"),
    "bce: logarithms left": Expected(("CROSS_ENTROPY", "VALUE_FOR_SLOPE"), r"cross-entropy|logarithm"),
    "bce: o − y for the slope to o": Expected(
        ("CROSS_ENTROPY",), r"cross-entropy|slope (to|of) the sum|pre-activation"
    ),
    "bce: o for 1 − o": Expected(("CROSS_ENTROPY", "WRONG_OPERAND"), r"cross-entropy|1 −"),
    "cce: y missing": Expected(("CROSS_ENTROPY", "INNER_FORGOTTEN"), r"cross-entropy|target"),
    "cce: p for 1/p": Expected(("CROSS_ENTROPY", "INVERTED"), r"cross-entropy|logarithm"),
    "cce: logarithm left": Expected(("CROSS_ENTROPY", "VALUE_FOR_SLOPE"), r"cross-entropy|logarithm"),
    "cce: p − y for the slope to p": Expected(
        ("CROSS_ENTROPY",), r"cross-entropy|slope (to|of) the sum|pre-activation"
    ),
    "cce: upside down": Expected(("CROSS_ENTROPY", "INVERTED"), r"cross-entropy"),
    "ce: y missing": Expected(("CROSS_ENTROPY", "PATH_MISSING"), r"cross-entropy|p − y|target"),
    "ce: p missing": Expected(("CROSS_ENTROPY", "PATH_MISSING"), r"cross-entropy|p − y"),
    "ce: p(1 − p) for p − y": Expected(("CROSS_ENTROPY", "SOFTMAX"), r"cross-entropy|softmax|p − y"),
    "ce: p + y": Expected(("CROSS_ENTROPY", "SIGN"), r"cross-entropy|p − y|sign"),
    "ce: −1/p for p − y": Expected(("CROSS_ENTROPY",), r"cross-entropy|softmax|p − y"),
    "ce: label in another class": Expected(("CROSS_ENTROPY",), r"cross-entropy|label|class"),
    "ce: sign of another class": Expected(("CROSS_ENTROPY", "SIGN"), r"cross-entropy|sign"),
    # penalties
    "penalty of another weight": Expected(("PENALTY", "WRONG_OPERAND"), r"penalty"),
    "penalty's 2": Expected(("PENALTY", "FACTOR_HALF"), r"penalty"),
    "penalty's ½ forgotten": Expected(("PENALTY", "FACTOR_TWO"), r"penalty"),
    "penalty's ½ left": Expected(("PENALTY", "FACTOR_HALF"), r"penalty"),
    "penalty's square left": Expected(("PENALTY", "VALUE_FOR_SLOPE", "POWER_LEFT"), r"penalty"),
    "penalty's strength forgotten": Expected(("PENALTY", "INNER_FORGOTTEN"), r"penalty"),
    "penalty's weight forgotten": Expected(("PENALTY", "SQUARE_FORGOTTEN"), r"penalty"),
    "penalty's sign(w) forgotten": Expected(("PENALTY", "ACTIVATION_FORGOTTEN", "SIGN_FORGOTTEN"), r"penalty"),
    "penalty's |w| left": Expected(("PENALTY", "VALUE_FOR_SLOPE"), r"penalty"),
    "penalty: w for sign(w)": Expected(("PENALTY", "INPUT_FOR_OUTPUT", "INPUT_FOR_SLOPE"), r"penalty"),
}
FAMILIES: tuple[tuple[str, str], ...] = (  # the beginning of a kind, and under which head it is counted
    (EVERYWHERE, "the same wrong rule everywhere"),
    ("sign", "signs, 2, ½, n"),
    ("factor 2", "signs, 2, ½, n"),
    ("n too", "signs, 2, ½, n"),
    ("1/n", "signs, 2, ½, n"),
    ("factor", "factors forgotten or upside down"),
    ("upstream", "factors forgotten or upside down"),
    ("path", "paths and terms"),
    ("term", "paths and terms"),
    ("added", "added for multiplied"),
    ("another partial", "another partial handed in"),
    ("step", "η·gradient, w − η·gradient"),
    ("new weight", "η·gradient, w − η·gradient"),
    ("σ(1 + σ)", "σ(1 + σ), 1 − σ, 1 ± tanh …"),
    ("1 − ", "σ(1 + σ), 1 − σ, 1 ± tanh …"),
    ("1 + ", "σ(1 + σ), 1 − σ, 1 ± tanh …"),
    ("σ²", "σ(1 + σ), 1 − σ, 1 ± tanh …"),
    ("tanh²", "σ(1 + σ), 1 − σ, 1 ± tanh …"),
    ("1/cosh", "σ(1 + σ), 1 − σ, 1 ± tanh …"),
    ("relu", "branches: relu, leaky, elu, max, |x|"),
    ("leaky", "branches: relu, leaky, elu, max, |x|"),
    ("elu", "branches: relu, leaky, elu, max, |x|"),
    ("max", "branches: relu, leaky, elu, max, |x|"),
    ("|x|", "branches: relu, leaky, elu, max, |x|"),
    ("exp", "powers, exp, ln"),
    ("ln", "powers, exp, ln"),
    ("power", "powers, exp, ln"),
    ("x^y", "x^y"),
    ("√", "quotients and roots"),
    ("quotient", "quotients and roots"),
    ("softmax", "softmax and cross-entropy"),
    ("bce", "softmax and cross-entropy"),
    ("cce", "softmax and cross-entropy"),
    ("ce", "softmax and cross-entropy"),
    ("penalty", "penalties"),
    ("product", "products: inner, operands"),
    ("inner", "products: inner, operands"),
    ("own", "products: inner, operands"),
    ("neighbour", "products: inner, operands"),
    ("", "one activation's slope"),
)


def family(kind: str) -> str:
    return next(head for start, head in FAMILIES if kind.startswith(start))
