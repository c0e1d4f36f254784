"""What one run of the benchmark found, and how it compares with what xentlib aims at."""

from typing import NamedTuple

from benchmarks.linear import OWN, Comparison


class Speed(NamedTuple):
    """How many times as long each peer took as xentlib, for loss and gradient of one batch."""

    dtype: str
    n_samples: int
    n_classes: int
    ratios: dict

    @property
    def size(self):
        return self.n_samples * self.n_classes

    @property
    def name(self):
        return f"{self.dtype}, {self.n_samples:,} × {self.n_classes:,}"


class Results(NamedTuple):
    """All that `report` writes down."""

    quick: bool
    machine: dict
    versions: dict
    missing: list
    speed: list
    overhead: dict  #: microseconds a call with one row of three logits
    gaps: list
    offsets: list
    linear: Comparison


class Aim(NamedTuple):
    """What xentlib aims at, what was measured, and whether that is enough; None where it could not be measured."""

    text: str
    measured: str
    reached: bool | None


def aims(results):
    """Return every `Aim`. Speeds count with the median of their worst point."""
    largest = sorted({row.size for row in results.speed})[-2:]
    at_largest = [row for row in results.speed if row.size in largest]
    at_10 = [row for row in results.speed if row.n_classes == 10]
    return [
        _speed_aim("faster than PyTorch at every point", results.speed, "PyTorch", 1),
        _speed_aim("twice as fast as PyTorch at the two largest", at_largest, "PyTorch", 2),
        _speed_aim("not slower than scikit-learn at K = 10", at_10, "scikit-learn", 1),
        _speed_aim("twice as fast as naive NumPy at every point", results.speed, "naive NumPy", 2),
        _overhead_aim(results.overhead["xentlib"].median),
        *_linear_aims(results.linear),
    ]


def _speed_aim(text, rows, peer, least):
    measured = [(row.ratios[peer].median, row.name) for row in rows if peer in row.ratios]
    if not measured:
        return Aim(text, f"{peer} is missing", None)
    worst, where = min(measured)
    return Aim(text, f"at least {worst:.2f} times as fast ({where})", worst >= least)


def _overhead_aim(microseconds):
    return Aim("one row of three logits in under 30 µs", f"{microseconds:.1f} µs", microseconds < 30)


def _linear_aims(linear):
    megabytes, ratio = linear.extra_bytes[OWN] / 1e6, linear.ratios["naive NumPy, logits held"].median
    memory = "a linear layer's loss in under 64 MB beyond its inputs and results"
    return [
        Aim(memory, f"{megabytes:.0f} MB", megabytes < 64),
        Aim("as fast as naive NumPy, which holds the logits", f"{ratio:.2f} times as fast", ratio >= 1),
    ]
