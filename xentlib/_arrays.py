"""What every public function does with an array that comes in: one home for dtypes, axes and their errors."""

from __future__ import annotations

from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.floating]
DType: TypeAlias = np.dtype[np.floating]
Index: TypeAlias = tuple[int, ...]

FLOATS = "efd"  # the characters of float16, float32 and float64: compared faster than the dtypes themselves


def as_float(name: str, values: ArrayLike) -> tuple[Floats, DType]:
    """Return `values` as a float array to compute with, and the dtype that the result will have.

    float16 is widened to float32 for the computation: its own sums would lose most digits. The caller narrows the
    result again. The array that is returned may be the caller's own: never write to it.
    """
    array = check_float(name, values)
    return array.astype(working_dtype(array.dtype), copy=False), array.dtype


def check_float(name: str, values: ArrayLike) -> Floats:
    """Return `values` as an array of float16, float32 or float64 with at least one axis; integers become float64."""
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype.char not in FLOATS:
        raise TypeError(
            f"{name} must hold real numbers (float16, float32, float64 or integers); got dtype {array.dtype}"
        )
    if array.ndim == 0:
        raise ValueError(f"{name} must have at least one axis; got the scalar {array[()]}")
    return array


def working_dtype(dtype: DType) -> DType:
    """Return the dtype to compute in for arrays of `dtype`."""
    return np.dtype(np.float32) if dtype.char == "e" else dtype


def check_axis(name: str, array: Floats, axis: int) -> int:
    """Return `axis` counted from the front; refuse one that is not there, or that holds no class."""
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"axis must lie in [{-array.ndim}, {array.ndim}) for {name} of shape {array.shape}; got {axis}"
        )
    if array.shape[axis] == 0:
        raise ValueError(f"{name} must have at least one class along axis {axis}; got shape {array.shape}")
    return axis % array.ndim


def check_non_negative(name: str, array: Floats, first: Index = ()) -> None:
    """Refuse NaN, infinities and negative numbers. `first` as for `at`."""
    bad = ~((array >= 0) & (array < np.inf))
    if bad.any():
        index = first_index(bad)
        raise ValueError(f"{name} must be non-negative and finite; got {array[index]}{at(index, first)}")


def raise_bad_logits(name: str, z: Floats, axis: int, first: Index = ()) -> NoReturn:
    """Say which logit is NaN or +inf, or which row along `axis` is all -inf: one of them is known to be."""
    bad = np.isnan(z) | (z == np.inf)
    if bad.any():
        index = first_index(bad)
        raise ValueError(f"{name} must be finite or -inf; got {z[index]}{at(index, first)}")
    raise_all_masked(name, (z == -np.inf).all(axis), first)


def raise_all_masked(name: str, rows: NDArray[np.bool], first: Index = ()) -> NoReturn:
    """Say which row has no class left: the first one for which `rows` is true."""
    where = at(first_index(rows), first)
    raise ValueError(f"{name} must leave at least one class that is not -inf; got only -inf{where}")


def first_index(mask: NDArray[np.bool]) -> Index:
    """Return the index of the first true entry of `mask` as a tuple of plain integers."""
    return tuple(int(i) for i in np.argwhere(mask)[0])


def at(index: Index, first: Index = ()) -> str:
    """Return an index as the end of an error message: nothing where there is but one value.

    Of an array that is a piece of a larger one, `first` is where its own first entry stands in that.
    """
    index = tuple(i + offset for i, offset in zip(index, first, strict=True)) if first else index
    return f" at index {index}" if index else ""
