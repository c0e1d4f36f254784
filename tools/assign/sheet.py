"""The notebook that students get, with the metadata that nbgrader reads."""

import ast
import inspect
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from xentlib.teaching.exercises import find, fresh, pages

CHAPTERS = Path(__file__).parents[2] / "chapters"
CHECKER = "from xentlib.teaching.exercises import check, hint"
PARTIAL = "A function that is right on some of the inputs earns its share. "
HINTS = '`hint("{id}")` gives the first of three hints. '
FRESH = "The numbers of this sheet are its own; the hints work with those of the book. "
OLD_NUMBERS = "*This one has the numbers of the book.*"
INTRODUCTION = """\
# {title}

{due}Replace the dots in each answer and run the cell. The one below says whether you are right and, if not, what went \
wrong. Try as often as you like. {rules}

Leave the other cells as they are. Before you hand in, restart the kernel and run all cells. Then hand in this file, \
under its own name."""
INSTALL = """\
# Where there is no xentlib yet, as on Colab: once a session, half a minute.
import importlib.util

if importlib.util.find_spec("xentlib") is None:
    %pip install --quiet "{source}"

"""
REASONS = "Replace this line: say why, in two or three sentences. Your teacher gives up to {points:g} for it."


def notebook(assignment):
    """Return the sheet of an assignment."""
    cells = [_markdown(_introduction(assignment), "introduction"), _code(_set_up(assignment), "set-up")]
    for number, id in enumerate(assignment.exercises, 1):
        cells += _exercise(assignment, fresh.renewed(find(id), assignment.seed), number)
    for cell in cells:
        cell.id = cell.metadata.nbgrader.grade_id  # the same each time, so that a sheet is made again without a change
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _introduction(assignment):
    due = f"Due: {assignment.due}. " if assignment.due else ""
    said = [PARTIAL] * assignment.partial + [HINTS.format(id=next(iter(assignment.exercises)))] * assignment.hints
    rules = "".join([*said, *[FRESH] * (assignment.seed is not None)]).strip()
    return INTRODUCTION.format(title=assignment.title or assignment.name, due=due, rules=rules)


def _exercise(assignment, exercise, number):
    """Return the cells of an exercise: its task, the answer, its check and, if asked for, the reasons."""
    id, points = exercise.id, assignment.exercises[exercise.id]
    answer = f"answer_{number}"  # its own name, so that no answer is taken for that of another exercise
    settings = f"{', partial=True' * assignment.partial}{', hints=False' * (not assignment.hints)}"
    settings += f", seed={assignment.seed}" * (assignment.seed is not None)
    check = f'from xentlib.teaching.exercises import score\n\nscore("{id}", {answer}, {points:g}{settings})'
    cells = [
        _markdown(_task(assignment, exercise, number, points), f"task-{id}"),
        _code(_stub(exercise, answer), f"answer-{id}", solution=True, locked=False),
        _code(check, f"check-{id}", grade=True, points=points),
    ]
    if id in assignment.reasons:
        text = REASONS.format(points=assignment.reasons[id])
        cells.append(
            _markdown(text, f"why-{id}", grade=True, solution=True, locked=False, points=assignment.reasons[id])
        )
    return cells


def _task(assignment, exercise, number, points):
    worth = f"{points:g} point{'s' * (points != 1)}"
    what = f"*{exercise.kind.capitalize()}, {exercise.minutes} minutes, {worth}.* {exercise.task}"
    parts = [f"## {number}. {exercise.title}", what]
    if exercise.options:
        parts.append(pages.options(exercise))
    if assignment.seed is not None and exercise.kind in ("predict", "code") and not fresh.can_be_renewed(exercise):
        parts.append(OLD_NUMBERS)
    return "\n\n".join(parts)


def _stub(exercise, name):
    if exercise.kind != "code":
        return f"{name} = ..."
    return f"def {name}({', '.join(inspect.signature(exercise.answer).parameters)}):\n    ..."


def _set_up(assignment):
    """Return the imports that the exercises of these chapters begin with, each once."""
    lines = {}
    for chapter in sorted({find(id).chapter for id in assignment.exercises}):
        (path,) = CHAPTERS.glob(f"{chapter:02}_*.ipynb")
        source = pages.set_up(nbformat.read(path, as_version=4))
        lines |= dict.fromkeys(ast.get_source_segment(source, node) for node in ast.parse(source).body)
    own = CHECKER.replace("check, ", "") if assignment.hints else ""
    code = "\n".join(filter(None, (own if line == CHECKER else line for line in lines)))
    return (INSTALL.format(source=assignment.install) if assignment.install else "") + code


def _cell(new, source, id, *, grade=False, solution=False, locked=True, **points):
    about = {"schema_version": 3, "grade_id": id, "grade": grade, "solution": solution, "locked": locked, **points}
    return new(source, metadata={"nbgrader": {**about, "task": False}})


def _markdown(source, id, **about):
    return _cell(new_markdown_cell, source, id, **about)


def _code(source, id, **about):
    return _cell(new_code_cell, source, id, **about)
