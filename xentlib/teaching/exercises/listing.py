"""The table on the page that lists all exercises: `make exercises` writes it anew."""

import sys
from pathlib import Path

from xentlib.teaching.exercises import all_exercises

HEAD = "| chapter | exercise | kind | difficulty | minutes |"
DIFFICULTY = {1: "easy", 2: "middling", 3: "hard"}


def table():
    """Return all exercises as a Markdown table, each with a link to where it stands in its chapter."""
    rows = [
        f"| {exercise.chapter} | {{ref}}`{exercise.title} <ex-{exercise.id}>` | {exercise.kind} "
        f"| {DIFFICULTY[exercise.difficulty]} | {exercise.minutes} |"
        for exercise in all_exercises()
    ]
    return "\n".join([HEAD, "| ---: | :--- | :--- | :--- | ---: |", *rows, ""])


def with_table(page):
    """Return the text of the page with its table, which ends it, as it should be now."""
    return page.partition(HEAD)[0] + table()


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
