"""Numbers for an identity: what both sides come to at easy points, and the first point at which they differ.

A counterexample is meant to be put in by hand. The first points have two or three classes, logits in halves, and
vectors of positive entries in tenths that sum to 1, as a distribution does. Next come positive vectors with any sum,
and last numbers in thousandths. Values are worked out with 60 digits, and count as equal within 10⁻⁴⁰; a difference
is looked at with more. Below 10⁻⁵⁰ a denominator, or what a logarithm is taken of, counts as 0.

`Point.value` knows more than the grammar of the proofs: orders, products, sums over a part of the classes and sums
over the numbers of the classes. A value that does not exist (log 0, 1/0, an entry past the end) is `Undefined`.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
import sympy
from sympy import (
    And,
    Expr,
    Indexed,
    IndexedBase,
    KroneckerDelta,
    Max,
    Min,
    Not,
    Or,
    Piecewise,
    Product,
    Sum,
    Symbol,
    exp,
    log,
)
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

DIGITS, NEAR, TINY = 60, mpmath.mpf(10) ** -40, mpmath.mpf(10) ** -50
CLASSES = (2, 3, 5, 8, 13)  #: how many classes are tried
MOST_KNOWN = 2**11  #: values that a point remembers
EASY = (2,) * 8 + (3,) * 6 + (5, 5, 8, 8, 13, 13)  #: of each point in turn


class Undefined(ArithmeticError):
    """The expression has no value at this point."""


@dataclass
class Point:
    """Numbers for K, for the indices and scalars, and for the entries of each base.

    With `at_zeros`, a term whose weight is 0 counts as 0 where the other factors hold a logarithm: 0 · log 0 = 0, as
    −Σ p log p is meant; and 1/0 and −log 0 are +∞.
    """

    n_classes: int
    numbers: dict
    entries: dict
    at_zeros: bool = False
    known: dict = field(default_factory=dict)

    def value(self, expression: Expr, digits: int = DIGITS) -> Any:
        """Return the value of a SymPy expression at this point, or raise Undefined."""
        with mpmath.workdps(digits):
            try:
                value = self._value(expression, {**self.numbers, _K: self.n_classes})
            except (ZeroDivisionError, IndexError, TypeError, ValueError) as error:
                raise Undefined(str(error)) from error
            if mpmath.isnan(value) or (mpmath.isinf(value) and not self.at_zeros):
                raise Undefined("no finite number")
            return value

    def _value(self, node, numbers):
        if node.is_Integer:
            return int(node)
        if node.is_Rational:
            return mpmath.mpf(node.p) / node.q
        if isinstance(node, Symbol):
            return _inexact(numbers[node]) if node in numbers else _missing(node)
        key = mpmath.mp.dps, node, *map(numbers.get, _indices(node))
        if key not in self.known:
            self.known[key] = self._worked_out(node, numbers)
        return self.known[key]

    def _worked_out(self, node, numbers):
        if isinstance(node, Indexed):
            (index,) = (self._value(one, numbers) for one in node.indices)
            return _inexact(self.entries[node.base][index]) if index >= 0 else _missing(node)
        if isinstance(node, (Sum, Product)):
            return self._over(node.function, node.limits, numbers, sum if isinstance(node, Sum) else math.prod)
        if isinstance(node, Piecewise):
            held = (term for term, condition in node.args if self._holds(condition, numbers))
            return self._value(next(held, sympy.nan), numbers)
        if self.at_zeros and node.is_Mul:
            return self._product_with_zeros(node, numbers)
        arguments = [self._value(argument, numbers) for argument in node.args]
        if self.at_zeros and isinstance(node, (log, sympy.Pow)) and arguments[0] == 0:
            return mpmath.mpf("-inf") if isinstance(node, log) else _zero_to_the(arguments[1])
        return _FUNCTIONS.get(node.func, _other(node))(*arguments)

    def _over(self, term, limits, numbers, collect):
        if not limits:
            return self._value(term, numbers)
        *inner, (index, low, high) = limits
        values = range(self._value(low, numbers), self._value(high, numbers) + 1)
        return collect([self._over(term, inner, {**numbers, index: n}, collect) for n in values])

    def _holds(self, condition, numbers):
        if isinstance(condition, BooleanAtom):
            return bool(condition)
        if isinstance(condition, (And, Or, Not)):
            return _LOGIC[condition.func]([self._holds(part, numbers) for part in condition.args])
        if isinstance(condition, Relational):
            return bool(condition.func(*(sympy.sympify(self._value(side, numbers)) for side in condition.args)))
        raise Undefined(f"the condition {condition}")

    def _product_with_zeros(self, node, numbers):
        values, logarithms = [], False
        for factor in node.args:
            try:
                values.append(self._value(factor, numbers))
            except (ZeroDivisionError, Undefined):
                values.append(mpmath.nan)
            logarithms |= not mpmath.isfinite(values[-1]) and factor.has(log)
        return 0 if logarithms and 0 in values else math.prod(values)

    def __str__(self):
        vectors = {base: f"({', '.join(map(_shown, entries))})" for base, entries in self.entries.items()}
        numbers = {symbol: _shown(number) for symbol, number in self.numbers.items()}
        return ", ".join(f"{name} = {value}" for name, value in {"K": self.n_classes, **numbers, **vectors}.items())


_K = Symbol("K", integer=True, positive=True)
_LOGIC = {And: all, Or: any, Not: lambda parts: not parts[0]}
_FUNCTIONS = {
    sympy.Add: lambda *terms: sum(terms), sympy.Mul: lambda *factors: math.prod(factors),
    sympy.Pow: lambda base, power: _power(base, power),
    exp: mpmath.exp, log: lambda x: mpmath.log(x) if abs(x) > TINY else _missing("log 0"),
    KroneckerDelta: lambda a, b: int(a == b), Max: max, Min: min, sympy.tanh: mpmath.tanh,
}  # fmt: skip


def _inexact(number):
    return number if isinstance(number, int) else mpmath.mpf(number.numerator) / number.denominator


def _power(base, power):
    if power < 0 and abs(base) <= TINY:
        return _missing("1/0")
    if isinstance(power, int) and isinstance(base, int) and power < 0:
        base = mpmath.mpf(base)
    return mpmath.power(base, power) if not isinstance(base, int) or not isinstance(power, int) else base**power


def _zero_to_the(power):
    return mpmath.inf if power < 0 else 0 if power > 0 else 1


def _other(node):
    def value(*arguments):
        number = node.func(*map(sympy.sympify, arguments)) if arguments else node
        return number._to_mpmath(mpmath.mp.prec) if number.is_number and number.is_finite else _missing(node)

    return value


def _missing(node):
    raise Undefined(f"{node} has no value")


@lru_cache(maxsize=2**12)
def _indices(node):
    return sorted((symbol for symbol in node.free_symbols if isinstance(symbol, Symbol) and symbol.is_integer), key=str)


def _shown(number):
    return str(int(number)) if number == int(number) else f"{float(number):.6g}"


# Points


def points(
    expressions: Sequence[Expr],
    distributions: Sequence[IndexedBase] = (),
    classes: Sequence[int] = EASY,
    within: Sequence[Any] = (),
) -> tuple[Point, ...]:
    """Return points for the symbols of some expressions, the easy ones first.

    `within` has pairs of a scalar and its range, two numbers between which it is drawn.
    """
    scalars, bases = _names(tuple(expressions))
    drawn = _drawn(scalars, bases, tuple(distributions), classes, tuple(within))
    for point in drawn:
        if len(point.known) > MOST_KNOWN:
            point.known.clear()
    return drawn


@lru_cache(maxsize=32)
def _drawn(scalars, bases, distributions, classes, within):
    """Return the points for some symbols, the same each time: what they know of an expression is worked out once.

    They are drawn all at once, since a check that is stopped when its time is up must not leave half of them behind.
    """
    rng, drawn = random.Random(0), []
    names = scalars, bases, distributions, rng, dict(within)
    for normalised, easy, tried in ((True, True, classes), (False, True, classes), (False, False, 2 * (*{*classes},))):
        drawn += [_draw(n_classes, *names, normalised=normalised, easy=easy) for n_classes in sorted(tried)]
    return tuple(drawn)


def points_at_zeros(
    expressions: Sequence[Expr], distributions: Sequence[IndexedBase], bases: Sequence[IndexedBase]
) -> Iterator[Point]:
    """Yield points at which some bases are distributions with zeros, one-hots among them."""
    rng = random.Random(0)
    scalars, all_bases = _names(tuple(expressions))
    for n_classes in (2, 2, 3, 3, 3, 5, 8):
        for chosen in [*([base] for base in bases), bases]:
            for n_positive in {1, n_classes - 1}:
                point = _draw(n_classes, scalars, all_bases, distributions, rng, {})
                for base in chosen:
                    entries = [*_distribution(n_positive, rng), *[Fraction(0)] * (n_classes - n_positive)]
                    point.entries[base] = tuple(rng.sample(entries, n_classes))
                point.at_zeros = True
                yield point


@lru_cache(maxsize=2**10)
def _names(expressions):
    """Return the scalars (indices among them) and the bases of expressions, each in the order of their names."""
    sides = [_names_in(side) for side in expressions]
    scalars, bases = (set().union(*parts) for parts in zip(*sides, strict=True))
    return tuple(sorted(scalars, key=lambda s: (not s.is_integer, str(s)))), tuple(sorted(bases, key=str))


@lru_cache(maxsize=2**10)
def _names_in(expression):
    bases = {entry.base for entry in expression.atoms(Indexed)}
    labels = {base.label for base in bases}
    return {symbol for symbol in expression.free_symbols if isinstance(symbol, Symbol)} - labels - {_K}, bases


def _draw(n_classes, scalars, bases, distributions, rng, within, *, normalised=True, easy=True):
    numbers, entries = {}, {}
    for symbol in scalars:
        if symbol in within:
            low, high = within[symbol]
            numbers[symbol] = _between(low, high, rng, easy)
        else:
            numbers[symbol] = (
                _class(symbol, n_classes, rng) if symbol.is_integer else _number(symbol.is_positive, rng, easy)
            )
    for base in bases:
        if base in distributions or (normalised and _is_positive(base)):
            entries[base] = tuple(_distribution(n_classes, rng))
        else:
            entries[base] = tuple(_number(_is_positive(base), rng, easy) for _ in range(n_classes))
    return Point(n_classes, numbers, entries)


def _class(symbol, n_classes, rng):
    return rng.randrange(n_classes) + bool(symbol.is_positive)


@lru_cache(maxsize=2**10)
def _is_positive(base):
    return base[0].is_positive


def _number(is_positive, rng, easy):
    """Return a half, or a number in thousandths."""
    lowest, halves, thousandths = (1, 6, 3000) if is_positive else (-4, 4, 2000)
    return Fraction(rng.randint(lowest, halves), 2) if easy else Fraction(rng.randint(lowest * 500, thousandths), 1000)


def _between(low, high, rng, easy):
    """Return a number within a range, some tenths or thousandths of the way."""
    parts = 10 if easy else 1000
    return low + (high - low) * Fraction(rng.randint(1, parts - 1), parts)


def _distribution(n_entries, rng):
    """Return positive numbers that sum to 1, in tenths where there are few of them, and in hundredths else."""
    parts = 10 if n_entries < 6 else 100
    cuts = [0, *sorted(rng.sample(range(1, parts), n_entries - 1)), parts]
    return [Fraction(high - low, parts) for low, high in itertools.pairwise(cuts)]


# What the points say


class Counterexample(Exception):
    """A point at which the sides differ. Its text is what `NotAnIdentity` says."""

    def __init__(self, point, left, right):
        self.point = str(point)
        self.left, self.right = _told_apart(left, right)
        super().__init__(f"at {self.point}: {self.left} on the left, {self.right} on the right")


def compare(left: Expr, right: Expr, point: Point) -> None:
    """Raise Counterexample if two expressions have different values at a point, and Undefined if one has none.

    Where large numbers cancel, the difference may be what rounding left: then more digits change it, and it is
    ignored.
    """
    a, b = point.value(left), point.value(right)
    with mpmath.workdps(3 * DIGITS):
        if a == b or abs(a - b) <= NEAR * (1 + abs(a) + abs(b)):
            return
        exact_a, exact_b = (point.value(side, 3 * DIGITS) for side in (left, right))
        difference = exact_a - exact_b
        if mpmath.isfinite(difference) and not abs(difference - (a - b)) <= abs(difference) / 1000:
            raise Undefined("rounding hides the difference")
        raise Counterexample(point, exact_a, exact_b)


def _told_apart(a, b):
    """Return two different numbers in as many digits as tell them apart: three decimals, if these do."""
    for digits in (3, 4, 6, 10, 15, 30, 45):
        shown = [_rounded(number, digits) for number in (a, b)]
        if shown[0] != shown[1] and not any(_is_lost(number, text) for number, text in zip((a, b), shown, strict=True)):
            break
    return shown


def _rounded(number, digits):
    number = mpmath.mpmathify(number)
    if isinstance(number, mpmath.mpc):
        return (
            f"{_rounded(number.real, digits)} {'-' if number.imag < 0 else '+'} {_rounded(abs(number.imag), digits)}i"
        )
    if digits > 3:
        return mpmath.nstr(number, digits).removesuffix(".0")
    return f"{float(number):z.3f}".rstrip("0").rstrip(".") if mpmath.isfinite(number) else str(number).replace("+", "")


def _is_lost(number, text):
    return number != 0 and text == "0"
