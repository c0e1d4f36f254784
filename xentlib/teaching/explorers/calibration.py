"""Answers of a forecaster by the thousand: their confidence, how often they are right, and their loss (chapter 10)."""

from typing import Any

import numpy as np
from traitlets import Float, Int

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import decimal

EACH, BINS = 100, 10


class Calibration(Explorer):
    """The first `answers` of a forecaster that doubles all scores, divided by a temperature.

    Each photo has three scores, uniform from −3 to 3, and its class is drawn by softmax of them. So the forecaster is
    calibrated at temperature 2. `seed` says which photos come.
    """

    name = "calibration"
    question = "The forecaster is too sure. Raise T until its dots lie on the diagonal: what does the mean loss do?"
    title = "On the diagonal the loss is least. A hundred answers only hint at it, thousands settle it."
    state = ("temperature", "answers", "seed")
    heights = (606, 927)

    temperature = Float(1.0).tag(sync=True)
    answers = Int(EACH).tag(sync=True)
    seed = Int(0).tag(sync=True)

    def values(self):
        """Return what is in each bin and on average, the calibration error, and the loss, also after each hundred.

        `floor` is the mean entropy of the drawings: the least loss that anybody can expect.
        """
        drawn = uniform(self.seed, 4 * self.answers).reshape(-1, 4)
        z = 6 * (drawn[:, :3] - 0.5)
        p = xentlib.softmax(z)
        truth = (drawn[:, 3:] > np.stack([p[:, 0], p[:, 0] + p[:, 1]], axis=1)).sum(axis=1)

        said = 2 * z / self.temperature
        q = xentlib.softmax(said)
        sure, right = q.max(axis=1), q.argmax(axis=1) == truth
        bin_of = np.ceil(sure * BINS).astype(int) - 1
        count, sures, rights = (np.bincount(bin_of, weights, BINS) for weights in (None, sure, right))
        losses = xentlib.softmax_cross_entropy(said, truth, reduction="none")
        return {
            "count": count,
            "sure": sures / np.maximum(count, 1),
            "right": rights / np.maximum(count, 1),
            "claimed": sure.mean(),
            "accuracy": right.mean(),
            "ece": np.abs(rights - sures).sum() / self.answers,
            "loss": losses.mean(),
            "floor": xentlib.entropy(p).mean(),
            "running": (losses.cumsum() / np.arange(1, self.answers + 1))[EACH - 1 :: EACH],
        }

    def say(self):
        """Return what the forecaster claims, how often it is right, and its loss, in a sentence or two."""
        shown = self.values()
        sure, right, gap, paid, least = (
            decimal(shown[name], 3) for name in ("claimed", "accuracy", "ece", "loss", "floor")
        )
        return (
            f"{self.answers:,} answers at T = {decimal(self.temperature)}: the mean confidence is {sure}, and {right} "
            f"are right. Calibration error {gap}, mean loss {paid}. Nobody can expect less than {least}."
        )


def uniform(seed, n):
    """Return n numbers from 0 to 1 that look random, and are the same in JavaScript.

    MurmurHash3 ends like this; here it gets a counter.
    """
    h: Any = np.arange(n, dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 % 2**32)
    h = (h ^ (h >> 16)) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> 13)) * np.uint32(0xC2B2AE35)
    return (h ^ (h >> 16)) / 2**32
