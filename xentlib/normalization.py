"""Log-sum-exp, log-softmax and softmax, each with its relative accuracy kept.

All three rest on one split of the logits along the class axis. With m the largest logit and

    r = Σ_{j≠argmax} e^{z_j − m},

log Σ_j e^{z_j} = m + log1p(r): the largest term is exactly 1, so it need not be added to the
others and rounded with them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._validate import Floats, as_float, check_axis, raise_bad_logits


class Split(NamedTuple):
    """Rows of logits taken apart along their last axis, which every array here keeps (with length 1 where reduced)."""

    argmax: NDArray[np.intp]  #: where the largest logit stands (the first, if several tie)
    largest: Floats  #: m, the largest logit
    others: Floats  #: e^{z − m}, with 0 in the place of the largest
    rest: Floats  #: r, the sum of the others

    def probabilities(self) -> Floats:
        """Return softmax from the parts: q = e^{z − m} / (1 + r). Overwrites `others`."""
        np.put_along_axis(self.others, self.argmax, 1, -1)
        return np.divide(self.others, 1 + self.rest, out=self.others)


def split_largest(name: str, z: Floats, axis: int = -1) -> Split:
    """Split float logits `z` along `axis`, the last one of what is returned; refuse NaN, +inf and rows of only -inf."""
    rows = np.moveaxis(z, axis, -1)
    argmax = rows.argmax(-1, keepdims=True)
    largest = np.take_along_axis(rows, argmax, -1)
    # argmax stops at the first NaN and at +inf, so the largest values alone tell whether z is sound.
    if not np.isfinite(largest).all():
        raise_bad_logits(name, z, axis)
    with np.errstate(over="ignore"):  # to -inf, whose exponential 0 is right
        # In C order, so that the sum runs along memory, pairwise: one by one, K terms lose up to K units.
        others = np.subtract(rows, largest, order="C")
    np.exp(others, out=others)
    np.put_along_axis(others, argmax, 0, -1)
    return Split(argmax, largest, others, others.sum(-1, keepdims=True))


def logsumexp(z: ArrayLike, *, axis: int = -1) -> np.floating | NDArray[np.floating]:
    """Return the logarithm of the sum of exponentials, log Σ_j e^{z_j}.

    Parameters
    ----------
    z : array_like of shape (..., K, ...)
        Logits in nats. -inf masks a class.
    axis : int
        The class axis.

    Returns
    -------
    ndarray of the shape of `z` without `axis`, in the dtype of `z`
        Nats. It lies between max(z) and max(z) + log K.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, a row is all -inf, or there is no such axis.
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Computed as m + log1p(Σ_{j≠argmax} e^{z_j − m}), which neither overflows nor loses a small
    sum beside the 1 of the largest term. Chapter 2 derives its bounds.

    Examples
    --------
    >>> logsumexp([1.0, 2.0, 0.5]).round(5)
    np.float64(2.46437)
    >>> f"{logsumexp([0.0, -40.0]):.4g}"
    '4.248e-18'
    """
    z, dtype = as_float("z", z)
    top = split_largest("z", z, check_axis("z", z, axis))
    return (top.largest + np.log1p(top.rest))[..., 0].astype(dtype)[()]


def log_softmax(z: ArrayLike, *, axis: int = -1) -> NDArray[np.floating]:
    """Return the logarithm of softmax, log q_i = z_i − log Σ_j e^{z_j}.

    Parameters
    ----------
    z : array_like of shape (..., K, ...)
        Logits in nats. -inf masks a class, whose log-probability is -inf.
    axis : int
        The class axis.

    Returns
    -------
    ndarray of the shape and dtype of `z`
        Nats, at most 0.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, a row is all -inf, or there is no such axis.
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Computed as (z_i − m) − log1p(r): neither term is positive, so nothing cancels, and a class
    that is nearly certain keeps all digits of its tiny log-probability. Chapter 2 derives it.

    Examples
    --------
    >>> log_softmax([1.0, 2.0, 0.5]).round(5)
    array([-1.46437, -0.46437, -1.96437])
    >>> log_softmax([40.0, 0.0])
    array([-4.24835426e-18, -4.00000000e+01])
    """
    z, dtype = as_float("z", z)
    top = split_largest("z", z, check_axis("z", z, axis))
    with np.errstate(over="ignore"):  # to -inf, where the dtype holds nothing so small
        log_q = ((np.moveaxis(z, axis, -1) - top.largest) - np.log1p(top.rest)).astype(dtype)
    return np.moveaxis(log_q, -1, axis)


def softmax(z: ArrayLike, *, axis: int = -1, temperature: float = 1.0) -> NDArray[np.floating]:
    """Return the distribution q whose logarithm is z/T up to a constant, q_i = e^{z_i/T} / Σ_j e^{z_j/T}.

    Parameters
    ----------
    z : array_like of shape (..., K, ...)
        Logits in nats. -inf masks a class, whose probability is 0.
    axis : int
        The class axis.
    temperature : float
        T > 0. Below 1 it sharpens q towards the largest logit, above 1 it flattens q.

    Returns
    -------
    ndarray of the shape and dtype of `z`
        Probabilities, which sum to 1 along `axis`.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, a row is all -inf, there is no such axis, or `temperature` is
        not positive and finite.
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Invariant under a shift of all logits (chapter 2), which is why the largest can be subtracted
    first and no offset overflows. In mathematics 0 < q_i < 1 for finite logits and K ≥ 2; in floating
    point q_i can round to 0 or 1.

    Examples
    --------
    >>> softmax([1.0, 2.0, 0.5]).round(2)
    array([0.23, 0.63, 0.14])
    >>> softmax([1001.0, 1002.0, 1000.5]).round(2)
    array([0.23, 0.63, 0.14])
    """
    z, dtype = as_float("z", z)
    axis = check_axis("z", z, axis)
    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature must be positive and finite; got {temperature}")
    if temperature != 1:
        z = _shift_and_scale(z, axis, temperature)
    q = split_largest("z", z, axis).probabilities().astype(dtype)
    return np.moveaxis(q, -1, axis)


def _shift_and_scale(z: Floats, axis: int, temperature: float) -> Floats:
    """Return (z − m)/T. Shifted before it is scaled, so that a small T cannot overflow; float32 might not hold T."""
    largest = z.max(axis, keepdims=True)
    if not np.isfinite(largest).all():
        raise_bad_logits("z", z, axis)
    with np.errstate(over="ignore"):  # to -inf, whose probability 0 is right
        return ((z - largest).astype(np.float64) / temperature).astype(z.dtype)
