"""Is the gradient that of the loss? Where `jax.test_util.check_grads` says no, this says where, and by how much."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads
from jax.typing import ArrayLike


def check_gradient(loss: Callable[[jax.Array], jax.Array], logits: ArrayLike, *, second: bool = True) -> float:
    """Return the largest difference between the gradient of a loss of logits and its central differences.

    `loss` takes the logits alone: close over the targets. They are checked in float64, so constants of its own that are
    float32 would show as errors; then in random directions, in forward and in reverse mode, and with `second` the
    second derivatives too. An AssertionError says which of them is wrong, and where. Where the loss is not smooth, as
    at a tie of a maximum, nothing can be told. It evaluates the loss twice for each logit: give it a few.

    >>> check_gradient(lambda z: jax.nn.logsumexp(z) - z[1], jnp.array([1.0, 2.0, 0.5])) < 1e-8
    True
    >>> def no_gradient_through_the_sum(z):
    ...     return jax.lax.stop_gradient(jax.nn.logsumexp(z)) - z[1]
    >>> check_gradient(no_gradient_through_the_sum, jnp.array([1.0, 2.0, 0.5]))
    Traceback (most recent call last):
    AssertionError: the gradient at index (1,) is -1, and differences of the loss say -0.371468
    """
    with jax.enable_x64(True):
        at, loss = jnp.asarray(np.asarray(logits), jnp.float64), jax.jit(loss)
        value = jax.eval_shape(loss, at)
        if value.shape != () or not jnp.issubdtype(value.dtype, jnp.floating):
            raise ValueError(f"loss must return one real number; got shape {value.shape} and dtype {value.dtype}")
        found, wanted = np.asarray(jax.jit(jax.grad(loss))(at)), differences(loss, at)
        off = np.abs(found - wanted)
        if not (off <= 1e-7 + 1e-5 * np.abs(wanted)).all():  # NaN is not, either
            raise AssertionError(describe(found, wanted))
        for mode, name in (("fwd", "forward mode"), ("rev", "reverse mode")):
            try:
                check_grads(loss, (at,), 1 + second, (mode,), atol=1e-4, rtol=1e-4)
            except (AssertionError, TypeError) as error:  # TypeError: a custom_vjp has no forward mode
                order = "first or second derivatives" if second else "first derivatives"
                raise AssertionError(f"the gradient is right, but not the {name}, in {order}: {error}") from error
        return float(off.max())


def differences(loss: Callable[[jax.Array], jax.Array], z: jax.Array, step: float = 1e-5) -> np.ndarray:
    """Return (L(z + h e_i) − L(z − h e_i)) / 2h for each logit i."""
    moves = step * jnp.eye(z.size).reshape(z.size, *z.shape)
    change = jax.lax.map(lambda move: loss(z + move) - loss(z - move), moves)
    return np.asarray(change).reshape(z.shape) / (2 * step)


def describe(found: np.ndarray, wanted: np.ndarray) -> str:
    """Say where the gradient is most wrong, and by which factor where it is the same everywhere."""
    at = int(np.nan_to_num(np.abs(found - wanted), nan=np.inf).argmax())
    index = tuple(int(i) for i in np.unravel_index(at, found.shape))
    said, right = float(found[index]), float(wanted[index])
    message = f"the gradient at index {index} is {said:.6g}, and differences of the loss say {right:.6g}"
    factor = float((found * wanted).sum() / (wanted * wanted).sum()) if wanted.any() else np.nan
    if np.allclose(found, factor * wanted, rtol=1e-4, atol=1e-7):
        return f"{message}: every entry is {factor:.6g} times what it should be"
    return message
