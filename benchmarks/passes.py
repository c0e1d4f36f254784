"""Where the time goes: each pass over a batch for itself, beside the whole call on one thread and on all of them."""

import os
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

import xentlib
from benchmarks import naive, timing
from xentlib.loss import rows_of_block

VARIABLE = "XENTLIB_NUM_THREADS"
NAIVE = "naive NumPy"
ONE_THREAD, ALL_THREADS = "xentlib, one thread", "xentlib, all threads"


class Passes(NamedTuple):
    """How long each pass, and each whole call, takes as a share of what naive NumPy takes."""

    point: str
    shares: dict


def profile(dtype, n_samples, n_classes, repeats):
    """Return the `Passes` over a batch of standard normal logits."""
    rng = np.random.default_rng(0)
    logits, y = rng.standard_normal((n_samples, n_classes), dtype), rng.integers(n_classes, size=n_samples)

    def on_one_thread():
        with threads("1"):
            xentlib.softmax_cross_entropy_with_grad(logits, y)

    calls = passes(logits) | {
        ONE_THREAD: on_one_thread,
        ALL_THREADS: lambda: xentlib.softmax_cross_entropy_with_grad(logits, y),
        NAIVE: lambda: naive.softmax_cross_entropy_with_grad(logits, y),
    }
    taken = timing.interleave(calls, repeats)
    base = np.array(taken.pop(NAIVE))
    shares = {name: timing.spread(np.array(seconds) / base) for name, seconds in taken.items()}
    return Passes(f"{np.dtype(dtype).name}, {n_samples:,} × {n_classes:,}", shares)


def passes(logits):
    """Return a call for each pass that xentlib makes over all logits, in the same blocks."""
    step = rows_of_block(logits[0].nbytes)
    blocks = [slice(start, start + step) for start in range(0, len(logits), step)]
    grad, factor = np.empty_like(logits), np.ones((len(logits), 1), logits.dtype)

    def over_blocks(operation):
        def call():
            for part in blocks:
                operation(logits[part], grad[part], factor[part])

        return call

    return {
        "largest logit of each row": over_blocks(lambda z, g, f: z.argmax(1)),
        "exponentials": over_blocks(lambda z, g, f: np.exp(z, out=g)),
        "sum of each row": over_blocks(lambda z, g, f: np.einsum("nk->n", g)),
        "one factor a row": over_blocks(lambda z, g, f: np.multiply(g, f, out=g)),
    }


@contextmanager
def threads(count):
    """Let xentlib use at most `count` threads."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = count
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
