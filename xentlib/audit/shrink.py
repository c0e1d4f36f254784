"""The smallest input that still raises an alarm: fewer samples, then fewer classes, then simpler numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xentlib.audit.vectors import Batch, Options

Fails = Callable[[Batch], bool]


@dataclass
class Clock:
    """The seconds that shrinking may take: for one alarm, and for all."""

    each: float = 0.3
    left: float = 2.0
    _end: float = field(default=0.0, init=False)

    def start(self) -> float:
        """Begin with an alarm, and return when to end."""
        self._end = time.monotonic() + min(self.each, self.left)
        return self._end

    def stop(self) -> None:
        """Charge what the alarm took."""
        self.left -= max(0.0, min(self.each, self.left) - (self._end - time.monotonic()))


def shrunk(batch: Batch, fails: Fails, options: Options, dtype: str, clock: Clock) -> Batch:
    """Return the smallest batch found in time that fails, or the batch itself."""
    end = clock.start()
    for smaller in (_with_fewer_rows, _with_fewer_classes, _with_simpler_numbers):
        changed = True
        while changed and time.monotonic() < end:
            changed = False
            for candidate in smaller(batch, options):
                if time.monotonic() >= end:
                    break
                if candidate.fits(dtype) and fails(candidate):
                    batch, changed = candidate, True
                    break
    clock.stop()
    return batch


def _with_fewer_rows(batch: Batch, options: Options) -> Iterator[Batch]:
    """Yield each of the first rows alone, then the batch without a half, a quarter and so on."""
    n_rows = len(batch.labels)
    if n_rows == 1:
        return
    for n in range(min(n_rows, 8)):
        yield batch.rows([n])
    for part in _parts(n_rows):
        yield batch.rows([n for n in range(n_rows) if n not in part])


def _parts(length: int) -> Iterator[range]:
    """Yield halves, quarters and so on of a length, the last of a single entry, but never too many."""
    size = length // 2
    while size >= max(1, length // 64):
        for start in range(length - length % size, -1, -size):
            if start < length and (start, start + size) != (0, length):
                yield range(start, min(start + size, length))
        size //= 2


def _with_fewer_classes(batch: Batch, options: Options) -> Iterator[Batch]:
    """Yield the batch without some classes that are not labels; their number is fixed if they have weights."""
    n_classes = batch.logits.shape[1]
    index = options.get("ignore_index", -1)
    first = max(batch.labels.max(), index) + 1 if 0 <= index < n_classes else 0  # the numbers before it have a meaning
    if "class_weights" in options or n_classes == 2:
        return
    for part in _parts(n_classes):
        kept = np.array([k for k in range(n_classes) if k not in part or k < first or k in batch.labels])
        if 2 <= len(kept) < n_classes and (batch.logits[:, kept] > -np.inf).any(axis=1).all():
            named = (batch.labels >= 0) & (batch.labels < n_classes)
            labels = np.where(named, np.searchsorted(kept, batch.labels), batch.labels)
            yield _of(batch, batch.logits[:, kept], labels)


def _with_simpler_numbers(batch: Batch, options: Options) -> Iterator[Batch]:
    if batch.logits.size > 12:
        return
    for index in np.ndindex(batch.logits.shape):
        old = float(batch.logits[index])
        for new in (0.0, 1.0, float(np.round(old))):
            if _plainness(new) < _plainness(old):
                logits = batch.logits.copy()
                logits[index] = new
                yield _of(batch, logits, batch.labels)


def _plainness(value: float) -> tuple[bool, float]:
    return (not float(value).is_integer(), abs(value))


def _of(batch: Batch, logits: Any, labels: Any) -> Batch:
    return Batch.of(batch.probe, batch.name, logits, labels)
