"""What kind of mistake a wrong answer is, for all exercises: the sign, an index, a factor, the shift, lost digits.

A mistake of a kind turns the right numbers into other numbers, whatever they mean. So a diagnosis needs no list per
exercise: it spoils the reference in each of the ways below, in a fixed order, and looks whether the answer comes out.
It returns a sentence, or "" if the answer is none of these.
"""

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import sympy
from sympy import Indexed, IndexedBase, Integer, KroneckerDelta, Symbol, sympify

import xentlib
from xentlib.teaching import counterexamples, symbolic
from xentlib.teaching.exercises.guard import run
from xentlib.teaching.symbolic import K, p, q, sum_over

CLASSES = (2, 3, 3, 4)  # of the points at which expressions are compared
ENOUGH = 4  #: points at which an expression must have a value
EXPONENT = 700  #: beyond it, e^x is near the end of float64
NEARLY = 0.01  #: relative error up to which an answer is nearly right
ROUNDED = "Right as far as it goes, but it is rounded too far: give more digits."


class Sample(NamedTuple):
    """What came out at one point, or for one input, and what should have; and what may be wrong by a factor there."""

    got: Any
    expected: Any
    factors: dict[str, float] = {}  # noqa: RUF012, never changed


# Numbers


def of_value(got, expected, close):
    """Diagnose a value: an array of numbers, of any shape. `close(a, b)` tells whether two arrays agree."""
    if not (isinstance(got, np.ndarray) and isinstance(expected, np.ndarray)) or expected.dtype == bool:
        return ""
    if _is_rounded(got, expected) or _is_cut_off(got, expected):
        return ROUNDED
    if not np.size(got) or not np.any(got):
        return ""  # zeros are near many things

    def same(digits):  # a factor is met by chance sooner than a sign or a reciprocal
        return lambda a, b: (
            (np.allclose(a, b, rtol=5e-4, atol=1e-12, equal_nan=True) and close(a, b)) or _is_rounded(a, b, digits)
        )

    samples = [Sample(got, expected)]
    if close(got / 100, expected) and np.allclose(got / 100, expected, rtol=0.02, atol=1e-12):
        return _that_a_factor_is_wrong("100", 1)
    return _kind_of_spoiling(samples, same(2)) or _of_samples(samples, same(3), tells=False)


def _of_samples(samples, close, tells=True):
    """Name what turns every right number into what was given. Unless it `tells`, no number of it is told."""
    if not any(np.isfinite(sample.got).any() for sample in samples):
        return ""  # what has no value at all fits anything
    return (
        _kind_of_spoiling(samples, close)
        or _factor(samples, close, tells)
        or _order(samples, close)
        or _constant(samples, close, tells)
    )


def _kind_of_spoiling(samples, close):
    with np.errstate(all="ignore"):
        for says, by in _SPOILT:
            if all(_same(sample.got, by(sample.expected), close) for sample in samples):
                return says
    return ""


def _same(got, wanted, close):
    return np.shape(got) == np.shape(wanted) and close(got, wanted)


def _several(by):
    """Return a function that spoils arrays alone, and of a single number makes none."""
    return lambda x: by(x) if np.ndim(x) else np.nan


_SPOILT: tuple[tuple[str, Callable], ...] = (
    ("The sign is turned round: this is minus the right answer.", np.negative),
    ("This is the transpose: rows and columns are swapped.", np.transpose),
    ("The ratio is turned round: this is one over the right answer.", lambda x: 1 / x),
    ("These are probabilities. The logits that softmax turns into them are asked for.", _several(xentlib.softmax)),
    ("This is the logarithm of what is asked for.", np.log),
    ("This is the exponential of what is asked for: take its logarithm.", np.exp),
    ("This is a probability whose −log is asked for.", lambda x: np.exp(-x)),
    ("This is minus the logarithm of what is asked for.", lambda x: -np.log(x)),
    ("This is 1 minus what is asked for.", lambda x: 1 - x),
)


def _factor(samples, close, tells):
    """Name the factor by which all numbers are too large or too small, with the right sign or the wrong one."""
    names = set.intersection(*(set(sample.factors) for sample in samples))
    candidates = [(name, [sample.factors[name] for sample in samples]) for name in sorted(names, key=_simplest)]
    candidates = [(n, [f] * len(samples)) for n, f in (("2", 2.0), ("log 2", math.log(2)), ("100", 100.0))] + candidates
    for power, sign, (name, factors) in itertools.product((1, 2), (1, -1), candidates):
        if power == 2 and len({*factors}) == 1:
            continue  # a plain number, squared, is one more number
        for exponent in (power, -power):
            with np.errstate(all="ignore"):
                wrong = all(
                    _same(s.got, s.expected * (sign * np.float64(f) ** exponent), close)
                    for s, f in zip(samples, factors, strict=True)
                )
            if wrong:
                words = _factor_in_words if tells else _that_a_factor_is_wrong
                return words(name, exponent) + (" The sign is turned round as well." if sign < 0 else "")
    return ""


def _simplest(name):
    return len(name), name


def _factor_in_words(name, exponent):
    squared = f"{name} squared" if abs(exponent) == 2 else name
    if exponent > 0:
        told = f"There is a factor too many, or a division is missing: this is {squared} times the right answer."
    else:
        told = f"A factor is missing, or there is a division too many: this is the right answer divided by {squared}."
    return " ".join(filter(None, [told, _unit(name, exponent)]))


def _that_a_factor_is_wrong(name, exponent):
    return (
        f"A factor is wrong: {_unit(name, exponent) or 'is something counted twice, or a division missing?'}".replace(
            ": Are", ": are"
        )
    )


def _unit(name, exponent):
    """Ask for the units that a factor stands for, if it stands for some."""
    units = "nats where bits are" if exponent > 0 else "bits where nats are"
    percent = "percent where a plain number is" if exponent > 0 else "hundredths where percent are"
    return {"log 2": f"Are these {units} asked for?", "100": f"Are these {percent} asked for?"}.get(name, "")


def _order(samples, close):
    sortable = all(np.shape(s.got) == np.shape(s.expected) and np.size(s.expected) > 1 for s in samples)
    if sortable and all(close(np.sort(s.got, axis=None), np.sort(s.expected, axis=None)) for s in samples):
        return "The numbers are right, but in another order: an index is swapped, or an axis."
    return ""


def _constant(samples, close, tells):
    """Name a difference that is the same in all entries."""
    if any(np.shape(s.got) != np.shape(s.expected) for s in samples) or sum(np.size(s.got) for s in samples) < 2:
        return ""
    with np.errstate(all="ignore"):
        shifts = [np.ravel(s.got - s.expected) for s in samples]
        first = shifts[0][0]
        if np.isfinite(first) and first and all(_same(s.got, s.expected + first, close) for s in samples):
            by = f": it is off by {_number(first)}" if tells else ""
            return f"Right up to a constant, and here the constant matters{by}."
        constant = all(len(d) > 1 and _same(s.got, s.expected + d[0], close)
                       for s, d in zip(samples, shifts, strict=True))  # fmt: skip
    return "Right up to a constant that is the same for all entries, and here it matters." if constant else ""


def _number(x):
    return f"{x:.6g}".replace("-", "−")


def _is_rounded(got, expected, digits=1):
    """Tell whether numbers are the right ones in the decimals that they show, if these are enough digits.

    A single number may also be a whole one.
    """
    if np.shape(got) != np.shape(expected) or not np.isfinite(got).all() or not np.size(got):
        return False
    places = _places(got)
    shown = places + 1 + math.floor(math.log10(np.abs(got).max() or 1e-99))
    if not (np.size(got) > 1 or digits > 1) <= places <= 8 or shown < digits:
        return False
    with np.errstate(all="ignore"):
        right = bool((np.abs(got - expected) <= 0.501 * 10.0**-places).all())
    return right and (np.size(got) > 1 or bool(np.abs(got - expected) <= 0.2 * np.abs(expected)))


def is_rounded(got, wrong):
    """Tell whether numbers are some others in the decimals that they show: two digits at least of a single number."""
    return isinstance(wrong, np.ndarray) and _is_rounded(got, wrong, digits=1 if np.size(got) > 1 else 2)


def _is_cut_off(got, expected):
    """Tell whether a number has the first digits of the right one, two at least, and lacks the others."""
    if np.shape(got) != () or np.shape(expected) != () or not np.isfinite(expected):
        return False
    places = _places(got)
    if not 1 <= places <= 8 or abs(got) < 10.0 ** (1 - places):
        return False
    return math.trunc(float(expected) * 10**places) == round(float(got) * 10**places)


def _places(got):
    """Return how many decimals numbers show."""
    return max(len(str(float(x)).partition(".")[2].rstrip("0")) for x in np.ravel(got)) if _in_decimals(got) else 99


def _in_decimals(got):
    return not any("e" in str(float(x)) for x in np.ravel(got))


# Functions


class Tried(NamedTuple):
    """One call of a learner's function: the arguments by name, and the two results."""

    arguments: dict[str, Any]
    got: Any
    expected: Any


def of_function(answer, reference, tried, close):
    """Diagnose a function by what it returned. `answer` and `reference` may be called on other inputs as well."""
    if not all(isinstance(call.got, np.ndarray) and isinstance(call.expected, np.ndarray) for call in tried):
        return ""
    if all(_same(call.got, call.expected, close) for call in tried):
        return ""  # wrong by its dtype
    samples = [Sample(call.got, call.expected, _sizes(call)) for call in tried]
    return (
        _of_rows(samples, close, tried)
        or _of_samples(samples, close)
        or _other_arguments(reference, tried, close)
        or _columns_of_labels(tried, close)
        or _no_number(tried, close)
        or _inside_the_logarithm(tried)
        or _digits(tried, close)
        or _at_the_extremes(tried, close)
        or _whole_batch(answer, reference, tried, close)
        or _all_off_alike(tried, close)
        or _an_entropy(tried, close)
        or _left_out(answer, reference, tried, close)
        or _taken_for_granted(answer, reference, tried, close)
        or ("Your answer is no finite number here: what is divided by 0?" if any(map(has_no_number, tried)) else "")
    )


def _sizes(call):
    """Return what an answer may be multiplied or divided by: its scalar arguments, and the lengths of the axes."""
    factors = {}
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
            factors |= {f"the number of rows of `{name}`": array.shape[0],
                        f"the number of columns of `{name}`": array.shape[1],
                        f"the number of entries of `{name}`": array.size}  # fmt: skip
    return factors


def _of_rows(samples, close, tried):
    """Name a mean that is a sum, or divides by another length than that of the batch."""
    batches = [name for name, argument in tried[0].arguments.items() if np.ndim(argument) == 2]
    for name in reversed(batches):
        rows, columns = ([np.shape(call.arguments[name])[axis] for call in tried] for axis in (0, 1))
        for says, factors in (
            (f"This is the sum over the rows of `{name}`, and their mean is asked for: divide by their number.", rows),
            (f"Divided by the number of rows of `{name}` once too often.", [1 / n for n in rows]),
            (f"Divided by the number of columns of `{name}`, where the number of rows belongs.",
             [n / k for n, k in zip(rows, columns, strict=True)]),
            (f"Divided by the number of all entries of `{name}`, or by its columns on top of its rows: only the mean "
             "over rows is asked for.", [1 / k for k in columns]),
        ):  # fmt: skip
            with np.errstate(all="ignore"):
                if all(_same(s.got, s.expected * f, close) for s, f in zip(samples, factors, strict=True)):
                    return says
    return ""


def _no_number(tried, close):
    """Name NaN and infinities where there is a number, and numbers where there is none."""
    if any(call.got.shape != call.expected.shape for call in tried):
        return ""
    without = [call for call in tried if has_no_number(call)]
    if without:
        others = [call for call in tried if not any(call is one for one in without)]
        elsewhere = all(_same(c.got, c.expected, close) or np.allclose(c.got, c.expected, rtol=0, atol=1e-13)
                        for c in others)  # fmt: skip
        return _why_no_number(without[0]) if elsewhere and others else ""
    hidden = [c for c in tried if (np.isinf(c.expected) & np.isfinite(c.got)).any()]
    right = all(_same(c.got, c.expected, close) for c in tried if np.isfinite(c.expected).all())
    if hidden:
        return "The right answer is infinite where yours is finite: " + (
            "a clip, a mask or an added ε hides it." if right else "does a clip, a mask or an added ε hide it?"
        )
    return ""


def has_no_number(call):
    """Tell whether NaN or an infinity came out where there should be a number."""
    if not isinstance(call.got, np.ndarray) or np.shape(call.got) != np.shape(call.expected):
        return False
    return bool((~np.isfinite(call.got) & np.isfinite(call.expected)).any())


def _why_no_number(call):
    arguments = [np.asarray(argument) for argument in call.arguments.values()]
    if any((np.abs(a) >= EXPONENT).any() for a in arguments if a.dtype.kind in "fi"):
        return (
            "The formula is right, but its exponentials overflow: subtract the largest logit, row by row if there "
            "are rows. With another shift some still overflow, or all are rounded to 0."
        )
    if any(a.dtype.kind == "f" and (a == 0).any() and ((a >= 0) & (a <= 1)).all() for a in arguments):
        return "Where a probability is 0, your answer is no number: leave out 0 · log 0, and mind 0/0."
    return "Your answer is no finite number here: something is rounded to 0 or to 1, or overflows."


def _other_arguments(reference, tried, close):
    """Name arguments that are swapped, and logits for which probabilities were taken."""
    names = list(tried[0].arguments)
    for one, other in itertools.combinations(names, 2):
        swapped = {one: other, other: one}
        if _is_reference_of(lambda a, s=swapped: {n: a[s.get(n, n)] for n in a}, reference, tried, close):
            return f"The arguments `{one}` and `{other}` are swapped."
    for name in names:
        for function, says in (
            (xentlib.softmax, f"Softmax was applied twice: to `{name}`, and to the result."),
            (np.exp, f"Exponentials of `{name}` were taken where `{name}` itself belongs."),
            (np.log, f"The logarithm of `{name}` was taken where `{name}` itself belongs."),
            (np.negative, f"The sign of `{name}` is turned round."),
            (_transposed, f"`{name}` is transposed."),
        ):
            if np.asarray(tried[0].arguments[name]).dtype.kind == "f" and _is_reference_of(
                _with_another(name, function), reference, tried, close
            ):
                return says
        first = np.asarray(tried[0].arguments[name])
        others = _OTHER_LABELS if first.dtype.kind in "iu" else _OTHER_NUMBERS if first.ndim == 0 else ()
        for says, function in others:
            if _is_reference_of(_with_another(name, function), reference, tried, close):
                return says.format(name)
    return ""


def _with_another(name, function):
    return lambda arguments: {**arguments, name: function(arguments[name])}


_OTHER_LABELS = (
    ("`{}` is not used: this is right if the label is 0 everywhere.", lambda a: 0 * a),
    ("`{}` is read as if it were counted from 1. It is counted from 0.", lambda a: a - 1),
    ("`{}` is off by one: it is counted from 0.", lambda a: a + 1),
)
_OTHER_NUMBERS = (
    ("`{}` is missing: this is right if it is 1.", lambda a: 1.0),
    ("`{}` is missing: this is right if it is 0.", lambda a: 0.0),
    ("`{}` is upside down: this is right with one over it.", lambda a: 1 / a),
)


def _transposed(a):
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise ValueError("only a square is another argument of the same shape")
    return a.T


def _is_reference_of(change, reference, tried, close):
    for call in tried:
        outcome = run(lambda a=call.arguments: np.asarray(reference(*change(_fresh(a)).values()), float))
        if outcome.failure or not _same(call.got, outcome.value, close):
            return False
    return True


def _fresh(arguments):
    return {name: a.copy() if isinstance(a, np.ndarray) else a for name, a in arguments.items()}


def _columns_of_labels(tried, close):
    """Name an index that takes the columns of all labels in every row."""
    seen = False
    for call in tried:
        labels = next((a for a in call.arguments.values() if isinstance(a, np.ndarray) and a.dtype.kind == "i"), None)
        if labels is None or labels.ndim != 1 or call.expected.ndim != 2 or call.got.shape != call.expected.shape:
            return ""
        if len(labels) != len(call.expected) or not 0 <= labels.min() <= labels.max() < call.expected.shape[1]:
            return ""
        others = np.isin(np.arange(call.expected.shape[1]), labels) & (
            np.arange(call.expected.shape[1]) != labels[:, np.newaxis]
        )
        wrong = np.array([not close(g, e) for g, e in zip(call.got.flat, call.expected.flat, strict=True)])
        if (wrong.reshape(others.shape) != others).any():
            return ""
        seen |= others.any()
    if not seen:
        return ""
    return "This takes the columns of all labels in every row. Give NumPy a row for each label: np.arange(N), labels."


def _inside_the_logarithm(tried):
    """Name −log(q + ε) and −log of a clipped q, by where the losses end."""
    got, expected = (np.concatenate([np.ravel(getattr(c, side)) for c in tried]) for side in ("got", "expected"))
    if got.shape != expected.shape or not np.isfinite(got).all() or not (expected >= 0).all():
        return ""
    if not np.isclose(got, expected, rtol=1e-3).any():
        return ""  # a constant is its own end
    with np.errstate(all="ignore"):
        right, end = np.exp(-expected), np.exp(-got.max())
        capped = {"an ε is added": -np.log(right + end), "it is clipped": -np.log(np.maximum(right, end))}
        for says, losses in capped.items():
            if got.max() < expected.max() - 1 and np.allclose(got, losses, rtol=1e-12, atol=1e-13):
                return f"Inside the logarithm {says}, so that no loss is above {_number(got.max())}: leave it out."
    return ""


def _digits(tried, close):
    """Name what is right but for its last digits, by how the digits got lost."""
    wrong = [c for c in tried if not _same(c.got, c.expected, close)]
    if any(c.got.shape != c.expected.shape or not np.isfinite(c.got).all() for c in wrong):
        return ""
    if _is_rounded(*(np.concatenate([np.ravel(side) for side in sides]) for sides in _pairs(tried))):
        return "The result is rounded: return it with all its digits."
    finite = [(c.got[np.isfinite(c.expected)], c.expected[np.isfinite(c.expected)]) for c in wrong]
    if all((np.abs(g - e) <= 1e-13 * (1 + np.abs(e))).all() for g, e in finite):
        return "Digits are lost: a tiny part was rounded away next to a large one."
    errors = np.concatenate([np.abs(g - e) / (np.abs(e).max(initial=0) or 1) for g, e in finite])
    if errors.max(initial=0) < 1e-6 and len(wrong) == len(tried) and any(c.got.dtype.itemsize < 8 for c in wrong):
        return "These are the digits of float32: work in float64."
    off = np.concatenate([np.abs(g - e) / (1 + np.abs(e)) for g, e in finite]).max(initial=0)
    if errors.max(initial=0) < NEARLY or off < NEARLY**2:
        return (
            f"Nearly right, but off by up to {off:.1g}. An ε of your own, a clip, "
            "rounded constants or a narrower dtype do this: leave them out."
        )
    return ""


def _at_the_extremes(tried, close):
    """Name what is right but where numbers are very large or very far apart."""
    wrong = [c for c in tried if not _same(c.got, c.expected, close)]
    if any(np.shape(c.got) != np.shape(c.expected) or not np.isfinite(c.got).all() for c in wrong):
        return ""
    if len(wrong) == len(tried) or not all(_is_extreme(c) for c in wrong):
        return ""
    return (
        "Right but where numbers are very large or far apart. Does a clip hide that they differ, or is something "
        "rounded to 0?"
    )


def _is_extreme(call):
    floats = [np.asarray(a) for a in call.arguments.values() if np.asarray(a).dtype.kind == "f"]
    return any((np.abs(a) >= EXPONENT).any() for a in floats)


def _all_off_alike(tried, close):
    """Name what is off by one and the same number, but not in all entries."""
    if any(np.shape(c.got) != np.shape(c.expected) for c in tried):
        return ""
    got, expected = (np.concatenate([np.ravel(getattr(c, side)) for c in tried]) for side in ("got", "expected"))
    wrong = np.array([not close(g, e) for g, e in zip(got, expected, strict=True)])
    if not 1 < wrong.sum() < len(wrong) or not np.isfinite(got[wrong]).all():
        return ""
    off = (got - expected)[wrong]
    if not np.allclose(off, off[0], rtol=1e-9, atol=1e-12):
        return ""
    return (
        f"Every entry that is wrong is off by {_number(off[0])}: something is added or subtracted in too many places, "
        "or in too few."
    )


def _an_entropy(tried, close):
    """Name an entropy that is still to be subtracted, or added."""
    for name, first in tried[0].arguments.items():
        if np.ndim(first) != 1 or np.asarray(first).dtype.kind != "f" or not np.isclose(np.sum(first), 1):
            continue
        for sign, says in ((1, "too many: this is larger"), (-1, "missing: this is smaller")):
            off = [run(lambda a=c.arguments[name]: xentlib.entropy(a)).value for c in tried]
            if None not in off and all(
                _same(c.got, c.expected + sign * h, close) for c, h in zip(tried, off, strict=True)
            ):
                return f"An entropy is {says} by the entropy of `{name}`."
    return ""


def _left_out(answer, reference, tried, close):
    """Name the arguments that the answer does not depend on, though the right one does."""
    if any(np.shape(c.got) != np.shape(c.expected) or c.got.dtype == bool for c in tried):
        return ""
    unused = [name for name in tried[0].arguments if _is_unused(name, answer, reference, tried, close)]
    if len(unused) == len(tried[0].arguments) > 1:
        return "The result is the same whatever the function is given."
    return f"The result does not depend on `{unused[0]}`, and it should." if unused else ""


def _is_unused(name, answer, reference, tried, close):
    matters = False
    for call in tried:
        theirs, ours = _results((answer, reference), {**call.arguments, name: _changed(call.arguments[name])})
        if theirs.failure or ours.failure or not np.array_equal(theirs.value, call.got, equal_nan=True):
            return False
        matters |= not _same(ours.value, call.expected, close)
    return matters


def _results(functions, arguments):
    """Call functions with the same arguments, none for long, and return what came of it."""
    return [run(lambda f=f: np.asarray(f(*_fresh(arguments).values()), float), limit=0.5) for f in functions]


def _changed(argument):
    """Return another argument of the same shape and kind: indices of 0, other numbers, a distribution for one."""
    a = np.asarray(argument)
    if a.dtype.kind != "f":
        return np.zeros_like(a) if a.ndim else argument
    if a.ndim == 0:
        return argument + 1
    rolled = np.stack([np.roll(row, n + 1, axis=-1) for n, row in enumerate(np.atleast_2d(a))]).reshape(a.shape)
    sums_to_one = (a >= 0).all() and np.allclose(a.sum(axis=-1), 1)
    return 0.75 * rolled + (0.25 / a.shape[-1] if sums_to_one else 0)


def _taken_for_granted(answer, reference, tried, close):
    """Name what an answer takes for granted of an argument: it is right as soon as that holds."""
    for name, first in tried[0].arguments.items():
        if np.ndim(first) == 0 or np.asarray(first).dtype.kind != "f":
            continue
        for says, change in _GRANTED:
            results = [_results((answer, reference), {**c.arguments, name: change(c.arguments[name])}) for c in tried]
            if any(r.failure or not np.isfinite(r.value).all() for pair in results for r in pair):
                continue
            if not any(np.ptp(ours.value) for _, ours in results):
                continue  # where all is 0, or alike, much is right by chance
            if all(_same(theirs.value, ours.value, close) for theirs, ours in results):
                return f"This is right only if {says.format(name)}. Here they need not."
    return ""


_GRANTED = (
    ("the numbers of `{}` are all 1", np.ones_like),
    ("the numbers of `{}` sum to 1, row by row if there are rows", lambda a: _summing_to(1, a)),
    ("the numbers of `{}` sum to 0, row by row if there are rows", lambda a: _summing_to(0, a)),
)


def _summing_to(total, a):
    return a + (total - a.sum(axis=-1, keepdims=True)) / a.shape[-1]


def _pairs(tried):
    """Return what came out of all calls, and what should have, without what is infinite."""
    finite = [np.isfinite(call.expected) for call in tried]
    return ([call.got[f] for call, f in zip(tried, finite, strict=True)],
            [call.expected[f] for call, f in zip(tried, finite, strict=True)])  # fmt: skip


def _whole_batch(answer, reference, tried, close):
    """Name what is right for each row alone and wrong for several, where a row owes the others a factor at most."""
    seen = False
    for call in tried:
        n_rows = len(call.expected) if call.expected.ndim == 2 else 0
        if not any(np.ndim(a) == 2 and len(a) == n_rows for a in call.arguments.values()):
            continue
        for n in range(n_rows):
            alone = {
                name: a[n : n + 1]
                if np.ndim(a) and len(a) == n_rows and (np.ndim(a) == 2 or a.dtype.kind == "i")
                else a
                for name, a in call.arguments.items()
            }
            theirs, ours = _results((answer, reference), alone)
            if theirs.failure or ours.failure or not _same(theirs.value, ours.value, close):
                return ""
            if not _is_multiple(call.expected[n], ours.value):
                return ""
            seen |= n_rows > 1
    if not seen:
        return ""
    return "Right for any row alone, but wrong for several: something is taken over the whole batch, not row by row."


def _is_multiple(row, others):
    """Tell whether one array is another one times a positive number."""
    if others.shape != (1, *row.shape):
        return False
    factor = np.abs(row).sum() / (np.abs(others).sum() or 1)
    return bool(np.allclose(row, factor * others[0], rtol=1e-6, atol=1e-12))


# Expressions


def _once_for_each_reference(spoil):
    """Keep what a generator yields for a reference: the next answer to the same exercise needs it again."""

    @functools.lru_cache(maxsize=16)
    def spoilt(reference):
        return tuple(spoil(reference))

    return spoilt


def of_expression(answer, reference, distributions=()):
    """Diagnose an expression, by its values at a few points."""
    answer, reference = (symbolic.differentiated(sympify(side)) for side in (answer, reference))
    points = counterexamples.points((answer, reference), distributions, CLASSES)
    given, right = _values(answer, points), _values(reference, points)

    if sum(map(math.isfinite, given)) < ENOUGH:
        return _left_over(answer, reference)

    def is_answer(expression):
        return _equal(given, (_value(expression, point) for point in points))

    if is_answer(-reference):
        return _SPOILT[0][0]
    return (
        _index(answer, reference, is_answer, lambda e: _equal(right, (_value(e, point) for point in points)))
        or next((says for says, spoilt in _spoilt(reference) if is_answer(spoilt)), "")
        or _of_points(answer, reference, points, given, right)
        or _parts(reference, points, given, right)
        or next((says for says, spoilt in _spoilt_inside(reference) if is_answer(spoilt)), "")
        or _in_one_case(reference, points, given, right)
        or _not_to_the_logits(answer, distributions, points, right)
        or _same_for_all(answer, reference, points, given, right)
        or _left_over(answer, reference)
    )


def _values(expression, points):
    return [_value(expression, point) for point in points]


def _value(expression, point):
    try:
        return float(point.value(expression, 30))
    except (counterexamples.Undefined, TypeError, KeyError, OverflowError):  # of complex numbers, of unknown names
        return math.nan


def _equal(some, others):
    """Tell whether values agree wherever both exist, at four points or more. Stop at the first that do not."""
    n_equal = 0
    for a, b in zip(some, others, strict=True):
        if math.isfinite(a) and math.isfinite(b):
            if not math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12):
                return False
            n_equal += 1
    return n_equal >= ENOUGH


def _indices(expression):
    """Return the free indices of an expression, the classes that it is about."""
    free = {s for s in expression.free_symbols if isinstance(s, Symbol) and s.is_integer and not s.is_positive}
    return sorted(free, key=str)


def _index(answer, reference, is_answer, is_right):
    """Name an index that is free, wrong, or swapped with another one."""
    foreign = [index for index in _indices(answer) if index not in _indices(reference)]
    for one in foreign:
        for other in _indices(reference):
            if is_right(answer.subs(one, other)):
                return f"The index is the wrong one: write {other} for {one}."
    if foreign:
        about = " and ".join(map(str, _indices(reference)))
        return f"The index {foreign[0]} is free: sum over it. The right answer " + (
            f"is about {about} alone." if about else "is about no single class."
        )
    for one, other in itertools.combinations(_indices(reference), 2):
        if is_answer(reference.xreplace({one: other, other: one})):
            return f"The indices {one} and {other} are swapped."
    for entry in sorted(reference.atoms(Indexed), key=str):
        for index in {*_indices(reference), *_indices(entry)} - set(entry.indices):
            if is_answer(reference.xreplace({entry: entry.base[index]})):
                return f"An index is the wrong one: {entry.base[index]} is where {entry} belongs."
    for one in _indices(reference):
        if is_answer(sum_over(one, reference)):
            return f"This is the sum over all {one}. The term of a single {one} is asked for."
        if is_answer(sum_over(one, reference) / K):
            return f"This is the mean over all {one}. The term of a single {one} is asked for."
    return ""


@_once_for_each_reference
def _spoilt(reference):
    """Yield what may be lost, turned round or swapped within a reference, and what then comes out."""
    bases = reference.atoms(IndexedBase)
    if {p, q} <= bases:
        changed = {entry: {p: q, q: p}[entry.base][entry.indices[0]] for entry in reference.atoms(Indexed)
                   if entry.base in (p, q)}  # fmt: skip
        yield "p and q are swapped.", reference.xreplace(changed)
    for base in sorted(bases, key=str):
        entries = [entry for entry in reference.atoms(Indexed) if entry.base == base]
        yield (
            f"{base} is missing: this is what comes out if each {base} is 1.",
            reference.xreplace({entry: Integer(1) for entry in entries}),
        )
        yield f"The sign of {base} is turned round.", reference.xreplace({entry: -entry for entry in entries})
    deltas = reference.atoms(KroneckerDelta)
    if deltas:
        yield (
            "The indicator is missing, that of the true class or of equal indices. (Python's `i == y` compares the "
            "symbols, and is False: write KroneckerDelta(i, y).)",
            _with(reference, deltas, 0),
        )
        yield "The indicator is missing: 1 is subtracted or added for every class.", _with(reference, deltas, 1)
        yield "The sign of the indicator is turned round.", reference.xreplace({d: -d for d in deltas})
    for symbol in sorted(reference.free_symbols - {K} - set(_indices(reference)), key=str):
        if isinstance(symbol, Symbol):
            yield f"{symbol} is missing.", reference.xreplace({symbol: Integer(1)})
            yield (
                f"{symbol} is upside down: this is right with 1/{symbol} for {symbol}.",
                reference.subs(symbol, 1 / symbol),
            )
            yield f"The sign of {symbol} is turned round.", reference.subs(symbol, -symbol)
            yield f"{symbol} is missing.", reference.xreplace({symbol: Integer(0)})
    for total in sorted(reference.atoms(sympy.Sum), key=str):
        yield "A mean over the classes is where a sum belongs.", reference.xreplace({total: total / K})


def _with(expression, parts, value):
    return expression.xreplace({part: Integer(value) for part in parts})


def _of_points(answer, reference, points, given, right):
    """Name what turns all values of the reference into those of the answer."""
    free, indices = answer.free_symbols | reference.free_symbols, {*_indices(answer), *_indices(reference)}
    scalars = sorted({K, *(s for s in free if isinstance(s, Symbol) and s not in indices)}, key=str)
    entries = [e for e in reference.atoms(Indexed) if set(_indices(e)) <= set(_indices(reference))]
    probabilities = [entry for entry in entries if entry.base in (p, q)]
    parts = [*scalars, *entries, *(1 - entry for entry in probabilities), *(e / (1 - e) for e in probabilities)]
    parts += [sympy.exp(scalar) for scalar in scalars if scalar != K]
    names = [str(part) for part in parts]
    factors = [dict(zip(names, (_value(part, point) for part in parts), strict=True)) for point in points]
    samples = [
        Sample(np.float64(a), np.float64(b), f)
        for a, b, f in zip(given, right, factors, strict=True)
        if math.isfinite(a) and math.isfinite(b)
    ]
    if len(samples) < ENOUGH:
        return ""
    return _of_samples(samples, lambda a, b: bool(np.isclose(a, b, rtol=1e-9, atol=1e-12)))


def _parts(reference, points, given, right):
    """Name parts of a sum that are lost, turned round, or there with a wrong factor."""
    off = [a - b for a, b in zip(given, right, strict=True)]
    for form in dict.fromkeys((reference, reference.expand())):
        terms = sorted(form.args, key=str) if form.is_Add else []
        values = [[_value(term, point) for point in points] for term in terms[:MOST_TERMS]]
        for size in range(1, len(terms)):
            for chosen in itertools.combinations(range(len(values)), size):
                sums = [sum(numbers) for numbers in zip(*(values[n] for n in chosen), strict=True)]
                for share, says in _SHARES.items():
                    if _equal(off, [share * number for number in sums]):
                        return says.format(" and ".join(_part(terms[n]) for n in chosen))
    return ""


MOST_TERMS = 4
_SHARES = {
    -1: "A part is missing: {}.",
    -2: "The sign of one part is turned round: that of {}.",
    1: "A factor is wrong: a part is there twice, {}.",
    -0.5: "A factor is wrong: a part is there with one half of it, {}.",
}


@_once_for_each_reference
def _spoilt_inside(reference):
    """Yield what comes out if a part within a sum, a product, a power or a function is lost or spoilt."""
    nodes = sorted(sympy.preorder_traversal(reference), key=lambda node: (node.count_ops(), str(node)), reverse=True)
    for node in dict.fromkeys(nodes):
        if node.is_Add and node != reference:
            for term in node.args:
                yield f"A part is missing: {_part(term)}.", reference.xreplace({node: node - term})
                yield (
                    f"The sign of one part is turned round: that of {_part(term)}.",
                    reference.xreplace({node: node - 2 * term}),
                )
        for factor in node.args if node.is_Mul else ():
            if not factor.is_number:
                yield f"A factor is missing: {_part(factor)}.", reference.xreplace({node: node / factor})
        for one in _indices(reference) if isinstance(node, sympy.Sum) else ():
            term = node.function.xreplace({node.limits[0][0]: one})
            yield f"A sum is missing: its term of {one} alone is where all belong.", reference.xreplace({node: term})
        if isinstance(node, (sympy.exp, sympy.log)):
            name = "An exponential" if isinstance(node, sympy.exp) else "A logarithm"
            yield f"{name} is missing: that of {_part(node.args[0])}.", reference.xreplace({node: node.args[0]})
        elif isinstance(node, sympy.Pow):
            yield f"This is upside down: {_part(node.base)}.", reference.xreplace({node: 1 / node})
            for power in (node * node.base, node / node.base):
                yield f"The power of {_part(node.base)} is another one.", reference.xreplace({node: power})


def _in_one_case(reference, points, given, right):
    """Name what is right only where two indices are equal, or only where they differ."""
    for delta in sorted(reference.atoms(KroneckerDelta), key=str):
        one, other = sorted(delta.args, key=lambda index: (index.is_number, str(index)))
        cases = {True: ([], []), False: ([], [])}
        for point, a, b in zip(points, given, right, strict=True):
            found = _value(delta, point)
            if math.isfinite(found):
                for values, value in zip(cases[bool(found)], (a, b), strict=True):
                    values.append(value)
        for equal, sign, opposite in ((True, "=", "≠"), (False, "≠", "=")):
            if _equal(*cases[equal]) and any(cases[equal][0]) and len(cases[not equal][0]) > 1:
                return (
                    f"Right where {one} {sign} {other}, and wrong where {one} {opposite} {other}: mind the indicator."
                )
    return ""


def _not_to_the_logits(answer, distributions, points, right):
    """Name a derivative with respect to probabilities where one with respect to logits is asked for."""
    if q not in distributions or len(_indices(answer)) == 0:
        return ""
    k = symbolic.index("k_")
    for one in _indices(answer):
        chained = q[one] * (answer - sum_over(k, q[k] * answer.xreplace({one: k})))
        if _equal(right, (_value(chained, point) for point in points)):
            return f"This is the slope with respect to q[{one}]. The chain rule goes on, through softmax, to z[{one}]."
    return ""


def _part(expression):
    """Show a part of the right answer, but not a long one: the learner is to find that."""
    positive = -expression if expression.could_extract_minus_sign() else expression
    text = str(positive)
    names = " and ".join(sorted({str(entry.base) for entry in expression.atoms(Indexed)}))
    return text if len(text) <= 20 or not names else f"the one with {names}"


def _same_for_all(answer, reference, points, given, right):
    """Name a difference that does not depend on the class."""
    for index in _indices(reference):
        differs = False
        for point in points[:6]:
            differences = []
            for n in range(point.n_classes):
                there = counterexamples.Point(point.n_classes, {**point.numbers, index: n}, point.entries)
                differences.append(_value(answer, there) - _value(reference, there))
            if not all(math.isclose(d, differences[0], rel_tol=1e-9, abs_tol=1e-12) for d in differences):
                break
            differs |= abs(differences[0]) > 1e-9
        else:
            if differs:
                return f"Right up to a number that is the same for every {index}, and here it matters."
    return ""


def _left_over(answer, reference):
    """Name an index that the right answer depends on, and this one does not."""
    missing = [index for index in _indices(reference) if index not in _indices(answer)]
    if not missing:
        return ""
    return f"The right answer depends on {missing[0]}, and yours does not: is a single case meant for all?"
