"""What is allowed as an input of a "break" exercise, and what can be said of one."""

import numpy as np


def logits_of(n_classes, also=lambda z: ""):
    """Return a function that says what keeps an array from being `n_classes` finite logits, or what `also` says."""

    def legal(z):
        if z.shape != (n_classes,):
            return f"{n_classes} logits are needed, an array of shape ({n_classes},)"
        return also(z) if np.isfinite(z).all() else "all logits must be finite"

    return legal


def distribution_of(n_classes, also=lambda q: ""):
    """Return a function that says what keeps an array from being a distribution, or what `also` says."""

    def legal(q):
        if q.shape != (n_classes,):
            return f"{n_classes} probabilities are needed, an array of shape ({n_classes},)"
        if not (q >= 0).all():
            return "no probability is negative, or NaN"
        return also(q) if abs(q.sum() - 1) < 1e-9 else f"the probabilities sum to {q.sum():.6g}, not to 1"

    return legal


def lead(z, of):
    """Return by how much the logit with index `of` is ahead of the best other one."""
    return z[of] - np.delete(z, of).max()
