"""Formulas as they are first written down, which several chapters' exercises hold against xentlib."""

from __future__ import annotations

import numpy as np


def unshifted(z: np.ndarray) -> np.ndarray:
    """Return softmax of `z` without the shift that keeps its exponentials from overflowing."""
    weights = np.exp(z)
    return weights / weights.sum(axis=-1, keepdims=True)


def shifted(z: np.ndarray) -> np.ndarray:
    """Return softmax of one row `z` by the shift that keeps it finite, and NaN where xentlib would refuse the row."""
    z = z.astype(float)  # unsigned integers would wrap
    return unshifted(z - z.max())
