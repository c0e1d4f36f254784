"""The exercises of chapter 2: softmax, log-softmax and log-sum-exp."""

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import logits_of
from xentlib.teaching.exercises.textbook import shifted
from xentlib.teaching.symbolic import T, exp, i, j, log, sum_over, z

TITLE = "2 Softmax"

# 02-scores


SCORES = np.log([0.1, 0.7, 0.2])


# 02-log-softmax, 02-field

S = sum_over(j, exp(z[j]))
S_T = sum_over(j, exp(z[j] / T))


# 02-softmax


def softmax(z):
    return xentlib.softmax(z)


def over_all(z):
    weights = np.exp(z - z.max())
    return weights / weights.sum()


# 02-rounded


def log_of_softmax(z):
    return np.log(xentlib.softmax(z))


EXERCISES = (
    Exercise(
        id="02-odds", title="Odds at half the temperature", kind="predict", difficulty=1, minutes=3,
        task="The scores are 1 for cat and 2 for dog, and the temperature is ½. What are the odds of dog against "
        "cat? Give one number, 3 for 3 to 1, with one decimal.",
        answer=np.exp(2), rtol=0.01,
        mistakes=(
            Mistake("These are the odds at T = 1: the temperature was forgotten.", np.exp(1)),
            Mistake("The lead was multiplied by T. It is divided by T, and cold sharpens.", np.exp(0.5)),
            Mistake("This is the log-odds. The question asks for its exponential.", 2.0),
            Mistake("These are the odds of cat against dog.", np.exp(-2)),
        ),
        hints=(
            "The odds depend on one number alone: by how much dog is ahead.",
            "At temperature T the log-odds are the lead divided by T.",
            "The lead is 1, divided by ½ it is 2, and the odds are e².",
        ),
    ),
    Exercise(
        id="02-cold", title="A tie in the cold", kind="predict", difficulty=1, minutes=3,
        task=r"The scores are $(0, 3, 3)$. What does $\mathrm{softmax}(z/T)$ tend to as $T$ falls to 0? Give the three "
        r"numbers.",
        answer=[0.0, 0.5, 0.5], rtol=0, atol=0.001,
        mistakes=(
            Mistake("This puts everything on one of two that tie. Nothing prefers one to the other.", [0.0, 1.0, 0.0]),
            Mistake("This is the other end: hot, all are alike.", [1 / 3, 1 / 3, 1 / 3]),
            Mistake("This is T = 1. In the cold the class that trails gets nothing.", xentlib.softmax([0.0, 3.0, 3.0])),
            Mistake("Each of the winners got the whole. The three must sum to 1.", [0.0, 1.0, 1.0]),
        ),
        hints=(
            "Subtract the largest score first: softmax does not mind.",
            "The weights are then e^(−3/T), 1 and 1. Which of them changes with T?",
            "The first goes to 0, and the other two share what there is.",
        ),
    ),
    Exercise(
        id="02-scores", title="Back to scores", kind="predict", difficulty=1, minutes=4,
        task="A forecaster gives cat the probability 0.1, dog 0.7 and bird 0.2. Find three scores that softmax turns "
        "into these. Many will do: give any of them, with two decimals.",
        answer=SCORES, through=shifted, rtol=0, atol=0.003,
        mistakes=(
            Mistake("These are the probabilities. Softmax raises e to what it is given, so give it their logarithms.",
                    [0.1, 0.7, 0.2]),
            Mistake("This is softmax of the probabilities. The question asks for the way back.",
                    xentlib.softmax([0.1, 0.7, 0.2])),
            Mistake("The sign is turned round: the likeliest class needs the highest score.", -SCORES),
            Mistake("These are the log-odds of each class against all others together. A score is log q_i itself, plus "
                    "a constant that is the same for all.", SCORES - np.log([0.9, 0.3, 0.8])),
            Mistake("These logarithms are to base 10. Softmax raises e, so take natural ones.", SCORES / np.log(10)),
        ),
        hints=(
            "One step of softmax is an exponential. What undoes it?",
            "A logit is a log-probability plus a constant, which you may choose.",
            "With the constant 0 they are log 0.1, log 0.7 and log 0.2.",
        ),
    ),
    Exercise(
        id="02-log-softmax", title="Log-probabilities at a temperature", kind="derive", difficulty=2, minutes=6,
        task=r"Let $q = \mathrm{softmax}(z/T)$. Write $\log q_i$ in terms of the logits and $T$, for any number of "
        r"classes.",
        answer=z[i] / T - log(S_T),
        mistakes=(
            Mistake("The whole log-softmax was divided by T. The temperature belongs inside the sum, too.",
                    (z[i] - log(S)) / T),
            Mistake("The score in front was divided by T, but those in the sum were not.", z[i] / T - log(S)),
            Mistake("The logits in the sum were divided by T, but the one in front was not.", z[i] - log(S_T)),
            Mistake("This is q_i. The question asks for its logarithm.", exp(z[i] / T) / S_T),
        ),
        hints=(
            "What is log q_i at T = 1?",
            "Softmax at temperature T is softmax of other logits. Which?",
            "Write z/T for each z in z_i − log Σ_j e^(z_j), inside the sum as well.",
        ),
    ),
    Exercise(
        id="02-field", title="One against the field", kind="derive", difficulty=2, minutes=8,
        task=r"Let $q = \mathrm{softmax}(z)$. Write the log-odds of class $i$ against all others together, "
        r"$\log(q_i / (1 - q_i))$, in terms of the logits.",
        answer=z[i] - log(S - exp(z[i])),
        mistakes=(
            Mistake("This is log q_i: the field still contains class i itself.", z[i] - log(S)),
            Mistake("The odds are turned round: this is the field against i.", log(S - exp(z[i])) - z[i]),
            Mistake("These are the odds. The question asks for their logarithm.", exp(z[i]) / (S - exp(z[i]))),
            Mistake("This is log(1 − q_i), of the field alone. Log-odds are log q_i less that.",
                    log(S - exp(z[i])) - log(S)),
        ),
        hints=(
            "What remains if you take q_i away from 1?",
            "1 − q_i is the probability of all others together: a sum of exponentials without the i-th, over the same "
            "denominator.",
            "The denominators cancel. What is left is e^(z_i) / (Σ_j e^(z_j) − e^(z_i)).",
        ),
    ),
    Exercise(
        id="02-softmax", title="Write softmax", kind="code", difficulty=2, minutes=8,
        task=r"Write a function of `z`, an array of any shape with the classes on its last axis, that returns its "
        r"softmax. It has to survive logits of $\pm 1000$.",
        answer=softmax,
        inputs=(
            ([1.0, 2.0, 0.5],),
            ([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0], [2.0, 2.0, 2.0]],),
            ([[[0.1, 0.2], [3.0, -1.0]], [[0.0, 0.0], [-2.0, 5.0]]],),
            ([[1000.0, 1001.0, 999.0], [-1000.0, -999.0, -1002.0]],),
            ([[-1000.0, 1000.0, 0.0]],),
        ),
        mistakes=(
            Mistake("Wrong axis: the classes are on the last one, and you sum along the first.",
                    lambda z: xentlib.softmax(z, axis=0)),
            Mistake("Divided by the sum over everything: each row has to sum to 1.", over_all),
            Mistake("This is log-softmax: the exponential is missing.", lambda z: xentlib.log_softmax(z)),
        ),
        hints=(
            "What may be added to all logits of a row without any effect?",
            "Subtract the largest logit of each row, so that the largest exponential is 1.",
            "Both the maximum and the sum need axis=-1 and keepdims=True, to fit the array again.",
        ),
    ),
    Exercise(
        id="02-rounded", title="A logarithm too late", kind="break", difficulty=1, minutes=4,
        task="Somebody computes log-probabilities as `np.log(softmax(z))`. Find two finite logits for which some entry "
        "is wrong by more than 1 %.",
        answer=[0.0, 800.0],
        faulty=log_of_softmax, right=xentlib.log_softmax, legal=logits_of(2), rtol=0.01, atol=0,
        outcomes=("np.log(softmax(z))", "log-softmax"),
        mistakes=(
            Mistake("The two tie. Give one of them a lead.", [5.0, 5.0], lambda z: z[0] == z[1]),
            Mistake("The lead is too small: the probabilities still have digits to spare. Go further.",
                    [0.0, 10.0], lambda z: z[0] != z[1]),
        ),
        hints=(
            "Softmax gives two numbers. When is one of them a bad float64?",
            "A lead makes one probability round to 0, or the other one round to 1.",
            "From a lead of about 37 the larger probability is exactly 1, and its logarithm 0. What is it really?",
        ),
    ),
    Exercise(
        id="02-halved", title="Only a change of units?", kind="explain", difficulty=1, minutes=2,
        task=r"Before softmax, a colleague divides the scores $(1, 2, \tfrac12)$ by the largest, 2. Softmax, he says, "
        r"ignores what is done to all logits alike. What happens to the probabilities?",
        options=(
            "All three move towards ⅓: a common factor acts as a temperature.",
            "Nothing happens: a common factor cancels, as a common shift does.",
            "Dog gains and the others lose: with its score at 1, it is sure.",
            "The order may change: division is not monotonic.",
        ),
        answer="A",
        because="Dividing by 2 is temperature 2, which halves all log-odds. Softmax ignores a common term. A common "
        "factor in front of the exponentials would be such a term; a factor inside them is not.",
        mistakes=(
            Mistake("Cancelling is what e^c does, for a term c. Try a factor of 0: what would softmax give?", "B"),
            Mistake("A score of 1 is not a probability of 1. Only leads count, and they have become smaller.", "C"),
            Mistake("Dividing by a positive number keeps the order, and so does softmax.", "D"),
        ),
        hints=(
            "By how much does dog lead cat, before and after?",
            "The log-odds of two classes are the difference of their logits.",
            "All differences are halved. Which knob of the chapter does this?",
        ),
    ),
)  # fmt: skip
