"""Every combination of the loss's options, against a slow and plain reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import assert_accurate, exact, exact_gradient, exactly, generators

from xentlib import _kernel, _tiles, softmax_cross_entropy, softmax_cross_entropy_with_grad

INF, NAN = np.inf, np.nan
OPTIONS = ("class_weights", "ignore_index", "label_smoothing", "z_loss", "reduction")


def plain(z, targets, *, class_weights=None, ignore_index=None, label_smoothing=0.0, z_loss=0.0, reduction="mean"):
    """Return loss and gradient as the definitions say, row by row, in float64."""
    n_classes, by_index = z.shape[-1], np.shape(targets) == z.shape[:-1]
    weights = np.ones(n_classes) if class_weights is None else np.asarray(class_weights, float)
    rows = np.asarray(z, float).reshape(-1, n_classes)
    losses, grads, total = np.zeros(len(rows)), np.zeros(rows.shape), 0.0
    for n, row in enumerate(rows):
        target = np.asarray(targets).reshape(len(rows), -1)[n]
        if by_index and target[0] == ignore_index:
            continue
        p = np.eye(n_classes)[target[0]] if by_index else target
        t = weights * ((1 - label_smoothing) * p + label_smoothing / n_classes)
        total += weights[target[0]] if by_index else 1
        lse = row.max() + np.log(np.exp(row - row.max()).sum())
        losses[n] = sum(t_j * (lse - z_j) for t_j, z_j in zip(t, row, strict=True) if t_j > 0) + z_loss * lse**2
        grads[n] = np.where(row == -INF, 0, (t.sum() + 2 * z_loss * lse) * np.exp(row - lse) - t)
    if reduction == "none":
        return losses.reshape(z.shape[:-1]), grads.reshape(z.shape)
    divisor = total if reduction == "mean" else 1
    if divisor == 0:
        return 0.0, np.zeros(z.shape)
    return losses.sum() / divisor, grads.reshape(z.shape) / divisor


@st.composite
def calls(draw):
    """Arguments of the loss: all options, index and probability targets, batches of 0 to 3 axes, masks, dtypes."""
    rng = draw(generators())
    n_classes = draw(st.sampled_from((1, 2, 3, 10, 40)))
    shape = draw(st.sampled_from(((), (6,), (40,), (2, 3), (5, 9), (1, 2, 2), (0,))))
    dtype = draw(st.sampled_from((np.float32, np.float64)))
    z = (rng.normal(size=(*shape, n_classes)) * draw(st.sampled_from((1, 10)))).astype(dtype)
    masked = draw(st.booleans()) and n_classes > 2
    if masked:
        z[..., 1] = -INF
    options = {
        "label_smoothing": draw(st.sampled_from((0.0, 0.1, 1.0))),
        "z_loss": draw(st.sampled_from((0.0, 0.01))),
        "reduction": draw(st.sampled_from(("none", "sum", "mean"))),
    }
    if draw(st.booleans()):
        options["class_weights"] = rng.random(n_classes) * rng.integers(0, 2, n_classes)
    if draw(st.booleans()):
        targets = rng.integers(n_classes, size=shape)
        if draw(st.booleans()):
            options["ignore_index"] = draw(st.sampled_from((-100, 0, n_classes - 1)))
            targets = np.where(rng.random(shape) < 0.3, options["ignore_index"], targets)
    else:
        targets = rng.random((*shape, n_classes))
        if masked and draw(st.booleans()):
            targets[..., 1] = 0
    return z, targets, options


@settings(max_examples=300)
@given(calls())
def test_loss_and_gradient_are_what_the_definitions_say(call):
    z, targets, options = call
    before = z.copy(), np.copy(targets)
    loss, grad = softmax_cross_entropy_with_grad(z, targets, **options)
    wanted_loss, wanted_grad = plain(z, targets, **options)
    tolerance = 1e-12 if z.dtype == np.float64 else 2e-5
    np.testing.assert_allclose(loss, wanted_loss, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(grad, wanted_grad, rtol=tolerance, atol=tolerance)
    assert (np.shape(loss), grad.shape) == (np.shape(wanted_loss), z.shape)
    assert (loss.dtype, grad.dtype) == (z.dtype, z.dtype)
    np.testing.assert_array_equal(softmax_cross_entropy(z, targets, **options), loss)
    np.testing.assert_array_equal(z, before[0])
    np.testing.assert_array_equal(targets, before[1])


def test_the_calls_above_vary():
    """A strategy whose draws do not vary would prove nothing."""
    seen = []
    given(calls())(lambda call: seen.append(call))()
    assert {z.shape[-1] for z, _, _ in seen} == {1, 2, 3, 10, 40}
    assert {z.ndim for z, _, _ in seen} == {1, 2, 3, 4}
    assert any(np.isneginf(z).any() for z, _, _ in seen)
    for name in OPTIONS:
        assert len({str(options.get(name)) for _, _, options in seen}) >= 2
    assert {np.shape(targets) == z.shape for z, targets, _ in seen} == {True, False}


@pytest.mark.parametrize("n_classes", [3, 40])
@pytest.mark.parametrize("kind", ["index", "distribution"])
def test_blocks_do_not_show(monkeypatch, n_classes, kind):
    """Whatever the size of a block, also one that does not divide the batch, each row comes out the same."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(50, n_classes))
    targets = rng.integers(n_classes, size=50) if kind == "index" else rng.random((50, n_classes))
    options = {"reduction": "none", "label_smoothing": 0.1, "class_weights": rng.random(n_classes)}
    whole = softmax_cross_entropy_with_grad(z, targets, **options)
    for rows_in_block in (1, 7, 49):
        monkeypatch.setattr(_tiles, "TILE_BYTES", rows_in_block * n_classes * 8)
        parts = softmax_cross_entropy_with_grad(z, targets, **options)
        np.testing.assert_allclose(parts[0], whole[0], rtol=1e-15)
        np.testing.assert_allclose(parts[1], whole[1], rtol=1e-13, atol=1e-17)


@pytest.fixture
def apart(monkeypatch):
    """Record how many rows at a time are not solved with the shift that they share."""
    compute, seen = _kernel._compute_apart, []
    monkeypatch.setattr(_kernel, "_compute_apart", lambda z, *rest: seen.append(len(z)) or compute(z, *rest))
    return seen


@pytest.mark.parametrize("level", [-1000.0, -2.1, 0.0, 28.0, 1000.0])
def test_rows_at_one_level_share_a_shift(apart, level):
    loss, grad = softmax_cross_entropy_with_grad(np.full((40, 50), level), np.full(40, 7))
    assert loss == pytest.approx(np.log(50), rel=4e-16)
    assert grad[0, 7] * 40 == pytest.approx(-49 / 50, rel=1e-15)
    assert apart == []


def test_only_rows_at_a_level_of_their_own_are_solved_apart(apart):
    z = np.zeros((40, 50))
    z[[3, 8, 20, 30]] = [[-9], [60], [-1000], [-600]]
    losses, grads = softmax_cross_entropy_with_grad(z, np.full(40, 7), reduction="none")
    np.testing.assert_allclose(losses, np.log(50), rtol=4e-16)
    np.testing.assert_allclose(grads[:, 7], -49 / 50, rtol=1e-15)
    assert apart == [3]  # in the first all powers are good


@pytest.mark.parametrize("largest", [1.0, 31.0])
def test_a_ratio_of_powers_may_overflow(largest):
    z = np.array([largest, largest - 100, largest - 99, largest], np.float32)
    loss, grad = softmax_cross_entropy_with_grad(z, 1)
    assert loss == pytest.approx(100 + np.log(2), rel=1e-6)
    assert grad[1] == -1


@pytest.mark.parametrize("z_loss", [0, 0.1])
def test_a_masked_true_class_among_many_rows(z_loss):
    z = np.tile(np.linspace(0, 5, 50), (40, 1))
    z[7, 3] = -INF
    losses, grads = softmax_cross_entropy_with_grad(z, np.full(40, 3), reduction="none", z_loss=z_loss)
    assert losses[7] == INF
    assert grads[7, 3] == 0
    for n in (6, 7):
        loss, grad = softmax_cross_entropy_with_grad(z[n], 3, z_loss=z_loss)
        assert losses[n] == pytest.approx(loss, rel=1e-14)
        np.testing.assert_allclose(grads[n], grad, rtol=1e-13)


def test_a_tie_for_the_largest_counts_once_as_the_one():
    z = np.array([[5.0, 5.0, 5.0, -INF]])
    loss, grad = softmax_cross_entropy_with_grad(z, [1])
    assert loss == pytest.approx(np.log(3), rel=1e-15)
    np.testing.assert_allclose(grad, [[1 / 3, -2 / 3, 1 / 3, 0]], rtol=1e-15)


def test_a_mask_that_the_weights_rule_out_as_well_costs_nothing():
    z, weights = np.array([[1.0, -INF, 0.5]]), [1.0, 0.0, 2.0]
    smoothed = softmax_cross_entropy_with_grad(z, [0], class_weights=weights, label_smoothing=0.3)
    wanted = plain(z, [0], class_weights=weights, label_smoothing=0.3)
    assert smoothed[0] == pytest.approx(wanted[0])
    np.testing.assert_allclose(smoothed[1], wanted[1])


def test_hard_and_one_hot_targets_disagree_under_weights_only_in_the_mean():
    """pytorch#107680: with indices a mean divides by the weights of the classes, with distributions by N."""
    z, y, weights = np.array([[1.0, 2.0, 0.5], [0.0, 1.0, 3.0]]), [1, 2], [1.0, 2.0, 5.0]
    for reduction in ("none", "sum"):
        hard = softmax_cross_entropy(z, y, class_weights=weights, reduction=reduction)
        soft = softmax_cross_entropy(z, np.eye(3)[y], class_weights=weights, reduction=reduction)
        np.testing.assert_allclose(hard, soft, rtol=1e-15)
    total = softmax_cross_entropy(z, y, class_weights=weights, reduction="sum")
    assert softmax_cross_entropy(z, y, class_weights=weights) == pytest.approx(total / 7)
    assert softmax_cross_entropy(z, np.eye(3)[y], class_weights=weights) == pytest.approx(total / 2)


def test_smoothing_gives_a_share_to_each_of_the_k_classes():
    """ε/K, not ε/(K − 1): fastai#1814 and mlx#166 mixed the two."""
    z = np.array([1.0, 2.0, 0.5])
    smoothed = softmax_cross_entropy(z, 1, label_smoothing=0.3)
    assert smoothed == pytest.approx(softmax_cross_entropy(z, [0.1, 0.8, 0.1]))
    assert smoothed != pytest.approx(softmax_cross_entropy(z, [0.15, 0.7, 0.15]))


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_ignored_samples_leave_no_trace(reduction):
    z, y = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, -1, 2, -1])
    options = {"label_smoothing": 0.2, "z_loss": 0.1, "class_weights": [1.0, 2.0, 3.0], "reduction": reduction}
    loss, grad = softmax_cross_entropy_with_grad(z, y, ignore_index=-1, **options)
    wanted_loss, wanted_grad = softmax_cross_entropy_with_grad(z[::2], y[::2], **options)
    np.testing.assert_allclose(loss[::2] if reduction == "none" else loss, wanted_loss, rtol=1e-15)
    np.testing.assert_allclose(grad[::2], wanted_grad, rtol=1e-15)
    assert (grad[1::2] == 0).all()


@pytest.mark.parametrize("targets", [[-1, -1], np.zeros(0, int)])
def test_a_mean_over_nothing_is_zero(targets):
    """pytorch#70348 returns nan."""
    loss, grad = softmax_cross_entropy_with_grad(np.ones((len(targets), 3)), targets, ignore_index=-1, z_loss=0.1)
    assert loss == 0
    assert grad.shape == (len(targets), 3)
    assert (grad == 0).all()


def test_z_loss_adds_the_square_of_log_sum_exp():
    z = np.array([[1.0, 2.0, 0.5]])
    lse = np.log(np.exp(z).sum())
    plain_loss, plain_grad = softmax_cross_entropy_with_grad(z, [1])
    loss, grad = softmax_cross_entropy_with_grad(z, [1], z_loss=0.1)
    assert loss == pytest.approx(plain_loss + 0.1 * lse**2)
    np.testing.assert_allclose(grad, plain_grad + 0.2 * lse * np.exp(z - lse))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"label_smoothing": -0.1}, ValueError, "label_smoothing must lie in [0, 1]; got -0.1"),
        ({"label_smoothing": 1.5}, ValueError, "label_smoothing must lie in [0, 1]; got 1.5"),
        ({"label_smoothing": NAN}, ValueError, "label_smoothing must lie in [0, 1]; got nan"),
        ({"z_loss": -1}, ValueError, "z_loss must be non-negative and finite; got -1"),
        ({"z_loss": INF}, ValueError, "z_loss must be non-negative and finite; got inf"),
        ({"class_weights": [1.0, 2.0]}, ValueError,
         "class_weights must have shape (3,), one weight a class; got (2,)"),
        ({"class_weights": [1.0, -2.0, 0.0]}, ValueError,
         "class_weights must be non-negative and finite; got -2.0 at index (1,)"),
        ({"class_weights": [1.0, NAN, 0.0]}, ValueError,
         "class_weights must be non-negative and finite; got nan at index (1,)"),
        ({"class_weights": ["a", "b", "c"]}, TypeError,
         "class_weights must hold real numbers (float16, float32, float64 or integers); got dtype <U1"),
        ({"ignore_index": 7}, ValueError, "targets must lie in [0, 3); got -1 at index (1,)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", [softmax_cross_entropy, softmax_cross_entropy_with_grad])
def test_a_wrong_option_is_refused_with_its_name_and_value(call, options, error, message):
    with pytest.raises(error, match=exactly(message)):
        call(np.zeros((2, 3)), [0, -1] if "ignore_index" in options else [0, 1], **options)


@pytest.mark.parametrize(
    ("row", "weight", "smoothing"), [((3e38, 3e38), 1, 0), ((1e20, 1e20), 1e20, 0), ((1.3, 1.3), 2e38, 0.5)]
)
def test_a_distribution_whose_sum_overflows_is_named_with_its_weights_and_smoothing(row, weight, smoothing):
    z, p, weights = (np.array(values, np.float32) for values in (np.zeros((2, 2)), [(0.5, 0.5), row], [weight] * 2))
    message = "targets must have a finite sum over the classes; got inf at index (1,)"
    with pytest.raises(ValueError, match=exactly(message)):
        softmax_cross_entropy(z, p, class_weights=weights, label_smoothing=smoothing, reduction="sum")


def test_ignore_index_is_for_indices():
    message = "ignore_index must be None where targets are distributions; got 0"
    with pytest.raises(ValueError, match=exactly(message)):
        softmax_cross_entropy(np.zeros((2, 3)), np.ones((2, 3)), ignore_index=0)


@pytest.mark.parametrize("n_classes", [3, 40])
@pytest.mark.parametrize("kind", ["index", "distribution"])
@pytest.mark.parametrize("lay_out", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2]])
def test_the_layout_of_the_arguments_in_memory_does_not_matter(lay_out, kind, n_classes):
    rng = np.random.default_rng(0)
    z = 20 * rng.normal(size=(50, n_classes))
    targets = rng.integers(n_classes, size=50) if kind == "index" else rng.random((50, n_classes))
    wanted = softmax_cross_entropy_with_grad(z, targets)
    got = softmax_cross_entropy_with_grad(lay_out(z), lay_out(targets) if targets.ndim == 2 else targets[::-1][::-1])
    np.testing.assert_allclose(got[0], wanted[0], rtol=1e-14)
    np.testing.assert_allclose(got[1], wanted[1], rtol=1e-12, atol=1e-17)


@pytest.mark.parametrize("n_classes", [10, 200])
def test_rows_whose_probabilities_are_the_powers_themselves_are_not_solved_apart(apart, n_classes):
    """A z-loss pulls log Σ_j e^{z_j} to 0. Then the mean power is small, and all powers are good."""
    z = np.random.default_rng(0).normal(size=(40, n_classes))
    z[:, 3] += 12
    z -= np.logaddexp.reduce(z, axis=1, keepdims=True)
    losses, grads = softmax_cross_entropy_with_grad(z, np.full(40, 3), reduction="none")
    for n in (0, 39):
        assert_accurate(losses[n], [-exact(z[n]).log_q[3]], 8 + 20)
        assert_accurate(grads[n], exact_gradient(z[n], np.eye(n_classes)[3]), 8 + 20)
    assert apart == []


@pytest.mark.parametrize("n_classes", [3, 200])
def test_what_is_far_below_a_low_row_keeps_its_digits(n_classes):
    """With the shift of the first row its power would be subnormal, though its probability is not."""
    z = np.zeros((2, n_classes), np.float32)
    z[1] = -10
    z[1, 2] = -95.3
    losses, grads = softmax_cross_entropy_with_grad(z, [0, 0], reduction="none")
    assert_accurate(losses[1], [-exact(z[1]).log_q[0]], 8 + 85)
    assert_accurate(grads[1], exact_gradient(z[1], np.eye(n_classes)[0]), 8 + 85)
