"""The audit from a shell: `python -m xentlib.audit package.module:loss --dtype float32`.

The exit status is 0 if the loss is ok, 1 if it is not, and 2 if there was nothing to audit.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from xentlib.audit import Report, audit
from xentlib.audit.vectors import FORMATS


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what was asked for."""
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


def find(path: str) -> Any:
    """Return the function at `package.module:function`."""
    module, colon, name = path.partition(":")
    if not colon:
        raise ValueError(f"loss must be package.module:function; got {path!r}")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def run(asked: argparse.Namespace) -> Report:
    """Return the report; what the loss prints goes to stderr."""
    names = ("label_smoothing", "ignore_index", "class_weights", "reduction")
    options = {name: getattr(asked, name) for name in names if getattr(asked, name) is not None}
    with contextlib.redirect_stdout(sys.stderr):
        return audit(
            find(asked.loss), dtype=asked.dtype, framework=asked.framework, time_limit=asked.time_limit, **options
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report, and return the exit status."""
    asked = parse(arguments)
    sys.path.insert(0, os.getcwd())
    try:
        report = run(asked)
    except Exception as error:  # of the arguments, or of the module at its import: the loss itself is past that
        print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report.as_dict(), indent=1, ensure_ascii=False) if asked.json else report)
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
