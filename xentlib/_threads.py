"""Spread blocks of work over threads: NumPy's loops release the interpreter lock, so threads pay."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

SMALLEST_SHARE = 1 << 15
"""Elements below which a second thread costs more than it saves."""


def n_threads(n_elements: int) -> int:
    """Return how many threads to use for an array of `n_elements`: at least 1, at most `XENTLIB_NUM_THREADS`."""
    shares = n_elements // SMALLEST_SHARE
    return min(shares, _most_threads()) if shares > 1 else 1


def run(worker: Callable[[], None], count: int) -> None:
    """Call `worker()`, …, `worker(count - 1)`, each on a thread of its own; raise the first error in that order."""
    if count == 1:
        worker()
        return
    pool = _pool(os.getpid(), _most_threads())
    futures = [pool.submit(worker) for _ in range(1, count)]
    try:
        worker()
    finally:
        errors = [future.exception() for future in futures]
    for error in errors:
        if error is not None:
            raise error


def _most_threads() -> int:
    if sys.platform == "emscripten":  # WebAssembly, where a thread cannot be started
        return 1
    asked = os.environ.get("XENTLIB_NUM_THREADS")
    if asked is None:
        return available_cores()
    if not asked.isdecimal() or int(asked) == 0:
        raise ValueError(f"XENTLIB_NUM_THREADS must be a positive whole number; got {asked!r}")
    return min(int(asked), available_cores())


@cache
def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool(process: int, size: int) -> ThreadPoolExecutor:
    """Return the pool of this process: a forked child must not wait for its parent's threads."""
    return ThreadPoolExecutor(size, thread_name_prefix="xentlib")
