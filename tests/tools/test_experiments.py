"""The stored experiments are those of tools/experiments.py, which runs the chapters' own functions."""

import json

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools import experiments as tool


@pytest.fixture
def experiments(monkeypatch):
    monkeypatch.chdir(tool.CHAPTERS)  # it goes there itself, and the next test is to be where it was
    return tool


def test_the_digits_by_seed_are_stored_in_the_form_that_a_run_returns(experiments):
    stored = json.loads(experiments.RESULTS.read_text(encoding="utf-8"))["digits by seed"]
    run = experiments.digits_by_seed(seeds=[0], steps=1)
    assert run.keys() == stored.keys()
    assert run["images"] == stored["images"] == 597
    assert {name: len(counts) for name, counts in stored.items() if name != "images"} == {"learned": 10, "frozen": 10}
    assert 0 < run["learned"][0] < min(stored["frozen"]), "one step is not enough to learn"


def test_only_what_defines_is_run(experiments, monkeypatch, tmp_path):
    sources = "1 / 0\ndef f():\n    return 6", "def g():\n    return f() + 1", "1 +"
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), tmp_path / "a.ipynb")
    monkeypatch.setattr(experiments, "CHAPTERS", tmp_path)
    assert experiments.functions_of("a.ipynb", last="g")["g"]() == 7


def test_the_variants_trained_long_are_stored_in_the_form_that_a_run_returns(experiments):
    stored = json.loads(experiments.RESULTS.read_text(encoding="utf-8"))["variants trained long"]
    run = experiments.variants_trained_long(steps=20)
    assert list(run) == list(stored), "the chapter has other variants now: make experiments"
    assert {len(numbers) for numbers in [*run.values(), *stored.values()]} == {4}
    right, sure, error, _ = stored["plain"]
    assert (right, sure, error) == (0.8509, 0.9176, 0.0712), "overconfident, as the chapter says"
    assert run["plain"][0] > 0.5 > run["plain"][1], "20 steps are enough to learn, and not to be sure"


def test_the_classifier_of_the_digits_that_are_drawn_is_the_one_that_chapter_3_trains(experiments):
    stored = json.loads(experiments.CLASSIFIER.read_text(encoding="utf-8"))
    assert experiments.digit_classifier() == stored, "make experiments"
    assert [len(stored[name]) for name in ("weight", "bias", "images", "labels")] == [10, 10, 3, 3]


def test_no_stored_weight_depends_on_the_processor(experiments):
    """None lies so near the middle between two thousandths that another order of sums could round it otherwise."""
    names = experiments.functions_of("03_classifier.ipynb", last="fit")
    weight, bias, _ = names["fit"](names["images"][:1200].reshape(-1, 64) / 16, names["digits"][:1200], 10)
    distance = abs(1000 * np.append(weight, bias) % 1 - 0.5)
    assert distance.min() > 1e-5
