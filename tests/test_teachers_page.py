"""What the teachers' page says is so: its commands, its keys, its plan and its figures."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from tools.assign import report, settings, sheet
from xentlib.teaching.exercises import all_exercises, find, fresh

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "teachers.md").read_text(encoding="utf-8")
ASSIGN = ROOT / "tools" / "assign"
COMMANDS = [line for block in re.findall(r"```console\n(.*?)```", PAGE, re.S) for line in block.splitlines()]


def test_the_example_is_an_assignment(tmp_path):
    file = tmp_path / "assignment.toml"
    file.write_text(re.search(r"```toml\n(.*?)```", PAGE, re.S)[1], encoding="utf-8")
    assignment = settings.read(file)
    assert len(sheet.notebook(assignment).cells) == 2 + 3 * 4 + 1
    assert all(getattr(assignment, each.name) != each.default for each in fields(assignment) if each.name != "hints")


def test_every_key_is_explained_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.M))
    assert list(rows) == list(settings.KEYS)
    defaults = {key: text for key, line in rows.items() for text in re.findall(r"default `(\w+)`", line)}
    assert defaults == {"hints": "true", "partial": "false"}
    assert (settings.Assignment.hints, settings.Assignment.partial) == (True, False)


def test_the_plan_names_exercises_that_take_what_it_says():
    homework = [re.findall(r"`(\d\d-[\w-]+)`", line) for line in PAGE.splitlines() if line.startswith("| ")]
    weeks = [ids for ids in homework if ids]
    assert len(weeks) == 4
    for ids in weeks:
        assert 30 <= sum(find(id).minutes for id in ids) <= 60, ids
    (eight,) = re.findall(r"^\| eight weeks \| ([^|]+) \|", PAGE, re.M)
    assert sorted(map(int, re.findall(r"\d+", eight))) == list(range(1, 16))
    assert eight.count("·") == 7


def test_the_figures_are_those_of_the_program():
    fresh_ones = sum(fresh.can_be_renewed(exercise) for exercise in all_exercises())
    assert f"With a seed, {fresh_ones} exercises" in PAGE
    config = (ASSIGN / "nbgrader_config.py").read_text(encoding="utf-8")
    assert f"more than {re.search(r'Execute.timeout = ([0-9]+)', config)[1]}\nseconds" in PAGE
    assert re.search(r"timeout (\d)h", (ASSIGN / "grade.sh").read_text())[1] == "2"


def test_the_commands_exist():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
    assert {command.split()[1] for command in COMMANDS if command.startswith("make")} <= set(targets)
    assert "board" in targets
    script = (ASSIGN / "grade.sh").read_text()
    for step in ("autograde", "generate_feedback", "export"):
        assert f"nbgrader {step}" in script
        assert any(command.startswith(f"nbgrader {step}") for command in COMMANDS)


def test_the_table_has_the_columns_and_the_words_of_the_report():
    head, *rows = re.search(r"```text\n(.*?)```", PAGE, re.S)[1].splitlines()
    assert tuple(head.split(",")) == next(report.rows({}))
    assert {row.split(",")[1] for row in rows} == set(report.OUTCOMES)


def unsafe_in(command):
    """Yield what the container is not kept from."""
    for limit in ("--network none", "--read-only", "--memory 4g", "--memory-swap 4g", "--pids-limit", "--cap-drop ALL",
                  "--security-opt no-new-privileges", ":/course:ro"):  # fmt: skip
        if limit not in command:
            yield limit


def test_the_container_is_started_with_its_limits():
    (command,) = (command for command in COMMANDS if command.startswith("docker run"))
    assert list(unsafe_in(command)) == []
    assert list(unsafe_in(command.replace(":ro", "").replace("none", "host"))) == ["--network none", ":/course:ro"]


def test_the_container_is_built_of_what_is_there_and_runs_as_nobody_in_particular():
    lines = (ASSIGN / "Dockerfile").read_text(encoding="utf-8").splitlines()
    sources = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]
    assert sources
    assert all((ROOT / name).exists() for name in sources)
    users = [line for line in lines if line.startswith(("USER", "ENTRYPOINT"))]
    assert users == ["USER grader", 'ENTRYPOINT ["sh", "/usr/local/bin/grade.sh", "/course", "/graded"]']


@pytest.mark.parametrize("name", ["exercises.md", "README.md", "index.md"])
def test_the_page_can_be_found(name):
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    (files,) = [[c["file"] for c in part["chapters"]] for part in contents["parts"] if part["caption"] == "Appendix"]
    assert files[files.index("exercises") + 1] == "teachers"
    assert "](teachers.md)" in (ROOT / name).read_text(encoding="utf-8")
