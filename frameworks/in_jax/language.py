"""The loss of a language model: which token is guessed where, and what the mean is divided by (chapter 15)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from ._checks import float_array, widened
from .accurate_loss import cross_entropy


def next_token_loss(
    logits: ArrayLike, tokens: ArrayLike, *, ignore_index: int = -100, n_counted: ArrayLike | None = None
) -> jax.Array:
    """Return the mean of −log q(next token), in nats a token: the logits at position i guess the token at i + 1.

    `logits` has shape (..., S, K), `tokens` (..., S): integers, with `ignore_index` in the place of each token that is
    not to be guessed, as padding and the tokens of a prompt. (What the model reads keeps its own tokens there.) Do not
    shift `tokens` yourself. The logits at the last position and the token at the first are not used.

    The mean is over the tokens that count. Where the call sees a part of a batch, the mean of the parts' means is
    another number; give the count of the whole batch as `n_counted`, and add up losses and gradients of the parts:

        n = count_targets(all_tokens)                                # or jax.lax.psum(count_targets(tokens), axis)
        loss = sum(next_token_loss(f(x), x, n_counted=n) for x in parts)         # or jax.lax.psum(loss, axis)

    With nothing to count the loss is 0. Shapes that do not fit raise ValueError, tokens that are no integers TypeError;
    a token outside [0, K) makes the loss NaN. The dtype is that of `logits`; for 16 bits add up parts in float32.

    >>> logits = jnp.array([[[1.0, 2.0, 0.5], [0.0, 0.0, 0.0], [9.0, 9.0, 9.0]]])
    >>> loss = jax.jit(next_token_loss)
    >>> print(loss(logits, jnp.array([[0, 1, 2]])).round(4), "=", round((0.46437 + 1.09861) / 2, 4))
    0.7815 = 0.7815
    >>> print(loss(logits, jnp.array([[0, 1, -100]])).round(4))
    0.4644
    """
    z, labels = float_array("logits", logits), jnp.asarray(tokens)
    if z.ndim < 2 or labels.shape != z.shape[:-1]:
        raise ValueError(f"tokens must have the shape (..., S) of logits (..., S, K), {z.shape}; got {labels.shape}")
    if n_counted is None:
        n_counted = count_targets(labels, ignore_index=ignore_index)
    total = cross_entropy(widened(z[..., :-1, :]), labels[..., 1:], ignore_index=ignore_index, reduction="sum")
    return (total / jnp.where(n_counted == 0, 1, n_counted)).astype(z.dtype)


def count_targets(tokens: ArrayLike, *, ignore_index: int = -100) -> jax.Array:
    """Return how many tokens are guessed: all that are not `ignore_index`, but for the first of each sequence.

    >>> print(count_targets(jnp.array([[5, 1, 2, -100], [-100, -100, 7, 3]])))
    4
    """
    return (jnp.asarray(tokens)[..., 1:] != ignore_index).sum()
