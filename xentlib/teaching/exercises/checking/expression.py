"""Derive: an expression. Numbers may refute it; if they do not, the prover says how well its equality is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Expr, Indexed, IndexedBase, sympify

from xentlib.teaching import counterexamples, symbolic
from xentlib.teaching.exercises import diagnosis
from xentlib.teaching.exercises.checking.result import Result, diagnosed, first_named, not_yet, solved
from xentlib.teaching.exercises.checking.symbols import (
    in_the_books_symbols,
    no_expression,
    not_asked_for,
    not_comparable,
)
from xentlib.teaching.exercises.exercise import Exercise
from xentlib.teaching.exercises.guard import run

LONGEST_PROOF = 20.0  #: seconds, after which a spot check has to do


def judge_expression(exercise: Exercise, answer: Any) -> Result:
    """Return the Result for a SymPy expression."""
    complaint = no_expression(answer)
    given = None if complaint else in_the_books_symbols(exercise, sympify(answer))
    complaint = complaint or not_comparable(exercise, given)
    if complaint:
        return not_yet(exercise, f"not yet. {complaint}")
    terms, distributions = _common_terms(exercise, given)
    right, compared = terms(sympify(exercise.answer)), terms(given)
    refuted = _refuted(compared, right, distributions, exercise.within)
    if not refuted:
        return solved(exercise, _proof(compared, right, distributions))
    got = f"got  {str(answer)[:200]}"
    in_q = _right_in_q(exercise, given)
    if in_q:
        return not_yet(exercise, f"not yet. {in_q}", got)

    def is_mistake(mistake):
        if mistake.when:
            return mistake.when(given)
        return not _refuted(compared, terms(sympify(mistake.wrong)), distributions, exercise.within)

    name = (
        first_named(exercise, is_mistake)
        or not_asked_for(right, compared)
        or diagnosed(diagnosis.of_expression, compared, right, distributions)
    )
    example = _at_an_easy_point(compared, right, distributions, exercise.within) or refuted
    return not_yet(
        exercise, f"not yet. {name or 'It is another expression.'}", got, example, named=name, got=refuted
    )  # fmt: skip


# In the same terms


def _common_terms(exercise: Exercise, answer: Expr) -> tuple[Callable[[Expr], Expr], Sequence[Any]]:
    """Return a function that brings the answer and the reference into the same terms, and what then sums to 1.

    Where q was expected, softmax may be written out: then it is written out on both sides.
    """
    expected, given = (sympify(side).atoms(IndexedBase) for side in (exercise.answer, answer))
    if symbolic.z in given - expected and symbolic.q in expected:
        return _with_softmax_of(symbolic.z), [base for base in exercise.distributions if base != symbolic.q]
    return lambda expression: expression, exercise.distributions


def _with_softmax_of(logits: IndexedBase, temperature: Any = 1) -> Callable[[Expr], Expr]:
    """Return a function that writes softmax out in place of q."""
    n = symbolic.index("n")

    def written_out(expression):
        entries = (entry for entry in expression.atoms(Indexed) if entry.base == symbolic.q)
        total = symbolic.sum_over(n, symbolic.exp(logits[n] / temperature))
        return expression.xreplace({e: symbolic.exp(logits[e.indices[0]] / temperature) / total for e in entries})

    return written_out


def _right_in_q(exercise: Exercise, answer: Expr) -> str:
    """Say that an answer is right with q in it, if softmax was to be written out."""
    if symbolic.q in sympify(exercise.answer).atoms(IndexedBase) or symbolic.q not in answer.atoms(IndexedBase):
        return ""
    for temperature in (1, symbolic.T):
        written_out = _with_softmax_of(symbolic.z, temperature)(answer)
        if not _refuted(written_out, exercise.answer, exercise.distributions, exercise.within):
            return "This is right with q for softmax. The task asks for softmax written out: put it in the place of q."
    return ""


# Numbers, and a proof


def _refuted(answer: Expr, expression: Expr, distributions: Sequence[Any], within: Sequence[Any]) -> str:
    """Return the numbers for which the two differ, or why there are none to compare, or "" if they agree."""
    try:
        symbolic.spot_check(answer, expression, distributions=distributions, within=within)
    except symbolic.NotAnIdentity as found:
        return _differ(found)
    except (symbolic.NotProved, ValueError) as refusal:
        return str(refusal)
    return ""


def _at_an_easy_point(answer: Expr, expression: Expr, distributions: Sequence[Any], within: Sequence[Any]) -> str:
    """Return the numbers for which the two differ at a point of two or three classes where all scalars are positive."""
    left, right = symbolic.differentiated(answer), symbolic.differentiated(expression)
    for point in counterexamples.points((left, right), distributions, (2,) * 12 + (3,) * 4, within):
        if any(number <= 0 for symbol, number in point.numbers.items() if not symbol.is_integer):
            continue
        try:
            counterexamples.compare(left, right, point)
        except counterexamples.Counterexample as found:
            return _differ(found)
        except (counterexamples.Undefined, ValueError, TypeError, KeyError):
            continue
    return ""


def _differ(found: Any) -> str:
    return f"at {found.point}: yours is {found.left}, the right one {found.right}"


def _proof(answer: Expr, right: Expr, distributions: Sequence[Any]) -> str:
    """Say how well the equality is known. Not everything that is true can be proved, or in time."""
    if answer == right:
        return "Equal to the reference for every K: the same expression."

    def prove():
        try:
            return symbolic.assert_identity(answer, right, distributions=distributions)
        except symbolic.OutsideTheGrammar as outside:
            return outside

    outcome = run(prove, limit=LONGEST_PROOF)
    if isinstance(outcome.value, symbolic.Verdict) and not outcome.failure:
        return f"Equal to the reference {outcome.value.known}."
    why = f" The proof has no rule for a part of it. {outcome.value}." if outcome.value else ""
    return f"Equal to the reference at every point tried, for K = 2 to 13 (a spot check, no proof).{why}"
