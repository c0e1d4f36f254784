"""The exercises of chapter 11: a loss that keeps its digits."""

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import finite, lead, logits_of
from xentlib.teaching.symbolic import KroneckerDelta, i, q, y

TITLE = "11 Numerical stability"


# 11-symptoms

SYMPTOMS = np.array([np.nan, np.inf, 0, 50, np.nan])
TOLERANCE = 1e-3


def slips_at(n):
    """Return a function that tells whether the first wrong number of an answer is the one at `n`."""

    def slips(answer):
        try:
            numbers = np.array(answer, float)
        except (TypeError, ValueError):
            return False
        if numbers.shape != SYMPTOMS.shape:
            return False
        right = np.isclose(numbers, SYMPTOMS, rtol=TOLERANCE, atol=0, equal_nan=True)
        return np.flatnonzero(~right)[:1].tolist() == [n]

    return slips


def with_number(n, number):
    return [number if place == n else right for place, right in enumerate(SYMPTOMS)]


# 11-mean-shift, 11-stored: dog, at index 1, is true


def shifted(z, by):
    d = z - by
    return np.log(np.exp(d).sum()) - d[1]


def loss_of_dog(z):
    return xentlib.softmax_cross_entropy(z, 1)


def right_with_the_maximum(z):
    if np.isclose(shifted(z, z.max()), loss_of_dog(z), rtol=0.01, atol=0):
        return ""
    return "with the maximum, too, this loss is wrong by more than 1 %. Find where only the mean is to blame"


def up_to_1000(z):
    return "" if abs(z).max() <= 1000 else "no logit may be above 1000 in absolute value"


# 11-miss


def log_odds_of_miss(logits, y):
    d = logits - logits.max()
    return xentlib.logsumexp(np.delete(d, y)) - d[y]


def log_miss(logits, y):
    return -np.logaddexp(0, -log_odds_of_miss(logits, y))


# 11-push

DELTA = KroneckerDelta(i, y)
PUSH = q[y] * (q[i] - DELTA) / (1 - q[y])


EXERCISES = (
    Exercise(
        id="11-symptoms", title="Name the symptom", kind="predict", difficulty=1, minutes=5,
        task=r"Somebody computes $-\log(e^{z_y} / \sum_j e^{z_j})$ in float32, as it stands. Before you run anything: "
        r"what comes out? A is $z = (100, 0)$ with $y = 0$. B is the same $z$ with $y = 1$. C is $z = (30, 0)$ with "
        r"$y = 0$. D is $z = (0, -50)$ with $y = 1$. E is $z = (-200, -201)$ with $y = 0$. Give a list of five "
        r"numbers, to three digits. Write `np.nan` for NaN and `np.inf` for $\infty$.",
        answer=SYMPTOMS, rtol=TOLERANCE, atol=0,
        mistakes=(
            Mistake("Look at A again: the sum overflows, and so does the numerator.",
                    with_number(0, np.inf), slips_at(0)),
            Mistake("Look at B again: the sum overflows, and the numerator does not.",
                    with_number(1, np.nan), slips_at(1)),
            Mistake("Look at C again: nothing overflows. What is left of e^0 next to e^30, with seven digits?",
                    with_number(2, np.exp(-30)), slips_at(2)),
            Mistake("Look at D again: the smallest float32 above 0 is about 10⁻⁴⁵, and e^−50 is about 10⁻²².",
                    with_number(3, np.inf), slips_at(3)),
            Mistake("Look at E again: what are e^−200 and e^−201 in float32?",
                    with_number(4, np.log1p(np.exp(-1))), slips_at(4)),
        ),
        hints=(
            "In float32, e^89 is beyond the largest number, and e^−104 is below the smallest.",
            "∞/∞ and 0/0 are nan. A finite number over ∞ is 0, and minus the logarithm of that is inf.",
            "A is ∞/∞, and B is a finite number over ∞. C adds 1 to 10¹³. D stays in range. E is 0/0.",
        ),
    ),
    Exercise(
        id="11-mean-shift", title="Shifted by the mean", kind="break", difficulty=1, minutes=5,
        task=r"Somebody shifts by the mean: $d = z - \mathrm{mean}(z)$, and the loss is $\log \sum_j e^{d_j} - d_y$. "
        r"On paper any shift is right. Find three finite logits, with dog (index 1) true, for which this is wrong by "
        r"more than 1 % in float64, or gives no number, while the same formula with the maximum in place of the mean "
        r"is right.",
        answer=[1500.0, 0.0, 0.0],
        faulty=lambda z: shifted(z, z.mean()), right=loss_of_dog, legal=logits_of(3, right_with_the_maximum),
        rtol=0.01, atol=0,
        outcomes=("shifted by the mean", "loss"),
        mistakes=(
            Mistake("All logits are equally large, and so is their mean. The mean takes out such an offset well.",
                    [1000.0, 1000.0, 1000.0], lambda z: np.ptp(z) < 100 <= abs(z).max()),
            Mistake("No logit is far from the mean, so no exponential leaves the range of float64.",
                    [1.0, 20.0, 3.0], lambda z: np.ptp(z) < 709 and not np.ptp(z) < 100 <= abs(z).max()),
            Mistake("The logits lie far apart, but none is far enough above the mean.",
                    [0.0, 0.0, -1500.0], lambda z: np.ptp(z) >= 709),
        ),
        hints=(
            "With the maximum taken out, no exponent is above 0. What is the largest exponent here?",
            "It is the distance from the mean up to the largest logit. In float64, e^710 overflows.",
            "Two logits at 0 leave the mean at a third of the largest one. Two thirds of it must be above 710.",
        ),
    ),
    Exercise(
        id="11-crowd", title="Lost in a crowd", kind="predict", difficulty=2, minutes=6,
        task="The truth leads 1000 rivals, each by the same gap $g$. The sum $1 + r$ is formed exactly, then rounded "
        "to bfloat16, with its $t = 8$ significant bits, and the loss is the logarithm of that. From which $g$ on is "
        "it 0? Two decimals.",
        answer=8 * np.log(2) + np.log(1000), rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is right for one rival. Here r is a sum over 1000 of them.", 8 * np.log(2)),
            Mistake("A larger r is harder to lose: the crowd makes the gap larger, not smaller.",
                    8 * np.log(2) - np.log(1000)),
            Mistake("This loses r as soon as it is below a whole step ε. Above half a step it is rounded up.",
                    7 * np.log(2) + np.log(1000)),
            Mistake("These are the 24 bits of float32. bfloat16 has 8.", 24 * np.log(2) + np.log(1000)),
            Mistake("This is in powers of 2. The gap is an exponent of e.", 8 + np.log2(1000)),
        ),
        hints=(
            "When is r rounded away next to 1? The chapter says how small it must be, in terms of t.",
            "It is lost if r ≤ ε/2 = 2^(−t). With 1000 rivals, what is r?",
            "Solve 1000 e^(−g) = 2^(−8) for g.",
        ),
    ),
    Exercise(
        id="11-format", title="A format without a manual", kind="predict", difficulty=2, minutes=5,
        task="A chip has an unusual number format, and its manual is lost. You run `-log_softmax` on two logits and "
        r"widen the gap by which the truth leads: from 9.01 on the loss is 0. Then you run $e^x$ alone: from "
        r"$x = 44.36$ on it is $\infty$. How many significant bits $t$ does the format have, and near which power of "
        "two, $2^E$, does its range end? Give a list of two whole numbers, $t$ and $E$.",
        answer=[13.0, 64.0], rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This loses r below a whole step, ε = 2^(1−t). It is lost from half a step down.", [14.0, 64.0]),
            Mistake("The two are the wrong way round: what is lost next to 1 tells t, what overflows tells E.",
                    [64.0, 13.0]),
            Mistake("These are powers of e. Bits count powers of two: e^x is 2^(x / log 2).", [9.01, 44.36]),
            Mistake("These are powers of ten, so this counts digits. Bits are asked for.", [3.913, 19.265]),
        ),
        hints=(
            "Both thresholds are exponents of e. What is rounded away at the first, and what is too large at the "
            "second?",
            "From e^(−g) ≤ 2^(−t) on the loss is 0. And e^x is too large from e^x = 2^E on.",
            "g = t log 2, and x = E log 2. Divide both by log 2 = 0.6931.",
        ),
    ),
    Exercise(
        id="11-detached", title="May the gradient stop at m?", kind="explain", difficulty=2, minutes=5,
        task=r"A framework treats $m$ as a constant when it differentiates. With $-z_y + m + \log \sum_j e^{z_j - m}$ "
        r"that does no harm. Now the loss is written as $(m - z_y) + \mathrm{log1p}(r)$, where $r$ leaves out class "
        r"$a$, whose logit is the largest. Every $m$ is still treated as a constant. What becomes of the gradient?",
        options=(
            "It stays right: the loss does not depend on the shift, so no slope can come through $m$.",
            "Its entry for the true class lacks $q_y$: the term of that class has been left out.",
            "Its entry for class $a$ lacks $q_a$: the 1 stands for $e^{z_a - m}$, and a 1 has no slope.",
            "All entries get too large: without the term of class $a$ the denominator is $r$, and not $1 + r$.",
        ),
        answer="C",
        because="With m constant, z_a is nowhere in m + log1p(r). The slope of the term that became a 1 is missing: "
        "it is q_a. The entries then sum to −q_a, not to 0. So let the slope through m, or write the gradient out.",
        mistakes=(
            Mistake("That holds if m may be any number. Here the 1 replaces e^(z_a − m) only because m is z_a, so m is "
                    "not a free shift any more.", "A"),
            Mistake("Only if the true class leads. Otherwise z_y is in r, and its slope arrives in full.", "B"),
            Mistake("The derivative of log1p(r) is 1/(1 + r), so the denominator is complete. For j other than a, the "
                    "entries are right.", "D"),
        ),
        hints=(
            "Take three logits, and write the loss out with a number for m. Where is each logit still to be seen?",
            "Differentiate log(1 + r) with respect to z_j, for a j that is not a. Then do it for a.",
            "The right gradient has q_a at class a, apart from the one-hot. What is the slope of a 1?",
        ),
    ),
    Exercise(
        id="11-miss", title="The log-probability of a miss", kind="code", difficulty=3, minutes=12,
        task=r"Write a function of `logits` ($K$ numbers) and `y` that returns $\log(1 - q_y)$, to nine digits: also "
        r"where $q_y$ is within $10^{-26}$ of 1, where it is below $10^{-26}$, and for logits of 1000. An answer of "
        r"$-3 \cdot 10^{-27}$ is not 0.",
        answer=log_miss, atol=0,
        inputs=(
            ([1.0, 2.0, 0.5], 1), ([1.0, 2.0, 0.5], 2), ([0.0, 60.0, -1.0], 1), ([0.0, -60.0, -3.0, 0.5], 1),
            ([1000.0, 998.0, -1000.0, 999.0, 0.0], 0),
        ),
        mistakes=(
            Mistake("Two things are lost: q_y rounds to 1, and so does 1 − q_y. Start from the logits.",
                    lambda logits, y: np.log(1 - xentlib.softmax(logits)[y])),
            Mistake("This keeps a tiny q_y. But a q_y next to 1 has been rounded before log1p sees it.",
                    lambda logits, y: np.log1p(-xentlib.softmax(logits)[y])),
            Mistake("This keeps a tiny 1 − q_y. But where q_y is tiny, 1 − q_y rounds to 1, or two equal numbers are "
                    "subtracted.",
                    lambda logits, y: np.log(-np.expm1(-xentlib.softmax_cross_entropy(logits, y)))),
            Mistake("This is log q_y, the logarithm of a hit.",
                    lambda logits, y: -xentlib.softmax_cross_entropy(logits, y)),
            Mistake("This is the log-odds, log((1 − q_y)/q_y). Do not divide by q_y.", log_odds_of_miss),
        ),
        hints=(
            "Call s the log-sum-exp of the logits without that of y. Write 1 − q_y with s and z_y alone.",
            "1 − q_y = e^s / (e^s + e^(z_y)) = 1 / (1 + e^(z_y − s)). Nothing is subtracted from 1 any more.",
            "It is −log(1 + e^x) with x = z_y − s. np.logaddexp(0, x) is log(1 + e^x), safe at both ends.",
        ),
    ),
    Exercise(
        id="11-push", title="Is the push well-conditioned?", kind="derive", difficulty=2, minutes=8,
        task=r"The gradient pushes the true class up by $1 - q_y$. How fast does this push change, relative to its "
        r"size? Write $\partial \log(1 - q_y)/\partial z_i$ in terms of $q = \mathrm{softmax}(z)$.",
        answer=PUSH, distributions=(q,),
        mistakes=(
            Mistake("This is the slope of 1 − q_y itself. The logarithm divides it by 1 − q_y.", PUSH * (1 - q[y])),
            Mistake("The sign is turned round: this is the slope of −log(1 − q_y).", -PUSH),
            Mistake("A factor is missing: the slope of q_y is q_y (δ_iy − q_i), not δ_iy − q_i.", PUSH / q[y]),
            Mistake("This is right for i = y alone. A rival's logit changes q_y as well, in another way.", -q[y]),
        ),
        hints=(
            "What is the slope of log(1 − u) in u? And that of u = q_y in z_i?",
            "The first is −1/(1 − q_y). The second is an entry of the Jacobian of softmax.",
            "∂q_y/∂z_i = q_y (δ_iy − q_i), with δ_iy = KroneckerDelta(i, y). Multiply the two.",
        ),
    ),
    Exercise(
        id="11-stored", title="Rounded before it arrives", kind="break", difficulty=3, minutes=10,
        task="The logits are stored in float16, and the loss is then computed in float64, without any fault. Find "
        "three logits, none above 1000 in absolute value, with dog (index 1) true, for which the loss of what was "
        "stored is off by more than 20 %.",
        answer=[970.26, 990.24, 0.0],
        faulty=lambda z: loss_of_dog(z.astype(np.float16).astype(np.float64)), right=loss_of_dog,
        legal=lambda z: finite(3, "logits")(z) or up_to_1000(z), rtol=0.2, atol=0,
        outcomes=("loss of what was stored", "loss of the logits"),
        mistakes=(
            Mistake("Logits of this size move by 1/16 at most when they are stored. That changes no loss by 20 %.",
                    [10.1, 20.3, 0.0], lambda z: abs(z).max() < 256),
            Mistake("Dog does not lead, so the loss is large. The same change of a logit is a smaller share of it.",
                    [990.24, 970.26, 0.0], lambda z: abs(z).max() >= 256 and lead(z, 1) <= 0),
            Mistake("Dog leads, and the logits are large enough to be moved. But its lead over the next class changes "
                    "too little: move the two in opposite directions.",
                    [970.0, 990.0, 0.0], lambda z: abs(z).max() >= 256 and lead(z, 1) > 0),
        ),
        hints=(
            "Float16 has 11 significant bits. Between 512 and 1024 its numbers lie ½ apart: how far can a logit move?",
            "By up to ¼. If dog is well ahead, the loss is about e^(−lead): what counts is how the lead changes.",
            "Dog should be rounded down by nearly ¼, and the next class up by nearly ¼.",
        ),
    ),
)  # fmt: skip
