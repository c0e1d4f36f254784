"""Each exercise stands in its chapter as declared, and is open; its solution, which the checker takes, is elsewhere.

A chapter and the notebook with its solutions begin with the same set-up, after which each exercise runs on its own.
"""

import re
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from sympy import Basic, Indexed, Symbol, sympify

from tools import at_work, standalone
from xentlib.teaching import exercises
from xentlib.teaching.exercises import pages
from xentlib.teaching.exercises.exercise import Exercise, Mistake

ROOT = Path(__file__).parents[1]
CHAPTERS = ROOT / "chapters"
NUMBERED = sorted(CHAPTERS.glob("[0-9]*.ipynb"))
DIRECTIVE = r"^ *[`~:]{3,}\{"
FEWEST_WORDS = 20  # of a solution's text: less is a result, and no reasoning


def read(path):
    return nbformat.read(path, as_version=4)


def code(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


def said(cell):
    return "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs)


def set_up(notebook):
    """Return the code cell before the first exercise."""
    (first, *_) = (heading for _, heading, _ in pages.shown(notebook))
    return code(notebook.cells[: notebook.cells.index(first)])[-1].source


def wrong_with(chapter, solutions, declared):
    """Yield what is wrong with the exercises of a chapter, and with its solutions."""
    for what, notebook in ("chapter", chapter), ("solutions", solutions):
        shown, expected = [id for id, *_ in pages.shown(notebook)], [exercise.id for exercise in declared]
        if shown != expected:
            yield f"the {what} has {shown}, where {expected} are declared"
            return
        for cell in notebook.cells:
            if cell.cell_type == "markdown" and re.search(DIRECTIVE, at_work.put_in(cell.source), re.M):
                yield f"no plain Markdown in the {what}: {cell.source[:60]!r}"
    if missing := set(set_up(chapter).splitlines()) - set(set_up(solutions).splitlines()):
        yield f"the solutions do not begin with what the exercises begin with: {missing}"
    for exercise, task, solution in zip(declared, pages.shown(chapter), pages.shown(solutions), strict=True):
        yield from (f"{exercise.id}: {what}" for what in _wrong_with_task(exercise, task[2]))
        yield from (f"{exercise.id}: {what}" for what in _wrong_with_solution(exercise, solution[2]))


def _wrong_with_task(exercise, cells):
    if len(cells) != 1 or cells != code(cells):
        yield "it is not followed by one cell for the answer, and no more"
        return
    if "record=" in cells[0].source:
        yield "whoever solves it is not remembered"
    if f"{exercise.id}: not " not in said(cells[0]) or "solved." in said(cells[0]):
        yield f"the reader's cell does not start unsolved: {said(cells[0])!r}"


def _wrong_with_solution(exercise, cells):
    words = " ".join(cell.source for cell in cells if cell.cell_type == "markdown").split()
    if not exercise.options and len(words) < FEWEST_WORDS:
        yield f"the solution does not explain itself: {' '.join(words)!r}"
    if "record=False" not in code(cells)[-1].source:
        yield "the book's own solution is recorded as the reader's"
    if f"{exercise.id}: solved." not in said(code(cells)[-1]):
        yield f"the solution does not solve it: {said(code(cells)[-1])!r}"


@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)
def test_a_chapter_and_its_solutions_have_what_is_declared(path):
    declared = exercises._module(path.name[:2]).EXERCISES
    assert list(wrong_with(read(path), read(CHAPTERS / "solutions" / path.name), declared)) == []


def misnumbered(text, numbers):
    """Return the links to equations whose words are not their number: plain Markdown cannot look it up."""
    links = re.findall(r"\[\(([\w.]+)\)\]\(\S+#(eq-[\w-]+)\)", text)
    return [label for number, label in links if numbers[label][1] != number]


def test_a_link_to_an_equation_has_its_number():
    numbers = standalone.numbered({path: read(path) for path in NUMBERED})
    texts = [cell.source for path in NUMBERED for cell in read(CHAPTERS / "solutions" / path.name).cells]
    assert sum(text.count("#eq-") for text in texts) > 50
    assert [label for text in texts for label in misnumbered(text, numbers)] == []
    wrong = "See [(5.1)](../05_gradient.ipynb#eq-gradient) and [(5.1)](../05_gradient.ipynb#eq-balance)."
    assert misnumbered(wrong, numbers) == ["eq-balance"]


def test_each_chapter_has_solutions_and_there_are_no_others():
    assert [path.name for path in NUMBERED] == sorted(path.name for path in (CHAPTERS / "solutions").glob("*.ipynb"))


def test_what_the_data_says_stands_on_all_pages(tmp_path):
    """And whatever else stands in its place there is found."""
    shutil.copytree(CHAPTERS, tmp_path / "chapters")
    shutil.copy(ROOT / "exercises.md", tmp_path)
    texts = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.suffix in (".md", ".ipynb")}
    pages.update(tmp_path / "chapters", tmp_path / "exercises.md")
    assert [path.name for path, text in texts.items() if path.read_text(encoding="utf-8") != text] == [], (
        "make exercises"
    )
    for path, old, new in (
        (tmp_path / "exercises.md", "| 1 |", "| 9 |"),
        (tmp_path / "chapters" / "04_loss.ipynb", "Ten classes", "Two classes"),
        (tmp_path / "chapters" / "solutions" / "04_loss.ipynb", "Ten classes", "Two classes"),
    ):
        assert old in texts[path]
        path.write_text(texts[path].replace(old, new), encoding="utf-8")
        pages.update(tmp_path / "chapters", tmp_path / "exercises.md")
        assert path.read_text(encoding="utf-8") == texts[path]


def test_a_new_exercise_is_found_by_the_bare_heading_that_contributing_asks_for():
    cells = [new_markdown_cell("### Exercise"), new_code_cell('answer = ...\ncheck("05-signs", answer)')]
    assert [id for id, *_ in pages.shown(new_notebook(cells=cells))] == ["05-signs"]
    cells[0].source = "## Exercises"
    assert list(pages.shown(new_notebook(cells=cells))) == []


def undefined(programs, folder):
    """Return what ruff says of names that are used and not defined, in programs by name."""
    for name, program in programs.items():
        (folder / f"{name}.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821", "--output-format=concise", folder]
    return re.findall(r"(\S+)\.py:\d+.*`(\w+)`", subprocess.run(command, capture_output=True, text=True).stdout)


def test_each_exercise_needs_the_set_up_and_no_other_cell(tmp_path):
    programs = {
        f"{folder}-{id}": "\n".join([set_up(notebook), *(cell.source for cell in code(cells))])
        for folder in ("tasks", "solutions")
        for path in NUMBERED
        for notebook in [read(path if folder == "tasks" else CHAPTERS / "solutions" / path.name)]
        for id, _, cells in pages.shown(notebook)
    }
    assert len(programs) == 2 * len(exercises.all_exercises())
    programs["spy"] = "import numpy as np\nanswer = np.log(loss)"
    assert undefined(programs, tmp_path) == [(str(tmp_path / "spy"), "loss")]


def lacking(set_up, expression):
    """Return the free symbols of an expression that a set-up does not define."""
    defined = {}
    exec(set_up, defined)
    known = {symbol for value in defined.values() if isinstance(value, Basic) for symbol in value.free_symbols}
    return expression.free_symbols - expression.atoms(Indexed) - known


@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)
def test_the_set_up_defines_all_symbols_of_an_answer(path):
    """A symbol that the reader makes may lack an assumption, and then it is another one."""
    begin = set_up(read(path))
    for exercise in exercises._module(path.name[:2]).EXERCISES:
        if exercise.kind == "derive":
            assert lacking(begin, sympify(exercise.answer)) == set(), exercise.id
    assert lacking(begin, Symbol("x_7") + 1) == {Symbol("x_7")}


def not_imported(set_up, text):
    """Return the functions of libraries that a text names and a set-up does not import."""
    names = {}
    exec(set_up, names)
    named = re.findall(r"\b(np|sympy|xentlib)\.([a-z_]\w*)", text)
    return [f"{library}.{name}" for library, name in named if not hasattr(names.get(library), name)]


@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)
def test_the_set_up_imports_what_tasks_and_hints_name(path):
    begin = set_up(read(path))
    for exercise in exercises._module(path.name[:2]).EXERCISES:
        assert not_imported(begin, " ".join([exercise.task, *exercise.hints])) == [], exercise.id
    assert not_imported(begin, "np.exp(x) / np.spam(x) - spam.eggs") == ["np.spam"]


# A chapter and solutions that are as declared, and the ways to break them

ONE = Exercise(
    id="99-one", title="The first", kind="predict", task="What is $1 + 0$?", answer=1, hints=("", "", ""), mistakes=(),
    difficulty=1, minutes=3,
)  # fmt: skip
WHY = Exercise(
    id="99-why", title="The second", kind="explain", task="Why is 0 < 1?", answer="B", because="0 * 1 is 0.",
    options=("It is not.", "By the axioms."), mistakes=(Mistake("It is.", "A"),),
    hints=("", "", ""), difficulty=1, minutes=3,
)  # fmt: skip


@pytest.fixture
def chapter_99(monkeypatch):
    monkeypatch.setattr(pages, "all_exercises", lambda: [*exercises.all_exercises(), ONE, WHY])


def cell_that_checks(source, says):
    return new_code_cell(source, outputs=[new_output("execute_result", {"text/plain": says})])


def good():
    """Each with a set-up (1), the first (chapter 2, 3; solutions 2 to 4) and the second (4, 5; 5, 6)."""
    chapter = [
        new_markdown_cell("## Exercises"),
        new_code_cell("import numpy as np"),
        new_markdown_cell(pages.task(ONE, "99.ipynb")),
        cell_that_checks('answer = ...\ncheck("99-one", answer)', "99-one: not answered yet."),
        new_markdown_cell(pages.task(WHY, "99.ipynb")),
        cell_that_checks('answer = ...\ncheck("99-why", answer)', "99-why: not answered yet."),
        new_markdown_cell("## Summary"),
        new_code_cell("1 + 1"),
    ]
    solutions = [
        new_markdown_cell("# Solutions"),
        new_code_cell("import numpy as np\n\none = 1"),
        new_markdown_cell(pages.solution_head(ONE, "99.ipynb")),
        new_markdown_cell("Because it is so. " * 6),
        cell_that_checks('check("99-one", one, record=False)', "99-one: solved. It is 1."),
        new_markdown_cell(pages.solution_head(WHY, "99.ipynb")),
        cell_that_checks('check("99-why", "B", record=False)', "99-why: solved. 0 * 1 is 0."),
    ]
    return [new_notebook(cells=chapter), new_notebook(cells=solutions)]


@pytest.mark.usefixtures("chapter_99")
def test_good_notebooks_are_accepted():
    assert list(wrong_with(*good(), (ONE, WHY))) == []


@pytest.mark.parametrize("exercise", exercises.all_exercises(), ids=lambda exercise: exercise.id)
def test_who_is_to_derive_is_told_how_to_read_the_checks(exercise):
    task = pages.task(exercise, f"{exercise.id[:2]}.ipynb")
    assert ("[How to read the checks](checks.ipynb)" in task) == (exercise.kind == "derive")


@pytest.mark.usefixtures("chapter_99")
def test_the_markdown_is_plain_and_the_links_are_jupyterlabs():
    assert pages.task(ONE, "99.ipynb") == (
        "### Exercise 99.1: The first\n\n*Predict, 3 minutes.* What is $1 + 0$?\n\n"
        "[Solution](solutions/99.ipynb#Exercise-99.1:-The-first)"
    )
    assert pages.solution_head(WHY, "99.ipynb") == (
        "## Exercise 99.2: The second\n\n[Back to the exercise](../99.ipynb#Exercise-99.2:-The-second)\n\n"
        "- **A.** No. It is.\n- **B.** Right. 0 \\* 1 is 0."
    )


CHAPTER, SOLUTIONS = 0, 1


def replace(which, cell, old, new):
    def breach(*notebooks):
        cells = notebooks[which].cells
        assert old in cells[cell].source
        cells[cell].source = cells[cell].source.replace(old, new)

    return breach


def say(which, cell, text):
    outputs = [new_output("execute_result", {"text/plain": text})] if text else []
    return lambda *notebooks: notebooks[which].cells[cell].update(outputs=outputs)


def remove(which, cell):
    return lambda *notebooks: notebooks[which].cells.pop(cell)


BREACHES = [
    ("the chapter has ['99-one', '']", remove(CHAPTER, 5)),
    ("the chapter has ['99-two', '99-why']", replace(CHAPTER, 3, "99-one", "99-two")),
    ("the chapter has ['99-why']", remove(CHAPTER, 2)),
    ("the solutions has ['99-one', '99-wy']", replace(SOLUTIONS, 6, "99-why", "99-wy")),
    ("the solutions has ['99-one']", remove(SOLUTIONS, 5)),
    ("no plain Markdown in the chapter", replace(CHAPTER, 2, "*Predict", "```{note}\nYes.\n```\n*Predict")),
    ("no plain Markdown in the solutions", replace(SOLUTIONS, 3, "Because", "\n:::{tip}\nBecause")),
    ("the solutions do not begin", replace(SOLUTIONS, 1, "as np", "as numpy")),
    ("99-one: it is not followed by", lambda chapter, _: chapter.cells.insert(3, new_code_cell("1"))),
    ("99-one: it is not followed by", lambda chapter, _: chapter.cells.insert(4, new_markdown_cell("It is 1."))),
    ("99-one: whoever solves it", replace(CHAPTER, 3, "answer)", "answer, record=False)")),
    ("99-one: the reader's cell", say(CHAPTER, 3, "")),
    ("99-one: the reader's cell", say(CHAPTER, 3, "99-one: solved. It is 1.")),
    ("99-why: the reader's cell", say(CHAPTER, 5, "99-one: not answered yet.")),
    ("99-one: the solution does not explain", replace(SOLUTIONS, 3, "Because it is so. " * 6, "Because.")),
    ("99-one: the book's own solution", replace(SOLUTIONS, 4, ", record=False", "")),
    ("99-one: the solution does not solve", say(SOLUTIONS, 4, "")),
    ("99-one: the solution does not solve", say(SOLUTIONS, 4, "99-one: not yet. The right value is larger.")),
    ("99-why: the solution does not solve", say(SOLUTIONS, 6, "99-one: solved. It is 1.")),
]


@pytest.mark.usefixtures("chapter_99")
@pytest.mark.parametrize(("complaint", "breach"), BREACHES, ids=[f"{n}-{says}" for n, (says, _) in enumerate(BREACHES)])
def test_bad_notebooks_are_refused_for_what_is_wrong(complaint, breach):
    notebooks = deepcopy(good())
    breach(*notebooks)
    assert any(complaint in what for what in wrong_with(*notebooks, (ONE, WHY)))


def test_the_solutions_of_chapter_7_run_the_engine_that_it_builds():
    chapter, solutions = (
        [cell.source for cell in code(read(folder / "07_backprop.ipynb").cells)]
        for folder in (CHAPTERS, CHAPTERS / "solutions")
    )
    for first_line in "class Node:", "def run_back(loss):":
        (built,) = (source for source in chapter if source.startswith(first_line))
        assert built in solutions[0]
