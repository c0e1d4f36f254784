"""Softmax cross-entropy of logits, and its gradient, from one pass over the logits.

With m the largest logit and r the sum of e^{z_j − m} over the other classes, the loss of class y is
(m − z_y) + log1p(r), a sum of two terms that are never negative, and 1 − q of the largest class is r / (1 + r).
Neither subtracts numbers that are nearly equal, so both keep their digits however sure the classifier is.

Where the logits are moderate and the target is a class, no m is needed: the loss is log1p(Σ_{j≠y} e^{z_j} / e^{z_y}),
in fewer passes over the logits, and as exact (`_solve_moderate`).

All options come down to a weighted target t for each row (`Target`), for which

    loss = Σ_j t_j (lse − z_j) + ζ lse²  and  gradient = (Σ_j t_j + 2 ζ lse) q − t,  with lse = log Σ_j e^{z_j}.

Another kernel (`Block`) works them out, on so many rows at a time as fit the cache together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import exp, isfinite
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib import _threads
from xentlib._targets import Options, Target, make_target
from xentlib._validate import (
    DType,
    Floats,
    Index,
    check_axis,
    check_float,
    check_non_negative,
    raise_bad_logits,
    working_dtype,
)

BLOCK_BYTES = 1 << 21  # large enough that threads seldom wait for the interpreter, small enough for the shared cache
SHORT = 128  # up to here einsum adds up rows faster than sum, and with no more roundings in a row
SAMPLE = 1024  # logits: a look at so many costs little, and spares most blocks that are not moderate the attempt
BUFFERED = 1024  # numbers: NumPy copies one number a row into its buffers as often as a class, if the rows fit them
# A row is moderate if Σ_j e^{z_j} is at most the one, so that a small weight divided by it does not underflow in
# float32, and its mean over the classes at least the other: then the largest logit is not below −2, and one that is 85
# below it still has a power with all digits.
HIGHEST_SUM, LOWEST_MEAN = exp(32), exp(-2)
FEW_CLASSES = 32  # up to here, many rows are laid out class by class: reductions over a short last axis are slow


def softmax_cross_entropy(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    class_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    reduction: Literal["none", "sum", "mean"] = "mean",
) -> np.floating | NDArray[np.floating]:
    """Return the softmax cross-entropy of logits, L = −z_y + log Σ_j e^{z_j}.

    Parameters
    ----------
    logits : array_like of shape (..., K)
        Nats. -inf masks a class.
    targets : array_like
        Class indices y in [0, K) of shape `logits.shape[:-1]`, or distributions p of the shape of
        `logits`, for which L = Σ_i p_i (log Σ_j e^{z_j} − z_i). p need not sum to 1.
    class_weights : array_like of shape (K,), optional
        Non-negative. Multiplies the loss of a sample by the weight of its class; for distributions,
        weighs each p_i.
    ignore_index : int, optional
        Samples with this class index do not count: their loss and gradient are 0, and a mean leaves
        them out. For class indices only.
    label_smoothing : float
        ε in [0, 1]: the target becomes (1 − ε) p + ε/K, before the weights are applied.
    z_loss : float
        λ ≥ 0: adds λ (log Σ_j e^{z_j})² to the loss of each sample that counts, whatever its weight.
    reduction : {"mean", "sum", "none"}
        How the losses of the samples are put together. With class indices, "mean" divides by the sum
        of the weights of the samples that count; with distributions by the number of samples.

    Returns
    -------
    float, or ndarray of shape `logits.shape[:-1]` for "none"
        Nats, at least 0, in the dtype of `logits`. +inf where the target gives weight to a masked
        class. The mean over no samples is 0.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, a row is all -inf, an index lies outside [0, K), a probability or a
        weight is negative or not finite, an option is out of its range, or the shapes do not match.
    TypeError
        If `logits` does not hold real numbers, or class indices are no integers.

    Notes
    -----
    With m the largest logit, computed as (m − z_y) + log1p(Σ_{j≠argmax} e^{z_j − m}), or where no
    power is near overflow or underflow as log1p(Σ_{j≠y} e^{z_j} / e^{z_y}): exact to a few units in
    the last place for any offset and any confidence, where −z_y + logsumexp(z) loses digits to the
    offset and −log(q_y) rounds to 0. Large inputs are spread over threads, at most
    `XENTLIB_NUM_THREADS` of them. Options as in PyTorch; z_loss after Chowdhery et al. (2022).
    Chapter 4 defines the loss.

    Examples
    --------
    >>> softmax_cross_entropy([1.0, 2.0, 0.5], 1).round(5)
    np.float64(0.46437)
    >>> softmax_cross_entropy([1.0, 2.0, 0.5], [0.0, 0.5, 0.5]).round(5)
    np.float64(1.21437)
    >>> f"{softmax_cross_entropy([0.0, 40.0], 1):.4g}"
    '4.248e-18'
    >>> two_rows = [[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]]
    >>> softmax_cross_entropy(two_rows, [1, -1], ignore_index=-1).round(5)
    np.float64(0.46437)
    """
    options = Options(class_weights, ignore_index, label_smoothing, z_loss, reduction)
    return _evaluate(logits, targets, options, with_grad=False)[0]


def softmax_cross_entropy_with_grad(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    class_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    reduction: Literal["none", "sum", "mean"] = "mean",
) -> tuple[np.floating | NDArray[np.floating], NDArray[np.floating]]:
    """Return the softmax cross-entropy of logits and its gradient, ∂L/∂z_i = q_i − 1(y = i).

    Parameters
    ----------
    logits, targets, class_weights, ignore_index, label_smoothing, z_loss, reduction
        As for `softmax_cross_entropy`. Under a general target p the gradient is (Σ_j p_j) q − p.

    Returns
    -------
    loss : float, or ndarray of shape `logits.shape[:-1]` for "none"
        Nats, in the dtype of `logits`.
    grad : ndarray of the shape and dtype of `logits`
        Of the reduced loss: for "mean" it carries the 1/N. For "none", row n is the gradient of
        loss n. Without z_loss each row sums to 0. A masked class has gradient 0.

    Raises
    ------
    ValueError, TypeError
        As `softmax_cross_entropy`.

    Notes
    -----
    Of the largest class the gradient is −(Σ_j p_j) r/(1 + r) + Σ_{j≠argmax} p_j, which for the
    true class says −Σ_{j≠y} q_j: q_y − 1 would round to 0. Chapter 5 derives it.

    Examples
    --------
    >>> loss, grad = softmax_cross_entropy_with_grad([1.0, 2.0, 0.5], 1)
    >>> grad.round(2)
    array([ 0.23, -0.37,  0.14])
    >>> softmax_cross_entropy_with_grad([0.0, 40.0], 1)[1]
    array([ 4.24835426e-18, -4.24835426e-18])
    """
    options = Options(class_weights, ignore_index, label_smoothing, z_loss, reduction)
    return _evaluate(logits, targets, options, with_grad=True)


# Blocks of rows, spread over threads


def _evaluate(
    logits: ArrayLike, targets: ArrayLike, options: Options, with_grad: bool
) -> tuple[np.floating | NDArray[np.floating], Any]:
    z = check_float("logits", logits)
    check_axis("logits", z, -1)
    dtype, work = z.dtype, working_dtype(z.dtype)
    target = make_target(targets, z.shape, work, options)
    rows = z.reshape(-1, z.shape[-1])
    loss: Floats = np.empty(len(rows), work)
    grad: Floats | Any = np.empty(rows.shape, dtype) if with_grad else None
    try:
        solve_in_blocks(rows, target, loss, grad)
    except UnsoundBlockError:
        _raise_unsound(z, target)
    if target.ignored is not None:
        loss[target.ignored] = 0
        if with_grad:
            grad[target.ignored] = 0
    loss = reduce_loss(loss, z.shape[:-1], dtype, options.reduction)
    return loss, grad.reshape(z.shape) if with_grad else None


def reduce_loss(losses: Floats, shape: tuple[int, ...], dtype: DType, reduction: str) -> Any:
    """Return the losses of the rows in the batch's `shape`, or their sum: a mean's divisor is in the target."""
    loss = losses.reshape(shape) if reduction == "none" else np.add.reduce(losses, dtype=np.float64)
    if dtype != loss.dtype:
        with np.errstate(over="ignore"):  # a float16 loss may exceed float16's range, and is then inf
            loss = loss.astype(dtype)
    return loss[()]


def solve_in_blocks(rows: Floats, target: Target, loss: Floats, grad: Floats | Any) -> None:
    """Fill `loss`, and `grad` if there is one, block by block, on as many threads as pay. `grad` may be `rows`."""
    n_rows, n_classes = rows.shape
    many = n_rows > FEW_CLASSES
    by_class = many and n_classes <= FEW_CLASSES and target.probs is None
    a_class_alone = target.probs is None and target.share is None and not target.z_loss
    may_be_moderate = a_class_alone and grad is not rows and n_rows > 0  # the powers must not take the logits' place
    add_up = partial(np.einsum, "nk->n") if many and n_classes <= SHORT else partial(np.add.reduce, axis=1)
    direct = grad is not None and grad.dtype == loss.dtype
    n_own = 2 if by_class else 0 if direct else 1
    solve = _solve_index if target.probs is None else _solve_distribution
    step = rows_of_block(n_classes * loss.itemsize * max(n_own, 1))

    def solve_some(parts: Iterator[slice]) -> None:
        own: Floats = np.empty((n_own, min(step, n_rows) * n_classes), loss.dtype)  # each thread has its own
        for part in parts:
            z = rows[part].astype(loss.dtype, copy=False)
            buffers = [buffer[: z.size] for buffer in own]
            out = None if grad is None else grad[part] if direct else buffers[-1].reshape(z.shape)
            some = target.rows(part)
            losses = _solve_moderate(some, z, buffers, out, add_up) if may_be_moderate else None
            loss[part] = solve(some, Block(z, buffers, out, add_up), out) if losses is None else losses
            if grad is not None and not direct:
                grad[part] = out

    spread(solve_some, rows.shape, step)


def rows_of_block(bytes_per_row: int) -> int:
    """Return how many rows make a block."""
    return max(1, BLOCK_BYTES // bytes_per_row)


def spread(work: Callable[[Iterator[slice]], None], shape: tuple[int, ...], step: int) -> None:
    """Call `work(parts)` on as many threads as pay: each takes the next `step` rows from `parts` when it is free."""
    n_rows, n_classes = shape

    def work_on(parts: Iterator[slice]) -> None:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            if n_classes > FEW_CLASSES:
                np.setbufsize(BUFFERED)
            work(parts)

    if n_rows <= step:  # a small input should not wait for what it does not need
        work_on(iter((slice(0, n_rows),)))
        return
    starts = range(0, n_rows, step)
    queue = iter(starts)  # of integers in C, from which two threads never get the same one
    _threads.run(
        lambda: work_on(slice(start, min(start + step, n_rows)) for start in queue),
        min(_threads.n_threads(n_rows * n_classes), len(starts)),
    )


class UnsoundBlockError(Exception):
    """A block has a row whose largest logit is not finite, or a target that is no distribution."""


def _raise_unsound(z: Floats, target: Target) -> NoReturn:
    """Say which logit or probability made a block unsound. Only now is it worth a second look at all of them."""
    check_distributions(target, z.shape)
    raise_bad_logits("logits", z, -1)


def check_distributions(target: Target, shape: tuple[int, ...], first: Index = ()) -> None:
    """Refuse a probability that is negative or not finite, with its index in the batch's `shape`."""
    if target.probs is not None:
        with np.errstate(over="ignore"):  # what float32 cannot hold is an inf, and refused as one
            probs = target.probs.astype(target.scale.dtype, copy=False)
        check_non_negative("targets", probs.reshape(shape), first)


def _solve_moderate(
    target: Target, z: Floats, buffers: list[Floats], out: Floats | None, add_up: Callable[[Floats], Floats]
) -> Floats | None:
    """Return the losses of a block with class indices, and write their gradient to `out`, if there is one.

    Return None where a power might overflow, or lose digits to underflow, and where a logit or a loss is not finite:
    `z` is as it was. The memory is that of a `Block`, and laid out as there; here it gets e^{z_j}.
    """
    n_classes = z.shape[1]
    first = z[0, :SAMPLE]
    if first.size < z.size and not LOWEST_MEAN * first.size <= np.add.reduce(np.exp(first)) <= HIGHEST_SUM:
        return None
    by_class = len(buffers) == 2
    g: Any = buffers[0].reshape(z.shape[::-1] if by_class else z.shape) if buffers else out
    if by_class:
        np.copyto(g, z.T)
        np.exp(g, out=g)
    else:
        np.exp(z, out=g)
    at_y = positions(target.index, n_classes, by_class)
    powers = g.reshape(-1)
    true = powers[at_y]
    powers[at_y] = 0
    others = g.sum(0) if by_class else add_up(g)
    total = others + true
    if not (np.minimum.reduce(total) >= LOWEST_MEAN * n_classes and np.maximum.reduce(total) <= HIGHEST_SUM):
        return None
    loss = target.at_index * np.log1p(others / true)
    if not isfinite(np.add.reduce(loss)):
        return None
    if out is not None:
        factor = target.at_index / total
        g *= factor if by_class else factor[:, np.newaxis]
        powers[at_y] = 0 - factor * others  # from 0, so that nothing is 0 and not -0
        if by_class:
            np.copyto(out, g.T)
    return loss


def positions(index: NDArray[np.intp], n_classes: int, by_class: bool) -> NDArray[np.intp]:
    """Return where in the memory of a block one class of each row stands."""
    if by_class:
        return index * len(index) + np.arange(len(index))
    return index + np.arange(0, len(index) * n_classes, n_classes)


class Block:
    """A block of rows on the way from logits to gradient: `g` gets z − m, then e^{z − m}, in place.

    With two `buffers`, `g` has the classes along its first axis: reductions over few classes then run along whole rows
    of memory. Otherwise it is laid out as `z` is, in the one buffer, or in `out` if there is none.
    """

    def __init__(
        self, z: Floats, buffers: list[Floats], out: Floats | None, add_up: Callable[[Floats], Floats]
    ) -> None:
        self.z, self.add_up, self.by_class = z, add_up, len(buffers) == 2
        self.first = np.arange(0, z.size, z.shape[1])  # where in memory class 0 of each row of z stands
        self.g: Any
        if self.by_class:
            self.g, self.spare = (buffer.reshape(z.shape[::-1]) for buffer in buffers)
            np.copyto(self.g, z.T)
            self.largest = self.g.max(0)
            self.g -= self.largest
        else:
            self.g = buffers[0].reshape(z.shape) if buffers else out
            self.top = z.argmax(1) + self.first
            self.largest = z.reshape(-1)[self.top]
            np.subtract(z, self.largest[:, np.newaxis], out=self.g)

    def at(self, index: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
        """Return z − m of one class a row, and where in memory a row-major block has that class."""
        return self.g.reshape(-1)[positions(index, self.z.shape[1], self.by_class)], index + self.first

    def masked(self) -> NDArray[np.bool]:
        """Return which logits of which row are masks, having made sure that the block is sound."""
        # The largest logit of a row is NaN or +inf if one of its logits is, and -inf if all of them are.
        if not np.isfinite(self.largest).all():
            raise UnsoundBlockError
        masked = self.g == -np.inf
        return masked.T if self.by_class else masked

    def dot(self, per_class: Floats) -> Floats:
        """Return Σ_j c_j (z_j − m) of each row."""
        return per_class @ self.g if self.by_class else self.g @ per_class

    def exponentiate(self) -> Floats:
        """Turn z − m into e^{z − m}, and return r: its sum over all classes but one of the largest."""
        g = self.g
        np.exp(g, out=g)
        if self.by_class:
            ones = np.floor(g, out=self.spare)
            ties = ones.sum(0) - 1
            return np.subtract(g, ones, out=ones).sum(0) + ties
        g.reshape(-1)[self.top] = 0
        return self.add_up(g)

    def times(self, per_row: Floats, out: Floats) -> None:
        """Write e^{z − m}, times one number a row, to `out`."""
        if self.by_class:
            self.g *= per_row
            np.copyto(out, self.g.T)
        else:
            np.multiply(self.g, per_row[:, np.newaxis], out=out)
            out.reshape(-1)[self.top] = per_row


def _solve_index(target: Target, block: Block, out: Floats | None) -> Floats:
    """Return the losses of a block with class indices, and write their gradient to `out`, if there is one."""
    a, share = target.at_index, target.share
    d_y, at_y = block.at(target.index)
    total, linear = a, a * d_y
    if share is not None:
        total = total + share.sum()
        linear += block.dot(share)
    masked = None
    if not isfinite(np.add.reduce(linear)):
        masked = block.masked()
        t = np.zeros(block.z.shape, block.z.dtype)
        t[np.arange(len(t)), target.index] = a
        linear = without_masks(t if share is None else t + share, block.g.T if block.by_class else block.g)

    r = block.exponentiate()
    loss, push, regular = from_rest(r, block.largest, total, linear, target.z_loss)
    if out is None:
        return loss
    block.times(plus(push, regular), out)
    if share is not None:
        out -= share
    out.reshape(-1)[at_y] = gradient_at_index(target, d_y, r, push, regular)
    if masked is not None:
        out[masked] = 0
    return loss


def _solve_distribution(target: Target, block: Block, out: Floats | None) -> Floats:
    """Return the losses of a block with distributions, and write their gradient to `out`, if there is one."""
    t = weigh(target)
    linear = np.einsum("nk,nk->n", t, block.g)
    masked = None
    if not isfinite(np.add.reduce(linear)):
        masked = block.masked()
        linear = without_masks(t, block.g)

    r = block.exponentiate()
    loss, push, regular = from_rest(r, block.largest, t.sum(1), linear, target.z_loss)
    if out is None:
        return loss
    block.times(plus(push, regular), out)
    out -= t
    # Beside an r that is large, the plain difference is the accurate one.
    t.reshape(-1)[block.top] = 0
    grad = out.reshape(-1)
    grad[block.top] = np.where(r < 1, gradient_at_largest(r, push, regular) + t.sum(1), grad[block.top])
    if masked is not None:
        out[masked] = 0
    return loss


def gradient_at_index(target: Target, d_y: Floats, r: Floats, push: Floats, regular: Floats | None) -> Floats:
    """Return the gradient at the true class of each row, for which z_y − m is `d_y`."""
    if target.share is None:
        # q_y − 1 = −(1 + r − e^{d_y})/(1 + r), where r of the largest class is all that is left, and kept.
        grad = push * (np.expm1(d_y) - r)
        return grad if regular is None else grad + regular * np.exp(d_y)
    share_y = target.share[target.index]
    pull = gradient_at_largest(r, push, regular)
    q_y = np.exp(d_y) * plus(push, regular)
    return np.where(d_y == 0, pull + (target.share.sum() - share_y), q_y - target.at_index - share_y)


def gradient_at_largest(r: Floats, push: Floats, regular: Floats | None) -> Floats:
    """Return (Σ_j t_j) (q − 1) of the largest class, and what z_loss adds: its gradient if it has all of the target."""
    return plus(0 - push * r, regular)  # from 0, so that nothing to pull is 0 and not -0


def plus(factor: Floats, regular: Floats | None) -> Floats:
    """Return a factor with what z_loss adds to it, if it adds anything."""
    return factor if regular is None else factor + regular


def weigh(target: Target) -> Floats:
    """Return t = scale p + share of a block with distributions, in an array of its own."""
    p = target.probs.astype(target.scale.dtype, copy=False)
    t = np.multiply(p, target.scale, order="C")  # entries of it are set through a flat view
    if not (np.isfinite(p.sum(1)).all() and (p >= 0).all()):
        raise UnsoundBlockError
    if target.share is not None:
        t += target.share
    return t


def from_rest(
    r: Floats, largest: Floats, total: Floats, linear: Floats, z_loss: np.floating
) -> tuple[Floats, Floats, Floats | None]:
    """Return the loss of each row, and the factors of e^{z − m} in its gradient: (Σ_j t_j)/(1 + r) and that of z_loss.

    `total` is Σ_j t_j, `linear` is Σ_j t_j (z_j − m).
    """
    log1p_r = np.log1p(r)
    loss = total * log1p_r - linear
    push = total / (1 + r)
    if not z_loss:
        return loss, push, None
    lse = largest + log1p_r
    loss += z_loss * lse * lse
    return loss, push, 2 * z_loss * lse / (1 + r)


def without_masks(t: Floats, d: Floats) -> Floats:
    """Return Σ_j t_j (z_j − m) with 0 · (−inf) as 0: a masked class that the target rules out as well costs nothing."""
    return np.where(t > 0, t * d, 0).sum(1)
