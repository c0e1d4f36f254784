"""Whether an answer is the reference: first its type, shape and dtype, then its values, up to a tolerance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xentlib.teaching.exercises.checking.normalize import Unsupported, kind_of
from xentlib.teaching.exercises.exercise import Exercise


def agree(exercise: Exercise, got: Any, expected: Any) -> bool:
    """Tell whether two values, both normalized, are the same up to the exercise's tolerance."""
    if difference_in_kind(exercise, got, expected):
        return False
    if isinstance(expected, tuple):
        return all(agree(exercise, g, e) for g, e in zip(got, expected, strict=True))
    return got == expected if isinstance(expected, str) else bool(close(exercise, got, expected).all())


def difference_in_kind(exercise: Exercise, got: Any, expected: Any) -> str:
    """Say how type, shape or dtype differ from what was asked for, or ""."""
    asked = f"Asked for: {kind_of(expected)}; got {kind_of(got)}."
    if isinstance(got, Unsupported) or type(got) is not type(expected):
        return asked
    if isinstance(expected, tuple):
        differences = [difference_in_kind(exercise, g, e) for g, e in zip(got, expected, strict=True)]
        return next((f"Part {n}: {d}" for n, d in enumerate(differences) if d), "")
    if isinstance(expected, str):
        return ""
    if (got.dtype == bool) != (expected.dtype == bool) or got.shape != expected.shape:
        return asked
    if exercise.dtype and got.dtype != expected.dtype:
        return f"Asked for the dtype {expected.dtype}; got {got.dtype}."
    return ""


def close(exercise: Exercise, got: Any, expected: Any) -> np.ndarray:
    """Tell of each entry whether it is right."""
    # NaN equals NaN: a mistake may give it, and so may the answer to "what comes out?".
    with np.errstate(all="ignore"):
        return np.asarray(np.isclose(got, expected, rtol=exercise.rtol, atol=exercise.atol, equal_nan=True))


def closely(exercise: Exercise) -> Callable[[Any, Any], bool]:
    """Return a function that tells whether all entries are right."""
    return lambda got, expected: bool(close(exercise, got, expected).all())


def is_exact(exercise: Exercise) -> bool:
    """Tell whether the tolerance allows for rounding alone."""
    return exercise.rtol < 1e-6 and exercise.atol < 1e-6


def tolerance(exercise: Exercise) -> str:
    """Return the tolerance in words."""
    relative = [f"{100 * exercise.rtol:g} %"] if exercise.rtol >= 1e-6 else []
    return " or ".join([*relative, *([f"{exercise.atol:.1g}"] if exercise.atol >= 1e-6 else [])])
