"""What papers add to the loss: a z-loss, a focal weight, a teacher, a soft cap. Chapter 12 derives the gradients."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from ._checks import check_number, float_array, widened
from ._targets import Reduction, make_target
from .accurate_loss import cross_entropy


def z_loss(
    logits: ArrayLike, targets: ArrayLike, *, strength: float = 1e-4, ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> jax.Array:  # fmt: skip
    """Return the mean of L + λ (log Σ_j e^{z_j})², the loss with a pull of log-sum-exp towards 0, in nats.

    >>> print(z_loss(jnp.array([1.0, 2.0, 0.5]), 1, strength=0.1).round(4), "=", round(0.46437 + 0.1 * 2.46437**2, 4))
    1.0717 = 1.0717
    """
    check_number("strength", strength, "be at least 0", strength >= 0)
    z = widened(float_array("logits", logits))
    target = make_target(targets, z.shape, z.dtype, ignore_index=ignore_index, reduction=reduction)
    losses = cross_entropy(z, targets, ignore_index=ignore_index, reduction="none")
    lse = jax.nn.logsumexp(jnp.where(target.row[..., None] == 0, 0, z), axis=-1)
    return target.reduce(losses + strength * lse**2, reduction, jnp.asarray(logits).dtype)


def focal_loss(
    logits: ArrayLike, targets: ArrayLike, *, gamma: float = 2.0, ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> jax.Array:  # fmt: skip
    """Return −(1 − q_y)^γ log q_y, in nats, for class indices; 1 − q_y is −expm1(log q_y), and keeps its digits.

    It is not proper: the q of least loss is no longer the probability. A true class that is masked has loss inf.

    >>> print(focal_loss(jnp.array([1.0, 2.0, 0.5]), 1).round(4))
    0.0641
    """
    check_number("gamma", gamma, "be at least 0", gamma >= 0)
    z = widened(float_array("logits", logits))
    target = make_target(targets, z.shape, z.dtype, ignore_index=ignore_index, reduction=reduction)
    if target.probs is not None:
        raise TypeError(f"targets must be class indices here; got shape {jnp.shape(targets)}, that of distributions")
    loss = cross_entropy(z, targets, ignore_index=ignore_index, reduction="none")
    finite = jnp.where(loss == jnp.inf, 1, loss)  # ∞ has the factor 1, whose slope, 0, times ∞ would be NaN
    missing = jnp.maximum(-jnp.expm1(-finite), jnp.finfo(z.dtype).tiny)  # a power of 0 may have no derivative
    losses = jnp.where(loss == jnp.inf, loss, missing**gamma * finite)
    return target.reduce(losses, reduction, jnp.asarray(logits).dtype)


def distillation_loss(
    logits: ArrayLike, teacher_logits: ArrayLike, *, temperature: float, reduction: Reduction = "mean"
) -> jax.Array:
    """Return T² times the cross-entropy of softmax(z/T) against the teacher's softmax(v/T), in nats.

    T² keeps the size of the gradient, T (q − t), when T varies. KL(t ‖ q) has the same gradient. The teacher gets none.

    >>> grad = jax.grad(distillation_loss)(jnp.array([1.0, 2.0, 0.5]), jnp.array([0.0, 3.0, 1.5]), temperature=256.0)
    >>> print(f"{grad[0]:.3f}, and {4 / 9:.3f} in the limit")
    0.444, and 0.444 in the limit
    """
    check_number("temperature", temperature, "be positive", temperature > 0)
    z, v = float_array("logits", logits), jax.lax.stop_gradient(float_array("teacher_logits", teacher_logits))
    soft = jax.nn.softmax(widened(v) / temperature)
    return (temperature**2 * cross_entropy(widened(z) / temperature, soft, reduction=reduction)).astype(z.dtype)


def soft_cap(logits: ArrayLike, cap: float) -> jax.Array:
    """Return c tanh(z / c), logits within (−c, c), to be handed to the loss. Mask classes afterwards: −∞ becomes −c.

    >>> print(soft_cap(jnp.array([1.0, 2.0, 0.5]), 4.0).round(3))
    [0.98  1.848 0.497]
    """
    check_number("cap", cap, "be positive", cap > 0)
    return cap * jnp.tanh(float_array("logits", logits) / cap)
