"""The ways to the same unreduced losses and gradients: in one, row by row, through a linear layer, in Dask's pieces."""

import numpy as np
import pytest
from reference import MPMATH, assert_within, units_of, wanted_rows, wider_than

from xentlib import linear_cross_entropy_with_grad
from xentlib import softmax_cross_entropy as loss_of
from xentlib import softmax_cross_entropy_with_grad as loss_and_grad_of

INF = np.inf


def assert_contract(compute, z, targets, numbers=None, **options):
    """Hold the unreduced losses and gradients that `compute` returns against the wanted ones: some if by mpmath."""
    numbers = numbers or wider_than(z.dtype)
    losses, grads = compute(z, targets, **options)
    if numbers is MPMATH:
        some = slice(None, None, 1 + z.size // 1000)
        z, targets, losses, grads = (rows if rows is None else rows[some] for rows in (z, targets, losses, grads))
    wanted = wanted_rows(z, targets, numbers, **options)
    units = units_of(z, z.dtype)
    assert losses.dtype == z.dtype
    assert_within(losses, wanted[0], units, "loss")
    if grads is not None:
        assert grads.dtype == z.dtype
        assert_within(grads, wanted[1], units[:, np.newaxis], "gradient")


def whole(z, targets, **options):
    """All rows in one call."""
    return loss_and_grad_of(z, targets, reduction="none", **options)


def loss_alone(z, targets, **options):
    """The loss without its gradient."""
    return loss_of(z, targets, reduction="none", **options), None


def one_by_one(z, targets, **options):
    """Each row in a call of its own."""
    pairs = [loss_and_grad_of(row, target, reduction="none", **options) for row, target in zip(z, targets, strict=True)]
    return np.array([loss for loss, _ in pairs], z.dtype), np.array([grad for _, grad in pairs], z.dtype)


def linear(z, targets, block_bytes=None, **options):
    """Each row as the weight of a layer with one feature, 1, whose logits have no rounding. Masks are in the bias."""
    losses, grads = np.empty(len(z), z.dtype), np.empty_like(z)
    for n, row in enumerate(z):
        masked = row == -INF
        weight = np.where(masked, 0, row).astype(z.dtype)[:, np.newaxis]
        bias = np.where(masked, -INF, 0).astype(z.dtype) if masked.any() else None
        loss, grad = linear_cross_entropy_with_grad(
            np.ones((1, 1), z.dtype), weight, targets[n : n + 1], bias, block_bytes=block_bytes, reduction="sum",
            **options,
        )  # fmt: skip
        losses[n], grads[n] = loss, grad.weight[:, 0]
    return losses, grads


def in_chunks(z, targets, chunks, **options):
    """Dask's pieces, where Dask is installed."""
    dask, da = pytest.importorskip("dask"), pytest.importorskip("dask.array")
    from xentlib import sharded

    loss, grad = sharded.softmax_cross_entropy_with_grad(
        da.from_array(z, chunks=chunks), targets, reduction="none", **options
    )
    return dask.compute(loss, grad, scheduler="sync")
