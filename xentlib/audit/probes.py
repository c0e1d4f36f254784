"""What is tried on a loss, and how bad it is if that goes wrong.

Most probes compare loss and gradient of a batch with the right ones; the others compare calls with each other, or the
loss with its own gradient.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from xentlib.audit.calling import Answer, Caller
from xentlib.audit.vectors import FORMATS, INF, Batch, Options, Right, Table, batches, solve

SEVERITIES = ("ok", "accuracy", "range", "wrong")  # from harmless to grave
ABOUT = {
    "ordinary": "values and gradients at ordinary logits",
    "far apart": "rows that lie 800 apart in one batch",
    "far behind": "a true class that trails by up to 800",
    "far ahead": "a true class that leads by 8 and by 40",
    "ties": "equal logits",
    "classes": "two classes, and many",
    "offsets": "the same number added to all logits",
    "masks": "logits of −inf, of the true class and of others",
    "labels": "the first class and the last",
    "permutations": "samples and classes in another order",
    "repeats": "rows and labels that come twice",
    "many samples": "2000 samples, whose losses add up to 80,000",
    "ignored, some": "samples that do not count",
    "ignored, all": "a batch in which nothing counts",
    "input unchanged": "logits and labels after the call",
    "types": "the dtype of the result",
    "determinism": "the same call again",
    "rows sum to 0": "the gradient of each sample",
    "loss from gradient": "−mean log1p(N g_y)",
    "differences": "the slope of the loss, and its gradient",
}


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


@dataclass
class Trial:
    """What the probes found out."""

    findings: list[Finding] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    tried: dict[str, str] = field(default_factory=dict)  #: the verdict of each probe


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
    verdicts = [("loss", *_compare(answer.loss, right.loss, right.loss_sharp, right.loss_blunt, dtype))]
    if answer.grad is not None and np.isfinite(right.loss).all():
        verdicts.append(("gradient", *_compare(answer.grad, right.grad, right.grad_sharp, right.grad_blunt, dtype)))
        if answer.grad[~right.counted].any():
            verdicts.append(("gradient", "wrong", "of an ignored sample is not 0"))
    name, severity, what = max(verdicts, key=lambda verdict: SEVERITIES.index(verdict[1]))
    return severity, f"{name} {what}" if severity != "ok" else ""


def _sum_overflows(right: Right, dtype: str) -> bool:
    """Tell whether the losses of a mean have no sum in the dtype, as in float16 soon happens, in PyTorch too."""
    return bool(FORMATS[dtype].largest < right.loss * right.counted.sum() < INF)


def _judge_nothing(answer: Answer) -> tuple[str, str]:
    """A mean over nothing is 0 here and NaN in PyTorch, which is a choice, and no other number will do."""
    values = np.concatenate([np.ravel(each) for each in (answer.loss, answer.grad) if each is not None])
    if np.nan_to_num(values).any():
        return "wrong", "loss or gradient of a batch in which nothing counts is not 0"
    return ("accuracy", "nan from a batch in which nothing counts") if np.isnan(values).any() else ("ok", "")


def _compare(got: Table, right: Table, sharp: Table, blunt: Table, dtype: str) -> tuple[str, str]:
    kind = FORMATS[dtype]
    infinite = ~np.isfinite(right)
    with np.errstate(invalid="ignore"):
        error = np.abs(got - right)
    if (infinite & (got != right)).any() or (~infinite & ~np.isfinite(got)).any():
        return "range", "is not finite" if not np.isfinite(got).all() else "is finite, where inf is right"
    if (error > kind.eps * blunt + 2 * kind.tiny)[~infinite].any():
        return "wrong", "is wrong"
    if (error > kind.eps * sharp + 2 * kind.tiny)[~infinite].any():
        return "accuracy", "has lost digits"
    return "ok", ""


@lru_cache(maxsize=20)
def prepared(options: str) -> list[tuple[Batch, Right]]:
    """Return the batches to try under options, written in JSON, and their right answers."""
    read: Options = json.loads(options)
    return [(batch, solve(batch, read)) for batch in all_batches(read)]


def all_batches(options: Options) -> list[Batch]:
    """Return the batches to try under these options, the small ones of each probe first."""
    n_classes = len(options["class_weights"]) if "class_weights" in options else 0
    made = [*batches(), *_more_batches()]
    if n_classes:
        made = [wide for batch in made if (wide := batch.with_classes(n_classes)) is not None]
    if "ignore_index" in options:
        index = options["ignore_index"]
        made = [batch for batch in made if (batch.labels != index).any()] + _ignoring(made, index)
    return made


def _named(name: str) -> Batch:
    return next(batch for batch in batches() if batch.name == name)


def _more_batches() -> list[Batch]:
    four, one = _named("four rows"), _named("one row")
    many = _named("40 ahead, 800 behind").rows([0] * 2000, "2000 rows")
    many = many.labelled([0] * 2000, "2000 rows, each 40 behind")
    made = [
        ("permutations", four.rows([2, 0, 3, 1], "samples in another order")),
        ("permutations", four.classes(np.array([1, 0, 2]), "two classes exchanged")),
        ("permutations", one.classes(np.array([2, 1, 0]), "classes reversed")),
        ("repeats", four.rows([0, 0, 1, 1, 2, 2, 3, 3], "each row twice")),
        ("repeats", four.rows([0, 0, 0, 0, 1], "one row four times")),
        ("many samples", many),
    ]
    return [Batch(probe, b.name, b.logits, b.labels, b.log_q, b.q) for probe, b in made]


def _ignoring(made: list[Batch], index: int) -> list[Batch]:
    """Return batches of which some samples, or all, have the label to ignore."""
    result = []
    for name, where in (("four rows", [0, 3]), ("800 up and down", [0]), ("each row twice", [0, 1, 5]),
                        ("one row four times", [1, 2]), ("one row", [0]), ("four rows", [0, 1, 2, 3])):  # fmt: skip
        for batch in made:
            if batch.name == name:
                labels = batch.labels.copy()
                labels[where] = index
                probe = "ignored, all" if len(where) == len(labels) else "ignored, some"
                b = batch.labelled(labels, f"{name}, {len(where)} ignored")
                result.append(Batch(probe, b.name, b.logits, b.labels, b.log_q, b.q))
    return result


def try_all(caller: Caller, dtype: str) -> Trial:
    """Return what all probes find."""
    trial = Trial()
    for batch, right in prepared(json.dumps(caller.options, default=list, sort_keys=True)):
        too_large = np.isfinite(right.loss) & (right.loss > FORMATS[dtype].largest)
        if not batch.fits(dtype) or too_large.any():
            continue
        answer = caller(batch.logits, batch.labels)
        evidence = Evidence(batch, answer, right, *judge(answer, right, dtype))
        trial.evidence.append(evidence)
        if evidence.severity != "ok":
            if not any((f.probe, f.severity) == (batch.probe, evidence.severity) for f in trial.findings):
                evidence = _smallest(caller, evidence, dtype)
            trial.findings.append(_finding(evidence))
        _note(trial, batch.probe, evidence.severity)
    with_grad = any(e.answer.grad is not None for e in trial.evidence)
    for probe, relation in RELATIONS.items():
        if (probe in OF_THE_GRADIENT and not with_grad) or (probe == "loss from gradient" and caller.options):
            trial.tried[probe] = "not tried"
            continue
        found = list(relation(caller, dtype, trial))
        trial.findings += found
        _note(trial, probe, max((finding.severity for finding in found), key=SEVERITIES.index, default="ok"))
    if caller.hung:
        for probe in ABOUT:
            trial.tried.setdefault(probe, "not tried")
    return trial


def _note(trial: Trial, probe: str, severity: str) -> None:
    trial.tried[probe] = max(trial.tried.get(probe, "ok"), severity, key=SEVERITIES.index)


def _value(caller: Caller, batch: Batch, dtype: str) -> Evidence:
    answer, right = caller(batch.logits, batch.labels), solve(batch, caller.options)
    return Evidence(batch, answer, right, *judge(answer, right, dtype))


def _smallest(caller: Caller, evidence: Evidence, dtype: str) -> Evidence:
    """Return the first row that alone goes as wrong as its batch, or the batch."""
    batch = evidence.batch
    if 1 < len(batch.labels) <= 10:
        for n in range(len(batch.labels)):
            alone = _value(caller, batch.rows([n], f"{batch.name}, row {n}"), dtype)
            if alone.severity == evidence.severity:
                return alone
    return evidence


def _finding(evidence: Evidence) -> Finding:
    batch, answer, right = evidence.batch, evidence.answer, evidence.right
    with_grad = answer.grad is not None or bool(answer.problem)
    got = answer.problem or describe(answer.loss, answer.grad)
    return Finding(batch.probe, evidence.severity, evidence.what, batch.logits, batch.labels, got,
                   describe(right.loss, right.grad if with_grad else None))  # fmt: skip


def describe(loss: Any, grad: Any = None) -> str:
    """Return loss and gradient in six digits, the first entries of a long one."""
    parts = [f"loss {_short(loss)}"] + ([] if grad is None else [f"gradient {_short(grad)}"])
    return ", ".join(parts)


def _short(values: Any) -> str:
    flat = np.ravel(np.asarray(values, dtype=float))
    numbers = [f"{value + 0.0:.6g}" for value in flat[:12]] + (["…"] if flat.size > 12 else [])
    return numbers[0] if np.ndim(values) == 0 else f"[{' '.join(numbers)}]"


# Probes that compare calls with each other


def _sound(trial: Trial) -> Evidence | None:
    """Return a call on an ordinary batch that came back."""
    return next((e for e in trial.evidence if e.batch.name == "four rows" and not e.answer.problem), None)


def _unchanged(caller: Caller, dtype: str, trial: Trial) -> Iterator[Finding]:
    for evidence in trial.evidence:
        if evidence.answer.changed:
            yield Finding("input unchanged", "wrong", "the call changed its input", evidence.batch.logits,
                          evidence.batch.labels, "another input after the call", "the same input")  # fmt: skip
            return


def _of_its_dtype(caller: Caller, dtype: str, trial: Trial) -> Iterator[Finding]:
    for evidence in trial.evidence:
        if evidence.answer.note:
            yield Finding("types", "accuracy", evidence.answer.note, evidence.batch.logits, evidence.batch.labels,
                          evidence.answer.note, f"results of {dtype}")  # fmt: skip
            return


def _deterministic(caller: Caller, dtype: str, trial: Trial) -> Iterator[Finding]:
    first = _sound(trial)
    if first is None:
        return
    again = caller(first.batch.logits, first.batch.labels)
    if again.problem or not _same(first.answer, again):
        blurred = again.problem or again.loss is None or judge(again, first.right, dtype)[0] == "wrong"
        got = again.problem or f"{describe(first.answer.loss)}, then {describe(again.loss)}"
        yield Finding("determinism", "wrong" if blurred else "accuracy", "two calls differ", first.batch.logits,
                      first.batch.labels, got, describe(first.right.loss))  # fmt: skip


def _same(one: Answer, other: Answer) -> bool:
    return all(
        a is b or (a is not None and b is not None and np.array_equal(a, b, equal_nan=True))
        for a, b in ((one.loss, other.loss), (one.grad, other.grad))
    )


def _balanced(caller: Caller, dtype: str, trial: Trial) -> Iterator[Finding]:
    for evidence in trial.evidence:
        grad, right = evidence.answer.grad, evidence.right
        if evidence.answer.problem or grad is None or not np.isfinite(grad).all() or not np.isfinite(right.loss).all():
            continue
        off = np.abs(grad.sum(axis=1, keepdims=True))
        severity = _compare(off, np.zeros_like(off), right.grad_sharp * 2, right.grad_blunt * 2, dtype)[0]
        if severity != "ok" and right.counted.any():
            yield Finding("rows sum to 0", severity, "a row of the gradient does not sum to 0", evidence.batch.logits,
                          evidence.batch.labels, f"sums {_short(off)}", "sums 0")  # fmt: skip
            if severity == "wrong":
                return


def _from_gradient(caller: Caller, dtype: str, trial: Trial) -> Iterator[Finding]:
    """The gradient of a mean of plain losses contains the loss."""
    evidence = _sound(trial)
    if evidence is None or evidence.answer.grad is None or evidence.answer.loss is None:
        return
    n_rows = len(evidence.batch.labels)
    slopes = n_rows * evidence.answer.grad[np.arange(n_rows), evidence.batch.labels]
    with np.errstate(all="ignore"):
        implied = -np.mean(np.log1p(slopes))
    least = float(min(evidence.batch.q[np.arange(n_rows), evidence.batch.labels]))
    allowed = FORMATS[dtype].eps * 16 / least
    if not abs(implied - evidence.answer.loss) <= allowed:
        yield Finding("loss from gradient", "wrong", "the gradient is that of another loss", evidence.batch.logits,
                      evidence.batch.labels, f"{describe(evidence.answer.loss)}, gradient of a loss of {implied:.6g}",
                      "both the same")  # fmt: skip


def _differences(caller: Caller, dtype: str, trial: Trial) -> Iterator[Finding]:
    """The step is a power of 2, so that the moved logits are exact."""
    evidence = _sound(trial)
    if evidence is None or evidence.answer.grad is None:
        return
    eps = FORMATS[dtype].eps
    step = 2.0 ** round(np.log2(eps) / 3)
    batch = evidence.batch
    slopes = np.zeros_like(batch.logits)
    for index in np.ndindex(batch.logits.shape):
        nudge = np.zeros_like(batch.logits)
        nudge[index] = step
        ahead, behind = (caller(batch.logits + sign * nudge, batch.labels) for sign in (1, -1))
        if ahead.problem or behind.problem or ahead.loss is None or behind.loss is None:
            return  # the values have said so already
        slopes[index] = (ahead.loss.sum() - behind.loss.sum()) / (2 * step)
    scale = float(evidence.right.loss_blunt.sum())
    allowed = eps * scale / step + step**2 * float(evidence.right.grad_blunt.max())
    if not (np.abs(slopes - evidence.answer.grad) <= allowed).all():
        yield Finding("differences", "wrong", "the gradient is not the slope of the loss", batch.logits, batch.labels,
                      f"gradient {_short(evidence.answer.grad)}", f"slopes {_short(slopes)}")  # fmt: skip


RELATIONS = {
    "input unchanged": _unchanged,
    "types": _of_its_dtype,
    "determinism": _deterministic,
    "rows sum to 0": _balanced,
    "loss from gradient": _from_gradient,
    "differences": _differences,
}
OF_THE_GRADIENT = {"rows sum to 0", "loss from gradient", "differences"}
