from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import (
    RUNNING_EXAMPLE,
    assert_accurate,
    exact,
    exactly,
    gap_of,
    large_batch,
    logits,
)

from xentlib import log_softmax, logsumexp, softmax

ALL = pytest.mark.parametrize("function", [logsumexp, log_softmax, softmax])
INF, NAN = np.inf, np.nan


# Values


def test_running_example():
    assert logsumexp(RUNNING_EXAMPLE).round(5) == 2.46437
    assert log_softmax(RUNNING_EXAMPLE).round(5).tolist() == [-1.46437, -0.46437, -1.96437]
    assert softmax(RUNNING_EXAMPLE).round(2).tolist() == [0.23, 0.63, 0.14]


@pytest.mark.parametrize("n_classes", [1, 2, 3, 10, 1000])
def test_equal_logits_give_log_k_and_the_even_distribution(n_classes):
    z = np.full(n_classes, 3.0)
    assert logsumexp(z) == pytest.approx(3 + np.log(n_classes), rel=1e-15)
    assert log_softmax(z) == pytest.approx(np.full(n_classes, -np.log(n_classes)), rel=1e-15, abs=0)
    assert softmax(z) == pytest.approx(np.full(n_classes, 1 / n_classes), rel=1e-15)


def test_logsumexp_keeps_all_digits_where_the_largest_logit_is_0():
    assert logsumexp([0.0, -40.0]) == pytest.approx(4.248354255291589e-18, rel=1e-15, abs=0)
    for z in ([0.0, -700.0], [-17.0, 0.0, -17.0], [0.0, -1e-9]):
        assert_accurate(logsumexp(z), [exact(z).logsumexp], 8 + gap_of(z))


@given(logits())
def test_softmax_is_a_distribution_and_the_exponential_of_log_softmax(z):
    q = softmax(z)
    assert ((q >= 0) & (q <= 1)).all()
    assert q.sum() == pytest.approx(1, rel=1e-15)
    assert np.exp(log_softmax(z)) == pytest.approx(q, rel=1e-15 * (8 + gap_of(z)), abs=1e-320)


@given(logits())
def test_logsumexp_lies_between_the_largest_logit_and_log_k_above_it(z):
    slack = 4 * np.finfo(float).eps * abs(z).max()
    assert z.max() <= logsumexp(z) <= z.max() + np.log(z.size) + slack


# Numbers of which neither the sum nor the difference rounds, so that equality is what to expect.
@given(
    st.lists(st.integers(-(2**19), 2**19), min_size=2, max_size=6, unique=True),
    st.integers(-(10**8), 10**8),
)
def test_a_shift_of_all_logits_changes_nothing_but_logsumexp_which_it_shifts(steps, shift):
    z = np.array(steps) / 1024
    assert softmax(z + shift) == pytest.approx(softmax(z), rel=1e-14, abs=0)
    assert log_softmax(z + shift) == pytest.approx(log_softmax(z), rel=1e-14, abs=0)
    assert logsumexp(z + shift) == pytest.approx(logsumexp(z) + shift, rel=1e-15, abs=1e-12)


@given(logits(), st.randoms(use_true_random=False))
def test_classes_in_another_order_give_the_same_results_in_that_order(z, random):
    order = random.sample(range(z.size), z.size)
    assert softmax(z[order]) == pytest.approx(softmax(z)[order], rel=1e-14, abs=0)
    assert log_softmax(z[order]) == pytest.approx(log_softmax(z)[order], rel=1e-14, abs=0)
    assert logsumexp(z[order]) == pytest.approx(logsumexp(z), rel=1e-14, abs=0)


# Temperature


def test_low_temperature_sharpens_and_high_temperature_flattens():
    peaks = [softmax(RUNNING_EXAMPLE, temperature=t).max() for t in (1e-300, 0.1, 1, 10, 1e300)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] == 1
    assert peaks[-1] == pytest.approx(1 / 3)


def test_temperature_acts_along_the_axis():
    z = np.array([[1.0, 2.0], [3.0, 5.0]])
    assert softmax(z, axis=0, temperature=0.5) == pytest.approx(softmax(2 * z, axis=0))


def test_low_temperature_shares_out_a_tie():
    assert softmax([1e8, 1e8, 0.0], temperature=1e-300).tolist() == [0.5, 0.5, 0]


# Masks


def test_a_masked_class_has_no_probability_and_leaves_the_others_as_they_are_without_it():
    z, without = np.array([1.0, -INF, 0.5]), np.array([1.0, 0.5])
    for temperature in (1, 0.5):
        q = softmax(z, temperature=temperature)
        assert q[1] == 0
        assert q[[0, 2]].tolist() == softmax(without, temperature=temperature).tolist()
    assert log_softmax(z)[1] == -INF
    assert log_softmax(z)[[0, 2]].tolist() == log_softmax(without).tolist()
    assert logsumexp(z) == logsumexp(without)


def test_the_only_class_that_is_not_masked_is_certain():
    z = [-INF, -5.0, -INF]
    assert softmax(z).tolist() == [0, 1, 0]
    assert log_softmax(z).tolist() == [-INF, 0, -INF]
    assert logsumexp(z) == -5


# Shapes and dtypes


@ALL
@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3), (1, 3), (0, 3), (2, 0, 3), (4, 1)])
def test_rows_of_any_batch_are_worked_on_one_by_one(function, shape):
    z = np.random.default_rng(0).normal(size=shape)
    result = function(z)
    assert result.shape == (shape[:-1] if function is logsumexp else shape)
    for index in np.ndindex(shape[:-1]):
        assert result[index] == pytest.approx(function(z[index]), rel=1e-15)


@ALL
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_the_class_axis_can_be_any(function, axis):
    z = np.random.default_rng(0).normal(size=(2, 3, 4))
    with_axis_last = function(np.moveaxis(z, axis, -1))
    wanted = with_axis_last if function is logsumexp else np.moveaxis(with_axis_last, -1, axis)
    assert function(z, axis=axis) == pytest.approx(wanted, rel=1e-15)


@ALL
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_keep_their_dtype(function, dtype):
    assert function(RUNNING_EXAMPLE.astype(dtype)).dtype == dtype
    assert function(np.ones((2, 3), dtype)).dtype == dtype


@ALL
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_integers_become_float64(function, dtype):
    result = function(np.array([1, 2, 0], dtype))
    assert result.dtype == np.float64
    assert (result == function([1.0, 2.0, 0.0])).all()


@ALL
def test_float16_is_computed_in_float32(function):
    """So the thousand terms of this sum, far below float16's digits beside the largest, still count."""
    z = np.append(np.full(1000, -9.0), 0.0).astype(np.float16)
    assert (function(z) == function(z.astype(np.float32)).astype(np.float16)).all()
    assert logsumexp(z) == pytest.approx(np.log1p(1000 * np.exp(-9)), rel=1e-3)


@pytest.mark.parametrize("function", [logsumexp, log_softmax, softmax, partial(softmax, temperature=0.5)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_logits_are_not_modified(function, dtype):
    z = np.array([[1.0, -INF, 3.0], [4.0, 5.0, 6.0]], dtype)
    before = z.copy()
    function(z)
    assert (z == before).all()


# Errors


@pytest.mark.parametrize("function", [logsumexp, log_softmax, softmax, partial(softmax, temperature=0.5)])
@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_bad_logit_deep_inside_a_batch_is_named(function, bad):
    z, index = large_batch()
    z[index] = bad
    with pytest.raises(ValueError, match=exactly(f"z must be finite or -inf; got {bad} at index {index}")):
        function(z)


@pytest.mark.parametrize("function", [logsumexp, log_softmax, softmax, partial(softmax, temperature=0.5)])
def test_a_row_of_masks_alone_is_named(function):
    z, (*row, _) = large_batch()
    z[tuple(row)] = z[0, 0, 0] = -INF
    message = f"z must leave at least one class that is not -inf; got only -inf at index {tuple(row)}"
    with pytest.raises(ValueError, match=exactly(message)):
        function(z)


@ALL
@pytest.mark.parametrize(
    ("z", "axis", "error", "message"),
    [
        ([1.0, NAN], 0, ValueError, "z must be finite or -inf; got nan at index (1,)"),
        (
            [[-INF, 0.0], [-INF, NAN]], 0, ValueError,
            "z must be finite or -inf; got nan at index (1, 1)",
        ),
        (
            [[0.0, -INF], [0.0, -INF]], 0, ValueError,
            "z must leave at least one class that is not -inf; got only -inf at index (1,)",
        ),
        ([1.0, 2.0], 1, ValueError, "axis must lie in [-1, 1) for z of shape (2,); got 1"),
        ([[1.0, 2.0]], -3, ValueError, "axis must lie in [-2, 2) for z of shape (1, 2); got -3"),
        (np.zeros((2, 0)), -1, ValueError, "z must have at least one class along axis -1; got shape (2, 0)"),
        (np.zeros((0, 2)), 0, ValueError, "z must have at least one class along axis 0; got shape (0, 2)"),
        (2.5, -1, ValueError, "z must have at least one axis; got the scalar 2.5"),
        (
            [1j, 2.0], -1, TypeError,
            "z must hold real numbers (float16, float32, float64 or integers); got dtype complex128",
        ),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_with_its_name_and_value(function, z, axis, error, message):
    with pytest.raises(error, match=exactly(message)):
        function(z, axis=axis)


@pytest.mark.parametrize("temperature", [0, -1.5, INF, NAN])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(ValueError, match=f"^temperature must be positive and finite; got {temperature}$"):
        softmax(RUNNING_EXAMPLE, temperature=temperature)


def test_a_row_far_from_the_first_keeps_the_digits_of_its_log_probabilities():
    """Its logarithm would be the difference of two numbers near 500."""
    assert log_softmax([[0.0] * 3, [500.0] * 3]) == pytest.approx(np.full((2, 3), -np.log(3)), rel=4e-16, abs=0)
