"""Each exercise stands in its chapter as it is declared, open to be solved, and with a solution that the checker takes.

What the data says (`xentlib.teaching.exercises`) and what the page shows are two texts, written at different times.
"""

import ast
import itertools
import re
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from xentlib.teaching import exercises
from xentlib.teaching.exercises import all_exercises, listing, options
from xentlib.teaching.exercises.exercise import Exercise, Mistake

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
FEWEST_WORDS = 20  # of a solution's text: less is a result, and no reasoning
PARTS = ["exercise", "check", "solution-start", "check", "solution-end"]
STATEMENTS = ("exercise", "exercise-start")
PARTS_OF_EXPLAIN = ["exercise-start", "exercise-end", "check"]
DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,})\{(?P<what>exercise(-\w+)?|solution-\w+)\}(?P<head>.*)\n(?P<body>(?s:.*?))^(?P=fence)$",
    re.MULTILINE,
)


class Part(NamedTuple):
    """One part of an exercise on the page: a directive, or a call of `check` in a code cell."""

    what: str
    head: str  # title of an exercise, label that a solution belongs to, id that is checked
    body: str  # what stands inside the directive; the output of the cell
    after: str = ""  # the text between this directive and the next, or the end of the cell
    recorded: bool = True


def parts_of(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield from _directives(cell.source)
        elif cell.cell_type == "code" and "check(" in cell.source:
            yield from _checks(cell)


def _directives(text):
    found = list(DIRECTIVE.finditer(text))
    for match, following in itertools.zip_longest(found, found[1:]):
        end = following.start() if following else len(text)
        yield Part(match["what"], match["head"].strip(), match["body"].strip(), text[match.end() : end].strip())


def _checks(cell):
    output = "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs)
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check":
            unrecorded = any(k.arg == "record" and ast.unparse(k.value) == "False" for k in node.keywords)
            yield Part("check", str(getattr(node.args[0], "value", "")), output, recorded=not unrecorded)


def label_of(part):
    match = re.match(r":label: (\S+)$", part.body, re.MULTILINE)
    return match[1] if match else ""


def wrong_with(notebook, declared):
    """Yield what differs between the exercises of a notebook and those that are declared for it."""
    parts = list(parts_of(notebook))
    starts = [n for n, part in enumerate(parts) if part.what in STATEMENTS]
    labels, expected = [label_of(parts[n]) for n in starts], [f"ex-{exercise.id}" for exercise in declared]
    if labels != expected:
        yield f"the labels are {labels}, where {expected} are declared"
        return
    if parts[: starts[0] if starts else None]:
        yield "a solution or a check before the first exercise"
    for exercise, start, end in zip(declared, starts, [*starts, None][1:], strict=True):
        yield from (f"{exercise.id}: {what}" for what in _wrong_with_one(parts[start:end], exercise))


def _wrong_with_one(parts, exercise):
    expected = PARTS_OF_EXPLAIN if exercise.kind == "explain" else PARTS
    if [part.what for part in parts] != expected:
        yield f"it consists of {[part.what for part in parts]}, not of {expected}"
        return
    yield from _wrong_with_statement(parts[0], exercise)
    yield from _wrong_with_attempt(next(part for part in parts if part.what == "check"), exercise)
    if exercise.kind != "explain":
        yield from _wrong_with_solution(*parts[2:4], exercise)


def _wrong_with_statement(statement, exercise):
    task = f"*{exercise.kind.capitalize()}, {exercise.minutes} minutes.* {exercise.task}"
    text = statement.body.partition("\n\n")[2]
    if exercise.kind == "explain":
        text, task = statement.after, f"{task} {options.on_page(exercise)}"
    if statement.head != exercise.title:
        yield f"the title is {statement.head!r}, where {exercise.title!r} is declared"
    if text.split() != task.split():
        yield f"the task is {text!r}, where {task!r} is declared"


def _wrong_with_attempt(attempt, exercise):
    if attempt.head != exercise.id:
        yield f"its cell checks {attempt.head}"
    if not attempt.recorded:
        yield "whoever solves it is not remembered: record=False in the reader's own cell"
    if f"{exercise.id}: not " not in attempt.body or "solved." in attempt.body:
        yield f"the reader's cell does not start unsolved: {attempt.body!r}"


def _wrong_with_solution(opening, solution, exercise):
    if solution.head != exercise.id:
        yield f"its solution checks {solution.head}"
    if opening.head != f"ex-{exercise.id}":
        yield f"the solution is one of {opening.head}"
    if ":class: dropdown" not in opening.body.splitlines():
        yield "the solution is not folded in"
    if len(opening.after.split()) < FEWEST_WORDS:
        yield f"the solution does not explain itself: {opening.after!r}"
    if solution.recorded:
        yield "the book's own solution is recorded as the reader's: no record=False"
    if f"{exercise.id}: solved." not in solution.body:
        yield f"the solution does not solve it: {solution.body!r}"


@pytest.mark.parametrize("number", exercises._numbers())
def test_chapter_shows_its_exercises_as_they_are_declared(number):
    (path,) = (ROOT / "chapters").glob(f"{number}_*.ipynb")
    assert list(wrong_with(nbformat.read(path, as_version=4), exercises._module(number).EXERCISES)) == []


def test_the_pages_hold_every_exercise_once_and_no_other():
    notebooks = [nbformat.read(path, as_version=4) for path in CHAPTERS]
    shown = [label_of(part) for notebook in notebooks for part in parts_of(notebook) if part.what in STATEMENTS]
    assert shown == [f"ex-{exercise.id}" for exercise in exercises.all_exercises()]


# A notebook whose exercises are as declared, and the ways to break it

ONE, TWO = (
    Exercise(
        id=id, title=title, kind=kind, task=task, answer=1, hints=("", "", ""), mistakes=(), difficulty=1, minutes=3
    )
    for id, title, kind, task in (
        ("99-one", "The first", "predict", "What is 1 + 0? It is asked in good faith."),
        ("99-two", "The second", "code", "Write a function of x that returns x."),
    )
)  # fmt: skip


WHY = Exercise(
    id="99-why", title="The third", kind="explain", task="Why is 0 < 1?", answer="B", because="It is so.",
    options=("It is not.", "0 < 1 by the axioms."), mistakes=(Mistake("It is.", "A"),),
    hints=("", "", ""), difficulty=1, minutes=3,
)  # fmt: skip


def cell_that_checks(source, says):
    return new_code_cell(source, outputs=[new_output("execute_result", {"text/plain": says})])


def good_notebook():
    """One title, then for each exercise: statement (1, 5), attempt (2, 6), reasoning (3, 7), solution (4, 8).

    At the end one to explain: statement and options (9), attempt (10).
    """
    before, cells = "## Exercises\n\nReplace the dots.", [new_markdown_cell("# Title")]
    end = "````{solution-end}\n````"
    for exercise in (ONE, TWO):
        id, task = exercise.id, f"*{exercise.kind.capitalize()}, 3 minutes.* {exercise.task}"
        statement = f"````{{exercise}} {exercise.title}\n:label: ex-{id}\n\n{task}\n````"
        opening = f"````{{solution-start}} ex-{id}\n:class: dropdown\n````\n\n{'Because it is so. ' * 6}"
        cells += [
            new_markdown_cell(f"{before}\n\n{statement}"),
            cell_that_checks(f'answer = ...\ncheck("{id}", answer)', f"{id}: not answered yet."),
            new_markdown_cell(opening),
            cell_that_checks(f'answer = 1\ncheck("{id}", answer, record=False)', f"{id}: solved. It is 1."),
        ]
        before = end
    statement = "````{exercise-start} The third\n:label: ex-99-why\n````\n\n*Explain, 3 minutes.* Why is 0 < 1?"
    why = f"{end}\n\n{statement}\n\n{options.on_page(WHY)}\n\n````{{exercise-end}}\n````"
    attempt = cell_that_checks('answer = ...\ncheck("99-why", answer)', "99-why: not answered yet.")
    return new_notebook(cells=[*cells, new_markdown_cell(why), attempt, new_markdown_cell("## Summary")])


def test_a_good_notebook_is_accepted():
    assert list(wrong_with(good_notebook(), (ONE, TWO, WHY))) == []


def test_a_chapter_without_exercises_is_accepted_if_none_are_declared():
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("1 + 1")])
    assert list(wrong_with(notebook, ())) == []


def replace(cell, old, new):
    def breach(notebook):
        assert old in notebook.cells[cell].source
        notebook.cells[cell].source = notebook.cells[cell].source.replace(old, new)

    return breach


def say(cell, *outputs):
    return lambda notebook: notebook.cells[cell].update(outputs=list(outputs))


def result(text):
    return new_output("execute_result", {"text/plain": text})


def remove(*cells):
    return lambda notebook: notebook.update(cells=[c for n, c in enumerate(notebook.cells) if n not in cells])


def move(cell, to):
    return lambda notebook: notebook.cells.insert(to, notebook.cells.pop(cell))


def exchange_labels(notebook):
    replace(1, ":label: ex-99-one", ":label: ex-99-two")(notebook)
    replace(5, ":label: ex-99-two", ":label: ex-99-one")(notebook)


def add_one_undeclared(notebook):
    notebook.cells.append(new_markdown_cell("````{exercise} A third\n:label: ex-99-three\n\nWhat now?\n````"))


def start_with_a_check(notebook):
    notebook.cells.insert(1, deepcopy(notebook.cells[2]))


BREACHES = [
    ("the labels are", lambda notebook: notebook.update(cells=notebook.cells[:1])),
    ("the labels are", replace(1, ":label: ex-99-one\n", "")),
    ("the labels are", replace(5, ":label: ex-99-two", ":label: ex-99-tow")),
    ("the labels are", exchange_labels),
    ("the labels are", add_one_undeclared),
    ("before the first exercise", start_with_a_check),
    ("99-one: the title is", replace(1, "The first", "The very first")),
    ("99-two: the title is", replace(5, "The second", "")),
    ("99-one: the task is", replace(1, "1 + 0", "1 + 1")),
    ("99-one: the task is", replace(1, " It is asked in good faith.", "")),
    ("99-one: the task is", replace(1, "good faith.", "good faith. Is it?")),
    ("99-one: the task is", replace(1, "*Predict, ", "*Guess, ")),
    ("99-two: the task is", replace(5, "3 minutes", "4 minutes")),
    ("99-two: the task is", replace(5, "*Code, 3 minutes.* ", "")),
    ("99-one: it consists of", remove(2)),
    ("99-one: it consists of", remove(3)),
    ("99-one: it consists of", remove(4)),
    ("99-one: it consists of", replace(5, "````{solution-end}\n````", "")),
    ("99-two: it consists of", replace(9, "````{solution-end}\n````", "")),
    ("99-one: it consists of", move(4, 3)),
    ("99-one: it consists of", replace(2, "check(", "print(")),
    ("99-one: it consists of", replace(4, "check(", "# check(")),
    ("99-one: its cell checks", replace(2, "99-one", "99-two")),
    ("99-one: its solution checks", replace(4, "99-one", "99-two")),
    ("99-one: whoever solves it", replace(2, "answer)", "answer, record=False)")),
    ("99-why: the title is", replace(9, "The third", "A third")),
    ("99-why: the task is", replace(9, "by the axioms", "by an axiom")),
    ("99-why: the task is", replace(9, "**Right.**", "**No.**")),
    ("99-why: the task is", replace(9, "It is so.", "")),
    ("99-why: the task is", replace(9, "A. It is not.", "It is not.")),
    ("99-why: it consists of", replace(9, "````{exercise-end}\n````", "")),
    ("99-why: it consists of", remove(10)),
    ("99-why: its cell checks", replace(10, "99-why", "99-one")),
    ("99-why: whoever solves it", replace(10, "answer)", "answer, record=False)")),
    ("99-why: the reader's cell", say(10, result("99-why: solved. It is so."))),
    ("99-one: the reader's cell", say(2)),
    ("99-one: the reader's cell", say(2, result("99-one: solved. It is 1."))),
    ("99-one: the reader's cell", say(2, result("99-two: not answered yet."))),
    ("99-one: the reader's cell", say(2, result("99-one: not yet. …"), result("99-one: solved. It is 1."))),
    ("99-one: the solution is one of", replace(3, "ex-99-one", "ex-99-two")),
    ("99-one: the solution is not folded in", replace(3, ":class: dropdown\n", "")),
    ("99-two: the solution is not folded in", replace(7, "dropdown", "dropdowns")),
    ("99-one: the solution does not explain", replace(3, "Because it is so. " * 6, "SOLUTION TEXT")),
    ("99-one: the book's own solution", replace(4, ", record=False", "")),
    ("99-one: the book's own solution", replace(4, "record=False", "record=True")),
    ("99-one: the solution does not solve", say(4)),
    ("99-one: the solution does not solve", say(4, result("99-one: not yet. The right value is larger."))),
    ("99-two: the solution does not solve", say(8, result("99-one: solved. It is 1."))),
    ("99-two: the solution does not solve", say(8, new_output("error", ename="E", evalue="", traceback=[]))),
]  # fmt: skip


@pytest.mark.parametrize(("complaint", "breach"), BREACHES, ids=[f"{n}-{says}" for n, (says, _) in enumerate(BREACHES)])
def test_a_bad_notebook_is_refused_for_what_is_wrong(complaint, breach):
    notebook = good_notebook()
    breach(notebook)
    assert any(complaint in what for what in wrong_with(notebook, (ONE, TWO, WHY)))


@pytest.mark.parametrize(
    "say_so", [result, lambda text: new_output("stream", name="stdout", text=text)], ids=["result", "stream"]
)
def test_what_a_cell_says_is_read_from_either_kind_of_output(say_so):
    notebook = good_notebook()
    notebook.cells[4].outputs = [new_output("stream", name="stdout", text="42\n"), say_so("99-one: solved. It is 1.")]
    assert list(wrong_with(notebook, (ONE, TWO, WHY))) == []


def test_the_table_of_the_exercises_page_is_that_of_the_data():
    page = (ROOT / "exercises.md").read_text(encoding="utf-8")
    assert listing.with_table(page) == page, "run `make exercises`"
    assert page.count("<ex-") == len(all_exercises())
    assert listing.with_table(page.replace("| 1 |", "| 9 |")) == page
