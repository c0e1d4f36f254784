"""Softmax cross-entropy of logits, and its gradient.

The entry points: arguments are checked (`_validate`, `_target`), logits are cut into tiles of rows (`_tiles`), and each
tile is computed by `_kernel`, where the formulas are.
"""

from __future__ import annotations

from typing import Any, Literal, NoReturn, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._kernel import compute_tile
from xentlib._target import (
    F,
    LossOptions,
    Options,
    Targets,
    UnsoundError,
    check_distributions,
    make_targets,
    reduce_loss,
)
from xentlib._tiles import for_each_tile
from xentlib._validate import Floats, check_axis, check_float, explain_keywords, raise_bad_logits, working_dtype


@overload
def softmax_cross_entropy(
    logits: NDArray[F], targets: ArrayLike, *, reduction: Literal["mean", "sum"] = ..., **options: Unpack[LossOptions]
) -> F: ...
@overload
def softmax_cross_entropy(
    logits: NDArray[F], targets: ArrayLike, *, reduction: Literal["none"], **options: Unpack[LossOptions]
) -> NDArray[F]: ...
@overload
def softmax_cross_entropy(
    logits: ArrayLike, targets: ArrayLike, *, reduction: Literal["mean", "sum"] = ..., **options: Unpack[LossOptions]
) -> Any: ...
@overload
def softmax_cross_entropy(
    logits: ArrayLike, targets: ArrayLike, *, reduction: Literal["none"], **options: Unpack[LossOptions]
) -> NDArray[Any]: ...
@explain_keywords
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
        How the losses of the samples are combined. With class indices, "mean" divides by the sum
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
        If `logits` does not hold real numbers, or class indices are not integers.

    Notes
    -----
    Computed as log1p(Σ_{j≠y} e^{z_j} / e^{z_y}), the true class kept out of the sum, with a shift where
    a power would overflow or underflow. For logits that lie `gap` apart the relative error is within
    (8 + gap) eps, and within log₂ K eps more for over a thousand classes, at any offset and any
    confidence; −z_y + logsumexp(z) loses digits to the offset, and −log(q_y) rounds to 0. Chapter 11
    explains it. Large inputs are spread over threads, at most `XENTLIB_NUM_THREADS` of them. Options as
    in PyTorch; z_loss after Chowdhery et al. (2022).
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


@overload
def softmax_cross_entropy_with_grad(
    logits: NDArray[F], targets: ArrayLike, *, reduction: Literal["mean", "sum"] = ..., **options: Unpack[LossOptions]
) -> tuple[F, NDArray[F]]: ...
@overload
def softmax_cross_entropy_with_grad(
    logits: NDArray[F], targets: ArrayLike, *, reduction: Literal["none"], **options: Unpack[LossOptions]
) -> tuple[NDArray[F], NDArray[F]]: ...
@overload
def softmax_cross_entropy_with_grad(
    logits: ArrayLike, targets: ArrayLike, *, reduction: Literal["mean", "sum"] = ..., **options: Unpack[LossOptions]
) -> tuple[Any, NDArray[Any]]: ...
@overload
def softmax_cross_entropy_with_grad(
    logits: ArrayLike, targets: ArrayLike, *, reduction: Literal["none"], **options: Unpack[LossOptions]
) -> tuple[NDArray[Any], NDArray[Any]]: ...
@explain_keywords
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
    The gradient of the true class is −Σ_{j≠y} q_j: q_y − 1 would round to 0. The same holds for the
    largest entry of a distribution. Chapter 5 derives it.

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


@np.errstate(all="ignore")
def _evaluate(
    logits: ArrayLike, targets: ArrayLike, options: Options, with_grad: bool
) -> tuple[np.floating | NDArray[np.floating], Any]:
    z = check_float("logits", logits)
    check_axis("logits", z, -1)
    work = working_dtype(z.dtype)
    target = make_targets(targets, z.shape, work, options)
    table = z.reshape(-1, z.shape[-1])
    loss: Floats = np.empty(len(table), work)
    grad: Floats | Any = np.empty(table.shape, z.dtype) if with_grad else None

    def compute(rows: slice, scratch: Floats) -> None:
        out = grad[rows] if with_grad and grad.dtype == work else scratch
        loss[rows] = compute_tile(np.ascontiguousarray(table[rows], work), target, rows, out, with_grad)
        if with_grad and out is scratch:
            grad[rows] = out

    try:
        for_each_tile(compute, table, work)
    except UnsoundError:
        _raise_unsound(z, target)
    if target.ignored.size:
        loss[target.ignored] = 0
        if with_grad:
            grad[target.ignored] = 0
    result = reduce_loss(loss, z.shape[:-1], z.dtype, options.reduction)
    return result, grad.reshape(z.shape) if with_grad else None


def _raise_unsound(z: Floats, targets: Targets) -> NoReturn:
    """Say which logit or probability is wrong. Only now is a second look at all of them worthwhile."""
    check_distributions(targets, z.shape)
    raise_bad_logits("logits", z, -1)
