"""Write results as Markdown tables and draw them."""

import matplotlib as mpl
import numpy as np

from benchmarks import floor
from xentlib.teaching import figures

REACHED = {True: "yes", False: "**no**", None: "not measured"}


def markdown(results, aims):
    """Return the page: what was measured on what, the aims, and one table a question."""
    parts = [
        _introduction(results),
        "## Aims",
        table(["aim", "measured", "reached"], [[aim.text, aim.measured, REACHED[aim.reached]] for aim in aims]),
        "## In units of np.exp",
        "No loss in NumPy takes less time than `np.exp` over the same logits on the same threads, into an array that "
        "is there already. That time is the unit. Shown is the ratio of the shortest times, in bold where it is above "
        "its aim.",
        *(part for level in results.levels for part in _floor_tables(level)),
        "## Speed",
        "Loss and gradient of one batch: how many times as long as xentlib each peer takes. Above 1, xentlib is "
        "faster. Each call is timed right after one of its own that does not count. Shown is the ratio of the shortest "
        "times: a peer whose threads wait for each other loses a hundredfold when another program is on. "
        "PyTorch runs eagerly; JAX compiled, and on as many threads as it likes; scikit-learn leaves out the mean. "
        "At the lower levels NumPy, PyTorch and JAX are held to them; scikit-learn and SciPy cannot be.",
        *(part for level in results.levels for part in (f"### {level.label}: speed", _speed_table(level.speed))),
        "## A busy machine",
        "Loss and gradient in float32 on the default number of threads, as a multiple of the time on one: alone, and "
        "while another process keeps one core busy.",
        table(["N × K", "alone", "busy"], [[row.name, cell(row.idle), cell(row.busy)] for row in results.busy]),
        "## Small inputs",
        "One row of three logits, in microseconds a call.",
        table(["", "µs"], [[name, cell(micros)] for name, micros in results.overhead.items()]),
        "## Accuracy",
        "Relative error of the loss of two logits against mpmath. First, the true class leads by a gap, and the loss "
        "is log(1 + e<sup>−gap</sup>); a dash where that is below the range of the dtype.",
        _accuracy_table(results.gaps),
        "Then both logits of (2, −1) have an offset, which changes no more than how they are rounded; mpmath takes "
        "them as they are stored.",
        _accuracy_table(results.offsets),
        "## A linear layer",
        *_linear(results.linear),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(results):
    facts = [f"- {name}: {value}" for name, value in results.machine.items()]
    facts.append("- versions: " + ", ".join(f"{name} {version}" for name, version in results.versions.items()))
    facts.append(f"- not installed, so not measured: {', '.join(results.missing) or 'none'}")
    how = "all in one run, with the peers taking turns and BLAS on as many threads as it likes"
    lines = [f"Measured by `make bench`, {how}.", "", *facts]
    if results.quick:
        lines[:0] = ["**A quick run, which shows that the benchmark works. Its numbers say nothing.**", ""]
    return "\n".join(lines)


def table(head, rows, rule=None):
    """Return a Markdown table, its first column flush left and the others flush right, unless a `rule` says how."""
    rule = rule or [":---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def cell(spread):
    """Write a median with its spread, as in 1.50 (1.25–1.75)."""
    median, low, high = map(_number, spread)
    return f"{median} ({low}–{high})"


def _number(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _floor_tables(level):
    for dtype in dict.fromkeys(point.dtype for point in level.floor):
        yield f"### {level.label}: {dtype}"
        head, rows = floor.rows([point for point in level.floor if point.dtype == dtype])
        yield table(head, rows)


def _speed_table(speed):
    peers = list(dict.fromkeys(name for row in speed for name in row.ratios))
    rows = [[row.name, *(_number(row.ratios[peer]) if peer in row.ratios else "–" for peer in peers)] for row in speed]
    return table(["dtype, N × K", *peers], rows)


def _accuracy_table(rows):
    peers = next(list(row.errors) for row in rows if row.errors)
    return table(
        ["", *peers],
        [
            [f"{row.dtype}, {row.question}", *(error_cell(row.errors[peer]) if row.errors else "–" for peer in peers)]
            for row in rows
        ],
    )


def error_cell(error):
    """Write a relative error with one digit, as in 4e-4, and as a share of 100 % where no digit is right."""
    if error == 0:
        return "0"
    if error >= 0.1:
        return f"**{100 * error:.0f} %**"
    digit, _, exponent = f"{error:.0e}".partition("e")
    return f"{digit}e{int(exponent)}"


def _linear(linear):
    n_samples, n_features, n_classes = linear.shape
    text = (
        f"float32, {n_samples:,} samples × {n_features:,} features × {n_classes:,} classes: the logits alone are "
        f"{4 * n_samples * n_classes / 1e6:,.0f} MB. Time as a multiple of xentlib's without them; memory is the peak "
        "of what NumPy allocates beyond inputs and results."
    )
    rows = [
        [name, cell(linear.ratios[name]) if name in linear.ratios else "1", f"{size / 1e6:,.1f} MB"]
        for name, size in linear.extra_bytes.items()
    ]
    return [text, table(["", "time", "memory"], rows)]


MARKERS = "osD^v"


def plot(level):
    """Draw the speed table of a level: a panel for each dtype, a row for each batch, a mark for each peer.

    Returns
    -------
    Figure
    """
    figures.use_book_style()
    speed = level.speed
    dtypes = list(dict.fromkeys(row.dtype for row in speed))
    figure, axes = figures.plt.subplots(1, len(dtypes), figsize=(5.6, 4.4), sharex=True, sharey=True, squeeze=False)
    peers = list(dict.fromkeys(name for row in speed for name in row.ratios))
    for ax, dtype in zip(axes[0], dtypes, strict=True):
        rows = [row for row in speed if row.dtype == dtype]
        _draw_panel(ax, rows, peers)
        ax.set_title(dtype, size=11, weight="normal")
        ax.set_xlabel("time (xentlib = 1)")
    figure.suptitle(finding(level), x=0.02, ha="left", weight="bold", size=12)
    handles, names = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, handletextpad=0.3, columnspacing=1.2)
    return figure


def _draw_panel(ax, rows, peers):
    colors = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    ax.axvline(1, color=figures.INK, linewidth=1)
    levels = np.linspace(-0.3, 0.3, len(peers))  # so that equal ratios do not hide each other
    for peer, level, color, marker in zip(peers, levels, colors, MARKERS, strict=False):
        ratios = {n + level: row.ratios[peer] for n, row in enumerate(rows) if peer in row.ratios}
        ax.plot(list(ratios.values()), list(ratios), marker, color=color, label=peer, markersize=5)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_yticks(range(len(rows)), [f"{row.n_samples:,} × {row.n_classes:,}" for row in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.grid(axis="x")


def finding(level):
    """Say what the plot shows, of PyTorch if it was there."""
    peer = "PyTorch" if any("PyTorch" in row.ratios for row in level.speed) else "naive NumPy"
    ratios = [row.ratios[peer] for row in level.speed]
    return f"With {level.label}, {peer} takes {min(ratios):.1f} to {max(ratios):.1f} times as long"
