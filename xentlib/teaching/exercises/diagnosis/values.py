"""What kind of mistake a wrong value is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xentlib.teaching.exercises.diagnosis.spoiling import (
    Close,
    Sample,
    kind_of_spoiling,
    of_samples,
    that_a_factor_is_wrong,
)

ROUNDED = "Right as far as it goes, but it is rounded too far: give more digits."


def of_value(got: Any, expected: Any, close: Close) -> str:
    """Diagnose a value: an array of numbers, of any shape. `close(a, b)` tells whether two arrays agree."""
    if not (isinstance(got, np.ndarray) and isinstance(expected, np.ndarray)) or expected.dtype == bool:
        return ""
    if shows(got, expected) or _is_cut_off(got, expected):
        return ROUNDED
    if not np.size(got) or not np.any(got):
        return ""  # zeros are near many things

    def same_to(digits: int) -> Close:  # a factor is met by chance sooner than a sign or a reciprocal
        return lambda a, b: (
            (np.allclose(a, b, rtol=5e-4, atol=1e-12, equal_nan=True) and close(a, b)) or shows(a, b, digits)
        )

    samples = [Sample(got, expected)]
    if close(got / 100, expected) and np.allclose(got / 100, expected, rtol=0.02, atol=1e-12):
        return that_a_factor_is_wrong("100", 1)
    return kind_of_spoiling(samples, same_to(2)) or of_samples(samples, same_to(3), tells=False)


def shows(got: Any, expected: Any, digits: int = 1) -> bool:
    """Tell whether numbers are the right ones in the decimals that they show, if these are enough digits.

    A single number may also be a whole one.
    """
    if np.shape(got) != np.shape(expected) or not np.isfinite(got).all() or not np.size(got):
        return False
    places = _places(got)
    shown = places + 1 + math.floor(math.log10(np.abs(got).max() or 1e-99))
    if not (np.size(got) > 1 or digits > 1) <= places <= 8 or shown < digits:
        return False
    with np.errstate(all="ignore"):
        right = bool((np.abs(got - expected) <= 0.501 * 10.0**-places).all())
    return right and (np.size(got) > 1 or bool(np.abs(got - expected) <= 0.2 * np.abs(expected)))


def is_rounded(got: Any, wrong: Any) -> bool:
    """Tell whether numbers are some others in the decimals that they show: two digits at least of a single number."""
    return isinstance(wrong, np.ndarray) and shows(got, wrong, digits=1 if np.size(got) > 1 else 2)


def _is_cut_off(got: Any, expected: Any) -> bool:
    """Tell whether a number has the first digits of the right one, two at least, and lacks the others."""
    if np.shape(got) != () or np.shape(expected) != () or not np.isfinite(expected):
        return False
    places = _places(got)
    if not 1 <= places <= 8 or abs(got) < 10.0 ** (1 - places):
        return False
    return math.trunc(float(expected) * 10**places) == round(float(got) * 10**places)


def _places(got: Any) -> int:
    """Return how many decimals numbers show; very many, where one is written with a power of ten."""
    texts = [str(float(x)) for x in np.ravel(got)]
    return 99 if any("e" in text for text in texts) else max(len(t.partition(".")[2].rstrip("0")) for t in texts)
