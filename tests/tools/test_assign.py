"""An assignment, from the teacher's file to what the class got wrong.

Where `make assign` has been run, nbgrader goes the whole way with what Moodle and Canvas deliver. The rest needs none.
"""

import csv
import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import jsonschema
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.assign import course, report, settings, sheet
from xentlib.teaching.exercises import all_exercises, find, fresh
from xentlib.teaching.exercises.points import MIME

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "tests/data/nbgrader_metadata_v3.json").read_text())
PYTHON = ROOT / ".venv/assign/bin/python"

FILE = """
name = "week-3"
title = "Week 3: the gradient"
due = "Friday, noon"
seed = 2026
partial = true

[exercises]
"05-signs" = 2
"05-gradient" = 4
"05-temperature" = 3
"07-length" = 3
"05-cancel" = 1

[reasons]
"05-cancel" = 2
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "assignment.toml"
    path.write_text(FILE)
    return path


def read(file, *changes):
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    return settings.read(file)


# The file


def test_a_file_is_read_and_what_it_does_not_say_is_as_the_page_has_it(file):
    assert read(file) == settings.Assignment(
        name="week-3", title="Week 3: the gradient", due="Friday, noon", seed=2026, partial=True,
        exercises={"05-signs": 2, "05-gradient": 4, "05-temperature": 3, "07-length": 3, "05-cancel": 1},
        reasons={"05-cancel": 2},
    )  # fmt: skip
    file.write_text('name = "a"\n[exercises]\n"05-signs" = 1.5')
    assert settings.read(file) == settings.Assignment("a", {"05-signs": 1.5}, "", "", "", True, False, None, {})


WRONG = {
    'name = "week-3"': [
        ("", "name is missing: it has to be letters, digits and hyphens"),
        ('name = "../week"', "name has to be letters, digits and hyphens; got '../week'"),
    ],
    "seed = 2026": [
        ("seed = -1", "seed has to be a whole number from 0 to 4294967295; got -1"),
        ("seed = true", "seed has to be a whole number from 0 to 4294967295; got True"),
        ("sed = 1", "sed is no key; the nearest is 'seed'"),
    ],
    "partial = true": [('partial = "yes"', "partial has to be true or false; got 'yes'")],
    'due = "Friday, noon"': [("due = 2026-11-13", "due has to be a string, as students are to read it; got ")],
    '"05-signs" = 2': [
        ('"05-sings" = 2', "exercises names '05-sings', which is no exercise; the nearest is '05-signs'"),
        ('"05-signs" = 0', "exercises has to be a table with points above 0 for at least one exercise; got {'05-"),
        ('"05-signs" = nan', "exercises has to be a table with points above 0 for at least one exercise; got "),
    ],
    '[reasons]\n"05-cancel"': [('[reasons]\n"05-two-steps"', "reasons names '05-two-steps', which is not among")],
    "[exercises]": [("[exercises", "cannot be read: Expected ']'")],
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), [(old, *pair) for old, pairs in WRONG.items() for pair in pairs])
def test_a_wrong_file_is_told_the_key_the_requirement_and_the_value(file, old, new, said):
    with pytest.raises(settings.Unusable, match=re.escape(said)):
        read(file, (old, new))


def test_all_that_is_wrong_is_said_at_once_and_without_a_traceback(file):
    file.write_text(file.read_text().replace("2026", '"x"').replace("05-gradient", "05-grad"))
    with pytest.raises(SystemExit) as end:
        course.main(file)
    assert [line.split(": ")[1].split()[0] for line in str(end.value).splitlines()] == ["seed", "exercises"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(settings.Unusable, match=r"none\.toml cannot be read: .*No such file"):
        settings.read(tmp_path / "none.toml")


# The sheet


def wrong_with(notebook):
    """Yield what nbgrader, or a Jupyter that knows no MyST, would stumble over."""
    nbformat.validate(notebook)
    ids = [cell.metadata.nbgrader.grade_id for cell in notebook.cells]
    yield from {id for id in ids if ids.count(id) > 1}
    for cell in notebook.cells:
        about = cell.metadata.nbgrader
        yield from (error.message for error in jsonschema.Draft4Validator(SCHEMA).iter_errors(about))
        if about.grade != ("points" in about) or (cell.cell_type == "markdown" and about.grade != about.solution):
            yield f"{about.grade_id} is no cell that nbgrader knows"
        if cell.cell_type == "markdown" and re.search(r"^ *[`~:]{3,}\{|\{\w+(:\w+)?\}`|\]\(", cell.source, re.M):
            yield f"no plain Markdown, or a link that leads nowhere: {cell.source}"


@pytest.mark.parametrize("seed", [None, 7])
def test_every_exercise_makes_a_sheet_that_nbgrader_can_read(seed):
    every = {exercise.id: 1 for exercise in all_exercises()}
    notebook = sheet.notebook(settings.Assignment("all", every, seed=seed, reasons={"05-cancel": 1}))
    assert list(wrong_with(notebook)) == []
    assert [cell.metadata.nbgrader.grade_id.removeprefix("check-") for cell in notebook.cells
            if cell.metadata.nbgrader.grade_id.startswith("check-")] == list(every)  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "change"),
    [(3, {"points": "2"}), (3, {"grade_id": "ä"}), (4, {"points": -1}), (4, {"grade": False}), (2, {"grade": True})],
)
def test_a_sheet_with_wrong_metadata_is_found(file, cell, change):
    notebook = sheet.notebook(read(file))
    notebook.cells[cell].metadata.nbgrader.update(change)
    assert list(wrong_with(notebook)) != []


def test_a_directive_in_a_sheet_is_found(file):
    notebook = sheet.notebook(read(file))
    notebook.cells[2].source += "\n\n```{note}\nSee {eq}`eq-gradient`.\n```"
    assert len(list(wrong_with(notebook))) == 1


def source_of(notebook, id):
    (cell,) = [cell for cell in notebook.cells if cell.metadata.nbgrader.grade_id == id]
    return cell.source


def test_a_sheet_says_what_is_asked_what_it_is_worth_and_when_it_is_due(file):
    notebook = sheet.notebook(read(file))
    begin = source_of(notebook, "introduction")
    assert begin.startswith("# Week 3: the gradient\n\nDue: Friday, noon. ")
    assert all(words in begin for words in ('hint("05-signs")', "earns its share", "hints work with those of the book"))
    assert source_of(notebook, "task-05-signs").startswith(
        "## 1. Predict a gradient\n\n*Predict, 3 minutes, 2 points.* "
    )
    assert "1 point.*" in source_of(notebook, "task-05-cancel")
    assert "- **B.** The slope $-1/q_y$ of" in source_of(notebook, "task-05-cancel")
    assert source_of(notebook, "answer-05-gradient") == "def answer_2(logits, y):\n    ..."
    assert source_of(notebook, "check-05-gradient").endswith(
        'score("05-gradient", answer_2, 4, partial=True, seed=2026)'
    )
    assert "up to 2 for it" in source_of(notebook, "why-05-cancel")


def test_a_sheet_without_hints_seed_and_shares_does_not_speak_of_them(file):
    notebook = sheet.notebook(read(file, ("partial = true", "hints = false"), ("seed = 2026", "")))
    assert "hint" not in source_of(notebook, "introduction") + source_of(notebook, "set-up")
    assert source_of(notebook, "check-05-signs").endswith('score("05-signs", answer_1, 2, hints=False)')


def test_a_sheet_with_a_seed_says_which_numbers_are_the_book_s():
    every = {exercise.id: 1 for exercise in all_exercises()}
    notebook = sheet.notebook(settings.Assignment("all", every, seed=7))
    for exercise in all_exercises():
        old = sheet.OLD_NUMBERS in source_of(notebook, f"task-{exercise.id}")
        assert old == (exercise.kind in ("predict", "code") and not fresh.can_be_renewed(exercise))


def test_the_set_up_has_what_its_chapters_import_each_once(file):
    begin = source_of(sheet.notebook(read(file, ("seed = 2026", 'install = "xentlib[chapters] @ URL"'))), "set-up")
    assert begin.count("import numpy as np") == begin.count("from xentlib.teaching.symbolic import") == 1
    assert '    %pip install --quiet "xentlib[chapters] @ URL"\n' in begin
    assert 'g = IndexedBase("g", real=True)' in begin


# What the class got wrong


def graded(*found, ids=("05-signs",)):
    cells = []
    for id, outcome in zip(ids, found, strict=True):
        data = {"text/plain": "0", MIME: outcome and dict(zip(("outcome", "what"), outcome, strict=True))}
        outputs = [new_output("execute_result", data)] if outcome else [new_output("error", ename="NameError")]
        cells.append(new_code_cell("", outputs=outputs, metadata={"nbgrader": {"grade_id": f"check-{id}"}}))
    return new_notebook(cells=cells)


CLASS = [("solved", ""), ("solved", ""), ("named", "This is <q>."), ("named", "This is <q>."), ("named", "A sign."),
         ("unnamed", "[0.231, 0.5]"), ("unnamed", "[0.23142, 0.5]"), ("unnamed", "[9, 9]"), None]  # fmt: skip


def test_the_table_counts_names_and_groups_the_rest_by_numbers():
    assignment = settings.Assignment("a", {"05-signs": 1})
    counts = report.counted(assignment, [*(graded(outcome) for outcome in CLASS), new_notebook()])
    assert sorted(report.rows(counts)) == sorted([
        ("exercise", "outcome", "what", "students"), ("05-signs", "solved", "", 2), ("05-signs", "named", "A sign.", 1),
        ("05-signs", "named", "This is <q>.", 2), ("05-signs", "unnamed", "[0.231, 0.5]", 2),
        ("05-signs", "unnamed", "[9, 9]", 1), ("05-signs", "not checked", "", 2),
    ])  # fmt: skip


def test_the_page_shows_the_commonest_first_and_no_markup_of_a_student_s():
    assignment = settings.Assignment("a", {"05-signs": 1}, title="A & B")
    page = report.as_page(assignment, report.counted(assignment, [graded(outcome) for outcome in CLASS]), 9, 10)
    assert "<h1>A &amp; B</h1><p>9 notebooks. 1 could not be graded" in page
    assert "(05-signs): 2 of 9</h2>" in page
    assert page.index("<td>2</td><td>This is &lt;q&gt;.</td>") < page.index("<td>1</td><td>A sign.</td>")
    assert "<q>" not in page


def test_a_report_before_the_grading_says_what_to_do(file):
    with pytest.raises(SystemExit, match="run `nbgrader autograde` first"):
        report.main(file)


# The whole way

ANSWERS = {
    "right": {
        "05-signs": "answer_1 = xentlib.softmax([1, 2, 1.5]) - [1, 0, 0]",
        "05-gradient": "def answer_2(logits, y):\n    q = xentlib.softmax(logits)\n    q[y] -= 1\n    return q",
        "05-temperature": "answer_3 = (exp(z[i]/T)/sum_over(j, exp(z[j]/T)) - KroneckerDelta(i, y))/T",
        "07-length": "n = sqrt(sum_over(k, z[k]**2))\nanswer_4 = g[i]/n - z[i]*sum_over(j, g[j]*z[j])/n**3",
        "05-cancel": 'answer_5 = "B"',
    },
    "wrong": {
        "05-signs": "answer_1 = xentlib.softmax([1, 2, 1.5])",
        "05-gradient": "def answer_2(logits, y):\n    q = np.exp(logits)\n    return q / q.sum() - np.eye(len(q))[y]",
        "05-temperature": "answer_3 = z[i]",
        "07-length": "answer_4 = g[i]",
        "05-cancel": 'answer_5 = "A"',
    },
    "broken": {
        "05-signs": "while True:\n    pass",
        "05-gradient": "def answer_2(logits, y):\n    while True:\n        pass",
        "05-temperature": "answer_3 = 1 / 0",
        "05-cancel": 'answer_5 = "C"',
    },
    "crash": {"05-signs": "import os\n\nos._exit(1)"},
}
LOST = {"answer-07-length", "check-07-length", "set-up", "check-05-cancel"}


def answered(notebook, answers):
    for cell in notebook.cells:
        id = cell.metadata.nbgrader.grade_id
        cell.source = answers.get(id.removeprefix("answer-"), cell.source)
    return nbformat.writes(notebook)


def saved_by_colab(text):
    """Return a notebook as Colab has it: format 4.0, its own metadata, ids elsewhere; and some cells are lost."""
    notebook = json.loads(text)
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["metadata"]["nbgrader"]["grade_id"] not in LOST]
    for cell in notebook["cells"]:
        cell["metadata"] |= {"id": cell.pop("id"), "outputId": "a1b2"}
    metadata = {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return json.dumps({**notebook, "nbformat_minor": 0, "metadata": metadata})


def hand_in(release, archive):
    """Put submissions there, as Moodle and Canvas name them: right, wrong, broken, and one that ends its kernel."""
    texts = {name: answered(nbformat.read(release, as_version=4), answers) for name, answers in ANSWERS.items()}
    archive.mkdir(parents=True)
    with zipfile.ZipFile(archive / "Week 3-4711.zip", "w") as file:
        file.writestr("Ada Lovelace_1234_assignsubmission_file_/week-3.ipynb", texts["right"])
        file.writestr("Ada Lovelace_1234_assignsubmission_file_/an older one.ipynb", texts["wrong"])
        file.writestr("Cléo Ö_99_assignsubmission_file_week-3 (1).ipynb.txt", saved_by_colab(texts["broken"]))
    (archive / "boolegeorge_LATE_98_7654_week-3-1.ipynb").write_text(texts["wrong"])
    (archive / "dora_97_7655_week-3.ipynb").write_text(texts["crash"])
    (archive / "notes.pdf").write_bytes(b"")


@pytest.mark.skipif(
    not PYTHON.with_name("nbgrader").exists(), reason="nbgrader is not installed: run `make assign` once."
)
def test_nbgrader_takes_an_assignment_the_whole_way(file, capsys):
    environment = {**os.environ, "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"}

    def call(*command, cwd=ROOT, code=0):
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    there, graded = file.parent / "course", file.parent / "graded"
    call(PYTHON, "-m", "tools.assign.course", file)
    release = there / "release/week-3/week-3.ipynb"
    assert list(wrong_with(nbformat.read(release, as_version=4))) == []
    hand_in(release, there / "downloaded/week-3/archive")

    said = call("nbgrader", "zip_collect", "week-3", cwd=there)
    assert "Ada Lovelace_1234 handed in several notebooks" in said
    students = ["Ada Lovelace_1234", "Cléo Ö_99", "boolegeorge", "dora"]
    assert sorted(path.name for path in (there / "submitted").iterdir()) == students

    # As in the container, which cannot write to the course.
    graded.mkdir()
    before = {path: path.stat().st_mtime_ns for path in there.rglob("*")}
    script = ROOT / "tools/assign/grade.sh"
    said = call("sh", script, there, graded, "week-3", "--Execute.timeout=20", code=1)
    assert "error processing assignment 'week-3' for student 'dora'" in said
    assert {path: path.stat().st_mtime_ns for path in there.rglob("*")} == before

    with (graded / "grades.csv").open(encoding="utf-8") as table:
        grades = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(table)}
    assert grades == dict(zip(students, [(13, 15), (0, 15), (3.33, 15), (0, 15)], strict=True))
    feedback = (graded / "feedback/boolegeorge/week-3/week-3.html").read_text(encoding="utf-8")
    assert "This is q: the one-hot was not subtracted." in feedback
    assert f"Hint: {find('05-signs').hints[0]}" in feedback

    (graded / "autograded").rename(there / "autograded")
    report.main(file)
    assert "3 of 4 notebooks could be graded" in capsys.readouterr().out
    with (there / "week-3-report.csv").open(encoding="utf-8", newline="") as table:
        rows = [(row["exercise"], row["outcome"]) for row in csv.DictReader(table)]
    assert {outcome for id, outcome in rows if id == "05-signs"} == {"solved", "named", "not checked"}
    assert {outcome for id, outcome in rows if id == "05-gradient"} == {"solved", "named", "unnamed"}
    assert ("07-length", "not checked") in rows
