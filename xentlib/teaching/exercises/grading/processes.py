"""The processes that a notebook starts: to find them all, and to end them all."""

import contextlib
import ctypes
import os
import signal
import sys

import psutil

_PR_SET_CHILD_SUBREAPER = 36  # of Linux's prctl


@contextlib.contextmanager
def family():
    """Give a function that lists the processes started since, theirs included, and end them when the block ends.

    On Linux a process whose parent has gone becomes ours, so that none gets away by leaving its session.
    """
    before = set(_descendants())
    _adopt_orphans(True)

    def members():
        return [process for process in _descendants() if process not in before]

    try:
        yield members
    finally:
        _end(members)
        _adopt_orphans(False)


def _descendants():
    return psutil.Process().children(recursive=True)


def _adopt_orphans(yes):
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def _end(members):
    """Kill until none is left: a process may start another one while it is killed."""
    for _ in range(100):
        left = members()
        if not left:
            return
        for process in left:
            with contextlib.suppress(OSError, psutil.Error):
                _kill(process)
        psutil.wait_procs(left, timeout=1)


def _kill(process):
    group = os.getpgid(process.pid)
    if group == os.getpgrp():
        process.kill()
    else:
        os.killpg(group, signal.SIGKILL)  # in one step, so that a group that keeps forking ends, too
