"""The exercises of chapter 10: what cross-entropy pays for, and what other losses do."""

import numpy as np
from sympy import sqrt

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import distribution_of
from xentlib.teaching.symbolic import i, j, p, sum_over

TITLE = "10 Why cross-entropy"


# 10-rivals: cat, at index 0, is true


def brier(q):
    return ((q - np.eye(len(q))[0]) ** 2).sum()


def brier_of_two(q):
    return 2 * (1 - q[0]) ** 2


# 10-surer: two photos in rows


def confidences(logits, temperature):
    return xentlib.softmax(logits, temperature=temperature).max(axis=1)


def surer(logits, temperature):
    return float(confidences(logits, temperature).argmax())


def two_photos(logits):
    if logits.shape != (2, 3):
        return "two photos with three logits each are needed, an array of shape (2, 3)"
    if not np.isfinite(logits).all():
        return "all logits must be finite"
    ties = [t for t in (1, 3) if abs(np.diff(confidences(logits, t))) < 1e-9]
    return f"the classifier is equally sure of both photos at T = {ties[0]}" if ties else ""


def one_leads_twice(logits):
    """Tell whether one of the photos has the larger lead over the second class and over the third."""
    leads = both_leads(logits)
    over_third, over_second, _ = leads[0] - leads[1]
    return over_second * over_third >= 0


def far_third(logits):
    """Return which photo has the larger lead over its third class, if it has the smaller one over the second."""
    return None if one_leads_twice(logits) else both_leads(logits)[:, 0].argmax()


def both_leads(logits):
    in_order = np.sort(logits, axis=1)
    return in_order[:, -1:] - in_order


# 10-floor


def joint(prior, likelihood):
    return prior[:, None] * likelihood


def floor(prior, likelihood):
    of_readings = joint(prior, likelihood).sum(axis=0)
    return undivided(prior, likelihood) - xentlib.entropy(of_readings)


def undivided(prior, likelihood):
    return xentlib.entropy(joint(prior, likelihood).ravel())


def unweighted(prior, likelihood):
    together = joint(prior, likelihood)
    together = together[:, together.any(axis=0)]
    return xentlib.entropy(together / together.sum(axis=0), axis=0).mean()


def zero_times_infinity(prior, likelihood):
    together = joint(prior, likelihood)
    return -(together * np.log(together / together.sum(axis=0))).sum()


EXERCISES = (
    Exercise(
        id="10-root", title="A timid rule", kind="derive", difficulty=2, minutes=8,
        task="A rule charges $1/q_y$ for the answer $q$ if the truth turns out to be $y$. The true distribution is "
        "$p$, and no $p_j$ is 0. Which answer has the least expected penalty? Write its $q_i$ in terms of $p$.",
        answer=sqrt(p[i]) / sum_over(j, sqrt(p[j])), distributions=(p,),
        mistakes=(
            Mistake("This is the honest answer. That it is the cheapest was shown for the logarithm, not for 1/q_y.",
                    p[i]),
            Mistake("The dependence on p_i is right, but these numbers do not sum to 1.", sqrt(p[i])),
            Mistake("The wrong quantity is squared: the slope of 1/q is −1/q², so it is q² that grows with p.",
                    p[i] ** 2 / sum_over(j, p[j] ** 2)),
            Mistake("This gives more to what is less likely. Check how the slope −p_i/q_i² was solved for q_i.",
                    1 / sqrt(p[i]) / sum_over(j, 1 / sqrt(p[j]))),
        ),
        hints=(
            "Lagrange again: at the best answer the expected penalty has the same slope in every q_i.",
            "The slope is −p_i/q_i². If that is the same for every i, how does q_i depend on p_i?",
            "q_i is proportional to the root of p_i, sympy.sqrt(p[i]). Divide, so that they sum to 1.",
        ),
    ),
    Exercise(
        id="10-rivals", title="Is Brier's rule local?", kind="break", difficulty=1, minutes=5,
        task="With two classes Brier's penalty depends on $q_y$ alone: it is $2 (1 - q_y)^2$. Somebody uses this "
        "formula for three classes. Find a distribution over cat, dog and bird, with cat (index 0) true, for which "
        "the formula is off by more than 0.1.",
        answer=[0.2, 0.4, 0.4],
        faulty=brier_of_two, right=brier, legal=distribution_of(3), rtol=0, atol=0.1,
        outcomes=("2 (1 − q_y)²", "Brier's penalty"),
        mistakes=(
            Mistake("Only one rival has any probability, so in effect there are two classes, and the formula holds.",
                    [0.4, 0.6, 0.0], lambda q: q[1:].min() == 0),
            Mistake("Cat has so much that it hardly matters how dog and bird share the rest.",
                    [0.7, 0.15, 0.15], lambda q: q[1:].min() > 0 and q[0] >= 0.55),
            Mistake("Both rivals have some probability, but one of them has too little.",
                    [0.2, 0.78, 0.02], lambda q: q[1:].min() > 0 and q[0] < 0.55),
        ),
        hints=(
            "Brier adds the squares of dog and bird to (1 − q_0)². What does the formula put in their place?",
            "It puts (1 − q_0)² once more, and that is (q_1 + q_2)², the square of the sum.",
            "The two differ by 2 q_1 q_2. Make that larger than 0.1.",
        ),
    ),
    Exercise(
        id="10-margins", title="Who is inside the margin?", kind="predict", difficulty=1, minutes=4,
        task=r"Four classes have the scores $(2, 1\tfrac12, 0, 3)$, and class 0 is true. What is the gradient of the "
        r"hinge loss $\sum_{j \ne y} \max(0, z_j - z_y + 1)$ with respect to the four scores?",
        answer=[-2.0, 1.0, 0.0, 1.0], rtol=0, atol=0.0051,
        mistakes=(
            Mistake("These are the sizes of the terms. Their slopes are asked for, and a slope is the same anywhere "
                    "inside the margin.", [-2.5, 0.5, 0.0, 2.0]),
            Mistake("Each term that counts takes 1 from the true class, and more than one counts.",
                    [-1.0, 1.0, 0.0, 1.0]),
            Mistake("This counts only the rival that is ahead. One that is behind, but by less than 1, counts as well.",
                    [-1.0, 0.0, 0.0, 1.0]),
            Mistake("Every sign is the wrong way round: a higher score of the true class lowers the loss.",
                    [2.0, -1.0, 0.0, -1.0]),
            Mistake("This is q − p, the gradient of cross-entropy. The hinge knows no probabilities.",
                    [-0.776, 0.136, 0.030, 0.609]),
        ),
        hints=(
            "A term that is 0 has no slope. Which of the three rivals have a term above 0?",
            "A rival is inside the margin if z_j > z_y − 1. Its term has slope 1 in z_j. And in z_y?",
            "Classes 1 and 3 are inside. Each gives 1 to itself, and −1 to class 0.",
        ),
    ),
    Exercise(
        id="10-gaps", title="Too bold here, too shy there", kind="predict", difficulty=2, minutes=5,
        task="Of 40 answers, 10 have the confidence 0.85, and 6 of these are right. The other 30 have the confidence "
        "0.65, and 24 of these are right. What is the expected calibration error, with ten bins?",
        answer=0.175, rtol=0, atol=0.0051,
        mistakes=(
            Mistake("The two gaps were allowed to cancel. Each counts with its absolute value, bin by bin.", 0.05),
            Mistake("This is the plain mean of the two gaps. The bins do not hold equally many answers.", 0.2),
            Mistake("This is the sum of the gaps. Each has to be weighted by its share of the answers.", 0.4),
            Mistake("This is the largest gap. The mean gap is asked for.", 0.25),
        ),
        hints=(
            "Two bins are not empty. How far is the accuracy from the confidence in each?",
            "The gaps are 0.25 and 0.15. One group is too bold and one too shy, and both are wrong.",
            "Weight the first by 10/40 and the second by 30/40, and add.",
        ),
    ),
    Exercise(
        id="10-same-data", title="The temperature of the training set", kind="explain", difficulty=2, minutes=4,
        task="Somebody has no held-out images, and fits $T$ on the 200 that the classifier was trained on. It is right "
        "on all of these: each true logit is the largest of its row. Which $T$ minimises the loss on them?",
        options=(
            "$T = 1$: training has minimised the loss on these images, so no scaling can lower it.",
            "None: the loss falls as long as $T$ falls, because every true logit is the largest.",
            "$T = 2.19$, as before: overconfidence belongs to the classifier, and not to the images.",
            "None: the loss falls as long as $T$ grows, because the classifier is overconfident.",
        ),
        answer="B",
        because="In β = 1/T the slope is the mean of Σ_j q_j z_j − z_y. A mean of logits lies below the largest, so "
        "the slope is negative at every β. On these images the classifier is not sure enough yet.",
        mistakes=(
            Mistake("Training stopped where the penalty on large weights held it. T is not penalised, and the loss on "
                    "these images still has a slope there.", "A"),
            Mistake("Confidence is too high or too low against a share of right answers, and on these images that "
                    "share is 1. Other images need another T.", "C"),
            Mistake("It is overconfident on new images. On these all answers are right, and more confidence in right "
                    "answers costs less.", "D"),
        ),
        hints=(
            "How does the loss change with β = 1/T? The chapter has its slope.",
            "The slope is the mean of Σ_j q_j z_j − z_y. Can the first part be larger than the second here?",
            "There is a minimum only if some true logit is not the largest of its row.",
        ),
    ),
    Exercise(
        id="10-from-temperature", title="What the temperature gives away", kind="predict", difficulty=2, minutes=5,
        task="There are two classes. On each of the held-out images, the class that the classifier names leads the "
        "other by 4 in logits. Of all temperatures, $T = 2$ gives the smallest mean loss on these images. On which "
        "share of them is the classifier right? Two decimals.",
        answer=1 / (1 + np.exp(-2)), rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is the confidence at T = 1. If it were the share of right answers, T = 1 would be best.",
                    1 / (1 + np.exp(-4))),
            Mistake("The lead was multiplied by T. Softmax sees z/T.", 1 / (1 + np.exp(-8))),
            Mistake("This is the share of wrong answers.", 1 / (1 + np.exp(2))),
            Mistake("These are the odds of right against wrong. The share is asked for.", np.exp(2)),
            Mistake("This is 1/T, or T over the lead. The share is softmax of the lead over T.", 0.5),
        ),
        hints=(
            "What is the slope of the mean loss at the best T?",
            "It is 0, so the true logit and Σ_j q_j z_j have the same mean. Let the class that is named have the logit "
            "4, and the other 0.",
            "With a for the share that is right, the two means are 4a and 4q, where q = 1/(1 + e^(−4/2)).",
        ),
    ),
    Exercise(
        id="10-surer", title="Surest before, surest after", kind="break", difficulty=3, minutes=10,
        task="A temperature of 3 changes no photo's class. Somebody concludes that of two photos, the one with "
        "the larger confidence (its largest probability) at $T = 1$ also has the larger one at $T = 3$. Find the "
        "logits of two photos, an array of shape $(2, 3)$, for which that is wrong.",
        answer=[[2.5, 0.0, 0.0], [1.0, 0.0, -20.0]],
        faulty=lambda logits: surer(logits, 1), right=lambda logits: surer(logits, 3), legal=two_photos, rtol=0, atol=0,
        outcomes=("index of the surer photo at T = 1", "index of the surer photo at T = 3"),
        mistakes=(
            Mistake("One photo has the larger lead over its second class, and over its third as well. It is the surer "
                    "at every T. Let each photo have one of the larger leads.",
                    [[3.0, 0.0, 0.0], [1.0, 0.0, 0.0]], one_leads_twice),
            Mistake("Each photo has one of the larger leads: that is the way. But the photo whose third class is "
                    "further behind is the surer at T = 1 already, and so it stays. Bring its second class nearer.",
                    [[2.0, 0.0, 0.0], [1.8, 0.0, -20.0]], lambda logits: far_third(logits) == surer(logits, 1)),
            Mistake("Each photo has one of the larger leads, and the right photo is the surer at T = 1. It still is at "
                    "T = 3. Widen the leads of the other photo, and that over its third class most of all.",
                    [[5.0, 0.0, 0.0], [0.5, 0.0, -5.0]], lambda logits: far_third(logits) == 1 - surer(logits, 1)),
        ),
        hints=(
            "With two classes it cannot happen, because there is one lead. With three, each photo has two.",
            "Give one photo two rivals at the same distance. Give the other one near rival and one that is far away.",
            "As T grows, two rivals come back where the other photo has one. Take leads of 2½ and 2½ against 1 and 20.",
        ),
    ),
    Exercise(
        id="10-both-calibrated", title="Calibrated, and yet worse", kind="explain", difficulty=2, minutes=4,
        task="Two classifiers see the same photos of cats and dogs. Both are perfectly calibrated, without bins: among "
        "the photos with one answer, the shares of the classes are that answer. The first has a mean loss of 0.35, the "
        "second of 0.56. What does the first do better?",
        options=(
            "Nothing: both are calibrated, so their losses differ by chance, and less with more photos.",
            "It is right more often: with no calibration loss, what remains counts the errors.",
            "It is surer: a lower temperature would bring the second one down to the same loss.",
            "It tells more photos apart: among those with one answer the classes are less mixed.",
        ),
        answer="D",
        because="The calibration loss of both is 0, so they differ in the refinement loss. Let the first be certain of "
        "half of the photos, and rightly so, and say ½ for the rest: that costs ½ log 2 = 0.35. Let the second say "
        "0.75 for each: 0.56.",
        mistakes=(
            Mistake("Calibration is not everything. A classifier that gives every photo the overall shares is "
                    "calibrated, without a look at any of them.", "A"),
            Mistake("Both may be right equally often. One is certain of half of the photos and tosses a coin for the "
                    "rest; the other says 0.75 for each. Both are right on three of four.", "B"),
            Mistake("A temperature saves calibration loss, and here there is none to save. Surer answers would be "
                    "overconfident, and cost more.", "C"),
        ),
        hints=(
            "Into which two parts does the chapter split a loss?",
            "One part is 0 for both. What does the other one measure?",
            "The refinement loss does not ask what the answers say. It asks which photos share one.",
        ),
    ),
    Exercise(
        id="10-floor", title="What the reading leaves open", kind="code", difficulty=3, minutes=12,
        task="A sensor gives one of $M$ readings. Write a function of `prior`, the $K$ probabilities of the classes, "
        "and `likelihood`, of shape $(K, M)$, whose row $k$ holds the probabilities of the readings for class $k$. It "
        "returns the floor, in nats: the least expected loss of any classifier that sees the reading. Probabilities "
        "may be 0.",
        answer=floor,
        inputs=(
            ([0.5, 0.5], [[0.9, 0.1], [0.2, 0.8]]),
            ([0.4, 0.4, 0.2], [[0.6, 0.3, 0.1, 0.0], [0.1, 0.7, 0.2, 0.0], [0.25, 0.0, 0.75, 0.0]]),
            ([0.7, 0.1, 0.15, 0.05], [[0.5, 0.5], [0.1, 0.9], [0.3, 0.7], [0.8, 0.2]]),
        ),
        mistakes=(
            Mistake("This is H(X | Y), what the class leaves open about the reading. The classifier sees the reading.",
                    lambda prior, likelihood: prior @ xentlib.entropy(likelihood)),
            Mistake("This is the entropy of class and reading together. The reading is known: divide by its "
                    "probability inside the logarithm, or subtract its entropy.", undivided),
            Mistake("This is I(X; Y), what the reading tells. What it leaves open is asked for.",
                    lambda prior, likelihood: xentlib.entropy(prior) - floor(prior, likelihood)),
            Mistake("Here all readings count the same. Weight the entropy of each by its probability.",
                    unweighted),
            Mistake("Where a probability is 0, the result is NaN, from 0 · log 0 or from 0/0. Both should count as 0.",
                    zero_times_infinity),
        ),
        hints=(
            "Prior times likelihood is the joint distribution. What is the best answer for one reading?",
            "The best answer is the share of each class in the column of the reading; it costs the entropy of that.",
            "H(Y | X) is also the entropy of the joint distribution less that of the readings: nothing is divided.",
        ),
    ),
)  # fmt: skip
