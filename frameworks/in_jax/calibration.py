"""The temperature that makes a classifier's confidence honest, fitted on data that the classifier has not seen."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from ._checks import float_array, widened
from .accurate_loss import cross_entropy

LARGEST = 1e6  #: temperatures between 1 / LARGEST and LARGEST are found


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the T > 0 for which the mean loss of logits / T is least, for logits (..., K) and class indices (...).

    A row with the label −100 does not count. In β = 1/T the loss is convex, with the slope Σ_n (Σ_j q_j z_j − z_y). Its
    sign says on which side of the minimum β lies, so halving an interval of log T finds it, as well as the dtype can
    tell. Chapter 10 derives it. It is an error if no T is best: where the true class leads everywhere the best T is 0,
    and where the scores of the true classes are no better than the average ones, T is ∞. NaN and +inf among the
    logits, a true class that is masked and labels out of range are errors too. Not for use under jit: it looks at
    values.

    >>> logits = jnp.array([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
    >>> print(f"{fit_temperature(logits, jnp.array([0, 0, 1])):.4f}", "=", f"{2 / jnp.log(2):.4f}")  # q = 2/3 is right
    2.8854 = 2.8854
    """
    z = widened(float_array("logits", logits))
    known = jnp.where(z == -jnp.inf, 0, z)  # ∞ times the slope of a masked logit, 0, would be NaN

    @jax.jit
    @jax.value_and_grad
    def loss(log_t: jax.Array) -> jax.Array:
        """Return the mean loss."""
        return cross_entropy(jnp.where(z == -jnp.inf, z, known * jnp.exp(-log_t)), labels)

    high = jnp.log(jnp.asarray(LARGEST, z.dtype))
    low = -high
    (value, at_low), (_, at_high) = loss(low), loss(high)
    if not jnp.isfinite(value) or jnp.isnan(at_low):
        raise ValueError(f"logits must be below +inf, and finite at labels in [0, K); got a loss of {value}")
    if at_low >= 0:
        raise ValueError("labels must include one whose class does not lead, else T = 0 is best; got none")
    if at_high <= 0:
        raise ValueError("logits must be higher for true classes than on average, else T = ∞ is best; got lower")
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if loss(middle)[1] < 0 else (low, middle)
    return float(jnp.exp(middle))
