"""Options alone, in pairs, and together: which of them go wrong?"""

from __future__ import annotations

from itertools import combinations
from typing import cast

import numpy as np

from xentlib.audit.calling import Caller
from xentlib.audit.probes import Trial, try_all
from xentlib.audit.relations import same
from xentlib.audit.shrink import Clock
from xentlib.audit.vectors import Options, solve


def try_combinations(caller: Caller, dtype: str) -> list[Trial]:
    """Return the trial of each option alone, of each pair, and of all together, which is the last."""
    everything, clock = caller.options, Clock()
    whole = try_all(caller, dtype, clock)
    trials = []
    for some in _some_of(everything):
        caller.options = some
        if not (caller.hung or _is_not_for(caller, whole)):
            trials.append(try_all(caller, dtype, clock))
    caller.options = everything
    return [*trials, whole]


def _some_of(options: Options) -> list[Options]:
    return [
        cast(Options, {name: options[name] for name in names})  # type: ignore[literal-required]
        for size in (1, 2)
        if size < len(options)
        for names in combinations(options, size)
    ]


def _is_not_for(caller: Caller, whole: Trial) -> bool:
    """Tell whether the loss insists on all its options, or has them built in: then no option can be taken away."""
    first = next((each for each in whole.evidence if each.batch.name == "four rows"), None)
    if first is None:
        return True
    answer = caller(first.batch.logits, first.batch.labels)
    if answer.problem.startswith("raised TypeError") and "missing" in answer.problem:
        return True
    other = not np.array_equal(solve(first.batch, caller.options).loss, first.right.loss)
    return first.severity in ("ok", "accuracy") and other and same(answer, first.answer)


def smallest_that_fail(trials: list[Trial]) -> list[Trial]:
    """Return the trials that fail though none with fewer of their options does."""
    failed = [trial for trial in trials if not trial.ok]
    return [trial for trial in failed if not any(set(other.options) < set(trial.options) for other in failed)]
