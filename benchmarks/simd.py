"""The SIMD levels of this processor, and how to measure as on a processor that ends at a lower one.

A level is a set of vector instructions for which NumPy has an `exp` of its own: on x86, as of NumPy 2.4, `X86_V4`,
`X86_V3` and `X86_V2`. `NPY_DISABLE_CPU_FEATURES` makes NumPy do without, and has to be set before NumPy is imported.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from unittest import mock

import numpy as np
from numpy.lib import introspect

LABELS = {"X86_V4": "AVX-512", "X86_V3": "AVX2", "X86_V2": "SSE4.2"}
PEERS = {  # what makes PyTorch, OpenBLAS and JAX do without, too
    "X86_V3": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "OPENBLAS_CORETYPE": "Haswell",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    },
    "X86_V2": {
        "ATEN_CPU_CAPABILITY": "default",
        "OPENBLAS_CORETYPE": "Nehalem",
        "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
    },
}


def levels():
    """Return the levels, the highest first; the last is what this NumPy needs to run at all."""
    loops = introspect.opt_func_info(func_name="^exp$", signature="float(32|64)")["exp"].values()
    own = {name for loop in loops for name in loop["available"].split()}
    return [*(name for name in reversed(_found()) if name in own), _extensions()["baseline"][-1]]


def _extensions():
    return np.show_config(mode="dicts")["SIMD Extensions"]


def _found():
    """Return what the processor has beyond the least that this NumPy needs, the lowest first."""
    return _extensions().get("found", [])


def label(level):
    return LABELS.get(level, level)


def settings(level):
    """Return the environment in which no library uses more than `level`."""
    found = _found()
    higher = found[found.index(level) + 1 :] if level in found else found
    without = [*os.environ.get("NPY_DISABLE_CPU_FEATURES", "").split(), *higher]
    return {"NPY_DISABLE_CPU_FEATURES": " ".join(without), **PEERS.get(level, {})}


def run_at(level, function, *arguments):
    """Return `function(*arguments)` from a new process that is held to `level`."""
    with mock.patch.dict(os.environ, settings(level)), ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(function, *arguments).result()
