"""Work is spread over threads where that pays, and nothing of it shows in the results."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from reference import exactly

from xentlib import _tiles, softmax_cross_entropy_with_grad


@pytest.fixture
def cores(monkeypatch):
    """Pretend to have four cores, and no wish of the user."""
    monkeypatch.delenv("XENTLIB_NUM_THREADS", raising=False)
    monkeypatch.setattr(_tiles, "available_cores", lambda: 4)


def problem(seed, n_rows=20_000, n_classes=50):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_rows, n_classes)), rng.integers(n_classes, size=n_rows)


@pytest.mark.parametrize(("elements", "wanted"), [(0, 1), (3, 1), (2 << 15, 2), (3 << 15, 3), (10**9, 4)])
def test_a_thread_is_used_where_it_has_enough_to_do(cores, elements, wanted):
    assert _tiles.n_threads(elements) == wanted


@pytest.mark.parametrize(("asked", "wanted"), [("1", 1), ("3", 3), ("64", 4)])
def test_the_variable_is_an_upper_bound_and_cores_are_never_oversubscribed(cores, monkeypatch, asked, wanted):
    monkeypatch.setenv("XENTLIB_NUM_THREADS", asked)
    assert _tiles.n_threads(10**9) == wanted


@pytest.mark.parametrize("asked", ["0", "-1", "two", ""])
def test_a_variable_that_is_no_number_is_refused(cores, monkeypatch, asked):
    monkeypatch.setenv("XENTLIB_NUM_THREADS", asked)
    with pytest.raises(
        ValueError, match=exactly(f"XENTLIB_NUM_THREADS must be a positive whole number; got {asked!r}")
    ):
        softmax_cross_entropy_with_grad(*problem(0))


def test_webassembly_gets_one_thread(cores, monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert _tiles.n_threads(10**9) == 1


@pytest.mark.parametrize("n_classes", [10, 50])
def test_results_do_not_depend_on_the_number_of_threads(cores, monkeypatch, n_classes):
    results = []
    for asked in ("1", "3"):
        monkeypatch.setenv("XENTLIB_NUM_THREADS", asked)
        results.append(softmax_cross_entropy_with_grad(*problem(1, 40_000, n_classes)))
    (one_loss, one_grad), (more_loss, more_grad) = results
    assert one_loss == more_loss
    np.testing.assert_array_equal(one_grad, more_grad)


def test_many_calls_at_once_do_not_disturb_each_other(cores):
    """Threads that shared a buffer would mix the rows of different calls."""
    problems = [problem(seed, n_classes=n_classes) for seed in range(4) for n_classes in (10, 50)]
    alone = [softmax_cross_entropy_with_grad(*each) for each in problems]
    with ThreadPoolExecutor(8) as users:
        together = list(users.map(lambda each: softmax_cross_entropy_with_grad(*each), problems * 6))
    for n, (loss, grad) in enumerate(together):
        assert loss == alone[n % len(problems)][0]
        np.testing.assert_array_equal(grad, alone[n % len(problems)][1])


def test_an_error_in_any_thread_reaches_the_caller(cores):
    z, y = problem(2, n_rows=40_000)
    z[39_999, 7] = np.nan
    with pytest.raises(ValueError, match=exactly("logits must be finite or -inf; got nan at index (39999, 7)")):
        softmax_cross_entropy_with_grad(z, y)
