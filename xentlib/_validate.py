"""How every public function checks its arguments: one home for dtypes, axes, options and their errors.

An error names the argument, the requirement and the value received, with its index.
"""

from __future__ import annotations

import inspect
import operator
import sys
from collections.abc import Callable
from functools import wraps
from math import inf
from typing import Any, NoReturn, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.floating]
DType: TypeAlias = np.dtype[np.floating]
Index: TypeAlias = tuple[int, ...]
P = ParamSpec("P")
T = TypeVar("T")

FLOATS = "efd"  # the characters of float16, float32 and float64: compared faster than the dtypes themselves
NUMBERS = (float, int, np.floating, np.integer)


# Arrays


def as_float(name: str, values: ArrayLike) -> tuple[Floats, DType]:
    """Return `values` as a float array to compute with, and the dtype that the result will have.

    float16 is widened to float32 for the computation: its own sums would lose most digits. `narrow` brings the result
    back. The array that is returned may be the caller's own: never write to it.
    """
    array = check_float(name, values)
    return array.astype(working_dtype(array.dtype), copy=False), array.dtype


def check_float(name: str, values: ArrayLike, *, allow_bool: bool = False) -> Floats:
    """Return `values` as an array of float16, float32 or float64 with at least one axis; integers become float64.

    With `allow_bool` booleans are numbers too, and become float16, which holds 0 and 1 in the least memory.
    """
    array = as_array(name, values)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    elif allow_bool and array.dtype.kind == "b":
        array = array.astype(np.float16)
    if array.dtype.char not in FLOATS:
        raise TypeError(
            f"{name} must hold real numbers (float16, float32, float64 or integers); got {_found(values, array)}"
        )
    if array.ndim == 0:
        raise ValueError(f"{name} must have at least one axis; got the scalar {array[()]}")
    return array


def as_array(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return `values` as an array of any dtype; refuse masked arrays, ragged lists and what is not an array."""
    if type(values) is np.ndarray:
        return values
    rows = values if isinstance(values, list | tuple) else ()
    if any(map(_is_masked, (values, *rows))):
        raise TypeError(f"{name} must have no mask, which would be lost; got a masked array: fill it first")
    try:
        array = np.asarray(values)
    except ValueError:
        if rows:
            _check_regular(name, rows)
        raise
    if array.dtype == object and array.ndim == 0:
        dense = ", whose toarray() is one" if hasattr(values, "toarray") else ""
        raise TypeError(f"{name} must be an array, or lists of numbers; got {_kind(values)}{dense}")
    return array


def _is_masked(values: Any) -> bool:
    # Until numpy.ma has been imported there can be no masked arrays, so xentlib does not load it.
    ma = sys.modules.get("numpy.ma")
    return ma is not None and isinstance(values, ma.MaskedArray)


def _check_regular(name: str, rows: Any, index: Index = ()) -> None:
    """Refuse lists whose entries differ in shape, and say where."""
    shapes = []
    for i, row in enumerate(rows):
        try:
            shapes.append(np.shape(row))
        except ValueError:
            _check_regular(name, row, (*index, i))
        if shapes[-1:] != shapes[:1]:
            raise ValueError(
                f"{name} must hold rows of one length; got shape {shapes[0]}{format_index((*index, 0))} "
                f"and {shapes[-1]}{format_index((*index, i))}"
            )


def _found(values: Any, array: NDArray[Any]) -> str:
    """Say what came instead of numbers: the dtype, and the container with its own dtypes if NumPy did not make it."""
    if isinstance(values, np.ndarray | np.generic | list | tuple) or type(values).__module__ == "builtins":
        return f"dtype {array.dtype}"
    dtypes = getattr(values, "dtypes", getattr(values, "dtype", array.dtype))  # a table has one for each column
    return f"{_kind(values)} of dtype {', '.join(dict.fromkeys(map(str, np.asarray(dtypes, object).flat)))}"


def _kind(values: Any) -> str:
    """Return the type of a container with the package that it comes from: 'pandas DataFrame'."""
    package = type(values).__module__.partition(".")[0]
    return type(values).__name__ if package == "builtins" else f"{package} {type(values).__name__}"


def working_dtype(dtype: DType) -> DType:
    """Return the dtype to compute in for arrays of `dtype`."""
    return np.dtype(np.float32) if dtype.char == "e" else dtype


def narrow(result: Floats, dtype: DType) -> Floats:
    """Return a result in the dtype of what came in: silently inf or 0 beyond the range of float16, and never −0."""
    with np.errstate(all="ignore"):
        result = result.astype(dtype, copy=False)
        result += 0
    return result


def cast(name: str, array: Floats, dtype: DType, offset: Index = ()) -> Floats:
    """Return an argument in the working dtype; refuse a finite number that it cannot hold.

    `offset` as for `format_index`.
    """
    with np.errstate(all="ignore"):
        result = array.astype(dtype, copy=False)
    if dtype.itemsize < array.dtype.itemsize:
        lost = np.isinf(result) & np.isfinite(array)
        if lost.any():
            index = first_index(lost)
            raise ValueError(
                f"{name} must lie within the range of {dtype}, at most {np.finfo(dtype).max:.2g} in size; "
                f"got {array[index]}{format_index(index, offset)}"
            )
    return result


def check_axis(name: str, array: Floats, axis: int) -> int:
    """Return `axis` counted from the front; refuse one that does not exist, or that holds no class."""
    if type(axis) is not int:
        axis = check_integer("axis", axis)
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"axis must lie in [{-array.ndim}, {array.ndim}) for {name} of shape {array.shape}; got {axis}"
        )
    if array.shape[axis] == 0:
        raise ValueError(f"{name} must have at least one class along axis {axis}; got shape {array.shape}")
    return axis % array.ndim


def check_non_negative(name: str, array: Floats, offset: Index = ()) -> None:
    """Refuse NaN, infinities and negative numbers. `offset` as for `format_index`."""
    bad = ~((array >= 0) & (array < np.inf))
    if bad.any():
        index = first_index(bad)
        raise ValueError(f"{name} must be non-negative and finite; got {array[index]}{format_index(index, offset)}")


def raise_bad_logits(name: str, z: Floats, axis: int, offset: Index = ()) -> NoReturn:
    """Say which logit is NaN or +inf, or which row along `axis` is all -inf: one of them is known to be."""
    bad = np.isnan(z) | (z == np.inf)
    if bad.any():
        index = first_index(bad)
        raise ValueError(f"{name} must be finite or -inf; got {z[index]}{format_index(index, offset)}")
    raise_all_masked(name, (z == -np.inf).all(axis), offset)


def raise_all_masked(name: str, rows: NDArray[np.bool], offset: Index = ()) -> NoReturn:
    """Say which row has no class left: the first one for which `rows` is true."""
    where = format_index(first_index(rows), offset)
    raise ValueError(f"{name} must leave at least one class that is not -inf; got only -inf{where}")


def first_index(mask: NDArray[np.bool]) -> Index:
    """Return the index of the first true entry of `mask` as a tuple of plain integers."""
    return tuple(int(i) for i in np.argwhere(mask)[0])


def format_index(index: Index, offset: Index = ()) -> str:
    """Return an index as the end of an error message: nothing where there is only one value.

    Where the array is a tile of a larger one, `offset` is the index that its first entry has there. It may be shorter
    than `index`: the axes that it leaves out are whole.
    """
    index = (*map(operator.add, index, offset), *index[len(offset) :])
    return f" at index {index}" if index else ""


# Options


def check_number(name: str, value: Any, requirement: str, valid: Callable[[float], bool]) -> float:
    """Return a number as a float; refuse one for which `valid` is false, which `requirement` puts into words.

    >>> check_number("label_smoothing", 0.1, "lie in [0, 1]", lambda x: 0 <= x <= 1)
    0.1
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, NUMBERS):
        raise TypeError(f"{name} must be a real number; got {_shown(value)}")
    try:
        number = float(value)
    except OverflowError:  # an integer may have any number of digits
        value = number = inf if value > 0 else -inf
    if not valid(number):
        raise ValueError(f"{name} must {requirement}; got {value}")
    return number


def check_integer(name: str, value: Any, minimum: int | None = None) -> int:
    """Return an integer as an int; refuse one below `minimum`."""
    try:
        if isinstance(value, bool) or (isinstance(value, np.ndarray) and value.ndim):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer; got {_shown(value)}") from None
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}; got {number}")
    return number


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Refuse anything but one of a few strings."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; got {_shown(value)}")


def _shown(value: Any) -> str:
    """Return a wrong value for a message, shortened: a large array would take many lines."""
    text = repr(value)
    return text if len(text) <= 60 else _kind(value)


# Keywords

PYTORCH = {
    "weight": ("class_weights",),
    "dim": ("axis",),
    "input": ("logits", "z"),
    "target": ("targets",),
    "reduce": ("reduction",),
    "size_average": ("reduction",),
}
"""What PyTorch calls an argument, and what it can be here."""


def explain_keywords(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function that is called with a keyword of PyTorch say what the argument is called here.

    >>> softmax = explain_keywords(lambda z, *, axis=-1: z)
    >>> softmax([1.0, 2.0], dim=0)
    Traceback (most recent call last):
    TypeError: <lambda>() got an unexpected keyword argument 'dim'; PyTorch's dim is axis here
    """
    own = inspect.signature(function).parameters
    names = {
        foreign: native
        for foreign, natives in PYTORCH.items()
        if foreign not in own
        for native in natives
        if native in own
    }

    @wraps(function)
    def explained(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except TypeError:
            for foreign in names.keys() & kwargs:
                raise TypeError(
                    f"{function.__name__}() got an unexpected keyword argument {foreign!r}; "
                    f"PyTorch's {foreign} is {names[foreign]} here"
                ) from None
            raise

    return explained
