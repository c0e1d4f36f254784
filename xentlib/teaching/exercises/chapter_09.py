"""The exercises of chapter 9: curvature."""

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.symbolic import c, exp, i, q

TITLE = "9 Curvature"


# 09-diagonal


def diagonal(W, X):
    q = xentlib.softmax(X @ W.T)
    return (q * (1 - q)).T @ X**2 / len(X)


def mean_by_mean(W, X):
    q = xentlib.softmax(X @ W.T)
    return np.outer((q * (1 - q)).mean(axis=0), (X**2).mean(axis=0))


# 09-halfway: rows (u, a), logits (0, a u), class 1 is true


def network_losses(weights):
    u, a = weights.T
    return np.logaddexp(0, -a * u)


def mean_of_ends(weights):
    return network_losses(weights).mean()


def highest_of_mean_and_halfway(weights):
    return max(mean_of_ends(weights), network_losses(weights.mean(axis=0)))


def two_pairs(weights):
    if weights.shape != (2, 2):
        return "two pairs of weights are needed, an array of shape (2, 2)"
    return "" if (abs(weights) <= 100).all() else "a weight is beyond ±100, or NaN"


def n_equal(weights):
    return (weights[0] == weights[1]).sum()


# 09-damped


def damped(logits, g, c):
    return np.linalg.solve(xentlib.softmax_cross_entropy_hessian(logits) + c * np.eye(len(g)), g)


def to_every_entry(logits, g, c):
    return np.linalg.solve(xentlib.softmax_cross_entropy_hessian(logits) + c, g)


def stretched_diagonal(logits, g, c):
    H = xentlib.softmax_cross_entropy_hessian(logits)
    return np.linalg.solve(H + c * np.diag(np.diag(H)), g)


# 09-newton

STEP = (exp(c) - exp(-c)) / 2


EXERCISES = (
    Exercise(
        id="09-bend", title="Curvature without a matrix", kind="predict", difficulty=1, minutes=4,
        task=r"The probabilities are $q = (\tfrac12, \tfrac14, \tfrac14)$. You walk from $z$ along $v = (2, 0, -2)$, "
        r"so the logits are $z + t v$. What is the second derivative of the loss with respect to $t$, at $t = 0$?",
        answer=2.75, rtol=0.002,
        mistakes=(
            Mistake("This is the mean of the squares. The square of the mean has yet to be taken off.", 3.0),
            Mistake("This is half of it, as in Taylor's formula. The question asks for the second derivative itself.",
                    1.375),
            Mistake("This is for a v of length 1. Here v has length √8.", 2.75 / 8),
            Mistake("This gives the three classes equal weight. They count by their probabilities.", 8 / 3),
            Mistake("This takes the diagonal of H alone. The entries off it are not 0.", 1.75),
        ),
        hints=(
            "The chapter reads vᵀ H v as something of v that you can work out in your head.",
            "Take v for a prize: 2 with probability ½, 0 and −2 with ¼ each. What is its variance?",
            "The mean is ½, and the mean of the squares is 3. Subtract ½² from 3.",
        ),
    ),
    Exercise(
        id="09-from-eigenvalue", title="How sure is that?", kind="predict", difficulty=1, minutes=5,
        task="A classifier has two classes. For one photo its $H$ has the eigenvalues 0 and 0.18. What probability "
        "does it give to the class that it prefers? Two decimals.",
        answer=0.9, rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This solves q (1 − q) = 0.18. That is an entry on the diagonal. The entries off it count, too.",
                    0.7646),
            Mistake("This takes v = (1, −1), which has length √2. An eigenvalue is the curvature along a v of length "
                    "1.", 0.9528),
            Mistake("The product of the two probabilities is 0.09, and this is 1 minus that. Which two numbers have "
                    "this product, and sum to 1?", 0.91),
            Mistake("This is the probability of the other class.", 0.1),
            Mistake("This is 1 minus the eigenvalue, as if that were a probability. It is a variance.", 0.82),
        ),
        hints=(
            "Along which v of length 1 is the curvature 0? And which v is at right angles to that one?",
            "Along (1, −1)/√2 the prizes are 1/√2 and −1/√2. What is their variance, in terms of q?",
            "It is ½ − ½ (2q − 1)² = 2 q (1 − q). So q (1 − q) is 0.09.",
        ),
    ),
    Exercise(
        id="09-third", title="The curvature of the curvature", kind="derive", difficulty=1, minutes=6,
        task=r"Along the logit $z_i$ the loss has the curvature $q_i (1 - q_i)$. How fast does this curvature change "
        r"with $z_i$? Write $\partial^3 L/\partial z_i^3$ in terms of `q[i]` alone.",
        answer=q[i] * (1 - q[i]) * (1 - 2 * q[i]), distributions=(q,),
        mistakes=(
            Mistake("This is the derivative with respect to q_i. The chain rule goes on to z_i.", 1 - 2 * q[i]),
            Mistake("The inner derivative ∂q_i/∂z_i is not q_i: take all of it.", q[i] * (1 - 2 * q[i])),
            Mistake("Only the first factor was differentiated: 1 − q_i depends on z_i as well.",
                    q[i] * (1 - q[i]) ** 2),
            Mistake("Only the second factor was differentiated: q_i in front depends on z_i as well.",
                    -(q[i] ** 2) * (1 - q[i])),
        ),
        hints=(
            "First differentiate q_i − q_i² with respect to q_i.",
            "Then multiply by ∂q_i/∂z_i. You have met that derivative: it is an entry of H.",
            "It is (1 − 2 q_i) times q_i (1 − q_i).",
        ),
    ),
    Exercise(
        id="09-uniform", title="A thousand equal logits", kind="explain", difficulty=2, minutes=5,
        task="All $K = 1000$ logits are equal. There $H$ has no eigenvalue above $1/1000$. A colleague concludes that "
        "a gradient step of size 1000 lowers the loss from here, whatever the target. Is that so?",
        options=(
            "Yes: the limit is 2 over the largest curvature, which is 2000 at this place.",
            "Yes: the bound ½ is for two classes, and $1/K$ takes its place when there are more.",
            "No: the step leaves this place, and among few rivals the curvature comes near ½.",
            "No: the curvatures of the thousand logits add up, so the limit is 4 over 1000.",
        ),
        answer="C",
        because="A limit for the step has to hold at all points of the way, and 1/1000 holds only at its start. With "
        "the target 0.9 on one class and 0.1 on another, this step raises the loss from 6.9 to 80.",
        mistakes=(
            Mistake("The limit is for the largest curvature along the whole way. H was taken at one point, and it "
                    "changes as soon as you move.", "A"),
            Mistake("½ is approached for every K: let two classes share nearly all the mass. 1/K is what equal logits "
                    "give.", "B"),
            Mistake("It is true that this step is not safe, but steps below 4 are, for every K: along any unit vector "
                    "the curvature is a variance, and at most ½.", "D"),
        ),
        hints=(
            "Where does the chapter evaluate H when it bounds what the slope leaves unsaid?",
            "The step moves a logit by up to 1000. What does q look like after a hundredth of it?",
            "Few classes are left in the race. How large can the curvature between two rivals be?",
        ),
    ),
    Exercise(
        id="09-diagonal", title="A curvature for each weight", kind="code", difficulty=2, minutes=8,
        task=r"Some optimisers divide the step of each weight by its curvature. Write a function of `W`, of shape "
        r"$(K, D)$, and `X`, of shape $(N, D)$, that returns $\partial^2 L/\partial W_{kd}^2$ of the mean loss, "
        r"as an array of shape $(K, D)$. There is no bias, and no label is needed.",
        answer=diagonal,
        inputs=(
            ([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.5]], [[2.0, 0.5], [-0.5, 1.0], [-1.0, -2.0], [0.8, 0.1]]),
            ([[0.5, 2.0, -1.0], [1.0, -0.3, 0.2]], [[0.1, 3.0, 1.0], [2.0, -1.0, 0.5], [0.4, 0.6, -1.2]]),
            ([[0.2], [-0.4], [1.1], [0.0]], [[1.5], [-2.0]]),
        ),
        mistakes=(
            Mistake("x_d enters twice, once for each derivative: it has to be squared.",
                    lambda W, X: ((q := xentlib.softmax(X @ W.T)) * (1 - q)).T @ X / len(X)),
            Mistake("The factor 1 − q_k is missing: these are the first moments, not the variances.",
                    lambda W, X: xentlib.softmax(X @ W.T).T @ X**2 / len(X)),
            Mistake("The two factors were averaged one by one. Multiply within each sample, then average.",
                    mean_by_mean),
        ),
        hints=(
            "Take one sample first. How fast does its logit z_k move when W_kd moves?",
            "It moves x_d times as fast. So the curvature in W_kd is that in z_k, times x_d².",
            "Entry (k, d) is the mean of q_nk (1 − q_nk) x_nd² over the samples n, which is a product of two matrices.",
        ),
    ),
    Exercise(
        id="09-halfway", title="Two weights in a row", kind="break", difficulty=2, minutes=6,
        task=r"A network has one hidden unit and no ReLU: its logits are $(0, a u)$, with two weights $u$ and $a$, and "
        r"class 1 is true. Somebody thinks that without a ReLU the loss must be convex in the weights. Find two pairs, "
        r"$((u, a), (u', a'))$, with no number beyond $\pm 100$, such that halfway between them the loss is higher, "
        r"by more than 0.01, than the mean of the two losses.",
        answer=[[2.0, 2.0], [-2.0, -2.0]],
        faulty=mean_of_ends, right=highest_of_mean_and_halfway, legal=two_pairs, rtol=0, atol=0.01,
        outcomes=("mean of the two losses", "the larger one of that and halfway"),
        mistakes=(
            Mistake("The two pairs are one and the same, and so is what lies between.",
                    [[1.0, 2.0], [1.0, 2.0]], lambda weights: n_equal(weights) == 2),
            Mistake("One of the weights is the same in both. Between the two the logits move in a straight line, so "
                    "the loss is convex.", [[1.0, 2.0], [1.0, -1.0]], lambda weights: n_equal(weights) == 1),
            Mistake("Both weights move, but halfway it is not worse than at the ends, or not by enough. Can two good "
                    "pairs have a bad one between them?",
                    [[1.0, 1.0], [3.0, 2.0]], lambda weights: n_equal(weights) == 0),
        ),
        hints=(
            "The chapter swaps two hidden units. Here is only one. What else leaves the product a u as it is?",
            "Flip the signs of both weights. What lies halfway between the two?",
            "Halfway is (0, 0), where the loss is log 2. Take a pair with a large product, and its mirror image.",
        ),
    ),
    Exercise(
        id="09-damped", title="A damped Newton step", kind="code", difficulty=2, minutes=8,
        task="The Hessian $H$ is singular, and tiny where the classifier is sure. A remedy is to add a number $c > 0$ "
        "to each eigenvalue of $H$. Write a function of `logits` ($K$ numbers), `g` ($K$ numbers) and `c` that returns "
        "the solution $d$ of $(H + c I) d = g$.",
        answer=damped,
        inputs=(
            ([1.0, 2.0, 0.5], [0.25, -0.375, 0.125], 0.1),
            ([0.3, -1.2, 0.0, 2.2, -0.4], [0.1, 0.2, 0.3, -0.4, 0.3], 0.5),
            ([8.0, 0.0], [0.5, -0.25], 0.01),
        ),
        mistakes=(
            Mistake("H + c adds c to every entry of H. To shift the eigenvalues, add it on the diagonal.",
                    to_every_entry),
            Mistake("Only the diagonal matrix diag(q) + c I was inverted. The part −q qᵀ of H is missing.",
                    lambda logits, g, c: g / (xentlib.softmax(logits) + c)),
            Mistake("This multiplies g by the matrix. Solve for d instead.",
                    lambda logits, g, c: xentlib.softmax_cross_entropy_hvp(logits, g) + c * g),
            Mistake("The diagonal of H was made larger in proportion. The same c goes on each entry of it.",
                    stretched_diagonal),
            Mistake("The c is missing: this is the solution for H alone.",
                    lambda logits, g, c: np.linalg.pinv(xentlib.softmax_cross_entropy_hessian(logits), 1e-9) @ g),
        ),
        hints=(
            "xentlib has the Hessian, and NumPy has a function that solves a linear system.",
            "Mind what H + c means in NumPy. Which entries does the c of c I go on?",
            "np.linalg.solve(H + c * np.eye(K), g)",
        ),
    ),
    Exercise(
        id="09-newton", title="Where Newton lands", kind="derive", difficulty=3, minutes=12,
        task=r"There are two classes, the target is $(\tfrac12, \tfrac12)$, and class 1 leads by "
        r"$c = z_1 - z_0$. One full step of Newton's method is taken in the logits. Write the lead of class 1 after it "
        r"in terms of $c$.",
        answer=c - STEP,
        mistakes=(
            Mistake("The sign of the step is turned round: d is subtracted from the logits.", c + STEP),
            Mistake("This is a gradient step of size 1. Newton divides by the curvature.",
                    c - (exp(c) - 1) / (exp(c) + 1)),
            Mistake("This is what the step adds to the lead. The question asks for the lead after it.", -STEP),
            Mistake("Only the logit of class 1 was moved. That of class 0 moves as well.", c - (1 - exp(-c)) / 2),
            Mistake("That would be so if the loss were a parabola. It is not.", 0),
        ),
        hints=(
            "In the logits no system has to be solved: the chapter reads the step off.",
            "The step is d = (q − p)/q, entry by entry. What is 1/q_1, and what is 1/q_0, in terms of c?",
            "1/q_1 = 1 + e^−c and 1/q_0 = 1 + e^c, so d_1 = (1 − e^−c)/2 and d_0 = (1 − e^c)/2. Take d_1 − d_0 off c.",
        ),
    ),
)  # fmt: skip
