"""What threads cost while another process takes one core: the time on all threads beside that on one."""

import os
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from typing import NamedTuple
from unittest import mock

import numpy as np

import xentlib
from benchmarks import timing

SPIN = "import os\nwhile os.getppid() == {}: pass"  # ends with the benchmark, however that ends


class Comparison(NamedTuple):
    """How long the default number of threads took as a multiple of one thread, for loss and gradient."""

    name: str
    idle: timing.Spread
    busy: timing.Spread


def compare(batches, repeats, n_logits):
    """Return a `Comparison` in float32 for each (samples, classes) of `batches`.

    One measurement is of as many calls in a row as have `n_logits`: a pause before each would hide the other process.
    """
    compared = []
    for n_samples, n_classes in batches:
        timed = _calls(n_samples, n_classes, max(1, n_logits // (n_samples * n_classes)))
        spreads = []
        for others in (nullcontext, another_process):
            with others():
                spreads.append(timing.ratios(timing.interleave(timed, repeats), "one")["default"])
        compared.append(Comparison(f"{n_samples:,} × {n_classes:,}", *spreads))
    return compared


def _calls(n_samples, n_classes, count):
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((n_samples, n_classes), np.float32), rng.integers(n_classes, size=n_samples)
    default = timing.many(lambda: xentlib.softmax_cross_entropy_with_grad(z, y), count)

    def one():
        with mock.patch.dict(os.environ, XENTLIB_NUM_THREADS="1"):
            default()

    return {"default": default, "one": one}


@contextmanager
def another_process():
    """Keep one core busy."""
    process = subprocess.Popen([sys.executable, "-c", SPIN.format(os.getpid())])
    try:
        yield process
    finally:
        process.kill()
        process.wait()
