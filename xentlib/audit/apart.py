"""The audit in a separate process, which the loss may crash, end or hold up."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import sys
import threading
from argparse import Namespace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from xentlib.audit import Report, audit
from xentlib.audit.findings import Finding

PATIENCE = 10.0  #: seconds beyond the limit of a call, for imports that hold Python's lock


def find(path: str) -> Any:
    """Return the function at `package.module:function`."""
    module, colon, name = path.partition(":")
    if not colon:
        raise ValueError(f"loss must be package.module:function; got {path!r}")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def run(asked: Namespace) -> tuple[int, str]:
    """Return the exit status, and the report or why there is none."""
    names = ("label_smoothing", "ignore_index", "class_weights", "reduction")
    options = {name: getattr(asked, name) for name in names if getattr(asked, name) is not None}
    sys.path.insert(0, os.getcwd())
    try:
        loss = find(asked.loss)
        report = audit(loss, dtype=asked.dtype, framework=asked.framework, time_limit=asked.time_limit, **options)
    except (Exception, SystemExit) as error:  # of the arguments, or of the module at its import
        return 2, f"error: {type(error).__name__}: {error}"
    return _printed(report, asked)


def _printed(report: Report, asked: Namespace) -> tuple[int, str]:
    text = json.dumps(report.as_dict(), indent=1, ensure_ascii=False) if asked.json else str(report)
    return int(not report.ok), text


def work(asked: Namespace, pipe: Connection) -> None:
    """Run in the child: send None each second while Python's lock is free, and finally the report."""
    os.dup2(sys.stderr.fileno(), 1)  # what the loss prints, from C too, is not part of the report
    results: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: results.append(run(asked)), daemon=True)
    thread.start()
    while thread.is_alive():
        pipe.send(None)
        thread.join(1)
    pipe.send(results[0])


def run_apart(asked: Namespace, patience: float = PATIENCE) -> tuple[int, str]:
    """Return what `run` finds in a separate process, which the loss may crash, end or hold up."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=work, args=(asked, sender), daemon=True)
    child.start()
    sender.close()  # so that the receiver sees the end of the child
    try:
        while receiver.poll(asked.time_limit + patience):
            found = receiver.recv()
            if found is not None:
                return found
        problem = f"held Python's lock for more than {asked.time_limit + patience:g} s"
    except EOFError:
        child.join()
        code = child.exitcode or 0
        problem = "ended the process" + (f" by signal {-code}" if code < 0 else f" with status {code}")
    child.kill()
    nothing = np.empty((0, 0))
    finding = Finding("process", "wrong", problem, nothing, [], problem, "a result")
    return _printed(Report(asked.loss, asked.dtype, {}, (finding,), ()), asked)
