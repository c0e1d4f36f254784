"""The whole range of each dtype, in one and in pieces: far logits, temperatures and weights at either end, subnormals.

A result is inf only where the right one is beyond the range, and keeps its digits down to the last subnormal number.
"""

from functools import partial
from itertools import combinations, product

import numpy as np
import pytest
from reference import (
    DIGITS,
    LONG_DOUBLE,
    Wanted,
    assert_within,
    mpmath,
    units_of,
    wanted_rows,
    weighted_target,
    working,
)
from ways import assert_contract, in_chunks, linear, loss_alone, one_by_one, whole

from xentlib import linear_cross_entropy, linear_cross_entropy_with_grad, log_softmax, logsumexp, softmax
from xentlib import softmax_cross_entropy as loss_of
from xentlib import softmax_cross_entropy_with_grad as loss_and_grad_of

INF = np.inf
DTYPES = [np.float16, np.float32, np.float64]
KINDS = ("index", "distribution")


def extremes(dtype):
    """Return the numbers at both ends of a dtype's range, and a few ordinary ones."""
    info = np.finfo(dtype)
    most, least = float(info.max), float(info.smallest_subnormal)
    positive = [most, most / 1.75, most / 2, most**0.5, 100.0, 1.0, float(info.tiny), 3 * least, least]
    return np.array([*positive, 0, *(-x for x in positive)])


def far_rows(dtype, n_classes, n_rows=60, masks=True):
    """Return rows of such numbers, every third with masks, and at first those with the largest difference."""
    rng = np.random.default_rng(n_classes)
    ends = extremes(dtype)
    z = rng.choice(ends, size=(n_rows, n_classes)).astype(dtype)
    z[0], z[1], z[2] = ends[-9], ends[0], ends[2]
    z[0, 0] = z[1, -1] = 0
    z[3], z[3, 0] = ends[-9], ends[0]
    z[4], z[4, -1] = ends[-9], ends[0]
    z[5] = ends[8]
    if masks:
        z[6::3, 1:][rng.random((len(z[6::3]), n_classes - 1)) < 0.3] = -INF
    return z


def targets_for(kind, z):
    rng = np.random.default_rng(1)
    if kind == "index":
        return rng.integers(z.shape[1], size=len(z))
    p = rng.random(z.shape) * (rng.random(z.shape) < 0.7)
    p[::2][z[::2] == -INF] = 0
    return (p / np.maximum(p.sum(1, keepdims=True), 1)).astype(working(z.dtype))


SOME_OPTIONS = [
    {},
    {"label_smoothing": 0.1},
    {"class_weights": np.array([0.5, 1e-3, 2.0, 0.0, 1.0])},
    {"class_weights": np.array([0.5, 1e-3, 2.0, 0.0, 1.0]), "label_smoothing": 0.1, "z_loss": 1e-3},
]


def compositions(n, parts=None):
    """Return all ways to cut n classes into pieces that are not empty."""
    return [
        tuple(np.diff([0, *cuts, n]).tolist())
        for count in range(n)
        for cuts in combinations(range(1, n), count)
        if parts is None or count + 1 == parts
    ]


# Far logits


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", SOME_OPTIONS, ids=lambda options: "-".join(options) or "plain")
def test_far_logits_in_one(dtype, kind, options):
    for n_classes in (1, 2, 5, 40):
        some = dict(options)
        if "class_weights" in options:
            some["class_weights"] = np.resize(options["class_weights"], n_classes)
        z = far_rows(dtype, n_classes)
        for way in (whole, one_by_one, loss_alone):
            assert_contract(way, z, targets_for(kind, z), numbers=LONG_DOUBLE, **some)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", SOME_OPTIONS[::3], ids=["plain", "all"])
def test_far_logits_in_pieces(dtype, kind, options):
    """At every cut of five classes, alone and after an empty piece, between two, and before one."""
    z = far_rows(dtype, 5)
    targets = targets_for(kind, z)
    itemsize = working(dtype).itemsize
    for block_bytes in (1, *(itemsize * n for n in range(2, 7)), None):
        assert_contract(partial(linear, block_bytes=block_bytes), z, targets, numbers=LONG_DOUBLE, **options)
    for chunks in compositions(5):
        if dtype == np.float64 or len(chunks) in (2, 5):
            assert_contract(partial(in_chunks, chunks=(60, chunks)), z, targets, numbers=LONG_DOUBLE, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_empty_pieces_of_classes_and_of_samples(kind):
    dask, da = pytest.importorskip("dask"), pytest.importorskip("dask.array")
    from xentlib import sharded

    z = far_rows(np.float64, 5, n_rows=20)
    targets = targets_for(kind, z)
    for chunks in ((0, 5), (5, 0), (2, 0, 3), (0, 2, 0, 0, 3, 0)):
        for samples in (20, (0, 20), (7, 0, 13)):
            way = partial(in_chunks, chunks=(samples, chunks))
            assert_contract(way, z, targets, numbers=LONG_DOUBLE, **SOME_OPTIONS[3])
    empty = da.from_array(np.zeros((0, 5)), chunks=(0, (2, 0, 3)))
    for reduction in ("none", "sum", "mean"):
        parts = sharded.softmax_cross_entropy_with_grad(empty, targets[:0], reduction=reduction)
        loss, grad = dask.compute(*parts, scheduler="sync")
        assert (loss.shape, grad.shape) == (((0,) if reduction == "none" else ()), (0, 5))
        assert not loss.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_far_logits_of_many_rows_in_one_layer(dtype, kind):
    """Cut along both axes. Row n of the logits is column n of the weight: the features are 0 but for a 1."""
    z = far_rows(dtype, 5, n_rows=16, masks=False)
    targets, features = targets_for(kind, z), np.eye(16, dtype=dtype)

    def layer(z, targets, block_bytes, **options):
        losses = linear_cross_entropy(
            features, z.T, targets, np.zeros(5, dtype), block_bytes=block_bytes, reduction="none"
        )
        _, grad = linear_cross_entropy_with_grad(features, z.T, targets, block_bytes=block_bytes, reduction="sum")
        return losses, grad.weight.T

    for block_bytes in (1, 30, 100, 200, 600, None):
        assert_contract(partial(layer, block_bytes=block_bytes), z, targets, numbers=LONG_DOUBLE)


def test_a_difference_that_overflows_is_no_mask():
    """And its loss, which overflows as well, still has a gradient."""
    for way in (whole, one_by_one, linear, partial(linear, block_bytes=1), partial(in_chunks, chunks=(1, 1))):
        losses, grads = way(np.array([[1e308, -1e308]]), np.array([1]))
        assert losses.tolist() == [INF]
        assert grads.tolist() == [[1, -1]]
        losses, grads = way(np.array([[1e308, -1e308]]), np.array([[0.75, 0.25]]))
        assert losses.tolist() == pytest.approx([5e307], rel=1e-15)
        assert grads.tolist() == [[0.25, -0.25]]


# Empty batches


@pytest.mark.parametrize("n_classes", [1, 5, 50_000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_empty_batch_however_the_classes_are_cut(dtype, n_classes):
    features, weight, bias = np.zeros((0, 4), dtype), np.zeros((n_classes, 4), dtype), np.zeros(n_classes, dtype)
    for targets in (np.zeros(0, int), np.zeros((0, n_classes), dtype)):
        for block_bytes, reduction in ((1, "mean"), (200, "sum"), (None, "none"), (None, "mean")):
            if block_bytes == 1 and n_classes > 5:
                block_bytes = 10_000
            arguments = (features, weight, targets, bias)
            options = {"block_bytes": block_bytes, "reduction": reduction, "label_smoothing": 0.1, "z_loss": 0.1}
            loss, grad = linear_cross_entropy_with_grad(*arguments, **options)
            alone = linear_cross_entropy(*arguments, **options)
            assert alone.shape == loss.shape == ((0,) if reduction == "none" else ())
            assert alone.dtype == loss.dtype == dtype
            assert not loss.any()
            assert [part.shape for part in grad] == [(0, 4), (n_classes, 4), (n_classes,)]
            assert not any(part.any() for part in grad)


# Weights and options at either end


def ends(dtype):
    """Return numbers near both ends of the range of normal numbers."""
    return (1e-300, 1e308) if dtype == np.float64 else (1e-37, 1e38)


@mpmath.workdps(DIGITS)
def assert_reduced(z, targets, reduction, **options):
    """Hold loss and gradient against the wanted ones, where weights of the whole of float64 may be divided out."""
    wanted = wanted_rows(z, targets, LONG_DOUBLE, **options)
    divisor = LONG_DOUBLE.of(1.0)
    if reduction == "mean":
        weights = LONG_DOUBLE.of(options["class_weights"])
        divisor = weights[targets].sum() if np.ndim(targets) == 1 else divisor * len(z)
    units = units_of(z, z.dtype) + 2
    loss, grad = loss_and_grad_of(z, targets, reduction=reduction, **options)
    loss_wanted, grad_wanted = (Wanted(*(part / divisor for part in each)) for each in wanted)
    if reduction != "none":
        loss_wanted, loss_units = Wanted(*(part.sum() for part in loss_wanted)), units.max()
    else:
        loss_units = units
    assert_within(loss, loss_wanted, loss_units, f"loss, {reduction}")
    assert_within(grad, grad_wanted, units[:, np.newaxis], f"gradient, {reduction}")
    assert_within(loss_of(z, targets, reduction=reduction, **options), loss_wanted, loss_units, "loss alone")


def ordinary_rows(dtype, n_classes=3, n_rows=12):
    """Return rows of which some have a difference of 30, and one has nothing but 0."""
    z = np.random.default_rng(0).normal(size=(n_rows, n_classes)) * np.array([1, 1, 3, 10])[np.arange(n_rows) % 4, None]
    z[1] = 0
    return z.astype(dtype)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_class_weights_near_either_end(dtype, kind, smoothing):
    small, large = ends(dtype)
    z = ordinary_rows(dtype)
    targets = targets_for(kind, z)
    for weights in ([large] * 3, [small] * 3, [large, small, 1.0], [0.0, small, 0.5 * small], [0.0, large, 1.0]):
        options = {"class_weights": np.array(weights), "label_smoothing": smoothing}
        assert_reduced(z, targets, "none", **options)
        assert_reduced(z, targets, "mean", **options)
        assert_reduced(z, targets, "sum", **options)


@pytest.mark.parametrize("dtype", DTYPES)
def test_in_a_mean_only_the_ratio_of_the_weights_counts(dtype):
    """Also where they, or their sum, are beyond what the logits' dtype or any other holds."""
    z = ordinary_rows(dtype)
    y = targets_for("index", z)
    for weights in (
        [1.7e308] * 3,
        [1.7e308, 1.7e308, 5e-324],
        [5e-324] * 3,
        [1e-320, 3e-320, 0.0],
        [1e60, 3e60, 1e-60],
    ):
        assert_reduced(z, y, "mean", class_weights=np.array(weights))
    if dtype != np.float64:
        assert_reduced(z, y, "mean", class_weights=np.array([1e60, 3e60, 1e60]), label_smoothing=0.1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_smallest_weights_scale_loss_and_gradient(dtype):
    """Also a loss that overflows without them."""
    info = np.finfo(working(dtype))
    least = float(info.smallest_subnormal)
    z = np.concatenate([ordinary_rows(dtype), far_rows(dtype, 3, masks=False)])
    y = targets_for("index", z)
    for weights in ([least] * 3, [3 * least, float(info.tiny), 0.0]):
        assert_reduced(z, y, "none", class_weights=np.array(weights))
    assert_reduced(z, targets_for("distribution", z), "none", class_weights=np.full(3, 16 * float(info.tiny)))


def test_a_weight_and_a_probability_at_opposite_ends_make_an_ordinary_target():
    z = ordinary_rows(np.float64)
    p = targets_for("distribution", z) * 1e-300
    assert_reduced(z, p, "sum", class_weights=np.array([1e300, 3e300, 1e299]))
    assert_reduced(z, p * 1e300 * 1e300, "sum", class_weights=np.array([1e-300, 3e-300, 1e-299]))


def test_a_mean_of_losses_near_the_largest_number():
    """Their sum overflows, their mean does not."""
    z = np.array([[1e308, -0.5e308, 0]] * 5)
    assert loss_of(z, [1] * 5) == pytest.approx(1.5e308, rel=1e-15)
    assert loss_of(z, np.eye(3)[[1] * 5]) == pytest.approx(1.5e308, rel=1e-15)
    assert loss_of(z, [1] * 5, reduction="sum") == INF


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_targets_whose_sum_overflows_are_right_or_refused(dtype):
    """(Σp) q and p are within the range where Σp is not."""
    z = np.zeros((2, 3), dtype)
    p = np.full((2, 3), 0.4 * np.finfo(dtype).max, dtype)
    try:
        loss, grad = loss_and_grad_of(z, p, reduction="none")
    except ValueError as error:
        assert str(error).startswith("targets must")  # noqa: PT017
        return
    wanted = wanted_rows(z, p, LONG_DOUBLE)
    assert_within(loss, wanted[0], 8)
    assert_within(grad, wanted[1], 8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_smoothing_at_either_end(dtype, kind):
    z = np.concatenate([ordinary_rows(dtype), far_rows(dtype, 3, masks=False)])
    for smoothing in (ends(dtype)[0], 1e-20, 1 - 2**-53, 1.0):
        assert_contract(whole, z, targets_for(kind, z), numbers=LONG_DOUBLE, label_smoothing=smoothing)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_z_loss_at_either_end(dtype, kind):
    """ζ lse² may be within the range where neither lse² nor 2ζ is."""
    info = np.finfo(working(dtype))
    most = float(np.finfo(dtype).max)
    z = np.array([[0, 0, 0.5], [-1.0986, -1.0986, -1.0986], [most / 4, 0, 1], [-most / 4] * 3, [most / 4] * 3], dtype)
    for zeta in (float(info.smallest_subnormal), float(info.tiny), 1 / most, 1e10, float(info.max) / 8):
        for way in (whole, linear, partial(in_chunks, chunks=(5, 2))):
            assert_contract(way, z, targets_for(kind, z), numbers=LONG_DOUBLE, z_loss=zeta)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_refuses_a_z_loss_and_weights_that_it_cannot_hold(kind):
    """But it takes them where a mean brings them back within its range, and what rounds to 0 is 0."""
    z = ordinary_rows(np.float32) + 9
    targets = targets_for(kind, z)
    for name, value in (("z_loss", 1e39), ("class_weights", np.full(3, 1e60))):
        with pytest.raises(ValueError, match=f"^{name} must lie within the range of float32, at most 3.4e.38"):
            loss_of(z, targets, reduction="sum", **{name: value})
    if kind == "index":
        assert loss_of(z, targets, class_weights=np.full(3, 1e60)) == loss_of(z, targets)
    assert loss_of(z, targets, class_weights=np.full(3, 1e-60), reduction="sum") == 0


# Normalisation


@mpmath.workdps(DIGITS)
def wanted_normalised(z, temperature=1.0):
    """Return logsumexp, log-softmax and softmax of rows, each as `Wanted`, and the depths below the largest logit."""
    numbers, each, top = LONG_DOUBLE, np.arange(len(z)), z.argmax(1)
    with np.errstate(all="ignore"):
        m = numbers.of(z)[each, top]
        below = (m[:, np.newaxis] - numbers.of(z)) / numbers.of(temperature)
        power = numbers.exp(-below)
        power[each, top] = 0
        r = power.sum(1)
        power[each, top] = 1
        log1p_r = numbers.log1p(r)
        log_q, q = -(below + log1p_r[:, np.newaxis]), power / (1 + r)[:, np.newaxis]
        lse = Wanted(m + log1p_r, np.maximum(abs(m), log1p_r))
        depth = np.asarray(-below, dtype=None if numbers.of is np.longdouble else float).astype(float)
        return lse, Wanted(log_q, -log_q), Wanted(q, q), depth


@pytest.mark.parametrize("n_classes", [1, 2, 5, 40])
@pytest.mark.parametrize("dtype", DTYPES)
def test_normalisation_of_far_logits(dtype, n_classes):
    z = far_rows(dtype, n_classes)
    *wanted, _ = wanted_normalised(z)
    units = units_of(z, dtype)
    for function, right in zip((logsumexp, log_softmax, softmax), wanted, strict=True):
        per_row = units if function is logsumexp else units[:, np.newaxis]
        got = function(z)
        with np.errstate(over="ignore"):
            finite = np.isfinite(np.asarray(right.value, float))
        assert_within(got[finite], Wanted(right.value[finite], right.scale[finite]),
                      np.broadcast_to(per_row, got.shape)[finite], function.__name__)  # fmt: skip
        # A log-probability beyond the range is -inf, as that of a mask is.
        assert (got[~finite] == -INF).all()
        assert (function(np.asfortranarray(z)) == got).all()


@pytest.mark.parametrize(
    "temperature", [5e-324, 1e-310, 1e-300, 1e-50, 1e-3, 0.3, 7.0, 1e30, 1e50, 1e300, 1e308, 1.797e308]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_temperatures_from_one_end_of_the_range_to_the_other(dtype, temperature):
    for n_classes in (1, 2, 5, 40):
        z = np.concatenate([far_rows(dtype, n_classes), ordinary_rows(dtype, n_classes)])
        _, _, wanted, depth = wanted_normalised(z, temperature)
        got = softmax(z, temperature=temperature)
        assert_within(got, wanted, units_of(depth, dtype)[:, np.newaxis], "softmax")


# Zero


def test_nothing_is_minus_zero():
    """-0.0 prints as such, and divides to -inf."""
    z = np.array([[0.0, -800.0, 1.0], [800.0, 0.0, 0.0], [-INF, 2.0, -INF], [0.0, 0.0, 0.0]])
    rows = [z, z.astype(np.float32), np.tile(z, (20, 1)), np.array([[3.0]])]
    for row in rows:
        n_classes = row.shape[1]
        index = np.resize([0, 1, 1, n_classes - 1], len(row)) % n_classes
        no_weight = np.arange(n_classes) % 2.0
        for targets, weights, smoothing, z_loss in product(
            (index, np.eye(n_classes)[index], np.zeros(row.shape)), (None, no_weight), (0.0, 0.1), (0.0, 0.1)
        ):
            options = {"class_weights": weights, "label_smoothing": smoothing, "z_loss": z_loss}
            wanted = wanted_rows(row, targets, LONG_DOUBLE, label_smoothing=smoothing, z_loss=z_loss, **(
                {} if weights is None else {"class_weights": weights}))  # fmt: skip
            for reduction in ("none", "mean"):
                loss, grad = loss_and_grad_of(row, targets, reduction=reduction, **options)
                assert not np.signbit(loss).any()
                assert not np.signbit(grad[np.asarray(wanted[1].value == 0, bool) & (grad == 0)]).any()
        for function in (logsumexp, log_softmax, softmax):
            assert not np.signbit(function(np.zeros((2, 1)))).any()
    _, grad = linear_cross_entropy_with_grad(np.eye(3), z[[0, 1, 3]], [0, 0, 0], np.zeros(3), class_weights=[0, 1, 1])
    assert not any(np.signbit(part).any() for part in grad)
    assert (weighted_target([0], 3, class_weights=np.array([0, 1, 1])) == 0).all()  # the reference agrees that it is 0
