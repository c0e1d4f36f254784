"""Softmax cross-entropy that keeps its digits, however sure the model is (chapter 11)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from ._checks import float_array, widened
from ._targets import Reduction, Target, make_target


def cross_entropy(
    logits: ArrayLike, targets: ArrayLike, *, class_weights: ArrayLike | None = None,
    ignore_index: int = -100, label_smoothing: float = 0.0, reduction: Reduction = "mean",
) -> jax.Array:  # fmt: skip
    """Return L = (m − z_y) + log1p(r), with m the largest logit and r what e^{z_j − m} of all others sums to, in nats.

    `logits` has shape (..., K); −inf masks a class. `targets` are class indices of shape (...), or distributions of
    shape (..., K). `class_weights` has shape (K,). A row whose index is `ignore_index` has loss and gradient 0 and is
    not counted, whatever its logits are. The options mean what they mean in PyTorch: "mean" divides by the weights of
    the counted rows, for distributions by their number; over no rows it is 0. "none" has shape (...). The result has
    the dtype of `logits`; 16-bit logits are added up in float32, and the result is rounded once.

    Wrong shapes, dtypes and options raise ValueError or TypeError. Values cannot raise under jit: an index outside
    [0, K), NaN, +inf and a row of masks alone make their row NaN. A true class that is masked has loss inf.

    >>> print(jax.jit(cross_entropy)(jnp.array([1.0, 2.0, 0.5]), 1).round(4))
    0.4644
    >>> print(jax.jit(jax.grad(cross_entropy))(jnp.array([0.0, 40.0]), 1))
    [ 4.248354e-18 -4.248354e-18]
    """
    z = float_array("logits", logits)
    dtype, z = z.dtype, widened(z)
    target = make_target(
        targets, z.shape, z.dtype, class_weights=class_weights,
        ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction,
    )  # fmt: skip
    top = jax.lax.stop_gradient(held(z, target).max(-1))  # the loss is the same with any number here
    return target.reduce(row_loss(top, block_sums(z, top, target, jnp.arange(z.shape[-1]))), reduction, dtype)


def held(z: jax.Array, target: Target) -> jax.Array:
    """Return the logits, with no gradient where they are −inf, and 0 in an ignored row, where NaN does no harm."""
    return jnp.where(target.row[..., None] == 0, 0, jnp.where(z == -jnp.inf, -jnp.inf, z))


@jax.checkpoint  # the backward pass works the powers out again: of all that has the size of z, only z is stored
def block_sums(z: jax.Array, top: jax.Array, target: Target, classes: jax.Array) -> jax.Array:
    """Return R = Σ_{j≠y} e^{z_j − m}, z_y, Σ_{j≠y} t_j (m − z_j), t_y, Σ_{j≠y} t_j: all add up over blocks."""
    z, (is_pivot, t) = held(z, target), target.at(classes)
    gap = jnp.where((t == 0) & (z == -jnp.inf), 0, top[..., None] - z)  # 0 times ∞ is NaN, and 0 is meant
    rivals, z_y = jnp.where(is_pivot, 0, jnp.exp(z - top[..., None])).sum(-1), jnp.where(is_pivot, z, 0).sum(-1)
    if target.probs is None and target.smoothing is None:  # t is 0 but for the pivot: XLA holds two tables fewer
        return jnp.stack([rivals, z_y, 0 * rivals, target.of_pivot(classes), 0 * rivals])
    lag, t_rest = (jnp.where(is_pivot, 0, each).sum(-1) for each in (t * gap, t))
    return jnp.stack([rivals, z_y, lag, jnp.where(is_pivot, t, 0).sum(-1), t_rest])


def row_loss(top: jax.Array, sums: jax.Array) -> jax.Array:
    """Return Σ_i t_i (log Σ_j e^{z_j} − z_i) of each row. No term is negative, so no digit is lost."""
    rivals, z_y, lag, t_y, t_rest = sums
    behind = top - z_y
    of_pivot = t_y * pivot_loss(jnp.where((t_y == 0) & jnp.isinf(behind), 0, behind), rivals)
    return of_pivot + lag + t_rest * jnp.log1p(rivals + jnp.expm1(-behind))


# Not custom_vjp, which has no forward mode. Here alone JAX's own chain rule would lose digits: q_y − 1 rounds to 0.
@jax.custom_jvp
def pivot_loss(behind: jax.Array, rivals: jax.Array) -> jax.Array:
    """Return (m − z_y) + log1p(r), of m − z_y and of R, where the rivals r of the leader are R + e^{z_y − m} − 1."""
    return behind + jnp.log1p(rivals + jnp.expm1(-behind))


@pivot_loss.defjvp
def slopes(primals: tuple[jax.Array, ...], tangents: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
    """Return dL = (R d(m − z_y) + dR) / (R + e^{z_y − m})."""
    (behind, rivals), (d_behind, d_rivals) = primals, tangents
    return pivot_loss(behind, rivals), (rivals * d_behind + d_rivals) / (rivals + jnp.exp(-behind))
