"""Grade returned notebooks in batch: `python -m xentlib.teaching.exercises grade returned > grades.csv`.

Each notebook runs in a process of its own, the `learner`. It is below a second one, the `marker`, which judges the
answers. Both are ended here when their time is up. Of the three processes only this one has to survive.
"""

import contextlib
import csv
import functools
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from xentlib.teaching.exercises import all_exercises
from xentlib.teaching.exercises.grading import processes

HEAD = ("path", "status", "what happened", "solved", "total")
VERDICTS = ("missing", "not answered", "not solved", "solved")  # each counts for more than the ones before

_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")  # of the environment; a notebook needs no more


@dataclass(frozen=True)
class Limits:
    """What one notebook may use."""

    timeout: int = 120  #: seconds, from its first cell on; to start may take as long
    memory: int = 4096  #: MB, for each of its processes
    output: int = 10  #: MB that its cells may print
    processes: int = 64  #: at one time


@dataclass
class Run:
    """What was seen of a notebook while it ran."""

    cell: int = 0  # of the code cells, from 1
    status: str = ""
    says: str = ""
    raised: list = field(default_factory=list)
    verdicts: dict = field(default_factory=dict)

    def end(self, status, says):
        self.status, self.says = status, says


def grade(returned, chapters, limits):
    """Run a `Returned` notebook and return its Run. Whatever the notebook does, it is a Run.

    Parameters
    ----------
    returned : Returned
        What was handed in.
    chapters : path
        The folder of the chapters, whose data/ is put beside the notebook.
    limits : Limits
        What it may use.
    """
    run = Run()
    if returned.trouble:
        run.end("unreadable", returned.trouble)
    elif not returned.shown:
        run.end("graded", "It holds no exercise of the book, and was not run.")
    else:
        with _own_folder(chapters) as folder, contextlib.ExitStack() as ended, processes.family() as members:
            marker = ended.enter_context(_marker(returned, folder, limits))  # to be closed when the family has ended
            _follow(marker, run, limits, members)
    run.verdicts = {id: _verdict(id, returned, run) for id in returned.expected}
    return run


def _verdict(id, returned, run):
    return run.verdicts.get(id, "not solved" if id in returned.asked else "missing")


@contextlib.contextmanager
def _own_folder(chapters):
    """Give a temporary folder with a copy of the data, and an empty home beside it."""
    with tempfile.TemporaryDirectory(prefix="xentlib-", ignore_cleanup_errors=True) as folder:
        shutil.copytree(Path(chapters) / "data", Path(folder) / "work" / "data")
        (Path(folder) / "home").mkdir()
        for file in _font_lists():
            shutil.copy(file, Path(folder) / "home")
        yield Path(folder)


@functools.cache
def _font_lists():
    """Return the files in which Matplotlib keeps the fonts that it found, so that it need not search again."""
    import matplotlib

    return list(Path(matplotlib.get_cachedir()).glob("fontlist*.json"))


def _marker(returned, folder, limits):
    """Start the process that judges, and hand it its job."""
    path = os.pathsep.join(entry for entry in sys.path if os.path.isabs(entry))
    home = str(folder / "home")
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "PYTHONPATH": path, "HOME": home, "TMPDIR": home, "IPYTHONDIR": home, "MPLCONFIGDIR": home,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline", "OPENBLAS_NUM_THREADS": "1", "XENTLIB_PROGRESS": "",
    }  # fmt: skip
    marker = subprocess.Popen(
        [sys.executable, "-P", "-m", "xentlib.teaching.exercises.grading.marker"],
        env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    job = {
        "cells": returned.cells, "folder": str(folder / "work"), "environment": environment,
        "memory": limits.memory, "timeout": limits.timeout, "output": limits.output << 20,
    }  # fmt: skip
    with contextlib.suppress(BrokenPipeError):  # it ended at once, and its silence will be noticed
        marker.stdin.write(json.dumps(job) + "\n")
        marker.stdin.flush()
    return marker


def _follow(marker, run, limits, members):
    """Note what the marker reports, until it or its time ends."""
    lines = queue.SimpleQueue()
    threading.Thread(target=_read, args=(marker.stdout, lines), daemon=True).start()
    end = time.monotonic() + limits.timeout
    while not run.status:
        with contextlib.suppress(queue.Empty):
            event = lines.get(timeout=0.1)
            _note(event, run, limits)
            if event == {"cell": 1}:
                end = time.monotonic() + limits.timeout
        if run.status:
            return
        if time.monotonic() > end:
            run.end("stopped", f"It was still running after {limits.timeout} seconds, in code cell {run.cell}.")
        elif len(members()) > limits.processes:
            run.end("stopped", f"It started more than {limits.processes} processes, in code cell {run.cell}.")


def _read(stream, lines):
    with contextlib.suppress(ValueError):  # closed meanwhile
        for line in stream:
            lines.put(json.loads(line))
    lines.put({"gone": True})


def _note(event, run, limits):
    match event:
        case {"cell": number}:
            run.cell = number
        case {"raised": what}:
            run.raised.append((run.cell, what))
        case {"id": id, "verdict": verdict}:
            run.verdicts[id] = max(run.verdicts.get(id, "missing"), verdict, key=VERDICTS.index)
        case {"finished": True}:
            run.end("graded", _finished(run))
        case {"flooded": True}:
            run.end("stopped", f"It printed more than {limits.output} MB, in code cell {run.cell}.")
        case {"died": how}:
            run.end("crashed", f"Its process ended in code cell {run.cell}: {how}.")
        case {"gone": True}:
            run.end("crashed", f"The process that judges it ended in code cell {run.cell}.")


def _finished(run):
    if not run.raised:
        return f"All {run.cell} code cells ran."
    cell, what = run.raised[0]
    return f"{len(run.raised)} of {run.cell} code cells raised an error, the first is {cell}: {what}."


# The table


class Table:
    """Writes a row for each notebook as soon as it is graded."""

    def __init__(self, file, everything):
        expected = {id for returned in everything for id in returned.expected}
        self._ids = [exercise.id for exercise in all_exercises() if exercise.id in expected]
        self._file, self._writer = file, csv.writer(file, lineterminator="\n")
        self._write([*HEAD, *self._ids])

    def add(self, returned, run):
        """Write the row of one notebook. An exercise of a chapter that it is no part of has an empty cell."""
        verdicts = [run.verdicts.get(id, "") for id in self._ids]
        solved = verdicts.count("solved")
        self._write([plain(returned.path), run.status, plain(run.says), solved, len(returned.expected), *verdicts])

    def _write(self, row):
        self._writer.writerow(row)
        self._file.flush()


def plain(text):
    """Return text in which nothing moves a terminal's cursor, and which can be written in any encoding of Unicode."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
