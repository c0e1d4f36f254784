"""Softmax cross-entropy of a linear layer, z = W x + b, without its N × K matrix of logits.

The logits are worked out a block of rows and classes at a time, in one buffer that all blocks use in turn. Where a
block holds all classes of its rows, its loss is computed at once (`compute_tile`). Otherwise a first pass keeps for
each row what `merge` needs of the classes seen so far. A second pass works out each block again and turns it into the
gradient. The gradients of the layer are sums of products with it (`GradAccumulator`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import isqrt, prod
from typing import Any, Literal, NamedTuple, NoReturn, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._kernel import (
    Finalized,
    LseState,
    block_to_gradient,
    compute_tile,
    finalize,
    identity,
    merge,
    reduce_block,
)
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
from xentlib._validate import (
    DType,
    Floats,
    cast,
    check_axis,
    check_float,
    check_integer,
    explain_keywords,
    first_index,
    format_index,
    narrow,
    raise_bad_logits,
    working_dtype,
)

DEFAULT_BYTES = 48 << 20
ENOUGH_ROWS = 128  # With fewer in a block, adding to the gradient of W so often costs more than working out z again.
ROWS_IN_A_ROW = 1024  # BLAS adds up products one after another: more rows at once, and float32 would lose digits
FEWEST_CLASSES = 128  # in a block, and multiplied at a time, for the same reason


class LinearGrad(NamedTuple):
    """The gradients of the loss by the parts of a linear layer, from `linear_cross_entropy_with_grad`.

    Attributes
    ----------
    features : ndarray of shape (..., D)
        ∂L/∂x, of the shape of the features.
    weight : ndarray of shape (K, D)
        ∂L/∂W.
    bias : ndarray of shape (K,), or None
        ∂L/∂b; None where no bias was given.

    Notes
    -----
    Chapter 7 derives all three.
    """

    features: NDArray[np.floating]
    weight: NDArray[np.floating]
    bias: NDArray[np.floating] | None


class LinearOptions(LossOptions, total=False):
    """The options that a linear layer's loss has as well."""

    block_bytes: int | None


# features and weight of different dtypes give the join, np.floating: the wider one, which a type cannot say
@overload
def linear_cross_entropy(
    features: NDArray[F],
    weight: NDArray[F],
    targets: ArrayLike,
    bias: ArrayLike | None = ...,
    *,
    reduction: Literal["mean", "sum"] = ...,
    **options: Unpack[LinearOptions],
) -> F: ...
@overload
def linear_cross_entropy(
    features: NDArray[F],
    weight: NDArray[F],
    targets: ArrayLike,
    bias: ArrayLike | None = ...,
    *,
    reduction: Literal["none"],
    **options: Unpack[LinearOptions],
) -> NDArray[F]: ...
@overload
def linear_cross_entropy(
    features: ArrayLike,
    weight: ArrayLike,
    targets: ArrayLike,
    bias: ArrayLike | None = ...,
    *,
    reduction: Literal["mean", "sum"] = ...,
    **options: Unpack[LinearOptions],
) -> Any: ...
@overload
def linear_cross_entropy(
    features: ArrayLike,
    weight: ArrayLike,
    targets: ArrayLike,
    bias: ArrayLike | None = ...,
    *,
    reduction: Literal["none"],
    **options: Unpack[LinearOptions],
) -> NDArray[Any]: ...
@explain_keywords
def linear_cross_entropy(
    features: ArrayLike,
    weight: ArrayLike,
    targets: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    block_bytes: int | None = None,
    class_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    reduction: Literal["none", "sum", "mean"] = "mean",
) -> np.floating | NDArray[np.floating]:
    """Return the loss of a linear layer, L = −z_y + log Σ_j e^{z_j} with z = W x + b, without its N × K logits.

    Parameters
    ----------
    features : array_like of shape (..., D)
        The inputs x of the layer. Finite.
    weight : array_like of shape (K, D)
        W, one row a class. Finite.
    targets : array_like
        Class indices y in [0, K) of shape `features.shape[:-1]`, or distributions of shape
        `(*features.shape[:-1], K)`, as for `softmax_cross_entropy`.
    bias : array_like of shape (K,), optional
        b, in nats. -inf masks a class.
    block_bytes : int, optional
        How many bytes the buffers may take together; 48 MiB if not given. With fewer the blocks get
        smaller and slower. 128 logits and as many rows of the weight are always held.
    class_weights, ignore_index, label_smoothing, z_loss, reduction
        As for `softmax_cross_entropy`.

    Returns
    -------
    float, or ndarray of shape `features.shape[:-1]` for "none"
        Nats, at least 0, in the dtype of `features` and `weight`: the wider one if they differ. +inf
        where the target gives weight to a masked class. The mean over no samples is 0.

    Raises
    ------
    ValueError
        If a feature or a weight is not finite, a bias is NaN or +inf, all of them are -inf, a logit
        overflows, `block_bytes` is not positive, or targets, options or shapes are wrong in a way that
        `softmax_cross_entropy` refuses too.
    TypeError
        If `features`, `weight` or `bias` do not hold real numbers, or class indices or `block_bytes`
        are not integers.

    Notes
    -----
    The logits are worked out in blocks of rows and classes, and of each row only a few numbers are carried
    from block to block: the largest logit m, the sum R = Σ_{j≠y} e^{z_j − m} and z_y, from which the loss
    is log1p(R / e^{z_y − m}). This is online softmax (Milakov and Gimelshein 2018, arXiv:1805.02867), with
    the true class kept out of the sum, so that the relative accuracy is that of `softmax_cross_entropy`.
    Apart from the buffers there are a few numbers for each row and each class, and two megabytes for each
    thread, or one row of a block if that is larger. The products are BLAS's, on as many threads as it was
    told to use. Chapter 13 builds it up.

    Examples
    --------
    >>> features = [[1.0, 0.0], [0.5, 2.0]]
    >>> weight = [[1.0, 0.5], [2.0, -1.0], [0.5, 1.0]]
    >>> linear_cross_entropy(features, weight, [1, 2]).round(5)
    np.float64(0.43862)
    >>> logits = np.array(features) @ np.transpose(weight)
    >>> logits
    array([[ 1.  ,  2.  ,  0.5 ],
           [ 1.5 , -1.  ,  2.25]])
    """
    options = Options(class_weights, ignore_index, label_smoothing, z_loss, reduction)
    return _evaluate(features, weight, targets, bias, block_bytes, options, with_grad=False)[0]


@overload
def linear_cross_entropy_with_grad(
    features: NDArray[F],
    weight: NDArray[F],
    targets: ArrayLike,
    bias: ArrayLike | None = ...,
    *,
    reduction: Literal["mean", "sum"] = ...,
    **options: Unpack[LinearOptions],
) -> tuple[F, LinearGrad]: ...
@overload
def linear_cross_entropy_with_grad(
    features: NDArray[F],
    weight: NDArray[F],
    targets: ArrayLike,
    bias: ArrayLike | None = ...,
    *,
    reduction: Literal["none"],
    **options: Unpack[LinearOptions],
) -> tuple[NDArray[F], LinearGrad]: ...
@overload
def linear_cross_entropy_with_grad(
    features: ArrayLike,
    weight: ArrayLike,
    targets: ArrayLike,
    bias: ArrayLike | None = ...,
    *,
    reduction: Literal["mean", "sum"] = ...,
    **options: Unpack[LinearOptions],
) -> tuple[Any, LinearGrad]: ...
@overload
def linear_cross_entropy_with_grad(
    features: ArrayLike,
    weight: ArrayLike,
    targets: ArrayLike,
    bias: ArrayLike | None = ...,
    *,
    reduction: Literal["none"],
    **options: Unpack[LinearOptions],
) -> tuple[NDArray[Any], LinearGrad]: ...
@explain_keywords
def linear_cross_entropy_with_grad(
    features: ArrayLike,
    weight: ArrayLike,
    targets: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    block_bytes: int | None = None,
    class_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    reduction: Literal["none", "sum", "mean"] = "mean",
) -> tuple[np.floating | NDArray[np.floating], LinearGrad]:
    """Return the softmax cross-entropy of a linear layer and its gradients, ∂L/∂W = (q − p) xᵀ, without its logits.

    Parameters
    ----------
    features, weight, targets, bias, block_bytes, class_weights, ignore_index, label_smoothing, z_loss, reduction
        As for `linear_cross_entropy`.

    Returns
    -------
    loss : float, or ndarray of shape `features.shape[:-1]` for "none"
        Nats, in the dtype of `features` and `weight`.
    grad : LinearGrad
        `grad.features` (..., D), `grad.weight` (K, D) and `grad.bias` (K,), in the dtype of the loss;
        `grad.bias` is None without a bias. With g = ∂L/∂z they are Wᵀ g, Σ_n g_n x_nᵀ and Σ_n g_n. Of the
        reduced loss: for "mean" they carry the 1/N. For "none", `grad.features` has in row n the
        gradient of loss n, and the other two are sums over all losses.

    Raises
    ------
    ValueError, TypeError
        As `linear_cross_entropy`.

    Notes
    -----
    The matrix of logits takes N K numbers, and its gradient as many again: 2,048 × 64,000 in float32
    are 524 MB each. Here a block of g takes at most 3/4 of `block_bytes`, and the products that are
    added to the gradients the rest: 50 MB in all, whatever N and K. With probability targets of another dtype
    or with masks, parts of a block are copied as well.

    Where a block has room for 128 rows or more (or for all) with all their classes, their logits are
    worked out once. Otherwise a second pass works them out again, which is four products for three
    (Wijmans et al. 2024, arXiv:2411.09009). g is as accurate as
    that of `softmax_cross_entropy_with_grad`: for a true class that is the largest it is −Σ_{j≠y} q_j. Chapter 7
    derives the gradients, chapter 13 builds the function up.

    The gradients of weight and bias are summed over the rows in float64, so that float32 keeps its digits
    for a million rows, and float16 is computed in float32, block by block.

    Examples
    --------
    >>> features = [[1.0, 0.0], [0.5, 2.0]]
    >>> weight = [[1.0, 0.5], [2.0, -1.0], [0.5, 1.0]]
    >>> loss, grad = linear_cross_entropy_with_grad(features, weight, [1, 2])
    >>> loss.round(5)
    np.float64(0.43862)
    >>> grad.weight.round(3)
    array([[ 0.194,  0.313],
           [-0.179,  0.026],
           [-0.014, -0.338]])
    >>> grad.features.shape
    (2, 2)
    """
    options = Options(class_weights, ignore_index, label_smoothing, z_loss, reduction)
    return _evaluate(features, weight, targets, bias, block_bytes, options, with_grad=True)


@np.errstate(all="ignore")
def _evaluate(
    features: ArrayLike,
    weight: ArrayLike,
    targets: ArrayLike,
    bias: ArrayLike | None,
    block_bytes: int | None,
    options: Options,
    with_grad: bool,
) -> tuple[np.floating | NDArray[np.floating], Any]:
    layer, dtype, batch = _make_layer(features, weight, bias)
    checked = make_targets(targets, (*batch, len(layer.weight)), layer.work, options)
    n_bytes = DEFAULT_BYTES if block_bytes is None else check_integer("block_bytes", block_bytes, minimum=1)
    tiling = _tiling(layer, dtype, n_bytes, with_grad)
    loss, grad = np.empty(len(layer.features), layer.work), None
    try:
        if with_grad:
            grad = _compute(layer, checked, tiling, loss, dtype).as_grad(batch, dtype)
        else:
            _first_pass(layer, checked, tiling, loss)
    except UnsoundError:
        _raise_unsound(layer, checked, tiling, batch)
    loss[checked.ignored] = 0
    return reduce_loss(loss, batch, dtype, options.reduction), grad


def _compute(layer: Layer, targets: Targets, tiling: Tiling, loss: Floats, dtype: DType) -> GradAccumulator:
    """Fill `loss`, and return the gradients of the layer."""
    sums = GradAccumulator(layer, tiling, dtype)
    if len(tiling.classes) == 1:
        to_gradient = partial(_compute_block, targets=targets, loss=loss)
    else:
        to_gradient = partial(_block_to_gradient, targets=targets, done=_first_pass(layer, targets, tiling, loss))
    buffer = np.empty(tiling.block_size, layer.work)
    for classes in tiling.classes:
        for rows in tiling.rows:
            z = layer.logits(rows, classes, tiling.classes_at_once, buffer)
            to_gradient(z, rows, classes)
            z[targets.ignored[(targets.ignored >= rows.start) & (targets.ignored < rows.stop)] - rows.start] = 0
            if layer.masked is not None:
                z[:, layer.masked[classes]] = 0
            sums.add(z, rows, classes)
    return sums


def _compute_block(z: Floats, rows: slice, classes: slice, targets: Targets, loss: Floats) -> None:
    """Fill `loss` for a block of whole rows, with all `classes`, and turn their logits into the gradient."""

    def compute(tile: slice, scratch: Floats) -> None:
        within = _within(rows, tile)
        loss[within] = compute_tile(z[tile], targets, within, scratch, with_grad=True)
        z[tile] = scratch

    for_each_tile(compute, z, z.dtype)


def _first_pass(layer: Layer, targets: Targets, tiling: Tiling, loss: Floats) -> Finalized:
    """Fill `loss`, and return what the second pass needs."""
    buffer, done = np.empty(tiling.block_size, layer.work), []
    for rows in tiling.rows:
        state = identity(rows.stop - rows.start, np.dtype(np.float64))  # many sums cost no digits
        for classes in tiling.classes:
            z = layer.logits(rows, classes, tiling.classes_at_once, buffer)
            state = merge(state, _reduce_block(z, targets, rows, classes))
        done.append(_in_dtype(finalize(state, targets.z_loss), layer.work))
        loss[rows] = done[-1].loss
    return Finalized(*map(np.concatenate, zip(*done, strict=True)))


def _in_dtype(done: Finalized, dtype: DType) -> Finalized:
    """Return what rows come to as numbers of `dtype`."""
    numbers: dict[str, Any] = {name: values.astype(dtype) for name, values in done._asdict().items() if name != "pivot"}
    return done._replace(**numbers)


def _reduce_block(z: Floats, targets: Targets, rows: slice, classes: slice) -> LseState:
    """Return the state of a block of logits."""
    state = identity(len(z), z.dtype)

    def compute(tile: slice, scratch: Floats) -> None:
        found = reduce_block(z[tile], targets, _within(rows, tile), classes, classes.start, scratch)
        for kept, values in zip(state, found, strict=True):
            kept[tile] = values

    for_each_tile(compute, z, z.dtype)
    return state


def _block_to_gradient(z: Floats, rows: slice, classes: slice, targets: Targets, done: Finalized) -> None:
    """Turn a block of logits into the gradient."""

    def compute(tile: slice, _: Floats) -> None:
        within = _within(rows, tile)
        block_to_gradient(z[tile], done.rows(within), targets.off_pivot(within, classes), classes.start)

    for_each_tile(compute, z, z.dtype)


def _within(rows: slice, tile: slice) -> slice:
    """Return which of all rows a tile of some rows is."""
    return slice(rows.start + tile.start, rows.start + tile.stop)


# The layer


class Layer(NamedTuple):
    """A linear layer and its inputs, in their original dtypes; `work` is the one to compute in."""

    features: Floats  #: of shape (N, D)
    weight: Floats  #: of shape (K, D)
    bias: Floats | None  #: of shape (K,), in the dtype to compute in, with 0 where a class is masked
    masked: NDArray[np.bool] | None  #: which classes are masked; None if none is
    work: DType

    def x(self, rows: slice) -> Floats:
        """Return a slice of the features to compute with."""
        return self.features[rows].astype(self.work, copy=False)

    def w(self, classes: slice) -> Floats:
        """Return a slice of the weight to compute with."""
        return self.weight[classes].astype(self.work, copy=False)

    def logits(self, rows: slice, classes: slice, classes_at_once: int, buffer: Floats) -> Floats:
        """Return the logits of a block, in the memory of `buffer`, worked out `classes_at_once` classes at a time."""
        x = self.x(rows)
        shape = len(x), classes.stop - classes.start
        z = buffer[: prod(shape)].reshape(shape)
        for chunk, inside in _subslices(classes, classes_at_once):
            self.fill(z[:, inside], x, chunk)
            # NaN and +inf will show in the largest logit of their row. -inf would pass for a mask: none is there yet.
            if not z[:, inside].min(initial=np.inf) > -np.inf:
                raise UnsoundError
            if self.masked is not None:
                z[:, inside][:, self.masked[chunk]] = -np.inf
        return z

    def fill(self, z: Floats, x: Floats, classes: slice) -> None:
        """Write x Wᵀ + b of some classes into `z`, without masks."""
        np.matmul(x, self.w(classes).T, out=z)
        if self.bias is not None:
            z += self.bias[classes]


def _make_layer(features: ArrayLike, weight: ArrayLike, bias: ArrayLike | None) -> tuple[Layer, DType, tuple[int, ...]]:
    """Check the shapes, and return the layer, the dtype of the results and the shape of the batch."""
    x, w = check_float("features", features), check_float("weight", weight)
    *batch, n_features = x.shape
    if w.ndim != 2:
        raise ValueError(f"weight must have shape (K, D), one row a class; got {w.shape}")
    if w.shape[1] != n_features:
        raise ValueError(
            f"weight must have shape (K, {n_features}), one column a feature, for features of shape {x.shape}; "
            f"got {w.shape}"
        )
    check_axis("weight", w, 0)
    dtype = np.result_type(x, w)
    work = working_dtype(dtype)
    bias, masked = (None, None) if bias is None else _split_bias(bias, len(w), work)
    return Layer(x.reshape(prod(batch), n_features), w, bias, masked, work), dtype, tuple(batch)


def _split_bias(bias: ArrayLike, n_classes: int, work: DType) -> tuple[Floats, NDArray[np.bool] | None]:
    """Return the bias with 0 in place of a mask, and which classes are masked, or None if none is."""
    bias = check_float("bias", bias)
    if bias.shape != (n_classes,):
        raise ValueError(f"bias must have shape ({n_classes},), one number a class; got {bias.shape}")
    bias = cast("bias", bias, work)
    if not np.isfinite(bias.max()):
        raise_bad_logits("bias", bias, 0)
    masked = bias == -np.inf
    return np.where(masked, 0, bias), masked if masked.any() else None


def _raise_unsound(layer: Layer, targets: Targets, tiling: Tiling, batch: tuple[int, ...]) -> NoReturn:
    """Say what made a block unsound. Only now is a second look at everything worthwhile."""
    _check_finite("features", layer.features.reshape(*batch, layer.features.shape[1]))
    _check_finite("weight", layer.weight)
    check_distributions(targets, (*batch, len(layer.weight)))
    logit, row, k = next(_overflows(layer, tiling))
    index = (*(int(i) for i in np.unravel_index(row, batch)), k)
    raise ValueError(f"logits, which are features @ weight.T + bias, must be finite; got {logit}{format_index(index)}")


def _check_finite(name: str, array: Floats) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        index = first_index(bad)
        raise ValueError(f"{name} must be finite; got {array[index]}{format_index(index)}")


def _overflows(layer: Layer, tiling: Tiling) -> Iterator[tuple[np.floating, int, int]]:
    """Yield a logit that is not finite in each chunk of classes that has one, with its row and its class."""
    for rows in tiling.rows:
        for chunk, _ in _subslices(slice(0, len(layer.weight)), tiling.classes_at_once):
            z = np.empty((rows.stop - rows.start, chunk.stop - chunk.start), layer.work)
            layer.fill(z, layer.x(rows), chunk)
            bad = ~np.isfinite(z)
            if bad.any():
                row, k = first_index(bad)
                yield z[row, k], rows.start + row, chunk.start + k


# How the table of logits is cut into blocks


class Tiling(NamedTuple):
    """Slices of the rows and of the classes, each pair of which is a block, and the sizes of the buffers in numbers."""

    rows: list[slice]
    classes: list[slice]
    classes_at_once: int  #: how many classes are multiplied at a time: so many rows of W fit the buffer for products
    block_size: int
    product_size: int


def _tiling(layer: Layer, dtype: DType, block_bytes: int, with_grad: bool) -> Tiling:
    """Cut so that a block takes at most 3/4 of `block_bytes`, and what its sums need takes the rest."""
    (n_rows, n_features), n_classes = layer.features.shape, len(layer.weight)
    numbers = block_bytes // layer.work.itemsize
    product_size = max(min(numbers // 8, max(n_rows, n_classes) * n_features), n_features)
    most = max(numbers * 3 // 4, FEWEST_CLASSES)
    # What is kept in another dtype than that of its array is kept for one block, and must not outgrow its logits.
    widest = max(most // max(n_features, 1), 1)
    most_rows = n_rows if layer.features.dtype == layer.work else min(n_rows, widest)
    most_classes = n_classes if not _is_wide(layer, dtype) else min(n_classes, max(widest // 6, 1))

    n, k = min(most_rows, most // n_classes), n_classes
    if n_rows and (not with_grad or k > most_classes or n < min(n_rows, ENOUGH_ROWS)):
        n = min(most_rows, isqrt(most))
        k = min(most_classes, most // max(n, 1))
    rows, classes = _slices(slice(0, n_rows), max(n, 1)), _slices(slice(0, n_classes), k)
    classes_at_once = max(product_size // max(n_features, 1), FEWEST_CLASSES)
    block_size = classes[0].stop * rows[0].stop
    return Tiling(rows, classes, classes_at_once, block_size, product_size)


def _slices(whole: slice, most: int) -> list[slice]:
    """Cut a slice into slices of at most `most`, as equal as can be; the first is the longest. At least one."""
    length = whole.stop - whole.start
    step = max(-(-length // max(-(-length // most), 1)), 1)
    return [
        slice(start, min(start + step, whole.stop))
        for start in range(whole.start, max(whole.stop, whole.start + 1), step)
    ]


def _subslices(classes: slice, most: int) -> Iterator[tuple[slice, slice]]:
    """Cut the classes of a block into chunks: each as a slice of all classes, and as one of the block."""
    for chunk in _slices(classes, most):
        yield chunk, slice(chunk.start - classes.start, chunk.stop - classes.start)


# Sums over blocks


class GradAccumulator:
    """The gradients of a layer, summed over blocks: rows before classes, from the first to the last of both."""

    def __init__(self, layer: Layer, tiling: Tiling, dtype: DType) -> None:
        self.layer, self.classes_at_once = layer, tiling.classes_at_once
        self.features: Floats = np.zeros(layer.features.shape, layer.work)
        self.weight = np.zeros(layer.weight.shape, dtype)
        self.bias: NDArray[np.float64] = np.zeros(len(layer.weight))
        self.product = np.empty(tiling.product_size, layer.work)
        # Sums over many rows are kept in float64 while they grow, for the classes of one block.
        width = tiling.classes[0].stop if _is_wide(layer, dtype) else 0
        self.wide: NDArray[np.float64] = np.empty((width, layer.weight.shape[1]))

    def add(self, g: Floats, rows: slice, classes: slice) -> None:
        """Add what a block of the gradient in the logits contributes to the gradients of the layer."""
        x = self.layer.x(rows)
        weight = self.wide[: g.shape[1]] if len(self.wide) else self.weight[classes]
        for chunk, inside in _subslices(classes, self.classes_at_once):
            g_chunk = g[:, inside]
            self._add(self.features[rows], g_chunk, self.layer.w(chunk), overwrite=chunk.start == 0)
            for some, _ in _subslices(slice(0, len(g)), ROWS_IN_A_ROW):
                self._add(weight[inside], g_chunk[some].T, x[some], overwrite=rows.start + some.start == 0)
            if self.layer.bias is not None:
                self.bias[chunk] += g_chunk.sum(0, dtype=np.float64)  # NumPy adds the rows one after another
        if len(self.wide) and rows.stop == len(self.features):
            self.weight[classes] = weight

    def _add(self, total: Floats, left: Floats, right: Floats, overwrite: bool) -> None:
        """Add a product to a total, or write it there, through no more than the buffer's memory."""
        if overwrite and total.dtype == left.dtype:
            np.matmul(left, right, out=total)
            return
        if overwrite:
            total[:] = 0
        step = max(self.product.size // max(total.shape[1], 1), 1)
        for start in range(0, len(total), step):
            chunk = total[start : start + step]
            product = self.product[: chunk.size].reshape(chunk.shape)
            chunk += np.matmul(left[start : start + step], right, out=product)

    def as_grad(self, batch: tuple[int, ...], dtype: DType) -> LinearGrad:
        """Return the sums in the shape of the batch, as numbers of `dtype`."""
        features = narrow(self.features, dtype).reshape(*batch, self.features.shape[1])
        return LinearGrad(features, self.weight, None if self.layer.bias is None else narrow(self.bias, dtype))


def _is_wide(layer: Layer, dtype: DType) -> bool:
    """Return whether sums over the rows need more digits than those of their dtype."""
    return dtype != layer.work or (dtype.char == "f" and len(layer.features) > ROWS_IN_A_ROW)
