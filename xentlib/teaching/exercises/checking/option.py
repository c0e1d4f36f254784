"""Explain: one of several options, by its letter."""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import Any, TypeVar

from xentlib.teaching.exercises import reading
from xentlib.teaching.exercises.checking.normalize import kind_of
from xentlib.teaching.exercises.checking.result import Result, first_named, not_yet, solved
from xentlib.teaching.exercises.checking.wording import listed, show
from xentlib.teaching.exercises.exercise import Exercise

T = TypeVar("T")


def judge_option(exercise: Exercise, answer: Any) -> Result:
    """Return the Result for the letter of an option."""
    letters = [letter for letter, _ in lettered(exercise.options)]
    given = reading.letter(answer)
    if given not in letters:
        got = show(answer) if isinstance(answer, str) else kind_of(answer)
        return not_yet(exercise, f"not yet. Asked for: a letter, {listed(letters, 'or')}; got {got}.")
    if given == exercise.answer:
        return solved(exercise, exercise.because)
    name = first_named(exercise, lambda mistake: mistake.wrong == given)
    return not_yet(exercise, f"not yet. {name}", named=name)


def lettered(options: Iterable[T]) -> list[tuple[str, T]]:
    """Return the options in pairs with their letters, A, B and so on."""
    return list(zip(string.ascii_uppercase, options, strict=False))
