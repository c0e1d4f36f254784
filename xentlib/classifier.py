"""Softmax regression: a linear layer under softmax cross-entropy, fitted by Newton–CG or by gradient descent.

The unknowns are one matrix Θ of shape (K, D + 1): the weights W and, in its last column, the biases b. A constant
feature 1 belongs to that column, so that the logits are Z = X Θᵀ.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._estimator import (
    TOO_LARGE,
    Estimator,
    check_features,
    check_label_type,
    check_labels,
    check_weights,
    column_names,
    find_classes,
    name_of,
)
from xentlib._validate import DType, Floats
from xentlib.curvature import softmax_cross_entropy_hvp
from xentlib.loss import softmax_cross_entropy_with_grad
from xentlib.normalization import log_softmax, softmax

ARMIJO = 1e-4  # a step must bring at least this fraction of the decrease that the slope predicts
ROUNDING = 16 * np.finfo(np.float64).eps  # relative: how far two equal objectives may seem apart


class SoftmaxRegression(Estimator):
    """Classify by softmax regression, q = softmax(W x + b), fitted to labelled samples.

    W and b minimise the mean loss plus a penalty on W but not on b:

        f(W, b) = Σ_n s_n L(W x_n + b, y_n) / Σ_n s_n + (l2 / 2) Σ_kd W_kd².

    Parameters
    ----------
    l2 : float
        The weight of the penalty, at least 0. With 0 there may be no minimum: where a hyperplane separates
        two classes, W can grow without end.
    solver : {"newton", "gd"}
        Newton–CG, or gradient descent with a constant step. Newton takes tens of iterations where gradient
        descent takes thousands; gradient descent is here for teaching.
    max_iter : int
        The maximum number of iterations.
    tol : float
        Converged where the norm of the gradient of f, over all of W and b, is at most this.
    verbose : bool
        Print iteration, f and the norm of its gradient while fitting: each iteration of Newton,
        and for gradient descent iterations 0, 1, 2, 5, 10, 20, 50, ... and the last.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The labels, sorted.
    coef_ : ndarray of shape (K, D)
        W, in float64. Its rows sum to 0.
    intercept_ : ndarray of shape (K,)
        b, in float64. It sums to 0.
    n_features_in_ : int
        D.
    feature_names_in_ : ndarray of shape (D,)
        The names of the columns, if the features were a data frame with strings as names; else it is absent.
    n_iter_ : int
        How many iterations were taken.
    converged_ : bool
        Whether `tol` was reached.

    Raises
    ------
    ValueError
        By `fit`, if an option is invalid. The methods document what else they raise.

    Notes
    -----
    It keeps scikit-learn's conventions with NumPy alone: it works in pipelines, searches and cross-validation.
    It fails one check of `check_estimator` (scikit-learn 1.9), a part of `check_classifiers_train`, which expects log q
    computed from q as rounded to float32; ours keeps its digits where that q is 0.

    This is scikit-learn's `LogisticRegression` with C = 1 / (l2 Σ_n s_n), which is 1 / (l2 N) without sample weights,
    and for three classes or more `coef_` and `intercept_` are the same. With two classes it keeps only the difference
    of the rows, and penalises that: with C = 2 / (l2 Σ_n s_n) it finds our coef_[1] − coef_[0].

    The same numbers can be added to every row of W, and to every b, without a change of q (chapter 2). The penalty
    decides for rows of W that sum to 0, and the start at 0 for such a b. The fit is in float64 whatever the dtype of
    the features. It is quickest where they are all of about the same size, near 1. Chapter 9 builds Newton's steps up.

    Examples
    --------
    >>> features = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]
    >>> y = ["cat", "cat", "dog", "cat", "dog", "dog"]
    >>> model = SoftmaxRegression(l2=0.1).fit(features, y)
    >>> model.coef_.round(3)
    array([[-0.501],
           [ 0.501]])
    >>> model.predict([[1.5], [3.5]])
    array(['cat', 'dog'], dtype='<U3')
    >>> model.predict_proba([[2.5]]).round(3)
    array([[0.5, 0.5]])
    >>> model
    SoftmaxRegression(l2=0.1)
    """

    classes_: NDArray[Any]
    coef_: NDArray[np.float64]
    intercept_: NDArray[np.float64]
    n_iter_: int
    converged_: bool

    def __init__(
        self,
        *,
        l2: float = 1e-4,
        solver: Literal["newton", "gd"] = "newton",
        max_iter: int = 1000,
        tol: float = 1e-9,
        verbose: bool = False,
    ) -> None:
        self.l2 = l2
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose

    def fit(self, features: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find W and b for labelled samples, and return the fitted model itself.

        Parameters
        ----------
        features : array_like of shape (N, D)
            One sample a row.
        y : array_like of shape (N,)
            Their labels: whole numbers, strings, or whatever can be sorted; two different ones at least.
        sample_weight : array_like of shape (N,), optional
            s_n, at least 0. Weight 2 is the same as having the sample twice, weight 0 as not having it.

        Returns
        -------
        SoftmaxRegression
            The model. If the fit is refused, it is unchanged.

        Warns
        -----
        RuntimeWarning
            If `tol` was not reached. The model has what was found so far.
        UserWarning
            If y has shape (N, 1); it is taken as (N,).

        Raises
        ------
        ValueError
            If an option is invalid, a shape does not match, a feature is complex, not finite, or 1e60 or
            more in size, y has a NaN, a fraction or less than two classes, a weight is negative or not finite, or all
            weights are 0.
        TypeError
            If `features` is sparse, `features` or `sample_weight` does not hold real numbers, or the labels cannot be
            sorted.
        """
        self._check_options()
        x, _ = check_features(features)
        if x.size == 0:
            raise ValueError(
                f"features must have a row and a column; got {x.shape[0]} sample(s) and {x.shape[1]} feature(s) "
                f"(shape={x.shape}) while a minimum of 1 is required."
            )
        names = column_names(features)
        y = check_labels(y, len(x))
        counted, weight = check_weights(sample_weight, len(x))
        classes, indices = find_classes(y, counted)
        objective = _Objective(x[counted], indices, weight / weight.sum(), len(classes), self.l2)
        point, n_iter = self._minimise(objective)
        converged = bool(point.norm <= self.tol)
        if not converged:
            warnings.warn(self._what_to_try(point, n_iter), RuntimeWarning, stacklevel=2)
        # Only here, so that a fit that fails changes nothing.
        self.classes_ = classes
        self.coef_ = point.theta[:, :-1].astype(np.float64)  # a copy
        self.intercept_ = point.theta[:, -1].astype(np.float64)
        self.n_iter_ = n_iter
        self.converged_ = converged
        self._remember_columns(x.shape[1], names)
        return self

    def decision_function(self, features: ArrayLike) -> NDArray[np.floating]:
        """Return the logits W x + b of each sample; with two classes, by how much the second exceeds the first.

        Parameters
        ----------
        features
            As for `predict_proba`.

        Returns
        -------
        ndarray of shape (N, K), or (N,) if K = 2, in the dtype of `features`
            The larger, the likelier the class; with two classes the second is predicted where this is positive.

        Raises
        ------
        ValueError, TypeError
            As `predict_proba`.
        """
        logits, dtype = self._logits(features, "decision_function")
        scores = logits if len(self.classes_) > 2 else logits[:, 1] - logits[:, 0]
        return scores.astype(dtype)

    def predict_proba(self, features: ArrayLike) -> NDArray[np.floating]:
        """Return q = softmax(W x + b) for each sample.

        Parameters
        ----------
        features : array_like of shape (N, D)
            One sample a row; N may be 0.

        Returns
        -------
        ndarray of shape (N, K), in the dtype of `features`
            Probabilities, in the order of `classes_`.

        Raises
        ------
        ValueError
            If the model has not been fitted (where scikit-learn is in use, as its `NotFittedError`), a feature is
            complex, not finite, or 1e60 or more in size, or the columns are not those of `fit`: another number of
            them, or, of two data frames, other names.
        TypeError
            If `features` is sparse, or does not hold real numbers.
        """
        logits, dtype = self._logits(features, "predict_proba")
        return softmax(logits).astype(dtype)

    def predict_log_proba(self, features: ArrayLike) -> NDArray[np.floating]:
        """Return log q = log softmax(W x + b) for each sample, in nats, accurate also where q rounds to 0 or 1.

        Parameters
        ----------
        features
            As for `predict_proba`.

        Returns
        -------
        ndarray of shape (N, K), in the dtype of `features`
            Logarithms of probabilities, in the order of `classes_`.

        Raises
        ------
        ValueError, TypeError
            As `predict_proba`.
        """
        logits, dtype = self._logits(features, "predict_log_proba")
        return log_softmax(logits).astype(dtype)

    def predict(self, features: ArrayLike) -> NDArray[Any]:
        """Return the likeliest class of each sample.

        Parameters
        ----------
        features
            As for `predict_proba`.

        Returns
        -------
        ndarray of shape (N,), in the dtype of `classes_`
            Labels. Where several are equally likely, the first.

        Raises
        ------
        ValueError, TypeError
            As `predict_proba`.
        """
        logits, _ = self._logits(features, "predict")
        return self.classes_[logits.argmax(-1)]

    def score(self, features: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy, the fraction of samples whose class is predicted right.

        Parameters
        ----------
        features : array_like of shape (N, D)
            One sample a row; at least one.
        y : array_like of shape (N,)
            Their labels.
        sample_weight : array_like of shape (N,), optional
            How much each sample counts, at least 0.

        Returns
        -------
        float
            Between 0 and 1.

        Warns
        -----
        UserWarning
            If y has shape (N, 1); it is taken as (N,).

        Raises
        ------
        ValueError
            As `predict_proba`, if there is no sample, and as `fit` for y and `sample_weight`.
        TypeError
            As `predict_proba`, and if y has labels of another type than those of `fit`: they would all count as missed.
        """
        predicted = self.predict(features)
        if predicted.size == 0:
            raise ValueError(f"features must have at least one sample for a score; got shape {np.shape(features)}")
        y = check_labels(y, len(predicted))
        check_label_type(y, self.classes_)
        counted, weight = check_weights(sample_weight, len(y))
        return float(np.average((predicted == y)[counted], weights=weight))

    def _check_options(self) -> None:
        solvers = ", ".join(map(repr, SOLVERS))
        is_solver = isinstance(self.solver, str) and self.solver in SOLVERS
        _require("solver", self.solver, f"one of {solvers}", is_solver)
        _require("l2", self.l2, f"in [0, {TOO_LARGE:g})", isinstance(self.l2, Real) and 0 <= self.l2 < TOO_LARGE)
        _require("tol", self.tol, "a positive, finite number", isinstance(self.tol, Real) and 0 < self.tol < np.inf)
        is_count = isinstance(self.max_iter, Integral) and self.max_iter > 0
        _require("max_iter", self.max_iter, "a positive integer", is_count)

    def _minimise(self, objective: _Objective) -> tuple[_Point, int]:
        """Return the last point, and how many iterations led to it."""
        step = SOLVERS[self.solver](objective)
        if self.verbose:
            print("iteration   objective   gradient norm")
        for n_iter, point in enumerate(_descent(step, objective.start(), self.max_iter, self.tol)):
            is_shown = self.solver == "newton" or str(n_iter).rstrip("0") in ("", "1", "2", "5")
            if self.verbose and is_shown:
                print(_line(n_iter, point))
        if self.verbose and not is_shown:
            print(_line(n_iter, point))
        return point, n_iter

    def _what_to_try(self, point: _Point, n_iter: int) -> str:
        if n_iter == self.max_iter:
            end = f"did not converge in max_iter = {n_iter} iterations"
            try_first = "a larger max_iter, l2 or tol"
        else:
            end = f"stalled after {n_iter} iterations, where rounding hides any progress"
            try_first = "a larger l2 or tol"
        if self.solver == "gd":
            try_first = f'solver="newton", or {try_first}'
        return (
            f"{name_of(self)} {end}: the norm of the gradient is {point.norm:.2g}, and tol is {self.tol:.2g}. "
            f"Try {try_first}, or features scaled to sizes near 1."
        )

    def _logits(self, features: ArrayLike, method: str) -> tuple[Floats, DType]:
        x, dtype = self._check_features(features, method)
        return x @ self.coef_.T + self.intercept_, dtype


class _Point(NamedTuple):
    """The objective at one Θ, with what a step from there needs."""

    theta: Floats  #: Θ, of shape (K, D + 1)
    logits: Floats  #: Z, of shape (N, K)
    value: np.floating
    gradient: Floats  #: of the shape of Θ
    norm: np.floating  #: of the gradient


class _Objective:
    """The weighted mean loss and the penalty, with derivatives, as a function of Θ."""

    def __init__(self, x: Floats, y: NDArray[np.intp], sample_fraction: Floats, n_classes: int, l2: float) -> None:
        self.x = np.column_stack([x, np.ones(len(x))])
        self.y = y
        self.sample_fraction = sample_fraction[:, np.newaxis]  # s_n / Σ_n s_n
        self.n_classes = n_classes
        self.l2 = np.append(np.full(x.shape[1], float(l2)), 0.0)  # the biases are free

    def start(self) -> _Point:
        return self.evaluate(np.zeros((self.n_classes, self.x.shape[1])))

    def evaluate(self, theta: Floats) -> _Point:
        logits = self.x @ theta.T
        losses, slopes = softmax_cross_entropy_with_grad(logits, self.y, reduction="none")
        value = losses @ self.sample_fraction[:, 0] + (self.l2 * theta**2).sum() / 2
        gradient = (self.sample_fraction * slopes).T @ self.x + self.l2 * theta
        return _Point(theta, logits, value, gradient, np.linalg.norm(gradient))

    def hessian_times(self, v: Floats, point: _Point) -> Floats:
        """Return H V at a point, Σ_n s_n (H_n V x_n) x_nᵀ / Σ_n s_n + l2 V, where H_n = diag(q_n) − q_n q_nᵀ."""
        rows = softmax_cross_entropy_hvp(point.logits, self.x @ v.T)
        return (self.sample_fraction * rows).T @ self.x + self.l2 * v

    def largest_curvature(self) -> np.floating:
        """Return a bound on the eigenvalues of H anywhere: diag(q) − q qᵀ has none above 1/2."""
        return np.linalg.eigvalsh((self.sample_fraction * self.x).T @ self.x)[-1] / 2 + self.l2.max()


_Step: TypeAlias = Callable[[_Point], _Point]


def _descent(step: _Step, point: _Point, max_iter: int, tol: float) -> Iterator[_Point]:
    """Yield a point and those that steps lead to from there, until the gradient vanishes, or progress does."""
    yield point
    for _ in range(max_iter):
        if point.norm <= tol:
            return
        ahead = step(point)
        if ahead.value >= point.value and ahead.norm >= point.norm:
            return  # if there still is progress, it is lost to rounding
        point = ahead
        yield point


def _gradient_descent(objective: _Objective) -> _Step:
    """Return the step Θ − ∇f/L, which lowers f from any point: no curvature exceeds L."""
    rate = 1 / objective.largest_curvature()
    return lambda point: objective.evaluate(point.theta - rate * point.gradient)


def _newton_cg(objective: _Objective) -> _Step:
    """Return the step along an approximate solution V of H V = −∇f, as far as f goes down."""
    return lambda point: _line_search(objective, point, _conjugate_gradients(objective, point))


def _conjugate_gradients(objective: _Objective, point: _Point) -> Floats:
    """Solve H V = −∇f, more exactly the closer the minimum is.

    A residual of √|∇f| times the gradient makes Newton's method converge faster than linearly, and costs little
    far away, where the quadratic model cannot be trusted anyway.
    """
    # H is singular: one number added to all biases changes no q. But the column of the biases sums to 0 in the gradient
    # and in every H V, so from V = 0 all V are orthogonal to that direction, and there H has only positive eigenvalues.
    # The other columns sum to 0 too: W has no common part that changes no q and is penalised. Rounding leaves a trace
    # of such sums. It is taken off first, since no V makes that part of the residual smaller, and last.
    solution = np.zeros_like(point.theta)
    residual = direction = point.gradient.mean(0) - point.gradient
    size = np.vdot(residual, residual)
    enough = (min(0.5, np.sqrt(point.norm)) * point.norm) ** 2
    for _ in range(10 * point.theta.size):  # without rounding its size alone would do
        if size <= enough:
            break
        product = objective.hessian_times(direction, point)
        curvature = np.vdot(direction, product)
        if curvature <= 0:
            break  # it can underflow to 0 without a penalty, where all samples are classified with certainty
        solution = solution + size / curvature * direction
        residual = residual - size / curvature * product
        size, size_before = np.vdot(residual, residual), size
        direction = residual + size / size_before * direction
    return solution - solution.mean(0)


def _line_search(objective: _Objective, point: _Point, direction: Floats) -> _Point:
    """Return the first of the steps 1, 1/2, 1/4, ... along `direction` that lowers f as much as its slope promises."""
    slope = np.vdot(point.gradient, direction)
    for halvings in range(60):
        step = 0.5**halvings
        ahead = objective.evaluate(point.theta + step * direction)
        if ahead.value <= point.value + ARMIJO * step * slope + ROUNDING * point.value:
            return ahead
    return point


SOLVERS = {"newton": _newton_cg, "gd": _gradient_descent}


def _line(n_iter: int, point: _Point) -> str:
    return f"{n_iter:9d}   {point.value:9.6f}   {point.norm:13.1e}"


def _require(name: str, value: object, requirement: str, holds: bool) -> None:
    if not holds:
        raise ValueError(f"{name} must be {requirement}; got {value!r}")
