"""The loss of logits whose classes are shared by several devices (chapter 14)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from ._checks import float_array, widened
from ._targets import Reduction, make_target
from .accurate_loss import block_sums, held, row_loss


def vocab_parallel_cross_entropy(
    logits_piece: ArrayLike, targets: ArrayLike, first_class: ArrayLike, group: str, *, n_classes: int | None = None,
    class_weights: ArrayLike | None = None, ignore_index: int = -100, label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> jax.Array:  # fmt: skip
    """Return L = −z_y + log Σ_j e^{z_j}, in nats, the same on each device, where each has some classes of every row.

    Call it inside `jax.shard_map`, with `group` the name of the mesh's axis that shares the classes. `logits_piece` has
    shape (..., k) and holds the classes from `first_class` on, so that classes are counted through all pieces.
    `targets` are indices of shape (...), the same on each device. A mesh cuts into equal pieces: where it does not
    divide the vocabulary, pad it to `k` times the devices and give its true size as `n_classes`. What lies beyond is
    taken for −inf, and smoothing gives it nothing. `class_weights` has all `n_classes` entries. The options, the
    dtype, and what raises or is NaN are those of `accurate_loss.cross_entropy`.

    Two all-reduces make the loss: a maximum, then a sum of five numbers a row. The gradient of the piece needs none.
    Where the piece is made of features that all devices share, JAX adds the third, which sums ∂L/∂x, by itself; for
    that `shard_map` has to keep `check_vma=True`.

    >>> from jax.sharding import PartitionSpec as P
    >>> def loss(piece, label):
    ...     first = jax.lax.axis_index("vocab") * piece.shape[-1]
    ...     return vocab_parallel_cross_entropy(piece, label, first, "vocab")
    >>> mesh = jax.make_mesh((1,), ("vocab",), axis_types=(jax.sharding.AxisType.Auto,))
    >>> shared = jax.shard_map(loss, mesh=mesh, in_specs=(P("vocab"), P()), out_specs=P())
    >>> print(jax.jit(shared)(jnp.array([1.0, 2.0, 0.5]), jnp.array(1)).round(4))
    0.4644
    """
    z = float_array("logits_piece", logits_piece)
    dtype, z, here = z.dtype, widened(z), z.shape[-1]
    in_all = here * jax.lax.axis_size(group)
    n_classes = in_all if n_classes is None else n_classes
    if not 0 < n_classes <= in_all:
        raise ValueError(f"n_classes must lie in [1, {in_all}], as the pieces hold {in_all} classes; got {n_classes}")
    if jnp.shape(targets) != z.shape[:-1]:
        raise ValueError(f"targets must be class indices of shape {z.shape[:-1]}; got shape {jnp.shape(targets)}")
    target = make_target(
        targets, (*z.shape[:-1], n_classes), z.dtype, class_weights=class_weights,
        ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction,
    )  # fmt: skip
    classes = first_class + jnp.arange(here)
    z = jnp.where(classes < n_classes, z, -jnp.inf)
    # pmax has no derivative, and needs none: the loss is the same with any number in its place.
    top = jax.lax.pmax(jax.lax.stop_gradient(held(z, target).max(-1)), group)
    # One psum of all five: that of z_y is a sum as well, since the other devices add 0.
    # So is what smoothing gives to all classes: a device that took its own classes for
    # all of them would smooth towards those alone (Megatron-LM #737).
    sums = jax.lax.psum(block_sums(z, top, target, classes), group)
    return target.reduce(row_loss(top, sums), reduction, dtype)
