"""The loss of a linear layer, z = W x + b, whose table of logits is never held (chapter 13)."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from ._checks import check_number, float_array
from ._targets import Reduction, make_target
from .accurate_loss import block_sums, held, row_loss

State = tuple[jax.Array, jax.Array]  #: of the classes seen so far: the largest logit of each row, and five sums


def linear_cross_entropy(
    features: ArrayLike, weight: ArrayLike, targets: ArrayLike, bias: ArrayLike | None = None, *, block: int = 4096,
    class_weights: ArrayLike | None = None, ignore_index: int = -100, label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> jax.Array:  # fmt: skip
    """Return L = −z_y + log Σ_j e^{z_j} of z = W x + b, in nats, from `block` or fewer classes at a time.

    `features` has shape (..., D), `weight` (K, D), `bias` (K,); −inf in it masks a class. `targets` are class indices
    of shape (...), or distributions of shape (..., K). The options, the shape of the result and what raises or is NaN
    are those of `accurate_loss.cross_entropy`. The dtype is the one that features and weight promote to; the logits
    of 16-bit numbers are made in float32, and not rounded to 16 bits.

    Held are a block of logits and, of each block, six numbers a row; the backward pass works it out again. If no number
    of blocks near K / `block` divides K, the weight is copied. `jax.default_matmul_precision` goes for its products.

    >>> weight = jnp.array([[1.0, 0.0], [1.0, 2.0], [0.0, 1.0]])
    >>> print(linear_cross_entropy(jnp.array([[1.0, 0.5]]), weight, jnp.array([1]), block=2).round(4))
    0.4644
    """
    x, w = float_array("features", features), float_array("weight", weight)
    if w.ndim != 2 or w.shape[1] != x.shape[-1]:
        raise ValueError(f"weight must have shape (K, {x.shape[-1]}) for features of shape {x.shape}; got {w.shape}")
    n_classes, dtype = len(w), jnp.promote_types(x.dtype, w.dtype)
    work = jnp.promote_types(dtype, jnp.float32)
    b = jnp.zeros(n_classes, dtype) if bias is None else float_array("bias", bias)
    if b.shape != (n_classes,):
        raise ValueError(f"bias must have shape ({n_classes},); got {b.shape}")
    check_number("block", block, "be at least 1", block >= 1)
    target = make_target(
        targets, (*x.shape[:-1], n_classes), work, class_weights=class_weights,
        ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction,
    )  # fmt: skip
    wide = jnp.where(target.row[..., None] == 0, 0, x.astype(work))  # where the blocks' gradients add up

    @partial(jax.checkpoint, prevent_cse=False)  # else the logits of all blocks would be stored for the backward pass
    def read(state: State, piece: tuple[jax.Array, ...]) -> tuple[State, None]:
        """Return the state with one block more."""
        (top, sums), (first, w_piece, b_piece) = state, piece
        z = jnp.matmul(wide.astype(x.dtype), w_piece.T, preferred_element_type=work) + b_piece.astype(work)
        higher = jnp.maximum(top, jax.lax.stop_gradient(held(z, target).max(-1)))
        here = block_sums(z, higher, target, first + jnp.arange(len(w_piece)))
        return (higher, raised(sums, higher - top) + here), None

    lowest = jnp.full(x.shape[:-1], jnp.finfo(work).min, work)  # as −inf, but lowest − lowest is 0
    (top, sums), _ = jax.lax.scan(read, (lowest, jnp.zeros((5, *x.shape[:-1]), work)), cut(w, b, block))
    return target.reduce(row_loss(top, sums), reduction, dtype)


def raised(sums: jax.Array, by: jax.Array) -> jax.Array:
    """Return the sums of a block as they are with a larger m, that of more classes."""
    rivals, z_y, lag, t_y, t_rest = sums
    return jnp.stack([rivals * jnp.exp(-by), z_y, lag + t_rest * by, t_y, t_rest])


def cut(w: jax.Array, b: jax.Array, block: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return the first classes of equal blocks, their weights and their biases."""
    fewest = -(-len(w) // block)
    n_blocks = next((n for n in range(fewest, 2 * fewest) if len(w) % n == 0), fewest)
    size = -(-len(w) // n_blocks)
    if beyond := n_blocks * size - len(w):
        w, b = jnp.pad(w, ((0, beyond), (0, 0))), jnp.pad(b, (0, beyond), constant_values=-jnp.inf)
    return jnp.arange(n_blocks) * size, w.reshape(n_blocks, size, -1), b.reshape(n_blocks, size)
