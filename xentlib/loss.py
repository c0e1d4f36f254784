"""Softmax cross-entropy of logits, and its gradient, from one pass over the logits.

With m the largest logit and r the sum of e^{z_j − m} over the other classes, the loss of class y is
(m − z_y) + log1p(r), a sum of two terms that are never negative, and 1 − q of the largest class is r / (1 + r).
Neither subtracts numbers that are nearly equal, so both keep their digits however sure the classifier is.

All options come down to a weighted target t for each row (`Target`), for which

    loss = Σ_j t_j (lse − z_j) + ζ lse²  and  gradient = (Σ_j t_j + 2 ζ lse) q − t,  with lse = log Σ_j e^{z_j}.

One kernel (`Block`) works them out, on rows that fit a core's cache together.
"""

from __future__ import annotations

from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib import _threads
from xentlib._arrays import Floats, check_axis, check_float, check_non_negative, raise_bad_logits, working_dtype
from xentlib._targets import Options, Target, make_target

BLOCK_BYTES = 1 << 19
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
    With m the largest logit, computed as (m − z_y) + log1p(Σ_{j≠argmax} e^{z_j − m}): exact to a
    few units in the last place for any offset and any confidence, where −z_y + logsumexp(z) loses
    digits to the offset and −log(q_y) rounds to 0. Large inputs are spread over threads, at most
    `XENTLIB_NUM_THREADS` of them. Options as in PyTorch; z_loss after Chowdhery et al. (2022).
    Chapter 4 defines the loss.

    Examples
    --------
    >>> softmax_cross_entropy([1.0, 2.0, 0.5], 1).round(5)
    np.float64(0.46437)
    >>> softmax_cross_entropy([1.0, 2.0, 0.5], [0.0, 0.5, 0.5]).round(5)
    np.float64(1.21437)
    >>> softmax_cross_entropy([0.0, 40.0], 1)
    np.float64(4.248354255291589e-18)
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
        _solve_in_blocks(rows, target, loss, grad)
    except UnsoundBlockError:
        _raise_unsound(z, target)
    if target.ignored is not None:
        loss[target.ignored] = 0
        if with_grad:
            grad[target.ignored] = 0
    loss = loss.reshape(z.shape[:-1]) if options.reduction == "none" else loss.sum(dtype=np.float64)
    if dtype != loss.dtype:
        with np.errstate(over="ignore"):  # a float16 loss may exceed float16's range, and is then inf
            loss = loss.astype(dtype)
    return loss[()], grad.reshape(z.shape) if with_grad else None


def _solve_in_blocks(rows: Floats, target: Target, loss: Floats, grad: Floats | Any) -> None:
    """Fill `loss`, and `grad` if there is one, block by block, on as many threads as pay."""
    n_rows, n_classes = rows.shape
    by_class = n_classes <= FEW_CLASSES < n_rows and target.probs is None
    in_place = grad is not None and grad.dtype == loss.dtype and not by_class
    solve = _solve_index if target.probs is None else _solve_distribution
    step = max(1, min(BLOCK_BYTES // (n_classes * loss.itemsize), n_rows))
    n_threads = _threads.n_threads(rows.size)

    def solve_share(number: int) -> None:
        # Each thread has buffers of its own, and takes every n_threads-th block.
        own: Floats | Any = None if in_place else np.empty((1 + by_class, step * n_classes), loss.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(number * step, n_rows, n_threads * step):
                part = slice(start, min(start + step, n_rows))
                z = rows[part].astype(loss.dtype, copy=False)
                shape = z.shape[::-1] if by_class else z.shape
                g, *spare = [grad[part]] if in_place else own[:, : z.size].reshape(-1, *shape)
                loss[part] = solve(z, target.rows(part), Block(z, g, *spare), grad is not None)
                if grad is not None and not in_place:
                    grad[part] = g.T if by_class else g

    _threads.run(solve_share, n_threads)


class UnsoundBlockError(Exception):
    """A block has a row whose largest logit is not finite, or a target that is no distribution."""


def _raise_unsound(z: Floats, target: Target) -> NoReturn:
    """Say which logit or probability made a block unsound. Only now is it worth a second look at all of them."""
    if target.probs is not None:
        check_non_negative("targets", target.probs.reshape(z.shape))
    raise_bad_logits("logits", z, -1)


class Block:
    """A block of rows on the way from logits to gradient, in place in the buffer `g`: z − m, then e^{z − m}.

    With a `spare` buffer, `g` has the classes along its first axis: reductions over few classes then run along whole
    rows of memory. Otherwise it is laid out as `z` is.
    """

    def __init__(self, z: Floats, g: Floats, spare: Floats | None = None) -> None:
        n_rows, n_classes = z.shape
        self.g, self.spare, self.by_class = g, spare, spare is not None
        self.flat = g.reshape(-1)
        # Where in memory class 0 of each row stands, and how far it is from there to the next class.
        self.first = np.arange(n_rows) if self.by_class else np.arange(0, z.size, n_classes)
        self.stride = n_rows if self.by_class else 1
        if self.by_class:
            np.copyto(g, z.T)
            self.largest = g.max(0)
        else:
            self.top = z.argmax(1) + self.first
            self.largest = z.reshape(-1)[self.top]
        if not np.isfinite(self.largest).all():
            raise UnsoundBlockError
        np.subtract(g if self.by_class else z, self.wide(self.largest), out=g)

    def wide(self, per_row: Floats) -> Floats:
        """Return one number a row in a shape that broadcasts over the classes."""
        return per_row if self.by_class else per_row[:, np.newaxis]

    def dot(self, per_class: Floats) -> Floats:
        """Return Σ_j c_j g_j of each row."""
        return per_class @ self.g if self.by_class else self.g @ per_class

    def take(self, per_class: Floats) -> None:
        """Take one number a class off each row."""
        self.g -= per_class[:, np.newaxis] if self.by_class else per_class

    def exponentiate(self) -> Floats:
        """Turn z − m into e^{z − m}, and return r: its sum over all classes but one of the largest."""
        g = self.g
        np.exp(g, out=g)
        if self.by_class:
            below = np.less(g, 1)
            ties = (len(g) - 1) - np.add.reduce(below, axis=0, dtype=np.int8)
            return np.multiply(g, below, out=self.spare).sum(0) + ties
        self.flat[self.top] = 0
        r = g.sum(1)
        self.flat[self.top] = 1
        return r


def _solve_index(z: Floats, target: Target, block: Block, with_grad: bool) -> Floats:
    """Return the losses of a block with class indices, and leave its gradient in the block's buffer."""
    g, flat, a, share = block.g, block.flat, target.at_index, target.share
    at_y = target.index * block.stride + block.first
    d_y = flat[at_y]
    total, linear = a, a * d_y
    if share is not None:
        total = total + share.sum()
        linear += block.dot(share)
    masked = None
    if not np.isfinite(linear).all():
        masked = g == -np.inf
        t = np.zeros(z.shape, z.dtype)
        t[np.arange(len(t)), target.index] = a
        linear = _without_masks(t if share is None else t + share, g.T if block.by_class else g)

    loss, push, pull = _from_rest(block.exponentiate(), block.largest, total, linear, target.z_loss)
    if not with_grad:
        return loss
    g *= block.wide(push)
    q_y = np.exp(d_y) * push
    if share is None:
        flat[at_y] = np.where(d_y == 0, pull, q_y - a)
    else:
        block.take(share)
        share_y = share[target.index]
        flat[at_y] = np.where(d_y == 0, pull + (share.sum() - share_y), q_y - a - share_y)
    if masked is not None:
        g[masked] = 0
    return loss


def _solve_distribution(z: Floats, target: Target, block: Block, with_grad: bool) -> Floats:
    """Return the losses of a block with distributions, and leave its gradient in the block's buffer."""
    g, p = block.g, target.probs
    t = p * target.scale
    if not (np.isfinite(p.sum(1)).all() and (p >= 0).all()):
        raise UnsoundBlockError
    if target.share is not None:
        t += target.share
    linear = np.einsum("nk,nk->n", t, g)
    masked = None
    if not np.isfinite(linear).all():
        masked = g == -np.inf
        linear = _without_masks(t, g)

    r = block.exponentiate()
    loss, push, pull = _from_rest(r, block.largest, t.sum(1), linear, target.z_loss)
    if not with_grad:
        return loss
    g *= block.wide(push)
    g -= t
    # Beside an r that is large, the plain difference is the accurate one.
    t.reshape(-1)[block.top] = 0
    block.flat[block.top] = np.where(r < 1, pull + t.sum(1), block.flat[block.top])
    if masked is not None:
        g[masked] = 0
    return loss


def _from_rest(
    r: Floats, largest: Floats, total: Floats, linear: Floats, z_loss: np.floating
) -> tuple[Floats, Floats, Floats]:
    """Return the loss of each row, the factor of e^{z − m} in its gradient, and what that leaves at the largest class.

    `total` is Σ_j t_j, `linear` is Σ_j t_j (z_j − m). The last is (Σ_j t_j) (q − 1), which for a largest class with all
    of the target is the gradient, and is never computed as a difference.
    """
    log1p_r = np.log1p(r)
    loss = total * log1p_r - linear
    push = total / (1 + r)
    pull = 0 - push * r  # from 0, so that nothing to pull is 0 and not -0
    if z_loss:
        lse = largest + log1p_r
        loss += z_loss * lse * lse
        regular = 2 * z_loss * lse / (1 + r)
        push, pull = push + regular, pull + regular
    return loss, push, pull


def _without_masks(t: Floats, d: Floats) -> Floats:
    """Return Σ_j t_j (z_j − m) with 0 · (−inf) as 0: a masked class that the target rules out as well costs nothing."""
    return np.where(t > 0, t * d, 0).sum(1)
