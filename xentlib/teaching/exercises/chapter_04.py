"""The exercises of chapter 4: the loss."""

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import lead, logits_of
from xentlib.teaching.symbolic import KroneckerDelta, c, exp, i, log, q, y

TITLE = "4 The loss"


# 04-loss


def loss(logits, y):
    return xentlib.softmax_cross_entropy(logits, y)


def log_of_probability(logits, y):
    return -np.log(xentlib.softmax(logits)[y])


def log_sum_exp_less_logit(logits, y):
    return xentlib.logsumexp(logits) - logits[y]


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
        task="A network with $K = 10$ classes gives each of them the logit 7. What is its loss, in nats? Two decimals.",
        answer=np.log(10), rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is in bits. The book counts in nats, with the natural logarithm.", np.log2(10)),
            Mistake("This is log-sum-exp of the logits. The logit of the true class is still to be taken off.",
                    7 + np.log(10)),
            Mistake("This is the probability of each class. Minus its logarithm is asked for.", 0.1),
            Mistake("The sign is turned round: no loss is negative.", -np.log(10)),
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
            Mistake("This is one over the product. Two photos share it: take a root.", 16.0),
            Mistake("This is the mean of 2 and 8. The mean is taken of the losses, before the exponential.", 5.0),
            Mistake("This is one over the mean probability. The mean is taken of the logarithms.", 3.2),
            Mistake("This is the mean loss in nats. Its exponential is asked for.", np.log(4)),
            Mistake("This is the mean loss in bits: 2 to this power is asked for.", 2.0),
        ),
        hints=(
            "What are the two losses? Powers of 2 make it easy.",
            "The losses are log 2 and log 8 = 3 log 2. What is their mean?",
            "The mean is 2 log 2, and the exponential of that is asked for.",
        ),
    ),
    Exercise(
        id="04-slope-epsilon", title="The slope with an ε", kind="derive", difficulty=1, minutes=5,
        task=r"Let $L = -\log(q_y + c)$, with a small number $c$ for the $\varepsilon$. Write "
        r"$\partial L/\partial q_i$, the slope with respect to the probabilities, in terms of $q$ and $c$.",
        answer=-KroneckerDelta(i, y) / (q[y] + c),
        mistakes=(
            Mistake("The ε got lost on the way: it stays in the denominator.", -KroneckerDelta(i, y) / q[y]),
            Mistake("Only the probability of the true class stands in L. The other slopes are 0.", -1 / (q[y] + c)),
            Mistake("The sign is turned round: more q_y means less loss.", KroneckerDelta(i, y) / (q[y] + c)),
            Mistake("This takes each class for the true one: −log(q_i + c) was differentiated.", -1 / (q[i] + c)),
        ),
        hints=(
            "In how many of the K probabilities does L change at all?",
            "The derivative of −log u is −1/u, times the derivative of u = q_y + c with respect to q_i.",
            "The derivative of q_y with respect to q_i is KroneckerDelta(i, y).",
        ),
    ),
    Exercise(
        id="04-raise", title="Raise the true score", kind="derive", difficulty=3, minutes=10,
        task="A classifier gives the true class the probability $q_y$. Now its logit $z_y$ is raised by $c$, and the "
        "others stay. Write the new loss in terms of $q_y$ and $c$ alone.",
        answer=log(1 + (1 - q[y]) / q[y] * exp(-c)), distributions=(q,),
        mistakes=(
            Mistake("The numerator grew by e^c, and so did one term of the denominator: that was forgotten.",
                    -log(q[y]) - c),
            Mistake("This lowers the score by c.", log(1 + (1 - q[y]) / q[y] * exp(c))),
            Mistake("The denominator counts the true class twice: as it was, and as it is now.",
                    -log(q[y] * exp(c) / (1 + q[y] * exp(c)))),
            Mistake("Every logit was raised by c. That changes nothing.", -log(q[y])),
        ),
        hints=(
            "Count the rivals, as the chapter does: L = log(1 + Σ of the rivals). What does c do to each of them?",
            "Before, the sum over the rivals is (1 − q_y)/q_y. Each of its terms is e^(z_j − z_y).",
            "Each term gets a factor e^(−c), so the new loss is log(1 + e^(−c) (1 − q_y)/q_y).",
        ),
    ),
    Exercise(
        id="04-loss", title="A loss that keeps its digits", kind="code", difficulty=3, minutes=12,
        task=r"Write a function of `logits` ($K$ numbers) and `y` that returns the loss, to nine digits, whether the "
        r"classifier is wrong by 800 or right by 40. A loss of $4.2 \cdot 10^{-18}$ is not 0.",
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
            Mistake("With ε inside of the logarithm the worst mistakes cost too little, and the best cost less than 0.",
                    lambda logits, y: -np.log(xentlib.softmax(logits)[y] + 1e-7)),
            Mistake("This is in bits. The book counts in nats.", lambda logits, y: loss(logits, y) / np.log(2)),
            Mistake("Softmax was applied twice.", lambda logits, y: loss(xentlib.softmax(logits), y)),
        ),
        hints=(
            "Subtract z_y from all logits. What is the term of the true class then?",
            "L = log(1 + Σ over the rivals of e^(z_j − z_y)). NumPy has a function for log(1 + a) with a tiny a.",
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
            Mistake("This is the mean loss. Its exponential is asked for.",
                    lambda logits, labels: each(logits, labels).mean()),
            Mistake("The exponential was taken before the mean. Average the losses first.",
                    lambda logits, labels: np.exp(each(logits, labels)).mean()),
            Mistake("The losses were added, not averaged: this grows with the batch.",
                    lambda logits, labels: np.exp(each(logits, labels).sum())),
            Mistake("Divided by K instead of N.",
                    lambda logits, labels: np.exp(each(logits, labels).sum() / logits.shape[1])),
            Mistake("2 was raised to a loss in nats. To nats belongs e.",
                    lambda logits, labels: 2 ** each(logits, labels).mean()),
        ),
        hints=(
            "There is one loss for each photo. What is done with them first?",
            "Perplexity is the exponential of the mean loss.",
            "np.exp(xentlib.softmax_cross_entropy(logits, labels)): the mean is the default.",
        ),
    ),
    Exercise(
        id="04-epsilon", title="What ε hides", kind="break", difficulty=2, minutes=5,
        task=r"Somebody computes the loss as $-\log(q_y + 10^{-7})$. Find two finite logits, with the true class at "
        r"index 0, for which this is off by more than 1 nat.",
        answer=[-30.0, 0.0],
        faulty=with_epsilon, right=lambda z: loss(z, 0), legal=logits_of(2), rtol=0, atol=1,
        mistakes=(
            Mistake("The true class leads. There the ε costs next to nothing.",
                    [20.0, 0.0], lambda z: lead(z, 0) >= 0),
            Mistake("The true class trails, but q_y is still larger than ε. Let it trail by more.",
                    [-5.0, 0.0], lambda z: lead(z, 0) < 0),
        ),
        hints=(
            "When does 1e-7 matter beside q_y?",
            "The faulty loss stays below −log(1e-7) = 16.1. The right one has no such bound.",
            "If the true class trails by 30, its loss is 30. What does the faulty one say?",
        ),
    ),
    Exercise(
        id="04-hits", title="As many hits, nine times the loss", kind="explain", difficulty=2, minutes=3,
        task="Two classifiers are right about the same 97 of 100 photos. The mean loss of one is 0.1, of the other "
        "0.9. Both numbers are computed as they should be. What can you conclude?",
        options=(
            "The second must have missed some photo that the first has hit.",
            "On some photos the second gives the truth far less probability, most likely where it errs.",
            r"The second has more classes, since $\log K$ is larger for it.",
            "The second needs more training: its hits and misses will change soon.",
        ),
        answer="B",
        because="The count of hits sees only which class leads. The loss sees what the truth was left with: three "
        "errors with a probability of e⁻³⁰ cost 0.9 on the average of 100, all by themselves.",
        mistakes=(
            Mistake("The hits are the same. A hit says which class leads, and not by how much.", "A"),
            Mistake("log K is the loss of one who knows nothing. These two know nearly all, with any K.", "C"),
            Mistake("Perhaps, but the numbers do not say so. They say how sure it is, and of what.", "D"),
        ),
        hints=(
            "What of a photo enters the loss, and what enters the count of hits?",
            "The loss takes the logarithm of the probability of the true class.",
            "How much can a single photo cost, if the classifier is sure and wrong?",
        ),
    ),
)  # fmt: skip
