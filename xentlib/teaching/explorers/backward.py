"""The loss as a graph: values go forward, slopes come back (chapter 7)."""

import numpy as np
from traitlets import Float, Int, List

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import CLASSES, decimal


class Backward(Explorer):
    """The loss of three scores in five small steps, and the ten of a pass through them, forward and back."""

    name = "backward"
    question = "On the way back the sum gets a slope. How can you make it as large as possible?"
    title = "Slopes multiply along a road and add where roads meet. The scores end up with q − p."
    state = ("logits", "label", "step")
    heights = (669, 849)

    logits = List(Float(), [1.0, 2.0, 0.5]).tag(sync=True)
    label = Int(1).tag(sync=True)
    step = Int(0).tag(sync=True)

    def values(self):
        """Return the values at all nodes, the slopes that are not 1, and q, which the scores get by the first road."""
        loss, grad = xentlib.softmax_cross_entropy_with_grad(self.logits, self.label)
        lse = xentlib.logsumexp(self.logits)
        return {
            "exps": np.exp(self.logits),
            "total": np.exp(lse),
            "lse": lse,
            "loss": loss,
            "at_total": np.exp(-lse),
            "q": xentlib.softmax(self.logits),
            "grad": grad,
        }

    def say(self):
        """Return what the current step does, with its local slope on the way back."""
        shown = self.values()
        true, score = CLASSES[self.label], decimal(self.logits[self.label], 1)
        score = f"({score})" if self.logits[self.label] < 0 else score
        exps, q, grad = ([decimal(x, 3) for x in shown[name]] for name in ("exps", "q", "grad"))
        total, lse, loss, at_total = (decimal(shown[name], 3) for name in ("total", "lse", "loss", "at_total"))
        said = (
            f"Three scores, and {true} is the true class. First the values go forward, to the loss.",
            f"Take the exponential of each score: {', '.join(exps)}.",
            f"Add them up: {' + '.join(exps)} = {total}.",
            f"Take the logarithm: log {total} = {lse}.",
            f"Subtract the score of {true}: {lse} − {score} = {loss}, the loss. Now the slopes come back.",
            "A nudge of the loss moves the loss by as much: its slope is 1.",
            "The loss is the logarithm minus a score. The local slope is 1, so the logarithm gets 1 · 1 = 1.",
            f"The local slope of a logarithm is one over its argument, so the sum gets 1 · 1/{total} = {at_total}.",
            f"The local slope of a sum is 1 in each term, so each exponential gets {at_total} · 1 = {at_total}.",
            f"The local slope of an exponential is itself. Times {at_total} that is q: {', '.join(q)}.",
            f"Another road brings −1 to {true}, and roads add, so the scores get q − p: {', '.join(grad)}.",
        )
        return f"{self.step} of 10. {said[self.step]}"
