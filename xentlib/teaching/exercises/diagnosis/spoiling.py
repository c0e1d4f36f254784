"""What turns right numbers into wrong ones, whatever they mean: the sign, a factor, a constant, another order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

import xentlib

Close = Callable[[Any, Any], bool]  # tells whether two values of the same shape agree


class Sample(NamedTuple):
    """What came out at one point, or for one input, and what should have; and what may be wrong by a factor there."""

    got: Any
    expected: Any
    factors: Mapping[str, float] = MappingProxyType({})


def of_samples(samples: Sequence[Sample], close: Close, tells: bool = True) -> str:
    """Name what turns every right number into what was given. Unless it `tells`, no number of it is told."""
    if not any(np.isfinite(sample.got).any() for sample in samples):
        return ""  # what has no value at all fits anything
    return (
        kind_of_spoiling(samples, close)
        or _factor(samples, close, tells)
        or _order(samples, close)
        or _constant(samples, close, tells)
    )


def same(got: Any, wanted: Any, close: Close) -> bool:
    """Tell whether two values agree, in shape too."""
    return np.shape(got) == np.shape(wanted) and close(got, wanted)


def scaled(samples: Iterable[Sample], factors: Iterable[float], close: Close) -> bool:
    """Tell whether every result is the right one times its factor."""
    with np.errstate(all="ignore"):
        return all(same(s.got, s.expected * f, close) for s, f in zip(samples, factors, strict=True))


def kind_of_spoiling(samples: Sequence[Sample], close: Close) -> str:
    """Name the function that turns every right number into what was given."""
    with np.errstate(all="ignore"):
        for feedback, by in _SPOILT:
            if all(same(sample.got, by(sample.expected), close) for sample in samples):
                return feedback
    return ""


def _several(by: Callable) -> Callable:
    """Return a function that spoils arrays alone, and makes no number of a single one."""
    return lambda x: by(x) if np.ndim(x) else []


MINUS = "The sign is turned round: this is minus the right answer."
_SPOILT: tuple[tuple[str, Callable], ...] = (
    (MINUS, np.negative),
    ("This is the transpose: rows and columns are swapped.", np.transpose),
    ("The ratio is turned round: this is one over the right answer.", lambda x: 1 / x),
    ("These are probabilities. The logits that softmax turns into them are asked for.", _several(xentlib.softmax)),
    ("This is the logarithm of what is asked for.", np.log),
    ("This is the exponential of what is asked for: take its logarithm.", np.exp),
    ("This is a probability whose −log is asked for.", lambda x: np.exp(-x)),
    ("This is minus the logarithm of what is asked for.", lambda x: -np.log(x)),
    ("This is 1 minus what is asked for.", lambda x: 1 - x),
)


# A factor


def _factor(samples: Sequence[Sample], close: Close, tells: bool) -> str:
    """Name the factor by which all numbers are too large or too small, with the right sign or the wrong one."""
    names = [name for name in samples[0].factors if all(name in sample.factors for sample in samples)]
    candidates = [(n, [f] * len(samples)) for n, f in (("2", 2.0), ("log 2", math.log(2)), ("100", 100.0))]
    candidates += [(n, [sample.factors[n] for sample in samples]) for n in sorted(names, key=_simplest)]
    for power, sign, (name, factors) in itertools.product((1, 2), (1, -1), candidates):
        if power == 2 and len(set(factors)) == 1:
            continue  # a plain number, squared, is one more number
        for exponent in (power, -power):
            with np.errstate(all="ignore"):
                powers = [sign * np.float64(f) ** exponent for f in factors]
            if scaled(samples, powers, close):
                words = _factor_in_words if tells else that_a_factor_is_wrong
                return words(name, exponent) + (" The sign is turned round as well." if sign < 0 else "")
    return ""


def _simplest(name: str) -> tuple[int, str]:
    return len(name), name


def _factor_in_words(name: str, exponent: int) -> str:
    squared = f"{name} squared" if abs(exponent) == 2 else name
    if exponent > 0:
        told = f"There is a factor too many, or a division is missing: this is {squared} times the right answer."
    else:
        told = f"A factor is missing, or there is a division too many: this is the right answer divided by {squared}."
    return " ".join(filter(None, [told, _unit(name, exponent)]))


def that_a_factor_is_wrong(name: str, exponent: int) -> str:
    """Say that a factor is wrong, without the factor."""
    asked = _unit(name, exponent) or "is something counted twice, or a division missing?"
    return f"A factor is wrong: {asked[0].lower()}{asked[1:]}"


def _unit(name: str, exponent: int) -> str:
    """Ask about the units that a factor suggests, if it suggests any."""
    units = "nats where bits are" if exponent > 0 else "bits where nats are"
    percent = "percent where a plain number is" if exponent > 0 else "hundredths where percent are"
    return {"log 2": f"Are these {units} asked for?", "100": f"Are these {percent} asked for?"}.get(name, "")


# The order, and a constant


def _order(samples: Sequence[Sample], close: Close) -> str:
    sortable = all(np.shape(s.got) == np.shape(s.expected) and np.size(s.expected) > 1 for s in samples)
    if sortable and all(close(np.sort(s.got, axis=None), np.sort(s.expected, axis=None)) for s in samples):
        return "The numbers are right, but in another order: an index is swapped, or an axis."
    return ""


def _constant(samples: Sequence[Sample], close: Close, tells: bool) -> str:
    """Name a difference that is the same in all entries."""
    if any(np.shape(s.got) != np.shape(s.expected) for s in samples) or sum(np.size(s.got) for s in samples) < 2:
        return ""
    with np.errstate(all="ignore"):
        shifts = [np.ravel(s.got - s.expected) for s in samples]
        first = shifts[0][0]
        if np.isfinite(first) and first and all(same(s.got, s.expected + first, close) for s in samples):
            by = f": it is off by {number(first)}" if tells else ""
            return f"Right up to a constant, and here the constant matters{by}."
        pairs = zip(samples, shifts, strict=True)
        constant = all(len(d) > 1 and same(s.got, s.expected + d[0], close) for s, d in pairs)
    return "Right up to a constant that is the same for all entries, and here it matters." if constant else ""


def number(x: float) -> str:
    """Return a number as it is printed, with six digits."""
    return f"{x:.6g}".replace("-", "−")
