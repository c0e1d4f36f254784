"""The exercises of chapter 6: the Jacobian of softmax."""

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import finite
from xentlib.teaching.symbolic import KroneckerDelta, j, k, log, q, sum_over

TITLE = "6 The Jacobian"

# 06-entropy, 06-either

MEAN_LOG = sum_over(j, q[j] * log(q[j]))
CAT, DOG = KroneckerDelta(0, k), KroneckerDelta(1, k)
PAIR = q[0] + q[1]


# 06-log-softmax


def log_softmax_back(logits, g):
    return g - xentlib.softmax(logits) * g.sum(axis=-1, keepdims=True)


def log_softmax_ahead(logits, v):
    return v - (xentlib.softmax(logits) * v).sum(axis=-1, keepdims=True)


def sum_of_all(logits, g):
    return g - xentlib.softmax(logits) * g.sum()


def down_the_batch(logits, g):
    return g - xentlib.softmax(logits, axis=0) * g.sum(axis=0)


# 06-offset: four equal logits, so that q is ¼ to the last bit


def product_as_written(v):
    q = 0.25
    return q * (v - (q * v).sum())


def product(v):
    return xentlib.softmax_cross_entropy_hvp(0 * v, v)


def is_no_direction(v):
    complaint = finite(4, "numbers")(v)
    if complaint:
        return complaint
    if np.ptp(v) == 0:
        return "the four numbers are equal in float64, so J v is 0"
    if np.abs(v).max() > 1e100:
        return "a number is beyond 1e100, and the point is not overflow"
    small = np.abs(product(v)).min() < 0.01
    return "an entry of the true J v is smaller than 0.01 in size" if small else ""


def common_part(v):
    """Return how many times larger the numbers are than the differences between them."""
    return np.abs(v).max() / np.ptp(v)


EXERCISES = (
    Exercise(
        id="06-nudge", title="One logit rises", kind="predict", difficulty=1, minutes=4,
        task=r"Three classes have the probabilities $(\tfrac12, \tfrac13, \tfrac16)$. The logit of the first rises by "
        r"0.06. By how much does each probability change? Three decimals will do.",
        answer=[0.015, -0.01, -0.005], rtol=0, atol=0.0006,
        mistakes=(
            Mistake("The probabilities would no longer sum to 1. What the first class gains, the others lose.",
                    [0.015, 0.0, 0.0]),
            Mistake("The others do not lose equally: each loses in proportion to what it has.",
                    [0.015, -0.0075, -0.0075]),
            Mistake("These are the slopes, the changes per unit. The logit rises by only 0.06.",
                    [1 / 4, -1 / 6, -1 / 12]),
            Mistake("The numerator grew, but the denominator did not. It contains the same exponential.",
                    [0.03, 0.0, 0.0]),
            Mistake("The signs are reversed: a class gains from its own logit.", [-0.015, 0.01, 0.005]),
        ),
        hints=(
            "One column of the Jacobian says what one logit does to all three probabilities.",
            "Per unit of its logit the first class gains q (1 − q). Each other class loses its own q times ½.",
            "The column is (½ · ½, −⅓ · ½, −⅙ · ½). Multiply it by 0.06.",
        ),
    ),
    Exercise(
        id="06-diagonal", title="Read q off the diagonal", kind="predict", difficulty=2, minutes=5,
        task="With $K = 3$, the Jacobian of softmax has $(0.24, 0.21, 0.09)$ on its diagonal. What is $q$?",
        answer=[0.6, 0.3, 0.1], rtol=0, atol=0.001,
        mistakes=(
            Mistake("Each entry fits, but they sum to 0.8. Each number on the diagonal belongs to two "
                    "probabilities.", [0.4, 0.3, 0.1]),
            Mistake("Each entry fits, but they sum to 2.2. At most one probability is larger than ½.",
                    [0.6, 0.7, 0.9]),
            Mistake("This is the diagonal divided by its sum, but the diagonal is not in proportion to q.",
                    [24 / 54, 21 / 54, 9 / 54]),
            Mistake("These are square roots. The diagonal holds q (1 − q), not q².", np.sqrt([0.24, 0.21, 0.09])),
        ),
        hints=(
            "Which probabilities have q (1 − q) = 0.24?",
            "If q is one of them, then 1 − q is the other. The same goes for 0.21 and 0.09.",
            "The first is 0.4 or 0.6, the second 0.3 or 0.7, the third 0.1 or 0.9. Which choice sums to 1?",
        ),
    ),
    Exercise(
        id="06-entropy", title="The slope of doubt", kind="derive", difficulty=2, minutes=10,
        task=r"Let $H = -\sum_j q_j \log q_j$ be the entropy of $q = \mathrm{softmax}(z)$. Write "
        r"$\partial H/\partial z_k$ in terms of $q$.",
        answer=-q[k] * (log(q[k]) - MEAN_LOG), distributions=(q,),
        mistakes=(
            Mistake("This is the slope with respect to q_k. It still has to go back through softmax.", -log(q[k]) - 1),
            Mistake("This uses the diagonal of the Jacobian alone. z_k moves the other probabilities, too.",
                    -q[k] * (1 - q[k]) * (log(q[k]) + 1)),
            Mistake("The 1 does not belong there: a constant in all slopes is in their average as well, and drops out.",
                    -q[k] * (log(q[k]) + 1 - MEAN_LOG)),
            Mistake("The average is missing: only diag(q) was multiplied, and not −q qᵀ.", -q[k] * (log(q[k]) + 1)),
        ),
        hints=(
            "Two steps: first the slopes of H with respect to the probabilities, then the Jacobian.",
            "∂H/∂q_i is −log q_i − 1. The Jacobian turns slopes v into q_k times the excess of v_k over Σ_j q_j v_j.",
            "The −1 drops out. What is left is q_k times the excess of −log q_k over the average of −log q_j under q.",
        ),
    ),
    Exercise(
        id="06-either", title="Either cat or dog", kind="derive", difficulty=3, minutes=10,
        task=r"A label says that a photo shows a cat (index 0) or a dog (index 1), but not which of them. The loss is "
        r"$L = -\log(q_0 + q_1)$, with $q = \mathrm{softmax}(z)$ over any number of classes. Write "
        r"$\partial L/\partial z_k$ in terms of $q$.",
        answer=q[k] - (q[0] * CAT + q[1] * DOG) / PAIR, distributions=(q,),
        mistakes=(
            Mistake("This is the slope of −log q_0 − log q_1, as if both classes were true at once.",
                    2 * q[k] - CAT - DOG),
            Mistake("A whole 1 is taken off at each of the two. They share it, as their probabilities do.",
                    q[k] - CAT - DOG),
            Mistake("The two do not get one half each. The one with the larger probability gets more.",
                    q[k] - (CAT + DOG) / 2),
            Mistake("The logarithm was lost: this is the slope of −(q_0 + q_1).",
                    PAIR * q[k] - q[0] * CAT - q[1] * DOG),
            Mistake("Here each of the two responds to its own logit only. They respond to all logits.",
                    -(q[0] * (1 - q[0]) * CAT + q[1] * (1 - q[1]) * DOG) / PAIR),
        ),
        hints=(
            "Call the sum s = q_0 + q_1. What is the slope of −log s, and what are those of q_0 and q_1?",
            "∂s/∂z_k = q_0 (δ_0k − q_k) + q_1 (δ_1k − q_k), with KroneckerDelta(0, k) for δ_0k. Collect the q_k.",
            "∂s/∂z_k = q_0 δ_0k + q_1 δ_1k − s q_k. Multiply by −1/s.",
        ),
    ),
    Exercise(
        id="06-log-softmax", title="Backwards through log-softmax", kind="code", difficulty=2, minutes=10,
        task="A layer computes log-softmax along the last axis. Write a function of `logits` and `g`, both of shape "
        "$(N, K)$. `g` holds the slopes of some loss with respect to the log-probabilities. Return the slopes of "
        "that loss with respect to the logits. The loss may be anything, and so may `g`. Logits may be as large as "
        "1000.",
        answer=log_softmax_back,
        inputs=(
            ([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]], [[0.0, -1.0, 0.0], [0.3, 0.5, -2.0]]),
            ([[0.2, -1.0, 3.0, 0.5, 0.1]], [[1.0, 0.0, 2.0, -0.5, 0.25]]),
            ([[0.3, 2.2], [1000.0, 999.0], [-1.0, 0.4]], [[-0.7, -0.3], [2.0, 1.0], [0.0, 0.5]]),
        ),
        mistakes=(
            Mistake("This goes back through softmax. Log-softmax has other slopes, δ_ik − q_k.",
                    xentlib.softmax_cross_entropy_hvp),
            Mistake("This is J g, the way forward. The way back is Jᵀ g, and this J is not symmetric.",
                    log_softmax_ahead),
            Mistake("This holds if the rows of g sum to −1, as they do for cross-entropy. Here g may be anything.",
                    lambda logits, g: g + xentlib.softmax(logits)),
            Mistake("The slopes were added up over the whole batch. But no photo affects another.", sum_of_all),
            Mistake("Wrong axis: softmax and the sum run over the classes, the last axis.", down_the_batch),
        ),
        hints=(
            "The slopes are ∂ log q_i/∂z_k = δ_ik − q_k. Each z_k reaches the loss through all K of the log q_i.",
            "For one photo: Σ_i g_i (δ_ik − q_k). The sum runs over i, the first index. What is left of each part?",
            "It is g_k − q_k Σ_i g_i. In NumPy the sum of each row needs keepdims=True.",
        ),
    ),
    Exercise(
        id="06-offset", title="A product that loses its digits", kind="break", difficulty=3, minutes=8,
        task=r"At four equal logits $q$ is $(\tfrac14, \tfrac14, \tfrac14, \tfrac14)$, and a program computes $J v$ as "
        r"`q * (v - (q * v).sum())`. Find four numbers $v$ for which some entry is wrong by more than 1 %, though each "
        r"entry of the true $J v$ is at least 0.01 in size.",
        answer=[1e16 + 4, 1e16, 1e16, 1e16],
        faulty=product_as_written, right=product, legal=is_no_direction, rtol=0.01, atol=0,
        outcomes=("q * (v - (q * v).sum())", "J v"),
        mistakes=(
            Mistake("The numbers are not much larger than their differences, so the subtraction loses few digits. "
                    "What is in the kernel of J?", [1.0, 0.0, 0.0, 0.0], lambda v: common_part(v) < 1000),
            Mistake("The numbers have a large part in common, which drops out. But sixteen digits still have room "
                    "for the rest.",
                    [1e6 + 1, 1e6, 1e6, 1e6], lambda v: common_part(v) >= 1000),
        ),
        hints=(
            "Where does the formula subtract numbers that may be nearly equal?",
            "The vector of ones is in the kernel: a constant added to all four numbers leaves J v as it is. And the "
            "digits?",
            "Float64 has 16 digits. Add 10^16 to four small numbers. They must still differ after that: near 10^16, "
            "neighbours are 2 apart.",
        ),
    ),
    Exercise(
        id="06-inverse", title="Two answers", kind="explain", difficulty=2, minutes=4,
        task=r"At the logits $(1, 2, \tfrac12)$, by how much do the logits have to change for $q$ to change by "
        r"$dq = (0.01, -0.01, 0)$? Two programs solve $J \cdot dz = dq$. One returns $dz = (0.059, 0, 0.016)$, the "
        r"other $(0.043, -0.016, 0)$. Which is right, up to rounding?",
        options=(
            "Neither: $J$ is singular, it has no inverse, and so no $dz$ leads to this $dq$.",
            "One of them: three equations fix three unknowns, and the other program has lost its digits.",
            "Both: they differ by a constant, which $J$ sends to 0, and any constant would do.",
            "Both: $dq$ is 0 for bird, which leaves the logit of bird free to be anything.",
        ),
        answer="C",
        because="Subtract one answer from the other: 0.016 in each entry. The rows of J sum to 0, so J sends every "
        "constant to 0, and no inverse could tell which one was meant. The columns sum to 0 as well: J reaches those "
        "dq that sum to 0, and no others. Hold one logit still, as each of the programs did, and the others are fixed.",
        mistakes=(
            Mistake("A singular matrix misses some dq, but not all. J misses those that do not sum to 0, since the "
                    "probabilities always sum to 1. This one sums to 0.", "A"),
            Mistake("The three equations are not independent: the columns of J sum to 0, so the third follows from the "
                    "other two.", "B"),
            Mistake("Moving bird's logit alone moves all three probabilities. What is free is a shift of all logits "
                    "together, whatever dq is.", "D"),
        ),
        hints=(
            "Subtract one answer from the other.",
            "What is J times (1, 1, 1), and so J times any constant vector?",
            "So J times the first answer and J times the second are the same. Is it dq?",
        ),
    ),
)  # fmt: skip
