"""The exercises of chapter 1: entropy, cross-entropy and divergence."""

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import distribution_of
from xentlib.teaching.symbolic import K, i, j, log, p, q, sum_over

TITLE = "1 Cross-entropy"


# 01-kl


def kl(p, q):
    return xentlib.kl_divergence(p, q)


def without_zeros(p, q):
    return np.sum(p * np.log(p / q))


def without_all_zeros(p, q):
    kept = (p > 0) & (q > 0)
    return np.sum(p[kept] * np.log(p[kept] / q[kept]))


# 01-nothing: a garden without cats

NO_CATS = np.array([0.0, 0.75, 0.25])


def as_written(q):
    return -np.sum(NO_CATS * np.log(q))


EXERCISES = (
    Exercise(
        id="01-surplus", title="The surplus in bits", kind="predict", difficulty=2, minutes=6,
        task=r"Four kinds of visitors come with $p = (\tfrac12, \tfrac14, \tfrac18, \tfrac18)$. The code was made for "
        r"$q = (\tfrac18, \tfrac12, \tfrac18, \tfrac14)$. By how many bits a visitor is it too long, on "
        r"average? Give three decimals.",
        answer=0.625, rtol=0.002,
        mistakes=(
            Mistake("This is H(p, q), the whole bill. Subtract H(p), which must be paid in any case.", 2.375),
            Mistake("This is H(p), which must be paid in any case. The question is what is paid on top of it.", 1.75),
            Mistake("This is KL(q‖p). The order matters: visitors come with p, so p takes the average.", 0.5),
            Mistake("This is in nats. Divide by log 2 to get bits.", 0.625 * np.log(2)),
        ),
        hints=(
            "How long is each word of the code for q, and how long would it be in the code for p?",
            "The words have 3, 1, 3 and 2 bits. They could have 1, 2, 3 and 3.",
            "The differences are 2, −1, 0 and −1. Average them with p: ½ · 2 − ¼ · 1 − ⅛ · 1.",
        ),
    ),
    Exercise(
        id="01-order", title="Three forecasts", kind="predict", difficulty=1, minutes=4,
        task=r"Visitors come with $p = (\tfrac12, \tfrac14, \tfrac14)$. Order these forecasts by $H(p, q)$, the "
        r'cheapest first, as in `("A", "B", "C")`: A is $(\tfrac14, \tfrac12, \tfrac14)$, B is '
        r"$(\tfrac13, \tfrac13, \tfrac13)$, C is $(\tfrac12, \tfrac14, \tfrac14)$.",
        answer=("C", "B", "A"),
        mistakes=(
            Mistake("This begins with the most expensive one.", ("A", "B", "C")),
            Mistake("The truth is the cheapest. But it costs less to favour no class than to favour a wrong one.",
                    ("C", "A", "B")),
            Mistake("One of the three is the truth itself, and no forecast beats the truth.", ("B", "C", "A")),
        ),
        hints=(
            "You can place one of them without a calculation.",
            "H(p, q) is smallest for q = p. For the other two, count bits: A has words of 2, 1 and 2.",
            "A costs 1.75 bits, B costs log₂ 3 = 1.58 whoever comes, C costs 1.5.",
        ),
    ),
    Exercise(
        id="01-uniform", title="How far from uniform?", kind="derive", difficulty=2, minutes=8,
        task=r"Write $\mathrm{KL}(p \parallel u)$ for the uniform distribution $u$, with $u_i = 1/K$, in terms of $p$ "
        r"and $K$. The $p_i$ sum to 1.",
        answer=log(K) + sum_over(j, p[j] * log(p[j])), distributions=(p,),
        mistakes=(
            Mistake("This is H(p, u), the whole bill. Subtract the entropy of p.", log(K)),
            Mistake("The sign is wrong: a divergence is never negative.", -log(K) - sum_over(j, p[j] * log(p[j]))),
            Mistake("You added the entropy. The divergence is H(p, u) minus H(p).",
                    log(K) - sum_over(j, p[j] * log(p[j]))),
            Mistake("This is KL(u‖p). The order matters.", -log(K) - sum_over(j, log(p[j])) / K),
        ),
        hints=(
            "Put q_i = 1/K into the definition. What is log(p_i / q_i)?",
            "It is log p_i + log K, and log K is the same for every class.",
            "Σ_i p_i log K is log K, since the p_i sum to 1. Write the other sum as sum_over(i, …).",
        ),
    ),
    Exercise(
        id="01-slope", title="Which probability matters most?", kind="derive", difficulty=1, minutes=4,
        task=r"Take $H(p, q)$ as a function of $K$ positive numbers $q_0, \dots, q_{K-1}$ that need not sum to 1. "
        r"Write $\partial H/\partial q_i$, the derivative when $q_i$ changes and the other $q_j$ do not.",
        answer=-p[i] / q[i],
        mistakes=(
            Mistake("The sign is wrong: when q_i grows, the cross-entropy falls.", p[i] / q[i]),
            Mistake("The weight is missing: class i comes with probability p_i.", -1 / q[i]),
            Mistake("This is the derivative with respect to p_i.", -log(q[i])),
            Mistake("This is the slope along the logit z_i, with q the softmax of z. Here the q_i are the variables.",
                    q[i] - p[i]),
            Mistake("This is the sum over all classes. Only one term depends on q_i.", -sum_over(j, p[j] / q[j])),
        ),
        hints=(
            "How many terms of the sum depend on q_i?",
            "One does: −p_i log q_i.",
            "The derivative of log q_i is 1/q_i, and the factor −p_i stays.",
        ),
    ),
    Exercise(
        id="01-kl", title="Write the divergence", kind="code", difficulty=2, minutes=8,
        task=r"Write a function of `p` and `q`, two distributions as arrays, that returns $\mathrm{KL}(p \parallel q)$ "
        r"in nats. Probabilities may be 0, in `p`, in `q`, or in both at the same place.",
        answer=kl,
        inputs=(
            ([0.5, 0.25, 0.25], [0.25, 0.5, 0.25]),
            ([0.2, 0.8], [0.6, 0.4]),
            ([0.0, 1.0, 0.0], [0.23, 0.63, 0.14]),
            ([0.0, 0.75, 0.25], [0.0, 0.5, 0.5]),
            ([0.5, 0.25, 0.25], [0.5, 0.5, 0.0]),
        ),
        mistakes=(
            Mistake("This is KL(q‖p). The order matters: p takes the average.", lambda p, q: kl(q, p)),
            Mistake("You left out a class that does come, because q_i = 0. There the divergence is infinite.",
                    without_all_zeros),
            Mistake("This is in bits. The book counts in nats, with the natural logarithm.",
                    lambda p, q: kl(p, q) / np.log(2)),
            Mistake("The formula is right, but 0 · log 0 gives NaN. A class that never comes costs 0.", without_zeros),
            Mistake("The sign is wrong: a divergence is never negative.", lambda p, q: -kl(p, q)),
        ),
        hints=(
            "It is one sum over the classes. How much does a class with p_i = 0 add?",
            "It adds 0, but NumPy says NaN. Leave such classes out before you take the logarithm.",
            "comes = p > 0; np.sum(p[comes] * np.log(p[comes] / q[comes]))",
        ),
    ),
    Exercise(
        id="01-nothing", title="Nothing times infinity", kind="break", difficulty=1, minutes=4,
        task=r"Somebody computes `-np.sum(p * np.log(q))` for $p = (0, \tfrac34, \tfrac14)$. Find a distribution $q$ "
        r"over the three classes for which the answer is not the cross-entropy.",
        answer=[0.0, 0.5, 0.5],
        faulty=as_written, right=lambda q: xentlib.cross_entropy(NO_CATS, q), legal=distribution_of(3),
        outcomes=("-np.sum(p * np.log(q))", "cross-entropy"),
        mistakes=(
            Mistake("Here every q_i is positive, so every logarithm is finite and the formula is right.",
                    [0.2, 0.4, 0.4], lambda q: (q > 0).all()),
            Mistake("You gave 0 to a class that does come. The cross-entropy is infinite, and the formula says so.",
                    [0.5, 0.5, 0.0], lambda q: (q[1:] == 0).any()),
        ),
        hints=(
            "Which class could make NumPy multiply 0 by infinity?",
            "In the limit 0 · log q_0 is 0, however small q_0 is. What does NumPy say at q_0 = 0?",
            "Set q_0 = 0 and share the rest between the others.",
        ),
    ),
    Exercise(
        id="01-unknown", title="A floor nobody knows", kind="explain", difficulty=2, minutes=3,
        task=r"$p$ is what happens, and nobody knows it. You change $q$, and $H(p, q)$, measured on many visitors, "
        r"falls by 0.1 nats. A colleague concludes that $\mathrm{KL}(p \parallel q)$ has also fallen by 0.1 nats. Can "
        r"she know that without knowing $H(p)$?",
        options=(
            r"No. $\mathrm{KL}(p \parallel q)$ is at most $H(p, q)$, so it falls, but nobody can say by how much.",
            "No. $H(p)$ has fallen as well, since all three are made of the same logarithms.",
            "Yes. The two differ by $H(p)$, which does not contain $q$, so both fall by the same amount.",
            r"Yes. $H(p)$ is 0 for what really happens, so $H(p, q)$ and $\mathrm{KL}(p \parallel q)$ are the same "
            r"number.",
        ),
        answer="C",
        because="Take the difference of the two bills, and H(p) cancels. So you can minimise H(p, q) without knowing "
        "its floor.",
        mistakes=(
            Mistake("KL(p‖q) ≤ H(p, q) is true, and says nothing about changes. Write both bills as a sum of two "
                    "parts, and subtract.", "A"),
            Mistake("H(p) = −Σ p_i log p_i contains p alone. You changed q.", "B"),
            Mistake("H(p) is 0 only if the same class always comes. The visitors vary.", "D"),
        ),
        hints=(
            "What does H(p, q) consist of?",
            "It is what must be paid in any case, plus what the error costs. Which of the two depends on q?",
            "Write H(p, q) = H(p) + KL(p‖q) for the old q and for the new one, and subtract.",
        ),
    ),
    Exercise(
        id="01-who", title="Two codes, one garden", kind="predict", difficulty=2, minutes=5,
        task="The visitors of another garden are reported in each of the two codes of *Eight visitors on a wire*. The "
        "code for cats, with one bit for a cat and two for a dog or a bird, takes 1.8 bits a visitor on average. The "
        "code for dogs, with one bit for a dog and two for a cat or a bird, takes 1.3. What are the shares of cats, "
        "dogs and birds among the visitors? Give the three numbers in this order.",
        answer=[0.2, 0.7, 0.1], rtol=0, atol=0.001,
        mistakes=(
            Mistake("Cats and dogs are exchanged. In the code for cats a cat is short, so 1.8 bits mean few cats.",
                    [0.7, 0.2, 0.1]),
            Mistake("These are the shares of those who cost the second bit. In the code for cats that is everybody but "
                    "the cats.", [0.8, 0.3, -0.1]),
            Mistake("1.8 bits is the average over all visitors, not the length of the cat's word, which has 1 bit.",
                    [2**-1.8, 2**-1.3, 1 - 2**-1.8 - 2**-1.3]),
        ),
        hints=(
            "Every word has one bit or two. Who gets the short one?",
            "Let a be the share of the cats. With the code for cats the average is 1 · a + 2 · (1 − a) = 2 − a.",
            "So a = 2 − 1.8. The dogs follow from 1.3 in the same way, and the birds are what is left.",
        ),
    ),
    Exercise(
        id="01-perfect", title="A perfect forecast is not free", kind="explain", difficulty=1, minutes=3,
        task=r"Visitors come with $p = (\tfrac12, \tfrac14, \tfrac14)$, and the forecast knows it: $q = p$. Still, a "
        "visitor costs 1.5 bits on average. Why not 0?",
        options=(
            "Whoever knows the odds does not yet know who will come.",
            "A word has whole bits, so something is always lost to rounding.",
            "Some share goes to dogs and birds: all on the cat would come closer to 0.",
            "Each visitor has a word to itself: words for long groups would bring it to 0.",
        ),
        answer="A",
        because="H(p) is the price of not knowing which visitor it will be. It is 0 only if the same one always comes. "
        "The price of a wrong forecast, KL(p‖q), is 0 here.",
        mistakes=(
            Mistake("Nothing was rounded: the surprises of ½, ¼ and ¼ are 1, 2 and 2 bits, and their average is 1.5.",
                    "B"),
            Mistake("Then the first dog costs infinity. The cat is the best guess, but a guess is not a forecast, and "
                    "no forecast costs less than the truth.", "C"),
            Mistake("Groups save what single words lose to rounding, and here that is nothing. No prefix code needs "
                    "fewer than H(p) = 1.5 bits a visitor.", "D"),
        ),
        hints=(
            "The price has two parts. Which of them is 0 for q = p?",
            "What is left is H(p). For which p would that be 0 as well?",
            "H(p) is 0 only for p = (1, 0, 0) and the like, where it is clear who comes.",
        ),
    ),
)  # fmt: skip
