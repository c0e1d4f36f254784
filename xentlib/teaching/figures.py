"""The figures that several pages share, and the one palette that all figures use.

Each class keeps its colour through the book. Every colour has a contrast of at least 4.5 to 1 on white, so that text
may be set in it.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch

from xentlib.loss import softmax_cross_entropy, softmax_cross_entropy_with_grad
from xentlib.normalization import softmax

CLASSES = ("cat", "dog", "bird")
CAT, DOG, BIRD = CLASS_COLORS = ("#b84a00", "#0b63a5", "#007a5a")
P_COLOR, Q_COLOR = "#7a3e9d", "#8f5f00"  #: the true and the estimated distribution
INK, MUTED, FAINT = "#1f2430", "#5d6675", "#d9dde3"


def use_book_style():
    """Set Matplotlib's defaults to the look of the book."""
    plt.style.use(Path(__file__).with_name("book.mplstyle"))


def canvas(width, height, title):
    """Return axes without frame or ticks, on which one unit is one inch, for diagrams of boxes and arrows.

    Returns
    -------
    Axes
        From (0, 0) to (width, height); its title stands above them.
    """
    figure, ax = plt.subplots(figsize=(width, height + 0.45), layout="none")
    ax.set_position([0, 0, 1, height / (height + 0.45)])
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    figure.text(0.02, 1 - 0.08 / (height + 0.45), title, va="top", weight="bold", size=12)
    return ax


def box(ax, x, y, text, *, color=INK, width=0.9, height=0.42, filled=False):
    """Draw a rounded box with `text` around the point (x, y) of a canvas."""
    face = color if filled else "white"
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=face, edgecolor=color, linewidth=1.5,
        )
    )  # fmt: skip
    ax.text(x, y, text, ha="center", va="center_baseline", color="white" if filled else color)


def arrow(ax, start, end, *, color=MUTED, text=""):
    """Draw an arrow between two points of a canvas, with `text` above its middle."""
    ax.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.5, "shrinkA": 0, "shrinkB": 0},
    )
    ax.text(
        (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.1, text, ha="center", va="bottom", color=color, size=10
    )


def q_minus_p(logits, label):
    """Draw what the classifier said, minus what was true, and the gradient that is left: the book in one picture.

    Parameters
    ----------
    logits : array_like of shape (3,)
        One score for each of `CLASSES`.
    label : int
        The true class.

    Returns
    -------
    list of Axes
        One for q, one for p, one for q − p.
    """
    q, p = softmax(logits), np.eye(len(CLASSES))[label]
    panels = {"q: what it said": q, "p: what was true": p, "q − p: the gradient": q - p}
    figure, axes = plt.subplots(1, 3, figsize=(5.6, 2.6), sharey=True, layout="none")
    figure.subplots_adjust(left=0.01, right=0.99, top=0.84, bottom=0.04, wspace=0.2)
    for ax, (heading, values) in zip(axes, panels.items(), strict=True):
        ax.bar(CLASSES, values, color=CLASS_COLORS, width=0.72)
        ax.axhline(0, color=INK, linewidth=1)
        ax.set_title(heading, loc="center", size=11)
        ax.set(ylim=(-0.62, 1.15))
        ax.axis("off")
        for n, (name, value, color) in enumerate(zip(CLASSES, values, CLASS_COLORS, strict=True)):
            above = value >= 0
            shown = f"{value:.0f}" if value in (0, 1) else signed(value)
            ax.text(
                n, value + (0.03 if above else -0.03), shown, ha="center", va="bottom" if above else "top", color=color
            )
            ax.text(
                n,
                -0.03 if above else 0.03,
                name,
                ha="center",
                va="top" if above else "bottom",
                color=color,
                weight="bold",
            )
    for x, sign in ((0.328, "−"), (0.662, "=")):
        figure.text(x, 0.4, sign, ha="center", va="center", size=20, color=MUTED)
    return list(axes)


def signed(value):
    """Return a number with two decimals and a true minus sign.

    >>> signed(-0.371)
    '−0.37'
    """
    return f"{value:.2f}".replace("-", "−")


def forward_pass(logits, label):
    """Draw the way from logits to loss: z, then q = softmax(z), then −log of the entry that p selects.

    Parameters
    ----------
    logits : array_like of shape (3,)
        One score for each of `CLASSES`.
    label : int
        The true class.

    Returns
    -------
    Axes
    """
    q, p, loss = softmax(logits), np.eye(len(CLASSES))[label], softmax_cross_entropy(logits, label)
    ax = canvas(5.6, 2.5, f"−log of one probability: the loss is {loss:.2f}")
    _columns(ax, {"logits z": np.asarray(logits), "q = softmax(z)": q, "target p": p}, label)
    for start in _ROWS:
        for end in _ROWS:
            arrow(ax, (1.53, start), (2.07, end), color=FAINT if start != end else MUTED)
    arrow(ax, (4.43, _ROWS[label]), (4.72, _ROWS[label]))
    box(ax, 5.13, _ROWS[label], f"{loss:.2f}", filled=True, width=0.72)
    ax.text(5.13, _ROWS[label] + 0.33, "loss", ha="center", color=MUTED)
    return ax


def backward_pass(logits, label):
    """Draw the gradient on its way back: 1 at the loss, −p/q at the probabilities, q − p at the logits.

    Parameters
    ----------
    logits : array_like of shape (3,)
        One score for each of `CLASSES`.
    label : int
        The true class.

    Returns
    -------
    Axes
    """
    q, p = softmax(logits), np.eye(len(CLASSES))[label]
    at_logits = softmax_cross_entropy_with_grad(logits, label)[1]
    ax = canvas(5.6, 2.5, "One number goes in at the end, q − p comes out")
    _columns(ax, {"∂L/∂z = q − p": at_logits, "∂L/∂q = −p/q": 0 - p / q}, label, centers=(1.35, 3.2))
    for end, color in zip(_ROWS, CLASS_COLORS, strict=True):
        arrow(ax, (2.7, _ROWS[label]), (1.86, end), color=color)
    arrow(ax, (4.65, _ROWS[label]), (3.72, _ROWS[label]))
    box(ax, 5.05, _ROWS[label], "1", filled=True, width=0.72)
    ax.text(5.05, _ROWS[label] + 0.33, "∂L/∂L", ha="center", color=MUTED)
    return ax


_ROWS = (1.75, 1.1, 0.45)


def _columns(ax, columns, label, centers=(1.05, 2.55, 3.95)):
    """Draw one row of boxes a class, one column a vector, with the true class filled."""
    for name, color, y in zip(CLASSES, CLASS_COLORS, _ROWS, strict=True):
        ax.text(0.1, y, name, va="center_baseline", weight="bold", color=color)
    for x, (heading, values) in zip(centers, columns.items(), strict=False):
        ax.text(x, 2.2, heading, ha="center", color=MUTED)
        for n, (value, color, y) in enumerate(zip(values, CLASS_COLORS, _ROWS, strict=True)):
            box(ax, x, y, signed(value), color=color, filled=n == label)
