"""Code: a function. It is called with each of the exercise's inputs, and its results are compared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from xentlib.teaching.exercises import diagnosis
from xentlib.teaching.exercises.checking.compare import agree, close, closely, difference_in_kind
from xentlib.teaching.exercises.checking.normalize import as_argument, copies_of, is_unchanged, normalize
from xentlib.teaching.exercises.checking.result import Result, diagnosed, first_named, not_yet, solved
from xentlib.teaching.exercises.checking.wording import asked_for, count, show, side_by_side
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.guard import run


class Call(NamedTuple):
    """One call of a learner's function: what it was given, what came out, what should have."""

    shown: str
    got: Any = None
    expected: Any = None
    complaint: str = ""


def judge_function(exercise: Exercise, answer: Any) -> Result:
    """Return the Result for a function."""
    if not callable(answer):
        return not_yet(exercise, f"not yet. {asked_for('a function', answer)}")
    calls: list[Call] = []
    for arguments in exercise.inputs:
        call = _call(exercise, answer, arguments)
        if call.complaint:  # no use in waiting for a loop once more
            return not_yet(exercise, call.complaint, f"tried     {call.shown}", right=_share(exercise, calls))
        calls.append(call)
    wrong = [call for call in calls if not agree(exercise, call.got, call.expected)]
    if not wrong:
        return solved(exercise, f"It agrees with the reference on {count(len(calls), 'input')}.")
    first = next((call for call in wrong if diagnosis.has_no_number(call.got, call.expected)), wrong[0])
    name = first_named(exercise, lambda mistake: _is_mistake(exercise, mistake, answer, calls))
    name = name or _kind_of_mistake(exercise, answer, calls)
    what = name or difference_in_kind(exercise, first.got, first.expected) or _where(exercise, first)
    return not_yet(
        exercise, f"not yet: {len(calls) - len(wrong)} of {count(len(calls), 'input')} right. {what}".rstrip(),
        f"tried     {first.shown}", *side_by_side(first.expected, first.got),
        named=name, got=f"{show(first.got)} for {first.shown}", right=_share(exercise, calls),
    )  # fmt: skip


def _share(exercise: Exercise, calls: Sequence[Call]) -> float:
    return sum(agree(exercise, call.got, call.expected) for call in calls) / len(exercise.inputs)


# Calling it


def _call(exercise: Exercise, answer: Callable, arguments: Sequence[Any]) -> Call:
    names = _parameters(exercise)
    shown = f"f({', '.join(f'{n}={show(as_argument(a))}' for n, a in zip(names, arguments, strict=True))})"
    misfit = _does_not_take(answer, names)
    if misfit:
        return Call(shown, complaint=f"not yet. {misfit}")
    expected = normalize(_reference(exercise.answer, arguments))
    given, kept = copies_of(arguments), copies_of(arguments)
    # What comes out is copied before anything else happens: it may be a view of the input, or one buffer used again.
    outcome = run(lambda: _returned(answer(*given), expected))
    if outcome.failure:
        return Call(shown, complaint=f"not yet. Your function {outcome.failure}")
    if outcome.value is None:
        return Call(shown, complaint="not answered yet: the function returns None. Is a `return` missing?")
    for name, now, before in zip(names, given, kept, strict=True):
        if not is_unchanged(now, before):
            return Call(shown, complaint=f"not yet. Your function changes its argument `{name}`: work on a copy.")
    return Call(shown, outcome.value, expected)


def _parameters(exercise: Exercise) -> list[str]:
    return list(inspect.signature(exercise.answer).parameters)


def _does_not_take(answer: Callable, names: Sequence[str]) -> str:
    try:
        inspect.signature(answer).bind(*names)
    except TypeError as error:
        return f"It is called as f({', '.join(names)}), and does not take these arguments: {error}."
    except ValueError:  # compiled, without a signature: the call will show
        pass
    return ""


def _returned(value: Any, expected: Any) -> Any:
    return None if value is None or value is Ellipsis else normalize(value, expected)


def _reference(function: Callable, arguments: Sequence[Any]) -> Any:
    with np.errstate(all="ignore"):
        return function(*copies_of(arguments))


# What is wrong with it


def _is_mistake(exercise: Exercise, mistake: Mistake, answer: Callable, calls: Sequence[Call]) -> bool:
    if mistake.when:
        return mistake.when(answer)
    outputs = [run(lambda a=a: normalize(_reference(mistake.wrong, a))) for a in exercise.inputs]
    return all(
        not output.failure and agree(exercise, call.got, output.value)
        for call, output in zip(calls, outputs, strict=True)
    )


def _kind_of_mistake(exercise: Exercise, answer: Callable, calls: Sequence[Call]) -> str:
    names = _parameters(exercise)
    tried = [
        diagnosis.Tried(dict(zip(names, copies_of(arguments), strict=True)), call.got, call.expected)
        for arguments, call in zip(exercise.inputs, calls, strict=True)
    ]
    return diagnosed(diagnosis.of_function, answer, exercise.answer, tried, closely(exercise))


def _where(exercise: Exercise, call: Call) -> str:
    if not isinstance(call.expected, np.ndarray) or call.expected.ndim == 0:
        return ""
    wrong = ~close(exercise, call.got, call.expected)
    first = tuple(np.argwhere(wrong)[0].tolist())
    return f"{count(wrong.sum(), 'entry', 'entries')} of {wrong.size} wrong, the first at {first}."
