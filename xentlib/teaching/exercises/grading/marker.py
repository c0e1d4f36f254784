"""The process that judges one returned notebook. It reads a job from its input, and writes what it finds, line by line.

The notebook's cells run in a process of their own, the `learner`, and answers come from there as data (`wire`). So
whatever the cells do to the checker that they see, this one is as it was.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading

from xentlib.teaching.exercises import all_exercises, checking, find
from xentlib.teaching.exercises.grading import wire
from xentlib.teaching.exercises.grading.line import Closed, Line


def main(job):
    limit_memory(job["memory"])
    all_exercises()  # loaded before anything of the notebook runs
    checking.LONGEST_PROOF = 0.1  # a proof decides nothing that the spot check has not
    ours, theirs = socket.socketpair()
    learner = _start(job, theirs)
    theirs.close()
    flood = threading.Event()
    threading.Thread(target=_drain, args=(learner, job["output"], flood), daemon=True).start()
    threading.Thread(target=_end_with_grader, args=(learner,), daemon=True).start()
    try:
        _run(Line(ours), job["cells"])
    except Closed:
        _tell(flooded=True) if flood.is_set() else _tell(died=_how_it_died(learner))
    else:
        _tell(finished=True)
    os._exit(0)  # the grader ends what the learner has left behind


def _start(job, theirs):
    arguments = map(str, [theirs.fileno(), job["memory"], job["timeout"]])
    command = [sys.executable, "-P", "-m", "xentlib.teaching.exercises.grading.learner", *arguments]
    return subprocess.Popen(
        command, pass_fds=[theirs.fileno()], cwd=job["folder"], env=job["environment"], start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def limit_memory(megabytes):
    """Let this process, and each that it starts, have so much memory and leave no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "darwin":  # where the kernel does not heed it
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20,) * 2)


def _end_with_grader(learner):
    """Wait for the end of the input, which the grader holds open as long as it lives."""
    sys.stdin.read()
    os.killpg(learner.pid, signal.SIGKILL)
    os._exit(1)


def _drain(learner, limit, flood):
    """Read away what the cells print, and stop them if it does not end."""
    while part := learner.stdout.read1(1 << 16):
        limit -= len(part)
        if limit < 0:
            flood.set()
            os.killpg(learner.pid, signal.SIGKILL)
            return


def _run(line, cells):
    for number, source in enumerate(cells, 1):
        _tell(cell=number)
        line.send(run=source)
        while "check" in (message := line.receive()):
            result = _judge(line, message["check"], message.get("answer"))
            line.send(solved=result.solved, says=result.says)
        if message.get("raised"):
            _tell(raised=str(message["raised"]))


def _judge(line, id, coded):
    """Judge an answer, tell the grader, and return the result."""
    exercise, answer = find(id), wire.decode(coded)
    if isinstance(exercise, str):
        return checking.Result(False, exercise)
    if exercise.kind == "code" and isinstance(answer, wire.Function):
        answer = _played_back(list(_calls(line, len(exercise.inputs))))
    result = checking.judge(exercise, answer)
    blank = result.says.startswith(f"{exercise.id}: not answered yet")
    _tell(id=exercise.id, verdict="solved" if result else "not answered" if blank else "not solved")
    return result


def _calls(line, count):
    """Yield what a function returned for each input of its exercise, up to the first for which it failed."""
    for number in range(count):
        line.send(call=number)
        message = line.receive()
        failure = str(message.get("failure") or "")
        yield wire.decode(message.get("value")), failure
        if failure:
            return


def _played_back(outcomes):
    """Return a function that answers call after call as the notebook's own did."""
    remaining = iter(outcomes)

    def answer(*_):
        value, failure = next(remaining)
        if failure:
            raise RuntimeError(failure)
        return value

    return answer


def _how_it_died(learner):
    try:
        code = learner.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return "it cut the line to the grader"
    return f"it was killed by {signal.Signals(-code).name}" if code < 0 else f"it exited with status {code}"


def _tell(**event):
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.stdin.readline()))
