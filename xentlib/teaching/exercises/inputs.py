"""What is allowed as an input of a "break" exercise, and what can be said of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Legal = Callable[[np.ndarray], str]  # says what is not allowed about an input, or ""


def logits_of(n_classes: int, also: Legal = lambda z: "") -> Legal:
    """Return a function that says what keeps an array from being `n_classes` finite logits, or what `also` says."""
    are_finite = finite(n_classes, "logits")
    return lambda z: are_finite(z) or also(z)


def finite(n: int, what: str) -> Legal:
    """Return a function that says what keeps an array from being `n` finite numbers, which are `what`."""

    def legal(x):
        if x.shape != (n,):
            return f"{n} {what} are needed, an array of shape ({n},)"
        return "" if np.isfinite(x).all() else f"all {what} must be finite"

    return legal


def distribution_of(n_classes: int) -> Legal:
    """Return a function that says what keeps an array from being a distribution over `n_classes`."""

    def legal(q):
        if q.shape != (n_classes,):
            return f"{n_classes} probabilities are needed, an array of shape ({n_classes},)"
        if not (q >= 0).all():
            return "no probability is negative, or NaN"
        return "" if abs(q.sum() - 1) < 1e-9 else f"the probabilities sum to {q.sum():.6g}, not to 1"

    return legal


def lead(z: np.ndarray, of: int) -> float:
    """Return by how much the logit with index `of` is ahead of the best other one."""
    return z[of] - np.delete(z, of).max()
