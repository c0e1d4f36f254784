"""The exercises of chapter 12: variants of the loss."""

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import logits_of
from xentlib.teaching.symbolic import KroneckerDelta, c, i, j, log, p, q, sum_over, y

TITLE = "12 Variants"


# 12-forgive

DELTA = KroneckerDelta(i, y)


# 12-weights


def weighted_gradient(logits, labels, weights):
    return xentlib.softmax_cross_entropy_with_grad(logits, labels, class_weights=weights)[1]


def weighted_sum(logits, labels, weights):
    return weights[labels].sum() * weighted_gradient(logits, labels, weights)


def errors(logits, labels):
    return xentlib.softmax_cross_entropy_with_grad(logits, labels, reduction="sum")[1]


def only_true_class_weighted(logits, labels, weights):
    own = weights[labels]
    return (xentlib.softmax(logits) - own[:, np.newaxis] * np.eye(logits.shape[1])[labels]) / own.sum()


# 12-cap


def capped(z):
    return 30 * np.tanh(z / 30)


def at_the_cap(z):
    return capped(z.max()) == 30


EXERCISES = (
    Exercise(
        id="12-floor", title="The floor under a smoothed loss", kind="predict", difficulty=1, minutes=4,
        task=r"A classifier of $K = 4$ classes is trained with label smoothing, $\varepsilon = 0.2$. How small can its "
        r"smoothed loss on one photo get, in nats? Two decimals.",
        answer=0.5875, rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is the floor for a one-hot target. A soft target has a loss even where q = t.", 0.0),
            Mistake("Here the 0.2 went to the three other classes. The book spreads it over all four.", 0.7202),
            Mistake("This counts the true class alone. The shares of the other three cost something too.", 0.1625),
            Mistake("This is the lead in logits at which the loss is least. The loss itself is asked for.", 2.8332),
        ),
        hints=(
            "At which q is the loss least, for a target t?",
            "At q = t. What is the cross-entropy of a distribution with itself called?",
            "It is the entropy of t = (0.85, 0.05, 0.05, 0.05).",
        ),
    ),
    Exercise(
        id="12-from-loss", title="Which ε was it?", kind="predict", difficulty=1, minutes=5,
        task=r"For our photo of the dog, with the scores 1, 2 and ½, the plain loss is 0.4644. A program that smooths "
        r"the label reports 0.7144. It spreads the share $\varepsilon$ over all three classes, the true one included. "
        r"What is $\varepsilon$? Two decimals.",
        answer=0.3, rtol=0, atol=0.0051,
        mistakes=(
            Mistake("Here the share went to the two other classes. The program spreads it over all three.", 0.2),
            Mistake("This is by how much the loss has grown. By how much would it grow for ε = 1?", 0.25),
            Mistake("This adds ε times the mean of −log q, and leaves the label what it had. The label keeps 1 − ε.",
                    0.1926),
            Mistake("This is 1 − ε, the share that the label keeps.", 0.7),
            Mistake("This is the growth of the loss as a share of the new loss. Compare it with the growth at ε = 1.",
                    0.25 / 0.7144),
        ),
        hints=(
            "The loss is −Σ t log q. Substitute t = (1 − ε) p + ε/3.",
            "It is (1 − ε) · 0.4644, plus ε times the mean of −log q over the three classes.",
            "The three −log q are 1.4644, 0.4644 and 1.9644, and their mean is 1.2977.",
        ),
    ),
    Exercise(
        id="12-own-say", title="A target that listens", kind="derive", difficulty=1, minutes=6,
        task=r"Somebody who does not trust the labels mixes the classifier's own answer $q = \mathrm{softmax}(z)$ into "
        r"the target: $t = (1 - c) p + c q$, with a share $0 < c < 1$. It is computed anew at each step and then held "
        r"constant. The loss is $L = -\sum_j t_j \log q_j$, and $p$ sums to 1. Write $\partial L/\partial z_i$ in "
        r"terms of $p$, $q$ and $c$.",
        answer=(1 - c) * (q[i] - p[i]), distributions=(p, q), within=((c, (0, 1)),),
        mistakes=(
            Mistake("The part c q of the target is missing. Substitute all of t in q − t.", q[i] - (1 - c) * p[i]),
            Mistake("The sign is turned round: it is q − t.", (1 - c) * (p[i] - q[i])),
            Mistake("The shares are mixed up: c is the share of the classifier's own answer.", c * (q[i] - p[i])),
            Mistake("This differentiates the target as well. It is held constant.",
                    (1 - c) * (q[i] - p[i]) - c * q[i] * (log(q[i]) - sum_over(j, q[j] * log(q[j])))),
            Mistake("This is the slope with respect to q_i. Softmax is still to come.",
                    -((1 - c) * p[i] + c * q[i]) / q[i]),
        ),
        hints=(
            "The target is constant and sums to 1. What is the gradient for any such t?",
            "It is q_i − t_i. Substitute t_i = (1 − c) p_i + c q_i.",
            "Subtract the q_i of the target from the q_i in front: (1 − c) q_i is left.",
        ),
    ),
    Exercise(
        id="12-rare", title="What a weight does to an honest answer", kind="predict", difficulty=2, minutes=5,
        task="Of the photos that look like this one, three in four show a dog and one in four shows a bird. The class "
        "weights are 1 for dog and 6 for bird. Which probability of bird makes the weighted loss smallest, on average "
        "over such photos? Two decimals.",
        answer=2 / 3, rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is the share of birds. It is best without weights; with them the target changes.", 0.25),
            Mistake("This is w·p for bird. It is not a probability yet, since w·p does not sum to 1.", 1.5),
            Mistake("This compares the weights alone. How often each class occurs matters as well.", 6 / 7),
            Mistake("These are the odds of bird against dog. The probability is asked for.", 2.0),
            Mistake("This is the probability of dog.", 1 / 3),
        ),
        hints=(
            "Set the gradient of the weighted loss to 0, and solve for q.",
            "It is (Σ_k w_k p_k) q_i − w_i p_i. Here w·p is ¾ for dog. What is it for bird?",
            "w·p is (¾, 6/4). Divide it by its sum.",
        ),
    ),
    Exercise(
        id="12-weights", title="The gradient of a weighted mean", kind="code", difficulty=2, minutes=10,
        task="Write a function of `logits`, of shape $(N, K)$, `labels`, $N$ indices, and `weights`, one for each "
        "class, that returns the gradient of the weighted mean loss with respect to the logits. The mean is the "
        "weighted average: it divides by the sum of the weights of the $N$ labels. Logits may be as large as 1000.",
        answer=weighted_gradient,
        inputs=(
            ([[1.0, 2.0, 0.5], [2.5, 0.5, 0.0], [0.2, 1.1, 1.0], [1.5, -0.5, 0.0]], [1, 0, 2, 1], [1.0, 2.0, 4.0]),
            ([[0.0, 1.0, -1.0, 3.0], [2.0, 2.0, 0.5, 0.1]], [3, 0], [0.5, 3.0, 1.0, 2.0]),
            ([[0.5, -0.5], [1.0, 0.0], [0.0, 0.3]], [0, 1, 1], [0.0, 5.0]),
            ([[1000.0, 999.0, -1000.0], [-1000.0, -1002.0, -1001.0]], [1, 0], [1.0, 0.5, 3.0]),
        ),
        mistakes=(
            Mistake("This divides by N, which is the other mean. Divide by the sum of the weights of the labels.",
                    lambda logits, labels, weights: weighted_sum(logits, labels, weights) / len(labels)),
            Mistake("This is the gradient of the weighted sum. It is not divided yet.", weighted_sum),
            Mistake("This divides by the weights of all K classes. Add up those of the N labels instead.",
                    lambda logits, labels, weights: weighted_sum(logits, labels, weights) / weights.sum()),
            Mistake("This weights each column by its class. A row has one weight, that of its label.",
                    lambda logits, labels, weights: weights * errors(logits, labels) / weights[labels].sum()),
            Mistake("Only the one-hot is weighted here. The target now sums to w, so q gets that factor too.",
                    only_true_class_weighted),
        ),
        hints=(
            "What is the weight of each sample? Look it up with its label.",
            "Row n is w (q − p) with the weight w of its label. What do all rows have in common?",
            "With own = weights[labels], multiply row n of q − p by own[n], and divide everything by own.sum().",
        ),
    ),
    Exercise(
        id="12-forgive", title="A loss that forgives", kind="derive", difficulty=2, minutes=8,
        task=r"Some labels are wrong. A loss that forgives them is $L = (1 - q_y^c)/c$, with a number $c > 0$; for "
        r"$c \to 0$ it tends to $-\log q_y$. Let $q = \mathrm{softmax}(z)$, and write $\partial L/\partial z_i$ in "
        r"terms of $q$ and $c$.",
        answer=q[y] ** c * (q[i] - DELTA), distributions=(q,),
        mistakes=(
            Mistake("One q_y is missing: the weight is −q_y φ'(q_y), not −φ'(q_y) alone.",
                    q[y] ** (c - 1) * (q[i] - DELTA)),
            Mistake("This is the slope with respect to q_i. Softmax is still to come.", -q[y] ** (c - 1) * DELTA),
            Mistake("The sign is turned round: the true class has to be pushed up.", q[y] ** c * (DELTA - q[i])),
            Mistake("The derivative of q_y^c brings a factor c. It cancels the 1/c in front.",
                    q[y] ** c * (q[i] - DELTA) / c),
            Mistake("The weight belongs to the sample: all entries share the one of the true class.",
                    q[i] ** c * (q[i] - DELTA)),
        ),
        hints=(
            "L depends on the logits through q_y alone. The chapter has one formula for all such losses.",
            "It is w · (q_i − δ_iy) with w = −q_y φ'(q_y). Here φ(a) = (1 − a^c)/c.",
            "φ'(a) = −a^(c−1). Multiply by −a, and substitute q_y for a.",
        ),
    ),
    Exercise(
        id="12-teacher", title="The teacher who is not heard", kind="explain", difficulty=3, minutes=4,
        task="A student is trained on the sum of two losses: one for the labels, at temperature 1, and one for the "
        "teacher's softened targets, at temperature $T$. Somebody forgot the factor $T^2$. At $T = 2$ the student "
        "follows the teacher. At $T = 20$ it learns as if there were no teacher. Why?",
        options=(
            "Softened by 20 the targets are almost uniform, so nothing that the teacher knows is left in them.",
            "The teacher's part of the gradient has the factor $1/T$: it gets ten times smaller. The labels' part "
            "stays.",
            "The teacher's part of the gradient gets smaller by a factor of the order of 100. The labels' part stays.",
            "At 20 the student's own $q$ is almost uniform as well, so both parts of the gradient vanish together.",
        ),
        answer="C",
        because="The slope of z/T brings one factor 1/T, and q − t, between two nearly uniform distributions, another. "
        "The factor T² would make up for both.",
        mistakes=(
            Mistake("Almost uniform, yes. But in the limit T² times what is left gives the teacher's centred logits: "
                    "it is small, and nothing is missing.", "A"),
            Mistake("That is half of it. The difference q − t shrinks as well when both are heated.", "B"),
            Mistake("The labels' part is taken at temperature 1, where q is as sharp as ever. Only one part shrinks.",
                    "D"),
        ),
        hints=(
            "Write the gradient of each part. Which of them contains T?",
            "The teacher's part is (q − t)/T. What becomes of q − t when both are heated?",
            "Both are 1/K plus something of order 1/T. Multiply the difference by the 1/T in front.",
        ),
    ),
    Exercise(
        id="12-cap", title="Capped, and still in order?", kind="break", difficulty=2, minutes=5,
        task="Soft-capping with $c = 30$ is increasing, so it keeps the order of the logits. Therefore somebody "
        "predicts `np.argmax(30 * np.tanh(z / 30))`. Find three finite logits for which this is not the class of the "
        "largest one.",
        answer=[1000.0, 2000.0, 0.0],
        faulty=lambda z: capped(z).argmax(), right=lambda z: z.argmax(), legal=logits_of(3), rtol=0, atol=0,
        outcomes=("class after soft-capping", "class of the largest logit"),
        mistakes=(
            Mistake("The largest logit comes first, and np.argmax gives a tie to the first. Let another one lead.",
                    [2000.0, 1000.0, 0.0], lambda z: z.argmax() == 0),
            Mistake("tanh still tells the largest logit from those before it. Where does it run out of numbers?",
                    [10.0, 20.0, 0.0], lambda z: z.argmax() > 0 and not at_the_cap(z)),
            Mistake("The largest logit has reached the cap, but none before it has. What if one joins it there?",
                    [0.0, 2000.0, 1000.0], lambda z: z.argmax() > 0 and at_the_cap(z)),
        ),
        hints=(
            "On paper the order stays. What happens to tanh in float64, far out?",
            "From about 20 on, np.tanh is exactly 1, so there can be ties that the logits did not have.",
            "np.argmax takes the first of those that tie. Put the largest logit after another one, both above 1000.",
        ),
    ),
)  # fmt: skip
