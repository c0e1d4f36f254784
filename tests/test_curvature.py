import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import (
    FEW_CLASSES,
    RUNNING_EXAMPLE,
    assert_accurate,
    digits_for,
    exact,
    exactly,
    gap_of,
    generators,
    hard_logits,
    large_batch,
    logits,
)

from xentlib import check_grad, softmax, softmax_cross_entropy_with_grad, softmax_jacobian
from xentlib import softmax_cross_entropy_hessian as hessian_of
from xentlib import softmax_cross_entropy_hessian_diagonal as diagonal_of
from xentlib import softmax_cross_entropy_hvp as hvp

INF, NAN = np.inf, np.nan
EPS = np.finfo(float).eps


def product_with_1_2_3(z):
    """Return H v as a function of the logits alone, for the tests that all three functions share."""
    return hvp(z, np.arange(1, np.shape(z)[-1] + 1) if np.ndim(z) else [1.0])


ALL = pytest.mark.parametrize("function", [softmax_jacobian, hessian_of, diagonal_of, product_with_1_2_3])


def row(n):
    return lambda z: softmax_jacobian(z)[n]


def exact_jacobian(z):
    q = exact(z).q
    with mpmath.workdps(digits_for(z)):
        return [q_i * ((i == k) - q_k) for i, q_i in enumerate(q) for k, q_k in enumerate(q)]


def exact_product(z, v):
    """Return H v for one row, and beside it the sum of the absolute values of its terms q_i q_j (v_i − v_j)."""
    q = exact(z).q
    with mpmath.workdps(digits_for(z)):
        v = [mpmath.mpf(float(v_i)) for v_i in v]
        terms = [
            [q_i * q_j * (v_i - v_j) for q_j, v_j in zip(q, v, strict=True)] for q_i, v_i in zip(q, v, strict=True)
        ]
        return [mpmath.fsum(row) for row in terms], [mpmath.fsum(row, absolute=True) for row in terms]


# Values


def test_running_example():
    jacobian = softmax_jacobian(RUNNING_EXAMPLE)
    q = softmax(RUNNING_EXAMPLE)
    assert jacobian == pytest.approx(np.diag(q) - np.outer(q, q), rel=1e-15)
    assert (hessian_of(RUNNING_EXAMPLE) == jacobian).all()
    assert hvp(RUNNING_EXAMPLE, [3.0, -1.0, 2.0]) == pytest.approx(jacobian @ [3.0, -1.0, 2.0], rel=1e-14)
    assert np.linalg.eigvalsh(jacobian).round(5).tolist() == pytest.approx([0, 0.16813, 0.36369], abs=1e-12)


@pytest.mark.parametrize(("dtype", "n_classes", "gap"), FEW_CLASSES)
def test_every_entry_keeps_relative_accuracy(dtype, n_classes, gap):
    """Twice the allowance of q, since an entry is the product of two of them."""
    for z in hard_logits(dtype, n_classes, gap):
        assert_accurate(softmax_jacobian(z), exact_jacobian(z), 2 * (8 + gap_of(z)))


def test_a_confident_classifier_still_has_curvature():
    jacobian = softmax_jacobian([0.0, 40.0])
    assert jacobian == pytest.approx(4.248354255291589e-18 * np.array([[1, -1], [-1, 1]]), rel=1e-15, abs=0)


@pytest.mark.parametrize(("dtype", "n_classes", "gap"), FEW_CLASSES)
def test_products_with_unit_vectors_keep_relative_accuracy(dtype, n_classes, gap):
    """They are the columns of the Hessian, whose every entry is a sum of terms of one sign."""
    for z in hard_logits(dtype, n_classes, gap):
        assert_accurate(hvp(z, np.eye(n_classes)), exact_jacobian(z), 8 + gap_of(z))


@pytest.mark.parametrize(("dtype", "n_classes", "gap"), FEW_CLASSES)
def test_products_are_accurate_beside_the_terms_of_their_sums(dtype, n_classes, gap):
    rng = np.random.default_rng(0)
    vectors = [rng.normal(size=n_classes), 1e6 + rng.normal(size=n_classes), 10.0 ** rng.uniform(-10, 10, n_classes)]
    for z in hard_logits(dtype, n_classes, gap):
        for v in np.array(vectors, dtype):
            wanted, scale = exact_product(z, v)
            assert_accurate(hvp(z, v), wanted, 8 + gap_of(z), scale)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [1000, 100_000])
def test_many_classes_cost_no_digit(dtype, n_classes):
    """Where all are equally likely, one entry stands far from a mean that all others are close to."""
    z, v = np.zeros(n_classes, dtype), np.eye(1, n_classes, dtype=dtype)[0]
    q = 1 / n_classes
    wanted = np.where(v == 1, q * (1 - q), -q * q)
    assert (np.abs(hvp(z, v) / wanted - 1) <= 16 * np.finfo(dtype).eps).all()


def wrong_product(z, v):
    q = softmax(z)
    return q * v - q * (q @ v)


def test_a_confident_classifier_still_has_products():
    """The textbook formula gives 0 for the largest class, and digits that are all wrong for vectors with an offset."""
    z, wanted = np.array([0.0, 40.0]), 4.248354255291589e-18 * np.array([-1, 1])
    for v in ([0.0, 1.0], [1e6, 1e6 + 1], [-1.0, 0.0]):
        assert hvp(z, v) == pytest.approx(wanted, rel=1e-15, abs=0)
    assert wrong_product(z, np.array([0.0, 1.0]))[1] == 0
    assert wrong_product(z, np.array([1e6, 1e6 + 1]))[1] == 0


@pytest.mark.parametrize(("dtype", "n_classes", "gap"), FEW_CLASSES)
def test_the_diagonal_is_as_accurate_as_the_gradient(dtype, n_classes, gap):
    for z in hard_logits(dtype, n_classes, gap):
        wanted = exact_jacobian(z)[:: n_classes + 1]
        assert_accurate(diagonal_of(z), wanted, 8 + gap_of(z))
        with mpmath.workdps(digits_for(z)):
            assert_accurate(diagonal_of(z, upper=True), [2 * entry for entry in wanted], 8 + gap_of(z))


def test_the_textbook_diagonal_loses_the_largest_class():
    q = softmax([0.0, 40.0])
    assert (q * (1 - q))[1] == 0
    assert diagonal_of([0.0, 40.0]) == pytest.approx(4.248354255291589e-18, rel=1e-15, abs=0)


# Properties


@given(logits())
def test_the_diagonal_is_that_of_the_matrix_and_its_bound_the_sum_of_a_row(z):
    hessian = hessian_of(z)
    assert (diagonal_of(z) == hessian.diagonal()).all()
    assert diagonal_of(z, upper=True) == pytest.approx(np.abs(hessian).sum(1), rel=1e-13, abs=0)


def smallest_eigenvalue(z, factor):
    """Return that of factor · diag(H) − H, which is negative if the diagonal matrix is no bound."""
    return np.linalg.eigvalsh(np.diag(factor * diagonal_of(z)) - hessian_of(z)).min()


@given(logits())
def test_the_upper_diagonal_bounds_the_hessian(z):
    assert np.linalg.eigvalsh(np.diag(diagonal_of(z, upper=True)) - hessian_of(z)).min() >= -1e-15


@given(logits(), generators())
def test_what_the_bound_leaves_is_a_sum_of_squares(z, rng):
    """v·(D − H) v = Σ_{i<k} q_i q_k (v_i + v_k)², as the docstring says."""
    q, v = softmax(z), rng.normal(size=z.size)
    squares = np.triu(np.outer(q, q) * (v[:, np.newaxis] + v) ** 2, 1).sum()
    assert v @ (diagonal_of(z, upper=True) * v - hvp(z, v)) == pytest.approx(squares, rel=1e-12, abs=1e-15)


def test_no_smaller_factor_bounds_the_hessian():
    """Neither 1, nor the K/(K − 1) of LightGBM for more than two classes, nor 1.99."""
    two_rivals = [0.0, 0.0, -20.0, -20.0]
    for factor in (1, 4 / 3, 1.99):
        assert smallest_eigenvalue(two_rivals, factor) < -1e-3
    assert smallest_eigenvalue(two_rivals, 2) >= -1e-15


def test_a_newton_step_by_the_diagonal_alone_can_raise_the_loss():
    z, p = np.array([0.0, 1.0]), [0.5, 0.5]
    before, gradient = softmax_cross_entropy_with_grad(z, p)
    for upper, falls in ((False, False), (True, True)):
        after = softmax_cross_entropy_with_grad(z - gradient / diagonal_of(z, upper=upper), p)[0]
        assert (after < before) == falls


@given(logits(), generators())
def test_the_product_is_that_with_the_matrix(z, rng):
    v = rng.normal(size=z.size)
    scale = np.abs(hessian_of(z)) @ np.abs(v)
    assert (np.abs(hvp(z, v) - hessian_of(z) @ v) <= 1e-14 * scale).all()
    assert hvp(z, np.eye(z.size)) == pytest.approx(hessian_of(z), rel=1e-14, abs=0)


@given(logits(), generators())
def test_the_product_sums_to_0_is_linear_and_ignores_what_all_classes_share(z, rng):
    u, v = rng.normal(size=(2, z.size))
    size = np.abs(hessian_of(z)).sum() * 10
    assert abs(hvp(z, v).sum()) <= 1e-14 * size
    assert np.abs(hvp(z, 2 * u - v) - (2 * hvp(z, u) - hvp(z, v))).max() <= 1e-14 * size
    assert (hvp(z, np.full(z.size, 1e8)) == 0).all()
    assert u @ hvp(z, v) == pytest.approx(v @ hvp(z, u), rel=1e-9, abs=1e-14 * size)
    assert v @ hvp(z, v) >= -1e-14 * size


@given(logits(gaps=(0, 1e-7, 1, 10)), generators())
def test_the_product_is_the_derivative_of_the_gradient_along_v(z, rng):
    """By differences of the library's gradient, and by the complex step of the textbook's, whatever the true class."""
    z, v, y = z - z.max(), rng.normal(size=z.size), rng.integers(z.size)
    h = 1e-5
    ahead, behind = (softmax_cross_entropy_with_grad(z + step * v, y)[1] for step in (h, -h))
    assert hvp(z, v) == pytest.approx((ahead - behind) / (2 * h), rel=1e-5, abs=1e-9)
    powers = np.exp(z + 1e-20j * v)
    gradient = powers / powers.sum() - (np.arange(z.size) == y)
    assert hvp(z, v) == pytest.approx(gradient.imag / 1e-20, rel=1e-12, abs=1e-15)


@given(logits(gaps=(0, 1e-7, 1, 10)), generators())
def test_the_hessian_under_a_general_target_is_the_derivative_of_its_gradient(z, rng):
    z, p = z - z.max(), rng.uniform(0, 2, z.size)
    hessian = hessian_of(z, p)
    assert hessian == pytest.approx(p.sum() * softmax_jacobian(z), rel=1e-15, abs=0)
    for n in range(z.size):
        powers = np.exp(z + 1e-20j * (np.arange(z.size) == n))
        gradient = p.sum() * powers / powers.sum() - p
        assert hessian[n] == pytest.approx(gradient.imag / 1e-20, rel=1e-12, abs=1e-15)
        assert (
            check_grad(
                lambda z, n=n: softmax_cross_entropy_with_grad(z, p)[1][n], lambda z, n=n: hessian_of(z, p)[n], z
            )
            < 1e-5
        )


@given(logits(), st.randoms(use_true_random=False))
def test_the_hessian_is_the_same_whichever_class_is_true(z, random):
    y = random.randrange(z.size)
    assert (hessian_of(z, y) == hessian_of(z)).all()
    assert (hessian_of(z, np.eye(z.size)[y]) == hessian_of(z)).all()


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
    assert diagonal_of([1.0, -INF, 0.5]).tolist() == jacobian.diagonal().tolist()
    assert (jacobian[1] == 0).all()
    assert (jacobian[:, 1] == 0).all()
    assert (np.delete(np.delete(jacobian, 1, 0), 1, 1) == softmax_jacobian([1.0, 0.5])).all()


@pytest.mark.parametrize("y", [0, 1, [0.0, 2.0, 1.0]])
def test_a_masked_class_has_a_row_and_a_column_of_0_even_where_it_is_the_true_one(y):
    hessian = hessian_of([1.0, -INF, 0.5], y)
    assert (hessian == (1 if np.ndim(y) == 0 else 3) * softmax_jacobian([1.0, -INF, 0.5])).all()


@pytest.mark.parametrize("there", [0.0, 7.0, 1e300, -1e307])
def test_a_masked_class_takes_no_part_in_the_product_whatever_the_vector_holds_there(there):
    product = hvp([1.0, -INF, 0.5], [2.0, there, -1.0])
    assert product[1] == 0
    assert product[[0, 2]].tolist() == hvp([1.0, 0.5], [2.0, -1.0]).tolist()


def test_one_class_has_no_curvature():
    assert hessian_of([[5.0], [-3.0]]).tolist() == [[[0]], [[0]]]
    assert hvp([[5.0], [-3.0]], [[1.0], [2.0]]).tolist() == [[0], [0]]


# Shapes and dtypes

SHAPES = [(3,), (4, 3), (2, 4, 3), (1, 3), (4, 1), (0, 3), (2, 0, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_any_batch_are_worked_on_one_by_one(shape):
    rng = np.random.default_rng(0)
    z, v, p = rng.normal(size=shape), rng.normal(size=shape), rng.uniform(size=shape)
    y = rng.integers(shape[-1], size=shape[:-1])
    jacobians, hessians, products, diagonals = softmax_jacobian(z), hessian_of(z, p), hvp(z, v), diagonal_of(z)
    assert jacobians.shape == hessians.shape == hessian_of(z, y).shape == (*shape, shape[-1])
    assert products.shape == diagonals.shape == shape
    for index in np.ndindex(shape[:-1]):
        assert jacobians[index] == pytest.approx(softmax_jacobian(z[index]), rel=1e-14)
        assert hessians[index] == pytest.approx(hessian_of(z[index], p[index]), rel=1e-14)
        assert products[index] == pytest.approx(hvp(z[index], v[index]), rel=1e-14)
        assert diagonals[index] == pytest.approx(diagonal_of(z[index]), rel=1e-14)


@pytest.mark.parametrize(
    ("of_logits", "of_v", "together"),
    [
        ((4, 3), (3,), (4, 3)),
        ((3,), (4, 3), (4, 3)),
        ((2, 1, 3), (5, 3), (2, 5, 3)),
        ((4, 3), (1, 3), (4, 3)),
        ((0, 3), (3,), (0, 3)),
        ((3,), (2, 0, 3), (2, 0, 3)),
    ],
)
def test_the_leading_axes_of_logits_and_vectors_broadcast(of_logits, of_v, together):
    rng = np.random.default_rng(0)
    z, v = 3 * rng.normal(size=of_logits), rng.normal(size=of_v)
    product = hvp(z, v)
    assert product.shape == together
    assert (product == hvp(np.broadcast_to(z, together), np.broadcast_to(v, together))).all()


@ALL
@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [(np.float16, np.float16), (np.float32, np.float32), (np.float64, np.float64), (np.int32, np.float64)],
)
def test_floats_keep_their_dtype_and_integers_become_float64(function, dtype, wanted):
    assert function(np.array([1, 2, 0], dtype)).dtype == wanted


@pytest.mark.parametrize("of_logits", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("of_other", [np.float16, np.float32, np.float64, np.int16])
def test_the_logits_decide_on_the_dtype(of_logits, of_other):
    z, other = RUNNING_EXAMPLE.astype(of_logits), np.array([1, 2, 4], of_other)
    assert hvp(z, other).dtype == hessian_of(z, other).dtype == of_logits
    assert (hvp(z, other) == hvp(z, other.astype(of_logits))).all()
    assert (hessian_of(z, other) == hessian_of(z, other.astype(of_logits))).all()


@ALL
def test_float16_is_computed_in_float32(function):
    z = (9 * np.random.default_rng(0).normal(size=(5, 4))).astype(np.float16)
    assert (function(z) == function(z.astype(np.float32)).astype(np.float16)).all()


def test_a_hessian_beyond_the_range_of_float16_is_inf():
    assert hessian_of(np.zeros(2, np.float16), np.full(2, 6e5)).tolist() == [[INF, -INF], [-INF, INF]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_no_result_is_minus_0_and_nothing_warns(dtype):
    """Masked classes, entries that underflow, and in float16 results beyond its range."""
    z = np.array([[1.0, -INF, 0.5], [60.0, -60.0, 0.0], [60000.0, -60000.0, 0.0]], dtype)
    p, v = np.full(z.shape, 30000, dtype), np.array([-1.0, -1e-4, 2.0], dtype)
    with np.errstate(all="raise"):
        results = softmax_jacobian(z), hessian_of(z, p), diagonal_of(z), diagonal_of(z, upper=True), hvp(z, v)
    for result in results:
        assert not np.isnan(result).any()
        assert not np.signbit(result[result == 0]).any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_arguments_are_not_modified(dtype):
    z, v = np.array([[1.0, 2.0, 0.5], [3.0, -INF, 0.0]], dtype), np.array([[3.0, 4.0, 5.0], [1.0, 2.0, 1.0]], dtype)
    before = z.copy(), v.copy()
    for result in (softmax_jacobian(z), hessian_of(z, v), hvp(z, v), diagonal_of(z)):
        assert not np.shares_memory(result, z)
        assert not np.shares_memory(result, v)
    assert (z == before[0]).all()
    assert (v == before[1]).all()


# Errors


@ALL
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
def test_wrong_logits_are_refused_with_their_name_and_value(function, z, error, message):
    name = "z" if function is softmax_jacobian else "logits"
    with pytest.raises(error, match=exactly(message.replace("z", name, 1))):
        function(z)


@ALL
def test_a_bad_logit_deep_inside_a_batch_is_named(function):
    z, index = large_batch()
    z[index] = NAN
    name = "z" if function is softmax_jacobian else "logits"
    with pytest.raises(ValueError, match=exactly(f"{name} must be finite or -inf; got nan at index {index}")):
        function(z)


@pytest.mark.parametrize(
    ("targets", "error"),
    [
        ([0, 3], ValueError),
        ([0], ValueError),
        ([0.0, 1.0], TypeError),
        ([[0.5, 0.5, 0.0], [0.0, -1.0, 0.0]], ValueError),
        ([[0.5, 0.5, 0.0], [0.0, NAN, 0.0]], ValueError),
        ([[True, False, False]] * 2, TypeError),
    ],
)
def test_wrong_targets_are_refused_as_the_loss_refuses_them(targets, error):
    z = np.zeros((2, 3))
    with pytest.raises(error, match=r"^targets .* got ") as by_the_loss:
        softmax_cross_entropy_with_grad(z, targets)
    with pytest.raises(error, match=exactly(str(by_the_loss.value))):
        hessian_of(z, targets)


@pytest.mark.parametrize("upper", ["yes", 1, None])
def test_upper_is_a_bool(upper):
    with pytest.raises(TypeError, match=exactly(f"upper must be True or False; got {upper!r}")):
        diagonal_of([1.0, 2.0], upper=upper)


NO_SHAPE = (
    "v must have a last axis of 3 classes, and leading axes that broadcast with those of logits of shape (4, 3); got {}"
)
TOO_LARGE = "v must be finite, and less than {} in size so that no difference overflows; got {} at index {}"


@pytest.mark.parametrize(
    ("z", "v", "error", "message"),
    [
        (np.zeros(3), [0.0, NAN, 0.0], ValueError, TOO_LARGE.format("4.5e+307", "nan", "(1,)")),
        (np.zeros((2, 2)), [[0, 0], [INF, 0]], ValueError, TOO_LARGE.format("4.5e+307", "inf", "(1, 0)")),
        ([0.0, -INF], [0.0, -INF], ValueError, TOO_LARGE.format("4.5e+307", "-inf", "(1,)")),
        ([0.0, -INF], [0.0, NAN], ValueError, TOO_LARGE.format("4.5e+307", "nan", "(1,)")),
        (np.zeros(2), [1e308, -1e308], ValueError, TOO_LARGE.format("4.5e+307", "1e+308", "(0,)")),
        (np.zeros(2, np.float32), [0, 1e39], ValueError, TOO_LARGE.format("8.5e+37", "1e+39", "(1,)")),
        (np.zeros((4, 3)), np.zeros((2, 3)), ValueError, NO_SHAPE.format("(2, 3)")),
        (np.zeros((4, 3)), np.zeros((4, 1)), ValueError, NO_SHAPE.format("(4, 1)")),
        (np.zeros(3), 1.0, ValueError, "v must have at least one axis; got the scalar 1.0"),
        (
            np.zeros(2), [1j, 0], TypeError,
            "v must hold real numbers (float16, float32, float64 or integers); got dtype complex128",
        ),
    ],
)  # fmt: skip
def test_wrong_vectors_are_refused_with_their_name_and_value(z, v, error, message):
    with pytest.raises(error, match=exactly(message)):
        hvp(z, v)


def test_vectors_below_the_limit_are_never_refused():
    for dtype in (np.float32, np.float64):
        limit = np.nextafter(np.finfo(dtype).max / 4, dtype(0))
        for signs in ((1, -1, 1), (-1, 1, 1), (-1, 1, -1)):
            for z in ([0.0, 0.0, 0.0], [0.0, -3.0, -1.0], [0.0, -INF, -1.0]):
                assert np.isfinite(hvp(np.array(z, dtype), limit * np.array(signs, dtype))).all()


def test_a_bad_entry_deep_inside_a_batch_of_vectors_is_named():
    z, index = large_batch()
    v = np.zeros(z.shape)
    v[index] = NAN
    with pytest.raises(ValueError, match=exactly(TOO_LARGE.format("4.5e+307", "nan", index))):
        hvp(z, v)
