"""Grading returned notebooks: a verdict of the grader's own for each exercise, and a row whatever a notebook does."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import numpy as np
import psutil
import pytest
import sympy
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from xentlib.teaching.exercises import __main__ as command
from xentlib.teaching.exercises import all_exercises, checking
from xentlib.teaching.exercises.grading import grader, processes, returned, wire
from xentlib.teaching.symbolic import T

ROOT = Path(__file__).parents[1]
CHAPTERS = ROOT / "chapters"
EXERCISES = all_exercises()
SOLVE = "from xentlib.teaching.exercises import check, find\n"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="grading is for Linux and macOS")


def solved(id):
    return f"{SOLVE}check({id!r}, find({id!r}).answer)"


def notebook(*sources, text=""):
    return new_notebook(cells=[new_markdown_cell(text), *map(new_code_cell, sources)])


def handed_in(folder, *sources, name="05.ipynb", text=""):
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook(*sources, text=text), folder / name)
    return returned.read(str(folder / name))


@pytest.fixture
def run(tmp_path):
    """Grade a notebook made of code cells."""

    def run(*sources, text="", **limits):
        return grader.grade(handed_in(tmp_path, *sources, text=text), CHAPTERS, grader.Limits(**limits))

    return run


# Right, wrong, unanswered, missing


def test_right_answers_to_all_exercises_are_all_solved(run):
    result = run(*(solved(exercise.id) for exercise in EXERCISES))
    assert (result.status, result.says) == ("graded", f"All {len(EXERCISES)} code cells ran.")
    assert result.verdicts == {exercise.id: "solved" for exercise in EXERCISES}


def test_right_wrong_unanswered_and_missing_are_told_apart(run):
    result = run(
        f"%matplotlib inline\nimport matplotlib.pyplot as plt\n{SOLVE}plt.plot([1, 2]);",
        "1 / 0",
        "with open('data/digits.npz', 'rb') as file:\n    display(len(file.read()))",
        "def answer(z):\n    import math\n    return softly(z)\ncheck('02-softmax', answer)",
        "import xentlib\ndef softly(z):\n    return xentlib.softmax(z)",
        "for answer in [..., lambda z: softly(z), lambda z: 0 * z]:\n    check('02-softmax', answer)",  # once is enough
        "check('02-odds', 2.0)",
        "def answer(z):\n    ...\nassert not check('02-rounded', ...)",
        "undefined\ncheck('02-field', 1)",
        "for answer in ['é' * 5_000_000, 10**5000, object()]:\n    check('02-odds', answer)",
        f"{SOLVE}check('02-cold', [0, 0.5, 0.5], record=False)\ncheck('99-no', 1)\ncheck(7, 'x')",
        text=":label: ex-02-log-softmax",
    )
    assert result.says == "2 of 11 code cells raised an error, the first is 2: ZeroDivisionError: division by zero."
    assert result.verdicts == {
        "02-odds": "not solved",  # a wrong answer
        "02-cold": "missing",  # the solution of the book is nobody's answer
        "02-log-softmax": "missing",
        "02-field": "not solved",  # its cell raised before the check
        "02-softmax": "solved",
        "02-rounded": "not answered",
        **{id: "missing" for id in result.verdicts if id not in ("02-odds", "02-field", "02-softmax", "02-rounded")},
    }


def test_a_chapter_as_it_is_handed_out_is_not_answered_and_its_solutions_count_for_nothing():
    each = returned.read(str(CHAPTERS / "05_gradient.ipynb"))
    each.cells += returned.read(str(CHAPTERS / "solutions" / "05_gradient.ipynb")).cells
    each.cells = [cell for cell in each.cells if "check(" in cell or "import" in cell]
    assert sum("record=False" in cell for cell in each.cells) == len(each.expected)
    result = grader.grade(each, CHAPTERS, grader.Limits())
    assert result.says == f"All {len(each.cells)} code cells ran."
    assert result.verdicts == dict.fromkeys(each.expected, "not answered")


FAKES = [
    # what the checker in the notebook's own process is, and all that it stands on
    """
    import numpy as np
    from xentlib.teaching import exercises
    from xentlib.teaching.exercises import check, checking, record
    checking._agree = checking._close = lambda *a: True
    checking.judge = exercises.judge = lambda e, a: checking.Result(True, e.id + ': solved.')
    checking._JUDGES = {}
    np.isclose = np.allclose = lambda *a, **k: np.array(True)
    object.__setattr__(exercises.find('05-signs'), 'answer', [0, 0, 0])
    check('05-signs', [0, 0, 0])
    """,
    # a check of one's own
    """
    real, check = check, lambda id, *a, **k: print(f'{id}: solved.')
    check('05-temperature', 3)
    """,
    # a function that changes the checker while it is judged
    """
    def answer(logits, y):
        checking._agree = lambda *a: True
        return logits
    real('05-gradient', answer)
    """,
    # the record
    """
    import pathlib
    record._remembered.add('05-batch')
    pathlib.Path('.xentlib-progress.json').write_text('{"solved": ["05-batch"]}')
    real('05-batch', ...)
    """,
    # the solution's own call
    "real('05-flat-zero', [0.0, 38.0, 0.0], record=False)",
    # values that agree with everything
    """
    class Yes(float):
        __eq__ = __lt__ = __le__ = __gt__ = lambda *a: True
        __hash__ = None
        def __array__(self, *a, **k):
            return np.array([0., 0., 0.])
    real('05-two-steps', Yes())
    real('05-cancel', Yes())
    """,
    # what the grader might take for its own
    """
    import gc
    from xentlib.teaching.exercises.grading.line import Line
    print('05-weights: solved.', '{"id": "05-weights", "verdict": "solved"}', flush=True)
    for line in [x for x in gc.get_objects() if isinstance(x, Line)]:
        line.send(id='05-weights', verdict='solved', solved=True, check='05-weights', answer=None)
    real('05-weights', 1)
    """,
]


def test_a_notebook_cannot_award_itself_anything(tmp_path):
    path = tmp_path / "05.ipynb"
    faked = notebook(*map(textwrap.dedent, FAKES))
    for cell in faked.cells[1:]:
        cell.outputs = [new_output("stream", name="stdout", text="05-weights: solved.")]
    nbformat.write(faked, path)
    result = grader.grade(returned.read(str(path)), CHAPTERS, grader.Limits())
    assert len(result.verdicts) == len([e for e in EXERCISES if e.chapter == 5])
    assert "solved" not in result.verdicts.values(), result
    assert result.verdicts["05-temperature"] == "not solved"
    assert result.status == "graded"


# What a notebook may do to the machine


def test_what_is_left_behind_ends_and_what_is_written_vanishes(run, tmp_path):
    result = run(
        f"import os, pathlib, shutil, signal, subprocess, sys, threading, time\n{solved('05-signs')}",
        "for each in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):\n    signal.signal(each, signal.SIG_IGN)",
        "threading.Thread(target=time.sleep, args=(1000,)).start()",
        # a child, one in a session of its own, and one whose parent has gone
        "sleepers = [subprocess.Popen(['sleep', '1000'], start_new_session=new).pid for new in (False, True)]\n"
        "orphan = subprocess.run('setsid sleep 1000 >/dev/null 2>&1 & echo $!', shell=True, capture_output=True)\n"
        "sleepers.append(int(orphan.stdout))",
        "where = [os.getcwd(), os.path.expanduser('~')]\n"
        "pathlib.Path('mine').write_text('mine')\nshutil.rmtree('data')\nshutil.rmtree(where[1])",
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(repr((where, [os.getpid(), *sleepers])))",
        "with open('large', 'wb') as file:\n    for _ in range(300):\n        file.write(bytes(1 << 20))",
        "much = bytes(1 << 33)",
        "sys.exit(3)",
        solved("05-gradient"),
        memory=3000,
    )  # fmt: skip
    where, pids = eval((tmp_path / "seen").read_text())
    assert not any(map(psutil.pid_exists, pids)), pids
    assert not any(map(os.path.exists, where))
    assert where[1] != os.path.expanduser("~")
    assert (CHAPTERS / "data" / "digits.npz").exists()
    assert (result.status, len(result.raised)) == ("graded", 3), result.raised
    assert [(cell, what.partition(":")[0]) for cell, what in result.raised] == [
        (7, "OSError"), (8, "MemoryError"), (9, "SystemExit"),
    ]  # fmt: skip
    assert (result.verdicts["05-signs"], result.verdicts["05-gradient"]) == ("solved", "solved")


EVIL = {
    "hangs": (
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))\nwhile True:\n    pass",
        "stopped", "It was still running after 5 seconds, in code cell 2.",
    ),
    "floods": (
        "while True:\n    try:\n        print('x' * 1000)\n    except BaseException:\n        pass",
        "stopped", "It printed more than 1 MB, in code cell 2.",
    ),
    "multiplies": (
        "import subprocess, time\nmany = [subprocess.Popen(['sleep', '99']) for _ in range(9)]\ntime.sleep(99)",
        "stopped", "It started more than 8 processes, in code cell 2.",
    ),
    "leaves": ("import os\nos._exit(3)", "crashed", "Its process ended in code cell 2: it exited with status 3."),
    "breaks": (
        "import ctypes\nctypes.string_at(0)", "crashed", "Its process ended in code cell 2: it was killed by SIGSEGV.",
    ),
    "cuts the line": (
        "import os, time\nos.closerange(3, 100)\ntime.sleep(99)", "crashed",
        "Its process ended in code cell 2: it cut the line to the grader.",
    ),
    "kills its parent": (
        "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(99)",
        "crashed", "The process that judges it ended in code cell 2.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_a_notebook_that_is_stopped_keeps_what_it_solved_before(run, evil):
    source, status, says = EVIL[evil]
    timeout = 5 if "5 seconds" in says else 60
    result = run(solved("05-signs"), source, solved("05-gradient"), timeout=timeout, output=1, processes=8)
    assert (result.status, result.says) == (status, says)
    assert (result.verdicts["05-signs"], result.verdicts["05-gradient"]) == ("solved", "not solved")
    assert not [each for each in psutil.Process().children() if "grading.marker" in " ".join(each.cmdline())]


# What is no notebook


def write_bytes(data):
    return lambda path: path.write_bytes(data)


def as_json(**changes):
    data = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []} | changes
    return write_bytes(json.dumps(data).encode())


NO_NOTEBOOK = {
    "It is a folder.": lambda path: path.mkdir(),
    "It is a link, which is not followed.": lambda path: path.symlink_to(path),
    "It is no file.": os.mkfifo,
    "It cannot be read: No such file or directory.": lambda path: None,
    "It is empty.": write_bytes(b""),
    "It is no text.": write_bytes(bytes(range(256))),
    "It is no JSON: cut off, perhaps.": write_bytes(b'{"nbformat": 4, "cells": ['),
    "It is no JSON: cut off, perhaps. ": write_bytes(b"[" * 100_000),
    "It is JSON, but no notebook.": write_bytes(b"{}"),
    "It is JSON, but no notebook. ": write_bytes(b"[1, 2]"),
    "It is JSON, but no notebook.  ": as_json(cells=3),
    "It is JSON, but no notebook.   ": as_json(cells=[3]),
    "It is JSON, but no notebook.    ": as_json(cells=[{"cell_type": "code"}]),
    "It is JSON, but no notebook.     ": as_json(nbformat="4"),
    "It is of format 99, and 4 is the newest known.": as_json(nbformat=99),
}


@pytest.mark.parametrize("says", NO_NOTEBOOK)
def test_what_is_no_notebook_is_told(says, tmp_path):
    path = tmp_path / "x.ipynb"
    NO_NOTEBOOK[says](path)
    each = returned.read(str(path))
    result = grader.grade(each, CHAPTERS, grader.Limits())
    assert (result.status, result.says, result.verdicts) == ("unreadable", says.strip(), {})


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text("{}")
    path.chmod(0)
    assert returned.read(str(path)).trouble == "It cannot be read: Permission denied."


def test_a_file_that_is_too_large_is_not_even_read(tmp_path, monkeypatch):
    monkeypatch.setattr(returned, "LARGEST", 0)
    handed_in(tmp_path, "1")
    assert returned.read(str(tmp_path / "05.ipynb")).trouble == "It is larger than 0 MB."


def test_a_notebook_of_an_older_format_is_read(tmp_path):
    cell = {"cell_type": "code", "language": "python", "input": ["check('05-signs', 1)"], "outputs": [], "metadata": {}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell], "metadata": {}}]}
    (tmp_path / "old.ipynb").write_text(json.dumps(old))
    each = returned.read(str(tmp_path / "old.ipynb"))
    assert (each.cells, each.asked, each.trouble) == (["check('05-signs', 1)"], {"05-signs"}, "")


def test_a_notebook_without_exercises_is_not_run(tmp_path):
    result = grader.grade(handed_in(tmp_path, "while True: pass"), CHAPTERS, grader.Limits())
    assert (result.status, result.says) == ("graded", "It holds no exercise of the book, and was not run.")


@pytest.mark.parametrize(
    ("source", "ids"),
    [
        ("check('05-signs', answer)", {"05-signs"}),
        ('print(check( "05-signs",\n  answer, record=True))', {"05-signs"}),
        ("check('05-signs', answer, record=False)", set()),
        ("check('05-nothing', answer)", set()),
        ("recheck('05-signs', answer)", set()),
    ],
)
def test_which_exercises_a_notebook_asks_for_is_seen_before_it_runs(source, ids, tmp_path):
    assert handed_in(tmp_path, source).asked == ids


# Answers travel as data


def test_every_answer_and_every_mistake_is_judged_as_it_would_be_at_home():
    for exercise in (e for e in EXERCISES if e.kind != "code"):
        for value in [exercise.answer, *(mistake.wrong for mistake in exercise.mistakes)]:
            there = wire.decode(json.loads(json.dumps(wire.encode(value))))
            if exercise.kind == "derive":
                assert sympy.sympify(there) == sympy.sympify(value), exercise.id
            else:
                assert checking.judge(exercise, there) == checking.judge(exercise, value), exercise.id


VALUES = [
    None, True, 3, -2.5, float("inf"), "text", [], (), [1, (2.0, "a")], [[1, 2], [3, 4]], 10**50,
    np.float32(0.1), np.int64(3), np.array(2.0), np.arange(6).reshape(2, 3), np.array(["a", "bc"]), np.array([1 + 2j]),
    sympy.Rational(1, 3), sympy.sqrt(2) + sympy.pi, sympy.Piecewise((1, T > 1), (0, True)), sympy.Float(0.1) * T,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=map(str, range(len(VALUES))))
def test_a_value_arrives_as_what_it_was(value):
    there = wire.decode(json.loads(json.dumps(wire.encode(value))))
    if isinstance(value, (np.ndarray, np.generic)):
        assert there.dtype == value.dtype
        assert np.array_equal(there, value)
    else:
        assert (type(there), there) == (type(value), value)


def test_what_has_no_form_arrives_as_unknown_and_what_needs_one_gets_it():
    for value in ({}, object(), [object()], np.array([object()])):
        there = wire.decode(wire.encode(value))
        assert isinstance(there[0] if isinstance(there, list) else there, wire.Unknown)
    assert wire.decode(wire.encode(...)) is None
    assert isinstance(wire.decode(wire.encode(len)), wire.Function)
    assert wire.decode(wire.encode(np.array([sympy.Rational(1, 2)]))) == np.array([0.5])


HOSTILE = [
    {"expression": "__import__('os')._exit(1)"},
    {"expression": "Symbol('x').__class__"},
    {"expression": "Add('__import__(\"os\")._exit(1)', 1)"},
    {"expression": "Sum(Symbol('x'), Tuple('__import__(\"os\")._exit(1)', 0, 1))"},
    {"expression": "Symbol('x', '__import__(\"os\")._exit(1)')"},
    {"expression": "sympify('__import__(\"os\")._exit(1)')"},
    {"expression": "Integer('__import__(\"os\")._exit(1)')"},
    {"expression": "factorint(12)"},  # no class, and whatever else SymPy has that could be called
    {"expression": "(" * 5000},
    {"expression": 3},
    {"expression": "Symbol('x')" + " " * wire.LONGEST_EXPRESSION},
    {"array": "AAAA", "dtype": "O", "shape": [1]},
    {"array": "AAAA", "dtype": "<f8", "shape": [1]},
    {"array": "", "dtype": "<f8", "shape": [1 << 60]},
    {"list": 3}, {"pickle": ""}, {},
]  # fmt: skip


@pytest.mark.parametrize("coded", HOSTILE, ids=map(str, range(len(HOSTILE))))
def test_what_was_never_encoded_is_unknown_and_runs_nothing(coded):
    assert isinstance(wire.decode(coded), wire.Unknown)


# The command


def grade_command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "xentlib.teaching.exercises", "grade", *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def test_a_folder_becomes_a_table_and_stays_as_it_is(tmp_path):
    folder = tmp_path / "returned"
    handed_in(folder / "b" / "deep", solved("05-signs"), "1/0")
    handed_in(folder / "b" / ".ipynb_checkpoints", solved("05-signs"))
    handed_in(folder / "c", solved("04-guess"), name="=1+1 \x1b[2J.ipynb")
    (folder / "a.ipynb").mkdir()
    (folder / "notes.txt").write_text("no notebook")
    before = sorted(folder.rglob("*")), [p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()]
    process = grade_command(folder)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    rows = list(csv.reader(io.StringIO(out)))
    ids = [exercise.id for exercise in EXERCISES if exercise.chapter in (4, 5)]
    assert rows[0] == ["path", "status", "what happened", "solved", "total", *ids]
    n4, n5 = (sum(exercise.chapter == n for exercise in EXERCISES) for n in (4, 5))
    assert [row[:5] for row in rows[1:]] == [
        [f"{folder}/a.ipynb", "unreadable", "It is a folder.", "0", "0"],
        [f"{folder}/b/deep/05.ipynb", "graded",
         "1 of 2 code cells raised an error, the first is 2: ZeroDivisionError: division by zero.", "1", str(n5)],
        [f"{folder}/c/=1+1 \\x1b[2J.ipynb", "graded", "All 1 code cells ran.", "1", str(n4)],
    ]  # fmt: skip
    cells = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert [each["05-signs"] for each in cells] == ["", "solved", ""]
    assert [each["04-guess"] for each in cells] == ["", "", "solved"]
    assert [each["04-loss"] for each in cells] == ["", "", "missing"]
    assert [line.partition("]")[0] for line in errors.split("\n") if line] == ["[1/3", "[2/3", "[3/3"]
    assert before == (sorted(folder.rglob("*")), [p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_what_runs_and_leaves_the_rows_so_far(how, tmp_path):
    (tmp_path / "a.ipynb").write_text("")
    pid = tmp_path / "pid"
    handed_in(tmp_path, f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\n{SOLVE}time.sleep(99)",
              solved("05-signs"), name="b.ipynb")  # fmt: skip
    process = grade_command(tmp_path, "--output", tmp_path / "grades.csv")
    end = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(how)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert not psutil.pid_exists(int(pid.read_text()))
    assert "The notebooks that were graded are in the table." in errors
    assert out == ""
    rows = list(csv.reader(io.StringIO((tmp_path / "grades.csv").read_text())))
    assert [row[:3] for row in rows[1:]] == [[f"{tmp_path}/a.ipynb", "unreadable", "It is empty."]]


def test_a_grader_that_is_killed_takes_the_notebook_along(tmp_path):
    pid = tmp_path / "pid"
    handed_in(
        tmp_path,
        f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(99)",
        solved("05-signs"),
    )
    process = grade_command(tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)})  # it cannot tidy up
    end = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    end = time.monotonic() + 10
    while _lives(int(pid.read_text())) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _lives(int(pid.read_text()))


def _lives(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["grade"], "DIR"),
        (["grade", "nowhere"], "DIR has to be a folder, got 'nowhere'"),
        (["grade", "tests", "--timeout", "0"], "a whole number from 1 is needed, got '0'"),
        (["grade", "tests", "--memory", "much"], "a whole number from 1 is needed, got 'much'"),
        (["grade", "tests", "--chapters", "tests/nowhere"], "a folder that holds data/ is needed, got 'tests/nowhere'"),
        (["grade", "tests", "--output", "nowhere/x.csv"], "The table cannot be written"),
    ],
)
def test_a_wrong_argument_is_named(arguments, says, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as refusal:
        command.main(arguments)
    assert refusal.value.code != 0
    assert says in f"{refusal.value.code}{capsys.readouterr().err}"


def test_without_limits_on_processes_nothing_is_run(monkeypatch, tmp_path):
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: None)
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit, match="On Windows, run it inside WSL"):
        command.main(["grade", str(tmp_path)])


def test_only_processes_started_within_are_ended():
    before = subprocess.Popen(["sleep", "99"])
    with processes.family() as members:
        within = subprocess.Popen(["sleep", "99"], start_new_session=True)
        assert [each.pid for each in members()] == [within.pid]
    assert not psutil.pid_exists(within.pid)
    assert before.poll() is None
    before.kill()
    before.wait()
    within.wait()
