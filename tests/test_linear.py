"""The loss of a linear layer without its logits, against the loss of its logits."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from reference import exactly

from xentlib import check_grad, linear_cross_entropy, linear_cross_entropy_with_grad, softmax_cross_entropy_with_grad

INF, NAN = np.inf, np.nan


def problem(seed=0, n_rows=11, n_features=4, n_classes=13, dtype=np.float64):
    rng = np.random.default_rng(seed)
    features, weight = rng.normal(size=(n_rows, n_features)), rng.normal(size=(n_classes, n_features))
    return (*(a.astype(dtype) for a in (features, weight)), rng.integers(n_classes, size=n_rows), rng)


def materialised(features, weight, targets, bias=None, **options):
    """Return loss and gradients by way of the logits."""
    z = features @ weight.T + (0 if bias is None else bias)
    loss, g = softmax_cross_entropy_with_grad(z, targets, **options)
    flat, x = g.reshape(-1, len(weight)), features.reshape(-1, weight.shape[1])
    return loss, g @ weight, flat.T @ x, flat.sum(0)


SETTINGS = [
    dict(zip(("kind", "weights", "ignored", "label_smoothing", "z_loss", "reduction", "bias"), values, strict=True))
    for values in product(
        ("index", "distribution"), (False, True), (False, True), (0.0, 0.1), (0.0, 0.01), ("none", "sum", "mean"),
        ("none", "finite", "masked"),
    )
    if not (values[0] == "distribution" and values[2])
]  # fmt: skip


@pytest.mark.parametrize("block_bytes", [1, 200, 700, None])
def test_every_combination_of_options_agrees_with_the_loss_of_the_logits(block_bytes):
    """One number a block, blocks that divide neither rows nor classes, and a single block."""
    for setting in SETTINGS:
        features, weight, y, rng = problem()
        bias = None if setting["bias"] == "none" else rng.normal(size=13)
        if setting["bias"] == "masked":
            bias[[2, 12]] = -INF
            y[y == 2] = 3
        options = {name: setting[name] for name in ("label_smoothing", "z_loss", "reduction")}
        if setting["weights"]:
            options["class_weights"] = rng.random(13)
            options["class_weights"][[2, 12]] = 0
        if setting["ignored"]:
            options["ignore_index"], y[::3] = -1, -1
        targets = y if setting["kind"] == "index" else rng.random((11, 13))
        wanted_loss, *wanted = materialised(features, weight, targets, bias, **options)
        loss, grad = linear_cross_entropy_with_grad(features, weight, targets, bias, block_bytes=block_bytes, **options)
        np.testing.assert_allclose(loss, wanted_loss, rtol=1e-12, err_msg=str(setting))
        for got, right in zip(grad, wanted, strict=True):
            if got is not None:
                np.testing.assert_allclose(got, right, rtol=1e-11, atol=1e-13, err_msg=str(setting))
        assert (grad.bias is None) == (bias is None)
        alone = linear_cross_entropy(features, weight, targets, bias, block_bytes=block_bytes, **options)
        np.testing.assert_allclose(alone, loss, rtol=1e-14)


def test_a_tie_across_blocks_counts_once_as_the_one():
    features, weight = np.ones((1, 1)), np.full((5, 1), 3.0)
    for block_bytes in (1, 20, None):
        loss, grad = linear_cross_entropy_with_grad(features, weight, [2], block_bytes=block_bytes)
        assert loss == pytest.approx(np.log(5), rel=1e-15)
        np.testing.assert_allclose(grad.weight[:, 0], [0.2, 0.2, -0.8, 0.2, 0.2], rtol=1e-14)


@pytest.mark.parametrize("name", ["features", "weight", "bias"])
def test_gradients_are_those_of_the_loss(name):
    features, weight, y, rng = problem()
    arguments = {"features": features, "weight": weight, "bias": rng.normal(size=13)}

    def call(function, value):
        return function(**{**arguments, name: value}, targets=y, block_bytes=300, label_smoothing=0.1, z_loss=0.01)

    error = check_grad(
        lambda value: call(linear_cross_entropy, value),
        lambda value: getattr(call(linear_cross_entropy_with_grad, value)[1], name),
        arguments[name],
    )
    assert error < 1e-6


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_results_have_the_dtype_of_the_inputs(dtype):
    features, weight, y, _ = problem(dtype=dtype)
    loss, grad = linear_cross_entropy_with_grad(features, weight, y, np.zeros(13, dtype), block_bytes=300)
    assert {loss.dtype, *(part.dtype for part in grad)} == {np.dtype(dtype)}
    wide = linear_cross_entropy(features.astype(float), weight.astype(float), y)
    assert loss == pytest.approx(wide, rel=4 * float(np.finfo(dtype).eps) + 1e-6 * (dtype != np.float64))


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
def test_any_batch(batch):
    rng = np.random.default_rng(0)
    features, weight, y = rng.normal(size=(*batch, 4)), rng.normal(size=(5, 4)), rng.integers(5, size=batch)
    loss, grad = linear_cross_entropy_with_grad(features, weight, y, reduction="none", block_bytes=100)
    assert (np.shape(loss), grad.features.shape, grad.weight.shape) == (batch, features.shape, weight.shape)
    assert linear_cross_entropy(features, weight, y, ignore_index=0) >= 0


def test_arguments_are_not_modified_and_calls_at_once_do_not_meet():
    problems = [problem(seed, n_rows=300, n_classes=500)[:3] for seed in range(4)]
    before = [[a.copy() for a in arguments] for arguments in problems]
    alone = [linear_cross_entropy_with_grad(*each, block_bytes=50_000) for each in problems]
    with ThreadPoolExecutor(8) as users:
        together = list(users.map(lambda each: linear_cross_entropy_with_grad(*each, block_bytes=50_000), problems * 4))
    for n, (loss, grad) in enumerate(together):
        assert loss == alone[n % 4][0]
        np.testing.assert_array_equal(grad.weight, alone[n % 4][1].weight)
    for arguments, copies in zip(problems, before, strict=True):
        for argument, copy in zip(arguments, copies, strict=True):
            np.testing.assert_array_equal(argument, copy)


def spoiled(shape, index, value):
    array = np.ones(shape)
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": spoiled((2, 3), (1, 2), NAN)}, "features must be finite; got nan at index (1, 2)"),
        ({"weight": spoiled((4, 3), (3, 0), INF)}, "weight must be finite; got inf at index (3, 0)"),
        ({"bias": spoiled(4, 2, NAN)}, "bias must be finite or -inf; got nan at index (2,)"),
        ({"bias": np.full(4, -INF)}, "bias must leave at least one class that is not -inf; got only -inf"),
        ({"weight": np.ones(3)}, "weight must have shape (K, D), one row a class; got (3,)"),
        ({"weight": np.ones((4, 2))},
         "weight must have shape (K, 3), one column a feature, for features of shape (2, 3); got (4, 2)"),
        ({"bias": np.ones(3)}, "bias must have shape (4,), one number a class; got (3,)"),
        ({"targets": [0, 4]}, "targets must lie in [0, 4); got 4 at index (1,)"),
        ({"block_bytes": 0}, "block_bytes must be at least 1; got 0"),
        ({"features": np.full((2, 3), 1e200), "weight": np.full((4, 3), 1e200)},
         "logits, which are features @ weight.T + bias, must be finite; got inf at index (0, 0)"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_with_its_name_and_value(changes, message):
    arguments = {"features": np.ones((2, 3)), "weight": np.ones((4, 3)), "targets": [0, 1], **changes}
    for call in (linear_cross_entropy, linear_cross_entropy_with_grad):
        with pytest.raises(ValueError, match=exactly(message)):
            call(**arguments)


def test_many_rows_of_many_classes_with_a_true_class_that_is_masked():
    """The one block is turned into its gradient in place, where its logits stay as they are until a mask is found."""
    features, weight, y, rng = problem(n_rows=50, n_features=3, n_classes=60)
    bias = rng.normal(size=60)
    y[7] = 5
    bias[5] = -np.inf
    loss, grad = linear_cross_entropy_with_grad(features, weight, y, bias, reduction="none")
    losses, by_logits = softmax_cross_entropy_with_grad(features @ weight.T + bias, y, reduction="none")
    assert loss[7] == np.inf
    np.testing.assert_allclose(loss, losses, rtol=1e-13)
    np.testing.assert_allclose(grad.features, by_logits @ weight, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(grad.weight, by_logits.T @ features, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("block_bytes", [600, None])
@pytest.mark.parametrize("dtypes", [("e", "e"), ("f", "e"), ("e", "f"), ("d", "f"), ("f", "d")])
def test_inputs_of_several_widths(dtypes, block_bytes):
    """Sums over many rows are made in the wider dtype, whatever the result is narrowed to."""
    features, weight, y, _ = problem(n_rows=900, n_features=4, n_classes=13)
    features, weight = (features + 1).astype(dtypes[0]), weight.astype(dtypes[1])
    loss, grad = linear_cross_entropy_with_grad(features, weight, y, block_bytes=block_bytes, reduction="sum")
    right = materialised(features.astype(float), weight.astype(float), y, reduction="sum")
    tolerance = 16 * float(np.finfo(np.result_type(*dtypes)).eps) if dtypes != ("e", "e") else 3e-4
    assert float(loss) == pytest.approx(right[0], rel=tolerance)
    for got, wanted in zip(grad, right[1:], strict=False):
        if got is not None:
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


@pytest.mark.parametrize("block_bytes", [1, None])
@pytest.mark.parametrize("other", [-1e200, 1e200])
def test_logits_that_overflow_are_refused(other, block_bytes):
    """An overflow to -inf is no mask."""
    features, weight = np.array([[1.0], [1e200]]), np.array([[0.0], [1.0], [other]])
    message = f"logits, which are features @ weight.T + bias, must be finite; got {np.sign(other) * np.inf} at index"
    with pytest.raises(ValueError, match=rf"{re.escape(message)} \(1, 2\)$"):
        linear_cross_entropy_with_grad(features, weight, [0, 1], block_bytes=block_bytes)


@pytest.mark.parametrize("block_bytes", [1, None])
def test_a_masked_true_class_of_weight_0_costs_nothing(block_bytes):
    features, weight, bias = np.ones((2, 1)), np.array([[0.0], [1.0], [2.0]]), np.array([-np.inf, 0.0, 0.0])
    options = {"class_weights": [0.0, 1.0, 1.0], "block_bytes": block_bytes, "reduction": "sum"}
    loss, grad = linear_cross_entropy_with_grad(features, weight, [0, 1], bias, **options)
    assert loss == pytest.approx(np.log1p(np.e), rel=1e-15)
    assert grad.bias == pytest.approx([0, -1 / (1 + 1 / np.e), 1 / (1 + 1 / np.e)], rel=1e-14)


def test_the_smallest_block_adds_up_the_features_gradient_in_few_steps():
    """Of 20,000 equal terms, one after another in float32 the sum would drift."""
    weight = np.ones((20_000, 1), np.float32)
    weight[7] = 0
    _, grad = linear_cross_entropy_with_grad(np.zeros((1, 1), np.float32), weight, [7], block_bytes=1)
    assert grad.features[0, 0] == pytest.approx(1 - 1 / 20_000, rel=5e-6)
