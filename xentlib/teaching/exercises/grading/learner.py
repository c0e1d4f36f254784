"""The process in which a returned notebook runs. Nothing that it says is trusted: it hands over answers, as data.

It is started by `marker`, with the number of an open socket. The cells run as in Jupyter, by IPython, with magics and
figures; what they print goes to the marker, which counts it.
"""

import json
import os
import re
import resource
import socket
import sys
import threading

from IPython.core.interactiveshell import InteractiveShell

from xentlib.teaching import exercises
from xentlib.teaching.exercises import checking, guard
from xentlib.teaching.exercises.grading import wire
from xentlib.teaching.exercises.grading.line import Closed, Line
from xentlib.teaching.exercises.grading.marker import limit_memory

LARGEST_FILE = 100  #: MB that the notebook may write into one file


class Shell(InteractiveShell):
    """IPython without a terminal."""

    def enable_gui(self, gui=None):
        """Have no windows: figures are drawn as in a notebook."""


def main(descriptor, memory, seconds):
    limit_memory(memory)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE << 20,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds * (os.cpu_count() or 1),) * 2)
    line = Line(socket.socket(fileno=descriptor))
    exercises.check = _handing_over(line, exercises.check)
    checking.LONGEST_PROOF = 0.1  # nobody reads what the solutions that are left in are told
    shell = Shell.instance()
    shell.history_manager.enabled = False  # its file is in a folder that the notebook may delete
    while True:
        try:
            source = line.receive()["run"]
        except Closed:
            os._exit(0)  # with the marker gone, nobody waits for threads that were left behind
        line.send(raised=_run(shell, source))


def _run(shell, source):
    """Run a cell, and return in one line what it raised, or ""."""
    try:
        result = shell.run_cell(source, store_history=True)
    except BaseException as error:  # an interrupt that IPython did not take for its own
        return _in_one_line(error)
    error = result.error_before_exec or result.error_in_exec
    return _in_one_line(error) if error else ""


def _in_one_line(error):
    try:
        text = str(error)
    except BaseException:  # an error of the notebook's own making
        text = ""
    return re.sub(r"\s+", " ", f"{type(error).__name__}: {text}"[:200]).rstrip(": ")


def _handing_over(line, check_here):
    """Return a `check` that gives the answer to the marker, and says what the marker says."""
    turn = threading.RLock()

    def check(id, answer, *, record=True):
        exercise = exercises.find(id)
        if isinstance(exercise, str) or not record:
            return check_here(id, answer, record=False)
        with turn:
            line.send(check=exercise.id, answer=_as_data(answer))
            while "call" in (message := line.receive()):
                line.send(**_called(exercise, answer, message["call"]))
        return checking.Result(message["solved"], message["says"])

    check.__doc__ = check_here.__doc__
    return check


def _as_data(value):
    """Return a value as `wire` encodes it, or as unknown if that fails, or is more than is taken."""

    def coded():
        data = wire.encode(value)
        return data if len(json.dumps(data)) <= wire.LARGEST else {"unknown": True}

    outcome = guard.run(coded)
    return {"unknown": True} if outcome.failure else outcome.value


def _called(exercise, answer, number):
    """Call an answer with one of the exercise's inputs, and return its value, or what went wrong."""
    given, kept = (checking.copies_of(exercise.inputs[number]) for _ in range(2))
    outcome = guard.run(lambda: _as_data(answer(*given)))
    if outcome.failure:
        return {"value": None, "failure": outcome.failure}
    if not all(checking.is_unchanged(now, before) for now, before in zip(given, kept, strict=True)):
        return {"value": None, "failure": "changed its argument"}
    return {"value": outcome.value, "failure": ""}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
