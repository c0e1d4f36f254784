"""Predict: a value. It is compared as it is, or by what the exercise's `through` makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xentlib.teaching.exercises import diagnosis, reading
from xentlib.teaching.exercises.checking.compare import agree, close, closely, difference_in_kind, is_exact, tolerance
from xentlib.teaching.exercises.checking.normalize import normalize
from xentlib.teaching.exercises.checking.result import Result, diagnosed, first_named, not_yet, solved
from xentlib.teaching.exercises.checking.wording import describe, listed, show
from xentlib.teaching.exercises.exercise import Exercise, Mistake


def judge_value(exercise: Exercise, answer: Any) -> Result:
    """Return the Result for a number, an array of numbers, a word or an order of words."""
    if callable(answer):
        return not_yet(exercise, "not yet. Asked for: a value; got a function. Was it to be called?")
    reference = normalize(exercise.answer)
    given = _given(answer, reference)
    through = None if difference_in_kind(exercise, given, reference) else exercise.through
    got, expected = (through(given), through(reference)) if through else (given, reference)
    if agree(exercise, got, expected):
        return solved(exercise, f"It {'gives' if through else 'is'} {show(expected)}.")
    name = _name(exercise, given, got, expected, through)
    # The value itself is not told: the learner can still find it.
    what = name or difference_in_kind(exercise, got, expected) or _which_are_right(exercise, got, expected)
    if what == diagnosis.ROUNDED:
        what = f"{what} {_near_enough(exercise)}"
    gives = f", which gives {show(got)}" if through else ""
    return not_yet(exercise, f"not yet. {what}", f"got  {describe(given)}{gives}", named=name, got=show(got))


def _given(answer: Any, reference: Any) -> Any:
    """Return an answer, normalized, with what is written as text in the form of the reference."""
    given = normalize(_read(answer, reference), reference)
    if isinstance(given, np.ndarray) and np.squeeze(given).shape == np.shape(reference):
        return np.squeeze(given)  # a number in brackets is that number, and a column is a list
    return given


def _read(answer: Any, reference: Any) -> Any:
    if isinstance(reference, tuple):
        return reading.words(answer, reference) if all(isinstance(part, str) for part in reference) else answer
    if isinstance(reference, str):
        return reading.word(answer, [reference]) if isinstance(answer, str) else answer
    return reading.numbers(answer, in_a_row=reference.ndim > 0)


# Its name


def _name(exercise: Exercise, given: Any, got: Any, expected: Any, through: Callable | None) -> str:
    """Return what kind of mistake it is, or ""."""
    return (
        first_named(exercise, lambda mistake: _is_mistake(exercise, mistake, given, got, through))
        or _named_if_rounded(exercise, given)
        or (_before_the_logarithm(exercise, given, expected, through) if through else "")
        or diagnosed(diagnosis.of_value, got, expected, closely(exercise))
    )


def _is_mistake(exercise: Exercise, mistake: Mistake, given: Any, got: Any, through: Callable | None) -> bool:
    if mistake.when:
        return isinstance(given, np.ndarray) and mistake.when(given)
    wrong = normalize(mistake.wrong, normalize(exercise.answer))
    return agree(exercise, got, through(wrong) if through else wrong)


def _named_if_rounded(exercise: Exercise, given: Any) -> str:
    """Name the one mistake that an answer is in the decimals that it shows, unless the right value is near, too."""
    reference = normalize(exercise.answer)
    if not all(isinstance(side, np.ndarray) and side.dtype.kind in "iuf" for side in (given, reference)):
        return ""
    if diagnosis.is_rounded(given, reference):
        return ""
    rounded = [m for m in exercise.mistakes if diagnosis.is_rounded(given, normalize(m.wrong, reference))]
    return rounded[0].feedback if len(rounded) == 1 and not rounded[0].when else ""


def _before_the_logarithm(exercise: Exercise, given: np.ndarray, expected: Any, through: Callable) -> str:
    """Name positive numbers whose logarithms are right."""
    if not (given > 0).all() or not agree(exercise, through(np.log(given)), expected):
        return ""
    return "This is right once you take the logarithm of each number."


# What to say without one


def _which_are_right(exercise: Exercise, got: Any, expected: Any) -> str:
    if isinstance(expected, tuple):
        return "The order, or a word in it, is another one."
    if isinstance(expected, str):
        return "It is something else."
    if np.isnan(got).any():
        return "NaN is not a number."
    right = np.atleast_1d(close(exercise, got, expected))
    if right.size == 1:
        near = abs(got - expected) <= 0.05 * abs(expected)
        than = "larger" if got < expected else "smaller"
        return f"{'You are near, but t' if near else 'T'}he right value is {than}. {_near_enough(exercise)}"
    places = [place[0] if len(place) == 1 else tuple(place) for place in np.argwhere(right).tolist()]
    if not places:
        return f"No entry is right. {_near_enough(exercise)}"
    return f"Right: only {'entry' if len(places) == 1 else 'entries'} {listed(places)}. {_near_enough(exercise)}"


def _near_enough(exercise: Exercise) -> str:
    """Say how near to the right number is near enough."""
    if is_exact(exercise):
        return "The exact value is asked for."
    of_what = "of what it gives" if exercise.through else "of the right value"
    return f"Within {tolerance(exercise)} {of_what} is near enough."
