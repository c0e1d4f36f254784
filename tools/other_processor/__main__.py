"""Test the chapters and the examples as on another processor: `python tools/other_processor`.

NumPy keeps to the instructions that every processor of this architecture has, BLAS takes a kernel of long ago, nothing
uses a second thread, and `sitecustomize.py`, beside this file, rounds exp, log and the like in another way; in the
chapters `startup.py` looks at each float32 that is shown. What is printed is still what is stored. SEED=1 (or 2, …) is
yet another processor. Arguments, if any, are pytest's.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

HERE = Path(__file__).parent.absolute()
PRINTED = ["chapters", "xentlib", "README.md"]


def settings():
    """Return the environment that makes another processor of this one."""
    extra = [name for name in __cpu_dispatch__ if __cpu_features__[name]]  # NumPy warns of names that it has not
    of_long_ago = "ARMV8" if platform.machine() in ("aarch64", "arm64") else "Nehalem"
    return {
        "NPY_DISABLE_CPU_FEATURES": " ".join(extra),
        "OPENBLAS_CORETYPE": of_long_ago,
        "OPENBLAS_NUM_THREADS": "1",
        "XENTLIB_NUM_THREADS": "1",
        "PYTHONPATH": str(HERE),
        "PYTHONSTARTUP": str(HERE / "startup.py"),
    }


def main(asked):
    print("Testing the chapters and the examples as on another processor ...", flush=True)
    command = [sys.executable, "-m", "pytest", *(asked or PRINTED)]
    return subprocess.run(command, cwd=HERE.parents[1], env=os.environ | settings()).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
