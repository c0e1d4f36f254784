"""Descent on three logits, by the gradient and by Adam, as paths in the triangle of probabilities (chapter 8)."""

import numpy as np
from traitlets import Bool, Float, Int, List

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import CLASSES, decimal, scientific


class Flow(Explorer):
    """The path of softmax(z) while z descends on the loss in steps of `rate` times q − p, and Adam's path."""

    name = "flow"
    question = "A hundred steps of descent lead dog near to 1. How far will a second hundred lead?"
    title = "All roads lead to the true class and slow down before it. A wrong class may gain on the way."
    state = ("logits", "label", "rate", "adam", "steps")
    heights = (898, 922)

    logits = List(Float(), [3.0, -3.0, 1.0]).tag(sync=True)
    label = Int(1).tag(sync=True)
    rate = Float(0.5).tag(sync=True)
    adam = Bool(False).tag(sync=True)
    steps = Int(0).tag(sync=True)

    def values(self):
        """Return of each descent q before the first step and after each, and the loss after the last."""
        path, loss = self.descend(lambda grad: self.rate * grad)
        adam_path, adam_loss = self.descend(adam(self.rate))
        return {"path": path, "loss": loss, "adam_path": adam_path, "adam_loss": adam_loss}

    def descend(self, move):
        """Return the path and its last loss, where each step is what `move` makes of the gradient."""
        z = np.array(self.logits)
        path = [xentlib.softmax(z)]
        for _ in range(self.steps):
            z = z - move(xentlib.softmax_cross_entropy_with_grad(z, self.label)[1])
            path.append(xentlib.softmax(z))
        return np.array(path), xentlib.softmax_cross_entropy(z, self.label)

    def say(self):
        """Return where each path has come to, the length of the last step, and what a wrong class gained."""
        path, loss, adam_path, adam_loss = self.values().values()
        shares = named(path[-1])
        if self.steps == 0:
            return f"Before the first step q is {shares}; the loss is {scientific(loss)}."
        true, step = CLASSES[self.label], path[-1, self.label] - path[-2, self.label]
        # In steps of at most 2 the stronger of two wrong classes never gains, and never becomes the weaker one.
        weaker = min((i for i in range(3) if i != self.label), key=lambda i: self.logits[i])
        start, most = path[0, weaker], path[:, weaker].max()
        said = f"Step {self.steps} gave {true} {scientific(step)}: {shares}; the loss is {scientific(loss)}."
        if most - start > 0.001:
            said += f" {CLASSES[weaker].capitalize()} rose from {decimal(start, 3)} to {decimal(most, 3)} on the way."
        if self.adam:
            said += f" Adam is at {named(adam_path[-1])}, with the loss {scientific(adam_loss)}."
        return said


def named(q):
    """Return the probabilities with the names of their classes."""
    return ", ".join(f"{name} {decimal(share, 3)}" for name, share in zip(CLASSES, q, strict=True))


def adam(rate):
    """Return a function from a gradient to Adam's next step, as chapter 8 has it."""
    step, mean, square = 0, 0.0, 0.0

    def move(grad):
        nonlocal step, mean, square
        step += 1
        mean = 0.9 * mean + 0.1 * grad
        square = 0.999 * square + 0.001 * grad * grad
        return rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)

    return move
