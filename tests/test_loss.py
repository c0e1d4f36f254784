import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import (
    RUNNING_EXAMPLE,
    assert_accurate,
    exact,
    exactly,
    generators,
    large_batch,
    logits,
)

from xentlib import check_grad, cross_entropy, entropy, log_softmax, softmax
from xentlib import softmax_cross_entropy as loss_of
from xentlib import softmax_cross_entropy_with_grad as loss_and_grad_of

INF, NAN = np.inf, np.nan
EPS = np.finfo(float).eps
REDUCTIONS = ["none", "sum", "mean"]


@pytest.fixture
def batch():
    """Logits of shape (2, 4, 3), and class indices."""
    rng = np.random.default_rng(0)
    return 3 * rng.normal(size=(2, 4, 3)), rng.integers(3, size=(2, 4))


def one_hot(y, n_classes):
    return np.eye(n_classes)[y]


# Values


@pytest.mark.parametrize(("y", "wanted"), [(0, 1.46437), (1, 0.46437), (2, 1.96437)])
def test_running_example(y, wanted):
    loss, grad = loss_and_grad_of(RUNNING_EXAMPLE, y)
    assert loss_of(RUNNING_EXAMPLE, y) == loss
    assert loss.round(5) == wanted
    assert grad == pytest.approx(softmax(RUNNING_EXAMPLE) - one_hot(y, 3))


def test_the_0462_of_the_article_belongs_to_the_rounded_probabilities():
    assert cross_entropy([0, 1, 0], softmax(RUNNING_EXAMPLE).round(2)).round(3) == 0.462
    assert loss_of(RUNNING_EXAMPLE, 1).round(3) == 0.464


def test_a_confident_loss_and_its_gradient_are_not_0():
    loss, grad = loss_and_grad_of([0.0, 40.0], 1)
    assert loss == pytest.approx(4.248354255291589e-18, rel=1e-15, abs=0)
    assert grad == pytest.approx([4.248354255291589e-18, -4.248354255291589e-18], rel=1e-15, abs=0)


@pytest.mark.parametrize("offset", [0, 1e4, 1e6, 1e8])
def test_an_offset_costs_no_digit(offset):
    """In float32 −z_y + logsumexp(z) gives 0.0488281, 0.0625 and 0 at the last three offsets."""
    z = np.array([16.0, -8.0], np.float32)  # the offsets leave a spacing of 8, so the logits stay 24 apart
    for label in (0, 1):
        assert_accurate(loss_of(z + np.float32(offset), label), [-exact(z).log_q[label]], 8 + 24)


def test_one_class_has_no_loss_and_no_gradient():
    loss, grad = loss_and_grad_of([[5.0], [-1.0]], [0, 0], reduction="none")
    assert loss.tolist() == [0, 0]
    assert grad.tolist() == [[0], [0]]
    assert not np.signbit(grad).any()


# Properties


@given(logits(), st.randoms(use_true_random=False))
def test_gradient_sums_to_0(z, random):
    for targets in (random.randrange(z.size), np.array([random.uniform(0, 2) for _ in z])):
        grad = loss_and_grad_of(z, targets)[1]
        terms = np.abs(grad) + (targets if np.ndim(targets) else 0)
        assert abs(grad.sum()) <= 4 * z.size * EPS * terms.sum()


@given(logits(), st.randoms(use_true_random=False))
def test_loss_is_minus_log_softmax_of_the_true_class(z, random):
    y = random.randrange(z.size)
    assert loss_of(z, y) == pytest.approx(-log_softmax(z)[y], rel=4 * EPS, abs=0)


@given(logits(), st.randoms(use_true_random=False))
def test_index_targets_are_one_hot_targets(z, random):
    y = random.randrange(z.size)
    loss, grad = loss_and_grad_of(z, y)
    loss_of_p, grad_of_p = loss_and_grad_of(z, one_hot(y, z.size))
    assert loss_of_p == pytest.approx(loss, rel=8 * EPS, abs=0)
    assert grad_of_p == pytest.approx(grad, rel=8 * EPS, abs=0)


@given(logits(), generators())
def test_classes_in_another_order_have_the_same_loss_and_the_gradient_in_that_order(z, rng):
    order = rng.permutation(z.size)
    for p in (one_hot(rng.integers(z.size), z.size), rng.uniform(0, 2, z.size)):
        loss, grad = loss_and_grad_of(z, p)
        loss_after, grad_after = loss_and_grad_of(z[order], p[order])
        assert loss_after == pytest.approx(loss, rel=1e-14, abs=0)
        # beside its terms: (Σp) q − p of nearly equal ones has fewer digits
        assert np.abs(grad_after - grad[order]).max() <= 1e-14 * np.maximum(np.abs(grad), p).max()


@given(generators())
def test_targets_need_not_sum_to_1(rng):
    z, p = 3 * rng.normal(size=5), rng.uniform(0, 3, 5)
    loss, grad = loss_and_grad_of(z, p)
    assert grad == pytest.approx(p.sum() * softmax(z) - p, rel=1e-12, abs=1e-14)
    assert loss == pytest.approx(p.sum() * loss_of(z, p / p.sum()), rel=1e-14)


@given(generators())
def test_loss_of_a_distribution_is_its_cross_entropy_and_least_at_the_logits_log_p(rng):
    p, z = rng.dirichlet(np.ones(4)), rng.normal(size=4)
    assert loss_of(z, p) == pytest.approx(cross_entropy(p, softmax(z)), rel=1e-14)
    loss, grad = loss_and_grad_of(np.log(p), p)
    assert loss == pytest.approx(entropy(p), rel=1e-13, abs=1e-15)
    assert grad == pytest.approx(np.zeros(4), abs=1e-15)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("kind", ["indices", "distributions"])
@given(rng=generators())
def test_gradient_is_that_of_the_reduced_loss(reduction, kind, rng):
    z, y = 3 * rng.normal(size=(3, 4)), rng.integers(4, size=3)
    p = one_hot(y, 4) if kind == "indices" else rng.uniform(0, 2, (3, 4))
    targets = y if kind == "indices" else p

    def textbook(z):
        losses = p.sum(-1) * np.log(np.exp(z).sum(-1)) - (p * z).sum(-1)
        return losses.sum() if reduction == "sum" else losses.sum() / 3

    def grad(z):
        return loss_and_grad_of(z, targets, reduction=reduction)[1]

    assert check_grad(textbook, grad, z, method="complex") < 1e-12
    assert check_grad(lambda z: loss_of(z, targets, reduction=reduction), grad, z) < 1e-6


# Masks


@pytest.mark.parametrize("targets", [0, [0.25, 0.0, 0.75]])
def test_a_masked_class_takes_no_part(targets):
    z = np.array([1.0, -INF, 0.5])
    loss, grad = loss_and_grad_of(z, targets)
    without = targets if targets == 0 else np.delete(targets, 1)
    loss_without, grad_without = loss_and_grad_of(np.delete(z, 1), without)
    assert loss == loss_without
    assert grad[1] == 0
    assert np.delete(grad, 1).tolist() == grad_without.tolist()


@pytest.mark.parametrize("targets", [1, [0.0, 1.0, 0.0], [0.5, 0.5, 0.0], [0.0, 1e-300, 0.0]])
def test_a_masked_true_class_costs_infinitely_much_and_keeps_gradient_0(targets):
    z = np.array([1.0, -INF, 0.5])
    loss, grad = loss_and_grad_of(z, targets)
    assert loss == INF
    assert grad[1] == 0
    p = one_hot(1, 3) if targets == 1 else np.array(targets)
    assert grad[[0, 2]] == pytest.approx((p.sum() * softmax(z) - p)[[0, 2]], rel=1e-15, abs=0)


def test_an_infinite_loss_leaves_the_other_samples_alone():
    z = np.array([[1.0, -INF, 0.5], RUNNING_EXAMPLE])
    losses, grads = loss_and_grad_of(z, [1, 1], reduction="none")
    assert losses[0] == INF
    assert losses[1] == pytest.approx(loss_of(z[1], 1), rel=4 * EPS)
    np.testing.assert_allclose(grads[1], loss_and_grad_of(z[1], 1)[1], rtol=4 * EPS)
    assert loss_of(z, [1, 1]) == INF


# Shapes, dtypes and reductions


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3), (1, 3), (4, 1), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("kind", ["indices", "distributions"])
def test_rows_of_any_batch_are_worked_on_one_by_one(shape, kind):
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=shape), rng.integers(shape[-1], size=shape[:-1])
    targets = y if kind == "indices" else rng.uniform(size=shape)
    losses, grads = loss_and_grad_of(z, targets, reduction="none")
    assert losses.shape == shape[:-1]
    assert grads.shape == shape
    assert (loss_of(z, targets, reduction="none") == losses).all()
    for index in np.ndindex(shape[:-1]):
        loss, grad = loss_and_grad_of(z[index], targets[index])
        assert losses[index] == pytest.approx(loss, rel=1e-15)
        assert grads[index] == pytest.approx(grad, rel=1e-15)


@pytest.mark.parametrize("kind", ["indices", "distributions"])
def test_reductions(batch, kind):
    z, y = batch
    targets = y if kind == "indices" else 2 * one_hot(y, 3)
    losses, grads = loss_and_grad_of(z, targets, reduction="none")
    for reduction, divisor in (("sum", 1), ("mean", 8)):
        loss, grad = loss_and_grad_of(z, targets, reduction=reduction)
        assert loss_of(z, targets, reduction=reduction) == loss
        assert loss.shape == ()
        assert loss == pytest.approx(losses.sum() / divisor, rel=1e-15)
        assert grad == pytest.approx(grads / divisor, rel=1e-15)
    assert loss_of(z, targets) == loss_of(z, targets, reduction="mean")


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_over_no_samples_the_loss_is_0_and_the_gradient_has_the_shape_of_the_logits(reduction, shape, dtype):
    z = np.zeros(shape, dtype)
    for targets in (np.zeros(shape[:-1], int), np.zeros(shape)):
        loss, grad = loss_and_grad_of(z, targets, reduction=reduction)
        assert loss == 0
        assert grad.shape == shape
        assert loss.dtype == grad.dtype == dtype


def test_an_empty_list_stands_for_no_class_indices():
    assert loss_of(np.zeros((0, 3)), []) == 0


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_keep_their_dtype_whatever_that_of_the_targets(batch, reduction, dtype):
    z, y = batch
    for targets in (y, y.astype(np.uint8), one_hot(y, 3), one_hot(y, 3).astype(np.float16), one_hot(y, 3).astype(int)):
        loss, grad = loss_and_grad_of(z.astype(dtype), targets, reduction=reduction)
        assert loss.dtype == grad.dtype == dtype


def test_integer_logits_become_float64():
    loss, grad = loss_and_grad_of([[1, 2, 0]], [1])
    assert loss.dtype == grad.dtype == np.float64
    assert loss == loss_of([1.0, 2.0, 0.0], 1)


def test_a_loss_beyond_the_range_of_float16_is_inf():
    z = np.array([6e4, -6e4], np.float16)
    assert loss_of(z, 1) == INF
    assert loss_and_grad_of(z, 1)[1].tolist() == [1, -1]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_arguments_are_not_modified(batch, dtype, reduction):
    z, y = batch
    z = z.astype(dtype)
    z[0, 0, 0] = -INF
    for targets in (y, one_hot(y, 3).astype(dtype)):
        before = z.copy(), targets.copy()
        loss_and_grad_of(z, targets, reduction=reduction)
        assert (z == before[0]).all()
        assert (targets == before[1]).all()


def test_the_gradient_shares_no_memory_with_the_arguments(batch):
    z, y = batch
    p = one_hot(y, 3)
    grad = loss_and_grad_of(z, p)[1]
    assert not np.shares_memory(grad, z)
    assert not np.shares_memory(grad, p)


# Errors

BOTH = pytest.mark.parametrize("function", [loss_of, loss_and_grad_of])


@BOTH
@pytest.mark.parametrize(
    ("z", "targets", "error", "message"),
    [
        ([[1.0, NAN]], [0], ValueError, "logits must be finite or -inf; got nan at index (0, 1)"),
        ([INF, 1.0], 0, ValueError, "logits must be finite or -inf; got inf at index (0,)"),
        (
            [[0.0, 0.0], [-INF, -INF]], [0, 1], ValueError,
            "logits must leave at least one class that is not -inf; got only -inf at index (1,)",
        ),
        ([], 0, ValueError, "logits must have at least one class along axis -1; got shape (0,)"),
        (np.zeros((2, 0)), [0, 0], ValueError, "logits must have at least one class along axis -1; got shape (2, 0)"),
        (1.5, 0, ValueError, "logits must have at least one axis; got the scalar 1.5"),
        (
            [True, False], 0, TypeError,
            "logits must hold real numbers (float16, float32, float64 or integers); got dtype bool",
        ),
        ([1.0, 2.0, 3.0], 3, ValueError, "targets must lie in [0, 3); got 3"),
        (np.zeros((4, 3)), [0, 2, -1, 5], ValueError, "targets must lie in [0, 3); got -1 at index (2,)"),
        (
            np.zeros((4, 3)), [0], ValueError,
            "targets must have shape (4,) (class indices) or (4, 3) (distributions) "
            "for logits of shape (4, 3); got (1,)",
        ),
        (
            np.zeros(3), [0.5, 0.5], ValueError,
            "targets must have shape () (class indices) or (3,) (distributions) for logits of shape (3,); got (2,)",
        ),
        (
            np.zeros((2, 3)), [1.0, 2.0], TypeError,
            "targets of shape (2,) must be integer class indices; got dtype float64",
        ),
        (np.zeros(3), True, TypeError, "targets of shape () must be integer class indices; got dtype bool"),
        (np.zeros(2), [1.5, -0.5], ValueError, "targets must be non-negative and finite; got -0.5 at index (1,)"),
        (np.zeros((1, 2)), [[NAN, 1]], ValueError, "targets must be non-negative and finite; got nan at index (0, 0)"),
        (np.zeros((1, 2)), [[0, INF]], ValueError, "targets must be non-negative and finite; got inf at index (0, 1)"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_with_its_name_and_value(function, z, targets, error, message):
    with pytest.raises(error, match=exactly(message)):
        function(z, targets)


@BOTH
@pytest.mark.parametrize("reduction", ["average", None, ["mean"]])
def test_an_unknown_reduction_is_refused(function, reduction):
    message = f"reduction must be one of 'none', 'sum', 'mean'; got {reduction!r}"
    with pytest.raises(ValueError, match=exactly(message)):
        function(RUNNING_EXAMPLE, 1, reduction=reduction)


@BOTH
@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_bad_logit_deep_inside_a_batch_is_named(function, bad):
    z, index = large_batch()
    z[index] = bad
    with pytest.raises(ValueError, match=exactly(f"logits must be finite or -inf; got {bad} at index {index}")):
        function(z, np.zeros(z.shape[:-1], int))


@BOTH
def test_a_bad_target_deep_inside_a_batch_is_named(function):
    z, index = large_batch()
    y, p = np.zeros(z.shape[:-1], int), np.zeros(z.shape)
    y[index[:-1]], p[index] = 7, -2
    with pytest.raises(ValueError, match=exactly(f"targets must lie in [0, 7); got 7 at index {index[:-1]}")):
        function(z, y)
    with pytest.raises(
        ValueError, match=exactly(f"targets must be non-negative and finite; got -2.0 at index {index}")
    ):
        function(z, p)
