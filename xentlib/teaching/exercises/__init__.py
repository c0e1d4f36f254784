"""Exercises that answer back.

    >>> import xentlib
    >>> from xentlib.teaching.exercises import check, hint
    >>> check("05-gradient", lambda logits, y: xentlib.softmax(logits), record=False)
    05-gradient: not yet: 0 of 4 inputs right. This is q: the one-hot was not subtracted.
      tried     f(logits=[1, 2, 0.5], y=1)
      expected  [0.231224, -0.371468, 0.140244]  (array of shape (3,), float64)
      got       [0.231224, 0.628532, 0.140244]  (array of shape (3,), float64)
    >>> hint("05-signs")
    05-signs, hint 1 of 3: What are the three probabilities? The label has no part in them.

An exercise is data (`exercise.Exercise`), declared in one module a chapter; `checking` serves them all.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib
import os
import pkgutil
import re
import sys
from dataclasses import replace
from typing import Any

from xentlib.teaching.exercises import record as _record
from xentlib.teaching.exercises.checking import Result, judge
from xentlib.teaching.exercises.exercise import Exercise
from xentlib.teaching.exercises.fresh import renewed
from xentlib.teaching.exercises.points import Points, outcome

__all__ = ["all_exercises", "check", "find", "hint", "progress", "score"]

_hints_given: dict[str, int] = {}  # id: how many


class Said(str):
    """Text that prints as it is, without quotes."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


def check(id: str, answer: Any, *, record: bool = True, seed: int | None = None) -> Result:
    """Tell whether `answer` solves an exercise, and if not, what is wrong with it.

    Parameters
    ----------
    id : str
        As given above the exercise: "05-gradient".
    answer : value, SymPy expression, function or input
        What the exercise asks for. None and ... mean no answer yet.
    record : bool
        Whether `progress` is to remember it if it is solved. The book's own solutions are checked without.
    seed : int, optional
        Which numbers the exercise has instead of the book's, as an assignment may say.

    Returns
    -------
    Result
        True if solved. It prints as the verdict: what was tried, what came out, what was expected, and the name of the
        mistake where it has one. Nothing that a learner passes is answered with an exception.
    """
    exercise = find(id)
    if isinstance(exercise, str):
        return Result(False, exercise)
    result = judge(renewed(exercise, seed), answer)
    trouble = _record.add(exercise.id) if result and record else ""
    return replace(result, feedback=f"{result.feedback}\n({trouble})") if trouble else result


def score(
    id: str, answer: Any, points: float, *, partial: bool = False, hints: bool = True, seed: int | None = None
) -> Points:
    """Return what an answer earns in an assignment, and print what `check` says of it.

    Parameters
    ----------
    id, answer, seed
        As in `check`.
    points : float
        What the right answer earns.
    partial : bool
        Whether a function that is right on some of its inputs earns its share.
    hints : bool
        Whether a wrong answer gets a hint also before it is graded. In nbgrader's feedback it gets one.
    """
    # A word on the standard error, of the answer's own, would cost all points: nbgrader takes it for a failure.
    with contextlib.redirect_stderr(sys.stdout):
        result = check(id, answer, seed=seed)
    print(result)
    exercise = find(id)
    if isinstance(exercise, Exercise) and not result and (hints or os.environ.get("NBGRADER_EXECUTION") == "autograde"):
        print(f"Hint: {exercise.hints[0]}")
    earned = round(points * (result.right if partial else result.solved), 2)
    print(f"Points: {earned:g} of {points:g}")
    return Points(earned, outcome(result))


def hint(id: str) -> Said:
    """Return the next of the three hints of an exercise, from a nudge to the key step."""
    exercise = find(id)
    if isinstance(exercise, str):
        return Said(exercise)
    given = _hints_given.get(exercise.id, 0)
    if given == len(exercise.hints):
        return Said(f"{exercise.id}: no more hints. The chapter has a link to the solution.")
    _hints_given[exercise.id] = given + 1
    return Said(f"{exercise.id}, hint {given + 1} of {len(exercise.hints)}: {exercise.hints[given]}")


def progress() -> Said:
    """Return a table of the chapters, with how many of their exercises are solved."""
    solved, trouble = _record.load()
    modules = [_module(number) for number in _numbers()]
    width = max(len(module.TITLE) for module in modules)
    rows, total, done = [], 0, 0
    for module in modules:
        marks = ["■" if exercise.id in solved else "□" for exercise in module.EXERCISES]
        total, done = total + len(marks), done + marks.count("■")
        rows.append(f"{module.TITLE:{width}}  {''.join(marks)}  {marks.count('■')} of {len(marks)}")
    return Said("\n".join([*rows, f"{done} of {total} solved", *([f"({trouble})"] if trouble else [])]))


def find(id: str) -> Exercise | str:
    """Return the exercise with this id, or a sentence that names the nearest ids."""
    number = id[:2] if isinstance(id, str) and re.match(r"\d\d-", id) else ""
    exercises = _module(number).EXERCISES if number in _numbers() else ()
    for exercise in exercises:
        if exercise.id == id:
            return exercise
    if not isinstance(id, str):
        return 'The id of the exercise comes first, as a string: check("05-gradient", answer).'
    near = difflib.get_close_matches(id, [exercise.id for exercise in all_exercises()], n=3, cutoff=0.5)
    return f"There is no exercise {id[:40]!r}." + (f" Nearest: {', '.join(near)}." if near else "")


def all_exercises() -> list[Exercise]:
    """Return the exercises of all chapters, in the order of the book."""
    return [exercise for number in _numbers() for exercise in _module(number).EXERCISES]


@functools.cache  # it looks into the folder, which takes as long as many an answer
def _numbers():
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name.removeprefix("chapter_") for name in names if name.startswith("chapter_"))


def _module(number):
    return importlib.import_module(f"{__name__}.chapter_{number}")
