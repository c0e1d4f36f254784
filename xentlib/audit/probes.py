"""What is tried on a loss: batches whose right answers are known, and relations between calls."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from xentlib.audit.calling import Caller
from xentlib.audit.findings import SEVERITIES, Evidence, Finding, describe, is_grave, judge, tried
from xentlib.audit.relations import OF_THE_GRADIENT, RELATIONS, broken_ones
from xentlib.audit.shrink import Clock, shrunk
from xentlib.audit.vectors import FORMATS, INF, Batch, Options, Right, Table, batches, in_json, solve

STALLING = "4099 equal rows"  #: whose sum a half precision cannot form; others collect the same rounding 4099 times
ABOUT = {
    "ordinary": "values and gradients at ordinary logits",
    "far apart": "rows that lie 800 apart in one batch",
    "far behind": "a true class that trails by up to 786,432",
    "far ahead": "a true class that leads by 8 up to 800",
    "ties": "equal logits",
    "classes": "two classes, and up to 2051",
    "offsets": "the same number added to all logits",
    "masks": "logits of −inf, of the true class and of others",
    "not a number": "a logit that is NaN, whose loss is NaN or an error",
    "labels": "the first class and the last",
    "permutations": "samples and classes in another order",
    "repeats": "rows and labels that come twice",
    "many samples": "33, 64, 2000 and 4099 samples",
    "ignored, some": "samples that do not count",
    "ignored, all": "a batch in which nothing counts",
    "input unchanged": "logits and labels after the call",
    "types": "the dtype of the result",
    "label types": "labels of int32 and uint8",
    "layout": "arrays in column order",
    "determinism": "the same call 64 times, and its results kept",
    "rows sum to 0": "the gradient of each sample",
    "loss from gradient": "−mean log1p(N g_y)",
    "differences": "the slope of the loss, and its gradient",
}


@dataclass
class Trial:
    """What the probes found out under some options."""

    options: Options

    findings: list[Finding] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    tried: dict[str, str] = field(default_factory=dict)  #: the verdict of each probe

    @property
    def ok(self) -> bool:
        """Tell whether there is nothing but notes."""
        return not any(is_grave(finding.severity) for finding in self.findings)


@lru_cache(maxsize=40)
def prepared(options: str) -> list[tuple[Batch, Right]]:
    """Return the batches to try under options, written in JSON, and their right answers."""
    read: Options = json.loads(options)
    return [(batch, solve(batch, read)) for batch in all_batches(read)]


def all_batches(options: Options) -> list[Batch]:
    """Return the batches to try under these options, the small ones of each probe first."""
    n_classes = len(options["class_weights"]) if "class_weights" in options else 0
    made = [*batches(), *_more_batches(), *_computed()]
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
        ("many samples", one.rows([0] * 4099, STALLING)),
    ]
    return [replace(batch, probe=probe) for probe, batch in made]


@lru_cache(maxsize=1)
def _computed() -> list[Batch]:
    """Return batches that are not stored, for mistakes that show only at some sizes or places."""

    def eighths(n_rows: int, n_classes: int) -> Table:
        """Return logits from −6.25 to 6.25 whose rows repeat, but in step with no block of a power of 2."""
        n, k = np.ogrid[:n_rows, :n_classes]
        return ((7 * n + 11 * k + 3 * n * k) % 101 - 50) / 8

    def samples(n_rows: int) -> Batch:
        n = np.arange(n_rows)
        return Batch.of("many samples", f"{n_rows} different rows", eighths(n_rows, 5), (n * n + n // 3) % 5)

    tied = [[1, 1, 1, 0, -1], [2, 0, 2, 2, 0.5], [0, 0, 0, 0, 0], [3, 1, 1, 1, 1]]
    masked = [[-INF, 1, -INF, 0, 2], [-INF, -INF, 1, -INF, -INF], [1, 2, 0.5, 0, -INF], [0, 1, -1, 0.5, 2]]
    far = 3 * 2**14
    return [
        Batch.of("ordinary", "two rows of two classes", [[1, -0.5], [0.25, 2]], [1, 0]),
        Batch.of("ordinary", "four rows of five classes", eighths(4, 5), [4, 0, 2, 3]),
        Batch.of("far apart", "800 ahead and behind", [[800, 0, 0, -800], [0, 0.5, 1, 2]], [0, 2]),
        Batch.of("far behind", f"{far} behind", [[far, 0, 0]], [1]),
        Batch.of("far behind", f"{16 * far} behind", [[16 * far, 0, 0]], [1]),
        Batch.of("far ahead", "16 ahead", [[0, 16, 1]], [1]),
        Batch.of("far ahead", "24 ahead", [[0, 24, 1]], [1]),
        Batch.of("far ahead", "800 ahead", [[0, 800, 1]], [1]),
        Batch.of("ties", "of three", tied, [0, 3, 4, 1]),
        Batch.of("classes", "three hundred", eighths(4, 300), [130, 200, 261, 299]),
        Batch.of("classes", "2051", eighths(1, 2051), [2049]),
        Batch.of("classes", "2051, of which the last leads", [[*eighths(1, 2050)[0], 12]], [0]),
        Batch.of("offsets", "-1000", [[-1001, -1002, -1000]], [1]),
        Batch.of("offsets", "-2 to the 20th", [[-(2**20) - 1, -(2**20) - 2, -(2**20) - 0.5]], [0]),
        Batch.of("masks", "some, all but one, one, none", masked, [3, 2, 0, 1]),
        Batch.of("masks", "the true class of one sample", masked, [3, 2, 4, 1]),
        samples(33),
        samples(64),
        samples(4099),
    ]


def _ignoring(made: list[Batch], index: int) -> list[Batch]:
    """Return batches in which some samples, or all, have the label to ignore."""
    result = []
    for name, where in (("four rows", [0, 3]), ("800 up and down", [0]), ("each row twice", [0, 1, 5]),
                        ("one row four times", [1, 2]), ("one row", [0]), ("four rows", [0, 1, 2, 3]),
                        ("some, all but one, one, none", [0, 1]), ("33 different rows", range(0, 33, 3)),
                        ("4099 different rows", range(1, 4099, 3)),
                        ("4099 different rows", range(1024))):  # fmt: skip
        for batch in made:
            if batch.name == name:
                labels = batch.labels.copy()
                labels[list(where)] = index
                probe = "ignored, all" if len(where) == len(labels) else "ignored, some"
                result.append(replace(batch, probe=probe, name=f"{name}, {len(where)} ignored", labels=labels))
    return result


def try_all(caller: Caller, dtype: str, clock: Clock) -> Trial:
    """Return what all probes find under the options of the caller."""
    trial = Trial(caller.options)
    for batch, right in prepared(in_json(caller.options)):
        if _has_room(batch, right, caller.options, dtype):
            _try_batch(trial, caller, batch, right, dtype, clock)
    _try_relations(trial, caller, dtype, clock)
    if caller.hung:
        for probe in ABOUT:
            trial.tried.setdefault(probe, "not tried")
    return trial


def _has_room(batch: Batch, right: Right, options: Options, dtype: str) -> bool:
    """Tell whether the dtype has the logits, and room for sums over the classes that a careful loss may form."""
    n_classes = batch.logits.shape[1]
    largest = np.abs(batch.logits[np.isfinite(batch.logits)]).max() * max(options.get("class_weights", [1.0]))
    kind = FORMATS[dtype]
    if (np.isfinite(right.loss) & (right.loss > kind.largest)).any():
        return False
    if batch.name.startswith(STALLING) and kind.eps < 2**-12:
        return False
    return batch.fits(dtype) and n_classes * largest < kind.largest and n_classes * kind.eps < 1


def _try_batch(trial: Trial, caller: Caller, batch: Batch, right: Right, dtype: str, clock: Clock) -> None:
    answer = caller(batch.logits, batch.labels)
    evidence = Evidence(batch, answer, right, *judge(answer, right, dtype))
    trial.evidence.append(evidence)
    _note(trial, batch.probe, evidence.severity)
    if evidence.severity == "ok":
        return
    if not caller.hung and not any((f.probe, f.severity) == (batch.probe, evidence.severity) for f in trial.findings):
        evidence = _smallest(caller, evidence, dtype, clock)
    trial.findings.append(_finding(evidence, caller.options))


def _try_relations(trial: Trial, caller: Caller, dtype: str, clock: Clock) -> None:
    with_grad = any(e.answer.grad is not None for e in trial.evidence)
    for probe, relation in RELATIONS.items():
        if (probe in OF_THE_GRADIENT and not with_grad) or (probe == "loss from gradient" and caller.options):
            trial.tried[probe] = "not tried"
            continue
        found = [
            replace(f, options=caller.options) for f in broken_ones(relation, caller, trial.evidence, dtype, clock)
        ]
        trial.findings += found
        _note(trial, probe, max((finding.severity for finding in found), key=SEVERITIES.index, default="ok"))


def _note(trial: Trial, probe: str, severity: str) -> None:
    trial.tried[probe] = max(trial.tried.get(probe, "ok"), severity, key=SEVERITIES.index)


def _smallest(caller: Caller, evidence: Evidence, dtype: str, clock: Clock) -> Evidence:
    """Return the smallest input that goes as wrong as the batch."""

    def fails(batch: Batch) -> bool:
        return tried(caller, batch, dtype).severity == evidence.severity

    smallest = shrunk(evidence.batch, fails, caller.options, dtype, clock)
    if smallest is evidence.batch:
        return evidence
    again = tried(caller, smallest, dtype)
    return again if again.severity == evidence.severity else evidence


def _finding(evidence: Evidence, options: Options) -> Finding:
    batch, answer, right = evidence.batch, evidence.answer, evidence.right
    with_grad = answer.grad is not None or bool(answer.problem)
    got = answer.problem or describe(answer.loss, answer.grad)
    wanted = describe(right.loss, right.grad if with_grad else None)
    return Finding(batch.probe, evidence.severity, evidence.what, batch.logits, batch.labels, got, wanted, options)
