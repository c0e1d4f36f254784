"""The softmax cross-entropy of rows that are seen a block of classes at a time.

A first pass keeps of each row only a `Summary` of the classes seen so far: the largest logit m, and the rest
r = Σ_{j≠argmax} e^{z_j − m}. Two summaries, of which the second has the smaller m', make one:

    r ← r + (1 + r') e^{m' − m}.

The 1 + r' is all of the second sum. Of the first the largest term stays left out, so that log1p gets a sum that was
never rounded beside a 1. A second pass turns each block into its gradient. The blocks may come in any order, and be
merged in any: one after the other (`linear`), or as a tree over many machines (`sharded`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentlib._targets import Target
from xentlib._validate import DType, Floats
from xentlib.loss import (
    UnsoundBlockError,
    from_rest,
    gradient_at_index,
    gradient_at_largest,
    plus,
    weigh,
    without_masks,
)


class Summary(NamedTuple):
    """What is kept of some of the classes, for each row. All of it is of shape (N,).

    The target t is here without what it has at a true class, which belongs to `at_y`.
    """

    largest: Floats  #: m; the lowest number where all these classes are masked
    rest: Floats  #: r = Σ_{j≠top} e^{z_j − m}; -1 where all are masked, so that 1 + r is 0
    top: NDArray[np.intp]  #: which class has the largest logit
    total: Floats  #: Σ_j t_j
    others: Floats  #: Σ_{j≠top} t_j
    linear: Floats  #: Σ_j t_j (z_j − m)
    at_y: Floats  #: z_y; -inf where y is not among these classes


def nothing(n_rows: int, dtype: DType) -> Summary:
    """Return the summary of no classes, which changes none that it is merged with."""
    lowest, zero = np.full(n_rows, np.finfo(dtype).min), np.zeros(n_rows, dtype)
    return Summary(
        lowest, zero - 1, np.zeros(n_rows, np.intp), zero, zero.copy(), zero.copy(), np.full_like(zero, -np.inf)
    )


def merge(one: Summary, two: Summary) -> Summary:
    """Return the summary of the classes of both."""
    swapped = two.largest > one.largest
    high = Summary(*(np.where(swapped, b, a) for a, b in zip(one, two, strict=True)))
    low = Summary(*(np.where(swapped, a, b) for a, b in zip(one, two, strict=True)))
    gap = np.maximum(low.largest - high.largest, np.finfo(low.largest.dtype).min)  # 0 · (−inf) would be NaN
    return Summary(
        high.largest,
        high.rest + (1 + low.rest) * np.exp(gap),
        high.top,
        high.total + low.total,
        high.others + low.total,
        high.linear + (low.linear + low.total * gap),
        np.maximum(high.at_y, low.at_y),
    )


def summarise(z: Floats, target: Target, first: int) -> Summary:
    """Return the summary of a block of logits, whose first class is `first`. Overwrites `z`."""
    lowest, each, top = np.finfo(z.dtype).min, np.arange(len(z)), z.argmax(1)
    largest = z[each, top]
    if not (largest < np.inf).all():
        raise UnsoundBlockError
    at_y = np.full_like(largest, -np.inf)
    if target.probs is None:
        row, k = _inside(target.index, first, z)
        at_y[row] = z[row, k]
    none = largest == -np.inf  # all classes here are masked
    largest = np.maximum(largest, lowest)
    z -= largest[:, np.newaxis]
    total, others, linear = _weigh(z, target, top)
    np.exp(z, out=z)
    z[each, top] = 0
    rest = np.where(none, -1, z.sum(1))
    return Summary(largest, rest, top + first, total, others, linear, at_y)


def _weigh(d: Floats, target: Target, top: NDArray[np.intp]) -> tuple[Any, Any, Any]:
    """Return Σ_j t_j, its part beside the largest logit, and Σ_j t_j (z_j − m), for a block of z − m."""
    linear: Floats
    if target.probs is None:
        t = target.share
        if t is None:
            return 0, 0, 0
        linear, total, others = d @ t, t.sum(), 0  # without its true class a sum of others would be of no use
    else:
        t = weigh(target)
        linear, total = np.einsum("nk,nk->n", t, d), t.sum(1)
    if not np.isfinite(linear).all():
        linear = without_masks(t, d)
    if target.probs is not None:
        t[np.arange(len(t)), top] = 0
        others = t.sum(1)
    return total, others, linear


def _inside(y: NDArray[np.intp], first: int, z: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which rows have their class y in a block whose first class is `first`, and where in it."""
    row = np.flatnonzero((y >= first) & (y < first + z.shape[1]))
    return row, y[row] - first


class Solved(NamedTuple):
    """What the second pass has to know of each row. All of it is of shape (N,)."""

    largest: Floats  #: m
    push: Floats  #: what turns e^{z − m} into the gradient, but for t
    special: NDArray[np.intp]  #: the class whose gradient is not computed as that difference; -1 for none
    gradient: Floats  #: its gradient

    def rows(self, part: slice) -> Solved:
        """Return what is known of the rows in the slice `part`."""
        return Solved(*(values[part] for values in self))  # type: ignore[arg-type]  # mypy merges the fields' types


def finish(summary: Summary, target: Target) -> tuple[Floats, Solved]:
    """Return the loss of each row, and what the second pass needs."""
    m, total, linear = summary.largest, summary.total, summary.linear
    if target.probs is None:
        d_y, a = summary.at_y - m, target.at_index
        total = a + total
        linear = np.where(a > 0, a * d_y, 0) + linear
    r = summary.rest
    loss, push, regular = from_rest(r, m, total, linear, target.z_loss)
    factor = plus(push, regular)
    if target.probs is None:
        return loss, Solved(m, factor, target.index, gradient_at_index(target, d_y, r, push, regular))
    # As in loss.py: beside an r that is large, the plain difference is the accurate one.
    pull = gradient_at_largest(r, push, regular)
    return loss, Solved(m, factor, np.where(r < 1, summary.top, -1), pull + summary.others)


def to_gradient(z: Floats, target: Target, solved: Solved, first: int) -> None:
    """Turn a block of logits, whose first class is `first`, into its gradient, in place."""
    z -= solved.largest[:, np.newaxis]
    np.exp(z, out=z)
    z *= solved.push[:, np.newaxis]
    if target.probs is not None:
        z -= weigh(target)
    elif target.share is not None:
        z -= target.share
    row, k = _inside(solved.special, first, z)
    z[row, k] = solved.gradient[row]
