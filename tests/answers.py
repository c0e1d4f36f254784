# ruff: noqa: B905, as learners write
"""What learners answer: for every exercise right answers in unusual forms, and wrong ones.

A wrong answer comes with a pattern, for words that the verdict must contain. RIGHT and WRONG are to be read together,
exercise by exercise.
"""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import sympy
from sympy import Eq, IndexedBase, Piecewise, Rational, Sum, Symbol, sqrt, symbols

import xentlib
from xentlib.teaching.symbolic import K, KroneckerDelta, T, c, exp, i, j, k, l, log, m, p, q, sum_over, y, z

RIGHT, WRONG = {}, {}

# What a learner may have: symbols of the same names, declared anew
n = Symbol("n", integer=True)
plain_q, plain_z = IndexedBase("q"), IndexedBase("z")
q_i, q_k, q_y, p_i, z_i, x_d = symbols("q_i q_k q_y p_i z_i x_d")
g, h = IndexedBase("g"), IndexedBase("h")
is_true = Piecewise((1, Eq(i, y)), (0, True))


def soft(a):
    """Return softmax without care for large numbers."""
    e = np.exp(a)
    return e / e.sum(axis=-1, keepdims=True)


def safe(a):
    e = np.exp(a - np.max(a, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def hot(labels, n_classes):
    return np.eye(n_classes)[labels]


def softmax_of(index, temperature=1):
    return exp(z[index] / temperature) / Sum(exp(z[n] / temperature), (n, 0, K - 1))


SIGN, ROUNDED, OVERFLOW = "sign", "rounded too far|more digits", "overflow"
# What is said where a mistake has no name
UNNAMED = r"another expression|right value is|No entry is right|Right: only|entr(y|ies) of \d+ wrong|inputs right\.$"
BATCH = "whole batch|row by row"


# 1 Cross-entropy

RIGHT["01-surplus"] = ["0.625", "5/8", Fraction(5, 8), [0.625], np.float32(0.625), Rational(5, 8), " 0.625 ", "⅝"]
WRONG["01-surplus"] = [
    (-0.625, SIGN),
    (1.6, "one over|ratio"),
    (0.433, "nats"),
    (62.5, "percent"),
    (0.6, ROUNDED),
    (0.63, ROUNDED),
    (2.375, "whole bill"),
]
RIGHT["01-order"] = [["C", "B", "A"], "CBA", "C, B, A", "C < B < A", np.array(["C", "B", "A"]), ("c", "b", "a")]
WRONG["01-order"] = [
    ("ABC", "most expensive"),
    (["A", "B", "C"], "most expensive"),
    (("C", "A", "B"), "favour"),
    (("C", "B"), "a tuple of 3; got a tuple of 2"),
    (["B", "C", "A"], "beats the truth"),
]
RIGHT["01-uniform"] = [
    log(K) - Sum(-p[n] * log(p[n]), (n, 0, K - 1)),
    sum_over(i, p[i] * log(K * p[i])),
    sum_over(l, p[l] * (log(p[l]) - log(1 / K))),
    sum_over(j, p[j] * log(p[j] / (1 / K))),
]
WRONG["01-uniform"] = [
    (-sum_over(j, p[j] * log(K * p[j])), SIGN),
    (p[j] * log(K * p[j]), "index j is free|sum over"),
    (sum_over(j, p[j] * log(K * p[j])) / K, "divided by K|mean"),
    (sum_over(j, p[j] * log(p[j])), "missing|constant"),
    (sum_over(j, log(K * p[j])), UNNAMED),
    (K + sum_over(j, p[j] * log(p[j])), "logarithm|log"),
]
RIGHT["01-slope"] = [-p_i / q_i, -p[i] * q[i] ** -1, -1 / (q[i] / p[i]), -1.0 * p[i] / q[i]]
WRONG["01-slope"] = [
    (p_i / q_i, SIGN),
    (-q[i] / p[i], "p and q are swapped|ratio"),
    (-p[j] / q[j], "write i for j"),
    (q[i] - p[i], "logits|softmax"),
    (-p[i] * log(q[i]), UNNAMED),
    (-p[i] / q[i] + 1, "constant|same for every"),
]


def kl_loop(p, q):
    total = 0
    for a, b in zip(p, q):
        if a == 0:
            continue
        total += float("inf") if b == 0 else a * float(np.log(a / b))
    return total


RIGHT["01-kl"] = [
    kl_loop,
    lambda p, q: (
        np.where(p > 0, p * (np.log(np.where(p > 0, p, 1)) - np.log(q)), 0).sum()
        if not ((p == 0) & (q == 0)).any()
        else kl_loop(p, q)
    ),
    lambda truth, guess: xentlib.cross_entropy(truth, guess) - xentlib.entropy(truth),
]
WRONG["01-kl"] = [
    (lambda p, q: np.sum(p * (np.log(q + 1e-12) - np.log(p + 1e-12))), "clip, a mask or an added ε"),
    (lambda p, q: np.sum(p * np.log((p + 1e-9) / (q + 1e-9))), "ε|clip"),
    (lambda p, q: np.sum(p * np.log(p / q)), "0 · log 0"),
    (lambda p, q: np.nansum(p * np.log(q / p)), SIGN),
    (
        lambda p, q: np.mean(np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / np.where(p > 0, q, 1)), 0)),
        "divided by|mean|division",
    ),
    (lambda p, q: round(kl_loop(p, q), 3), "rounded"),
    (lambda p, q: xentlib.cross_entropy(p, q), "entropy of `p`"),
]
RIGHT["01-nothing"] = [(0, 0.9, 0.1), ["0", "1/2", "1/2"], np.array([0, 1 / 3, 2 / 3]), [0, 1, 0]]
WRONG["01-nothing"] = [
    ([0, 0.75, 0.3], "sum to 1.05, not to 1"),
    ([1, 0, 0], "does come"),
    ([0.2, 0.4, 0.4], "positive"),
    ([0, 1], "3 probabilities"),
    ([-0.5, 1, 0.5], "negative"),
]
RIGHT["01-unknown"] = ["c", " C ", "(c)", "C.", "c)"]
WRONG["01-unknown"] = [("A", "nothing about changes"), ("b", "You changed q"), ("D", "visitors vary"), (3, "a letter")]

RIGHT["01-who"] = [
    "20 %, 7 / 10, 10%",
    (Fraction(1, 5), "0.7", 0.1),
    ["20%", "70 %", "10%"],
    (Rational(1, 5), Decimal("0.7"), 0.1),
]
WRONG["01-who"] = [
    ([0.7, 0.2, 0.1], "exchanged"),
    ([0.8, 0.3, -0.1], "second bit"),
    ([0.29, 0.41, 0.31], "average over all visitors"),
    ([20, 70, 10], "percent"),
    ([0.1, 0.7, 0.2], "order"),
]
RIGHT["01-perfect"] = ["a", "(A)", "A: "]
WRONG["01-perfect"] = [("B", "Nothing was rounded"), ("C", "dog costs infinity"), ("D", "prefix code")]

# 2 Softmax

RIGHT["02-odds"] = [7.4, "7.4", np.e**2, [7.4], Decimal("7.39"), sympy.exp(2), "7.389"]
WRONG["02-odds"] = [
    (0.135, "cat against dog"),
    (2, "log-odds"),
    (7, ROUNDED),
    (2.718, "temperature"),
    (0.88, UNNAMED),
    (-7.39, SIGN),
]
RIGHT["02-cold"] = [(0, "1/2", "1/2"), [0, Fraction(1, 2), Fraction(1, 2)], np.array([0, 0.5, 0.5], np.float32)]
WRONG["02-cold"] = [
    ([0, 1, 1], "sum to 1"),
    ([0.5, 0.5, 0], "order"),
    ([1, 0, 0], UNNAMED),
    (0.5, "array of numbers of shape"),
    ([0, 50, 50], "percent"),
]
RIGHT["02-scores"] = [[0, 1.95, 0.69], np.log([1, 7, 2]), ["-2.30", "-0.36", "-1.61"], [log(1), log(7), log(2)]]
WRONG["02-scores"] = [
    ([2.3, 0.36, 1.61], "sign is turned"),
    ([0.1, 0.7, 0.2], "probabilities"),
    ([0, 2, 1], UNNAMED),
    ([-1, -0.155, -0.699], "base 10"),
    ([1, 7, 2], "exponential|logarithm|weights"),
]
RIGHT["02-log-softmax"] = [
    log(softmax_of(i, T)),
    plain_z[i] / Symbol("T") - log(Sum(exp(plain_z[n] / Symbol("T")), (n, 0, K - 1))),
    -log(sum_over(j, exp((z[j] - z[i]) / T))),
    (z_i - T * log(sum_over(j, exp(z[j] / T)))) / T,
]
WRONG["02-log-softmax"] = [
    (log(sum_over(j, exp(z[j] / T))) - z[i] / T, SIGN),
    (softmax_of(i, T), "logarithm|q_i"),
    (z[i] * T - log(sum_over(j, exp(z[j] * T))), "upside down|1/T"),
    (log(softmax_of(i)), "T is missing|T"),
    (log(softmax_of(j, T)), "write i for j"),
    (log(q[i]), "right with q for softmax"),
    (z[i] / T - log(sum_over(j, exp(z[j] / T)) / K), "mean"),
]
RIGHT["02-field"] = [
    log(exp(z[i]) / (Sum(exp(z[n]), (n, 0, K - 1)) - exp(z[i]))),
    log(softmax_of(i)) - log(1 - softmax_of(i)),
    -log(sum_over(j, exp(z[j] - z[i])) - 1),
    z[i] - log(sum_over(j, (1 - KroneckerDelta(i, j)) * exp(z[j]))),
]
WRONG["02-field"] = [
    (log(sum_over(j, exp(z[j])) - exp(z[i])) - z[i], "odds are turned round"),
    (softmax_of(i) / (1 - softmax_of(i)), "exponential|odds"),
    (z[i] - log(sum_over(j, exp(z[j]))), "log q_i|q_i"),
    (z[i] - z[j], "free|index"),
    (log(q[i] / (1 - q[i])), "q"),
    (log(1 - softmax_of(i)), "of the field alone"),
]


def softmax_in_place(z):
    out = z.astype(float).copy()
    out -= out.max(axis=-1, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis=-1)[..., None]
    return out


RIGHT["02-softmax"] = [
    softmax_in_place,
    lambda logits: np.exp(xentlib.log_softmax(logits)),
    lambda x: (safe(x)).tolist(),
]
WRONG["02-softmax"] = [
    (soft, OVERFLOW),
    (lambda z: soft(z - z.mean(-1, keepdims=True)), OVERFLOW),
    (lambda z: soft(z - z.max()), "batch|row by row|largest"),
    (lambda z: safe(z.T).T, "axis|columns|transpose"),
    (lambda z: soft(np.clip(z, -50, 50)), "clip"),
    (lambda z: np.log(safe(z)), "logarithm"),
    (lambda z: (e := np.exp(z - z.max(-1, keepdims=True))) / e.sum(), BATCH),
]
RIGHT["02-rounded"] = [(0, 1000), ["0", "-900"], np.array([0, 50]), [37, 0]]
WRONG["02-rounded"] = [
    ([0, np.inf], "finite"),
    ([3, 3], "tie"),
    ([0, 20], "Go further"),
    ([1, 2, 3], "2 logits"),
    (800, "2 logits"),
]
RIGHT["02-halved"] = ["a", "(A)", "A)"]
WRONG["02-halved"] = [("B", "factor of 0"), ("C", "Only leads count"), ("D", "keeps the order"), ("yes", "a letter")]

# 3 A classifier

RIGHT["03-count"] = ["650", 650.0, [650], np.int32(650), 64 * 10 + 10, Decimal(650), sympy.Integer(650)]
WRONG["03-count"] = [
    (640, "bias"),
    ("650 numbers", "a string"),
    (20800, "32|images|batch"),
    (-650, SIGN),
    (65, UNNAMED),
    (74, UNNAMED),
]
RIGHT["03-odds"] = ["3/2", [1.5], "1.5", Fraction(3, 2), np.float16(1.5)]
WRONG["03-odds"] = [
    (-1.5, SIGN + "|class 0 against"),
    (4.48, "exponential|odds"),
    (1, "bias"),
    (0.82, UNNAMED),
]
RIGHT["03-weight"] = [
    x_d * (softmax_of(k) - Piecewise((1, Eq(k, y)), (0, True))),
    Symbol("x_d", real=True) * softmax_of(k) - Symbol("x_d", real=True) * KroneckerDelta(y, k),
    x_d * (exp(z[k]) / sum_over(i, exp(z[i])) - KroneckerDelta(k, y)),
]
WRONG["03-weight"] = [
    (x_d * (KroneckerDelta(k, y) - softmax_of(k)), SIGN),
    (softmax_of(k) - KroneckerDelta(k, y), "x_d is missing|feature"),
    (x_d * softmax_of(k), "indicator|one-hot|true class"),
    (x_d * (q[k] - KroneckerDelta(k, y)), "right with q"),
    (x_d * (softmax_of(y) - KroneckerDelta(k, y)), "indices k and y"),
    (softmax_of(k) * x_d - KroneckerDelta(k, y), "x_d|feature|indicator|part"),
]


def weights_by_loop(W, X, labels):
    total = np.zeros(np.shape(W))
    for x, label in zip(X, labels):
        slopes = safe(W @ x)
        slopes[label] -= 1
        total += np.outer(slopes, x)
    return total / len(X)


RIGHT["03-weights"] = [
    weights_by_loop,
    lambda w, x, t: weights_by_loop(w, x, t).tolist(),
    lambda W, X, labels: np.einsum("nk,nd->kd", safe(X @ W.T) - hot(labels, len(W)), X) / X.shape[0],
]
WRONG["03-weights"] = [
    (lambda W, X, labels: -weights_by_loop(W, X, labels), SIGN),
    (lambda W, X, labels: weights_by_loop(W, X, labels) * len(X), "sum over|divide by"),
    (lambda W, X, labels: weights_by_loop(W, X, labels).T, "transpose"),
    (lambda W, X, labels: safe(X @ W.T).T @ X / len(X), "one-hot|labels|q"),
    (lambda W, X, labels: weights_by_loop(W, X, labels) / len(W), "number of entries|columns|rows of `W`"),
    (lambda W, X, labels: (safe(X @ W.T) - hot(labels, len(W))) / len(X), "slopes at the logits|shape"),
]
RIGHT["03-pinned"] = [
    lambda W: [[a - b for a, b in zip(row, W[-1])] for row in W],
    lambda w: w - np.tile(w[-1:], (len(w), 1)),
    lambda W: np.subtract(W, W[-1]),
]


def pinned_in_place(W):
    W -= W[-1]
    return W


def zero_last(W):
    W = W.copy()
    W[-1] = 0
    return W


WRONG["03-pinned"] = [
    (pinned_in_place, "work on a copy"),
    (zero_last, "last row|other rows|probabilities"),
    (lambda W: W[-1] - W, SIGN),
    (lambda W: W - W.mean(axis=0), "rows sum to 0"),
    (lambda W: W - W[0], UNNAMED),
    (lambda W: W - W[:, -1:], "column|row"),
]
RIGHT["03-bias"] = [(0.3, 0.1), np.array([[0.3, 0.1]])[0], ["1/4", 0], [Fraction(1, 5), Fraction(1, 10)]]
WRONG["03-bias"] = [
    ([0, 2], "wins without"),
    ([3, 0], "½ or more"),
    ([1, 2, 3], "2 features"),
    ("0.3", "2 features|input"),
]
RIGHT["03-contrast"] = ["d", "D:", "(d)"]
WRONG["03-contrast"] = [
    ("A", "in the exponents"),
    ("B", "stays the largest"),
    ("C", "weighs features"),
    (None, "not answered yet"),
]

RIGHT["03-biases"] = [
    [0.19, -2.5, 2],
    np.array([-2, -4.69, -0.19]) + 7,
    (log(Rational(1, 2)) - 0.5, log(Rational(1, 4)) - 2.5, log(Rational(1, 4)) + 2),
]
WRONG["03-biases"] = [
    ([-0.69, -1.39, -1.39], "is a part of them"),
    ([-0.19, 1.11, -3.39], "in them already"),
    ([0, -2.25, 2.25], "taken for logits"),
    ([-0.19, 2.5, -2], "sign"),
    ([0.19, -2.5], r"shape \(3,\)"),
]
RIGHT["03-negative"] = ["b", "(b)", "B!"]
WRONG["03-negative"] = [("A", "moves the other logits"), ("C", "with and without"), ("D", "still positive")]

# 4 The loss

RIGHT["04-guess"] = ["2.30", 2.3, np.log(10), log(10), -np.log(0.1), [2.30], np.float32(2.3026)]
WRONG["04-guess"] = [
    (-2.303, SIGN),
    ("nan", "not a number"),
    (3.32, "bits"),
    (9.30, "log-sum-exp"),
    (1.0, UNNAMED),
    (2, ROUNDED),
    (0.1, "probability"),
]
RIGHT["04-two-photos"] = ["4", 4.0, [4], Fraction(4, 1), np.exp(np.log(16) / 2), sympy.sqrt(16)]
WRONG["04-two-photos"] = [
    (0.25, "ratio|one over|1/"),
    (1.386, "logarithm|mean loss|exponential"),
    (16, "product|root|mean|squared"),
    (5, "mean of|arithmetic|larger|smaller"),
    (2, "bits|logarithm|mean"),
]
RIGHT["04-slope-epsilon"] = [
    -is_true / (q_y + c),
    -KroneckerDelta(y, i) / (Symbol("c") + plain_q[y]),
    -is_true / (q[i] + c),
]
WRONG["04-slope-epsilon"] = [
    (KroneckerDelta(i, y) / (q[y] + c), SIGN),
    (-1 / (q[y] + c), "other slopes are 0"),
    (-KroneckerDelta(i, y) / q[y], "ε got lost"),
    (-(i == y) / (q[y] + c), "KroneckerDelta"),
    (-int(i == y), "KroneckerDelta"),
    (-KroneckerDelta(i, y) * (q[y] + c), "upside down|ratio|factor"),
    (-KroneckerDelta(i, k) / (q[y] + c), "y for k"),
]
RIGHT["04-raise"] = [
    -log(q_y * exp(c) / (1 - q_y + q_y * exp(c))),
    log(1 - q_y + q_y * exp(Symbol("c"))) - log(q_y) - c,
    log(1 + exp(-c) * (1 - plain_q[y]) / plain_q[y]),
    -c + log(1 + q[y] * (exp(c) - 1)) - log(q[y]),
]
WRONG["04-raise"] = [
    (-log(q_y) - c, "denominator|missing|sum"),
    (-log(q_y + c), "logit"),
    (log(1 + (1 - q_y) * exp(c) / q_y), "lowered by c"),
    (log(q_y * exp(c) / (1 - q_y + q_y * exp(c))), SIGN),
    (-log(q_y * exp(c)), "sum|denominator|missing"),
    (q_y * exp(c) / (1 - q_y + q_y * exp(c)), "logarithm|probability"),
]


def loss_by_hand(logits, label):
    others = [float(v) - float(logits[label]) for n, v in enumerate(logits) if n != label]
    top = max(others)
    if top <= 0:
        return np.log1p(sum(np.exp(others)))
    return top + np.log(np.exp(-top) + sum(np.exp(np.subtract(others, top))))


RIGHT["04-loss"] = [
    loss_by_hand,
    lambda scores, t: [loss_by_hand(scores, t)][0],
    lambda z, y: xentlib.softmax_cross_entropy(z, y),
]
WRONG["04-loss"] = [
    (lambda z, y: -np.log(soft(z)[y]), OVERFLOW),
    (lambda z, y: -np.log(safe(z)[y] + 1e-12), "ε"),
    (lambda z, y: -np.log(safe(z)[y]), "rounds to 0 or to 1"),
    (lambda z, y: np.log(np.exp(z - z.max()).sum()) + z.max() - z[y], "drowns"),
    (lambda z, y: -loss_by_hand(z, y), SIGN),
    (lambda z, y: loss_by_hand(z, y) / np.log(2), "bits"),
    (lambda z, y: -np.log(np.clip(safe(z)[y], 1e-9, 1)), "clip"),
    (lambda z, y: -xentlib.log_softmax(z), "array of numbers|entry|classes"),
]
RIGHT["04-perplexity"] = [
    lambda z, y: np.exp(np.mean([loss_by_hand(*pair) for pair in zip(z, y)])),
    lambda scores, truth: float(np.prod([1 / safe(s)[t] for s, t in zip(scores, truth)]) ** (1 / len(truth))),
]
WRONG["04-perplexity"] = [
    (lambda z, y: xentlib.softmax_cross_entropy(z, y), "logarithm|exponential"),
    (lambda z, y: 1 / np.exp(xentlib.softmax_cross_entropy(z, y)), "ratio|one over|sign"),
    (lambda z, y: np.exp(xentlib.softmax_cross_entropy(z, y, reduction="sum")), "added here"),
    (lambda z, y: 2 ** xentlib.softmax_cross_entropy(z, y), "base|nats|bits|2"),
    (lambda z, y: np.mean(np.exp(xentlib.softmax_cross_entropy(z, y, reduction="none"))), "mean|average"),
]
RIGHT["04-epsilon"] = [(-30, 0), ["-20", "0"], [0, 100], np.array([-17.0, 0.0])]
WRONG["04-epsilon"] = [
    ([20, 0], "not behind"),
    ([-5, 0], "further behind"),
    ([0, np.inf], "finite"),
    ([0, 16.3], "further"),
]
RIGHT["04-hits"] = ["b", "B.", "[B]"]
WRONG["04-hits"] = [("A", "same photos"), ("C", "K is the same"), ("D", "do not say so")]

RIGHT["04-lead"] = ["4.45", [4.45], log(9) - log(exp(Rational(1, 10)) - 1), -np.log(np.expm1(0.1) / 9), 4.447]
WRONG["04-lead"] = [
    (4.4, ROUNDED),
    (-4.45, SIGN),
    (2.25, "single rival"),
    (4.55, "own rival"),
    (4.5, "second decimal"),
    (0.9, "probability of the true class"),
    (85.6, "exponential"),
]
RIGHT["04-worse"] = ["c", "C)", "option C"]
WRONG["04-worse"] = [("A", "A constant"), ("B", "one-hot"), ("D", "no training")]

# 5 The gradient

RIGHT["05-signs"] = [
    (0.23, 0.63, -0.86),
    ["0.23", "0.63", "-0.86"],
    [0.2312, 0.6285, -0.8598],
    np.array([[0.23, 0.63, -0.86]])[0],
    "0.23, 0.63, -0.86",
    safe([1, 2, 0.5]) - [0, 0, 1],
]
WRONG["05-signs"] = [
    ([-0.23, -0.63, 0.86], SIGN),
    ([0.23, -0.37, 0.14], "dog|bird|label"),
    ([0.23, 0.63, 0.14], "This is q"),
    ([0.2, 0.6, -0.9], ROUNDED),
    ([0.23, 0.63], "shape"),
    ([23, 63, -86], "percent"),
]
RIGHT["05-temperature"] = [
    (softmax_of(i, T) - is_true) / T,
    softmax_of(i, Symbol("T")) / Symbol("T") - is_true / T,
    -(KroneckerDelta(i, y) - exp(z_i / T) / sum_over(l, exp(z[l] / T))) / T,
]
WRONG["05-temperature"] = [
    (softmax_of(i, T) - KroneckerDelta(i, y), "1/T|divid|T"),
    ((KroneckerDelta(i, y) - softmax_of(i, T)) / T, SIGN),
    ((q[i] - KroneckerDelta(i, y)) / T, "right with q"),
    (softmax_of(i, T) / T, "indicator|one-hot|1"),
    (T * (softmax_of(i, T) - KroneckerDelta(i, y)), "T squared|T"),
    ((softmax_of(i) - KroneckerDelta(i, y)) / T, "exponent|inside|T"),
    ((softmax_of(j, T) - KroneckerDelta(j, y)) / T, "write i for j"),
    ((softmax_of(i, T) - is_true) / T**2, "divided by T"),
]
RIGHT["05-weights"] = [
    softmax_of(i) * Sum(p[n], (n, 0, K - 1)) - p_i,
    Sum(p[n] * softmax_of(i), (n, 0, K - 1)) - p[i],
    sum_over(j, p[j] * (softmax_of(i) - KroneckerDelta(i, j))),
]
WRONG["05-weights"] = [
    (softmax_of(i) - p[i], "sum to 1|Σ|missing"),
    (p[i] - softmax_of(i) * sum_over(j, p[j]), SIGN),
    (q[i] * sum_over(j, p[j]) - p[i], "right with q"),
    (softmax_of(i) * p[i] - p[i], "missing|sum|p"),
    (softmax_of(i) * sum_over(j, p[j]), "missing|p_i|part"),
]


def gradient_by_hand(logits, y):
    logits = [float(v) for v in logits]
    e = [np.exp(v - max(logits)) for v in logits]
    return [a / sum(e) - (n == y) for n, a in enumerate(e)]


RIGHT["05-gradient"] = [
    gradient_by_hand,
    lambda s, t: tuple(gradient_by_hand(s, t)),
    lambda scores, label: safe(scores) - hot(label, scores.size),
]
WRONG["05-gradient"] = [
    (lambda z, y: soft(z) - hot(y, len(z)), OVERFLOW),
    (lambda z, y: hot(y, len(z)) - safe(z), SIGN),
    (lambda z, y: soft(z - z[y]) - hot(y, len(z)), OVERFLOW),
    (lambda z, y: (safe(z) - hot(y, len(z))) / len(z), "divi|length"),
    (lambda z, y: safe(z) - hot(0, len(z)), "label|class 0|index"),
    (lambda z, y: safe(z) - 1, "every class|constant|1"),
    (lambda z, y: np.round(safe(z) - hot(y, len(z)), 2), "rounded"),
    (lambda z: safe(z), "called as f"),
    (lambda z, y: (safe(z) - hot(y, len(z)))[None], "shape \\(1, "),
    (lambda z, y: safe(safe(z)) - hot(y, len(z)), "twice"),
]


def batch_by_rows(logits, labels):
    return [[v / len(logits) for v in gradient_by_hand(row, t)] for row, t in zip(logits, labels)]


def batch_in_place(logits, labels):
    g = xentlib.softmax(logits)
    g[range(len(labels)), labels] -= 1
    g /= len(labels)
    return g


RIGHT["05-batch"] = [batch_by_rows, batch_in_place, lambda s, t: np.stack([np.array(r) for r in batch_by_rows(s, t)])]
WRONG["05-batch"] = [
    (lambda z, y: np.array(batch_by_rows(z, y)) * len(z), "sum|divide by"),
    (lambda z, y: -np.array(batch_by_rows(z, y)), SIGN),
    (lambda z, y: np.array(batch_by_rows(z, y)).mean(axis=0), "shape"),
    (lambda z, y: np.array(batch_by_rows(z, y)) / z.shape[1], "entries|columns"),
    (lambda z, y: (safe(z) - hot(y, z.shape[1])) / z.shape[1], "columns"),
    (lambda z, y: (soft(z - z.mean()) / 1 - hot(y, z.shape[1])) / len(z), OVERFLOW + "|batch"),
    (lambda z, y: ((e := np.exp(z - z.max())) / e.sum() - hot(y, z.shape[1])) / len(z), BATCH),
    (lambda z, y: (safe(z.T).T - hot(y, z.shape[1])) / len(z), "axis|column"),
    (lambda z, y: safe(z) / len(z), "one-hot|q"),
]
RIGHT["05-flat-zero"] = [(0, 40, 0), ["0", "50", "-1"], np.array([0, 300, 0])]
WRONG["05-flat-zero"] = [
    ([0, 800, 0], "true gradient, too, is 0"),
    ([3, 0, 0], "does not lead"),
    ([0, 20, 0], "Go further"),
    ([0, 40], "3 logits|three"),
]
RIGHT["05-two-steps"] = [(800, 0, 0), [0, -1000, "0"], [0, -750, 0]]
WRONG["05-two-steps"] = [
    ([0, 2, 0], "less than 3"),
    ([30, 0, 0], "cancels"),
    ([1, 1, 1], "ties"),
    ([np.inf, 0, 0], "finite"),
]
RIGHT["05-cancel"] = ["b", "B)", "(b)."]
WRONG["05-cancel"] = [("A", "Only −log q_y"), ("C", "exact for every z"), ("D", "has another")]

RIGHT["05-logits"] = [
    [0, 0.92, 1.39, 0.92],
    (log(2), log(5), log(8), log(5)),
    np.log([0.1, 0.25, 0.4, 0.25]) + 100,
    "0 0.92 1.39 0.92",
]
WRONG["05-logits"] = [
    ([-2.3, -1.39, -0.51, -1.39], "probability 0.4"),
    ([0.1, 0.25, 0.4, 0.25], "give it their logarithms"),
    ([0.1, 0.25, -0.6, 0.25], "gradient itself"),
    ([0, -0.92, -1.39, -0.92], "sign"),
    ([2, 5, 8, 5], "logarithm"),
]
RIGHT["05-votes"] = ["d", "(D)", " d."]
WRONG["05-votes"] = [("A", "badly wrong"), ("B", "third each"), ("C", "start decides only")]

# 6 The Jacobian

RIGHT["06-nudge"] = [
    ["0.015", "-0.010", "-0.005"],
    (0.015, -0.01, -0.005),
    [Fraction(15, 1000), Rational(-1, 100), -0.005],
]
WRONG["06-nudge"] = [
    ([-0.015, 0.01, 0.005], SIGN),
    ([0.25, -0.167, -0.083], "divided|0.06|factor|division"),
    ([0.03, 0, 0], "denominator did not"),
    ([0.02, -0.01, -0.01], ROUNDED),
    ([0.515, 0.323, 0.162], UNNAMED),
    ([1.5, -1, -0.5], "percent"),
]
RIGHT["06-diagonal"] = [["0.6", "0.3", "0.1"], [Fraction(3, 5), Fraction(3, 10), 0.1], (0.6, 0.3, 0.1)]
WRONG["06-diagonal"] = [
    ([0.4, 0.7, 0.9], "1 minus|other root|sum"),
    ([0.4, 0.3, 0.1], "sum|first|entries"),
    ([60, 30, 10], "percent"),
    ([0.1, 0.3, 0.6], "order"),
    ([0.24, 0.21, 0.09], UNNAMED),
    ([0.49, 0.458, 0.3], "root|1 − q|square"),
]
entropy_q = -sum_over(j, q[j] * log(q[j]))
RIGHT["06-entropy"] = [
    q_k * (Sum(q[n] * log(q[n]), (n, 0, K - 1)) - log(q_k)),
    -plain_q[k] * (log(plain_q[k]) + entropy_q),
    -sum_over(l, q[k] * q[l] * log(q[k] / q[l])),
]
WRONG["06-entropy"] = [
    (q[k] * (log(q[k]) + entropy_q), SIGN),
    (-q[k] * (log(q[k]) - entropy_q), "sign|part"),
    (-log(q[k]) - 1, "respect to q|chain|logit"),
    (-q[k] * log(q[k]), "missing|part|sum"),
    (-(log(q[k]) + entropy_q), "q\\[k\\]|factor|missing"),
    (-q[j] * (log(q[j]) + entropy_q), "write k for j"),
]
zero_or_one = KroneckerDelta(k, 0) + KroneckerDelta(k, 1)
RIGHT["06-either"] = [
    q_k - q_k * zero_or_one / (q[0] + q[1]),
    Piecewise((q[k] - q[k] / (q[0] + q[1]), sympy.Or(Eq(k, 0), Eq(k, 1))), (q[k], True)),
    q[k] * (1 - zero_or_one / (q[0] + q[1])),
    softmax_of(k) - (zero_or_one * exp(z[k])) / (exp(z[0]) + exp(z[1])),
]
WRONG["06-either"] = [
    (q[k] * zero_or_one / (q[0] + q[1]) - q[k], SIGN),
    (q[k] - zero_or_one, "share"),
    (q[k] - zero_or_one / 2, "half|share|equal"),
    (q[k] - q[k] / (q[0] + q[1]), "indicator|other classes|every"),
    (q[k], "missing|indicator|part"),
]
RIGHT["06-log-softmax"] = [
    lambda z, g: [[b - s * sum(row) for b, s in zip(row, soft)] for row, soft in zip(g, safe(z))],
    lambda logits, g: g - np.einsum("nk,nl->nk", safe(logits), g),
]
WRONG["06-log-softmax"] = [
    (lambda z, g: g - safe(z), "`g` sum to 1"),
    (lambda z, g: safe(z) * (g - (safe(z) * g).sum(1, keepdims=True)), "softmax|log-softmax|q"),
    (lambda z, g: safe(z) * g.sum(1, keepdims=True) - g, SIGN),
    (lambda z, g: g - safe(z) * g.sum(), BATCH),
    (lambda z, g: g - soft(z - z.mean(-1, keepdims=True)) * g.mean(1, keepdims=True), "sum to 0"),
    (lambda z, g: g - safe(z) * g, UNNAMED),
]
RIGHT["06-offset"] = [
    [1e16 + 2, 1e16, 1e16, 1e16],
    np.array([1e17 + 16, 1e17, 1e17, 1e17]),
    ["20000000000000004", 2e16, 2e16, 2e16],
]
WRONG["06-offset"] = [
    ([1, 0, 0, 0], "not much larger"),
    ([1000001, 1000000, 1000000, 1000000], "sixteen digits"),
    ([1, 1, 1, 1], "at least 0.01|allowed"),
    ([1, 2, 3], "four|4 "),
]
RIGHT["06-inverse"] = ["c", "C", "(C)"]
WRONG["06-inverse"] = [("A", "sums to 0"), ("B", "not independent"), ("D", "shift of all")]

# 7 Backpropagation

RIGHT["07-roads"] = ["48", [48], 48.0, np.float32(48), sympy.Integer(48)]
WRONG["07-roads"] = [
    (42, "road|c|d|larger"),
    (-48, SIGN),
    (24, "divided by 2|factor|road"),
    (14, UNNAMED),
    (30, "b|road|larger"),
]
RIGHT["07-unsorted"] = ["d", "D ", "(D)"]
WRONG["07-unsorted"] = [("A", "second call"), ("B", "another road"), ("C", "work is not")]
RIGHT["07-features"] = [(-1, 3), ["-1", "3"], np.array([-1, 3], np.int8), [-1.0, 3.0]]
WRONG["07-features"] = [
    ([1, -3], SIGN),
    ([3, -1], "order"),
    ([2, 0], "one-hot|true|entr|constant|q"),
    ([-3, 3], "true score alone"),
    ([-0.33, 0.33, 1], "shape"),
]


def table_by_loop(g, ids, V):
    slopes = [[0.0] * len(g[0]) for _ in range(V)]
    for row, word in zip(g, ids):
        for d, v in enumerate(row):
            slopes[word][d] += v
    return slopes


def overwritten(g, ids, V):
    E = np.zeros((V, g.shape[1]))
    E[ids] = g
    return E


def once(g, ids, V):
    E = np.zeros((V, g.shape[1]))
    E[ids] += g
    return E


RIGHT["07-lookup"] = [
    table_by_loop,
    lambda g, ids, V: np.eye(V)[ids].T @ g,
    lambda grad, words, size: sum(np.outer(np.eye(size)[w], r) for w, r in zip(words, grad)),
]
WRONG["07-lookup"] = [
    (overwritten, "more than once|twice|again|several"),
    (once, "more than once|twice|again|several"),
    (lambda g, ids, V: (np.eye(V)[ids].T @ g) / len(g), "Divided|mean|divi"),
    (lambda g, ids, V: -(np.eye(V)[ids].T @ g), SIGN),
    (lambda g, ids, V: (np.eye(V)[ids].T @ g).T, "transpose"),
    (lambda g, ids, V: g[ids], "raised IndexError"),
]
RIGHT["07-ties"] = [(2, 2, 1, 0), ["3", "3", "3", "3"], np.array([5, -1, 5, 0])]
WRONG["07-ties"] = [
    ([0, 0, -1, 0], "No number is positive"),
    ([1, 2, 3, 4], "no doubt"),
    ([3, 1, 1, 0], "below the largest"),
    ([2, 2, np.nan, 0], "finite"),
]
norm = sqrt(Sum(z[n] ** 2, (n, 0, K - 1)))
RIGHT["07-length"] = [
    (g[i] - z[i] / norm * Sum(g[n] * z[n] / norm, (n, 0, K - 1))) / norm,
    sum_over(j, g[j] * (KroneckerDelta(i, j) / norm - z[i] * z[j] / norm**3)),
    g[i] / norm - z_i * Sum(g[n] * plain_z[n], (n, 0, K - 1)) / norm**3,
]
along = Sum(g[n] * z[n], (n, 0, K - 1))
WRONG["07-length"] = [
    (g[i] / norm, "length|missing|part"),
    (g[i] / norm + z[i] * along / norm**3, "sign"),
    (g[i] / norm - z[i] * along / norm**2, "division|power|length|norm"),
    (g[j] / norm - z[j] * along / norm**3, "write i for j"),
    (z[i] * along / norm**3 - g[i] / norm, SIGN),
    (g[i] - z[i] * along / norm**2, UNNAMED),
]
RIGHT["07-report"] = [("3/4", "3/4", 2), [0.75, 0.75, 2], np.array([0.75, 0.75, 2.0], np.float16), "0.75, 0.75, 2"]
WRONG["07-report"] = [
    ([3, 0.75, 2], "larger of the two"),
    ([0.75, 0.75, 0], "wrong sign"),
    ([75, 75, 200], "percent"),
    ([4, 0.25, -1], "ratios"),
    ([0.75, -0.75, 2], UNNAMED),
]

RIGHT["07-scores"] = [[2.08, 0.69, 2.3], (3 * log(2), log(2), log(10)), ["2.079", "0.693", "2.303"]]
WRONG["07-scores"] = [
    ([-0.92, -2.3, -0.69], "sum to 1"),
    ([8, 2, 10], "exponentials"),
    ([2.08, 2.89, 2.3], "Two roads"),
    ([0.9, 0.3, 1.0], "base 10"),
    ([2.1, 0.7, 2.3], ROUNDED),
    ([-2.08, -0.69, -2.3], SIGN),
]

# 8 Descent

RIGHT["08-sum"] = [["-4.25", "12", "-4.25"], (-4.25, 12, -4.25), [Fraction(-17, 4), 12, Fraction(-17, 4)]]
WRONG["08-sum"] = [
    ([-4, 12, -4.5], "rate"),
    ([1, 12, 0.5], "lose"),
    ([-4.2, 12, -4.2], ROUNDED),
    ([-6, 12, -6], "sum"),
    ([12, -4.25, -4.25], "order"),
    ([4.25, -12, 4.25], SIGN),
]
RIGHT["08-penalty"] = [
    -Symbol("c") * Sum(plain_z[n], (n, 0, K - 1)),
    sum_over(j, p[j] - q[j] - c * z[j]),
    -sum_over(i, c * z[i]),
]
WRONG["08-penalty"] = [
    (c * sum_over(j, z[j]), SIGN),
    (-c * z[i], "free|sum over"),
    (-sum_over(j, z[j]), "c is missing"),
    (-c * sum_over(j, z[j]) / 2, "½|divided by 2"),
    (-c * K * sum_over(j, z[j]), "K"),
    (0, "penalty"),
]
RIGHT["08-ahead"] = ["b", "B,", "(B)"]
WRONG["08-ahead"] = [("A", "where dog is"), ("C", "reason is not"), ("D", "dog. The sum")]
RIGHT["08-clock"] = [142, "142", 142.5, [142], 142.48, (np.exp(6) - np.exp(-6) + 24) / 3]
WRONG["08-clock"] = [
    (134, "largest part"),
    (8, "start"),
    (427, "three times"),
    (-142.5, SIGN),
    (140, UNNAMED),
]


def margin_by_loop(W, X, labels):
    smallest = np.inf
    for x, t in zip(X, labels):
        s = W @ x
        for other in range(len(W)):
            if other != t:
                smallest = min(smallest, s[t] - s[other])
    return smallest / np.sqrt((W * W).sum())


RIGHT["08-margin"] = [margin_by_loop, lambda w, x, t: [margin_by_loop(w, x, t)][0]]
WRONG["08-margin"] = [
    (lambda W, X, labels: margin_by_loop(W, X, labels) * np.linalg.norm(W), "norm"),
    (lambda W, X, labels: -margin_by_loop(W, X, labels), SIGN),
    (lambda W, X, labels: margin_by_loop(W, X, labels) / np.linalg.norm(W), "norm|divi"),
    (lambda W, X, labels: margin_by_loop(W, X, labels) * np.linalg.norm(W) / np.linalg.norm(W, 2), "spectral"),
    (lambda W, X, labels: margin_by_loop(W, X, labels) / len(X), "rows of `X`|divi"),
]
RIGHT["08-features"] = [(6, 0), ["6", "0"], [0, 10], np.array([-8, 8])]
WRONG["08-features"] = [
    ([2, 2], "equal"),
    ([1, 0.5], "short"),
    ([3, 0], "overshoot"),
    ([1000, 0], "±100"),
    ([6, 0, 0], "2 features"),
]
square = Sum(q[n] * (q[n] - p[n]) ** 2, (n, 0, K - 1))
average = Sum(q[n] * (q[n] - p[n]), (n, 0, K - 1))
RIGHT["08-squares"] = [
    average**2 - square,
    -sum_over(j, q[j] * (q[j] - p[j] - average) ** 2),
    sum_over(j, (q[j] - p[j]) * q[j] * (p[j] - q[j] + average)),
]
WRONG["08-squares"] = [
    (square - average**2, SIGN),
    (-square, "missing|part"),
    (2 * (average**2 - square), "twice|2 times"),
    (-sum_over(j, (q[j] - p[j]) ** 2), "cross-entropy"),
    (average**2 - q[j] * (q[j] - p[j]) ** 2, "free|sum over"),
    (-square - average**2, "sign"),
]

RIGHT["08-rest"] = ["0.144", 1 / log(1024), [0.1443], 0.3 / np.log(8), Decimal("0.144")]
WRONG["08-rest"] = [
    (0.14, ROUNDED),
    (6.93, "ratio|one over"),
    (0.96, "AdamW"),
    (0.096, "rivals are pushed"),
    (0.289, "Each has 0.1"),
    (0.22, "both rivals"),
    (-0.144, SIGN),
    (14.4, "percent"),
]
RIGHT["08-total"] = ["a", "A.", "(a)"]
WRONG["08-total"] = [("B", "of the penalty as well"), ("C", "losses alone"), ("D", "takes longer")]

# 9 Curvature

RIGHT["09-bend"] = ["11/4", "2.75", 2.75, [2.75], Fraction(11, 4), Rational(11, 4)]
WRONG["09-bend"] = [
    (3, "mean of the squares"),
    (1.375, "half"),
    (-2.75, SIGN),
    (1.66, UNNAMED),
    (2.7, ROUNDED),
    (0.5, UNNAMED),
]
third = softmax_of(i) * (1 - softmax_of(i)) * (1 - 2 * softmax_of(i))
RIGHT["09-third"] = [
    q_i - 3 * q_i**2 + 2 * q_i**3,
    third,
    plain_q[i] * (1 - plain_q[i]) - 2 * plain_q[i] ** 2 * (1 - plain_q[i]),
]
WRONG["09-third"] = [
    (q[i] * (1 - q[i]) * (2 * q[i] - 1), SIGN),
    (1 - 2 * q[i], "chain rule"),
    (q[j] * (1 - q[j]) * (1 - 2 * q[j]), "write i for j"),
    (q[i] * (1 - q[i]), "missing|factor|differentiated"),
    (q[i] * (1 - q[i]) * (1 - q[i]), "2|factor|first"),
    (2 * q[i] * (1 - q[i]) * (1 - 2 * q[i]), "2 times"),
]
RIGHT["09-uniform"] = ["c", "C", "c."]
WRONG["09-uniform"] = [("A", "one point"), ("B", "every K"), ("D", "below 4")]


def diagonal_by_loop(W, X):
    out = [[0.0] * len(X[0]) for _ in W]
    for x in X:
        q = safe(W @ x)
        for a in range(len(W)):
            for b in range(len(x)):
                out[a][b] += q[a] * (1 - q[a]) * x[b] ** 2 / len(X)
    return out


RIGHT["09-diagonal"] = [
    diagonal_by_loop,
    lambda w, f: np.mean([np.outer(s * (1 - s), x * x) for s, x in zip(safe(f @ w.T), f)], axis=0),
]
WRONG["09-diagonal"] = [
    (lambda W, X: np.array(diagonal_by_loop(W, X)) * len(X), "sum|divide"),
    (lambda W, X: np.array(diagonal_by_loop(W, X)).T, "transpose"),
    (lambda W, X: -np.array(diagonal_by_loop(W, X)), SIGN),
    (lambda W, X: safe(X @ W.T).T @ X**2 / len(X), "1 − q"),
    (lambda W, X: (safe(X @ W.T) * (1 - safe(X @ W.T))).T @ X / len(X), "squared"),
    (lambda W, X: (safe(X @ W.T) * (1 - safe(X @ W.T))).T @ X**2 / X.shape[1], "columns|number of rows|D"),
]
RIGHT["09-halfway"] = [((2, 2), (-2, -2)), [["3", "3"], ["-3", "-3"]], np.array([[4, 1], [-4, -1]]), [[5, 5], [-5, -5]]]
WRONG["09-halfway"] = [
    ([[1, 2], [1, 2]], "same"),
    ([[1, 2], [1, -1]], "One of the weights"),
    ([1, 2, 3, 4], "shape \\(2, 2\\)"),
    ([[1, 1], [3, 2]], "halfway"),
]
RIGHT["09-damped"] = [
    lambda logits, g, c: (
        np.linalg.inv(np.diag(safe(logits)) - np.outer(safe(logits), safe(logits)) + c * np.eye(len(g))) @ g
    ),
    lambda s, v, damping: np.linalg.solve(np.diag(safe(s) + damping) - np.outer(safe(s), safe(s)), v).tolist(),
]


def hessian(z):
    return np.diag(safe(z)) - np.outer(safe(z), safe(z))


WRONG["09-damped"] = [
    (lambda z, g, c: -np.linalg.solve(hessian(z) + c * np.eye(len(g)), g), SIGN),
    (lambda z, g, c: np.linalg.solve(hessian(z) + c, g), "every entry|diagonal"),
    (lambda z, g, c: (hessian(z) + c * np.eye(len(g))) @ g, "multiplies|Solve"),
    (lambda z, g, c: np.linalg.solve(hessian(z) - c * np.eye(len(g)), g), "sign of `c`"),
    (lambda z, g, c: c * np.linalg.solve(hessian(z) + c * np.eye(len(g)), g), "c times|factor"),
    (lambda z, g, c: np.linalg.solve(hessian(z), g), "singular|c is missing|raised|`c`|c"),
]
RIGHT["09-newton"] = [
    c - sympy.sinh(c),
    Symbol("c") - (exp(Symbol("c")) - exp(-Symbol("c"))) / 2,
    c + (exp(-c) - exp(c)) / 2,
    c - 0.5 * exp(c) + 0.5 * exp(-c),
]
WRONG["09-newton"] = [
    (c + sympy.sinh(c), "sign"),
    (-sympy.sinh(c), "lead after"),
    (0, "parabola"),
    (c - 2 * sympy.sinh(c), "factor|2|twice|part"),
    (sympy.sinh(c) - c, SIGN),
    (c - sympy.cosh(c), "sign|part|another"),
]

RIGHT["09-from-eigenvalue"] = ["90%", "9/10", Fraction(9, 10), [0.9], Rational(1, 2) + sqrt(Rational(4, 25))]
WRONG["09-from-eigenvalue"] = [
    (0.76, "on the diagonal"),
    (0.95, "length √2"),
    (0.91, "product of the two"),
    (0.1, "other class"),
    (0.82, "1 minus the eigenvalue"),
    (90, "percent"),
]

# 10 Why cross-entropy

RIGHT["10-root"] = [
    sqrt(p_i) / Sum(sqrt(p[n]), (n, 0, K - 1)),
    p[i] ** 0.5 / sum_over(l, p[l] ** Rational(1, 2)),
    1 / sum_over(j, sqrt(p[j] / p[i])),
]
WRONG["10-root"] = [
    (p[i], "truth|log|1/q|proper|itself"),
    (sqrt(p[i]), "sum to 1|divi|missing|normal"),
    (p[i] ** 2 / sum_over(j, p[j] ** 2), "root|power|square"),
    (sqrt(p[j]) / sum_over(k, sqrt(p[k])), "write i for j"),
    (sqrt(p[i]) / sum_over(i, sqrt(p[i])) * K, "mean over the classes"),
    (sqrt(p[i] / sum_over(j, p[j])), "sum|missing|normal"),
]
RIGHT["10-rivals"] = [(0.2, 0.4, 0.4), ["1/3", "1/3", "1/3"], [0, 0.5, 0.5], [0.25, 0.5, 0.25]]
WRONG["10-rivals"] = [
    ([0.4, 0.6, 0], "Only one rival"),
    ([0.7, 0.15, 0.15], "Cat has so much"),
    ([1, 1, 1], "sum to 3"),
    ([0.2, 0.78, 0.02], "too little"),
]
RIGHT["10-margins"] = [(-2, 1, 0, 1), ["-2", "1", "0", "1"], np.array([-2, 1, 0, 1], np.int64), "-2, 1, 0, 1"]
WRONG["10-margins"] = [
    ([2, -1, 0, -1], SIGN),
    ([-1, 0, 0, 1], "class 1|margin|entr"),
    ([-2, 0.5, 0, 2], UNNAMED),
    ([-3, 1, 1, 1], UNNAMED),
    ([1, 1, 0, -2], "order"),
]
RIGHT["10-gaps"] = ["0.175", "17.5%", "17.5 %", Fraction(7, 40), 0.18, [0.175]]
WRONG["10-gaps"] = [
    (17.5, "percent"),
    (0.2, "plain mean"),
    (-0.175, SIGN),
    (0.05, "cancel|sign|absolute|larger"),
    (0.1, UNNAMED),
]
RIGHT["10-same-data"] = ["b", "(B)", "B "]
WRONG["10-same-data"] = [("A", "penalised"), ("C", "share is 1"), ("D", "new images")]
RIGHT["10-surer"] = [
    ((2.5, 0, 0), (1, 0, -20)),
    [["2.5", 0, 0], ["1", "0", "-20"]],
    np.array([[1.0, 0, -30], [2.5, 0, 0]]),
]
WRONG["10-surer"] = [
    ([[3, 0, 0], [1, 0, 0]], "over its third as well"),
    ([1, 2, 3], "shape \\(2, 3\\)"),
    ([[1, 0, 0], [1, 0, 0]], "equally sure"),
    ([[2, 0, 0], [1.8, 0, -20]], "nearer"),
]


def floor_by_loop(prior, likelihood):
    total = 0.0
    for reading in range(likelihood.shape[1]):
        together = [a * b for a, b in zip(prior, likelihood[:, reading])]
        total -= sum(t * np.log(t / sum(together)) for t in together if t)
    return total


RIGHT["10-floor"] = [floor_by_loop, lambda a, b: [floor_by_loop(a, b)][0]]
WRONG["10-floor"] = [
    (lambda a, b: -floor_by_loop(a, b), SIGN),
    (lambda a, b: floor_by_loop(a, b) / np.log(2), "bits"),
    (lambda a, b: xentlib.entropy(a), "does not depend on `likelihood`"),
    (
        lambda a, b: -((a[:, None] * b) * np.log(a[:, None] * b / (a[:, None] * b).sum(0))).sum(),
        "0 · log 0|not a number",
    ),
    (lambda a, b: xentlib.entropy(a) - floor_by_loop(a, b), "what the reading tells"),
    (lambda a, b: floor_by_loop(a, b) / b.shape[1], "columns|divi"),
]

RIGHT["10-from-temperature"] = ["88%", 1 / (1 + sympy.exp(-2)), [0.881], "0.88", np.float32(0.8808)]
WRONG["10-from-temperature"] = [
    (0.98, "at T = 1"),
    (1, "multiplied by T"),
    (0.12, "wrong answers"),
    (7.4, "odds"),
    (0.5, "1/T"),
    (88, "percent"),
]
RIGHT["10-both-calibrated"] = ["d", "D)", "answer d"]
WRONG["10-both-calibrated"] = [("A", "not everything"), ("B", "equally often"), ("C", "none to save")]

# 11 Stability

RIGHT["11-symptoms"] = [
    ["nan", "inf", "0", "50", "nan"],
    (float("nan"), float("inf"), 0, 50.0, float("nan")),
    [np.nan, np.inf, 0, 50, np.nan],
    [" NaN ", "∞", "0", "50.0", "NaN"],
    [np.nan, np.inf, -0.0, np.float32(50), np.nan],
]
WRONG["11-symptoms"] = [
    ([0, 100, 0, 50, 0.313], "entr|overflow"),
    ([np.inf, np.inf, 0, 50, np.inf], "A again"),
    ([np.nan, np.inf, 9.36e-14, 50, np.nan], "rounded|1 \\+|float32|C"),
    ([np.nan, np.inf, 0, np.inf, np.nan], "entr|D"),
    ([np.nan, -np.inf, 0, -50, np.nan], "B again"),
]
RIGHT["11-mean-shift"] = [(1500, 0, 0), ["3000", "0", "0"], [0, 2000, 0], [5000, -5000, -5000], np.array([0, 0, 1200])]
WRONG["11-mean-shift"] = [
    ([1000, 1000, 1000], "equally large"),
    ([1, 20, 3], "far from the mean"),
    ([0, 0, -1500], "above the mean"),
    ([0, np.inf, 0], "finite"),
]
RIGHT["11-crowd"] = [12.45, "12.45", [12.453], np.log(256000), sympy.log(256000)]
WRONG["11-crowd"] = [
    (5.55, "1000|rivals"),
    (-12.45, SIGN),
    (17.97, "powers of 2"),
    (12.4, ROUNDED),
    (11.76, "half|larger|digits"),
    (256000, "exponential"),
]
RIGHT["11-detached"] = ["c", "C", "(c)"]
WRONG["11-detached"] = [("A", "not a free shift"), ("B", "true class leads"), ("D", "complete")]


def miss_by_hand(z, y):
    others = np.delete(z, y)
    top = z.max()
    a, b = others.max() + np.log(np.exp(others - others.max()).sum()), top + np.log(np.exp(z - top).sum())
    return a - b if a < z[y] else -np.log1p(np.exp(z[y] - a))


RIGHT["11-miss"] = [miss_by_hand, lambda s, t: float(miss_by_hand(s, t))]
WRONG["11-miss"] = [
    (lambda z, y: np.log(1 - safe(z)[y]), "rounds to 1"),
    (lambda z, y: np.log1p(-safe(z)[y]), "not a finite number|rounded|not a number"),
    (lambda z, y: np.log(1 - soft(z)[y]), OVERFLOW + "|not a finite|not a number"),
    (lambda z, y: -miss_by_hand(z, y), SIGN),
    (lambda z, y: xentlib.log_softmax(z)[y], "q_y|log q|entry"),
    (lambda z, y: np.log(1 - safe(z)[y] + 1e-30), UNNAMED),
]
RIGHT["11-push"] = [
    q_y * (q_i - is_true) / (1 - q_y),
    -plain_q[y] * (KroneckerDelta(y, i) - plain_q[i]) / (1 - plain_q[y]),
    Piecewise((-q[y], Eq(i, y)), (q[y] * q[i] / (1 - q[y]), True)),
    softmax_of(y) * (softmax_of(i) - KroneckerDelta(i, y)) / (1 - softmax_of(y)),
]
WRONG["11-push"] = [
    (q[y] * (KroneckerDelta(i, y) - q[i]) / (1 - q[y]), SIGN),
    (q[y] * (q[i] - KroneckerDelta(i, y)), "1 − q|1 - q|divi"),
    ((q[i] - KroneckerDelta(i, y)) / (1 - q[y]), "q_y|q\\[y\\]|missing"),
    (q[i] * (q[y] - KroneckerDelta(i, y)) / (1 - q[i]), "swapped|index"),
    (-q[y], "depends on i|i ="),
    (q[i] - KroneckerDelta(i, y), "factor|missing|log q_y"),
]
RIGHT["11-stored"] = [(970.26, 990.24, 0), ["970.26", "990.24", "0"], np.array([970.26, 990.24, -5])]
WRONG["11-stored"] = [
    ([10.1, 20.3, 0], "1/16"),
    ([990.24, 970.26, 0], "does not lead"),
    ([970, 990, 0], "opposite"),
    ([2000, 1, 1], "1000"),
]

RIGHT["11-format"] = ["13, 64", ("13", "64"), np.array([13, 64], np.uint8), [9.01 / np.log(2), 44.36 / np.log(2)]]
WRONG["11-format"] = [
    ([64, 13], "wrong way round"),
    ([14, 64], "half a step"),
    ([9, 44.4], "powers of e"),
    ([3.91, 19.26], "counts digits"),
    ([13], "shape"),
    ([13, 63], UNNAMED),
]

# 12 Variants

RIGHT["12-floor"] = ["0.59", 0.588, [0.5875], -(0.85 * np.log(0.85) + 0.15 * np.log(0.05)), Decimal("0.59")]
WRONG["12-floor"] = [
    (0, "smooth|entropy|target"),
    (-0.588, SIGN),
    (0.85, UNNAMED),
    (0.6, ROUNDED),
    (0.6390, UNNAMED),
    (58.75, "percent"),
]
RIGHT["12-own-say"] = [
    (1 - c) * (q_i - p_i),
    (1 - Symbol("c")) * (plain_q[i] - p[i]),
    q[i] - (1 - c) * p[i] - c * q[i],
    (c - 1) * (p[i] - q[i]),
    (1 - c) * (softmax_of(i) - p[i]),
]
WRONG["12-own-say"] = [
    ((1 - c) * (p[i] - q[i]), SIGN),
    (q[i] - p[i], "1 − c|1 - c|factor|c is missing|c"),
    (c * (q[i] - p[i]), "c"),
    ((1 - c) * (q[j] - p[j]), "write i for j"),
    (q[i] - (1 - c) * p[i], "part|missing"),
    ((1 + c) * (q[i] - p[i]), "sign of c"),
]
RIGHT["12-rare"] = ["0.67", "2/3", 0.667, [0.67], Fraction(2, 3), Rational(2, 3), "66.7%"]
WRONG["12-rare"] = [
    (0.25, "weight"),
    (0.33, "1 minus|dog"),
    (66.7, "percent"),
    (2, "odds|ratio|logarithm|smaller"),
    (0.7, ROUNDED),
    (1.5, "not a probability yet"),
    (0.857, "weights|frequ|photos|smaller"),
]
RIGHT["12-weights"] = [
    lambda z, y, w: [[w[t] * v / sum(w[y]) for v in gradient_by_hand(r, t)] for r, t in zip(z, y)],
    lambda s, t, c: (safe(s) - hot(t, s.shape[1])) * c[t][:, None] / c[t].sum(),
    lambda z, y, w: (safe(z) - hot(y, z.shape[1])) * (w[y] / w[y].sum()).reshape(-1, 1),
]
WRONG["12-weights"] = [
    (lambda z, y, w: (safe(z) - hot(y, z.shape[1])) * w[y][:, None] / len(z), "sum of the weights|divi|N"),
    (lambda z, y, w: (safe(z) - hot(y, z.shape[1])) / len(z), "weights"),
    (lambda z, y, w: (hot(y, z.shape[1]) - safe(z)) * w[y][:, None] / w[y].sum(), SIGN),
    (lambda z, y, w: (safe(z) - hot(y, z.shape[1])) * w[y][:, None] / w.sum(), "all classes|labels|weights"),
    (lambda z, y, w: (safe(z) - hot(y, z.shape[1])) * w[y][:, None], "divi|sum"),
    (lambda z, y, w: (safe(z) - hot(y, z.shape[1])) * w / w[y].sum(), "column|label|row|class"),
]
RIGHT["12-forgive"] = [
    q_y**c * (q_i - is_true),
    plain_q[y] ** Symbol("c") * (plain_q[i] - KroneckerDelta(y, i)),
    -(q[y] ** c) * (KroneckerDelta(i, y) - q[i]),
    exp(c * log(q[y])) * (q[i] - KroneckerDelta(i, y)),
]
WRONG["12-forgive"] = [
    (q[y] ** c * (KroneckerDelta(i, y) - q[i]), SIGN),
    (-(q[y] ** (c - 1)), "chain|q_y|logit|index|indicator|depends"),
    (q[i] - KroneckerDelta(i, y), "c|factor|missing"),
    (q[y] ** (c - 1) * (q[i] - KroneckerDelta(i, y)), "One q_y is missing"),
    (c * q[y] ** c * (q[i] - KroneckerDelta(i, y)), "c times"),
    (q[i] ** c * (q[i] - KroneckerDelta(i, y)), "one of the true class"),
    (q[y] ** (c + 1) * (q[i] - KroneckerDelta(i, y)), "power|times"),
]
RIGHT["12-teacher"] = ["c", "C", "C)"]
WRONG["12-teacher"] = [("A", "nothing is missing"), ("B", "half of it"), ("D", "Only one part")]
RIGHT["12-cap"] = [(1000, 2000, 0), ["1000", "2000", "0"], np.array([600, 700, 800]), [0, 900, 1000]]
WRONG["12-cap"] = [
    ([2000, 1000, 0], "first"),
    ([10, 20, 0], "run out"),
    ([0, 2000, 1000], "joins"),
    ([1, 2], "3 logits|three"),
]

RIGHT["12-from-loss"] = ["30%", "3/10", Fraction(3, 10), 0.25 / (1.2977 - 0.4644), [0.3]]
WRONG["12-from-loss"] = [
    (0.2, "two other classes"),
    (0.25, "how much the loss has grown"),
    (0.19, "label keeps 1 − ε"),
    (0.7, "share that the label keeps"),
    (0.35, "share of the new loss"),
    (30, "percent"),
    (-0.3, SIGN),
]

# 13 Large vocabulary

RIGHT["13-crossover"] = ["2048", 2048.0, [2048], 2**11, "2,048", Decimal(2048)]
WRONG["13-crossover"] = [
    (4096, "bytes|2 times|float32"),
    (8192, "turned|bytes|ratio|4"),
    (1024, "factor"),
    (-2048, SIGN),
    (2000, UNNAMED),
]
RIGHT["13-confidence"] = ["0.44", "4/9", 0.444, [0.44], Fraction(4, 9), "44.4%"]
WRONG["13-confidence"] = [
    (0.67, "other half|s|second|half|first"),
    (2.25, "whole row"),
    (44.4, "percent"),
    (0.4, ROUNDED),
    (0.56, "1 minus"),
    (0.811, "logarithm|smaller"),
]
RIGHT["13-start"] = [(-800, -801, -802), ["-900", "-900", "-900"], np.array([-760, -770, -800])]
WRONG["13-start"] = [
    ([5, -1, 2], "not below 0"),
    ([-5, -6, -7], "Go further"),
    ([-np.inf, -800, -801], "finite"),
    ([-800, -900], "3 logits|three"),
]
RIGHT["13-stale"] = [exp(m - c) - 1, exp(Symbol("m")) / exp(Symbol("c")) - 1, exp(-(c - m)) - 1]
WRONG["13-stale"] = [
    (1 - exp(m - c), SIGN),
    (exp(c - m) - 1, "upside down"),
    (exp(m - c), "constant|1"),
    (0, "older|c|m"),
    (exp(m - c) - K, "K|constant|one"),
    (m - c, UNNAMED),
]
RIGHT["13-one-pass"] = ["a", "A", "(a)"]
WRONG["13-one-pass"] = [("B", "has to be held"), ("C", "kept out"), ("D", "to rescale")]


def rests_by_hand(m, R, score):
    top = max(m)
    rest = sum(r * np.exp(a - top) for a, r in zip(m, R))
    gap = top - score
    return float(np.log1p(rest * np.exp(gap)) if gap <= 0 else gap + np.log(np.exp(-gap) + rest))


RIGHT["13-rests"] = [rests_by_hand, lambda tops, rests, true: rests_by_hand(tops, rests, true)]
WRONG["13-rests"] = [
    (lambda m, R, s: np.log(1 + (R * np.exp(m - s)).sum()), "overflow|Digits|rounded|finite"),
    (lambda m, R, s: np.log1p((R * np.exp(m - s)).sum()), OVERFLOW),
    (lambda m, R, s: -rests_by_hand(m, R, s), SIGN),
    (
        lambda m, R, s: m.max() + np.log((R * np.exp(m - m.max())).sum() + np.exp(s - m.max())) - s,
        "Digits|rounded away",
    ),
    (lambda m, R, s: m.max() + np.log((R * np.exp(m - m.max())).sum()) - s, "true|1|class"),
    (lambda m, R, s: rests_by_hand(m, R, s) / np.log(2), "bits"),
]
weight = softmax_of(j)
RIGHT["13-entropy"] = [
    Sum(weight * h[j], (j, 0, K - 1)) - Sum(weight * log(weight), (j, 0, K - 1)),
    log(sum_over(k, exp(z[k]))) + sum_over(j, softmax_of(j) * (h[j] - z[j])),
    sum_over(j, softmax_of(j) * h[j] + softmax_of(j) * log(1 / softmax_of(j))),
]
WRONG["13-entropy"] = [
    (sum_over(j, weight * h[j]), "missing|entropy of|[Ww]hich block"),
    (sum_over(j, h[j]), UNNAMED),
    (-sum_over(j, weight * log(weight)), "h|missing|within"),
    (sum_over(j, weight * (h[j] + log(weight))), "sign"),
    (weight * (h[j] - log(weight)), "free|sum over"),
    (-sum_over(j, weight * (h[j] - log(weight))), SIGN),
]

RIGHT["13-read-back"] = [
    "0, -0.69, 1.39, 0.69",
    (0, -log(2), 2 * log(2), log(2)),
    np.log([1, 0.5, 4, 2]),
    [0, "-0.693", 1.386, "0.693"],
]
WRONG["13-read-back"] = [
    ([0, 0.5, 1.39, 1.89], "take the logarithm"),
    ([0, -0.69, 1.39, -0.69], "Add that m"),
    ([0, 0.41, 1.7, 2.01], "log-sum-exp of all"),
    ([0, -0.69, 1.7, 0.69], "third logit raised m"),
    ([0, -0.69, 0.32, 0.69], "log s, without its m"),
    ([0, 0.41, 0.32, 0.63], "log s, without its m"),
    ([1, 0.5, 4, 2], "exponential"),
]
RIGHT["13-taken-off"] = ["d", "D", "[d]"]
WRONG["13-taken-off"] = [("A", "on paper"), ("B", "has lost the rivals"), ("C", "is exact")]

# 14 Many machines

RIGHT["14-four"] = ["2.39", 2.386, [2.39], 1 + np.log(4), log(4) + 1, 2 + 2 * np.log(2) - 1]
WRONG["14-four"] = [
    (1, "four|one machine|log 4"),
    (7, "add"),
    (-2.39, SIGN),
    (3.44, "bits"),
    (2.4, ROUNDED),
    (3.39, "true|subtract|larger|smaller"),
    (10.87, "exponential"),
]


def winner_by_loop(tops, places, sizes, labels):
    right = 0
    for sample, label in enumerate(labels):
        best = max(range(len(sizes)), key=lambda s: tops[s][sample])
        right += int(sum(sizes[:best]) + places[best][sample] == label)
    return right / len(labels)


def misplaced(tops, places, sizes, labels):
    best = tops.argmax(axis=0)
    return (places[best, np.arange(len(labels))] == labels).mean()


RIGHT["14-winner"] = [
    winner_by_loop,
    lambda a, b, c, d: np.mean(
        [winner_by_loop(a[:, r : r + 1], b[:, r : r + 1], c, d[r : r + 1]) for r in range(len(d))]
    ),
]
WRONG["14-winner"] = [
    (lambda a, b, c, d: 1 - winner_by_loop(a, b, c, d), "1 minus"),
    (lambda a, b, c, d: winner_by_loop(a, b, c, d) * len(d), "length of `labels`|number"),
    (misplaced, "count|sizes|before|own"),
    (lambda a, b, c, d: 100 * winner_by_loop(a, b, c, d), "percent|100"),
    (
        lambda a, b, c, d: ((np.cumsum(c)[a.argmax(0)] + b[a.argmax(0), np.arange(len(d))]) == d).mean(),
        "too many|own|before|itself|sizes",
    ),
]


def piece_by_loop(piece, start, labels, lse):
    out = [[float(np.exp(v - total)) for v in row] for row, total in zip(piece, lse)]
    for row, label in zip(out, labels):
        if 0 <= label - start < len(row):
            row[label - start] -= 1
    return (np.array(out) / len(labels)).tolist()


def wraps(piece, start, labels, lse):
    out = np.exp(piece - lse[:, None])
    for n, label in enumerate(labels):
        if label - start < piece.shape[1]:
            out[n, label - start] -= 1
    return out / len(labels)


RIGHT["14-piece"] = [
    piece_by_loop,
    lambda a, b, c, d: (np.exp(a - d[:, None]) - (np.arange(b, b + a.shape[1])[None] == c[:, None])) / len(c),
]
WRONG["14-piece"] = [
    (lambda a, b, c, d: np.array(piece_by_loop(a, b, c, d)) * len(c), "sum|divide by"),
    (wraps, "negative|end|before|wrap|start"),
    (lambda a, b, c, d: -np.array(piece_by_loop(a, b, c, d)), SIGN),
    (lambda a, b, c, d: np.exp(a - d[:, None]) / len(c), "label|one-hot|true|1"),
    (
        lambda a, b, c, d: (safe(a) - (np.arange(b, b + a.shape[1])[None] == c[:, None])) / len(c),
        "lse|own|piece|all classes",
    ),
    (lambda a, b, c, d: np.array(piece_by_loop(a, b, c, d)) / a.shape[1], "columns|entries"),
    (lambda a, b, c, d: piece_by_loop(a, 0, c, d), "start"),
]
RIGHT["14-average"] = ["b", "B", "(b)"]
WRONG["14-average"] = [("A", "equally many"), ("C", "small share"), ("D", "right by itself")]
RIGHT["14-drop"] = [(0, 30, 0, 0, 0, 0), ["0", "30", "0", "0", "0", "0"], np.array([0, 25, 1, 1, 1, 1])]
WRONG["14-drop"] = [
    ([0, 10, 0, 0, 0, 0], "No machine is silent"),
    ([30, 0, 0, 0, 0, 0], "does not lead"),
    ([0, 30, 0], "6 logits|six"),
    ([25, 30, 0, 0, 0, 0], "outweighs"),
]
RIGHT["14-silent"] = [
    -log(q_y / Sum(p[n] * q[n], (n, 0, K - 1))),
    log(Sum(p[n] * plain_q[n], (n, 0, K - 1)) / q_y),
    -log(softmax_of(y)) + log(sum_over(j, p[j] * softmax_of(j))),
]
WRONG["14-silent"] = [
    (-log(q[y]), "missing|silent|part"),
    (log(q[y]) - log(sum_over(j, p[j] * q[j])), SIGN),
    (-log(q[y] * sum_over(j, p[j] * q[j])), "sign|divi|part"),
    (q[y] / sum_over(j, p[j] * q[j]), "logarithm|probability"),
    (-log(q[y]) + log(sum_over(j, q[j])), "all machines"),
    (-log(q[j]) + log(sum_over(k, p[k] * q[k])), "write y for j"),
]
RIGHT["14-even"] = ["832", 832.0, [832], 13 * 64, Decimal(832)]
WRONG["14-even"] = [
    (13, "one machine"),
    (416, "8 bytes|float64"),
    (1664, "each way|both"),
    (-832, SIGN),
    (830, UNNAMED),
]

RIGHT["14-lost"] = ["15%", 1 - sympy.exp(-0.162), Fraction(3, 20), -np.expm1(1.447 - 1.609), ["0.15"]]
WRONG["14-lost"] = [
    (0.85, "that answered"),
    (0.16, "difference of the losses"),
    (0.04, "seems to have gained"),
    (1.18, "Invert it"),
    (0.1, "ratio says little"),
    (15, "percent"),
    (-0.15, SIGN),
]

# 15 Break it

RIGHT["15-zero-logits"] = [
    (5, 19, 14, 13),
    ["5", "19", "14", "13"],
    np.array([5, 19, 14, 13]),
    [5.0, 19.0, 14.0, 13.0],
    "5, 19, 14, 13",
]
WRONG["15-zero-logits"] = [
    ([19, 5, 14, 13], "first two"),
    ([5, 19, 13, 14], "last two"),
    ([13, 14, 19, 5], "order"),
    ([5, 19, 15, 13], "ignored"),
    ([5, 19, 14], "shape|four|4"),
]
RIGHT["15-ceiling"] = ["2.46", 2.4612, [2.46], np.log(np.e + 9), sympy.log(sympy.E + 9), 1 + np.log(1 + 9 / np.e)]
WRONG["15-ceiling"] = [
    (1.46, "smallest"),
    (-2.46, SIGN),
    (3.55, "bits"),
    (2.5, ROUNDED),
    (2.30, "no clue"),
    (11.72, "exponential"),
    (np.inf, "bound"),
]


def parts_by_loop(grads, counts):
    total = [0.0] * len(grads[0])
    for row, count in zip(grads, counts):
        for d, v in enumerate(row):
            total[d] += v * int(count)
    return [t / int(sum(counts)) for t in total]


RIGHT["15-accumulate"] = [
    parts_by_loop,
    lambda a, b: np.average(a, axis=0, weights=b),
    lambda rows, n: tuple(parts_by_loop(rows, n)),
]
WRONG["15-accumulate"] = [
    (lambda a, b: a.mean(axis=0), "mean of means"),
    (lambda a, b: b @ a, "sum"),
    (lambda a, b: -np.array(parts_by_loop(a, b)), SIGN),
    (lambda a, b: (a / b[:, None]).sum(axis=0), "0|not a number|divi|finite"),
    (lambda a, b: b @ a / len(b), "number of parts"),
    (lambda a, b: (a * b[:, None]) / b.sum(), "shape"),
]
RIGHT["15-fooled"] = [(-0.5, 0.25, 0.25), ["-0.5", "1/4", "1/4"], [1, -2, 1], [1, 0, -1]]
WRONG["15-fooled"] = [
    ([0.5, 0.5, 0.5], "not fooled"),
    ([0.5, -0.5, 0], "this is a distribution"),
    ([0, 0, 0], "distribution"),
    ([np.nan, 0, 0], "finite"),
]
RIGHT["15-half"] = ["c", "C", "(c)"]
WRONG["15-half"] = [("A", "half of 0"), ("B", "own loss"), ("D", "softmax ignores")]
u = exp(q[i]) / Sum(exp(q[n]), (n, 0, K - 1))
RIGHT["15-twice"] = [
    q_i * (u - is_true - Sum(q[n] * exp(q[n]), (n, 0, K - 1)) / Sum(exp(q[n]), (n, 0, K - 1)) + q_y),
    sum_over(k, (exp(q[k]) / sum_over(j, exp(q[j])) - KroneckerDelta(k, y)) * q[k] * (KroneckerDelta(i, k) - q[i])),
]
twice_mean = sum_over(k, q[k] * exp(q[k])) / sum_over(j, exp(q[j]))
WRONG["15-twice"] = [
    (u - KroneckerDelta(i, y), "inner softmax"),
    (-q[i] * (u - KroneckerDelta(i, y) - twice_mean + q[y]), SIGN),
    (q[i] - KroneckerDelta(i, y), UNNAMED),
    (u - KroneckerDelta(i, y) - twice_mean + q[y], "q\\[i\\]|factor|missing"),
    (q[i] * (u - KroneckerDelta(i, y) - twice_mean), "part|missing"),
    (q[j] * (exp(q[j]) / sum_over(k, exp(q[k])) - KroneckerDelta(j, y) - twice_mean + q[y]), "write i for j"),
]


def recovered(grad, labels, class_weights):
    total = sum(float(class_weights[t]) for t in labels)
    return (
        sum(-np.log1p(grad[r, t] * total / class_weights[t]) * class_weights[t] for r, t in enumerate(labels)) / total
    )


RIGHT["15-from-gradient"] = [
    recovered,
    lambda a, b, c: np.average(-np.log1p(a[np.arange(len(b)), b] / (c[b] / c[b].sum())), weights=c[b]),
]
WRONG["15-from-gradient"] = [
    (lambda a, b, c: -recovered(a, b, c), SIGN),
    (lambda a, b, c: recovered(a, b, c) * len(b), "sum|times|number"),
    (
        lambda a, b, c: np.average(-np.log(1 + a[np.arange(len(b)), b] / (c[b] / c[b].sum())), weights=c[b]),
        "rounded away",
    ),
    (lambda a, b, c: -np.log1p(len(b) * a[np.arange(len(b)), b]).mean(), "factor|alike"),
    (lambda a, b, c: recovered(a, b, c) / np.log(2), "bits"),
    (
        lambda a, b, c: np.average(-np.log1p(a[np.arange(len(b)), b] / (c[b] / c[b].sum())), weights=c[b]) + 1e-9,
        "constant|ε|digits",
    ),
]
RIGHT["15-single"] = ["a", "A", "(A)."]
WRONG["15-single"] = [("B", "shorter step"), ("C", "not the gradient"), ("D", "Rounding raises")]

# 16 One family

RIGHT["16-sparse"] = [
    ["3/4", "1/4", 0, 0],
    "0.75, 0.25, 0, 0",
    np.array([0.75, 0.25, 0, 0]),
    (Rational(3, 4), 0.25, 0, 0),
]
WRONG["16-sparse"] = [
    (soft(np.array([3, 2.5, 1, 2])), "softmax"),
    ([1, 0, 0, 0], "lead of 1"),
    ([0.8333, 0.3333, 0, -0.1667], "third"),
    ([0.75, 0, 0, 0.25], "order"),
    ([0.75, 0.25], UNNAMED + "|4|shape"),
]
RIGHT["16-back"] = ["1.6", "8/5", Fraction(8, 5), [1.6], Decimal("1.6")]
WRONG["16-back"] = [(2.05, "logarithm"), (0.9, "τ"), (0.8, "turned round"), (1.9, "more than cat"), (-1.6, SIGN)]
RIGHT["16-up"] = [sympy.tanh(c), (exp(c) - exp(-c)) / (exp(c) + exp(-c)), 2 / (1 + exp(-2 * c)) - 1]
WRONG["16-up"] = [
    (-sympy.tanh(c), SIGN),
    (exp(c) / (1 + exp(c)), "0 and 1"),
    (1 / (1 + exp(-2 * c)), "more birds"),
    (log(exp(c) + exp(-c)), "Differentiate"),
    (1 - sympy.tanh(c) ** 2, "variance"),
    (2 * sympy.tanh(c), "factor|twice|2"),
]
RIGHT["16-leaves"] = ["c", "C", "(C)"]
WRONG["16-leaves"] = [("A", "another vector"), ("B", "1 \\+ 2 λ LSE"), ("D", "q \\+ 2 λ z")]


def die_by_newton(values, mean):
    beta = 0.0
    for _ in range(50):
        die = soft(beta * values)
        beta += (mean - die @ values) / (die @ (values - die @ values) ** 2)
    return list(die)


RIGHT["16-maxent"] = [die_by_newton, lambda a, b: np.array(die_by_newton(a - a.mean(), b - a.mean()))]
WRONG["16-maxent"] = [
    (lambda a, b: np.full(len(a), 1 / len(a)), "uniform|does not depend"),
    (lambda a, b: soft((b - a.mean()) / a.var() * a), "one Newton step"),
    (lambda a, b: 1 / len(a) + (b - a.mean()) / a.var() * (a - a.mean()) / len(a), "bonus of sparsemax"),
    (lambda a, b: np.array(die_by_newton(a, b))[::-1], UNNAMED + "|order"),
    (lambda a, b: np.exp(np.array(die_by_newton(a, b))), UNNAMED + "|exp|sum"),
]
RIGHT["16-promise"] = ["0.2", "20 %", "1/5", 0.14 / np.log(2), 0.14 / sympy.log(2), [0.202]]
WRONG["16-promise"] = [
    (0.14, "less than 1 nat"),
    (0.097, "uses up"),
    (0.13, "1 − e"),
    (0.53, "Pinsker"),
    (20.2, "percent"),
]
RIGHT["16-cheaper"] = [
    ((-0.1, -0.1, 2), (2, 2, -7)),
    [["2", "2", "-20"], ["-1/10", "-1/10", "-1/10"]],
    np.array([[0.1, 0.1, 0.1], [9, 9, -0.1]]),
]
WRONG["16-cheaper"] = [
    ([[2, 2, -0.4], [-2, -2, 2]], "narrow: a little"),
    ([[2, 2, -0.5], [-0.2, -0.2, -0.2]], "pays too little"),
    ([[2, 2, 2], [1, 1, 1]], "equally many"),
    ([2, 2, -0.4], "shape \\(2, 3\\)"),
    ([[0, 2, 2], [2, 2, -7]], "tie"),
]

# 17 At work elsewhere

RIGHT["17-leaf"] = ["55/57", 0.965, "0.96", [0.9649], Fraction(55, 57), Decimal("0.965")]
WRONG["17-leaf"] = [
    (-0.965, SIGN),
    (1.341, "twice"),
    (1.719, "penalty is missing"),
    (0.417, "four times"),
    (1, "more digits|right value|rounded"),
    (0.29, UNNAMED),
]
RIGHT["17-temperature"] = [0.7 / np.log(4), "0.505", 0.7 / sympy.log(4), [0.505], Decimal("0.505")]
WRONG["17-temperature"] = [
    (1.98, "one over"),
    (0.175, "logarithm is missing"),
    (0.35, "base 2"),
    (1.1627, "base 10"),
    (3.889, "subtracted"),
    (-0.505, SIGN),
]
RIGHT["17-halved"] = ["b", "B", "B."]
WRONG["17-halved"] = [("A", "without a penalty"), ("C", "makes up for it"), ("D", "no ratio")]


def attention_by_rows(s, v, g):
    out = []
    for row, slope in zip(s, g):
        q = safe(row)
        out.append((np.diag(q) - np.outer(q, q)) @ v @ slope)
    return out


RIGHT["17-attention"] = [
    attention_by_rows,
    lambda s, v, g: safe(s) * (g @ v.T - (g * (safe(s) @ v)).sum(axis=1, keepdims=True)),
]
WRONG["17-attention"] = [
    (lambda s, v, g: safe(s) * (g @ v.T), "mean was not subtracted"),
    (lambda s, v, g: g @ v.T, "through softmax"),
    (lambda s, v, g: -np.array(attention_by_rows(s, v, g)), SIGN),
    (lambda s, v, g: np.array(attention_by_rows(s, v, g)).T, "transpose"),
    (lambda s, v, g: safe(s) * (g @ v.T - (g @ v.T).mean(axis=1, keepdims=True)), "plain mean"),
    (lambda s, v, g: safe(s) * (g @ v.T - (safe(s) * (g @ v.T)).sum()), BATCH + "|inputs right"),
]
RIGHT["17-baseline"] = [(1, 0, 0), ["5", "0", "0"], np.array([-3, 0, 0]), [50, 1, 0]]
WRONG["17-baseline"] = [
    ([2, 2, 2], "equal rewards"),
    ([0, 1, 0], "unlikely class"),
    ([1, 0.5, 0.5], "move the best baseline"),
    ([1, 0], "three rewards"),
    ([1000, 0, 0], "beyond ±100"),
]
chance = sum_over(j, q[j] * p[j])
RIGHT["17-lucky"] = [
    q[i] * (chance - p[i]) / chance,
    plain_q[i] * (1 - p[i] / Sum(plain_q[n] * p[n], (n, 0, K - 1))),
    softmax_of(i) - softmax_of(i) * p[i] / sum_over(j, softmax_of(j) * p[j]),
]
WRONG["17-lucky"] = [
    (q[i] * p[i] / chance - q[i], SIGN),
    (q[i] * (chance - p[i]), "divides it"),
    (q[i] - p[i], "inside the sum"),
    (q[i] - p[i] / chance, "q_i is missing"),
    (-q[i] * p[i] / chance, "subtracted from q_i"),
    (q[j] - q[j] * p[j] / chance, "write i for j|index|bound|sum"),
]


def unit(rows):
    return rows / np.sqrt((rows * rows).sum(axis=1))[:, None]


def clip_by_hand(a, b, T):
    cosines = unit(a) @ unit(b).T / T
    total = 0
    for table in (cosines, cosines.T):
        for own, row in enumerate(table):
            total += np.log(np.exp(row - row.max()).sum()) + row.max() - row[own]
    return total / len(a) / 2


def one_direction(a, b, T):
    return xentlib.softmax_cross_entropy(unit(a) @ unit(b).T / T, np.arange(len(a)))


RIGHT["17-clip"] = [
    clip_by_hand,
    lambda a, b, t: np.mean([one_direction(a, b, t), one_direction(b, a, t)]),
]
WRONG["17-clip"] = [
    (one_direction, "captions have to look"),
    (lambda a, b, T: one_direction(b, a, T), "pictures have to look"),
    (lambda a, b, T: 2 * clip_by_hand(a, b, T), "2 times|twice"),
    (lambda a, b, T: clip_by_hand(a, b, 1 / T), "not multiplied"),
    (lambda a, b, T: -clip_by_hand(a, b, T), SIGN),
    (lambda a, b, T: -np.log(np.diag(soft(unit(a) @ unit(b).T / T))).mean(), "captions|overflow|inputs right|finite"),
]
quarter = Rational(1, 4)
RIGHT["17-word2vec"] = [
    sqrt(sqrt(p_i)) / Sum(sqrt(sqrt(p[n])), (n, 0, K - 1)),
    p[i] ** 0.25 / sum_over(l, p[l] ** 0.25),
    exp(log(p[i]) / 4) / sum_over(j, exp(log(p[j]) / 4)),
]
WRONG["17-word2vec"] = [
    (p[i], "lack"),
    (p[i] ** (3 * quarter) / sum_over(j, p[j] ** (3 * quarter)), "the noise"),
    (1 / K, "leaves something"),
    (p[i] ** quarter, "divides by a sum"),
    (p[i] ** (7 * quarter) / sum_over(j, p[j] ** (7 * quarter)), "Divide by it"),
    (sqrt(p[i]) / sum_over(j, sqrt(p[j])), UNNAMED),
]
