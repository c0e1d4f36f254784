"""Calls at awkward times and under awkward settings, and arguments of the wrong kind."""

import os
import subprocess
import sys
import tracemalloc
import warnings
from functools import partial

import numpy as np
import pytest

from xentlib import (
    cross_entropy,
    entropy,
    kl_divergence,
    linear_cross_entropy,
    linear_cross_entropy_with_grad,
    log_softmax,
    logsumexp,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_hessian,
    softmax_cross_entropy_hvp,
    softmax_cross_entropy_with_grad,
    softmax_jacobian,
)

INF = np.inf


def flat(result):
    """Return all arrays of a result."""
    if isinstance(result, tuple):
        return [array for part in result for array in flat(part)]
    return [] if result is None else [np.asarray(result)]


def assert_identical(one, two):
    for a, b in zip(flat(one), flat(two), strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()


def run_script(script, **environment):
    """Run a script with warnings as errors, and return what it prints: a name and a value in each line."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60,
        env={**os.environ, "XENTLIB_NUM_THREADS": "2", **environment},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return dict(line.split() for line in result.stdout.splitlines())


# Threads that come, go, or cannot be had

SETTING = """
import atexit, os, threading, time, warnings
import numpy as np
from xentlib import linear_cross_entropy_with_grad, softmax_cross_entropy, softmax_cross_entropy_with_grad

rng = np.random.default_rng(0)
z, y = rng.normal(size=(20_000, 50)), rng.integers(50, size=20_000)
x, w = rng.normal(size=(20_000, 4)), rng.normal(size=(50, 4))
wanted = None

def call():
    loss, grad = softmax_cross_entropy_with_grad(z, y)
    linear_loss, linear_grad = linear_cross_entropy_with_grad(x, w, y, np.zeros(50))
    parts = loss, grad, linear_loss, *linear_grad
    return b"".join(np.asarray(part).tobytes() for part in parts)

def say(name):
    result = call()
    print(name, wanted is None or result == wanted, flush=True)
"""

WITHOUT_THREADS = """
import _thread
def refuse(*arguments, **options):
    raise RuntimeError("can't start new thread")
names = "start_new_thread", "_start_new_thread", "start_joinable_thread", "_start_joinable_thread"
starters = [(module, name) for module in (_thread, threading) for name in names if hasattr(module, name)]
kept = [getattr(*starter) for starter in starters]
for module, name in starters:
    setattr(module, name, refuse)
wanted = call()
say("without")
for (module, name), function in zip(starters, kept):
    setattr(module, name, function)
say("with")
"""

FORK = """
if hasattr(os, "fork"):
    warnings.simplefilter("ignore", DeprecationWarning)  # Python's, of threads in the parent
    child = os.fork()
    if child == 0:
        say("child")
        os._exit(0)
    os.waitpid(child, 0)
else:
    print("child True", flush=True)
"""

AT_THE_END = """
def outlive():
    threading.main_thread().join()
    say("thread")
atexit.register(say, "exit")
threading.Thread(target=outlive).start()
"""


def test_where_no_thread_can_be_started_in_a_forked_child_and_while_the_interpreter_exits():
    """In that order, after which there are threads that work. Each time the results are the same, bit for bit."""
    said = run_script(SETTING + WITHOUT_THREADS + FORK + AT_THE_END)
    assert said == dict.fromkeys(("without", "with", "child", "thread", "exit"), "True")


def test_the_first_call_of_all_may_come_while_the_interpreter_exits():
    assert run_script(SETTING + AT_THE_END) == {"thread": "True", "exit": "True"}


INTERRUPT = """
import _thread
n_rows = 4_000_000
row = rng.normal(size=1000).astype(np.float32)
rows, labels = np.broadcast_to(row, (n_rows, 1000)), np.zeros(n_rows, int)
features, weight = rng.normal(size=(2_000, 256)).astype(np.float32), rng.normal(size=(30_000, 256)).astype(np.float32)
copies = features.copy(), weight.copy()
wanted = call()

def interrupted(name, work):
    asked = []
    def ask():
        asked.append(time.perf_counter())
        _thread.interrupt_main()
    timer = threading.Timer(0.15, ask)
    timer.start()
    try:
        work()
    except KeyboardInterrupt:
        print(name, time.perf_counter() - asked[0], flush=True)
    else:
        print(name, "finished" if asked else "too-fast", flush=True)
    timer.cancel()
    timer.join()

interrupted("loss", lambda: softmax_cross_entropy(rows, labels))
interrupted("linear", lambda: linear_cross_entropy_with_grad(features, weight, np.zeros(2_000, int)))
interrupted("cut", lambda: linear_cross_entropy_with_grad(features, weight, np.zeros(2_000, int), block_bytes=1 << 20))
say("after")
print("arguments", bool((features == copies[0]).all() and (weight == copies[1]).all()))
"""


def test_ctrl_c_is_honoured_within_half_a_second_and_the_next_call_is_right():
    """No thread works on after it: it would take the time of the next call, and write to memory that nobody has.

    A busy machine gets four times as long. The first of the calls takes many seconds if it is not interrupted.
    """
    said = run_script(SETTING + INTERRUPT)
    assert (said.pop("after"), said.pop("arguments")) == ("True", "True")
    for name, seconds in said.items():
        assert float(seconds) < 2, name


# Floating-point settings and warnings

FAR = np.array([[1e308, -1e308, 0.0], [0.0, -800.0, -INF], [5e-324, 0.0, -745.0], [-1e308, -1e308, -1e308]])
NEAR = np.array([[-700.0, 0.0, -1.0], [0.5, -720.0, -740.0], [1e-320, 0.0, -1e-310], [40.0, 0.0, -5.0]])
MANY = np.tile(np.concatenate([FAR, NEAR]), (12_000, 1))
LABELS = np.resize([0, 1, 2, 0], len(MANY))
P = np.array([[0.0, 0.5, 0.5], [1.0, 1e-310, 0.0], [1e-320, 0.5, 0.5], [0.2, 0.3, 0.5]])


def float32_of(array):
    with np.errstate(all="ignore"):
        return np.clip(array, -3e38, 3e38, where=np.isfinite(array), out=array.copy()).astype(np.float32)


OPTIONS = {"label_smoothing": 0.1, "z_loss": 1e-300, "class_weights": np.array([1e-310, 1.0, 1e300])}
FLOAT32_OPTIONS = OPTIONS | {"class_weights": np.array([1e-310, 1.0, 1e30])}
CALLS = {
    "index": lambda: softmax_cross_entropy_with_grad(MANY, LABELS),
    "index, none": lambda: softmax_cross_entropy_with_grad(MANY, LABELS, reduction="none"),
    "index, sum": lambda: softmax_cross_entropy_with_grad(FAR, LABELS[:4], reduction="sum"),
    "loss alone": lambda: softmax_cross_entropy(MANY, LABELS, z_loss=1e-3),
    "every option": lambda: softmax_cross_entropy_with_grad(FAR, LABELS[:4], **OPTIONS),
    "distributions": lambda: softmax_cross_entropy_with_grad(FAR, P),
    "distributions and every option": lambda: softmax_cross_entropy_with_grad(NEAR, P, **OPTIONS),
    "float32": lambda: softmax_cross_entropy_with_grad(float32_of(FAR), P, **FLOAT32_OPTIONS),
    "float16": lambda: softmax_cross_entropy_with_grad(np.array([[6e4, -6e4, 1]], np.float16), [1], reduction="sum"),
    "float16 gradient": lambda: softmax_cross_entropy_with_grad(np.array([[9, -9, 1]] * 9, np.float16), [0] * 9),
    "logsumexp": lambda: logsumexp(FAR),
    "log_softmax": lambda: log_softmax(FAR),
    "log_softmax, float16": lambda: log_softmax(np.array([[6e4, -6e4, 1]], np.float16)),
    "softmax": lambda: softmax(NEAR),
    "softmax, hot": lambda: softmax(FAR, temperature=1e308),
    "softmax, cold": lambda: softmax(FAR, temperature=1e-310),
    "softmax, float16": lambda: softmax(np.array([[12, 0, -8]], np.float16)),
    "linear": lambda: linear_cross_entropy_with_grad(np.eye(4), NEAR.T, LABELS[:4], np.array([0.0, -INF, 1e-320])),
    "linear, cut": lambda: linear_cross_entropy_with_grad(np.eye(4), NEAR.T, LABELS[:4], block_bytes=8),
    "linear, float16": lambda: linear_cross_entropy_with_grad(
        np.eye(4, dtype=np.float16), np.full((3, 4), 9, np.float16) * np.float16([[1], [-1], [0]]), [1, 0, 0, 0]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_every_errstate_gives_the_same_in_silence(name):
    """Also in the threads, which begin with NumPy's own. The settings afterwards are those from before."""
    call = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        usual = call()
        seen = []
        before = np.getbufsize()
        for mode in ("raise", "call", "warn"):
            with np.errstate(all=mode, call=lambda *event: seen.append(event)):
                settings = np.geterr()
                assert_identical(call(), usual)
                assert np.geterr() == settings
        assert seen == []
        assert np.getbufsize() == before


# The same again


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_same_input_gives_the_same_bits(monkeypatch, threads):
    """Whichever thread takes which block, and wherever in memory the input is."""
    monkeypatch.setenv("XENTLIB_NUM_THREADS", threads)
    rng = np.random.default_rng(0)
    for n_rows, n_classes, dtype in ((60_000, 10, np.float32), (3_000, 300, np.float64), (5, 50_257, np.float32)):
        memory = np.empty(n_rows * n_classes + 3, dtype)
        z = rng.normal(size=(n_rows, n_classes)).astype(dtype)
        y, p = rng.integers(n_classes, size=n_rows), rng.random((n_rows, n_classes)).astype(dtype)
        for targets, options in ((y, {}), (y, {"label_smoothing": 0.1, "z_loss": 1e-3}), (p, {})):
            wanted = softmax_cross_entropy_with_grad(z, targets, **options)
            for offset in (0, 1, 3):
                again = memory[offset : offset + z.size].reshape(z.shape)
                again[...] = z
                assert_identical(softmax_cross_entropy_with_grad(again, targets, **options), wanted)
    x, w = rng.normal(size=(9_000, 8)).astype(np.float32), rng.normal(size=(700, 8)).astype(np.float32)
    y, b = rng.integers(700, size=9_000), rng.normal(size=700).astype(np.float32)
    for block_bytes in (None, 1 << 19):
        wanted = linear_cross_entropy_with_grad(x, w, y, b, block_bytes=block_bytes)
        for _ in range(3):
            assert_identical(linear_cross_entropy_with_grad(x, w, y, b, block_bytes=block_bytes), wanted)


# Memory


def peak_of(call):
    """Return the most that a call had allocated at a time beyond what was there, and beyond its results, in bytes."""
    call()  # the threads are there by now
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = call()
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    return peak - sum(array.nbytes for array in flat(result))


def layer(n_rows, n_classes, n_features=16, dtype=np.float32):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n_rows, n_features)).astype(dtype)
    return features, rng.normal(size=(n_classes, n_features)).astype(dtype), rng.integers(n_classes, size=n_rows)


@pytest.mark.parametrize("block_bytes", [1 << 40, 1 << 62, 10**30])
def test_a_huge_block_is_not_allocated(block_bytes):
    """Only what the logits need."""
    features, weight, y = layer(50, 300)
    for call in (linear_cross_entropy, linear_cross_entropy_with_grad):
        assert peak_of(partial(call, features, weight, y, block_bytes=block_bytes)) < 8 * 50 * 300 * 4


def test_by_default_no_more_is_allocated_than_the_logits_need():
    features, weight, y = layer(50, 300)
    for call in (linear_cross_entropy, linear_cross_entropy_with_grad):
        assert peak_of(partial(call, features, weight, y)) < 8 * 50 * 300 * 4


@pytest.mark.parametrize(
    ("kind", "dtypes"),
    [("index", ("e", "e")), ("index", ("f", "f")), ("index", ("d", "f")), ("distribution", ("f", "f"))],
)
def test_the_buffers_take_what_block_bytes_says(monkeypatch, kind, dtypes):
    """And two megabytes for each thread, and a few numbers for each row and each class, whatever their product."""
    monkeypatch.setenv("XENTLIB_NUM_THREADS", "1")
    n_rows, n_classes, block_bytes = 2_000, 4_000, 4 << 20
    features, weight, y = layer(n_rows, n_classes)
    features, weight = features.astype(dtypes[0]), weight.astype(dtypes[1])
    targets, copies = y, 1
    if kind == "distribution":  # of the logits, the targets, and these weighted
        copies = 3
        targets = np.broadcast_to(np.float16(1 / 4096), (n_rows, n_classes))
    few = 256 * (n_rows + n_classes)
    for call in (linear_cross_entropy, linear_cross_entropy_with_grad):
        peak = peak_of(partial(call, features, weight, targets, block_bytes=block_bytes))
        assert peak < block_bytes + copies * (2 << 20) + few < n_rows * n_classes * 4


@pytest.mark.parametrize("kind", ["index", "distribution"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_beyond_its_results_the_loss_needs_a_block_for_each_thread_and_a_few_numbers_for_each_row(
    monkeypatch, dtype, kind
):
    monkeypatch.setenv("XENTLIB_NUM_THREADS", "1")
    for n_rows, n_classes in ((100_000, 20), (40, 60_000)):
        z = np.zeros((n_rows, n_classes), dtype)
        targets = np.zeros(n_rows, int) if kind == "index" else np.broadcast_to(dtype(1 / 16), z.shape)
        for call in (softmax_cross_entropy, softmax_cross_entropy_with_grad):
            peak = peak_of(partial(call, z, targets, label_smoothing=0.1, z_loss=0.1))
            assert peak < 4 * (2 << 20) + 64 * n_rows + 32 * n_classes


# Arguments of the wrong kind

MASKED = np.ma.masked_array([[1.0, 2.0, 0.5]], mask=[[False, True, False]])
MASKED_P = np.ma.masked_array([[0.25, 0.25, 0.5]], mask=[[False, True, False]])
ONE, W3 = np.ones((1, 3)), np.ones((3, 3))
WITH_MASKS = {
    "logits": lambda: softmax_cross_entropy(MASKED, [0]),
    "targets": lambda: softmax_cross_entropy(ONE, MASKED),
    "targets ": lambda: softmax_cross_entropy(ONE, np.ma.masked_array([1], mask=[True])),
    "class_weights": lambda: softmax_cross_entropy(ONE, [0], class_weights=MASKED[0]),
    "features": lambda: linear_cross_entropy(MASKED, W3, [0]),
    "weight": lambda: linear_cross_entropy(ONE, np.ma.masked_less(W3, 0), [0]),
    "bias": lambda: linear_cross_entropy(ONE, W3, [0], MASKED[0]),
    "z": lambda: softmax(MASKED),
    "z ": lambda: log_softmax(MASKED),
    "z  ": lambda: logsumexp(MASKED),
    "z   ": lambda: softmax_jacobian(MASKED),
    "p": lambda: entropy(MASKED_P),
    "q": lambda: cross_entropy(ONE / 3, MASKED_P),
    "q ": lambda: kl_divergence(ONE / 3, MASKED_P),
    "logits ": lambda: softmax_cross_entropy_hessian(MASKED),
    "v": lambda: softmax_cross_entropy_hvp(ONE, MASKED),
}


@pytest.mark.parametrize("name", WITH_MASKS)
def test_a_masked_array_is_refused(name):
    """Also one that masks nothing: whether it does is known only from its values."""
    with pytest.raises(TypeError, match=f"^{name.strip()} must .*mask"):
        WITH_MASKS[name]()


@pytest.mark.parametrize("value", [1.5, 1.0, np.float64(0), "a", True, np.True_, [0], np.array([0, 1]), 1j, INF])
def test_an_ignore_index_that_is_no_integer_is_refused(value):
    for call in (softmax_cross_entropy, softmax_cross_entropy_with_grad):
        with pytest.raises(TypeError, match=r"^ignore_index must be .*integer.*; got "):
            call(ONE, [0], ignore_index=value)
    with pytest.raises(TypeError, match=r"^ignore_index must be .*integer.*; got "):
        linear_cross_entropy(ONE, W3, [0], ignore_index=value)


def test_an_ignore_index_may_be_an_integer_of_any_kind():
    for value in (-1, np.int8(-1), np.int64(-1), np.array(-1), 10**30, -(10**30), 2**63):
        loss = softmax_cross_entropy(np.zeros((2, 3)), [0, -1 if value == -1 else 1], ignore_index=value)
        assert loss == pytest.approx(np.log(3))


@pytest.mark.parametrize("value", ["x", "0.1", None, [0.1], np.array([0.1]), {}, 1j, True, np.ma.masked])
@pytest.mark.parametrize("name", ["label_smoothing", "z_loss", "temperature"])
def test_a_number_of_the_wrong_type_is_refused(name, value):
    with pytest.raises(TypeError, match=rf"^{name} must be .*; got "):
        softmax(ONE, temperature=value) if name == "temperature" else softmax_cross_entropy(ONE, [0], **{name: value})


@pytest.mark.parametrize("kind", [float, np.float16, np.float32, np.float64, np.array])
def test_a_number_may_be_real_of_any_kind(kind):
    half = kind(0.5)
    assert softmax_cross_entropy(ONE, [0], label_smoothing=half, z_loss=half) > 0
    assert softmax(ONE, temperature=half).sum() == pytest.approx(1)
    assert softmax(ONE, temperature=2).sum() == pytest.approx(1)


@pytest.mark.parametrize("value", [1.5, 1.0, "a", None, True, (0, 1), [0]])
@pytest.mark.parametrize("function", [softmax, log_softmax, logsumexp])
def test_an_axis_that_is_no_integer_is_refused(function, value):
    with pytest.raises(TypeError, match=r"^axis must be an integer; got "):
        function(ONE, axis=value)


@pytest.mark.parametrize("value", [1.5, "a", True, [64], 1j, INF])
def test_block_bytes_that_is_no_integer_is_refused(value):
    with pytest.raises(TypeError, match=r"^block_bytes must be an integer; got "):
        linear_cross_entropy(ONE, W3, [0], block_bytes=value)


RAGGED = [[1.0, 2.0, 0.5], [1.0]]
WITH_RAGGED_LISTS = {
    "logits": lambda: softmax_cross_entropy(RAGGED, [0, 0]),
    "targets": lambda: softmax_cross_entropy(np.ones((2, 3)), RAGGED),
    "class_weights": lambda: softmax_cross_entropy(ONE, [0], class_weights=RAGGED),
    "features": lambda: linear_cross_entropy(RAGGED, W3, [0, 0]),
    "weight": lambda: linear_cross_entropy(ONE, RAGGED, [0]),
    "bias": lambda: linear_cross_entropy(ONE, W3, [0], RAGGED),
    "z": lambda: softmax(RAGGED),
}


@pytest.mark.parametrize("name", WITH_RAGGED_LISTS)
def test_a_ragged_list_is_refused_with_the_name_of_the_argument(name):
    with pytest.raises(ValueError, match=f"^{name} must "):
        WITH_RAGGED_LISTS[name]()


def test_what_float32_cannot_hold_is_refused_with_the_name_of_the_argument():
    """Python's 1e39 is a float64, and the logits say that float32 is meant."""
    logits, weight = np.ones((1, 3), np.float32), np.ones((3, 3), np.float32)
    for where in (warnings.catch_warnings(action="error"), np.errstate(all="raise")):
        with where:
            with pytest.raises(
                ValueError, match=r"^targets must lie within the range of float32, at most 3.4e.38 in size; got 1e.39"
            ):
                softmax_cross_entropy(logits, [[1e39, 0, 0]])
            with pytest.raises(
                ValueError, match=r"^bias must lie within the range of float32, at most 3.4e.38 in size; got 1e.39"
            ):
                linear_cross_entropy(logits, weight, [0], [1e39, 0, 0])
