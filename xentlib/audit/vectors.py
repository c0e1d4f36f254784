"""Batches whose right answers are known to 50 digits, and what any dtype may be expected to keep of them.

`vectors.json` holds log-probabilities and probabilities for each batch, made by `tools/audit_vectors.py` with mpmath.
All logits are numbers with few bits, so that the answers do not depend on the dtype. Decimal arithmetic turns them into
the loss and the gradient under any options, and finds the answers of the batches that are not stored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

DIGITS = 60
INF = np.inf
Table = NDArray[np.float64]


class Options(TypedDict, total=False):
    """What the loss is called with, and what it means in PyTorch."""

    label_smoothing: float
    ignore_index: int
    class_weights: Any
    reduction: str


def in_json(options: Options) -> str:
    """Return options as a key of what is kept about them."""
    return json.dumps(options, default=list, sort_keys=True)


@dataclass(frozen=True)
class Format:
    """A kind of floating-point numbers: the distance from 1 to the next, the smallest normal one, and the largest."""

    eps: float
    tiny: float
    largest: float


_INFO = {name: np.finfo(name) for name in ("float64", "float32", "float16")}
FORMATS = {name: Format(float(info.eps), float(info.tiny), float(info.max)) for name, info in _INFO.items()}
FORMATS["bfloat16"] = Format(2.0**-7, 2.0**-126, (2 - 2.0**-7) * 2.0**127)


def round_to(dtype: str, values: Table) -> NDArray[Any]:
    """Return values as the dtype holds them; NumPy lacks bfloat16, so float32 with its last 16 bits rounded away."""
    if dtype != "bfloat16":
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


@dataclass(frozen=True, eq=False)
class Batch:
    """Logits of shape (N, K), and labels."""

    probe: str
    name: str
    logits: Table
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, probe: str, name: str, logits: Any, labels: Any) -> Batch:
        """Return a batch of lists."""
        return cls(probe, name, np.array(logits, np.float64), np.array(labels, np.int64))

    def rows(self, index: Any, name: str = "") -> Batch:
        """Return some rows, in the order of `index`."""
        return replace(self, name=name or self.name, logits=self.logits[index], labels=self.labels[index])

    def classes(self, order: NDArray[np.intp], name: str) -> Batch:
        """Return the batch with its classes renamed: class `order[i]` becomes class i."""
        logits = np.ascontiguousarray(self.logits[:, order])
        return replace(self, name=name, logits=logits, labels=np.argsort(order)[self.labels])

    def labelled(self, labels: Any, name: str) -> Batch:
        """Return the same logits with other labels."""
        return replace(self, name=name, labels=np.asarray(labels, np.int64))

    def fits(self, dtype: str) -> bool:
        """Tell whether the dtype has all logits without rounding."""
        return bool(np.array_equal(round_to(dtype, self.logits).astype(np.float64), self.logits))

    def with_classes(self, n_classes: int) -> Batch | None:
        """Return the batch with K classes: the first ones, or all and then copies; None if a mask leaves only one."""
        old = self.logits.shape[1]
        if n_classes == old:
            return self
        logits = np.ascontiguousarray(self.logits[:, np.arange(n_classes) % old])
        if ((logits > -INF).sum(axis=1) < 2).any():
            return None
        return replace(self, logits=logits, labels=self.labels % n_classes)


@lru_cache(maxsize=1)
def stored() -> dict[str, Any]:
    """Return what the file of vectors holds."""
    return json.loads(files(__package__).joinpath("vectors.json").read_text())


@lru_cache(maxsize=1)
def batches() -> tuple[Batch, ...]:
    """Return the stored batches."""
    return tuple(
        Batch.of(case["probe"], case["name"], np.array(case["logits"], object).astype(float), case["labels"])
        for case in stored()["cases"]
    )


@lru_cache(maxsize=1)
def _stored_rows() -> dict[bytes, tuple[list[Decimal], list[Decimal]]]:
    """Return log-softmax and softmax of each row of logits that is stored."""
    return {
        row.tobytes(): ([Decimal(x) for x in log_q], [Decimal(x) for x in q])
        for batch, case in zip(batches(), stored()["cases"], strict=True)
        for row, log_q, q in zip(batch.logits, case["log_q"], case["q"], strict=True)
    }


def digits(logits: Table) -> int:
    """Return how many digits it takes to tell a probability of nearly 1 from 1."""
    finite = logits[np.isfinite(logits)]
    return DIGITS + min(1000, int(np.ptp(finite) / np.log(10)))


def softmax_of(logits: Table) -> tuple[list[Decimal], list[Decimal]]:
    """Return log-softmax and softmax of a row of logits, in Decimal arithmetic."""
    with localcontext(prec=digits(logits)):
        top = Decimal(float(logits.max()))
        powers = {z: (Decimal(z) - top).exp() for z in set(logits.tolist())}
        total = sum((powers[z] for z in logits.tolist()), Decimal(0))
        shift = top + total.ln()
        return [Decimal(z) - shift for z in logits.tolist()], [powers[z] / total for z in logits.tolist()]


@lru_cache(maxsize=4000)
def _softmax_of_row(row: bytes) -> tuple[list[Decimal], list[Decimal]]:
    return _stored_rows().get(row) or softmax_of(np.frombuffer(row))


@lru_cache(maxsize=4000)
def _steepness(row: bytes) -> float:
    """Return the largest slope of a probability by its own logit, q (1 − q)."""
    q = np.array(_softmax_of_row(row)[1], float)
    return float((q * (1 - q)).max())


@dataclass(frozen=True)
class Right:
    """Loss and gradient of a batch, and the errors, in units of eps, that are forgiven.

    `sharp` is what a careful program keeps: eight roundings, and that of the gaps between logits. `blunt` is what
    rounding a number of the size of the logits costs. Between the two, digits were lost; beyond both, the mathematics
    is wrong.
    """

    loss: Table
    grad: Table
    loss_sharp: Table
    loss_blunt: Table
    grad_sharp: Table
    grad_blunt: Table
    counted: NDArray[np.bool_]
    finite: NDArray[np.bool_]  #: whether the loss of the sample is


def solve(batch: Batch, options: Options) -> Right:
    """Return the right answers under these options, which mean what they mean in PyTorch."""
    first: dict[tuple[bytes, int], int] = {}  # the large batches repeat a few rows, which are solved once
    pairs = zip(batch.logits, batch.labels.tolist(), strict=True)
    which = np.array([first.setdefault((row.tobytes(), label), len(first)) for row, label in pairs])
    few = batch.rows(np.unique(which, return_index=True)[1])
    smoothing = Decimal(str(options.get("label_smoothing", 0.0)))
    weights = tuple(Decimal(float(w)) for w in options.get("class_weights", [1.0] * batch.logits.shape[1]))
    counted = batch.labels != options.get("ignore_index", None)
    labels, times = np.unique(batch.labels[counted], return_counts=True)
    reduction = options.get("reduction", "mean")
    count = sum((weights[y] * n for y, n in zip(labels.tolist(), times.tolist(), strict=True)), Decimal(0))
    nothing = Decimal(0), [Decimal(0)] * len(weights), Decimal(0)
    solved = [
        nothing if label == options.get("ignore_index") else _solve_row(row.tobytes(), label, smoothing, weights)
        for row, label in zip(few.logits, few.labels.tolist(), strict=True)
    ]
    with localcontext(prec=digits(batch.logits)):
        share = 1 / count if reduction == "mean" and count else Decimal(1)
        loss = np.array([float(each * share) for each, _, _ in solved])
        grad = np.array([[float(each * share) for each in row] for _, row, _ in solved])
        scale = np.array([float(total * share) for _, _, total in solved])
    return _with_tolerances(few, loss, grad, scale, which, counted, reduction)


@lru_cache(maxsize=20_000)
def _solve_row(
    row: bytes, label: int, smoothing: Decimal, weights: tuple[Decimal, ...]
) -> tuple[Decimal, list[Decimal], Decimal]:
    """Return loss and gradient of a sample, and the sum of its target."""
    log_q, q = _softmax_of_row(row)
    with localcontext(prec=digits(np.frombuffer(row))):
        spread, rest = smoothing / len(weights), 1 - smoothing
        target = [w * (spread + rest * int(i == label)) for i, w in enumerate(weights)]
        total = sum(target, Decimal(0))
        loss = -sum((t * log for t, log in zip(target, log_q, strict=True) if t), Decimal(0))
        return loss, [total * each - t for t, each in zip(target, q, strict=True)], total


def _with_tolerances(
    few: Batch, loss: Table, grad: Table, scale: Table, which: Any, counted: NDArray[np.bool_], reduction: str
) -> Right:
    """Return the right answers of all samples from those of the few that differ: sample n is number `which[n]`."""
    finite = np.where(few.logits == -INF, np.nan, few.logits)
    gap = np.nanmax(finite, axis=1) - np.nanmin(finite, axis=1)
    size = np.nanmax(np.abs(finite), axis=1)
    steep = np.array([_steepness(row.tobytes()) for row in few.logits])
    roundings = 8 + np.log2(few.logits.shape[1])
    largest = np.abs(grad).max(axis=1)
    loss_sharp = np.where(np.isfinite(loss), roundings * np.abs(loss), 0) + gap * largest
    grad_sharp = roundings * largest + gap * steep * scale
    grad_blunt = np.maximum((roundings + size) * scale, grad_sharp)
    loss_blunt = np.maximum((roundings + size) * scale, loss_sharp)
    loss, loss_sharp, loss_blunt, each_finite = (
        each[which] for each in (loss, loss_sharp, loss_blunt, np.isfinite(loss))
    )
    if reduction != "none":
        added_up = 2 * np.sqrt(len(loss)) * np.where(each_finite, np.abs(loss), 0).sum()  # one after the other
        loss, loss_sharp, loss_blunt = loss.sum(), loss_sharp.sum(), loss_blunt.sum() + added_up
    grad, grad_sharp, grad_blunt = grad[which], grad_sharp[which, np.newaxis], grad_blunt[which, np.newaxis]
    return Right(loss, grad, loss_sharp, loss_blunt, grad_sharp, grad_blunt, counted, each_finite)
