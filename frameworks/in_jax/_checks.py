"""What the losses refuse: an error names the argument, the requirement and the value received.

Shapes, dtypes and options are known while JAX traces, and are looked at. What arrays hold is not.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike


def check_options(label_smoothing: float, reduction: str) -> None:
    """Refuse what is no option."""
    check_number("label_smoothing", label_smoothing, "lie in [0, 1]", 0 <= label_smoothing <= 1)
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction must be one of 'none', 'sum', 'mean'; got {reduction!r}")


def check_number(name: str, value: float, requirement: str, holds: bool) -> None:
    """Refuse a number that is out of its range, or NaN."""
    if not holds:
        raise ValueError(f"{name} must {requirement}; got {value}")


def float_array(name: str, values: ArrayLike) -> jax.Array:
    """Return values as an array of floating-point numbers with a last axis."""
    array = jnp.asarray(values)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise TypeError(f"{name} must hold floating-point numbers; got dtype {array.dtype}")
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"{name} must have a last axis of at least 1; got shape {array.shape}")
    return array


def widened(array: jax.Array) -> jax.Array:
    """Return 16 bits as float32; float32 and float64 as they are."""
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))
