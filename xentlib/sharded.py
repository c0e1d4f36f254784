"""Softmax cross-entropy of logits that are chunked, on one machine or on many: the same loss over Dask arrays.

The logits may be chunked over samples, over classes, or both. Each chunk is reduced to its `LseState` where it is
(`_kernel`), and Dask merges the states of a row of chunks as a tree. What travels is seven numbers a sample and chunk,
and six that come back, never logits.

This module needs Dask: `pip install xentlib[sharded]`.
"""

from __future__ import annotations

from typing import Any, Literal

import dask.array as da
import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._kernel import Finalized, LseState, block_to_gradient, finalize, identity, merge, reduce_block
from xentlib._target import ALL, Options, Targets, UnsoundError, check_distributions, make_targets, targets_with
from xentlib._validate import (
    DType,
    Floats,
    Index,
    as_array,
    check_float,
    explain_keywords,
    narrow,
    raise_all_masked,
    raise_bad_logits,
    working_dtype,
)

FLOAT64: np.dtype[np.float64] = np.dtype(np.float64)  # of all that travels


@explain_keywords
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
        Class indices of shape (N,), which count over all chunks, or distributions of shape (N, K).
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
    Each chunk keeps, for each sample, its largest logit m, the sum R of e^{z_j − m} without the true class, that
    class's own logit, and what smoothing or a distribution needs: seven numbers. A chunk without the true class
    keeps its largest logit out instead. Two chunks merge by R e^{m − M} + R' e^{m' − M}, M the larger of m and m':
    associative and commutative but for rounding, so that Dask may merge in any order. As accurate as the loss of
    logits in one chunk. Chapter 14 derives it.

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


@explain_keywords
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
        Of the reduced loss. Each chunk is computed where the chunk of the logits is.

    Raises
    ------
    ValueError, TypeError
        As `softmax_cross_entropy`.

    Notes
    -----
    Compute both in one go, `dask.compute(loss, grad)`: they share the states. Chapter 14 derives it.

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
    """The graph of a loss and its gradient, with what both share."""

    def __init__(self, logits: da.Array, targets: da.Array | ArrayLike, options: Options) -> None:
        self.logits, self.targets, self.options = _check(logits, targets, options)
        self.dtype = self.logits.dtype
        # Within a chunk nothing is reduced yet: the mean's divisor is known only once all chunks are.
        self.unreduced = self.options._replace(reduction="sum")
        self.by_index = self.targets.ndim == 1
        rows, classes = (np.cumsum((0, *sizes[:-1])) for sizes in self.logits.chunks)
        self.first_row = da.from_array(rows, chunks=1)
        self.first_class = da.from_array(classes, chunks=1)
        self.done, self.factor = self._finalize(), self._factor()

    def _finalize(self) -> da.Array:
        """Return the loss of each row and what its gradient needs, in float64."""
        states = da.blockwise(
            _reduce, "nkf", *self._chunks(), adjust_chunks={"k": 1}, new_axes={"f": len(LseState._fields)},
            options=self.unreduced, n_classes=self.logits.shape[1],
            dtype=FLOAT64, align_arrays=False, meta=np.empty((0, 0, 0)),
        )  # fmt: skip
        merged = da.reduction(
            states, _as_it_is, _merge, combine=_merge, axis=1, keepdims=True, concatenate=True,
            dtype=FLOAT64, meta=np.empty((0, 0, 0)),
        )  # fmt: skip
        return da.blockwise(
            _close, "ng", merged, "nkf", *self._labels(), self.first_row, "n",
            new_axes={"g": len(Finalized._fields)}, concatenate=True, options=self.unreduced,
            dtype=FLOAT64, align_arrays=False, meta=np.empty((0, 0)),
        )  # fmt: skip

    def _labels(self) -> tuple[Any, ...]:
        """Return the class indices as an argument of `blockwise`."""
        return (self.targets, "n") if self.by_index else (None, None)

    def _chunks(self) -> tuple[Any, ...]:
        """Return the arguments of `blockwise` that say which chunk of the logits is meant, and its targets."""
        target = (self.targets, "n") if self.by_index else (self.targets, "nk")
        return self.logits, "nk", *target, self.first_row, "n", self.first_class, "k"

    def loss(self) -> da.Array:
        """Return the reduced loss."""
        losses = self.done[:, 0]
        loss = losses if self.options.reduction == "none" else losses.sum() * self.factor
        return loss.map_blocks(_narrowed, self.dtype, dtype=self.dtype)

    def grad(self) -> da.Array:
        """Return the gradient of the reduced loss, chunk by chunk."""
        return da.blockwise(
            _gradient, "nk", *self._chunks(), self.done, "ng", self.factor, "", concatenate=True,
            options=self.unreduced, n_classes=self.logits.shape[1],
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
    """Refuse at once what is wrong whatever the values; return logits, targets and options that fit each other."""
    if not isinstance(logits, da.Array):
        raise TypeError(f"logits must be a dask.array.Array; got {type(logits).__name__}")
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(f"logits must have shape (N, K) with K at least 1; got {logits.shape}")
    if np.isnan(logits.shape).any():
        raise ValueError(f"logits must have chunks of known sizes (compute_chunk_sizes); got shape {logits.shape}")
    dtype = check_float("logits", np.empty((0, logits.shape[1]), logits.dtype)).dtype
    targets = targets if isinstance(targets, da.Array) else da.from_array(as_array("targets", targets))
    if targets.shape not in (logits.shape, logits.shape[:1]):
        raise ValueError(
            f"targets must have shape {logits.shape[:1]} (class indices) or {logits.shape} (distributions) "
            f"for logits of shape {logits.shape}; got {targets.shape}"
        )
    if targets.ndim == 1 and targets.dtype.kind not in "iu" and targets.size:
        raise TypeError(f"targets of shape {targets.shape} must be integer class indices; got dtype {targets.dtype}")
    empty = np.empty((0, *targets.shape[1:]), targets.dtype)
    factors = options.check(logits.shape[1])
    targets_with(factors, empty, (0, logits.shape[1]), working_dtype(dtype), options.ignore_index)
    if options.class_weights is not None:
        unit = factors.unit() if targets.ndim == 1 else 1.0
        options = options._replace(class_weights=factors.weights / unit, z_loss=options.z_loss / unit)
    return logits.astype(dtype), targets.rechunk(logits.chunks[: targets.ndim]), options


# What is done with each chunk


def _targets(
    targets: NDArray[Any], offset: Index, z: Floats, n_classes: int, options: Options
) -> tuple[Targets, slice]:
    """Return the targets of the rows of a chunk, and which of their classes are those of the chunk."""
    classes = slice(offset[1], offset[1] + z.shape[1])
    if targets.ndim == 1:
        return make_targets(targets, (len(z), n_classes), z.dtype, options, offset[:1]), classes
    whole: Any = make_targets(np.empty((0, n_classes)), (0, n_classes), z.dtype, options)
    scale, smoothing_weights = (t if t.ndim == 0 else t[classes] for t in (whole.scale, whole.smoothing_weights))
    return whole._replace(probs=targets, scale=scale, smoothing_weights=smoothing_weights), slice(0, z.shape[1])


def _reduce(
    logits: Floats, targets: NDArray[Any], rows: NDArray[Any], classes: NDArray[Any], options: Options, n_classes: int
) -> NDArray[np.float64]:
    """Return the state of a chunk, of shape (n, 1, 7)."""
    z = np.ascontiguousarray(logits, working_dtype(logits.dtype))
    offset = int(rows[0]), int(classes[0])
    known, inside = _targets(targets, offset, z, n_classes, options)
    state = identity(len(z), z.dtype)
    with np.errstate(all="ignore"):
        try:
            if z.size:
                state = reduce_block(z, known, ALL, inside, offset[1], np.empty_like(z))
        except UnsoundError:
            check_distributions(known, logits.shape, offset)
            raise_bad_logits("logits", logits, -1, offset)
    return _stacked(state)[:, np.newaxis]


def _stacked(values: LseState | Finalized) -> NDArray[np.float64]:
    return np.stack(np.broadcast_arrays(*values), axis=-1, dtype=np.float64)


def _as_it_is(states: NDArray[np.float64], axis: Any, keepdims: bool) -> NDArray[np.float64]:
    return states


def _merge(states: NDArray[np.float64], axis: Any, keepdims: bool) -> NDArray[np.float64]:
    """Merge the states of neighbouring chunks of the classes."""
    whole = LseState(*states[:, 0].T)
    with np.errstate(all="ignore"):
        for number in range(1, states.shape[1]):
            whole = merge(whole, LseState(*states[:, number].T))
    return _stacked(whole)[:, np.newaxis]


def _close(
    states: NDArray[np.float64], labels: NDArray[Any] | None, rows: NDArray[Any], options: Options
) -> NDArray[np.float64]:
    """Return the loss of each row and what its gradient needs, of shape (n, 6)."""
    state = LseState(*states[:, 0].T)
    all_masked = (state.rivals == 0) & (state.z_pivot == -np.inf)
    if all_masked.any():
        raise_all_masked("logits", all_masked, (int(rows[0]),))
    with np.errstate(all="ignore"):
        done = finalize(state, np.float64(options.z_loss))
    if labels is not None and options.ignore_index is not None:
        done.loss[labels == options.ignore_index] = 0
    return _stacked(done)


def _gradient(
    logits: Floats, targets: NDArray[Any], rows: NDArray[Any], classes: NDArray[Any],
    done: NDArray[np.float64], factor: NDArray[np.float64], options: Options, n_classes: int,
) -> Floats:  # fmt: skip
    """Return the gradient of a chunk."""
    z = logits.astype(working_dtype(logits.dtype), order="C")  # a copy: Dask's chunks must not be written to
    offset = int(rows[0]), int(classes[0])
    known, inside = _targets(targets, offset, z, n_classes, options)
    masked = z == -np.inf
    finalized = Finalized(*done.T)
    with np.errstate(all="ignore"):
        pivot = finalized.pivot.astype(np.intp)
        block_to_gradient(z, finalized._replace(pivot=pivot), known.off_pivot(ALL, inside), offset[1])
        z *= factor
    z[masked] = 0
    z[known.ignored] = 0
    return narrow(z, logits.dtype)


def _narrowed(losses: Any, kind: DType) -> Any:
    return narrow(np.asarray(losses), kind)


def _counted(y: NDArray[Any], options: Options) -> NDArray[np.float64]:
    """Return the weight of each sample in the mean."""
    weights = options.class_weights
    counted = np.ones(len(y)) if options.ignore_index is None else (y != options.ignore_index).astype(np.float64)
    # What is out of range is refused with its index where the chunks are reduced.
    return counted if weights is None else counted * np.asarray(weights, np.float64).take(y, mode="clip")


def _inverse(total: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(1, total, out=np.zeros_like(total), where=total != 0)
