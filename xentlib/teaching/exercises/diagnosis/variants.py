"""The right expression with one part of it lost, turned round or swapped, each with its feedback."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator

import sympy
from sympy import Expr, Indexed, IndexedBase, Integer, KroneckerDelta, Symbol

from xentlib.teaching.exercises.diagnosis.evaluation import free_indices
from xentlib.teaching.symbolic import K, p, q

Variants = Iterable[tuple[str, Expr]]


def _once_for_each_reference(spoil: Callable[[Expr], Iterator[tuple[str, Expr]]]) -> Callable[[Expr], Variants]:
    """Keep what a generator yields for a reference: the next answer to the same exercise needs it again."""

    @functools.lru_cache(maxsize=16)
    def variants(reference):
        return tuple(spoil(reference))

    return variants


@_once_for_each_reference
def of_symbols(reference: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield what comes out if p, q, an indicator or a symbol is lost, turned round or swapped."""
    yield from _of_bases(reference)
    yield from _of_indicators(reference)
    for symbol in sorted(reference.free_symbols - {K} - set(free_indices(reference)), key=str):
        if isinstance(symbol, Symbol):
            yield f"{symbol} is missing.", reference.xreplace({symbol: Integer(1)})
            upside_down = f"{symbol} is upside down: this is right with 1/{symbol} for {symbol}."
            yield upside_down, reference.subs(symbol, 1 / symbol)
            yield f"The sign of {symbol} is turned round.", reference.subs(symbol, -symbol)
            yield f"{symbol} is missing.", reference.xreplace({symbol: Integer(0)})
    for total in sorted(reference.atoms(sympy.Sum), key=str):
        yield "A mean over the classes is where a sum belongs.", reference.xreplace({total: total / K})


def _of_bases(reference: Expr) -> Iterator[tuple[str, Expr]]:
    bases, entries = reference.atoms(IndexedBase), reference.atoms(Indexed)
    if {p, q} <= bases:
        other = {p: q, q: p}
        swapped = {entry: other[entry.base][entry.indices[0]] for entry in entries if entry.base in other}
        yield "p and q are swapped.", reference.xreplace(swapped)
    for base in sorted(bases, key=str):
        own = [entry for entry in entries if entry.base == base]
        yield f"{base} is missing: this is what comes out if each {base} is 1.", _with(reference, own, 1)
        yield f"The sign of {base} is turned round.", reference.xreplace({entry: -entry for entry in own})


def _of_indicators(reference: Expr) -> Iterator[tuple[str, Expr]]:
    deltas = reference.atoms(KroneckerDelta)
    if not deltas:
        return
    yield (
        "The indicator is missing, that of the true class or of equal indices. (Python's `i == y` compares the "
        "symbols, and is False: write KroneckerDelta(i, y).)",
        _with(reference, deltas, 0),
    )
    yield "The indicator is missing: 1 is subtracted or added for every class.", _with(reference, deltas, 1)
    yield "The sign of the indicator is turned round.", reference.xreplace({d: -d for d in deltas})


def _with(expression: Expr, parts: Iterable[Expr], value: int) -> Expr:
    return expression.xreplace({part: Integer(value) for part in parts})


@_once_for_each_reference
def of_inner_parts(reference: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield what comes out if a part within a sum, a product, a power or a function is lost or spoilt."""
    nodes = sorted(sympy.preorder_traversal(reference), key=lambda node: (node.count_ops(), str(node)), reverse=True)
    for node in dict.fromkeys(nodes):
        for feedback, instead in _of_node(node, reference):
            yield feedback, reference.xreplace({node: instead})


def _of_node(node: Expr, reference: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield what may take the place of a node in an expression."""
    for term in node.args if node.is_Add and node != reference else ():
        yield f"A part is missing: {shown(term)}.", node - term
        yield f"The sign of one part is turned round: that of {shown(term)}.", node - 2 * term
    for factor in node.args if node.is_Mul else ():
        if not factor.is_number:
            yield f"A factor is missing: {shown(factor)}.", node / factor
    for one in free_indices(reference) if isinstance(node, sympy.Sum) else ():
        term = node.function.xreplace({node.limits[0][0]: one})
        yield f"A sum is missing: its term of {one} alone is where all belong.", term
    if isinstance(node, (sympy.exp, sympy.log)):
        name = "An exponential" if isinstance(node, sympy.exp) else "A logarithm"
        yield f"{name} is missing: that of {shown(node.args[0])}.", node.args[0]
    elif isinstance(node, sympy.Pow):
        yield f"This is upside down: {shown(node.base)}.", 1 / node
        for power in (node * node.base, node / node.base):
            yield f"The power of {shown(node.base)} is another one.", power


def shown(expression: Expr) -> str:
    """Show a part of the right answer, but not a long one: the learner is to find that."""
    positive = -expression if expression.could_extract_minus_sign() else expression
    text = str(positive)
    names = " and ".join(sorted({str(entry.base) for entry in expression.atoms(Indexed)}))
    return text if len(text) <= 20 or not names else f"the one with {names}"
