"""The loss over Dask arrays against the loss of the same logits in one piece, in threads and in processes."""

import os
import re
import signal
import time
from itertools import product
from pathlib import Path

import dask
import dask.array as da
import nbformat
import numpy as np
import pytest
from distributed import Client, LocalCluster
from reference import exactly
from thorough import THOROUGH

import xentlib
from xentlib import sharded
from xentlib._kernel import Finalized, LseState
from xentlib._target import Options

INF, NAN = np.inf, np.nan
CHUNKS = [(13, 11), (4, 3), (1, 1), (5, 11), (13, 2), ((3, 10), (1, 9, 1))]
TOLERANCES = {"e": (2e-3, 1e-5), "f": (4e-6, 1e-6), "d": (1e-12, 1e-14)}


def problem(kind, dtype=np.float64, masks=False):
    rng = np.random.default_rng(0)
    z = 4 * rng.normal(size=(13, 11))
    if masks:
        z[rng.random(z.shape) < 0.2] = -INF
    targets = rng.integers(11, size=13) if kind == "index" else rng.random(z.shape)
    return z.astype(dtype), targets


def assert_same(z, targets, chunks, **options):
    wanted = xentlib.softmax_cross_entropy_with_grad(z, targets, **options)
    logits = da.from_array(z, chunks=chunks)
    loss, grad = sharded.softmax_cross_entropy_with_grad(logits, targets, **options)
    assert (loss.dtype, loss.shape) == (z.dtype, np.shape(wanted[0]))
    assert (grad.dtype, grad.chunks) == (z.dtype, logits.chunks)
    rtol, atol = TOLERANCES[z.dtype.char]
    before = z.copy()
    for got, right in zip(dask.compute(loss, grad, scheduler="threads"), wanted, strict=True):
        assert got.dtype == z.dtype
        np.testing.assert_allclose(got, right, rtol=rtol, atol=atol, err_msg=str(options))
    np.testing.assert_array_equal(z, before)
    alone = sharded.softmax_cross_entropy(logits, targets, **options).compute(scheduler="sync")
    np.testing.assert_allclose(alone, wanted[0], rtol=rtol, atol=atol)


@pytest.mark.parametrize(("chunks", "first"), [(CHUNKS[1], 0), (CHUNKS[5], 1)])
@pytest.mark.parametrize("kind", ["index", "distribution"])
def test_every_option_is_that_of_the_loss_in_one_piece(kind, chunks, first):
    """Of all combinations every third, or all of them if asked for: Dask takes its time to plan each."""
    z, targets = problem(kind)
    ignored = (None, targets[0]) if kind == "index" else (None,)
    weights = np.random.default_rng(1).random(11)
    every = list(product((0.0, 0.1), ignored, (0.0, 0.05), (None, weights), ("mean", "sum", "none")))
    # Not every third as they stand: each reduction is in every row of three, and takes its turn.
    some = every if THOROUGH else [every[n + (n // 3 + first) % 3] for n in range(0, len(every), 3)]
    for smoothing, ignore, regular, class_weights, reduction in some:
        assert_same(
            z, targets, chunks, reduction=reduction, label_smoothing=smoothing, ignore_index=ignore, z_loss=regular,
            class_weights=class_weights,
        )  # fmt: skip


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_masks_and_dtypes(dtype, chunks):
    z, y = problem("index", dtype, masks=True)
    assert any(np.isneginf(z[:, first : first + 2]).all(1).any() for first in range(10))  # pieces of masks alone
    for reduction in ("mean", "none"):
        assert_same(z, y, chunks, reduction=reduction)


def test_smoothing_spreads_over_all_classes_not_over_those_of_a_piece():
    z = da.zeros((1, 8), chunks=(1, 2))
    _, grad = dask.compute(*sharded.softmax_cross_entropy_with_grad(z, [5], label_smoothing=0.8))
    np.testing.assert_allclose(grad[0], 1 / 8 - 0.8 / 8 - 0.2 * (np.arange(8) == 5), atol=1e-16)


def test_what_counts_for_the_mean_is_counted_over_all_pieces():
    z, y = problem("index")
    for ignore in (y[0], 99):
        assert_same(
            z, np.where(np.arange(13) < 4, ignore, y), (4, 3), ignore_index=ignore
        )  # the first piece is ignored
    assert_same(z, np.full(13, 99), (4, 3), ignore_index=99)  # all are
    assert_same(z[:0], y[:0], (4, 3))
    assert_same(z[:, :1], np.zeros(13, int), (4, 1))


def test_targets_may_be_chunked_in_another_way():
    z, y = problem("index")
    loss = sharded.softmax_cross_entropy(da.from_array(z, chunks=(4, 3)), da.from_array(y, chunks=6))
    assert loss.compute() == pytest.approx(xentlib.softmax_cross_entropy(z, y), rel=1e-14)


def test_nothing_is_computed_before_dask_is_asked_and_pieces_stay_pieces():
    def refuse(*arguments, **options):
        raise RuntimeError("computed too early")

    z = da.map_blocks(refuse, chunks=((4, 4), (3, 3)), dtype=float, meta=np.empty((0, 0)))
    loss, grad = sharded.softmax_cross_entropy_with_grad(z, np.zeros(8, int))
    with pytest.raises(RuntimeError, match="too early"):
        dask.compute(loss, grad)


def numbers_that_chapter_14_lists():
    """Return the columns of its table: cat and dog on one machine, bird on another, and both merged."""
    path = Path(__file__).parents[1] / "chapters" / "14_many_machines.ipynb"
    text = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")
    rows = re.findall(r"^\| \d\. .* \| (\S+) \| (\S+) \| (\S+) \|$", text, re.M)
    return [
        [float({"dog": 1, "none": -1, "−∞": -np.inf}.get(word, word)) for word in column]
        for column in zip(*rows, strict=True)
    ]


def test_what_travels_is_what_chapter_14_lists():
    options, dog, first_row = Options(None, None, 0.0, 0.0, "sum"), np.array([1]), np.array([0])
    first, second = (
        sharded._reduce(np.array([scores]), dog, first_row, np.array([first_class]), options, 3)
        for scores, first_class in (([1.0, 2.0], 0), ([0.5], 2))
    )
    merged = sharded._merge(np.concatenate([first, second], axis=1), None, None)
    columns = [state[0, 0].round(2).tolist() for state in (first, second, merged)]
    assert columns == numbers_that_chapter_14_lists()
    assert len(columns[0]) == len(LseState._fields) == 7
    back = dict(zip(Finalized._fields, sharded._close(merged, dog, first_row, options)[0].round(2), strict=True))
    assert back == {"loss": 0.46, "shift": 2, "prob_scale": 0.63, "mass": 1, "pivot": 1, "pivot_grad": -0.37}


# Bad input


def spoiled(index, value, kind="index"):
    z, targets = problem(kind)
    spoilt = z if index[0] == "logits" else targets
    spoilt[index[1:]] = value
    return z, targets


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (spoiled(("logits", 9, 7), NAN), "logits must be finite or -inf; got nan at index (9, 7)"),
        (spoiled(("logits", 9, 7), INF), "logits must be finite or -inf; got inf at index (9, 7)"),
        (spoiled(("logits", 9), -INF),
         "logits must leave at least one class that is not -inf; got only -inf at index (9,)"),
        (spoiled(("targets", 9), 11), "targets must lie in [0, 11); got 11 at index (9,)"),
        (spoiled(("targets", 9), -1), "targets must lie in [0, 11); got -1 at index (9,)"),
        (spoiled(("targets", 9, 7), -0.5, "distribution"),
         "targets must be non-negative and finite; got -0.5 at index (9, 7)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("chunks", CHUNKS)
def test_bad_values_are_named_with_their_place_in_the_whole(arguments, message, chunks):
    z, targets = arguments
    weights = np.arange(11.0)
    parts = sharded.softmax_cross_entropy_with_grad(da.from_array(z, chunks=chunks), targets, class_weights=weights)
    with pytest.raises(ValueError, match=exactly(message)):
        dask.compute(*parts)


@pytest.mark.parametrize("chunks", CHUNKS)
def test_a_probability_beyond_the_range_of_the_logits_is_refused(chunks):
    z, targets = problem("distribution", np.float32)
    targets[9, 7] = 1e300
    loss = sharded.softmax_cross_entropy(da.from_array(z, chunks=chunks), targets)
    message = "targets must lie within the range of float32, at most 3.4e+38 in size; got 1e+300 at index (9, 7)"
    with pytest.raises(ValueError, match=exactly(message)):
        loss.compute()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"logits": np.zeros((2, 3))}, TypeError, "logits must be a dask.array.Array; got ndarray"),
        ({"logits": da.zeros(3)}, ValueError, "logits must have shape (N, K) with K at least 1; got (3,)"),
        ({"logits": da.zeros((2, 0))}, ValueError, "logits must have shape (N, K) with K at least 1; got (2, 0)"),
        ({"logits": da.zeros((2, 3), dtype=complex)}, TypeError,
         "logits must hold real numbers (float16, float32, float64 or integers); got dtype complex128"),
        ({"targets": [0, 1, 2]}, ValueError,
         "targets must have shape (2,) (class indices) or (2, 3) (distributions) for logits of shape (2, 3); got (3,)"),
        ({"targets": [0.0, 1.0]}, TypeError,
         "targets of shape (2,) must be integer class indices; got dtype float64"),
        ({"label_smoothing": 2}, ValueError, "label_smoothing must lie in [0, 1]; got 2"),
        ({"reduction": "max"}, ValueError, "reduction must be one of 'none', 'sum', 'mean'; got 'max'"),
        ({"class_weights": [1, 2]}, ValueError,
         "class_weights must have shape (3,), one weight a class; got (2,)"),
    ],
)  # fmt: skip
def test_what_can_be_seen_without_the_values_is_refused_at_once(changes, error, message):
    arguments = {"logits": da.zeros((2, 3), chunks=(1, 2)), "targets": [0, 1], **changes}
    with pytest.raises(error, match=exactly(message)):
        sharded.softmax_cross_entropy_with_grad(**arguments)


def test_pieces_of_unknown_size_are_refused():
    z = da.zeros((4, 3), chunks=(2, 3))
    with pytest.raises(ValueError, match="logits must have chunks of known sizes"):
        sharded.softmax_cross_entropy(z[z[:, 0] == 0], [0, 0, 0, 0])


# Several processes


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with (
        LocalCluster(
            n_workers=3,
            threads_per_worker=1,
            dashboard_address=None,
            local_directory=str(tmp_path_factory.mktemp("dask")),
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_worker_processes_give_the_same(cluster):
    z, y = problem("index")
    loss, grad = sharded.softmax_cross_entropy_with_grad(da.from_array(z, chunks=(4, 3)), y, label_smoothing=0.1)
    wanted = xentlib.softmax_cross_entropy_with_grad(z, y, label_smoothing=0.1)
    for got, right in zip(cluster.gather(cluster.compute([loss, grad])), wanted, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-12, atol=1e-15)


def test_a_worker_that_is_killed_loses_nothing(cluster, tmp_path):
    """Its pieces are worked out again by the others, from the logits on."""
    z, y = problem("index")

    def slowly(piece, folder, block_info=None):
        time.sleep(0.1)
        with open(os.path.join(folder, str(os.getpid())), "a") as log:
            log.write("+")
        return piece

    def done():
        return {int(log.name): log.stat().st_size for log in tmp_path.iterdir()}

    slow = da.from_array(z, chunks=(2, 3)).map_blocks(slowly, str(tmp_path), dtype=z.dtype, meta=np.empty((0, 0)))
    n_pieces = slow.npartitions
    parts = cluster.compute(sharded.softmax_cross_entropy_with_grad(slow, y))
    while sum(done().values()) < n_pieces // 3:
        time.sleep(0.01)
    victim = max(done(), key=done().get)
    assert victim != os.getpid()
    os.kill(victim, signal.SIGKILL)
    loss, grad = cluster.gather(list(parts))
    wanted = xentlib.softmax_cross_entropy_with_grad(z, y)
    assert loss == pytest.approx(wanted[0], rel=1e-14)
    np.testing.assert_allclose(grad, wanted[1], rtol=1e-12, atol=1e-15)
    assert sum(done().values()) > n_pieces  # some were lost with the worker, and made again


@pytest.mark.parametrize("leader", range(4))
def test_a_distribution_that_is_nearly_certain_keeps_its_digits_in_pieces(leader):
    """The largest logit of all pieces is kept out of the sum, wherever it is."""
    z = np.array([[0.0, -1.0, 0.5, 1.0]])
    z[0, leader] = 40
    p = np.full((1, 4), 1e-25)
    p[0, leader] = 1
    for chunks in ((1, 1, 1, 1), (2, 2), (3, 1)):
        loss = sharded.softmax_cross_entropy(da.from_array(z, chunks=(1, chunks)), p).compute(scheduler="sync")
        assert loss == pytest.approx(xentlib.softmax_cross_entropy(z, p), rel=1e-14, abs=0)
