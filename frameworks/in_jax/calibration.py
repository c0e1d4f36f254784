"""One temperature, fitted to held-out data, makes a classifier as sure as it is right (chapter 10)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from .accurate_loss import cross_entropy
from .targets import float_array

LARGEST = 1e6  #: temperatures between 1 / LARGEST and LARGEST are found


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the T that minimises the mean loss of logits / T. Divide by it before softmax; no answer changes.

    `logits` has shape (N, K), and is of data that training has not seen; `labels` are class indices of shape (N,), with
    −100 where a row does not count. In β = 1/T the loss is convex, with the slope Σ_n (Σ_j q_j z_j − z_y). Its sign
    says on which side of the minimum β lies, so halving an interval of log T finds it, as well as the dtype can tell.

    There may be no minimum, and then it raises ValueError: if each true logit is the largest of its row, the loss falls
    as long as T does, and if the true logits are no larger than the mean of their rows, as long as T grows. Logits
    that are NaN or +inf, or labels out of range, raise ValueError too. Not for use under jit: it looks at values.

    >>> logits = jnp.array([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
    >>> print(f"{fit_temperature(logits, jnp.array([0, 0, 1])):.4f}", "=", f"{2 / jnp.log(2):.4f}")  # q = 2/3 is right
    2.8854 = 2.8854
    """
    z = float_array("logits", logits)
    z = z.astype(jnp.promote_types(z.dtype, jnp.float32))
    slope = jax.jit(jax.grad(lambda log_t: cross_entropy(z * jnp.exp(-log_t), labels)))
    low, high = -jnp.log(jnp.asarray(LARGEST, z.dtype)), jnp.log(jnp.asarray(LARGEST, z.dtype))
    at_low, at_high = slope(low), slope(high)
    if jnp.isnan(at_low + at_high):
        raise ValueError("logits must be below +inf, and labels lie in [0, K): the loss is NaN")
    if at_low >= 0:
        raise ValueError("labels must not all be the largest logits of their rows: the loss falls as T falls to 0")
    if at_high <= 0:
        raise ValueError("labels must have larger logits than the mean of their rows: the loss falls as T grows")
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(jnp.exp(middle))
