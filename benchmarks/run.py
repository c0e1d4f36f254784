"""Measure xentlib against its peers and write results.md and results.svg: `make bench`.

`--quick` takes seconds and shows that all of it works, with numbers that say nothing.
"""

import argparse
import os
import platform
import sys
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np

from benchmarks import accuracy, busy, floor, linear, peers, report, simd, timing
from benchmarks.results import Level, Results, Speed, aims
from tools import drawings

DTYPES = (np.float32, np.float64)
BASE = "xentlib"
BUSY = 0.3


class Plan(NamedTuple):
    """How much to measure."""

    floor: floor.Plan
    batches: tuple  #: (samples, classes, repeats)
    busy: tuple  #: (samples, classes)
    busy_repeats: int
    busy_logits: int  #: how many make one measurement on a busy machine
    repeats: int  #: of the measurement on a small input
    small_calls: int  #: how many calls on a small input make one measurement
    linear: tuple  #: samples, features, classes
    linear_repeats: int
    folder: Path


FULL = Plan(
    floor=floor.FULL,
    # The shorter a call, the more it suffers from what else the machine does, and the more often it is measured.
    batches=((100_000, 10, 41), (20_000, 100, 41), (4_096, 1_000, 21), (512, 50_000, 9), (64, 256_000, 9)),
    busy=((1_000, 10), (10_000, 10), (100_000, 10), (1_000, 100), (4_000, 100), (20_000, 100), (4_096, 1_000)),
    busy_repeats=11,
    busy_logits=20_000_000,
    repeats=21,
    small_calls=1_000,
    linear=(2_048, 512, 64_000),
    linear_repeats=5,
    folder=Path(__file__).parent,
)
QUICK = Plan(
    floor=floor.Plan(20_000, (10, 1_000), 3),
    batches=((2_000, 10, 3), (20, 1_000, 3)),
    busy=((2_000, 10),),
    busy_repeats=3,
    busy_logits=1,
    repeats=3,
    small_calls=20,
    linear=(64, 16, 500),
    linear_repeats=2,
    folder=Path("_build/benchmarks"),
)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see that it works")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where results.md and results.svg go")
    options = parser.parse_args(arguments)
    plan = QUICK if options.quick else FULL
    folder = options.output or plan.folder
    write(measure(plan, options.quick), folder)
    progress(f"written: {folder / 'results.md'}, {folder / 'results.svg'}")


def progress(line):
    print(line, file=sys.stderr, flush=True)


def measure(plan, quick):
    before = load()
    if before is not None and before > BUSY:
        progress(
            f"WARNING: the machine is busy (load {before:.1f}). Peers whose threads wait for each other suffer most."
        )
    found, missing = peers.available()
    progress(f"against {', '.join(peer.name for peer in found[1:])}; missing: {', '.join(missing) or 'none'}")
    progress("one row of three logits ...")  # before minutes of full load have slowed the processor
    overhead = measure_overhead(found, plan)
    levels = [measure_held_to(level, plan) for level in simd.levels()]
    progress("a busy machine ...")
    on_busy = busy.compare(plan.busy, plan.busy_repeats, plan.busy_logits)
    progress("accuracy ...")
    gaps, offsets = accuracy.tables(found)
    progress("linear layer ...")
    compared = linear.compare(plan.linear, plan.linear_repeats)
    versions = {"Python": platform.python_version()}
    versions |= {peer.name.replace("naive ", ""): peer.version for peer in found[1:]}
    return Results(quick, machine(before), versions, missing, levels, on_busy, overhead, gaps, offsets, compared)


def load():
    """Return how many processes wanted a core during the last minute; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def machine(load):
    """Return what the system tells of the machine: nothing that names it or its user."""
    return {
        "processor": processor(),
        "SIMD levels": ", ".join(f"{simd.label(level)} ({level})" for level in simd.levels()),
        "system": platform.system(),
        "cores": f"{peers.available_cores()}, threads: {peers.thread_count()}",
        "other load before the run": "unknown" if load is None else f"{load:.1f} cores",
    }


CPUINFO = Path("/proc/cpuinfo")


def processor():
    """Return the model of the processor; its architecture where the system does not tell."""
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def measure_held_to(level, plan):
    progress(f"{simd.label(level)} ...")
    return simd.run_at(level, measure_level, plan)


def measure_level(plan):
    """Return what this process finds on the highest level that it is allowed."""
    return Level(
        simd.levels()[0],
        floor.measure(plan.floor, DTYPES, progress),
        measure_speed(peers.available()[0], plan),
    )


def measure_speed(found, plan):
    points = [(dtype, *shape) for dtype in DTYPES for shape in plan.batches]
    speed = []
    for number, (dtype, n_samples, n_classes, repeats) in enumerate(points, start=1):
        row = Speed(np.dtype(dtype).name, n_samples, n_classes, {})
        progress(f"[{number}/{len(points)}] {row.name} ...")
        calls = prepare(found, *batch(dtype, n_samples, n_classes))
        seconds = timing.interleave(calls, repeats)
        speed.append(row._replace(ratios=timing.shortest_ratios(seconds, BASE)))
    return speed


def batch(dtype, n_samples, n_classes):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n_samples, n_classes), dtype), rng.integers(n_classes, size=n_samples)


def prepare(found, logits, y):
    """Return the call of each peer that is measured at this number of classes, once all have the same result."""
    n_classes = logits.shape[1]
    calls = {peer.name: peer.prepare(logits, y) for peer in found if n_classes in (peer.only_classes or [n_classes])}
    wanted = _result(calls[BASE])
    for name, call in calls.items():
        if not all(np.allclose(a, b, rtol=1e-3, atol=1e-6) for a, b in zip(_result(call), wanted, strict=True)):
            raise RuntimeError(f"{name} does not give the loss and gradient of xentlib: what it takes says nothing")
    return calls


def _result(call):
    """Return the mean loss, and of the first row the gradient with the factor that a mean may give it taken out."""
    loss, grad = (np.asarray(values) for values in call())
    return loss.mean(), grad[0] / np.abs(grad[0]).max()


def measure_overhead(found, plan):
    """Return microseconds a call for one row of three logits."""
    calls = prepare(found, *batch(np.float64, 1, 3))
    seconds = timing.interleave(
        {name: timing.many(call, plan.small_calls) for name, call in calls.items()}, plan.repeats
    )
    return {name: timing.spread(np.array(times) / plan.small_calls * 1e6) for name, times in seconds.items()}


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(report.markdown(results, aims(results)), encoding="utf-8")
    mpl.use("Agg")
    with mpl.rc_context():
        drawings.save(report.plot(results.levels[0]), folder / "results.svg")


if __name__ == "__main__":
    main()
