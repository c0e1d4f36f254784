"""How far the loss of one row of logits is from what mpmath says: the confident rows, and those at an offset."""

from typing import NamedTuple

import mpmath
import numpy as np

from benchmarks import naive

DTYPES = (np.float32, np.float64)
GAPS = (10, 16, 17, 40, 700)
OFFSETS = (0, 1e4, 1e6, 1e8)


class Row(NamedTuple):
    """One row of logits, with the true class first, and the relative error of each peer's loss."""

    dtype: str
    question: str
    errors: dict  #: from the name of a peer to its error; empty where the loss itself is out of the dtype's range


def tables(peers):
    """Return a table for the gaps, and one for the offsets."""
    losses = {peer.name: _loss_by(peer) for peer in peers}
    losses["NumPy, −z_y + LSE"] = naive.log_sum_exp_minus_true
    gaps = [_row(dtype, f"gap {gap}", [gap, 0], losses) for dtype in DTYPES for gap in GAPS]
    offsets = [
        _row(dtype, f"offset {offset:,.0f}", [offset + 2, offset - 1], losses) for dtype in DTYPES for offset in OFFSETS
    ]
    return gaps, offsets


def _loss_by(peer):
    return lambda logits, y: peer.prepare(logits, y)()[0]


def _row(dtype, question, logits, losses):
    z, y = np.array([logits], dtype), np.zeros(1, np.int64)
    exact = _exact_loss(z[0])
    errors = {}
    if exact >= np.finfo(dtype).tiny:
        with np.errstate(divide="ignore"):
            errors = {name: relative_error(np.asarray(loss(z, y)).item(), exact) for name, loss in losses.items()}
    return Row(np.dtype(dtype).name, question, errors)


def _exact_loss(z):
    """Return log(1 + e^{z_1 − z_0}) of the logits as they are stored."""
    with mpmath.workdps(400):
        return mpmath.log1p(mpmath.exp(mpmath.mpf(float(z[1])) - float(z[0])))


def relative_error(got, exact):
    with mpmath.workdps(400):
        return float(abs(got - exact) / exact)
