"""Normal forms: polynomials with rational coefficients in atoms, so that two terms of the book can be compared.

A polynomial is a dictionary {monomial: coefficient}, and a monomial a frozenset of (atom, exponent), the exponents
rational. An atom is whatever the algebra does not look into:

    number, entry, delta    a symbol, z[a], and a delta of two classes that is not decided
    exp m                   e^m for a monomial m; its exponent c says e^(cm)
    log D, whole D          log D, and D to the power of the exponent, for a polynomial D
    prime                   a prime number, with an exponent between 0 and 1
    sum m                   Σ_j m for a monomial m, all of whose factors depend on j
    Max, Min                of some polynomials

Why it is sound. Each function below turns values into the same values, wherever what goes in is defined: what it
does is one of these rules.

    e^(a+b) = e^a e^b, e^(c log D) = D^c, D^a D^b = D^(a+b)      always: it is how powers are defined
    (aD)^c = a^c D^c, log(aD) = log a + log D                    for a > 0, or a whole number c
    log e^m = m, (e^m)^c = e^(cm)                                for a real m
    Σ (a + b) = Σ a + Σ b, Σ aS = a Σ S, Σ 1 = K, Σ p = 1        for a free of the index, and p a distribution
    M / D = M / x - (M / x) t / D                                for D = x + t

Positive and real are what `is_positive` and `is_real` find by rule. Therefore equal normal forms mean equal values. Two
atoms are the same one only if their contents have the same normal form, and a bound index is named by how deeply sums
are nested in it, which no outer index has. A fraction vanishes where its numerator does as a polynomial in the atoms;
the denominators are nonzero polynomials, and no 0 where both sides are defined.

Rational arithmetic is Python's. SymPy factors numbers and polynomials; the latter are multiplied out again to see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache, reduce
from math import ceil, floor, gcd, lcm
from typing import Any, NamedTuple

from sympy import Dummy, IndexedBase, Poly, Rational, Symbol, factorint, srepr

from xentlib.teaching.grammar import K


class Undefined(ArithmeticError):
    """A term that has no value anywhere, such as 1/0."""


class Atom(NamedTuple):
    """A factor that the algebra does not look into, of one of the kinds above."""

    kind: str
    of: Any


Monomial = frozenset[tuple[Atom, int | Fraction]]  # factors and their exponents
Polynomial = dict[Monomial, Fraction]  # and its coefficient

cache = lru_cache(maxsize=2**14)
ONE: Monomial = frozenset()  # the empty monomial


def number(value: int | Fraction) -> Polynomial:
    """Return a rational number as a polynomial."""
    return {ONE: Fraction(value)} if value else {}


def atom(kind: str, of: object, exponent: int | Fraction = 1) -> Polynomial:
    """Return an atom to the power of an exponent as a polynomial."""
    return {frozenset({(Atom(kind, of), exponent)}): Fraction(1)}


def _frozen(polynomial):
    return frozenset(polynomial.items())


CLASSES = atom("number", K)


# Algebra


def add(*polynomials: Polynomial) -> Polynomial:
    """Return the sum of polynomials."""
    total: Polynomial = {}
    for polynomial in polynomials:
        for monomial, coefficient in polynomial.items():
            total[monomial] = total.get(monomial, 0) + coefficient
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


def times(one: Polynomial, other: Polynomial) -> Polynomial:
    """Return the product of two polynomials."""
    return add(*(_settled(_joined(m, n), a * b) for m, a in one.items() for n, b in other.items()))


def _joined(monomial, other):
    exponents = dict(monomial)
    for factor, exponent in other:
        exponents[factor] = exponents.get(factor, 0) + exponent
    return exponents


def _settled(exponents, coefficient):
    """Return a product of atoms as a polynomial: primes and wholes multiplied out, and fractions split."""
    for factor, exponent in exponents.items():
        if factor.kind == "prime" and not 0 < exponent < 1:
            coefficient *= Fraction(factor.of) ** floor(exponent)
            exponents = {**exponents, factor: exponent - floor(exponent)}
        elif factor.kind == "whole" and exponent >= 1:
            rest = _settled({**exponents, factor: exponent - floor(exponent)}, coefficient)
            return times(rest, power(dict(factor.of), floor(exponent)))
        elif factor.kind == "whole" and exponent < 0:
            split = _split(exponents, factor)
            if split:
                monomial, share, others = split
                over = _joined(exponents.items(), _inverse(monomial))
                terms = [_settled({**over, factor: exponent + 1}, coefficient / share)]
                terms += [_settled(_joined(over.items(), m), -coefficient * c / share) for m, c in others.items()]
                return add(*terms)
    return {frozenset((factor, exponent) for factor, exponent in exponents.items() if exponent): coefficient}


def _split(exponents, whole):
    """Return how to split a fraction over D = a x + t: as x, a and t in M / D = (M / x - (M / x) t / D) / a, or None.

    That is of use where x divides M, x being the first term of D; or where M has a negative power of the first atom of
    D, and x is the one term without this atom: then t brings the power nearer to 0.
    """
    lead, tail, first = _division(whole.of)
    if lead and all(exponents.get(factor, 0) >= n for factor, n in lead):
        monomial = lead
    elif tail is not None and exponents.get(first, 0) < 0:
        monomial = tail
    else:
        return None
    others = dict(whole.of)
    return monomial, others.pop(monomial), others


def _inverse(monomial):
    return frozenset((factor, -exponent) for factor, exponent in monomial)


@cache
def _division(whole):
    """Return the first monomial of D, its only one without the first atom, and this atom. None: D nests a whole."""
    polynomial = dict(whole)
    order = sorted({factor for monomial in polynomial for factor, _ in monomial}, key=_name)
    if not order or any(factor.kind == "whole" for factor in order):
        return None, None, None
    lead = max(polynomial, key=lambda monomial: [dict(monomial).get(factor, 0) for factor in order])
    without = [monomial for monomial in polynomial if order[0] not in dict(monomial)]
    return lead, without[0] if len(without) == 1 else None, order[0]


def power(polynomial: Polynomial, exponent: int | Fraction) -> Polynomial:
    """Return a polynomial to the power of a rational number."""
    if exponent >= 0 and (exponent.denominator == 1 or not polynomial):
        return reduce(times, [polynomial] * ceil(exponent), number(1))
    content, monomial, wholes = _factored(polynomial)
    if exponent.denominator == 1:
        parts = [number(content**exponent), _scaled(monomial, exponent)]
        return reduce(times, [*parts, *(_scaled({(Atom("whole", whole), n)}, exponent) for whole, n in wholes)])
    primes, positive, rest = _by_sign(content, monomial, wholes)
    root = number(1) if rest == number(1) else atom("whole", _frozen(rest), exponent)
    return reduce(times, [_scaled(primes, exponent), _scaled(positive, exponent), root])


def _by_sign(content, monomial, wholes):
    """Split a product into primes, atoms that are known to be positive, and all else as one polynomial."""
    factors = monomial | {(Atom("whole", whole), n) for whole, n in wholes}
    positive = frozenset(pair for pair in factors if is_positive_atom(pair[0]))
    rest = reduce(
        times, [_scaled({pair}, Fraction(1)) for pair in factors - positive], number(-1 if content < 0 else 1)
    )
    above, below = (factorint(abs(n), limit=1000).items() for n in (content.numerator, content.denominator))
    exponents = [*above, *((prime, -n) for prime, n in below)]  # a large number may stay whole, as if it were a prime
    return {(Atom("prime", prime), n) for prime, n in exponents}, positive, rest


def _scaled(monomial, exponent):
    return _settled({factor: n * exponent for factor, n in monomial}, Fraction(1))


def _factored(polynomial):
    """Write a polynomial as a number times a monomial times powers of other polynomials: pairs (D, n)."""
    monomial, rest = ONE, polynomial
    while True:
        if not rest:
            raise Undefined("1/0 or log 0")
        factors = {factor for m in rest for factor, _ in m}
        lowest = {factor: min(dict(m).get(factor, 0) for m in rest) for factor in factors}
        common = frozenset((factor, n) for factor, n in lowest.items() if n)
        if not common:
            break
        monomial = frozenset(pair for pair in _joined(monomial, common).items() if pair[1])
        rest = times(rest, {_inverse(common): Fraction(1)})
    content = Fraction(gcd(*(c.numerator for c in rest.values())), lcm(*(c.denominator for c in rest.values())))
    sign, wholes = _wholes(frozenset((m, c / content) for m, c in rest.items()))
    return content * sign, monomial, wholes


@cache
def _wholes(rest):
    """Factor a polynomial that no number or atom divides, and return a sign and its factors with their exponents.

    SymPy finds the factors, and they are multiplied out again to see that it did. Of D and -D that one is taken which
    is known to be positive, or begins with a positive coefficient.
    """
    if len(rest) == 1:
        ((_, coefficient),) = rest
        return coefficient, ()
    lead, _, _ = _division(rest)
    sign, found = _found_factors(rest) if lead and len(rest) <= MOST_TERMS else (1, [(rest, 1)])
    wholes = []
    for whole, n in found:
        opposite = frozenset((m, -c) for m, c in whole)
        lead, _, _ = _division(whole)
        turned = is_positive(opposite) or (not is_positive(whole) and lead is not None and dict(whole)[lead] < 0)
        wholes.append((opposite if turned else whole, n))
        sign *= (-1) ** n if turned else 1
    return sign, tuple(wholes)


MOST_TERMS = 40  #: of what is factored


def _found_factors(rest):
    order = sorted({factor for monomial, _ in rest for factor, _ in monomial}, key=_name)
    roots = [lcm(*(dict(m).get(factor, 0).denominator for m, _ in rest)) for factor in order]
    exponents = {tuple(dict(m).get(f, 0) * n for f, n in zip(order, roots, strict=True)): c for m, c in rest}
    whole = Poly(
        {tuple(map(int, m)): Rational(c.numerator, c.denominator) for m, c in exponents.items()}, *_letters(len(order))
    )
    content, found = whole.factor_list()

    def back(part):
        terms = {}
        for powers, c in part.terms():
            monomial = {(f, Fraction(e, n)) for f, e, n in zip(order, powers, roots, strict=True) if e}
            terms[frozenset(monomial)] = Fraction(int(c.p), int(c.q))
        return terms

    found = [(back(part), n) for part, n in found]
    product = reduce(times, [part for part, n in found for _ in range(n)], number(int(content)))
    if abs(content) != 1 or product != dict(rest):
        return 1, [(rest, 1)]
    return int(content), [(_frozen(part), n) for part, n in found]


@cache
def _letters(n):
    return [Dummy(f"x{place}") for place in range(n)]


def log_of(polynomial: Polynomial) -> Polynomial:
    """Return the logarithm: what is known to be positive leaves it, the rest stays in one atom."""
    primes, positive, rest = _by_sign(*_factored(polynomial))
    logs = [atom("log", _frozen(rest))] if rest != number(1) else []
    return add(*logs, *(times(_log_of_atom(factor), number(n)) for factor, n in [*primes, *positive]))


def _log_of_atom(factor):
    if factor.kind == "exp":
        return {factor.of: Fraction(1)}
    return atom("log", factor.of if factor.kind == "whole" else _frozen(_settled({factor: 1}, Fraction(1))))


def exp_of(polynomial: Polynomial) -> Polynomial:
    """Return e to the power of a polynomial, a factor for each term."""
    result = number(1)
    for monomial, coefficient in polynomial.items():
        logs = [factor for factor, exponent in monomial if factor.kind == "log" and exponent == 1]
        if logs and len(monomial) == 1:
            result = times(result, power(dict(logs[0].of), coefficient))
        else:
            result = times(result, atom("exp", monomial, coefficient))
    return result


def largest(function: str, polynomials: Iterable[Polynomial]) -> Polynomial:
    """Return Max or Min of polynomials, of which it is known that equal arguments give equal values."""
    return atom(function, frozenset(map(_frozen, polynomials)))


def vanishes(polynomial: Polynomial) -> bool:
    """Tell whether a polynomial is 0 once it is multiplied by its denominators."""
    wholes = {factor for monomial in polynomial for factor, _ in monomial if factor.kind == "whole"}
    if not wholes:
        return not polynomial
    whole = max(wholes, key=_depth)
    groups: dict[int | Fraction, Polynomial] = {}
    for monomial, coefficient in polynomial.items():
        exponent = dict(monomial).get(whole, Fraction(0))
        groups.setdefault(exponent % 1, {})[monomial] = coefficient
    return all(vanishes(_without(group, whole)) for group in groups.values())


def _without(polynomial, whole):
    """Multiply by the power of a whole that leaves none of it in the denominator, and multiply it out."""
    lowest = min(dict(monomial).get(whole, 0) for monomial in polynomial)
    total: Polynomial = {}
    for monomial, coefficient in polynomial.items():
        exponents = dict(monomial)
        exponent = exponents.pop(whole, 0) - lowest
        factor = power(dict(whole.of), Fraction(exponent))
        total = add(total, times({frozenset(exponents.items()): coefficient}, factor))
    return total


def _depth(factor):
    """Return how deeply wholes are nested in an atom's own polynomial."""
    if factor.kind != "whole":
        return 0
    return 1 + max(_depth(inner) for monomial, _ in factor.of for inner, _ in monomial)


# Sums


def total_over(polynomial: Polynomial, index: Symbol, sums_to_1: Callable[[IndexedBase], bool]) -> Polynomial:
    """Return the sum of a polynomial over an index. `sums_to_1` tells of a base whether it is a distribution."""
    terms = []
    for monomial, coefficient in polynomial.items():
        inside = frozenset(pair for pair in monomial if index in indices(pair[0]))
        terms.append(times({monomial - inside: coefficient}, _total_of(inside, index, sums_to_1)))
    return add(*terms)


def _total_of(monomial, index, sums_to_1):
    if not monomial:
        return CLASSES
    ((factor, exponent), *more) = monomial
    if factor.kind == "entry" and exponent == 1 and not more and sums_to_1(factor.of[0]):
        return number(1)
    bound = _bound(1 + max(_height(factor) for factor, _ in monomial))
    return atom("sum", _renamed(monomial, index, bound))


@cache
def _bound(height):
    """Return the name of the index of a sum in which others are nested, down to a height of 1."""
    return Dummy(f"bound{height:02}", integer=True, nonnegative=True)


def _parts(factor):
    """Return the monomials that an atom is made of."""
    if factor.kind in ("exp", "sum"):
        return [factor.of]
    if factor.kind in ("log", "whole"):
        return [monomial for monomial, _ in factor.of]
    if factor.kind in ("Max", "Min"):
        return [monomial for polynomial in factor.of for monomial, _ in polynomial]
    return []


def atoms_in(monomials: Iterable[Monomial]) -> Any:
    """Yield the atoms in monomials, and those inside of them."""
    for monomial in monomials:
        for factor, _ in monomial:
            yield factor
            yield from atoms_in(_parts(factor))


@cache
def indices(factor: Atom) -> Any:
    """Return the classes that an atom depends on."""
    own = {"entry": lambda: {factor.of[1]}, "delta": lambda: factor.of}.get(factor.kind, set)()
    return frozenset(own).union(*(indices(inner) for monomial in _parts(factor) for inner, _ in monomial))


@cache
def _height(factor):
    inner = max((_height(each) for monomial in _parts(factor) for each, _ in monomial), default=0)
    return inner + (factor.kind == "sum")


def _renamed(monomial, old, new):
    """Return a monomial with one index renamed, which no delta in it has. The new one occurs nowhere in it."""

    def of_polynomial(polynomial):
        return frozenset((_renamed(m, old, new), c) for m, c in polynomial)

    def of_atom(factor):
        kind, of = factor
        if old not in indices(factor):
            return factor
        if kind == "entry":
            return Atom(kind, (of[0], new))
        if kind in ("exp", "sum"):
            return Atom(kind, _renamed(of, old, new))
        return Atom(kind, of_polynomial(of) if kind in ("log", "whole") else frozenset(map(of_polynomial, of)))

    return frozenset((of_atom(factor), exponent) for factor, exponent in monomial)


# Signs


def is_real(monomial: Monomial) -> bool:
    """Tell whether a product of atoms is known to be real."""
    return all(_is_real_atom(f) if n.denominator == 1 else is_positive_atom(f) for f, n in monomial)


@cache
def _is_real_atom(factor):
    if factor.kind == "log":
        return is_positive(factor.of)
    return all(is_real(monomial) for monomial in _parts(factor))


@cache
def is_positive_atom(factor: Atom) -> bool:
    """Tell whether an atom is known to be positive."""
    kind, of = factor
    if kind == "number":
        return bool(of.is_positive)
    if kind == "entry":
        return bool(of[0][0].is_positive)
    if kind == "exp":
        return is_real(of)
    if kind == "sum":
        return all(is_positive_atom(inner) for inner, _ in of)
    if kind in ("Max", "Min"):
        return all(is_positive(polynomial) for polynomial in of)
    return kind == "prime" or (kind == "whole" and is_positive(of))


@cache
def is_positive(whole: Any) -> bool:
    """Tell whether a polynomial is known to be positive: no term is negative, for K = 2, 3, …, and one is positive."""
    terms = _from_two_classes(dict(whole))
    return all(c > 0 and all(map(_is_not_negative, m)) for m, c in terms.items()) and any(
        all(is_positive_atom(factor) for factor, _ in m) for m in terms
    )


def _is_not_negative(pair):
    factor, exponent = pair
    return is_positive_atom(factor) or factor == _MORE or (exponent % 2 == 0 and _is_real_atom(factor))


_MORE = Atom("more than two classes", None)  # K - 2


def _from_two_classes(polynomial):
    """Write K as 2 and what it is more, in powers that are no fractions."""
    (classes,) = (factor for monomial in CLASSES for factor, _ in monomial)
    result: Polynomial = {}
    for monomial, coefficient in polynomial.items():
        exponent = dict(monomial).get(classes, 0)
        term = {monomial: coefficient}
        if exponent > 0 and exponent.denominator == 1:
            term = {monomial - {(classes, exponent)}: coefficient}
            term = times(term, power(add(number(2), {frozenset({(_MORE, 1)}): Fraction(1)}), Fraction(exponent)))
        result = add(result, term)
    return result


# Names: they put atoms in an order that does not depend on where they are met


@cache
def _name(factor):
    kind, of = factor
    if kind in ("number", "prime"):
        return f"{kind} {srepr(of) if kind == 'number' else of}"
    if kind == "entry":
        return f"{srepr(of[0])}[{srepr(of[1])}]"
    if kind == "delta":
        return f"delta {sorted(map(srepr, of))}"
    return f"{kind} {sorted(_name_of(monomial) for monomial in _parts(factor))} {_coefficients(factor)}"


def _name_of(monomial):
    return " ".join(sorted(f"{_name(factor)}^{exponent}" for factor, exponent in monomial))


def _coefficients(factor):
    if factor.kind not in ("log", "whole"):
        return ""
    return sorted(f"{coefficient} {_name_of(monomial)}" for monomial, coefficient in factor.of)
