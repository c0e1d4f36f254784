"""The exercises of chapter 13: the loss of a large vocabulary, a block at a time."""

import numpy as np
from sympy import IndexedBase

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import logits_of
from xentlib.teaching.symbolic import K, c, exp, j, k, log, m, sum_over, z

TITLE = "13 A large vocabulary"


# 13-entropy: block j has the log-sum-exp z_j

h = IndexedBase("h", positive=True)
SHARE = exp(z[j]) / sum_over(k, exp(z[k]))


# 13-rests: the loss is log(1 + e^x), where x is the rivals' log-sum-exp less the true logit


def loss_of_states(m, R, score):
    return np.logaddexp(0, m.max() + np.log(rivals(m, R)) - score)


def rivals(m, R):
    return (R * np.exp(m - m.max())).sum()


def not_rescaled(m, R, score):
    return np.logaddexp(0, m.max() + np.log(R.sum()) - score)


def all_in_one_sum(m, R, score):
    return (m.max() - score) + np.log(rivals(m, R) + np.exp(score - m.max()))


def overflowing(m, R, score):
    with np.errstate(over="ignore"):
        return np.log1p(rivals(m, R) * np.exp(m.max() - score))


# 13-start


def folded_from_zero(z):
    m, s = 0.0, 0.0
    with np.errstate(all="ignore"):
        for logit in z:
            larger = max(m, logit)
            s = s * np.exp(m - larger) + np.exp(logit - larger)
            m = larger
        return m + np.log(s)


# 13-read-back


def third_is_log_s(given):
    return np.shape(given) == (4,) and abs(given[2] - np.log(1.375)) < 0.0051


EXERCISES = (
    Exercise(
        id="13-crossover", title="When the table outgrows the weight", kind="predict", difficulty=1, minutes=4,
        task="A last layer has $D = 4096$ features and $K = 128{,}000$ classes. Its weight is held in bfloat16, its "
        "logits in float32. For how many tokens do the logits take just as much memory as the weight?",
        answer=2048, rtol=0,
        mistakes=(
            Mistake("Both were counted with the same number of bytes. A float32 takes 4, a bfloat16 takes 2.", 4096),
            Mistake("The factor 2 is upside down: it is the logits that take more bytes per number.", 8192),
            Mistake("Here a row of logits has D numbers. It has one for each class, so K of them.", 64000),
            Mistake("This is how many logits there are. Each token has K of them.", 2048 * 128000),
        ),
        hints=(
            "Write both as a product: how many rows, how many columns, how many bytes.",
            "The logits take N · K · 4 bytes, the weight K · D · 2. What cancels?",
            "K cancels, and N · 4 = D · 2 is left.",
        ),
    ),
    Exercise(
        id="13-confidence", title="How sure, from two numbers", kind="predict", difficulty=1, minutes=4,
        task=r"The two halves of a row of logits leave the states $(m, s) = (\log 8, 1.5)$ and $(\log 2, 3)$. What is "
        r"the largest probability in the row? Two decimals.",
        answer=4 / 9, rtol=0, atol=0.0051,
        mistakes=(
            Mistake("The two s were added as they are. The second belongs to a smaller m, and shrinks first.", 1 / 4.5),
            Mistake("The factor is upside down: the sum with the smaller m is multiplied by 2/8, not 8/2.", 1 / 13.5),
            Mistake("This looks only at the first half. The second half has a share, too.", 1 / 1.5),
            Mistake("This is the s of the whole row. What is the term of the largest logit in that sum?", 2.25),
            Mistake("The wrong sum was shrunk: the first belongs to the larger m, and stays as it is.", 1 / 3.375),
        ),
        hints=(
            "What is the state of the whole row?",
            "S is 1.5 + 3 · e^(log 2 − log 8). The largest probability is one term of the sum, divided by the sum.",
            "The term of the largest logit is e^0 = 1, so the answer is 1/S.",
        ),
    ),
    Exercise(
        id="13-read-back", title="Read back from the states", kind="predict", difficulty=1, minutes=5,
        task=r"Online softmax reads four logits, one after another. Its state $(m, s)$ after each of them is $(0, 1)$, "
        r"$(0, 1.5)$, $(\log 4, 1.375)$ and $(\log 4, 1.875)$. What were the four logits? Two decimals.",
        answer=[0.0, -np.log(2), np.log(4), np.log(2)], rtol=0, atol=0.0051,
        mistakes=(
            Mistake("What a logit adds to s is e^(z − m), not z − m: take the logarithm.",
                    [0.0, 0.5, np.log(4), np.log(4) + 0.5]),
            Mistake("The last logit added ½ on the scale of the m at that time, which is log 4. Add that m.",
                    [0.0, -np.log(2), np.log(4), -np.log(2)]),
            Mistake("This is log-sum-exp of all that was read so far, m + log s. One logit at a time is asked for.",
                    [0.0, np.log(1.5), np.log(5.5), np.log(7.5)]),
            Mistake("The third logit raised m. Then it is the maximum itself; the rest of s is left from those "
                    "before it.", [0.0, -np.log(2), np.log(5.5), np.log(2)]),
            Mistake("This is log s, without its m. The third logit raised m, so read it from m.",
                    [0.0, np.log(1.5), np.log(1.375), np.log(1.875)], third_is_log_s),
        ),
        hints=(
            "At which step does m rise? Which logit raised it?",
            "Where m stays, s grows by e^(z − m). By how much does it grow?",
            "It grows by ½ at the second logit and at the fourth, so there z is m + log ½, each with its own m.",
        ),
    ),
    Exercise(
        id="13-start", title="A wrong start", kind="break", difficulty=2, minutes=5,
        task=r"A fold of one logit after the other starts from the state $(0, 0)$, where it should be $(-\infty, 0)$. "
        r"Find three finite logits for which its log-sum-exp, $m + \log s$, is off by more than 0.01.",
        answer=[-800.0, -801.0, -802.0],
        faulty=folded_from_zero, right=xentlib.logsumexp, legal=logits_of(3), rtol=0, atol=0.01,
        outcomes=("folded from (0, 0)", "log-sum-exp"),
        mistakes=(
            Mistake("The largest logit is not below 0. It becomes the maximum, and the 0 at the start is forgotten.",
                    [5.0, -1.0, 2.0], lambda z: z.max() >= 0),
            Mistake("The maximum stays at 0, where no logit is. But any shift will do as long as it leaves an "
                    "exponential to add up. Go further.", [-5.0, -6.0, -7.0], lambda z: z.max() < 0),
        ),
        hints=(
            "The s of the start is 0 and adds nothing. So only its m can do harm. When does that survive?",
            "If all logits are negative, m is 0 to the end, and the sum is Σ e^z. When does that fail?",
            "e^−745 is the smallest float64 above 0.",
        ),
    ),
    Exercise(
        id="13-stale", title="A stale maximum", kind="derive", difficulty=1, minutes=5,
        task=r"The sum $s$ was made with the final maximum $m$. By a slip, the second pass uses an older one, $c$, for "
        r"every block: it returns $e^{z_i - c}/s - \mathbb{1}(y = i)$. A test adds up the entries over all classes. "
        r"What does it find, in terms of $m$ and $c$?",
        answer=exp(m - c) - 1,
        mistakes=(
            Mistake("That is what the right gradient sums to. Here softmax has another factor.", 0),
            Mistake("The factor is upside down: a shift by c that is too small makes every exponential too large.",
                    exp(c - m) - 1),
            Mistake("The true class has lost a 1 as well.", exp(m - c)),
            Mistake("The 1 is taken off at the true class alone, and not at each of the K.", exp(m - c) - K),
        ),
        hints=(
            "Write e^(z_i − c) as e^(z_i − m), times something.",
            "e^(z_i − m)/s is softmax, and sums to 1. The other factor is the same for every i.",
            "The factor is e^(m − c). What does the indicator sum to?",
        ),
    ),
    Exercise(
        id="13-taken-off", title="In the sum, and out again", kind="explain", difficulty=2, minutes=4,
        task=r"A fold has kept the plain state $(m, s)$, with the true class in the sum. At the end a colleague takes "
        r"it out: $R = s - e^{z_y - m}$, and the loss is $\mathrm{log1p}(R / e^{z_y - m})$. Does the loss of a sure "
        r"model keep its digits in this way?",
        options=(
            "Yes: what was added to a sum can be taken out again, and log1p does the rest.",
            "Yes: for a sure model the true class has exactly 1 in the sum, and 1 comes out without any error.",
            "No: $s$ and 1 are nearly equal, and it is when they are subtracted that the digits are lost.",
            "No: the rivals were rounded when they were added to 1, long before the subtraction.",
        ),
        answer="D",
        because="The lead of the true class makes m its own logit, and its term 1. Next to it rivals of 10⁻¹⁸ leave "
        "no trace in s, so R comes out as 0. The digits have to be kept from the start: leave the true class out.",
        mistakes=(
            Mistake("That holds on paper. In floating point a sum is rounded: 1 + 10⁻¹⁸ is 1, and 1 − 1 is 0.", "A"),
            Mistake("It is true that the subtraction makes no error. But s has lost the rivals before the 1 is taken "
                    "out.", "B"),
            Mistake("The difference of two numbers so close is exact. It shows what was lost earlier, when s was added "
                    "up.", "C"),
        ),
        hints=(
            "Take the row of the chapter, with a logit of 50 and others near 0. What is s?",
            "In float64 s is 1. Which of the two steps, the addition or the subtraction, has forgotten the rivals?",
            "1 − 1 = 0 is exact. 1 + 10⁻¹⁸ = 1 is not.",
        ),
    ),
    Exercise(
        id="13-one-pass", title="One pass for one of them", kind="explain", difficulty=3, minutes=5,
        task=r"The gradient for the features needs no second pass. For each sample, carry a third thing along with $m$ "
        r"and $s$: the sum $a = \sum_j e^{z_j - m} W_j$ over the rows $W_j$ read so far, rescaled whenever $m$ rises. "
        r"At the end the gradient is $a/s - W_y$, divided by $N$. Why does nothing like that give the gradient of $W$?",
        options=(
            "A row of it adds up samples, each with a different $m$ and $s$ that are not final yet.",
            "It has a row for each class, so the sums that are carried would take as much room as the logits.",
            "The 1 of the true class is part of its sums, and would be rescaled along with the exponentials.",
            "It has no sum over classes, so no exponentials occur in it, and there is nothing to rescale.",
        ),
        answer="A",
        because="For the features the sum runs over classes, within one sample, so one factor puts all of it right. "
        "Row k of the gradient of W is Σ_n (q_nk − p_nk) x_n / N. Once samples are added up, no single factor can put "
        "them right. With N = 1 it would work.",
        mistakes=(
            Mistake("The gradient of W has to be held in any case, so carrying it costs nothing more. And its size is "
                    "K · D, whatever the logits take.", "B"),
            Mistake("The 1 can be kept out until the end, as it is for the features, where W_y comes off last.", "C"),
            Mistake("Each q_nk in it is an exponential divided by s. There is something to rescale, and that is the "
                    "trouble.", "D"),
        ),
        hints=(
            "Write down one row of each gradient. What does its sum run over?",
            "When m rises for one sample, which of the terms that were added up before have to be rescaled?",
            "For the features all of them, with one factor. For W only the terms of that sample, which are mixed in.",
        ),
    ),
    Exercise(
        id="13-rests", title="All states at once", kind="code", difficulty=3, minutes=12,
        task=r"The blocks of one row leave states $(m, R)$: $m$ is the largest logit of the block, and $R$ the sum of "
        r"$e^{z_j - m}$ over its classes without the true one. Write a function of `m` and `R`, two arrays with one "
        r"number for each block, and of `score`, the logit of the true class, that returns the loss to nine digits. A "
        r"loss of $4 \cdot 10^{-19}$ is not 0, and one of 2000 is not infinite.",
        answer=loss_of_states, atol=0,
        inputs=(
            ([2.0, 0.5], [np.exp(-1), 1.0], 2.0), ([1.0, 3.0, 3.0, 2.0], [1.3, 0.5, 1.25, 1.0], 3.0),
            ([0.0, 45.0, 1.0], [2.75, 2.5e-20, 4.0], 45.0), ([-1000.0, -1002.0], [1.125, 0.5], -1002.0),
            ([1000.0, -1000.0], [1.75, 0.0], -1000.0), ([1000.0, 0.0], [0.75, 1.0], 1000.0),
        ),
        mistakes=(
            Mistake("The true class is part of this sum, and next to its 1 small rivals are rounded away. Keep it out, "
                    "and use log1p.", all_in_one_sum),
            Mistake("The blocks were added as they are. Each belongs to its own m: rescale it.", not_rescaled),
            Mistake("This is right on paper. Where the true class is far behind, e^(M − score) overflows.",
                    overflowing),
            Mistake("The true class weighs e^(score − M) on the scale of the sum, and that is 1 only if it leads.",
                    lambda m, R, score: np.log1p(rivals(m, R))),
            Mistake("The true class is missing from the sum over all classes.",
                    lambda m, R, score: (m.max() - score) + np.log(rivals(m, R))),
        ),
        hints=(
            "First merge all states into one. Then there are two cases: the true class leads, or it does not.",
            "If it leads, log1p of the rivals' sum is the loss. If not, no digits are lost in (M − score) + log(…).",
            "Both cases in one: with x = M + log R − score the loss is log(1 + e^x), and np.logaddexp(0, x) is that "
            "without overflow.",
        ),
    ),
    Exercise(
        id="13-entropy", title="How unsure, from blocks", kind="derive", difficulty=3, minutes=15,
        task="Does the entropy of $q$ fold, too? A row of logits is cut into $K$ blocks: here $K$ counts blocks, and "
        "$j$ is one of them. You are told its log-sum-exp, call it $z_j$, and the entropy of the softmax within it, "
        "$h_j$. The cell declares `h`. Write the entropy of the softmax of the whole row in terms of `z` and `h`.",
        answer=sum_over(j, SHARE * (h[j] - log(SHARE))),
        mistakes=(
            Mistake("This is the mean doubt within a block. Which block the class is in is in doubt as well.",
                    sum_over(j, SHARE * h[j])),
            Mistake("This is the doubt about the block. Within the block there is more.",
                    -sum_over(j, SHARE * log(SHARE))),
            Mistake("The entropies of the blocks were added. Each counts as often as its block: with its share.",
                    sum_over(j, h[j] - SHARE * log(SHARE))),
            Mistake("The sign of the logarithm is turned round: doubt about the block adds to the entropy.",
                    sum_over(j, SHARE * (h[j] + log(SHARE)))),
            Mistake("The mean of −log of a share is log Σ e^z minus the mean of z_j. That mean is missing.",
                    log(sum_over(j, exp(z[j]))) + sum_over(j, SHARE * h[j])),
        ),
        hints=(
            "Treat a block as one class. What is its logit, and what is its probability?",
            "Its probability is w_j, softmax of the z. A class in it has w_j times what it has within the block.",
            "The logarithm of that product is a sum: −log w_j from the block, h_j on average from inside it.",
        ),
    ),
)  # fmt: skip
