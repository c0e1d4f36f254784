"""What kind of mistake a wrong expression is, by its values at a few points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Indexed, Symbol, sympify

from xentlib.teaching import counterexamples, symbolic
from xentlib.teaching.exercises.diagnosis import indices, variants
from xentlib.teaching.exercises.diagnosis.evaluation import ENOUGH, Compared, equal, evaluate, free_indices
from xentlib.teaching.exercises.diagnosis.spoiling import MINUS, Sample, of_samples
from xentlib.teaching.symbolic import K, p, q, sum_over

CLASSES = (2, 3, 3, 4)  # of the points at which expressions are compared
MOST_TERMS = 4  #: of a sum, of which some may be wrong together


def of_expression(answer: Any, reference: Any, distributions: Sequence[Any] = ()) -> str:
    """Diagnose an expression, by its values at a few points."""
    answer, reference = (symbolic.differentiated(sympify(side)) for side in (answer, reference))
    points = counterexamples.points((answer, reference), distributions, CLASSES)
    compared = Compared(points, *([evaluate(side, point) for point in points] for side in (answer, reference)))
    if sum(map(math.isfinite, compared.given)) < ENOUGH:
        return indices.missing_index(answer, reference)
    if compared.is_answer(-reference):
        return MINUS
    return (
        indices.wrong_index(answer, reference, compared)
        or _first(variants.of_symbols(reference), compared)
        or _of_points(answer, reference, compared)
        or _parts(reference, compared)
        or _first(variants.of_inner_parts(reference), compared)
        or indices.in_one_case(reference, compared)
        or (_not_to_the_logits(answer, compared) if q in distributions else "")
        or indices.same_for_all(answer, reference, compared)
        or indices.missing_index(answer, reference)
    )


def _first(those: variants.Variants, compared: Compared) -> str:
    """Return the feedback on the first variant that the answer is, or ""."""
    return next((feedback for feedback, variant in those if compared.is_answer(variant)), "")


def _of_points(answer: Expr, reference: Expr, compared: Compared) -> str:
    """Name what turns all values of the reference into those of the answer."""
    parts = _possible_factors(answer, reference)
    samples = [
        Sample(np.float64(a), np.float64(b), {str(part): evaluate(part, point) for part in parts})
        for point, a, b in zip(*compared, strict=True)
        if math.isfinite(a) and math.isfinite(b)
    ]
    if len(samples) < ENOUGH:
        return ""
    return of_samples(samples, lambda a, b: bool(np.isclose(a, b, rtol=1e-9, atol=1e-12)))


def _possible_factors(answer: Expr, reference: Expr) -> list[Expr]:
    """Return what an answer may be multiplied or divided by: scalars, entries, and what is made of them."""
    free, own = answer.free_symbols | reference.free_symbols, {*free_indices(answer), *free_indices(reference)}
    scalars = sorted({K, *(s for s in free if isinstance(s, Symbol) and s not in own)}, key=str)
    entries = [e for e in reference.atoms(Indexed) if set(free_indices(e)) <= set(free_indices(reference))]
    probabilities = [entry for entry in entries if entry.base in (p, q)]
    odds = [entry / (1 - entry) for entry in probabilities]
    powers = [sympy.exp(scalar) for scalar in scalars if scalar != K]
    return [*scalars, *entries, *(1 - entry for entry in probabilities), *odds, *powers]


def _parts(reference: Expr, compared: Compared) -> str:
    """Name parts of a sum that are lost, turned round, or there with a wrong factor."""
    off = [a - b for a, b in zip(compared.given, compared.right, strict=True)]
    for form in dict.fromkeys((reference, reference.expand())):
        terms = sorted(form.args, key=str) if form.is_Add else []
        values = [[evaluate(term, point) for point in compared.points] for term in terms[:MOST_TERMS]]
        for size in range(1, len(terms)):
            for chosen in itertools.combinations(range(len(values)), size):
                sums = [sum(numbers) for numbers in zip(*(values[n] for n in chosen), strict=True)]
                for times, feedback in _TIMES.items():
                    if equal(off, [times * number for number in sums]):
                        return feedback.format(" and ".join(variants.shown(terms[n]) for n in chosen))
    return ""


_TIMES = {
    -1: "A part is missing: {}.",
    -2: "The sign of one part is turned round: that of {}.",
    1: "A factor is wrong: a part is there twice, {}.",
    -0.5: "A factor is wrong: a part is there with one half of it, {}.",
}


def _not_to_the_logits(answer: Expr, compared: Compared) -> str:
    """Name a derivative with respect to probabilities where one with respect to logits is asked for."""
    k = symbolic.index("k_")
    for one in free_indices(answer):
        chained = q[one] * (answer - sum_over(k, q[k] * answer.xreplace({one: k})))
        if compared.is_right(chained):
            return f"This is the slope with respect to q[{one}]. The chain rule goes on, through softmax, to z[{one}]."
    return ""
