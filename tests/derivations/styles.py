"""Six hands in which a derivation is written, and ten forms of a right one."""

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import sympy

from . import paper
from .network import Network
from .paper import Tree

Term = list[Tree]  # the factors of a term, from the loss down
Style = Callable[[Network, list[Term], Tree, Random], str]
LONGEST = 60  # operations; longer expressions are not expanded or factored
DECIMALS = 8


def product(factors: list[Tree]) -> Tree:
    """The factors side by side; each keeps its minus sign, so that it can be seen where it stands."""
    written = [factor for factor in factors if not factor.is_number(1)] or [paper.ONE]
    whole = written[0]
    for factor in written[1:]:
        whole = Tree("*", (whole, factor))
    return whole


def together(terms: list[Term], outer: Tree) -> Tree:
    return paper.fill(outer, G=paper.total([product(term) for term in terms]))


# ---- the styles ----


def in_order(network: Network, terms: list[Term], outer: Tree, draw: Random) -> str:
    """From the loss down, a bracket around each factor that needs one."""
    return paper.write(together(terms, outer))


def from_below(network: Network, terms: list[Term], outer: Tree, draw: Random) -> str:
    """From the weight up to the loss."""
    return paper.write(together([term[::-1] for term in terms[::-1]], outer))


def with_numbers(network: Network, terms: list[Term], outer: Tree, draw: Random) -> str:
    """Numbers put in, those of the names or those of whole factors, rounded."""
    numbers = {name: paper.number(round(float(column[0]), DECIMALS)) for name, column in network.points.items()}
    if draw.random() < 0.5:
        return paper.write(paper.fill(together(terms, outer), **numbers), decimals=DECIMALS)
    point = {name: float(column[0]) for name, column in network.points.items()}
    rounded = [
        [paper.number(round(float(paper.work_out(factor, point)), DECIMALS)) for factor in term] for term in terms
    ]
    return paper.write(paper.fill(together(rounded, outer), **numbers), decimals=DECIMALS)


def simplified(network: Network, terms: list[Term], outer: Tree, draw: Random) -> str:
    """As sympy puts it: the order of the chain is lost."""
    expression = to_sympy(together(terms, outer))
    if draw.random() < 0.5 and sympy.count_ops(expression) < LONGEST:
        expression = draw.choice([sympy.together, sympy.factor_terms, sympy.expand_mul])(expression)
    return from_sympy(expression)


def spelled_out(network: Network, terms: list[Term], outer: Tree, draw: Random) -> str:
    """No intermediate name is left."""
    return paper.write(paper.fill(together(terms, outer), **spelled(network)))


def with_names(network: Network, terms: list[Term], outer: Tree, draw: Random) -> str:
    """Slopes by name, as sigmoid'(z), and what all terms begin with taken out of the bracket."""
    shared = 0
    if len(terms) > 1:
        least = min(map(len, terms))
        while shared < least - 1 and all(term[shared] == terms[0][shared] for term in terms):
            shared += 1
    rest = paper.total([product(term[shared:]) for term in terms])
    return paper.write(paper.fill(outer, G=paper.make("*", product(terms[0][:shared]), rest) if shared else rest))


STYLES: dict[str, Style] = {
    "chain order": in_order,
    "from below": from_below,
    "numbers put in": with_numbers,
    "simplified": simplified,
    "spelled out": spelled_out,
    "intermediate names": with_names,
}
LOCATED = (in_order, from_below, spelled_out, with_names)  # in which factor something stands can be seen


def spelled(network: Network) -> dict[str, Tree]:
    """Each part in the leaves alone."""
    known: dict[str, Tree] = {}
    for part, tree in network.trees.items():
        known[part] = paper.fill(tree, **known)
    return known


# ---- sympy ----

_PLAIN: dict[str, Any] = {"exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt}


def to_sympy(tree: Tree) -> Any:
    """The tree for sympy; what it would rewrite in its own way, such as tanh, is a function that it does not know."""
    if tree.op == "name":
        return sympy.Symbol(tree.args[0])
    if tree.op == "number":
        return sympy.Rational(str(tree.args[0]))
    if tree.op == "softmax":
        return to_sympy(paper.softmax_spelled(tree))
    a, *more = [to_sympy(part) for part in tree.args]
    if tree.op in ("+", "-", "*", "/", "^"):
        (b,) = more
        return {"+": a.__add__, "-": a.__sub__, "*": a.__mul__, "/": a.__truediv__, "^": a.__pow__}[tree.op](b)
    if tree.op == "neg":
        return -a
    if tree.op in _PLAIN:
        return _PLAIN[tree.op](a)
    return sympy.Function({">": "gt"}.get(tree.op, tree.op.replace("'", "_prime")))(a, *more)


def from_sympy(expression: Any) -> str:
    """Its text in our notation; nothing if sympy found a number that nobody can write."""
    text = str(expression).replace("**", "^").replace("_prime(", "'(")
    if re.search(r"zoo|oo\b|nan|\bI\b", text):
        return ""
    while found := re.search(r"gt\(", text):
        depth, comma, start = 0, 0, found.end()
        for k in range(start, len(text)):
            if text[k] == "," and depth == 0:
                comma = k
            if text[k] == ")" and depth == 0:
                break
            depth += (text[k] == "(") - (text[k] == ")")
        text = f"{text[: found.start()]}[{text[start:comma]} > {text[comma + 1 : k].strip()}]{text[k + 1 :]}"
    return text


# ---- right forms ----

IDENTITIES = {  # the same slope, by another formula
    "sigmoid": ("sigmoid(A)*sigmoid(-A)", "exp(-A)/(1 + exp(-A))^2", "(O - O^2)", "1/(2 + exp(A) + exp(-A))"),
    "tanh": ("4/(exp(A) + exp(-A))^2", "(1 - O)*(1 + O)", "(1 - ((exp(A) - exp(-A))/(exp(A) + exp(-A)))^2)"),
    "relu": ("[0 < A]", "step(A)", "[A > 0]"),
    "softplus": ("1/(1 + exp(-A))", "(1 - sigmoid(-A))", "exp(A)/(1 + exp(A))"),
    "sin": ("cos(-A)", "cos(A)"),
}


def with_identities(tree: Tree, draw: Random) -> Tree:
    """Every sigmoid'(z) by one of the other formulas for it."""
    if tree.is_leaf:
        return tree
    if tree.op.endswith("'"):
        op = tree.op[:-1]
        formula = paper.read(draw.choice(IDENTITIES[op]))
        return paper.fill(formula, A=with_identities(tree.args[0], draw), O=Tree(op, tree.args))
    return paper.make(tree.op, *[with_identities(part, draw) for part in tree.args])


def right_forms(network: Network, plain: list[Term], primed: list[Term], draw: Random) -> Iterator[tuple[str, str]]:
    """The same derivation in ten forms."""
    g = paper.name("G")
    tree = together(plain, g)
    by_name = together(primed, g)
    text = paper.write(tree)
    yield "chain order", text
    yield "from below", from_below(network, plain, g, draw)
    yield "spelled out", spelled_out(network, plain, g, draw)
    yield "slopes by name, factored", with_names(network, primed, g, draw)
    yield "identities", paper.write(with_identities(by_name, draw))
    yield "numbers put in", with_numbers(network, plain, g, draw)
    yield "raised and dotted", raised(text)
    yield "products without a sign", implicit(text)
    expression = to_sympy(tree)
    if sympy.count_ops(expression) < LONGEST:
        yield "expanded", from_sympy(sympy.expand(expression, deep=False))
        yield "simplified", from_sympy(sympy.together(sympy.factor_terms(expression)))
    yield "split in two", f"({text})/4 + 3·({paper.write(by_name)})/4"
    yield "minus outside", f"-({paper.write(paper.make('neg', tree))})"


def raised(text: str) -> str:
    text = re.sub(r"\^([2-9])(?![\d.])", lambda found: "²³⁴⁵⁶⁷⁸⁹"[int(found[1]) - 2], text)
    return text.replace("*", "·").replace("-", "−")


def implicit(text: str) -> str:
    """2(y − o) for 2*(y − o), and w·o(1 − o): the sign left out after a number or a name, where a bracket follows."""
    return re.sub(r"(?<![\^.])\b([a-z]\d*|\d+)\*\(", r"\1(", text)


# ---- notation that people use beyond the plain one ----

NOTATIONS = {  # other ways to write the slope of a function at {z}
    "tanh²(z)": ("tanh'", "(1 - tanh²({z}))"),
    "tanh^2(z)": ("tanh'", "(1 - tanh^2({z}))"),
    "1/cosh²(z)": ("tanh'", "(1/cosh²({z}))"),
    "1/cosh(z)^2": ("tanh'", "(1/cosh({z})^2)"),
    "sech(z)^2": ("tanh'", "sech({z})^2"),
    "σ'(z)": ("sigmoid'", "σ'({z})"),
}


def notations(child: str, parent: str, plain: list[Term], primed: list[Term]) -> Iterator[tuple[str, str]]:
    """Right derivations in other people's notation, which a check may or may not read."""
    text = paper.write(together(plain, paper.name("G")))
    yield "a leading ∂L/∂w =", f"∂{child}/∂{parent} = {text}"
    yield "a leading =", f"= {text}"
    brackets = " + ".join("*".join(f"[{paper.write(factor)}]" for factor in term) for term in plain)
    yield "square brackets", brackets
    yield "braces", brackets.replace("[", "{").replace("]", "}")
    for form, (op, template) in NOTATIONS.items():
        held: list[str] = []
        holed = [[_with_holes(factor, op, held) for factor in term] for term in primed]
        whole = paper.write(together(holed, paper.name("G")))
        if held:
            yield form, re.sub(r"hole\((\d+)\)", lambda found, t=template, h=held: t.format(z=h[int(found[1])]), whole)


def _with_holes(tree: Tree, op: str, held: list[str]) -> Tree:
    """The tree with hole(k) for each slope of that function; what stands in the holes is added to ``held``."""
    if tree.is_leaf:
        return tree
    if tree.op == op:
        held.append(paper.write(tree.args[0]))
        return Tree("hole", (paper.number(len(held) - 1),))
    return Tree(tree.op, tuple(_with_holes(part, op, held) for part in tree.args))
