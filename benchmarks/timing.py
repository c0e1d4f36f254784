"""Time calls against each other: they alternate within each repetition, so that what slows the machine slows all."""

import gc
from time import perf_counter, sleep
from typing import NamedTuple

import numpy as np

PAUSE = 0.005  # seconds: a peer's worker threads go on spinning for a while after its call


class Spread(NamedTuple):
    """The median of repeated measurements, and between which two the middle half of them lies."""

    median: float
    low: float
    high: float


def interleave(calls, repeats):
    """Return the seconds that each named call took in each repetition.

    Each is timed right after a call of its own that does not count, so that nobody pays for the cores that wake up or
    for the memory that the one before gave back. Who goes first moves on from repetition to repetition, and every
    second one runs backwards.
    """
    seconds = {name: [] for name in calls}
    gc.collect()
    gc.disable()  # a collection would be charged to whoever is on
    try:
        for repetition in range(repeats):
            for name in _order(list(calls), repetition):
                sleep(PAUSE)
                calls[name]()
                start = perf_counter()
                calls[name]()
                seconds[name].append(perf_counter() - start)
    finally:
        gc.enable()
    return seconds


def _order(names, repetition):
    first = repetition // 2 % len(names)
    names = names[first:] + names[:first]
    return names[::-1] if repetition % 2 else names


def many(call, count):
    """Return a call that makes `count` calls, for those that are too short for the clock."""

    def repeated():
        for _ in range(count):
            call()

    return repeated


def ratios(seconds, base):
    """Return how many times as long as `base` each other call took: above 1, `base` is faster."""
    own = np.array(seconds[base])
    return {name: spread(np.array(times) / own) for name, times in seconds.items() if name != base}


def shortest_ratios(seconds, base):
    """Return the shortest time of each other call in units of the shortest of `base`."""
    return {name: min(times) / min(seconds[base]) for name, times in seconds.items() if name != base}


def spread(values):
    low, median, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return Spread(median, low, high)
