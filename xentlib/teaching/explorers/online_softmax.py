"""Log-sum-exp of a row that is read one logit at a time (chapter 13)."""

import math

import numpy as np
from traitlets import Float, Int, List

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import decimal


class OnlineSoftmax(Explorer):
    """The two numbers that are kept of the logits read so far: the largest, m, and s, the sum of e^(z − m)."""

    name = "online_softmax"
    question = "Five logits are read, and s is about 2.2. The sixth is 3 above the maximum. What will s be after it?"
    title = "Two numbers are enough. A new maximum replaces one and rescales the other."
    state = ("logits", "read")
    heights = (600, 640)

    logits = List(Float(), [1.0, 2.0, 0.5, -1.0, 1.5, 4.0, 0.0, 3.0]).tag(sync=True)
    read = Int(1).tag(sync=True)

    def values(self):
        """Return m, s and m + log s of the logits read so far, the terms of s, and m and s before the last."""
        m, s = max_and_sum(self.logits[: self.read])
        before, sum_before = max_and_sum(self.logits[: max(self.read - 1, 1)])
        return {
            "m": m,
            "s": s,
            "lse": xentlib.logsumexp(self.logits[: self.read]),
            "terms": np.exp(np.array(self.logits[: self.read]) - m),
            "before": before,
            "sum_before": sum_before,
        }

    def say(self):
        """Return what the last logit did to m and s, and what they stand for."""
        m, s, lse, terms, before, sum_before = self.values().values()
        end = f"m + log s = {decimal(lse, 3)}"
        if self.read == 1:
            return f"1 of 8 read. One logit alone is its own maximum: m = {decimal(m, 1)}, s = 1, and {end}."
        old, new, s_old, s_new = decimal(before, 1), decimal(m, 1), decimal(sum_before, 3), decimal(s, 3)
        if m > before:
            did = f"A new maximum, {new}: s becomes {s_old} · e^({old} − {new}) + 1 = {s_new}"
        else:
            did = f"m stays {new}, and s grows by {decimal(terms[-1], 3)} to {s_new}"
        return f"{self.read} of 8 read. {did}. {end} is the log-sum-exp of these {self.read}."


def max_and_sum(logits):
    """Return the largest logit m, and s."""
    m = max(logits)
    return m, math.exp(xentlib.logsumexp(logits) - m)
