"""Read an assignment: a TOML file, of which everything that is wrong is said at once."""

import difflib
import re
import tomllib
from dataclasses import dataclass, field

from xentlib.teaching.exercises import all_exercises


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1000


def _is_table(value):
    return isinstance(value, dict) and all(map(_is_number, value.values()))


# What each key must be, in words and as a test.
KEYS = {
    "name": ("letters, digits and hyphens", lambda v: isinstance(v, str) and re.fullmatch(r"[A-Za-z0-9-]+", v)),
    "title": ("a string", lambda v: isinstance(v, str)),
    "due": ("a string, as students are to read it", lambda v: isinstance(v, str)),
    "install": ("a string, which pip can install xentlib from", lambda v: isinstance(v, str)),
    "hints": ("true or false", lambda v: isinstance(v, bool)),
    "partial": ("true or false", lambda v: isinstance(v, bool)),
    "seed": ("a whole number from 0 to 4294967295", lambda v: type(v) is int and 0 <= v < 2**32),
    "exercises": ("a table with points above 0 for at least one exercise", lambda v: _is_table(v) and v),
    "reasons": ("a table with points above 0 for exercises", _is_table),
}


class Unusable(ValueError):
    """Says, line by line, what is wrong with an assignment."""


@dataclass(frozen=True)
class Assignment:
    """What a teacher sets: the keys of the file, and what they are where it is silent."""

    name: str
    exercises: dict[str, float]  #: the points of each, in the order of the sheet
    title: str = ""
    due: str = ""
    install: str = ""  #: what pip is to install where there is no xentlib, such as on Colab
    hints: bool = True
    partial: bool = False
    seed: int | None = None
    reasons: dict[str, float] = field(default_factory=dict)  #: points for a text that the teacher marks


def read(path):
    """Return the Assignment in a file, or raise Unusable."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from error
    if wrong := list(_wrong_with(values)):
        raise Unusable("\n".join(f"{path}: {line}" for line in wrong))
    return Assignment(**values)


def _wrong_with(values):
    for key in ("name", "exercises"):
        if key not in values:
            yield f"{key} is missing: it has to be {KEYS[key][0]}"
    for key, value in values.items():
        if key not in KEYS:
            yield f"{key} is no key{_nearest(key, KEYS)}"
        elif not KEYS[key][1](value):
            yield f"{key} has to be {KEYS[key][0]}; got {value!r}"
    known = [exercise.id for exercise in all_exercises()]
    chosen, reasons = (table if isinstance(table := values.get(key), dict) else {} for key in ("exercises", "reasons"))
    yield from (
        f"exercises names {id!r}, which is no exercise{_nearest(id, known)}" for id in chosen if id not in known
    )
    yield from (f"reasons names {id!r}, which is not among the exercises" for id in reasons if id not in chosen)


def _nearest(word, words):
    near = difflib.get_close_matches(word, words, n=1, cutoff=0)
    return f"; the nearest is {near[0]!r}" if near else ""
