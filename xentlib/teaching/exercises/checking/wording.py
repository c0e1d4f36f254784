"""Values and lists in words, for feedback."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from xentlib.teaching.exercises.checking.normalize import Unsupported, kind_of


def show(value: Any, digits: int = 6) -> str:
    """Return a value as it is printed: numbers with so many digits, a long array in part."""
    if isinstance(value, Unsupported):
        return value.kind
    if isinstance(value, tuple):
        return "(" + ", ".join(show(part, digits) for part in value) + ")"
    if isinstance(value, (np.ndarray, float)):
        text = np.array2string(
            np.asarray(value), separator=", ", formatter={"float_kind": lambda x: f"{x:z.{digits}g}"},
            threshold=24, edgeitems=3,
        )  # fmt: skip
        return re.sub(r"\s+", " ", text)
    return repr(value)[:80]


def describe(value: Any) -> str:
    """Return a value with its shape and dtype."""
    if isinstance(value, (Unsupported, str, tuple)):
        return show(value)
    return f"{show(value)}  ({'number' if value.ndim == 0 else f'array of shape {value.shape}'}, {value.dtype})"


def side_by_side(expected: Any, got: Any) -> list[str]:
    """Return two lines, with enough digits to tell the two values apart."""
    texts = [describe(expected), describe(got)]
    if texts[0] == texts[1]:  # the difference lies beyond the digits that are shown
        texts = [show(expected, digits=17), show(got, digits=17)]
    return [f"expected  {texts[0]}", f"got       {texts[1]}"]


def count(n: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    >>> count(1, "input"), count(2, "input"), count(3, "entry", "entries")
    ('1 input', '2 inputs', '3 entries')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def listed(items: Sequence[Any], last: str = "and") -> str:
    """Return items as a list in words.

    >>> listed("abc"), listed("ab", last="or"), listed("a")
    ('a, b and c', 'a or b', 'a')
    """
    return f" {last} ".join(filter(None, [", ".join(map(str, items[:-1])), str(items[-1])]))


def asked_for(what: str, got: Any) -> str:
    """Say that something of another kind was asked for."""
    return f"Asked for: {what}; got {kind_of(got)}."
