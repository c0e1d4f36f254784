"""The exercises of chapter 4: the loss."""

import numpy as np
from sympy import Integer

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import lead, logits_of
from xentlib.teaching.symbolic import KroneckerDelta, c, exp, i, log, q, y

TITLE = "4 The loss"


# 04-loss


def loss(logits, label):
    return xentlib.softmax_cross_entropy(logits, label)


def log_of_probability(logits, label):
    return -np.log(xentlib.softmax(logits)[label])


def log_sum_exp_less_logit(logits, label):
    return xentlib.logsumexp(logits) - logits[label]


# 04-perplexity


def perplexity(logits, labels):
    return np.exp(xentlib.softmax_cross_entropy(logits, labels))


def each(logits, labels):
    return xentlib.softmax_cross_entropy(logits, labels, reduction="none")


# 04-epsilon: the class at index 0 is true


def with_epsilon(z):
    return -np.log(xentlib.softmax(z)[0] + 1e-7)


EXERCISES = (
    Exercise(
        id="04-guess", title="Ten classes, no idea", kind="predict", difficulty=1, minutes=3,
        task="A network with $K = 10$ classes gives each of them the logit 7. What is its loss in nats? "
        "Give two decimals.",
        answer=np.log(10), rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is log-sum-exp of the logits. Subtract the logit of the true class.",
                    7 + np.log(10)),
            Mistake("This is the probability of each class. The loss is minus its logarithm.", 0.1),
            Mistake("The sign is wrong: no loss is negative.", -np.log(10)),
        ),
        hints=(
            "Does the 7 matter?",
            "With equal logits each class gets the same probability.",
            "It is −log(1/10).",
        ),
    ),
    Exercise(
        id="04-two-photos", title="How many classes is that?", kind="predict", difficulty=2, minutes=5,
        task="On two photos the true class got the probabilities ½ and ⅛. What is the perplexity of the two?",
        answer=4.0, rtol=0.001,
        mistakes=(
            Mistake("This is one over the product of the two. For their geometric mean, take the square root.", 16.0),
            Mistake("This is the mean of 2 and 8. Average the losses first, and then take the exponential.", 5.0),
            Mistake("This is the geometric mean of the probabilities. Perplexity is one over it.", 0.25),
            Mistake("This is the mean loss in nats. Perplexity is its exponential.", np.log(4)),
            Mistake("This is the mean loss in bits. Perplexity is 2 to this power.", 2.0),
        ),
        hints=(
            "What are the two losses? Powers of 2 make it easy.",
            "The losses are log 2 and log 8 = 3 log 2. What is their mean?",
            "The mean is 2 log 2. Take its exponential.",
        ),
    ),
    Exercise(
        id="04-slope-epsilon", title="The slope with an ε", kind="derive", difficulty=1, minutes=5,
        task=r"Let $L = -\log(q_y + c)$, with a small number $c$ in place of $\varepsilon$. Write the slope "
        r"$\partial L/\partial q_i$ for any $i$, in terms of `q[y]` and `c`. The indicator $\mathbb{1}(i = y)$ is "
        "`KroneckerDelta(i, y)`.",
        answer=-KroneckerDelta(i, y) / (q[y] + c),
        mistakes=(
            Mistake("The ε got lost on the way: it stays in the denominator.", -KroneckerDelta(i, y) / q[y]),
            Mistake("L contains only the probability of the true class. The other slopes are 0.", -1 / (q[y] + c)),
            Mistake("The sign is wrong: as q_y grows, the loss falls.", KroneckerDelta(i, y) / (q[y] + c)),
            Mistake("This is the derivative of −log(q_i + c). L contains the true class y alone.", -1 / (q[i] + c)),
            Mistake("This is 0. Python's `i == y` asks at once whether the two names are the same, and they are not. "
                    "Write KroneckerDelta(i, y).", Integer(0)),
        ),
        hints=(
            "On how many of the K probabilities does L depend at all?",
            "The derivative of −log u is −1/u, times the derivative of u = q_y + c with respect to q_i.",
            "The derivative of q_y with respect to q_i is KroneckerDelta(i, y).",
        ),
    ),
    Exercise(
        id="04-raise", title="Raise the true score", kind="derive", difficulty=3, minutes=10,
        task="A classifier gives the true class the probability $q_y$. Now the logit $z_y$ is raised by $c$, and the "
        "other logits stay. Write the new loss in terms of `q[y]` and `c` alone.",
        answer=log(1 + (1 - q[y]) / q[y] * exp(-c)), distributions=(q,),
        mistakes=(
            Mistake("The numerator got a factor e^c. One term of the denominator gets it as well.",
                    -log(q[y]) - c),
            Mistake("This is the loss with the logit lowered by c.", log(1 + (1 - q[y]) / q[y] * exp(c))),
            Mistake("The denominator counts the true class twice: as it was, and as it is now.",
                    -log(q[y] * exp(c) / (1 + q[y] * exp(c)))),
            Mistake("This is the loss as it was, or with every logit raised by c.", -log(q[y])),
            Mistake("Here c is added to the probability. It is added to the logit, and softmax follows.",
                    -log(q[y] + c)),
        ),
        hints=(
            "In the chapter's form, L is log(1 + the sum over the rivals). What does c do to each term of that sum?",
            "Before, the sum over the rivals is (1 − q_y)/q_y. Each of its terms is e^(z_j − z_y).",
            "Each term gets a factor e^(−c), so the new loss is log(1 + e^(−c) (1 − q_y)/q_y).",
        ),
    ),
    Exercise(
        id="04-loss", title="A loss that keeps its digits", kind="code", difficulty=3, minutes=12,
        task=r"Write a function of `logits`, an array of $K$ numbers, and `label`, the index of the true class, that "
        r"returns the loss to nine digits, whether the true class is 800 behind or 40 ahead. A loss of "
        r"$4.2 \cdot 10^{-18}$ is not 0.",
        answer=loss, atol=0,
        inputs=(
            ([1.0, 2.0, 0.5], 1), ([1.0, 2.0, 0.5], 2), ([0.0, -800.0], 1), ([0.0, 40.0], 1),
            ([-1000.0, -1020.0, -1030.0], 0),
        ),
        mistakes=(
            Mistake("This is −log q_y: q_y rounds to 0 or to 1 before the logarithm sees it. Start from the logits.",
                    log_of_probability),
            Mistake("This is log-sum-exp less z_y: it never overflows, but a small loss drowns in the subtraction.",
                    log_sum_exp_less_logit),
            Mistake("With ε inside the logarithm the worst mistakes cost too little, and the best answers less than 0.",
                    lambda logits, label: -np.log(xentlib.softmax(logits)[label] + 1e-7)),
        ),
        hints=(
            "Subtract z_y from all logits. What is the term of the true class then?",
            "L = log(1 + Σ over the rivals of e^(z_j − z_y)), and np.log1p takes the logarithm. What overflows now?",
            "With m the largest logit: (m − z_y) + np.log1p(sum of e^(z_j − m) over all classes but the largest).",
        ),
    ),
    Exercise(
        id="04-perplexity", title="Perplexity of a batch", kind="code", difficulty=2, minutes=6,
        task="Write a function of `logits`, of shape $(N, K)$, and `labels`, $N$ indices, that returns the perplexity.",
        answer=perplexity,
        inputs=(
            ([[1.0, 2.0, 0.5], [2.5, 0.5, 0.0], [0.2, 1.1, 1.0], [1.5, -0.5, 0.0]], [1, 0, 2, 1]),
            ([[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 3.0, 0.0]], [2, 0]),
        ),
        mistakes=(
            Mistake("This is the mean loss. Perplexity is its exponential.",
                    lambda logits, labels: each(logits, labels).mean()),
            Mistake("The exponential was taken before the mean. Average the losses first.",
                    lambda logits, labels: np.exp(each(logits, labels)).mean()),
            Mistake("The losses are added here. Average them, or the result grows with the batch.",
                    lambda logits, labels: np.exp(each(logits, labels).sum())),
            Mistake("The sum is divided by K. The mean over the batch divides by N.",
                    lambda logits, labels: np.exp(each(logits, labels).sum() / logits.shape[1])),
            Mistake("This is 2 to the power of a loss in nats. With nats, take e.",
                    lambda logits, labels: 2 ** each(logits, labels).mean()),
        ),
        hints=(
            "There is one loss for each photo. What do you do with them first?",
            "Perplexity is the exponential of the mean loss.",
            "np.exp(xentlib.softmax_cross_entropy(logits, labels)): the mean is the default.",
        ),
    ),
    Exercise(
        id="04-epsilon", title="What ε hides", kind="break", difficulty=2, minutes=5,
        task=r"Somebody computes the loss as $-\log(q_y + 10^{-7})$. Find two finite logits for which this is off by "
        "more than 1 nat. The true class is at index 0.",
        answer=[-30.0, 0.0],
        faulty=with_epsilon, right=lambda z: loss(z, 0), legal=logits_of(2), rtol=0, atol=1,
        outcomes=("with 10⁻⁷ added", "loss"),
        mistakes=(
            Mistake("The true class is not behind, so q_y is at least ½, and next to it ε is nothing.",
                    [20.0, 0.0], lambda z: lead(z, 0) >= 0),
            Mistake("The true class is behind, but q_y is still larger than ε. Let it fall further behind.",
                    [-5.0, 0.0], lambda z: 0 > lead(z, 0) > np.log(1e-7)),
            Mistake("Here ε is larger than q_y, but the difference is still below 1 nat. Go a little further.",
                    [-16.4, 0.0], lambda z: lead(z, 0) <= np.log(1e-7)),
        ),
        hints=(
            "For which q_y does it matter whether 1e-7 is added?",
            "The faulty loss stays below −log(1e-7) = 16.1. The right one has no such bound.",
            "If the true class is 30 behind, its loss is 30. What does the faulty formula say?",
        ),
    ),
    Exercise(
        id="04-hits", title="As many hits, nine times the loss", kind="explain", difficulty=2, minutes=3,
        task="Two classifiers are right about the same 97 of 100 photos. The mean loss of the first is 0.1, that of "
        "the second 0.9. Both numbers are computed correctly. What can you conclude?",
        options=(
            "The second must be wrong about some photo that the first is right about.",
            "On some photos the second gives the true class far less probability.",
            r"The second has more classes, since $\log K$ is larger for it.",
            "The second needs more training: its hits and misses will change soon.",
        ),
        answer="B",
        because="The count of hits sees only which class leads. The loss sees how much probability the true class got, "
        "most likely least where the second is wrong: three errors in which it got e⁻³⁰ are enough to raise the mean "
        "over 100 photos by 0.9.",
        mistakes=(
            Mistake("Both hit the same photos. A hit says which class leads, but not by how much.", "A"),
            Mistake("They classify the same photos, so K is the same. And log K is the loss of a guess: with 97 hits "
                    "in 100 neither is guessing.", "C"),
            Mistake("Perhaps, but these numbers do not say so. They say how sure it was of its answers.", "D"),
        ),
        hints=(
            "What does the loss of a photo depend on, and what does the count of hits depend on?",
            "The loss takes the logarithm of the probability of the true class.",
            "How much can a single photo cost, if the classifier is sure and wrong?",
        ),
    ),
    Exercise(
        id="04-lead", title="From the loss to the lead", kind="predict", difficulty=2, minutes=5,
        task="There are ten classes. The true one leads each of the nine others by the same amount, and the loss is "
        "0.1. How large is the lead? Give two decimals.",
        answer=np.log(9 / np.expm1(0.1)), rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is the lead over a single rival. There are nine, and each adds a term.",
                    -np.log(np.expm1(0.1))),
            Mistake("The true class was counted as its own rival. The sum has nine terms.", np.log(10 / np.expm1(0.1))),
            Mistake("This takes log(1 + r) for r. At 0.1 the difference shows in the second decimal.", np.log(9 / 0.1)),
            Mistake("This is the probability of the true class. The lead is a difference of logits.", np.exp(-0.1)),
        ),
        hints=(
            "The chapter has a form of the loss that contains nothing but leads.",
            "With g for the lead it is L = log(1 + 9 e^(−g)). Undo the logarithm.",
            "9 e^(−g) = e^0.1 − 1 = 0.105, so e^g = 9/0.105.",
        ),
    ),
    Exercise(
        id="04-worse", title="Worse than a guess", kind="explain", difficulty=2, minutes=4,
        task=r"A new network for 1,000 classes has learned nothing yet. On its first photos the mean loss is 9.2, and "
        r"$\log 1000$ is 6.9. Which of these can explain the 2.3 on top?",
        options=(
            "All of its logits begin 2.3 too high, and that goes into every loss.",
            "The loss is summed over the classes, and the 999 wrong ones add the rest.",
            "Its logits differ widely: it is sure of things that it cannot know.",
            "Nothing is wrong: without training a network must do worse than a guess.",
        ),
        answer="C",
        because="A network that has learned nothing does best with equal logits. Take two classes with the logits 6 "
        "and 0: one label costs 6.00, the other 0.00, which is 3.00 on average, and equal logits cost 0.69. Start with "
        "smaller weights.",
        mistakes=(
            Mistake("A constant in all logits leaves the probabilities, and so the loss, as they are. With the logit 7 "
                    "for every class the loss is log K, too.", "A"),
            Mistake("With a one-hot target only the term of the true class is left, however many classes there are.",
                    "B"),
            Mistake("With equal logits for all classes it would guess, at a loss of 6.9. That takes no training.", "D"),
        ),
        hints=(
            "When is the loss exactly log K?",
            "It is log K if all logits are equal, whatever they are. So these are not.",
            "Try two classes, and let a coin draw the label: logits 0 and 0, then 6 and 0. What is the mean loss?",
        ),
    ),
)  # fmt: skip
