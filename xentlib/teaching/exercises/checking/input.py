"""Break: an input. It is right if the faulty implementation and the right one differ on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentlib.teaching.exercises import reading
from xentlib.teaching.exercises.checking.compare import agree, is_exact, tolerance
from xentlib.teaching.exercises.checking.normalize import Unsupported, normalize
from xentlib.teaching.exercises.checking.result import Result, first_named, not_yet, solved
from xentlib.teaching.exercises.checking.wording import asked_for, describe, show
from xentlib.teaching.exercises.exercise import Exercise
from xentlib.teaching.exercises.guard import run


def judge_input(exercise: Exercise, answer: Any) -> Result:
    """Return the Result for an input of numbers."""
    given = normalize(reading.numbers(answer), np.array(0.0))
    if isinstance(given, Unsupported):
        return not_yet(exercise, f"not yet. {asked_for('an input of numbers', given)}")
    given = given.astype(np.float64)
    legal, faulty, reference = exercise.legal, exercise.faulty, exercise.right
    if not (legal and faulty and reference):
        raise TypeError(f"{exercise.id} needs legal, faulty and right, to judge an input")
    complaint = legal(given)
    if complaint:
        return not_yet(exercise, f"not yet. This input is not allowed: {complaint}.", f"got       {describe(given)}")
    right = normalize(reference(given.copy()))
    outcome = run(lambda: normalize(faulty(given.copy()), right))
    width = max(map(len, exercise.outcomes))
    shown = outcome.failure or describe(outcome.value), describe(right)
    values = [f"{name:{width}}  {number}" for name, number in zip(exercise.outcomes, shown, strict=True)]
    if outcome.failure or not agree(exercise, outcome.value, right):
        return solved(exercise, "\n  ".join(["The fault shows.", *values]))
    name = first_named(exercise, lambda mistake: bool(mistake.when and mistake.when(given)))
    feedback = f"not yet: {_how_near(exercise, outcome.value, right)}. {name}".rstrip()
    return not_yet(exercise, feedback, f"tried     {show(given)}", *values, named=name, got=show(given))


def _how_near(exercise: Exercise, faulty: Any, right: Any) -> str:
    """Say that two outcomes agree, and up to which difference they are said to."""
    if show(faulty, digits=17) == show(right, digits=17):
        return "the two are the same here"
    enough = "rounding" if is_exact(exercise) else tolerance(exercise)
    return f"the two do not differ enough here: a fault is a difference of more than {enough}"
