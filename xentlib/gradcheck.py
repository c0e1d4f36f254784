"""Check a gradient against the function that it claims to differentiate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._validate import Index, as_array, check_choice

METHODS = ("central", "complex")
EPS = np.finfo(np.float64).eps


def check_grad(
    f: Callable[[NDArray[Any]], ArrayLike],
    grad: Callable[[NDArray[np.float64]], ArrayLike],
    x: ArrayLike,
    *,
    method: Literal["central", "complex"] = "central",
) -> float:
    """Return the largest relative error of a gradient, measured against differences of f.

    The reference is (f(x + h e_i) − f(x − h e_i)) / 2h for "central", whose error shrinks like h²
    until rounding takes over, and Im f(x + i h e_i) / h for "complex", which subtracts nothing and so
    is exact to the last digits.

    Parameters
    ----------
    f : callable
        Takes an array like `x`, returns a scalar. For "complex" it must be analytic and keep the
        imaginary part: no max, no abs, no comparison.
    grad : callable
        Takes `x`, returns the gradient to check, of the shape of `x`.
    x : array_like of real numbers
        Where to check. It is widened to float64.
    method : {"central", "complex"}
        Which reference to take.

    Returns
    -------
    float
        max_i |g_i − d_i| / max(|g_i|, |d_i|, s), with d the reference, and s a thousandth ("central") or
        an eps ("complex") of the largest entry of g and d, below which a component is noise. 0 where both are 0.
        A gradient that is wrong by 0.1 % gives 1e-3. For what a right one gives, see the notes.

    Raises
    ------
    ValueError
        If there is no such method, the gradient has another shape than `x`, f does not return a scalar, or a value
        of f or of the gradient is not finite.
    TypeError
        If f drops the imaginary part under "complex".

    Notes
    -----
    **What to expect of a right gradient.** The complex step gives a few eps, if f itself loses no digits: ask for less
    than 1e-12. Central differences give about eps^{2/3} = 4e-11 for an f that changes by its own size when x does.
    They lose a digit for each power of ten by which f is larger than x_i d_i, the entries of the reference: ask for
    less than 1e-6. Both assume that f is smooth over the step.

    **The step** h of the central difference is eps^{1/3} = 6e-6 times the size of x_i, with which the error h² of the
    formula is as large as that of rounding, eps |f| / h. If |x_i| is below 1, and rounding would take more than 1e-7
    of the difference, the step is 6e-6 instead: a small x_i says that f may bend on that scale, but not that it
    does. The complex step is 1e-20.

    f is called 2n to 4n times ("central") or n times ("complex") for n entries: it is for tests, not for training.
    Squire and Trapp (1998) introduced the complex step. Chapter 5 uses both.

    Examples
    --------
    >>> f = lambda x: (x**2).sum()
    >>> bool(check_grad(f, lambda x: 2 * x, [1.0, 2.0]) < 1e-9)
    True
    >>> wrong = lambda x: 2.002 * x
    >>> round(check_grad(f, wrong, [1.0, 2.0], method="complex"), 6)
    0.000999
    """
    check_choice("method", method, METHODS)
    x = _real("x", x).astype(np.float64)
    claimed = _real("grad(x)", grad(x.copy()))
    if claimed.shape != x.shape:
        raise ValueError(f"grad must return the shape of x, {x.shape}; got {claimed.shape}")
    difference = _central if method == "central" else _complex_step
    reference = np.empty_like(x)
    for index in np.ndindex(x.shape):
        reference[index] = difference(f, x, index)
    for name, values in (("grad(x)", claimed), ("the difference of f", reference)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite; got {values}")

    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(claimed), np.abs(reference))
        noise = size.max(initial=0) * (1e-3 if method == "central" else EPS)
        error = np.abs(claimed - reference)
        return float(np.divide(error, np.maximum(size, noise), out=np.zeros_like(x), where=error > 0).max(initial=0))


def _real(name: str, values: ArrayLike) -> NDArray[Any]:
    array = as_array(name, values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers; got dtype {array.dtype}")
    return array


def _central(f: Callable[[NDArray[np.float64]], ArrayLike], x: NDArray[np.float64], index: Index) -> Any:
    size = abs(x[index])
    for scale in (size, 1.0) if 0 < size < 1 else (max(size, 1.0),):
        h = EPS ** (1 / 3) * scale
        ahead, behind = x.copy(), x.copy()
        ahead[index] += h
        behind[index] -= h
        above, below = _scalar(f(ahead)), _scalar(f(behind))
        with np.errstate(all="ignore"):
            difference = (above - below) / (ahead[index] - behind[index])  # what rounding has made of 2h
            if EPS * max(abs(above), abs(below)) <= 1e-7 * abs(above - below):
                break
    return difference


def _complex_step(f: Callable[[NDArray[np.complex128]], ArrayLike], x: NDArray[np.float64], index: Index) -> Any:
    h = 1e-20  # 1 plus its square rounds to 1, and nothing is subtracted
    ahead = x.astype(np.complex128)
    ahead[index] += 1j * h
    value = _scalar(f(ahead))
    if not np.iscomplexobj(value):
        raise TypeError(f"f must keep the imaginary part under method 'complex'; got {value!r}")
    return value.imag / h


def _scalar(value: ArrayLike) -> Any:
    if np.ndim(value) != 0:
        raise ValueError(f"f must return a scalar; got an array of shape {np.shape(value)}")
    return np.asarray(value)[()]
