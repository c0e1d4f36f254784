"""The loss of a linear layer without its matrix of logits, against NumPy with it: time and memory."""

import tracemalloc
from typing import NamedTuple

import numpy as np

import xentlib
from benchmarks import naive, timing

OWN = "xentlib, without logits"


class Comparison(NamedTuple):
    """How many times as long each way took as xentlib's, and how many bytes each needed beyond inputs and results."""

    shape: tuple  #: samples, features, classes
    ratios: dict
    extra_bytes: dict


def compare(shape, repeats):
    """Return the `Comparison` in float32."""
    calls = _calls(*shape)
    seconds = timing.interleave(calls, repeats)
    return Comparison(shape, timing.ratios(seconds, OWN), {name: extra_bytes(call) for name, call in calls.items()})


def _calls(n_samples, n_features, n_classes):
    rng = np.random.default_rng(0)
    features = rng.standard_normal((n_samples, n_features), np.float32)
    weight = rng.standard_normal((n_classes, n_features), np.float32) / np.float32(n_features**0.5)
    y, bias = rng.integers(n_classes, size=n_samples), rng.standard_normal(n_classes, np.float32)
    of_logits = xentlib.softmax_cross_entropy_with_grad
    return {
        OWN: lambda: xentlib.linear_cross_entropy_with_grad(features, weight, y, bias),
        "naive NumPy, logits held": lambda: naive.linear_cross_entropy_with_grad(features, weight, y, bias),
        "xentlib, logits held": lambda: naive.linear_cross_entropy_with_grad(features, weight, y, bias, of_logits),
    }


def extra_bytes(call):
    """Return the peak of what NumPy allocates during a call, without the loss and the gradients that it returns."""
    tracemalloc.start()
    try:
        loss, grads = call()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return peak - sum(np.asarray(result).nbytes for result in (loss, *grads))
