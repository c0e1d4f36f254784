"""The kernel: the loss of rows of logits and its gradient, whether a row is seen at once or block by block.

One class of each row, the pivot c, is kept out of the sum. The others are its rivals. With

    R = Σ_{j≠c} e^{z_j − shift}  and  P = e^{z_c − shift}

the loss of class c is log1p(R / P), and its gradient −R / (R + P). Nothing is subtracted, so both keep their digits
however sure the classifier is. What smoothing or a distribution gives to the other classes is added:
Σ_{j≠c} t_j (lse − z_j), where lse = shift + log (R + P).

`LseState` is what must be kept of the classes seen so far. `reduce_tile` computes it. `merge` joins the states of
different classes: blocks of a row, chunks of an array, machines. `finalize` turns it into the loss, and
`write_gradient` turns e^{z − shift} into the gradient. The shift only has to keep the powers within range: one number,
mostly 0, serves many rows (`compute_tile`), and each row's own largest logit always serves.
"""

from __future__ import annotations

from math import exp, isfinite, log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentlib._target import Target, Targets, UnsoundError, locate
from xentlib._tiles import row_dot, row_sum
from xentlib._validate import DType, Floats

LOWEST, HIGHEST = -2.0, 16.0  # no shift if the largest logit of the first row is between them: it costs a pass
# The mean power of a row that has all digits for sure: its largest logit is not below −2, so that one 85 below it still
# has a power that is a normal number in float32, and there is room above for the inverse of the sum.
LOWEST_MEAN, HIGHEST_MEAN = exp(-2), exp(32)
FARTHEST = 60.0  # e^−60 is lost when added to 1 in any dtype, and is far from underflow
SMALLEST_MASS, LARGEST_MASS = 1e-15, 1e30  # so that the product with 1 / (R + P) has all digits in float32
CANCELLATION = 4.0  # a loss may be a difference of terms so many times as large


class LseState(NamedTuple):
    """What is kept of some of the classes of each row: numbers of shape (N,), or one that is the same for all rows."""

    shift: Any  #: is subtracted from all logits
    rivals: Floats  #: R = Σ_{j≠c} e^{z_j − shift}
    pivot: NDArray[np.intp]  #: c; -1 where it is not among these classes
    z_pivot: Floats  #: z_c; -inf where c is not among these classes
    t_pivot: Floats  #: t_c
    off_pivot_sum: Any  #: Σ_{j≠c} t_j
    target_dot: Any  #: Σ_{j≠c} t_j (z_j − shift)


class Finalized(NamedTuple):
    """The losses of rows, and what a second pass needs to write their gradient."""

    loss: Floats
    shift: Any
    prob_scale: Floats  #: 1 / (R + P), which turns e^{z − shift} into q
    mass: Floats  #: Σ_j t_j + 2 ζ lse, which q has in the gradient
    pivot: NDArray[np.intp]
    pivot_grad: Floats  #: the gradient at the pivot

    def rows(self, selected: slice) -> Finalized:
        """Return the same for some of the rows."""
        return Finalized(*(values[selected] for values in self))  # type: ignore[arg-type]  # mypy merges the fields' types


# Whole rows


def compute_tile(z: Floats, targets: Targets, rows: slice, grad: Floats, with_grad: bool) -> Floats:
    """Return the losses of whole rows of logits. `grad` gets their gradient if asked for, or else is scratch."""
    target = targets.tile(rows)
    state = reduce_tile(z, target, common_shift(z), grad)
    done = finalize(state, targets.z_loss)
    if with_grad:
        write_gradient(grad, done, target.off_pivot, target.rows, target.positions)
    again = _inaccurate(z, state, done, targets.z_loss)
    step = max(1, len(z) // 8)  # each step needs additional memory
    for start in range(0, again.size, step):
        some = again[start : start + step]
        done.loss[some], grad[some] = _compute_apart(z[some], targets, some + rows.start, with_grad)
    return done.loss


def common_shift(z: Floats) -> Any:
    """Return a shift that may serve all rows: 0, unless the largest logit of the first row is too far from it."""
    largest = np.maximum.reduce(z[0])
    return z.dtype.type(0) if LOWEST <= largest <= HIGHEST else largest - HIGHEST / 2


def _inaccurate(z: Floats, state: LseState, done: Finalized, z_loss: np.floating) -> NDArray[np.intp]:
    """Return which rows may lack digits because of the shift that they share. NaN and +inf are among them."""
    d_pivot = state.z_pivot - state.shift
    accurate = keep_digits(z, state.shift, done.prob_scale)
    accurate &= d_pivot > -FARTHEST / 2
    if np.count_nonzero(state.off_pivot_sum):
        terms = np.abs(state.off_pivot_sum * d_pivot) + np.abs(state.target_dot)
        accurate &= (terms <= CANCELLATION * done.loss) & (terms < np.inf)
    if z_loss:  # where the target is small compared with it, lse itself must be accurate
        mass = state.t_pivot + state.off_pivot_sum
        accurate &= mass + np.abs(done.mass - mass) >= z_loss * (np.abs(d_pivot) + np.abs(state.shift))
    return (~accurate).nonzero()[0]


def keep_digits(z: Floats, shift: Any, prob_scale: Floats) -> NDArray[np.bool]:
    """Return in which rows the powers e^{z − shift}, whose sum is 1 / `prob_scale`, neither overflow nor underflow."""
    n_classes = z.shape[1]
    keep = (prob_scale >= 1 / (n_classes * HIGHEST_MEAN)) & (prob_scale < np.inf)
    low = (prob_scale > 1 / (n_classes * LOWEST_MEAN)).nonzero()[0]
    if low.size:
        keep[low] &= _are_normal(z[low] - shift)
    return keep


def _are_normal(d: Floats) -> Any:
    """Return whether, or in which rows, all powers e^d but those of masks are normal numbers."""
    lowest = log(np.finfo(d.dtype).tiny)
    if np.minimum.reduce(d, axis=None) > lowest:  # a tenth of the time that it takes row by row
        return True
    return np.minimum.reduce(np.where(d == -np.inf, 0, d), axis=1) > lowest


def _compute_apart(z: Floats, targets: Targets, rows: NDArray[np.intp], with_grad: bool) -> tuple[Floats, Floats]:
    """Return losses and gradient of rows that each need a shift, or whose target lies on a masked class."""
    grad, argmax = np.empty_like(z), z.argmax(1)
    shift = _largest(z, argmax)
    if shift.min() == -np.inf:
        raise UnsoundError
    target = targets.block(rows, slice(0, z.shape[1]), argmax)
    state = reduce_tile(z, target, shift, grad)
    done = finalize(state, targets.z_loss)
    if with_grad:
        write_gradient(grad, done, target.off_pivot, target.rows, target.positions)
        grad[z == -np.inf] = 0
    return done.loss, grad


def _largest(z: Floats, argmax: NDArray[np.intp]) -> Floats:
    """Return the largest logit of each row, which is at `argmax`."""
    shift: Floats = np.take_along_axis(z, argmax[:, np.newaxis], 1)[:, 0]
    if not (shift < np.inf).all():  # where argmax stopped at a NaN or at +inf
        raise UnsoundError
    return shift


# The parts of the algorithm


def reduce_tile(z: Floats, target: Target, shift: Any, powers: Floats) -> LseState:
    """Return the state of the logits of a tile, and leave in `powers` e^{z − shift}, with 0 for the pivot."""
    d = np.subtract(z, shift[..., np.newaxis], out=powers) if shift.ndim or shift else z
    z_pivot = z.reshape(-1)[target.positions]
    if len(z_pivot) < len(z):
        z_pivot = _elsewhere(-np.inf, target.rows, z_pivot, len(z))
    dot = target.off_pivot
    if dot.ndim or dot:
        dot = _dot_off_pivot(target, d)
        if not isfinite(np.add.reduce(dot)):
            dot = _careful_dot(target, z, shift[..., np.newaxis])
    np.exp(d, out=powers)
    powers.reshape(-1)[target.positions] = 0
    return LseState(shift, row_sum(powers), target.pivot, z_pivot, target.t_pivot, target.off_pivot_sum, dot)


def _elsewhere(number: float, rows: NDArray[np.intp], values: Floats, n_rows: int) -> Floats:
    """Return `values` at some rows, and a number at the others."""
    column = np.full(n_rows, number, values.dtype)
    column[rows] = values
    return column


def _dot_off_pivot(target: Target, d: Floats) -> Any:
    """Return Σ_{j≠c} t_j d_j of each row."""
    t = target.off_pivot
    dot = row_dot(t, d)
    if t.ndim < 2:  # where there is one for each entry, that of the pivot is 0
        t_pivot = t if t.ndim == 0 else t[target.positions % d.shape[1]]
        dot[target.rows] -= t_pivot * d.reshape(-1)[target.positions]
    return dot


def _careful_dot(target: Target, z: Floats, shift: Any) -> Floats:
    """Return Σ_{j≠c} t_j (z_j − shift), where 0 · (−inf) is 0 and no difference overflows that t would make small."""
    t = np.broadcast_to(target.off_pivot, z.shape)
    terms = np.where(t > 0, _product(t, z, shift), 0)
    terms.reshape(-1)[target.positions] = 0
    return row_sum(terms)


def _product(t: Any, z: Any, shift: Any) -> Any:
    """Return t (z − shift), where the difference may be twice as large as the largest number."""
    return 2 * (t * (z / 2 - shift / 2))


def merge(one: LseState, two: LseState) -> LseState:
    """Return the state of the classes of both. The pivot with the smaller logit becomes a rival."""
    swapped = two.z_pivot > one.z_pivot
    pivot, z_pivot, t_pivot = (np.where(swapped, b, a) for a, b in zip(one[2:5], two[2:5], strict=True))
    z_rival, t_rival = (np.where(swapped, a, b) for a, b in zip(one[3:5], two[3:5], strict=True))
    shift = np.maximum(one.shift, two.shift)
    rivals, off_pivot_sum = np.exp(z_rival - shift), t_rival
    target_dot = np.where(t_rival > 0, _product(t_rival, z_rival, shift), 0)
    for state in (one, two):
        rivals = rivals + state.rivals * np.exp(state.shift - shift)
        off_pivot_sum = off_pivot_sum + state.off_pivot_sum
        target_dot = target_dot + (state.target_dot + _product(state.off_pivot_sum, state.shift, shift))
    return LseState(shift, rivals, pivot, z_pivot, t_pivot, off_pivot_sum, target_dot)


def finalize(state: LseState, z_loss: np.floating) -> Finalized:
    """Return the losses of rows all of whose classes have been seen, and what their gradient needs."""
    shift, rivals, pivot, z_pivot, t_pivot, off_pivot_sum, target_dot = state
    d_pivot = z_pivot - shift
    pivot_power = np.exp(d_pivot)
    some_are_behind = np.minimum.reduce(d_pivot, initial=0) < -FARTHEST
    if some_are_behind:  # the power of such a pivot is negligible against its rivals, but log1p must not be given R / 0
        behind = d_pivot < -FARTHEST
        d_pivot[behind] = -FARTHEST
    log_ratio = np.log1p(rivals / (np.exp(d_pivot) if some_are_behind else pivot_power))
    loss = t_pivot * log_ratio
    if np.count_nonzero(off_pivot_sum):
        loss += off_pivot_sum * (log_ratio + d_pivot) - target_dot
    if some_are_behind:
        lead = 2 * (t_pivot * (shift / 2 - z_pivot / 2 - FARTHEST / 2))
        loss += np.where(behind & (t_pivot > 0), lead, 0)
    scale, mass = 1 / (rivals + pivot_power), t_pivot + off_pivot_sum
    pivot_grad = _pivot_grad(state, mass, pivot_power, scale)
    if z_loss:
        lse = shift + (log_ratio + d_pivot)
        loss += z_loss * lse * lse
        mass = mass + 2 * z_loss * lse
        q_pivot = pivot_power * scale
        pivot_grad += np.where(q_pivot > 0, 2 * z_loss * lse * q_pivot, 0)
    return Finalized(loss, shift, scale, mass, pivot, pivot_grad)


def _pivot_grad(state: LseState, mass: Floats, pivot_power: Floats, scale: Floats) -> Floats:
    """Return Σ_j t_j q_c − t_c or, where q_c is above one half, the same as Σ_{j≠c} t_j − Σ_j t_j Σ_{j≠c} q_j."""
    from_rivals = mass * (state.rivals * scale)
    if not np.count_nonzero(state.off_pivot_sum):
        return 0 - from_rivals  # from 0, so that a zero is 0 and not −0
    from_pivot = mass * (pivot_power * scale)
    return np.where(from_rivals <= from_pivot, state.off_pivot_sum - from_rivals, from_pivot - state.t_pivot)


def write_gradient(powers: Floats, done: Finalized, off_pivot: Any, rows: Any, positions: NDArray[np.intp]) -> None:
    """Turn e^{z − shift} into the gradient, in place. `rows` have their pivot here, at `positions` in memory."""
    mass = done.mass
    if mass.ndim:
        smallest, largest = np.minimum.reduce(mass, initial=1), np.maximum.reduce(mass, initial=1)
    else:
        smallest = largest = mass
    if smallest >= SMALLEST_MASS and largest <= LARGEST_MASS:
        powers *= (done.prob_scale * mass)[:, np.newaxis]
    else:  # the product might lack digits that its factors have
        powers *= done.prob_scale[:, np.newaxis]
        mass = np.broadcast_to(mass, len(powers))[:, np.newaxis]
        np.multiply(powers, mass, out=powers, where=powers > 0)  # 0 stays 0, and not −0 or NaN
    if off_pivot.ndim or off_pivot:
        powers -= off_pivot
    powers.reshape(-1)[positions] = done.pivot_grad[rows]


# Blocks of rows and classes


def identity(n_rows: int, dtype: DType) -> LseState:
    """Return the state of no classes: the identity of `merge`."""
    zero, nowhere = np.zeros(n_rows, dtype), np.full(n_rows, -1, np.intp)
    lowest, masked = np.full_like(zero, np.finfo(dtype).min), np.full_like(zero, -np.inf)
    return LseState(lowest, zero, nowhere, masked, zero.copy(), zero.copy(), zero.copy())


def reduce_block(
    z: Floats, targets: Targets, rows: slice, classes: slice, class_offset: int, scratch: Floats
) -> LseState:
    """Return the state of some rows and some of their classes, which among all classes begin at `class_offset`."""
    argmax = z.argmax(1)
    shift = np.maximum(_largest(z, argmax), np.finfo(z.dtype).min)  # where all are masked, −inf − (−inf) would be NaN
    target = targets.block(rows, classes, argmax)
    state = reduce_tile(z, target, shift, scratch)
    pivot = np.full(len(z), -1)
    pivot[target.rows] = target.pivot[target.rows] + class_offset
    return state._replace(pivot=pivot, target_dot=np.broadcast_to(state.target_dot, len(z)))


def block_to_gradient(z: Floats, done: Finalized, off_pivot: Any, class_offset: int) -> None:
    """Turn the logits of some classes into their gradient, in place. The caller must clear that of a mask."""
    z -= done.shift[:, np.newaxis]
    np.exp(z, out=z)
    write_gradient(z, done, off_pivot, *locate(done.pivot - class_offset, z.shape[1]))
