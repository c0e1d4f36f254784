"""What several test modules compare with: the textbook formulas in mpmath, and inputs that are hard on purpose.

The reference takes exp, sums and divides as the definitions say. Its many digits, and no rearrangement that the
library could share, are what make it right.
"""

import re
from collections.abc import Callable
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


# What every option is held against, with more digits than the numbers under test


class Numbers(NamedTuple):
    """A kind of numbers with more digits than those under test, and its functions, all of which take arrays."""

    of: Callable
    exp: Callable
    log1p: Callable


def _each(function):
    return np.frompyfunc(function, 1, 1)


def _exp(x):
    return mpmath.exp(x) if x > -1e5 else mpmath.mpf(0)  # below what any dtype holds mpmath takes its time


MPMATH = Numbers(_each(lambda x: mpmath.mpf(float(x))), _each(_exp), _each(mpmath.log1p))
DOUBLE = Numbers(np.float64, np.exp, np.log1p)
# Of 80 bits on x86, but no wider than float64 on other machines, and on a few a pair of float64.
LONG_DOUBLE = Numbers(np.longdouble, np.exp, np.log1p) if np.finfo(np.longdouble).nmant in (63, 112) else MPMATH
DIGITS = 60


def wider_than(dtype):
    """Return the fastest numbers that have many more digits than `dtype`."""
    return LONG_DOUBLE if dtype == np.float64 else DOUBLE


def skip_without_long_double(dtype):
    """Skip a test of very many float64 numbers where only mpmath has more digits."""
    if dtype == np.float64 and LONG_DOUBLE is MPMATH:
        pytest.skip("long double has no more digits than float64 here, and mpmath would take minutes")


def working(dtype):
    """Return the dtype that numbers of `dtype` are computed in."""
    return np.dtype(np.float32 if dtype == np.float16 else dtype)


class Wanted(NamedTuple):
    """What is right, and what its errors are relative to."""

    value: np.ndarray
    scale: np.ndarray
    factor: np.ndarray = 1  #: what a number that may be subnormal is multiplied by, if that is more than 1


def weighted_target(targets, n_classes, numbers=MPMATH, *, class_weights=None, label_smoothing=0.0):
    """Return t = w ((1 − ε) p + ε/K) for class indices of shape (N,) or distributions of shape (N, K)."""
    targets = np.asarray(targets)
    p = targets if targets.ndim == 2 else np.equal.outer(targets, np.arange(n_classes)).astype(float)
    smoothing = numbers.of(label_smoothing)
    weights = numbers.of(np.ones(n_classes) if class_weights is None else np.asarray(class_weights))
    return weights * ((1 - smoothing) * numbers.of(p) + smoothing / n_classes)


@mpmath.workdps(DIGITS)
def wanted_rows(z, targets, numbers=MPMATH, *, z_loss=0.0, **options):
    """Return the losses and the gradients of rows of logits, unreduced, each as `Wanted`.

    No sum here has terms of different signs but those that the contract names. An entry of the gradient is relative
    to the larger of the two terms that are subtracted: of (Σt) q_i and t_i, or of (Σt) (1 − q_i) and Σ_{j≠i} t_j, if
    that is less. So without smoothing all digits of a true class count, however sure it is. What z_loss adds is
    relative to 2ζ q_i max(|m|, log1p r): lse = m + log1p r may cancel.
    """
    z = np.atleast_2d(z)
    each, top = np.arange(len(z)), z.argmax(1)
    masked = z == -np.inf
    t = weighted_target(targets, z.shape[1], numbers, **options)
    z, zeta = numbers.of(z), numbers.of(z_loss)
    with np.errstate(all="ignore"):
        m = z[each, top]
        below = m[:, np.newaxis] - z
        power = numbers.exp(-below)
        power[each, top] = 0
        r = power.sum(1)
        power[each, top] = 1
        log1p_r = numbers.log1p(r)
        lse = m + log1p_r
        q = power / (1 + r)[:, np.newaxis]

        main = np.where(t > 0, t * (below + log1p_r[:, np.newaxis]), 0 * t).sum(1)
        size = np.maximum(abs(m), log1p_r)
        total = t.sum(1)[:, np.newaxis]
        loss = Wanted(main + zeta * lse**2, main + 2 * zeta * size * abs(lse), total[:, 0])

        not_q, others = 1 - q, total - t
        not_q[each, top] = r / (1 + r)
        for most in (top, t.argmax(1)):  # where 1 − q_i and Σt − t_i may cancel
            rest = t.copy()
            rest[each, most] = 0
            others[each, most] = rest.sum(1)
        gradient = np.where(q > 0.5, others - total * not_q, total * q - t)
        scale = np.minimum(np.maximum(total * q, t), np.maximum(total * not_q, others))
        regular = 2 * zeta * q
        gradient += regular * lse[:, np.newaxis]
        scale = np.maximum(scale, regular * size[:, np.newaxis])
        gradient[masked] *= 0
        factor = total + (2 * zeta * size)[:, np.newaxis]
    return loss, Wanted(gradient, scale, factor)


def units_of(z, dtype):
    """Return the contract's bound for each row, in eps: 8 + gap, and log₂ K more where the classes are many.

    A class so far below that its probability rounds to 0 adds nothing to the error, and so not to the gap.
    """
    z = np.atleast_2d(z).astype(float)
    lowest = np.where(np.isfinite(z), z, np.inf).min(1)
    with np.errstate(over="ignore"):
        gap = np.minimum(z.max(1) - lowest, 104 if working(dtype) == np.float32 else 745)
    return 8 + gap + (np.log2(z.shape[1]) if z.shape[1] > 1000 else 0)


@mpmath.workdps(DIGITS)
def assert_within(got, wanted, units, what=""):
    """Assert that each number is within `units` of eps of the wanted one, beside its scale, before its last rounding.

    float16 is computed in float32 and rounded once. What lies beyond the range is inf.
    """
    got = np.asarray(got)
    info = np.finfo(working(got.dtype))
    value, scale, factor = np.broadcast_arrays(*wanted)
    assert got.shape == value.shape, what
    kind = float if value.dtype == object else value.dtype.type
    units = np.broadcast_to(np.asarray(units, float), got.shape)
    with np.errstate(all="ignore"):
        # Below the smallest normal number eps is no measure; there the last place is.
        last_place = 2 * np.maximum(factor, 1) * float(info.smallest_subnormal)
        allowed = units * float(info.eps) * scale + last_place
        low, high = (np.asarray(bound, dtype=float if value.dtype == object else None).astype(got.dtype)
                     for bound in (value - allowed, value + allowed))  # fmt: skip
        infinite = np.asarray(value == np.inf, bool)
        right = np.where(infinite, got == np.inf, (low <= got) & (got <= high))
        if not right.all():
            where = tuple(int(i) for i in np.argwhere(~right)[0])
            error = abs(kind(got[where]) - value[where]) / scale[where] / float(info.eps)
            raise AssertionError(
                f"{what} at {where}, and {np.sum(~right) - 1} more: {got[where]!r} for {mpmath.nstr(value[where], 17)}"
                f", {float(error):.5g} eps, at most {units[where]:.5g} allowed"
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
