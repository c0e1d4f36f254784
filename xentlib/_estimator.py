"""What scikit-learn expects of a classifier apart from its mathematics, with NumPy alone.

Its `check_estimator` looks for some words in the messages: "X has 1 features, but ... is expecting", "Reshape your
data", "Complex data not supported" and the like.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._validate import DType, Floats, as_float, check_non_negative, first_index

TOO_LARGE = 1e60  # for features and l2: H has products of two features, its products with the gradient of four


class Estimator:
    """What scikit-learn's base classes do: options to be read, set and shown, and columns to be those of `fit`."""

    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the options by name, as scikit-learn's `clone` and searches read them.

        Parameters
        ----------
        deep : bool
            Has no effect: no option is itself an estimator with options.

        Returns
        -------
        dict
            The value of each option.
        """
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Set options by name, and return the model itself. The next `fit` checks their values.

        Parameters
        ----------
        **params
            Options of the constructor.

        Returns
        -------
        SoftmaxRegression
            The model.

        Raises
        ------
        ValueError
            If there is no option of that name. Then none is set.
        """
        options = self.get_params()
        for name in params:
            if name not in options:
                raise ValueError(f"set_params must name options of {name_of(self)}: {', '.join(options)}; got {name!r}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """Return the call that makes a model with these options, omitting those at their defaults."""
        parameters = inspect.signature(type(self)).parameters
        shown = {name: repr(value) for name, value in self.get_params().items()}
        options = [f"{name}={value}" for name, value in shown.items() if value != repr(parameters[name].default)]
        return f"{name_of(self)}({', '.join(options)})"

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator. Only scikit-learn calls this."""
        from sklearn.utils import ClassifierTags, Tags, TargetTags  # type: ignore[import-untyped]

        return Tags(
            estimator_type="classifier", target_tags=TargetTags(required=True), classifier_tags=ClassifierTags()
        )

    def _remember_columns(self, n_features: int, names: NDArray[np.object_] | None) -> None:
        self.n_features_in_ = n_features
        vars(self).pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names

    def _check_features(self, features: ArrayLike, method: str) -> tuple[Floats, DType]:
        """Return the features of a fitted model in float64, and the dtype that they came in."""
        if not hasattr(self, "n_features_in_"):
            error = from_sklearn("NotFittedError", ValueError)
            raise error(f"fit must be called before {method}; this {name_of(self)} has not been fitted")
        x, dtype = check_features(features)
        if x.shape[1] != self.n_features_in_:
            raise ValueError(
                f"features must have the columns that fit had: X has {x.shape[1]} features, "
                f"but {name_of(self)} is expecting {self.n_features_in_} features as input"
            )
        names, fitted = column_names(features), getattr(self, "feature_names_in_", None)
        if names is not None and fitted is not None and (names != fitted).any():
            (column,) = first_index(names != fitted)
            raise ValueError(
                "features must have the columns that fit had, in the same order; "
                f"got {names[column]!r} in column {column}, where fit had {fitted[column]!r}"
            )
        return x, dtype


def name_of(model: object) -> str:
    return type(model).__name__


def from_sklearn(name: str, base: type) -> Any:
    """Return scikit-learn's exception or warning of that name; before anything has imported it, the base class.

    It can only be asked for by name once it has been imported.
    """
    return getattr(sys.modules.get("sklearn.exceptions"), name, base)


def _refuse(requirement: str, values: NDArray[Any], bad: NDArray[np.bool]) -> None:
    if bad.any():
        index = first_index(bad)
        raise ValueError(f"{requirement}; got {values[index]} at index {index}")


def check_features(features: ArrayLike) -> tuple[Floats, DType]:
    """Return the features in float64, and the dtype that they came in."""
    if hasattr(features, "toarray"):  # SciPy's: for NumPy it is one object
        raise TypeError(f"features must be dense; got a sparse {name_of(features)}, whose toarray() is")
    array = np.asarray(features)
    if array.ndim != 2:
        raise ValueError(
            f"features must have shape (N, D), one sample a row; got {array.shape}. Reshape your data: "
            "reshape(1, -1) makes it one sample, reshape(-1, 1) one feature"
        )
    if array.dtype.kind == "c":
        raise ValueError(f"features must be real: Complex data not supported; got dtype {array.dtype}")
    if array.dtype.kind in "bO":
        array = _as_numbers(array)
    x, dtype = as_float("features", array)
    x = x.astype(np.float64, copy=False)
    _refuse(f"features must be less than {TOO_LARGE:g} in size, and not NaN", x, ~(np.abs(x) < TOO_LARGE))
    return x, dtype


def _as_numbers(array: NDArray[Any]) -> Floats:
    """Return truth values or objects in float64. A data frame whose columns differ in dtype holds objects."""
    x = np.empty(array.shape)
    for index, value in np.ndenumerate(array):
        try:
            x[index] = value
        except (TypeError, ValueError, OverflowError) as error:
            raise TypeError(f"features must hold real numbers; got {value!r} at index {index}: {error}") from None
    return x


def column_names(features: ArrayLike) -> NDArray[np.object_] | None:
    """Return the names of a data frame's columns if they all are strings."""
    names = list(getattr(features, "columns", ()))
    return np.array(names, object) if names and all(isinstance(name, str) for name in names) else None


def check_labels(y: ArrayLike, n_samples: int) -> NDArray[Any]:
    """Return one label for each sample. The warning blames the caller of the public method that calls this."""
    if y is None:
        raise ValueError("y must hold labels: a classifier requires y to be passed, but the target y is None")
    y = np.asarray(y)
    if y.shape == (n_samples, 1):
        message = "A column-vector y was passed when a 1d array was expected: "
        message += f"y should have shape ({n_samples},); got {y.shape}"
        warnings.warn(message, from_sklearn("DataConversionWarning", UserWarning), stacklevel=3)
        y = y[:, 0]
    if y.shape != (n_samples,):
        raise ValueError(f"y must have shape ({n_samples},), one label for each row of features; got {y.shape}")
    _refuse("y must hold labels that are not NaN", y, y != y)
    if y.dtype.kind == "f":
        _refuse("y must hold classes, not continuous values", y, y != np.rint(y))
    return y


def find_classes(y: NDArray[Any], counted: NDArray[np.bool] | slice) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the classes of the samples that count, and for each such sample the index of its class."""
    try:
        classes, indices = np.unique(y[counted], return_inverse=True)
    except TypeError as error:
        raise TypeError(f"y must hold labels that can be sorted; got some for which {error}") from None
    if len(classes) < 2:
        among = "" if len(indices) == len(y) else " among the samples of positive weight"
        raise ValueError(f"y must hold at least two classes{among}; got 1 class: {classes.tolist()}")
    return classes, indices


def check_label_type(y: NDArray[Any], classes: NDArray[Any]) -> None:
    """Refuse labels that cannot be sorted with those of `fit`: they are of another type, and would equal none."""

    def is_comparable(label: Any) -> bool:
        try:
            np.less(label, classes[0])
        except TypeError:
            return False
        return True

    if not is_comparable(y):
        index = next(index for index, label in enumerate(y) if not is_comparable(label))
        known, label = classes.tolist()[0], y.tolist()[index]
        raise TypeError(f"y must hold labels of the type that fit had, as {known!r}; got {label!r} at index {(index,)}")


def check_weights(sample_weight: ArrayLike | None, n_samples: int) -> tuple[NDArray[np.bool] | slice, Floats]:
    """Return which samples count, and how much each of them: at most 1. A sample of weight 0 counts as absent."""
    if sample_weight is None:
        return slice(None), np.ones(n_samples)
    weight, _ = as_float("sample_weight", sample_weight)
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have shape ({n_samples},), one weight for each row of features; got {weight.shape}"
        )
    check_non_negative("sample_weight", weight)
    counted = weight > 0
    if not counted.any():
        raise ValueError("sample_weight must be positive for some sample; got only zeros")
    return counted, weight[counted].astype(np.float64) / weight.max()  # so that the sum cannot overflow
