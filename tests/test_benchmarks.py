"""The benchmark writes what it says, the right way round. Timings are made up here: no test waits for a real one."""

import os
import platform
import re
import subprocess
import sys
from contextlib import contextmanager
from itertools import combinations, pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

import xentlib
from benchmarks import accuracy, busy, floor, linear, naive, peers, report, results, run, simd, timing
from benchmarks.timing import Spread
from tools import drawings
from tools.pages.drawings import has_only_the_palette

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


def test_a_peer_that_takes_three_times_as_long_has_the_ratio_3_however_slow_the_machine_becomes(clock):
    calls = {"xentlib": clock.takes(2), "slow": clock.takes(6), "fast": clock.takes(1)}
    seconds = {name: [] for name in calls}
    for clock.slowness in (1.0, 1.5, 7.0):
        for name, times in timing.interleave(calls, 1).items():
            seconds[name] += times
    assert seconds["xentlib"] == [2, 3, 14]
    assert timing.ratios(seconds, "xentlib") == {"slow": Spread(3, 3, 3), "fast": Spread(0.5, 0.5, 0.5)}


def test_of_many_times_the_middle_half_counts_or_the_shortest():
    assert timing.spread([1, 2, 3, 4, 100]) == Spread(median=3, low=2, high=4)
    assert timing.shortest_ratios({"xentlib": [2, 1, 8], "slow": [3, 99, 7]}, "xentlib") == {"slow": 3}


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
    found = [clock.peer("xentlib", 1), clock.peer("naive NumPy", 3), clock.peer("scikit-learn", 2, only_classes=(10,))]
    measured = {row.n_classes: row.ratios for row in run.measure_speed(found, run.QUICK)}
    assert measured == {
        10: pytest.approx({"naive NumPy": 3, "scikit-learn": 2}),
        1000: pytest.approx({"naive NumPy": 3}),
    }


def test_a_small_input_is_given_in_microseconds_a_call(clock):
    (overhead,) = run.measure_overhead([clock.peer("xentlib", 20e-6)], run.QUICK).values()
    assert overhead == pytest.approx((20, 20, 20))


@pytest.mark.parametrize(
    ("asked", "used"), [("1", 1), ("1000", peers.available_cores()), (None, peers.available_cores())]
)
def test_peers_are_given_as_many_threads_as_xentlib(monkeypatch, asked, used):
    monkeypatch.delenv("XENTLIB_NUM_THREADS", raising=False)
    if asked:
        monkeypatch.setenv("XENTLIB_NUM_THREADS", asked)
    assert peers.thread_count() == used


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


def test_the_linear_layer_that_holds_its_logits_gives_the_same():
    rng = np.random.default_rng(0)
    layer = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), rng.integers(4, size=5), rng.normal(size=4)
    (loss, grads), (wanted_loss, wanted) = (
        module.linear_cross_entropy_with_grad(*layer) for module in (naive, xentlib)
    )
    assert loss == pytest.approx(wanted_loss)
    for grad, wanted_grad in zip(grads, wanted, strict=True):
        assert grad == pytest.approx(wanted_grad)


# In units of np.exp


def test_each_function_is_measured_in_units_of_np_exp(monkeypatch, clock):
    takes = {name: float(n) for n, name in enumerate(floor.AIMS, 3)}
    timed = {name: clock.takes(2 * seconds) for name, seconds in {floor.E: 1, **takes}.items()}
    monkeypatch.setattr(floor, "calls", lambda *batch: timed)
    points = floor.measure(floor.Plan(1_000, (10, 100), 2), [np.float32])
    assert points == [floor.Point("float32", 10, takes), floor.Point("float32", 100, takes)]
    head, (first, *_) = floor.rows(points)
    assert head == ["", "aim, K = 10", "aim, K ≥ 100", "K = 10", "K = 100"]
    assert first == ["loss and gradient", "3.2", "1.5", "3.00", "**3.00**"]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_unit_is_the_exp_of_all_logits_on_all_threads(monkeypatch, threads):
    monkeypatch.setattr(peers, "thread_count", lambda: threads)
    z = np.arange(35, dtype=np.float32).reshape(7, 5)
    out = np.zeros_like(z)
    floor.exp(z, out)()
    np.testing.assert_array_equal(out, np.exp(z))


def test_each_function_is_the_one_that_is_named():
    z, y, p = floor._batch(np.float64, 7, 5)
    results = {name: call() for name, call in floor.calls(z, y, p).items() if name in floor.AIMS}
    log_q = z - np.log(np.exp(z).sum(1, keepdims=True))
    one = np.eye(5)[y]
    targets = {"": one, ", offset of 300": one, ", label smoothing": 0.9 * one + 0.02, ", soft targets": p}
    for name, target in targets.items():
        loss, grad = results.pop(f"loss and gradient{name}")
        assert loss == pytest.approx(-(target * log_q).sum(1).mean())
        assert grad == pytest.approx((np.exp(log_q) - target) / 7)
    assert results.pop("loss alone") == pytest.approx(-log_q[one > 0].mean())
    assert results.pop("softmax") == pytest.approx(np.exp(log_q))
    assert results.pop("log_softmax") == pytest.approx(log_q)
    assert results.pop("logsumexp") == pytest.approx((z - log_q)[:, 0])
    assert not results


def test_the_floor_alone_prints_its_table(monkeypatch, capsys):
    monkeypatch.setattr(floor, "QUICK", floor.Plan(100, (10, 100), 1))
    floor.main(["--quick", "--dtype", "float64", "--classes", "10"])
    title, head, *rows = capsys.readouterr().out.split("\n")[1:-1]
    assert title.startswith("float64, threads: ")
    assert head.split("  ")[-1].strip() == "K = 10"
    assert [row[:36].strip() for row in rows] == list(floor.AIMS)


# SIMD levels


@pytest.fixture
def processor(monkeypatch):
    """Pretend to have AVX-512, and more that no exp makes use of."""

    def extensions(mode):
        return {"SIMD Extensions": {"baseline": ["X86_V2"], "found": ["X86_V3", "X86_V4", "AVX512_ICL"]}}

    loops = {"ff": {"available": "X86_V4 X86_V3 baseline(X86_V2)"}, "dd": {"available": "X86_V4 baseline(X86_V2)"}}
    monkeypatch.setattr(np, "show_config", extensions)
    monkeypatch.setattr(simd.introspect, "opt_func_info", lambda **which: {"exp": loops})
    monkeypatch.delenv("NPY_DISABLE_CPU_FEATURES", raising=False)


def test_the_levels_are_those_of_exp_and_each_turns_off_what_is_above_it(processor, monkeypatch):
    assert simd.levels() == ["X86_V4", "X86_V3", "X86_V2"]
    off = [simd.settings(level)["NPY_DISABLE_CPU_FEATURES"] for level in simd.levels()]
    assert off == ["AVX512_ICL", "X86_V4 AVX512_ICL", "X86_V3 X86_V4 AVX512_ICL"]
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "AVX512_SPR")
    assert simd.settings("X86_V4")["NPY_DISABLE_CPU_FEATURES"] == "AVX512_SPR AVX512_ICL"


def test_no_level_sets_the_threads_of_blas(processor):
    assert not [name for level in simd.levels() for name in simd.settings(level) if "THREADS" in name]


def test_a_process_that_is_held_to_the_lowest_level_has_no_other():
    lowest, before = simd.levels()[-1], dict(os.environ)
    assert simd.run_at(lowest, simd.levels) == [lowest]
    assert dict(os.environ) == before


def test_the_model_of_the_processor_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(run, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "Test")
    assert run.processor() == "Test"  # where there is no such file
    run.CPUINFO.write_text("cpu: 0\nmodel name\t: AMD EPYC\n")
    assert run.processor() == "AMD EPYC"


# A busy machine


def test_threads_are_timed_against_one_alone_and_beside_another_process(monkeypatch, clock):
    spinning = []

    @contextmanager
    def another_process():
        spinning.append(True)
        yield
        spinning.clear()

    def loss_and_grad(z, y):
        alone = os.environ.get("XENTLIB_NUM_THREADS") == "1"
        clock.now += 2 if alone else 3 if spinning else 1

    monkeypatch.delenv("XENTLIB_NUM_THREADS", raising=False)
    monkeypatch.setattr(busy, "another_process", another_process)
    monkeypatch.setattr(xentlib, "softmax_cross_entropy_with_grad", loss_and_grad)
    (compared,) = busy.compare([(20, 10)], 2, 1_000)
    assert compared == ("20 × 10", Spread(0.5, 0.5, 0.5), Spread(1.5, 1.5, 1.5))
    assert clock.now == 2 * 2 * 5 * (2 + 1 + 2 + 3)  # repetitions, with their warm-up, of 5 calls in a row
    assert "XENTLIB_NUM_THREADS" not in os.environ


def test_the_other_process_runs_until_it_is_killed():
    with busy.another_process() as process, pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    assert process.poll() is not None


# Aims


PEERS = ("naive NumPy", "PyTorch", "scikit-learn")


def always(value):
    return Spread(value, value, value)


def found(ratio=2.5, of_exp=1.0, busy_ratio=1.0, overhead=10.0, megabytes=32, linear_ratio=1.5, names=PEERS):
    """Return results for one level, with the same ratio for every peer at every point of the full grid."""
    speed = [
        results.Speed(np.dtype(dtype).name, *batch, dict.fromkeys(names, ratio))
        for dtype in run.DTYPES
        for *batch, _ in run.FULL.batches
    ]
    points = [floor.Point("float32", n_classes, dict.fromkeys(floor.AIMS, of_exp)) for n_classes in (10, 100)]
    held = "naive NumPy, logits held"
    layer = linear.Comparison(run.FULL.linear, {held: always(linear_ratio)}, {linear.OWN: megabytes * 1e6, held: 1e9})
    errors = {"xentlib": 1e-16, "PyTorch": 1.0}
    gaps = [accuracy.Row("float32", "gap 17", errors), accuracy.Row("float32", "gap 700", {})]
    levels = [results.Level("X86_V4", points, speed)]
    on_busy = [busy.Comparison("20 × 10", always(0.5), always(busy_ratio))]
    small = {"xentlib": always(overhead)}
    return results.Results(False, {"system": "Test"}, {}, ["JAX"], levels, on_busy, small, gaps, gaps[:1], layer)


def test_every_aim_is_reached_by_good_results_and_none_by_bad_ones():
    good = found()
    bad = found(ratio=0.9, of_exp=1.3, busy_ratio=1.06, overhead=51, megabytes=65, linear_ratio=0.9)
    assert [aim.reached for aim in results.aims(good)] == [True] * 9
    assert [aim.reached for aim in results.aims(bad)] == [False] * 9


def test_the_worst_point_decides_and_is_named():
    one_bad = found()
    (level,) = one_bad.levels
    level.speed[7].ratios["PyTorch"] = 0.9
    level.floor[0].ratios["softmax"] = 4.0
    in_exp, every, largest, *_ = results.aims(one_bad)
    assert (in_exp.reached, every.reached, largest.reached) == (False, False, True)
    assert in_exp.measured == "at most 1.25 times its aim (softmax, float32, K = 10)"
    assert every.measured == "at least 0.90 times as fast (float64, 4,096 × 1,000)"


def test_an_aim_looks_at_its_own_points_only():
    just_enough = found()
    for row in just_enough.levels[0].speed:
        row.ratios["PyTorch"] = 2.0 if row.n_classes >= 50_000 else 1.0
        row.ratios["scikit-learn"] = 1.0 if row.n_classes == 10 else 0.5
    just_enough.levels[0].floor[:] = [
        floor.Point("float32", n_classes, {name: aim[column] for name, aim in floor.AIMS.items()})
        for column, n_classes in enumerate((10, 100))
    ]
    assert [aim.reached for aim in results.aims(just_enough)] == [True] * 9


def test_each_lead_is_claimed_for_its_own_level():
    fast, slow = found().levels[0], found(ratio=0.9).levels[0]._replace(name="X86_V3")
    aims = {aim.text: aim.reached for aim in results.aims(found()._replace(levels=[fast, slow]))}
    assert aims["AVX-512: faster than PyTorch at every point"] is True
    assert aims["AVX2: faster than PyTorch at every point"] is False


def test_what_is_missing_is_neither_reached_nor_missed():
    aims = results.aims(found(names=("naive NumPy",)))
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
    measured.levels[0].speed[0].ratios["PyTorch"] = 12.34
    del measured.levels[0].speed[1].ratios["scikit-learn"]
    page = report.markdown(measured, results.aims(measured))
    first, second, *_ = table_under(page, "AVX-512: speed")
    assert first["dtype, N × K"] == "float32, 100,000 × 10"
    assert (first["PyTorch"], first["naive NumPy"]) == ("12.3", "2.50")
    assert second["scikit-learn"] == "–"
    assert table_under(page, "Accuracy")[0] == {"": "float32, gap 17", "xentlib": "1e-16", "PyTorch": "**100 %**"}
    assert table_under(page, "Accuracy")[1]["xentlib"] == "–"
    assert table_under(page, "AVX-512: float32")[0]["K = 100"] == "1.00"
    assert table_under(page, "A busy machine") == [
        {"N × K": "20 × 10", "alone": "0.50 (0.50–0.50)", "busy": "1.00 (1.00–1.00)"}
    ]
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
    figure.canvas.draw()
    ticks = {tick for ax in figure.axes for tick in ax.get_xticklabels()}
    shown = {
        tick for ax in figure.axes for tick in ax.get_xticklabels() if within(ax.get_xlim(), tick.get_position()[0])
    }
    texts = [
        text for text in figure.findobj(Text) if text.get_text() and text.get_visible() and text not in ticks - shown
    ]
    assert min(text.get_fontsize() for text in texts) >= 10
    extents = [text.get_window_extent() for text in texts]
    assert all(figure.bbox.contains(*corner) for extent in extents for corner in (extent.min, extent.max))
    assert not any(one.overlaps(other) for one, other in combinations(extents, 2))


def within(limits, value):
    return limits[0] <= value <= limits[1]


def test_the_plot_says_what_it_shows_and_is_legible():
    (level,) = found(names=("naive NumPy", "PyTorch", "scikit-learn", "SciPy", "JAX")).levels
    level.speed[3].ratios["PyTorch"] = 7.0
    try:
        figure = report.plot(level)
        assert figure.get_suptitle() == "With AVX-512, PyTorch takes 2.5 to 7.0 times as long"
        assert figure.get_size_inches()[0] == 5.6
        assert [ax.get_title(loc="left") for ax in figure.axes] == ["float32", "float64"]
        (line,) = (line for line in figure.axes[0].lines if line.get_label() == "PyTorch")
        assert line.get_xdata().tolist() == [2.5, 2.5, 2.5, 7.0, 2.5]
        assert_legible(figure)
    finally:
        plt.close("all")
        plt.rcdefaults()


def test_without_pytorch_the_plot_speaks_of_naive_numpy():
    title = report.finding(found(ratio=0.5, names=("naive NumPy",)).levels[0])
    assert title == "With AVX-512, naive NumPy takes 0.5 to 0.5 times as long"


# All of it


def test_a_quick_run_writes_tables_and_a_plot(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(platform, "node", lambda: "this-very-machine")
    monkeypatch.setattr(run, "load", lambda: 3.5)
    monkeypatch.setattr(peers, "LOADERS", {"Fake": lambda: ("1.2", peers._naive().prepare), "Gone": import_error})
    monkeypatch.setattr(simd, "levels", lambda: ["X86_V3"])
    monkeypatch.setattr(simd, "run_at", lambda level, function, *arguments: function(*arguments))
    run.main(["--quick", "--output", str(tmp_path)])
    page = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert page.startswith("**A quick run")
    for fact in (
        "not installed, so not measured: Gone",
        "SIMD levels: AVX2 (X86_V3)",
        "other load before the run: 3.5",
    ):
        assert f"- {fact}" in page
    assert "Fake 1.2" in page
    assert [row["dtype, N × K"] for row in table_under(page, "AVX2: speed")] == [
        f"{dtype}, {batch}" for dtype in EPS for batch in ("2,000 × 10", "20 × 1,000")
    ]
    assert list(table_under(page, "AVX2: speed")[0]) == ["dtype, N × K", "naive NumPy", "Fake"]
    for dtype in EPS:
        assert [row[""] for row in table_under(page, f"AVX2: {dtype}")] == list(floor.AIMS)
    assert [row["N × K"] for row in table_under(page, "A busy machine")] == ["2,000 × 10"]
    assert [row[""] for row in table_under(page, "Small inputs")] == ["xentlib", "naive NumPy", "Fake"]
    assert len(table_under(page, "Aims")) == 9
    for private in ("this-very-machine", str(tmp_path), str(Path.cwd()), sys.prefix):
        assert private not in page
    drawing = (tmp_path / "results.svg").read_text(encoding="utf-8")
    assert drawings.of(drawing) == "results"
    assert has_only_the_palette(drawing)
    assert ">20 × 1,000</text>" in drawing
    said = capsys.readouterr()
    assert said.out == ""
    assert "the machine is busy (load 3.5)" in said.err.splitlines()[0]
    assert said.err.splitlines()[1] == "against naive NumPy, Fake; missing: Gone"


def test_a_system_that_does_not_tell_its_load_is_said_not_to():
    assert run.machine(None)["other load before the run"] == "unknown"


def test_a_quick_run_does_not_touch_the_results_that_are_kept():
    assert run.QUICK.folder != run.FULL.folder
    assert run.FULL.folder == REQUIREMENTS.parent
