"""The prover under attack: thousands of false identities, made of true ones, none of which may be proved."""

import os
import time
from collections import Counter

import pytest
from fuzzed_identities import BREAKS, broken_pairs, pair
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Max, sympify
from thorough import THOROUGH

from xentlib.teaching import normal_form, prover
from xentlib.teaching.counterexamples import Counterexample, Undefined, compare, points
from xentlib.teaching.grammar import OutsideTheGrammar, checked
from xentlib.teaching.normal_form import add, atom, number
from xentlib.teaching.symbolic import (
    K,
    KroneckerDelta,
    T,
    c,
    entries,
    exp,
    i,
    j,
    k,
    log,
    m,
    p,
    q,
    sum_over,
    y,
    z,
)  # fmt: skip

w = entries("w")
Q = T + 1

ATTACKS, BREAKS_EACH = int(os.environ.get("PROVER_ATTACKS", 1200 if THOROUGH else 300)), 6


def attack(n_examples):
    """Hand a seeded Random to a test, so many times."""
    many = settings(max_examples=n_examples, suppress_health_check=list(HealthCheck))
    return lambda test: many(given(st.randoms(use_true_random=True))(test))


def route(left, right, distributions=(p,)):
    """Return what the proof says without a look at numbers, or None."""
    try:
        return prover.prove(checked(left), checked(right), distributions)
    except (OutsideTheGrammar, normal_form.Undefined):
        return None


def differ(left, right, classes=(4, 6, 7)):
    """Tell whether two sides differ at a point, with numbers of classes that assert_identity does not try."""
    left, right = sympify(left), sympify(right)
    for point in points((left, right), [p], classes):
        try:
            compare(left, right, point)
        except Counterexample:
            return True
        except Undefined:
            pass
    return False


def test_no_false_identity_is_proved():
    seen = Counter()

    @attack(ATTACKS // 4)
    def tried(chance):
        wanted = min(BREAKS_EACH, ATTACKS - seen.total())
        for left, right, broken in broken_pairs(chance, wanted) if wanted else ():
            if differ(left, right):
                seen[broken] += 1
                assert route(left, right) is None, f"proved, and false after {broken}: {left} = {right}"

    tried()
    print(seen)
    assert seen.total() == ATTACKS
    assert seen.keys() == {broken.__name__ for broken in BREAKS}


def test_true_identities_are_proved_and_none_takes_long():
    seconds, different = [], set()

    @attack(300)
    def tried(chance):
        left, right = pair(chance)
        started = time.process_time()
        proved = route(left, right)
        seconds.append(time.process_time() - started)
        different.add((left, right))
        tried.proved += bool(proved)
        assert proved or not differ(left, right, (2, 3, 5)), f"no identity to begin with: {left} = {right}"

    tried.proved = 0
    tried()
    print(f"{tried.proved} of {len(seconds)} proved, the slowest in {max(seconds):.2f} s, {len(different)} different")
    assert tried.proved > 0.95 * len(seconds)
    assert len(different) > 0.8 * len(seconds)
    assert max(seconds) < 10


# Each rule, and a wrong one in its place, which proves something false. The right one must not.


def forgets_the_constant(monomial, index, sums_to_1, right=normal_form._total_of):
    """Σ 1 = 1."""
    return right(monomial, index, sums_to_1) if monomial else number(1)


def forgets_the_power(monomial, index, sums_to_1, right=normal_form._total_of):
    """Σ p² = 1."""
    return (
        number(1)
        if any(f.kind == "entry" and sums_to_1(f.of[0]) for f, _ in monomial)
        else right(monomial, index, sums_to_1)
    )


def one_name_for_all(height, right=normal_form._bound):
    """Every bound index is the same one."""
    return right(1)


def renames_nothing(monomial, old, new):
    """The bound index keeps its name, which is another one each time."""
    return frozenset({pair for pair in monomial if old not in normal_form.indices(pair[0])})


def picks_too_much(self, term, index):
    """Σ_j F(j, [j = a]) = Σ_j F(j, 0) + F(a, 1)."""
    for other in sorted({a for both in prover._comparisons(term) if index in both for a in both - {index}}, key=str):
        return picks_too_much(self, prover._apart(term, {index, other}), index) + term.xreplace({index: other})
    return sum_over(index, term)


def same_case_only(self, difference, apart, right=prover.Proof.closes):
    """What holds for a = b holds for a ≠ b."""
    return bool(apart) or right(self, difference, apart)


def other_case_only(self, difference, apart, right=prover.Proof.closes):
    """What holds for a ≠ b holds for a = b: each delta is 0."""
    return right(self, difference.replace(KroneckerDelta, lambda a, b: sympify(0)), apart)


def no_rest(exponents, whole, right=normal_form._split):
    """M / D = M / x for D = x + t."""
    found = right(exponents, whole)
    return found and (*found[:2], {})


WRONG_RULES = {
    "Σ 1 = 1": (normal_form, "_total_of", forgets_the_constant, sum_over(j, c), c),
    "Σ p² = 1": (normal_form, "_total_of", forgets_the_power, sum_over(j, p[j] ** 2), 1),
    "Σ q = 1 for any q": (prover.Proof, "_sums_to_1", lambda self, base: True, sum_over(j, q[j]), 1),
    "one name for all bound indices": (
        normal_form, "_bound", one_name_for_all,
        sum_over(i, z[i] * sum_over(j, exp(z[i] * w[j]))), sum_over(i, z[i] * sum_over(j, exp(z[j] * w[i]))),
    ),
    "a sum without its terms": (normal_form, "_renamed", renames_nothing, sum_over(j, z[j]), sum_over(j, w[j])),
    "a delta picks one term too many": (
        prover.Proof, "_sum_without_deltas", picks_too_much, sum_over(j, exp(c * KroneckerDelta(i, j))), K + exp(c),
    ),
    "the case of different classes left out": (
        prover.Proof, "closes", same_case_only, KroneckerDelta(i, y) * z[i], z[y],
    ),
    "the case of equal classes left out": (prover.Proof, "closes", other_case_only, KroneckerDelta(i, y), 0),
    "all real numbers positive": (
        normal_form, "is_positive_atom", lambda factor: True, log(z[i] ** 2 * q[i]), 2 * log(z[i]) + log(q[i]),
    ),
    "all with positive coefficients positive": (
        normal_form, "is_positive", lambda whole: all(n > 0 for _, n in whole),
        log((c + 1) ** 2 * Q), 2 * log(c + 1) + log(Q),
    ),
    "all exponents real": (normal_form, "is_real", lambda monomial: True, log(exp(log(z[i]) * c)), c * log(z[i])),
    "e^(a + b) = e^a + e^b": (
        normal_form, "exp_of", lambda poly: add(*(atom("exp", a, n) for a, n in poly.items())),
        exp(c + m), exp(c) + exp(m),
    ),
    "log(a + b) = log a + log b": (
        normal_form, "log_of", lambda poly: add(*(atom("log", frozenset({(a, n)})) for a, n in poly.items())),
        log(q[i] + q[k]), log(q[i]) + log(q[k]),
    ),
    "1 / (a + b) = 1 / a + 1 / b": (
        normal_form, "power", lambda poly, n: add(*(normal_form._scaled(a, n) for a in poly)),
        1 / (c + m), 1 / c + 1 / m,
    ),
    "the larger is the sum": (normal_form, "largest", lambda name, parts: add(*parts), Max(c, m), c + m),
    "numerators alone": (normal_form, "vanishes", lambda poly: True, 1 / (1 + c), 1),
    "x / D = 1": (normal_form, "_split", lambda exponents, whole: no_rest(exponents, whole), c / (1 + c), 1),
}  # fmt: skip


KEPT = [rule for rule in vars(normal_form).values() if hasattr(rule, "cache_clear")]


def forget():
    """Let no value of another rule be remembered."""
    for rule in KEPT:
        rule.cache_clear()


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_rule_is_caught_by_an_identity_that_it_proves(name, monkeypatch):
    module, rule, wrong, left, right = WRONG_RULES[name]
    assert differ(left, right)
    assert route(left, right) is None
    forget()
    monkeypatch.setattr(module, rule, wrong)
    assert route(left, right)
    forget()
