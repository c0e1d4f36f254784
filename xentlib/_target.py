"""Targets and options of the loss, checked and put together into one weighted target t for each row.

All options come down to t: weights, smoothing and the divisor of a mean are factors in it. With lse = log Σ_j e^{z_j},

    loss = Σ_j t_j (lse − z_j) + ζ lse²  and  gradient = (Σ_j t_j + 2 ζ lse) q − t.

`make_targets` checks those of a batch. They give the kernel a `Target` for each tile: some rows, and all or some of
their classes.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._tiles import row_sum
from xentlib._validate import (
    DType,
    Floats,
    Index,
    as_array,
    cast,
    check_choice,
    check_float,
    check_integer,
    check_non_negative,
    check_number,
    first_index,
    format_index,
    narrow,
)

F = TypeVar("F", bound=np.floating)
Reduction: TypeAlias = Literal["none", "sum", "mean"]
REDUCTIONS = get_args(Reduction)
Rows: TypeAlias = slice | NDArray[np.intp]
ALL = slice(None)


class UnsoundError(Exception):
    """A tile has a logit that is NaN or +inf, a row of masks alone, or a target that is not a distribution."""


class Target(NamedTuple):
    """The target of a tile, with one class of each row set apart: the pivot.

    That is the true class, or the largest entry of a distribution. A pivot that is not among the classes of the tile
    has no target there.
    """

    pivot: NDArray[np.intp]  #: counted from the first class of the tile
    rows: Any  #: which rows have their pivot in the tile: all, as a slice, or an array of their numbers
    positions: NDArray[np.intp]  #: where it is in the memory of the tile, for those rows
    t_pivot: Floats  #: t of the pivot
    off_pivot: Any  #: t of the other classes: one number, or one for each class, or one for each entry
    off_pivot_sum: Any  #: Σ t of the other classes


# Options


class LossOptions(TypedDict, total=False):
    """The keyword options that all losses share, but for the reduction, on which the type of the result depends."""

    class_weights: ArrayLike | None
    ignore_index: int | None
    label_smoothing: float
    z_loss: float


class Options(NamedTuple):
    """The keyword options of the loss, as they were passed."""

    class_weights: ArrayLike | None
    ignore_index: int | None
    label_smoothing: float
    z_loss: float
    reduction: Reduction

    def check(self, n_classes: int) -> Factors:
        """Return the factors that the options put into a target, or say which of them is wrong."""
        check_choice("reduction", self.reduction, REDUCTIONS)
        smoothing = check_number("label_smoothing", self.label_smoothing, "lie in [0, 1]", lambda x: 0 <= x <= 1)
        z_loss = check_number("z_loss", self.z_loss, "be non-negative and finite", lambda x: 0 <= x < np.inf)
        if self.ignore_index is not None:
            check_integer("ignore_index", self.ignore_index)
        weights: Any = np.float64(1)
        if self.class_weights is not None:
            weights = check_float("class_weights", self.class_weights).astype(np.float64)
            if weights.shape != (n_classes,):
                raise ValueError(
                    f"class_weights must have shape ({n_classes},), one weight a class; got {weights.shape}"
                )
            check_non_negative("class_weights", weights)
        return Factors(weights, smoothing, z_loss, self.reduction)


class Factors(NamedTuple):
    """The factors that the options put into a target, in float64: factors that float32 cannot hold may cancel."""

    weights: Any  #: one for each class, or one number for all
    smoothing: float
    z_loss: float
    reduction: Reduction

    def check_range(self, dtype: DType) -> None:
        """Refuse weights that `dtype` cannot hold."""
        cast("class_weights", np.asarray(self.weights), dtype)
        cast("z_loss", np.asarray(self.z_loss), dtype)

    def unit(self) -> float:
        """Return the unit of the weights in which their sum neither overflows nor underflows. It cancels in a mean."""
        if self.reduction != "mean" or self.weights.ndim == 0:
            return 1.0
        return float(self.weights.max()) or 1.0

    def smoothing_weights(self, n_classes: int) -> Any:
        """Return the target that smoothing gives to each class: one number if it is the same for all."""
        return self.smoothing / n_classes * self.weights if self.smoothing else np.float64(0)

    def per_row(self, counted: float) -> float:
        """Return what the reduction multiplies each row by. A mean over nothing is 0, not 0/0."""
        if self.reduction != "mean":
            return 1.0
        return 1 / counted if counted else 0.0


# The targets of a batch


class IndexTargets(NamedTuple):
    """The targets of rows with class indices: t = weight e_y + smoothing_weights."""

    labels: NDArray[np.intp]  #: y
    weight: Any  #: one for each row, or one number for all
    smoothing_weights: Any  #: what smoothing gives to each class: one number, or one for each class
    z_loss: np.floating
    ignored: NDArray[np.intp]  #: which rows do not count
    n_classes: int

    def tile(self, rows: Rows) -> Target:
        """Return the target of some rows."""
        pivot = self.labels[rows]
        smoothing, off_pivot_sum = _split(self.smoothing_weights, pivot, self.n_classes)
        weight = self.weight if self.weight.ndim == 0 else self.weight[rows]
        positions = _positions(pivot, self.n_classes)
        return Target(pivot, ALL, positions, weight + smoothing, self.smoothing_weights, off_pivot_sum)

    def block(self, rows: Rows, classes: slice, argmax: NDArray[np.intp]) -> Target:
        """Return the target of some rows and classes, the largest logits of which are at `top`."""
        n_classes, off, pivot = classes.stop - classes.start, self.off_pivot(rows, classes), self.labels[rows]
        if off.ndim:
            return _set_apart(off, argmax)
        pivot = pivot - classes.start
        inside, positions = locate(pivot, n_classes)
        weight = self.weight if self.weight.ndim == 0 else self.weight[rows][inside]
        t_pivot = np.zeros(len(pivot), self.weight.dtype)
        t_pivot[inside] = weight + off
        off_pivot_sum = np.full_like(t_pivot, off * off.dtype.type(n_classes))
        off_pivot_sum[inside] = off * off.dtype.type(n_classes - 1)
        return Target(pivot, inside, positions, t_pivot, off, off_pivot_sum)

    def off_pivot(self, rows: Rows, classes: slice) -> Any:
        """Return the target of the classes that are not the pivot: one number, or a new array.

        Weights may make another class than the true one the largest, or the whole target small against the z-loss.
        """
        if self.smoothing_weights.ndim == 0 and not (self.z_loss and self.weight.ndim):
            return self.smoothing_weights
        labels, n_classes = self.labels[rows], classes.stop - classes.start
        t = np.empty((len(labels), n_classes), self.smoothing_weights.dtype)
        t[:] = self.smoothing_weights if self.smoothing_weights.ndim == 0 else self.smoothing_weights[classes]
        inside, positions = locate(labels - classes.start, n_classes)
        t.reshape(-1)[positions] += self.weight if self.weight.ndim == 0 else self.weight[rows][inside]
        return t


def _split(weights: Any, pivot: NDArray[np.intp], n_classes: int) -> tuple[Any, Any]:
    """Return what smoothing gives to the pivot of each row, and to its other classes together."""
    if weights.ndim == 0:
        return weights, weights * weights.dtype.type(n_classes - 1)
    return weights[pivot], _sums_of_others(weights)[pivot]


def _sums_of_others(weights: Floats) -> Floats:
    """Return Σ_{j≠k} w_j for each class k, with its digits where one class has nearly all."""
    sums = weights.sum() - weights
    k = weights.argmax()
    sums[k] = weights[:k].sum() + weights[k + 1 :].sum()
    return sums


class DistributionTargets(NamedTuple):
    """The targets of rows with distributions: t = scale p + smoothing_weights."""

    probs: Floats  #: p, in its original dtype: a copy would need as much memory
    scale: Any  #: one for each class, or one number for all
    smoothing_weights: Any  #: what smoothing gives to each class: one number, or one for each class
    z_loss: np.floating
    ignored: NDArray[np.intp]  #: which rows do not count: none

    def tile(self, rows: Rows) -> Target:
        """Return the target of some rows, with a pivot that serves where the loss is not small compared with Σ_j t_j.

        It is the class with more than half of the target, where there is one, if all rows have as much as the first.
        """
        t = self.off_pivot(rows, slice(None))
        row, largest = np.divmod(np.flatnonzero(t > t[:1].sum() / 2), t.shape[1])
        pivot = np.zeros(len(t), np.intp)
        pivot[row] = largest
        return _set_apart(t, pivot)

    def block(self, rows: Rows, classes: slice, argmax: NDArray[np.intp]) -> Target:
        """Return the target of some rows and classes, the largest logits of which are at `top`."""
        return _set_apart(self.off_pivot(rows, classes), argmax)

    def off_pivot(self, rows: Rows, classes: slice) -> Floats:
        """Return the target as a new array."""
        p = self.probs[rows, classes].astype(self.scale.dtype, copy=False)
        t = np.multiply(p, self.scale if self.scale.ndim == 0 else self.scale[classes], order="C")
        if self.smoothing_weights.any():
            t += self.smoothing_weights if self.smoothing_weights.ndim == 0 else self.smoothing_weights[classes]
        if not np.minimum.reduce(p, axis=None, initial=0) >= 0:
            raise UnsoundError
        return t


def _set_apart(t: Floats, pivot: NDArray[np.intp]) -> Target:
    """Return a distribution with the pivot taken out of it, in place."""
    positions, entries = _positions(pivot, t.shape[1]), t.reshape(-1)
    t_pivot = entries[positions]
    entries[positions] = 0
    off_pivot_sum = row_sum(t)
    if not np.isfinite(t_pivot + off_pivot_sum).all():
        raise UnsoundError
    return Target(pivot, ALL, positions, t_pivot, t, off_pivot_sum)


def locate(pivot: NDArray[np.intp], n_classes: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which rows have their pivot among some classes, and where in the memory of their table that is."""
    inside = np.flatnonzero((pivot >= 0) & (pivot < n_classes))
    return inside, _positions(pivot, n_classes)[inside]


def _positions(pivot: NDArray[np.intp], n_classes: int) -> NDArray[np.intp]:
    """Return where in the memory of a table of rows the pivot of each row is."""
    return n_classes * np.arange(len(pivot)) + pivot


Targets: TypeAlias = IndexTargets | DistributionTargets


# Checks, and the reduction


def make_targets(
    targets: ArrayLike, shape: tuple[int, ...], dtype: DType, options: Options, offset: Index = ()
) -> Targets:
    """Check targets and options against logits of `shape`, and return them as numbers of `dtype`.

    If these are some rows of more, `offset` is where they begin.
    """
    return targets_with(options.check(shape[-1]), targets, shape, dtype, options.ignore_index, offset)


def targets_with(
    factors: Factors,
    targets: ArrayLike,
    shape: tuple[int, ...],
    dtype: DType,
    ignore_index: int | None,
    offset: Index = (),
) -> Targets:
    """Do what `make_targets` does, with options that have been checked."""
    targets = as_array("targets", targets)
    if targets.shape == shape[:-1]:
        return _index_targets(targets, shape[-1], dtype, factors, ignore_index, offset)
    if targets.shape != shape:
        raise ValueError(
            f"targets must have shape {shape[:-1]} (class indices) or {shape} (distributions) "
            f"for logits of shape {shape}; got {targets.shape}"
        )
    if ignore_index is not None:
        raise ValueError(f"ignore_index must be None where targets are distributions; got {ignore_index}")
    return _distribution_targets(targets, dtype, factors)


def _index_targets(
    targets: NDArray[Any], n_classes: int, dtype: DType, factors: Factors, ignore_index: int | None, offset: Index
) -> IndexTargets:
    labels, ignored = _labels(targets, n_classes, ignore_index, offset)
    unit, weights, counted = factors.unit(), factors.weights, float(labels.size)
    weight = weights = weights / unit
    if weights.ndim or ignored.size:
        weight = np.broadcast_to(weights, n_classes)[labels]
        weight[ignored] = 0
        counted = float(weight.sum())
    if factors.reduction != "mean":
        factors.check_range(dtype)
    per_row = factors.per_row(counted)
    weight = _in_dtype((1 - factors.smoothing) * per_row * weight, dtype)
    smoothing = _in_dtype(factors.smoothing_weights(n_classes) * per_row / unit, dtype)
    return IndexTargets(labels, weight, smoothing, dtype.type(factors.z_loss * per_row / unit), ignored, n_classes)


def _labels(
    targets: NDArray[Any], n_classes: int, ignore_index: int | None, offset: Index
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the class indices of all rows, with 0 for the rows that do not count, and which these are."""
    if targets.dtype.kind not in "iu" and targets.size:
        raise TypeError(f"targets of shape {targets.shape} must be integer class indices; got dtype {targets.dtype}")
    labels = targets.reshape(-1).astype(np.intp, copy=False)
    ignored: NDArray[np.intp] = np.empty(0, np.intp)
    if ignore_index is not None:
        ignored = np.flatnonzero(targets == ignore_index)
        labels = labels.copy()
        labels[ignored] = 0
    if labels.size and np.maximum.reduce(labels.view(np.uintp)) >= n_classes:  # unsigned, a negative one is huge
        index = first_index(((targets < 0) | (targets >= n_classes)) & (targets != ignore_index))
        raise ValueError(f"targets must lie in [0, {n_classes}); got {targets[index]}{format_index(index, offset)}")
    return labels, ignored


def _distribution_targets(targets: NDArray[Any], dtype: DType, factors: Factors) -> DistributionTargets:
    probs = check_float("targets", targets, allow_bool=True)
    probs = probs.reshape(-1, probs.shape[-1])
    factors.check_range(dtype)
    per_row = factors.per_row(len(probs))
    return DistributionTargets(
        probs,
        _in_dtype((1 - factors.smoothing) * per_row * factors.weights, dtype),
        _in_dtype(factors.smoothing_weights(probs.shape[1]) * per_row, dtype),
        dtype.type(factors.z_loss * per_row),
        np.empty(0, np.intp),
    )


def _in_dtype(factor: Any, dtype: DType) -> Any:
    """Return one number or many in `dtype`."""
    return factor.astype(dtype) if factor.ndim else dtype.type(factor)


def check_distributions(targets: Targets, shape: tuple[int, ...], offset: Index = ()) -> None:
    """Refuse a probability that is negative or not finite, and a row of them whose sum is not, with its index."""
    if isinstance(targets, DistributionTargets):
        with np.errstate(all="ignore"):
            probs = cast("targets", targets.probs.reshape(shape), targets.scale.dtype, offset)
            check_non_negative("targets", probs, offset)
            overflows = np.isinf((probs * targets.scale + targets.smoothing_weights).sum(-1))
        if overflows.any():
            where = format_index(first_index(overflows), offset)
            raise ValueError(f"targets must have a finite sum over the classes; got inf{where}")


def reduce_loss(losses: Floats, shape: tuple[int, ...], dtype: DType, reduction: Reduction) -> Any:
    """Return the losses of the rows in the batch's `shape`, or their sum: a mean's divisor is in the target."""
    if reduction == "none":
        return narrow(losses.reshape(shape), dtype)[()]
    return dtype.type(np.add.reduce(losses, dtype=np.float64))
