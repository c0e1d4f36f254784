"""The audit from a shell: `python -m xentlib.audit package.module:loss --dtype float32`.

The exit status is 0 if the loss is ok, 1 if it is not, and 2 if there was nothing to audit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from xentlib.audit.apart import run_apart
from xentlib.audit.vectors import FORMATS


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="python -m xentlib.audit", description="Try a softmax cross-entropy.")
    parser.add_argument("loss", help="package.module:function, called as function(logits, targets, **options)")
    parser.add_argument("--framework", choices=("torch", "jax"), help="whose tensors it takes (default: NumPy's)")
    parser.add_argument("--dtype", choices=tuple(FORMATS), default="float64")
    parser.add_argument("--time-limit", type=float, default=10.0, help="seconds for a single call")
    parser.add_argument("--label-smoothing", type=float)
    parser.add_argument("--ignore-index", type=int)
    parser.add_argument("--class-weights", type=float, nargs="+")
    parser.add_argument("--reduction", choices=("mean", "sum", "none"))
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report, and return the exit status."""
    status, text = run_apart(parse(arguments))
    print(text, file=sys.stderr if status == 2 else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
