"""What happens and what was expected: the bill in two items (chapter 1)."""

import math

from traitlets import Float, List

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import decimal


class CrossEntropy(Explorer):
    """The cross-entropy of two distributions over three classes, and the two items in it.

    `p` and `q` are weights: only their proportions count, and zeros alone count as equal weights.
    """

    name = "cross_entropy"
    question = "p is what happens, q the forecast. Can a good q bring H(p, q) below H(p)?"
    title = "H(p, q) never falls below H(p), and reaches it where q = p."
    state = ("p", "q")
    heights = (592, 652)

    p = List(Float(), [4.0, 2.0, 2.0]).tag(sync=True)
    q = List(Float(), [2.0, 4.0, 2.0]).tag(sync=True)

    def values(self):
        """Return the distributions p and q, and in nats H(p), KL(p‖q) and H(p, q)."""
        p, q = normalised(self.p), normalised(self.q)
        return {
            "p": p,
            "q": q,
            "entropy": xentlib.entropy(p),
            "divergence": xentlib.kl_divergence(p, q),
            "total": xentlib.cross_entropy(p, q),
        }

    def say(self):
        """Return both distributions, H(p, q) and its two items in a sentence."""
        p, q, entropy, divergence, total = self.values().values()
        cat, dog, bird = map(decimal, p)
        return (
            f"p is cat {cat}, dog {dog}, bird {bird}; q is {', '.join(map(decimal, q))}. "
            f"H(p, q) {amount(total)} nats: H(p) {amount(entropy)} and KL(p‖q) {amount(divergence)}"
            f"{reason(divergence)}."
        )


def normalised(weights):
    """Return the weights as a distribution."""
    total = sum(weights)
    return [weight / total if total else 1 / len(weights) for weight in weights]


def amount(nats):
    """Return a number of nats as the end of an equation, which does not pass a small one off as 0."""
    if math.isinf(nats):
        return "= ∞"
    return "< 0.001" if 0 < nats < 0.0005 else f"= {decimal(nats, 3)}"


def reason(divergence):
    """Return why the divergence is 0 or infinite, where it is."""
    if divergence == 0:
        return ", as q = p"
    return ", as q is 0 where p is not" if math.isinf(divergence) else ""
