"""Explorers without a browser: what a notebook stores of them, and what a page is given."""

import json
import re
from html import unescape
from pathlib import Path

import nbformat
import numpy as np
import pytest

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
    for words in (kind.question, kind().say(), kind.title):
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
    assert f'ask: "{kind.question}"' in kind._esm
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


def test_each_explorer_has_its_place_in_one_chapter():
    shown = []
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
