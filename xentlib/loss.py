"""Softmax cross-entropy of logits, and its gradient, from one pass over the logits.

Both come from the split of `xentlib.normalization`: m the largest logit, r the sum of e^{z_j − m}
over the other classes. The loss of class y is (m − z_y) + log1p(r), a sum of two terms that are
never negative, and 1 − q of the largest class is r / (1 + r). Neither subtracts numbers that are
nearly equal, so both keep their digits however sure the classifier is.
"""

import numpy as np

from xentlib._arrays import as_float, first_index
from xentlib.normalization import split_largest

REDUCTIONS = ("none", "sum", "mean")


def softmax_cross_entropy(logits, targets, *, reduction="mean"):
    """Return the softmax cross-entropy of logits, L = −z_y + log Σ_j e^{z_j}.

    Parameters
    ----------
    logits : array_like of shape (..., K)
        Nats. -inf masks a class.
    targets : array_like
        Class indices in [0, K) of shape `logits.shape[:-1]`, or distributions p of the shape of
        `logits`, for which L = Σ_i p_i (log Σ_j e^{z_j} − z_i). p need not sum to 1.
    reduction : {"mean", "sum", "none"}
        How the losses of the samples are put together; their mean by default.

    Returns
    -------
    float, or ndarray of shape `logits.shape[:-1]` for "none"
        Nats, at least 0, in the dtype of `logits`. +inf where the true class is masked. The mean
        over no samples is 0.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, a row is all -inf, an index lies outside [0, K), a probability is
        negative or not finite, the shapes do not match, or there is no such reduction.
    TypeError
        If `logits` does not hold real numbers, or class indices are no integers.

    Notes
    -----
    With m the largest logit, computed as (m − z_y) + log1p(Σ_{j≠argmax} e^{z_j − m}): exact to a
    few units in the last place for any offset and any confidence, where −z_y + logsumexp(z) loses
    digits to the offset and −log(q_y) rounds to 0. Chapter 4 defines the loss.

    Examples
    --------
    >>> softmax_cross_entropy([1.0, 2.0, 0.5], 1).round(5)
    np.float64(0.46437)
    >>> softmax_cross_entropy([1.0, 2.0, 0.5], [0.0, 0.5, 0.5]).round(5)
    np.float64(1.21437)
    >>> softmax_cross_entropy([0.0, 40.0], 1)
    np.float64(4.248354255291589e-18)
    """
    return _evaluate(logits, targets, reduction, with_grad=False)[0]


def softmax_cross_entropy_with_grad(logits, targets, *, reduction="mean"):
    """Return the softmax cross-entropy of logits and its gradient, ∂L/∂z_i = q_i − 1(y = i).

    Parameters
    ----------
    logits, targets, reduction
        As for `softmax_cross_entropy`. Under a general target p the gradient is (Σ_j p_j) q − p.

    Returns
    -------
    loss : float, or ndarray of shape `logits.shape[:-1]` for "none"
        Nats, in the dtype of `logits`.
    grad : ndarray of the shape and dtype of `logits`
        Of the reduced loss: for "mean" it carries the 1/N. For "none", row n is the gradient of
        loss n. Each row sums to 0. A masked class has gradient 0.

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
    return _evaluate(logits, targets, reduction, with_grad=True)


def _evaluate(logits, targets, reduction, with_grad):
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}; got {reduction!r}")
    z, dtype = as_float("logits", logits)
    if z.shape[-1] == 0:
        raise ValueError(f"logits must have at least one class along axis -1; got shape {z.shape}")
    targets, by_index = _check_targets(targets, z)
    top = split_largest("logits", z, -1)
    loss, grad = (_index_loss if by_index else _distribution_loss)(z, targets, top, with_grad)

    loss = loss[..., 0]
    if reduction != "none":
        divisor = max(loss.size, 1) if reduction == "mean" else 1
        loss = loss.sum() / divisor
        if with_grad:
            grad /= divisor
    with np.errstate(over="ignore"):  # a float16 loss may exceed float16's range, and is then inf
        return loss.astype(dtype)[()], grad.astype(dtype) if with_grad else None


def _index_loss(z, y, top, with_grad):
    """Return the loss (..., 1) and gradient (..., K) for class indices y (..., 1)."""
    z_y = np.take_along_axis(z, y, -1)
    loss = (top.largest - z_y) + np.log1p(top.rest)
    if not with_grad:
        return loss, None
    grad = top.probabilities(-1)
    at_y = np.take_along_axis(grad, y, -1) - 1
    at_y = np.where(y == top.argmax, 0 - top.rest / (1 + top.rest), at_y)
    np.put_along_axis(grad, y, np.where(z_y == -np.inf, 0, at_y), -1)
    return loss, grad


def _distribution_loss(z, p, top, with_grad):
    """Return the loss (..., 1) and gradient (..., K) for distributions p (..., K)."""
    surprise = (top.largest - z) + np.log1p(top.rest)
    with np.errstate(invalid="ignore"):  # 0 · inf, a masked class that p rules out as well
        loss = np.where(p > 0, p * surprise, 0).sum(-1, keepdims=True)
    if not with_grad:
        return loss, None
    others = p.copy()
    np.put_along_axis(others, top.argmax, 0, -1)
    others = others.sum(-1, keepdims=True)
    total = others + np.take_along_axis(p, top.argmax, -1)
    grad = total * top.probabilities(-1) - p
    np.put_along_axis(grad, top.argmax, others - total * (top.rest / (1 + top.rest)), -1)
    grad[z == -np.inf] = 0
    return loss, grad


def _check_targets(targets, z):
    """Return class indices of shape (..., 1) or distributions of shape (..., K), and whether they are indices."""
    targets = np.asarray(targets)
    n_classes = z.shape[-1]
    if targets.shape == z.shape[:-1]:
        if targets.size == 0:
            return np.zeros((*targets.shape, 1), dtype=np.intp), True
        if targets.dtype.kind not in "iu":
            raise TypeError(
                f"targets of shape {targets.shape} must be integer class indices; got dtype {targets.dtype}"
            )
        outside = (targets < 0) | (targets >= n_classes)
        if outside.any():
            index = first_index(outside) if targets.ndim else ()
            raise ValueError(f"targets must lie in [0, {n_classes}); got {targets[index]} at index {index}")
        return targets.astype(np.intp)[..., np.newaxis], True
    if targets.shape != z.shape:
        raise ValueError(
            f"targets must have shape {z.shape[:-1]} (class indices) or {z.shape} (distributions) "
            f"for logits of shape {z.shape}; got {targets.shape}"
        )
    p = as_float("targets", targets)[0].astype(z.dtype, copy=False)
    bad = ~((p >= 0) & (p < np.inf))
    if bad.any():
        index = first_index(bad)
        raise ValueError(f"targets must be non-negative and finite; got {targets[index]} at index {index}")
    return p, False
