"""Values of any type as arrays, strings or tuples of these, so that they can be compared."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

_WORDS = {"b": "truth value", "c": "complex number", "U": "string"}  # by NumPy's kind; the others are numbers


class Unsupported(NamedTuple):
    """Takes the place of a value of a type that was not asked for."""

    kind: str


def normalize(value: Any, like: Any = None) -> Any:
    """Return a value as an array, a string, or a tuple of these; Unsupported, if it cannot be made like `like`."""
    if isinstance(value, (tuple, list)) and (like is None or isinstance(like, tuple)) and _has_parts(value, like):
        likes = like if like is not None else [None] * len(value)
        return tuple(normalize(part, one) for part, one in zip(value, likes, strict=True))
    if isinstance(value, str):
        return str(value) if like is None or isinstance(like, str) else Unsupported("a string")
    if isinstance(like, (str, tuple)):
        return Unsupported(kind_of(value))
    try:
        array = np.array(value)
        if array.dtype == object:  # numbers of SymPy, fractions
            array = array.astype(np.float64)
    except Exception:  # what an answer raises here is its own
        return Unsupported(kind_of(value))
    return array if array.dtype.kind in "biuf" else Unsupported(kind_of(value, array))


def _has_parts(value: Sequence[Any], like: Sequence[Any] | None) -> bool:
    """Tell whether a sequence is several answers, and not an array written out."""
    return len(value) == len(like) if like is not None else any(not np.isscalar(v) or isinstance(v, str) for v in value)


def kind_of(value: Any, array: np.ndarray | None = None) -> str:
    """Name the type of a value: for arrays with the shape, and never with an address."""
    if isinstance(value, Unsupported):
        return value.kind
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, str):
        return "a string"
    array = value if isinstance(value, np.ndarray) else array
    if array is None or array.dtype == object:
        return f"a value of type {type(value).__name__}"
    what = _WORDS.get(array.dtype.kind, "number")
    return f"a {what}" if array.ndim == 0 else f"an array of {what}s of shape {array.shape}"


def as_argument(value: Any) -> Any:
    """Return an argument as a function is given it: a list as an array."""
    return np.array(value) if isinstance(value, (list, np.ndarray)) else value


def copies_of(arguments: Sequence[Any]) -> list[Any]:
    """Return arguments that a function may change without harm, lists as arrays."""
    return [copy.deepcopy(as_argument(argument)) for argument in arguments]


def is_unchanged(now: Any, before: Any) -> bool:
    """Tell whether an argument is what it was, to the last bit, so that NaN is equal to NaN."""
    if isinstance(before, np.ndarray):
        return now.dtype == before.dtype and now.shape == before.shape and now.tobytes() == before.tobytes()
    return now == before
