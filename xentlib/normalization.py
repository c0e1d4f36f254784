"""Log-sum-exp, log-softmax and softmax, each with its relative accuracy kept.

With m the largest logit and R = Σ_{j≠argmax} e^{z_j − m}, log Σ_j e^{z_j} = m + log1p(R): the largest term is exactly
1, so it need not be added to the others and rounded with them (`split_largest`). That costs passes over the logits. So
tiles of rows (`_tiles`) first try a shift that they share (`common_shift`), and only rows for which it would lose
digits get a shift to themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._kernel import common_shift, keep_digits
from xentlib._target import UnsoundError
from xentlib._tiles import for_each_tile, row_sum
from xentlib._validate import (
    Floats,
    check_axis,
    check_float,
    check_number,
    explain_keywords,
    narrow,
    raise_bad_logits,
    working_dtype,
)

MAJORITY = -0.7  # log-probability above which a class has more than half, for which 1 − q has to keep its digits
CANCELLATION = 8.0  # the largest log Σ_j e^{z_j − shift} that a log-probability below −0.7 may be a difference with


class Split(NamedTuple):
    """Rows of logits taken apart along their last axis, which every array here keeps (with length 1 where reduced)."""

    argmax: NDArray[np.intp]  #: where the largest logit is (the first, if several tie)
    largest: Floats  #: m, the largest logit
    others: Floats  #: e^{z − m}, with 0 in place of the largest
    rest: Floats  #: R, the sum of the others

    def probabilities(self) -> Floats:
        """Return softmax from the parts: q = e^{z − m} / (1 + R). Overwrites `others`."""
        np.put_along_axis(self.others, self.argmax, 1, -1)
        return np.divide(self.others, 1 + self.rest, out=self.others)


def split_largest(z: Floats) -> Split:
    """Split float logits `z` along their last axis; raise `UnsoundError` at NaN, +inf and rows of only -inf."""
    argmax = z.argmax(-1, keepdims=True)
    largest = np.take_along_axis(z, argmax, -1)
    # argmax stops at the first NaN and at +inf, so the largest values alone tell whether z is sound.
    if not np.isfinite(largest).all():
        raise UnsoundError
    with np.errstate(all="ignore"):  # a difference may overflow to −inf, whose exponential 0 is right
        others = np.subtract(z, largest, order="C")
        np.exp(others, out=others)
    np.put_along_axis(others, argmax, 0, -1)
    rest = row_sum(others.reshape(-1, z.shape[-1])).reshape(largest.shape)
    return Split(argmax, largest, others, rest)


@explain_keywords
@np.errstate(all="ignore")
def logsumexp(z: ArrayLike, *, axis: int = -1) -> np.floating | NDArray[np.floating]:
    """Return log Σ_j e^{z_j}, the log-sum-exp of the logits.

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
    sum next to the 1 of the largest term. Chapter 2 derives its bounds.

    Examples
    --------
    >>> logsumexp([1.0, 2.0, 0.5]).round(5)
    np.float64(2.46437)
    >>> f"{logsumexp([0.0, -40.0]):.4g}"
    '4.248e-18'
    """
    z, axis, table = _rows("z", z, axis)
    work = working_dtype(z.dtype)
    result: Floats = np.empty(len(table), work)

    def compute(rows: slice, scratch: Floats) -> None:
        tile = np.ascontiguousarray(table[rows], work)
        shift = common_shift(tile)
        total = _powers(tile, shift, scratch)
        log_total = np.log(total)
        lse = shift + log_total
        # Near 0 the logarithm lacks the digits of the smaller powers, and a sum with the shift those of both.
        again = ~keep_digits(tile, shift, 1 / total) | ~(np.abs(lse) >= max(0.5, abs(shift) / 4))
        if again.any():
            split = split_largest(tile[again])
            lse[again] = (split.largest + np.log1p(split.rest))[:, 0]
        result[rows] = lse

    _for_each_tile(compute, "z", z, axis, table)
    return narrow(result, z.dtype).reshape(z.shape[:axis] + z.shape[axis + 1 :])[()]


@explain_keywords
@np.errstate(all="ignore")
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
    z, axis, table = _rows("z", z, axis)
    work = working_dtype(z.dtype)
    result: Floats = np.empty(table.shape, z.dtype)

    def compute(rows: slice, scratch: Floats) -> None:
        tile = np.ascontiguousarray(table[rows], work)
        log_q = result[rows] if result.dtype == work else np.empty_like(tile)
        shift = _central_shift(tile)
        d = np.subtract(tile, shift, out=log_q) if shift else tile
        np.exp(d, out=scratch)
        log_total = np.log(row_sum(scratch))
        np.subtract(d, log_total[:, np.newaxis], out=log_q)
        _restore_majorities(log_q, scratch)
        again = ~(np.abs(log_total) <= CANCELLATION)
        if again.any():
            split = split_largest(tile[again])
            log_q[again] = (tile[again] - split.largest) - np.log1p(split.rest)
        if log_q.dtype != result.dtype:
            result[rows] = log_q

    _for_each_tile(compute, "z", z, axis, table)
    return _unrowed(result, z, axis)


@explain_keywords
@np.errstate(all="ignore")
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
    temperature = check_number("temperature", temperature, "be positive and finite", lambda x: 0 < x < np.inf)
    z, axis, table = _rows("z", z, axis)
    work = working_dtype(z.dtype)
    result: Floats = np.empty(table.shape, z.dtype)

    def compute(rows: slice, scratch: Floats) -> None:
        tile = np.ascontiguousarray(table[rows], work)
        if temperature != 1:
            tile = _scaled(tile, temperature)
        q = result[rows] if result.dtype == work else scratch
        shift = common_shift(tile)
        scale = 1 / _powers(tile, shift, q)
        q *= scale[:, np.newaxis]
        again = ~keep_digits(tile, shift, scale)
        if again.any():
            q[again] = split_largest(tile[again]).probabilities()
        if q is scratch:
            result[rows] = q

    _for_each_tile(compute, "z", z, axis, table)
    return _unrowed(result, z, axis)


# Tiles


def _rows(name: str, z: ArrayLike, axis: int) -> tuple[Floats, int, Floats]:
    """Return the logits as they came, the class axis counted from the front, and a table of the rows along it."""
    array = check_float(name, z)
    axis = check_axis(name, array, axis)
    return array, axis, np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])


def _unrowed(table: Floats, z: Floats, axis: int) -> Floats:
    """Return a table of rows in the shape of `z`: the inverse of `_rows`."""
    shape = (*z.shape[:axis], *z.shape[axis + 1 :], z.shape[axis])
    return np.moveaxis(table.reshape(shape), -1, axis)


def _for_each_tile(compute: Callable[[slice, Floats], None], name: str, z: Floats, axis: int, table: Floats) -> None:
    try:
        for_each_tile(compute, table, working_dtype(z.dtype))
    except UnsoundError:
        raise_bad_logits(name, z, axis)


def _powers(tile: Floats, shift: Any, powers: Floats) -> Floats:
    """Write e^{z − shift} to `powers`, and return their sum."""
    np.exp(np.subtract(tile, shift, out=powers) if shift else tile, out=powers)
    return row_sum(powers)


def _central_shift(tile: Floats) -> Any:
    """Return a shift that may bring log Σ_j e^{z_j − shift} of all rows close to 0: that of the first row, or 0."""
    first = tile[:1]
    largest = np.maximum.reduce(first, axis=None)
    lse = largest + np.log(np.add.reduce(np.exp(first - largest), axis=None))
    return tile.dtype.type(0) if abs(lse) <= CANCELLATION / 2 else lse


def _restore_majorities(log_q: Floats, powers: Floats) -> None:
    """Set the log-probability of a class with more than half to −log1p(R / P), which has all digits."""
    majority = np.flatnonzero(log_q > MAJORITY)
    if majority.size:
        rows, pivot = np.divmod(majority, log_q.shape[1])
        rivals = powers[rows]
        each = np.arange(len(rows))
        pivot_power = rivals[each, pivot]
        rivals[each, pivot] = 0
        log_q.reshape(-1)[majority] = 0 - np.log1p(row_sum(rivals) / pivot_power)  # from 0, so that it is not −0


def _scaled(z: Floats, temperature: float) -> Floats:
    """Return (z − m) / T. Divided in float64, as float32 might not hold T."""
    m = np.maximum.reduce(z, axis=1, keepdims=True)
    if not np.isfinite(m).all():
        raise UnsoundError
    d = (z - m).astype(np.float64) / temperature
    overflow = ~np.isfinite(z - m) & np.isfinite(z)
    if overflow.any():  # a difference of halves does not
        d = np.where(overflow, 2 * ((z / 2 - m / 2) / np.float64(temperature)), d)
    return d.astype(z.dtype)
