"""Run xentlib.audit on the losses of other libraries, and write results.json and results.md: `make audit`.

Each loss has a process of its own: not all of these libraries can be loaded together.
"""

import argparse
import datetime
import json
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import numpy as np

from audits import report
from audits.losses import LOSSES
from xentlib.audit import audit
from xentlib.audit.calling import adapter_of, call_caught
from xentlib.audit.probes import ABOUT

OPTIONS = (
    {"reduction": "sum"},
    {"reduction": "none"},
    {"label_smoothing": 0.1},
    {"ignore_index": -100},
    {"ignore_index": 1},
    {"class_weights": [1.0, 2.0, 0.5, 3.0]},
    {"label_smoothing": 0.1, "ignore_index": 1, "class_weights": [1.0, 2.0, 0.5, 3.0]},
)
UNDER_OPTIONS = "float32"  # which all of them have
LEADS = (1, 8, 16, 40)
TIME_LIMIT = 60.0
WORKERS = 2


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m audits.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, metavar="FOLDER", default=Path(__file__).parent)
    parser.add_argument("--only", metavar="TEXT", default="", help="the losses whose names have it")
    parser.add_argument("--one", metavar="NAME", help="audit this loss here, and print JSON")
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(audited(next(loss for loss in LOSSES if loss.name == options.one))))
        return
    results = collect([loss for loss in LOSSES if options.only in loss.name])
    options.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    (options.output / "results.json").write_text(text, encoding="utf-8")
    (options.output / "results.md").write_text(report.markdown(results), encoding="utf-8")


def collect(losses):
    """Return what all losses give, each in a process of its own, two at a time."""
    there = [loss for loss in losses if installed(loss)]
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(in_its_own_process, there))
    return {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "system": f"{platform.system()}, {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "probes": list(ABOUT),
        "missing": [loss.name for loss in losses if loss not in there],
        "losses": found,
    }


def installed(loss):
    try:
        return bool(loss.version)
    except metadata.PackageNotFoundError:
        return False


def in_its_own_process(loss):
    command = [sys.executable, "-m", "audits.run", "--one", loss.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        raise RuntimeError(f"{loss.name} ended with status {done.returncode}: {done.stderr[-500:]}")
    print(loss.name, file=sys.stderr, flush=True)
    return json.loads(done.stdout.splitlines()[-1])


def audited(loss):
    """Return the reports on a loss: in each dtype, and in one of them under each option that it has."""
    function = loss.load()
    plain = {dtype: run(function, loss, dtype, {}) for dtype in loss.dtypes}
    under = [
        {"options": options, **run(function, loss, UNDER_OPTIONS, options)}
        for options in OPTIONS
        if set(options) <= set(loss.options)
    ]
    kept = {dtype: [digits(function, loss, dtype, lead) for lead in LEADS] for dtype in loss.dtypes}
    return {"name": loss.name, "version": loss.version, "dtypes": plain, "options": under, "digits": kept}


def run(function, loss, dtype, options):
    """Return a report as JSON has it, without the inputs: the vectors of the audit have those."""
    framework = loss.framework_for(dtype)
    found = audit(function, dtype=dtype, framework=framework, time_limit=TIME_LIMIT, **options).as_dict()
    shown = ("probe", "severity", "what", "got", "right")
    return {
        "ok": found["ok"],
        "probes": found["probes"],
        "findings": [{name: finding[name] for name in shown} for finding in found["findings"]],
        "mistakes": [mistake["name"] for mistake in found["mistakes"]],
    }


def digits(function, loss, dtype, lead):
    """Return how many digits are right in the loss of a class that leads by so much: log1p(exp(-lead))."""
    logits, labels = np.array([[float(lead), 0.0]]), np.array([0])
    answer = call_caught(function, adapter_of(loss.framework_for(dtype), dtype), logits, labels, {})
    right = np.log1p(np.exp(-float(lead)))
    if answer.loss is None or right < np.finfo("float32" if dtype == "bfloat16" else dtype).tiny:
        return None
    error = abs(float(answer.loss) - right) / right
    return round(float(np.clip(-np.log10(max(error, 1e-17)), 0, report.DIGITS[dtype])), 1)


if __name__ == "__main__":
    main()
