"""Descent on three logits, as a path in the triangle of probabilities (chapter 8)."""

import numpy as np
from traitlets import Float, Int, List

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import CLASSES, decimal, scientific


class Flow(Explorer):
    """The path of softmax(z) while z descends on the loss, in steps of `rate` times q − p."""

    name = "flow"
    title = "All roads lead to the true class and slow down before it. A wrong class may gain on the way."
    state = ("logits", "label", "rate", "steps")
    heights = (576, 656)

    logits = List(Float(), [3.0, -3.0, 1.0]).tag(sync=True)
    label = Int(1).tag(sync=True)
    rate = Float(0.5).tag(sync=True)
    steps = Int(0).tag(sync=True)

    def values(self):
        """Return q before the first step and after each, and the loss after the last."""
        z = np.array(self.logits)
        path = [xentlib.softmax(z)]
        for _ in range(self.steps):
            z = z - self.rate * xentlib.softmax_cross_entropy_with_grad(z, self.label)[1]
            path.append(xentlib.softmax(z))
        return {"path": np.array(path), "loss": xentlib.softmax_cross_entropy(z, self.label)}

    def say(self):
        """Return where the path has come to, the length of the last step, and what a wrong class gained."""
        path, loss = self.values().values()
        shares = ", ".join(f"{name} {decimal(q, 3)}" for name, q in zip(CLASSES, path[-1], strict=True))
        if self.steps == 0:
            return f"Before the first step q is {shares}; the loss is {scientific(loss)}."
        true, step = CLASSES[self.label], path[-1, self.label] - path[-2, self.label]
        # In steps of at most 2 the stronger of two wrong classes never gains, and never becomes the weaker one.
        weaker = min((i for i in range(3) if i != self.label), key=lambda i: self.logits[i])
        start, most = path[0, weaker], path[:, weaker].max()
        said = f"Step {self.steps} gave {true} {scientific(step)}: {shares}; the loss is {scientific(loss)}."
        if most - start > 0.001:
            said += f" {CLASSES[weaker].capitalize()} rose from {decimal(start, 3)} to {decimal(most, 3)} on the way."
        return said
