"""A digit that the reader draws, and what the classifier of pixels makes of it (chapter 3)."""

import json

import numpy as np
from traitlets import Int, List

import xentlib
from xentlib.teaching.explorers.explorer import HERE, Explorer
from xentlib.teaching.explorers.text import decimal, scientific

# Written by tools/experiments.py: weights and biases in thousandths, and three test images with their labels.
_CLASSIFIER = {
    name: np.array(numbers) for name, numbers in json.loads((HERE / "digit.json").read_text(encoding="utf-8")).items()
}


class Digit(Explorer):
    """A square of 8 × 8 pixels to draw in, and the logits, probabilities and slopes of the ten digits.

    `ink` holds the 64 pixels row by row, each from 0 to 16, as in the data; `label` the digit that is meant.
    """

    name = "digit"
    question = "Wipe all ink away. What does the classifier call the empty square?"
    title = "A score is ink times weight, plus a bias. Without ink the biases are left, and the largest one wins."
    state = ("ink", "label", "pen")
    heights = (668, 1117)

    ink = List(Int(), _CLASSIFIER["images"][0].tolist()).tag(sync=True)
    label = Int(int(_CLASSIFIER["labels"][0])).tag(sync=True)
    pen = Int(16).tag(sync=True)

    def values(self):
        """Return the logits, q, the loss and q − p."""
        # Whole numbers up to here: the sum is exact, in whatever order a processor or a browser takes it.
        logits = (_CLASSIFIER["weight"] @ np.array(self.ink) + 16 * _CLASSIFIER["bias"]) / 16_000
        loss, grad = xentlib.softmax_cross_entropy_with_grad(logits, self.label)
        return {"logits": logits, "q": xentlib.softmax(logits), "loss": loss, "grad": grad}

    def say(self):
        """Return the two digits that come first, the loss, and q − p of the one that is meant."""
        logits, q, loss, grad = self.values().values()
        first, second = sorted(range(10), key=lambda k: -logits[k])[:2]
        return (
            f"It says {first}, with {decimal(q[first], 3)}, before {second}, with {decimal(q[second], 3)}. "
            f"You mean a {self.label}: the loss is {scientific(loss)}, and q − p of {self.label} is "
            f"{decimal(grad[self.label], 3)}."
        )
