"""The exercises of chapter 15: bugs, and what gives them away."""

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import finite
from xentlib.teaching.symbolic import KroneckerDelta, exp, i, j, k, q, sum_over, y

TITLE = "15 Break it"


# 15-accumulate


def mean_of_all(grads, counts):
    return counts @ grads / counts.sum()


# 15-fooled: dog, the class in the middle, is true. Both return 1 for an alarm.


def rows_alarm(grad):
    return float(abs(grad.sum()) > 1e-9 * abs(grad).max())


def careful_alarm(grad):
    rivals_gain = grad[[0, 2]].min() < -1e-9 * abs(grad).max()
    return float(bool(rows_alarm(grad)) or rivals_gain or grad[1] < -1 - 1e-9)


# 15-twice

Q_SUM = sum_over(j, exp(q[j]))
A = exp(q[i]) / Q_SUM
DELTA = KroneckerDelta(i, y)
MEAN = sum_over(k, q[k] * exp(q[k])) / Q_SUM - q[y]
TWICE = q[i] * (A - DELTA - MEAN)


# 15-from-gradient: the entry at the label of row n is w_n (q_y − 1) / Σ w, with w_n the weight of its class.


def shares(labels, class_weights):
    weights = class_weights[labels]
    return weights / weights.sum()


def true_entries(grad, labels):
    return grad[np.arange(len(labels)), labels]


def loss_of_gradient(grad, labels, class_weights):
    share = shares(labels, class_weights)
    return -(share * np.log1p(true_entries(grad, labels) / share)).sum()


def loss_that_rounds(grad, labels, class_weights):
    share = shares(labels, class_weights)
    return -(share * np.log(1 + true_entries(grad, labels) / share)).sum()


def loss_of_rivals(grad, labels, class_weights):
    share = shares(labels, class_weights)
    return -(share * np.log(-true_entries(grad, labels) / share)).sum()


def plain_mean(grad, labels, class_weights):
    return -np.log1p(true_entries(grad, labels) / shares(labels, class_weights)).mean()


def without_weights(grad, labels, class_weights):
    return -np.log1p(len(grad) * true_entries(grad, labels)).mean()


def example_of(logits, labels, class_weights):
    weights = np.array(class_weights)
    _, grad = xentlib.softmax_cross_entropy_with_grad(np.array(logits), labels, class_weights=weights)
    return grad, labels, class_weights


EXERCISES = (
    Exercise(
        id="15-zero-logits", title="Told by the first number", kind="predict", difficulty=1, minutes=5,
        task="Five programs should return the mean loss of $N = 32$ samples with $K = 10$ classes. All logits are 0. "
        "They return 2.303, 3.322, 3.466, 0.230 and 73.68. The first is right. Which exhibits are the other four? Give "
        "their numbers in this order.",
        answer=[5, 19, 14, 13], rtol=0,
        mistakes=(
            Mistake("The first two are the wrong way round. One of these bugs involves N, the other a base.",
                    [19, 5, 14, 13]),
            Mistake("The last two are the wrong way round. Does dividing by too much make a mean larger or smaller?",
                    [5, 19, 13, 14]),
            Mistake("Nothing is ignored here, so exhibit 15 does no harm. What else can a mean divide by?",
                    [5, 19, 15, 13]),
            Mistake("Where all logits are equal every label costs the same: no bug of the labels shows in the loss.",
                    [5, 21, 14, 13]),
            Mistake("At zero logits softmax twice costs log K, as it should. That is how it stays hidden.",
                    [1, 19, 14, 13]),
        ),
        hints=(
            "The right number is log 10. How does each of the others come from it, or from 32?",
            "3.322 is 2.303 / log 2, and 0.230 is 2.303 / 10. 73.68 is 32 times 2.303. And 3.466?",
            "3.466 is log 32: N has taken the place of K. Look for it in room 4, and for the others in 1 and 3.",
        ),
    ),
    Exercise(
        id="15-ceiling", title="Softmax twice, and wrong", kind="predict", difficulty=2, minutes=5,
        task="With softmax twice, no classifier of ten classes gets below 1.461. How bad can it look? Give the largest "
        "loss that this program reports, however sure and wrong the classifier. Two decimals.",
        answer=np.log(np.exp(1.0) + 9), rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is the smallest loss, at a sure and right classifier.", np.log(np.exp(1.0) + 9) - 1),
            Mistake("The right loss has no bound. Here the logits of the outer softmax lie between 0 and 1.", np.inf),
            Mistake("This is the loss of a classifier that has no clue. One that is sure and wrong does worse.",
                    np.log(10)),
            Mistake("This gives each class the weight e. The probabilities cannot all be 1: they sum to 1.",
                    1 + np.log(10)),
        ),
        hints=(
            "What are the ten numbers that the outer softmax sees, if the classifier is sure and wrong?",
            "A 1 at a wrong class and 0 at all others, the true one included.",
            "The true score is 0, so the loss is the logarithm of e¹ + 9 e⁰.",
        ),
    ),
    Exercise(
        id="15-accumulate", title="A batch in parts", kind="code", difficulty=1, minutes=6,
        task="A batch is too large, and is worked through in $M$ parts. Row $m$ of `grads`, of shape $(M, D)$, is the "
        "gradient of the mean loss of part $m$, and `counts[m]` says over how many samples that mean runs. Where that "
        "is 0, so is the row. Write a function of `grads` and `counts` that returns the gradient of the mean over all "
        "samples.",
        answer=mean_of_all,
        inputs=(
            ([[1.0, -2.0, 0.5], [0.25, 0.0, -1.0]], [11, 101]),
            ([[0.3, -0.1], [0.0, 0.0], [-0.6, 0.4], [0.2, 0.9]], [8, 0, 3, 1]),
            ([[2.0, 1.0, -1.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 3.0, 0.0, -0.5, 2.0]], [2, 0, 5]),
        ),
        mistakes=(
            Mistake("This is a mean of means: a sample of a small part weighs more than one of a large part.",
                    lambda grads, counts: grads.mean(axis=0)),
            Mistake("This is the mean over the parts that have samples. They still do not weigh the same.",
                    lambda grads, counts: grads[counts > 0].mean(axis=0)),
            Mistake("This is the gradient of the sum: it was not divided by the number of samples.",
                    lambda grads, counts: counts @ grads),
            Mistake("The sum was divided by M, the number of parts. The mean runs over samples.",
                    lambda grads, counts: counts @ grads / len(counts)),
            Mistake("The gradients were added as they are. Each is a mean already, of its own part.",
                    lambda grads, counts: grads.sum(axis=0)),
        ),
        hints=(
            "A mean can be turned back into a sum. What do you need for that?",
            "counts[m] * grads[m] is the gradient of the sum of part m. Sums can be added.",
            "Add these over the parts, and divide once, by counts.sum().",
        ),
    ),
    Exercise(
        id="15-single", title="Right in float64 alone?", kind="explain", difficulty=2, minutes=4,
        task=r"A program passes the probe `differences` in float64, with the tolerance $10^{-9}$. In float32 the same "
        r"lines do not pass with this tolerance: the error is $2 \cdot 10^{-5}$. The step is "
        r"$\mathrm{eps}^{1/3}$ in both cases. What has to be changed?",
        options=(
            "The tolerance: in float32, differences have fewer than five right digits at best.",
            r"The step: it is too long for float32, and one of $10^{-7}$ brings the error down to that size.",
            "The gradient: it loses digits in float32, so compute it in float64, and round at the end.",
            "The gradient: it belongs to another loss, since nothing else makes this probe raise the alarm.",
        ),
        answer="A",
        because="Differences divide the rounding of the loss by the step. The best step leaves about eps^(2/3), which "
        "is 2 · 10⁻⁵ in float32 and 4 · 10⁻¹¹ in float64. No gradient, however good, passes 10⁻⁹ in float32.",
        mistakes=(
            Mistake("A shorter step makes it worse: the two losses come closer to each other, and their rounding stays "
                    "as it is. At 10⁻⁷ hardly a digit is left.", "B"),
            Mistake("The differences lose the digits, not the gradient. It is compared with numbers that are worse "
                    "than itself.", "C"),
            Mistake("Rounding raises it, too. In float64 the same lines agree to 10⁻⁹, so the gradient does belong to "
                    "this loss.", "D"),
        ),
        hints=(
            "The probe compares two numbers. Which of them has more right digits?",
            "Float32 rounds the loss by about 10⁻⁷. What becomes of that when it is divided by the step?",
            "The step is 0.005. And what a shorter step gains on the curve, it loses on the rounding.",
        ),
    ),
    Exercise(
        id="15-fooled", title="A probe that is fooled", kind="break", difficulty=2, minutes=5,
        task="The gradient of the loss of one photo, of a dog (index 1), is $q - p$ for some distribution $q$. The "
        "probe `rows` asks only whether its three entries sum to 0. Find three finite numbers that it lets pass "
        "although they are $q - p$ for no distribution $q$ at all, not even for one with zeros in it.",
        answer=[-0.5, 0.25, 0.25],
        faulty=rows_alarm, right=careful_alarm, legal=finite(3, "entries"),
        outcomes=("1 if `rows` raises the alarm", "1 if they are q − p for no q"),
        mistakes=(
            Mistake("The probe is not fooled: these do not sum to 0.", [0.5, 0.5, 0.5],
                    lambda grad: bool(rows_alarm(grad))),
            Mistake("Add 1 at dog, and this is a distribution q. So a classifier may have this gradient, or come as "
                    "near to it as you like.", [0.5, -0.5, 0.0], lambda grad: not careful_alarm(grad)),
        ),
        hints=(
            "The gradient is q − p. What else is known of its entries, apart from their sum?",
            "One sign is known for each entry, for q_j lies between 0 and 1. And how large can they be?",
            "Only the entry of dog can be negative. What does a program return that takes cat for the true class?",
        ),
    ),
    Exercise(
        id="15-half", title="Half the logits", kind="explain", difficulty=2, minutes=4,
        task="By mistake, a program divides all logits by 2 before it computes the loss. Its gradient has the factor ½ "
        "that belongs to it. Which of the seven probes raise the alarm?",
        options=(
            r"`log_K`, and others: half the logits cost less than the whole ones, and $\log K$ is no longer right.",
            "`differences`, and others: the right gradient is $q - p$, and this one is half of such a difference.",
            r"`from_gradient` alone: half the logits cost $\log K$ and obey the symmetries as the logits do.",
            "`shift`, and others: what was shifted by $c$ arrives shifted by $c/2$, and the loss is another one.",
        ),
        answer="C",
        because="It is the right gradient of the loss at the temperature 2, and at any temperature the loss has the "
        "six properties. But its slope for the true class is half of q_y − 1, so the loss that from_gradient recovers "
        "is not the one that the program reports.",
        mistakes=(
            Mistake("The probe looks at logits that are all 0, and half of 0 is 0: log K, as it should be.", "A"),
            Mistake("Finite differences compare the gradient with the program's own loss. They know nothing of "
                    "q − p, and the factor ½ is what they expect here.", "B"),
            Mistake("It arrives as a shift by c/2, the same for all classes, and softmax ignores that as well.", "D"),
        ),
        hints=(
            "Is there a name for a softmax of z/2?",
            "Go through the six lines, with ℓ(Z/2, y) in place of ℓ(Z, y).",
            "What is the slope for the true class? Add 1: is minus the logarithm of that the loss?",
        ),
    ),
    Exercise(
        id="15-twice", title="The gradient of softmax twice", kind="derive", difficulty=3, minutes=12,
        task=r"Softmax twice: $q = \mathrm{softmax}(z)$, and $L = -q_y + \log \sum_j e^{q_j}$. Derive "
        r"$\partial L/\partial z_i$, in terms of $q$ alone. Look for the factor that makes a sure and wrong classifier "
        r"learn so slowly.",
        answer=TWICE, distributions=(q,),
        mistakes=(
            Mistake("This is the slope with respect to q_i. The inner softmax is still to come.", A - DELTA),
            Mistake("Softmax has a Jacobian, and this is only its diagonal: every q_k depends on z_i.",
                    q[i] * (1 - q[i]) * (A - DELTA)),
            Mistake("The subtracted mean is missing: each class k adds a part through −q_i q_k.", q[i] * (A - DELTA)),
            Mistake("The sign is turned round: the true class has to rise.", -TWICE),
        ),
        hints=(
            "Call u_k = ∂L/∂q_k. What does the gradient look like from there? Then go back through one softmax.",
            "u_k is e^(q_k) / Σ_j e^(q_j) − δ_ky, and ∂q_k/∂z_i = q_k (δ_ik − q_i).",
            "The sum over k is q_i (u_i − Σ_k q_k u_k). Substitute u, and Σ_k q_k δ_ky becomes q_y.",
        ),
    ),
    Exercise(
        id="15-from-gradient", title="The loss from the gradient, weighted", kind="code", difficulty=3, minutes=10,
        task=r"The seventh probe counts all samples alike. Now let the loss be a weighted mean: with $w_n$ for the "
        r"weight of the class of sample $n$, it is $\sum_n w_n L_n / \sum_n w_n$. Write a function of `grad`, the "
        r"gradient of this loss, of shape $(N, K)$, of `labels`, and of `class_weights`, one for each class, that "
        r"returns the loss, to nine digits. A loss of $4.2 \cdot 10^{-18}$ is not 0.",
        answer=loss_of_gradient, atol=0,
        inputs=(
            example_of([[1.0, 2.0, 0.5], [0.0, -1.5, 0.25], [3.0, 0.75, -1.0], [0.5, 0.0, 0.25]], [1, 2, 0, 1],
                       [1.0, 2.0, 1.5]),
            example_of([[0.5, -1.0, 0.25, 2.0, 0.0], [1.5, 0.5, -0.5, 0.0, 1.0]], [3, 4], [1.0, 1.0, 1.0, 3.0, 2.0]),
            example_of([[0.0, 40.0, 0.0], [38.0, 0.0, -1.0]], [1, 0], [0.5, 0.75, 1.0]),
        ),
        mistakes=(
            Mistake("The formula is right, but it adds a tiny number to 1, and that is rounded away: use np.log1p.",
                    loss_that_rounds),
            Mistake("This takes N for the factor, as if all samples counted alike. Row n holds w_n (q − p) / Σ w.",
                    without_weights),
            Mistake("The losses of the samples are right, but their mean has to be the weighted one.", plain_mean),
            Mistake("This is −log(1 − q_y): the entry at the label is q_y − 1, times its share of the weights.",
                    loss_of_rivals),
        ),
        hints=(
            "What is row n of the gradient of a weighted mean? Which of its entries knows q_y?",
            "The entry at the label is (q_y − 1) w_n / Σ w, and the loss of a sample is −log q_y.",
            "log(1 + x) for a small x is np.log1p(x), and here x is q_y − 1.",
        ),
    ),
)  # fmt: skip
