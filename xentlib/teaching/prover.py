"""The proof of an identity."""

from sympy import Add, Dummy, Function, Indexed, KroneckerDelta, Piecewise, Sum, expand, expand_log, simplify, symbols
from sympy.core.function import AppliedUndef

from xentlib.teaching.grammar import K, in_range


def prove(lhs, rhs, distributions, route):
    """Tell whether two checked expressions are equal for every K, and append to `route` what it took."""
    difference = (lhs - rhs).replace(Piecewise, lambda *args: Piecewise(*args).rewrite(KroneckerDelta))
    return _is_zero(difference, distributions, route)


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
            return constant * in_range(Sum(rest, (index, 0, K - 1)).doit())
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
