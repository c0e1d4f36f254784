"""The exercises of chapter 3: the linear layer and its weights."""

import numpy as np
from sympy import symbols

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import finite
from xentlib.teaching.symbolic import KroneckerDelta, exp, j, k, sum_over, y, z

TITLE = "3 A classifier"

# 03-weight

X_D = symbols("x_d", real=True)
Q_K = exp(z[k]) / sum_over(j, exp(z[j]))
DELTA = KroneckerDelta(k, y)


# 03-weights


def weight_gradient(W, X, labels):
    return xentlib.softmax_cross_entropy_with_grad(X @ W.T, labels)[1].T @ X


def without_target(W, X, labels):
    return xentlib.softmax(X @ W.T).T @ X / len(X)


# 03-pinned


def pinned(W):
    return W - W[-1]


def last_row_erased(W):
    return np.concatenate([W[:-1], 0 * W[-1:]])


# 03-bias

WEIGHT, BIAS = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]), np.array([0.0, 0.5, 0.0])


def without_bias(x):
    return (WEIGHT @ x).argmax()


EXERCISES = (
    Exercise(
        id="03-count", title="How many numbers?", kind="predict", difficulty=1, minutes=2,
        task="A linear layer makes the logits of 10 classes from 64 features. It is trained on 32 images at once. How "
        "many numbers does the training adjust?",
        answer=650, rtol=0,
        mistakes=(
            Mistake("The biases are missing, one for each class.", 640),
            Mistake("A bias belongs to a class, not to a feature: there are 10 of them.", 704),
            Mistake("The layer is the same for all images, however many there are.", 20800),
        ),
        hints=(
            "One unit for each class. What does a unit consist of?",
            "A weight for each feature, and a bias.",
            "10 units with 64 + 1 numbers each.",
        ),
    ),
    Exercise(
        id="03-odds", title="Log-odds of a layer", kind="predict", difficulty=2, minutes=4,
        task=r"The features are $x = (1, 2)$. The matrix $W$ has the rows $(1, 0)$, $(0, 1)$ and $(3, -1)$, and "
        r"$b = (0, \tfrac12, -1)$. What are the log-odds of class 1 against class 0?",
        answer=1.5,
        mistakes=(
            Mistake("The biases are missing: they move the log-odds, too.", 1.0),
            Mistake("These are the log-odds of class 0 against class 1.", -1.5),
            Mistake("These are the odds. Their logarithm is asked for.", np.exp(1.5)),
            Mistake("This is the logit of class 1. That of class 0 has yet to come off.", 2.5),
        ),
        hints=(
            "Which of the three logits do you need?",
            "Log-odds are a difference of two logits. Class 2 has no say in it.",
            "The logits are z_1 = 2 + ½ and z_0 = 1 + 0.",
        ),
    ),
    Exercise(
        id="03-weight", title="The slope of one weight", kind="derive", difficulty=2, minutes=8,
        task=r'Let `x_d = symbols("x_d", real=True)` stand for feature $d$. Write $\partial L/\partial W_{kd}$ for one '
        r"image of class $y$, in terms of the logits $z$. Take the gradient with respect to the logits from chapter 5: "
        r"it is $q - p$.",
        answer=(Q_K - DELTA) * X_D,
        mistakes=(
            Mistake("This is the slope of the bias. A weight is multiplied by its feature.", Q_K - DELTA),
            Mistake("The one-hot was not subtracted: the true class must be pushed up.", Q_K * X_D),
            Mistake("The sign is turned round.", (DELTA - Q_K) * X_D),
            Mistake("The feature belongs to both parts: (q_k − δ_ky) · x_d.", Q_K * X_D - DELTA),
        ),
        hints=(
            "Which of the K logits contain the weight W_kd?",
            "Only z_k does, and ∂z_k/∂W_kd is x_d.",
            "Multiply q_k − δ_ky, with q_k written out in z, by x_d.",
        ),
    ),
    Exercise(
        id="03-weights", title="The slope of all weights", kind="code", difficulty=2, minutes=10,
        task="Write a function of `W`, of shape $(K, D)$, `X`, of shape $(N, D)$, and `labels` that returns the "
        "gradient of the mean loss with respect to `W`. There is no bias.",
        answer=weight_gradient,
        inputs=(
            ([[0.1, -0.2], [0.0, 0.3], [0.5, 0.1]], [[1.0, 0.0], [0.5, 2.0], [0.0, 1.0], [3.0, 1.0]], [0, 1, 2, 1]),
            ([[0.0, 0.0, 1.0], [1.0, -1.0, 0.0]], [[0.2, 0.4, 0.6]], [1]),
            ([[0.4, 0.0], [-0.3, 1.0]], [[1.0, 2.0], [2.0, 0.5], [0.0, 3.0]], [0, 0, 1]),
        ),
        mistakes=(
            Mistake("This is the transpose: the gradient has the shape of W, so it is GᵀX and not XᵀG.",
                    lambda W, X, labels: weight_gradient(W, X, labels).T),
            Mistake("This is the gradient of the sum: it was not divided by N.",
                    lambda W, X, labels: len(X) * weight_gradient(W, X, labels)),
            Mistake("Divided by N twice: xentlib's G has the 1/N already in it.",
                    lambda W, X, labels: weight_gradient(W, X, labels) / len(X)),
            Mistake("Divided by K instead of N.",
                    lambda W, X, labels: len(X) * weight_gradient(W, X, labels) / len(W)),
            Mistake("This uses q in place of q − p: the one-hot was not subtracted.", without_target),
        ),
        hints=(
            "Begin with the logits, X @ W.T, and the gradient with respect to them.",
            "The slopes of the images add up: a sum over n of G_nk X_nd.",
            "G = xentlib.softmax_cross_entropy_with_grad(X @ W.T, labels)[1], and then G.T @ X.",
        ),
    ),
    Exercise(
        id="03-pinned", title="A last logit of zero", kind="code", difficulty=1, minutes=5,
        task="The weights `W` are known up to a common row. Write a function of `W`, of shape $(K, D)$, that returns "
        "the weights that give every image the same probabilities, and a last logit that is always 0. Leave `W` itself "
        "as it is.",
        answer=pinned,
        inputs=(
            ([[1.0, 2.0], [0.5, -1.0], [3.0, 0.25]],),
            ([[0.1, 0.2, 0.3], [-1.0, 0.0, 1.0]],),
            ([[2.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.5, 0.0, -2.0]],),
        ),
        mistakes=(
            Mistake("The last row is 0, but the others stayed: the odds against the last class have changed.",
                    last_row_erased),
            Mistake("The rows sum to 0 now. That is another choice of the common row.", lambda W: W - W.mean(axis=0)),
            Mistake("The last row was added to each. It has to come off.", lambda W: W + W[-1]),
            Mistake("This takes off the last column, a feature. Classes are rows.", lambda W: W - W[:, -1:]),
        ),
        hints=(
            "Which row can you add to all rows so that the last becomes 0?",
            "The last row itself, with its sign turned. It has to come off every row.",
            "W - W[-1]: NumPy takes the row off each of the others.",
        ),
    ),
    Exercise(
        id="03-bias", title="When the bias decides", kind="break", difficulty=2, minutes=5,
        task=r"A layer has the weights $((1, 0), (0, 1), (-1, -1))$ and the bias $(0, \tfrac12, 0)$. Somebody predicts "
        r"the class without the bias. Find two finite features for which the prediction is wrong.",
        answer=[0.3, 0.1],
        faulty=without_bias, right=lambda x: (WEIGHT @ x + BIAS).argmax(), legal=finite(2, "features"),
        mistakes=(
            Mistake("Class 1 wins without the bias already, and the bias only helps it.",
                    [0.0, 2.0], lambda x: without_bias(x) == 1),
            Mistake("Another class is ahead of class 1 by ½ or more, which is all that the bias brings.",
                    [3.0, 0.0], lambda x: without_bias(x) != 1),
        ),
        hints=(
            "Which class does the bias help, and by how much?",
            "Class 1 has to be behind without the bias, by less than ½.",
            "The first two logits are the features themselves: let x_0 be a little larger than x_1, both positive.",
        ),
    ),
    Exercise(
        id="03-contrast", title="The same photo, more contrast", kind="explain", difficulty=2, minutes=3,
        task="A classifier without a bias calls an image a three, with probability 0.6. You double the contrast, so "
        "that every feature doubles. What does it say now?",
        options=(
            "A three with 0.6: softmax divides by the sum, so a common factor cancels.",
            "Perhaps another class: twice the ink is another image, and anything can happen.",
            "A three with less than 0.6: the image is further from those of the training set.",
            "A three with more than 0.6: all logits double, and all leads with them.",
        ),
        answer="D",
        because="z = W x is linear in x, so the leads double and the order stays. The probability of the class that "
        "leads grows with every lead. Confidence measures ink as well as shape.",
        mistakes=(
            Mistake("The sum is one of exponentials. A factor in front of them cancels; this one is inside.", "A"),
            Mistake("Without a bias each logit is doubled, and the largest stays the largest.", "B"),
            Mistake("A linear layer knows no distance from what it has seen. It only weighs the features.", "C"),
        ),
        hints=(
            "What happens to the logits W x if x doubles?",
            "Each is doubled. So what happens to the lead of three over each other class?",
            "Larger leads mean larger odds of three against every other class.",
        ),
    ),
)  # fmt: skip
