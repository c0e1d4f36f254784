"""What one run of the benchmark found, and how it compares with what xentlib aims at."""

from typing import NamedTuple

from benchmarks import floor, linear, simd


class Speed(NamedTuple):
    """How many times as long each peer took as xentlib, for loss and gradient of one batch, both at their best."""

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


class Level(NamedTuple):
    """What was measured on a processor held to one SIMD level."""

    name: str
    floor: list  #: of `floor.Point`
    speed: list  #: of `Speed`

    @property
    def label(self):
        return simd.label(self.name)


class Results(NamedTuple):
    """All that `report` writes down."""

    quick: bool
    machine: dict
    versions: dict
    missing: list
    levels: list  #: of `Level`, the highest first
    busy: list  #: of `busy.Comparison`
    overhead: dict  #: microseconds a call with one row of three logits
    gaps: list
    offsets: list
    linear: linear.Comparison


class Aim(NamedTuple):
    """What xentlib aims at, what was measured, and whether that is enough; None where it could not be measured."""

    text: str
    measured: str
    reached: bool | None


NOISE = 1.05  # what two equal times may differ by


def aims(results):
    """Return every `Aim`. Speeds count with their worst point."""
    return [
        *(aim for level in results.levels for aim in _aims_at(level)),
        _busy_aim(results.busy),
        _overhead_aim(results.overhead["xentlib"].median),
        *_linear_aims(results.linear),
    ]


def _aims_at(level):
    largest = sorted({row.size for row in level.speed})[-2:]
    at_largest = [row for row in level.speed if row.size in largest]
    at_10 = [row for row in level.speed if row.n_classes == 10]
    found = [
        _floor_aim(level.floor),
        _speed_aim("faster than PyTorch at every point", level.speed, "PyTorch", 1),
        _speed_aim("twice as fast as PyTorch at the two largest", at_largest, "PyTorch", 2),
        _speed_aim("not slower than scikit-learn at K = 10", at_10, "scikit-learn", 1),
        _speed_aim("twice as fast as naive NumPy at every point", level.speed, "naive NumPy", 2),
    ]
    return [aim._replace(text=f"{level.label}: {aim.text}") for aim in found]


def _floor_aim(points):
    beyond = [
        (ratio / floor.aim(name, point.n_classes), f"{name}, {point.dtype}, K = {point.n_classes:,}")
        for point in points
        for name, ratio in point.ratios.items()
    ]
    most, where = max(beyond)
    text = "every function within its aim in units of np.exp"
    return Aim(text, f"at most {most:.2f} times its aim ({where})", most <= 1)


def _speed_aim(text, rows, peer, least):
    measured = [(row.ratios[peer], row.name) for row in rows if peer in row.ratios]
    if not measured:
        return Aim(text, f"{peer} is missing", None)
    worst, where = min(measured)
    return Aim(text, f"at least {worst:.2f} times as fast ({where})", worst >= least)


def _busy_aim(compared):
    most, where = max((row.busy.median, row.name) for row in compared)
    text = "on a busy machine, threads cost nothing"
    return Aim(text, f"at most {most:.2f} times as long as on one thread ({where})", most <= NOISE)


def _overhead_aim(microseconds):
    return Aim("one row of three logits in under 50 µs", f"{microseconds:.1f} µs", microseconds < 50)


def _linear_aims(compared):
    megabytes, ratio = compared.extra_bytes[linear.OWN] / 1e6, compared.ratios["naive NumPy, logits held"].median
    memory = "a linear layer's loss in under 64 MB beyond its inputs and results"
    return [
        Aim(memory, f"{megabytes:.0f} MB", megabytes < 64),
        Aim("as fast as naive NumPy, which holds the logits", f"{ratio:.2f} times as fast", ratio >= 1),
    ]
