import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import assert_accurate, distributions, exactly, large_batch, pairs_of_distributions

from xentlib import cross_entropy, entropy, kl_divergence

INF, NAN = np.inf, np.nan
EPS = np.finfo(float).eps


def entropy_of_the_first(p, q, **options):
    """So that all three functions are called alike."""
    return entropy(p, **options)


FUNCTIONS = pytest.mark.parametrize("function", [entropy_of_the_first, cross_entropy, kl_divergence])
OF_TWO = pytest.mark.parametrize("function", [cross_entropy, kl_divergence])


def exact_sum(term, *distributions):
    """Return Σ term(p, q, …) over the classes, in 60 digits."""
    with mpmath.workdps(60):
        rows = zip(*(map(mpmath.mpf, p.tolist()) for p in distributions), strict=True)
        return mpmath.fsum(term(*row) for row in rows)


def surprise(p, q):
    return -p * mpmath.log(q) if p else mpmath.mpf(0)


# Values


@pytest.mark.parametrize(
    ("p", "bits"),
    [([1.0], 0), ([1.0, 0.0], 0), ([0.5, 0.5], 1), ([0.5, 0.25, 0.25], 1.5), ([0.125] * 8, 3), ([0.5, 0.0, 0.5], 1)],
)
def test_entropy_of_powers_of_two_counts_the_questions(p, bits):
    assert entropy(p, base=2) == bits
    assert entropy(p) == pytest.approx(bits * np.log(2))


@pytest.mark.parametrize("n_classes", [1, 2, 3, 10, 1000])
def test_entropy_of_the_even_distribution_is_log_k(n_classes):
    assert entropy(np.full(n_classes, 1 / n_classes)) == pytest.approx(np.log(n_classes), rel=1e-14)


def test_certainty_has_entropy_0_and_not_minus_0():
    for value in (entropy([1.0, 0.0]), cross_entropy([1, 0], [1, 0]), kl_divergence([1, 0], [1, 0])):
        assert value == 0
        assert not np.signbit(value)


def test_one_hot_p_gives_minus_log_of_one_probability():
    q = [0.23, 0.63, 0.14]
    assert cross_entropy([0, 1, 0], q).round(3) == 0.462
    assert kl_divergence([0, 1, 0], q) == pytest.approx(-np.log(0.63), rel=1e-15)


def test_kl_divergence_closed_form():
    assert kl_divergence([0.5, 0.5], [0.25, 0.75]) == pytest.approx(np.log(4 / 3) / 2, rel=1e-14)


def test_what_was_called_impossible_and_happens_costs_infinitely_much():
    for p in ([0, 1, 0], [0.5, 0.25, 0.25], [0, 1e-300, 1]):
        assert cross_entropy(p, [0.5, 0.0, 0.5]) == INF
        assert kl_divergence(p, [0.5, 0.0, 0.5]) == INF


def test_what_never_happens_costs_nothing_however_probable_it_was_called():
    assert cross_entropy([0.5, 0, 0.5], [0.5, 0, 0.5]) == pytest.approx(np.log(2), rel=1e-15)
    assert kl_divergence([0.5, 0, 0.5], [0.5, 0, 0.5]) == 0
    assert cross_entropy([0, 1], [0.75, 0.25]) == pytest.approx(np.log(4), rel=1e-15)
    assert kl_divergence([0, 1], [0.75, 0.25]) == pytest.approx(np.log(4), rel=1e-15)


@given(pairs_of_distributions(zeros=True))
def test_entropy_and_cross_entropy_keep_relative_accuracy(pair):
    p, q = pair
    assert_accurate(entropy(p), [exact_sum(surprise, p, p)], 8)
    assert_accurate(cross_entropy(p, q), [exact_sum(surprise, p, q)], 8)


def exact_divergence(p, q):
    """Return Σ p log(p/q), and the sum of the sizes of the two parts that it is computed from."""
    divergence = exact_sum(lambda p, q: p * mpmath.log(p / q) if p else mpmath.mpf(0), p, q)
    with mpmath.workdps(60):
        of_the_sums = exact_sum(lambda p, q: p - q, p, q)
        return divergence, divergence - of_the_sums + abs(of_the_sums)


@given(pairs_of_distributions(zeros=True))
def test_kl_divergence_keeps_relative_accuracy(pair):
    divergence, parts = exact_divergence(*pair)
    assert_accurate(kl_divergence(*pair), [divergence], 8, scale=[parts])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n_classes", "spread"), [(2, 1), (3, 1), (300, 1), (300, 12)])
@pytest.mark.parametrize("exponent", range(0, 16))
def test_nearly_equal_distributions_keep_their_divergence(dtype, n_classes, spread, exponent):
    """Differences of probabilities that are 12 digits apart do not add up exactly: see the second sum."""
    rng = np.random.default_rng(exponent)
    for _ in range(5):
        p = 10.0 ** rng.uniform(-spread, 0, n_classes)
        p = (p / p.sum()).astype(dtype)
        q = p * (1 + 10.0**-exponent * rng.uniform(-0.4, 0.4, n_classes))
        q = (q / q.sum()).astype(dtype)
        divergence, parts = exact_divergence(p, q)
        assert_accurate(kl_divergence(p, q), [max(divergence, 0)], 8, scale=[parts])


@pytest.mark.parametrize("exponent", range(3, 16))
def test_where_both_sum_to_the_same_every_digit_of_the_divergence_is_kept(exponent):
    """One step, there and back, leaves the sum as it is: multiples of 2⁻⁵² are exact."""
    step = round(2**52 * 10.0**-exponent) / 2**52
    p = np.array([0.25, 0.25, 0.5])
    q = p + np.array([step, -step, 0])
    divergence, _ = exact_divergence(p, q)
    assert 0 < divergence < 5 * step**2
    assert_accurate(kl_divergence(p, q), [divergence], 8)


@pytest.mark.parametrize("factor", [2, 0.5, 1.99, 1 / 1.99, 2.01, 1 / 2.01, 1.9, 1.5])
def test_the_two_ways_to_take_a_term_meet_where_q_is_twice_or_half_of_p(factor):
    p = np.array([1, factor]) / (1 + factor)
    divergence, parts = exact_divergence(p, p[::-1])
    assert_accurate(kl_divergence(p, p[::-1]), [divergence], 4, scale=[parts])


def test_the_textbook_sum_of_nearly_equal_distributions_has_no_digit():
    step = 2.0**-40
    p, q = np.array([0.3, 0.7]), np.array([0.3 + step, 0.7 - step])
    divergence, _ = exact_divergence(p, q)
    assert abs((p * np.log(p / q)).sum() / float(divergence) - 1) > 1
    assert_accurate(kl_divergence(p, q), [divergence], 8)


# Properties


@given(distributions(zeros=True))
def test_entropy_lies_between_0_and_log_k(p):
    assert 0 <= entropy(p) <= np.log(p.size) * (1 + 4 * EPS)


@given(pairs_of_distributions(zeros=True))
def test_cross_entropy_is_entropy_plus_divergence_and_at_least_entropy(pair):
    p, q = pair
    assert cross_entropy(p, q) == pytest.approx(entropy(p) + kl_divergence(p, q), rel=1e-14, abs=1e-15)
    assert cross_entropy(p, q) >= entropy(p) * (1 - 4 * EPS)


@given(pairs_of_distributions(zeros=True), st.sampled_from((0, 1e-15, 1e-8, 1)))
def test_divergence_is_never_negative_and_0_from_a_distribution_to_itself(pair, step):
    p, q = pair
    assert kl_divergence(p, p) == 0
    assert kl_divergence(p, p + step * (q - p)) >= 0


def test_divergence_is_not_symmetric():
    assert kl_divergence([0.5, 0.5], [0.25, 0.75]) != kl_divergence([0.25, 0.75], [0.5, 0.5])


@given(pairs_of_distributions(), st.randoms(use_true_random=False))
def test_the_order_of_the_classes_does_not_matter(pair, random):
    p, q = pair
    order = random.sample(range(p.size), p.size)
    for function in (cross_entropy, kl_divergence):
        assert function(p[order], q[order]) == pytest.approx(function(p, q), rel=1e-14, abs=1e-15)


@FUNCTIONS
@pytest.mark.parametrize("base", [2, 10, 2.5])
def test_base_divides_by_its_logarithm(function, base):
    p, q = some_distributions(2, 4)
    assert function(p, q, base=base) == pytest.approx(function(p, q) / np.log(base), rel=4 * EPS, abs=0)


# Shapes and dtypes


def some_distributions(*shape, axis=-1):
    weights = np.random.default_rng(0).uniform(0.1, 1, shape)
    return weights / weights.sum(axis, keepdims=True)


@FUNCTIONS
@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3), (1, 3), (4, 1), (0, 3), (2, 0, 3)])
def test_rows_of_any_batch_are_worked_on_one_by_one(function, shape):
    p = some_distributions(*shape)
    q = p[..., ::-1]
    result = function(p, q)
    assert result.shape == shape[:-1]
    for index in np.ndindex(shape[:-1]):
        assert result[index] == pytest.approx(function(p[index], q[index]), rel=1e-14)


@FUNCTIONS
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_the_class_axis_can_be_any(function, axis):
    p = some_distributions(2, 3, 4, axis=axis)
    q = np.flip(p, axis)
    wanted = function(np.moveaxis(p, axis, -1), np.moveaxis(q, axis, -1))
    assert function(p, q, axis=axis) == pytest.approx(wanted, rel=1e-14, abs=1e-15)


@OF_TWO
def test_one_distribution_is_compared_with_many(function):
    one, many = some_distributions(3), some_distributions(4, 3)[:, ::-1]
    assert function(one, many) == pytest.approx([function(one, q) for q in many], rel=1e-14)
    assert function(many, one) == pytest.approx([function(p, one) for p in many], rel=1e-14)
    assert function(one[:, np.newaxis], many.T, axis=0) == pytest.approx(function(one, many), rel=1e-14)


@FUNCTIONS
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_keep_their_dtype(function, dtype):
    for shape in ((4,), (2, 4)):
        p = some_distributions(*shape).astype(dtype)
        assert function(p, p).dtype == dtype
        assert function(p, p, base=2).dtype == dtype


@OF_TWO
def test_the_wider_dtype_of_the_two_is_kept(function):
    p = some_distributions(4)
    for one, other, wider in ((np.float16, np.float32, np.float32), (np.float64, np.float16, np.float64)):
        assert function(p.astype(one), p.astype(other)).dtype == wider
        assert function(p.astype(other), p.astype(one)).dtype == wider


@FUNCTIONS
def test_integers_become_float64(function):
    assert function([0, 1], np.array([0, 1], np.uint8)).dtype == np.float64


@FUNCTIONS
def test_float16_is_computed_in_float32(function):
    """Multiples of 1/1024 are exact in it, so that they sum to 1 in both."""
    counts = 1 + np.random.default_rng(0).multinomial(974, np.full(50, 1 / 50), size=2)
    p, q = (counts / 1024).astype(np.float16)
    wide = function(p.astype(np.float32), q.astype(np.float32), base=3)
    assert function(p, q, base=3) == wide.astype(np.float16)


@FUNCTIONS
def test_the_distributions_are_not_modified(function):
    p, q = some_distributions(2, 4, 3)
    p[0] = [0, 0.5, 0.5]
    before = p.copy(), q.copy()
    function(p, q, base=2)
    assert (p == before[0]).all()
    assert (q == before[1]).all()


@FUNCTIONS
def test_a_rounded_distribution_passes(function):
    for dtype in (np.float16, np.float32, np.float64):
        p = np.array([0.23, 0.63, 0.14], dtype)
        p[1] += np.sqrt(np.finfo(dtype).eps) / 2
        assert np.isfinite(function(p, p))


@FUNCTIONS
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nothing_warns_whatever_numpy_was_told_to_raise(function, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    p, q = np.array([[1, 0, 0], [0.5, 0.5, tiny]], dtype), np.array([[tiny, 1, 0], [0.5, 0.5, 0]], dtype)
    with np.errstate(all="raise"):
        for pair in ((p, q), (q, p), (p, p)):
            result = function(*pair, base=2)
            assert not np.isnan(result).any()
            assert not np.signbit(result).any()


# Errors

EVEN = [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda bad: entropy(bad), "p"),
        (lambda bad: cross_entropy(bad, EVEN), "p"),
        (lambda bad: cross_entropy(EVEN, bad), "q"),
        (lambda bad: kl_divergence(bad, EVEN), "p"),
        (lambda bad: kl_divergence(EVEN, bad), "q"),
    ],
)
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ([1.5, -0.5], ValueError, "must be non-negative and finite; got -0.5 at index (1,)"),
        ([[0.5, 0.5], [NAN, 0.5]], ValueError, "must be non-negative and finite; got nan at index (1, 0)"),
        ([[[0.5, INF]]], ValueError, "must be non-negative and finite; got inf at index (0, 0, 1)"),
        ([0.5, 0.75], ValueError, "must sum to 1 along axis -1; got the sum 1.25"),
        ([0.0, 0.0], ValueError, "must sum to 1 along axis -1; got the sum 0.0"),
        ([[0.5, 0.5], [0.5, 0.25]], ValueError, "must sum to 1 along axis -1; got the sum 0.75 at index (1,)"),
        (0.5, ValueError, "must have at least one axis; got the scalar 0.5"),
        (np.zeros((3, 0)), ValueError, "must have at least one class along axis -1; got shape (3, 0)"),
        (["a"], TypeError, "must hold real numbers (float16, float32, float64 or integers); got dtype <U1"),
    ],
)
def test_what_is_no_distribution_is_refused_with_its_name_and_value(call, name, bad, error, message):
    with pytest.raises(error, match=exactly(f"{name} {message}")):
        call(bad)


def test_sums_are_taken_along_the_axis_that_is_asked_for():
    p = [[0.5, 0.25], [0.5, 0.25]]
    message = "p must sum to 1 along axis 0; got the sum 0.5 at index (1,)"
    with pytest.raises(ValueError, match=exactly(message)):
        entropy(p, axis=0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_sum_that_misses_1_by_more_than_rounding_is_refused(dtype):
    p = np.array([0.25, 0.75], dtype)
    p[0] += 2 * np.sqrt(np.finfo(dtype).eps)
    with pytest.raises(ValueError, match=r"^p must sum to 1 along axis -1; got the sum 1\.\d+$"):
        entropy(p)


def test_a_bad_probability_deep_inside_a_batch_is_named():
    p, index = large_batch()
    p[...] = 1 / 7
    p[index] = -0.25
    with pytest.raises(ValueError, match=exactly(f"p must be non-negative and finite; got -0.25 at index {index}")):
        entropy(p)
    p[index] = 0.5
    with pytest.raises(ValueError, match=r"^p must sum to 1 along axis -1; got the sum 1\.\d+ at index \(31, 17\)$"):
        entropy(p)


@FUNCTIONS
@pytest.mark.parametrize("axis", [2, -3])
def test_an_axis_that_is_not_there_is_refused(function, axis):
    p = some_distributions(3, 2)
    message = f"axis must lie in [-2, 2) for p of shape (3, 2); got {axis}"
    with pytest.raises(ValueError, match=exactly(message)):
        function(p, p, axis=axis)


@FUNCTIONS
@pytest.mark.parametrize("base", [0, 1, -2, INF, NAN])
def test_a_base_that_is_none_is_refused(function, base):
    with pytest.raises(ValueError, match=f"^base must be greater than 1 and finite; got {base}$"):
        function([0.5, 0.5], [0.5, 0.5], base=base)


@FUNCTIONS
@pytest.mark.parametrize("base", ["2", True, [2.0], 2j])
def test_a_base_of_another_type_is_refused(function, base):
    with pytest.raises(TypeError, match=exactly(f"base must be a real number; got {base!r}")):
        function([0.5, 0.5], [0.5, 0.5], base=base)


@OF_TWO
@pytest.mark.parametrize("n_classes", [1, 3])
def test_different_numbers_of_classes_are_refused_even_where_they_would_broadcast(function, n_classes):
    message = f"p and q must have the same number of classes along axis -1; got shapes (2,) and ({n_classes},)"
    with pytest.raises(ValueError, match=exactly(message)):
        function([0.5, 0.5], np.full(n_classes, 1 / n_classes))


@OF_TWO
def test_shapes_that_do_not_broadcast_are_refused(function):
    message = "p and q must have shapes that broadcast; got (2, 3) and (4, 3)"
    with pytest.raises(ValueError, match=exactly(message)):
        function(some_distributions(2, 3), some_distributions(4, 3))


@pytest.mark.parametrize("function", [cross_entropy, kl_divergence])
def test_one_p_meets_many_q_along_the_first_axis(function):
    p, q = np.array([0.5, 0.25, 0.25]), np.array([[0.5, 0.1], [0.25, 0.6], [0.25, 0.3]])
    wanted = [function(p, column) for column in q.T]
    np.testing.assert_allclose(function(p, q, axis=0), wanted, rtol=4 * EPS)
    np.testing.assert_allclose(function(p[:, None], q, axis=0), wanted, rtol=4 * EPS)


@pytest.mark.parametrize(("dtype", "tiny"), [(np.float64, 1e-310), (np.float32, 1e-39)])
def test_a_ratio_that_overflows_does_not_make_the_divergence_infinite(dtype, tiny):
    p, q = np.array([1, 0], dtype), np.array([tiny, 1], dtype)
    assert kl_divergence(p, q) == pytest.approx(float(-np.log(np.float64(q[0]))) - 1 + 1, rel=1e-6)


def test_the_wider_dtype_is_computed_in():
    q = np.float32([0.25, 0.75])
    assert cross_entropy([0.5, 0.5], q) == cross_entropy([0.5, 0.5], q.astype(np.float64))
