"""The exercises of chapter 17: where else softmax is trained."""

import numpy as np
from sympy import Rational

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.symbolic import K, i, j, p, q, sum_over

TITLE = "17 At work elsewhere"


# 17-attention


def backward(scores, values, slopes):
    return xentlib.softmax_cross_entropy_hvp(scores, slopes @ values.T)


def without_mean(scores, values, slopes):
    return xentlib.softmax(scores) * (slopes @ values.T)


def plain_mean(scores, values, slopes):
    ahead = slopes @ values.T
    return xentlib.softmax(scores) * (ahead - ahead.mean(axis=-1, keepdims=True))


def without_probabilities(scores, values, slopes):
    ahead = slopes @ values.T
    return ahead - (xentlib.softmax(scores) * ahead).sum(axis=-1, keepdims=True)


# 17-baseline: rewards of three classes

POLICY = np.array([0.8, 0.1, 0.1])


def variance(rewards, baseline):
    steps = (rewards - baseline)[:, np.newaxis] * (np.eye(3) - POLICY)
    return POLICY @ ((steps - POLICY @ steps) ** 2).sum(axis=1)


def with_mean(rewards):
    return variance(rewards, POLICY @ rewards)


def at_most_ten_times(rewards):
    return min(with_mean(rewards), 10 * variance(rewards, 0))


def three_rewards(rewards):
    if rewards.shape != (3,):
        return "three rewards are needed, one for each class"
    return "" if (abs(rewards) <= 100).all() else "a reward is beyond ±100, or NaN"


# 17-lucky

CHANCE = sum_over(j, q[j] * p[j])


# 17-clip


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def both_ways(similarities):
    own = np.arange(len(similarities))
    ways = (similarities, similarities.T)
    return sum(xentlib.softmax_cross_entropy(way, own) for way in ways) / 2


def clip(pictures, captions, T):
    return both_ways(unit(pictures) @ unit(captions).T / T)


def one_way(pictures, captions, T):
    return xentlib.softmax_cross_entropy(unit(pictures) @ unit(captions).T / T, np.arange(len(pictures)))


# 17-word2vec


def power(exponent):
    return p[i] ** exponent / sum_over(j, p[j] ** exponent)


EXERCISES = (
    Exercise(
        id="17-leaf", title="A number for a leaf", kind="predict", difficulty=1, minutes=4,
        task=r"A leaf of a tree for dog holds four photos. So far each of them has $q_{\mathrm{dog}} = 0.2$, and three "
        r"show a dog. The curvature is XGBoost's, $2 q (1 - q)$, and a penalty of 1 is added to the sum of the "
        r"curvatures. What number does the leaf get? Two decimals.",
        answer=2.2 / 2.28, rtol=0, atol=0.0051,
        mistakes=(
            Mistake("The sign is turned round: three of four are dogs, and dog's score has to rise.", -2.2 / 2.28),
            Mistake("This uses q (1 − q). XGBoost takes twice that.", 2.2 / 1.64),
            Mistake("The penalty is missing: 1 is added to the sum of the curvatures.", 2.2 / 1.28),
            Mistake("The penalty counts four times here, as it does with means over the photos. It is added once, to "
                    "the sum.", 0.55 / 1.32),
        ),
        hints=(
            "Each photo has a slope q − p and a curvature. Add up both over the four.",
            "The slopes are −0.8 three times and 0.2 once. Each curvature is 2 · 0.2 · 0.8.",
            "The sums are −2.2 and 1.28. Now the penalty, the quotient and the sign.",
        ),
    ),
    Exercise(
        id="17-temperature", title="Whose temperature?", kind="predict", difficulty=1, minutes=5,
        task=r"Two wrong captions have the similarities 0.9 and 0.2 to a picture. The slopes of the contrastive loss "
        r"for them are 0.24 and 0.06. At what temperature was it computed? Two decimals.",
        answer=0.7 / np.log(4), rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is one over the temperature: the similarities are divided by T.", np.log(4) / 0.7),
            Mistake("The ratio of the slopes is 4, but it is e^(0.7/T). The logarithm is missing.", 0.7 / 4),
            Mistake("The logarithm is to base 2. The exponential of softmax has base e.", 0.35),
            Mistake("The logarithm is to base 10. The exponential of softmax has base e.", 0.7 / np.log10(4)),
            Mistake("The two slopes were subtracted. What softmax knows are ratios.", 0.7 / 0.18),
        ),
        hints=(
            "Everything else cancels if you look at the ratio of the two slopes.",
            "The ratio is 4. What is it in terms of the two similarities and T?",
            "4 = e^((0.9 − 0.2)/T). Take the logarithm.",
        ),
    ),
    Exercise(
        id="17-halved", title="Half the curvature, half the rate", kind="explain", difficulty=2, minutes=4,
        task=r"A colleague does not like the 2 in $2 q (1 - q)$. She takes it out, and halves the learning rate, so "
        r"that, she says, the same trees with the same numbers come out. Is she right?",
        options=(
            "Yes: a leaf's number is the learning rate times slopes over curvatures, and both are halved.",
            "Only if nothing is added to the curvatures or compared with them, as a penalty is.",
            "No: without the 2 the parabola is not a bound, so the steps overshoot at any learning rate.",
            "Only for two classes: with more, the 2 changes the ratio of the curvatures of two classes.",
        ),
        answer="B",
        because="Without a penalty, halving both gives the same numbers, and each split gains twice as much, so the "
        "best one stays the best. A penalty λ is added to the sum of the curvatures, and weighs twice as much "
        "against half of them. So do a minimum weight for a leaf and a minimum gain for a split.",
        mistakes=(
            Mistake("That is the number without a penalty. XGBoost adds λ = 1 to the sum of the curvatures unless told "
                    "otherwise, and a sum of halves plus 1 is not half of the old denominator.", "A"),
            Mistake("Half the rate makes up for it: a step with half the curvature at half the rate is as long as "
                    "before, and a step without a penalty is exactly the same.", "C"),
            Mistake("The 2 is the same for all classes and photos, so it changes no ratio between classes, whatever K "
                    "is.", "D"),
        ),
        hints=(
            "Write down the number of a leaf with a penalty λ in the denominator, before and after.",
            "Before: −η G/(2 S + λ). After: −(η/2) G/(S + λ). When are they the same?",
            "(η/2) G/(S + λ) is η G/(2 S + 2 λ).",
        ),
    ),
    Exercise(
        id="17-attention", title="Backwards through attention", kind="code", difficulty=2, minutes=8,
        task=r"Each of $N$ words has scores for $K$ others, whose values are the rows of an array of shape $(K, D)$. "
        r"What comes out is `softmax(scores) @ values`, of shape $(N, D)$. Write a function of `scores`, `values` and "
        r"`slopes`, which holds the slopes of a loss for what comes out. Return its slopes for the scores.",
        answer=backward,
        inputs=(
            ([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[1.0, -1.0], [0.5, 2.0]]),
            ([[0.3, -0.7]], [[2.0, -1.0, 0.5], [0.4, 1.5, -3.0]], [[1.0, 0.25, -0.5]]),
            ([[2.0, -1.0, 0.3, 1.1], [5.0, 4.0, -2.0, 0.0], [0.1, 0.2, 0.3, 0.4]],
             [[1.0], [-2.0], [0.5], [3.0]], [[1.0], [-0.7], [2.0]]),
        ),
        mistakes=(
            Mistake("The mean was not subtracted: a class gains only if it is above the average under q.",
                    without_mean),
            Mistake("This subtracts the plain mean over the classes. It has to be the mean under q.", plain_mean),
            Mistake("The factor q in front is missing: a class gains in proportion to what it has.",
                    without_probabilities),
            Mistake("These are the slopes for the weights q. They have to go through softmax as well.",
                    lambda scores, values, slopes: slopes @ values.T),
        ),
        hints=(
            "First the slopes for the weights q: what comes out is q @ values.",
            "They are slopes @ values.T, of shape (N, K). Then comes the Jacobian of softmax, row by row.",
            "q * (a − the sum of q * a along the last axis), or xentlib's product of the Hessian with a vector.",
        ),
    ),
    Exercise(
        id="17-baseline", title="A mean that does harm", kind="break", difficulty=2, minutes=6,
        task=r"A policy draws from three classes with $q = (0.8, 0.1, 0.1)$. Somebody takes the mean reward as a "
        r"baseline. Find three rewards, none beyond $\pm 100$, for which that makes the variance of a step of "
        r"REINFORCE more than ten times what it is without a baseline.",
        answer=[1.0, 0.0, 0.0], faulty=with_mean, right=at_most_ten_times, legal=three_rewards, rtol=0, atol=1e-9,
        outcomes=("with the mean reward", "the same, but at most ten times that without a baseline"),
        mistakes=(
            Mistake("With equal rewards the mean is each of them, and nothing varies.",
                    [1.0, 1.0, 1.0], lambda rewards: np.ptp(rewards) == 0),
            Mistake("The steps for an unlikely class are long, and count a lot in the best baseline. Here such a class "
                    "has the largest reward.", [0.0, 1.0, 0.0],
                    lambda rewards: np.ptp(rewards) > 0 and abs(rewards[0]) <= abs(rewards[1:]).max()),
            Mistake("The likely class has the largest reward, but the others move the best baseline away from 0, or "
                    "towards the mean.", [1.0, 0.5, 0.5],
                    lambda rewards: abs(rewards[0]) > abs(rewards[1:]).max()),
        ),
        hints=(
            "The best baseline is a mean in which the likely class hardly counts. When is that far from the mean "
            "reward, and near 0?",
            "The mean reward is close to the reward of the likely class.",
            "Pay for the likely class, and nothing for the other two.",
        ),
    ),
    Exercise(
        id="17-lucky", title="One success is enough", kind="derive", difficulty=2, minutes=8,
        task=r"If class $j$ is drawn, the agent succeeds with probability $p_j$; these do not sum to 1. It draws from "
        r"$q = \mathrm{softmax}(z)$, and its loss is minus the logarithm of its chance of success, "
        r"$L = -\log \sum_j q_j p_j$. Write $\partial L/\partial z_i$ in terms of `p` and `q`.",
        answer=q[i] - q[i] * p[i] / CHANCE, distributions=(q,),
        mistakes=(
            Mistake("This is minus the slope of the chance itself. The logarithm divides it by the chance.",
                    q[i] * (CHANCE - p[i])),
            Mistake("That would be for targets p under the cross-entropy, with the logarithm inside the sum.",
                    q[i] - p[i]),
            Mistake("The factor q_i is missing in what is subtracted: it is the probability of class i, given success.",
                    q[i] - p[i] / CHANCE),
            Mistake("This is the class's share of the chance. It is subtracted from q_i.",
                    -q[i] * p[i] / CHANCE),
        ),
        hints=(
            "Differentiate the chance first. You have its derivative from the chapter, with p in the place of the "
            "rewards.",
            "It is q_i (p_i − Σ q_j p_j). Now the logarithm, and the minus.",
            "Divide by −Σ q_j p_j. One of the two terms is q_i.",
        ),
    ),
    Exercise(
        id="17-clip", title="Pictures and captions, both ways", kind="code", difficulty=2, minutes=8,
        task=r"Row $n$ of `pictures` and row $n$ of `captions`, both of shape $(N, D)$ and of any length, belong "
        r"together. The similarity of a picture and a caption is the cosine of the angle between the two rows. Write a "
        r"function of `pictures`, `captions` and `T` that returns the mean of two contrastive losses: each picture has "
        r"to find its caption among all, and each caption its picture. Cosines over `T` may be as large as 1000.",
        answer=clip,
        inputs=(
            ([[1.0, 2.0], [2.0, -0.5], [-1.0, 0.3]], [[0.5, 2.0], [1.5, 0.2], [0.4, -1.0]], 0.5),
            ([[3.0, 0.0, 1.0], [0.2, 0.4, -0.3]], [[1.0, 1.0, 0.0], [2.0, -1.0, 5.0]], 0.1),
            ([[0.7, 0.7], [1.0, 0.1], [0.0, 2.0], [-1.0, 1.0]], [[1.0, 1.1], [3.0, 0.0], [0.5, 1.0], [-2.0, 0.1]],
             0.001),
        ),
        mistakes=(
            Mistake("The rows have to be divided by their lengths first: a cosine is asked for.",
                    lambda pictures, captions, T: both_ways(pictures @ captions.T / T)),
            Mistake("Only the pictures look for their captions. The captions have to look for their pictures, too.",
                    one_way),
            Mistake("Only the captions look for their pictures. The pictures have to look for their captions, too.",
                    lambda pictures, captions, T: one_way(captions, pictures, T)),
            Mistake("The cosines are divided by T, not multiplied.",
                    lambda pictures, captions, T: both_ways(unit(pictures) @ unit(captions).T * T)),
            Mistake("The lengths were taken down the columns. Each row is one picture.",
                    lambda pictures, captions, T: both_ways(unit(pictures.T).T @ unit(captions.T) / T)),
        ),
        hints=(
            "One product of two matrices gives all N² cosines, once each row has length 1.",
            "Which labels does the softmax cross-entropy need for row n? And what is the table for the captions?",
            "The labels are 0, …, N − 1. Take the loss of the table, and the loss of its transpose.",
        ),
    ),
    Exercise(
        id="17-word2vec", title="What word2vec would draw", kind="derive", difficulty=3, minutes=10,
        task=r"word2vec draws its noise from $\nu_j = p_j^{3/4} / \sum_l p_l^{3/4}$, where $p_j$ is how frequent word "
        r"$j$ is. Take a context that tells you nothing: there, words come with the frequencies $p$ as well. The "
        r"scores are the best for negative sampling. Write entry $i$ of their softmax in terms of `p`.",
        answer=power(Rational(1, 4)), distributions=(p,),
        mistakes=(
            Mistake("That would be right for NCE, or for uniform noise. Here the scores lack log ν.", p[i]),
            Mistake("That is the noise. The scores are the logarithm of p over the noise.", power(Rational(3, 4))),
            Mistake("This multiplies by the noise. Divide by it.", power(Rational(7, 4))),
            Mistake("That would be right for noise with the frequencies p themselves. The power ¾ leaves something.",
                    1 / K),
            Mistake("This is e to the score. Softmax divides by a sum.", p[i] ** Rational(1, 4)),
        ),
        hints=(
            "What are the best scores of negative sampling, in terms of p and ν?",
            "They are log p − log ν, up to a constant. What is e to that?",
            "p_i / p_i^(3/4), up to a factor that softmax cancels.",
        ),
    ),
)  # fmt: skip
