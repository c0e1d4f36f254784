"""The exercises of chapter 5: the gradient with respect to the logits."""

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import lead, logits_of
from xentlib.teaching.exercises.textbook import shifted
from xentlib.teaching.symbolic import KroneckerDelta, T, exp, i, j, p, sum_over, y, z

TITLE = "5 The gradient"


def one_hot(labels, n_classes):
    return np.eye(n_classes)[labels]


# 05-temperature, 05-weights

Q_T = exp(z[i] / T) / sum_over(j, exp(z[j] / T))
Q = exp(z[i]) / sum_over(j, exp(z[j]))
DELTA = KroneckerDelta(i, y)


# 05-gradient


def gradient(logits, y):
    return xentlib.softmax_cross_entropy_with_grad(logits, y)[1]


# 05-batch


def batch_gradient(logits, labels):
    return xentlib.softmax_cross_entropy_with_grad(logits, labels)[1]


def over_samples(logits, labels):
    return (xentlib.softmax(logits, axis=0) - one_hot(labels, logits.shape[1])) / len(logits)


# 05-flat-zero, 05-two-steps: dog, the class in the middle, is true


def textbook(logits):
    return shifted(logits) - one_hot(1, 3)


def two_steps(logits):
    q = shifted(logits)
    return (np.diag(q) - np.outer(q, q)) @ -(one_hot(1, 3) / q)


def fused(logits):
    return gradient(logits, 1)


# 05-logits

GIVEN = np.array([0.1, 0.25, -0.6, 0.25])
BEHIND_IT = GIVEN + one_hot(2, 4)


EXERCISES = (
    Exercise(
        id="05-signs", title="Predict a gradient", kind="predict", difficulty=1, minutes=3,
        task=r"The scores are $(1, 2, \tfrac12)$, as always, but now the photo shows a bird. Before you run anything: "
        r"what is the gradient of the loss with respect to the three logits? Two decimals will do.",
        answer=[0.23, 0.63, -0.86], rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is q: the one-hot was not subtracted.", [0.23, 0.63, 0.14]),
            Mistake("This is p − q: every sign is reversed.", [-0.23, -0.63, 0.86]),
            Mistake("The 1 was subtracted at dog, which has the highest score. Bird is true.", [0.23, -0.37, 0.14]),
        ),
        hints=(
            "What are the three probabilities? The label has no part in them.",
            "q is (0.23, 0.63, 0.14). Only the entry of the true class differs from it.",
            "Subtract 1 from the entry of bird, the last one. The three must sum to 0.",
        ),
    ),
    Exercise(
        id="05-temperature", title="The gradient at a temperature", kind="derive", difficulty=2, minutes=8,
        task=r"Let $q = \mathrm{softmax}(z/T)$ and $L = -\log q_y$. Derive $\partial L/\partial z_i$ for any number of "
        r"classes. Write softmax out, so that the answer contains `z` and `T` but no `q`.",
        answer=(Q_T - DELTA) / T,
        mistakes=(
            Mistake("The inner derivative is missing: z_i enters as z_i/T, which brings a factor 1/T.", Q_T - DELTA),
            Mistake("The factor is T where it should be 1/T: the derivative of z_i/T is 1/T.", T * (Q_T - DELTA)),
            Mistake("The factor 1/T is right, but the softmax has lost its temperature.", (Q - DELTA) / T),
            Mistake("This is q/T: the one-hot was not subtracted.", Q_T / T),
        ),
        hints=(
            "Write u_i for z_i/T. What is ∂L/∂u_i?",
            "It is softmax(u)_i − δ_iy, by the chapter. Now the chain rule: what is ∂u_i/∂z_i?",
            "It is 1/T, so the whole of softmax(z/T)_i − δ_iy is divided by T.",
        ),
    ),
    Exercise(
        id="05-weights", title="Targets that do not sum to 1", kind="derive", difficulty=3, minutes=12,
        task=r"Let $L = -\sum_j p_j \log q_j$ with $q = \mathrm{softmax}(z)$, where the $p_j$ are positive weights "
        r"that need not sum to 1. Derive $\partial L/\partial z_i$. Write softmax out, so that the answer contains `z` "
        r"and `p` but no `q`.",
        answer=sum_over(j, p[j]) * Q - p[i],
        mistakes=(
            Mistake("This takes Σp = 1 for granted. Here p is any list of positive weights.", Q - p[i]),
            Mistake("This is the slope with respect to q_i. Softmax is still to come.", -p[i] / Q),
            Mistake("p_i has a factor too many: each log q_j brings a q_i, but only log q_i brings the 1.",
                    sum_over(j, p[j]) * (Q - p[i])),
        ),
        hints=(
            "Write log q_j as z_j − log Σ e^z before you differentiate.",
            "The first part gives −Σ_j p_j δ_ij. The second is the same for each j, and its gradient is softmax.",
            "The second part appears once for each weight: (Σ_j p_j) · q_i. Which term does Σ_j p_j δ_ij keep?",
        ),
    ),
    Exercise(
        id="05-gradient", title="Write the gradient", kind="code", difficulty=1, minutes=6,
        task="Write a function of `logits` (an array of $K$ numbers) and `y` (the index of the true class) that "
        "returns the gradient of the loss with respect to the logits. It must work for logits of 1000 and of $-1000$, "
        "too, in one array.",
        answer=gradient,
        inputs=(
            ([1.0, 2.0, 0.5], 1), ([1.0, 2.0, 0.5], 2), ([0.3, -1.2, 0.0, 2.2, -0.4], 0),
            ([-1000.0, 1000.0, -1000.0, 999.0], 0),
        ),
        mistakes=(
            Mistake("This is q: the one-hot was not subtracted.", lambda logits, y: xentlib.softmax(logits)),
            Mistake("This is p − q: every sign is reversed.", lambda logits, y: -gradient(logits, y)),
            Mistake("This is the slope with respect to q, −p/q. It has yet to go back through softmax.",
                    lambda logits, y: -one_hot(y, len(logits)) / xentlib.softmax(logits)),
        ),
        hints=(
            "The answer has two parts: one comes from the logits alone, the other from y alone.",
            "Softmax of the logits, less a 1 at one place. Shift the logits before you take exponentials.",
            "q = np.exp(logits - logits.max()); q /= q.sum(); q[y] -= 1",
        ),
    ),
    Exercise(
        id="05-batch", title="A batch and its mean", kind="code", difficulty=2, minutes=8,
        task="Write a function of `logits`, of shape $(N, K)$, and `labels`, $N$ indices, that returns the gradient of "
        "the mean loss over the $N$ rows with respect to all logits. It has to survive logits of 1000 and of $-1000$, "
        "in one row and in one batch.",
        answer=batch_gradient,
        inputs=(
            ([[1.0, 2.0, 0.5], [2.5, 0.5, 0.0], [0.2, 1.1, 1.0], [1.5, -0.5, 0.0]], [1, 0, 2, 1]),
            ([[0.0, 1.0, -1.0, 3.0], [2.0, 2.0, 0.5, 0.1]], [3, 0]),
            ([[0.5, -0.5, 0.25], [1.0, 0.0, 2.0], [0.0, 0.3, 0.1]], [0, 0, 1]),
            ([[1000.0, -1000.0, 999.0], [-1000.0, -1001.0, -1002.0]], [2, 1]),
        ),
        mistakes=(
            Mistake("Divided by N · K: the mean runs over samples, not over all entries.",
                    lambda logits, labels: batch_gradient(logits, labels) / logits.shape[1]),
            Mistake("Wrong axis: softmax runs over the classes of one sample, the last axis.", over_samples),
            Mistake("This is q/N: the one-hot was not subtracted.",
                    lambda logits, labels: xentlib.softmax(logits) / len(logits)),
        ),
        hints=(
            "Which rows of the logits does the loss of row n depend on?",
            "Row n of the gradient is q − p of that row, times the factor that the mean puts before each loss.",
            "q = softmax(logits); q[np.arange(N), labels] -= 1; q / N",
        ),
    ),
    Exercise(
        id="05-flat-zero", title="A gradient that is lost", kind="break", difficulty=2, minutes=5,
        task=r"A program computes the gradient as $\mathrm{softmax}(z) - p$. Find three finite logits, with dog "
        r"(index 1) true, for which it is wrong by more than 1 % in some entry, though the true gradient is not 0 in "
        r"float64.",
        answer=[0.0, 40.0, 0.0],
        faulty=textbook, right=fused, legal=logits_of(3, also=lambda z: "" if fused(z)[1] else
                                                     "here the true gradient, too, is 0 in float64"),
        rtol=0.01, atol=0,
        outcomes=("softmax(z) − p", "gradient, to its last digits"),
        mistakes=(
            Mistake("Dog does not lead, so q_y is no larger than ½, and q_y − 1 loses nothing.",
                    [3.0, 0.0, 0.0], lambda z: lead(z, 1) <= 0),
            Mistake("Dog leads, but q_y is still a number below 1 with digits to spare. Go further.",
                    [0.0, 20.0, 0.0], lambda z: lead(z, 1) > 0),
        ),
        hints=(
            "In which entry does the subtraction take two numbers that are nearly equal?",
            "Make dog so probable that q_y rounds to 1. Float64 has 16 digits.",
            "A lead of 37 is about e^−37 = 10^−16. Take a little more, and less than 745.",
        ),
    ),
    Exercise(
        id="05-two-steps", title="Backwards in two steps", kind="break", difficulty=3, minutes=8,
        task="A program computes the gradient in two steps, as in *The backward pass*: first $-p/q$, then its product "
        "with the Jacobian of softmax. Find three finite logits, with dog (index 1) true, for which the result is "
        "wrong by more than 1 % in some entry, or not a number at all.",
        answer=[800.0, 0.0, 0.0],
        faulty=two_steps, right=fused, legal=logits_of(3), rtol=0.01, atol=0,
        outcomes=("in two steps", "gradient"),
        mistakes=(
            Mistake("Dog leads, so 1/q_y is less than 3. Look for a case where it is large.",
                    [0.0, 2.0, 0.0], lambda z: lead(z, 1) > 0),
            Mistake("1/q_y is large here, and the q_y of the Jacobian cancels it. What if there is no q_y left?",
                    [30.0, 0.0, 0.0], lambda z: lead(z, 1) < 0),
            Mistake("Dog ties for the highest score: nothing is large, and nothing is small.",
                    [1.0, 1.0, 1.0], lambda z: lead(z, 1) == 0),
        ),
        hints=(
            "The first step divides by q_y. When is that a bad idea?",
            "On paper q_y is never 0. In float64 it is, once dog is far enough behind.",
            "e^−745 is the smallest float64 above 0. Let dog trail by 800.",
        ),
    ),
    Exercise(
        id="05-cancel", title="Sure and wrong", kind="explain", difficulty=2, minutes=3,
        task=r"The network is sure and wrong: $q_y$ is $10^{-6}$. Softmax is nearly flat there, since "
        r"$\partial q_y/\partial z_y = q_y (1 - q_y)$ is $10^{-6}$ as well. Yet the slope of the loss at the true "
        r"logit is almost $-1$. Where does it come from?",
        options=(
            "The loss adds up the flat slopes of all classes, and together they make 1.",
            r"The slope $-1/q_y$ of $-\log q_y$ cancels the factor $q_y$ of softmax.",
            "$q - p$ is an approximation, which is poor where $q_y$ is small.",
            "Softmax is flat only at the true class; the wrong class that leads brings the 1.",
        ),
        answer="B",
        because="The logarithm is as steep as softmax is flat: −1/q_y times q_y (1 − q_y) is q_y − 1. That is why "
        "cross-entropy still teaches where squared error has stopped.",
        mistakes=(
            Mistake("Only −log q_y enters the loss, so only the slope of q_y counts. The 1 comes from what that is "
                    "multiplied by.", "A"),
            Mistake("It is exact for every z. The chapter's proof assumes nothing about q_y.", "C"),
            Mistake("The slope asked for is that of the true logit. The leading class has another, and the loss "
                    "does not contain its probability.", "D"),
        ),
        hints=(
            "By the chain rule the slope is a product of two factors. The task gives one of them.",
            "What is the derivative of −log q_y with respect to q_y, when q_y is 10⁻⁶?",
            "Multiply −1/q_y by q_y (1 − q_y).",
        ),
    ),
    Exercise(
        id="05-logits", title="From the gradient to the logits", kind="predict", difficulty=2, minutes=5,
        task=r"A photo has one true class. The gradient of its loss with respect to its four logits is $(0.1, 0.25, "
        r"-0.6, 0.25)$. Find the logits. Many will do: give any four, with two decimals.",
        answer=np.log(BEHIND_IT), through=shifted, rtol=0, atol=0.003,
        mistakes=(
            Mistake("The minus sign was dropped. −0.6 is q − 1, so the true class has the probability 0.4.",
                    np.log(abs(GIVEN))),
            Mistake("These are the probabilities. Softmax raises e to what it is given, so give it their logarithms.",
                    BEHIND_IT),
            Mistake("This is the gradient itself. It is q − p: find q first.", GIVEN),
            Mistake("The sign is turned round: the likeliest class needs the highest logit.", -np.log(BEHIND_IT)),
        ),
        hints=(
            "Which class is true? One of the four numbers tells it.",
            "The gradient is q − p. So q is the gradient plus 1 at the true class: (0.1, 0.25, 0.4, 0.25).",
            "A logit is a log-probability plus a constant, as in chapter 2: take log 0.1, log 0.25 and so on.",
        ),
    ),
    Exercise(
        id="05-votes", title="Ten people, one photo", kind="explain", difficulty=2, minutes=4,
        task="Ten people label the same blurred photo: one says cat, six say dog, three say bird. A network is trained "
        "on the ten copies until the gradient of their mean loss is 0. What does it say about the photo?",
        options=(
            "Dog, with a probability close to 1: the majority pulls harder until it has won.",
            "A third each: labels that contradict each other leave nothing to learn.",
            "That depends on where it started: opposite pushes cancel, and it stays there.",
            "Cat 0.1, dog 0.6, bird 0.3: only there do the ten pushes add up to 0.",
        ),
        answer="D",
        because="The mean of q − p over the ten is q minus the mean of the one-hots, which is (0.1, 0.6, 0.3). The "
        "mean loss there is not 0 but the entropy of the labels, 0.90, and no q has a lower one.",
        mistakes=(
            Mistake("With all on dog, four of the ten are badly wrong. The mean slope at dog would be 1 − 0.6, which "
                    "is positive, and descent would lower its score.", "A"),
            Mistake("At a third each the mean slope at dog is ⅓ − 0.6 = −0.27, and not 0.", "B"),
            Mistake("The sizes of the pushes depend on q, and they cancel at one q alone. The start decides only which "
                    "constant all scores have in common.", "C"),
        ),
        hints=(
            "What is the gradient for a single label? Write it for each of the three answers.",
            "They all have the same q. The mean of q − p over the ten is q minus the mean of the ten one-hots.",
            "For which q is q − (0.1, 0.6, 0.3) equal to 0?",
        ),
    ),
)  # fmt: skip
