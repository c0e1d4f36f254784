"""Logits to probabilities, with a temperature, a shift, and the formats in which it overflows (chapter 2)."""

from typing import Any

import numpy as np
from traitlets import Bool, Enum, Float, List

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import CLASSES, decimal, scientific

FORMATS: dict[int, Any] = {16: np.float16, 32: np.float32, 64: np.float64}


class Softmax(Explorer):
    """The probabilities of three classes, with a temperature and a shift of all logits.

    With `subtract_max=False` the exponentials are divided as they come, in floating-point numbers of 16, 32 or 64 bits.
    """

    name = "softmax"
    question = "Add 1000 to all three scores. What happens to the probabilities?"
    title = "A shift changes nothing. A temperature flattens or sharpens."
    state = ("logits", "temperature", "shift", "bits", "subtract_max")
    heights = (722, 860)

    logits = List(Float(), [1.0, 2.0, 0.5]).tag(sync=True)
    temperature = Float(1.0).tag(sync=True)
    shift = Float(0.0).tag(sync=True)
    bits = Enum((16, 32, 64), 64).tag(sync=True)
    subtract_max = Bool(True).tag(sync=True)

    def values(self):
        """Return the shifted logits as stored, their exponentials and the sum, and q, each rounded to the format."""
        nearest = FORMATS[self.bits]
        with np.errstate(all="ignore"):  # overflow is what is shown
            stored = nearest([z + self.shift for z in self.logits])
            logits = np.float64(stored)
            # In float64 and then rounded, as a browser does it: NumPy's own exp is sometimes off in the last bit.
            exponents = (logits - logits.max() * self.subtract_max) / self.temperature
            weights = nearest(np.exp(exponents))
            total = nearest(nearest(weights[0] + weights[1]) + weights[2])
            right = nearest(xentlib.softmax(logits, temperature=self.temperature))
            q = right if self.subtract_max else weights / total
        return {"stored": stored, "weights": weights, "total": total, "q": q}

    def say(self):
        """Return the three probabilities in a sentence, and what the format did to them."""
        stored, weights, total, q = self.values().values()
        cat, dog, bird = (f"{name} {decimal(x, 3)}" for name, x in zip(CLASSES, q, strict=True))
        shares = f"{cat}, {dog} and {bird}"
        if self.subtract_max:
            scores = ", ".join(map(decimal, stored))
            end = "The shift does not enter." if self.bits == 64 else f"float{self.bits} stores the scores as {scores}."
            return f"At temperature {decimal(self.temperature)} softmax gives {shares}. {end}"
        why = "It overflows. " if np.isinf(total) else "" if total else "It underflows. "
        terms = ", ".join(map(scientific, weights))
        return (
            f"{why}With nothing subtracted, float{self.bits} makes the exponentials {terms}, "
            f"their sum {scientific(total)}, and the probabilities {shares}."
        )
