"""The border between two classes, to be dragged, and what a factor of all weights does (chapter 3)."""

import numpy as np
from traitlets import Float, List

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import CLASSES, decimal, scientific

# How pointed the ears are, how long the snout is, and the class: cat or dog. The first is the pet of the chapter.
PETS = [
    (0.5, 1.0, 1), (0.12, 0.78, 1), (0.92, 1.13, 1), (0.7, 0.62, 1),
    (0.26, 0.2, 0), (0.63, 0.3, 0), (0.86, 0.42, 0), (1.08, 0.62, 0),
]  # fmt: skip
SIZE = np.sqrt(3.25)  # of dog's weights (−1, 1.5): those of the chapter, less the mean of cat's and dog's


class Border(Explorer):
    """Eight pets in a plane, the border between cats and dogs, the probabilities beside it, and q − p at each pet.

    The border goes through `place` at `angle` degrees, with the dogs on its left; `times` multiplies W and b.
    """

    name = "border"
    question = "Multiply all weights and biases by 3. Where does the border go?"
    title = "The border stays. Every probability moves away from ½: right answers become surer, and wrong ones too."
    state = ("place", "angle", "times")
    heights = (890, 955)

    place = List(Float(), [0.4, 0.6]).tag(sync=True)
    angle = Float(33.69).tag(sync=True)
    times = Float(1.0).tag(sync=True)

    def values(self):
        """Return W and b, a row for cat and one for dog, and of the eight pets q, q − p and the mean loss."""
        turned = np.pi * self.angle / 180
        dog = self.times * SIZE * np.array([-np.sin(turned), np.cos(turned)])
        weight = np.array([-dog, dog])
        bias = -weight @ np.array(self.place)
        *features, labels = np.transpose(PETS)
        logits = np.transpose(features) @ weight.T + bias
        labels = labels.astype(int)
        _, grad = xentlib.softmax_cross_entropy_with_grad(logits, labels, reduction="sum")
        loss = xentlib.softmax_cross_entropy(logits, labels)
        return {"weight": weight, "bias": bias, "q": xentlib.softmax(logits), "grad": grad, "loss": loss}

    def say(self):
        """Return how many pets are on the side of their class, the loss, and the pet that is worst off."""
        _, _, q, grad, loss = self.values().values()
        own = [row[label] for row, (_, _, label) in zip(q, PETS, strict=True)]
        worst = int(np.argmin(own))
        ears, snout, label = PETS[worst]
        return (
            f"{sum(share > 0.5 for share in own)} of 8 on the right side; the loss is {scientific(loss)}. "
            f"Worst off is the {CLASSES[label]} at ears {decimal(ears)}, snout {decimal(snout)}: "
            f"q of {CLASSES[label]} is {scientific(own[worst])}, and q − p is {decimal(grad[worst, label], 3)}."
        )
