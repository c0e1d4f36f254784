import re

import numpy as np
import pytest
import sympy
from sympy import (
    Abs,
    And,
    Derivative,
    E,
    Eq,
    Float,
    Function,
    I,
    IndexedBase,
    Integer,
    Le,
    Max,
    Min,
    Ne,
    Not,
    Or,
    Product,
    Rational,
    Symbol,
    expand_log,
    oo,
    pi,
    sqrt,
    tanh,
)  # fmt: skip

from xentlib.teaching.counterexamples import points
from xentlib.teaching.symbolic import (
    K,
    KroneckerDelta,
    NotAnIdentity,
    NotProved,
    OutsideTheGrammar,
    Piecewise,
    Sum,
    T,
    assert_identity,
    c,
    diff,
    entries,
    exp,
    i,
    index,
    j,
    k,
    l,
    log,
    m,
    p,
    q,
    refuted,
    spot_check,
    sum_over,
    y,
    z,
)  # fmt: skip

w = entries("w")
r = index("r")
x = Symbol("x", real=True)
N = Symbol("N", integer=True, nonnegative=True)


def softmax(n, shift=0):
    return exp(z[n] + shift) / sum_over(l, exp(z[l] + shift))


LOSS = -z[y] + log(sum_over(j, exp(z[j])))
SOFT_LOSS = -sum_over(j, p[j] * expand_log(log(softmax(j)), force=True))
ENTROPY = -sum_over(i, p[i] * log(p[i]))
CROSS_ENTROPY = -sum_over(i, p[i] * log(q[i]))
DIVERGENCE = sum_over(i, p[i] * log(p[i] / q[i]))

SUMS, DELTAS = "sums worked out", "deltas summed with the index in range"
BOTH = f"{SUMS}, {DELTAS}"

# name: left side, right side, the route that the proof takes, and the bases that sum to 1
TRUE = {
    "gradient of the loss": (diff(LOSS, z[i]), softmax(i) - KroneckerDelta(i, y), BOTH),
    "the same, not yet taken": (Derivative(LOSS, z[i]), softmax(i) - KroneckerDelta(i, y), BOTH),
    "Jacobian of softmax": (
        diff(softmax(i), z[k]), softmax(i) * (KroneckerDelta(i, k) - softmax(k)), BOTH,
    ),
    "shift invariance": (softmax(i, shift=c), softmax(i), SUMS),
    "softmax sums to 1": (sum_over(i, softmax(i)), 1, SUMS),
    "a derivative inside of a sum": (
        sum_over(i, Derivative(log(sum_over(j, exp(z[j]))), z[i])), 1,
        BOTH,
    ),
    "cross-entropy is entropy plus divergence": (CROSS_ENTROPY, ENTROPY + DIVERGENCE, SUMS),
    "gradient under any target": (diff(SOFT_LOSS, z[i]), sum_over(j, p[j]) * softmax(i) - p[i], BOTH),
    "gradient under a distribution": (diff(SOFT_LOSS, z[i]), softmax(i) - p[i], f"{SUMS}, {DELTAS}, with Σp = 1", p),
    "two distributions": (sum_over(i, sum_over(j, p[i] * q[j])), 1, f"{SUMS}, with Σp = 1, with Σq = 1", p, q),
    "double sum": (sum_over(i, sum_over(j, exp(z[i] + z[j]))), sum_over(k, exp(z[k])) ** 2, SUMS),
    "double sum with two limits": (
        Sum(p[i] * q[j], (i, 0, K - 1), (j, 0, K - 1)), sum_over(i, p[i]) * sum_over(j, q[j]), SUMS,
    ),
    "double sum that does not factor": (
        sum_over(i, sum_over(j, log(1 + exp(z[i] * w[j])))), sum_over(l, sum_over(k, log(exp(w[k] * z[l]) + 1))), SUMS,
    ),
    "renamed index": (sum_over(j, exp(z[j])), sum_over(l, exp(z[l])), SUMS),
    "one name, bound and free": (z[j] * sum_over(j, z[j]), z[j] * sum_over(i, z[i]), SUMS),
    "one name, bound twice": (sum_over(j, z[j] * sum_over(j, z[j])), sum_over(i, z[i]) ** 2, SUMS),
    "a constant, K times": (sum_over(j, c), K * c, SUMS),
    "one-hot as cases": (sum_over(j, Piecewise((1, Eq(j, y)), (0, True)) * z[j]), z[y], BOTH),
    "cases without a sum": (
        Piecewise((c, Eq(i, y)), (m, True)), m + (c - m) * KroneckerDelta(i, y),
        "cases i = y and i ≠ y",
    ),
    "all but one": (
        sum_over(j, Piecewise((exp(z[j]), Ne(j, y)), (0, True))), sum_over(j, exp(z[j])) - exp(z[y]),
        BOTH,
    ),
    "one or the other": (
        Piecewise((1, Or(Eq(i, y), Eq(k, y))), (0, True)),
        KroneckerDelta(i, y) + KroneckerDelta(k, y) - KroneckerDelta(i, y) * KroneckerDelta(k, y),
        "cases i = y and i ≠ y, cases k = y and k ≠ y",
    ),
    "smoothed target": (sum_over(j, (1 - c) * KroneckerDelta(j, y) + c / K), 1, BOTH),
    "chain of deltas": (
        sum_over(j, KroneckerDelta(i, j) * KroneckerDelta(j, k)), KroneckerDelta(i, k),
        BOTH,
    ),
    "the first class is always there": (sum_over(j, KroneckerDelta(j, 0) * z[j]), z[0], BOTH),
    "delta picks the index": (
        KroneckerDelta(i, y) * z[i], KroneckerDelta(i, y) * z[y], "cases i = y and i ≠ y",
    ),
    "deltas pick one index after the other": (
        KroneckerDelta(i, k) * KroneckerDelta(k, y) * z[i], KroneckerDelta(i, k) * KroneckerDelta(k, y) * z[y],
        "cases i = k and i ≠ k, cases i = y and i ≠ y",
    ),
    "delta in an exponent": (
        sum_over(j, exp(z[j] * KroneckerDelta(j, y))), K - 1 + exp(z[y]), BOTH,
    ),
    "delta in a denominator": (sum_over(j, 1 / (1 + KroneckerDelta(j, y))), K - Rational(1, 2), BOTH),
    "delta in a logarithm": (
        sum_over(j, log(q[j] + KroneckerDelta(i, j))), sum_over(j, log(q[j])) + log(1 + 1 / q[i]), BOTH,
    ),
    "deltas that share an index": (
        KroneckerDelta(i, k) * KroneckerDelta(k, y), KroneckerDelta(i, y) * KroneckerDelta(k, y),
        "cases i = k and i ≠ k, cases i = y and i ≠ y",
    ),
    "cases in both": (
        Piecewise((z[i], And(Eq(i, k), Ne(i, y))), (z[k], True)), z[k], "cases i = k and i ≠ k",
    ),
    "only the branch that is taken has a value": (
        sum_over(j, Piecewise((1 / (1 - KroneckerDelta(j, y)), Ne(j, y)), (0, True))), K - 1, BOTH,
    ),
    "the second class is there, too": (sum_over(j, KroneckerDelta(j, 1)), 1, BOTH),
    "0 and 1 are different classes": (KroneckerDelta(i, 0) * KroneckerDelta(i, 1) * z[i], 0, "cases i = 0 and i ≠ 0"),
    "an index of one's own": (sum_over(r, w[r] * KroneckerDelta(r, 0)), w[0], BOTH),
    "a whole and a part of it": (
        sum_over(j, exp(z[j]) / (1 + exp(z[j]))) + sum_over(j, 1 / (1 + exp(z[j]))), K, SUMS,
    ),
    "another denominator": (sum_over(j, 1 / (1 + exp(z[j]))), sum_over(j, exp(-z[j]) / (exp(-z[j]) + 1)), SUMS),
    "a logarithm of a product of sums": (
        log(sum_over(j, q[j] + 1) * (1 + exp(c))), log(1 + exp(c)) + log(sum_over(j, q[j]) + K), SUMS,
    ),
    "K - 1 is positive": (log((K - 1) / K), -log(K) - log(1 / (K - 1)), "algebra"),
    "the larger of two positive numbers is positive": (
        log(Max(q[i], T) ** 2), 2 * log(Max(q[i], T)), "algebra",
    ),
    "a negative root in a denominator": (1 / (-1 - sqrt(1 + T)), (1 - sqrt(1 + T)) / T, "algebra"),
    "a fraction that is split": (c / (2 * c + 3), Rational(1, 2) - Rational(3, 2) / (2 * c + 3), "algebra"),
    "half of a positive number": (log(q[i] / 2), log(q[i]) - log(2), "algebra"),
    "powers of powers of positive numbers": ((q[i] ** c) ** 2 * q[i], q[i] ** (2 * c + 1), "algebra"),
    "powers of any number": ((1 - T) ** c / (1 - T), (1 - T) ** (c - 1), "algebra"),
    "roots": (sqrt(8 * q[i] * T + 8 * q[i]) / sqrt(q[i]), 2 * sqrt(2 + 2 * T), "algebra"),
    "roots of sums": (
        (sum_over(j, z[j] ** 2) + K) / sqrt(sum_over(j, z[j] ** 2 + 1)), sqrt(K + sum_over(k, z[k] ** 2)), SUMS,
    ),
    "a root in a denominator": (1 / (1 + sqrt(1 + T)), (sqrt(1 + T) - 1) / T, "algebra"),
    "the root of a square": (sqrt(1 + 2 * exp(z[i]) + exp(2 * z[i])), 1 + exp(z[i]), "algebra"),
    "tanh": (tanh(z[i]), 1 - 2 / (exp(2 * z[i]) + 1), "algebra"),
    "the slope of tanh": (Derivative(tanh(c * z[i]), z[i]), c * (1 - tanh(c * z[i]) ** 2), "algebra"),
    "the larger one, whichever it is": (exp(c - Max(c, m)) * exp(Max(m, c)), exp(c), "algebra"),
    "Euler's number": (log(sum_over(j, E)), 1 + log(K), SUMS),
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


def numbers_of(text):
    """Return the point that a message names, with the entries of a vector one by one."""
    point = {}
    for name, value in re.findall(r"(\w+) = (\([^)]*\)|[-+.\de]+)", text):
        if value.startswith("("):
            point |= {f"{name}[{n}]": float(entry) for n, entry in enumerate(value[1:-1].split(", "))}
        else:
            point[name] = int(value) if name in ("K", "i", "k", "y") else float(value)
    return point


@pytest.mark.parametrize("name", FALSE)
def test_a_wrong_identity_is_refuted_by_numbers_that_do_refute_it(name):
    left, right, sides = FALSE[name]
    text = repr(refuted(left, right))
    where, *told = re.fullmatch(r"False, for example at (.+): (\S+) on the left, (\S+) on the right", text).groups()
    point = numbers_of(where)
    wanted = sides(*numeric(point["K"], point))
    assert list(map(float, told)) == pytest.approx(wanted, abs=6e-4)
    assert abs(wanted[0] - wanted[1]) > 1e-3
    for check in (assert_identity, spot_check):
        with pytest.raises(NotAnIdentity) as error:
            check(left, right)
        assert text == f"False, for example {error.value}"


def test_a_refutation_is_false_and_shows_a_distribution_where_one_is_meant():
    found = refuted(-log(q[y]), -log(1 - q[y]))
    assert not found
    assert repr(found) == "False, for example at K = 2, y = 1, q = (0.7, 0.3): 1.204 on the left, 0.357 on the right"


def test_what_holds_for_distributions_alone_is_refuted_by_another_vector():
    assert "q = (1.5, 2.5): 4 on the left, 1 on the right" in repr(refuted(sum_over(j, q[j]), 1))


def test_two_values_are_told_apart_however_close_they_are():
    assert repr(refuted(c, c + Rational(1, 10**30))).endswith(
        ": 1 on the left, 1.000000000000000000000000000001 on the right"
    )


def test_what_rounding_leaves_of_large_numbers_is_no_counterexample():
    """The attack once took this for false."""
    nothing = sum_over(i, softmax(i)) - 1
    assert assert_identity(nothing * exp(exp(T * 3 + 4)), 0)


def test_a_scalar_keeps_strictly_within_its_range():
    drawn = [point.numbers[c] for point in points((c,), within=((c, (0, 1)),))]
    assert 0 < min(drawn) < 0.2
    assert 0.8 < max(drawn) < 1


def test_a_condition_that_no_point_can_decide_leaves_nothing_to_compare():
    strange = Piecewise((1, sympy.Contains(c, sympy.S.Rationals)), (2, True))
    with pytest.raises(NotProved, match=r"^no numbers to compare at any point: the condition Contains"):
        spot_check(strange, 2)


@pytest.mark.parametrize(
    ("vanishes_at_i", "named"),
    [(1 - KroneckerDelta(i, k), "zoo"), ((z[i] + 1) ** 2 - z[k] ** 2 - 2 * z[k] - 1, "1/0 or log 0")],
)
def test_a_step_that_has_no_value_is_named(vanishes_at_i, named):
    with pytest.raises(NotProved, match=f"but a step of the proof has no value: {named}$"):
        assert_identity(KroneckerDelta(i, k) * log(vanishes_at_i), 0)


def test_what_is_true_is_not_refuted():
    with pytest.raises(AssertionError, match=r"^not refuted: the sides agree at every point"):
        refuted(softmax(i), softmax(i, shift=c))


def test_a_polynomial_that_is_0_at_every_half_is_refuted_by_other_numbers():
    assert refuted(sympy.prod(c - Rational(n, 2) for n in range(-4, 5)), 0) is not None


def test_a_target_that_need_not_sum_to_1_refutes_the_gradient_of_one_that_does():
    with pytest.raises(NotAnIdentity, match=r"p = \(.*\), z = "):
        assert_identity(diff(SOFT_LOSS, z[i]), softmax(i) - p[i])


def test_only_the_distributions_that_are_named_sum_to_1():
    with pytest.raises(NotAnIdentity):
        assert_identity(sum_over(j, q[j]), 1, distributions=[p])


def test_a_difference_far_below_rounding_is_refuted_too():
    with pytest.raises(NotAnIdentity):
        assert_identity(sum_over(j, c), K * c + Rational(1, 10**18))


def test_the_message_names_complex_values_too():
    with pytest.raises(NotAnIdentity, match=r": -?[.\d]+ \+ 3\.142i on the left, "):
        assert_identity(log(-p[i]), log(p[i]))


AGREED = r"^equal at [345][0-9] points for K = 2, 3, 5, 8 and 13, but no proof was found that "

# True, but beyond the grammar, and what the refusal names.
BEYOND = {
    "sum of the indices": (sum_over(j, j), K * (K - 1) / 2, "j: a class index is not a number here"),
    "geometric sum": (sum_over(j, 2**j), 2**K - 1, "j: a class index is not a number here"),
    "sum in the other direction": (sum_over(j, z[K - 1 - j]), sum_over(j, z[j]), "not a class index"),
    "the last class": (sum_over(j, KroneckerDelta(j, K - 1) * z[j]), z[K - 1], "K - 1 is not a class index"),
    "product": (Product(p[j], (j, 0, K - 1)), exp(sum_over(j, log(p[j]))), "there is no rule for Product"),
    "condition with an order": (sum_over(j, Piecewise((1, j <= y), (0, True))), y + 1, "the condition j <= y is not"),
    "absolute value": (sqrt(z[i] ** 2), Abs(z[i]), "there is no rule for Abs"),
}  # fmt: skip


@pytest.mark.parametrize("name", BEYOND)
def test_a_true_identity_beyond_the_grammar_is_spot_checked_but_not_proved(name):
    left, right, named = BEYOND[name]
    if name != "absolute value":  # SymPy writes both sides alike
        with pytest.raises(OutsideTheGrammar, match=re.escape(named)):
            assert_identity(left, right)
    verdict = spot_check(left, right)
    assert repr(verdict) == "True at 50 points for K = 2, 3, 5, 8 and 13 (a spot check, no proof)"
    assert verdict


# True, and in the grammar, but the algebra does not close.
NOT_PROVED = {
    "1 - q_y is positive, which is known of no rule": (log(1 / (1 - q[y])), -log(1 - q[y]), q),
    "two denominators": (
        sum_over(j, 1 / ((q[j] + 1) * (q[j] + 2))), sum_over(j, 1 / (q[j] + 1)) - sum_over(j, 1 / (q[j] + 2)),
    ),
    "one of the two is larger": (Max(c, m) + Min(c, m), c + m),
}  # fmt: skip


# Outside of the grammar: refused by name, before a look at numbers.
user_function, hidden = Function("f", real=True), Function("Σ0", positive=True)
OUTSIDE = {
    "a part of the classes": (Sum(exp(z[j]), (j, 1, K - 1)), "must run over all classes, 0 to K - 1; got j, 1, K - 1"),
    "a class too many": (Sum(exp(z[j]), (j, 0, K)), "got j, 0, K"),
    "up to an index": (Sum(exp(z[j]), (j, 0, y)), "got j, 0, y"),
    "another number of classes": (Sum(exp(z[j]), (j, 0, N - 1)), "got j, 0, N - 1"),
    "an undeclared index": (sum_over(N, z[N]), "N is not a class index; index(...) makes one"),
    "a real index": (z[x], "x is not a class index"),
    "an entry next to another": (sum_over(j, z[j + 1]), "z[j + 1]: j + 1 is not a class index"),
    "an index doubled": (z[2 * j], "2*j is not a class index"),
    "the third class": (z[2], "z[2]: 2 is not a class index"),
    "a delta of a compound": (sum_over(j, KroneckerDelta(2 * j, K - 1)), "2*j is not a class index"),
    "a delta of a real number": (sum_over(j, KroneckerDelta(j, x)), "x is not a class index"),
    "a delta past the last class": (sum_over(j, KroneckerDelta(j, K)), "K is not a class index"),
    "a delta in a range": (KroneckerDelta(i, k, (0, 5)), "a delta with a range"),
    "a logarithm of one's own": (type("log", (log,), {})(c), "there is no rule for log"),
    "an integer": (N * c, "N: an integer that is not a class index"),
    "a case on an integer": (Piecewise((0, N < K), (z[0], True)), "is not about the equality of two class indices"),
    "an integer in range": (Piecewise((0, N <= K - 1), (z[0], True)), "the condition N <= K - 1 is not about"),
    "a number in range": (Piecewise((1, c <= K - 1), (0, True)), "the condition c <= K - 1 is not about"),
    "a case out of range": (Piecewise((1, i >= K), (0, True)), "is not about the equality"),
    "an order": (Piecewise((1, i <= y), (0, True)), "is not about the equality"),
    "a function": (user_function(i), "there is no rule for f"),
    "a function by the name that the proof once used": (hidden(i), "there is no rule for Σ0"),
    "a product over a part": (Product(p[j], (j, 0, K - 2)), "there is no rule for Product"),
    "a rounded number": (Float(0.1) * c, "a rounded number; write it as a Rational"),
    "a complex symbol": (Symbol("a") + 1, "a: a Symbol that is not declared real or positive"),
    "a complex base": (IndexedBase("a")[i], "the entries of a are not declared real or positive"),
    "a matrix": (IndexedBase("a", real=True)[i, j], "an entry has one index"),
    "a shape": (IndexedBase("a", real=True, shape=(3,))[i], "an entry has one index, and its base no shape"),
    "the imaginary unit": (I * c, "there is no rule for ImaginaryUnit"),
    "pi": (pi * c, "there is no rule for Pi"),
    "infinity": (c + oo, "there is no rule for Infinity"),
    "1/0": (c / Integer(0), "there is no rule for ComplexInfinity"),
    "a huge power": ((c + 1) ** 1000, "(c + 1)**1000: an exponent with numbers above 100"),
    "a truth value": (Eq(i, k), "no number"),
    "a derivative by a bound entry": (Derivative(sum_over(j, exp(z[j])), z[j]), "must not share its index"),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_no_rule_covers_is_refused_by_name(name):
    term, named = OUTSIDE[name]
    for left, right in ((term, 7), (sum_over(k, c), term)):
        with pytest.raises(OutsideTheGrammar, match=re.escape(named)):
            assert_identity(left, right)


def test_a_sum_may_have_any_integer_symbol_for_its_index_if_no_more_is_known_of_it():
    n = Symbol("n", integer=True)
    assert "for every K" in repr(assert_identity(sum_over(n, p[n] * KroneckerDelta(n, i)), p[i]))
    positive = Symbol("n", integer=True, positive=True)  # then SymPy knows that it is not 0
    for term, named in (
        (sum_over(n, n * z[n]), "an integer that is not a class index"),
        (sum_over(n, z[n]) + z[n], "z[n]: n is not a class index"),
        (sum_over(positive, z[positive]), "n is not a class index"),
        (sum_over(K, z[K]), "K is not a class index"),
    ):
        with pytest.raises(OutsideTheGrammar, match=re.escape(named)):
            assert_identity(term, 7)


@pytest.mark.parametrize("name", NOT_PROVED)
def test_a_true_identity_beyond_the_algebra_is_not_proved(name):
    left, right, *distributions = NOT_PROVED[name]
    with pytest.raises(NotProved, match=AGREED):
        assert_identity(left, right, distributions=distributions)
    assert spot_check(left, right, distributions=distributions)


def test_the_same_expression_on_both_sides_is_nothing_to_prove():
    with pytest.raises(ValueError, match=r"^nothing to prove: both sides are "):
        assert_identity(diff(log(q[y]), q[i]), KroneckerDelta(i, y) / q[y])


# Soundness. This factor is 0 at each K that is tried with numbers: only the proof can see that a claim is wrong.
BLIND = (K - 2) * (K - 3) * (K - 5) * (K - 8) * (K - 13)

WRONG_FOR_LARGE_K = {
    "two constants": (1, 2),
    "K and a number": (K, 7),
    "another summand": (sum_over(j, p[j]), sum_over(j, q[j])),
    "another power": (sum_over(j, p[j] ** 2), sum_over(j, p[j]) ** 2),
    "wrong sign of the delta": (diff(LOSS, z[i]), softmax(i) + KroneckerDelta(i, y)),
    "a sum that depends on an outer index": (sum_over(j, exp(z[i] * z[j])), sum_over(j, exp(z[k] * z[j]))),
    "one that does not": (sum_over(j, exp(z[i] * z[j])), sum_over(j, exp(z[j]))),
    "two outer indices swapped": (sum_over(j, exp(z[i] * w[k] * z[j])), sum_over(j, exp(z[k] * w[i] * z[j]))),
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
    "0 and 1 taken for the same class": (z[0], z[1]),
    "a third class that need not be there": (KroneckerDelta(i, 0) + KroneckerDelta(i, 1), 1),
    "the larger one taken for the first": (Max(c, m), c),
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


# sum_over, and what SymPy makes of sums


def test_sum_over_runs_from_0_to_k_minus_1():
    assert sum_over(j, z[j]) == Sum(z[j], (j, 0, K - 1))


@pytest.mark.parametrize("condition", [i <= K - 1, i < K, Le(i, K - 1), Not(i >= K)])
def test_that_an_index_is_a_class_goes_without_saying(condition):
    assert assert_identity(Piecewise((z[i], condition), (0, True)), z[i])


@pytest.mark.parametrize("condition", [i <= K, i < K - 1, i > K - 1, i <= y])
def test_any_other_order_is_outside_the_grammar(condition):
    with pytest.raises(OutsideTheGrammar):
        assert_identity(Piecewise((z[i], condition), (0, True)), z[i])


def test_both_failures_are_assertion_errors_so_that_a_test_may_be_an_identity():
    assert issubclass(NotAnIdentity, AssertionError)
    assert issubclass(NotProved, AssertionError)
    assert not issubclass(NotProved, NotAnIdentity)


# Slips that were once let through, or answered with an error of Python's


@pytest.mark.parametrize(
    ("lhs", "rhs"), [(z[y] + c, z[y]), (log(q[i]) - z[i], log(q[i]) - z[y])], ids=["a term too many", "wrong index"]
)
def test_what_cancels_between_the_sides_still_gets_a_number(lhs, rhs):
    assert "on the left" in repr(refuted(lhs, rhs))
    with pytest.raises(NotAnIdentity):
        assert_identity(lhs, rhs)


def test_a_positive_whole_number_is_never_drawn_as_0():
    n = Symbol("N", integer=True, positive=True)
    assert spot_check((z[i] + z[k]) / n, z[i] / n + z[k] / n)


def test_an_index_past_the_end_gives_no_number():
    with pytest.raises(NotProved, match=r"^no numbers to compare at any point"):
        spot_check(sum_over(j, z[j + 1]), sum_over(j, z[j]))


def test_a_sum_that_may_be_complex_is_not_taken_for_real():
    logs = sum_over(j, log(z[j]))
    with pytest.raises(NotProved):
        assert_identity(BLIND * log(exp(logs)), BLIND * logs)


def test_a_step_without_a_value_proves_nothing():
    with pytest.raises(NotProved, match=r"^no numbers to compare"):
        assert_identity(1 / (softmax(i) - softmax(i, shift=c)), 7)


@pytest.mark.parametrize("variable", [z[j], z[j + 1], z[2 * j], z[K - j]])
def test_a_derivative_by_an_entry_that_has_the_index_of_a_sum_is_refused(variable):
    with pytest.raises(ValueError, match=r"^z\[.*\] must not share its index with a sum; got "):
        diff(sum_over(j, exp(z[j])), variable)


@pytest.mark.parametrize("variable", [z[i + 1], z[K], z[x], K, i, N, Symbol("a"), exp(c)])
def test_a_derivative_by_what_is_no_variable_is_refused(variable):
    with pytest.raises(ValueError, match="is not a variable"):
        diff(sum_over(j, exp(z[j])), variable)


def test_a_derivative_may_be_taken_more_than_once():
    assert diff(c**3, c, 2) == diff(c**3, (c, 2)) == diff(c**3, c, c) == 6 * c


def test_a_case_that_sympy_would_take_out_of_an_inner_sum_is_refused():
    inner = sum_over(j, Piecewise((q[j], Eq(i, j)), (0, True)))
    with pytest.raises(ValueError, match="write it with"):
        sum_over(i, p[i] * inner)
    assert assert_identity(sum_over(i, inner), sum_over(k, q[k]))


def test_an_index_that_is_bound_on_one_side_and_free_on_the_other_is_not_caught():
    assert assert_identity(
        KroneckerDelta(i, k) * sum_over(i, z[i] * z[k]), KroneckerDelta(i, k) * z[i] * sum_over(l, z[l])
    )
    with pytest.raises(NotProved):
        assert_identity(
            BLIND * KroneckerDelta(i, k) * sum_over(i, z[i] * z[k]),
            BLIND * KroneckerDelta(i, k) * sum_over(i, z[i] ** 2),
        )


def test_k_is_no_index():
    with pytest.raises(ValueError, match="K is the number of classes"):
        index("K")


# Zeros and one-hots


def test_at_zeros_an_identity_of_logarithms_is_tried_with_0_log_0_as_0():
    verdict = assert_identity(CROSS_ENTROPY, ENTROPY + DIVERGENCE, at_zeros=[p])
    assert repr(verdict) == "True for every K: sums worked out, and tried at zeros and one-hots of p"


@pytest.mark.parametrize("at_zeros", [True, [q]])
def test_what_has_no_value_at_zeros_is_said_to_have_none(at_zeros):
    with pytest.raises(
        NotProved, match=r"^proved for positive entries, but without a value at K = 2, .*q = \((0, 1|1, 0)\)"
    ):
        assert_identity(diff(CROSS_ENTROPY, q[k]), -p[k] / q[k], at_zeros=at_zeros)
