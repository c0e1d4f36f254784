"""The exercises of chapter 3: the linear layer and its weights."""

import numpy as np
from sympy import symbols

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import finite
from xentlib.teaching.exercises.textbook import shifted
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


# 03-biases: the pet of the chapter

FROM_FEATURES = np.array([[3, -1], [1, 2], [-2, -1]]) @ [0.5, 1]
WANTED = np.array([0.5, 0.25, 0.25])


def with_biases(bias):
    """Return what the layer says of the pet, and NaN where xentlib would refuse its logits."""
    return shifted(FROM_FEATURES + bias)


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
            "There is one unit for each class. Which numbers does a unit have?",
            "A weight for each feature, and a bias.",
            "10 units with 64 + 1 numbers each.",
        ),
    ),
    Exercise(
        id="03-odds", title="Log-odds of a layer", kind="predict", difficulty=2, minutes=4,
        task=r"The features are $x = (1, 2)$. The matrix $W$ has the rows $(1, 0)$, $(0, 1)$ and $(3, -1)$, and "
        r"$b = (0, \tfrac12, -1)$. What are the log-odds of class 1 against class 0? (Classes are counted from 0.)",
        answer=1.5,
        mistakes=(
            Mistake("The biases are missing: they move the log-odds as well.", 1.0),
            Mistake("These are the log-odds of class 0 against class 1.", -1.5),
            Mistake("These are the odds. The question asks for their logarithm.", np.exp(1.5)),
            Mistake("This is the logit of class 1. That of class 0 has yet to be subtracted.", 2.5),
        ),
        hints=(
            "Which of the three logits do you need?",
            "Log-odds are a difference of two logits. Class 2 has no say in it.",
            "The logits are z_1 = 2 + ½ and z_0 = 1 + 0.",
        ),
    ),
    Exercise(
        id="03-weight", title="The slope of one weight", kind="derive", difficulty=2, minutes=8,
        task=r"For one image of class $y$, write the slope $\partial L/\partial W_{kd}$ in terms of its logits `z[j]` "
        r"and its feature $x_d$, which the set-up cell defines as `x_d`. The slope at logit $k$ is $q_k - \mathbb{1}(k "
        r"= y)$. Write $q_k$ out as a quotient with `exp` and `sum_over`, and the indicator as `KroneckerDelta(k, y)`.",
        answer=(Q_K - DELTA) * X_D,
        mistakes=(
            Mistake("This is the slope of the bias. A weight is multiplied by its feature.", Q_K - DELTA),
            Mistake("The indicator is missing: it makes the slope of the true class negative.", Q_K * X_D),
            Mistake("The sign is wrong: this is the way downhill, minus the slope.", (DELTA - Q_K) * X_D),
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
        task="A layer has no bias. Write a function of its weights `W`, of shape $(K, D)$, the features `X` of $N$ "
        "images, of shape $(N, D)$, and their true classes `labels`, of shape $(N,)$. It returns the slopes of the "
        "mean loss along all weights, an array of shape $(K, D)$.",
        answer=weight_gradient,
        inputs=(
            ([[0.1, -0.2], [0.0, 0.3], [0.5, 0.1]], [[1.0, 0.0], [0.5, 2.0], [0.0, 1.0], [3.0, 1.0]], [0, 1, 2, 1]),
            ([[0.0, 0.0, 1.0], [1.0, -1.0, 0.0]], [[0.2, 0.4, 0.6]], [1]),
            ([[0.4, 0.0], [-0.3, 1.0]], [[1.0, 2.0], [2.0, 0.5], [0.0, 3.0]], [0, 0, 1]),
        ),
        mistakes=(
            Mistake("This is the transpose: the gradient has the shape of W, so it is GᵀX and not XᵀG.",
                    lambda W, X, labels: weight_gradient(W, X, labels).T),
            Mistake("Divided by N twice: xentlib's G has the 1/N already in it.",
                    lambda W, X, labels: weight_gradient(W, X, labels) / len(X)),
            Mistake("Divided by K instead of N.",
                    lambda W, X, labels: len(X) * weight_gradient(W, X, labels) / len(W)),
            Mistake("This uses q alone: subtract 1 at the true class of each image.", without_target),
        ),
        hints=(
            "Begin with the logits, X @ W.T, and the gradient with respect to them.",
            "The slopes of the images add up: a sum over n of G_nk X_nd.",
            "G = xentlib.softmax_cross_entropy_with_grad(X @ W.T, labels)[1], and then G.T @ X.",
        ),
    ),
    Exercise(
        id="03-pinned", title="A last logit of zero", kind="code", difficulty=1, minutes=5,
        task="A layer has the weights `W`, of shape $(K, D)$, and no bias. Write a function of `W` that returns other "
        "weights, which give every image the same probabilities as `W` and a last logit of 0. Leave `W` itself alone.",
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
            Mistake("The last row was added to each. Subtract it instead.", lambda W: W + W[-1]),
            Mistake("This subtracts the last column, a feature. Classes are rows.", lambda W: W - W[:, -1:]),
        ),
        hints=(
            "Which row can you add to all rows so that the last becomes 0?",
            "Minus the last row. So subtract the last row from every row.",
            "W - W[-1]: NumPy subtracts the row from each row of W.",
        ),
    ),
    Exercise(
        id="03-bias", title="When the bias decides", kind="break", difficulty=2, minutes=5,
        task=r"The rows of $W$ are $(1, 0)$, $(0, 1)$ and $(-1, -1)$, and $b = (0, \tfrac12, 0)$. A program predicts "
        r"the class with the largest entry of $W x$, and forgets the bias. Find two features $x$, as a list, for which "
        r"its prediction differs from that of the whole layer.",
        answer=[0.3, 0.1],
        faulty=without_bias, right=lambda x: (WEIGHT @ x + BIAS).argmax(), legal=finite(2, "features"),
        outcomes=("class without the bias", "class of the whole layer"),
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
            "Perhaps another class: twice the ink makes a different image, and anything can happen.",
            "A three with less than 0.6: the image is further from those of the training set.",
            "A three with more than 0.6: all logits double, and so do its leads.",
        ),
        answer="D",
        because="z = W x is linear in x, so all leads double and the order stays. The larger its leads, the larger the "
        "probability of the first class. Confidence measures ink as well as shape.",
        mistakes=(
            Mistake("A factor in front of all exponentials cancels. This one is in the exponents.", "A"),
            Mistake("Without a bias each logit is doubled, and the largest stays the largest.", "B"),
            Mistake("A linear layer knows nothing of distance from the training set. It only weighs features.", "C"),
        ),
        hints=(
            "What happens to the logits W x if x doubles?",
            "Each is doubled. So what happens to the lead of three over each other class?",
            "Larger leads mean larger odds of three against every other class.",
        ),
    ),
    Exercise(
        id="03-biases", title="Biases to order", kind="predict", difficulty=2, minutes=6,
        task=r"The pet of the chapter has the features $x = (\tfrac12, 1)$. The rows of $W$ are $(3, -1)$ for cat, "
        r"$(1, 2)$ for dog and $(-2, -1)$ for bird. Keep $W$, and find biases with which the layer gives cat the "
        "probability ½, dog ¼ and bird ¼. Many will do: give any three, with two decimals.",
        answer=np.log(WANTED) - FROM_FEATURES, through=with_biases, rtol=0, atol=0.003,
        mistakes=(
            Mistake("These are logits for the three probabilities. What the features bring, W x, is a part of them: "
                    "subtract it.", np.log(WANTED)),
            Mistake("W x was added to the logits. It is in them already, so subtract it.",
                    np.log(WANTED) + FROM_FEATURES),
            Mistake("The probabilities were taken for logits. Take their logarithms, and then subtract W x.",
                    WANTED - FROM_FEATURES),
            Mistake("Every sign is turned round: b is the logits less W x.", FROM_FEATURES - np.log(WANTED)),
        ),
        hints=(
            "Two steps back: from the probabilities to the logits, and from the logits to the biases.",
            "A logit is a log-probability plus a constant, as in chapter 2: log ½, log ¼ and log ¼ will do.",
            "W x is (0.5, 2.5, −2). Subtract it: −0.69 − 0.5, −1.39 − 2.5 and −1.39 + 2.",
        ),
    ),
    Exercise(
        id="03-negative", title="A weight below zero", kind="explain", difficulty=2, minutes=4,
        task="In somebody's digit classifier the class eight has the weight $-0.4$ at some pixel. No other number of "
        "the layer is known. Does more ink at this pixel make an eight less probable?",
        options=(
            "Yes: it lowers the logit of eight, and a lower logit is a lower probability.",
            "Not always: the weights of the other classes there may be lower still.",
            "Not if the bias of eight is large enough: it makes up for the weight.",
            "No: softmax makes every number positive, so the sign of a weight has no effect.",
        ),
        answer="B",
        because="Only differences count. If all other classes have −1 there, each of them loses 0.6 more than eight "
        "per unit of ink, and eight gains. A common row may be added to W, so the sign of one weight says nothing by "
        "itself.",
        mistakes=(
            Mistake("It lowers the logit of eight. But the same ink moves the other logits as well, and a probability "
                    "depends on the leads.", "A"),
            Mistake("The bias is there with and without the ink. It has no part in the change.", "C"),
            Mistake("A negative weight makes e to the logit smaller, though still positive. The sign matters, but so "
                    "do the signs and sizes of the other weights.", "D"),
        ),
        hints=(
            "What does a probability depend on: on one logit, or on the differences of logits?",
            "For a unit of ink the log-odds of eight against another class change by the difference of their weights.",
            "Let every other class have the weight −1 at this pixel. What does ink do to the leads of eight?",
        ),
    ),
)  # fmt: skip
