"""The exercises as Markdown: what their chapters, their solutions and the list of all of them say.

`make exercises` writes it anew where the data has changed. It is plain Markdown, since a notebook is also read where
nobody knows the book's own: in JupyterLab, on GitHub, in Colab.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from xentlib.teaching.exercises import all_exercises, find
from xentlib.teaching.exercises.checking import lettered
from xentlib.teaching.exercises.exercise import Exercise

DIFFICULTY = {1: "easy", 2: "middling", 3: "hard"}
TABLE_HEAD = "| chapter | exercise | kind | difficulty | minutes |"
HOW_TO_READ = "[How to read the checks](checks.ipynb)"  # what to know before an expression is asked for
HEADING = re.compile(r"##+ Exercise\b")
CHECK = re.compile(r'^check\("([\w-]+)"', re.MULTILINE)


def heading(exercise: Exercise) -> str:
    """Return the heading of an exercise, and of its solution."""
    number = 1 + [each.id for each in all_exercises() if each.chapter == exercise.chapter].index(exercise.id)
    return f"Exercise {exercise.chapter}.{number}: {exercise.title}"


def link(text: str, exercise: Exercise, path: str) -> str:
    """Return a link to the exercise in a notebook. The fragment is JupyterLab's, and the book knows it as well."""
    return f"[{text}]({path}#{heading(exercise).replace(' ', '-')})"


def task(exercise: Exercise, name: str) -> str:
    """Return the exercise as its chapter, the notebook of this name, has it."""
    parts = [f"### {heading(exercise)}", f"*{exercise.kind.capitalize()}, {exercise.minutes} minutes.* {exercise.task}"]
    if exercise.options:
        parts.append(options(exercise))
    solution = link("Solution", exercise, f"solutions/{name}")
    return "\n\n".join([*parts, f"{solution} · {HOW_TO_READ}" if exercise.kind == "derive" else solution])


def solution_head(exercise: Exercise, name: str) -> str:
    """Return the head of a solution, with a remark on each option where there are options."""
    parts = [f"## {heading(exercise)}", link("Back to the exercise", exercise, f"../{name}")]
    if exercise.options:
        says = {mistake.wrong: f"No. {mistake.feedback}" for mistake in exercise.mistakes}
        says[exercise.answer] = f"Right. {exercise.because}"
        parts.append(_list(plain(says[letter]) for letter, _ in lettered(exercise.options)))
    return "\n\n".join(parts)


def options(exercise: Exercise) -> str:
    """Return what there is to choose from."""
    return _list(exercise.options)


def _list(items):
    return "\n".join(f"- **{letter}.** {item}" for letter, item in lettered(items))


def plain(text: str) -> str:
    r"""Return plain text as Markdown that shows it as it is.

    >>> print(plain("q_y is 2 * 3, not <5"))
    q_y is 2 \* 3, not \<5
    """
    return re.sub(r"[\\*`$<]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)


def table(names: Mapping[int, str]) -> str:
    """Return all exercises as a table, each with a link to its place; `names` are the notebooks by chapter."""
    rows = [
        f"| {exercise.chapter} | {link(exercise.title, exercise, f'chapters/{names[exercise.chapter]}')} "
        f"| {exercise.kind} | {DIFFICULTY[exercise.difficulty]} | {exercise.minutes} |"
        for exercise in all_exercises()
    ]
    return "\n".join([TABLE_HEAD, "| ---: | :--- | :--- | :--- | ---: |", *rows, ""])


def shown(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode, list[NotebookNode]]]:
    """Yield what a notebook has of each exercise: its id, the cell with its heading, and all that follow."""
    found, exercise = [], []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and HEADING.match(cell.source):
            exercise = [cell]
            found.append(exercise)
        elif cell.cell_type == "markdown" and cell.source.startswith("## "):
            exercise = []  # what follows belongs to no exercise
        else:
            exercise.append(cell)
    for heading, *cells in found:
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        yield "".join(CHECK.findall(code)[:1]), heading, cells


def set_up(notebook: NotebookNode) -> str:
    """Return the code that all exercises of a chapter, or of its solutions, begin with."""
    (first, *_) = (heading for _, heading, _ in shown(notebook))
    before = notebook.cells[: notebook.cells.index(first)]
    return [cell.source for cell in before if cell.cell_type == "code"][-1]


def update(chapters: Path, page: Path) -> None:
    """Write anew what all notebooks say of the exercises, and the table that ends the page of all of them."""
    names = {int(path.name[:2]): path.name for path in chapters.glob("[0-9]*.ipynb")}
    for text, folder in ((task, chapters), (solution_head, chapters / "solutions")):
        for name in names.values():
            notebook = nbformat.read(folder / name, as_version=4)
            for id, heading, _ in shown(notebook):
                exercise = find(id)
                if isinstance(exercise, str):
                    raise ValueError(f"{folder / name}: {exercise}")
                heading.source = text(exercise, name)
            (folder / name).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    before = page.read_text(encoding="utf-8").partition(TABLE_HEAD)[0]
    page.write_text(before + table(names), encoding="utf-8")


if __name__ == "__main__":
    update(Path(sys.argv[1]), Path(sys.argv[2]))
