"""The values of expressions at a few points, by which two of them are compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sympy import Expr, Symbol

from xentlib.teaching import counterexamples

ENOUGH = 4  #: points at which an expression must have a value


class Compared(NamedTuple):
    """The points at which an answer and the right expression are compared, and the values of both."""

    points: Sequence[Any]
    given: Sequence[float]
    right: Sequence[float]

    def is_answer(self, expression: Expr) -> bool:
        """Tell whether an expression has the answer's values."""
        return equal(self.given, (evaluate(expression, point) for point in self.points))

    def is_right(self, expression: Expr) -> bool:
        """Tell whether an expression has the right values."""
        return equal(self.right, (evaluate(expression, point) for point in self.points))


def evaluate(expression: Expr, point: Any) -> float:
    """Return the value at a point, or NaN."""
    try:
        return float(point.value(expression, 30))
    except (counterexamples.Undefined, TypeError, KeyError, OverflowError):  # of complex numbers, of unknown names
        return math.nan


def equal(some: Iterable[float], others: Iterable[float]) -> bool:
    """Tell whether values agree wherever both exist, at four points or more. Stop at the first that do not."""
    n_equal = 0
    for a, b in zip(some, others, strict=True):
        if math.isfinite(a) and math.isfinite(b):
            if not math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12):
                return False
            n_equal += 1
    return n_equal >= ENOUGH


def free_indices(expression: Expr) -> list[Symbol]:
    """Return the free indices of an expression, the classes that it is about."""
    free = {s for s in expression.free_symbols if isinstance(s, Symbol) and s.is_integer and not s.is_positive}
    return sorted(free, key=str)
