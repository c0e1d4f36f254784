"""The figures that several pages share, and the one palette that all figures use.

Each class keeps its colour through the book. Every colour has a contrast of at least 4.5 to 1 on white, so that text
may be set in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike

from xentlib.curvature import softmax_jacobian
from xentlib.loss import softmax_cross_entropy, softmax_cross_entropy_with_grad
from xentlib.normalization import softmax

CLASSES = ("cat", "dog", "bird")
CAT, DOG, BIRD = CLASS_COLORS = ("#b84a00", "#0b63a5", "#007a5a")
P_COLOR, Q_COLOR = "#7a3e9d", "#8f5f00"  #: the true and the estimated distribution
INK, MUTED, FAINT = "#1f2430", "#5d6675", "#d9dde3"

Place = tuple[float, float]


def use_book_style() -> None:
    """Set Matplotlib's defaults to the look of the book."""
    plt.style.use(Path(__file__).with_name("book.mplstyle"))


def canvas(width: float, height: float, title: str) -> Axes:
    """Return axes without frame or ticks, on which one unit is one inch, for diagrams of boxes and arrows.

    Returns
    -------
    Axes
        From (0, 0) to (width, height); its title is above them.
    """
    figure, ax = plt.subplots(figsize=(width, height + 0.45), layout="none")
    ax.set_position(Bbox.from_bounds(0, 0, 1, height / (height + 0.45)))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    figure.text(0.02, 1 - 0.08 / (height + 0.45), title, va="top", weight="bold", size=12)
    return ax


def box(
    ax: Axes,
    x: float,
    y: float,
    text: str,
    *,
    color: str = INK,
    width: float = 0.9,
    height: float = 0.42,
    filled: bool = False,
) -> None:
    """Draw a rounded box with `text` around the point (x, y) of a canvas."""
    face = color if filled else "white"
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=face, edgecolor=color, linewidth=1.5,
        )
    )  # fmt: skip
    ax.text(x, y, text, ha="center", va="center_baseline", color="white" if filled else color)


def arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], *, color: str = MUTED, text: str = ""
) -> None:
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


def q_minus_p(logits: ArrayLike, label: int) -> list[Axes]:
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
    places = {"left": 0.01, "right": 0.99, "top": 0.84, "bottom": 0.04, "wspace": 0.2}
    figure, axes = plt.subplots(1, 3, figsize=(5.6, 2.6), sharey=True, gridspec_kw=places)
    figure.set_layout_engine("none")  # layout="none" would hold until the figure is saved for the first time
    for ax, (heading, values) in zip(axes, panels.items(), strict=True):
        ax.bar(CLASSES, values, color=CLASS_COLORS, width=0.72)
        ax.axhline(0, color=INK, linewidth=1)
        ax.set_title(heading, loc="center", size=11)
        ax.set(ylim=(min(0, *(q - p)) - 0.25, 1.15))
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


def signed(value: float) -> str:
    """Return a number with two decimals and a true minus sign, but none on a zero.

    >>> signed(-0.371), signed(-0.001)
    ('−0.37', '0.00')
    """
    return f"{value:z.2f}".replace("-", "−")


def forward_pass(logits: ArrayLike, label: int) -> Axes:
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
    ax = canvas(5.6, 2.6, f"The target selects one probability: the loss is {loss:.2f}")
    _columns(ax, {"logits z": np.asarray(logits), "q = softmax(z)": q, "target p": p}, label)
    for start in _ROWS:
        for end in _ROWS:
            arrow(ax, (1.53, start), (2.07, end), color=FAINT if start != end else MUTED)
    y = _ROWS[label]
    arrow(ax, (3.03, y), (3.47, y))
    arrow(ax, (4.43, y), (4.72, y))
    box(ax, 5.13, y, f"{loss:.2f}", filled=True, width=0.72)
    ax.text(5.13, y + 0.33, "loss", ha="center", color=MUTED)
    ax.text(5.13, y - 0.45, f"−log {q[label]:.2f}", ha="center", color=MUTED)
    return ax


def backward_pass(logits: ArrayLike, label: int) -> Axes:
    """Draw the gradient on its way back: 1 at the loss, −p/q at the probabilities, q − p at the logits.

    On the arrows to the logits is what each multiplies by: the slope of the true probability.

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
    ax = canvas(5.6, 2.6, "One number goes in at the end, q − p comes out")
    _columns(ax, {"∂L/∂z = q − p": at_logits, "∂L/∂q = −p/q": 0 - p / q}, label, centers=(1.2, 3.65))
    start, from_x, to_x = _ROWS[label], 3.15, 1.71
    ax.text((from_x + to_x) / 2, 2.3, f"× ∂q({CLASSES[label]})/∂z", ha="center", color=MUTED)
    for end, slope, color in zip(_ROWS, softmax_jacobian(logits)[label], CLASS_COLORS, strict=True):
        arrow(ax, (from_x, start), (to_x, end), color=color)
        ax.text(
            (from_x + to_x) / 2, (start + end) / 2, f"{slope:.3f}".replace("-", "−"), ha="center", va="center",
            color=color, size=10, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    arrow(ax, (4.68, start), (4.17, start))
    box(ax, 5.05, start, "1", filled=True, width=0.72)
    ax.text(5.05, start + 0.33, "∂L/∂L", ha="center", color=MUTED)
    return ax


_ROWS = (1.85, 1.2, 0.55)


def _columns(ax, columns, label, centers=(1.05, 2.55, 3.95)):
    """Draw one row of boxes a class, one column a vector, with the true class filled."""
    for name, color, y in zip(CLASSES, CLASS_COLORS, _ROWS, strict=True):
        ax.text(0.1, y, name, va="center_baseline", weight="bold", color=color)
    for x, (heading, values) in zip(centers, columns.items(), strict=False):
        ax.text(x, 2.3, heading, ha="center", color=MUTED)
        for n, (value, color, y) in enumerate(zip(values, CLASS_COLORS, _ROWS, strict=True)):
            shown = f"{value:.0f}" if heading == "target p" else signed(value)
            box(ax, x, y, shown, color=color, filled=n == label)


def classifier_pipeline(
    image: np.ndarray, features: np.ndarray, weight: np.ndarray, bias: np.ndarray, names: Sequence[str]
) -> Axes:
    """Draw one image on its way through a classifier: features x, then z = W x + b, then q = softmax(z).

    Parameters
    ----------
    image : array_like of shape (height, width)
        Ink, from 0 upwards.
    features : array_like of shape (D,), D ≥ 3
        What the extractor made of the image: all drawn, and of each third of them the largest written out.
    weight, bias : array_like of shapes (K, D) and (K,)
        The linear layer.
    names : sequence of K strings
        The classes, of which three or four find room.

    Returns
    -------
    Axes
    """
    features, weighted = np.asarray(features), np.asarray(weight) @ features
    logits = weighted + bias
    q = softmax(logits)
    ax = canvas(5.6, 4.45, f"{np.size(image)} pixels become {len(q)} probabilities that sum to 1")
    _picture(ax, image, (0.1, 1.5, 2.75, 4.15), f"{np.size(image)} pixels")
    arrow(ax, (1.6, 3.45), (1.95, 3.45))
    box(ax, 2.6, 3.45, "feature\nextractor", width=1.2, height=0.8)
    arrow(ax, (3.25, 3.45), (3.6, 3.45))
    _picture(ax, features[:, np.newaxis], (3.75, 4.05, 2.75, 4.15), f"{features.size} features x")
    for third, y in zip(np.array_split(np.arange(features.size), 3), (3.95, 3.45, 2.95), strict=True):
        n = third[features[third].argmax()]
        y_feature = 4.15 - 1.4 * (n + 0.5) / features.size
        ax.plot((4.05, 4.2, 4.35), (y_feature, y_feature, y), color=MUTED, linewidth=0.8)
        ax.text(4.4, y, f"x{str(n).translate(_SUBSCRIPTS)} = {features[n]:.2f}", va="center_baseline")

    ax.plot((3.9, 3.9, 1.15), (2.65, 2.4, 2.4), color=MUTED, linewidth=1.5, solid_capstyle="butt")
    arrow(ax, (1.15, 2.4), (1.15, 2.12))
    ax.text(2.5, 2.47, f"linear layer, W is {len(q)} × {features.size}", ha="center", color=MUTED, size=10)
    rows = np.linspace(1.5, 0.3, len(q))
    for x, heading in ((1.15, "W x"), (2.1, "+ b"), (3.05, "= z"), (4.75, "q = softmax(z)")):
        ax.text(x, 1.88, heading, ha="center", color=MUTED)
    for y, name, score, offset, logit, probability in zip(rows, names, weighted, bias, logits, q, strict=True):
        ax.text(0.1, y, name, va="center_baseline", weight="bold")
        ax.text(1.15, y, signed(score), ha="center", va="center_baseline")
        ax.text(2.1, y, signed(offset), ha="center", va="center_baseline")
        box(ax, 3.05, y, signed(logit))
        for end in rows:
            arrow(ax, (3.55, y), (4.1, end), color=MUTED if end == y else FAINT)
        ax.barh(y, 0.8 * probability, 0.3, left=4.2, color=Q_COLOR)
        ax.text(4.27 + 0.8 * probability, y, f"{probability:.3f}", va="center_baseline", color=Q_COLOR)
    return ax


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _picture(ax, values, extent, caption):
    """Draw `values` as shades of grey, darkest the largest, inside (left, right, bottom, top), under a caption."""
    ax.imshow(values, cmap="gray_r", vmin=0, extent=extent, aspect="auto", interpolation="none")
    left, right, _, top = extent
    ax.add_patch(Rectangle((left, extent[2]), right - left, top - extent[2], fill=False, edgecolor=MUTED))
    ax.text(left, top + 0.1, caption, color=MUTED)
