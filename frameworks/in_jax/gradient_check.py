"""Is the derivative of a loss of yours right? Differences of the loss itself tell (chapter 5)."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads
from jax.typing import ArrayLike


def check_gradient(
    loss: Callable[[jax.Array], jax.Array], x: ArrayLike, *, order: int = 2, step: float = 1e-5, tolerance: float = 1e-6
) -> None:
    """Raise AssertionError, which says what is wrong, unless the derivatives of a loss agree with its differences.

    `loss` takes an array of the shape of `x` and returns one number; close over all else. It is called in float64, so
    constants of its own that are float32 would show as errors. First each entry of `jax.grad` is compared with
    (L(x + h) − L(x − h)) / 2h, h being `step`: where they are further apart than `tolerance`, times the larger of 1 and
    the difference, the worst entry is named. Then `jax.test_util.check_grads` tries random directions, in forward and
    in reverse mode, up to derivatives of `order`. Where the loss is not smooth, as at a tie of a maximum, neither is a
    test. It evaluates the loss twice for each entry of `x`: give it a small one.

    >>> check_gradient(lambda z: jax.nn.logsumexp(z) - z[1], jnp.array([1.0, 2.0, 0.5]))
    >>> def no_gradient_through_the_sum(z):
    ...     return jax.lax.stop_gradient(jax.nn.logsumexp(z)) - z[1]
    >>> check_gradient(no_gradient_through_the_sum, jnp.array([1.0, 2.0, 0.5]))
    Traceback (most recent call last):
    AssertionError: the gradient at index (1,) is -1, where differences of the loss give -0.371468
    """
    with jax.enable_x64(True):
        at = jnp.asarray(np.asarray(x), jnp.float64)
        value = jax.eval_shape(loss, at)
        if value.shape != () or not jnp.issubdtype(value.dtype, jnp.floating):
            raise ValueError(f"loss must return one real number; got shape {value.shape} and dtype {value.dtype}")
        _compare_entries(loss, at, step, tolerance)
        for mode in ("fwd", "rev"):
            try:
                check_grads(loss, (at,), order, (mode,), atol=1e-4, rtol=1e-4)
            except (AssertionError, TypeError) as error:  # TypeError: a custom_vjp has no forward mode
                name = {"fwd": "forward", "rev": "reverse"}[mode]
                raise AssertionError(f"{name} mode fails, in a derivative of order up to {order}: {error}") from error


def _compare_entries(loss: Callable[[jax.Array], jax.Array], at: jax.Array, step: float, tolerance: float) -> None:
    slopes = np.asarray(jax.grad(loss)(at))
    moves = step * jnp.eye(at.size).reshape(at.size, *at.shape)
    change = jax.lax.map(lambda move: loss(at + move) - loss(at - move), moves)
    differences = np.asarray(change).reshape(at.shape) / (2 * step)
    excess = np.abs(slopes - differences) / np.maximum(1, np.abs(differences))
    if not (excess <= tolerance).all():  # NaN is not, either
        worst = tuple(int(i) for i in np.unravel_index(np.argmax(np.nan_to_num(excess, nan=np.inf)), at.shape))
        found, right = f"{slopes[worst]:g}", f"{differences[worst]:g}"
        raise AssertionError(f"the gradient at index {worst} is {found}, where differences of the loss give {right}")
