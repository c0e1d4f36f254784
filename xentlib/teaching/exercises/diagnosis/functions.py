"""What kind of mistake a wrong function makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from xentlib.teaching.exercises.diagnosis import arguments, outputs
from xentlib.teaching.exercises.diagnosis.outputs import Tried
from xentlib.teaching.exercises.diagnosis.spoiling import Close, Sample, of_samples, same, scaled


def of_function(answer: Callable, reference: Callable, tried: Sequence[Tried], close: Close) -> str:
    """Diagnose a function by what it returned. `answer` and `reference` may be called on other inputs as well."""
    if not all(isinstance(call.got, np.ndarray) and isinstance(call.expected, np.ndarray) for call in tried):
        return ""
    if all(same(call.got, call.expected, close) for call in tried):
        return ""  # wrong by its dtype
    samples = [Sample(call.got, call.expected, _sizes(call)) for call in tried]
    return (
        _of_rows(samples, close, tried)
        or of_samples(samples, close)
        or arguments.others(reference, tried, close)
        or outputs.columns_of_labels(tried, close)
        or outputs.no_number(tried, close)
        or outputs.inside_the_logarithm(tried)
        or outputs.digits_lost(tried, close)
        or outputs.at_the_extremes(tried, close)
        or arguments.whole_batch(answer, reference, tried, close)
        or outputs.all_off_alike(tried, close)
        or outputs.an_entropy(tried, close)
        or arguments.unused(answer, reference, tried, close)
        or arguments.taken_for_granted(answer, reference, tried, close)
        or outputs.not_finite(tried)
    )


def _sizes(call: Tried) -> dict[str, float]:
    """Return what an answer may be multiplied or divided by: its scalar arguments, and the lengths of the axes."""
    factors: dict[str, float] = {}
    for name, argument in call.arguments.items():
        array = np.asarray(argument)
        if array.ndim == 0 and array.dtype.kind == "f":
            factors[name] = float(array)
        if array.ndim == 1:
            factors[f"the length of `{name}`"] = len(array)
            factors[f"the sum of `{name}`"] = float(array.sum())
        if array.ndim in (1, 2) and array.dtype.kind == "f":
            factors[f"the norm of `{name}`"] = float(np.linalg.norm(array))
        if array.ndim == 2:
            factors[f"the number of rows of `{name}`"], factors[f"the number of columns of `{name}`"] = array.shape
            factors[f"the number of entries of `{name}`"] = array.size
    return factors


def _of_rows(samples: Sequence[Sample], close: Close, tried: Sequence[Tried]) -> str:
    """Name a mean that is a sum, or divides by another length than that of the batch."""
    batches = [name for name, argument in tried[0].arguments.items() if np.ndim(argument) == 2]
    for name in reversed(batches):
        shapes = [np.shape(call.arguments[name]) for call in tried]
        for feedback, factor in _ROW_FACTORS:
            if scaled(samples, [factor(*shape) for shape in shapes], close):
                return feedback.format(name)
    return ""


_ROW_FACTORS: tuple[tuple[str, Callable[[int, int], float]], ...] = (
    ("This is the sum over the rows of `{}`, and their mean is asked for: divide by their number.", lambda n, k: n),
    ("Divided by the number of rows of `{}` once too often.", lambda n, k: 1 / n),
    ("Divided by the number of columns of `{}`, where the number of rows belongs.", lambda n, k: n / k),
    ("Divided by the number of all entries of `{}`, or by its columns on top of its rows: only the mean over rows is "
     "asked for.", lambda n, k: 1 / k),
)  # fmt: skip
