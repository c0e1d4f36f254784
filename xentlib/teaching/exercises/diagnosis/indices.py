"""What is wrong about the classes: an index that is free, swapped or lost, an indicator, a single case."""

from __future__ import annotations

import itertools
import math

from sympy import Expr, Indexed, KroneckerDelta

from xentlib.teaching import counterexamples
from xentlib.teaching.exercises.diagnosis.evaluation import Compared, equal, evaluate, free_indices
from xentlib.teaching.symbolic import K, sum_over


def wrong_index(answer: Expr, reference: Expr, compared: Compared) -> str:
    """Name an index that is free, wrong, or swapped with another one."""
    return _foreign(answer, reference, compared) or _exchanged(reference, compared) or _summed(reference, compared)


def _foreign(answer: Expr, reference: Expr, compared: Compared) -> str:
    own = free_indices(reference)
    foreign = [index for index in free_indices(answer) if index not in own]
    for one, other in itertools.product(foreign, own):
        if compared.is_right(answer.subs(one, other)):
            return f"The index is the wrong one: write {other} for {one}."
    if not foreign:
        return ""
    about = " and ".join(map(str, own))
    return f"The index {foreign[0]} is free: sum over it. The right answer " + (
        f"is about {about} alone." if about else "is about no single class."
    )


def _exchanged(reference: Expr, compared: Compared) -> str:
    own = free_indices(reference)
    for one, other in itertools.combinations(own, 2):
        if compared.is_answer(reference.xreplace({one: other, other: one})):
            return f"The indices {one} and {other} are swapped."
    for entry in sorted(reference.atoms(Indexed), key=str):
        for index in sorted({*own, *free_indices(entry)} - set(entry.indices), key=str):
            if compared.is_answer(reference.xreplace({entry: entry.base[index]})):
                return f"An index is the wrong one: {entry.base[index]} is where {entry} belongs."
    return ""


def _summed(reference: Expr, compared: Compared) -> str:
    for one in free_indices(reference):
        if compared.is_answer(sum_over(one, reference)):
            return f"This is the sum over all {one}. The term of a single {one} is asked for."
        if compared.is_answer(sum_over(one, reference) / K):
            return f"This is the mean over all {one}. The term of a single {one} is asked for."
    return ""


def in_one_case(reference: Expr, compared: Compared) -> str:
    """Name what is right only where two indices are equal, or only where they differ."""
    for delta in sorted(reference.atoms(KroneckerDelta), key=str):
        one, other = sorted(delta.args, key=lambda index: (index.is_number, str(index)))
        where = [evaluate(delta, point) for point in compared.points]
        for case, sign, opposite in ((1.0, "=", "≠"), (0.0, "≠", "=")):
            given, right = (
                [value for value, found in zip(values, where, strict=True) if found == case]
                for values in (compared.given, compared.right)
            )
            if equal(given, right) and any(given) and where.count(1.0 - case) > 1:
                return (
                    f"Right where {one} {sign} {other}, and wrong where {one} {opposite} {other}: mind the indicator."
                )
    return ""


def same_for_all(answer: Expr, reference: Expr, compared: Compared) -> str:
    """Name a difference that does not depend on the class."""
    for index in free_indices(reference):
        differs = False
        for point in compared.points[:6]:
            differences = []
            for n in range(point.n_classes):
                there = counterexamples.Point(point.n_classes, {**point.numbers, index: n}, point.entries)
                differences.append(evaluate(answer, there) - evaluate(reference, there))
            if not all(math.isclose(d, differences[0], rel_tol=1e-9, abs_tol=1e-12) for d in differences):
                break
            differs |= abs(differences[0]) > 1e-9
        else:
            if differs:
                return f"Right up to a number that is the same for every {index}, and here it matters."
    return ""


def missing_index(answer: Expr, reference: Expr) -> str:
    """Name an index that the right answer depends on, and this one does not."""
    missing = [index for index in free_indices(reference) if index not in free_indices(answer)]
    if not missing:
        return ""
    return f"The right answer depends on {missing[0]}, and yours does not: is a single case meant for all?"
