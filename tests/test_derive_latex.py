"""Explanations in other languages: their LaTeX, read back and worked out, and sympy come to the gradient."""

import re
from math import inf, nan

import mpmath
import pytest
from latex_reader import read
from random_graphs import random_graph
from reference import bounds

from micrograd_nn import Value
from micrograd_nn.derive import Symbol, explain, to_sympy
from micrograd_nn.engine.operation import TABLE
from micrograd_nn.engine.value import adjoints, topological_order
from micrograd_nn.notation.latex import label_latex


def exact_numbers(root, names):
    """The graph at 50 digits, by typeset name: each node's operation as the reader reads it."""
    values, typeset = {}, {}
    for node in topological_order(root):
        if node.operation is None:
            values[node] = mpmath.mpf(node.data)
        else:
            letters = "abcd"[: len(node.operands)]
            latex = node.operation(*map(Symbol, letters)).latex()
            values[node] = read(latex, {name: values[o] for name, o in zip(letters, node.operands, strict=True)})
        if node in names:
            typeset[label_latex(names[node])] = values[node]
    shares = {label_latex(name): mpmath.mpf(node.data) for node, name in names.items() if node not in values}
    return values, typeset | shares


def read_block(latex, numbers):
    """What an aligned block comes to: its factors worked out, and put into the chain of its first line."""
    factors = {}
    lines = latex.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}").split(" \\\\\n")
    lines = [line for line in lines if line.startswith(r"\frac")]  # the others say what p1 is
    for line in lines[1:-1] if len(lines) > 1 else lines:
        left, right = line.split(" &= ")
        factors[left] = read(right.split(" = ")[0], numbers)
    if len(lines) == 1:
        return next(iter(factors.values()))
    total = lines[0].split(" &= ")[1]
    for i, (left, number) in enumerate(factors.items()):
        total = total.replace(left, rf"\text{{f{i}}}")
        numbers = numbers | {rf"\text{{f{i}}}": number}
    return read(total, numbers)


@pytest.mark.parametrize("seed", range(500))
def test_read_back_and_worked_out_it_is_the_gradient(seed):
    root, leaves = random_graph(seed, n_nodes=8)
    for i, node in enumerate(topological_order(root)):
        if node.operation is not None and (seed + i) % 3 == 0:
            node.label = f"n{i}"  # about a third of the nodes have a name
    gradients = adjoints(root)
    with mpmath.workdps(50):
        for leaf in leaves:
            derivation = explain(root, leaf, most=10_000)
            _, numbers = exact_numbers(root, derivation.chain.names)
            size = sum(abs(mpmath.fprod(factor.number for factor in term)) for term in derivation.terms)
            size = max(size, abs(gradients[leaf]), 1e-9)
            for got in (read(derivation.symbol.latex(), numbers), read_block(derivation.latex(), numbers)):
                off = abs(got - gradients[leaf])  # x/x within a factor cancels: then what floats may be off
                assert off <= 1e-12 * size or off <= bounds(root)[1][leaf][1]


@pytest.mark.parametrize("count", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_sympy_agrees(count):
    import sympy

    smooth = [row for row in TABLE.values() if not row.kinks or row.domain.text != "every real number"]
    for seed in range(count):
        root, leaves = random_graph(seed, n_nodes=6, operations=smooth)
        if any(node.operation is TABLE["pow"] and node.left.data == 0 for node in topological_order(root)):
            continue  # a corner: sympy derives 0^x to 0^x·ln 0, which is nan, where the row says 0
        form = to_sympy(root)
        at = {sympy.Symbol(leaf.label, real=True): leaf.data for leaf in leaves}
        assert float(form.evalf(30, subs=at)) == pytest.approx(root.data, rel=1e-9, abs=1e-9)
        for leaf in leaves:
            slope = sympy.diff(form, sympy.Symbol(leaf.label, real=True)).evalf(30, subs=at)
            assert float(slope) == pytest.approx(adjoints(root)[leaf], rel=1e-9, abs=1e-9), seed


@pytest.mark.parametrize(("number", "written"), [(inf, "oo*x"), (-inf, "-oo*x"), (nan, "nan"), (2.0, "2*x")])
def test_sympy_gets_every_float(number, written):
    assert str(to_sympy(Value(3.0, "x") * number)) == written


def test_its_numbers_are_shortened_as_those_of_the_text():
    w, x = Value(1 / 3, "w"), Value(1 / 7, "x")
    derivation = explain(w * w * x, w)
    found = [re.findall(r"0\.\d+", written) for written in (derivation.latex(), str(derivation))]
    assert found == [["0.142857", "0.333333", "0.0952381"]] * 2
