"""The book's symbols, and identities that are proved for every K.

SymPy keeps a sum Σ_{j=0}^{K−1} over a symbolic K as it is, and differentiates it: the result holds Kronecker
deltas, since z_j depends on z_i only where j = i. `assert_identity` works such expressions out until both
sides agree, or finds numbers for which they do not; `refuted` expects such numbers. `spot_check` tries numbers alone.

    >>> loss = -z[y] + log(sum_over(j, exp(z[j])))
    >>> assert_identity(diff(loss, z[i]), exp(z[i]) / sum_over(l, exp(z[l])) - KroneckerDelta(i, y))
    True for every K: sums worked out, deltas summed with the index in range
    >>> refuted(diff(loss, z[i]), exp(z[i]) / sum_over(l, exp(z[l])) + KroneckerDelta(i, y))
    False, for example at K = 2, ...

The language of what may be proved is in `xentlib.teaching.grammar`. K is 2 or more throughout, and "equal" means equal
wherever both sides are defined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, IndexedBase, Integer, KroneckerDelta, Piecewise, Sum, Symbol, Tuple, exp, log, symbols, sympify

from xentlib.teaching import counterexamples
from xentlib.teaching.grammar import K, OutsideTheGrammar, checked, differentiable, entries, index
from xentlib.teaching.normal_form import Undefined
from xentlib.teaching.prover import prove

__all__ = [
    "K", "T", "c", "i", "j", "k", "l", "m", "p", "q", "y", "z",
    "KroneckerDelta", "Piecewise", "Sum", "diff", "entries", "exp", "index", "log",
    "NotAnIdentity", "NotProved", "OutsideTheGrammar",
    "assert_identity", "refuted", "spot_check", "sum_over",
]  # fmt: skip

i, j, k, l, y = map(index, "ijkly")  # noqa: E741, classes, counted from 0
z = entries("z")  #: logits
p = entries("p", positive=True)  #: the true distribution, or any positive weights
q = entries("q", positive=True)  #: the estimated distribution
T = Symbol("T", positive=True)  #: temperature
c, m = symbols("c m", real=True)  #: a shift of all logits; the largest logit


class NotAnIdentity(AssertionError):
    """The two sides differ, and the message says for which numbers.

    `point`, `left` and `right` are these numbers and what the sides come to, as text.
    """

    def __init__(self, found):
        self.point, self.left, self.right = found.point, found.left, found.right
        super().__init__(str(found))


class NotProved(AssertionError):
    """The two sides agreed at every point tried, but no proof for every K was found."""


@dataclass(frozen=True)
class Verdict:
    """What is known of an identity, in words. True in a boolean context: a failure raises instead."""

    known: str

    def __repr__(self):
        return f"True {self.known}"


@dataclass(frozen=True)
class Refutation:
    """Numbers for which two sides differ, in words. False in a boolean context, as the claim is."""

    found: str

    def __repr__(self):
        return f"False, for example {self.found}"

    def __bool__(self):
        return False


def sum_over(index: Symbol, term: Any) -> Sum:
    """Return the sum of `term` over all classes, index = 0, …, K − 1.

    >>> sum_over(j, exp(z[j]))
    Sum(exp(z[j]), (j, 0, K - 1))
    """
    term = sympify(term)
    for inner in term.atoms(Sum) - {term}:
        for cases in inner.atoms(Piecewise):
            if cases.has(index) and cases.has(*inner.variables):
                raise ValueError(f"SymPy would take {cases} out of its sum: write it with KroneckerDelta")
    return Sum(term, (index, 0, K - 1))


def diff(expression: Any, *variables: Any) -> Expr:
    """Differentiate as `sympy.diff` does, by scalars and by entries, but by none whose index a sum has taken.

    SymPy would take Σ_j e^{z_j} for a function of one z_j, and return the whole sum.

    >>> diff(sum_over(j, exp(z[j])), z[i])
    Sum(exp(z[j])*KroneckerDelta(i, j), (j, 0, K - 1))
    >>> diff(sum_over(j, exp(z[j])), z[j])
    Traceback (most recent call last):
        ...
    ValueError: z[j] must not share its index with a sum; got Sum(exp(z[j]), (j, 0, K - 1))
    """
    expression = sympify(expression)
    for variable in variables:
        if not isinstance(variable, (int, Integer)):  # how many times
            differentiable(expression, variable[0] if isinstance(variable, (tuple, Tuple)) else variable)
    return sympy.diff(expression, *variables)


def assert_identity(
    lhs: Any, rhs: Any, *, distributions: Sequence[IndexedBase] = (), at_zeros: bool | Sequence[IndexedBase] = False
) -> Verdict:
    """Prove that two expressions are equal for every K >= 2 wherever both are defined, or raise.

    Numbers are tried first, since a counterexample says more than a failed proof. The proof is in
    `xentlib.teaching.prover`.

    Parameters
    ----------
    lhs, rhs : SymPy expressions
        In the language of `xentlib.teaching.grammar`.
    distributions : sequence of IndexedBase
        Which of the bases sum to 1 over the classes: `[p]` says that Σ_j p_j = 1.
    at_zeros : bool, or sequence of IndexedBase
        The entries of p and q are positive in the proof. If true, the sides are also compared at distributions with
        zeros and at one-hots, for each base of positive entries or for those named, with 0 log 0 = 0.

    Returns
    -------
    Verdict
        Prints as `True for every K: …`, with the route that the proof took.

    Raises
    ------
    NotAnIdentity
        With the numbers for which the sides differ.
    NotProved
        If the sides agree at every point tried, but the algebra does not close. `spot_check` may then say so.
    OutsideTheGrammar
        With the part for which the proof has no rule.
    ValueError
        If both sides are the same expression before any work.

    Examples
    --------
    >>> assert_identity(sum_over(i, exp(z[i]) / sum_over(j, exp(z[j]))), 1)
    True for every K: sums worked out
    >>> assert_identity(sum_over(j, p[j]), 1, distributions=[p])
    True for every K: sums worked out, with Σp = 1
    >>> assert_identity(-sum_over(j, p[j] * log(1 / p[j])), sum_over(j, p[j] * log(p[j])), at_zeros=True)
    True for every K: sums worked out, and tried at zeros and one-hots of p
    """
    lhs, rhs = sympify(lhs), sympify(rhs)
    left, right = checked(lhs), checked(rhs)
    if lhs == rhs:
        raise ValueError(f"nothing to prove: both sides are {lhs}")
    agreed = _agreed(lhs, rhs, distributions)
    try:
        route = prove(left, right, distributions)
    except Undefined as error:
        raise NotProved(
            f"equal at {agreed} points for {_TRIED}, but a step of the proof has no value: {error}"
        ) from None
    if route is None:
        raise NotProved(f"equal at {agreed} points for {_TRIED}, but no proof was found that {lhs} = {rhs}")
    known = f"for every K: {route}"
    if at_zeros:
        known += f", and tried at zeros and one-hots of {_agreed_at_zeros(lhs, rhs, distributions, at_zeros)}"
    return Verdict(known)


def refuted(lhs: Any, rhs: Any, *, distributions: Sequence[IndexedBase] = ()) -> Refutation:
    """Find numbers for which two expressions differ. Raise AssertionError if there are none among those tried.

    >>> refuted(sum_over(j, p[j] ** 2), 1, distributions=[p])
    False, for example at K = 2, p = (...): ... on the left, 1 on the right
    """
    try:
        _agreed(sympify(lhs), sympify(rhs), distributions)
    except NotAnIdentity as found:
        return Refutation(str(found))
    raise AssertionError(f"not refuted: the sides agree at every point tried for {_TRIED}")


def spot_check(lhs: Any, rhs: Any, *, distributions: Sequence[IndexedBase] = (), within: Sequence[Any] = ()) -> Verdict:
    """Compare two expressions at points, for what is beyond the proof; raise where they differ.

    It also knows orders, products, and sums over a part of the classes. What it returns says that it is no proof.
    Pairs in `within` say between which two numbers a scalar lies: `[(c, (0, 1))]`.

    >>> spot_check(sum_over(j, j), K * (K - 1) / 2)
    True at 50 points for K = 2, 3, 5, 8 and 13 (a spot check, no proof)
    """
    agreed = _agreed(sympify(lhs), sympify(rhs), distributions, within)
    return Verdict(f"at {agreed} points for {_TRIED} (a spot check, no proof)")


_TRIED = "K = 2, 3, 5, 8 and 13"


def _agreed(lhs, rhs, distributions, within=()):
    """Compare both sides at points. Return at how many they agree, or raise at the first where they do not."""
    lhs, rhs = differentiated(lhs), differentiated(rhs)
    agreed = 0
    for point in counterexamples.points((lhs, rhs), distributions, within=within):
        try:
            counterexamples.compare(lhs, rhs, point)
        except counterexamples.Counterexample as found:
            raise NotAnIdentity(found) from None
        except counterexamples.Undefined as error:
            why = error
        else:
            agreed += 1
    if not agreed:
        raise NotProved(f"no numbers to compare at any point: {why}")
    return agreed


@lru_cache(maxsize=2**10)
def differentiated(expression: Expr) -> Expr:
    """Return an expression with each derivative in it taken."""
    return expression.replace(sympy.Derivative, diff)


def _agreed_at_zeros(lhs, rhs, distributions, bases):
    """Compare both sides at zeros and one-hots of the bases, and return the names of these."""
    if bases is True:
        found = {entry.base for entry in (lhs - rhs).atoms(sympy.Indexed) if entry.is_positive}
        bases = sorted(found, key=str)
    for point in counterexamples.points_at_zeros((lhs, rhs), distributions, bases):
        try:
            counterexamples.compare(lhs, rhs, point)
        except counterexamples.Counterexample as found:
            raise NotAnIdentity(found) from None
        except counterexamples.Undefined as error:
            raise NotProved(f"proved for positive entries, but without a value at {point}: {error}") from None
    return " and ".join(map(str, bases))
