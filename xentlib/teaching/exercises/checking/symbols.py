"""What an expression is written in: a learner's symbols as the book's, and what cannot be compared."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, Indexed, IndexedBase, Symbol, sympify
from sympy.core.function import AppliedUndef

from xentlib.teaching import symbolic
from xentlib.teaching.exercises.checking.result import ASKED_FOR
from xentlib.teaching.exercises.checking.wording import asked_for, listed
from xentlib.teaching.exercises.exercise import Exercise


def no_expression(answer: Any) -> str:
    """Say what an answer is, if it is not an expression, or ""."""
    if isinstance(answer, str):
        return "Asked for: an expression; got a string. Write it without the quotes."
    if isinstance(answer, sympy.Eq):
        return "Asked for: an expression; got an equation. Give its right side alone."
    if isinstance(answer, bool) or not isinstance(answer, (Expr, int, float)):
        return asked_for(ASKED_FOR["derive"], answer)
    return ""


def in_the_books_symbols(exercise: Exercise, answer: Expr) -> Expr:
    """Return an expression with the book's symbols of the same names, whatever assumptions they were declared with.

    A symbol such as q_y, as the chapters write it, is the entry q[y].
    """
    known = _known(exercise)
    bases = {str(base): base for base in known if isinstance(base, IndexedBase)}
    scalars = {symbol.name: symbol for symbol in known if isinstance(symbol, Symbol) and symbol.name not in bases}
    meant = {base: bases[str(base)] for base in answer.atoms(IndexedBase) if str(base) in bases}
    for symbol in answer.atoms(Symbol):
        base, _, index = symbol.name.partition("_")
        if symbol.name in scalars:
            meant[symbol] = scalars[symbol.name]
        elif base in bases and index in scalars:
            meant[symbol] = bases[base][scalars[index]]
    for index in {index for total in answer.atoms(sympy.Sum) for index in total.variables} - {*meant, *known}:
        meant[index] = Symbol(index.name, integer=True)
    return answer.xreplace(meant)


def not_comparable(exercise: Exercise, answer: Expr) -> str:
    """Name a symbol that the exercise does not use, classes that are counted from 1, or what has no value; or ""."""
    from_one = [total for total in answer.atoms(sympy.Sum) if total.limits[0][1:] == (1, symbolic.K)]
    if from_one:
        return f"Classes are counted from 0: the last is K − 1. Sum over {from_one[0].limits[0][0]} = 0, …, K − 1."
    if answer.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        return "This has no finite value: is something divided by 0?"
    whole = _whole_vectors(answer)
    if whole:
        return f"{whole[0]} stands for all of its entries. Write which one: {whole[0]}[i], {whole[0]}[j] or another."
    functions = sorted(answer.atoms(AppliedUndef), key=str)
    if functions:
        return f"{functions[0].func} is not a function that has a value."
    strangers = sorted(answer.free_symbols - _known(exercise), key=str)
    return next((f"{s} is none of the symbols that the exercise uses." for s in strangers if isinstance(s, Symbol)), "")


def not_asked_for(right: Expr, answer: Expr) -> str:
    """Say which of the book's bases the answer need not contain: p, q and z are drawn independently of each other."""
    extra = sorted(map(str, answer.atoms(IndexedBase) - right.atoms(IndexedBase)))
    if not extra:
        return ""
    return f"The right answer needs no {listed(extra, 'or')}: read again in which terms it is asked for."


def _whole_vectors(answer: Expr) -> list[Any]:
    """Return the bases that have no index."""
    labels = {base.label for base in vars(symbolic).values() if isinstance(base, IndexedBase)}
    nodes = (node for node in sympy.preorder_traversal(answer) if not isinstance(node, (Indexed, IndexedBase)))
    parts = [answer, *(part for node in nodes for part in node.args)]
    return [part for part in parts if isinstance(part, IndexedBase) or part in labels]


def _known(exercise: Exercise) -> set[Any]:
    book = {value for value in vars(symbolic).values() if isinstance(value, (Symbol, IndexedBase))}
    labels = {base.label for base in book if isinstance(base, IndexedBase)}
    return book | labels | sympify(exercise.answer).free_symbols
