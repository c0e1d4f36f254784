import re

import numpy as np
import pytest
import sympy
from sympy import Derivative, Eq, Function, IndexedBase, Integer, Le, Ne, Not, Or, Product, Rational, expand_log

from xentlib.teaching.symbolic import (
    K,
    KroneckerDelta,
    NotAnIdentity,
    NotProved,
    Piecewise,
    Sum,
    assert_identity,
    c,
    diff,
    exp,
    i,
    in_range,
    j,
    k,
    l,
    log,
    m,
    p,
    q,
    spot_check,
    sum_over,
    y,
    z,
)

w = IndexedBase("w", real=True)
f = Function("f", real=True)


def softmax(n, shift=0):
    return exp(z[n] + shift) / sum_over(l, exp(z[l] + shift))


LOSS = -z[y] + log(sum_over(j, exp(z[j])))
SOFT_LOSS = -sum_over(j, p[j] * expand_log(log(softmax(j)), force=True))
ENTROPY = -sum_over(i, p[i] * log(p[i]))
CROSS_ENTROPY = -sum_over(i, p[i] * log(q[i]))
DIVERGENCE = sum_over(i, p[i] * log(p[i] / q[i]))

SUMS, DELTAS = "sums worked out", "deltas summed with the index in range"

# name: left side, right side, the route that the proof takes, and the bases that sum to 1
TRUE = {
    "gradient of the loss": (diff(LOSS, z[i]), softmax(i) - KroneckerDelta(i, y), f"{SUMS}, {DELTAS}"),
    "the same, not yet taken": (Derivative(LOSS, z[i]), softmax(i) - KroneckerDelta(i, y), f"{SUMS}, {DELTAS}"),
    "Jacobian of softmax": (
        diff(softmax(i), z[k]), softmax(i) * (KroneckerDelta(i, k) - softmax(k)),
        f"{SUMS}, {DELTAS}, cases i = k and i ≠ k",
    ),
    "shift invariance": (softmax(i, shift=c), softmax(i), SUMS),
    "softmax sums to 1": (sum_over(i, softmax(i)), 1, SUMS),
    "a derivative inside of a sum": (
        sum_over(i, Derivative(log(sum_over(j, exp(z[j]))), z[i])), 1,
        f"{SUMS}, {DELTAS}",
    ),
    "cross-entropy is entropy plus divergence": (CROSS_ENTROPY, ENTROPY + DIVERGENCE, SUMS),
    "gradient under any target": (diff(SOFT_LOSS, z[i]), sum_over(j, p[j]) * softmax(i) - p[i], f"{SUMS}, {DELTAS}"),
    "gradient under a distribution": (diff(SOFT_LOSS, z[i]), softmax(i) - p[i], f"{SUMS}, {DELTAS}, with Σp = 1", p),
    "two distributions": (sum_over(i, sum_over(j, p[i] * q[j])), 1, f"{SUMS}, with Σq = 1, with Σp = 1", p, q),
    "double sum": (sum_over(i, sum_over(j, exp(z[i] + z[j]))), sum_over(k, exp(z[k])) ** 2, SUMS),
    "double sum with two limits": (
        Sum(p[i] * q[j], (i, 0, K - 1), (j, 0, K - 1)), sum_over(i, p[i]) * sum_over(j, q[j]), SUMS,
    ),
    "double sum that does not factor": (
        sum_over(i, sum_over(j, f(i, j))), sum_over(l, sum_over(k, f(l, k))), SUMS,
    ),
    "renamed index": (sum_over(j, exp(z[j])), sum_over(l, exp(z[l])), SUMS),
    "one name, bound and free": (z[j] * sum_over(j, z[j]), z[j] * sum_over(i, z[i]), SUMS),
    "one name, bound twice": (sum_over(j, z[j] * sum_over(j, z[j])), sum_over(i, z[i]) ** 2, SUMS),
    "a constant, K times": (sum_over(j, c), K * c, SUMS),
    "one-hot as cases": (sum_over(j, Piecewise((1, Eq(j, y)), (0, True)) * z[j]), z[y], f"{SUMS}, {DELTAS}"),
    "cases without a sum": (
        Piecewise((c, Eq(i, y)), (m, True)), m + (c - m) * KroneckerDelta(i, y),
        "cases i = y and i ≠ y",
    ),
    "all but one": (
        sum_over(j, Piecewise((exp(z[j]), Ne(j, y)), (0, True))), sum_over(j, exp(z[j])) - exp(z[y]),
        f"{SUMS}, {DELTAS}",
    ),
    "one or the other": (
        Piecewise((1, Or(Eq(i, y), Eq(k, y))), (0, True)),
        KroneckerDelta(i, y) + KroneckerDelta(k, y) - KroneckerDelta(i, y) * KroneckerDelta(k, y),
        "cases i = y and i ≠ y",
    ),
    "smoothed target": (sum_over(j, (1 - c) * KroneckerDelta(j, y) + c / K), 1, f"{SUMS}, {DELTAS}"),
    "chain of deltas": (
        sum_over(j, KroneckerDelta(i, j) * KroneckerDelta(j, k)), KroneckerDelta(i, k),
        f"{SUMS}, {DELTAS}",
    ),
    "the first class is always there": (sum_over(j, KroneckerDelta(j, 0) * z[j]), z[0], f"{SUMS}, {DELTAS}"),
    "the last class": (sum_over(j, KroneckerDelta(j, K - 1) * z[j]), z[K - 1], f"{SUMS}, {DELTAS}"),
    "delta picks the index": (
        KroneckerDelta(i, y) * z[i], KroneckerDelta(i, y) * z[y], "cases i = y and i ≠ y",
    ),
    "deltas pick one index after the other": (
        KroneckerDelta(i, k) * KroneckerDelta(k, y) * z[i], KroneckerDelta(i, k) * KroneckerDelta(k, y) * z[y],
        "cases i = k and i ≠ k, cases i = y and i ≠ y",
    ),
    "function of an index": (sum_over(j, f(j)), sum_over(l, f(l)), SUMS),
    "softmax of two classes is the sigmoid": (
        1 / (1 + exp(z[k] - z[i])), exp(z[i]) / (exp(z[i]) + exp(z[k])), "algebra",
    ),
    "plain algebra": ((c + m) ** 2, c**2 + 2 * c * m + m**2, "algebra"),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUE)
def test_a_true_identity_is_proved_and_the_route_is_told(name):
    left, right, route, *distributions = TRUE[name]
    verdict = assert_identity(left, right, distributions=distributions)
    assert repr(verdict) == f"True for every K: {route}"
    assert verdict


def numeric(n_classes, point):
    """Return the pieces that the formulas below are made of, at the numbers that a message names."""
    logits = np.array([point[f"z[{n}]"] for n in range(n_classes)]) if "z[0]" in point else np.zeros(n_classes)
    q = np.exp(logits) / np.exp(logits).sum()
    return logits, q, lambda *names: float(len({point[name] for name in names}) == 1), point


# name: a wrong claim, and both its sides once more in NumPy
FALSE = {
    "wrong sign": (
        diff(LOSS, z[i]), softmax(i) + KroneckerDelta(i, y),
        lambda z, q, delta, at: (q[at["i"]] - delta("i", "y"), q[at["i"]] + delta("i", "y")),
    ),
    "wrong sign as a whole": (
        diff(LOSS, z[i]), KroneckerDelta(i, y) - softmax(i),
        lambda z, q, delta, at: (q[at["i"]] - delta("i", "y"), delta("i", "y") - q[at["i"]]),
    ),
    "missing delta": (
        diff(LOSS, z[i]), softmax(i),
        lambda z, q, delta, at: (q[at["i"]] - delta("i", "y"), q[at["i"]]),
    ),
    "wrong index": (
        diff(LOSS, z[i]), softmax(y) - KroneckerDelta(i, y),
        lambda z, q, delta, at: (q[at["i"]] - delta("i", "y"), q[at["y"]] - delta("i", "y")),
    ),
    "only the diagonal": (
        diff(softmax(i), z[k]), softmax(i) * (1 - softmax(i)),
        lambda z, q, delta, at: (q[at["i"]] * (delta("i", "k") - q[at["k"]]), q[at["i"]] * (1 - q[at["i"]])),
    ),
    "missing factor": (
        diff(LOSS, z[i], z[k]), KroneckerDelta(i, k) - softmax(k),
        lambda z, q, delta, at: (q[at["i"]] * (delta("i", "k") - q[at["k"]]), delta("i", "k") - q[at["k"]]),
    ),
    "missing 1/K": (
        sum_over(j, (1 - c) * KroneckerDelta(j, y) + c), 1,
        lambda z, q, delta, at: (1 - at["c"] + len(z) * at["c"], 1),
    ),
    "mean taken for a sum": (
        diff(LOSS / K, z[i]), softmax(i) - KroneckerDelta(i, y),
        lambda z, q, delta, at: ((q[at["i"]] - delta("i", "y")) / len(z), q[at["i"]] - delta("i", "y")),
    ),
    "shift that is lost": (
        log(sum_over(j, exp(z[j]))), log(sum_over(j, exp(z[j] - m))),
        lambda z, q, delta, at: (np.log(np.exp(z).sum()), np.log(np.exp(z).sum()) - at["m"]),
    ),
    "off by one": (sum_over(j, 1), K + 1, lambda z, q, delta, at: (len(z), len(z) + 1)),
    "both sides share a part": (
        softmax(i), softmax(i) - KroneckerDelta(i, y),
        lambda z, q, delta, at: (q[at["i"]], q[at["i"]] - delta("i", "y")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("check", [assert_identity, spot_check])
@pytest.mark.parametrize("name", FALSE)
def test_a_wrong_identity_is_refuted_by_numbers_that_do_refute_it(name, check):
    left, right, sides = FALSE[name]
    with pytest.raises(NotAnIdentity) as error:
        check(left, right)
    where, values = re.fullmatch(r"at (.+?): the left side is (.+)", str(error.value)).groups()
    point = {name: float(value) for name, value in re.findall(r"([\w\[\]]+) = ([-+.\de]+)", where)}
    point = {name: int(value) if name in ("K", "i", "k", "y") else value for name, value in point.items()}
    told = [float(value) for value in values.split(", the right side ")]
    wanted = sides(*numeric(point["K"], point))
    assert told == pytest.approx(wanted, rel=1e-4, abs=1e-5)  # the message rounds to six digits
    assert abs(wanted[0] - wanted[1]) > 1e-4


def test_a_target_that_need_not_sum_to_1_refutes_the_gradient_of_one_that_does():
    with pytest.raises(NotAnIdentity, match=r"p\[0\] = .*, p\[1\] = "):
        assert_identity(diff(SOFT_LOSS, z[i]), softmax(i) - p[i])


def test_only_the_distributions_that_are_named_sum_to_1():
    with pytest.raises(NotAnIdentity):
        assert_identity(sum_over(j, q[j]), 1, distributions=[p])


def test_a_difference_far_below_rounding_is_refuted_too():
    with pytest.raises(NotAnIdentity):
        assert_identity(sum_over(j, c), K * c + Rational(1, 10**18))


def test_the_message_names_complex_values_too():
    with pytest.raises(NotAnIdentity, match=r"the left side is .*\d\*I, the right side"):
        assert_identity(log(-p[i]), log(p[i]))


AGREED = "^equal at 32 random points for K = 2 to 5, but no proof was found that "

# True, but beyond the algebra: never a false proof, and no refutation either.
BEYOND = {
    "sum of the indices": (sum_over(j, j), K * (K - 1) / 2),
    "geometric sum": (sum_over(j, 2**j), 2**K - 1),
    "sum in the other direction": (sum_over(j, z[K - 1 - j]), sum_over(j, z[j])),
    "delta in an exponent": (sum_over(j, exp(z[j] * KroneckerDelta(j, y))), K - 1 + exp(z[y])),
    "delta in a denominator": (sum_over(j, 1 / (1 + KroneckerDelta(j, y))), K - Rational(1, 2)),
    "deltas that share an index": (
        KroneckerDelta(i, k) * KroneckerDelta(k, y), KroneckerDelta(i, y) * KroneckerDelta(k, y),
    ),
    "product": (Product(p[j], (j, 0, K - 1)), exp(sum_over(j, log(p[j])))),
    "condition with an order": (sum_over(j, Piecewise((1, j <= y), (0, True))), y + 1),
    "true from K = 2 on alone": (sum_over(j, KroneckerDelta(j, 1)), 1),
}  # fmt: skip


@pytest.mark.parametrize("name", BEYOND)
def test_a_true_identity_beyond_the_algebra_is_spot_checked_but_not_proved(name):
    left, right = BEYOND[name]
    with pytest.raises(NotProved, match=AGREED):
        assert_identity(left, right)
    verdict = spot_check(left, right)
    assert repr(verdict) == "True at 32 random points for K = 2 to 5 (a spot check, no proof)"
    assert verdict


@pytest.mark.parametrize("check", [assert_identity, spot_check])
@pytest.mark.parametrize(("low", "high"), [(1, K - 1), (0, K), (0, y)])
def test_a_sum_over_part_of_the_classes_is_refused(check, low, high):
    total = Sum(exp(z[j]), (j, low, high))
    with pytest.raises(NotProved, match=f"^a sum must run over all classes, 0 to K - 1; got one from {low} to {high}$"):
        check(total, total)


# Soundness. This factor is 0 at each K that is tried with numbers: only the proof can see that a claim is wrong.
BLIND = (K - 2) * (K - 3) * (K - 4) * (K - 5)

WRONG_FOR_LARGE_K = {
    "two constants": (1, 2),
    "K and a number": (K, 7),
    "another summand": (sum_over(j, p[j]), sum_over(j, q[j])),
    "another power": (sum_over(j, p[j] ** 2), sum_over(j, p[j]) ** 2),
    "wrong sign of the delta": (diff(LOSS, z[i]), softmax(i) + KroneckerDelta(i, y)),
    "a sum that depends on an outer index": (sum_over(j, exp(z[i] * z[j])), sum_over(j, exp(z[k] * z[j]))),
    "one that does not": (sum_over(j, exp(z[i] * z[j])), sum_over(j, exp(z[j]))),
    "two outer indices swapped": (sum_over(j, f(i, k, j)), sum_over(j, f(k, i, j))),
    "an outer index caught by the sum": (sum_over(j, z[i] * z[j]), sum_over(j, z[j] ** 2)),
    "a bound index let out": (z[j] * sum_over(j, z[j]), sum_over(j, z[j] ** 2)),
    "an inner sum caught by the outer": (sum_over(j, sum_over(j, z[j])), sum_over(j, z[j])),
    "inner and outer index swapped in one factor": (
        sum_over(i, sum_over(j, exp(z[i] * w[j]))), sum_over(i, sum_over(j, exp(z[j] * w[j]))),
    ),
    "sum over a delta left out": (sum_over(j, KroneckerDelta(i, j) * z[j]), sum_over(j, z[j])),
    "sum over a delta counted K times": (sum_over(j, KroneckerDelta(i, j)), K),
    "three deltas for two": (
        sum_over(j, KroneckerDelta(i, j) * KroneckerDelta(j, k) * KroneckerDelta(j, y)), KroneckerDelta(i, k),
    ),
    "two deltas for one": (KroneckerDelta(i, k) * KroneckerDelta(k, y), KroneckerDelta(i, k)),
    "either delta for both": (KroneckerDelta(i, k) * KroneckerDelta(i, y), KroneckerDelta(i, k) * KroneckerDelta(k, l)),
    "equal indices taken for granted": (z[i] * KroneckerDelta(k, y), z[k] * KroneckerDelta(k, y)),
    "case of different indices forgotten": (KroneckerDelta(i, y) * z[i], z[y]),
    "delta in an exponent": (sum_over(j, exp(z[j] * KroneckerDelta(i, j))), K),
    "delta in a denominator": (sum_over(j, q[j] / (1 + KroneckerDelta(i, j))), sum_over(j, q[j])),
    "delta in a logarithm": (sum_over(j, log(q[j] + KroneckerDelta(i, j))), sum_over(j, log(q[j]))),
    "a class that K = 1 does not have": (sum_over(j, KroneckerDelta(j, 1)), 1),
    "a class beyond the last": (sum_over(j, KroneckerDelta(j, K)), 1),
    "an index beyond the last class": (sum_over(j, z[j + 1]), sum_over(j, z[j])),
    "a condition with an order": (Piecewise((1, i <= y), (0, True)), 1),
    "a condition that holds out of range": (Piecewise((1, i >= K), (0, True)), 1),
    "logits taken for positive in a sum": (sum_over(j, log(z[j] ** 2)), 2 * sum_over(j, log(z[j]))),
    "a logit taken for positive": (log(z[i] ** 2), 2 * log(z[i])),
    "a sum of logits taken for positive": (log(sum_over(j, z[j]) ** 2), 2 * log(sum_over(j, z[j]))),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_FOR_LARGE_K)
def test_what_is_wrong_for_large_k_alone_is_not_proved(name):
    left, right = (BLIND * side for side in WRONG_FOR_LARGE_K[name])
    with pytest.raises(NotProved, match=AGREED):
        assert_identity(left, right)


def test_a_distribution_is_believed_to_sum_to_1_only_where_it_is_summed_alone():
    for wrong in (sum_over(j, p[j] ** 2), sum_over(j, p[j] * q[j]), sum_over(j, q[j]), sum_over(j, p[0])):
        with pytest.raises(NotProved, match=AGREED):
            assert_identity(BLIND * wrong, BLIND, distributions=[p])


# in_range and sum_over


def test_sum_over_runs_from_0_to_k_minus_1():
    assert sum_over(j, z[j]) == Sum(z[j], (j, 0, K - 1))


@pytest.mark.parametrize("condition", [i <= K - 1, i < K, Le(i, K - 1), Not(i >= K)])
def test_in_range_takes_an_index_for_one_of_the_classes(condition):
    assert in_range(Piecewise((z[i], condition), (0, True))) == z[i]
    assert assert_identity(Piecewise((z[i], condition), (0, True)), z[i])


@pytest.mark.parametrize(
    "expression",
    [
        *(Piecewise((z[i], condition), (0, True)) for condition in (i <= K, i < K - 1, i > K - 1, Eq(i, y), i <= y)),
        z[i], c, Integer(3), sum_over(j, exp(z[j])),
    ],
)  # fmt: skip
def test_in_range_leaves_everything_else(expression):
    assert in_range(expression) == expression


def test_in_range_takes_plain_numbers():
    assert in_range(3) == 3


def test_both_failures_are_assertion_errors_so_that_a_test_may_be_an_identity():
    assert issubclass(NotAnIdentity, AssertionError)
    assert issubclass(NotProved, AssertionError)
    assert not issubclass(NotProved, NotAnIdentity)


# Slips that were once let through, or answered with an error of Python's


def test_only_an_index_is_taken_to_be_in_range():
    with pytest.raises(NotAnIdentity):
        assert_identity(Piecewise((1, c <= K - 1), (0, True)), 1)


@pytest.mark.parametrize(
    ("lhs", "rhs"), [(z[y] + c, z[y]), (log(q[i]) - z[i], log(q[i]) - z[y])], ids=["a term too many", "wrong index"]
)
def test_what_cancels_between_the_sides_still_gets_a_number(lhs, rhs):
    with pytest.raises(NotAnIdentity):
        assert_identity(lhs, rhs)
    with pytest.raises(NotAnIdentity):
        spot_check(lhs, rhs)


def test_a_delta_that_cannot_be_summed_is_not_proved():
    stuck = sum_over(j, exp(z[j] * KroneckerDelta(i, j)))
    with pytest.raises(NotProved):
        assert_identity(stuck + 0 * z[i], sum_over(k, exp(z[k] * KroneckerDelta(i, k))))


def test_a_positive_whole_number_is_never_drawn_as_0():
    n = sympy.Symbol("N", integer=True, positive=True)
    assert assert_identity((z[i] + z[k]) / n, z[i] / n + z[k] / n)


def test_an_index_past_the_end_gives_no_number():
    with pytest.raises(NotProved, match="no numbers to compare for K = 2"):
        assert_identity(sum_over(j, z[j + 1]), sum_over(j, z[j]))


def test_a_sum_that_may_be_complex_is_not_taken_for_real():
    logs, apart = sum_over(j, log(z[j])), (K - 2) * (K - 3) * (K - 4) * (K - 5)
    with pytest.raises(NotProved):
        assert_identity(apart * sympy.Abs(logs) ** 2, apart * logs**2)


def test_a_derivative_by_the_index_of_a_sum_is_refused():
    with pytest.raises(ValueError, match=r"^z\[j\] must not share its index with a sum; got "):
        diff(sum_over(j, exp(z[j])), z[j])
