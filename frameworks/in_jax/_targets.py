"""What all losses here share: the target of each row, and how the losses of the rows are put together.

Every option is a factor in one target t, so that the loss of a row is Σ_i t_i (log Σ_j e^{z_j} − z_i) (chapter 12).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from ._checks import check_options

Reduction = Literal["mean", "sum", "none"]


class Target(NamedTuple):
    """The target t of all rows, of which `at` gives some classes."""

    pivot: jax.Array  #: (...,), the class that is kept out of sums: the true one, or the largest of a distribution
    row: jax.Array  #: (...,), a factor: 1, 0 where the row is ignored, NaN where its class is out of range
    probs: jax.Array | None  #: (..., K), None for class indices
    weights: jax.Array  #: (K,)
    smoothing: float | None  #: None where there is none: known while JAX traces, as a number in here is not

    def at(self, classes: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return which of these classes are the pivot, and their t = w ((1 − ε) p + ε/K). Beyond K it is 0."""
        n_classes = len(self.weights)
        is_pivot = classes == self.pivot[..., None]
        p: jax.Array = is_pivot if self.probs is None else self.probs
        if self.probs is not None and len(classes) != n_classes:
            p = jnp.take(p, classes, axis=-1, mode="fill", fill_value=0)
        if self.smoothing is not None:
            p = (1 - self.smoothing) * p + self.smoothing / n_classes  # of all classes, wherever they are
        return is_pivot, jnp.take(self.weights, classes, mode="fill", fill_value=0) * p

    def of_pivot(self, classes: jax.Array) -> jax.Array:
        """Return t_y without smoothing, and 0 where y is none of these consecutive classes."""
        here = (classes[0] <= self.pivot) & (self.pivot <= classes[-1])
        return jnp.where(here, jnp.take(self.weights, self.pivot, mode="clip"), 0)

    def reduce(self, losses: jax.Array, reduction: Reduction, dtype: Any) -> jax.Array:
        """Return the losses in `dtype`, or their sum or mean. Nothing to count makes a mean of 0."""
        losses = losses * self.row  # not t, where XLA takes NaN times a false `is_pivot` for 0
        if reduction == "none":
            return losses.astype(dtype)
        by_index = self.probs is None
        counted = self.row * jnp.take(self.weights, self.pivot, mode="clip") if by_index else jnp.ones_like(self.row)
        divisor = counted.sum() if reduction == "mean" else jnp.ones((), losses.dtype)
        return (losses.sum() * jnp.where(divisor == 0, 0, 1 / jnp.where(divisor == 0, 1, divisor))).astype(dtype)


def make_target(
    targets: ArrayLike, shape: tuple[int, ...], dtype: Any, *,
    class_weights: ArrayLike | None = None, ignore_index: int, label_smoothing: float = 0.0, reduction: str,
) -> Target:  # fmt: skip
    """Return the target for logits of a shape, after checking all that can be known while JAX traces."""
    check_options(label_smoothing, reduction)
    smoothing = label_smoothing or None
    targets, rows = jnp.asarray(targets), shape[:-1]
    if targets.shape not in (shape, rows):
        raise ValueError(f"targets must have shape {rows} (indices) or {shape} (distributions); got {targets.shape}")
    by_index = targets.ndim < len(shape)
    if by_index and not jnp.issubdtype(targets.dtype, jnp.integer) and targets.size:
        raise TypeError(f"targets of shape {targets.shape} must be integer class indices; got dtype {targets.dtype}")
    weights = jnp.ones(shape[-1], dtype) if class_weights is None else jnp.asarray(class_weights).astype(dtype)
    if weights.shape != shape[-1:]:
        raise ValueError(f"class_weights must have shape {shape[-1:]}; got {weights.shape}")
    if not by_index:
        return Target(targets.argmax(-1), jnp.ones(rows, dtype), targets.astype(dtype), weights, smoothing)
    in_range = jnp.where((targets >= 0) & (targets < shape[-1]), 1, jnp.nan)
    row = jnp.where(targets == ignore_index, 0, in_range).astype(dtype)
    return Target(targets, row, None, weights, smoothing)
