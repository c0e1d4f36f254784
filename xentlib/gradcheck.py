"""Check a gradient against the function that it claims to differentiate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._validate import Index

METHODS = ("central", "complex")


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
    x : array_like
        Where to check. It is widened to float64.
    method : {"central", "complex"}
        Which reference to take.

    Returns
    -------
    float
        max_i |g_i − d_i| / max(|g_i|, |d_i|, s), with d the reference, and s a thousandth ("central") or
        an eps ("complex") of the largest entry of g and d, below which a component is noise.
        A right gradient gives about 1e-9 ("central") or 1e-15 ("complex"), one that is wrong
        by 0.1 % gives 1e-3. 0 where both are 0.

    Raises
    ------
    ValueError
        If there is no such method, the gradient has another shape than `x`, f does not return a scalar, or a value
        of f or of the gradient is not finite.
    TypeError
        If f drops the imaginary part under "complex".

    Notes
    -----
    f is called 2n times ("central") or n times ("complex") for n entries: it is for tests, not for training. Squire
    and Trapp (1998) introduced the complex step. Chapter 5 uses both.

    Examples
    --------
    >>> f = lambda x: (x**2).sum()
    >>> bool(check_grad(f, lambda x: 2 * x, [1.0, 2.0]) < 1e-9)
    True
    >>> wrong = lambda x: 2.002 * x
    >>> round(check_grad(f, wrong, [1.0, 2.0], method="complex"), 6)
    0.000999
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))}; got {method!r}")
    x = np.array(x, dtype=np.float64)
    claimed = np.asarray(grad(x.copy()))
    if claimed.shape != x.shape:
        raise ValueError(f"grad must return the shape of x, {x.shape}; got {claimed.shape}")
    difference = _central if method == "central" else _complex_step
    reference = np.empty_like(x)
    for index in np.ndindex(x.shape):
        reference[index] = difference(f, x, index)
    for name, values in (("grad(x)", claimed), ("the difference of f", reference)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite; got {values}")

    size = np.maximum(np.abs(claimed), np.abs(reference))
    noise = size.max(initial=0) * (1e-3 if method == "central" else np.finfo(x.dtype).eps)
    error = np.abs(claimed - reference)
    return float(np.divide(error, np.maximum(size, noise), out=np.zeros_like(x), where=error > 0).max(initial=0))


def _central(f: Callable[[NDArray[np.float64]], ArrayLike], x: NDArray[np.float64], index: Index) -> Any:
    # The cube root of eps balances the error of the formula, h², and that of rounding, eps/h.
    h = np.finfo(x.dtype).eps ** (1 / 3) * max(1, abs(x[index]))
    ahead, behind = x.copy(), x.copy()
    ahead[index] += h
    behind[index] -= h
    step = ahead[index] - behind[index]  # what rounding has made of 2h
    return (_scalar(f(ahead)) - _scalar(f(behind))) / step


def _complex_step(f: Callable[[NDArray[np.complex128]], ArrayLike], x: NDArray[np.float64], index: Index) -> Any:
    h = 1e-20  # its square vanishes beside 1, and nothing is subtracted
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
