"""A reader of LaTeX that shares nothing with what writes it: it splits the source into tokens and works out the number.

What a function is called is read from its row, what it means from the independent references.

Promise: whatever it can't read is an error, so a missing bracket, a lost backslash or a stray brace is found. It reads
sums, products with \\cdot or nothing between, \\frac, \\sqrt, powers, functions, |x|, [x > y], and names with indices.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import mpmath
from reference import REFERENCES

from micrograd_nn.engine.operation import TABLE

TOKEN = re.compile(r"\\(?:text|mathrm|mathit|operatorname)\{(?:[^{}\\]|\\.)*\}|\\[A-Za-z]+|\d+\.?\d*|.", re.DOTALL)
GREEK = r"\\(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|tau|phi|chi|psi|omega)"
NAME = re.compile(rf"[A-Za-z]|{GREEK}|\\(?:text|mathrm|mathit)\{{.*\}}")
OF_LATEX = {
    rf"\{name}"
    for name in ["arctan", "cos", "cosh", "exp", "ln", "log", "max", "min", "sigma", "sin", "sinh", "tan", "tanh"]
}


def _functions() -> dict[str, Callable[..., Any]]:
    """What is written with a name and brackets, by that name; it must be a command of LaTeX or an \\operatorname."""
    functions = {r"\cosh": mpmath.cosh}
    for name, reference in REFERENCES.items():
        found = re.fullmatch(r"(.+)\\left\(\{a(?::0)?\}(?:, \{b(?::0)?\})?\\right\)", TABLE[name].latex)
        if found:
            command = found[1].format()
            assert command in OF_LATEX or re.fullmatch(r"\\operatorname\{(?:[a-z]|\\_)+\}", command), command
            functions.setdefault(command, reference.value)  # \\ln is that of log, without a stop
    return functions


FUNCTIONS = _functions()


def read(latex: str, numbers: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] | None = None) -> Any:
    """The number that the LaTeX stands for, its names (as typeset, "w_{1}") having those numbers."""
    reader = _Reader(latex, numbers, FUNCTIONS | dict(functions or {}))
    number = reader.sum()
    reader.expect("end")
    return number


class _Reader:
    def __init__(self, latex: str, numbers: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> None:
        self.tokens = [token for token in TOKEN.findall(latex) if not token.isspace()] + ["end"]
        self.numbers, self.functions, self.latex = numbers, functions, latex

    def take(self) -> str:
        return self.tokens.pop(0)

    def next_is(self, *tokens: str) -> bool:
        return self.tokens[0] in tokens

    def expect(self, *tokens: str) -> None:
        for token in tokens:
            if (found := self.take()) != token:
                raise SyntaxError(
                    f"{token} expected, {found} found, before {''.join(self.tokens)[:60]} in {self.latex}"
                )

    def sum(self) -> Any:
        number = self.product(-1 if self.next_is("-") and self.take() else 1)
        while self.next_is("+", "-"):
            number += self.product(1 if self.take() == "+" else -1)
        return number

    def product(self, number: Any) -> Any:
        number *= self.power()
        while not self.next_is("end", "+", "-", "}", r"\right", ",", ">", r"\le"):
            if self.next_is(r"\cdot"):
                self.take()
            number *= self.power()
        return number

    def power(self) -> Any:
        token = self.take()
        if token == "e":
            self.expect("^")
            return mpmath.exp(self.group())
        base = self.name(token) if NAME.fullmatch(token) else self.atom(token)
        if self.next_is("^"):
            self.take()
            number = mpmath.power(base, self.group())
            rounded = abs(number.imag) < 1e-12 * abs(number)  # an exponent that is a whole number but for rounding
            return number.real if rounded else number
        return base

    def name(self, name: str) -> Any:
        if self.next_is("_"):
            name += self.script()
        if self.tokens[:3] == ["^", "{", "("]:  # an index such as ^{(2)}, not a power
            name += self.script()
        if name not in self.numbers:
            raise SyntaxError(f"the name {name} in {self.latex}; known: {', '.join(self.numbers)}")
        return mpmath.mpf(self.numbers[name])

    def script(self) -> str:
        return "".join(self.take() for _ in range(self.tokens.index("}") + 1))

    def atom(self, token: str) -> Any:
        if token[0].isdigit():
            return mpmath.mpf(token)
        if token == "{":
            return self.until("}")
        if token == r"\frac":
            return self.group() / self.group()
        if token == r"\sqrt":
            return mpmath.sqrt(self.group())
        if token == r"\infty":
            return mpmath.inf
        if token == r"\left":
            return self.brackets(self.take())
        if token in self.functions:
            self.expect(r"\left", "(")
            arguments = [self.sum()]
            while self.next_is(","):
                self.take()
                arguments.append(self.sum())
            self.expect(r"\right", ")")
            return self.functions[token](*arguments)
        raise SyntaxError(f"unreadable: {token} before {''.join(self.tokens)[:60]} in {self.latex}")

    def brackets(self, opening: str) -> Any:
        number = self.sum()
        if opening == "[":
            at_most = self.next_is(r"\le")
            self.expect(r"\le" if at_most else ">")
            number = mpmath.mpf((number > self.sum()) != at_most)
        self.expect(r"\right", {"(": ")", "|": "|", "[": "]"}[opening])
        return abs(number) if opening == "|" else number

    def group(self) -> Any:
        self.expect("{")
        return self.until("}")

    def until(self, closing: str) -> Any:
        number = self.sum()
        self.expect(closing)
        return number
