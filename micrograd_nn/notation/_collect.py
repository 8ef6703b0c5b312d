"""Factors and terms put together, as people write a product or a sum down.

Powers are collected, what stands above and below the line is cancelled, like terms are added; brackets are multiplied
out where that is shorter, and what the terms share is written once. The outcome equals the expression wherever that is
finite.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from operator import attrgetter
from typing import Any

from ..engine.ops import add, div, mul, multiply_no_nan, neg, power, sqrt, sub
from ._simplify import MOST, Tidy, form_of, fraction_of, is_just, multiplied, short_number, without_minus

LENGTH = attrgetter("length")  # how much there is to read
LONGEST = 10_000  # names and numbers: a longer sum has no place on a line of text, and stays as it is

Powers = Mapping[Hashable, tuple[Tidy, Fraction]]  # by what the base is: the base, and its exponent


def product(factors: Iterable[Tidy]) -> Tidy:
    """The product: numbers first, then names, then the rest, each in the given order; 1/x goes below the line.

    >>> o1, w5 = Tidy("o1"), Tidy("w5")
    >>> print(product([o1 * (1.0 - o1), w5]))
    w5·o1(1 − o1)
    >>> print(product([0.5 / o1, 2.0 * w5, w5]))
    w5^2/o1
    """
    return _product(*_collected(sorted(factors, key=lambda one: 0 if one.is_number else 1 if one.name else 2)))


def total(terms: Sequence[Tidy]) -> Tidy:
    """The sum in the given order, like terms taken together; a number comes last, if no minus sign comes first then.

    Brackets are multiplied out where that makes it shorter, and what all terms share is written once.

    >>> x, y = Tidy("x"), Tidy("y")
    >>> print(total([Tidy.of(1.0), x * y, y * x]))
    2·x·y + 1
    >>> print(total([(1.0 - x) * y, -x * (1.0 - y)]))
    y − x
    """
    plain = reduce(lambda a, b: a + b, terms, Tidy.of(0.0))
    if len(terms) < 2 or plain.length > LONGEST:
        return plain
    forms = _collected_forms(plain)
    return _in_order(min(*map(_shared_once, forms), *forms, key=LENGTH))


def _collected_forms(plain: Tidy) -> list[Tidy]:
    """The sum with like terms taken together, as it is and with its brackets multiplied out."""
    summands = _terms(plain)
    expanded = [(sign * s, part) for sign, term in summands for s, part in _multiplied_out(term)]
    if not len(summands) < len(expanded) <= MOST:
        return [_like_terms(plain, summands)]
    shorter = _like_terms(_sum(expanded), expanded)
    return [_like_terms(plain, summands), shorter, *_grouped(shorter)]


def _grouped(whole: Tidy) -> Iterator[Tidy]:
    """x·a + x·b − a as x(a + b) − a and as a(x − 1) + x·b: what some terms share, taken out of those."""
    rows = [(sign, term, *_collected([term])) for sign, term in _terms(whole)]
    often = Counter(key for *_, powers in rows for key, (_, exponent) in powers.items() if exponent == 1)
    for key in [key for key, count in often.items() if count > 1]:
        inside, outside = list[tuple[int, Tidy]](), list[tuple[int, Tidy]]()
        base = next(powers[key][0] for *_, powers in rows if key in powers)
        for sign, term, number, powers in rows:
            if powers.get(key, (base, 0))[1] == 1:
                inside.append((sign, _product(number, {k: pair for k, pair in powers.items() if k != key})))
            else:
                outside.append((sign, term))
        yield _sum([(1, product([base, _in_order(_sum(inside))])), *outside])


def _in_order(whole: Tidy) -> Tidy:
    """What bears no minus sign first, as in p − y; but −y/p + (1 − y)/(1 − p)."""
    summands = _terms(whole)
    if not summands or summands[0][0] > 0 or summands[0][1].operation is div:
        return whole
    return _sum(sorted(summands, key=lambda term: -term[0]))


def _like_terms(plain: Tidy, summands: Sequence[tuple[int, Tidy]]) -> Tidy:
    """The sum with like terms taken together; ``plain`` itself where there are none."""
    like: dict[Hashable, list[tuple[Fraction, Powers, Tidy]]] = {}
    for sign, term in summands:
        number, powers = _collected([term])
        key = frozenset((base, exponent) for base, (_, exponent) in powers.items())
        like.setdefault(key, []).append((sign * number, powers, term if sign > 0 else -term))
    sums = [(sum((number for number, _, _ in same), Fraction(0)), *same[0][1:], len(same)) for same in like.values()]
    kept = [
        (number, powers, term if count == 1 else _product(number, powers))
        for number, powers, term, count in sums
        if number
    ]
    constant = [all(base.is_number for base, _ in powers.values()) for _, powers, _ in kept[:2]]
    number_first = constant == [True, False] and kept[1][0] > 0
    if not number_first and all(count == 1 or (number and not short_number(number)) for number, *_, count in sums):
        return plain
    written = [term for *_, term in (*kept[1:], kept[0])] if number_first else [term for *_, term in kept]
    return _sum((1, term) for term in written)


def _sum(summands: Iterable[tuple[int, Tidy]]) -> Tidy:
    return reduce(lambda a, b: a + b, [term if sign > 0 else -term for sign, term in summands], Tidy.of(0.0))


def _multiplied_out(term: Tidy) -> list[tuple[int, Tidy]]:
    """The terms of a product of sums, each with its sign; what else it is made of stays as it is."""
    number, powers = _collected([term])
    rows = [(number, list[tuple[Tidy, Fraction]]())]
    for base, exponent in powers.values():
        parts = _terms(base) if exponent == 1 else []
        if len(parts) < 2 or len(rows) * len(parts) > MOST:
            parts, rest = [(1, Tidy.of(1.0))], [(base, exponent)]
        else:
            rest = []
        rows = [(sign * n, [*row, (part, Fraction(1)), *rest]) for n, row in rows for sign, part in parts]
    made = []
    for n, row in rows:
        size, met = _collected([_powered(base, exponent) for base, exponent in row])
        made.append((1 if n * size > 0 else -1, _product(abs(n * size), met)))
    return made if len(made) > 1 else [(1, term)]


def times_sum(terms: Sequence[Tidy], factors: Iterable[Tidy]) -> Tidy:
    """The sum times the factors, which stand before each of its terms where that is shorter.

    >>> x, y = Tidy("x"), Tidy("y")
    >>> print(times_sum([y / x, x * y], [x]))
    y + x^2·y
    """
    factors, whole = [*factors], total(terms)
    outside = product([*factors, whole])
    if outside.length > LONGEST:
        return outside
    return min(outside, total([product([*factors, term]) for term in terms]), key=LENGTH)


def on_one_line(terms: Sequence[Tidy]) -> Tidy:
    """The sum over one denominator, even if that is no more than a name.

    >>> u, v = Tidy("u"), Tidy("v")
    >>> print(on_one_line([1.0 / v, -u / v**2.0]))
    (v − u)/v^2
    """
    return _shared_once(total(terms), lambda base, exponent: exponent < 0)


def _shared_once(
    whole: Tidy, worth_it: Callable[[Tidy, Fraction], Any] = lambda base, exponent: base.operation is not None
) -> Tidy:
    """a·f(x) − b·f(x) as f(x)(a − b), and one denominator; names alone are not taken out of x^2 + x."""
    collected = [(sign, *_collected([term])) for sign, term in _terms(whole)]
    if len(collected) < 2:
        return whole
    sizes, rows = {abs(number) for _, number, _ in collected}, [powers for _, _, powers in collected]
    size = sizes.pop() if len(sizes) == 1 else Fraction(1)
    shared = {
        key: (base, min(powers[key][1] for powers in rows))
        for key, (base, _) in rows[0].items()
        if all(key in powers and (powers[key][1] > 0) == (rows[0][key][1] > 0) for powers in rows)
    }
    if not any(worth_it(*pair) for pair in shared.values()):
        shared = {}
    rest = [
        (sign, _product(number / size, {key: (base, left) for key, (base, n) in powers.items()
                                        if (left := n - shared.get(key, (base, 0))[1])}))
        for sign, number, powers in collected
    ]  # fmt: skip
    return (
        product([_product(size, shared), _in_order(min(_collected_forms(_sum(rest)), key=LENGTH))])
        if shared or size != 1
        else whole
    )


def _collected(factors: Sequence[Tidy]) -> tuple[Fraction, Powers]:
    """The product as a number, as far as that is short, and powers with numbers for exponents."""
    whole, powers = Fraction(1), dict[Hashable, tuple[Tidy, Fraction]]()
    stack = [(factor, Fraction(1)) for factor in reversed(factors)]
    while stack:
        factor, n = stack.pop()
        whole_exponent = n.denominator == 1  # (a·b)^n is a^n·b^n, but not for roots
        if whole_exponent and (times := _times(whole, fraction_of(factor), int(n))) is not None:
            whole = times
        elif whole_exponent and len(stack) + len(powers) < MOST and (parts := _parts(factor, n)):
            stack += reversed(parts)
        else:
            base, exponent = powers.get(form_of(factor), (factor, 0))
            powers[form_of(factor)] = base, exponent + n
    return whole, {key: (base, n) for key, (base, n) in powers.items() if n}


def _times(whole: Fraction, number: Fraction | None, n: int) -> Fraction | None:
    """whole·number^n; None if that is long."""
    if number is None or abs(n) > 9 or (number == 0 and n < 0):
        return None
    return whole * number**n if short_number(whole * number**n) else None


def _parts(factor: Tidy, n: Fraction) -> list[tuple[Tidy, Fraction]]:
    """The factors of which a factor to the power of n is made."""
    if factor.operation in (mul, multiply_no_nan):
        return [(part, n) for part in factor.operands]
    if factor.operation is div:
        return [(factor.operands[0], n), (factor.operands[1], -n)]
    if (positive := without_minus(factor)) and not is_just(factor, -1):
        return [(Tidy.of(-1.0), n), (positive, n)]
    if factor.operation is sqrt:
        return [(factor.operands[0], n / 2)]
    exponent = fraction_of(factor.operands[1]) if factor.operation is power else None
    return [] if exponent is None else [(factor.operands[0], n * exponent)]


def _product(number: Fraction, powers: Powers) -> Tidy:
    """The product written down: what has a negative exponent stands below the line."""
    size = short_number(abs(number)) or Tidy.of(float(abs(number)))
    ordered = sorted(powers.values(), key=lambda pair: not pair[0].is_number)
    above = [_powered(base, n) for base, n in ordered if n > 0]
    below = [_powered(base, -n) for base, n in ordered if n < 0]
    if below and size.operation is div:  # 2·x/(3·y) rather than 2/3·x/y
        above, below = [size.operands[0], *above], [size.operands[1], *below]
    elif not is_just(size, 1) or not above:
        above = [size, *above]
    above = [one for one in above if not is_just(one, 1)] or above[:1]
    whole = Tidy.made(div, multiplied(above), multiplied(below)) if below else multiplied(above)
    return Tidy.of(0.0) if number == 0 else -whole if number < 0 else whole


def _powered(base: Tidy, n: Fraction) -> Tidy:
    """base^n, with a root for a half."""
    if n.denominator == 2:
        base, n = Tidy.apply(sqrt, base), 2 * n
    return Tidy.apply(power, base, Tidy.of(float(n)))


def _terms(whole: Tidy) -> list[tuple[int, Tidy]]:
    """What is added, each with its sign; nothing if they are many."""
    found: list[tuple[int, Tidy]] = []
    stack = [(1, whole)]
    while stack:
        sign, term = stack.pop()
        if term.operation in (add, sub):
            a, b = term.operands
            stack += [(-sign if term.operation is sub else sign, b), (sign, a)]
        elif term.operation is neg:
            stack.append((-sign, term.operands[0]))
        else:
            found.append((sign, term))
        if len(found) + len(stack) > MOST:
            return []
    return found
