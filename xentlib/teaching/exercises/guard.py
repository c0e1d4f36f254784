"""Run a learner's code: stop it if it takes too long, and turn what it raises into a sentence."""

from __future__ import annotations

import contextvars
import ctypes
import itertools
import re
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

LIMIT = 5.0  #: seconds that one call may take
SOON = (
    1e-6,
    3e-6,
    1e-5,
    3e-5,
    1e-4,
)  # seconds to the next alarm: who catches one meets the next in the handler

WATCHED = 8  # in the browser, one in so many functions of a library looks at the clock
_MONITORING: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on, as in Pyodide
TOOL = 4  # the number under which sys.monitoring knows this module: neither a debugger's nor a profiler's

# Where the modules say that they are: in the browser sysconfig says //lib, and their code /lib.
_LIBRARIES = (Path(traceback.__file__).parent, Path(np.__file__).parents[1], Path(__file__).parents[2])
_NOT_THEIRS = (*map(str, _LIBRARIES), "<frozen")


class OutOfTime(BaseException):
    """Raised inside code that runs too long. Not an `Exception`, so that `except Exception` does not catch it."""


class Outcome(NamedTuple):
    """What a call returned, or, in a sentence, why it returned nothing."""

    value: Any = None
    failure: str = ""


def run(function: Callable, *args: Any, limit: float | None = None) -> Outcome:
    """Call `function`, and return an Outcome whatever it does. Only the user's own interrupt gets through.

    The clock is a timer of the system (SIGALRM) in the main thread where there is one. In other threads and on Windows
    the code gets a separate thread, which is abandoned when time is up, with an exception raised in it. The browser has
    neither: there the code looks at the clock itself wherever a function or the next round of a loop begins. The timer
    and the browser cannot stop a single call into compiled code. Warnings are silenced, since their text names files
    that differ from run to run.
    """
    limit = LIMIT if limit is None else limit
    timed, how = _clock()
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Outcome(timed(function, args, limit))
    except OutOfTime:
        return Outcome(failure=f"was still running after {limit:g} seconds: stopped by {how}. Does a loop never end?")
    except (Exception, SystemExit, GeneratorExit) as error:
        return Outcome(failure=_told(error))


def _clock():
    """Return what can stop a call here, and the words for it."""
    if sys.platform == "emscripten":
        return _watched, "a look at the clock"
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        return _with_alarm, "a timer"
    return _in_its_own_thread, "another thread"


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


def _in_its_own_thread(function, args, limit):
    ended: list[tuple[Any, BaseException | None]] = []

    def call():
        try:
            ended.append((function(*args), None))
        except BaseException as error:
            ended.append((None, error))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(call,), daemon=True)
    thread.start()
    try:
        thread.join(limit)
    finally:
        if thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(OutOfTime))
    if not ended:
        raise OutOfTime
    value, error = ended[0]
    if error:
        raise error
    return value


def _watched(function, args, limit):
    end, running, monitor = time.monotonic() + limit, True, _MONITORING
    events = (monitor.events.PY_START, monitor.events.JUMP)

    def look(code, *_):
        if running and time.monotonic() > end:
            raise OutOfTime
        # A long computation in a library calls many of its functions: looking in a few of them costs next to nothing.
        few = code.co_firstlineno % WATCHED == 0
        return None if few or not code.co_filename.startswith(_NOT_THEIRS) else monitor.DISABLE

    if not monitor.get_tool(TOOL):
        monitor.use_tool_id(TOOL, __name__)
    watched_before = monitor.get_events(TOOL)
    looks_before = [monitor.register_callback(TOOL, event, look) for event in events]
    monitor.set_events(TOOL, sum(events))
    try:
        return function(*args)
    finally:
        running = False
        monitor.set_events(TOOL, watched_before)
        for event, look_before in zip(events, looks_before, strict=True):
            monitor.register_callback(TOOL, event, look_before)


def _told(error):
    """Return what was raised, and the learner's own line that raised it, without what differs from run to run."""
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(str(error).split()))
    text = f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_NOT_THEIRS)]
    if not own:
        return f"raised {text}"
    return f"raised {text}\n  in line {own[-1].lineno}: {own[-1].line}"
