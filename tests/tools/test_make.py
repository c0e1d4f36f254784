"""Whatever goes wrong in `make`, the next one finds a complete book and a complete environment, or makes them.

The project here is a small one: this Makefile and these tools, two pages, and a Jupyter Book that fails as it is told.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="The Makefile is for Linux and macOS.")

JUPYTER_BOOK = """
import os, sys, time
from pathlib import Path

def main(args, standalone_mode):
    text = Path("teachers.md").read_text()
    folder = Path(args[args.index("--path-output") + 1], "_build", "html")
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(text)
    with open("log", "a") as log:
        log.write("book\\n")
    try:
        time.sleep(60 if "forever" in text else 1 if "slowly" in text else 0)
    except BaseException:
        pass  # as Sphinx does while it imports what it documents
    if "dead link" in text:
        raise RuntimeError("There was an error in building your book.")
    for name in ("index.html", "search.html"):
        (folder / name).write_text(text)
"""
LATE = """
import time
from pathlib import Path

Path("_build/html").mkdir()
Path("_build/html/index.html").write_text("new")
Path("log").write_text("book")
time.sleep(60)
"""
LITE = """
import sys
from pathlib import Path

folder = Path(sys.argv[-1])
folder.mkdir(parents=True, exist_ok=True)
(folder / "ready").touch()
"""


@pytest.fixture
def project(tmp_path):
    """A small project, set up already."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_config.yml", "_toc.yml", "references.bib", "requirements.txt"):
        (tmp_path / name).touch()
    write(tmp_path / "teachers.md", "first")
    write(tmp_path / "jupyter_book" / "__init__.py", "")
    write(tmp_path / "jupyter_book" / "cli" / "__init__.py", "")
    write(tmp_path / "jupyter_book" / "cli" / "main.py", JUPYTER_BOOK)
    for name in ("build", "fetch"):
        write(tmp_path / "tools" / "lite" / f"{name}.py", LITE)
    write(tmp_path / "tools" / "setup_venv.py", "")
    for name in ("ruff", "mypy", "pytest"):
        script(tmp_path / ".venv" / "bin" / name, f"echo {name} >> log")
    # This Python's own path may have a space, where make would end it.
    for python in tmp_path / ".venv" / "bin" / "python", tmp_path / "python":
        script(python, f'exec "{sys.executable}" "$@"')
    (tmp_path / ".venv" / "ready").touch()
    (tmp_path / ".venv" / "lab-ready").touch()
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def script(path, line):
    write(path, f"#!/bin/sh\n{line}\n").chmod(0o755)


def start(project, *command):
    """Start a command in a process group of its own, as a terminal does."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=project, env=inherited, start_new_session=True, **output)


def make(project, *what):
    return start(project, "make", "PYTHON=./python", *what)


def finish(running, signal_number=None):
    """Send its whole group a signal, as Ctrl-C does, and return the exit status and what was printed."""
    if signal_number:
        os.killpg(running.pid, signal_number)
    printed, _ = running.communicate(timeout=30)
    return running.returncode, printed


def log(project):
    return (project / "log").read_text().split() if (project / "log").exists() else []


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def built(project):
    status, printed = finish(make(project, "book"))
    assert status == 0, printed


def book(project):
    """Return what the book's pages say."""
    return {path.name: path.read_text() for path in (project / "_build" / "html").iterdir()}


def complete(text):
    return {"index.html": text, "search.html": text}


def test_a_failed_build_leaves_the_old_book_and_fails_again(project):
    built(project)
    write(project / "teachers.md", "dead link")
    for _ in range(2):
        assert finish(make(project, "book"))[0] != 0
        assert book(project) == complete("first")
    write(project / "teachers.md", "second")
    built(project)
    assert book(project) == complete("second")
    built(project)
    assert log(project) == ["book"] * 4


def test_a_book_that_was_never_built_fails_again(project):
    write(project / "teachers.md", "dead link")
    for _ in range(2):
        assert finish(make(project, "book"))[0] != 0
        assert not (project / "_build" / "html").exists()


def test_the_tests_fail_with_the_book(project):
    write(project / "teachers.md", "dead link")
    for _ in range(2):
        assert finish(make(project, "test"))[0] != 0
    assert "pytest" not in log(project)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_build_that_is_stopped_leaves_the_old_book(project, stop):
    built(project)
    write(project / "teachers.md", "forever")
    running = make(project, "book")
    wait_for(lambda: log(project) == ["book", "book"])
    status, printed = finish(running, stop)
    assert status != 0
    assert "Traceback" not in printed
    assert book(project) == complete("first")
    write(project / "teachers.md", "second")
    built(project)
    assert book(project) == complete("second")
    assert sorted(path.name for path in (project / "_build").iterdir()) == ["html", "lite", "source"]


def test_what_is_edited_while_the_book_is_built_is_in_the_next(project):
    write(project / "teachers.md", "slowly")
    running = make(project, "book")
    wait_for(lambda: log(project) == ["book"])
    write(project / "teachers.md", "edited")
    assert finish(running)[0] == 0
    assert book(project) == complete("slowly")
    built(project)
    assert book(project) == complete("edited")


def test_two_at_once_build_one_book(project):
    write(project / "teachers.md", "slowly")
    both = [make(project, "book"), make(project, "book")]
    results = [finish(each) for each in both]
    assert [status for status, _ in results] == [0, 0]
    assert log(project) == ["book"]
    assert book(project) == complete("slowly")
    assert sum("waiting" in printed for _, printed in results) == 1


def test_the_old_book_is_read_while_the_new_one_is_built(project):
    built(project)
    write(project / "teachers.md", "slowly")
    running = make(project, "book")
    wait_for(lambda: log(project) == ["book", "book"])
    assert book(project) == complete("first")
    finish(running)
    assert book(project) == complete("slowly")


SET_UP = """
import os, sys
sys.path.insert(0, "tools")
import setup_venv, venv

def create(folder, **options):
    os.makedirs(folder + "/bin", exist_ok=True)
    with open("log", "a") as log:
        log.write("environment\\n")
    with open(folder + "/bin/python", "w") as python:
        python.write('#!/bin/sh\\ntest "$2" = pip && set pip.py\\nexec "%s" "$@"\\n' % sys.executable)
    os.chmod(folder + "/bin/python", 0o755)

venv.create = create
setup_venv.main(".venv", "requirements.txt")
"""
PIP = """
import sys, time
from pathlib import Path

with open("log", "a") as log:
    log.write("pip\\n")
try:
    time.sleep(float(Path("requirements.txt").read_text()))
except KeyboardInterrupt:
    sys.exit("ERROR: Operation cancelled by user")
with open("log", "a") as log:
    log.write("installed\\n")
"""


@pytest.fixture
def bare_project(project):
    """A small project that is not set up, and whose pip takes as long as requirements.txt says."""
    shutil.copy(ROOT / "tools" / "setup_venv.py", project / "tools" / "setup_venv.py")
    write(project / "set_up.py", SET_UP)
    write(project / "pip.py", PIP)
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    write(project / "Makefile", makefile.replace("tools/setup_venv.py", "set_up.py"))
    write(project / "requirements.txt", "0.1")
    (project / ".venv" / "ready").unlink()
    return project


def test_an_interrupted_set_up_says_so_in_one_line_and_begins_again(bare_project):
    write(bare_project / "requirements.txt", "60")
    running = start(bare_project, sys.executable, "set_up.py")
    wait_for(lambda: log(bare_project) == ["environment", "pip"])
    status, printed = finish(running, signal.SIGINT)
    assert status == 130
    assert printed.splitlines()[1:] == [
        "ERROR: Operation cancelled by user",
        "The set-up was interrupted. The next run begins it again.",
    ]
    assert not (bare_project / ".venv" / "ready").exists()
    write(bare_project / "requirements.txt", "0.1")
    built(bare_project)
    assert log(bare_project)[2:] == ["environment", *["pip", "installed"] * 2, "book"]


def test_a_set_up_that_fails_says_why_and_fails_again(bare_project):
    write(bare_project / "requirements.txt", "no number")
    for _ in range(2):
        status, printed = finish(make(bare_project, "test"))
        assert status != 0
        assert "could not convert string to float: 'no number'" in printed
        assert "The set-up failed" in printed
    assert log(bare_project) == ["environment", "pip"] * 2


def test_two_at_once_set_up_once(bare_project):
    write(bare_project / "requirements.txt", "1")
    both = [make(bare_project, "book"), make(bare_project, "exercises")]
    printed = [finish(each)[1] for each in both]
    assert log(bare_project).count("environment") == 1
    assert sum("waiting" in each for each in printed) == 1


def test_requirements_that_change_during_the_set_up_are_seen_by_the_next(bare_project):
    write(bare_project / "requirements.txt", "1")
    running = make(bare_project, "book")
    wait_for(lambda: log(bare_project) == ["environment", "pip"])
    write(bare_project / "requirements.txt", "0.1")
    finish(running)
    built(bare_project)
    assert log(bare_project).count("environment") == 2


def test_what_outlives_its_make_keeps_others_waiting(project):
    alone = [sys.executable, "tools/one_at_a_time.py"]
    first = start(project, *alone, "sh", "-c", "sleep 1 > /dev/null 2>&1 &")
    assert finish(first) == (0, "")
    began = time.monotonic()
    assert "waiting" in finish(start(project, *alone, "true"))[1]
    assert time.monotonic() - began > 0.5


def test_who_waits_can_be_interrupted(project):
    alone = [sys.executable, "tools/one_at_a_time.py"]
    first = start(project, *alone, "sleep", "60")
    wait_for((project / ".lock").exists)
    second = start(project, *alone, "true")
    assert "waiting" in second.stdout.readline()
    assert finish(second, signal.SIGINT) == (130, "")
    finish(first, signal.SIGTERM)


def test_where_nothing_can_be_locked_the_command_runs(project):
    no_locks = """
import fcntl, sys
sys.path.insert(0, "tools")
import one_at_a_time

def refuse(*arguments):
    raise OSError("no locks available")

fcntl.flock = refuse
one_at_a_time.main(["echo", "done"])
"""
    assert finish(start(project, sys.executable, "-c", no_locks)) == (0, "done\n")


def test_cleaning_waits_for_the_build(project):
    write(project / "teachers.md", "slowly")
    building = make(project, "book")
    wait_for(lambda: log(project) == ["book"])
    cleaning = make(project, "clean")
    assert finish(building)[0] == finish(cleaning)[0] == 0
    assert not (project / "_build").exists()
    assert not (project / ".venv").exists()


def test_what_is_half_cleaned_counts_as_not_made(project):
    """An `rm` that is interrupted after its first folder stands for all of them."""
    built(project)
    script(project / "bin" / "rm", 'for each; do test -d "$each" && exit 1; /bin/rm -f "$each"; done')
    path = f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}"
    assert finish(start(project, "env", f"PATH={path}", "make", "PYTHON=./python", "clean"))[0] != 0
    assert not (project / "_build" / "html" / "index.html").exists()
    assert not (project / ".venv" / "ready").exists()


def test_an_interrupt_at_the_very_end_does_not_delete_the_new_book(project):
    write(project / "tools" / "build_book.py", LATE)
    running = make(project, "book")
    wait_for(lambda: log(project) == ["book"])
    assert finish(running, signal.SIGINT)[0] != 0
    assert book(project) == {"index.html": "new"}


@pytest.mark.parametrize(
    ("link", "end", "complaint"),
    [
        ("", "pass", ""),
        ("[dead](nowhere.md)", "pass", "cross-reference target not found: 'nowhere.md'"),
        ("", "raise OSError('No space left on device')", "No space left on device"),
    ],
    ids=["nothing", "dead link", "full disk"],
)
def test_what_goes_wrong_in_the_real_jupyter_book_is_said_and_stops_it(tmp_path, link, end, complaint):
    write(tmp_path / "_config.yml", "only_build_toc_files: true\nsphinx: {local_extensions: {last: .}}\n")
    write(tmp_path / "_toc.yml", "format: jb-book\nroot: index\n")
    write(tmp_path / "index.md", f"# Book\n\n{link}\n")
    write(tmp_path / "last.py", f"def end(*_):\n    {end}\n\ndef setup(app):\n    app.connect('build-finished', end)\n")
    write(tmp_path / "_build" / "html" / "index.html", "old")
    status, printed = finish(
        start(tmp_path, "env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tools.build_book", "_build/html")
    )
    if complaint:
        assert status == 1
        assert complaint in printed
        assert printed.endswith("The book was not built. What _build/html holds is as it was.\n")
        assert book(tmp_path) == {"index.html": "old"}
    else:
        assert (status, printed) == (0, "")
        assert (tmp_path / "_build" / "html" / "search.html").exists()
    assert os.listdir(tmp_path / "_build") == ["html"]


def test_what_jupyter_book_says_of_a_faulty_table_of_contents_is_passed_on(tmp_path):
    write(tmp_path / "_config.yml", "only_build_toc_files: true\n")
    write(tmp_path / "_toc.yml", "format: jb-book\nroot: index\nchapters:\n  - file: one\n  - file: one\n")
    for name in ("index", "one"):
        write(tmp_path / f"{name}.md", "# Title\n")
    running = start(tmp_path, "env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tools.build_book", "_build/html")
    status, printed = finish(running)
    assert status == 1
    assert "document file used multiple times: 'one'" in printed
    assert "====" not in printed
