"""What the audit says: a table, and for each alarm the input, what came out, what is right, and the mistake's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from xentlib.audit.calling import Answer, NumPyAdapter, call_caught
from xentlib.audit.combinations import smallest_that_fail
from xentlib.audit.findings import SEVERITIES, Evidence, Finding, is_grave, judge
from xentlib.audit.mistakes import KNOWN, KnownMistake
from xentlib.audit.probes import ABOUT, Trial
from xentlib.audit.vectors import FORMATS, Batch, Options, Table, in_json, round_to

MOST_ROWS, MOST_CLASSES = 5, 10  # of an input that is shown
VERDICTS = ("not tried", *SEVERITIES)


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
    wrong_with: tuple[tuple[str, ...], ...] = ()  #: the options, no more than it takes, under which it goes wrong
    partly: tuple[KnownMistake, ...] = ()  #: where no known mistake explains all alarms: those that explain most

    @property
    def ok(self) -> bool:
        """Tell whether there is nothing but notes."""
        return not any(is_grave(finding.severity) for finding in self.findings)

    def __str__(self) -> str:
        lines = [
            f"{self.name}, {self.dtype}: {'ok' if self.ok else 'NOT OK'}{self._with_options()}",
            *([""] if self.tried else []),
        ]
        lines += [f"  {verdict:9}  {probe:18}  {ABOUT[probe]}" for probe, verdict in self.tried.items()]
        for mistake in self.mistakes:
            lines += ["", f"These are the numbers of a known mistake: {mistake.name} ({mistake.exhibit}).",
                      f"  {mistake.remedy}"]  # fmt: skip
        for mistake in self.partly:
            lines += ["", f"Most alarms have the numbers of a known mistake: {mistake.name} ({mistake.exhibit}).",
                      f"  {mistake.remedy}", "  Something else is wrong as well."]  # fmt: skip
        for finding in self._worst_of_each_probe():
            lines += ["", f"{finding.severity}: {finding.probe}: {finding.what}"]
            lines += _details(finding) if finding.logits.size else []
        return "\n".join(lines)

    def _with_options(self) -> str:
        return " with " + ", or with ".join(map(" and ".join, self.wrong_with)) if any(self.wrong_with) else ""

    def _worst_of_each_probe(self) -> list[Finding]:
        """Return for each probe and each exception the gravest finding with the smallest input.

        Where anything is wrong, the table alone says which digits are lost: they have to wait.
        """
        best: dict[str, Finding] = {}
        shown = [f for f in self.findings if self.ok or is_grave(f.severity)]
        for finding in sorted(shown, key=lambda f: (-SEVERITIES.index(f.severity), f.logits.size)):
            best.setdefault(finding.got if finding.what == finding.got else finding.probe, finding)
        different = {(f.logits.tobytes(), np.asarray(f.labels).tobytes(), f.got): f for f in reversed(best.values())}
        return list(reversed(different.values()))  # an input is shown only once, even if several probes led to it

    def as_dict(self) -> dict[str, Any]:
        """Return the report as numbers and text that JSON can hold."""
        return {
            "loss": self.name,
            "dtype": self.dtype,
            "ok": self.ok,
            "probes": self.tried,
            "wrong_with": [list(names) for names in self.wrong_with],
            "findings": [
                {"probe": f.probe, "severity": f.severity, "what": f.what, "options": _of_lists(f.options),
                 "logits": _plain(f.logits),
                 "labels": np.asarray(f.labels).tolist(), "got": f.got, "right": f.right}
                for f in self._worst_of_each_probe()
            ],
            "mistakes": [{"name": m.name, "remedy": m.remedy, "exhibit": m.exhibit} for m in self.mistakes],
            "partly": [{"name": m.name, "remedy": m.remedy, "exhibit": m.exhibit} for m in self.partly],
        }  # fmt: skip


def _details(finding: Finding) -> list[str]:
    rows = [f"[{', '.join(f'{z:g}' for z in row[:MOST_CLASSES])}{_more(row, MOST_CLASSES)}]" for row in finding.logits]
    labels = [str(label) for label in finding.labels]
    given = [f"{name}={value}" for name, value in _of_lists(finding.options).items()]
    return [
        *([f"  with   {', '.join(given)}"] if given else []),
        f"  logits [{', '.join(rows[:MOST_ROWS])}{_more(rows, MOST_ROWS)}]",
        f"  labels [{', '.join(labels[:MOST_ROWS])}{_more(labels, MOST_ROWS)}]",
        f"  got    {finding.got}",
        f"  right  {finding.right}",
    ]


def _more(values: Any, shown: int) -> str:
    return f", … {len(values)} in all" if len(values) > shown else ""


def _of_lists(options: Options) -> dict[str, Any]:
    return {name: np.asarray(value).tolist() if name == "class_weights" else value for name, value in options.items()}


def _plain(logits: Table) -> list[list[float | str]]:
    return [[str(z) if np.isinf(z) else z for z in row] for row in logits.tolist()]


def report_on(name: str, dtype: str, trials: list[Trial], by_autograd: bool, hung: bool) -> Report:
    """Return the report on trials under some options and under all, which are the last."""
    failed = smallest_that_fail(trials)
    verdicts = {
        probe: max((trial.tried.get(probe, "not tried") for trial in trials), key=VERDICTS.index) for probe in ABOUT
        if any(probe in trial.tried for trial in trials)
    }  # fmt: skip
    findings = [f for trial in failed for f in trial.findings]
    findings += [f for trial in reversed(trials) for f in trial.findings if f.severity == "accuracy"]
    looked_at = [] if hung else failed or trials[-1:]
    named = [name_mistakes(trial, dtype, by_autograd) for trial in looked_at]
    mistakes = {m.name: m for these, _ in named for m in these}
    most = {} if mistakes else {m.name: m for _, these in named for m in these}
    wrong_with = tuple(tuple(trial.options) for trial in failed)
    return Report(name, dtype, verdicts, tuple(findings), tuple(mistakes.values()), wrong_with, tuple(most.values()))


# The known mistakes that give the same numbers


def name_mistakes(trial: Trial, dtype: str, by_autograd: bool) -> tuple[list[KnownMistake], list[KnownMistake]]:
    """Return the known mistakes that go wrong where the loss does, with the same numbers; or, if none, the nearest.

    Only the gravest alarms count: a wrong function often loses its range and its digits as well. If some mistakes agree
    with the loss on every batch, the others are left out; likewise if some are grave on the same batches. The nearest
    have the numbers of most of the alarms, and no others of more of them.
    """
    options = trial.options
    alarms, rest = _gravest(trial)
    possible = _possible(options, by_autograd) if alarms else []
    agrees = cache(lambda mistake, n: _agrees(mistake, alarms[n], options, dtype))
    alike = [m for m in possible if all(agrees(m, n) for n in range(len(alarms)))]
    if not alike and alarms and is_grave(alarms[0].severity):
        missed = {m: _disagreements(m, agrees, len(alarms)) for m in possible}
        fewest = min(missed.values(), default=0)
        return [], [m for m, count in missed.items() if count == fewest < len(alarms) / 2]
    if len(alike) > 1:
        everywhere = [m for m in alike if all(_agrees(m, e, options, dtype) for e in rest)]
        alike = everywhere or [m for m in alike if _is_as_grave(m, rest, options, dtype)] or alike
    return alike, []


def _disagreements(mistake: KnownMistake, agrees: Callable[[KnownMistake, int], bool], n_alarms: int) -> int:
    """Return with how many alarms a mistake disagrees. Stop counting at half of them: then it is not the one."""
    found = 0
    for n in range(n_alarms):
        found += not agrees(mistake, n)
        if found >= n_alarms / 2:
            break
    return found


def _gravest(trial: Trial) -> tuple[list[Evidence], list[Evidence]]:
    """Return the gravest alarms of calls that returned, and all other calls that did."""
    returned = [e for e in trial.evidence if not e.answer.problem]
    worst = max((_rank(e) for e in returned), default=0)
    alarms = [e for e in returned if _rank(e) == worst > 0]
    return alarms, [e for e in returned if _rank(e) < worst]


def _possible(options: Options, by_autograd: bool) -> list[KnownMistake]:
    return [m for m in KNOWN if set(m.options) <= set(options) and by_autograd >= m.by_autograd]


def _is_as_grave(mistake: KnownMistake, evidence: list[Evidence], options: Options, dtype: str) -> bool:
    return all(
        is_grave(judge(_made_by(mistake, e, options, dtype), e.right, dtype)[0]) == is_grave(e.severity)
        for e in evidence
    )


def _rank(evidence: Evidence) -> int:
    return SEVERITIES.index("wrong" if evidence.answer.changed else evidence.severity)


def _agrees(mistake: KnownMistake, evidence: Evidence, options: Options, dtype: str) -> bool:
    answer = _made_by(mistake, evidence, options, dtype)
    if answer.problem or answer.changed != evidence.answer.changed:
        return False
    right = evidence.right
    grave = is_grave(evidence.severity)
    if not _alike(evidence.answer.loss, answer.loss, right.loss, right.loss_sharp, right.loss_blunt, dtype, grave):
        return False
    if evidence.answer.grad is None:
        return True
    if answer.grad is None:
        return False
    rows = right.finite
    got, made, wanted, sharp, blunt = (
        each[rows] for each in (evidence.answer.grad, answer.grad, right.grad, right.grad_sharp, right.grad_blunt)
    )
    return _alike(got, made, wanted, sharp, blunt, dtype, grave)


def _made_by(mistake: KnownMistake, evidence: Evidence, options: Options, dtype: str) -> Answer:
    return _made_of(mistake, evidence.batch, in_json(options), dtype)


@lru_cache(maxsize=4000)  # what all mistakes make of the batches of one audit
def _made_of(mistake: KnownMistake, batch: Batch, options: str, dtype: str) -> Answer:
    """Return what the mistake makes of a batch, rounded as the dtype rounds: the next audit asks for it again."""
    adapter = NumPyAdapter("float32" if dtype == "bfloat16" else dtype)
    answer = call_caught(mistake.function, adapter, batch.logits, batch.labels, json.loads(options))
    if answer.loss is None:
        return answer
    with np.errstate(all="ignore"):
        loss, grad = (
            None if each is None else round_to(dtype, np.asarray(each)).astype(np.float64)
            for each in (answer.loss, answer.grad)
        )
    return Answer(loss, grad, changed=answer.changed)


def _alike(got: Any, made: Any, right: Any, sharp: Any, blunt: Any, dtype: str, grave: bool) -> bool:
    """Tell whether two results are alike: within what the dtype forgives, or within a quarter of the digits lost."""
    if made is None:
        return False
    kind = FORMATS[dtype]
    with np.errstate(all="ignore"):
        allowed = kind.eps * blunt if grave else np.maximum(np.abs(got - right) / 4, kind.eps * sharp)
        size = np.where(np.isfinite(got), np.abs(got), 0)
        close = np.abs(got - made) <= np.maximum(allowed + 2 * kind.tiny, 8 * kind.eps * size)
    return bool((close | (got == made) | (np.isnan(got) & np.isnan(made))).all())
