import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import exactly, generators

from xentlib import SoftmaxRegression, check_grad, softmax
from xentlib.classifier import _Objective

INF, NAN = np.inf, np.nan
HERE = Path(__file__).parent
SOLVERS = ["newton", "gd"]
FITTED = ["coef_", "intercept_", "classes_", "n_iter_", "converged_"]


@pytest.fixture(scope="module")
def digits():
    with np.load(HERE.parent / "chapters" / "data" / "digits.npz") as file:
        return file["images"].reshape(-1, 64) / 16, file["labels"]


@pytest.fixture
def blobs():
    """Three classes that overlap, 60 samples with 2 features, and weights."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=60)
    return rng.normal(size=(60, 2)) + y[:, np.newaxis] * [1, -0.5], y, rng.uniform(0.1, 3, 60)


def textbook_gradient(model, features, y, l2, weight=None):
    """Return ∂f/∂W and ∂f/∂b from exp, a sum and a division."""
    weight = np.ones(len(y)) if weight is None else weight
    z = features @ model.coef_.T + model.intercept_
    powers = np.exp(z - z.max(1, keepdims=True))
    misses = powers / powers.sum(1, keepdims=True) - (y[:, np.newaxis] == model.classes_)
    misses *= (weight / weight.sum())[:, np.newaxis]
    return misses.T @ features + l2 * model.coef_, misses.sum(0)


def same(model, other, tolerance):
    return (
        np.abs(model.coef_ - other.coef_).max() <= tolerance
        and np.abs(model.intercept_ - other.intercept_).max() <= tolerance
    )


def table(printed):
    """Return iterations, objectives and gradient norms of what was printed."""
    heading, *lines = printed.splitlines()
    assert heading == "iteration   objective   gradient norm"
    return np.array([[float(number) for number in line.split()] for line in lines]).T


# The objective


@given(generators())
def test_gradient_and_curvature_are_the_derivatives_of_the_objective(rng):
    x, y = rng.normal(size=(7, 2)), rng.integers(3, size=7)
    share = rng.dirichlet(np.ones(7))
    objective = _Objective(x, y, share, 3, 0.2)
    theta, v = rng.normal(size=(2, 3, 3))

    def textbook(theta):
        z = x @ theta[:, :2].T + theta[:, 2]
        losses = np.log(np.exp(z).sum(1)) - z[np.arange(7), y]
        return share @ losses + 0.1 * (theta[:, :2] ** 2).sum()

    assert objective.at(theta).value == pytest.approx(textbook(theta), rel=1e-13)
    assert check_grad(textbook, lambda theta: objective.at(theta).gradient, theta, method="complex") < 1e-12
    ahead, behind = (objective.at(theta + h * v).gradient for h in (1e-5, -1e-5))
    product = objective.hessian_times(v, objective.at(theta))
    assert product == pytest.approx((ahead - behind) / 2e-5, rel=1e-6, abs=1e-8)
    assert np.vdot(v, product) <= objective.largest_curvature() * np.vdot(v, v)


@pytest.mark.parametrize("l2", [0, 0.3, 50])
def test_no_eigenvalue_exceeds_the_bound_on_the_curvature(l2):
    """Two equally likely classes reach it, but for the penalty, which the biases are spared."""
    x, y = np.random.default_rng(0).normal(size=(9, 2)), np.arange(9) % 2
    objective = _Objective(x, y, np.full(9, 1 / 9), 2, l2)
    units = np.eye(6).reshape(6, 2, 3)
    hessian = [objective.hessian_times(unit, objective.start()).ravel() for unit in units]
    largest, bound = np.linalg.eigvalsh(hessian)[-1], objective.largest_curvature()
    assert (bound - l2) * (1 - 1e-12) <= largest <= bound * (1 + 1e-12)


# Values


@pytest.mark.parametrize("solver", SOLVERS)
def test_two_samples_by_hand(solver):
    """With W = (−w, w) and x = ±1 the loss is log(1 + e^−2w), and at its minimum l2 w = 1 / (1 + e^2w): here w = 1."""
    model = SoftmaxRegression(l2=1 / (1 + np.e**2), solver=solver).fit([[-1.0], [1.0]], [0, 1])
    assert model.coef_ == pytest.approx(np.array([[-1], [1]]), abs=1e-8)
    assert model.intercept_ == pytest.approx(np.zeros(2), abs=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
def test_features_that_say_nothing_leave_the_frequencies(solver):
    model = SoftmaxRegression(l2=0.3, solver=solver).fit(np.zeros((10, 2)), [0] * 5 + [1] * 3 + [2] * 2)
    logs = np.log([0.5, 0.3, 0.2])
    assert (model.coef_ == 0).all()
    assert model.intercept_ == pytest.approx(logs - logs.mean(), abs=1e-7)
    assert model.predict_proba([[7.0, -3.0]]) == pytest.approx(np.array([[0.5, 0.3, 0.2]]), abs=1e-7)


@pytest.mark.parametrize("n_classes", [2, 10])
@pytest.mark.parametrize("l2", [1e-2, 1e-3])
@pytest.mark.parametrize("weighted", [False, True])
def test_scikit_learn_finds_the_same(digits, n_classes, l2, weighted):
    """Of two classes it has one row, the difference of ours, and a penalty on that."""
    from sklearn.linear_model import LogisticRegression

    x, y = (array[digits[1] < n_classes] for array in digits)
    weight = 1 + np.arange(len(y)) % 3 if weighted else np.ones(len(y))
    ours = SoftmaxRegression(l2=l2, tol=1e-12, max_iter=15).fit(x, y, weight if weighted else None)
    strength = (2 if n_classes == 2 else 1) / (l2 * weight.sum())
    theirs = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x, y, weight)
    coef, intercept = ours.coef_, ours.intercept_
    if n_classes == 2:
        coef, intercept = np.diff(coef, axis=0), np.diff(intercept)
    assert np.abs(coef - theirs.coef_).max() < 1e-10
    assert np.abs(intercept - theirs.intercept_).max() < 1e-10
    assert (ours.predict(x) == theirs.predict(x)).all()


def test_the_digits_are_told_apart(digits):
    features, y = digits
    train, test = slice(None, 1200), slice(1200, None)
    model = SoftmaxRegression(l2=1e-3).fit(features[train], y[train])
    assert model.score(features[train], y[train]) > 0.98
    assert model.score(features[test], y[test]) > 0.92
    assert model.score(features[test], y[test]) == np.mean(model.predict(features[test]) == y[test])


# Properties


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_gradient_vanishes_at_the_solution(blobs, solver, weighted):
    features, y, weight = blobs
    weight = weight if weighted else None
    model = SoftmaxRegression(l2=0.01, solver=solver, max_iter=10_000).fit(features, y, weight)
    of_weights, of_biases = textbook_gradient(model, features, y, 0.01, weight)
    assert np.sqrt((of_weights**2).sum() + (of_biases**2).sum()) < 1.1e-9
    wrong, _ = textbook_gradient(model, features, y, 0.0101, weight)
    assert np.abs(wrong).max() > 1e-5


@pytest.mark.parametrize("weighted", [False, True])
def test_both_solvers_come_to_the_same_point_newton_much_sooner(blobs, weighted):
    features, y, weight = blobs
    weight = weight if weighted else None
    newton, gd = (
        SoftmaxRegression(l2=0.01, solver=solver, max_iter=10_000).fit(features, y, weight) for solver in SOLVERS
    )
    assert same(newton, gd, 1e-7)
    assert newton.n_iter_ * 20 < gd.n_iter_


@given(generators(), st.integers(2, 4), st.sampled_from((1e-6, 1e-3, 0.1)))
def test_newton_converges_and_its_rows_sum_to_0(rng, n_classes, l2):
    """Whatever the tails and the sizes of the features, and whether or not the classes can be separated."""
    y = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=12)])
    features = rng.standard_t(2, size=(len(y), 3)) * 10.0 ** rng.uniform(-1, 1.5, 3)
    model = SoftmaxRegression(l2=l2, tol=1e-7, max_iter=100).fit(features, y)
    assert model.converged_
    assert_rows_sum_to_0(model)
    of_weights, of_biases = textbook_gradient(model, features, y, l2)
    assert max(np.abs(of_weights).max(), np.abs(of_biases).max()) < 1.1e-7


def assert_rows_sum_to_0(model):
    assert np.abs(model.coef_.sum(0)).max() <= 1e-10 * np.abs(model.coef_).max()
    assert abs(model.intercept_.sum()) <= 1e-10 * np.abs(model.intercept_).max()


@pytest.mark.parametrize("seed", [7, 15, 28, 50, 70, 84, 86])
def test_wide_tails_and_a_small_penalty_are_mastered(seed, capsys):
    """Some full steps go up here and must be shortened, and conjugate gradients need more steps than unknowns."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(4), rng.integers(4, size=12)])
    features = rng.standard_t(1.5, size=(16, 3)) * 10 ** rng.uniform(0, 2, 3)
    model = SoftmaxRegression(l2=1e-8, tol=1e-8, max_iter=100, verbose=True).fit(features, y)
    assert model.converged_
    assert_rows_sum_to_0(model)
    _, values, _ = table(capsys.readouterr().out)
    assert (np.diff(values) <= 0).all()


def test_newton_reaches_the_last_digits():
    """Where the objective seems to rise, and rounding leaves a gradient along which there is no curvature."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        y = np.concatenate([np.arange(3), rng.integers(3, size=37)])
        model = SoftmaxRegression(l2=0.01, tol=1e-12, max_iter=15)
        assert model.fit(rng.normal(size=(40, 2)) + y[:, np.newaxis] * [1, -0.5], y).converged_


@pytest.mark.parametrize("solver", SOLVERS)
def test_each_iteration_lowers_the_objective(blobs, capsys, solver):
    features, y, weight = blobs
    SoftmaxRegression(l2=0.01, solver=solver, tol=1e-6, max_iter=10_000, verbose=True).fit(features, y, weight)
    _, values, norms = table(capsys.readouterr().out)
    assert (np.diff(values) <= 0).all()
    assert norms[-1] < norms[0]


@pytest.mark.parametrize("solver", SOLVERS)
@given(rng=generators())
def test_a_weight_counts_how_often_a_sample_is_there(solver, rng):
    y = np.concatenate([np.arange(3), rng.integers(3, size=12)])
    features, weight = rng.normal(size=(15, 2)), rng.integers(4, size=15)
    weight[:3] = 1
    weighted = SoftmaxRegression(l2=0.1, solver=solver, tol=1e-7).fit(features, y, weight)
    repeated = SoftmaxRegression(l2=0.1, solver=solver, tol=1e-7).fit(features.repeat(weight, 0), y.repeat(weight))
    assert same(weighted, repeated, 1e-5)


def test_a_class_whose_samples_all_have_weight_0_is_absent(blobs):
    features, y, _ = blobs
    model = SoftmaxRegression(l2=0.1).fit(features, y, np.where(y == 1, 0, 1))
    without = SoftmaxRegression(l2=0.1).fit(features[y != 1], y[y != 1])
    assert model.classes_.tolist() == [0, 2]
    assert same(model, without, 1e-9)


@pytest.mark.parametrize("factor", [1e-300, 0.5, 4, 1e307])
def test_only_the_ratios_of_the_weights_matter(blobs, factor):
    features, y, weight = blobs
    model = SoftmaxRegression(l2=0.1).fit(features, y, weight)
    assert same(SoftmaxRegression(l2=0.1).fit(features, y, factor * weight), model, 1e-8)


@pytest.mark.parametrize("l2", [0, 1e-12, 1e-8, 1e-4])
def test_classes_that_a_hyperplane_separates_are_no_trouble(l2):
    features, y = [[0.0, 1.0], [1.0, 0.0], [2.0, 5.0], [3.0, 7.0], [8.0, 0.0]], [0, 0, 1, 1, 2]
    model = SoftmaxRegression(l2=l2).fit(features, y)
    assert model.converged_
    assert model.score(features, y) == 1
    assert model.predict_proba(features).max(1).min() > 0.99


def test_without_a_penalty_classes_that_are_separated_leave_no_minimum_to_come_to():
    """Until the curvature underflows."""
    model = SoftmaxRegression(l2=0, tol=1e-200)
    with pytest.warns(RuntimeWarning, match="stalled after"):
        model.fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    assert 100 < np.abs(model.coef_).max() < INF


def test_classes_in_another_order_have_their_rows_in_that_order(blobs):
    features, y, weight = blobs
    model = SoftmaxRegression(l2=0.01).fit(features, y, weight)
    order = np.array([2, 0, 1])
    renamed = SoftmaxRegression(l2=0.01).fit(features, order[y], weight)
    assert renamed.coef_[order] == pytest.approx(model.coef_, abs=1e-7)
    assert renamed.intercept_[order] == pytest.approx(model.intercept_, abs=1e-7)
    assert (renamed.predict(features) == order[model.predict(features)]).all()


def test_samples_in_another_order_are_the_same_samples(blobs):
    features, y, weight = blobs
    order = np.random.default_rng(1).permutation(len(y))
    model = SoftmaxRegression(l2=0.01).fit(features, y, weight)
    assert same(SoftmaxRegression(l2=0.01).fit(features[order], y[order], weight[order]), model, 1e-8)


# Labels, shapes and dtypes


@pytest.mark.parametrize(
    "labels",
    [
        ["bird", "cat", "dog"],
        [-3, 5, 40],
        [0.5, 1.5, INF],
        np.array(["a", "b", "c"], object),
        np.array(["2020", "2021", "2022"], "M8[Y]"),
        np.array([1, 2, 255], np.uint8),
    ],
)
def test_labels_are_whatever_can_be_sorted(blobs, labels):
    features, y, _ = blobs
    labels = np.asarray(labels)
    model = SoftmaxRegression(l2=0.01).fit(features, labels[y])
    plain = SoftmaxRegression(l2=0.01).fit(features, y)
    assert model.classes_.tolist() == labels.tolist()
    assert model.predict(features).dtype == labels.dtype
    assert (model.predict(features) == labels[plain.predict(features)]).all()
    assert model.score(features, labels[y]) == plain.score(features, y)
    assert same(model, plain, 0)


def test_truth_values_are_labels_too():
    model = SoftmaxRegression().fit([[0.0], [1.0], [2.0]], [False, True, True])
    assert model.predict([[-1.0], [5.0]]).tolist() == [False, True]


def test_a_label_that_was_not_in_the_fit_counts_as_missed(blobs):
    features, y, _ = blobs
    model = SoftmaxRegression(l2=0.01).fit(features, y)
    assert model.score(features[:4], [7, 8, 9, 10]) == 0


def test_probabilities_are_softmax_of_the_logits_and_predictions_the_likeliest(blobs):
    features, y, _ = blobs
    model = SoftmaxRegression(l2=0.01).fit(features, y)
    q = model.predict_proba(features)
    assert q == pytest.approx(softmax(features @ model.coef_.T + model.intercept_), rel=1e-14)
    assert (model.predict(features) == model.classes_[q.argmax(1)]).all()


def test_no_samples_have_no_predictions(blobs):
    features, y, _ = blobs
    model = SoftmaxRegression(l2=0.01).fit(features, y)
    assert model.predict(features[:0]).shape == (0,)
    assert model.predict_proba(features[:0]).shape == (0, 3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_fit_is_in_float64_and_probabilities_have_the_dtype_of_the_features(blobs, dtype):
    features, y, weight = blobs
    features, weight = features.astype(dtype), weight.astype(dtype)
    model = SoftmaxRegression(l2=0.01).fit(features, y, weight)
    wide = SoftmaxRegression(l2=0.01).fit(features.astype(np.float64), y, weight.astype(np.float64))
    assert model.converged_
    assert same(model, wide, 1e-15)
    assert model.coef_.dtype == model.intercept_.dtype == np.float64
    assert model.predict_proba(features).dtype == dtype
    assert (model.predict_proba(features) == wide.predict_proba(features.astype(np.float64)).astype(dtype)).all()


def test_integers_and_lists_are_features_too():
    features, y = [[0, 1], [2, 3], [1, 0], [5, 2]], ["a", "b", "b", "a"]
    model = SoftmaxRegression(l2=0.1).fit(features, y, [1, 2, 1, 1])
    assert same(
        model, SoftmaxRegression(l2=0.1).fit(np.array(features, float), np.array(y), np.array([1.0, 2, 1, 1])), 0
    )
    assert model.predict_proba(features).dtype == np.float64


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_arguments_are_not_modified(blobs, solver):
    features, y, weight = (array.copy() for array in blobs)
    weight[3] = 0
    before = features.copy(), y.copy(), weight.copy()
    model = SoftmaxRegression(l2=0.1, solver=solver).fit(features, y, weight)
    model.predict_proba(features)
    model.score(features, y)
    for array, old in zip((features, y, weight), before, strict=True):
        assert (array == old).all()


def test_fit_returns_the_model_and_forgets_the_fit_before(blobs):
    features, y, weight = blobs
    model = SoftmaxRegression(l2=0.1)
    assert model.fit(features[:, :1], ["even" if label == 2 else "odd" for label in y]) is model
    model.fit(features, y, weight)
    assert same(model, SoftmaxRegression(l2=0.1).fit(features, y, weight), 0)


# Progress


def test_newton_prints_every_iteration(blobs, capsys):
    features, y, _ = blobs
    model = SoftmaxRegression(l2=0.01, verbose=True).fit(features, y)
    out = capsys.readouterr().out
    iterations, values, norms = table(out)
    assert iterations.tolist() == list(range(model.n_iter_ + 1))
    assert values[0] == pytest.approx(np.log(3), abs=1e-6)
    assert norms[-1] <= 1e-9 < norms[-2]
    assert re.fullmatch(r" {8}0    1\.098612         \d\.\de-01", out.splitlines()[1])


@pytest.mark.parametrize(("max_iter", "last"), [(1000, [1000]), (1234, [1000, 1234])])
def test_a_long_descent_prints_few_lines_and_the_last(blobs, capsys, max_iter, last):
    features, y, _ = blobs
    with pytest.warns(RuntimeWarning):
        SoftmaxRegression(l2=0, solver="gd", tol=1e-300, max_iter=max_iter, verbose=True).fit(features, y)
    iterations, _, _ = table(capsys.readouterr().out)
    assert iterations.tolist() == [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, *last]


@pytest.mark.parametrize("solver", SOLVERS)
def test_silence_is_the_default(blobs, capsys, solver):
    features, y, _ = blobs
    SoftmaxRegression(l2=0.1, solver=solver).fit(features, y)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("solver", "tries"),
    [
        ("newton", "Try a larger max_iter, l2 or tol, or features scaled to sizes near 1."),
        ("gd", 'Try solver="newton", or a larger max_iter, l2 or tol, or features scaled to sizes near 1.'),
    ],
)
def test_a_fit_that_does_not_converge_warns_and_keeps_what_it_has(blobs, solver, tries):
    features, y, _ = blobs
    model = SoftmaxRegression(l2=0.01, solver=solver, max_iter=2)
    with pytest.warns(RuntimeWarning) as caught:
        assert model.fit(features, y) is model
    of_weights, of_biases = textbook_gradient(model, features, y, 0.01)
    norm = np.sqrt((of_weights**2).sum() + (of_biases**2).sum())
    assert str(caught[0].message) == (
        "SoftmaxRegression did not converge in max_iter = 2 iterations: "
        f"the norm of the gradient is {norm:.2g}, and tol is 1e-09. {tries}"
    )
    assert caught[0].filename == __file__
    assert len(caught) == 1
    assert (model.n_iter_, model.converged_) == (2, False)
    assert model.score(features, y) > 1 / 3


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_tolerance_that_rounding_forbids_ends_the_fit_with_a_warning(blobs, solver):
    features, y, _ = blobs
    model = SoftmaxRegression(l2=0.1, solver=solver, max_iter=5000, tol=1e-30)
    with pytest.warns(
        RuntimeWarning, match=r"stalled after \d+ iterations, where rounding hides any progress: .* Try .*"
    ):
        model.fit(features, y)
    assert model.n_iter_ < 5000
    assert not model.converged_
    assert same(model, SoftmaxRegression(l2=0.1).fit(features, y), 1e-7)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("size", [1e-300, 1e-10, 1e10, 9.9e59])
def test_features_of_any_size_lead_to_a_model_or_a_warning(blobs, solver, size):
    features, y, _ = blobs
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = SoftmaxRegression(solver=solver, max_iter=50).fit(size * features / np.abs(features).max(), y)
    assert [str(warning.message)[:17] for warning in caught] == ["SoftmaxRegression"] * (not model.converged_)
    assert np.isfinite(model.coef_).all()


def test_the_tolerance_decides_when_to_stop(blobs):
    features, y, _ = blobs
    loose, tight = (SoftmaxRegression(l2=0.01, tol=tol).fit(features, y) for tol in (1e-3, 1e-12))
    assert loose.n_iter_ < tight.n_iter_
    assert SoftmaxRegression(tol=10).fit(features, y).n_iter_ == 0


# Errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "lbfgs"}, "solver must be one of 'newton', 'gd'; got 'lbfgs'"),
        ({"solver": None}, "solver must be one of 'newton', 'gd'; got None"),
        ({"solver": ["gd"]}, "solver must be one of 'newton', 'gd'; got ['gd']"),
        ({"l2": -0.5}, "l2 must be in [0, 1e+60); got -0.5"),
        ({"l2": NAN}, "l2 must be in [0, 1e+60); got nan"),
        ({"l2": INF}, "l2 must be in [0, 1e+60); got inf"),
        ({"l2": "small"}, "l2 must be in [0, 1e+60); got 'small'"),
        ({"tol": 0}, "tol must be a positive, finite number; got 0"),
        ({"tol": NAN}, "tol must be a positive, finite number; got nan"),
        ({"tol": INF}, "tol must be a positive, finite number; got inf"),
        ({"tol": None}, "tol must be a positive, finite number; got None"),
        ({"max_iter": 0}, "max_iter must be a positive integer; got 0"),
        ({"max_iter": 10.0}, "max_iter must be a positive integer; got 10.0"),
        ({"max_iter": None}, "max_iter must be a positive integer; got None"),
    ],
)
def test_wrong_options_are_refused_at_once_and_before_a_fit(options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        SoftmaxRegression(**options)
    model = SoftmaxRegression()
    vars(model).update(options)
    with pytest.raises(ValueError, match=exactly(message)):
        model.fit([[0.0], [1.0]], [0, 1])


X, Y = [[0.0, 1.0], [2.0, 3.0], [4.0, 6.0]], [0, 1, 1]
BAD_FITS = [
    ([0.0, 1.0], Y, None, ValueError, "features must have shape (N, D), with N and D at least 1; got (2,)"),
    (np.zeros((3, 0)), Y, None, ValueError, "features must have shape (N, D), with N and D at least 1; got (3, 0)"),
    (np.zeros((0, 3)), [], None, ValueError, "features must have shape (N, D), with N and D at least 1; got (0, 3)"),
    ([[X]], Y, None, ValueError, "features must have shape (N, D), with N and D at least 1; got (1, 1, 3, 2)"),
    (5, Y, None, ValueError, "features must have at least one axis; got the scalar 5.0"),
    (
        [["a"], ["b"]], [0, 1], None, TypeError,
        "features must hold real numbers (float16, float32, float64 or integers); got dtype <U1",
    ),
    (
        [[0.0, 1.0], [2.0, NAN], [NAN, 6.0]], Y, None, ValueError,
        "features must be finite, and less than 1e+60 in size; got nan at index (1, 1)",
    ),
    (
        np.array([[0.0], [INF], [1.0]], np.float32), Y, None, ValueError,
        "features must be finite, and less than 1e+60 in size; got inf at index (1, 0)",
    ),
    (
        [[0.0], [1.0], [-1e60]], Y, None, ValueError,
        "features must be finite, and less than 1e+60 in size; got -1e+60 at index (2, 0)",
    ),
    (X, [0, 1], None, ValueError, "y must have shape (3,), one label for each row of features; got (2,)"),
    (X, [[0], [1], [1]], None, ValueError, "y must have shape (3,), one label for each row of features; got (3, 1)"),
    (X, 1, None, ValueError, "y must have shape (3,), one label for each row of features; got ()"),
    (X, [0.0, 1.0, NAN], None, ValueError, "y must hold labels that are not NaN; got nan at index (2,)"),
    (X, ["a", "a", "a"], None, ValueError, "y must hold at least two classes; got only ['a']"),
    (
        X, Y, [0, 2, 1], ValueError,
        "y must hold at least two classes among the samples of positive weight; got only [1]",
    ),
    (
        X, np.array(["a", None, "b"], object), None, TypeError,
        "y must hold labels that can be sorted; got some for which "
        "'<' not supported between instances of 'NoneType' and 'str'",
    ),
    (
        X, Y, [1.0], ValueError,
        "sample_weight must have shape (3,), one weight for each row of features; got (1,)",
    ),
    (X, Y, 1.0, ValueError, "sample_weight must have at least one axis; got the scalar 1.0"),
    (X, Y, [1, -2, 1], ValueError, "sample_weight must be non-negative and finite; got -2.0 at index (1,)"),
    (X, Y, [1, 1, NAN], ValueError, "sample_weight must be non-negative and finite; got nan at index (2,)"),
    (X, Y, [INF, 1, 1], ValueError, "sample_weight must be non-negative and finite; got inf at index (0,)"),
    (X, Y, [0, 0, 0], ValueError, "sample_weight must be positive for some sample; got 3 times 0"),
    (
        X, Y, ["1", "1", "1"], TypeError,
        "sample_weight must hold real numbers (float16, float32, float64 or integers); got dtype <U1",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("features", "y", "weight", "error", "message"), BAD_FITS)
def test_a_fit_that_is_refused_leaves_the_model_as_it_was(features, y, weight, error, message):
    with pytest.raises(error, match=exactly(message)):
        SoftmaxRegression().fit(features, y, weight)
    model = SoftmaxRegression(l2=0.1).fit([[0.0], [1.0]], ["no", "yes"])
    before = {name: getattr(model, name) for name in FITTED}
    with pytest.raises(error, match=exactly(message)):
        model.fit(features, y, weight)
    assert all(getattr(model, name) is value for name, value in before.items())


def test_a_fit_whose_warning_is_an_error_leaves_the_model_as_it_was(blobs):
    features, y, _ = blobs
    model = SoftmaxRegression(max_iter=1)
    with pytest.raises(RuntimeWarning, match="did not converge"):  # as pytest is set up
        model.fit(features, y)
    assert not any(hasattr(model, name) for name in FITTED)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (np.zeros((2, 3)), ValueError, "features must have shape (N, 2), as fit had them; got (2, 3)"),
        (np.zeros(2), ValueError, "features must have shape (N, 2), as fit had them; got (2,)"),
        (np.zeros((0, 3)), ValueError, "features must have shape (N, 2), as fit had them; got (0, 3)"),
        (
            [[0.0, 1.0], [NAN, 0.0]], ValueError,
            "features must be finite, and less than 1e+60 in size; got nan at index (1, 0)",
        ),
        (
            [[1j, 1.0]], TypeError,
            "features must hold real numbers (float16, float32, float64 or integers); got dtype complex128",
        ),
    ],
)  # fmt: skip
def test_wrong_features_are_refused_by_a_fitted_model(method, features, error, message):
    model = SoftmaxRegression(l2=0.1).fit(X, Y)
    with pytest.raises(error, match=exactly(message)):
        getattr(model, method)(features)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_a_model_that_was_not_fitted_does_not_predict(method):
    message = f"fit must be called before {method}; this SoftmaxRegression has not been fitted"
    with pytest.raises(ValueError, match=exactly(message)):
        getattr(SoftmaxRegression(), method)(X)


@pytest.mark.parametrize(
    ("features", "y", "message"),
    [
        (X, [0, 1], "y must have shape (3,), one label for each row of features; got (2,)"),
        (X, [[0], [1], [1]], "y must have shape (3,), one label for each row of features; got (3, 1)"),
        (np.zeros((0, 2)), [], "features must have at least one sample for a score; got shape (0, 2)"),
        (np.zeros((3, 1)), Y, "features must have shape (N, 2), as fit had them; got (3, 1)"),
    ],
)
def test_wrong_arguments_of_a_score_are_refused(features, y, message):
    model = SoftmaxRegression(l2=0.1).fit(X, Y)
    with pytest.raises(ValueError, match=exactly(message)):
        model.score(features, y)
