"""Run a learner's code: stop it if it takes too long, and turn what it raises into a sentence."""

import itertools
import re
import signal
import sys
import sysconfig
import threading
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

LIMIT = 5.0  #: seconds that one call may take
SOON = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4)  # seconds to the next alarm: who catches one is hit by another in the handler

_LIBRARIES = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
_NOT_THEIRS = (str(Path(__file__).parents[2]), *_LIBRARIES, "<frozen")


class OutOfTime(BaseException):
    """Raised inside code that runs too long. Not an `Exception`, so that `except Exception` does not catch it."""


class Outcome(NamedTuple):
    """What a call returned, or, in a sentence, why it returned nothing."""

    value: Any = None
    failure: str = ""


def run(function, *args, limit=None):
    """Call `function`, and return an Outcome whatever it does. Only the user's own interrupt gets through.

    The clock is a timer of the system (SIGALRM) in the main thread where there is one. In other threads, on Windows and
    in the browser the code is traced instead, which is slower, and which code that catches
    *every* exception survives. Neither can stop a single call into compiled code. Warnings are silenced, since their
    text names files that differ from run to run.
    """
    limit = LIMIT if limit is None else limit
    timed, how = (_with_alarm, "a timer") if _has_alarm() else (_traced, "tracing it, as there is no timer here")
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Outcome(timed(function, args, limit))
    except OutOfTime:
        return Outcome(failure=f"was still running after {limit:g} seconds: stopped by {how}. Does a loop never end?")
    except (Exception, SystemExit, GeneratorExit) as error:
        return Outcome(failure=_told(error))


def _has_alarm():
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and hasattr(signal, "setitimer") and sys.platform != "emscripten"


def _with_alarm(function, args, limit):
    running = True
    delays = itertools.cycle(SOON)

    def ring(_, frame):
        # Only in frames below this one, so that what is tidied up at the end is never interrupted.
        if running and frame.f_code not in (_with_alarm.__code__, ring.__code__):
            signal.setitimer(signal.ITIMER_REAL, next(delays), SOON[-1])
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    rest, every = signal.setitimer(signal.ITIMER_REAL, limit, SOON[-1])
    try:
        return function(*args)
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, rest, every)
        signal.signal(signal.SIGALRM, before)


def _traced(function, args, limit):
    end = time.monotonic() + limit

    def tracer(frame, *_):
        if time.monotonic() > end:
            raise OutOfTime
        if frame.f_code.co_filename.startswith(_NOT_THEIRS):  # it is enough to look when libraries make calls
            return None
        frame.f_trace_opcodes = True  # `while True: pass` never comes to a new line
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        return function(*args)
    finally:
        sys.settrace(before)


def _told(error):
    """Return what was raised, and the learner's own line that raised it, without what differs from run to run."""
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(str(error).split()))
    text = f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_NOT_THEIRS)]
    if not own:
        return f"raised {text}"
    return f"raised {text}\n  in line {own[-1].lineno}: {own[-1].line}"
