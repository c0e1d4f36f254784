"""Python loads this first of all in each process of the other processor: there exp, log and the like err by 2 ulp.

Every processor rounds these functions in its own way, by up to about 2 units in the last place. Here each result is
moved by 2, up or down as its digits fall. So a number that is printed within 2 ulp of where its last digit turns, or
with more digits than its dtype holds, comes out different.
"""

import os
import tracemalloc
from functools import wraps

import dask.array  # noqa: F401  (looks into NumPy's own functions when it is loaded)
import numpy as np

SEED = int(os.environ.get("SEED", "0"))


def rough(function):
    """Return `function` with each result off by 2 ulp; 0, 1 and ∞, which no processor misses, stay."""

    @wraps(function)
    def in_its_own_way(*args, **kwargs):
        result = function(*args, **kwargs)
        if result.dtype.kind != "f" or tracemalloc.is_tracing():  # what is made below is not the chapter's memory
            return result
        with np.errstate(all="ignore"):
            digits = np.frexp(result)[0].astype(float)
            ulps = 2 * np.sign(np.sin(SEED + 1e6 * digits))
            moved = result * (1 + ulps * np.finfo(result.dtype).eps)
            moved = np.where(np.isfinite(result) & (result != 1), moved, result)
        if isinstance(result, np.ndarray):  # perhaps one of the caller's, given as `out`
            np.copyto(result, moved, casting="same_kind", where=kwargs.get("where", True))
            return result
        return result.dtype.type(moved)

    return in_its_own_way


for name in ("exp", "exp2", "expm1", "log", "log2", "log1p", "logaddexp", "tanh"):
    setattr(np, name, rough(getattr(np, name)))
