"""What every public function does with an array that comes in: one home for dtypes and their errors."""

import numpy as np

FLOATS = (np.float16, np.float32, np.float64)


def as_float(name, values):
    """Return `values` as a float array of at least one axis, and the dtype that the result will have.

    Integers become float64. float16 is widened to float32 for the computation, and the caller
    narrows the result again. The array that is returned may be the caller's own: never write to it.
    """
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype not in FLOATS:
        raise TypeError(
            f"{name} must hold real numbers (float16, float32, float64 or integers); got dtype {array.dtype}"
        )
    if array.ndim == 0:
        raise ValueError(f"{name} must have at least one axis; got the scalar {array[()]}")
    return (array.astype(np.float32) if array.dtype == np.float16 else array), array.dtype


def check_axis(name, array, axis):
    """Return `axis` counted from the front; refuse one that is not there, or that holds no class."""
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"axis must lie in [{-array.ndim}, {array.ndim}) for {name} of shape {array.shape}; got {axis}"
        )
    if array.shape[axis] == 0:
        raise ValueError(f"{name} must have at least one class along axis {axis}; got shape {array.shape}")
    return axis % array.ndim


def first_index(mask):
    """Return the index of the first true entry of `mask` as a tuple of plain integers."""
    return tuple(int(i) for i in np.argwhere(mask)[0])
