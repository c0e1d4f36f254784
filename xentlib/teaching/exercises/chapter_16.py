"""The exercises of chapter 16: losses whose gradient is prediction minus truth, and what they promise."""

import numpy as np
from sympy import sqrt, tanh

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.symbolic import c, exp, log

TITLE = "16 One family"


# 16-maxent


def tilted(values, beta):
    return xentlib.softmax(beta * values)


def right_tilt(values, mean):
    low, high = -100.0, 100.0
    for _ in range(60):  # then the two are neighbours
        beta = (low + high) / 2
        low, high = (low, beta) if tilted(values, beta) @ values > mean else (beta, high)
    return beta


def maxent(values, mean):
    return tilted(values, right_tilt(values, mean))


def uniform(values, mean):
    return np.full(len(values), 1 / len(values))


def one_step(values, mean):
    return tilted(values, (mean - values.mean()) / values.var())


def straight(values, mean):
    return 1 / len(values) + (mean - values.mean()) / values.var() * (values - values.mean()) / len(values)


def turned(values, mean):
    return tilted(values, -right_tilt(values, mean))


# 16-cheaper: by how much the true class leads, on three photos in a row, for each of two classifiers


def cheaper(leads):
    return float(losses(leads).argmin())


def better(leads):
    return float(errors(leads).argmin()) if np.diff(errors(leads)) else cheaper(leads)


def losses(leads):
    return np.logaddexp(0, -leads).mean(axis=1)


def errors(leads):
    return (leads < 0).sum(axis=1)


def of_two_classifiers(leads):
    if leads.shape != (2, 3):
        return "two classifiers with three leads each are needed, an array of shape (2, 3)"
    if not np.isfinite(leads).all():
        return "all leads must be finite"
    if not leads.all():
        return "no lead may be 0, where both classes tie"
    return "" if np.diff(errors(leads)) else "the two make equally many errors"


def dearest_error(leads):
    """Return the least lead of the true class for the classifier with more errors."""
    return leads[errors(leads).argmax()].min()


EXERCISES = (
    Exercise(
        id="16-sparse", title="Who gets a stake?", kind="predict", difficulty=1, minutes=5,
        task=r"Four classes have the scores $(3, 2\tfrac12, 1, 2)$. What does sparsemax make of them? Give the four "
        "probabilities.",
        answer=[0.75, 0.25, 0.0, 0.0], rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is softmax, which leaves no class out.", xentlib.softmax([3, 2.5, 1, 2])),
            Mistake("Three classes got a stake. Then τ would be 2.17, but the third of them has the score 2, which is "
                    "less.", [0.8333, 0.3333, 0.0, -0.1667]),
            Mistake("Classes below τ were cut off, but τ was computed with them, and what is left does not sum to 1. "
                    "Compute τ anew without them.", [1.125, 0.625, 0.0, 0.125]),
            Mistake("Here the largest takes all. It would, with a lead of 1 or more over the next; here the lead is ½.",
                    [1.0, 0.0, 0.0, 0.0]),
        ),
        hints=(
            "Sort them: 3, 2½, 2, 1. With how many of the largest does each stay above τ?",
            "With the two largest τ is (5½ − 1)/2. With the three largest it is (7½ − 1)/3.",
            "The first τ is 2.25, which 2½ exceeds. The second is 2.17, which 2 does not. So two classes have a stake.",
        ),
    ),
    Exercise(
        id="16-back", title="From the bet to the score", kind="predict", difficulty=2, minutes=4,
        task="Sparsemax answers $(0.3, 0.7, 0)$. Cat, the first class, has the score 1.2. What is the score of dog, "
        "the second?",
        answer=1.6, rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This takes the logarithm of the odds, as for softmax. Sparsemax has no logarithm.",
                    1.2 + np.log(7 / 3)),
            Mistake("The probabilities were taken to be proportional to the scores. It is their differences that "
                    "agree.", 2.8),
            Mistake("This is τ, which both scores exceed.", 0.9),
            Mistake("Dog's probability was added to the score of cat. Add only what dog has more than cat.", 1.9),
            Mistake("The sign of the difference is turned round: dog has more, so its score is higher.", 0.8),
        ),
        hints=(
            "Both hold a stake. What is q_i for such a class?",
            "It is z_i − τ, with the same τ for both. Cat tells you what τ is.",
            "τ = 1.2 − 0.3 = 0.9. What must dog's score be, to be 0.7 above it?",
        ),
    ),
    Exercise(
        id="16-up", title="Up or down", kind="derive", difficulty=2, minutes=8,
        task="From one day to the next there are more birds, $t = 1$, or fewer, $t = -1$. The probability of $t$ is "
        "proportional to $e^{tc}$, with a score $c$. The loss is minus the logarithm of that probability, and the "
        "slope of the loss in $c$ is a prediction minus $t$. Write this prediction in terms of `c`.",
        answer=tanh(c),
        mistakes=(
            Mistake("This is Ω*, what the probabilities are divided by, as a logarithm. Differentiate it.",
                    log(exp(c) + exp(-c))),
            Mistake("This is the sigmoid, which belongs to outcomes 0 and 1, a distance of 1 apart.",
                    exp(c) / (1 + exp(c))),
            Mistake("This is the probability of more birds. The mean of 1 and −1 is asked for.",
                    exp(c) / (exp(c) + exp(-c))),
            Mistake("This takes e^c for the odds of up against down. They are e^c to e^(−c), which is e^(2c).",
                    tanh(c / 2)),
            Mistake("This is the variance, the second derivative of Ω*. Once is enough.", 1 - tanh(c) ** 2),
        ),
        hints=(
            "What must e^c and e^(−c) be divided by, to be probabilities?",
            "The loss is log(e^c + e^(−c)) − t c. The first part does not know t.",
            "Its slope is (e^c − e^(−c)) / (e^c + e^(−c)), the hyperbolic tangent.",
        ),
    ),
    Exercise(
        id="16-leaves", title="Who leaves the family?", kind="explain", difficulty=2, minutes=5,
        task="Each of these changes cross-entropy. After which of them is the gradient no longer something that only "
        "the scores determine, minus something that only the label determines?",
        options=(
            r"Label smoothing: the target is $(1 - \varepsilon) p + \varepsilon / K$.",
            r"A z-loss: $\lambda$ times the square of $\mathrm{LSE}(z)$ is added.",
            "Class weights: the loss is multiplied by $w_y$.",
            r"A penalty on the logits: $\lambda \sum_j z_j^2$ is added.",
        ),
        answer="C",
        because="The loss is w_y LSE(z) − w_y z_y, so the part that belongs to the scores now knows the label. The "
        "gradient is w_y (q − p), and if you change the label, it changes by an amount that depends on q.",
        mistakes=(
            Mistake("Here t is another vector, but it is still made of the label alone, and the gradient is q − t.",
                    "A"),
            Mistake("What is added depends on the scores alone. The prediction becomes q (1 + 2 λ LSE), which need not "
                    "sum to 1, and from it p is subtracted as before.", "B"),
            Mistake("What is added depends on the scores alone. The prediction becomes q + 2 λ z, and from it p is "
                    "subtracted as before.", "D"),
        ),
        hints=(
            "Use the chapter's test: change the label. Does the gradient change by the same vector at all scores?",
            "Which of the four changes multiplies a part of the loss that contains LSE by something about the label?",
            "Write each loss as a function of z alone, minus a product of scores and target.",
        ),
    ),
    Exercise(
        id="16-maxent", title="A die of your own", kind="code", difficulty=3, minutes=12,
        task="Write a function of `values`, the numbers on the $K$ faces of a die, and `mean` that returns the "
        "distribution with the largest entropy among those with that mean. The mean lies between the smallest number "
        "and the largest.",
        answer=maxent, rtol=1e-6,
        inputs=(([1, 2, 3, 4, 5, 6], 4.5), ([0, 1, 2], 0.5), ([1, -1, 3, 0], 0.25), ([2, 5], 2.75)),
        mistakes=(
            Mistake("This is the uniform distribution. It has the largest entropy of all, but not the mean.", uniform),
            Mistake("This is one Newton step from β = 0. Go on until the mean is right.", one_step),
            Mistake("This adds a multiple of the values to 1/K. It has the mean, but the largest bonus of sparsemax, "
                    "not the largest entropy.", straight),
            Mistake("The tilt has the wrong sign: the mean lies on the other side of the plain average.", turned),
        ),
        hints=(
            "Which form does the answer have? The chapter shows it, with one unknown number.",
            "It is softmax of β times the values. Its mean grows with β.",
            "Find β by halving an interval, or by Newton: subtract (mean of the tilted die − mean) / variance.",
        ),
    ),
    Exercise(
        id="16-promise", title="At most so many", kind="predict", difficulty=1, minutes=3,
        task="On new photos a classifier has a mean loss of 0.14 nats. At most what share of them can it get wrong? "
        "Two decimals.",
        answer=0.14 / np.log(2), rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is 1 − e^(−0.14), which turns the mean loss back into a probability. Count instead what each "
                    "error costs at least.", 1 - np.exp(-0.14)),
            Mistake("The loss was multiplied by log 2. Each error uses up log 2 of it.", 0.14 * np.log(2)),
            Mistake("This is the loss itself. An error costs less than 1 nat, so there can be more of them.", 0.14),
            Mistake("This is Pinsker's root. It bounds errors above their minimum, by loss above its minimum.",
                    float(sqrt(0.28))),
        ),
        hints=(
            "What does an error cost at least?",
            "If another class is named, the true one has at most ½.",
            "Let all the loss come from errors that cost log 2 each. How many errors per photo does that make?",
        ),
    ),
    Exercise(
        id="16-cheaper", title="Cheaper, and more often wrong", kind="break", difficulty=2, minutes=6,
        task="Two classifiers answer the same three photos of cats and dogs. Somebody says that the one with the "
        "smaller mean loss makes fewer errors. Find answers for which that is wrong: an array of shape $(2, 3)$, with "
        "a row for each classifier. Its entries say how far the score of the true class is ahead of the other.",
        answer=[[-0.1, -0.1, 2.0], [2.0, 2.0, -7.0]],
        faulty=cheaper, right=better, legal=of_two_classifiers, rtol=0, atol=0,
        outcomes=("index of the classifier with the smaller loss", "index of the classifier with fewer errors"),
        mistakes=(
            Mistake("The classifier with more errors pays dearly for one of them, so it has the larger loss as well. "
                    "Let its errors be narrow: a little below 0.",
                    [[2.0, 2.0, -0.4], [-2.0, -2.0, 2.0]], lambda leads: dearest_error(leads) < -1),
            Mistake("The errors of the one that has more of them are narrow: that is the way. But the other one pays "
                    "too little. Let it be sure of its error, or unsure of its right answers.",
                    [[2.0, 2.0, -0.5], [-0.2, -0.2, -0.2]], lambda leads: dearest_error(leads) >= -1),
        ),
        hints=(
            "An error costs at least log 2. Is there a limit upwards?",
            "One classifier should make one error of which it is quite sure.",
            "The other makes two errors with a lead of −0.1, which cost 0.74 each. Give the first one of −7.",
        ),
    ),
)  # fmt: skip
