"""Write the batches of `xentlib.audit`, and their right answers to 50 digits: `python -m tools.audit_vectors`.

Answers are strings, so that no reader of JSON rounds them, and so is a mask, "-inf". `loss` and `grad` are those of the
mean; `with_options` has some under options, which mean what they mean in PyTorch.
"""

import json
from pathlib import Path

import mpmath

PATH = Path(__file__).parents[1] / "xentlib" / "audit" / "vectors.json"
VERSION, DIGITS = 1, 50
INF = float("inf")

# Every logit has at most 8 bits, that bfloat16 may hold it, except in the batches of large offsets.
CASES = [
    ("ordinary", "one row", [[1, 2, 0.5]], [1]),
    ("ordinary", "four rows", [[1, 2, 0.5], [0, -1.5, 0.25], [3, 0.75, -1], [0.5, 0, 2.5]], [1, 2, 0, 1]),
    ("ordinary", "as many rows as classes", [[1, 2, 0.5], [0, -1.5, 0.25], [3, 0.75, -1]], [1, 2, 1]),
    ("far apart", "800 up and down", [[800, 800, 796], [-800, -796, -800], [1, 2, 0.5]], [0, 1, 2]),
    ("far behind", "8 behind", [[8, 0, 0]], [1]),
    ("far behind", "16 behind", [[16, 0, 0]], [1]),
    ("far behind", "24 behind", [[24, 0, 1]], [1]),
    ("far behind", "40 ahead, 800 behind", [[0, 40, 0], [800, 0, 0]], [1, 1]),
    ("far behind", "800 behind", [[800, 0, 0]], [1]),
    ("far ahead", "8 ahead", [[0, 8, 1]], [1]),
    ("far ahead", "40 ahead", [[0, 40, 0]], [1]),
    ("ties", "all equal", [[0, 0, 0]], [0]),
    ("ties", "two on top", [[2, 2, -1], [0, 1.5, 1.5], [1, 1, 1], [-2, 0, 0]], [0, 2, 1, 0]),
    ("classes", "two", [[1, -0.5], [0, 2], [3, 3]], [0, 0, 1]),
    ("classes", "a hundred", [[(7 * i % 13) / 4 for i in range(100)]], [41]),
    ("offsets", "100", [[97, 98, 96], [-120, -121, -124]], [1, 2]),
    ("offsets", "1000", [[1001, 1002, 1000]], [1]),
    ("offsets", "2 to the 20th", [[2**20 + 1, 2**20 + 2, 2**20 + 0.5]], [1]),
    ("offsets", "2 to the 40th", [[2**40 + 1, 2**40 + 2, 2**40 + 0.5]], [1]),
    ("masks", "a rival", [[-INF, 1, 2]], [1]),
    ("masks", "in one of two rows", [[1, 2, 0.5], [0, -INF, 1.5]], [1, 0]),
    ("masks", "the true class", [[-INF, 1, 2]], [0]),
    ("labels", "the first", [[1, 2, 0.5], [0.25, -1, 1]], [0, 0]),
    ("labels", "the last", [[1, 2, 0.5], [0.25, -1, 1]], [2, 2]),
    ("repeats", "a row", [[1, 2, 0.5], [1, 2, 0.5], [0, -1.5, 0.25]], [1, 1, 2]),
    ("repeats", "a row with two labels", [[1, 2, 0.5], [1, 2, 0.5]], [0, 1]),
]
OPTIONS = [
    {"label_smoothing": 0.125},
    {"ignore_index": 1},
    {"class_weights": [1.0, 2.0, 0.5]},
    {"reduction": "sum"},
    {"label_smoothing": 0.125, "ignore_index": 1},
    {"label_smoothing": 0.125, "class_weights": [1.0, 2.0, 0.5]},
    {"ignore_index": 1, "class_weights": [1.0, 2.0, 0.5]},
]


def solve_row(logits):
    powers = [mpmath.exp(z) if z != -INF else mpmath.mpf(0) for z in logits]
    total = mpmath.fsum(powers)
    log_q = [mpmath.mpf(z) - mpmath.log(total) if z != -INF else -mpmath.inf for z in logits]
    return log_q, [power / total for power in powers]


def reduce(logits, labels, label_smoothing=0.0, ignore_index=None, class_weights=None, reduction="mean"):
    """Return the loss and its gradient, from the definitions."""
    n_classes = len(logits[0])
    weights = class_weights or [1] * n_classes
    loss, count, grad = mpmath.mpf(0), mpmath.mpf(0), []
    for row, y in zip(logits, labels, strict=True):
        log_q, q = solve_row(row)
        if y == ignore_index:
            grad.append([mpmath.mpf(0)] * n_classes)
            continue
        target = [w * (mpmath.mpf(label_smoothing) / n_classes + (1 - label_smoothing) * (i == y))
                  for i, w in enumerate(weights)]  # fmt: skip
        loss -= mpmath.fsum(t * log for t, log in zip(target, log_q, strict=True) if t)
        grad.append([mpmath.fsum(target) * q_i - t for q_i, t in zip(q, target, strict=True)])
        count += weights[y]
    share = 1 / count if reduction == "mean" and count else 1
    return loss * share, [[g * share for g in row] for row in grad]


def text(value):
    """Return 50 digits of each number in lists of lists."""
    if isinstance(value, list):
        return [text(each) for each in value]
    return mpmath.nstr(mpmath.mpf(value), DIGITS, min_fixed=-5, max_fixed=5)


def plain(value):
    if isinstance(value, list):
        return [plain(each) for each in value]
    return "-inf" if value == -INF else float(value)


def make():
    """Return what the file holds."""
    with mpmath.workdps(900):  # 1 − q is e^-800 in some rows
        cases, with_options = [], []
        for probe, name, logits, labels in CASES:
            rows = [solve_row(row) for row in logits]
            loss, grad = reduce(logits, labels)
            cases.append(
                {"probe": probe, "name": name, "logits": plain(logits), "labels": labels,
                 "log_q": text([row[0] for row in rows]), "q": text([row[1] for row in rows]),
                 "loss": text(loss), "grad": text(grad)}
            )  # fmt: skip
        for options in OPTIONS:
            loss, grad = reduce(*CASES[1][2:], **options)
            with_options.append({"case": CASES[1][1], "options": options, "loss": text(loss), "grad": text(grad)})
        return {"version": VERSION, "digits": DIGITS, "cases": cases, "with_options": with_options}


if __name__ == "__main__":
    PATH.write_text(json.dumps(make(), indent=None, separators=(",", ":")).replace('{"probe"', '\n{"probe"') + "\n")
