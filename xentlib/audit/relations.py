"""Probes that compare calls with each other, or a loss with its own gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xentlib.audit.calling import Answer, Caller
from xentlib.audit.findings import SEVERITIES, Evidence, Finding, compare, describe, judge, short, tried
from xentlib.audit.shrink import Clock, shrunk
from xentlib.audit.vectors import FORMATS

Check = Callable[[Caller, Evidence, str], Finding | None]
CALLS = 64  #: of the probe of determinism


@dataclass(frozen=True)
class Relation:
    """What must hold of a call, and for which calls to ask."""

    check: Check
    everywhere: bool = False  #: on each batch, or on an ordinary one alone
    of_the_gradient: bool = False
    shrinks: bool = True  #: whether a smaller input is looked for


def _finding(probe: str, evidence: Evidence, severity: str, what: str, got: str, right: str) -> Finding:
    return Finding(probe, severity, what, evidence.batch.logits, evidence.batch.labels, got, right)


def _unchanged(caller: Caller, evidence: Evidence, dtype: str) -> Finding | None:
    if not evidence.answer.changed:
        return None
    what = "the call changed its input"
    return _finding("input unchanged", evidence, "wrong", what, "another input after the call", "the same input")


def _of_its_dtype(caller: Caller, evidence: Evidence, dtype: str) -> Finding | None:
    note = evidence.answer.note
    return _finding("types", evidence, "accuracy", note, note, f"results of {dtype}") if note else None


def _deterministic(caller: Caller, evidence: Evidence, dtype: str) -> Finding | None:
    logits, labels = evidence.batch.logits, evidence.batch.labels
    for _ in range(CALLS):
        again = caller(logits, labels)
        if again.problem or not same(evidence.answer, again):
            grave = judge(again, evidence.right, dtype)[0] == "wrong"
            got = again.problem or f"{describe(evidence.answer.loss)}, then {describe(again.loss)}"
            right = describe(evidence.right.loss)
            return _finding("determinism", evidence, "wrong" if grave else "accuracy", "two calls differ", got, right)
    if again.kept is None:
        return None
    then = _copy(again.kept)
    caller(-logits, labels)
    now = _copy(again.kept)
    if np.array_equal(now, then, equal_nan=True):
        return None
    what = "the next call writes into the gradient that this one returned"
    return _finding("determinism", evidence, "wrong", what, f"{short(now)} later", short(then))


def _copy(values: Any) -> Any:
    return np.array(values.tolist() if hasattr(values, "tolist") else values)


def same(one: Answer, other: Answer) -> bool:
    """Tell whether two answers are the same to the last bit."""
    return all(
        a is b or (a is not None and b is not None and np.array_equal(a, b, equal_nan=True))
        for a, b in ((one.loss, other.loss), (one.grad, other.grad))
    )


def _keeps_nan(caller: Caller, evidence: Evidence, dtype: str) -> Finding | None:
    """NaN is not a logit. A loss may raise; if it returns a number, a broken network goes unseen."""
    counted = np.flatnonzero(evidence.right.counted)
    if not counted.size:
        return None
    row = counted[0]
    for column in range(evidence.batch.logits.shape[1]):
        logits = evidence.batch.logits.copy()
        logits[row, column] = np.nan
        loss = caller(logits, evidence.batch.labels).loss
        if loss is not None and np.isfinite(loss if loss.ndim == 0 else loss[row]):
            broken = replace(evidence, batch=replace(evidence.batch, logits=logits))
            return _finding("not a number", broken, "range", "a NaN has vanished", describe(loss), "loss nan")
    return None


def _takes_labels(caller: Caller, evidence: Evidence, dtype: str) -> Finding | None:
    for kind in caller.adapter.label_types:
        labels = evidence.batch.labels.astype(kind)
        if (labels == evidence.batch.labels).all():
            finding = _otherwise("label types", f"labels of {kind}", caller, evidence, dtype, labels=labels)
            if finding is not None:
                return finding
    return None


def _takes_columns(caller: Caller, evidence: Evidence, dtype: str) -> Finding | None:
    if not caller.adapter.has_layouts:
        return None
    logits = np.asfortranarray(evidence.batch.logits)
    return _otherwise("layout", "arrays in column order", caller, evidence, dtype, logits=logits)


def _otherwise(probe: str, how: str, caller: Caller, evidence: Evidence, dtype: str, **arrays: Any) -> Finding | None:
    """Hand the same numbers over in another way. Refusing it is a choice; accepting it and going wrong is a mistake."""
    given = {"logits": evidence.batch.logits, "labels": evidence.batch.labels, **arrays}
    answer = caller(given["logits"], given["labels"])
    right = describe(evidence.right.loss, None if answer.grad is None else evidence.right.grad)
    if answer.problem.startswith("raised"):
        return _finding(probe, evidence, "accuracy", f"refuses {how}", answer.problem, right)
    severity, what = judge(answer, evidence.right, dtype)
    if SEVERITIES.index(severity) <= SEVERITIES.index(evidence.severity):
        return None
    got = answer.problem or describe(answer.loss, answer.grad)
    return _finding(probe, evidence, severity, f"{what}, for {how}", got, right)


def _balanced(caller: Caller, evidence: Evidence, dtype: str) -> Finding | None:
    grad, right = evidence.answer.grad, evidence.right
    if evidence.answer.problem or grad is None or not np.isfinite(grad).all() or not np.isfinite(right.loss).all():
        return None
    off = np.abs(grad.sum(axis=1, keepdims=True))
    severity = compare(off, np.zeros_like(off), right.grad_sharp * 2, right.grad_blunt * 2, dtype)[0]
    if severity == "ok" or not right.counted.any():
        return None
    what = "a row of the gradient does not sum to 0"
    return _finding("rows sum to 0", evidence, severity, what, f"sums {short(off)}", "sums 0")


def _from_gradient(caller: Caller, evidence: Evidence, dtype: str) -> Finding | None:
    """The gradient of a mean of plain losses contains the loss."""
    if evidence.answer.grad is None or evidence.answer.loss is None:
        return None
    n_rows = len(evidence.batch.labels)
    slopes = n_rows * evidence.answer.grad[np.arange(n_rows), evidence.batch.labels]
    with np.errstate(all="ignore"):
        implied = -np.mean(np.log1p(slopes))
    least = float((1 + n_rows * evidence.right.grad[np.arange(n_rows), evidence.batch.labels]).min())
    if least == 0 or abs(implied - evidence.answer.loss) <= FORMATS[dtype].eps * 16 / least:
        return None
    got = f"{describe(evidence.answer.loss)}, gradient of a loss of {implied:.6g}"
    what = "the gradient is that of another loss"
    return _finding("loss from gradient", evidence, "wrong", what, got, "both the same")


def _differences(caller: Caller, evidence: Evidence, dtype: str) -> Finding | None:
    """The step is a power of 2, so that the moved logits are exact."""
    batch, right, grad = evidence.batch, evidence.right, evidence.answer.grad
    if grad is None:
        return None
    eps = FORMATS[dtype].eps
    step = 2.0 ** round(np.log2(eps) / 3)
    slopes = np.zeros_like(batch.logits)
    for index in np.ndindex(batch.logits.shape):
        nudge = np.zeros_like(batch.logits)
        nudge[index] = step
        ahead, behind = (caller(batch.logits + sign * nudge, batch.labels) for sign in (1, -1))
        if ahead.loss is None or behind.loss is None:
            return None  # the values have shown it already
        slopes[index] = (ahead.loss.sum() - behind.loss.sum()) / (2 * step)
    allowed = eps * float(right.loss_blunt.sum()) / step + step**2 * float(right.grad_blunt.max())
    if (np.abs(slopes - grad) <= allowed).all():
        return None
    what = "the gradient is not the slope of the loss"
    return _finding("differences", evidence, "wrong", what, f"gradient {short(grad)}", f"slopes {short(slopes)}")


RELATIONS = {
    "not a number": Relation(_keeps_nan, shrinks=False),
    "input unchanged": Relation(_unchanged, everywhere=True),
    "types": Relation(_of_its_dtype, everywhere=True, shrinks=False),
    "label types": Relation(_takes_labels, shrinks=False),
    "layout": Relation(_takes_columns, shrinks=False),
    "determinism": Relation(_deterministic, shrinks=False),
    "rows sum to 0": Relation(_balanced, everywhere=True, of_the_gradient=True),
    "loss from gradient": Relation(_from_gradient, of_the_gradient=True),
    "differences": Relation(_differences, of_the_gradient=True),
}
OF_THE_GRADIENT = {probe for probe, relation in RELATIONS.items() if relation.of_the_gradient}


def broken_ones(
    relation: Relation, caller: Caller, evidence: list[Evidence], dtype: str, clock: Clock
) -> Iterator[Finding]:
    """Yield what breaks a relation: the first of each severity, on the smallest input."""
    returned = [each for each in evidence if not each.answer.problem]
    asked = returned if relation.everywhere else [e for e in returned if e.batch.name == "four rows"][:1]
    seen = set()
    for each in asked:
        finding = relation.check(caller, each, dtype)
        if finding is None or finding.severity in seen:
            continue
        seen.add(finding.severity)
        yield _smaller(relation.check, finding, caller, each, dtype, clock) if relation.shrinks else finding


def _smaller(check: Check, finding: Finding, caller: Caller, evidence: Evidence, dtype: str, clock: Clock) -> Finding:
    def found(batch: Any) -> Finding | None:
        there = tried(caller, batch, dtype)
        return None if there.answer.problem else check(caller, there, dtype)

    def fails(batch: Any) -> bool:
        smaller = found(batch)
        return smaller is not None and smaller.severity == finding.severity

    smallest = shrunk(evidence.batch, fails, caller.options, dtype, clock)
    return (found(smallest) or finding) if smallest is not evidence.batch else finding
