"""What `check` returns, and how it comes about: solved, or not yet, with the name of the mistake where it has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.guard import run

ASKED_FOR = {
    "predict": "a value",
    "derive": "a SymPy expression in the book's symbols",
    "code": "a function",
    "break": "an input",
    "explain": "the letter of an option",
}


@dataclass(frozen=True, repr=False)
class Result:
    """What `check` found. True if the answer is right; prints as the feedback on it."""

    solved: bool
    feedback: str
    named: str = ""  #: the mistake, where it has a name
    got: str = ""  #: of a wrong answer without a name: the numbers that it gives
    right: float = 0.0  #: the share of the inputs on which it is right

    def __bool__(self) -> bool:
        return self.solved

    def __repr__(self) -> str:
        return self.feedback


def solved(exercise: Exercise, feedback: str) -> Result:
    """Return the Result for a right answer."""
    return Result(True, f"{exercise.id}: solved. {feedback}", right=1.0)


def not_yet(exercise: Exercise, feedback: str, *more: str, **found: Any) -> Result:
    """Return the Result for a wrong answer, with further lines below the first."""
    return Result(False, "\n  ".join([f"{exercise.id}: {feedback}", *filter(None, more)]), **found)


def first_named(exercise: Exercise, is_it: Callable[[Mistake], bool]) -> str:
    """Return the feedback on the first of the exercise's mistakes that the answer is, or ""."""
    return next((mistake.feedback for mistake in exercise.mistakes if is_it(mistake)), "")


def diagnosed(diagnosis: Callable[..., str], *what: Any) -> str:
    """Return what a diagnosis finds, or "". One that takes too long, or fails, finds nothing."""
    return run(diagnosis, *what).value or ""
