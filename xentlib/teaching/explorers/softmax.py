"""Logits to probabilities, with a temperature and a shift (chapter 2)."""

from traitlets import Float, List

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import decimal


class Softmax(Explorer):
    """The probabilities of three classes, with a temperature and a shift of all logits."""

    name = "softmax"
    title = "A shift changes nothing. A temperature flattens or sharpens."
    state = ("logits", "temperature", "shift")
    heights = (385, 489)

    logits = List(Float(), [1.0, 2.0, 0.5]).tag(sync=True)
    temperature = Float(1.0).tag(sync=True)
    shift = Float(0.0).tag(sync=True)

    def values(self):
        """Return q, the three probabilities."""
        return {"q": xentlib.softmax([z + self.shift for z in self.logits], temperature=self.temperature)}

    def say(self):
        """Return the three probabilities in a sentence."""
        cat, dog, bird = (decimal(q, 3) for q in self.values()["q"])
        return (
            f"At temperature {decimal(self.temperature)} softmax gives cat {cat}, dog {dog} and bird {bird}. "
            "The shift does not enter."
        )
