"""Softmax cross-entropy of a linear layer, z = W x + b, without its N × K matrix of logits.

The logits are worked out a block of rows and classes at a time, in one buffer that all blocks use in turn. A first pass
keeps of each row only a summary of the classes seen so far (`_fold`). A second pass works out each block again, turns
it into the gradient in place, and multiplies it into the gradients of the layer. Where a block holds all classes of its
rows, its logits are still there when the summary is known, and one pass does both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isqrt, prod
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._fold import Solved, Summary, finish, merge, nothing, summarise, to_gradient
from xentlib._targets import Options, Target, make_target
from xentlib._validate import (
    DType,
    Floats,
    check_axis,
    check_float,
    first_index,
    format_index,
    raise_bad_logits,
    working_dtype,
)
from xentlib.loss import (
    UnsoundBlockError,
    check_distributions,
    reduce_loss,
    rows_of_block,
    solve_in_blocks,
    spread,
)

DEFAULT_BYTES = 48 << 20
ENOUGH_ROWS = 128  # With fewer in a block, adding to the gradient of W so often costs more than working out z again.


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
        smaller and slower. One logit and one row of the weight are always held.
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
        are no integers.

    Notes
    -----
    The logits are worked out in blocks of rows and classes, and of each row only the largest logit m
    and r = Σ_{j≠argmax} e^{z_j − m} are carried from block to block (Milakov and Gimelshein 2018,
    arXiv:1805.02867, in a form that keeps the relative accuracy of `softmax_cross_entropy`: r is
    without the 1 of the largest term). Beside the buffers there are a few numbers for each row and each
    class, and two megabytes for each thread, or one row of a block if that is larger. The products are
    BLAS's, on as many threads as it was told to use. Chapter 13 builds it up.

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
    are 524 MB each. Here a block of g takes at most 7/8 of `block_bytes`, and the products that are
    added to the gradients the rest: 50 MB in all, whatever N and K. With probability targets of another dtype
    or with masks, parts of a block are copied as well.

    Where a block has room for 128 rows or more (or for all) with all their classes, their logits are
    worked out once. Otherwise a second pass works them out again, which is four products for three
    (Wijmans et al. 2024, arXiv:2411.09009), and has not to wait for memory either. g is as accurate as
    that of `softmax_cross_entropy_with_grad`: of a true class that is the largest it is −Σ_{j≠y} q_j. Chapter 7 derives
    the gradients, chapter 13 builds the function up.

    float16 is widened block by block, and the gradients are summed in float32: of a block of the weight's,
    and of all the features'.

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
    target = make_target(targets, (*batch, len(layer.weight)), layer.work, options)
    cut = _cut(layer, dtype, _check_bytes(block_bytes), with_grad)
    loss = np.empty(len(layer.features), layer.work)
    sums = Sums(layer, cut, dtype) if with_grad else None
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            _solve(layer, target, cut, loss, sums)
        except UnsoundBlockError:
            _raise_unsound(layer, target, cut, batch)
        grad = None if sums is None else sums.as_grad(batch, dtype)
    if target.ignored is not None:
        loss[target.ignored] = 0
    return reduce_loss(loss, batch, dtype, options.reduction), grad


def _solve(layer: Layer, target: Target, cut: Cut, loss: Floats, sums: Sums | None) -> None:
    """Fill `loss`, and add the gradients up in `sums` if there are any."""
    buffer = np.empty(cut.block_size, layer.work)
    solved = None
    if len(cut.classes) > 1:
        solved = _first_pass(layer, target, cut, buffer, loss)
        if sums is None:
            return
    for classes in cut.classes:
        for rows in cut.rows:
            z = layer.logits(rows, classes, cut.piece, buffer)
            if solved is None:
                solve_in_blocks(z, target.rows(rows), loss[rows], z)
            else:
                _solve_again(z, target.rows(rows).classes(classes), solved.rows(rows), classes.start)
            if sums is not None:
                _clear(z, target.ignored, layer.masked, rows, classes)
                sums.add(z, rows, classes)


def _clear(
    grad: Floats, ignored: NDArray[np.bool] | None, masked: NDArray[np.bool] | None, rows: slice, classes: slice
) -> None:
    """Set the gradient of rows that do not count, and of masked classes, to 0."""
    if ignored is not None:
        grad[ignored[rows]] = 0
    if masked is not None:
        grad[:, masked[classes]] = 0


# What comes in


class Layer(NamedTuple):
    """A linear layer and its inputs, in the dtypes that they came in; `work` is the one to compute in."""

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

    def logits(self, rows: slice, classes: slice, piece: int, buffer: Floats) -> Floats:
        """Return the logits of a block, in the memory of `buffer`, worked out `piece` classes at a time."""
        x = self.x(rows)
        shape = len(x), classes.stop - classes.start
        z = buffer[: prod(shape)].reshape(shape)
        for part, inside in _pieces(classes, piece):
            self.fill(z[:, inside], x, part)
            # NaN and +inf will show in the largest logit of their row. -inf would pass for a mask: none is there yet.
            if not z[:, inside].min() > -np.inf:
                raise UnsoundBlockError
            if self.masked is not None:
                z[:, inside][:, self.masked[part]] = -np.inf
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
    """Return the bias with 0 in the place of a mask, and which classes are masked, or None if none is."""
    bias = check_float("bias", bias)
    if bias.shape != (n_classes,):
        raise ValueError(f"bias must have shape ({n_classes},), one number a class; got {bias.shape}")
    with np.errstate(over="ignore"):  # what float32 cannot hold is an inf, and refused as one
        bias = bias.astype(work)
    if not np.isfinite(bias.max()):
        raise_bad_logits("bias", bias, 0)
    masked = bias == -np.inf
    bias[masked] = 0
    return bias, masked if masked.any() else None


def _check_bytes(block_bytes: int | None) -> int:
    if block_bytes is None:
        return DEFAULT_BYTES
    message = f"block_bytes must be a positive whole number; got {block_bytes!r}"
    if isinstance(block_bytes, bool) or not isinstance(block_bytes, int | np.integer):
        raise TypeError(message)
    if block_bytes <= 0:
        raise ValueError(message)
    return int(block_bytes)


def _raise_unsound(layer: Layer, target: Target, cut: Cut, batch: tuple[int, ...]) -> NoReturn:
    """Say what made a block unsound. Only now is it worth a second look at everything."""
    _check_finite("features", layer.features.reshape(*batch, layer.features.shape[1]))
    _check_finite("weight", layer.weight)
    check_distributions(target, (*batch, len(layer.weight)))
    logit, row, k = next(_overflows(layer, cut))
    index = (*(int(i) for i in np.unravel_index(row, batch)), k)
    raise ValueError(f"logits, which are features @ weight.T + bias, must be finite; got {logit}{format_index(index)}")


def _check_finite(name: str, array: Floats) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        index = first_index(bad)
        raise ValueError(f"{name} must be finite; got {array[index]}{format_index(index)}")


def _overflows(layer: Layer, cut: Cut) -> Iterator[tuple[np.floating, int, int]]:
    """Yield a logit that is not finite in each piece that has one, with its row and its class."""
    for rows in cut.rows:
        for part, _ in _pieces(slice(0, len(layer.weight)), cut.piece):
            z = np.empty((rows.stop - rows.start, part.stop - part.start), layer.work)
            layer.fill(z, layer.x(rows), part)
            bad = ~np.isfinite(z)
            if bad.any():
                row, k = first_index(bad)
                yield z[row, k], rows.start + row, part.start + k


# How the table of logits is cut into blocks


class Cut(NamedTuple):
    """Slices of the rows and of the classes, each pair of which is a block, and the sizes of the buffers in numbers."""

    rows: list[slice]
    classes: list[slice]
    piece: int  #: how many classes are multiplied at a time: so many rows of W fit the buffer for products
    block_size: int
    product_size: int


def _cut(layer: Layer, dtype: DType, block_bytes: int, with_grad: bool) -> Cut:
    """Cut so that the logits of a block take at most 7/8 of `block_bytes`, and the buffer for products the rest."""
    (n_rows, n_features), n_classes = layer.features.shape, len(layer.weight)
    numbers = block_bytes // layer.work.itemsize
    product_size = max(numbers // 8, n_features)
    most = max(numbers - numbers // 8, 1)
    # What is kept in another dtype than that of its array is kept for one block, and must not outgrow its logits.
    widest = max(most // max(n_features, 1), 1)
    most_rows = n_rows if layer.features.dtype == layer.work else min(n_rows, widest)
    most_classes = n_classes if dtype == layer.work else min(n_classes, widest)

    n, k = min(most_rows, most // n_classes), n_classes
    if not with_grad or k > most_classes or n < min(n_rows, ENOUGH_ROWS):
        n = min(most_rows, isqrt(most))
        k = min(most_classes, most // max(n, 1))
    rows, classes = _slices(slice(0, n_rows), max(n, 1)), _slices(slice(0, n_classes), k)
    piece = max(product_size // max(n_features, 1), 1)
    block_size = classes[0].stop * (rows[0].stop if rows else 0)
    return Cut(rows, classes, piece, block_size, product_size)


def _slices(whole: slice, most: int) -> list[slice]:
    """Cut a slice into slices of at most `most`, as equal as can be; the first is the longest."""
    length = whole.stop - whole.start
    count = -(-length // most)
    step = -(-length // max(count, 1))
    return [slice(start, min(start + step, whole.stop)) for start in range(whole.start, whole.stop, max(step, 1))]


def _pieces(classes: slice, most: int) -> Iterator[tuple[slice, slice]]:
    """Cut the classes of a block into pieces, each as a slice of all classes, and as one of the block."""
    for part in _slices(classes, most):
        yield part, slice(part.start - classes.start, part.stop - classes.start)


def _spread(z: Floats, work: Callable[[slice], None]) -> None:
    """Call `work(part)` for slices of the rows of `z` that fit a core's cache, on as many threads as pay."""

    def work_on_some(parts: Iterator[slice]) -> None:
        for part in parts:
            work(part)

    spread(work_on_some, z.shape, rows_of_block(z.shape[1] * z.itemsize))


# The two passes over blocks of some of the classes


def _summarise_block(z: Floats, target: Target, first: int) -> Summary:
    """Return the summary of a block of logits, whose first class is `first`. Overwrites `z`."""
    found = nothing(len(z), z.dtype)

    def work(part: slice) -> None:
        for kept, values in zip(found, summarise(z[part], target.rows(part), first), strict=True):
            kept[part] = values

    _spread(z, work)
    return found


def _first_pass(layer: Layer, target: Target, cut: Cut, buffer: Floats, loss: Floats) -> Solved:
    """Fill `loss`, and return what the second pass needs."""
    solved = []
    for rows in cut.rows:
        target_rows = target.rows(rows)
        summary = nothing(rows.stop - rows.start, layer.work)
        for classes in cut.classes:
            z = layer.logits(rows, classes, cut.piece, buffer)
            summary = merge(summary, _summarise_block(z, target_rows.classes(classes), classes.start))
        loss[rows], of_rows = finish(summary, target_rows)
        solved.append(of_rows)
    return Solved(*(np.concatenate(parts) for parts in zip(*solved, strict=True)))


def _solve_again(z: Floats, target: Target, solved: Solved, first: int) -> None:
    """Turn a block of logits, whose first class is `first`, into its gradient."""

    def work(part: slice) -> None:
        to_gradient(z[part], target.rows(part), solved.rows(part), first)

    _spread(z, work)


class Sums:
    """The gradients of a layer, summed over blocks: rows before classes, from the first to the last of both."""

    def __init__(self, layer: Layer, cut: Cut, dtype: DType) -> None:
        self.layer, self.piece = layer, cut.piece
        self.features: Floats = np.zeros(layer.features.shape, layer.work)
        self.weight = np.zeros(layer.weight.shape, dtype)
        self.bias = None if layer.bias is None else np.zeros(layer.bias.shape, layer.work)
        self.product = np.empty(cut.product_size, layer.work)
        # A narrow dtype would lose digits with each sum: then the rows of a block are summed here.
        self.wide = None if dtype == layer.work else np.empty((cut.classes[0].stop, layer.weight.shape[1]), layer.work)

    def add(self, g: Floats, rows: slice, classes: slice) -> None:
        """Add what a block of the gradient by the logits makes of the gradients of the layer."""
        x = self.layer.x(rows)
        weight = self.weight[classes] if self.wide is None else self.wide[: g.shape[1]]
        for part, inside in _pieces(classes, self.piece):
            g_part = g[:, inside]
            self._add(self.features[rows], g_part, self.layer.w(part), first=part.start == 0)
            self._add(weight[inside], g_part.T, x, first=rows.start == 0)
            if self.bias is not None:
                self.bias[part] += g_part.sum(0)
        if self.wide is not None and rows.stop == len(self.features):
            self.weight[classes] = weight

    def _add(self, total: Floats, left: Floats, right: Floats, first: bool) -> None:
        """Add a product to a total, or write it there if it is the first, through no more than the buffer's memory."""
        if first:
            np.matmul(left, right, out=total)
            return
        step = max(self.product.size // max(total.shape[1], 1), 1)
        for start in range(0, len(total), step):
            part = total[start : start + step]
            product = self.product[: part.size].reshape(part.shape)
            part += np.matmul(left[start : start + step], right, out=product)

    def as_grad(self, batch: tuple[int, ...], dtype: DType) -> LinearGrad:
        """Return the sums in the shape of the batch, as numbers of `dtype`."""
        features = self.features.reshape(*batch, self.features.shape[1]).astype(dtype, copy=False)
        return LinearGrad(features, self.weight, None if self.bias is None else self.bias.astype(dtype, copy=False))
