"""Targets and options of the loss, checked and put together into one weighted target a row."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._validate import DType, Floats, Index, as_float, check_float, check_non_negative, first_index, format_index

Reduction: TypeAlias = Literal["none", "sum", "mean"]
REDUCTIONS = get_args(Reduction)
_ONE: Floats = np.ones(1)


class Options(NamedTuple):
    """The keyword options of the loss, as they were passed."""

    class_weights: ArrayLike | None
    ignore_index: int | None
    label_smoothing: float
    z_loss: float
    reduction: Reduction


class Target(NamedTuple):
    """What the rows aim at, with weights, smoothing and the reduction's divisor multiplied in.

    With class indices t = at_index e_y + share, with distributions t = scale p + share. What only the other kind needs
    is None, which the types leave open: it is known from the kind, and need not be asked each time.
    """

    index: NDArray[np.intp] | Any  # type: ignore[assignment]  # it hides a method of tuples  #: y, of shape (N,)
    at_index: Floats | Any  #: of shape (N,), or (1,) where it is the same for all rows
    probs: Floats | Any  #: p, of shape (N, K), in the dtype that it came in: a copy would need as much memory
    scale: Floats | Any  #: of shape (K,), or (1,) where it is the same for all classes
    share: Floats | None  #: what smoothing gives to each class, of shape (K,)
    z_loss: np.floating
    ignored: NDArray[np.bool] | None  #: which rows do not count

    @property
    def n_rows(self) -> int:
        """N."""
        return len(self.index if self.probs is None else self.probs)

    def rows(self, part: slice) -> Target:
        """Return the target of the rows in the slice `part`."""
        if part.start == 0 and part.stop == self.n_rows:
            return self
        if self.probs is not None:
            return self._replace(probs=self.probs[part])
        at_index = self.at_index if len(self.at_index) == 1 else self.at_index[part]
        return self._replace(index=self.index[part], at_index=at_index)

    def classes(self, part: slice) -> Target:
        """Return the target of the classes in the slice `part`. The class indices still count from the first of all."""
        probs = self.probs if self.probs is None else self.probs[:, part]
        scale = self.scale if self.scale is None or len(self.scale) == 1 else self.scale[part]
        return self._replace(probs=probs, scale=scale, share=self.share if self.share is None else self.share[part])


def make_target(
    targets: ArrayLike, shape: tuple[int, ...], dtype: DType, options: Options, first: Index = ()
) -> Target:
    """Check targets and options against logits of `shape`, and return them as a `Target` of numbers of `dtype`.

    If these are some rows of more, `first` is where they begin.
    """
    if options.reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}; got {options.reduction!r}")
    if not 0 <= options.label_smoothing <= 1:
        raise ValueError(f"label_smoothing must lie in [0, 1]; got {options.label_smoothing}")
    if not 0 <= options.z_loss < np.inf:
        raise ValueError(f"z_loss must be non-negative and finite; got {options.z_loss}")
    weights = None if options.class_weights is None else _check_weights(options.class_weights, shape[-1])
    targets = np.asarray(targets)
    if targets.shape == shape[:-1]:
        return _index_target(targets, shape[-1], weights, dtype, options, first)
    if targets.shape == shape:
        return _distribution_target(targets, weights, dtype, options)
    raise ValueError(
        f"targets must have shape {shape[:-1]} (class indices) or {shape} (distributions) "
        f"for logits of shape {shape}; got {targets.shape}"
    )


def _index_target(
    targets: NDArray[Any], n_classes: int, weights: Floats | None, dtype: DType, options: Options, first: Index
) -> Target:
    if targets.dtype.kind not in "iu" and targets.size:
        raise TypeError(f"targets of shape {targets.shape} must be integer class indices; got dtype {targets.dtype}")
    y = targets.reshape(-1).astype(np.intp, copy=False)
    ignored = None
    if options.ignore_index is not None:
        ignored = y == options.ignore_index
        y = np.where(ignored, 0, y)
    if y.size and np.maximum.reduce(y.view(np.uintp)) >= n_classes:  # a negative index is a huge unsigned one
        index = first_index(((targets < 0) | (targets >= n_classes)) & (targets != options.ignore_index))
        raise ValueError(f"targets must lie in [0, {n_classes}); got {targets[index]}{format_index(index, first)}")

    at_index: Floats | float
    if weights is None and ignored is None:
        at_index, total = 1.0, y.size
    else:
        at_index = np.ones(y.size) if weights is None else weights[y]
        if ignored is not None:
            at_index[ignored] = 0
        total = at_index.sum()
    factor = _factor(total, options)
    share = _share(weights, n_classes, factor, options)
    at_index = np.array((1 - options.label_smoothing) * factor * at_index, dtype, ndmin=1)
    share = share if share is None else share.astype(dtype)
    return Target(y, at_index, None, None, share, dtype.type(options.z_loss * factor), ignored)


def _distribution_target(targets: NDArray[Any], weights: Floats | None, dtype: DType, options: Options) -> Target:
    if options.ignore_index is not None:
        raise ValueError(f"ignore_index must be None where targets are distributions; got {options.ignore_index}")
    p = check_float("targets", targets)
    p = p.reshape(-1, p.shape[-1])
    factor = _factor(len(p), options)
    share = _share(weights, p.shape[-1], factor, options)
    scale = (1 - options.label_smoothing) * factor * (_ONE if weights is None else weights)
    share = share if share is None else share.astype(dtype)
    return Target(None, None, p, scale.astype(dtype), share, dtype.type(options.z_loss * factor), None)


def _factor(total: float, options: Options) -> float:
    """Return what the reduction multiplies each row by. A mean over nothing is 0, not 0/0."""
    if options.reduction != "mean":
        return 1.0
    return 1 / total if total else 0.0


def _share(weights: Floats | None, n_classes: int, factor: float, options: Options) -> Floats | None:
    if options.label_smoothing == 0:
        return None
    return options.label_smoothing * factor / n_classes * (np.ones(n_classes) if weights is None else weights)


def _check_weights(class_weights: ArrayLike, n_classes: int) -> Floats:
    weights, _ = as_float("class_weights", class_weights)
    if weights.shape != (n_classes,):
        raise ValueError(f"class_weights must have shape ({n_classes},), one weight a class; got {weights.shape}")
    check_non_negative("class_weights", weights)
    return weights.astype(np.float64)
