"""What other arguments tell of a wrong function: for which it would be right, and which it ignores."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import xentlib
from xentlib.teaching.exercises.diagnosis.outputs import Tried, same_shapes
from xentlib.teaching.exercises.diagnosis.spoiling import Close, same
from xentlib.teaching.exercises.guard import Outcome, run

Arguments = Mapping[str, Any]


def _result(function: Callable, arguments: Arguments, limit: float | None = None) -> Outcome:
    """Call a function with copies of the arguments, and return what came of it."""
    fresh = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments.values()]
    return run(lambda: np.asarray(function(*fresh), float), limit=limit)


def _results(answer: Callable, reference: Callable, arguments: Arguments) -> tuple[Outcome, Outcome]:
    """Call both with the same arguments, neither for long."""
    return _result(answer, arguments, limit=0.5), _result(reference, arguments, limit=0.5)


# The reference for other arguments


def others(reference: Callable, tried: Sequence[Tried], close: Close) -> str:
    """Name arguments that are swapped, and logits for which probabilities were taken."""

    def gives_the_results(change: Callable[[Arguments], Arguments]) -> bool:
        return all(_gives(reference, change, call, close) for call in tried)

    names = list(tried[0].arguments)
    for one, other in itertools.combinations(names, 2):
        if gives_the_results(_swapping(one, other)):
            return f"The arguments `{one}` and `{other}` are swapped."
    for name in names:
        for feedback, function in _taken_for(np.asarray(tried[0].arguments[name])):
            if gives_the_results(_applying(function, name)):
                return feedback.format(name)
    return ""


def _swapping(one: str, other: str) -> Callable[[Arguments], Arguments]:
    swapped = {one: other, other: one}
    return lambda arguments: {name: arguments[swapped.get(name, name)] for name in arguments}


def _applying(function: Callable, name: str) -> Callable[[Arguments], Arguments]:
    return lambda arguments: {**arguments, name: function(arguments[name])}


def _gives(reference: Callable, change: Callable[[Arguments], Arguments], call: Tried, close: Close) -> bool:
    """Tell whether the reference gives the result of a call, as soon as its arguments are changed."""
    changed = run(change, call.arguments)
    outcome = changed if changed.failure else _result(reference, changed.value)
    return not outcome.failure and same(call.got, outcome.value, close)


def _taken_for(argument: np.ndarray) -> tuple[tuple[str, Callable], ...]:
    """Return what an argument may have been taken for."""
    if argument.dtype.kind in "iu":
        return _OTHER_LABELS
    numbers = _OTHER_NUMBERS if argument.ndim == 0 else ()
    return (*_OTHER_LOGITS, *numbers) if argument.dtype.kind == "f" else numbers


def _transposed(a: np.ndarray) -> np.ndarray:
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise ValueError("only a square is another argument of the same shape")
    return a.T


_OTHER_LOGITS: tuple[tuple[str, Callable], ...] = (
    ("Softmax was applied twice: to `{}`, and to the result.", xentlib.softmax),
    ("Exponentials of `{0}` were taken where `{0}` itself belongs.", np.exp),
    ("The logarithm of `{0}` was taken where `{0}` itself belongs.", np.log),
    ("The sign of `{}` is turned round.", np.negative),
    ("`{}` is transposed.", _transposed),
)
_OTHER_LABELS: tuple[tuple[str, Callable], ...] = (
    ("`{}` is not used: this is right if the label is 0 everywhere.", lambda a: 0 * a),
    ("`{}` is read as if it were counted from 1. It is counted from 0.", lambda a: a - 1),
    ("`{}` is off by one: it is counted from 0.", lambda a: a + 1),
)
_OTHER_NUMBERS: tuple[tuple[str, Callable], ...] = (
    ("`{}` is missing: this is right if it is 1.", lambda a: 1.0),
    ("`{}` is missing: this is right if it is 0.", lambda a: 0.0),
    ("`{}` is upside down: this is right with one over it.", lambda a: 1 / a),
)


# The answer for other arguments


def whole_batch(answer: Callable, reference: Callable, tried: Sequence[Tried], close: Close) -> str:
    """Name what is right for each row alone and wrong for several, where a row owes the others a factor at most."""
    seen = False
    for call in tried:
        n_rows = len(call.expected) if call.expected.ndim == 2 else 0
        if not any(np.ndim(a) == 2 and len(a) == n_rows for a in call.arguments.values()):
            continue
        for n in range(n_rows):
            theirs, ours = _results(answer, reference, _row(call.arguments, n, n_rows))
            if theirs.failure or ours.failure or not same(theirs.value, ours.value, close):
                return ""
            if not _is_multiple(call.expected[n], ours.value):
                return ""
            seen |= n_rows > 1
    if not seen:
        return ""
    return "Right for any row alone, but wrong for several: something is taken over the whole batch, not row by row."


def _row(arguments: Arguments, n: int, n_rows: int) -> Arguments:
    """Return the arguments for one row alone: what has a row, or an index, for each is cut."""

    def is_cut(a: Any) -> bool:
        return np.ndim(a) > 0 and len(a) == n_rows and (np.ndim(a) == 2 or a.dtype.kind == "i")

    return {name: a[n : n + 1] if is_cut(a) else a for name, a in arguments.items()}


def _is_multiple(row: np.ndarray, others: np.ndarray) -> bool:
    """Tell whether one array is another one times a positive number."""
    if others.shape != (1, *row.shape):
        return False
    factor = np.abs(row).sum() / (np.abs(others).sum() or 1)
    return bool(np.allclose(row, factor * others[0], rtol=1e-6, atol=1e-12))


def unused(answer: Callable, reference: Callable, tried: Sequence[Tried], close: Close) -> str:
    """Name the arguments that the answer does not depend on, though the right one does."""
    if not same_shapes(tried) or any(c.got.dtype == bool for c in tried):
        return ""
    names = [name for name in tried[0].arguments if _is_unused(name, answer, reference, tried, close)]
    if len(names) == len(tried[0].arguments) > 1:
        return "The result is the same whatever the function is given."
    return f"The result does not depend on `{names[0]}`, and it should." if names else ""


def _is_unused(name: str, answer: Callable, reference: Callable, tried: Sequence[Tried], close: Close) -> bool:
    matters = False
    for call in tried:
        theirs, ours = _results(answer, reference, {**call.arguments, name: _changed(call.arguments[name])})
        if theirs.failure or ours.failure or not np.array_equal(theirs.value, call.got, equal_nan=True):
            return False
        matters |= not same(ours.value, call.expected, close)
    return matters


def _changed(argument: Any) -> Any:
    """Return another argument of the same shape and kind: indices of 0, other numbers, a distribution for one."""
    a = np.asarray(argument)
    if a.dtype.kind != "f":
        return np.zeros_like(a) if a.ndim else argument
    if a.ndim == 0:
        return argument + 1
    rolled = np.stack([np.roll(row, n + 1, axis=-1) for n, row in enumerate(np.atleast_2d(a))]).reshape(a.shape)
    sums_to_one = (a >= 0).all() and np.allclose(a.sum(axis=-1), 1)
    return 0.75 * rolled + (0.25 / a.shape[-1] if sums_to_one else 0)


def taken_for_granted(answer: Callable, reference: Callable, tried: Sequence[Tried], close: Close) -> str:
    """Name what an answer takes for granted of an argument: it is right as soon as that holds."""
    for name, first in tried[0].arguments.items():
        if np.ndim(first) == 0 or np.asarray(first).dtype.kind != "f":
            continue
        for condition, change in _GRANTED:
            results = [_results(answer, reference, {**c.arguments, name: change(c.arguments[name])}) for c in tried]
            if any(r.failure or not np.isfinite(r.value).all() for pair in results for r in pair):
                continue
            if not any(np.ptp(ours.value) for _, ours in results):
                continue  # where all is 0, or alike, much is right by chance
            if all(same(theirs.value, ours.value, close) for theirs, ours in results):
                return f"This is right only if {condition.format(name)}. Here they need not."
    return ""


def _summing_to(total: float, a: np.ndarray) -> np.ndarray:
    return a + (total - a.sum(axis=-1, keepdims=True)) / a.shape[-1]


_GRANTED: tuple[tuple[str, Callable], ...] = (
    ("the numbers of `{}` are all 1", np.ones_like),
    ("the numbers of `{}` sum to 1, row by row if there are rows", lambda a: _summing_to(1, a)),
    ("the numbers of `{}` sum to 0, row by row if there are rows", lambda a: _summing_to(0, a)),
)
