"""The proof of an identity: deltas leave the sums, cases decide the deltas that stay, normal forms do the rest.

Why it is sound. Both sides come from `grammar.checked`: each bound index is a Dummy of its own, and only deltas and
cases ask whether two classes are equal. There are three steps.

1. In a sum over j, let a be another class with which a delta or a case compares j. Write F(j, d) for the term, where d
   is 1 if j = a and 0 if not. Then Σ_j F(j, [j = a]) = Σ_j F(j, 0) + F(a, 1) - F(a, 0) for any F, since a is one of the
   K classes. The rule is used until no sum holds a delta with its own index. If F(a, 0) has no value though the sum has
   one, read it as a formal quotient, and Σ_j F(j, 0) as this quotient plus the sum over all j but a: for the algebra
   a sum is one unknown number, and to shift it by a quotient is to rename the unknown.
2. The deltas that are left compare free indices and the literals 0 and 1, which differ. If the algebra closes with
   these deltas as unknown numbers, their values do not matter. If not, it has to close for a = b, with b written a, and
   for a ≠ b. A case is decided before the algebra, since only the branch that is taken need have a value.
3. `normal_form` compares what is left, and says why that is sound.

A derivative is taken before all this, by SymPy: ∂z_j/∂z_i is the delta of i and j, since entries are independent, and a
finite sum is differentiated term by term. What is trusted: SymPy's `diff`, its automatic evaluation of what a reader
writes (e^(log x) is x before it gets here), its `xreplace` and `factorint`; and Python.

What is true and cannot be proved here:

- log Π = Σ log, a sum in the other direction, Σ_j (a_(j+1) - a_j), Σ_j j = K(K - 1)/2, Σ_j 2^j: there are no products,
  and an index is not a number and has no neighbours;
- of Max and Min, more than that equal arguments give equal values;
- √(x²) = |x|, and log(1/x) = -log x where no rule gives the sign of x, as of 1 - q_y for a distribution q;
- sums whose terms are equal only by partial fractions with several denominators;
- what holds for one K alone.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from fractions import Fraction
from functools import reduce

from sympy import E, Expr, Indexed, IndexedBase, Integer, KroneckerDelta, Max, Min, Sum, Symbol, exp, log

from xentlib.teaching import normal_form as nf
from xentlib.teaching.grammar import Choice, K

SUMS, DELTAS = "sums worked out", "deltas summed with the index in range"


def prove(lhs: Expr, rhs: Expr, distributions: Sequence[IndexedBase] = ()) -> str | None:
    """Return the route of a proof that two checked expressions are equal for every K, or None if there is none."""
    proof = Proof(distributions)
    difference = proof.without_bound_deltas(lhs - rhs)
    return proof.route() if proof.closes(difference, frozenset()) else None


class Proof:
    """One proof, and what was needed for it."""

    def __init__(self, distributions):
        self.distributions, self.used, self.cases, self.known = distributions, set(), {}, {}

    def route(self) -> str:
        """Return in words what was needed."""
        sums = [f"with Σ{base} = 1" for base in sorted(map(str, self.used - {SUMS, DELTAS}))]
        return ", ".join([*(step for step in (SUMS, DELTAS) if step in self.used), *sums, *self.cases]) or "algebra"

    # Deltas

    def without_bound_deltas(self, node: Expr) -> Expr:
        """Return an expression in which no delta or case compares a bound index."""
        if not node.has(KroneckerDelta, Choice):
            return node
        if not isinstance(node, Sum):
            return node.func(*map(self.without_bound_deltas, node.args))
        term = self.without_bound_deltas(node.function)
        for index, _, _ in node.limits:
            term = self._sum_without_deltas(term, index)
        return term

    def _sum_without_deltas(self, term, index):
        others = {a for comparison in _comparisons(term) if index in comparison for a in comparison - {index}}
        if not others:
            return Sum(term, (index, 0, K - 1))
        self.used.add(DELTAS)
        other = min(others, key=str)
        apart = _apart(term, {index, other})
        picked, left_out = (each.xreplace({index: other}) for each in (term, apart))
        return self._sum_without_deltas(apart, index) + picked - left_out

    # Cases

    def closes(self, difference: Expr, apart: Set[frozenset[Expr]]) -> bool:
        """Tell whether a difference is 0, in each case of the classes that it compares."""
        open_cases = _comparisons(difference, Choice)
        if not open_cases:
            algebra = self.normal_form(difference)
            if nf.vanishes(algebra):
                return True
            open_cases = {factor.of for factor in nf.atoms_in(algebra) if factor.kind == "delta"}
        if not open_cases:
            return False
        a, b = sorted(min(open_cases, key=lambda pair: sorted(map(str, pair))), key=lambda s: (s.is_Integer, str(s)))
        self.cases[f"cases {a} = {b} and {a} ≠ {b}"] = True
        other, kept = (a, b) if b.is_Integer else (b, a)
        still_apart = {frozenset(kept if each == other else each for each in pair) for pair in apart}
        equal = reduce(_apart, still_apart, difference.xreplace({other: kept}))
        different = _apart(difference, {a, b})
        return self.closes(equal, still_apart) and self.closes(different, {*apart, frozenset({a, b})})

    # Algebra

    def normal_form(self, node: Expr) -> nf.Polynomial:
        """Return an expression without cases as a polynomial."""
        if node not in self.known:
            self.known[node] = self._normal_form(node)
        return self.known[node]

    def _normal_form(self, node):
        if node.is_Rational:
            return nf.number(Fraction(int(node.p), int(node.q)))
        if isinstance(node, Symbol):
            return nf.atom("number", node)
        if isinstance(node, Indexed):
            return nf.atom("entry", (node.base, node.indices[0]))
        if isinstance(node, KroneckerDelta):
            return nf.atom("delta", frozenset(node.args))
        if isinstance(node, Sum):
            return self._sum(self.normal_form(node.function), *node.limits)
        if node == E:
            return nf.exp_of(nf.number(1))
        arguments = [self.normal_form(argument) for argument in node.args]
        if node.is_Add:
            return nf.add(*arguments)
        if node.is_Mul:
            return reduce(nf.times, arguments)
        if node.func is exp:
            return nf.exp_of(arguments[0])
        if isinstance(node, log):
            return nf.log_of(arguments[0])
        if node.is_Pow and node.exp.is_Rational:
            return nf.power(arguments[0], Fraction(int(node.exp.p), int(node.exp.q)))
        if node.is_Pow:
            return nf.exp_of(nf.times(arguments[1], nf.log_of(arguments[0])))
        if isinstance(node, (Max, Min)):
            return nf.largest(type(node).__name__, arguments)
        raise nf.Undefined(f"{node}")  # zoo and nan, which are SymPy's for 1/0

    def _sum(self, polynomial, *limits):
        self.used.add(SUMS)
        for index, _, _ in limits:
            polynomial = nf.total_over(polynomial, index, self._sums_to_1)
        return polynomial

    def _sums_to_1(self, base):
        if base in self.distributions:
            self.used.add(base)
        return base in self.distributions


def _comparisons(node, *kinds):
    """Return the pairs of classes that an expression compares, in parts of some kinds."""
    return {frozenset(comparison.args[:2]) for comparison in node.atoms(*(kinds or (KroneckerDelta, Choice)))}


def _apart(node, pair):
    """Return an expression in which two classes are known to be different."""
    return node.replace(
        lambda part: isinstance(part, (KroneckerDelta, Choice)) and set(part.args[:2]) == pair,
        lambda part: Integer(0) if isinstance(part, KroneckerDelta) else part.args[3],
    )
