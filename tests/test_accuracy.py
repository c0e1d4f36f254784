"""The accuracy contract: (8 + gap) eps at every option, and log₂ K more for sums over many classes.

The gap is how far the finite logits of a row lie apart. `reference.wanted_rows` says what an error is relative to.
"""

from functools import partial
from itertools import product

import mpmath
import numpy as np
import pytest
from reference import (
    DIGITS,
    LONG_DOUBLE,
    MPMATH,
    Wanted,
    assert_within,
    digits_for,
    exact,
    exact_gradient,
    hard_logits,
    skip_without_long_double,
    units_of,
    wanted_rows,
    wider_than,
)
from ways import assert_contract, in_chunks, linear, loss_alone, one_by_one, whole

from xentlib import linear_cross_entropy_with_grad, log_softmax, logsumexp, softmax
from xentlib import softmax_cross_entropy_with_grad as loss_and_grad_of

INF = np.inf
DTYPES = [np.float16, np.float32, np.float64]
OF_A_PRODUCT = 64  # eps that a product of BLAS over a block of rows may cost
MANY = (50_257, 152_000)  # the vocabularies of GPT-2 and of Qwen2
KINDS = ("index", "distribution")
OPTIONS = [
    {"label_smoothing": smoothing, "z_loss": z_loss, "weighted": weighted}
    for smoothing, z_loss, weighted in product((0.0, 0.1, 1.0), (0.0, 1e-2), (False, True))
]


def named(options):
    return "-".join(f"{name}={value}" for name, value in options.items() if value) or "plain"


every_option = pytest.mark.parametrize("options", OPTIONS, ids=named)


def with_weights(options, n_classes, rng):
    """Return options with a weight of 0 to 3 for each class, where they ask for weights. The first class weighs 0."""
    options = dict(options)
    if options.pop("weighted"):
        options["class_weights"] = 3 * rng.random(n_classes) * (np.arange(n_classes) != 0)
    return options


# Rows and targets


def rows_of(dtype, n_classes):
    """Return logits up to 700 apart (85 in float32), at offsets up to 1e8 (1e4 in float16), and ordinary ones."""
    gaps = (0, 1e-3, 1, 5, 17, 40, 85) if dtype != np.float64 else (0, 1e-7, 1, 17, 40, 300, 700)
    if n_classes == 1000:
        gaps = gaps[2::2]
    rows = [row for gap in gaps for row in hard_logits(np.float64, n_classes, gap)]
    rng = np.random.default_rng(n_classes)
    rows = np.concatenate([rows, *(s * rng.normal(size=(4, n_classes)) for s in (0.01, 1, 10))])
    if dtype == np.float16:
        rows = rows[abs(rows).max(1) < 6e4]
    return rows.astype(dtype)


def labels_of(z, rng):
    """Return the rows four times, with the largest, the last of the largest, the least and any logit as true class."""
    largest_last = z.shape[1] - 1 - z[:, ::-1].argmax(1)
    y = np.concatenate([z.argmax(1), largest_last, z.argmin(1), rng.integers(z.shape[1], size=len(z))])
    return np.tile(z, (4, 1)), y


def distributions_of(z, rng):
    """Return the rows six times, with distributions: wide, sure and right, sure and wrong, sparse, even, softmax(z)."""
    n, k = z.shape
    each, small = np.arange(n), 1e-9 * rng.random((n, k))
    right, wrong = small.copy(), small.copy()
    right[each, z.argmax(1)] = 1
    wrong[each, z.argmin(1)] = 1
    sparse = rng.random((n, k)) * (rng.random((n, k)) < 0.3)
    with np.errstate(all="ignore"):
        power = np.exp(z.astype(float) - z.astype(float).max(1, keepdims=True))
    even = np.full((n, k), 1 / k)
    p = np.concatenate([3 * rng.random((n, k)), right, wrong, sparse, even, power / power.sum(1, keepdims=True)])
    return np.tile(z, (6, 1)), p.astype(working_kind(z.dtype))


def working_kind(dtype):
    return np.float32 if dtype != np.float64 else np.float64


def targets_of(kind, z, rng):
    return (labels_of if kind == "index" else distributions_of)(z, rng)


# The reference itself


def test_the_reference_is_what_the_definitions_say():
    """In both kinds of numbers, whose common formula has sums of like signs, where the definitions just subtract."""
    rng = np.random.default_rng(0)
    z = np.concatenate([hard_logits(np.float64, 4, gap) for gap in (0, 17, 700)])
    for kind in KINDS:
        rows, targets = targets_of(kind, z, rng)
        weights, smoothing, zeta = rng.random(4), 0.3, 0.1
        options = {"class_weights": weights, "label_smoothing": smoothing, "z_loss": zeta}
        by_kind = [wanted_rows(rows, targets, numbers, **options) for numbers in (MPMATH, LONG_DOUBLE)]
        p = targets if kind == "distribution" else np.eye(4)[targets]
        for n in range(0, len(rows), 5):
            with mpmath.workdps(digits_for(rows[n])):
                row = exact(rows[n])
                share = mpmath.mpf(smoothing) / 4
                t = [mpmath.mpf(w) * ((1 - mpmath.mpf(smoothing)) * mpmath.mpf(p_j) + share)
                     for w, p_j in zip(weights.tolist(), p[n].tolist(), strict=True)]  # fmt: skip
                loss = -mpmath.fsum(t_j * log_q for t_j, log_q in zip(t, row.log_q, strict=True))
                loss += mpmath.mpf(zeta) * row.logsumexp**2
                push = mpmath.fsum(t) + 2 * mpmath.mpf(zeta) * row.logsumexp
                grad = [push * q_i - t_i for q_i, t_i in zip(row.q, t, strict=True)]
                for wanted in by_kind:
                    for got, right in zip([wanted[0].value[n], *wanted[1].value[n]], [loss, *grad], strict=True):
                        size = abs(right) if wanted is by_kind[0] else max(abs(right), 1)
                        assert abs(mpmath.mpf(str(got)) - right) <= (8 + 700) * mpmath.mpf("1.1e-19") * size


def test_the_reference_asks_for_all_digits_of_a_sure_true_class():
    """The scale of each entry of the gradient is the entry itself where the target is a class."""
    close = mpmath.mpf("1e-40")
    for z in hard_logits(np.float64, 3, 40):
        y = int(z.argmax())
        _, grad = wanted_rows(z, [y])
        for size, right in zip(grad.scale[0], exact_gradient(z, np.eye(3)[y]), strict=True):
            with mpmath.workdps(DIGITS):
                assert abs(size - abs(right)) < close * size


# Every option


@every_option
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_option_keeps_its_digits(dtype, kind, options):
    for n_classes in (1, 2, 3, 10, 40, 200, 1000):
        rng = np.random.default_rng(0)
        z, targets = targets_of(kind, rows_of(dtype, n_classes), rng)
        of_classes = with_weights(options, n_classes, rng)
        assert_contract(whole, z, targets, **of_classes)
        some = slice(None, None, 29)  # few rows are laid out in another way than many
        for way in (one_by_one, loss_alone):
            assert_contract(way, z[some], targets[some], **of_classes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_masks_cost_no_digits(dtype, kind):
    """Of the classes, and of the true class, whose loss is inf."""
    rng = np.random.default_rng(0)
    for n_classes, options in product((3, 10, 40), OPTIONS):
        z = np.concatenate([3 * rng.normal(size=(8, n_classes)), 100 * rng.normal(size=(8, n_classes))]).astype(dtype)
        z[:, 1:][rng.random((16, n_classes - 1)) < 0.4] = -INF
        z, targets = targets_of(kind, z, rng)
        if kind == "distribution":
            targets[::2][z[::2] == -INF] = 0
        assert_contract(whole, z, targets, **with_weights(options, n_classes, rng))


# Many classes


def many_classes(dtype, n_classes, rng):
    """Return logits of which sums drift if they are added up one after the other, and ordinary ones."""
    rows = np.empty((6, n_classes))
    rows[0] = 0.7
    rows[1] = -0.3
    rows[1, 7] = 0
    rows[2] = -23 + 1e-3 * rng.random(n_classes)
    rows[2, -1] = 1
    rows[3:5] = 3 * rng.normal(size=(2, n_classes))
    rows[4] += 1000
    rows[5] = -np.linspace(0, 30, n_classes)
    return rows.astype(dtype)


def many_targets(kind, n_classes, rng):
    """Return targets for these rows."""
    k = n_classes
    if kind == "index":
        return np.array([5, 7, k - 1, 0, 3, 0])
    p = np.empty((6, k))
    p[0] = 1 / k
    p[1] = 0.3  # sums to far more than 1
    p[2] = 1e-3 / k
    p[2, -1] = 1 - 1e-3
    p[3] = rng.dirichlet(np.ones(k))
    p[4] = 1 / np.arange(1, k + 1)
    p[5] = 1 / k
    return p.astype(np.float32)


@every_option
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_classes_cost_no_more_than_log2_of_their_number(dtype, kind, options):
    rng = np.random.default_rng(0)
    largest = options["label_smoothing"] == 0.1 and options["weighted"] and options["z_loss"]
    n_classes = MANY[1] if largest else MANY[0]
    skip_without_long_double(dtype)
    z = many_classes(dtype, n_classes, rng)[:: 1 if dtype == np.float32 else 2]
    options = with_weights(options, n_classes, rng)
    targets = many_targets(kind, n_classes, rng)
    assert_contract(whole, z, targets[:: 1 if dtype == np.float32 else 2], **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_classes_in_many_rows(dtype, kind):
    """Where rows are summed together, and not each in one stretch of memory, each sum has as many terms."""
    skip_without_long_double(dtype)
    rng = np.random.default_rng(0)
    z = many_classes(dtype, 3_000, rng)
    targets = np.repeat(many_targets(kind, z.shape[1], rng), 12, axis=0)
    for options in ({}, {"label_smoothing": 0.1}):
        assert_contract(whole, np.repeat(z, 12, axis=0), targets, **options)
        assert_contract(whole, np.asfortranarray(np.repeat(z, 12, axis=0)), targets, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "z_loss": 1e-2}], ids=named)
def test_many_classes_in_pieces_are_as_accurate_as_in_one(kind, options):
    rng = np.random.default_rng(0)
    z = many_classes(np.float32, MANY[0], rng)
    targets = many_targets(kind, z.shape[1], rng)
    ways = [
        partial(linear, block_bytes=1 << 9),
        partial(linear, block_bytes=1 << 16),
        linear,
        partial(in_chunks, chunks=(6, 997)),
        partial(in_chunks, chunks=(4, 40_000)),
    ]
    for way in ways:
        assert_contract(way, z, targets, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiny_block_costs_no_digits(kind):
    """One number at a time: the sums over the blocks have as many terms as there are classes."""
    rng = np.random.default_rng(0)
    z = many_classes(np.float32, 2_000, rng)
    targets = many_targets(kind, z.shape[1], rng)
    some = [0, 1]
    assert_contract(partial(linear, block_bytes=1), z[some], targets[some], label_smoothing=0.1)


# Reductions


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_reductions_keep_the_digits_of_the_rows(dtype, kind, reduction):
    """Index targets with weights are divided by the weights that count, distributions by their number."""
    skip_without_long_double(dtype)
    rng = np.random.default_rng(0)
    for n_classes, options in product((3, 40), OPTIONS):
        z = rows_of(dtype, n_classes)
        z = z[(abs(z.astype(float)) < 100).all(1)]  # or the sum says nothing of the others
        z, targets = targets_of(kind, z, rng)
        options = with_weights(options, n_classes, rng)
        counted = np.ones(len(z), bool)
        more = {}
        if kind == "index":
            counted = rng.random(len(z)) < 0.7
            targets = np.where(counted, targets, -100)
            more["ignore_index"] = -100
        loss, grad = loss_and_grad_of(z, targets, reduction=reduction, **options, **more)
        numbers = wider_than(z.dtype)
        wanted = wanted_rows(z, np.where(counted, targets, 0) if kind == "index" else targets, numbers, **options)
        divisor = numbers.of(1.0)
        if reduction == "mean" and kind == "index":
            weights = np.ones(n_classes) if "class_weights" not in options else options["class_weights"]
            divisor = numbers.of(weights)[targets[counted]].sum()
        elif reduction == "mean":
            divisor = divisor * len(z)
        units = units_of(z, dtype)
        total = Wanted(wanted[0].value[counted].sum() / divisor, wanted[0].scale[counted].sum() / divisor)
        assert_within(loss, total, units.max() + 2, "loss")
        assert (grad[~counted] == 0).all()
        rows = Wanted(*(part[counted] / divisor for part in wanted[1]))
        assert_within(grad[counted], rows, units[counted, np.newaxis] + 2, "gradient")


def test_a_mean_over_a_million_samples_keeps_its_digits():
    """Equal losses, of which a sum in float32 would drift."""
    n_rows = 10**6
    z = np.tile(np.float32([0.3, 0.1, -0.5]), (n_rows, 1))
    y = np.zeros(n_rows, np.int8)
    row_loss, row_grad = (Wanted(*(part[0] for part in wanted[:2])) for wanted in wanted_rows(z[:1], [0]))
    loss, grad = loss_and_grad_of(z, y)
    assert_within(loss, row_loss, 10, "loss")
    assert (grad == grad[0]).all()
    assert_within(grad[0] * np.float32(n_rows), row_grad, 10, "gradient")


# The gradients of a linear layer


@pytest.mark.parametrize("block_bytes", [None, 1 << 20, 1 << 14])
@pytest.mark.parametrize("pattern", ["equal", "random"])
def test_bias_and_weight_gradients_of_a_million_samples_keep_the_digits_of_float32(pattern, block_bytes):
    """Relative to Σ_n |g_n|, with log₂ N for the sum over samples. The logits have no rounding.

    BLAS adds up a block of rows one after the other: equal rows of which it gets 1,024 drift by 80 eps.
    """
    n_rows, rng = (10**6 if block_bytes != 1 << 14 else 10**5), np.random.default_rng(0)
    weight = np.float32([[0.75, -0.5], [0.25, 1.5], [-1.25, 0.125], [0.5, 0.0625]])
    bias = np.float32([0.5, -0.25, 0.125, 0])
    if pattern == "equal":
        kinds, of_row = np.float32([[0.75, 1.25]]), np.zeros(n_rows, int)
    else:
        kinds, of_row = rng.integers(-8, 8, size=(64, 2)).astype(np.float32) / 8, rng.integers(64, size=n_rows)
    y = (of_row * 7 + of_row // 4) % 4
    features = kinds[of_row]
    loss, grad = linear_cross_entropy_with_grad(features, weight, y, bias, block_bytes=block_bytes)

    z = kinds.astype(float) @ weight.astype(float).T + bias
    wanted = wanted_rows(z, y[np.unique(of_row, return_index=True)[1]], wider_than(np.float64))
    share = np.bincount(of_row, minlength=len(kinds)) / wanted[0].value.dtype.type(n_rows)
    g, x = wanted[1].value * share[:, np.newaxis], kinds.astype(g_dtype(wanted))
    units = units_of(z, np.float32).max() + np.log2(n_rows)
    assert_within(loss, Wanted((wanted[0].value * share).sum(), (wanted[0].value * share).sum()), units, "loss")
    assert_within(grad.bias, Wanted(g.sum(0), abs(g).sum(0)), units, "bias")
    assert_within(grad.weight, Wanted(g.T @ x, abs(g).T @ abs(x)), units + OF_A_PRODUCT, "weight")


def g_dtype(wanted):
    return wanted[1].value.dtype


@pytest.mark.parametrize("block_bytes", [None, 1 << 12])
def test_the_gradient_of_the_features_keeps_its_digits_over_many_classes(block_bytes):
    """Wᵀ g, a sum over the classes, relative to its terms. The logits have no rounding."""
    n_classes, rng = MANY[0], np.random.default_rng(0)
    weight = rng.integers(-64, 64, size=(n_classes, 2)).astype(np.float32) / 32
    features = np.float32([[1, 0.5], [-0.25, 2]])
    _, grad = linear_cross_entropy_with_grad(features, weight, [3, 4], block_bytes=block_bytes, reduction="sum")
    z = features.astype(float) @ weight.astype(float).T
    g = wanted_rows(z, [3, 4], wider_than(np.float32))[1].value
    wide = weight.astype(float)
    units = units_of(z, np.float32)[:, np.newaxis] + np.log2(n_classes)
    assert_within(grad.features, Wanted(g @ wide, abs(g) @ abs(wide)), units, "features")


# Normalisation


def wanted_normalised(z, temperature=1.0, numbers=MPMATH):
    """Return logsumexp, log-softmax and softmax of rows, each as `Wanted`. Only the last knows a temperature."""
    z = np.atleast_2d(z)
    each, top = np.arange(len(z)), z.argmax(1)
    with mpmath.workdps(DIGITS), np.errstate(all="ignore"):
        z = numbers.of(z)
        m = z[each, top]
        below = (m[:, np.newaxis] - z) / numbers.of(temperature)
        power = numbers.exp(-below)
        power[each, top] = 0
        r = power.sum(1)
        power[each, top] = 1
        log1p_r = numbers.log1p(r)
        log_q, q = -(below + log1p_r[:, np.newaxis]), power / (1 + r)[:, np.newaxis]
        return Wanted(m + log1p_r, np.maximum(abs(m), log1p_r)), Wanted(log_q, -log_q), Wanted(q, q)


@pytest.mark.parametrize("n_classes", [1, 2, 3, 10, 40, 200, 1000, *MANY])
@pytest.mark.parametrize("dtype", DTYPES)
def test_normalisation_keeps_its_digits(dtype, n_classes):
    rng = np.random.default_rng(0)
    if n_classes > 40:
        skip_without_long_double(dtype)
    z = rows_of(dtype, n_classes) if n_classes <= 1000 else many_classes(dtype, n_classes, rng)
    wanted, units = wanted_normalised(z, numbers=wider_than(dtype)), units_of(z, dtype)
    for function, right in zip((logsumexp, log_softmax, softmax), wanted, strict=True):
        per_row = units if function is logsumexp else units[:, np.newaxis]
        assert_within(function(z), right, per_row, function.__name__)
        across = function(np.ascontiguousarray(z.T), axis=0)
        assert_within(across.T, right, per_row, f"{function.__name__} along axis 0")
        assert_within(
            function(z[0]), Wanted(*(part[0] for part in right[:2])), per_row[0], f"{function.__name__} of a row"
        )


@pytest.mark.parametrize("temperature", [1e-3, 0.07, 0.5, 1, 1.7, 3, 1e5])
@pytest.mark.parametrize("dtype", DTYPES)
def test_temperature_costs_no_digits(dtype, temperature):
    for n_classes in (2, 10, 200):
        z = rows_of(dtype, n_classes)
        wanted = wanted_normalised(z, temperature, wider_than(dtype))[2]
        with np.errstate(over="ignore"):
            units = units_of(z.astype(float) / temperature, dtype)
        assert_within(softmax(z, temperature=temperature), wanted, units[:, np.newaxis], "softmax")


def test_a_row_far_below_the_others_keeps_its_smallest_probabilities():
    """The shift of the first row serves all of them, as long as no power of another row loses digits by it."""
    z = np.zeros((6, 100_000), np.float32)
    z[1:] = np.linspace(-94.2, -93.8, 5)[:, np.newaxis]
    z[1:, 0] = -7
    assert_contract(whole, z, np.zeros(6, int))


@pytest.mark.parametrize("way", [whole, one_by_one, linear, partial(in_chunks, chunks=(3, 1))])
def test_a_z_loss_keeps_its_digits_beside_a_target_that_is_small(way):
    """The true class is far behind or not, and weighs next to nothing; the logarithm of the sum is nearly 0."""
    z = np.array([[-17.0, 0.0], [0.0, -17.0], [-17.0, 1.0], [0.0, -17.0]])
    options = {"class_weights": np.array([1e-9, 1e-9]), "z_loss": 0.01}
    assert_contract(way, z, np.array([0, 1, 0, 0]), **options)
    others_shift = np.array([[17.0, 0.0], *z])
    assert_contract(way, others_shift, np.array([0, 0, 1, 0, 0]), **options)
