"""Softmax cross-entropy of logits that lie in pieces, on one machine or on many: the same loss over Dask arrays.

The logits may be chunked over samples, over classes, or both. Each piece is summarised where it lies (`_fold`), and
Dask merges the summaries of a row of pieces as a tree. What travels is seven numbers a sample and piece, never logits.

This module needs Dask: `pip install xentlib[sharded]`.
"""

from __future__ import annotations

from typing import Any, Literal

import dask.array as da
import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._fold import Solved, Summary, finish, merge, summarise, to_gradient
from xentlib._targets import Options, Target, make_target
from xentlib._validate import Floats, Index, check_float, raise_all_masked, raise_bad_logits, working_dtype
from xentlib.loss import UnsoundBlockError, check_distributions

N_KEPT = len(Summary._fields)


def softmax_cross_entropy(
    logits: da.Array,
    targets: da.Array | ArrayLike,
    *,
    class_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    reduction: Literal["none", "sum", "mean"] = "mean",
) -> da.Array:
    """Return the softmax cross-entropy of sharded logits, L = −z_y + log Σ_j e^{z_j}, to be computed by Dask.

    Parameters
    ----------
    logits : dask.array.Array of shape (N, K)
        Nats, chunked in any way.
    targets : dask.array.Array or array_like
        Class indices of shape (N,), which count over all pieces, or distributions of shape (N, K).
    class_weights, ignore_index, label_smoothing, z_loss, reduction
        As for `xentlib.softmax_cross_entropy`.

    Returns
    -------
    dask.array.Array of shape (), or (N,) for "none"
        Nats, in the dtype of `logits`.

    Raises
    ------
    ValueError, TypeError
        As `xentlib.softmax_cross_entropy`: at once for shapes and options, and by `compute` for bad values in
        the arrays, with their index in the whole.

    Notes
    -----
    Of each piece and sample the largest logit m and the sum r of e^{z − m} over the others are kept, and merged by
    r ← r + (1 + r') e^{m' − m}: associative and commutative but for rounding, so that Dask may do it in any order.
    As accurate as the loss of logits in one piece. Chapter 14 derives it.

    Examples
    --------
    >>> import dask.array as da
    >>> table = np.array([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]])
    >>> logits = da.from_array(table, chunks=(1, 2))
    >>> softmax_cross_entropy(logits, [1, 0]).compute().round(5)
    np.float64(0.78149)
    """
    options = Options(class_weights, ignore_index, label_smoothing, z_loss, reduction)
    return _Sharded(logits, targets, options).loss()


def softmax_cross_entropy_with_grad(
    logits: da.Array,
    targets: da.Array | ArrayLike,
    *,
    class_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    reduction: Literal["none", "sum", "mean"] = "mean",
) -> tuple[da.Array, da.Array]:
    """Return the softmax cross-entropy of sharded logits and its gradient, both to be computed by Dask.

    Parameters
    ----------
    logits, targets, class_weights, ignore_index, label_smoothing, z_loss, reduction
        As for `softmax_cross_entropy`.

    Returns
    -------
    loss : dask.array.Array of shape (), or (N,) for "none"
        Nats, in the dtype of `logits`.
    grad : dask.array.Array of the shape, dtype and chunks of `logits`
        Of the reduced loss. Each piece is worked out where the piece of the logits lies.

    Raises
    ------
    ValueError, TypeError
        As `softmax_cross_entropy`.

    Notes
    -----
    Compute both in one go, `dask.compute(loss, grad)`: they share the summaries. Chapter 14 derives it.

    Examples
    --------
    >>> import dask
    >>> import dask.array as da
    >>> example = np.array([[1.0, 2.0, 0.5]])
    >>> logits = da.from_array(example, chunks=(1, 2))
    >>> loss, grad = softmax_cross_entropy_with_grad(logits, [1])
    >>> loss, grad = dask.compute(loss, grad)
    >>> grad.round(2)
    array([[ 0.23, -0.37,  0.14]])
    """
    options = Options(class_weights, ignore_index, label_smoothing, z_loss, reduction)
    sharded = _Sharded(logits, targets, options)
    return sharded.loss(), sharded.grad()


class _Sharded:
    """The graph of a loss and its gradient, and what both need."""

    def __init__(self, logits: da.Array, targets: da.Array | ArrayLike, options: Options) -> None:
        self.logits, self.targets, self.options = _check(logits, targets, options)
        self.dtype = self.logits.dtype
        # In a piece nothing is reduced yet: the mean's divisor is known only when all pieces are.
        self.piecewise = options._replace(reduction="sum")
        self.by_index = self.targets.ndim == 1
        rows, classes = (np.cumsum((0, *sizes[:-1])) for sizes in self.logits.chunks)
        self.first_row = da.from_array(rows, chunks=1)
        self.first_class = da.from_array(classes, chunks=1)
        self.solved, self.factor = self._solve(), self._factor()

    def _solve(self) -> da.Array:
        """Return loss, m, push, special class and its gradient of each row, in float64."""
        summaries = da.blockwise(
            _summaries, "nkf", *self._pieces(), adjust_chunks={"k": 1}, new_axes={"f": N_KEPT},
            options=self.piecewise, n_classes=self.logits.shape[1],
            dtype=np.float64, align_arrays=False, meta=np.empty((0, 0, 0)),
        )  # fmt: skip
        merged = da.reduction(
            summaries, _as_it_is, _merged, combine=_merged, axis=1, keepdims=True, concatenate=True,
            dtype=np.float64, meta=np.empty((0, 0, 0)),
        )  # fmt: skip
        y = (self.targets, "n") if self.by_index else (None, None)
        return da.blockwise(
            _finished, "ng", merged, "nkf", *y, self.first_row, "n",
            new_axes={"g": 1 + len(Solved._fields)}, concatenate=True,
            options=self.piecewise, n_classes=self.logits.shape[1],
            dtype=np.float64, align_arrays=False, meta=np.empty((0, 0)),
        )  # fmt: skip

    def _pieces(self) -> tuple[Any, ...]:
        """Return the arguments of `blockwise` that say which piece of the logits is meant, and its targets."""
        target = (self.targets, "n") if self.by_index else (self.targets, "nk")
        return self.logits, "nk", *target, self.first_row, "n", self.first_class, "k"

    def loss(self) -> da.Array:
        """Return the reduced loss."""
        losses = self.solved[:, 0]
        if self.options.reduction == "none":
            return losses.astype(self.dtype)
        return (losses.sum() * self.factor).astype(self.dtype)

    def grad(self) -> da.Array:
        """Return the gradient of the reduced loss, piece by piece."""
        return da.blockwise(
            _gradient, "nk", *self._pieces(), self.solved, "ng", self.factor, "", concatenate=True,
            options=self.piecewise, n_classes=self.logits.shape[1],
            dtype=self.dtype, align_arrays=False, meta=np.empty((0, 0), self.dtype),
        )  # fmt: skip

    def _factor(self) -> da.Array:
        """Return what the reduction multiplies each row by. A mean over nothing is 0, not 0/0."""
        n_rows = len(self.logits)
        if self.options.reduction != "mean":
            return da.asarray(np.float64(1))
        if not self.by_index:
            return da.asarray(np.float64(1 / n_rows if n_rows else 0))
        counted = da.map_blocks(_counted, self.targets, self.options, dtype=np.float64, meta=np.empty(0))
        return counted.sum().map_blocks(_inverse, dtype=np.float64, meta=np.empty(()))


def _check(logits: da.Array, targets: da.Array | ArrayLike, options: Options) -> tuple[da.Array, da.Array, Options]:
    """Refuse now what can be seen without the values; return logits, targets and options that fit each other."""
    if not isinstance(logits, da.Array):
        raise TypeError(f"logits must be a dask.array.Array; got {type(logits).__name__}")
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(f"logits must have shape (N, K) with K at least 1; got {logits.shape}")
    if np.isnan(logits.shape).any():
        raise ValueError(f"logits must have chunks of known sizes (compute_chunk_sizes); got shape {logits.shape}")
    dtype = check_float("logits", np.empty((0, logits.shape[1]), logits.dtype)).dtype
    targets = targets if isinstance(targets, da.Array) else da.from_array(np.asarray(targets))
    if targets.shape not in (logits.shape, logits.shape[:1]):
        raise ValueError(
            f"targets must have shape {logits.shape[:1]} (class indices) or {logits.shape} (distributions) "
            f"for logits of shape {logits.shape}; got {targets.shape}"
        )
    if targets.ndim == 1 and targets.dtype.kind not in "iu" and targets.size:
        raise TypeError(f"targets of shape {targets.shape} must be integer class indices; got dtype {targets.dtype}")
    empty = np.empty((0, *targets.shape[1:]), targets.dtype)
    make_target(empty, (0, logits.shape[1]), dtype, options)
    weights = options.class_weights
    options = options._replace(class_weights=None if weights is None else np.asarray(weights))
    return logits.astype(dtype), targets.rechunk(logits.chunks[: targets.ndim]), options


# What is done with each piece


def _target(targets: NDArray[Any], first: Index, z: Floats, n_classes: int, options: Options) -> Target:
    """Return the target of a piece. Smoothing spreads over all classes, not over those of the piece alone."""
    part = slice(first[1], first[1] + z.shape[1])
    if targets.ndim == 1:
        return make_target(targets, (len(z), n_classes), z.dtype, options, first[:1]).classes(part)
    of_none = make_target(np.empty((0, n_classes)), (0, n_classes), z.dtype, options)
    return of_none._replace(scale=np.broadcast_to(of_none.scale, n_classes)).classes(part)._replace(probs=targets)


def _summaries(
    logits: Floats, targets: NDArray[Any], rows: NDArray[Any], classes: NDArray[Any], options: Options, n_classes: int
) -> NDArray[np.float64]:
    """Return the summary of a piece, of shape (n, 1, 7)."""
    z = logits.astype(working_dtype(logits.dtype))  # a copy: Dask's pieces are not ours to write to
    first = int(rows[0]), int(classes[0])
    target = _target(targets, first, z, n_classes, options)
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            summary = summarise(z, target, first[1])
        except UnsoundBlockError:
            check_distributions(target, logits.shape, first)
            raise_bad_logits("logits", logits, -1, first)
    return np.stack([np.broadcast_to(values, len(z)) for values in summary], axis=-1, dtype=np.float64)[:, np.newaxis]


def _as_it_is(summaries: NDArray[np.float64], axis: Any, keepdims: bool) -> NDArray[np.float64]:
    return summaries


def _merged(summaries: NDArray[np.float64], axis: Any, keepdims: bool) -> NDArray[np.float64]:
    """Merge the summaries of neighbouring pieces of the classes."""
    whole = Summary(*summaries[:, 0].T)
    for number in range(1, summaries.shape[1]):
        whole = merge(whole, Summary(*summaries[:, number].T))
    return np.stack(whole, axis=-1, dtype=np.float64)[:, np.newaxis]


def _finished(
    summaries: NDArray[np.float64], y: NDArray[Any] | None, rows: NDArray[Any], options: Options, n_classes: int
) -> NDArray[np.float64]:
    """Return the loss of each row and what its gradient needs, of shape (n, 5)."""
    summary = Summary(*summaries[:, 0].T)
    all_masked = summary.rest < 0
    if all_masked.any():
        raise_all_masked("logits", all_masked, (int(rows[0]),))
    targets = np.empty((0, n_classes)) if y is None else y
    target = make_target(targets, (len(targets), n_classes), np.dtype(np.float64), options)
    with np.errstate(over="ignore", invalid="ignore"):
        loss, solved = finish(summary._replace(top=summary.top.astype(np.intp)), target)
    if target.ignored is not None:
        loss[target.ignored] = 0
    return np.stack([loss, *solved], axis=-1).astype(np.float64, copy=False)


def _gradient(
    logits: Floats, targets: NDArray[Any], rows: NDArray[Any], classes: NDArray[Any],
    solved: NDArray[np.float64], factor: NDArray[np.float64], options: Options, n_classes: int,
) -> Floats:  # fmt: skip
    """Return the gradient of a piece."""
    z = logits.astype(working_dtype(logits.dtype))
    first = int(rows[0]), int(classes[0])
    target = _target(targets, first, z, n_classes, options)
    masked = z == -np.inf
    _, largest, push, special, gradient = solved.T
    with np.errstate(over="ignore", invalid="ignore"):
        to_gradient(z, target, Solved(largest, push, special.astype(np.intp), gradient), first[1])
        z *= factor
    z[masked] = 0
    if target.ignored is not None:
        z[target.ignored] = 0
    return z.astype(logits.dtype, copy=False)


def _counted(y: NDArray[Any], options: Options) -> NDArray[np.float64]:
    """Return the weight of each sample in the mean."""
    weights = options.class_weights
    counted = np.ones(len(y)) if options.ignore_index is None else (y != options.ignore_index).astype(np.float64)
    # What is out of range is refused with its index where the pieces are summarised.
    return counted if weights is None else counted * np.asarray(weights, np.float64).take(y, mode="clip")


def _inverse(total: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(1, total, out=np.zeros_like(total), where=total != 0)
