"""Batches whose right answers are known to 50 digits, and what any dtype may be expected to keep of them.

`vectors.json` holds log-probabilities and probabilities for each batch, made by `tools/audit_vectors.py` with mpmath.
All logits are numbers of few bits, so that the answers do not depend on the dtype. Decimal arithmetic turns them into
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
Decimals = NDArray[np.object_]


class Options(TypedDict, total=False):
    """What the loss is called with, and what it means in PyTorch."""

    label_smoothing: float
    ignore_index: int
    class_weights: Any
    reduction: str


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
    """Return values as the dtype has them; NumPy has no bfloat16, so float32 with its last 16 bits rounded away."""
    if dtype != "bfloat16":
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


@dataclass(frozen=True)
class Batch:
    """Logits of shape (N, K), labels, and the exact log-softmax and softmax of each row."""

    probe: str
    name: str
    logits: Table
    labels: NDArray[np.int64]
    log_q: Decimals
    q: Decimals

    @classmethod
    def of(cls, probe: str, name: str, logits: Any, labels: Any) -> Batch:
        """Return a batch of any logits, whose answers Decimal arithmetic finds."""
        table = np.array(logits, np.float64)
        solved = [_softmax_of(row.tobytes()) for row in table]
        log_q, q = np.array([row[0] for row in solved]), np.array([row[1] for row in solved])
        return cls(probe, name, table, np.array(labels, np.int64), log_q, q)

    def rows(self, index: Any, name: str = "") -> Batch:
        """Return some rows, in the order of `index`."""
        return replace(
            self, name=name or self.name, logits=self.logits[index], labels=self.labels[index],
            log_q=self.log_q[index], q=self.q[index],
        )  # fmt: skip

    def classes(self, order: NDArray[np.intp], name: str) -> Batch:
        """Return the batch with its classes renamed: class `order[i]` becomes class i."""
        return replace(
            self, name=name, logits=np.ascontiguousarray(self.logits[:, order]), labels=np.argsort(order)[self.labels],
            log_q=self.log_q[:, order], q=self.q[:, order],
        )  # fmt: skip

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
        columns = np.arange(n_classes) % old
        logits = np.ascontiguousarray(self.logits[:, columns])
        if ((logits > -INF).sum(axis=1) < 2).any():
            return None
        return Batch.of(self.probe, self.name, logits, self.labels % n_classes)


def _digits(logits: Table) -> int:
    """Return how many digits it takes to tell a probability of nearly 1 from 1."""
    finite = logits[np.isfinite(logits)]
    return DIGITS + min(1000, int(np.ptp(finite) / np.log(10)))


@lru_cache(maxsize=2000)
def _softmax_of(row: bytes) -> tuple[list[Decimal], list[Decimal]]:
    """Return log-softmax and softmax of the logits with these bytes."""
    logits = np.frombuffer(row)
    with localcontext(prec=_digits(logits)):
        top = Decimal(float(logits.max()))
        powers = {z: (Decimal(z) - top).exp() for z in set(logits.tolist())}
        total = sum((powers[z] for z in logits.tolist()), Decimal(0))
        shift = top + total.ln()
        return [Decimal(z) - shift for z in logits.tolist()], [powers[z] / total for z in logits.tolist()]


@lru_cache(maxsize=1)
def stored() -> dict[str, Any]:
    """Return what the file of vectors holds."""
    return json.loads(files(__package__).joinpath("vectors.json").read_text())


def _decimals(table: list[list[str]]) -> Decimals:
    with localcontext(prec=DIGITS):
        return np.frompyfunc(Decimal, 1, 1)(np.array(table, dtype=object))


@lru_cache(maxsize=1)
def batches() -> tuple[Batch, ...]:
    """Return the stored batches."""
    return tuple(
        Batch(
            case["probe"], case["name"], np.array(case["logits"], object).astype(float),
            np.array(case["labels"], np.int64), _decimals(case["log_q"]), _decimals(case["q"]),
        )
        for case in stored()["cases"]
    )  # fmt: skip


@dataclass(frozen=True)
class Right:
    """Loss and gradient of a batch, and the errors, in units of eps, that are forgiven.

    `sharp` is what a careful program keeps: eight roundings, and that of the gaps between logits. `blunt` is what
    rounding a number of the size of the logits costs. Between the two, digits were lost; beyond both, the mathematics
    is another.
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
    n_rows, n_classes = batch.logits.shape
    smoothing = Decimal(str(options.get("label_smoothing", 0.0)))
    weights = [Decimal(float(w)) for w in options.get("class_weights", [1.0] * n_classes)]
    counted = batch.labels != options.get("ignore_index", None)
    losses, grads = [Decimal(0)] * n_rows, [[Decimal(0)] * n_classes for _ in range(n_rows)]
    totals = np.zeros(n_rows)
    known: dict[tuple[bytes, int], tuple[Decimal, list[Decimal], float]] = {}
    with localcontext(prec=_digits(batch.logits)):
        for n in np.flatnonzero(counted):
            key = batch.logits[n].tobytes(), int(batch.labels[n])
            if key not in known:
                known[key] = _solve_row(batch.log_q[n], batch.q[n], key[1], smoothing, weights)
            losses[n], grads[n], totals[n] = known[key]
        reduction = options.get("reduction", "mean")
        count = sum((weights[batch.labels[n]] for n in np.flatnonzero(counted)), Decimal(0))
        share = 1 / count if reduction == "mean" and count else Decimal(1)
        loss = np.array([float(each * share) for each in losses])
        grad = np.array([[float(each * share) for each in row] for row in grads]).reshape(n_rows, n_classes)
    return _with_tolerances(batch, loss, grad, totals * float(share), counted, reduction)


def _solve_row(
    log_q: Decimals, q: Decimals, label: int, smoothing: Decimal, weights: list[Decimal]
) -> tuple[Decimal, list[Decimal], float]:
    """Return loss and gradient of a sample, and the sum of its target."""
    spread, rest = smoothing / len(weights), 1 - smoothing
    target = [w * (spread + rest * int(i == label)) for i, w in enumerate(weights)]
    total = sum(target, Decimal(0))
    loss = -sum((t * log for t, log in zip(target, log_q, strict=True) if t), Decimal(0))
    return loss, [total * each - t for t, each in zip(target, q, strict=True)], float(total)


def _with_tolerances(
    batch: Batch, loss: Table, grad: Table, scale: Table, counted: NDArray[np.bool_], reduction: str
) -> Right:
    finite = np.where(batch.logits == -INF, np.nan, batch.logits)
    gap = np.nanmax(finite, axis=1) - np.nanmin(finite, axis=1)
    size = np.nanmax(np.abs(finite), axis=1)
    q = batch.q.astype(float)
    steep = (q * (1 - q)).max(axis=1)
    roundings = 8 + np.log2(batch.logits.shape[1])
    largest = np.abs(grad).max(axis=1)
    loss_sharp = np.where(np.isfinite(loss), roundings * np.abs(loss), 0) + gap * largest
    grad_sharp = roundings * largest + gap * steep * scale
    blunt = np.maximum((roundings + size) * scale, grad_sharp)
    loss_blunt = np.maximum((roundings + size) * scale, loss_sharp)
    each_finite = np.isfinite(loss)
    if reduction != "none":
        added_up = 2 * np.sqrt(len(loss)) * np.where(each_finite, np.abs(loss), 0).sum()  # one after the other
        loss, loss_sharp, loss_blunt = loss.sum(), loss_sharp.sum(), loss_blunt.sum() + added_up
    return Right(
        loss, grad, loss_sharp, loss_blunt, grad_sharp[:, np.newaxis], blunt[:, np.newaxis], counted, each_finite
    )
