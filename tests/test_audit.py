"""The audit: each known mistake is called by its name, each right loss is ok, and nothing that a loss does ends it."""

import copy
import json
import math
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import xentlib
from tools import audit_vectors
from xentlib.audit import audit, calling, combinations, probes, relations, vectors
from xentlib.audit.__main__ import parse
from xentlib.audit.apart import run_apart
from xentlib.audit.findings import judge
from xentlib.audit.mistakes import KNOWN
from xentlib.audit.probes import ABOUT
from xentlib.audit.relations import OF_THE_GRADIENT
from xentlib.audit.shrink import Clock
from xentlib.audit.vectors import FORMATS, Options, batches, round_to, softmax_of, solve, stored

ROOT = Path(__file__).parents[1]
DTYPES = ("float64", "float32", "float16")
right_loss, right = xentlib.softmax_cross_entropy, xentlib.softmax_cross_entropy_with_grad
WEIGHTS = [1.0, 2.0, 0.5, 3.0]
OPTIONS = [
    {"label_smoothing": 0.1},
    {"ignore_index": -100},
    {"ignore_index": 1},
    {"class_weights": WEIGHTS},
    {"class_weights": WEIGHTS[:2]},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"label_smoothing": 0.1, "ignore_index": 1, "class_weights": WEIGHTS, "reduction": "mean"},
]


def log_softmax(logits):
    moved = logits - logits.max(axis=1, keepdims=True)
    return moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))


def plain(logits, labels):
    return -log_softmax(logits)[np.arange(len(labels)), labels].mean()


def textbook(logits, labels):
    grad = np.exp(log_softmax(logits))
    grad[np.arange(len(labels)), labels] -= 1
    return plain(logits, labels), grad / logits.dtype.type(len(labels))


def names(report):
    return [mistake.name for mistake in report.mistakes]


def cases(dtypes):
    """Return the known mistakes, dtype by dtype: so the audit still remembers what they make of its batches."""
    return [
        pytest.param(known, dtype, id=f"{known.name}-{dtype}")
        for dtype in dtypes
        for known in KNOWN
        if dtype in known.dtypes
    ]


@pytest.fixture
def brief(monkeypatch):
    """Leave out what names no mistake: smaller inputs, the largest batches, and the same call again and again."""
    prepared = probes.prepared
    few = lambda options: [each for each in prepared(options) if each[0].logits.size < 1300]  # noqa: E731
    monkeypatch.setattr(probes, "prepared", few)
    monkeypatch.setattr(combinations, "Clock", lambda: Clock(left=0))
    monkeypatch.setattr(relations, "CALLS", 1)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(combinations, "Clock", lambda: Clock(left=0))


# The vectors


@pytest.fixture(scope="module")
def made():
    return json.loads(json.dumps(audit_vectors.make()))


def test_the_stored_vectors_are_those_of_the_script(made):
    assert stored() == made


def test_a_wrong_digit_in_the_vectors_would_be_seen(made):
    made = copy.deepcopy(made)
    made["cases"][0]["loss"] = made["cases"][0]["loss"][:-1] + "0"
    assert stored() != made


@pytest.mark.parametrize("batch", batches(), ids=lambda batch: f"{batch.probe}: {batch.name}")
def test_decimals_give_the_stored_loss_and_gradient(batch):
    case = next(each for each in stored()["cases"] if each["name"] == batch.name)
    found = solve(batch, {})
    np.testing.assert_allclose(found.loss, float(case["loss"]), rtol=1e-15)
    np.testing.assert_allclose(found.grad, np.array(case["grad"], float), rtol=1e-15, atol=1e-60)


@pytest.mark.parametrize("case", stored()["with_options"], ids=lambda case: str(case["options"]))
def test_decimals_give_the_stored_answers_under_options(case):
    batch = next(batch for batch in batches() if batch.name == case["case"])
    found = solve(batch, case["options"])
    np.testing.assert_allclose(found.loss, float(case["loss"]), rtol=1e-15)
    np.testing.assert_allclose(found.grad, np.array(case["grad"], float), rtol=1e-15, atol=1e-60)


@pytest.mark.parametrize("case", stored()["cases"], ids=lambda case: f"{case['probe']}: {case['name']}")
def test_decimals_find_the_stored_softmax(case):
    for logits, *wanted in zip(case["logits"], case["log_q"], case["q"], strict=True):
        for found, exact in zip(softmax_of(np.array(logits, float)), wanted, strict=True):
            np.testing.assert_allclose(np.array(found, float), np.array(exact, float), rtol=1e-15, atol=1e-300)


def test_rows_that_repeat_are_solved_once_and_each_has_its_answer(monkeypatch):
    rows = next(batch for batch in batches() if batch.name == "four rows").rows([0, 1, 0, 2, 1])
    batch = rows.labelled([1, 2, 1, 0, 0], "two rows twice, one of them with two labels")
    solved, solve_row = [], vectors._solve_row
    monkeypatch.setattr(vectors, "_solve_row", lambda *row: solved.append(row) or solve_row(*row))
    options = Options(label_smoothing=0.1, ignore_index=0)
    found = solve(batch, options)
    loss, grad = right(batch.logits, batch.labels, **options)
    np.testing.assert_allclose(found.loss, loss, rtol=1e-14)
    np.testing.assert_allclose(found.grad, grad, rtol=1e-14)
    assert len(solved) == 2


def test_bfloat16_is_rounded_to_the_nearest_even():
    assert round_to("bfloat16", np.array([1 + 2.0**-8, 1 + 3 * 2.0**-8, -np.inf])).tolist() == [1, 1 + 2.0**-6, -np.inf]


# Right losses are ok


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [right, right_loss, textbook, plain])
def test_a_right_loss_is_ok(loss, dtype):
    report = audit(loss, dtype=dtype)
    assert report.ok, report


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_xentlib_is_ok_without_a_note_under_every_option(options, dtype):
    report = audit(right, dtype=dtype, **options)
    assert {probe for probe, verdict in report.tried.items() if verdict != "ok"} == {"loss from gradient"}, report
    assert report.tried["loss from gradient"] == "not tried"


def test_the_textbook_gets_notes_on_accuracy_and_their_reason():
    report = audit(textbook)
    assert report.tried["far ahead"] == "accuracy"
    assert names(report) == ["shift of the textbook"]


# Known mistakes have names


NOTES = {"log sum exp less the score", "shift of the textbook", "q minus one", "nan where nothing counts"}


@pytest.mark.parametrize(("known", "dtype"), cases(DTYPES))
def test_a_known_mistake_is_named_and_is_not_ok_unless_it_costs_digits_alone(known, dtype, request, monkeypatch):
    monkeypatch.setitem(calling.ADAPTERS, "torch", calling.NumPyAdapter)
    takes_many_samples = known.name == "sum in half precision"
    request.getfixturevalue("quick" if takes_many_samples else "brief")
    framework = {"framework": "torch"} if known.by_autograd else {}
    report = audit(known.function, dtype=dtype, **framework, **known.options)
    assert known.name in names(report), report
    assert report.ok == (known.name in NOTES), report


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(("known", "dtype"), cases(["bfloat16"])[::4])
def test_a_known_mistake_is_named_in_bfloat16(known, dtype, monkeypatch):
    """NumPy has none: numbers of float32 are rounded to it, in place of a framework's tensors."""
    monkeypatch.setitem(calling.ADAPTERS, "torch", calling.NumPyAdapter)
    assert known.name in names(audit(known.function, framework="torch", dtype=dtype, **known.options))


def test_xentlib_is_ok_in_bfloat16(monkeypatch):
    monkeypatch.setitem(calling.ADAPTERS, "torch", calling.NumPyAdapter)
    report = audit(right, framework="torch", dtype="bfloat16")
    assert {probe for probe, verdict in report.tried.items() if verdict != "ok"} == {"types"}


def test_there_are_many_known_mistakes_and_no_two_of_a_name():
    assert len({known.name for known in KNOWN}) == len(KNOWN) >= 40
    assert all(known.remedy and known.exhibit for known in KNOWN)


def headings(chapter):
    """Return the headings of a chapter, and the numbers of its exhibits."""
    (path,) = (ROOT / "chapters").glob(f"{chapter:02d}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return set(re.findall(r"^#+ (.*)$", text, re.MULTILINE)), set(re.findall(r"^\*\*(\d+)\. ", text, re.MULTILINE))


@pytest.mark.parametrize("place", sorted({known.exhibit for known in KNOWN}))
def test_the_book_has_the_place_that_a_mistake_names(place):
    named, exhibits = headings(15)
    if place.startswith("chapter"):
        chapter, _, heading = place.removeprefix("chapter ").partition(", ")
        assert {heading} - {""} <= headings(int(chapter))[0]
    for part in place.split("; "):
        kind, numbers = part.split(" ", 1)
        if kind in ("exhibit", "exhibits"):
            assert set(numbers.split(" and ")) <= exhibits
        elif kind == "exercise":
            assert any(each.startswith(f"Exercise {numbers}:") for each in named)


@pytest.mark.usefixtures("quick")
def test_a_mistake_that_nobody_knows_has_no_name():
    report = audit(lambda logits, labels: 1.03 * right_loss(logits, labels))
    assert not report.ok
    assert names(report) == []
    assert report.partly == ()


@pytest.mark.usefixtures("brief")
def test_a_mistake_in_the_gradient_alone_is_seen_by_the_relations_too():
    def wrong(logits, labels):
        loss, grad = right(logits, labels)
        return loss, 1.1 * grad

    tried = audit(wrong).tried
    assert tried["differences"] == tried["loss from gradient"] == tried["ordinary"] == "wrong"
    assert tried["rows sum to 0"] == "ok"
    assert (
        audit(lambda logits, labels: (right_loss(logits, labels), 0.1 + 0 * logits)).tried["rows sum to 0"] == "wrong"
    )


# Nothing that a loss does ends the audit


def leave(logits, labels):
    sys.exit(3)


def raise_(logits, labels):
    raise ArithmeticError("no")


def hang(logits, labels):
    time.sleep(3)


def unsteady(logits, labels, rng=np.random.default_rng(0)):  # noqa: B008
    return right_loss(logits, labels) * rng.uniform(0.5, 2)


def change_the_labels(logits, labels):
    loss = right_loss(logits, labels)
    labels[:] = 0
    return loss


@pytest.mark.parametrize(
    ("loss", "complaint"),
    [
        (leave, "raised SystemExit"),
        (raise_, "raised ArithmeticError: no"),
        (hang, "did not return within 0.2 s"),
        (change_the_labels, "the call changed its input"),
        (unsteady, "two calls differ"),
        (lambda logits, labels: None, "the loss is None"),
        (lambda logits, labels: "0.5", "the loss is not real"),
        (lambda logits, labels: 1j, "the loss is not real"),
        (lambda logits, labels: (0, 0, 0), "returned 3 results"),
        (lambda logits, labels: right_loss(logits, labels, reduction="none"), "the loss has shape"),
        (lambda logits, labels: (right_loss(logits, labels), np.zeros(3)), "the gradient has shape (3,)"),
        (lambda logits: 0.0, "raised TypeError"),
        (lambda logits, labels: np.nan, "loss is not finite"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_what_a_loss_does_is_a_finding(loss, complaint):
    report = audit(loss, time_limit=0.2 if loss is hang else 10)
    assert not report.ok
    assert complaint in str(report)


def test_a_result_of_another_dtype_is_a_note():
    report = audit(lambda logits, labels: np.float64(plain(logits, labels)), dtype="float32")
    assert report.ok
    assert report.tried["types"] == "accuracy"
    assert "the loss is float64, for logits of float32" in str(report)


def test_a_loss_that_hangs_is_not_called_again():
    calls, woken = [], threading.Event()

    def slow(logits, labels):
        calls.append(len(labels))
        if len(calls) > 3:
            woken.wait()
        return right_loss(logits, labels)

    start = time.monotonic()
    report = audit(slow, time_limit=0.5)
    assert time.monotonic() - start < 10  # twenty more calls would wait longer
    woken.set()
    assert len(calls) == 4
    assert "did not return" in str(report)


def test_a_wrong_function_is_named_though_it_loses_its_range_as_well():
    def wrong(logits, labels):
        powers = np.exp(logits - logits.max(axis=0))
        return -np.log((powers / powers.sum(axis=0))[np.arange(len(labels)), labels]).mean()

    assert names(audit(wrong)) == ["softmax over the batch"]


def test_numpy_takes_less_than_five_seconds():
    start = time.process_time()
    audit(KNOWN[0].function)
    assert time.process_time() - start < 5


# Losses that are wrong at some sizes, places or times alone


def sizes_wrong(k):
    return lambda logits, labels: right_loss(logits, labels) * (1.01 if len(labels) > k else 1)


def drop_the_tail(logits, labels):
    whole = len(labels) // 8 * 8 or len(labels)
    loss, grad = right(logits[:whole], labels[:whole])
    return loss, np.vstack([grad, 0 * logits[whole:]])


def swap_far_rows(logits, labels):
    loss, grad = right(logits, labels)
    return loss, np.vstack([grad[:128], grad[128:][::-1]])


def narrow_labels(kind):
    return lambda logits, labels: right_loss(logits, labels.astype(kind) % logits.shape[1])


def transposed_if_square(logits, labels):
    loss, grad = right(logits, labels)
    return loss, grad.T if grad.shape == (2, 2) else grad


def lose_nan(logits, labels):
    return right_loss(np.nan_to_num(logits, neginf=-np.inf), labels)


def clip_at(bound):
    return lambda logits, labels: min(right_loss(logits, labels), bound)


def columns_for_rows(logits, labels):
    return right(logits.ravel(order="K").reshape(logits.shape), labels)


def int32_twice(logits, labels):
    return right_loss(logits, labels) * (2 if labels.dtype == np.int32 else 1)


def reuse(logits, labels, memory={}):  # noqa: B006
    loss, grad = right(logits, labels)
    kept = memory.setdefault(grad.shape, np.empty_like(grad))
    kept[:] = grad
    return loss, kept


def forget_rows_beside_an_infinite_one(logits, labels):
    loss, grad = right(logits, labels)
    return loss, 0 * grad if np.isinf(loss) else grad


def forget_the_last_classes(logits, labels):
    whole = logits.shape[1] // 1024 * 1024
    if whole == 0 or labels.max() >= whole:
        return right_loss(logits, labels)
    return right_loss(logits[:, :whole], labels)


def positive_only(logits, labels):
    return right_loss(logits, labels) * (1.01 if logits.max() < -500 else 1)


@pytest.mark.parametrize(
    ("loss", "probe"),
    [
        *((sizes_wrong(k), "many samples") for k in (8, 32, 63, 128, 1024, 2048)),
        (drop_the_tail, "many samples"),
        (swap_far_rows, "many samples"),
        (narrow_labels(np.int8), "classes"),
        (narrow_labels(np.uint8), "classes"),
        (forget_the_last_classes, "classes"),
        (transposed_if_square, "ordinary"),
        (lose_nan, "not a number"),
        (clip_at(1e3), "far behind"),
        (clip_at(5e5), "far behind"),
        (columns_for_rows, "layout"),
        (int32_twice, "label types"),
        (reuse, "determinism"),
        (forget_rows_beside_an_infinite_one, "masks"),
        (positive_only, "offsets"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_a_loss_that_is_wrong_at_some_places_alone_is_found(loss, probe):
    assert audit(loss).tried[probe] in ("wrong", "range")


@pytest.mark.usefixtures("quick")
def test_the_digits_of_float32_are_lost_digits_in_float64_and_no_other_function():
    report = audit(lambda logits, labels: plain(np.float32(logits), labels))
    assert report.ok, report
    assert {finding.severity for finding in report.findings} == {"accuracy"}
    assert "has the digits of float32" in str(report)


def test_half_precision_sums_are_found_in_half_precision():
    def wrong(logits, labels):
        losses = right_loss(logits, labels, reduction="none").astype(np.float16)
        return np.cumsum(losses, dtype=np.float16)[-1] / np.float16(len(labels))

    assert audit(wrong, dtype="float16").tried["many samples"] == "wrong"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("stand_in", range(3))
def test_a_mask_in_an_ignored_sample_is_tried_at_each_class(stand_in):
    def wrong(logits, labels, ignore_index):
        counted = labels != ignore_index
        losses = -log_softmax(logits)[np.arange(len(labels)), np.where(counted, labels, stand_in)] * counted
        return losses.sum() / max(counted.sum(), 1)

    assert audit(wrong, ignore_index=-100).tried["ignored, some"] == "range"


# Right losses in other styles


def refuse_nan(logits, labels):
    if np.isnan(logits).any():
        raise ValueError("NaN")
    return right_loss(logits, labels)


def refuse_columns(logits, labels):
    if not logits.flags.c_contiguous:
        raise ValueError("rows, please")
    return right_loss(logits, labels)


def refuse_int32(logits, labels):
    if labels.dtype != np.int64:
        raise TypeError("int64, please")
    return right_loss(logits, labels)


def one_after_the_other(logits, labels):
    total = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        top = max(row)
        total += top + math.log(sum(math.exp(z - top) for z in row)) - row[label]
    return total / len(labels)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("loss", [refuse_nan, refuse_columns, refuse_int32, one_after_the_other])
def test_a_right_loss_in_another_style_is_ok(loss):
    assert audit(loss).ok


def test_a_list_of_losses_is_no_pair():
    assert audit(lambda z, y, reduction: right_loss(z, y, reduction=reduction).tolist(), reduction="none").ok


# Options alone, in pairs, and together


@pytest.mark.usefixtures("brief")
def test_the_fewest_options_that_go_wrong_are_named():
    def wrong(logits, labels, label_smoothing=0.0, class_weights=None, **others):
        loss = right_loss(logits, labels, label_smoothing=label_smoothing, class_weights=class_weights, **others)
        return loss * (1.05 if label_smoothing and class_weights is not None and not others else 1)

    report = audit(wrong, label_smoothing=0.1, class_weights=WEIGHTS, ignore_index=-100)
    assert not report.ok
    assert report.wrong_with == (("label_smoothing", "class_weights"),)
    assert "NOT OK with label_smoothing and class_weights" in str(report)
    assert audit(wrong, label_smoothing=0.1).wrong_with == ()


@pytest.mark.usefixtures("quick")
def test_options_that_a_loss_insists_on_or_has_built_in_are_not_taken_away():
    options = {"label_smoothing": 0.1, "ignore_index": -100}
    assert audit(lambda z, y, *, label_smoothing, ignore_index: right(z, y, **options), **options).ok
    assert audit(lambda z, y, **_: right(z, y, **options), **options).ok


# What it says


def test_the_report_shows_the_smallest_input_and_the_remedy():
    text = str(audit(KNOWN[0].function))
    assert "softmax twice (exhibit 1)" in text
    assert "Delete a softmax" in text
    shown = "  logits [[0, 0]]\n  labels [0]\n  got    loss 0.693147, gradient [-0.25 0.25]\n"
    assert text.count(shown + "  right  loss 0.693147, gradient [-0.5 0.5]") == 1


def first_wrong(loss, **options):
    return next(f for f in audit(loss, **options).findings if f.severity == "wrong")


def test_of_a_batch_the_row_that_goes_wrong_is_shown_with_the_fewest_classes_and_the_simplest_numbers():
    def wrong(logits, labels):
        return right_loss(logits, labels) + (logits == 0.75).any() / len(labels)

    finding = first_wrong(wrong)
    assert finding.logits.tolist() == [[0, 0.75]]
    assert finding.labels.tolist() == [0]


@pytest.fixture
def patient(monkeypatch):
    """Let no slow machine end the search for a smaller input."""
    monkeypatch.setattr(combinations, "Clock", lambda: Clock(each=60, left=60))


@pytest.mark.usefixtures("patient")
def test_as_many_rows_are_shown_as_it_takes():
    def wrong(logits, labels):
        return right_loss(logits, labels) * (1.1 if len(labels) > 32 else 1)

    assert first_wrong(wrong).logits.shape == (33, 2)


@pytest.mark.usefixtures("patient")
def test_as_many_classes_are_shown_as_it_takes():
    def wrong(logits, labels):
        return right_loss(logits, labels.astype(np.uint8))

    finding = first_wrong(wrong)
    assert len(finding.labels) == 1
    assert finding.labels[0] in range(256, 260)


def test_without_a_gradient_its_probes_are_not_tried():
    tried = audit(plain).tried
    assert {probe for probe, verdict in tried.items() if verdict == "not tried"} == OF_THE_GRADIENT
    assert "not tried" not in audit(textbook).tried.values()


def test_every_probe_is_described_and_tried():
    options = {"ignore_index": -100}
    assert set(audit(right, **options).tried) == set(ABOUT)


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        ({"dtype": "float128"}, ValueError, "dtype must be one of"),
        ({"dtype": "bfloat16"}, ValueError, "needs a framework"),
        ({"framework": "theano"}, ValueError, "framework must be"),
        ({"temperature": 2}, TypeError, "options are"),
        ({"reduction": "median"}, ValueError, "reduction must be"),
        ({"label_smoothing": 2}, ValueError, "label_smoothing must lie in"),
        ({"class_weights": [1.0]}, ValueError, "class_weights must be"),
        ({"time_limit": 0}, ValueError, "time_limit must be positive"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, complaint):
    with pytest.raises(error, match=complaint):
        audit(right, **arguments)


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="must be callable"):
        audit(0.5)


# From a shell


def write_losses(folder):
    (folder / "mine.py").write_text(
        "import ctypes, os, signal, numpy as np, xentlib\n"
        "def good(logits, labels, **options):\n"
        "    print('chatter')\n"
        "    return xentlib.softmax_cross_entropy(logits, labels, **options)\n"
        "def bad(logits, labels):\n"
        "    return good(logits, labels) / np.log(2)\n"
        "def loud(logits, labels):\n"
        "    os.write(1, b'chatter')\n"
        "    return good(logits, labels)\n"
        "def leave(logits, labels):\n"
        "    os._exit(0)\n"
        "def crash(logits, labels):\n"
        "    os.kill(os.getpid(), signal.SIGSEGV)\n"
        "def hold(logits, labels):\n"
        "    ctypes.PyDLL(None).sleep(600)\n"
    )


def shell(tmp_path, *arguments):
    write_losses(tmp_path)
    command = [sys.executable, "-m", "xentlib.audit", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)


def test_the_shell_gets_status_and_json(tmp_path):
    good = shell(tmp_path, "mine:good", "--dtype", "float32", "--label-smoothing", "0.1", "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["ok"] is True
    bad = shell(tmp_path, "mine:bad")
    assert bad.returncode == 1
    assert "loss in bits" in bad.stdout
    assert "chatter" not in bad.stdout
    assert shell(tmp_path, "mine:missing").returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals and libc are those of POSIX")
@pytest.mark.parametrize(
    ("loss", "complaint"),
    [
        ("leave", "ended the process with status 0"),
        ("crash", "ended the process by signal 11"),
    ],
)
def test_in_the_shell_what_ends_the_process_is_a_finding(loss, complaint, tmp_path):
    result = shell(tmp_path, f"mine:{loss}", "--json", "--time-limit", "0.1")
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    assert report["ok"] is False
    assert report["findings"][0]["what"] == complaint


@pytest.mark.skipif(sys.platform == "win32", reason="libc is that of POSIX")
def test_what_holds_the_lock_for_too_long_is_a_finding_and_ended(tmp_path, monkeypatch):
    write_losses(tmp_path)
    monkeypatch.chdir(tmp_path)
    began = time.monotonic()
    status, text = run_apart(parse(["mine:hold", "--time-limit", "0.1"]), patience=2)
    assert time.monotonic() - began < 60
    assert status == 1
    assert "held Python's lock for more than 2.1 s" in text


def test_json_is_clean_though_the_loss_prints_below_python(tmp_path):
    result = shell(tmp_path, "mine:loud", "--json")
    assert json.loads(result.stdout)["ok"] is True
    assert "chatter" in result.stderr


def test_a_module_that_fails_at_its_import_is_not_taken_for_a_wrong_loss(tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0\n")
    result = shell(tmp_path, "broken:loss")
    assert result.returncode == 2
    assert "error: ZeroDivisionError" in result.stderr


# Adapters, with a framework that is made of NumPy


class Tensor:
    """As much of torch.Tensor as the adapter asks for."""

    passes_on = True  #: whether the backward pass minds what comes in

    def __init__(self, data, dtype=None, requires_grad=False):
        self.data, self.requires_grad = np.array(data, dtype), requires_grad

    def clone(self):
        return Tensor(self.data, requires_grad=True)

    def tolist(self):
        return self.data.tolist()

    def __mul__(self, factors):
        scaled = Tensor(self.data * factors.data, requires_grad=True)
        scaled.grad = Tensor(self.grad.data * (factors.data if self.passes_on else 1))
        return scaled

    @property
    def dtype(self):
        return self.data.dtype

    def sum(self):
        return self

    def detach(self):
        return self


def stub_torch():
    """Return a module whose autograd hands out the gradient that the loss has left in its result."""
    torch = ModuleType("torch")
    torch.tensor, torch.float64, torch.float32 = Tensor, np.float64, np.float32
    torch.autograd = SimpleNamespace(grad=lambda value, leaf: (value.grad,))
    return torch


def torch_loss(logits, labels):
    loss, grad = right(logits.data, labels.data)
    result = Tensor(loss, requires_grad=True)
    result.grad = Tensor(grad)
    return result


def test_the_adapter_of_torch_takes_the_gradient_by_autograd(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", stub_torch())
    assert audit(torch_loss, framework="torch").ok

    def wrong(logits, labels):
        result = torch_loss(logits, labels)
        result.grad.data *= len(labels.data)
        return result

    assert names(audit(wrong, framework="torch", dtype="float32")) == ["gradient without N"]
    monkeypatch.setattr(Tensor, "passes_on", False)
    assert names(audit(torch_loss, framework="torch", dtype="float32")) == ["incoming gradient ignored"]
    detached = audit(lambda logits, labels: Tensor(0.5), framework="torch")
    assert "autograd finds no way" in str(detached)


FOR_TORCH = [{}, *OPTIONS[:4], *OPTIONS[5:]]
FOR_OPTAX = [{}, {"label_smoothing": 0.1}, {"ignore_index": -100}, {"reduction": "sum"}, {"reduction": "none"}]


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("options", FOR_TORCH, ids=str)
def test_torch_is_ok_if_it_is_here(options, dtype):
    functional = pytest.importorskip("torch.nn.functional")

    def loss(logits, labels, class_weights=None, **options):
        return functional.cross_entropy(logits, labels, weight=class_weights, **options)

    report = audit(loss, framework="torch", dtype=dtype, **options)
    assert report.ok, report


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("options", FOR_OPTAX, ids=str)
def test_optax_is_ok_if_it_is_here(options, dtype):
    jnp = pytest.importorskip("jax").numpy
    optax = pytest.importorskip("optax")

    def loss(logits, labels, label_smoothing=0.0, ignore_index=-1, reduction="mean"):
        counted = labels != ignore_index
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.where(counted, labels, 0))
        if label_smoothing:
            onehot = jnp.asarray(labels[:, None] == jnp.arange(logits.shape[1]), logits.dtype)
            losses = optax.softmax_cross_entropy(logits, optax.smooth_labels(onehot, label_smoothing))
        losses = jnp.where(counted, losses, 0)
        total = losses if reduction == "none" else losses.sum()
        return total / jnp.maximum(counted.sum(), 1).astype(logits.dtype) if reduction == "mean" else total

    report = audit(loss, framework="jax", dtype=dtype, **options)
    assert report.ok, report


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("dtype", DTYPES)
def test_scipy_is_ok_if_it_is_here(dtype):
    special = pytest.importorskip("scipy.special")
    assert audit(lambda z, y: -special.log_softmax(z, axis=1)[np.arange(len(y)), y].mean(), dtype=dtype).ok


def test_a_framework_that_is_missing_is_an_import_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ImportError):
        audit(right, framework="jax")


def test_a_mean_over_nothing_is_0_or_nan_and_nothing_else():
    batch = batches()[0]
    options = Options(ignore_index=int(batch.labels[0]))
    verdicts = {
        loss: judge(calling.Answer(np.array(loss)), solve(batch, options), "float64")[0] for loss in (0.0, np.nan, 0.5)
    }
    assert list(verdicts.values()) == ["ok", "accuracy", "wrong"]


def test_the_gradient_of_an_ignored_sample_is_0_to_the_last_bit():
    batch = next(batch for batch in batches() if batch.name == "four rows")
    wanted = solve(batch, {"ignore_index": 1})
    grad = wanted.grad.copy()
    assert judge(calling.Answer(wanted.loss, grad), wanted, "float16") == ("ok", "")
    grad[0, 0] = 1e-5
    assert judge(calling.Answer(wanted.loss, grad), wanted, "float16")[0] == "wrong"


# Two mistakes at once


def unshifted_and_without_n(logits, targets):
    e = np.exp(logits)
    q = e / e.sum(axis=1, keepdims=True)
    grad = q.copy()
    grad[np.arange(len(q)), targets] -= 1
    return -np.log(q[np.arange(len(q)), targets]).mean(), grad


def test_where_two_mistakes_meet_the_one_that_explains_most_alarms_is_named():
    report = audit(unshifted_and_without_n)
    assert names(report) == []
    assert [mistake.name for mistake in report.partly] == ["gradient without N"]
    assert "Most alarms have the numbers of a known mistake: gradient without N" in str(report)
    assert report.as_dict()["partly"][0]["name"] == "gradient without N"


def test_lost_digits_are_in_the_table_alone_while_anything_is_wrong():
    text = str(audit(unshifted_and_without_n))
    assert "  accuracy   rows sum to 0" in text
    assert "accuracy: rows sum to 0" not in text
    assert "accuracy: " in str(audit(textbook))
