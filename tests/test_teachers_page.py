"""What the teachers' page says of its command is what it does."""

import csv
import io
import re
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook

from xentlib.teaching.exercises import __main__ as command
from xentlib.teaching.exercises import all_exercises
from xentlib.teaching.exercises.grading import grader, learner, returned

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "teachers.md").read_text(encoding="utf-8")
IDS = [exercise.id for exercise in all_exercises() if exercise.chapter == 5]

BEGIN = "from xentlib.teaching.exercises import check, find\n"
RIGHT = {id: f"{BEGIN}check({id!r}, find({id!r}).answer)" for id in IDS}
BLANK = {id: f"{BEGIN}check({id!r}, ...)" for id in IDS}


def cells_of_the_example():
    wrong = {"05-temperature": f"{BEGIN}answer = softmax\ncheck('05-temperature', answer)",
             "05-weights": f"{BEGIN}check('05-weights', 1)"}  # fmt: skip
    ben = {**BLANK, "05-signs": RIGHT["05-signs"], **wrong}
    del ben["05-cancel"]
    return {
        "ada": {**RIGHT, "05-two-steps": BLANK["05-two-steps"]},
        "ben": ben,
        "cleo": {**RIGHT, "05-weights": f"import os\nos._exit(1)\n{RIGHT['05-weights']}"},
    }


def test_the_table_on_the_page_is_what_the_command_writes(tmp_path, monkeypatch, capsys):
    for name, cells in cells_of_the_example().items():
        folder = tmp_path / "returned" / name
        folder.mkdir(parents=True)
        notebook = new_notebook(cells=[new_code_cell(source) for source in cells.values()])
        nbformat.write(notebook, folder / "05_gradient.ipynb")
    (tmp_path / "returned" / "dora").mkdir()
    (tmp_path / "returned" / "dora" / "05_gradient.ipynb").write_text('{"cells": [')
    monkeypatch.chdir(tmp_path)
    assert command.main(["grade", "returned", "--chapters", str(ROOT / "chapters")]) == 0
    assert capsys.readouterr().out == re.search(r"```text\n(.*?)```", PAGE, re.S)[1]


def test_the_words_in_the_table_are_explained():
    rows = list(csv.DictReader(io.StringIO(re.search(r"```text\n(.*?)```", PAGE, re.S)[1])))
    explained = re.findall(r"^\| ([a-z ]+) \|", PAGE, re.M)
    assert {row["status"] for row in rows} < set(explained)
    assert set(explained) >= {"graded", "stopped", "crashed", "unreadable", *grader.VERDICTS}
    assert list(rows[0]) == [*grader.HEAD, *IDS]
    for row in rows:
        assert row["solved"] == str(sum(row[id] == "solved" for id in IDS))


def test_the_command_on_the_page_is_understood(monkeypatch):
    monkeypatch.chdir(ROOT)
    lines = [line for block in re.findall(r"```console\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
    for line in lines:
        begin, arguments = line.split()[:3], line.split()[3:]
        assert begin == ["python", "-m", "xentlib.teaching.exercises"]
        options = command._parser().parse_args(arguments)
        assert (options.folder, options.output) == ("returned", "grades.csv")
    assert len(lines) == 1


def test_help_tells_every_option_and_default(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as end:
        command.main(["grade", "--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    wanted = ["--output FILE", "--timeout SECONDS", "(default: 120)", "--memory MB", "(default: 4096)"]
    assert all(words in text for words in wanted), text


def test_the_limits_on_the_page_are_those_of_the_program():
    limits = grader.Limits()
    rows = dict(re.findall(r"^\| (.+?) \| (\d+)(?: \w+)? \|", PAGE, re.M))
    assert rows == {
        "time for a notebook": str(limits.timeout),
        "memory for a process": str(limits.memory),
        "printed output": str(limits.output),
        "one file that it writes": str(learner.LARGEST_FILE),
        "processes at one time": str(limits.processes),
    }
    assert returned.COPIES in PAGE


def test_the_page_can_be_found():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    (files,) = [[c["file"] for c in part["chapters"]] for part in contents["parts"] if part["caption"] == "Appendix"]
    assert files[files.index("exercises") + 1] == "teachers"
    for name in ("exercises.md", "README.md"):
        assert "](teachers.md)" in (ROOT / name).read_text(encoding="utf-8")
