"""What each function takes in units of E, the time of `np.exp` over the same logits on the same threads.

No implementation in NumPy takes less than E, because it needs every e^z. `python -m benchmarks.floor` measures this
alone. A ratio is that of the shortest times: what else the machine does only adds to them, and most to the longest.
On a busy machine, XENTLIB_NUM_THREADS=1 gives steadier ratios.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

import xentlib
from benchmarks import peers, timing

E = "np.exp"
FEW = 10  # classes, for which the aims are wider: a row costs much beside its logits
AIMS = {  # in units of E: with few classes, and with 100 or more
    "loss and gradient": (3.2, 1.5),
    "loss alone": (2.6, 1.25),
    "loss and gradient, offset of 300": (3.6, 1.6),
    "loss and gradient, label smoothing": (3.6, 1.8),
    "loss and gradient, soft targets": (4.5, 2.2),
    "softmax": (3.2, 1.6),
    "log_softmax": (3.4, 1.8),
    "logsumexp": (2.8, 1.4),
}


class Plan(NamedTuple):
    """How much to measure."""

    n_logits: int
    classes: tuple
    repeats: int


FULL = Plan(2_000_000, (10, 100, 1_000, 50_000), 21)
QUICK = Plan(500_000, (10, 100, 1_000), 7)


class Point(NamedTuple):
    """What each function took for one batch, in units of E."""

    dtype: str
    n_classes: int
    ratios: dict  #: from the names in AIMS

    def missed(self):
        """Return the names of the functions that took longer than their aim."""
        return [name for name, ratio in self.ratios.items() if ratio > aim(name, self.n_classes)]


def aim(name, n_classes):
    return AIMS[name][n_classes > FEW]


def measure(plan, dtypes, progress=lambda line: None):
    """Return a `Point` for each dtype and number of classes."""
    points = []
    for dtype in dtypes:
        for n_classes in plan.classes:
            progress(f"in units of np.exp: {np.dtype(dtype).name}, K = {n_classes:,} ...")
            batch = _batch(dtype, plan.n_logits // n_classes, n_classes)
            seconds = timing.interleave(calls(*batch), plan.repeats)
            points.append(Point(np.dtype(dtype).name, n_classes, timing.shortest_ratios(seconds, E)))
    return points


def _batch(dtype, n_samples, n_classes):
    """Return logits, class indices and distributions."""
    rng = np.random.default_rng(0)
    z, scores = rng.standard_normal((2, n_samples, n_classes), dtype)
    return z, rng.integers(n_classes, size=n_samples), xentlib.softmax(scores)


def calls(z, y, p):
    """Return the call of E and one for each name in AIMS, all for the same logits."""
    far = z + z.dtype.type(300)
    both = xentlib.softmax_cross_entropy_with_grad
    functions = (
        lambda: both(z, y),
        lambda: xentlib.softmax_cross_entropy(z, y),
        lambda: both(far, y),
        lambda: both(z, y, label_smoothing=0.1),
        lambda: both(z, p),
        lambda: xentlib.softmax(z),
        lambda: xentlib.log_softmax(z),
        lambda: xentlib.logsumexp(z),
    )
    return {E: exp(z, np.empty_like(z)), **dict(zip(AIMS, functions, strict=True))}


def exp(z, out):
    """Return a call that writes e^z to `out`, on as many threads as xentlib may use."""
    threads = peers.thread_count()
    parts = list(zip(*(np.array_split(array.ravel(), threads) for array in (z, out)), strict=True))
    pool = ThreadPoolExecutor(threads)

    def call():
        others = [pool.submit(np.exp, part, out=out) for part, out in parts[1:]]
        np.exp(parts[0][0], out=parts[0][1])
        for other in others:
            other.result()

    return call


def rows(points):
    """Return the table of one dtype: a row for each function, with both aims, and a column for each K."""
    head = ["", "aim, K = 10", "aim, K ≥ 100", *(f"K = {point.n_classes:,}" for point in points)]
    return head, [
        [name, *(f"{most:g}" for most in AIMS[name]), *(_cell(point, name) for point in points)] for name in AIMS
    ]


def _cell(point, name):
    """Write a ratio, in bold where it is above its aim."""
    text = f"{point.ratios[name]:.2f}"
    return f"**{text}**" if name in point.missed() else text


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer logits, and less often")
    parser.add_argument("--dtype", nargs="+", choices=["float32", "float64"], default=["float32", "float64"])
    parser.add_argument("--classes", nargs="+", type=int, metavar="K")
    options = parser.parse_args(arguments)
    plan = QUICK if options.quick else FULL
    plan = plan._replace(classes=options.classes or plan.classes)
    for dtype in options.dtype:
        head, body = rows(measure(plan, [np.dtype(dtype).type]))
        print(f"\n{dtype}, threads: {peers.thread_count()}, {plan.n_logits:,} logits, shortest of {plan.repeats}")
        for row in (head, *body):
            print(f"{row[0]:36}" + "".join(f"{text:>14}" for text in row[1:]))


if __name__ == "__main__":
    main()
