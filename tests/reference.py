"""What several test modules compare with: the textbook formulas in mpmath, and inputs that are hard on purpose.

The reference takes exp, sums and divides as the definitions say. Its many digits, and no rearrangement that the
library could share, are what make it right.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from hypothesis import strategies as st

RUNNING_EXAMPLE = np.array([1.0, 2.0, 0.5])
LARGEST_GAP = {np.float32: 85, np.float64: 700}  # e^-gap is still a normal number

# One test for each: e^-17 and e^-40 are where 1 + e^-gap rounds to 1 in float32 and in float64.
HARD_CASES = [
    pytest.param(dtype, n_classes, gap, id=f"{dtype.__name__}-K{n_classes}-gap{gap}")
    for dtype, largest_gap in LARGEST_GAP.items()
    for n_classes in (2, 3, 10, 1000)
    for gap in ((0, 1, 17, 40, 85, 300, 700) if n_classes < 1000 else (17, largest_gap))
    if gap <= largest_gap
]
FEW_CLASSES = [case for case in HARD_CASES if case.values[1] <= 10]


def hard_logits(dtype, n_classes, gap):
    """Return rows of logits up to `gap` apart: all spread, one class on top, two on top; at several offsets."""
    spread = -gap * np.linspace(0, 1, n_classes)
    one_on_top = np.where(np.arange(n_classes) == 0, 0, -gap)
    two_on_top = np.where(np.arange(n_classes) < 2, 0, -gap)
    offsets = (0, -0.7, 1e4, 1e8) if n_classes < 1000 else (0, 1e8)
    rows = [row + offset for offset in offsets for row in (spread, one_on_top, two_on_top)]
    return np.array([np.roll(row, n) for n, row in enumerate(rows)]).astype(dtype)


def gap_of(z):
    """Return how far the logits lie apart, after their rounding to the dtype; without masked ones."""
    z = np.asarray(z, dtype=np.float64)
    z = z[np.isfinite(z)]
    return z.max() - z.min()


class Exact(NamedTuple):
    """log Σ_j e^{z_j}, the logarithms of softmax, and softmax, as numbers of mpmath."""

    logsumexp: mpmath.mpf
    log_q: list
    q: list


def exact(z):
    """Return logsumexp, log-softmax and softmax of one row of logits, to 50 digits beyond all that cancels."""
    return _exact(tuple(float(logit) for logit in z))


@lru_cache(maxsize=2000)
def _exact(z):
    with mpmath.workdps(digits_for(z)):
        exponentials = {logit: mpmath.exp(logit) for logit in set(z)}
        total = mpmath.fsum(exponentials[logit] for logit in z)
        logsumexp = mpmath.log(total)
        log_q = {logit: logit - logsumexp for logit in exponentials}
        q = {logit: power / total for logit, power in exponentials.items()}
        return Exact(logsumexp, [log_q[logit] for logit in z], [q[logit] for logit in z])


def digits_for(z):
    return 70 + int(gap_of(z) / np.log(10))


def exact_gradient(z, p):
    """Return (Σp) q_i − p_i for one row of logits and targets."""
    with mpmath.workdps(digits_for(z)):
        total = mpmath.fsum(map(float, p))
        return [total * q_i - float(p_i) for q_i, p_i in zip(exact(z).q, p, strict=True)]


def assert_accurate(got, wanted, units, scale=None):
    """Assert that each number is within `units` of eps of the wanted one, relative to it or to `scale` if given."""
    info = np.finfo(np.asarray(got).dtype)
    got = np.ravel(got).tolist()
    scale = wanted if scale is None else scale
    with mpmath.workdps(60):
        for n, (value, right, size) in enumerate(zip(got, wanted, scale, strict=True)):
            if mpmath.isinf(right):
                assert value == right, f"{value} for {right} at {n}"
                continue
            error = abs(value - right)
            # Below the smallest normal number eps is no measure; there the last place is.
            allowed = units * float(info.eps) * abs(size) + 2 * float(info.smallest_subnormal)
            assert error <= allowed, (
                f"at {n}: {value!r} for {mpmath.nstr(right, 20)}, "
                f"{mpmath.nstr(error / abs(size) / float(info.eps), 5)} units of eps, at most {units:.5g} allowed"
            )


def large_batch():
    """Return a large batch, and an index deep inside where a test may put something bad."""
    return np.zeros((40, 50, 7)), (31, 17, 5)


def exactly(message):
    """Return the pattern for `pytest.raises(match=…)` that only the whole message fits."""
    return f"^{re.escape(message)}$"


# Strategies


def generators():
    """Seeded generators of NumPy: the lists of floats that hypothesis draws hardly vary from example to example."""
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def logits(draw, gaps=(0, 1e-7, 1, 17, 40, 300, 700)):
    """Rows of float64 logits, from all equal to far apart, with ties in every third, at offsets from 0 to 1e8."""
    rng, n_classes = draw(generators()), draw(st.sampled_from((2, 3, 5, 8)))
    gap, offset = draw(st.sampled_from(gaps)), draw(st.sampled_from((0, -0.7, 1e4, -1e8)))
    depth = rng.uniform(size=n_classes)
    if draw(st.sampled_from((True, False, False))):
        depth = depth.round(1)
    return offset - gap * depth


@st.composite
def distributions(draw, n_classes=None, zeros=False):
    """Distributions over 2 to 8 classes, from even to nearly certain; with `zeros`, half of them rule one class out."""
    rng = draw(generators())
    n_classes = n_classes or draw(st.integers(2, 8))
    exponent = draw(st.sampled_from((0, 1, 10, 300)))
    p = 10.0 ** rng.uniform(-exponent, 0, n_classes) * rng.uniform(0.1, 1, n_classes)
    if zeros and draw(st.booleans()):
        p[rng.integers(n_classes)] = 0
    return p / p.sum()


def pairs_of_distributions(zeros=False):
    return st.integers(2, 8).flatmap(
        lambda n_classes: st.tuples(distributions(n_classes, zeros=zeros), distributions(n_classes))
    )
