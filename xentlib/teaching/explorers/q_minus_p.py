"""What the classifier says, minus what is true: the picture of the landing page, alive."""

from traitlets import Float, Int, List

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import CLASSES, decimal


class QMinusP(Explorer):
    """Three scores, the probabilities that they give, and by how much each of them is too high."""

    name = "q_minus_p"
    title = "Drag a score, and see q − p follow."
    state = ("logits", "label")
    heights = (525, 546)

    logits = List(Float(), [1.0, 2.0, 0.5]).tag(sync=True)
    label = Int(1).tag(sync=True)

    def values(self):
        """Return q, and q − p."""
        _, grad = xentlib.softmax_cross_entropy_with_grad(self.logits, self.label)
        return {"q": xentlib.softmax(self.logits), "grad": grad}

    def say(self):
        """Return in two sentences what the classifier says, and how its scores should change."""
        q, grad = self.values().values()
        given = ", ".join(f"{name} {decimal(part)}" for name, part in zip(CLASSES, q, strict=True))
        down = ", ".join(f"{CLASSES[i]} down by {decimal(grad[i])}" for i in range(3) if i != self.label)
        true, up = CLASSES[self.label], decimal(-grad[self.label])
        return f"The classifier says {given}. It is a {true}, so {true} should go up by {up}, {down}."
