"""The exercises of chapter 8: descent."""

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import finite
from xentlib.teaching.symbolic import c, i, j, p, q, sum_over, z

TITLE = "8 Descent"


# 08-clock


def time(start, end, n_classes):
    """Return how long the flow takes between two leads: the integral of (e^g + K − 1) / K, over a tied field."""
    return (np.exp(end) - np.exp(start) + (n_classes - 1) * (end - start)) / n_classes


# 08-margin


def leads(W, X, labels):
    """Return the leads of the true class over the others, a row of K − 1 for each sample."""
    scores, rows = X @ W.T, np.arange(len(X))
    wrong = np.arange(len(W)) != np.asarray(labels)[:, None]
    return (scores[rows, labels][:, None] - scores)[wrong].reshape(len(X), -1)


def margin(W, X, labels):
    return leads(W, X, labels).min() / np.linalg.norm(W)


def gaps(W, X):
    return np.diff(np.sort(X @ W.T)[:, -2:])


def over_itself_too(W, X, labels):
    return min(margin(W, X, labels), 0.0)


# 08-features: two photos with the same features and the labels 0 and 1, W the identity


def loss_before(x):
    return xentlib.softmax_cross_entropy([x, x], [0, 1])


def highest_of_both(x):
    grad = xentlib.softmax_cross_entropy_with_grad([x, x], [0, 1])[1].sum(axis=0)
    after = x - 0.5 * grad * (x @ x)
    return max(loss_before(x), xentlib.softmax_cross_entropy([after, after], [0, 1]))


def too_large(x):
    return "a feature is beyond ±100" if (abs(x) > 100).any() else ""


def is_level(x):
    return x[0] == x[1]


def is_short(x):
    return x @ x <= 8


# 08-squares

ERROR = q[j] - p[j]
SQUARES = sum_over(j, q[j] * ERROR**2)
MEAN = sum_over(j, q[j] * ERROR)


EXERCISES = (
    Exercise(
        id="08-sum", title="Where the rivals end up", kind="predict", difficulty=1, minutes=4,
        task=r"The example starts at $z = (1, 2, \tfrac12)$, with dog true, and follows the flow until the logit of "
        r"dog is 12. What are the three logits then? Two decimals will do.",
        answer=[-4.25, 12.0, -4.25], rtol=0, atol=0.0051,
        mistakes=(
            Mistake("Cat and bird did not fall by the same amount: each falls at the rate of its own probability.",
                    [-4.0, 12.0, -4.5]),
            Mistake("The sum is what it was, but the two rivals share what dog has gained.", [-8.5, 12.0, -8.5]),
            Mistake("Here only dog moves. What one class gains, the others lose.", [1.0, 12.0, 0.5]),
            Mistake("This sum is 0. The flow keeps the sum that it started with.", [-6.0, 12.0, -6.0]),
        ),
        hints=(
            "One number never changes along the flow. Which?",
            "The three add up to 3.5 at all times. And what becomes of the gap between cat and bird?",
            "The gap between the two closes. So both have half of 3.5 − 12.",
        ),
    ),
    Exercise(
        id="08-penalty", title="A sum that is not kept", kind="derive", difficulty=1, minutes=5,
        task=r"Add a penalty $\tfrac12 c \sum_j z_j^2$ to the loss, with a number $c > 0$, and let the logits follow "
        r"the flow of the two together. The target sums to 1. At what rate does the sum of the logits change? Write "
        r"$d(\sum_j z_j)/dt$.",
        answer=-c * sum_over(j, z[j]), distributions=(p, q),
        mistakes=(
            Mistake("The loss alone keeps the sum. The penalty pulls at each logit as well.", 0),
            Mistake("The sign is turned round: the flow goes against the slope.", c * sum_over(j, z[j])),
            Mistake("The ½ is gone once z_j² has been differentiated.", -c / 2 * sum_over(j, z[j])),
            Mistake("The slope of ½ z_j² is z_j, not its square.", -c * sum_over(j, z[j] ** 2)),
            Mistake("This is the velocity of one logit. Add up all of them.", p[i] - q[i] - c * z[i]),
        ),
        hints=(
            "Write down the velocity of one logit first: minus the slope of the loss, minus the slope of the penalty.",
            "dz_j/dt = p_j − q_j − c z_j. Now add up over the classes.",
            "The p_j sum to 1, and so do the q_j. They cancel, and −c times the sum of the logits is left.",
        ),
    ),
    Exercise(
        id="08-ahead", title="Once dog is ahead", kind="explain", difficulty=2, minutes=5,
        task="Dog is true, and its probability is now the largest of all. The flow goes on. Can the probability of a "
        "wrong class still rise?",
        options=(
            "Yes: a weak class gains next to a strong rival, wherever dog is.",
            r"No: $\sum_j q_j^2$ is at most the largest $q_j$, and that is now $q_y$.",
            "No: every wrong logit falls, and a class whose logit falls loses probability.",
            "Yes: the sum of the logits is kept, so somebody has to gain what others lose.",
        ),
        answer="B",
        because="Σ_j q_j² is an average of the q_j, with the q_j as weights, so it is at most the largest, q_y. Then "
        "Σ_j q_j² − q_i − q_y is at most −q_i. Weak classes gain only while some wrong class is ahead.",
        mistakes=(
            Mistake("It does matter where dog is. The rate is q_i (Σ_j q_j² − q_i − q_y), and q_y makes it smaller. "
                    "How large can Σ_j q_j² be if q_y is the largest?", "A"),
            Mistake("The verdict is right, but the reason is not. In the chapter bird's logit falls and its "
                    "probability rises, because the denominator falls faster.", "C"),
            Mistake("Somebody does gain: dog. The sum says nothing about a single wrong class, and nothing about "
                    "probabilities.", "D"),
        ),
        hints=(
            "The chapter has a formula for the rate of a wrong probability. What decides its sign?",
            "It rises only if Σ_j q_j² is larger than q_i + q_y. Think of Σ_j q_j q_j as an average.",
            "An average of the q_j is never larger than the largest q_j. Which one is that here?",
        ),
    ),
    Exercise(
        id="08-clock", title="From behind to ahead", kind="predict", difficulty=2, minutes=6,
        task="There are three classes, and the two wrong ones are tied. The true class is 6 behind each of them. How "
        "many units of time does the flow take until it is 6 ahead of each? The chapter has the speed of its lead. "
        "A whole number will do.",
        answer=time(-6, 6, 3), rtol=0, atol=0.51,
        mistakes=(
            Mistake("This is the whole way at the speed of the start. Once the class is ahead, the speed falls.", 8.0),
            Mistake("There are two rivals: the speed is 3/(e^g + 2), not 3/(e^g + 1).", time(-6, 6, 2) * 2 / 3),
            Mistake("This is three times too long: the speed is 3/(e^g + 2), so the 3 divides the time.",
                    3 * time(-6, 6, 3)),
            Mistake("This is e^6/3, the largest part of the time. The rest of the way takes time as well.",
                    np.exp(6) / 3),
            Mistake("This is the time with two classes. Here there are three.", time(-6, 6, 2)),
        ),
        hints=(
            "Each bit dg of the way takes the time dg divided by the speed. What is the speed at a lead g?",
            "The speed is K/(e^g + K − 1), here 3/(e^g + 2). Integrate (e^g + 2)/3 over the leads from −6 to 6.",
            "(e^6 − e^−6 + 2 · 12) / 3.",
        ),
    ),
    Exercise(
        id="08-margin", title="What descent makes large", kind="code", difficulty=2, minutes=10,
        task="On separable data, descent tends to the direction with the largest margin. Write a function of `W`, of "
        "shape $(K, D)$, `X`, of shape $(N, D)$, and `labels` that returns the margin of `W`: the smallest lead "
        "$z_y - z_j$, over all samples and all wrong classes $j$, divided by the Frobenius norm of `W`.",
        answer=margin,
        inputs=(
            ([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.5]], [[2.0, 0.5], [-0.5, 1.0], [-1.0, -2.0], [0.8, 0.1]],
             [0, 1, 2, 0]),
            ([[1.0, 0.0, 0.5], [-1.0, 0.5, 0.0]], [[0.5, 0.2, 1.0], [2.0, 3.0, -1.0], [-1.0, 0.3, 0.4],
                                                   [-0.1, 2.0, 0.2]], [0, 1, 1, 1]),
            ([[0.5, 2.0], [1.0, -0.3], [-2.0, 0.1], [0.2, 0.2]], [[0.1, 3.0], [2.0, -1.0]], [0, 1]),
        ),
        mistakes=(
            Mistake("The lead of the true class over itself was counted. It is 0, and not a lead at all.",
                    over_itself_too),
            Mistake("This is not divided by the norm of W: twice the weights would have twice the margin.",
                    lambda W, X, labels: leads(W, X, labels).min()),
            Mistake("This is the spectral norm, the largest singular value. The question asks for the Frobenius norm.",
                    lambda W, X, labels: leads(W, X, labels).min() / np.linalg.norm(W, 2)),
            Mistake("This averages over the samples. The margin is the worst of them.",
                    lambda W, X, labels: leads(W, X, labels).min(axis=1).mean() / np.linalg.norm(W)),
            Mistake("This is the gap between the two highest scores. Where W errs, the lead is negative.",
                    lambda W, X, labels: gaps(W, X).min() / np.linalg.norm(W)),
        ),
        hints=(
            "Make all the scores first, X @ W.T. Then pick the one of the true class from each row.",
            "Each row has K − 1 leads that count, and one of the true class over itself that does not.",
            "scores[rows, labels] = -np.inf hides the true class, once a copy of its scores is safe.",
        ),
    ),
    Exercise(
        id="08-features", title="A safe step, and long features", kind="break", difficulty=2, minutes=8,
        task=r"Two photos have the same two features $x$, and the labels 0 and 1. The matrix $W$ is the identity, so "
        r"the logits are $x$. Somebody takes a step of size ½ on $W$, against the gradient of the mean loss, and says "
        r"that the loss cannot rise, since on the logits any step below 4 is safe. Find two features, neither beyond "
        r"$\pm 100$, for which it rises by more than 0.01.",
        answer=[6.0, 0.0],
        faulty=loss_before, right=highest_of_both, legal=lambda x: finite(2, "features")(x) or too_large(x),
        rtol=0, atol=0.01,
        outcomes=("loss before the step", "the larger one of before and after"),
        mistakes=(
            Mistake("The two logits are equal here, which is the best that can be done: the gradient is 0.",
                    [2.0, 2.0], is_level),
            Mistake("For features as short as these a step of ½ is proved to be safe. What multiplies the curvature?",
                    [1.0, 0.5], lambda x: is_short(x) and not is_level(x)),
            Mistake("The step is beyond what is proved to be safe, but it does not overshoot by enough from here.",
                    [3.0, 0.0], lambda x: not is_short(x) and not is_level(x)),
        ),
        hints=(
            "A step on W moves the logits of a photo. By how much, if its features are long?",
            "The gradient for W is (q − p) xᵀ, and W meets x once more: the logits move by ½ ‖x‖² (p − q).",
            "The limit for the weights is 4/‖x‖². So ‖x‖² has to be above 8, and well above, with logits that differ.",
        ),
    ),
    Exercise(
        id="08-squares", title="Two losses, one flow", kind="derive", difficulty=3, minutes=12,
        task=r"The logits follow the flow of cross-entropy, $dz/dt = p - q$. At what rate does the squared error "
        r"$E = \tfrac12 \sum_j (q_j - p_j)^2$ change on the way? Write $dE/dt$ in terms of $p$ and $q$ alone.",
        answer=MEAN**2 - SQUARES, distributions=(p, q),
        mistakes=(
            Mistake("The sign is turned round: the logits move along p − q, not along q − p.", SQUARES - MEAN**2),
            Mistake("This is the rate of cross-entropy. The q_j move at another rate than the z_j: J comes between.",
                    -sum_over(j, ERROR**2)),
            Mistake("A part of J is missing: it is diag(q) − q qᵀ.", -SQUARES),
            Mistake("This is the diagonal of J alone. Each q_j depends on all logits.",
                    -sum_over(j, q[j] * (1 - q[j]) * ERROR**2)),
            Mistake("This is twice too large: the ½ of E cancels the 2 of the square.", 2 * (MEAN**2 - SQUARES)),
        ),
        hints=(
            "By the chain rule dE/dt = Σ_j (q_j − p_j) dq_j/dt. The chapter has dq_j/dt along this flow.",
            "dq_j/dt is q_j times the deviation of p_j − q_j from its average under q. Multiply out, then sum.",
            "With u_j = q_j − p_j it is (Σ_j q_j u_j)² − Σ_j q_j u_j².",
        ),
    ),
    Exercise(
        id="08-rest", title="From the resting place to the penalty", kind="predict", difficulty=2, minutes=6,
        task=r"There are three classes, and dog is true. The logits follow the flow with weight decay, $dz/dt = p - q "
        r"- c z$, and come to rest where dog has the probability 0.8. What is $c$? Give three decimals.",
        answer=0.3 / np.log(8), rtol=0, atol=0.0006,
        mistakes=(
            Mistake("This is for AdamW, which rests at a lead of 2/c.", 2 / np.log(8)),
            Mistake("The rivals are pushed, too. What drives the lead is 1 − q_y, plus the q of a rival.",
                    0.2 / np.log(8)),
            Mistake("The two rivals share 0.2. Each has 0.1, and the lead is over one of them.", 0.4 / np.log(4)),
            Mistake("log 4 is the log-odds against both rivals together. The lead over one of them is log 8.",
                    0.3 / np.log(4)),
        ),
        hints=(
            "What do the two wrong classes have at rest, and how far ahead of each is dog?",
            "They are tied, so each has 0.1. The lead is g = log(0.8/0.1) = log 8.",
            "At rest c g = (1 − 0.8) + 0.1. Divide by log 8 = 2.08.",
        ),
    ),
    Exercise(
        id="08-total", title="A sum in place of a mean", kind="explain", difficulty=2, minutes=4,
        task=r"A layer is trained on 100 photos by plain descent, on the mean of their losses plus a penalty $\tfrac12 "
        r"c \lVert W \rVert^2$, until it comes to rest. Then somebody takes the sum of the losses in place of "
        r"their mean, divides the step $\eta$ by 100, and keeps $c$. Where does $W$ come to rest now?",
        options=(
            "Further out: next to the losses the penalty weighs a hundredth of what it did.",
            "At the same place: the smaller step makes up for the larger slopes.",
            "At the same place: what makes the sum as small as possible does so for the mean.",
            "Nearer to 0: with so small a step it is at rest before it has grown to its full length.",
        ),
        answer="A",
        because="At rest the slope of the losses and c W add up to 0, and η is not in that. The sum plus the penalty "
        "is 100 times the mean plus a penalty with c/100. In the chapter's example with c = ½, the lead at rest would "
        "grow from 1.16 to 4.81.",
        mistakes=(
            Mistake("The step multiplies the slope of the penalty as well, and that one was not made larger.", "B"),
            Mistake("That is true of the losses alone. With the penalty on top the two have different minima.", "C"),
            Mistake("A small step takes longer to reach the same place: rest is where the slope is 0, and η only says "
                    "how fast W gets there.", "D"),
        ),
        hints=(
            "Where is a point of rest? Write down what is 0 there.",
            "The slope of the losses plus c W is 0. Which of the two has changed, and by which factor?",
            "Divide the sum plus penalty by 100: it is the mean plus a penalty with c/100.",
        ),
    ),
)  # fmt: skip
