"""Entropy, cross-entropy and Kullback–Leibler divergence of discrete distributions.

With the conventions 0 · log 0 = 0 (what never happens adds nothing) and −log 0 = +∞ (an event that
was called impossible and happens surprises without bound).
"""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._validate import (
    DType,
    Floats,
    as_float,
    check_axis,
    check_non_negative,
    check_number,
    explain_keywords,
    first_index,
    format_index,
    narrow,
)


@explain_keywords
@np.errstate(all="ignore")
def entropy(p: ArrayLike, *, axis: int = -1, base: float | None = None) -> np.floating | NDArray[np.floating]:
    """Return the entropy H(p) = −Σ_x p(x) log p(x), the expected surprise of a draw from p.

    Parameters
    ----------
    p : array_like of shape (..., K, ...)
        Distributions along `axis`: non-negative, sum 1.
    axis : int
        The class axis.
    base : float, optional
        Base of the logarithm: 2 for bits. By default e, for nats.

    Returns
    -------
    ndarray of the shape of `p` without `axis`, in the dtype of `p`
        Between 0 (one certain outcome) and log K (all equally likely).

    Raises
    ------
    ValueError
        If `p` is not a distribution along `axis`, there is no such axis, or `base` is not a valid base.
    TypeError
        If `p` does not hold real numbers.

    Notes
    -----
    0 · log 0 counts as 0. The sum of `p` may miss 1 by the square root of its dtype's eps, so
    that rounded distributions pass. Chapter 1 introduces it; Shannon (1948) defined it.

    Examples
    --------
    >>> entropy([0.5, 0.25, 0.25], base=2).round(4)
    np.float64(1.5)
    """
    p, dtype, axis = _distribution("p", p, axis)
    p = np.moveaxis(p, axis, -1)
    return _in_base(_expected_surprise(p, p), base, dtype)


@explain_keywords
@np.errstate(all="ignore")
def cross_entropy(
    p: ArrayLike, q: ArrayLike, *, axis: int = -1, base: float | None = None
) -> np.floating | NDArray[np.floating]:
    """Return the cross-entropy H(p, q) = −Σ_x p(x) log q(x), the surprise at p of one who expects q.

    Parameters
    ----------
    p, q : array_like of shape (..., K, ...)
        The true and the estimated distributions along `axis`: non-negative, sum 1. Their other
        axes broadcast.
    axis : int
        The class axis.
    base : float, optional
        Base of the logarithm: 2 for bits. By default e, for nats.

    Returns
    -------
    ndarray of the broadcast shape without `axis`, in the wider dtype of the two
        At least H(p); +inf where q is 0 at an x that p allows.

    Raises
    ------
    ValueError
        If `p` or `q` is not a distribution along `axis`, their shapes do not match, there is no such
        axis, or `base` is not a valid base.
    TypeError
        If `p` or `q` does not hold real numbers.

    Notes
    -----
    Takes probabilities. From logits, `softmax_cross_entropy` is the accurate way: a q that was
    rounded to 0 or 1 has lost what this function would need. Chapter 1.

    Examples
    --------
    >>> cross_entropy([0, 1, 0], [0.23, 0.63, 0.14]).round(3)
    np.float64(0.462)
    >>> cross_entropy([0, 1, 0], [0.5, 0.0, 0.5])
    np.float64(inf)
    """
    p, q, dtype = _two_distributions(p, q, axis)
    return _in_base(_expected_surprise(p, q), base, dtype)


@explain_keywords
@np.errstate(all="ignore")
def kl_divergence(
    p: ArrayLike, q: ArrayLike, *, axis: int = -1, base: float | None = None
) -> np.floating | NDArray[np.floating]:
    """Return the Kullback–Leibler divergence KL(p‖q) = Σ_x p(x) log(p(x)/q(x)) = H(p, q) − H(p).

    Parameters
    ----------
    p, q : array_like of shape (..., K, ...)
        The true and the estimated distributions along `axis`: non-negative, sum 1. Their other
        axes broadcast.
    axis : int
        The class axis.
    base : float, optional
        Base of the logarithm: 2 for bits. By default e, for nats.

    Returns
    -------
    ndarray of the broadcast shape without `axis`, in the wider dtype of the two
        At least 0, and 0 where p = q; +inf where q is 0 at an x that p allows.

    Raises
    ------
    ValueError
        If `p` or `q` is not a distribution along `axis`, their shapes do not match, there is no such
        axis, or `base` is not a valid base.
    TypeError
        If `p` or `q` does not hold real numbers.

    Notes
    -----
    Σ p log(p/q) of nearly equal distributions is a sum of terms of both signs that almost cancel. It is taken apart
    as Σ [p log(p/q) − p + q] + Σ (p − q). No term of the first sum is negative, and each has all digits: where q lies
    within a factor of 2 of p, with s = (q − p)/(q + p),

        p log(p/q) − p + q = s (q − p) − 2 p s³ (1/3 + s²/5 + s⁴/7 + …).

    The second sum is 0 in mathematics, but p and q seldom sum to exactly the same in floating point. It is computed as
    if with twice the digits. The result is Σ p log(p/q) of the very numbers that were passed, and its error at most
    8 eps times the first sum plus the size of the second: all digits, unless the second sum is negative and cancels
    the first. A result below 0, which only such a difference of the sums can cause, is returned as 0, so that
    Gibbs' inequality (chapter 1) holds. Two distributions that differ by a fraction of 1e-8 have a divergence of about
    1e-16: no more than what the rounding of p and q to float64 does to their sums.

    Examples
    --------
    >>> kl_divergence([0.5, 0.5], [0.25, 0.75], base=2).round(4)
    np.float64(0.2075)
    """
    p, q, dtype = _two_distributions(p, q, axis)
    nats = _sum(_excess(p, q)) + _accurate_sum(p - q)
    return _in_base(np.maximum(nats, 0), base, dtype)


def _excess(p: Floats, q: Floats) -> Floats:
    """Return p log(p/q) − p + q, which is never negative, with all its digits."""
    difference = q - p  # exact where s is used, by Sterbenz' lemma
    s = difference / (q + p)
    square = s * s
    series = np.zeros_like(s)
    for k in range(35, 1, -2):  # from Σ_n 2 s^{2n+1}/(2n + 1) = log(q/p); for s² ≤ 1/9, 17 terms are enough
        series *= square
        series += 1 / k
    close = s * (difference - 2 * p * square * series)
    ratio = p / q
    # A ratio that overflows is seldom infinite: the difference of the logarithms tells.
    log_ratio = np.where(ratio < inf, np.log(ratio), np.log(p) - np.log(q))
    far = np.where(p > 0, p * log_ratio, 0) + difference
    return np.where(np.abs(s) <= 1 / 3, close, far)


def _accurate_sum(terms: Floats) -> Floats:
    """Sum along the last axis in pairs, and add up what each addition rounds away (Knuth's two-sum)."""
    lost = np.zeros(terms.shape[:-1])
    while terms.shape[-1] > 1:
        if terms.shape[-1] % 2:
            terms = np.concatenate([terms, np.zeros_like(terms[..., :1])], -1)
        a, b = terms[..., ::2], terms[..., 1::2]
        terms = a + b
        b_kept = terms - a
        lost += _sum((a - (terms - b_kept)) + (b - b_kept))
    return terms[..., 0] + lost


def _expected_surprise(p: Floats, q: Floats) -> Floats:
    terms = np.where(p > 0, p * np.log(q), 0)
    return 0 - _sum(terms)  # subtracted from 0, so that certainty has 0 nats and not -0


def _sum(terms: Floats) -> Floats:
    """Sum along the last axis, in C order: NumPy then sums pairwise, and many small terms keep their digits."""
    return np.ascontiguousarray(terms).sum(-1)


def _two_distributions(p: ArrayLike, q: ArrayLike, axis: int) -> tuple[Floats, Floats, DType]:
    """Return both with their class axes at the end, broadcast, as floats of the wider dtype."""
    p, p_dtype, p_axis = _distribution("p", p, axis)
    q, q_dtype, q_axis = _distribution("q", q, axis)
    if p.shape[p_axis] != q.shape[q_axis]:
        raise ValueError(
            f"p and q must have the same number of classes along axis {axis}; got shapes {p.shape} and {q.shape}"
        )
    wider = np.result_type(p, q)
    pair = [np.moveaxis(p, p_axis, -1).astype(wider, copy=False), np.moveaxis(q, q_axis, -1).astype(wider, copy=False)]
    try:
        p, q = np.broadcast_arrays(*pair)
    except ValueError:
        raise ValueError(f"p and q must have shapes that broadcast; got {p.shape} and {q.shape}") from None
    return p, q, np.result_type(p_dtype, q_dtype)


def _distribution(name: str, values: ArrayLike, axis: int) -> tuple[Floats, DType, int]:
    """Return `values` as a float array, once it is known to hold distributions along `axis`."""
    array, dtype = as_float(name, values)
    front = check_axis(name, array, axis)
    check_non_negative(name, array)
    total = array.sum(front, dtype=np.float64)
    bad = ~(np.abs(total - 1) <= np.sqrt(np.finfo(dtype).eps))
    if bad.any():
        index = first_index(bad)
        raise ValueError(f"{name} must sum to 1 along axis {axis}; got the sum {total[index]}{format_index(index)}")
    return array, dtype, front


def _in_base(nats: Floats, base: float | None, dtype: DType) -> np.floating | NDArray[np.floating]:
    if base is not None:
        base = check_number("base", base, "be greater than 1 and finite", lambda x: 1 < x < inf)
        nats = nats / nats.dtype.type(np.log(base))
    return narrow(nats, dtype)[()]
