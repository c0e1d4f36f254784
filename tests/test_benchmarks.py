"""The benchmark writes what it says, the right way round. Timings are made up here: no test waits for a real one."""

import platform
import re
import struct
import sys
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

import xentlib
from benchmarks import accuracy, linear, naive, peers, report, results, run, timing
from benchmarks.timing import Spread

REQUIREMENTS = Path(run.__file__).with_name("requirements.txt")
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


@pytest.fixture
def clock(monkeypatch):
    """Make time stand still, but for what `clock.takes` adds to it."""
    clock = Clock()
    monkeypatch.setattr(timing, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(timing, "sleep", lambda seconds: None)
    return clock


class Clock:
    now = 0.0
    slowness = 1.0

    def takes(self, seconds, result=None):
        """Return a call that takes so many seconds, longer when the machine is slow."""

        def call():
            self.now += seconds * self.slowness
            return result

        return call

    def peer(self, name, seconds, **options):
        """Return a peer with xentlib's results, in a time of its own."""

        def prepare(logits, y):
            return self.takes(seconds, xentlib.softmax_cross_entropy_with_grad(logits, y))

        return peers.Peer(name, "1.0", prepare, **options)


# Timing


def test_a_peer_that_takes_three_times_as_long_has_the_ratio_3(clock):
    seconds = timing.interleave({"xentlib": clock.takes(2), "slow": clock.takes(6), "fast": clock.takes(1)}, 5)
    assert timing.ratios(seconds, "xentlib") == {"slow": Spread(3, 3, 3), "fast": Spread(0.5, 0.5, 0.5)}
    assert timing.ratios(seconds, "slow")["xentlib"].median == pytest.approx(1 / 3)


def test_a_machine_that_becomes_slower_changes_no_ratio(clock):
    calls = {"xentlib": clock.takes(2), "slow": clock.takes(6)}
    seconds = {name: [] for name in calls}
    for clock.slowness in (1.0, 1.5, 7.0):
        for name, times in timing.interleave(calls, 1).items():
            seconds[name] += times
    assert seconds["xentlib"] == [2, 3, 14]
    assert timing.ratios(seconds, "xentlib") == {"slow": Spread(3, 3, 3)}


def test_the_spread_is_the_middle_half():
    assert timing.spread([1, 2, 3, 4, 100]) == Spread(median=3, low=2, high=4)


def test_calls_take_turns_and_none_always_follows_the_same_other_one(clock):
    order = []
    timing.interleave({name: lambda name=name: order.append(name) for name in "abc"}, 6)
    assert order[::2] == order[1::2]  # each is warmed up by a call of its own, and timed in the next
    order = order[::2]
    repetitions = np.reshape(order, (6, 3)).tolist()
    assert [sorted(repetition) for repetition in repetitions] == [["a", "b", "c"]] * 6
    assert {repetition[0] for repetition in repetitions} == {"a", "b", "c"}
    for name in "abc":
        assert len({before for before, after in pairwise(order) if after == name} - {name}) == 2


def test_many_calls_are_made(clock):
    timing.many(clock.takes(2), 5)()
    assert clock.now == 10


# Peers


def test_peers_that_cannot_be_imported_are_named(monkeypatch):
    for module in ("torch", "sklearn", "scipy", "jax"):
        monkeypatch.setitem(sys.modules, module, None)
    found, missing = peers.available()
    assert [peer.name for peer in found] == ["xentlib", "naive NumPy"]
    assert missing == ["PyTorch", "scikit-learn", "SciPy", "JAX"]


def test_a_peer_that_can_be_imported_is_not_missing(monkeypatch):
    monkeypatch.setattr(peers, "LOADERS", {"Fake": lambda: ("1.2", peers._naive().prepare), "Gone": import_error})
    found, missing = peers.available()
    assert [(peer.name, peer.version) for peer in found[2:]] == [("Fake", "1.2")]
    assert missing == ["Gone"]


def import_error():
    raise ImportError


@pytest.mark.filterwarnings("default")  # not ours to mend
@pytest.mark.parametrize("name", peers.LOADERS)
def test_an_installed_peer_gives_the_same_loss_and_gradient(name):
    try:
        peer = peers.Peer(name, *peers.LOADERS[name]())
    except ImportError:
        pytest.skip(f"{name} is not installed")
    for dtype in run.DTYPES:
        calls = run.prepare([peers._xentlib(), peer], *run.batch(dtype, 20, 10))
        assert {np.asarray(call()[1]).dtype for call in calls.values()} == {np.dtype(dtype)}


@pytest.mark.parametrize(
    "wrong",
    [lambda loss, grad: (2 * loss, grad), lambda loss, grad: (loss, -grad), lambda loss, grad: (loss, grad[::-1])],
)
def test_a_peer_that_computes_something_else_is_refused(wrong):
    other = peers.Peer("Other", "", lambda z, y: lambda: wrong(*naive.softmax_cross_entropy_with_grad(z, y)))
    with pytest.raises(RuntimeError, match="Other does not give the loss and gradient of xentlib"):
        run.prepare([peers._xentlib(), other], *run.batch(np.float64, 20, 10))


def test_a_peer_is_measured_at_its_own_numbers_of_classes_only(clock):
    found = [clock.peer("xentlib", 1), clock.peer("scikit-learn", 2, only_classes=(10,))]
    measured = run.measure_speed(found, run.QUICK)
    assert {row.n_classes: list(row.ratios) for row in measured} == {10: ["scikit-learn"], 1000: []}


@pytest.mark.parametrize(("asked", "used"), [("1", 1), ("1000", peers.usable_cores()), (None, peers.usable_cores())])
def test_peers_are_given_as_many_threads_as_xentlib(monkeypatch, asked, used):
    monkeypatch.delenv("XENTLIB_NUM_THREADS", raising=False)
    if asked:
        monkeypatch.setenv("XENTLIB_NUM_THREADS", asked)
    assert peers.thread_count() == used


def test_naive_numpy_is_right_where_nothing_is_hard():
    z, y = run.batch(np.float64, 20, 10)
    loss, grad = xentlib.softmax_cross_entropy_with_grad(z, y)
    assert naive.log_sum_exp_minus_true(z, y) == pytest.approx(loss, rel=1e-12)
    got_loss, got_grad = naive.softmax_cross_entropy_with_grad(z, y)
    assert got_loss == pytest.approx(loss, rel=1e-12)
    assert got_grad == pytest.approx(grad, rel=1e-12, abs=1e-15)


def test_the_versions_to_install_are_those_of_the_peers():
    named = re.findall(r"^([a-z-]+)==", REQUIREMENTS.read_text(), re.M)
    modules = {"PyTorch": "torch", "scikit-learn": "scikit-learn", "SciPy": "scipy", "JAX": "jax"}
    assert named == [modules[name] for name in peers.LOADERS]


# Accuracy


def test_relative_error_is_that_of_the_first_beside_the_second():
    assert accuracy.relative_error(3, 2) == 0.5
    assert accuracy.relative_error(0, 2) == 1


def test_xentlib_is_accurate_in_every_row_and_naive_numpy_is_not():
    gaps, offsets = accuracy.tables([peers._xentlib(), peers._naive()])
    for row in [*gaps, *offsets]:
        gap = float(row.question.removeprefix("gap ")) if "gap" in row.question else 3
        assert not row.errors or row.errors["xentlib"] <= (8 + gap) * EPS[row.dtype]
    of = {f"{row.dtype}, {row.question}": row.errors for row in [*gaps, *offsets]}
    assert of["float32, gap 10"]["naive NumPy"] == pytest.approx(4e-4, rel=0.3)
    assert of["float32, gap 16"]["naive NumPy"] == pytest.approx(0.059, rel=0.1)
    assert of["float32, gap 17"]["naive NumPy"] == 1
    assert of["float64, gap 40"]["naive NumPy"] == 1
    assert of["float32, gap 700"] == {}  # e^-700 is no float32
    assert of["float32, offset 1,000,000"]["NumPy, −z_y + LSE"] == pytest.approx(0.0625 / 0.0485873 - 1, rel=1e-3)
    assert of["float32, offset 100,000,000"]["NumPy, −z_y + LSE"] == 1


# A linear layer


def test_extra_bytes_are_the_peak_without_the_results():
    def call():
        scratch = np.ones(10**6)
        return scratch.sum(), (np.ones(10**5), np.ones(10))

    assert linear.extra_bytes(call) == pytest.approx(8e6, rel=0.01)


def test_a_linear_layer_is_compared(monkeypatch, clock):
    for module, seconds in ((xentlib, 1), (naive, 2)):
        call = clock.takes(seconds, (0.0, ()))
        monkeypatch.setattr(module, "linear_cross_entropy_with_grad", lambda *_, call=call: call())
    compared = linear.compare((64, 16, 500), 2)
    assert compared.ratios["naive NumPy, logits held"] == Spread(2, 2, 2)


def test_the_materialised_linear_layer_has_the_gradients_of_its_loss():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    y = rng.integers(4, size=5)
    loss, grads = naive.linear_cross_entropy_with_grad(x, weight, y, bias)
    assert loss == pytest.approx(xentlib.softmax_cross_entropy(x @ weight.T + bias, y))
    for n, array in enumerate((x, weight, bias)):
        at = (1,) * array.ndim
        step = np.zeros_like(array)
        step[at] = 1e-6
        moved = [[x, weight, y, bias] for _ in range(2)]
        for arguments, sign in zip(moved, (1, -1), strict=True):
            arguments[(0, 1, 3)[n]] = array + sign * step
        up, down = (naive.linear_cross_entropy_with_grad(*arguments)[0] for arguments in moved)
        assert grads[n][at] == pytest.approx((up - down) / 2e-6, rel=1e-6)


# Aims


def linear_layer(megabytes=32, ratio=1.5):
    """Return what the comparison of a linear layer might have found."""
    return linear.Comparison(
        run.FULL.linear,
        {"naive NumPy, logits held": Spread(ratio, ratio, ratio)},
        {linear.OWN: megabytes * 1e6, "naive NumPy, logits held": 1e9},
    )


def found(ratio=2.5, overhead=10.0, megabytes=32, linear_ratio=1.5, names=("naive NumPy", "PyTorch", "scikit-learn")):
    """Return results with the same ratio for every peer at every point of the full grid."""
    speed = [
        results.Speed(np.dtype(dtype).name, *batch, dict.fromkeys(names, Spread(ratio, ratio - 0.1, ratio + 0.1)))
        for dtype in run.DTYPES
        for *batch, _ in run.FULL.batches
    ]
    errors = {"xentlib": 1e-16, "PyTorch": 1.0}
    gaps = [accuracy.Row("float32", "gap 17", errors), accuracy.Row("float32", "gap 700", {})]
    overheads = {"xentlib": Spread(overhead, overhead, overhead)}
    return results.Results(
        False, {"system": "Test"}, {}, ["JAX"], speed, overheads, gaps, gaps[:1], linear_layer(megabytes, linear_ratio)
    )


def test_every_aim_is_reached_by_good_results_and_none_by_bad_ones():
    good, bad = found(), found(ratio=0.9, overhead=31, megabytes=65, linear_ratio=0.9)
    assert [aim.reached for aim in results.aims(good)] == [True] * 7
    assert [aim.reached for aim in results.aims(bad)] == [False] * 7


def test_the_worst_point_decides_and_is_named():
    one_bad = found()
    one_bad.speed[7].ratios["PyTorch"] = Spread(0.9, 0.8, 3.0)
    every, largest, *_ = results.aims(one_bad)
    assert (every.reached, largest.reached) == (False, True)
    assert every.measured == "at least 0.90 times as fast (float64, 4,096 × 1,000)"


def test_an_aim_looks_at_its_own_points_only():
    just_enough = found()
    for row in just_enough.speed:
        row.ratios["PyTorch"] = Spread(*[2.0 if row.n_classes >= 50_000 else 1.0] * 3)
        row.ratios["scikit-learn"] = Spread(*[1.0 if row.n_classes == 10 else 0.5] * 3)
    assert [aim.reached for aim in results.aims(just_enough)] == [True] * 7


def test_what_is_missing_is_neither_reached_nor_missed():
    aims = results.aims(found(names=("naive NumPy",)))
    assert [aim.reached for aim in aims] == [None, None, None, True, True, True, True]
    assert [aim.measured for aim in aims if aim.reached is None] == [
        "PyTorch is missing",
        "PyTorch is missing",
        "scikit-learn is missing",
    ]


# The page


def table_under(page, heading):
    """Return the first table after a heading, as a list of dictionaries."""
    lines = page.partition(f"## {heading}\n")[2].splitlines()
    rows = [[text.strip() for text in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    end = next((n for n, row in enumerate(rows[2:], 2) if row[1].startswith("---")), len(rows) + 1) - 1
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:end]]


def test_each_number_stands_in_the_column_of_its_peer():
    measured = found()
    measured.speed[0].ratios["PyTorch"] = Spread(3, 2.5, 12.34)
    del measured.speed[1].ratios["scikit-learn"]
    page = report.markdown(measured, results.aims(measured))
    first, second, *_ = table_under(page, "Speed")
    assert first["dtype, N × K"] == "float32, 100,000 × 10"
    assert (first["PyTorch"], first["naive NumPy"]) == ("3.00 (2.50–12.3)", "2.50 (2.40–2.60)")
    assert second["scikit-learn"] == "–"
    assert table_under(page, "Accuracy")[0] == {"": "float32, gap 17", "xentlib": "1e-16", "PyTorch": "**100 %**"}
    assert table_under(page, "Accuracy")[1]["xentlib"] == "–"
    assert table_under(page, "Small inputs") == [{"": "xentlib", "µs": "10.0 (10.0–10.0)"}]
    assert table_under(page, "A linear layer") == [
        {"": linear.OWN, "time": "1", "memory": "32.0 MB"},
        {"": "naive NumPy, logits held", "time": "1.50 (1.50–1.50)", "memory": "1,000.0 MB"},
    ]
    assert "the logits alone are 524 MB" in page
    assert "- not installed, so not measured: JAX" in page


@pytest.mark.parametrize(
    ("error", "text"), [(0, "0"), (4.14e-4, "4e-4"), (0.059, "6e-2"), (0.288, "**29 %**"), (1.0, "**100 %**")]
)
def test_an_error_that_leaves_no_digit_stands_out(error, text):
    assert report.error_cell(error) == text


def assert_legible(figure):
    """Every label lies inside the figure, at 10 points or more, and no two share a spot."""
    beyond = {label for ax in figure.axes for label in ax.get_xticklabels() if outside(ax, label)}
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible() and text not in beyond]
    extents = {text: text.get_window_extent() for text in texts}
    for text, extent in extents.items():
        assert figure.bbox.contains(*extent.min), text
        assert figure.bbox.contains(*extent.max), text
        assert text.get_fontsize() >= 10, text
        assert not [other for other in extents if other is not text and extent.overlaps(extents[other])], text


def outside(ax, tick_label):
    """Tell whether a tick lies beyond its axis, where Matplotlib draws none."""
    low, high = ax.get_xlim()
    return not low <= tick_label.get_position()[0] <= high


def test_the_plot_says_what_it_shows_and_is_legible():
    measured = found(names=("naive NumPy", "PyTorch", "scikit-learn", "SciPy", "JAX"))
    measured.speed[3].ratios["PyTorch"] = Spread(7.0, 6.0, 8.0)
    try:
        figure = report.plot(measured.speed)
        figure.canvas.draw()
        assert figure.get_suptitle() == "PyTorch takes 2.5 to 7.0 times as long as xentlib"
        assert figure.get_size_inches()[0] == 5.6
        assert [ax.get_title(loc="left") for ax in figure.axes] == ["float32", "float64"]
        (line,) = (line for line in figure.axes[0].lines if line.get_label() == "PyTorch")
        assert line.get_xdata().tolist() == [2.5, 2.5, 2.5, 7.0, 2.5]
        assert_legible(figure)
    finally:
        plt.close("all")
        plt.rcdefaults()


def test_without_pytorch_the_plot_speaks_of_naive_numpy():
    title = report.finding(found(ratio=0.5, names=("naive NumPy",)).speed)
    assert title == "Naive NumPy takes 0.5 to 0.5 times as long as xentlib"


# All of it


def test_a_quick_run_writes_tables_and_a_plot(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(platform, "node", lambda: "this-very-machine")
    monkeypatch.setattr(run, "load", lambda: 0.1)
    monkeypatch.setattr(peers, "LOADERS", {"Fake": lambda: ("1.2", peers._naive().prepare), "Gone": import_error})
    run.main(["--quick", "--output", str(tmp_path)])
    page = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert page.startswith("**A quick run")
    assert "- not installed, so not measured: Gone\n" in page
    assert "Fake 1.2" in page
    assert [row["dtype, N × K"] for row in table_under(page, "Speed")] == [
        f"{dtype}, {batch}" for dtype in EPS for batch in ("2,000 × 10", "20 × 1,000")
    ]
    assert list(table_under(page, "Speed")[0]) == ["dtype, N × K", "naive NumPy", "Fake"]
    assert [row[""] for row in table_under(page, "Small inputs")] == ["xentlib", "naive NumPy", "Fake"]
    assert len(table_under(page, "Aims")) == 7
    for private in ("this-very-machine", str(tmp_path), str(Path.cwd()), sys.prefix):
        assert private not in page
    assert struct.unpack(">I", (tmp_path / "results.png").read_bytes()[16:20]) == (1120,)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[:2] == [
        "against naive NumPy, Fake; missing: Gone",
        "one row of three logits ...",
    ]


def test_made_up_timings_come_out_the_right_way_round(monkeypatch, clock, tmp_path):
    made_up = [clock.peer("xentlib", 20e-6), clock.peer("naive NumPy", 80e-6), clock.peer("PyTorch", 30e-6)]
    monkeypatch.setattr(peers, "available", lambda: (made_up, []))
    monkeypatch.setattr(linear, "compare", lambda *plan: linear_layer())
    run.main(["--quick", "--output", str(tmp_path)])
    page = (tmp_path / "results.md").read_text(encoding="utf-8")
    for row in table_under(page, "Speed"):
        assert (row["naive NumPy"], row["PyTorch"]) == ("4.00 (4.00–4.00)", "1.50 (1.50–1.50)")
    assert [row["µs"] for row in table_under(page, "Small inputs")] == [
        "20.0 (20.0–20.0)",
        "80.0 (80.0–80.0)",
        "30.0 (30.0–30.0)",
    ]
    reached = [row["reached"] for row in table_under(page, "Aims")]
    assert reached == ["yes", "**no**", "not measured", "yes", "yes", "yes", "yes"]


@pytest.mark.parametrize(("load", "written"), [(0.1, "0.1 cores"), (3.5, "3.5 cores"), (None, "unknown")])
def test_a_busy_machine_is_warned_of_and_written_down(monkeypatch, clock, capsys, load, written):
    monkeypatch.setattr(run, "load", lambda: load)
    monkeypatch.setattr(peers, "available", lambda: ([clock.peer("xentlib", 1)], []))
    monkeypatch.setattr(linear, "compare", lambda *plan: linear_layer())
    measured = run.measure(run.QUICK, True)
    assert ("the machine is busy (load 3.5)" in capsys.readouterr().err) == (load == 3.5)
    assert f"- other load before the run: {written}\n" in report.markdown(measured, [])


def test_a_quick_run_does_not_touch_the_results_that_are_kept():
    assert run.QUICK.folder != run.FULL.folder
    assert run.FULL.folder == REQUIREMENTS.parent
