import mpmath
import numpy as np
import pytest
from hypothesis import given
from reference import (
    FEW_CLASSES,
    RUNNING_EXAMPLE,
    assert_accurate,
    digits_for,
    exact,
    exactly,
    gap_of,
    hard_logits,
    large_batch,
    logits,
)

from xentlib import check_grad, softmax, softmax_cross_entropy_with_grad, softmax_jacobian

INF, NAN = np.inf, np.nan
EPS = np.finfo(float).eps


def row(n):
    return lambda z: softmax_jacobian(z)[n]


def exact_jacobian(z):
    q = exact(z).q
    with mpmath.workdps(digits_for(z)):
        return [q_i * ((i == k) - q_k) for i, q_i in enumerate(q) for k, q_k in enumerate(q)]


# Values


def test_running_example():
    jacobian = softmax_jacobian(RUNNING_EXAMPLE)
    q = softmax(RUNNING_EXAMPLE)
    assert jacobian == pytest.approx(np.diag(q) - np.outer(q, q), rel=1e-15)
    assert np.linalg.eigvalsh(jacobian).round(5).tolist() == pytest.approx([0, 0.16813, 0.36369], abs=1e-12)


@pytest.mark.parametrize(("dtype", "n_classes", "gap"), FEW_CLASSES)
def test_every_entry_keeps_relative_accuracy(dtype, n_classes, gap):
    """Twice the allowance of q, since an entry is the product of two of them."""
    for z in hard_logits(dtype, n_classes, gap):
        assert_accurate(softmax_jacobian(z), exact_jacobian(z), 2 * (8 + gap_of(z)))


def test_a_confident_classifier_still_has_curvature():
    jacobian = softmax_jacobian([0.0, 40.0])
    assert jacobian == pytest.approx(4.248354255291589e-18 * np.array([[1, -1], [-1, 1]]), rel=1e-15, abs=0)


# Properties


@given(logits())
def test_it_is_symmetric_positive_semidefinite_and_its_rows_sum_to_0(z):
    jacobian = softmax_jacobian(z)
    assert (jacobian == jacobian.T).all()
    assert (np.abs(jacobian.sum(1)) <= 4 * z.size * EPS * np.abs(jacobian).sum(1)).all()
    assert np.linalg.eigvalsh(jacobian).min() >= -1e-15


@given(logits(gaps=(0, 1e-7, 1, 10)))
def test_its_rows_are_the_gradients_of_the_probabilities(z):
    z = z - z.max()  # the complex step below takes exp as it stands
    for n in range(z.size):
        assert check_grad(lambda z, n=n: np.exp(z[n]) / np.exp(z).sum(), row(n), z, method="complex") < 1e-13


@given(logits(gaps=(0, 1e-7, 1, 10)))
def test_it_is_the_hessian_of_the_loss_whatever_the_true_class(z):
    z = z - z.max()
    for y in (0, z.size - 1):
        for n in range(z.size):
            assert check_grad(lambda z, y=y, n=n: softmax_cross_entropy_with_grad(z, y)[1][n], row(n), z) < 1e-5


def test_a_masked_class_has_a_row_and_a_column_of_0():
    jacobian = softmax_jacobian([1.0, -INF, 0.5])
    assert (jacobian[1] == 0).all()
    assert (jacobian[:, 1] == 0).all()
    assert (np.delete(np.delete(jacobian, 1, 0), 1, 1) == softmax_jacobian([1.0, 0.5])).all()


# Shapes and dtypes


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3), (1, 3), (4, 1), (0, 3), (2, 0, 3)])
def test_rows_of_any_batch_are_worked_on_one_by_one(shape):
    z = np.random.default_rng(0).normal(size=shape)
    result = softmax_jacobian(z)
    assert result.shape == (*shape, shape[-1])
    for index in np.ndindex(shape[:-1]):
        assert result[index] == pytest.approx(softmax_jacobian(z[index]), rel=1e-14)


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [(np.float16, np.float16), (np.float32, np.float32), (np.float64, np.float64), (np.int32, np.float64)],
)
def test_floats_keep_their_dtype_and_integers_become_float64(dtype, wanted):
    assert softmax_jacobian(np.array([1, 2, 0], dtype)).dtype == wanted


def test_float16_is_computed_in_float32():
    z = (9 * np.random.default_rng(0).normal(size=(5, 4))).astype(np.float16)
    assert (softmax_jacobian(z) == softmax_jacobian(z.astype(np.float32)).astype(np.float16)).all()


def test_the_logits_are_not_modified():
    z = RUNNING_EXAMPLE.copy()
    softmax_jacobian(z)
    assert (z == RUNNING_EXAMPLE).all()


# Errors


@pytest.mark.parametrize(
    ("z", "error", "message"),
    [
        ([[1.0, NAN]], ValueError, "z must be finite or -inf; got nan at index (0, 1)"),
        ([INF, 1.0], ValueError, "z must be finite or -inf; got inf at index (0,)"),
        (
            [[0.0, 0.0], [-INF, -INF]], ValueError,
            "z must leave at least one class that is not -inf; got only -inf at index (1,)",
        ),
        (np.zeros((2, 0)), ValueError, "z must have at least one class along axis -1; got shape (2, 0)"),
        (1.5, ValueError, "z must have at least one axis; got the scalar 1.5"),
        ([1j], TypeError, "z must hold real numbers (float16, float32, float64 or integers); got dtype complex128"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_with_its_name_and_value(z, error, message):
    with pytest.raises(error, match=exactly(message)):
        softmax_jacobian(z)


def test_a_bad_logit_deep_inside_a_batch_is_named():
    z, index = large_batch()
    z[index] = NAN
    with pytest.raises(ValueError, match=exactly(f"z must be finite or -inf; got nan at index {index}")):
        softmax_jacobian(z)
