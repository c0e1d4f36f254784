"""What the figures draw are xentlib's numbers, and every label lies inside its figure."""

from importlib.resources import files
from io import BytesIO

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.text import Text

from xentlib import softmax, softmax_cross_entropy, softmax_cross_entropy_with_grad, softmax_jacobian
from xentlib.teaching import figures

LOGITS, DOG = np.array([1.0, 2.0, 0.5]), 1


@pytest.fixture(autouse=True)
def book_style():
    """Draw in the book's style, without a screen, and leave nothing open and no setting changed."""
    plt.switch_backend("Agg")
    with mpl.rc_context():
        figures.use_book_style()
        yield
        plt.close("all")


def labels(ax):
    """Return all that is written in the figure, tick labels aside: the axes of these figures are switched off."""
    ticks = {label for axes in ax.figure.axes for axis in (axes.xaxis, axes.yaxis) for label in axis.findobj(Text)}
    return [text for text in ax.figure.findobj(Text) if text not in ticks and text.get_text()]


def words(ax):
    return [label.get_text() for label in labels(ax)]


def drawn(values, digits=2):
    return [f"{value:.{digits}f}".replace("-", "−") for value in values]


def assert_draws(ax, *vectors, digits=2):
    """Each vector stands somewhere as a column: its numbers in this order, one below the other."""
    columns = {}
    for label in sorted(labels(ax), key=lambda label: -label.get_position()[1]):
        columns.setdefault(label.get_position()[0], []).append(label.get_text())
    for vector in vectors:
        numbers = drawn(vector, digits)
        assert any([text for text in column if text in numbers] == numbers for column in columns.values()), (
            f"{numbers} is no column of {columns}"
        )


def assert_legible(ax):
    """Every label lies inside the figure, at 10 points or more, and no two share a spot."""
    figure = ax.figure
    figure.canvas.draw()
    page = figure.bbox
    boxes = []
    for label in labels(ax):
        extent = label.get_window_extent()
        where = f"{label.get_text()!r} at {extent.extents.round()} on {page.extents}"
        assert page.x0 <= extent.x0, where
        assert extent.x1 <= page.x1, where
        assert page.y0 <= extent.y0, where
        assert extent.y1 <= page.y1, where
        assert label.get_fontsize() >= 10, where
        assert not any(extent.overlaps(other) for other in boxes), where
        boxes.append(extent)


# The style and the pieces


def test_style_sets_the_size_and_the_palette_of_the_book():
    assert mpl.rcParams["figure.figsize"] == [5.6, 3.4]
    cycle = [entry["color"] for entry in mpl.rcParams["axes.prop_cycle"]]
    palette = (*figures.CLASS_COLORS, figures.P_COLOR, figures.Q_COLOR)
    assert [f"#{color.lstrip('#')}" for color in cycle] == list(palette)


TEXT_COLORS = [*figures.CLASS_COLORS, figures.P_COLOR, figures.Q_COLOR, figures.INK, figures.MUTED]


@pytest.mark.parametrize("color", TEXT_COLORS)
def test_text_colors_stand_out_from_white(color):
    """4.5 to 1 is what WCAG asks of text; lines, for which it asks 3 to 1, have the same colours."""
    assert contrast(to_rgb(color), to_rgb("white")) >= 4.5
    assert contrast(to_rgb(figures.FAINT), to_rgb("white")) < 3  # the check can fail: FAINT carries no meaning alone


@pytest.mark.parametrize("color", TEXT_COLORS)
def test_text_colors_stand_out_when_the_page_is_dark(color):
    """The theme dims a figure with its white card, and so both colours."""
    theme = files("pydata_sphinx_theme") / "theme/pydata_sphinx_theme/static/styles/pydata-sphinx-theme.css"
    assert "filter:brightness(.8) contrast(1.2)" in theme.read_text(encoding="utf-8")
    assert contrast(dimmed(color), dimmed("white")) >= 4.5
    assert contrast(dimmed("#808080"), dimmed("white")) < 4.5


def dimmed(color):
    return [min(max((0.8 * c - 0.5) * 1.2 + 0.5, 0), 1) for c in to_rgb(color)]


def test_contrast_is_that_of_wcag():
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast(to_rgb("#767676"), (1, 1, 1)) == pytest.approx(4.54, abs=0.005)


def contrast(color, other):
    darker, brighter = sorted(map(luminance, (color, other)))
    return (brighter + 0.05) / (darker + 0.05)


def luminance(rgb):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


@pytest.mark.parametrize("draw", [lambda: figures.canvas(3, 2, "Title"), lambda: figures.q_minus_p([1, 2, 0.5], 1)[0]])
def test_what_is_saved_twice_keeps_its_places(draw):
    """As in a notebook, for a picture and a drawing."""
    ax = draw()
    before = ax.get_position().bounds
    for _ in range(2):
        ax.figure.savefig(BytesIO(), format="svg")
    assert ax.get_position().bounds == before


def test_canvas_has_one_unit_an_inch_and_its_title_above():
    ax = figures.canvas(4, 2, "title")
    corners = ax.transData.transform([(0, 0), (1, 1), (4, 2)]) / ax.figure.dpi
    np.testing.assert_allclose(corners, [(0, 0), (1, 1), (4, 2)], atol=1e-12)
    ax.figure.canvas.draw()
    assert labels(ax)[0].get_window_extent().y0 / ax.figure.dpi >= 2
    assert_legible(ax)


@pytest.mark.parametrize("filled", [True, False])
def test_box_has_its_text_in_the_middle(filled):
    ax = figures.canvas(3, 2, "")
    figures.box(ax, 1.5, 1, "0.37", color=figures.DOG, width=1.2, height=0.5, filled=filled)
    (patch,) = ax.findobj(FancyBboxPatch)
    (text,) = labels(ax)
    np.testing.assert_allclose(patch.get_extents().transformed(ax.transData.inverted()).extents, (0.9, 0.75, 2.1, 1.25))
    assert text.get_position() == (1.5, 1)
    assert to_rgb(text.get_color()) != to_rgb(patch.get_facecolor())
    assert to_rgb(patch.get_facecolor()) == (to_rgb(figures.DOG) if filled else (1, 1, 1))


def test_arrow_ends_where_it_is_told_to():
    ax = figures.canvas(3, 2, "")
    figures.arrow(ax, (0.5, 1), (2.5, 1), text="softmax")
    head = next(note for note in ax.texts if getattr(note, "arrow_patch", None))
    assert (head.xyann, head.xy) == ((0.5, 1), (2.5, 1))
    (text,) = labels(ax)
    assert text.get_position()[0] == 1.5
    assert text.get_position()[1] > 1


@pytest.mark.parametrize(("value", "text"), [(-0.371, "−0.37"), (0.629, "0.63"), (2, "2.00"), (0.0, "0.00")])
def test_signed_writes_two_decimals_and_a_true_minus(value, text):
    assert figures.signed(value) == text


# The diagrams


def test_q_minus_p_draws_the_gradient_as_a_difference():
    axes = figures.q_minus_p(LOGITS, DOG)
    heights = [[bar.get_height() for bar in ax.patches] for ax in axes]
    np.testing.assert_allclose(heights[:2], [softmax(LOGITS), np.eye(3)[DOG]])
    np.testing.assert_allclose(heights[2], softmax_cross_entropy_with_grad(LOGITS, DOG)[1])
    for ax, values in zip(axes, (drawn(heights[0]), ["0", "1", "0"], drawn(heights[2])), strict=True):
        assert [text.get_text() for text in ax.texts if text.get_text() not in figures.CLASSES] == values
    assert_legible(axes[0])


def test_forward_pass_draws_logits_probabilities_target_and_loss():
    ax = figures.forward_pass(LOGITS, DOG)
    assert_draws(ax, LOGITS, softmax(LOGITS))
    assert_draws(ax, np.eye(3)[DOG], digits=0)
    assert words(ax).count(f"{softmax_cross_entropy(LOGITS, DOG):.2f}") == 1
    assert_legible(ax)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_backward_pass_draws_the_gradients_of_loss_probabilities_and_logits(label):
    ax = figures.backward_pass(LOGITS, label)
    at_logits = softmax_cross_entropy_with_grad(LOGITS, label)[1]
    assert_draws(ax, at_logits, 0 - np.eye(3)[label] / softmax(LOGITS))
    assert_draws(ax, softmax_jacobian(LOGITS)[label], digits=3)
    assert words(ax).count("1") == 1
    assert_legible(ax)


NAMES = ("three", "five", "eight")


@pytest.fixture
def classifier():
    rng = np.random.default_rng(0)
    return rng.integers(0, 17, (8, 8)), rng.uniform(0, 2, 64), rng.normal(size=(3, 64)) / 8, rng.normal(size=3)


def test_classifier_pipeline_draws_every_stage(classifier):
    image, features, weight, bias = classifier
    ax = figures.classifier_pipeline(image, features, weight, bias, NAMES)
    logits = weight @ features + bias
    assert_draws(ax, weight @ features, bias, logits)
    assert [text for text in words(ax) if text in NAMES] == list(NAMES)

    q = softmax(logits)
    bars = [patch for patch in ax.patches if type(patch) is Rectangle and patch.get_fill()]
    np.testing.assert_allclose([bar.get_width() for bar in bars], 0.8 * q)
    assert set(drawn(q, 3)) <= set(words(ax))

    pixels, strip = (picture.get_array() for picture in ax.images)
    np.testing.assert_array_equal(pixels, image)
    np.testing.assert_array_equal(strip[:, 0], features)
    assert_legible(ax)


def test_classifier_pipeline_writes_out_the_largest_feature_of_each_third(classifier):
    image, _, weight, bias = classifier
    features = np.zeros(64)
    features[[5, 30, 63]] = 1.25, 0.5, 2.0
    written = words(figures.classifier_pipeline(image, features, weight, bias, NAMES))
    assert {"x₅ = 1.25", "x₃₀ = 0.50", "x₆₃ = 2.00"} <= set(written)


@pytest.mark.parametrize("lead", [-30, 0, 30])
def test_classifier_pipeline_is_legible_when_sure(classifier, lead):
    image, features, weight, bias = classifier
    assert_legible(figures.classifier_pipeline(image, features, weight, bias + np.array([0, lead, 0]), NAMES))


# The checks above refuse a figure that is wrong


def test_a_q_minus_p_with_the_order_reversed_is_refused(monkeypatch):
    monkeypatch.setattr(figures, "softmax", lambda z: softmax(z)[::-1])
    with pytest.raises(AssertionError):
        test_q_minus_p_draws_the_gradient_as_a_difference()


@pytest.mark.parametrize(
    ("piece", "wrong", "test"),
    [
        ("softmax", lambda z: softmax(-np.asarray(z)), test_forward_pass_draws_logits_probabilities_target_and_loss),
        ("softmax_cross_entropy", lambda z, y: 1.0, test_forward_pass_draws_logits_probabilities_target_and_loss),
        ("_ROWS", (0.45, 1.1, 1.75), test_forward_pass_draws_logits_probabilities_target_and_loss),
    ],
)
def test_a_wrong_forward_pass_is_refused(monkeypatch, piece, wrong, test):
    monkeypatch.setattr(figures, piece, wrong)
    with pytest.raises(AssertionError):
        test()


@pytest.mark.parametrize(
    ("piece", "wrong"),
    [
        ("softmax_cross_entropy_with_grad", lambda z, y: (0.0, -softmax_cross_entropy_with_grad(z, y)[1])),
        ("softmax_jacobian", lambda z: -softmax_jacobian(z)),
    ],
)
def test_a_backward_pass_with_the_sign_lost_is_refused(monkeypatch, piece, wrong):
    monkeypatch.setattr(figures, piece, wrong)
    with pytest.raises(AssertionError):
        test_backward_pass_draws_the_gradients_of_loss_probabilities_and_logits(DOG)


@pytest.mark.parametrize(
    ("piece", "wrong"),
    [
        ("softmax", lambda z: softmax(z)[::-1]),
        ("softmax", lambda z: softmax(z, temperature=2.0)),
        ("signed", lambda value: f"{abs(value):.2f}"),
        ("_picture", lambda ax, values, *rest: ax.imshow(np.asarray(values)[::-1])),
    ],
)
def test_a_wrong_classifier_pipeline_is_refused(monkeypatch, classifier, piece, wrong):
    monkeypatch.setattr(figures, piece, wrong)
    with pytest.raises(AssertionError):
        test_classifier_pipeline_draws_every_stage(classifier)


@pytest.mark.parametrize(
    ("x", "y", "text", "size"),
    [(2.9, 1, "over the edge", 11), (0.1, 2.2, "over the title", 11), (1, 1, "too small", 9), (1, 0.5, "twice", 11)],
)
def test_an_illegible_label_is_refused(x, y, text, size):
    ax = figures.canvas(3, 2, "a title")
    ax.text(1, 0.5, "twice", size=11)
    assert_legible(ax)
    ax.text(x, y, text, size=size)
    with pytest.raises(AssertionError):
        assert_legible(ax)
