"""The loss in JAX is that of xentlib, in every mode of differentiation, in blocks and in pieces; Optax's differs.

JAX compiles each function for each shape, which takes longer than all that is computed here. So whatever can be is
asked in one call.
"""

import itertools
from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="JAX is not installed: 'make frameworks' installs it")
# Before JAX looks for devices. The environment, which other tests hand on to their processes, stays as it is.
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 4)

import jax.numpy as jnp
from in_jax._targets import make_target
from in_jax.accurate_loss import block_sums, cross_entropy, row_loss
from in_jax.calibration import fit_temperature
from in_jax.gradient_check import check_gradient
from in_jax.language import count_targets, next_token_loss
from in_jax.linear_loss import linear_cross_entropy
from in_jax.parallel_loss import vocab_parallel_cross_entropy
from in_jax.variants import distillation_loss, focal_loss, soft_cap, z_loss
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

import xentlib
from xentlib.audit import audit

RNG = np.random.default_rng(24)
K = 10
SCORES = 3 * RNG.normal(size=(2, 3, K))
SCORES[0, 1] += 1e4
SCORES[0, 2, 4] = 60  # sure
SCORES[1, 0, [1, 7]] = SCORES[1, 0].max()  # a tie
LABELS = np.array([[0, 3, 4], [7, -100, 9]])
SHARES = RNG.uniform(size=(2, 3, K))
WEIGHTS = RNG.uniform(0.2, 2, K)
OPTIONS = [
    {"class_weights": weights, "label_smoothing": smoothing, "reduction": reduction}
    for weights, smoothing, reduction in itertools.product((None, WEIGHTS), (0.0, 0.1), ("mean", "none"))
]


@pytest.fixture(autouse=True)
def wide():
    """Let JAX have float64, and little work for its compiler, which takes most of the time, while a test runs."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    with jax.enable_x64(True):
        yield
    jax.config.update("jax_disable_most_optimizations", before)


def close(found, right, rtol=1e-12, atol=1e-14):
    np.testing.assert_allclose(np.asarray(found, np.float64), np.asarray(right, np.float64), rtol=rtol, atol=atol)


def xentlib_at(targets, options):
    return options | ({"ignore_index": -100} if np.ndim(targets) < 3 else {})


def total(loss):
    """Return a function of the sum of what a loss returns, to be differentiated, and what it returns."""

    def summed(*arguments, **options):
        losses = loss(*arguments, **options)
        return losses.sum(), losses

    return summed


OF_ROWS = jax.jit(jax.value_and_grad(total(lambda z, y: cross_entropy(z, y, reduction="none")), has_aux=True))


# The loss, and its gradient


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_loss_and_gradient_are_those_of_xentlib(dtype):
    logits = SCORES.astype(dtype)

    @jax.jit
    def ask(logits):
        grad = jax.value_and_grad(total(cross_entropy), has_aux=True)
        return [[grad(logits, jnp.asarray(each), **options) for options in OPTIONS] for each in (LABELS, SHARES)]

    spread = np.ptp(logits, axis=-1).max()
    rtol = 1e-12 if dtype == "float64" else (8 + spread) * np.finfo(dtype).eps
    for answers, targets in zip(ask(logits), (LABELS, SHARES), strict=True):
        for ((_, loss), grad), options in zip(answers, OPTIONS, strict=True):
            right = xentlib.softmax_cross_entropy_with_grad(
                logits.astype(float), targets, **xentlib_at(targets, options)
            )
            assert loss.dtype == grad.dtype == dtype
            close(loss, right[0], rtol)
            close(grad, right[1], rtol, 1e-14 if dtype == "float64" else 2 * np.finfo(dtype).eps)


def test_a_sure_loss_and_each_slope_keep_their_digits():
    gaps = jnp.array([-700.0, -40, 0, 16, 40, 700])
    logits = jnp.stack([jnp.zeros(6), gaps, gaps - gaps.max()], axis=-1)
    losses, grads = jax.jit(jax.vmap(jax.value_and_grad(lambda z: cross_entropy(z, 1))))(logits)
    right = xentlib.softmax_cross_entropy_with_grad(np.asarray(logits), np.ones(6, int), reduction="none")
    close(losses, right[0], atol=0)
    close(grads, right[1], 1e-12, atol=1e-307)  # XLA's processors take what is smaller for 0
    assert losses[5] > 0


def test_sixteen_bits_are_added_up_in_float32_and_rounded_once():
    logits = jnp.asarray(4 * RNG.normal(size=(1000, K)), jnp.bfloat16)
    labels = RNG.integers(K, size=1000)
    loss, grad = jax.jit(jax.value_and_grad(cross_entropy))(logits, labels)
    right = xentlib.softmax_cross_entropy_with_grad(np.asarray(logits, np.float64), labels)
    assert loss.dtype == grad.dtype == jnp.bfloat16
    close(loss, right[0], 2.0**-8)
    close(grad, right[1], 2.0**-7, 1e-30)
    sure = jnp.array([0, 21.75], jnp.bfloat16)  # chapter 11: a bfloat16 loss is 0 from a gap of 5.55 on
    close(jax.jit(cross_entropy)(sure, 1), np.exp(-21.75), 2.0**-8, 0)


def test_forward_mode_the_hessian_and_the_gradient_of_the_gradient_are_right():
    rows, labels, way = SCORES[1], jnp.array([7, 2, 9]), RNG.normal(size=(3, K))

    @jax.jit
    def ask(rows, way):
        def loss(z):
            return cross_entropy(z, labels, reduction="sum")

        forward = jax.jvp(jax.grad(loss), (rows,), (way,))
        back = jax.grad(lambda z: (jax.grad(loss)(z) * way).sum())(rows)
        return jax.hessian(cross_entropy)(rows[0], 7), jax.jvp(loss, (rows,), (way,)), forward, back

    hessian, (_, slope), (grad, forward), back = ask(rows, way)
    right_grad = xentlib.softmax_cross_entropy_with_grad(rows, labels, reduction="none")[1]
    right = xentlib.softmax_cross_entropy_hvp(rows, way)
    close(hessian, xentlib.softmax_cross_entropy_hessian(rows[0]))
    close(slope, (right_grad * way).sum())
    close(grad, right_grad)
    close(forward, right)
    close(back, right)


def test_vmap_and_scan_give_what_a_loop_does():
    rows, labels = SCORES.reshape(6, K), jnp.arange(6)
    right = xentlib.softmax_cross_entropy(rows, np.arange(6), reduction="none")

    @jax.jit
    def ask(rows, labels):
        _, scanned = jax.lax.scan(lambda _, pair: (None, cross_entropy(*pair)), None, (rows, labels))
        return jax.vmap(cross_entropy)(rows, labels), scanned

    for found in ask(rows, labels):
        close(found, right)


def test_targets_and_weights_have_derivatives_too():
    shares, masked = SHARES[0, 0], np.where(np.arange(K) == 2, -np.inf, SCORES[0, 0])

    @jax.jit
    def ask(shares, weights):
        by_weight = jax.grad(lambda w: cross_entropy(masked, 5, class_weights=w, reduction="sum"))(weights)
        return jax.grad(cross_entropy, argnums=1)(SCORES[0, 0], shares), by_weight

    by_share, by_weight = ask(shares, WEIGHTS)
    close(by_share, -xentlib.log_softmax(SCORES[0, 0]))
    close(by_weight, np.eye(K)[5] * xentlib.softmax_cross_entropy(masked, 5))


def test_masks_ignored_rows_and_empty_batches():
    masked = SCORES[1].copy()
    masked[0, 3] = masked[1, 2] = -np.inf
    labels = np.array([7, 2, 9])
    (_, losses), grad = OF_ROWS(masked, labels)
    right = xentlib.softmax_cross_entropy_with_grad(masked, labels, reduction="none")
    close(losses, right[0])
    close(grad, right[1])
    broken = masked.copy()
    broken[1] = np.nan
    ask = jax.jit(jax.value_and_grad(cross_entropy))
    loss, grad = ask(broken, np.array([7, -100, 9]))
    right = xentlib.softmax_cross_entropy_with_grad(masked[[0, 2]], [7, 9])
    close(loss, right[0])
    close(grad, np.insert(right[1], 1, 0, axis=0))
    for nothing in (ask(SCORES[1], np.full(3, -100)), ask(np.zeros((0, K)), np.zeros(0, int))):
        assert nothing[0] == 0
        assert not nothing[1].any()


@pytest.mark.parametrize("label", [K, -1, -101])
def test_a_class_out_of_range_makes_its_row_nan_and_no_other(label):
    (_, losses), grad = OF_ROWS(SCORES[1], np.array([7, label, 9]))
    assert np.isnan(losses).tolist() == [False, True, False]
    assert np.isnan(grad).all(axis=1).tolist() == [False, True, False]
    assert not np.isnan(grad[::2]).any()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "says"),
    [
        ((np.zeros((2, 3), int), [0, 1]), {}, TypeError, r"logits must hold floating-point numbers; got dtype int64"),
        ((np.zeros(()), 0), {}, ValueError, r"logits must have a last axis of at least 1; got shape \(\)"),
        ((np.zeros((2, 3)), [0, 1, 2]), {}, ValueError, r"shape \(2,\) \(indices\) or \(2, 3\) .*; got \(3,\)"),
        ((np.zeros((2, 3)), [0.0, 1.0]), {}, TypeError, r"must be integer class indices; got dtype float64"),
        ((np.zeros((2, 3)), [0, 1]), {"class_weights": [1.0]}, ValueError, r"class_weights .* \(3,\); got \(1,\)"),
        ((np.zeros((2, 3)), [0, 1]), {"label_smoothing": 2}, ValueError, r"label_smoothing .* \[0, 1\]; got 2"),
        ((np.zeros((2, 3)), [0, 1]), {"reduction": "avg"}, ValueError, r"reduction must be one of .*; got 'avg'"),
    ],
)
def test_what_is_wrong_is_named_under_jit_too(arguments, options, error, says):
    logits, targets = arguments[0], jnp.asarray(arguments[1])
    with pytest.raises(error, match=says):
        jax.eval_shape(lambda z: cross_entropy(z, targets, **options), logits)


def padded(pair):
    """Return what asks for loss and gradient in few shapes, which it fills up with ignored rows and masked classes."""

    def ask(logits, labels):
        (n, k), rows, classes = logits.shape, (4, 4099), (8, 2052)
        beyond = next(i for i in rows if i >= n) - n, next(i for i in classes if i >= k) - k
        z = jnp.pad(logits, ((0, 0), (0, beyond[1])), constant_values=-jnp.inf)
        z = jnp.pad(z, ((0, beyond[0]), (0, 0)))
        loss, grad = pair(z, jnp.pad(labels.astype(int), (0, beyond[0]), constant_values=-100))
        return loss, grad[:n, :k]

    return ask


ACCURATE = jax.jit(jax.value_and_grad(cross_entropy))


def layer(z, y):
    """Return loss and gradient of a layer of which the features are the logits and W is the identity, if it can be."""
    masked = np.isneginf(z).all(0)  # in the bias: a mask times the zeros of W would be NaN
    x = jnp.where(masked, 0, z)
    if np.isinf(x).any():
        return ACCURATE(z, y)
    eye, bias = jnp.eye(z.shape[1], dtype=z.dtype), jnp.where(masked, -jnp.inf, 0).astype(z.dtype)
    loss, grads = LAYER(x, eye, y, bias)
    return loss, grads


LAYER = jax.jit(jax.value_and_grad(partial(linear_cross_entropy, block=700)))


@jax.jit
@jax.value_and_grad
def in_four(z, y):
    """Return the loss of logits whose classes four devices share."""

    def of_piece(z, y):
        return vocab_parallel_cross_entropy(z, y, jax.lax.axis_index("vocab") * z.shape[1], "vocab")

    mesh = jax.make_mesh((4,), ("vocab",), axis_types=(AxisType.Auto,))
    return jax.shard_map(of_piece, mesh=mesh, in_specs=(P(None, "vocab"), P()), out_specs=P())(z, y)


@pytest.mark.parametrize(
    ("pair", "dtype"),
    [(ACCURATE, "float32"), (ACCURATE, "float16"), (ACCURATE, "bfloat16"), (layer, "bfloat16"), (in_four, "float32")],
    ids=["loss", "loss in float16", "loss in bfloat16", "layer in bfloat16", "pieces"],
)
def test_the_audit_finds_nothing(pair, dtype):
    report = audit(padded(pair), dtype=dtype, framework="jax", time_limit=100)
    assert report.ok, report
    assert not report.findings, report


# Optax, where it is installed


def test_optax_agrees_where_it_is_right_and_differs_where_the_page_says():
    optax = pytest.importorskip("optax", reason="Optax is not installed: nothing is compared with it")
    by_index, by_share = optax.softmax_cross_entropy_with_integer_labels, optax.softmax_cross_entropy
    rows, labels, sure = SCORES[1], jnp.array([7, 2, 9]), jnp.array([0.0, 40.0])

    @jax.jit
    def same(rows):
        smooth = optax.smooth_labels(jax.nn.one_hot(labels, K), 0.1)
        return [
            (by_index(rows, labels), cross_entropy(rows, labels, reduction="none")),
            (by_share(rows, SHARES[1]), cross_entropy(rows, SHARES[1], reduction="none")),
            (by_share(rows, smooth), cross_entropy(rows, labels, label_smoothing=0.1, reduction="none")),
            (by_index(rows, labels, where=labels != 2), cross_entropy(rows, labels, ignore_index=2, reduction="none")),
            (by_index(rows[0], -1), cross_entropy(rows[0], K - 1)),  # −1 is its last class
        ]

    @jax.jit
    def others(rows):
        sures = [jax.value_and_grad(loss)(sure, 1) for loss in (by_index, cross_entropy)]
        return sures, jax.value_and_grad(by_index)(rows[0], K)

    for theirs, ours in same(rows):
        close(theirs, ours)
    ((loss, grad), (accurate, slopes)), (beyond, trains_on) = others(rows)
    assert loss == grad[1] == 0 < accurate < -2 * slopes[1]
    assert np.isnan(beyond)
    assert np.isfinite(trains_on).all()


# The layer, in blocks of its classes

FEATURES, BIAS = RNG.normal(size=(2, 3, 4)), RNG.normal(size=K)
WEIGHT = RNG.normal(size=(K, 4))


@pytest.mark.parametrize("block", [3, 4, 100])  # of 10 classes: five pairs, as 4 do not divide it; four with two beyond
def test_the_layer_in_blocks_is_that_of_xentlib(block):
    @jax.jit
    def ask(*layer):
        def loss(x, w, b, targets, options):
            return total(linear_cross_entropy)(x, w, targets, b, block=block, **options)

        grad = jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True)
        return [[grad(*layer, jnp.asarray(each), options) for options in some] for each in (LABELS, SHARES)]

    some = {3: OPTIONS[1::2], 4: OPTIONS[::5], 100: OPTIONS[6:]}[block]
    for answers, targets in zip(ask(5 * FEATURES, WEIGHT, BIAS), (LABELS, SHARES), strict=True):
        for ((_, loss), grads), options in zip(answers, some, strict=True):
            right = xentlib.linear_cross_entropy_with_grad(
                5 * FEATURES, WEIGHT, targets, BIAS, **xentlib_at(targets, options)
            )
            close(loss, right[0])
            for grad, each in zip(grads, right[1], strict=True):
                close(grad, each, 1e-11)


def test_a_layer_of_which_a_block_is_masked_and_a_sample_is_broken():
    features, bias = FEATURES[0].copy(), BIAS.copy()
    bias[:4] = -np.inf
    features[1] = np.nan
    ask = jax.jit(jax.value_and_grad(partial(linear_cross_entropy, block=2), argnums=(0, 1, 3)))
    loss, grads = ask(features, WEIGHT, np.array([5, -100, 9]), bias)
    right = xentlib.linear_cross_entropy_with_grad(features[[0, 2]], WEIGHT, [5, 9], bias)
    close(loss, right[0])
    for grad, each in zip(grads, (np.insert(right[1].features, 1, 0, axis=0), *right[1][1:]), strict=True):
        close(grad, each)
    assert np.isnan(ask(FEATURES[0], WEIGHT, np.array([5, K, 9]), bias)[0])


def test_the_layer_in_16_bits_keeps_digits_that_logits_in_16_bits_lose():
    features, weight = (jnp.asarray(a, jnp.bfloat16) for a in (RNG.normal(size=(50, 64)), RNG.normal(size=(300, 64))))
    labels = RNG.integers(300, size=50)
    exact = np.asarray(features, float), np.asarray(weight, float)
    grads = jax.jit(jax.grad(linear_cross_entropy, argnums=(0, 1)), static_argnames="block")(
        features, weight, labels, block=30
    )
    right = xentlib.linear_cross_entropy_with_grad(*exact, labels)[1]
    for grad, each in zip(grads, right[:2], strict=True):
        assert grad.dtype == jnp.bfloat16
        assert np.abs(np.asarray(grad, float) - each).max() < 2.0**-7 * np.abs(each).max()
    losses = jax.jit(partial(linear_cross_entropy, block=30, reduction="none"))(features, weight, labels)
    plain = jax.jit(partial(cross_entropy, reduction="none"))(features @ weight.T, labels)  # XLA may skip a rounding
    right = xentlib.linear_cross_entropy(*exact, labels, reduction="none")
    off, lost = (np.abs(np.asarray(a, float) / right - 1).max() for a in (losses, plain))
    assert off < 2.0**-8 < lost


def memory(loss, n_samples, n_features, n_classes, **options):
    """Return how many bytes loss and gradients take beside what goes in and comes out, as XLA has planned them."""
    arrays = [jax.ShapeDtypeStruct((n, n_features), jnp.float32) for n in (n_samples, n_classes)]
    labels = jax.ShapeDtypeStruct((n_samples,), jnp.int32)
    grad = jax.value_and_grad(lambda x, w, y: loss(x, w, y, **options), argnums=(0, 1))
    return jax.jit(grad).lower(*arrays, labels).compile().memory_analysis().temp_size_in_bytes


def minus_log_softmax(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=-1).mean()


def test_128_000_classes_take_a_fraction_of_the_memory_of_their_logits():
    sizes = 2048, 64, 128_000
    plain = memory(lambda x, w, y: minus_log_softmax(x @ w.T, y), *sizes)
    blocks = memory(linear_cross_entropy, *sizes, block=4096)
    logits = 4 * sizes[0] * sizes[2]
    assert plain >= 2 * logits  # themselves, and their gradient
    assert blocks < logits / 4  # tiles of a 32nd of the classes; half as much where XLA optimizes


def test_the_loss_of_logits_takes_three_tables_and_five_with_smoothing():
    """As the README says; another version of XLA may plan fewer."""
    sizes = 512, 8, 32_000
    for options, tables in (({}, 3), ({"label_smoothing": 0.1}, 5)):
        found = memory(lambda x, w, y, options=options: cross_entropy(x @ w.T, y, **options), *sizes)
        assert found < (tables + 0.1) * 4 * sizes[0] * sizes[2]


# The classes in pieces, on four devices


def in_pieces(loss, n_classes, **options):
    """Return a function of features and of W in four pieces, padded to an equal size, with `loss` of its logits."""
    size = -(-n_classes // 4)

    def of_piece(x, w_piece, labels):
        first = jax.lax.axis_index("vocab") * size
        return loss(x @ w_piece.T, labels, first, "vocab", n_classes=n_classes, **options)

    mesh = jax.make_mesh((4,), ("vocab",), axis_types=(AxisType.Auto,))
    shared = jax.shard_map(of_piece, mesh=mesh, in_specs=(P(), P("vocab"), P()), out_specs=P())
    return lambda x, w, y: shared(x, jnp.pad(w, ((0, 4 * size - len(w)), (0, 0)), constant_values=1.0), y)


def pieces_disagree(loss, **options):
    """Return whether loss and gradients of a layer in pieces differ from those of xentlib."""
    run = jax.jit(jax.value_and_grad(total(in_pieces(loss, K, **options)), argnums=(0, 1), has_aux=True))
    (_, found), grads = run(FEATURES, WEIGHT, jnp.asarray(LABELS))
    right = xentlib.linear_cross_entropy_with_grad(FEATURES, WEIGHT, LABELS, ignore_index=-100, **options)
    pairs = [(found, right[0]), *zip(grads, right[1][:2], strict=True)]
    return not all(np.allclose(a, b, rtol=1e-12, atol=1e-14) for a, b in pairs)


@pytest.mark.parametrize("options", [{}, OPTIONS[3], OPTIONS[6]], ids=["plain", "smoothed", "smoothed, weighted"])
def test_uneven_pieces_make_the_loss_and_gradients_of_the_whole(options):
    assert jax.device_count() == 4
    assert not pieces_disagree(vocab_parallel_cross_entropy, **options)


def smoothed_by_piece(z, targets, first_class, group, *, n_classes, label_smoothing):
    """Make Megatron's slip (issues 737 and 7464): what smoothing gives goes to the classes of the piece alone."""
    here = z.shape[-1]
    top = jax.lax.pmax(jax.lax.stop_gradient(z.max(-1)), group)
    target = make_target(
        jnp.where(targets >= 0, targets - first_class, targets), (*z.shape[:-1], here), z.dtype, class_weights=None,
        ignore_index=-100, label_smoothing=label_smoothing, reduction="mean",
    )  # fmt: skip
    target = target._replace(row=jnp.where(targets == -100, 0.0, 1.0))
    sums = block_sums(z, top, target, jnp.arange(here))
    merged = jax.lax.psum(sums, group).at[2].set(sums[2]).at[4].set(sums[4])
    loss = target.reduce(row_loss(top, merged), "mean", z.dtype)
    return jax.lax.pmax(jax.lax.stop_gradient(loss), group) + 0 * jax.lax.psum(loss, group)


def test_smoothing_by_the_piece_is_told_from_smoothing():
    size, labels = 2, jnp.asarray(LABELS) % 8
    mesh = jax.make_mesh((4,), ("vocab",), axis_types=(AxisType.Auto,))

    def ask(loss, smoothing, specs):
        def of_piece(z, y):
            first = jax.lax.axis_index("vocab") * size
            return loss(z, y, first, "vocab", n_classes=8, label_smoothing=smoothing).reshape(1)

        run = jax.shard_map(
            of_piece, mesh=mesh, in_specs=(P(None, None, "vocab"), P()), out_specs=specs, check_vma=False
        )
        return np.asarray(jax.jit(run)(jnp.asarray(SCORES[..., :8]), labels))

    for smoothing, slips in ((0.0, False), (0.1, True)):
        right = xentlib.softmax_cross_entropy(SCORES[..., :8], np.asarray(labels), label_smoothing=smoothing)
        close(ask(vocab_parallel_cross_entropy, smoothing, P("vocab")), [right] * 4)
        wrong = ask(smoothed_by_piece, smoothing, P("vocab"))
        assert np.allclose(wrong, right, rtol=1e-9) is not slips


def test_two_all_reduces_make_the_loss_and_a_third_the_gradient_of_the_features():
    loss = in_pieces(vocab_parallel_cross_entropy, 8, label_smoothing=0.1)
    shapes = jnp.zeros((5, 4)), jnp.zeros((8, 4)), jnp.zeros(5, int)

    def all_reduces(function):
        return jax.jit(function).lower(*shapes).compile().as_text().count(" all-reduce(")

    assert all_reduces(loss) == 2
    assert all_reduces(jax.grad(loss, argnums=(0, 1))) == 3


# The language model

TOKENS = RNG.integers(K, size=(4, 7))
TOKENS[0, :4] = TOKENS[1, 5:] = TOKENS[3] = -100  # a prompt, padding, and a row of nothing
TEXT = RNG.normal(size=(4, 7, K))


def test_the_token_after_is_guessed_and_the_mean_is_over_those_that_count():
    right = xentlib.softmax_cross_entropy(TEXT[:, :-1], TOKENS[:, 1:], ignore_index=-100)
    loss = jax.jit(next_token_loss)
    close(loss(TEXT, TOKENS), right)
    assert count_targets(TOKENS) == (TOKENS[:, 1:] != -100).sum()
    assert loss(TEXT[3:], TOKENS[3:]) == loss(TEXT[3:], TOKENS[3:], n_counted=0) == 0
    for shifted in (TEXT[:, :-1], TEXT[..., 0]):
        with pytest.raises(ValueError, match=r"tokens must have the shape \(\.\.\., S\)"):
            jax.eval_shape(next_token_loss, shifted, TOKENS)


def test_small_batches_and_devices_make_the_loss_and_gradient_of_a_big_one():
    ask = jax.jit(jax.value_and_grad(next_token_loss))
    loss, grad = ask(TEXT, TOKENS)
    n = count_targets(TOKENS)
    parts = [ask(TEXT[i : i + 1], TOKENS[i : i + 1], n_counted=n) for i in range(4)]
    close(sum(part for part, _ in parts), loss)
    close(np.concatenate([part for _, part in parts]), grad)
    mean_of_means = np.mean([ask(TEXT[i : i + 1], TOKENS[i : i + 1])[0] for i in range(4)])
    assert abs(mean_of_means - loss) > 0.01

    def of_device(scale, logits, tokens):
        n = jax.lax.psum(count_targets(tokens), "batch")
        return jax.lax.psum(next_token_loss(scale * logits, tokens, n_counted=n), "batch")

    mesh = jax.make_mesh((4,), ("batch",), axis_types=(AxisType.Auto,))
    shared = jax.shard_map(of_device, mesh=mesh, in_specs=(P(), P("batch"), P("batch")), out_specs=P())
    found, slope = jax.jit(jax.value_and_grad(shared))(1.0, TEXT, TOKENS)
    close(found, loss)
    close(slope, (grad * TEXT).sum())


# Temperature, variants, and the check of a gradient


def test_the_temperature_is_where_the_slope_is_0():
    labels = RNG.integers(3, size=200)
    logits = 4 * (np.eye(3)[labels] + RNG.normal(size=(200, 3)))
    best = fit_temperature(logits, labels)
    q = xentlib.softmax(logits / best)
    close((q * logits).sum(), logits[np.arange(200), labels].sum(), 1e-9)
    close(fit_temperature(np.float32(logits), labels), best, 1e-4)
    close(fit_temperature(3e3 * logits, labels), 3e3 * best, 1e-9)
    more = np.pad(logits, ((0, 1), (0, 1)), constant_values=-np.inf)  # a masked class, and a row that does not count
    close(fit_temperature(more, np.append(labels, -100)), best, 1e-9)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, 0], "labels must include one whose class does not lead, else T = 0 is best; got none"),
        ([1, 1], "logits must be higher for true classes than on average"),
        ([0, 2], r"finite at labels in \[0, K\); got a loss of nan"),
    ],
)
def test_where_no_temperature_is_best_that_is_said(labels, says):
    with pytest.raises(ValueError, match=says):
        fit_temperature(jnp.array([[2.0, 0.0], [1.0, 0.0]]), jnp.array(labels))


def test_the_variants_are_those_of_chapter_12():
    rows, labels = SCORES[1], np.array([7, -100, 9])
    loss, grad = jax.jit(jax.value_and_grad(partial(z_loss, strength=0.1)))(rows, labels)
    right = xentlib.softmax_cross_entropy_with_grad(rows, labels, ignore_index=-100, z_loss=0.1)
    close(loss, right[0])
    close(grad, right[1])

    plain, slopes = xentlib.softmax_cross_entropy_with_grad(rows, [7, 2, 9], reduction="none")
    q = np.exp(-plain)
    for gamma, weight in ((2.0, (1 - q) ** 2 + 2 * q * (1 - q) * plain), (0.0, np.ones(3))):
        ask = jax.jit(jax.grad(total(partial(focal_loss, gamma=gamma, reduction="none")), has_aux=True))
        grad, losses = ask(rows, np.array([7, 2, 9]))
        close(losses, (1 - q) ** gamma * plain, 1e-11)
        close(grad, weight[:, None] * slopes, 1e-11)
    shallow = jax.jit(jax.value_and_grad(partial(focal_loss, gamma=0.5)))
    assert np.isfinite(shallow(np.array([0.0, 800.0]), 1)[1]).all()
    masked = np.array([1.0, -np.inf, 2.0])  # the true class: loss inf, and the gradient q of the others
    loss, grad = shallow(masked, 1)
    assert loss == np.inf
    close(grad, xentlib.softmax(masked))
    close(jax.jit(focal_loss)(rows, labels), ((1 - q) ** 2 * plain)[[0, 2]].mean(), 1e-11)

    teacher = SCORES[0, 0]
    distilled = jax.jit(jax.value_and_grad(partial(distillation_loss, temperature=3.0), argnums=(0, 1)))
    loss, (grad, of_teacher) = distilled(rows[0], teacher)
    right = xentlib.softmax_cross_entropy_with_grad(rows[0] / 3, xentlib.softmax(teacher, temperature=3.0))
    close(loss, 9 * right[0])
    close(grad, 3 * right[1])
    assert not of_teacher.any()
    half = jax.jit(partial(distillation_loss, temperature=3.0))(jnp.asarray(rows[0], jnp.bfloat16), teacher)
    close(half, distilled(np.asarray(jnp.asarray(rows[0], jnp.bfloat16), float), teacher)[0], 2.0**-9)  # rounded once

    bent = 4 * np.tanh(rows[0] / 4)
    grad = jax.jit(jax.grad(lambda z: cross_entropy(soft_cap(z, 4.0), 7)))(rows[0])
    close(grad, (1 - (bent / 4) ** 2) * xentlib.softmax_cross_entropy_with_grad(bent, 7)[1])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda z: focal_loss(z, 1, gamma=-1), "gamma must be at least 0; got -1"),
        (lambda z: distillation_loss(z, z, temperature=0), "temperature must be positive; got 0"),
        (lambda z: soft_cap(z, -1), "cap must be positive; got -1"),
        (lambda z: linear_cross_entropy(z[None], z[None, :2], jnp.array([0])), r"weight must have shape \(K, 3\)"),
        (
            lambda z: linear_cross_entropy(z[None], z[None], jnp.array([0]), z),
            r"bias must have shape \(1,\); got \(3,\)",
        ),
        (lambda z: linear_cross_entropy(z[None], z[None], jnp.array([0]), block=0), "block must be at least 1; got 0"),
    ],
)
def test_options_of_the_others_are_named(call, says):
    with pytest.raises(ValueError, match=says):
        call(jnp.array([1.0, 2.0, 0.5]))


def test_the_check_passes_what_is_right_and_says_what_is_wrong():
    logits = jnp.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    labels = jnp.array([1, 0])
    check_gradient(lambda z: cross_entropy(z, labels, label_smoothing=0.1), logits)

    @jax.custom_jvp
    def no_curvature(z):
        return cross_entropy(z, labels)

    @no_curvature.defjvp
    def _(primals, tangents):
        return no_curvature(*primals), (
            jax.lax.stop_gradient(jax.grad(cross_entropy)(*primals, labels)) * tangents[0]
        ).sum()

    with pytest.raises(AssertionError, match="not the forward mode, in first or second derivatives"):
        check_gradient(no_curvature, logits)
    check_gradient(no_curvature, logits, second=False)

    no_forward = jax.custom_vjp(lambda z: cross_entropy(z, labels))
    no_forward.defvjp(lambda z: (cross_entropy(z, labels), z), lambda z, g: (g * jax.grad(cross_entropy)(z, labels),))
    with pytest.raises(AssertionError, match=r"not the forward mode.*can't apply forward-mode"):
        check_gradient(no_forward, logits)
    with pytest.raises(AssertionError, match=r"the gradient at index \(1, 2\) is 1\.46812"):
        check_gradient(lambda z: cross_entropy(z, labels) + z[1, 2] - jax.lax.stop_gradient(z[1, 2]), logits)
    with pytest.raises(ValueError, match=r"loss must return one real number; got shape \(2,\)"):
        check_gradient(lambda z: cross_entropy(z, labels, reduction="none"), logits)
