"""Tiles: some rows of a table of logits, few enough for a core's cache, and the threads that take one after another.

Nothing here knows about the loss. NumPy's loops release the interpreter lock, so threads speed things up where
tiles are so large that threads seldom have to wait for it.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from xentlib._validate import DType, Floats

TILE_BYTES = 1 << 21
"""Of logits in a tile: large enough that threads seldom wait for the interpreter, small enough for the shared cache."""

FEWEST_LOGITS = 1 << 15
"""Logits below which a second thread costs more than it saves."""

BLOCK = 128
"""How many numbers of a row are added one after another. With more, a long sum would lose digits."""

SHORT_BUFFER = 1024
"""Numbers. NumPy copies one number a row into its buffer as often as the row is long, if several rows fit there."""


# Sums along rows


def row_sum(a: Floats) -> Floats:
    """Return Σ_j a_j of each row."""
    if a.shape[1] <= BLOCK:
        return np.einsum("nk->n", a)  # for short rows four times as fast as NumPy's sum
    blocks, rest = _in_blocks(a)
    total: Floats = np.add.reduce(np.einsum("nbk->nb", blocks), axis=1)
    return total + np.einsum("nk->n", rest)


def row_dot(t: Any, a: Floats) -> Floats:
    """Return Σ_j t_j a_j of each row. `t` is one number, or one for each class, or one for each entry of `a`."""
    if t.ndim == 0:
        return t * row_sum(a)
    n = "n" * (t.ndim - 1)
    if a.shape[1] <= BLOCK:
        return np.einsum(f"nk,{n}k->n", a, t)
    (a_blocks, a_rest), (t_blocks, t_rest) = _in_blocks(a), _in_blocks(t)
    dot: Floats = np.add.reduce(np.einsum(f"nbk,{n}bk->nb", a_blocks, t_blocks), axis=1)
    return dot + np.einsum(f"nk,{n}k->n", a_rest, t_rest)


def _in_blocks(a: Floats) -> tuple[Floats, Floats]:
    """Return rows as blocks of equal length, and what is left over at their end."""
    whole = a.shape[-1] - a.shape[-1] % BLOCK
    return a[..., :whole].reshape(*a.shape[:-1], whole // BLOCK, BLOCK), a[..., whole:]


# Threads


def for_each_tile(compute: Callable[[slice, Floats], None], table: Floats, work: DType) -> None:
    """Call `compute(rows, scratch)` for one slice of the rows after another, on as many threads as are worth starting.

    `scratch` is a tile of numbers of `work` to compute in, which each thread uses again and again. The first error
    stops all of them.
    """
    n_rows, n_classes = table.shape
    step = min(max(1, TILE_BYTES // (n_classes * work.itemsize)), n_rows)
    starts = iter(range(0, n_rows, max(step, 1)))  # an iterator implemented in C, so no two threads get the same number

    def worker() -> None:
        scratch = np.empty((step, n_classes), work)
        with np.errstate(all="ignore"):  # whatever the caller has set; its end brings back the buffer size as well
            np.setbufsize(SHORT_BUFFER)
            try:
                for start in starts:
                    rows = slice(start, min(start + step, n_rows))
                    compute(rows, scratch[: rows.stop - start])
            except BaseException:
                deque(starts, maxlen=0)  # the other threads have nothing left to take
                raise

    _run(worker, min(n_threads(table.size), max(1, -(-n_rows // max(step, 1)))))


def n_threads(n_elements: int) -> int:
    """Return how many threads to use for an array of `n_elements`: at least 1, at most `XENTLIB_NUM_THREADS`."""
    n_useful = n_elements // FEWEST_LOGITS
    return min(n_useful, _most_threads()) if n_useful > 1 else 1


def _run(worker: Callable[[], None], count: int) -> None:
    """Call `worker` on `count` threads, or on as many as can be had; raise its first error."""
    helpers = list(_start(worker, count - 1))
    try:
        worker()
    finally:
        # A helper that has not started yet would find nothing to do. The others are on their last tile.
        errors = [helper.exception() for helper in helpers if not helper.cancel()]
    for error in errors:
        if error is not None:
            raise error


def _start(worker: Callable[[], None], count: int) -> Iterator[Future[None]]:
    """Start `worker` on `count` more threads. Carry on without them if the system or an exiting interpreter refuses."""
    for _ in range(count):
        try:
            yield _pool(os.getpid(), _most_threads()).submit(worker)
        except RuntimeError:
            return


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
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool(process: int, size: int) -> ThreadPoolExecutor:
    """Return the pool of this process: a forked child must not wait for its parent's threads."""
    return ThreadPoolExecutor(size, thread_name_prefix="xentlib")
