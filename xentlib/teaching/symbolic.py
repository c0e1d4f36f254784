"""The book's symbols, and identities that are proved for every K.

SymPy keeps a sum Σ_{j=0}^{K−1} over a symbolic K as it stands, and differentiates it: the result holds Kronecker
deltas, since z_j depends on z_i only where j = i. `assert_identity` works such expressions out until both
sides agree, or finds numbers for which they do not.

    >>> loss = -z[y] + log(sum_over(j, exp(z[j])))
    >>> assert_identity(diff(loss, z[i]), exp(z[i]) / sum_over(l, exp(z[l])) - KroneckerDelta(i, y))
    True for every K: sums worked out, deltas summed with the index in range
    >>> assert_identity(diff(loss, z[i]), exp(z[i]) / sum_over(l, exp(z[l])) + KroneckerDelta(i, y))
    Traceback (most recent call last):
        ...
    xentlib.teaching.symbolic.NotAnIdentity: at K = 2, i = 1, y = 1, ...
"""

import random
from dataclasses import dataclass

import sympy
from sympy import (
    Add,
    Derivative,
    Dummy,
    Float,
    Function,
    Indexed,
    IndexedBase,
    Integer,
    KroneckerDelta,
    Piecewise,
    Sum,
    Symbol,
    Tuple,
    exp,
    expand,
    expand_log,
    log,
    nan,
    oo,
    simplify,
    symbols,
    sympify,
    true,
    zoo,
)
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

__all__ = [
    "K", "T", "c", "i", "j", "k", "l", "m", "p", "q", "y", "z",
    "KroneckerDelta", "Piecewise", "Sum", "diff", "exp", "log",
    "NotAnIdentity", "NotProved", "assert_identity", "in_range", "spot_check", "sum_over",
]  # fmt: skip

K = Symbol("K", integer=True, positive=True)  #: number of classes
i, j, k, l, y = symbols("i j k l y", integer=True, nonnegative=True)  # noqa: E741, classes, counted from 0
z = IndexedBase("z", real=True)  #: logits
p = IndexedBase("p", positive=True)  #: the true distribution, or any positive weights
q = IndexedBase("q", positive=True)  #: the estimated distribution
T = Symbol("T", positive=True)  #: temperature
c, m = symbols("c m", real=True)  #: a shift of all logits; the largest logit


class NotAnIdentity(AssertionError):
    """The two sides differ, and the message says for which numbers."""


class NotProved(AssertionError):
    """The two sides agreed at every point tried, but no proof for general K was found."""


@dataclass(frozen=True)
class Verdict:
    """What is known of an identity, in words. True in a boolean context: a failure raises instead."""

    known: str

    def __repr__(self):
        return f"True {self.known}"


def sum_over(index, term):
    """Return the sum of `term` over all classes, index = 0, …, K − 1.

    >>> sum_over(j, exp(z[j]))
    Sum(exp(z[j]), (j, 0, K - 1))
    """
    return Sum(term, (index, 0, K - 1))


def diff(expression, *variables):
    """Differentiate as `sympy.diff` does, but refuse a variable that shares its index with a sum in the expression.

    SymPy would take Σ_j e^{z_j} for a function of one z_j, and return the whole sum.

    >>> diff(sum_over(j, exp(z[j])), z[i])
    Sum(exp(z[j])*KroneckerDelta(i, j), (j, 0, K - 1))
    >>> diff(sum_over(j, exp(z[j])), z[j])
    Traceback (most recent call last):
        ...
    ValueError: z[j] must not share its index with a sum; got Sum(exp(z[j]), (j, 0, K - 1))
    """
    expression = sympify(expression)
    for total in expression.atoms(Sum):
        for variable in variables:
            if isinstance(variable, Indexed) and set(total.variables) & set(variable.indices):
                raise ValueError(f"{variable} must not share its index with a sum; got {total}")
    return sympy.diff(expression, *variables)


def in_range(expression):
    """Return `expression` for indices that lie in 0, …, K − 1, as all indices of the book do.

    SymPy sums a delta to a Piecewise, because it cannot know that the index is one of the K.

    >>> sum_over(j, exp(z[j]) * KroneckerDelta(i, j)).doit()
    Piecewise((exp(z[i]), i <= K - 1), (0, True))
    >>> in_range(_)
    exp(z[i])
    """
    return sympify(expression).replace(_says_in_range, lambda relation: true)


def assert_identity(lhs, rhs, *, distributions=()):
    """Prove that two expressions are equal for every K and all indices in range, or raise.

    Numbers are tried first, since a counterexample says more than a failed proof. The proof then works both
    sides out: derivatives are taken, sums are split into their terms, constants leave them, deltas are summed
    by SymPy, and each sum that stays becomes a symbol of its own, named by its summand, so that the renaming of
    an index does not matter. What is left is algebra, once for each case of the deltas that remain.

    Parameters
    ----------
    lhs, rhs : SymPy expressions
        In the book's symbols. Bound indices must differ from free ones.
    distributions : sequence of IndexedBase
        Which of the bases sum to 1 over the classes: `[p]` says that Σ_j p_j = 1.

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

    Examples
    --------
    >>> assert_identity(sum_over(i, exp(z[i]) / sum_over(j, exp(z[j]))), 1)
    True for every K: sums worked out
    >>> assert_identity(sum_over(j, p[j]), 1, distributions=[p])
    True for every K: sums worked out, with Σp = 1
    """
    lhs, rhs = (_prepared(side) for side in (lhs, rhs))
    points = _look_for_counterexample(lhs, rhs, distributions)
    route = []
    if not _is_zero(lhs - rhs, distributions, route):
        raise NotProved(f"equal at {points} random points for K = 2 to 5, but no proof was found that {lhs} = {rhs}")
    return Verdict("for every K: " + ", ".join(dict.fromkeys(route) or ["algebra"]))


def spot_check(lhs, rhs, *, distributions=()):
    """Compare two expressions at random points for K = 2 to 5, for what SymPy cannot prove; raise where they differ.

    Takes and raises what `assert_identity` does. What it returns says that it is no proof.

    >>> spot_check(log(sum_over(j, exp(z[j]))), m + log(sum_over(j, exp(z[j] - m))))
    True at 32 random points for K = 2 to 5 (a spot check, no proof)
    """
    points = _look_for_counterexample(_prepared(lhs), _prepared(rhs), distributions)
    return Verdict(f"at {points} random points for K = 2 to 5 (a spot check, no proof)")


def _says_in_range(expression):
    indices = {s for s in expression.free_symbols - {K} if s.is_integer} if isinstance(expression, Relational) else ()
    if len(indices) != 1:
        return False
    (index,) = indices
    return expression.canonical in {relation.canonical for relation in (index <= K - 1, index < K)}


def _prepared(expression):
    """Return `expression` with derivatives taken, cases written as deltas, and no bound index that is also free."""
    return (
        sympify(expression)
        .replace(Sum, _rename_bound_indices)
        .replace(Derivative, lambda *args: Derivative(*args).doit())
        .replace(_says_in_range, lambda relation: true)
        .replace(Piecewise, lambda *args: Piecewise(*args).rewrite(KroneckerDelta))
    )


def _rename_bound_indices(term, *limits):
    for index, low, high in limits:
        if (low, high) != (0, K - 1):
            raise NotProved(f"a sum must run over all classes, 0 to K - 1; got one from {low} to {high}")
        fresh = Dummy(index.name, integer=True, nonnegative=True)
        term = sum_over(fresh, term.xreplace({index: fresh}))
    return term


# The proof


def _is_zero(expression, distributions, route):
    """Tell whether `expression` vanishes for every K, and append to `route` what was needed to see it."""
    algebra = _with_sums_as_symbols(expression, distributions, route)
    if algebra.has(Sum):  # a delta that SymPy cannot sum, and whose index is bound
        return False
    deltas = sorted(algebra.atoms(KroneckerDelta), key=str)
    if not deltas:
        return _vanishes(algebra)
    a, b = deltas[0].args
    route.append(f"cases {a} = {b} and {a} ≠ {b}")
    equal, different = expression.subs(b, a), algebra.subs(deltas[0], 0)
    return _is_zero(equal, distributions, route) and _is_zero(different, distributions, route)


def _with_sums_as_symbols(expression, distributions, route):
    """Work out each sum, innermost first, until what cannot be summed stands as a symbol of its own."""
    names = {}

    def work_out(term, *limits):
        route.append("sums worked out")
        for index, _, _ in limits:
            terms = expand(expand_log(expand(term)))
            term = Add(*(sum_of(part, index) for part in Add.make_args(terms)))
        return term

    def sum_of(term, index):
        constant, rest = term.as_independent(index, as_Add=False)
        if rest == 1:
            return constant * K
        if rest.has(KroneckerDelta):
            route.append("deltas summed with the index in range")
            return constant * in_range(sum_over(index, rest).doit())
        if rest in {base[index] for base in distributions}:
            route.append(f"with Σ{rest.base} = 1")
            return constant
        return constant * name_of(rest, index)

    def name_of(summand, index):
        # The name is a function of the other indices in the summand, so that it varies where the sum does.
        free = sorted((s for s in summand.free_symbols - {K, index} if s.is_integer), key=str)
        pattern = summand.xreplace({index: _BOUND, **dict(zip(free, _FREE, strict=False))})
        return names.setdefault(pattern, Function(f"Σ{len(names)}", **_sign_of(summand)))(*free)

    return expression.replace(Sum, work_out)


_BOUND = Dummy("bound", integer=True, nonnegative=True)
_FREE = symbols("free:9", cls=Dummy, integer=True, nonnegative=True)


def _vanishes(algebra):
    """Tell whether an expression without sums and deltas is 0, with each z_i, p_i and each sum a free number."""
    numbers = {atom: Dummy(**_sign_of(atom)) for atom in algebra.atoms(Indexed, AppliedUndef)}
    algebra = expand(expand_log(algebra.xreplace(numbers)))
    return algebra == 0 or simplify(algebra) == 0


def _sign_of(expression):
    """Return what is known of a number that is to get another name: that it is positive, or at least real."""
    return {"positive": True} if expression.is_positive else {"real": True} if expression.is_real else {}


# The search for numbers that refute


def _look_for_counterexample(lhs, rhs, distributions):
    """Evaluate both sides at random points; return how many agreed, or raise at the first that does not."""
    rng = random.Random(0)
    points = [n_classes for n_classes in (2, 3, 4, 5) for _ in range(8)]
    for n_classes in points:
        point = _draw_point(Tuple(lhs, rhs), n_classes, distributions, rng)
        left, right = (_value(side, n_classes, point) for side in (lhs, rhs))
        if left == right:
            continue
        if not (left - right).is_number or (left - right).has(nan, zoo, oo):
            raise NotProved(f"no numbers to compare for K = {n_classes}: the sides become {left} and {right}")
        if not abs(left - right) <= 1e-20 * (1 + abs(left) + abs(right)):
            where = ", ".join(f"{name} = {float(value):.6g}" for name, value in {K: n_classes, **point}.items())
            raise NotAnIdentity(f"at {where}: the left side is {_number(left)}, the right side {_number(right)}")
    return len(points)


def _draw_point(expression, n_classes, distributions, rng):
    """Return a random value for each index, each number, and each entry of each base of `expression`."""

    def whole(symbol):
        return Integer(rng.randrange(n_classes) + (1 if symbol.is_positive else 0))

    def number(symbol):
        return Float(rng.uniform(0.1, 2) if symbol.is_positive else rng.uniform(-2, 2), 30)

    bases = sorted({entry.base for entry in expression.atoms(Indexed)}, key=str)
    labels = {base.label for base in bases}
    scalars = sorted(
        (s for s in expression.free_symbols if isinstance(s, Symbol) and s != K and s not in labels), key=str
    )
    point = {s: whole(s) if s.is_integer else number(s) for s in scalars}
    for base in bases:
        entries = [number(base[0]) for _ in range(n_classes)]
        total = sum(entries) if base in distributions else 1
        point.update({base[n]: entry / total for n, entry in enumerate(entries)})
    return point


def _number(value):
    return f"{float(value):.6g}" if value.is_real else str(value)


def _value(expression, n_classes, point):
    """Return the value of an expression as `_prepared` returns it. Its sums are written out: SymPy takes far longer."""

    def written_out(term, *limits):
        for index, _, _ in limits:
            term = Add(*(term.xreplace({index: Integer(entry)}) for entry in range(n_classes)))
        return term

    scalars = {symbol: value for symbol, value in point.items() if isinstance(symbol, Symbol)}
    numbers = expression.xreplace({K: Integer(n_classes), **scalars}).replace(Sum, written_out)
    if numbers.has(ExprWithLimits):  # a product
        numbers = numbers.doit()
    return numbers.xreplace(point).evalf(30)
