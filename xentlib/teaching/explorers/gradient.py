"""The gradient as a push on each logit (chapter 5)."""

from traitlets import Float, Int, List

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import CLASSES, decimal, scientific


class Gradient(Explorer):
    """The probabilities of three classes, and the push −∂L/∂z = p − q on each of their logits."""

    name = "gradient"
    question = "Make the classifier sure, and wrong. How long can the arrow of the true class get?"
    title = "What the true class lacks pushes it up. What the others have pushes them down."
    state = ("logits", "label")
    heights = (560, 662)

    logits = List(Float(), [1.0, 2.0, 0.5]).tag(sync=True)
    label = Int(1).tag(sync=True)

    def values(self):
        """Return q, the loss, and the pushes, minus its gradient."""
        loss, grad = xentlib.softmax_cross_entropy_with_grad(self.logits, self.label)
        return {"q": xentlib.softmax(self.logits), "loss": loss, "push": -grad}

    def say(self):
        """Return the loss, the probabilities and the pushes in a sentence."""
        q, loss, push = self.values().values()
        given = ", ".join(f"{name} {decimal(part, 3)}" for name, part in zip(CLASSES, q, strict=True))
        down = ", ".join(f"{CLASSES[i]} by {scientific(-push[i])}" for i in range(3) if i != self.label)
        up = f"{CLASSES[self.label]} by {scientific(push[self.label])}"
        return f"Loss {scientific(loss)}; q is {given}. Pushed up: {up}. Pushed down, by as much in all: {down}."
