"""What a probe finds, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xentlib.audit.calling import Answer, Caller
from xentlib.audit.vectors import FORMATS, INF, Batch, Options, Right, Table, solve

SEVERITIES = ("ok", "accuracy", "range", "wrong")  # from harmless to grave


def is_grave(severity: str) -> bool:
    """Tell whether it is more than a note."""
    return severity in ("range", "wrong")


@dataclass(frozen=True)
class Evidence:
    """One call whose right answer is known, and how it went."""

    batch: Batch
    answer: Answer
    right: Right
    severity: str
    what: str = ""  #: what went wrong, in words


@dataclass(frozen=True)
class Finding:
    """An alarm: what was handed over, what came out, what is right."""

    probe: str
    severity: str
    what: str
    logits: Table
    labels: Any
    got: str
    right: str
    options: Options = field(default_factory=lambda: Options())  #: under which it was found


def judge(answer: Answer, right: Right, dtype: str) -> tuple[str, str]:
    """Return the severity of an answer, and what is wrong with it in words."""
    if answer.problem:
        return "wrong", answer.problem
    if answer.loss is None:
        return "wrong", "no loss"
    if not right.counted.any():
        return _judge_nothing(answer)
    if np.isposinf(answer.loss).all() and np.ndim(answer.loss) == 0 and _sum_overflows(right, dtype):
        return "accuracy", f"loss is inf, since the sum of the losses is not a {dtype}"
    verdicts = [("loss", *compare(answer.loss, right.loss, right.loss_sharp, right.loss_blunt, dtype))]
    if answer.grad is not None:
        rows = right.finite  # the others have no gradient
        verdicts.append(
            ("gradient", *compare(answer.grad[rows], right.grad[rows], right.grad_sharp[rows], right.grad_blunt[rows],
                                   dtype))
        )  # fmt: skip
        if answer.grad[~right.counted].any():
            verdicts.append(("gradient", "wrong", "of an ignored sample is not 0"))
    name, severity, what = max(verdicts, key=lambda verdict: SEVERITIES.index(verdict[1]))
    return severity, f"{name} {what}" if severity != "ok" else ""


def _sum_overflows(right: Right, dtype: str) -> bool:
    """Tell whether the losses of a mean have no sum in the dtype, which soon happens in float16, in PyTorch too."""
    return bool(FORMATS[dtype].largest < right.loss * right.counted.sum() < INF)


def _judge_nothing(answer: Answer) -> tuple[str, str]:
    """A mean over nothing may be 0, as here, or NaN, as in PyTorch: that is a choice. Anything else is wrong."""
    values = np.concatenate([np.ravel(each) for each in (answer.loss, answer.grad) if each is not None])
    if np.nan_to_num(values).any():
        return "wrong", "loss or gradient of a batch in which nothing counts is not 0"
    return ("accuracy", "nan from a batch in which nothing counts") if np.isnan(values).any() else ("ok", "")


def compare(got: Table, right: Table, sharp: Table, blunt: Table, dtype: str) -> tuple[str, str]:
    """Return the severity of a result, and what is wrong with it in words."""
    kind = FORMATS[dtype]
    infinite = ~np.isfinite(right)
    with np.errstate(invalid="ignore"):
        error = np.abs(got - right)
    if (infinite & (got != right)).any() or (~infinite & ~np.isfinite(got)).any():
        return "range", "is not finite" if not np.isfinite(got).all() else "is finite, where inf is right"
    single = max(kind.eps, FORMATS["float32"].eps)
    if (error > single * blunt + 2 * kind.tiny)[~infinite].any():
        return "wrong", "is wrong"
    if (error > kind.eps * blunt + 2 * kind.tiny)[~infinite].any():
        return "accuracy", "has the digits of float32"
    if (error > kind.eps * sharp + 2 * kind.tiny)[~infinite].any():
        return "accuracy", "has lost digits"
    return "ok", ""


def tried(caller: Caller, batch: Batch, dtype: str) -> Evidence:
    """Return how the call of a batch went."""
    answer, right = caller(batch.logits, batch.labels), solve(batch, caller.options)
    return Evidence(batch, answer, right, *judge(answer, right, dtype))


def describe(loss: Any, grad: Any = None) -> str:
    """Return loss and gradient in six digits, the first entries of a long one."""
    parts = [f"loss {short(loss)}"] + ([] if grad is None else [f"gradient {short(grad)}"])
    return ", ".join(parts)


def short(values: Any) -> str:
    """Return the first entries in six digits."""
    flat = np.ravel(np.asarray(values, dtype=float))
    numbers = [f"{value + 0.0:.6g}" for value in flat[:12]] + (["…"] if flat.size > 12 else [])
    return numbers[0] if np.ndim(values) == 0 else f"[{' '.join(numbers)}]"
