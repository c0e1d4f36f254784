"""The one checker: what it says of an answer, for each kind of exercise.

`value`, `expression`, `function`, `input` and `option` each judge one kind of answer. They share the steps: `normalize`
brings an answer into a form that can be compared, `compare` tells whether it is right, and, where it is not, the
exercise's own mistakes and `diagnosis` are asked what is wrong; `wording` and `result` put it into words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xentlib.teaching.exercises.checking.expression import judge_expression
from xentlib.teaching.exercises.checking.function import judge_function
from xentlib.teaching.exercises.checking.input import judge_input
from xentlib.teaching.exercises.checking.option import judge_option, lettered
from xentlib.teaching.exercises.checking.result import ASKED_FOR, Result, not_yet
from xentlib.teaching.exercises.checking.value import judge_value
from xentlib.teaching.exercises.exercise import Exercise
from xentlib.teaching.exercises.guard import run

__all__ = ["Result", "judge", "lettered"]

LONGEST_CHECK = 60.0  #: seconds for all that is done with one answer

_JUDGES: dict[str, Callable[[Exercise, Any], Result]] = {
    "predict": judge_value,
    "derive": judge_expression,
    "code": judge_function,
    "break": judge_input,
    "explain": judge_option,
}


def judge(exercise: Exercise, answer: Any) -> Result:
    """Return the Result for an answer. Whatever the answer is or does, nothing is raised."""
    if _is_blank(answer):
        return unanswered(exercise)
    outcome = run(_JUDGES[exercise.kind], exercise, answer, limit=LONGEST_CHECK)
    if outcome.failure:
        return not_yet(exercise, f"not yet. Your answer could not be looked at: it {outcome.failure}")
    return outcome.value


def unanswered(exercise: Exercise) -> Result:
    """Return the Result where nothing was answered."""
    return not_yet(exercise, f"not answered yet. Asked for: {ASKED_FOR[exercise.kind]}.")


def _is_blank(answer: Any) -> bool:
    parts = answer if type(answer) in (list, tuple) and answer else [answer]
    return all(part is None or part is Ellipsis for part in parts)
