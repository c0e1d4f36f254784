"""What the results of a wrong function tell by themselves: no number, lost digits, an ε, a class too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import xentlib
from xentlib.teaching.exercises.diagnosis.spoiling import Close, number, same
from xentlib.teaching.exercises.diagnosis.values import shows
from xentlib.teaching.exercises.guard import run

EXPONENT = 700  #: beyond it, e^x is near the end of float64
NEARLY = 0.01  #: relative error up to which an answer is nearly right


class Tried(NamedTuple):
    """One call of a learner's function: the arguments by name, and the two results."""

    arguments: dict[str, Any]
    got: Any
    expected: Any


def same_shapes(tried: Sequence[Tried]) -> bool:
    """Tell whether all results have the shapes that they should have."""
    return all(np.shape(call.got) == np.shape(call.expected) for call in tried)


def _flat(tried: Sequence[Tried]) -> tuple[np.ndarray, np.ndarray]:
    """Return all numbers that came out, and all that should have."""
    return np.concatenate([np.ravel(c.got) for c in tried]), np.concatenate([np.ravel(c.expected) for c in tried])


def _wrong(tried: Sequence[Tried], close: Close) -> list[Tried]:
    return [call for call in tried if not same(call.got, call.expected, close)]


# No number


def no_number(tried: Sequence[Tried], close: Close) -> str:
    """Name NaN and infinities where there is a number, and numbers where there is none."""
    if not same_shapes(tried):
        return ""
    without = [call for call in tried if has_no_number(call.got, call.expected)]
    if without:
        others = [call for call in tried if not has_no_number(call.got, call.expected)]
        right = all(np.allclose(c.got, c.expected, rtol=0, atol=1e-13) for c in _wrong(others, close))
        return _why_no_number(without[0]) if right and others else ""
    hidden = any((np.isinf(c.expected) & np.isfinite(c.got)).any() for c in tried)
    if not hidden:
        return ""
    right = not _wrong([c for c in tried if np.isfinite(c.expected).all()], close)
    return "The right answer is infinite where yours is finite: " + (
        "a clip, a mask or an added ε hides it." if right else "does a clip, a mask or an added ε hide it?"
    )


def has_no_number(got: Any, expected: Any) -> bool:
    """Tell whether NaN or an infinity came out where there should be a number."""
    if not isinstance(got, np.ndarray) or np.shape(got) != np.shape(expected):
        return False
    return bool((~np.isfinite(got) & np.isfinite(expected)).any())


def _why_no_number(call: Tried) -> str:
    arguments = [np.asarray(argument) for argument in call.arguments.values()]
    if any((np.abs(a) >= EXPONENT).any() for a in arguments if a.dtype.kind in "fi"):
        return (
            "The formula is right, but its exponentials overflow: subtract the largest logit, row by row if there "
            "are rows. With another shift some still overflow, or all are rounded to 0."
        )
    if any(a.dtype.kind == "f" and (a == 0).any() and ((a >= 0) & (a <= 1)).all() for a in arguments):
        return "Where a probability is 0, your answer is not a number: leave out 0 · log 0, and mind 0/0."
    return "Your answer is not a finite number here: something is rounded to 0 or to 1, or overflows."


def not_finite(tried: Sequence[Tried]) -> str:
    """Say that there is no number, where nothing more is known."""
    if any(has_no_number(call.got, call.expected) for call in tried):
        return "Your answer is not a finite number here: what is divided by 0?"
    return ""


# Lost digits


def inside_the_logarithm(tried: Sequence[Tried]) -> str:
    """Name −log(q + ε) and −log of a clipped q, by where the losses end."""
    got, expected = _flat(tried)
    if got.shape != expected.shape or not np.isfinite(got).all() or not (expected >= 0).all():
        return ""
    if not np.isclose(got, expected, rtol=1e-3).any():
        return ""  # a constant is its own end
    with np.errstate(all="ignore"):
        right, end = np.exp(-expected), np.exp(-got.max())
        capped = {"an ε is added": -np.log(right + end), "it is clipped": -np.log(np.maximum(right, end))}
        for how, losses in capped.items():
            if got.max() < expected.max() - 1 and np.allclose(got, losses, rtol=1e-12, atol=1e-13):
                return f"Inside the logarithm {how}, so that no loss is above {number(got.max())}: leave it out."
    return ""


def digits_lost(tried: Sequence[Tried], close: Close) -> str:
    """Name what is right but for its last digits, by how the digits got lost."""
    wrong = _wrong(tried, close)
    if not same_shapes(wrong) or not all(np.isfinite(c.got).all() for c in wrong):
        return ""
    got, expected = _flat(tried)
    if shows(got[np.isfinite(expected)], expected[np.isfinite(expected)]):
        return "The result is rounded: return it with all its digits."
    finite = [(c.got[np.isfinite(c.expected)], c.expected[np.isfinite(c.expected)]) for c in wrong]
    if all((np.abs(g - e) <= 1e-13 * (1 + np.abs(e))).all() for g, e in finite):
        return "Digits are lost: a tiny part was rounded away next to a large one."
    error = np.concatenate([np.abs(g - e) / (np.abs(e).max(initial=0) or 1) for g, e in finite]).max(initial=0)
    if error < 1e-6 and len(wrong) == len(tried) and any(c.got.dtype.itemsize < 8 for c in wrong):
        return "These are the digits of float32: work in float64."
    off = np.concatenate([np.abs(g - e) / (1 + np.abs(e)) for g, e in finite]).max(initial=0)
    if error < NEARLY or off < NEARLY**2:
        return (
            f"Nearly right, but off by up to {off:.1g}. An ε of your own, a clip, "
            "rounded constants or a narrower dtype do this: leave them out."
        )
    return ""


def at_the_extremes(tried: Sequence[Tried], close: Close) -> str:
    """Name what is right but where numbers are very large or very far apart."""
    wrong = _wrong(tried, close)
    if not same_shapes(wrong) or not all(np.isfinite(c.got).all() for c in wrong):
        return ""
    if len(wrong) == len(tried) or not all(_is_extreme(c) for c in wrong):
        return ""
    return (
        "Right but where numbers are very large or far apart. Does a clip hide that they differ, or is something "
        "rounded to 0?"
    )


def _is_extreme(call: Tried) -> bool:
    floats = [np.asarray(a) for a in call.arguments.values() if np.asarray(a).dtype.kind == "f"]
    return any((np.abs(a) >= EXPONENT).any() for a in floats)


# Too much, in the wrong places


def columns_of_labels(tried: Sequence[Tried], close: Close) -> str:
    """Name an index that takes the columns of all labels in every row."""
    seen = False
    for call in tried:
        labels = next((a for a in call.arguments.values() if isinstance(a, np.ndarray) and a.dtype.kind == "i"), None)
        if labels is None or labels.ndim != 1 or call.expected.ndim != 2 or call.got.shape != call.expected.shape:
            return ""
        n_samples, n_classes = call.expected.shape
        if len(labels) != n_samples or not 0 <= labels.min() <= labels.max() < n_classes:
            return ""
        classes = np.arange(n_classes)
        others = np.isin(classes, labels) & (classes != labels[:, np.newaxis])
        wrong = np.array([not close(g, e) for g, e in zip(call.got.flat, call.expected.flat, strict=True)])
        if (wrong.reshape(others.shape) != others).any():
            return ""
        seen |= bool(others.any())
    if not seen:
        return ""
    return "This takes the columns of all labels in every row. Give NumPy a row for each label: np.arange(N), labels."


def all_off_alike(tried: Sequence[Tried], close: Close) -> str:
    """Name what is off by one and the same number, but not in all entries."""
    if not same_shapes(tried):
        return ""
    got, expected = _flat(tried)
    wrong = np.array([not close(g, e) for g, e in zip(got, expected, strict=True)])
    if not 1 < wrong.sum() < len(wrong) or not np.isfinite(got[wrong]).all():
        return ""
    off = (got - expected)[wrong]
    if not np.allclose(off, off[0], rtol=1e-9, atol=1e-12):
        return ""
    return (
        f"Every entry that is wrong is off by {number(off[0])}: something is added or subtracted in too many places, "
        "or in too few."
    )


def an_entropy(tried: Sequence[Tried], close: Close) -> str:
    """Name an entropy that is still to be subtracted, or added."""
    for name, first in tried[0].arguments.items():
        if np.ndim(first) != 1 or np.asarray(first).dtype.kind != "f" or not np.isclose(np.sum(first), 1):
            continue
        entropies = [run(xentlib.entropy, call.arguments[name]).value for call in tried]
        if None in entropies:
            continue
        for sign, how in ((1, "too many: this is larger"), (-1, "missing: this is smaller")):
            if all(same(c.got, c.expected + sign * h, close) for c, h in zip(tried, entropies, strict=True)):
                return f"An entropy is {how} by the entropy of `{name}`."
    return ""
