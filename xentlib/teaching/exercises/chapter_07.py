"""The exercises of chapter 7: backpropagation."""

import numpy as np
from sympy import IndexedBase, sqrt

from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import finite
from xentlib.teaching.symbolic import i, j, sum_over, z

TITLE = "7 Backpropagation"

# 07-length

G = IndexedBase("g", real=True)
LENGTH = sqrt(sum_over(j, z[j] ** 2))
ALONG = sum_over(j, G[j] * z[j])


# 07-lookup


def looked_up_back(g, ids, V):
    table = np.zeros((V, g.shape[1]))
    np.add.at(table, ids, g)
    return table


def last_wins(g, ids, V):
    table = np.zeros((V, g.shape[1]))
    table[ids] += g
    return table


def averaged(g, ids, V):
    return looked_up_back(g, ids, V) / np.maximum(np.bincount(ids, minlength=V), 1)[:, np.newaxis]


def used_rows(g, ids, V):
    return looked_up_back(g, ids, V)[np.unique(ids)]


# 07-ties


def to_each_winner(a):
    h = np.maximum(a, 0)
    return (h == h.max()) * (a > 0) * 1.0


def to_one_winner(a):
    return np.eye(4)[np.maximum(a, 0).argmax()] * (a > 0)


def ties_below(a):
    h = np.maximum(a, 0)
    below = h[h < h.max()]
    return len(set(below.tolist())) < len(below)


EXERCISES = (
    Exercise(
        id="07-roads", title="Three steps, many roads", kind="predict", difficulty=1, minutes=5,
        task=r"Take $a = 2$ and $b = 3$, and three steps: $c = a \cdot b$, then $d = c + a$, then $L = c \cdot d$. Go "
        r"back by hand. What is $\partial L/\partial a$?",
        answer=48, rtol=0.001,
        mistakes=(
            Mistake("Two steps use c: the last one, and the one that makes d. The road by way of d is missing.", 30),
            Mistake("The road straight from L to c is missing: L is a product, and c is one of its factors.", 24),
            Mistake("The second step adds a as well. This road to a is missing.", 42),
            Mistake("This is the slope along b.", 28),
            Mistake("At c = a · b the local slope along a is the value of the other factor, b.", 34),
        ),
        hints=(
            "Forward first: c is 6 and d is 8. Then back, and never pass on a slope that is not complete.",
            "At d the slope is 6, the value of c. Two steps use c: what do they bring it together?",
            "c gets 8 from the product and 6 by way of d, so 14. To a goes 14 · b from c, and 6 from d.",
        ),
    ),
    Exercise(
        id="07-unsorted", title="An engine without a list", kind="explain", difficulty=2, minutes=5,
        task="Somebody does without the list of nodes. Their function `back(node, slope)` adds `slope` to `node.grad`, "
        "and at once calls `back(parent, slope * local)` for each parent of the node. It starts with `back(loss, 1)`. "
        "What is wrong with it?",
        options=(
            "A node that is used twice passes its slope on before all of it has arrived: its parents get too little.",
            "A node that is used twice is visited twice: its parents get part of the slope twice.",
            "Nothing: it does the same products and sums in another order, and as many of them.",
            "The slopes are right, but it walks each road, not each arrow: far too many if nodes are used twice.",
        ),
        answer="D",
        because="Each call carries the slope of one road, and the roads add up, so the sums are right. But 40 steps "
        "that each add the last number to itself have 80 arrows and 2⁴⁰ roads, more than 10¹². The list lets a node "
        "wait until all of its slope has arrived, and pass it on once.",
        mistakes=(
            Mistake("It passes on what it was called with. When the second part arrives, that makes a second call, "
                    "which passes it on as well.", "A"),
            Mistake("It is visited twice, but each time with the slope of another road, and no road is walked twice. "
                    "It would be too much if it passed on node.grad.", "B"),
            Mistake("The result is the same. The work is not: count the calls for b = a + a, c = b + b, d = c + c, and "
                    "so on.", "C"),
        ),
        hints=(
            "Try it on two steps, c = a + a and L = c + c. What are the calls, and what does a get?",
            "L calls c twice, and each of these calls a twice: four calls, each with slope 1. Is ∂L/∂a = 4 right?",
            "Now add a third step of this kind, and a fourth. How does the number of calls grow?",
        ),
    ),
    Exercise(
        id="07-features", title="Where nothing is seen", kind="predict", difficulty=1, minutes=5,
        task=r"A layer has the weights $W$ with the rows $(3, 0)$, $(0, 3)$ and $(3, -3)$, and no bias. The features "
        r"are $x = (0, 0)$, and the class with index 2 is true. What is $\partial L/\partial x$?",
        answer=[-1.0, 3.0], rtol=0, atol=0.005,
        mistakes=(
            Mistake("This is for the weights: their slope is (q − p) xᵀ, and x is 0. The features get Wᵀ(q − p).",
                    [0.0, 0.0]),
            Mistake("This is Wᵀq: the target was forgotten.", [2.0, 0.0]),
            Mistake("This is −Wᵀp: the road of the true score alone. The others bring q.", [-3.0, 3.0]),
            Mistake("This is Wᵀ(p − q): every sign is turned round.", [1.0, -3.0]),
            Mistake("The 1 was subtracted at index 1. Indices start at 0, so index 2 is the last row.", [2.0, -3.0]),
        ),
        hints=(
            "What are the three scores, and what is q?",
            "All scores are 0, so q is ⅓ everywhere, and q − p is (⅓, ⅓, −⅔).",
            "Add the rows of W, weighted with the entries of q − p: ⅓ (3, 0) + ⅓ (0, 3) − ⅔ (3, −3).",
        ),
    ),
    Exercise(
        id="07-lookup", title="A table that is looked up", kind="code", difficulty=2, minutes=8,
        task="The first layer of a language model is a table `E` of shape $(V, D)$, with a row for each word it knows. "
        "For $N$ words with the indices `ids` it returns `X = E[ids]`. Write a function of `g`, `ids` and `V` that "
        "returns the slopes of the loss along `E`. The slopes along `X` are `g`, of shape $(N, D)$.",
        answer=looked_up_back,
        inputs=(
            ([[1.0, 2.0], [0.5, -1.0], [3.0, 0.25]], [1, 3, 1], 4),
            ([[0.2, -0.3, 1.0], [0.7, 0.1, -2.0], [1.5, 0.0, 0.4], [-0.6, 2.0, 0.9], [0.8, 0.3, 1.1]],
             [0, 2, 2, 0, 2], 5),
            ([[4.0], [-1.5]], [1, 0], 2),
        ),
        mistakes=(
            Mistake("A word that occurs twice has two roads, and they add up. With an array for an index, = and += "
                    "keep the last one only.", last_wins),
            Mistake("The roads of a word were averaged. They add up.", averaged),
            Mistake("This divides by N. If the loss is a mean, its 1/N is in g already.",
                    lambda g, ids, V: looked_up_back(g, ids, V) / len(g)),
            Mistake("Words that do not occur are missing. They have a row in E, and its slope is 0.", used_rows),
        ),
        hints=(
            "Row n of X is a copy of row ids[n] of E. So where does row n of g go?",
            "Start with zeros of shape (V, D), and add row n of g to row ids[n]. Some words occur more than once.",
            "table[ids] += g adds only one row per word. A loop over n does not, nor does np.add.at(table, ids, g).",
        ),
    ),
    Exercise(
        id="07-ties", title="Who was the largest?", kind="break", difficulty=2, minutes=6,
        task="A layer keeps the largest of four numbers, where our network takes their mean: the numbers `a` go "
        "through a ReLU, `h = np.maximum(a, 0)`, and the result is `h.max()`. On the way back, the slope that arrives "
        "should go to a single largest `h`, and on through its ReLU. Somebody multiplies it by "
        "`(h == h.max()) * (a > 0)` instead. "
        "Find four finite numbers `a` for which that is wrong.",
        answer=[2.0, 2.0, 1.0, 0.0],
        faulty=to_each_winner, right=to_one_winner, legal=finite(4, "numbers"),
        outcomes=("slopes, by (h == h.max()) * (a > 0)", "slopes, through one largest h"),
        mistakes=(
            Mistake("No number is positive. All h tie at 0, and each is handed the slope, but no ReLU lets it through.",
                    [0.0, 0.0, -1.0, 0.0], lambda a: a.max() <= 0),
            Mistake("Only one number is the largest, so there is no doubt which one gets the slope.",
                    [1.0, 2.0, 3.0, 4.0], lambda a: a.max() > 0 and not ties_below(a)),
            Mistake("Some of the h are equal, but below the largest. No slope goes there.",
                    [3.0, 1.0, 1.0, 0.0], lambda a: a.max() > 0 and ties_below(a)),
        ),
        hints=(
            "To how many of the four can h == h.max() apply?",
            "It applies to several if they tie for the largest. Do all ties get through the ReLU?",
            "A tie at 0 is stopped by (a > 0). Let the two largest be equal, and positive.",
        ),
    ),
    Exercise(
        id="07-length", title="Backwards through a length", kind="derive", difficulty=3, minutes=12,
        task=r"A layer divides its input by its length: $u_j = z_j / \sqrt{\sum_k z_k^2}$. The slopes $g_j$ of the "
        r"loss along the $u_j$ have arrived; in code they are `g[j]`. Write the slope along $z_i$.",
        answer=G[i] / LENGTH - z[i] * ALONG / LENGTH**3,
        mistakes=(
            Mistake("The length was taken for a constant. It depends on z_i, so all u_j do.", G[i] / LENGTH),
            Mistake("The second part has the wrong sign: a longer z makes every u_j smaller in size.",
                    G[i] / LENGTH + z[i] * ALONG / LENGTH**3),
            Mistake("There is a factor of 2 too many: the ½ of the root cancels the 2 of the square.",
                    G[i] / LENGTH - 2 * z[i] * ALONG / LENGTH**3),
            Mistake("A division by the length is missing in the second part: 1/length has the slope −1/length², and "
                    "the length has a slope of its own.", G[i] / LENGTH - z[i] * ALONG / LENGTH**2),
            Mistake("The length changes all K of the u_j, and here only the road through u_i was counted.",
                    G[i] / LENGTH - z[i] ** 2 * G[i] / LENGTH**3),
        ),
        hints=(
            "z_i has two kinds of roads: straight into u_i, and through the length into every u_j.",
            "Call the length r. The straight road brings g_i/r. Through r comes Σ_j g_j · (−z_j/r²), times ∂r/∂z_i.",
            "∂r/∂z_i = z_i/r, so the sum is g_i/r − (z_i/r³) Σ_j g_j z_j.",
        ),
    ),
    Exercise(
        id="07-report", title="What a check reports", kind="predict", difficulty=2, minutes=4,
        task=r"For one number, `check_grad` reports $\lvert g - d \rvert / \max(\lvert g \rvert, \lvert d \rvert)$, "
        r"with $g$ the gradient it is given and $d$ the difference of the loss. What does it report, up to rounding, "
        r"if $g$ is four times too large, if it is four times too small, and if it has the wrong sign? Give the three "
        r"numbers.",
        answer=[0.75, 0.75, 2.0], rtol=0, atol=0.005,
        mistakes=(
            Mistake("This divides by the true slope. Divide by the larger of the two.", [3.0, 0.75, 2.0]),
            Mistake("This divides by the gradient that was given. Divide by the larger of the two.",
                    [0.75, 3.0, 2.0]),
            Mistake("With the wrong sign the two lie on either side of 0. How far apart are they?", [0.75, 0.75, 1.0]),
            Mistake("The sizes agree, but not the numbers. A check that reports 0 would let a wrong sign pass.",
                    [0.75, 0.75, 0.0]),
            Mistake("These are the ratios g/d. The question asks for an error, and a right gradient has 0.",
                    [4.0, 0.25, -1.0]),
        ),
        hints=(
            "Let d be 1. What is g in the three cases?",
            "The pairs (g, d) are (4, 1), (¼, 1) and (−1, 1). Which is the larger size of each?",
            "3/4, then (3/4)/1, then |−1 − 1|/1.",
        ),
    ),
    Exercise(
        id="07-scores", title="From the slopes to the scores", kind="predict", difficulty=2, minutes=6,
        task=r"Three scores go through the steps of the table that opens the chapter. On the way back the slope at "
        r"each exponential is 0.05, and the slopes at the scores are $(0.4, -0.9, 0.5)$. What are the three scores? "
        "Two decimals will do.",
        answer=np.log([8, 2, 10]), rtol=0, atol=0.0051,
        mistakes=(
            Mistake("These have the right slopes at the scores, but their exponentials sum to 1. What does the 0.05 "
                    "say of the sum?", np.log([0.4, 0.1, 0.5])),
            Mistake("These are the exponentials. A score is the logarithm of its exponential.", [8.0, 2.0, 10.0]),
            Mistake("Two roads meet at the true score. Without the −1 of the second it has the slope 0.1, and not 0.9.",
                    np.log([8, 18, 10])),
            Mistake("A slope at a score is 0.05 times an exponential. So divide by 0.05 to get the exponential.",
                    np.log([0.4 * 0.05, 0.1 * 0.05, 0.5 * 0.05])),
            Mistake("These logarithms are to base 10. The exponentials are powers of e, so take natural ones.",
                    np.log10([8, 2, 10])),
        ),
        hints=(
            "One of the scores is used twice. Which, and what did the second road bring it?",
            "Without the −1 the slopes at the scores are 0.4, 0.1 and 0.5. Each is 0.05 times an exponential.",
            "The exponentials are 8, 2 and 10, with the sum 20 = 1/0.05. Take their logarithms.",
        ),
    ),
)  # fmt: skip
