"""Losses that change the target, the weight or the logits, or add a term (chapter 12)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from .accurate_loss import cross_entropy
from .targets import Reduction, Target, float_array, make_target


def z_loss(
    logits: ArrayLike, targets: ArrayLike, *, strength: float = 1e-4, ignore_index: int = -100,
    label_smoothing: float = 0.0, reduction: Reduction = "mean",
) -> jax.Array:  # fmt: skip
    """Return L + λ (log Σ_j e^{z_j})², in nats, with λ the `strength`; an ignored row has neither term.

    >>> print(z_loss(jnp.array([1.0, 2.0, 0.5]), 1, strength=0.1).round(4), "=", round(0.46437 + 0.1 * 2.46437**2, 4))
    1.0717 = 1.0717
    """
    z, rows = _rows(logits, targets, ignore_index, reduction)
    losses = cross_entropy(z, targets, ignore_index=ignore_index, label_smoothing=label_smoothing, reduction="none")
    lse = jax.nn.logsumexp(jnp.where(rows.row[..., None] == 0, 0, z), axis=-1)
    return rows.reduce(losses + strength * rows.row * lse**2, reduction, jnp.asarray(logits).dtype)


def focal_loss(
    logits: ArrayLike, labels: ArrayLike, *, gamma: float = 2.0, ignore_index: int = -100, reduction: Reduction = "mean"
) -> jax.Array:
    """Return (1 − q_y)^γ L, in nats, for class indices and γ ≥ 0. Not proper: q is no longer a probability.

    >>> print(focal_loss(jnp.array([1.0, 2.0, 0.5]), 1).round(4))
    0.0641
    """
    if gamma < 0:
        raise ValueError(f"gamma must be at least 0; got {gamma!r}")
    z, rows = _rows(logits, labels, ignore_index, reduction)
    losses = cross_entropy(z, labels, ignore_index=ignore_index, reduction="none")
    missing = jnp.maximum(-jnp.expm1(-losses), jnp.finfo(z.dtype).tiny)  # a power of 0 may have no derivative
    return rows.reduce(missing**gamma * losses, reduction, jnp.asarray(logits).dtype)


def distillation_loss(
    student_logits: ArrayLike, teacher_logits: ArrayLike, *, temperature: float, reduction: Reduction = "mean"
) -> jax.Array:
    """Return T² Σ_i t_i (−log q_i), in nats, with t = softmax(teacher / T), q = softmax(student / T).

    T² keeps the size of the gradient, T (q − t), when T varies. The teacher gets none. KL(t ‖ q) has the same.

    >>> grad = jax.grad(distillation_loss)(jnp.array([1.0, 2.0, 0.5]), jnp.array([0.0, 3.0, 1.5]), temperature=256.0)
    >>> print(f"{grad[0]:.3f}, and {4 / 9:.3f} in the limit")
    0.444, and 0.444 in the limit
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive; got {temperature!r}")
    teacher = jax.lax.stop_gradient(float_array("teacher_logits", teacher_logits))
    t = jax.nn.softmax(teacher.astype(jnp.promote_types(teacher.dtype, jnp.float32)) / temperature)
    student = float_array("student_logits", student_logits) / temperature
    return temperature**2 * cross_entropy(student, t, reduction=reduction)


def soft_cap(logits: ArrayLike, cap: float) -> jax.Array:
    """Return c tanh(z / c), which never leaves [−c, c]; pass it on to any loss. Here a mask of −inf becomes −c.

    >>> print(soft_cap(jnp.array([1.0, 2.0, 0.5]), 4.0).round(3))
    [0.98  1.848 0.497]
    """
    if not cap > 0:
        raise ValueError(f"cap must be positive; got {cap!r}")
    return cap * jnp.tanh(float_array("logits", logits) / cap)


def _rows(logits: ArrayLike, targets: ArrayLike, ignore_index: int, reduction: Reduction) -> tuple[jax.Array, Target]:
    """Return the logits in float32 or wider, and what says which rows count."""
    z = float_array("logits", logits) * jnp.float32(1)
    return z, make_target(
        targets, z.shape, z.dtype, class_weights=None, ignore_index=ignore_index, label_smoothing=0, reduction=reduction
    )  # fmt: skip
