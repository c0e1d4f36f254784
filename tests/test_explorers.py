"""Explorers without a browser: what a notebook stores of them, and what a page is given."""

import json
import re
from html import unescape
from itertools import pairwise
from pathlib import Path

import nbformat
import numpy as np
import pytest
from py_mini_racer import MiniRacer
from traitlets import TraitError

import xentlib
from xentlib.teaching import explorers, figures
from xentlib.teaching.explorers.explorer import HERE, module, script
from xentlib.teaching.explorers.text import CLASSES, decimal, scientific

CHAPTERS = Path(__file__).parents[1] / "chapters"
EACH = pytest.mark.parametrize("kind", explorers.ALL, ids=lambda kind: kind.__name__)


def bundle(widget):
    return widget._repr_mimebundle_()[0]


@EACH
def test_a_notebook_stores_the_state_and_the_sentence_and_no_random_id(kind):
    one, two = bundle(kind()), bundle(kind())
    view = "application/vnd.jupyter.widget-view+json"
    assert one.pop(view) != two.pop(view)
    assert one == two
    assert set(one) == {"text/plain", "text/html"}
    state = json.loads(unescape(re.search(r'data-state="(.*?)"', one["text/html"])[1]))
    assert set(state) == set(kind.state)
    assert kind(**state).say() == kind().say()
    for words in (kind.question, kind().say(), kind.title):  # of which the landing page has none: it has its picture
        assert f">{words}<" in unescape(one["text/html"])
    assert f'id="explorer-{kind.name}"' in one["text/html"]  # where a link to a state leads
    assert "nan" not in one["text/html"].lower()


@EACH
def test_the_text_form_makes_the_same_explorer(kind):
    assert repr(eval(repr(kind()), {kind.__name__: kind})) == repr(kind())


@EACH
def test_what_a_trait_is_set_to_is_shown(kind):
    name = kind.state[-1]
    value = getattr(kind(), name)
    other = [7.0, *value[1:]] if isinstance(value, list) else not value if isinstance(value, bool) else value + 1
    changed = kind(**{name: other})
    assert bundle(changed)["text/html"] != bundle(kind())["text/html"]


@EACH
def test_the_module_needs_no_other_and_the_script_is_the_same_without_its_export(kind):
    assert kind._esm == module(kind.name)
    assert not re.search(r"^\s*import\b", kind._esm, re.MULTILINE)
    assert kind._esm.count("export ") == 1
    assert "export " not in script(kind.name)
    assert f"[{kind.name!r}] = view;" in script(kind.name)


@EACH
def test_question_title_and_state_are_the_same_in_both_languages(kind):
    assert kind._esm.count('ask: "') == (kind.question != "")
    assert not kind.question or f'ask: "{kind.question}"' in kind._esm
    assert f'title: "{kind.title}"' in kind._esm
    assert f"state: {json.dumps(list(kind.state))}" in kind._esm


def test_classes_and_colours_are_those_of_the_figures():
    """Written again in JavaScript, in CSS and where Matplotlib is not to be loaded."""
    css = (HERE / "explorers.css").read_text(encoding="utf-8")
    light = dict(re.findall(r"--x-(\w+): (#\w{6});", css.partition("html[data-theme")[0]))
    assert [light[name] for name in figures.CLASSES] == list(figures.CLASS_COLORS)
    assert [light[name] for name in ("p", "q", "ink", "muted", "faint")] == [
        figures.P_COLOR, figures.Q_COLOR, figures.INK, figures.MUTED, figures.FAINT,
    ]  # fmt: skip
    assert figures.CLASSES == CLASSES
    assert f"const CLASSES = {json.dumps(CLASSES)};" in (HERE / "common.js").read_text(encoding="utf-8")


def test_each_explorer_has_its_place_in_one_chapter_or_on_the_landing_page():
    shown = re.findall(r"{explorer} (\w+)", (CHAPTERS.parent / "index.md").read_text(encoding="utf-8"))
    for path in sorted(CHAPTERS.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            html = "".join(output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))
            shown += re.findall(r'data-explorer="(\w+)"', html)
    assert sorted(shown) == sorted(kind.name for kind in explorers.ALL)


@pytest.mark.parametrize(
    ("gap", "power", "kept"),
    [
        (3, 0, ("−log(softmax)", "log-sum-exp − z_y", "−log_softmax", "log1p")),
        (3, 12, ("−log_softmax", "log1p")),
        (40, 0, ("log1p",)),
        (-40, 0, ("−log(softmax)", "log-sum-exp − z_y", "−log_softmax", "log1p")),
    ],
)
def test_an_offset_and_a_gap_undo_the_forms_of_the_loss_that_chapter_11_says(gap, power, kept):
    explorer = explorers.FloatingPoint(gap=gap, power=power)
    assert f"Six digits or more: {', '.join(kept)}. " in explorer.say()


@pytest.mark.parametrize(("bits", "largest"), [(16, 11.0), (32, 88.7), (64, 709.7)])
def test_without_a_shift_softmax_overflows_where_the_format_ends(bits, largest):
    """The logarithms of 65504, 3.4e38 and 1.8e308, rounded down; the largest score is 1 above the shift."""
    below, above = (
        explorers.Softmax(logits=[0.0, 1.0, 0.0], shift=largest - by, bits=bits, subtract_max=False) for by in (2, 0)
    )
    assert np.isfinite(below.values()["q"]).all()
    assert "overflows" not in below.say()
    assert np.isnan(above.values()["q"][1])
    assert above.say().startswith("It overflows. ")
    assert explorers.Softmax(shift=-1000.0, subtract_max=False).say().startswith("It underflows. ")
    with_shift = explorers.Softmax(logits=[0.0, 1.0, 0.0], shift=largest, bits=bits)
    assert np.isfinite(with_shift.values()["q"]).all()


def test_adam_is_that_of_chapter_8():
    """Its first step is the step size for every score, whatever the gradient."""
    one = explorers.Flow(logits=[3.0, -3.0, 1.0], rate=0.1, adam=True, steps=1).values()
    expected = xentlib.softmax([2.9, -2.9, 0.9])
    assert np.allclose(one["adam_path"][-1], expected, rtol=0, atol=1e-6)
    assert one["adam_loss"] == pytest.approx(-np.log(expected[1]), abs=1e-5)


@pytest.mark.parametrize(
    ("x", "digits", "shown"),
    [
        (float("nan"), 2, "NaN"),
        (float("-inf"), 2, "−∞"),
        (0.125, 2, "0.13"),
        (-0.125, 2, "−0.13"),
        (-0.001, 2, "0.00"),
        (2.5, 0, "3"),
        (7, 1, "7.0"),
    ],
)
def test_decimals_round_ties_away_from_zero_as_javascript_does(x, digits, shown):
    assert decimal(x, digits) == shown


@pytest.mark.parametrize(
    ("x", "shown"),
    [
        (0, "0"), (float("inf"), "∞"), (0.25, "0.250"), (-123.4, "−123"), (4.248354e-18, "4.25\u00a0·\u00a010⁻¹⁸"),
        (-1234, "−1.23\u00a0·\u00a010³"),
    ],
)  # fmt: skip
def test_small_and_large_numbers_have_a_power_of_ten(x, shown):
    assert scientific(x) == shown


# The border


def test_the_border_is_that_of_chapter_3_and_a_factor_leaves_it_there():
    weight, bias = np.array([[3.0, -1.0], [1.0, 2.0]]), np.array([0.5, -0.5])
    first, sharp = explorers.Border().values(), explorers.Border(times=3.0).values()
    assert np.allclose(first["weight"], weight - weight.mean(axis=0), rtol=0, atol=5e-6)
    assert np.allclose(first["bias"], bias - bias.mean(), rtol=0, atol=5e-6)
    odds = np.log(first["q"][:, 1] / first["q"][:, 0])
    assert np.allclose(np.log(sharp["q"][:, 1] / sharp["q"][:, 0]), 3 * odds)
    assert ((first["q"] > 0.5) == (sharp["q"] > 0.5)).all()
    assert (abs(sharp["q"] - 0.5) > abs(first["q"] - 0.5)).all()
    assert explorers.Border().say().startswith("7 of 8 ")
    assert explorers.Border(place=[0.7, 0.55], angle=20.0).say().startswith("8 of 8 ")


# The digit that is drawn

# How somebody may write each, in the middle of its square; two strokes where there is a gap.
WRITTEN = {
    0: [(4, 0.8), (2.4, 2), (2.2, 4), (2.6, 6.3), (4, 7.3), (5.4, 6.2), (5.7, 4), (5.4, 1.8), (4, 0.8)],
    1: [(2.8, 2), (4.3, 0.8), (4.3, 7.5)],
    2: [(2.2, 2), (3, 0.9), (4.5, 0.9), (5.2, 2), (4.6, 3.7), (2, 7.2), (6, 7.2)],
    3: [(2, 1.2), (4, 0.7), (5.3, 1.6), (4.8, 3.2), (3.4, 3.8), (5, 4.6), (5.3, 6), (4, 7.3), (1.8, 6.8)],
    4: [(4, 0.6), (1.8, 4.6), (6.3, 4.6), None, (4.7, 3), (4.5, 7.5)],
    5: [(5.8, 0.8), (2.6, 0.8), (2.4, 3.4), (4.2, 3.2), (5.4, 4.6), (5, 6.6), (3.5, 7.3), (2, 6.9)],
    6: [(4.6, 0.7), (3, 2.6), (2.4, 5), (3, 7), (4.6, 7.2), (5.5, 5.8), (4.6, 4.6), (2.8, 5)],
    7: [(2, 1), (5.8, 1), (4.2, 4), (3.2, 7.4), None, (2.6, 4.2), (5.4, 4.2)],
    8: [(4.2, 0.8), (2.8, 1.8), (4, 3.7), (5.3, 5.6), (4, 7.2), (2.7, 5.8), (4, 3.7), (5.4, 2), (4.2, 0.8)],
    9: [(5.2, 2), (3.8, 0.9), (2.6, 2.2), (3.4, 3.9), (5.3, 3.2), (5.2, 2), (5.2, 5.6), (4.4, 7.2), (2.6, 7)],
}


@pytest.fixture(scope="module")
def draw():
    """Return a function that lets the pen of the browser follow some points."""
    v8 = MiniRacer()
    v8.eval(
        f"var window = globalThis; {script('digit')}".replace("const view =", "window.stroke = stroke; const view =")
    )

    def draw(points, ink=(0,) * 64, pen=16):
        for start, end in pairwise(points):
            if start and end:
                ink = json.loads(v8.eval(f"JSON.stringify(stroke({list(ink)}, {list(start)}, {list(end)}, {pen}))"))
        return [int(each) for each in ink]

    return draw


@pytest.mark.parametrize("digit", WRITTEN)
def test_what_the_pen_draws_looks_like_the_data_and_is_named(draw, digit):
    with np.load(CHAPTERS / "data" / "digits.npz") as file:
        usual = file["images"][file["labels"] == digit].sum(axis=(1, 2))
    ink = draw(WRITTEN[digit])
    assert usual.min() < sum(ink) < usual.max()
    assert explorers.Digit(ink=ink).say().startswith(f"It says {digit}, ")


def test_a_pen_lays_its_ink_once_and_wipes_without_any(draw):
    line = [(1.5, 2.5), (4.5, 2.5)]
    once = draw(line)
    assert np.reshape(once, (8, 8))[:5].tolist() == [
        [0] * 8, [0, 2, 2, 2, 2, 0, 0, 0], [2, 16, 16, 16, 16, 2, 0, 0], [0, 2, 2, 2, 2, 0, 0, 0], [0] * 8,
    ]  # fmt: skip
    assert draw(line, once) == once
    assert max(draw(line, pen=5)) == 5
    assert draw(line, once, pen=5) == once  # less ink takes none away
    assert np.reshape(draw(line, [16] * 64, pen=0), (8, 8))[2].tolist() == [14, 0, 0, 0, 0, 14, 16, 16]


def test_python_reads_and_sets_what_is_drawn():
    square = explorers.Digit()
    assert np.reshape(square.ink, (8, 8))[4].tolist() == [0, 14, 15, 11, 15, 16, 9, 0]
    square.ink = [0] * 64
    assert square.say().startswith("It says 3, with 0.125, before 7, with 0.118.")
    with np.load(CHAPTERS / "data" / "digits.npz") as file:
        square.ink = file["images"][1202].ravel().tolist()
    assert square.say().startswith("It says 7, "), "a three, as chapter 3 says"
    with pytest.raises(TraitError):
        square.ink = [0.5] * 64


def test_data_beside_an_explorer_comes_with_its_module():
    assert module("digit").count("const DATA = {") == 1
    assert "DATA" not in module("softmax")
