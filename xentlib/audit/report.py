"""What the audit says: a table, and for each alarm the input, what came out, what is right, and the mistake's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xentlib.audit.calling import Answer, NumPyAdapter, call_caught
from xentlib.audit.mistakes import KNOWN, KnownMistake
from xentlib.audit.probes import ABOUT, SEVERITIES, Evidence, Finding, Trial, judge
from xentlib.audit.vectors import FORMATS, Options, Table, round_to

MOST_ROWS, MOST_CLASSES = 5, 10  # of an input that is shown


@dataclass(frozen=True)
class Report:
    """The findings of an audit. `print(report)` is a table a person can read in half a minute.

    Attributes
    ----------
    ok : bool
        False if anything is wrong, or infinite or NaN where it should not be. Lost digits are notes.
    tried : dict
        The verdict of each probe: "ok", "accuracy", "range", "wrong" or "not tried".
    findings : tuple of Finding
        Each alarm and each note.
    mistakes : tuple of KnownMistake
        The known mistakes that give the same numbers.
    """

    name: str
    dtype: str
    tried: dict[str, str]
    findings: tuple[Finding, ...]
    mistakes: tuple[KnownMistake, ...]

    @property
    def ok(self) -> bool:
        """Tell whether there is nothing but notes."""
        return not any(finding.severity in ("wrong", "range") for finding in self.findings)

    def __str__(self) -> str:
        lines = [f"{self.name}, {self.dtype}: {'ok' if self.ok else 'NOT OK'}", ""]
        lines += [f"  {verdict:9}  {probe:18}  {ABOUT[probe]}" for probe, verdict in self.tried.items()]
        for mistake in self.mistakes:
            lines += ["", f"These are the numbers of a known mistake: {mistake.name} ({mistake.exhibit}).",
                      f"  {mistake.remedy}"]  # fmt: skip
        for finding in self._worst_of_each_probe():
            lines += ["", f"{finding.severity}: {finding.probe}: {finding.what}", *_details(finding)]
        return "\n".join(lines)

    def _worst_of_each_probe(self) -> list[Finding]:
        """Return of each probe the gravest finding with the smallest input."""
        best: dict[str, Finding] = {}
        for finding in sorted(self.findings, key=lambda f: (-SEVERITIES.index(f.severity), f.logits.size)):
            best.setdefault(finding.probe, finding)
        return list(best.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as numbers and text that JSON has."""
        return {
            "loss": self.name,
            "dtype": self.dtype,
            "ok": self.ok,
            "probes": self.tried,
            "findings": [
                {"probe": f.probe, "severity": f.severity, "what": f.what, "logits": _plain(f.logits),
                 "labels": np.asarray(f.labels).tolist(), "got": f.got, "right": f.right}
                for f in self._worst_of_each_probe()
            ],
            "mistakes": [{"name": m.name, "remedy": m.remedy, "exhibit": m.exhibit} for m in self.mistakes],
        }  # fmt: skip


def _details(finding: Finding) -> list[str]:
    rows = [f"[{', '.join(f'{z:g}' for z in row[:MOST_CLASSES])}{_more(row, MOST_CLASSES)}]" for row in finding.logits]
    labels = [str(label) for label in finding.labels]
    return [
        f"  logits [{', '.join(rows[:MOST_ROWS])}{_more(rows, MOST_ROWS)}]",
        f"  labels [{', '.join(labels[:MOST_ROWS])}{_more(labels, MOST_ROWS)}]",
        f"  got    {finding.got}",
        f"  right  {finding.right}",
    ]


def _more(values: Any, shown: int) -> str:
    return f", … {len(values)} in all" if len(values) > shown else ""


def _plain(logits: Table) -> list[list[float | str]]:
    return [[str(z) if np.isinf(z) else z for z in row] for row in logits.tolist()]


# Which known mistake gives the same numbers?


def name_mistakes(trial: Trial, options: Options, dtype: str) -> tuple[KnownMistake, ...]:
    """Return the known mistakes that agree with the loss everywhere, or, if none does, where it goes wrong."""
    worst = max((e.severity for e in trial.evidence), key=SEVERITIES.index, default="ok")
    if worst == "ok" and not any(e.answer.changed for e in trial.evidence):
        return ()
    alarms = [e for e in trial.evidence if _is_alarm(e, "range" if worst in ("wrong", "range") else "accuracy")]
    possible = [mistake for mistake in KNOWN if set(mistake.options) <= set(options)]
    alike = [mistake for mistake in possible if all(_agrees(mistake, e, options, dtype) for e in alarms)]
    everywhere = [mistake for mistake in alike if all(_agrees(mistake, e, options, dtype) for e in trial.evidence)]
    return tuple(everywhere or alike)


def _is_alarm(evidence: Evidence, least: str) -> bool:
    return evidence.answer.changed or SEVERITIES.index(evidence.severity) >= SEVERITIES.index(least)


def _agrees(mistake: KnownMistake, evidence: Evidence, options: Options, dtype: str) -> bool:
    answer = _made_by(mistake, evidence, options, dtype)
    if answer.problem or evidence.answer.problem:
        return bool(answer.problem) and answer.problem == evidence.answer.problem
    right = evidence.right
    grave = ("range", "wrong")
    severity = judge(answer, right, dtype)[0]
    if (severity in grave) != (evidence.severity in grave) or answer.changed != evidence.answer.changed:
        return False
    if not _alike(evidence.answer.loss, answer.loss, right.loss, right.loss_sharp, right.loss_blunt, dtype):
        return False
    if evidence.answer.grad is None or not np.isfinite(right.loss).all():
        return True
    return _alike(evidence.answer.grad, answer.grad, right.grad, right.grad_sharp, right.grad_blunt, dtype)


def _made_by(mistake: KnownMistake, evidence: Evidence, options: Options, dtype: str) -> Answer:
    """Return what the mistake makes of the same batch, rounded as the dtype rounds."""
    adapter = NumPyAdapter("float32" if dtype == "bfloat16" else dtype)
    answer = call_caught(mistake.function, adapter, evidence.batch.logits, evidence.batch.labels, options)
    if answer.loss is None:
        return answer
    with np.errstate(all="ignore"):
        loss, grad = (
            None if each is None else round_to(dtype, np.asarray(each)).astype(np.float64)
            for each in (answer.loss, answer.grad)
        )
    return Answer(loss, grad, changed=answer.changed)


def _alike(got: Any, made: Any, right: Any, sharp: Any, blunt: Any, dtype: str) -> bool:
    """Tell whether two results are the same error: within a quarter of it, or within what the dtype forgives."""
    if made is None:
        return False
    kind = FORMATS[dtype]
    with np.errstate(all="ignore"):
        error = np.abs(got - right)
        wrong = ~(error <= kind.eps * blunt + 2 * kind.tiny)
        allowed = np.where(wrong, kind.eps * blunt, np.maximum(error / 4, kind.eps * sharp)) + 2 * kind.tiny
        size = np.where(np.isfinite(got), np.abs(got), 0)
        close = np.abs(got - made) <= np.maximum(allowed, 8 * kind.eps * size)
    return bool((close | (got == made) | (np.isnan(got) & np.isnan(made))).all())
