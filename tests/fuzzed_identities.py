"""What test_prover_attacked draws: true identities of the book's kind, in two forms, and ways to break one side.

`pair` builds both sides of an identity at once, from the inside out, and rewrites one or the other by true rules: a
bound index renamed, a sum split, a factor pulled out or put in, logits shifted, terms expanded, cases told apart, an
entry picked by a delta, both sides differentiated. `BREAKS` change one side so that it most often means another thing.
"""

from sympy import Eq, Indexed, Integer, Max, Ne, Pow, Rational, expand, sqrt, tanh

from xentlib.teaching.symbolic import (
    K,
    KroneckerDelta,
    Piecewise,
    Sum,
    T,
    c,
    diff,
    exp,
    i,
    index,
    k,
    log,
    m,
    p,
    q,
    sum_over,
    y,
    z,
)  # fmt: skip

FREE = (i, k, y)
BOUND = tuple(index(f"b_{n}") for n in range(60))
BASES = (z, p, q)
TRIED = (2, 3, 5, 8, 13)  # the numbers of classes that assert_identity looks at
BLIND = (K - 2) * (K - 3) * (K - 5) * (K - 8) * (K - 13)


class Writer:
    """Draws equal pairs. Each sum gets an index of its own on each side, so that no name is caught by accident."""

    def __init__(self, chance):
        self.chance, self.fresh = chance, iter(BOUND)

    def one_of(self, *choices):
        return self.chance.choice(choices)

    def pair(self, depth, scope, positive=False):
        """Return two equal terms in the indices of `scope`."""
        both = self.leaf(scope, positive) if depth == 0 else self.compound(depth - 1, scope, positive)
        for _ in range(self.one_of(0, 0, 0, 1, 2)):
            both = self.rewritten(both, scope)
        return both if self.one_of(True, False) else both[::-1]

    def leaf(self, scope, positive):
        a, b = self.one_of(*scope), self.one_of(*scope)
        sure = (
            lambda: p[a], lambda: q[a], lambda: exp(z[a]), lambda: exp(-z[a] / T), lambda: exp(c),
            lambda: 1 + exp(z[a]), lambda: 1 + exp(-z[a]),
            lambda: T, lambda: K, lambda: K - 1, lambda: Integer(2), lambda: sqrt(q[a]), lambda: p[a] ** c,
        )  # fmt: skip
        more = (
            lambda: z[a], lambda: z[1], lambda: p[0], lambda: c, lambda: m, lambda: log(q[a]), lambda: log(K / 6),
            lambda: KroneckerDelta(a, b), lambda: Rational(-1, 2), lambda: Max(c, m), lambda: z[a] ** c,
        )  # fmt: skip
        term = self.one_of(*sure, *(() if positive else more))()
        return term, term

    def compound(self, depth, scope, positive):
        kind = self.one_of(
            "sum", "sum", "plus", "times", "over", "log of", "power of e", "softmax", "loss", "tanh", "one-hot"
        )
        if kind == "sum":
            return self.sum(depth, scope, positive)
        one, other = (self.pair(depth, scope, positive) for _ in range(2))
        if kind == "plus":
            return one[0] + other[0], other[1] + one[1]
        if kind == "times":
            return one[0] * other[0], other[1] * one[1]
        if kind == "over":
            other = self.pair(depth, scope, positive=True)
            return one[0] / other[0], one[1] * other[1] ** -1
        if kind == "log of" and not positive:
            one, other = (self.pair(depth, scope, positive=True) for _ in range(2))
            return log(one[0] * other[0]), log(one[1]) + log(other[1])
        if kind == "power of e" and depth == 0:
            return exp(one[0] + other[0]), exp(other[1]) * exp(one[1])
        a = self.one_of(*scope)
        if kind == "tanh" and not positive:
            return tanh(z[a] / T), 1 - 2 / (1 + exp(2 * z[a] / T))
        if (
            kind == "one-hot" and scope == FREE and not one[0].has(Piecewise)
        ):  # two levels of cases are too many for SymPy
            b = next(self.fresh)
            hot = Piecewise((one[0].xreplace({a: b}) if not self.binds(one[0], a) else one[0], Eq(a, b)), (c, True))
            return sum_over(b, hot), one[1] + (K - 1) * c
        if kind == "loss" and not positive:
            return self.log_partition(0)[0] - z[a], self.log_partition(c)[0] - z[a]
        return exp(z[a]) / exp(self.log_partition(0)[0]), exp(z[a] - c) / exp(self.log_partition(c)[1])

    def log_partition(self, shift):
        """Return two forms of log Σ e^z, of which the second has lost the shift."""
        b = next(self.fresh)
        shifted = log(sum_over(b, exp(z[b] - shift)))
        return shift + shifted, shifted

    def sum(self, depth, scope, positive):
        a, b = next(self.fresh), next(self.fresh)
        left, right = self.pair(depth, (*scope, a), positive)
        right = right.xreplace({a: b})
        how = self.one_of("as it is", "split", "factor", "picked")
        if how == "split":
            more = self.pair(0, (*scope, a), positive)
            return sum_over(a, left + more[0]), sum_over(b, right) + sum_over(a, more[1])
        if how == "factor":
            outside = self.pair(0, scope, positive)
            return sum_over(a, outside[0] * left), outside[1] * sum_over(b, right)
        if how == "picked":
            other = self.one_of(*scope)
            return sum_over(a, KroneckerDelta(a, other) * left + left), right.xreplace({b: other}) + sum_over(b, right)
        return sum_over(a, left), sum_over(b, right)

    def rewritten(self, both, scope):
        """Rewrite the second of two equal terms by a true rule."""
        left, right = both
        a, b = self.one_of(*scope), self.one_of(*scope)
        new = next(self.fresh)
        how = self.one_of("expand", "cases", "cases", "delta", "one", "nothing", "picked", "distribution")
        if how == "expand":
            right = expand(right)
        elif how == "cases" and len(scope) <= len(FREE) + 1:
            right = Piecewise(
                (right.xreplace({a: b}) if not self.binds(right, a, b) else right, Eq(a, b)), (right, True)
            )
        elif how == "delta":
            right = right * KroneckerDelta(a, b) + (1 - KroneckerDelta(a, b)) * right
        elif how == "one":
            right = right * sum_over(new, exp(z[new]) / exp(self.log_partition(0)[0]))
        elif how == "nothing":
            right = right + KroneckerDelta(a, b) * (z[a] - z[b])
        elif how == "picked" and not self.binds(right, a, new) and not right.has(Piecewise):
            right = sum_over(new, KroneckerDelta(new, a) * right.xreplace({a: new}))
        elif how == "distribution":
            right = right * sum_over(new, p[new])
        return left, right

    def binds(self, term, *names):
        return bool({name for total in term.atoms(Sum) for name in total.variables} & set(names))


def pair(chance):
    """Return both sides of a true identity; p sums to 1 in it."""
    depth = chance.choice([1, 2, 2, 3])
    both = Writer(chance).pair(depth, FREE)
    if depth < 3 and chance.random() < 0.2:
        by = chance.choice([z[i], z[y], q[k], c])
        both = [diff(side, by) for side in both]
    return both


# Ways to break the second of two sides. Each returns None where it finds nothing to break.


def _replaced(term, chance, kind, change):
    found = sorted(term.atoms(kind), key=str)
    if not found:
        return None
    part = chance.choice(found)
    changed = change(part)
    return None if changed is None else term.xreplace({part: changed})


def _indices_of(term):
    return sorted({a for entry in term.atoms(Indexed) for a in entry.indices} | {Integer(1)}, key=str)


def another_index(left, right, chance):
    """Give an entry another index, or a bound index its freedom."""
    return left, _replaced(right, chance, Indexed, lambda e: e.base[chance.choice(_indices_of(right))])


def another_base(left, right, chance):
    """Exchange z, p and q."""
    return left, _replaced(right, chance, Indexed, lambda e: chance.choice(BASES)[e.indices[0]])


def another_sign(left, right, chance):
    """Change the sign of a term."""

    def flipped(total):
        first, *rest = total.args
        return total.func(-first, *rest)

    return left, _replaced(right, chance, type(z[i] + c), flipped)


def a_delta_of_others(left, right, chance):
    """Compare other classes."""
    a, b = (chance.choice([*_indices_of(right), *FREE]) for _ in range(2))
    return left, _replaced(right, chance, KroneckerDelta, lambda delta: KroneckerDelta(a, b))


def the_other_case(left, right, chance):
    """Take ≠ for =."""
    return left, _replaced(right, chance, Eq, lambda condition: Ne(*condition.args))


def a_square(left, right, chance):
    """Square a sum."""
    return left, _replaced(right, chance, Sum, lambda total: total**2)


def a_shorter_range(left, right, chance):
    """Leave the first or the last class out of a sum, or go too far."""
    ends = chance.choice([(1, K - 1), (0, K - 2), (0, K), (0, y)])
    return left, _replaced(
        right, chance, Sum, lambda total: Sum(total.function, *((a, *ends) for a in total.variables))
    )


def no_sum(left, right, chance):
    """Put a term in the place of its sum."""
    return left, _replaced(right, chance, Sum, lambda total: total.function)


def another_power(left, right, chance):
    """Change an exponent."""
    return left, _replaced(right, chance, Pow, lambda power: power.base ** (power.exp + 1))


def no_logarithm(left, right, chance):
    """Forget a logarithm."""
    return left, _replaced(right, chance, log, lambda node: node.args[0])


def twice_the_exponent(left, right, chance):
    """Double an exponent of e."""
    return left, _replaced(right, chance, exp, lambda node: exp(2 * node.args[0]))


def names_that_clash(left, right, chance):
    """Bind indices by names that are free, or bound already: what is meant is then what the inmost sum binds."""
    names = sorted({a for total in right.atoms(Sum) for a in total.variables}, key=str)
    return left, right.xreplace({name: chance.choice([*FREE, *names]) for name in names}) if names else None


def next_to_nothing(left, right, chance):
    """Be off by 10⁻³⁰."""
    return left, right + Rational(1, 10**30)


def one_more(left, right, chance):
    """Be off by what is 0 where some classes agree, or where they do not."""
    wrong = chance.choice([KroneckerDelta(i, y), 1 - KroneckerDelta(i, k), z[i] - z[k], z[0] - z[1], c, K - 2])
    return left, right + wrong


BREAKS = (
    another_index, another_index, another_base, another_sign, a_delta_of_others, the_other_case, a_square, no_sum,
    a_shorter_range, names_that_clash, another_power, no_logarithm, twice_the_exponent, next_to_nothing, one_more,
)  # fmt: skip


def broken_pairs(chance, n_breaks):
    """Return both sides of an identity after one was broken, and the break, some times: hidden half of the time."""
    left, right = pair(chance)
    rare = [broken for broken in (a_delta_of_others, the_other_case, names_that_clash) if chance.random() < 0.5]
    found = []
    for broken in (*rare, *chance.sample(BREAKS, len(BREAKS))):
        _, wrong = broken(left, right, chance)
        if wrong is not None and wrong != right and len(found) < n_breaks:
            hide = BLIND if chance.random() < 0.5 else 1
            found.append((hide * left, hide * wrong, broken.__name__))
    return found
