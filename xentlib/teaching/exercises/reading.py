"""What a learner means: numbers written as text, an order written in one word, a letter in brackets.

Nothing is guessed: what can be read in two ways is left as it is, and gets told what was asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

_FRACTION = re.compile(r"([+-]?)(\d*)\s*([¼-¾⅐-⅞])")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_LETTER = re.compile(r"\W*(?:(?:option|answer)\W+)?([A-Za-z])\W*", re.IGNORECASE)


def numbers(answer: Any, in_a_row: bool = True) -> Any:
    """Return an answer with numbers in place of their text. A text may also be several numbers `in_a_row`."""
    if isinstance(answer, np.ndarray) and answer.dtype.kind == "U":
        answer = answer.tolist()
    if isinstance(answer, (list, tuple)):
        return type(answer)([numbers(part, in_a_row=False) for part in answer])
    if not isinstance(answer, str):
        return answer
    found = [number(answer)] if number(answer) is not None or not in_a_row else _row(answer)
    if not found or None in found:
        return str(answer)
    return found[0] if len(found) == 1 else found


def _row(text):
    return [number(part) for part in re.split(r"\s*[,;]\s*|\s+", text.strip().strip("()[]").strip())]


def number(text: str) -> float | None:
    """Return the number that a text is, as in "0.5", "1/2", "½", "50 %", "2,048", "nan" and "−∞", or None."""
    text = text.strip().replace("−", "-").replace("∞", "inf").removeprefix("np.")
    if fraction := _FRACTION.fullmatch(text):
        sign, whole, part = fraction.groups()
        return float(sign + "1") * (int(whole or 0) + unicodedata.numeric(part))
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    text, hundred = (text[:-1], 100) if text.endswith("%") else (text, 1)
    top, slash, bottom = text.partition("/")
    try:
        return float(top) / (float(bottom) if slash else 1) / hundred
    except (ValueError, ZeroDivisionError):
        return None


def words(answer: Any, known: Sequence[str]) -> Any:
    """Return an order of the `known` words as a tuple of them, whatever their case and whatever separates them."""
    if isinstance(answer, np.ndarray) and answer.dtype.kind == "U" and answer.ndim == 1:
        answer = answer.tolist()
    if isinstance(answer, str):
        if ">" in answer:  # the largest first, or the best?
            return answer
        answer = re.findall(r"\w+", answer)
        if len(answer) == 1 and all(len(word) == 1 for word in known):
            answer = list(answer[0])
    if not isinstance(answer, (list, tuple)) or not all(isinstance(word, str) for word in answer):
        return answer
    return tuple(word(said, known) for said in answer)


def word(said: str, known: Sequence[str]) -> str:
    """Return the known word that is said, whatever its case, or what was said."""
    return next((one for one in known if one.casefold() == said.strip().casefold()), str(said))


def letter(said: Any) -> str | None:
    """Return the letter of an option, from "b", "(B)", "b." or "option B", or None."""
    found = _LETTER.fullmatch(said) if isinstance(said, str) else None
    return found and found[1].upper()
