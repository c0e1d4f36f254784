"""Every exercise, and the checker that serves them all: right answers, named mistakes, and everything else."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.core.cache import clear_cache

import xentlib
from xentlib.teaching import exercises, symbolic
from xentlib.teaching.exercises import check, checking, find, guard, hint, progress, record
from xentlib.teaching.exercises.checking.normalize import copies_of, is_unchanged, normalize
from xentlib.teaching.exercises.checking.wording import show
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.symbolic import (
    K,
    KroneckerDelta,
    Piecewise,
    Sum,
    T,
    c,
    diff,
    exp,
    i,
    j,
    k,
    l,
    log,
    m,
    p,
    q,
    sum_over,
    y,
    z,
)

ROOT = Path(__file__).parents[1]
MODULES = {number: exercises._module(number) for number in exercises._numbers()}
ALL = {exercise.id: exercise for exercise in exercises.all_exercises()}
MISTAKES = [pytest.param(e, n, id=f"{e.id}-{n}") for e in ALL.values() for n in range(len(e.mistakes))]


def of_kind(*kinds):
    return [pytest.param(exercise, id=id) for id, exercise in ALL.items() if exercise.kind in kinds]


EVERY = of_kind("predict", "derive", "code", "break", "explain")


@pytest.fixture(autouse=True)
def fresh_session(monkeypatch):
    """Begin each test as if a kernel had just started, and write no record."""
    monkeypatch.setenv("XENTLIB_PROGRESS", "")
    monkeypatch.setattr(record, "_remembered", set())
    monkeypatch.setattr(exercises, "_hints_given", {})


@pytest.fixture
def record_file(tmp_path, monkeypatch):
    monkeypatch.setenv("XENTLIB_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


@pytest.fixture
def short_limit(monkeypatch):
    monkeypatch.setattr(guard, "LIMIT", 0.3)


# The exercises


def test_each_chapter_mixes_the_kinds_and_has_at_least_six():
    for number, module in MODULES.items():
        assert {e.kind for e in module.EXERCISES} == {"predict", "derive", "code", "break", "explain"}, number
        assert len(module.EXERCISES) >= 6, number
        assert module.TITLE.startswith(f"{int(number)} "), number


def test_ids_are_unique_and_belong_to_their_module():
    ids = [e.id for module in MODULES.values() for e in module.EXERCISES]
    assert len(ids) == len(set(ids))
    for number, module in MODULES.items():
        assert all(re.fullmatch(rf"{number}-[a-z][a-z\d]*(-[a-z]+)*", e.id) for e in module.EXERCISES)
        assert all(e.chapter == int(number) for e in module.EXERCISES)


@pytest.mark.parametrize("exercise", EVERY)
def test_an_exercise_is_complete(exercise):
    assert len(set(exercise.hints)) == 3
    assert 2 <= len(exercise.mistakes) <= 5
    assert exercise.difficulty in (1, 2, 3)
    assert 1 <= exercise.minutes <= 20
    sentences = [exercise.task, *exercise.hints, *(mistake.feedback for mistake in exercise.mistakes)]
    assert all(sentence and not re.search(r"\s\s|^\s|\s$", sentence) for sentence in sentences)
    assert len({mistake.feedback for mistake in exercise.mistakes}) == len(exercise.mistakes)
    assert bool(exercise.inputs) == (exercise.kind == "code")
    if exercise.kind == "break":
        assert all([exercise.faulty, exercise.right, exercise.legal])
        assert all(mistake.when for mistake in exercise.mistakes)
    if exercise.kind == "explain":
        letters = [letter for letter, _ in checking.lettered(exercise.options)]
        assert sorted([exercise.answer, *(mistake.wrong for mistake in exercise.mistakes)]) == letters
        assert len(set(exercise.options)) == len(letters)
        assert exercise.because


BARE = re.compile(r"[∂Σ≠≤≥·−‖∞√εθ]|\b[A-Za-z]_\w|\b[A-Za-z] = |\blog [A-Za-z0-9]|\be\^|\d+/\d+|\b[KN] ")
IN_TEX = re.compile(r"\$|\\[a-z]|[_^]\{")


@pytest.mark.parametrize("exercise", EVERY)
def test_mathematics_is_typeset_on_the_page_and_plain_where_it_is_printed(exercise):
    assert [BARE.findall("K = 3"), BARE.findall("of N images"), IN_TEX.findall("\\tfrac12")] == [
        ["K = "],
        ["N "],
        ["\\t"],
    ]
    for text in (exercise.task, *exercise.options):
        outside = re.sub(r"\$[^$]*\$|`[^`]*`", "", text)
        assert BARE.findall(outside) == [], text
    for text in (
        *exercise.hints,
        exercise.because,
        *exercise.outcomes,
        *(mistake.feedback for mistake in exercise.mistakes),
    ):
        assert IN_TEX.findall(text) == [], text


@pytest.mark.parametrize("exercise", EVERY)
def test_the_reference_passes_its_own_check(exercise):
    result = check(exercise.id, exercise.answer)
    assert result
    assert repr(result).startswith(f"{exercise.id}: solved. ")
    assert exercise.kind != "derive" or "for every K" in repr(result)


@pytest.mark.parametrize("exercise", [*of_kind("predict", "code", "break", "explain"), find("05-weights")])
def test_a_check_says_the_same_twice(exercise):
    """Of those to derive only one: to prove is slow."""
    assert repr(check(exercise.id, exercise.answer)) == repr(check(exercise.id, exercise.answer))


@pytest.mark.parametrize(("exercise", "n"), MISTAKES)
def test_a_named_mistake_gets_its_own_name_and_no_other(exercise, n, monkeypatch):
    """And does not owe it to the order in which the mistakes are asked: no two are the same."""
    found = []

    def named(exercise, is_it):
        found.extend(k for k, mistake in enumerate(exercise.mistakes) if is_it(mistake))
        return first_named(exercise, lambda mistake: any(mistake is exercise.mistakes[k] for k in found))

    first_named = checking.result.first_named
    for module in (checking.value, checking.expression, checking.function, checking.input, checking.option):
        monkeypatch.setattr(module, "first_named", named)
    result = check(exercise.id, exercise.mistakes[n].wrong)
    assert not result
    assert found == [n]
    assert [k for k, mistake in enumerate(exercise.mistakes) if mistake.feedback in repr(result)] == [n]


@pytest.mark.parametrize(
    "shift", [lambda logits, y: logits.mean(), lambda logits, y: logits[0], lambda logits, y: logits[y]]
)
def test_a_gradient_that_shifts_by_another_logit_than_the_largest_overflows(shift):
    def gradient(logits, y):
        powers = np.exp(logits - shift(logits, y))
        return powers / powers.sum() - np.eye(len(logits))[y]

    assert "its exponentials overflow: subtract the largest logit" in repr(check("05-gradient", gradient))


def test_a_gradient_of_the_other_sign_is_named():
    assert "minus the right answer" in repr(check("05-temperature", -find("05-temperature").answer))


@pytest.mark.parametrize("rounded", [0.17, 0.18])
def test_a_calibration_error_may_be_rounded_to_two_decimals(rounded):
    assert check("10-gaps", rounded)
    assert "the plain mean" in repr(check("10-gaps", 0.2))


# Random wrong answers


@pytest.mark.parametrize("exercise", of_kind("predict"))
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_no_random_value_passes(exercise, seed):
    rng = np.random.default_rng(seed)
    right = normalize(exercise.answer)
    if isinstance(right, np.ndarray):
        factor = rng.choice([-1, 0.5, 0.9, 1.1, 2, 100], size=right.shape)
        wrong = np.where(right == 0, rng.choice([-0.2, 0.3, 1], size=right.shape), right * factor)
    elif isinstance(right, tuple):
        wrong = list(rng.permutation(right))
        wrong = wrong[1:] if tuple(wrong) == right else wrong
    else:
        wrong = right[: rng.integers(len(right))]
    assert not check(exercise.id, wrong)


@pytest.mark.parametrize("exercise", of_kind("derive"))
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=3)
def test_no_random_expression_passes(exercise, seed):
    """Few of them: `test_diagnosis` breaks each reference in many ways."""
    rng = np.random.default_rng(seed)
    atoms = sorted({*exercise.answer.free_symbols, *exercise.answer.atoms(sympy.Function)}, key=str)
    atoms = [atom for atom in atoms if isinstance(atom, sympy.Expr) and not isinstance(atom, sympy.IndexedBase)]
    extra = sympy.Rational(int(rng.integers(1, 9)), int(rng.integers(2, 9)))
    wrong = [exercise.answer + extra, exercise.answer * (1 + extra), -exercise.answer, extra]
    assert not check(exercise.id, wrong[rng.integers(len(wrong))])


@pytest.mark.parametrize("exercise", of_kind("code"))
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1e-6, 1e-3, 1, 1e3]))
@settings(max_examples=5)
def test_no_random_function_passes(exercise, seed, size):
    def off(*args):
        right = np.asarray(exercise.answer(*args))
        noise = np.random.default_rng(seed).normal(size=right.shape)
        return (right + size * (noise + np.sign(noise)) * (1 + np.abs(right))).astype(right.dtype)

    result = check(exercise.id, off)
    assert not result
    assert not any(mistake.feedback in repr(result) for mistake in exercise.mistakes)


@pytest.mark.parametrize("exercise", of_kind("code"))
def test_one_wrong_entry_on_one_input_is_enough(exercise):
    for at in range(len(exercise.inputs)):
        calls = []

        def off(*args, calls=calls, at=at):
            calls.append(args)
            right = np.array(exercise.answer(*args), dtype=float)
            if len(calls) == at + 1:
                entries = right.reshape(-1)
                entries[-1] = 1.0 if entries[-1] in (0, np.inf) else entries[-1] * (1 + 1e-4)
            return right

        assert f"{len(exercise.inputs) - 1} of {len(exercise.inputs)} input" in repr(check(exercise.id, off))


@pytest.mark.parametrize("exercise", of_kind("break"))
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_an_input_passes_only_where_the_two_really_differ(exercise, seed):
    rng = np.random.default_rng(seed)
    shape = np.shape(exercise.answer)
    guess = rng.dirichlet(np.ones(shape[-1])) if "distribution" in exercise.task else rng.normal(size=shape)
    with np.errstate(all="ignore"):
        differ = not np.allclose(
            exercise.faulty(guess), exercise.right(guess), rtol=exercise.rtol, atol=exercise.atol
        )  # fmt: skip
    assert bool(check(exercise.id, guess)) == differ


@pytest.mark.parametrize("exercise", of_kind("explain"))
def test_an_option_is_named_by_its_letter(exercise):
    letter = exercise.answer
    for said in (letter, letter.lower(), f" {letter}. "):
        assert repr(check(exercise.id, said)) == f"{exercise.id}: solved. {exercise.because}"
    for said in ("Z", "@", letter * 2, "", exercise.options[0], ord(letter) - ord("A"), [letter]):
        assert "not yet. Asked for: a letter, A, B" in repr(check(exercise.id, said))


# Whatever is passed, a sentence comes back


class Hostile:
    """An object that answers every question with an exception."""

    def refuse(self, *args, **kwargs):
        raise RuntimeError("no")

    __eq__ = __hash__ = __len__ = __iter__ = __getattr__ = __array__ = __bool__ = __repr__ = __str__ = refuse
    __float__ = __getitem__ = __call__ = _sympy_ = refuse


STRANGE = {
    "string": "q - p",
    "empty string": "",
    "number": 3,
    "huge number": 10**400,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "complex": 1j,
    "truth": True,
    "list": [1, 2],
    "empty list": [],
    "ragged": [[1, 2], [3]],
    "words": ["cat", 1],
    "nested": [[[[1]]]],
    "array of NaN": np.full(3, np.nan),
    "array of objects": np.array([None, {}], dtype=object),
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "empty array": np.zeros((0, 3)),
    "dict": {"q": 1},
    "set": {1},
    "generator": (n for n in ()),
    "class": dict,
    "type": int,
    "module": np,
    "symbol": sympy.Symbol("w"),
    "NaN of SymPy": sympy.nan,
    "infinity of SymPy": sympy.zoo,
    "equation": sympy.Eq(z[i], 1),
    "matrix": sympy.eye(2),
    "base": z,
    "another K": sympy.Symbol("K"),
    "partial sum": Sum(z[j], (j, 0, 3)),
    "undefined function": sympy.Function("f")(i),
    "no arguments": lambda: 1,
    "ufunc": np.exp,
    "builtin": print,
    "hostile": Hostile(),
    "hostile list": [Hostile()],
    "exception": ValueError("x"),
}


@pytest.mark.parametrize("exercise", EVERY[::2])
def test_a_strange_answer_is_wrong_and_raises_nothing(exercise):
    for name, strange in STRANGE.items():
        result = check(exercise.id, strange)
        assert not result, name
        assert repr(result).startswith(f"{exercise.id}: not"), name
        assert " at 0x" not in repr(result), name


@pytest.mark.parametrize("blank", [None, ..., [None, None], (..., ...)])
@pytest.mark.parametrize("exercise", EVERY)
def test_an_unsolved_cell_is_told_in_one_kind_line(exercise, blank):
    assert repr(check(exercise.id, blank)) == (
        f"{exercise.id}: not answered yet. Asked for: {checking.result.ASKED_FOR[exercise.kind]}."
    )


RETURNED = {
    "None": (None, "not answered yet: the function returns None. Is a `return` missing?"),
    "...": (..., "not answered yet"),
    "a string": ("q", "got a string"),
    "an object": (object(), "got a value of type object"),
    "hostile": (Hostile(), "got a value of type Hostile"),
    "NaN": (np.full(3, np.nan), "nan, nan, nan"),
    "complex": (1j, "got a complex number"),
    "too long": (np.zeros(7), "got an array of numbers of shape (7,)"),
    "one axis more": (np.zeros((1, 3)), "got an array of numbers of shape (1, 3)"),
    "truth values": ([True, False, True], "got an array of truth values of shape (3,)"),
}


@pytest.mark.parametrize("name", RETURNED)
@pytest.mark.parametrize("exercise", of_kind("code"))
def test_what_a_function_wrongly_returns_is_described(exercise, name):
    value, told = RETURNED[name]
    result = check(exercise.id, lambda *args: value)
    assert not result
    expected = np.asarray(exercise.answer(*copies_of(exercise.inputs[0])))
    if name != "NaN" or expected.shape == (3,):
        assert told in repr(result)


def test_input_output_and_expectation_are_shown_with_shape_and_dtype():
    assert repr(check("05-gradient", lambda logits, y: [0.25, 0.5, 0.25])).splitlines() == [
        "05-gradient: not yet: 0 of 4 inputs right. 3 entries of 3 wrong, the first at (0,).",
        "  tried     f(logits=[1, 2, 0.5], y=1)",
        "  expected  [0.231224, -0.371468, 0.140244]  (array of shape (3,), float64)",
        "  got       [0.25, 0.5, 0.25]  (array of shape (3,), float64)",
    ]


def test_nothing_hangs_over_where_a_wrong_number_has_no_name():
    first = repr(check("04-perplexity", lambda logits, labels: np.cos(logits.sum() + 7.3 * labels[0]))).splitlines()[0]
    assert first == "04-perplexity: not yet: 0 of 2 inputs right."


def test_a_difference_beyond_the_digits_shown_is_shown_with_all_of_them():
    def off(logits, y):
        return xentlib.softmax_cross_entropy_with_grad(logits, y)[1] * (1 + 1e-8)

    expected, got = repr(check("05-gradient", off)).splitlines()[2:]
    assert expected.split()[1:] != got.split()[1:]


def test_equal_entries_are_told_but_not_the_value_to_predict():
    told = repr(check("05-signs", [0.23, 0.7, 0.1]))
    assert "Right: only entry 0." in told
    assert "0.86" not in told


# Named mistakes through lists, tuples, other dtypes and other clothes


@pytest.mark.parametrize(
    "clothes",
    [list, tuple, np.array, lambda a: np.array(a, dtype=np.float32), np.ma.array, np.atleast_2d, sympy.Matrix, str],
)
def test_a_value_may_come_as_any_sequence(clothes):
    assert check("05-signs", clothes([0.23, 0.63, -0.86]))
    assert "This is q" in repr(check("05-signs", clothes([0.23, 0.63, 0.14])))


@pytest.mark.parametrize("number", [log(10), np.float64(2.302585), Decimal("2.302585"), sympy.Float(2.302585)])
def test_a_value_may_be_any_kind_of_number(number):
    assert check("04-guess", number)


def test_a_zero_is_shown_without_its_sign():
    assert show(np.array([-0.0, 1.0, -1e-9])) == "[0, 1, -1e-09]"


@pytest.mark.parametrize("shift", [0, -3, 1e6, -1e6, 0.1])
@pytest.mark.parametrize("scores", [[0.0, 1.95, 0.69], [-2.3, -0.36, -1.61], [-1.95, 0, -1.25], np.log([1, 7, 2])])
def test_all_scores_that_lead_to_the_probabilities_are_right(scores, shift):
    """Two decimals are enough, however they are rounded."""
    assert check("02-scores", np.add(scores, shift))


def test_scores_may_be_integers_of_few_bits_and_need_not_be_finite_to_get_an_answer():
    assert "No entry is right." in repr(check("02-scores", np.array([0, 2, 1], dtype=np.uint8)))
    for scores in ([0, np.inf, 0], [-np.inf] * 3, [0, np.nan, 1], [1e308, -1e308, 0]):
        assert "02-scores: not yet. " in repr(check("02-scores", scores))


@pytest.mark.parametrize("scores", [[0, 1.95, 0.74], [0, 2, 0.7], [0, 1.9, 0.7], [0, 1.95], [0, 1.95, 0.69, 0]])
def test_scores_that_lead_elsewhere_are_not(scores):
    assert "02-scores: not yet. " in repr(check("02-scores", scores))


def gradient_at(logits, label):
    return xentlib.softmax_cross_entropy_with_grad(logits, label)[1]


PET = np.array([[3, -1], [1, 2], [-2, -1]]) @ [0.5, 1]


@pytest.mark.parametrize(
    ("id", "forward", "given"),
    [
        ("01-who", lambda p: [-p @ np.log2([1 / 2, 1 / 4, 1 / 4]), -p @ np.log2([1 / 4, 1 / 2, 1 / 4])], [1.8, 1.3]),
        ("03-biases", lambda bias: xentlib.softmax(PET + bias), [0.5, 0.25, 0.25]),
        ("04-lead", lambda lead: xentlib.softmax_cross_entropy([lead] + 9 * [0.0], 0), 0.1),
        ("05-logits", lambda logits: gradient_at(logits, 2), [0.1, 0.25, -0.6, 0.25]),
        ("07-scores", lambda scores: [*gradient_at(scores, 1), 1 / np.exp(scores).sum()], [0.4, -0.9, 0.5, 0.05]),
        ("08-rest", lambda decay: resting_place(decay), 0.8),
    ],
)
def test_an_answer_that_goes_back_leads_forward_to_what_was_given(id, forward, given):
    """And what each mistake leads to is something else."""
    np.testing.assert_allclose(forward(np.asarray(find(id).answer)), given, atol=1e-6)
    for mistake in find(id).mistakes:
        assert not np.allclose(forward(np.asarray(mistake.wrong)), given, rtol=0, atol=0.002)


def resting_place(decay):
    """Return the probability of dog where the flow with weight decay comes to rest."""
    logits = np.zeros(3)
    for _ in range(1000):
        logits += 0.1 * ([0, 1, 0] - xentlib.softmax(logits) - decay * logits)
    return xentlib.softmax(logits)[1]


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("01-who", (sympy.Rational(1, 5), 0.7, Decimal("0.1"))),
        ("03-biases", [0.19, -2.5, 2]),
        ("03-biases", np.array([-2, -4.69, -0.19]) + 7),
        ("04-lead", 4.45),
        ("04-lead", log(9) - log(exp(sympy.Rational(1, 10)) - 1)),
        ("05-logits", [0, 0.92, 1.39, 0.92]),
        ("05-logits", (log(2), log(5), log(8), log(5))),
        ("07-scores", [2.08, 0.69, 2.3]),
        ("07-scores", [3 * log(2), log(2), log(10)]),
        ("08-rest", 0.144),
        ("08-rest", 1 / log(1024)),
    ],
)
def test_the_input_that_leads_to_a_result_may_come_in_other_clothes(id, answer):
    assert check(id, answer)


@pytest.mark.parametrize(
    ("id", "answer", "told"),
    [
        ("01-who", [0.1, 0.7, 0.2], "order"),
        ("01-who", [0.2, 0.3, 0.5], "Right: only entry 0."),
        ("03-biases", [-0.69, -1.39, -1.39], "W x, is a part of them"),
        ("03-biases", [0.19, -2.5, 1.9], "No entry is right."),
        ("04-lead", 4.4, "rounded too far"),
        ("04-lead", -4.45, "The sign is turned round"),
        ("04-lead", 4.5, "shows in the second decimal"),
        ("05-logits", [-2.3, -1.39, -0.51, -1.39], "the true class has the probability 0.4"),
        ("05-logits", [0.1, 0.25, -0.6, 0.25], "the gradient itself"),
        ("07-scores", [-0.92, -2.3, -0.69], "their exponentials sum to 1"),
        ("07-scores", [0.9, 0.3, 1.0], "to base 10"),
        ("08-rest", 0.14, "rounded too far"),
        ("08-rest", 6.93, "one over|upside down|ratio"),
        ("08-rest", 0.962, "AdamW"),
    ],
)
def test_a_wrong_way_back_is_named(id, answer, told):
    verdict = repr(check(id, answer))
    assert verdict.startswith(f"{id}: not yet. ")
    assert re.search(told, verdict)


@pytest.mark.parametrize("exercise", of_kind("explain"))
def test_the_right_option_is_not_the_longest(exercise):
    lengths = {letter: len(text) for letter, text in checking.lettered(exercise.options)}
    assert lengths.pop(exercise.answer) < max(lengths.values())


def test_descent_takes_as_long_from_behind_to_ahead_as_its_exercise_says():
    logits, n_steps = np.array([6.0, 0.0, 6.0]), 0
    while logits[1] < logits[0] + 6:
        logits -= 0.05 * xentlib.softmax_cross_entropy_with_grad(logits, 1)[1]
        n_steps += 1
    assert check("08-clock", 0.05 * n_steps)


@pytest.mark.parametrize("shift", [np.min, np.mean, np.median, lambda row: row[0], lambda row: row[-1]])
def test_only_the_largest_logit_is_a_shift_that_keeps_softmax_from_overflowing(shift):
    """Two rows a thousand above and below zero do not show it: all their logits are near each other."""

    def shifted(z):
        weights = np.exp(z - np.apply_along_axis(shift, -1, z)[..., np.newaxis])
        return weights / weights.sum(axis=-1, keepdims=True)

    assert "02-softmax: not yet: 4 of 5 inputs right." in repr(check("02-softmax", shifted))


S = sum_over(l, exp(z[l] / T))


@pytest.mark.parametrize(
    "clothes",
    [
        exp(z[i] / T) / S / T - KroneckerDelta(y, i) / T,
        diff(-z[y] / T + log(S), z[i]),
        exp((z[i] - m) / T) / sum_over(l, exp((z[l] - m) / T)) / T - Piecewise((1 / T, sympy.Eq(i, y)), (0, True)),
        sympy.Derivative(-log(exp(z[y] / T) / S), z[i]),
    ],
    ids=["another index", "derived by SymPy", "shifted, in cases", "derivative not taken"],
)
def test_an_equal_expression_in_other_clothes_is_accepted(clothes):
    assert "solved. Equal to the reference for every K" in repr(check("05-temperature", clothes))


def test_what_is_equal_but_beyond_the_proof_is_accepted_by_a_spot_check():
    beyond = sum_over(j, j) - K * (K - 1) / 2
    told = repr(check("05-temperature", find("05-temperature").answer + beyond))
    assert "solved. Equal to the reference at every point tried, for K = 2 to 13 (a spot check, no proof)." in told
    assert "The proof has no rule for a part of it. j: a class index is not a number here" in told


def test_the_reference_itself_is_solved_though_there_is_nothing_to_prove():
    assert "the same expression" in repr(check("05-temperature", find("05-temperature").answer))


@pytest.mark.parametrize(
    "answer", [z[j + 1], z[2] * T, sympy.Abs(z[i]), sympy.Float(0.5) * z[i], z[i] / sympy.Integer(0)]
)
def test_a_wrong_answer_beyond_the_grammar_is_not_yet(answer):
    assert repr(check("05-temperature", answer)).startswith("05-temperature: not yet. ")


def test_what_is_wrong_is_refuted_by_numbers():
    told = repr(check("05-temperature", find("05-temperature").answer + sympy.Rational(1, 1000)))
    assert re.search(r"at K = 2, .*T = .*: yours is .*, the right one ", told)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (True, "got a value of type bool"), ("z", "Write it without the quotes"), (sympy.eye(2), "got a value of type"),
        (sympy.Eq(z[i], 1), "Give its right side alone"), (lambda: z[i], "got a value of type function"),
    ],
)  # fmt: skip
def test_what_is_no_expression_is_told_what_it_is(answer, told):
    assert told in repr(check("05-temperature", answer))


def test_an_answer_in_other_terms_than_asked_for_is_told_which_are_not_needed():
    told = "The right answer needs no p: read again in which terms it is asked for."
    assert told in repr(check("04-raise", log(sum_over(j, exp(p[j]))) - p[y]))
    assert "needs no" not in repr(check("05-temperature", exp(z[i]) / T))


def in_plain_symbols(expression):
    """Return an expression as somebody writes it who declares all symbols without assumptions."""
    bases = {base: sympy.IndexedBase(str(base)) for base in expression.atoms(sympy.IndexedBase)}
    return expression.xreplace({**{s: sympy.Symbol(s.name) for s in expression.atoms(sympy.Symbol)}, **bases})


@pytest.mark.parametrize("exercise", of_kind("derive"))
def test_symbols_may_be_declared_without_assumptions(exercise):
    assert check(exercise.id, in_plain_symbols(exercise.answer))
    told = repr(check(exercise.id, in_plain_symbols(-exercise.answer)))
    assert "minus the right answer" in told or any(mistake.feedback in told for mistake in exercise.mistakes)


@pytest.mark.parametrize("n", [sympy.Symbol("n"), sympy.Symbol("n", integer=True), sympy.Symbol("n", positive=True)])
def test_a_sum_over_an_index_of_the_learners_own_is_proved(n):
    assert "for every K" in repr(check("01-uniform", sum_over(n, p[n] * log(K * p[n]))))


def test_an_entry_may_be_a_symbol_with_an_underscore_as_in_the_chapters():
    q_y, q_i = sympy.symbols("q_y q_i")
    assert check("04-raise", log(1 + (1 - q_y) / q_y * exp(-c)))
    assert check("04-raise", -log(q_y * exp(c) / (1 - q_y + q_y * exp(c))))
    assert check("09-third", q_i * (1 - q_i) * (1 - 2 * q_i))
    assert not check("09-third", q_i * (1 - q_y) * (1 - 2 * q_i))


def softmax_of_z(index):
    return exp(z[index]) / sum_over(l, exp(z[l]))


@pytest.mark.parametrize("id", ["06-entropy", "06-either", "09-third", "11-push", "12-own-say", "12-forgive"])
def test_softmax_may_be_written_out_where_q_was_expected(id):
    right = find(id).answer
    entries = [entry for entry in right.atoms(sympy.Indexed) if entry.base == q]
    written_out = right.xreplace({entry: softmax_of_z(entry.indices[0]) for entry in entries})
    assert check(id, written_out)
    assert not check(id, 2 * written_out)


def test_what_is_right_in_q_is_told_to_write_softmax_out_where_the_task_says_so():
    told = "This is right with q for softmax."
    assert told in repr(check("05-weights", q[i] * sum_over(j, p[j]) - p[i]))
    assert told in repr(check("05-temperature", (q[i] - KroneckerDelta(i, y)) / T))
    assert told not in repr(check("05-temperature", (q[i] + KroneckerDelta(i, y)) / T))


def test_symbols_that_are_not_the_books_are_named():
    assert "w is none of the symbols" in repr(check("05-temperature", sympy.Symbol("w") + T))


def test_an_index_compared_by_python_is_told_to_be_compared_at_once():
    told = repr(check("04-slope-epsilon", -(i == y) / (q[y] + c)))
    assert "Python's `i == y` asks at once whether the two names are the same" in told


@pytest.mark.parametrize("behind", [0.0, -5.0, -16.0, -16.2, -16.6])
def test_numbers_that_differ_are_not_said_to_agree(behind):
    told = repr(check("04-epsilon", [behind, 0.0]))
    assert told.startswith("04-epsilon: not yet: the two do not differ enough here: a fault is ")
    assert ("ε is larger than q_y" in told) == (xentlib.softmax([behind, 0.0])[0] < 1e-7)
    assert check("04-epsilon", [-17.0, 0.0])


def test_an_answer_may_use_that_probabilities_sum_to_one():
    cat, dog = KroneckerDelta(0, j), KroneckerDelta(1, j)
    pair = 1 - sum_over(j, q[j] * (1 - cat - dog))
    slope = q[k] - (q[0] * KroneckerDelta(0, k) + q[1] * KroneckerDelta(1, k)) / pair
    assert check("06-either", slope)
    assert re.search(r"q = \(0\.\d+, 0\.\d+", repr(check("06-either", 2 * slope)))


@pytest.mark.parametrize("form", [list, tuple, np.array])
def test_symptoms_are_the_numbers_that_come_out(form):
    """The 0 and the NaN that a learner reads off, and not words for them."""
    symptoms = [np.nan, np.inf, 0, 50.0, np.nan]
    assert check("11-symptoms", form(symptoms))
    for n, letter in enumerate("ABCDE"):
        wrong = form([7.0 if place == n else right for place, right in enumerate(symptoms)])
        assert f"Look at {letter} again" in repr(check("11-symptoms", wrong))
    assert "Look at C again" in repr(check("11-symptoms", form([np.nan, np.inf, np.exp(-30), 50, np.nan])))


def test_a_shift_by_the_mean_is_to_blame_only_where_the_maximum_is_right():
    for logits in ([0, 40, 0], [1e308, -1e308, 0]):  # there the zero, or the overflow, is no fault of the mean
        assert not check("11-mean-shift", logits)
    assert "with the maximum, too" in repr(check("11-mean-shift", [0, 40, 0]))
    assert check("11-mean-shift", [0, 1500, 0])


# Learner's code: loops, exceptions, printing, mutation, views


def endless(logits, y):
    while True:
        pass


def endless_that_catches_everything(logits, y):
    while True:
        try:  # noqa: SIM105, what a learner writes
            sum(range(1000))
        except BaseException:
            pass


def asleep(logits, y):
    time.sleep(60)


@pytest.mark.parametrize("loop", [endless, endless_that_catches_everything, asleep])
def test_an_endless_loop_is_stopped_by_a_timer(loop, short_limit):
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    started = time.monotonic()
    result = check("05-gradient", loop)
    assert time.monotonic() - started < 10
    assert "was still running after 0.3 seconds: stopped by a timer." in repr(result)
    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)) == before


def test_a_handler_for_exceptions_does_not_hide_that_time_is_up(short_limit):
    def gives_up(logits, y):
        try:
            endless(logits, y)
        except Exception:
            return find("05-gradient").answer(logits, y)

    assert "was still running" in repr(check("05-gradient", gives_up))


@pytest.mark.parametrize("exercise", of_kind("code"))
def test_every_code_exercise_stops_an_endless_loop(exercise, monkeypatch):
    monkeypatch.setattr(guard, "LIMIT", 0.05)
    assert "stopped by a timer" in repr(check(exercise.id, lambda *args: endless(0, 0)))


def endless_on_one_line(logits, y):
    while True: pass  # noqa: E701  # fmt: skip


def in_a_thread(function):
    """Return what a function returns in a thread other than the main one."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result()


@pytest.mark.parametrize("loop", [endless, endless_on_one_line, asleep])
def test_an_endless_loop_is_stopped_in_other_threads_too_and_the_message_says_how(loop, short_limit):
    assert "stopped by another thread" in repr(in_a_thread(lambda: check("05-gradient", loop)))


def test_nothing_of_an_endless_loop_goes_on_in_its_thread(short_limit):
    before = set(threading.enumerate())
    in_a_thread(lambda: check("05-gradient", endless))
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


def test_in_another_thread_a_right_answer_is_still_right():
    assert in_a_thread(lambda: check("05-gradient", find("05-gradient").answer))


def test_in_another_thread_an_exception_and_the_users_interrupt_are_what_they_are_in_the_main_one():
    def interrupted(logits, y):
        raise KeyboardInterrupt

    def broken(logits, y):
        return logits[7]

    assert repr(in_a_thread(lambda: check("05-gradient", broken))) == repr(check("05-gradient", broken))
    with pytest.raises(KeyboardInterrupt):
        in_a_thread(lambda: check("05-gradient", interrupted))


def test_a_limit_costs_a_long_computation_no_more_than_the_same_again():
    """What a symbolic answer takes is SymPy's: tracing each of its lines made it seven times as long."""

    def seconds(call):
        clear_cache()
        started = time.process_time()
        call(prove)
        return time.process_time() - started

    def prove():
        return symbolic.assert_identity(find("05-temperature").answer, (exp(z[i] / T) / S - KroneckerDelta(i, y)) / T)

    free = min(seconds(lambda prove: prove()) for _ in range(2))
    assert min(seconds(lambda prove: in_a_thread(lambda: guard.run(prove))) for _ in range(2)) < 2 * free


@pytest.fixture
def in_the_browser(monkeypatch):
    """Pretend to have neither a timer nor threads; tests/browser/test_lite.py has the real thing."""
    if sys.version_info < (3, 12):
        pytest.skip("Python in the browser has sys.monitoring")
    monkeypatch.setattr(sys, "platform", "emscripten")


@pytest.mark.parametrize("loop", [endless, endless_on_one_line, endless_that_catches_everything])
def test_an_endless_loop_is_stopped_in_the_browser_too_and_the_message_says_how(loop, short_limit, in_the_browser):
    assert "stopped by a look at the clock" in repr(check("05-gradient", loop))
    assert check("05-gradient", find("05-gradient").answer)
    assert sys.monitoring.get_events(guard.TOOL) == 0


def test_a_library_that_computes_for_ever_is_stopped_in_the_browser_too(in_the_browser):
    outcome = guard.run(lambda: sympy.expand((T + K + m) ** 1000), limit=0.3)
    assert "stopped by a look at the clock" in outcome.failure


def test_an_answer_that_never_ends_when_it_is_looked_at_is_stopped(monkeypatch):
    class Slow:
        def __array__(self, dtype=None, copy=None):
            return endless(0, 0)

    monkeypatch.setattr(checking, "LONGEST_CHECK", 0.3)
    assert "could not be looked at: it was still running" in repr(check("05-signs", Slow()))


def test_a_proof_that_takes_too_long_leaves_the_spot_check(monkeypatch):
    monkeypatch.setattr(symbolic, "assert_identity", lambda *args, **kwargs: endless(0, 0))
    monkeypatch.setattr(checking.expression, "LONGEST_PROOF", 0.1)
    assert "spot check" in repr(check("05-temperature", exp(z[i] / T) / S / T - KroneckerDelta(y, i) / T))


def test_the_users_own_interrupt_gets_through():
    def interrupted(logits, y):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("05-gradient", interrupted)


def test_an_exception_is_shown_with_the_learners_own_line():
    def helper(logits):
        return np.reshape(logits, (7, 7))  # this line

    told = repr(check("05-gradient", lambda logits, y: helper(logits)))
    assert "raised ValueError: cannot reshape array of size 3 into shape (7,7)" in told
    assert f"in line {helper.__code__.co_firstlineno + 1}: return np.reshape(logits, (7, 7))  # this line" in told


@pytest.mark.parametrize(
    "error", [ValueError(object()), SystemExit(3), GeneratorExit(), RecursionError(), MemoryError()]
)
@pytest.mark.parametrize("exercise", of_kind("code"))
def test_no_exception_gets_out_and_no_address_is_shown(exercise, error):
    def broken(*args):
        raise error

    told = repr(check(exercise.id, broken))
    assert f"raised {type(error).__name__}" in told
    assert " at 0x" not in told


def test_endless_recursion_is_an_error_like_any_other():
    def again(logits, y):
        return again(logits, y)

    assert "raised RecursionError" in repr(check("05-gradient", again))


def test_arguments_that_do_not_fit_are_told_before_the_call():
    assert "It is called as f(logits, y), and does not take these arguments" in repr(check("05-gradient", lambda z: z))


@pytest.mark.parametrize("exercise", of_kind("code"))
def test_printing_and_warning_do_no_harm(exercise, capsys):
    def chatty(*args):
        print("here")
        warnings.warn("careful", stacklevel=1)
        np.array([1.0]) / 0
        return exercise.answer(*args)

    assert check(exercise.id, chatty)
    captured = capsys.readouterr()
    assert captured.out == "here\n" * len(exercise.inputs)
    assert captured.err == ""


@pytest.mark.parametrize("exercise", of_kind("code"))
def test_an_answer_that_changes_its_input_is_told_so_though_its_value_is_right(exercise):
    def greedy(*args):
        right = exercise.answer(*args)
        args[0][...] = 0
        return right

    name = inspect.signature(exercise.answer).parameters
    assert f"changes its argument `{next(iter(name))}`" in repr(check(exercise.id, greedy))


def test_a_new_shape_is_a_change_too_and_what_is_nan_stays_unchanged():
    def reshaped(logits, y):
        right = find("05-gradient").answer(logits, y)
        logits.shape = (1, -1)
        return right

    assert "changes its argument `logits`" in repr(check("05-gradient", reshaped))
    assert is_unchanged(np.array([np.nan]), np.array([np.nan]))


def test_no_call_sees_what_an_earlier_one_did_to_its_input():
    exercise = find("05-gradient")
    before = repr(exercise.inputs)
    check(exercise.id, lambda logits, y: logits.sort() or logits)
    assert check(exercise.id, exercise.answer)
    assert repr(exercise.inputs) == before


def test_a_view_of_the_input_or_one_buffer_used_again_is_an_answer_like_any_other():
    assert "not yet: 0 of 4 inputs right." in repr(check("05-gradient", lambda logits, y: logits[:]))
    buffers = {}

    def reuse(logits, y):
        buffer = buffers.setdefault(len(logits), np.empty(len(logits)))
        buffer[:] = find("05-gradient").answer(logits, y)
        return buffer

    assert check("05-gradient", reuse)


# The engine on exercises made for the purpose


def made(kind, answer, **more):
    filled = {"title": "t", "task": "t", "hints": ("a", "b", "c"), "mistakes": (), "difficulty": 1, "minutes": 1}
    return Exercise(id="99-made", kind=kind, answer=answer, **{**filled, **more})


def test_an_ordering_may_be_written_in_any_way_that_leaves_no_doubt():
    exercise = made("predict", ("cat", "dog"), mistakes=(Mistake("Turned round.", ("dog", "cat")),))
    for right in (["cat", "dog"], ["Cat", "dog "], "cat dog", "cat < dog", "cat, dog", np.array(["cat", "dog"])):
        assert checking.judge(exercise, right)
    for turned in (["dog", "cat"], "dog, cat"):
        assert "Turned round." in repr(checking.judge(exercise, turned))
    for wrong in (["cat"], "catdog", "dog > cat", "cat > dog", ["cat", "dog", "dog"], [1, 2]):
        assert not checking.judge(exercise, wrong)


def test_a_word_may_have_any_case_and_a_truth_value_is_compared_exactly():
    assert checking.judge(made("predict", "cat"), "Cat ")
    assert not checking.judge(made("predict", "cat"), "cats")
    assert checking.judge(made("predict", True), np.True_)
    assert not checking.judge(made("predict", True), 1)
    assert not checking.judge(made("predict", 1), True)


NUMBERS = {
    "0.5": 0.5, " 1/2 ": 0.5, "½": 0.5, "1½": 1.5, "-¼": -0.25, "−3": -3, "50 %": 0.5, "2,048": 2048, "1e-3": 1e-3,
    "nan": np.nan, "NaN": np.nan, "np.inf": np.inf, "−∞": -np.inf,
}  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_may_be_written_as_text(text):
    assert checking.judge(made("predict", NUMBERS[text]), text)
    assert checking.judge(made("predict", [NUMBERS[text], 7.0]), [text, "7"])


@pytest.mark.parametrize("text", ["", "0.5 nats", "1/0", "0,5", "half", "1,2", "%", "/", "0x10", "1½½"])
def test_what_can_be_read_in_two_ways_or_in_none_is_no_number(text):
    assert "got a string" in repr(checking.judge(made("predict", 0.5), text))


def test_the_tolerance_is_the_exercises_own():
    loose, tight = made("predict", 100.0, rtol=0.01), made("predict", 100.0, rtol=1e-9)
    assert checking.judge(loose, 100.9)
    assert not checking.judge(loose, 101.2)
    assert not checking.judge(tight, 100.9)
    told = repr(checking.judge(loose, 102))
    assert "You are near, but the right value is smaller. Within 1 % of the right value is near enough." in told
    assert "the right value is smaller. The exact value is asked for." in repr(checking.judge(tight, 100.9))
    assert not checking.judge(made("predict", 1e-18, rtol=0.01, atol=0), 0.0)


def test_the_dtype_counts_where_the_exercise_says_so():
    def narrow(a):
        return a.astype(np.float32)

    def same(a):
        return a

    inputs = (([1.0, 2.0],),)
    assert checking.judge(made("code", narrow, inputs=inputs), same)
    told = repr(checking.judge(made("code", narrow, inputs=inputs, dtype=True), same))
    assert "Asked for the dtype float32; got float64." in told


def test_values_that_give_the_same_are_the_same_answer():
    def remainder(a):
        return a % 10

    exercise = made("predict", [1, 2], through=remainder, mistakes=(Mistake("Turned round.", [2, 1]),))
    for right in ([1, 2], [11, 22], np.array([101, 2], dtype=np.uint8), [1.0, 12.0]):
        assert repr(checking.judge(exercise, right)) == "99-made: solved. It gives [1, 2]."
    told = repr(checking.judge(exercise, [32, 41]))
    assert "Turned round." in told
    assert told.endswith("got  [32, 41]  (array of shape (2,), int64), which gives [2, 1]")
    assert "Right: only entry 0." in repr(checking.judge(exercise, [11, 23]))
    assert "Asked for: an array of numbers of shape (2,); got a number." in repr(checking.judge(exercise, 11))


def test_several_values_are_compared_one_by_one():
    def both(a):
        return a.sum(), a

    exercise = made("code", both, inputs=(([1.0, 2.0],),))
    assert checking.judge(exercise, both)
    assert not checking.judge(exercise, lambda a: (a.sum(), 2 * a))
    assert not checking.judge(exercise, lambda a: (a.sum() + 1, a))
    assert not checking.judge(exercise, lambda a: a)
    assert "Part 1: Asked for" in repr(checking.judge(exercise, lambda a: (a.sum(), 3)))


def test_a_mistake_must_be_made_on_all_inputs():
    exercise = made(
        "code", lambda a: a + 1, inputs=(([1.0],), ([2.0],)), mistakes=(Mistake("Nothing added.", lambda a: a),)
    )
    assert "Nothing added." in repr(checking.judge(exercise, lambda a: a))
    assert "Nothing added." not in repr(checking.judge(exercise, lambda a: a if a[0] == 1 else 5 * a))


def test_what_is_not_allowed_as_input_does_not_count_though_the_fault_would_show():
    assert not check("05-two-steps", [np.inf, 0, 0])
    assert "all logits must be finite" in repr(check("05-two-steps", [np.inf, 0, 0]))
    assert "array of shape (3,)" in repr(check("05-two-steps", [800, 0]))
    assert "the true gradient, too, is 0" in repr(check("05-flat-zero", [0, 800, 0]))


@pytest.mark.parametrize("exercise", of_kind("break"))
def test_a_verdict_says_in_words_what_each_of_its_two_numbers_is(exercise):
    faulty, right = exercise.outcomes
    assert (faulty, right) != Exercise.outcomes
    told = repr(check(exercise.id, exercise.answer)).splitlines()
    assert [told[-2].startswith(f"  {faulty}  "), told[-1].startswith(f"  {right}  ")] == [True, True]
    assert not re.search(r"^\s*(faulty|right)\b", "\n".join(told), re.MULTILINE)


def test_a_verdict_says_from_which_difference_on_a_fault_counts():
    assert "a fault is a difference of more than 1 %." in repr(check("02-rounded", [0.0, 30.0]))
    assert "a fault is a difference of more than 1." in repr(check("04-epsilon", [-5.0, 0.0]))
    assert "the two are the same here" in repr(check("12-cap", [0.0, 1.0, 2.0]))


def test_a_faulty_function_that_raises_shows_its_fault():
    exercise = made("break", [0.0], faulty=lambda a: 1 / 0, right=lambda a: a, legal=lambda a: "")
    assert "raised ZeroDivisionError" in repr(checking.judge(exercise, [0.0]))
    assert checking.judge(exercise, [0.0])


# Ids


def test_an_unknown_id_gets_the_nearest():
    result = check("05-gradeint", 3)
    assert not result
    assert repr(result).startswith("There is no exercise '05-gradeint'. Nearest: 05-gradient, ")
    assert repr(hint("05-gradeint")) == repr(result)


@pytest.mark.parametrize("id", ["", "5", "99-gradient", "05", "05-", "../05-gradient", "٠٥-gradient", "x" * 1000])
def test_any_string_is_answered(id):
    assert "There is no exercise" in repr(check(id, 3))


@pytest.mark.parametrize("id", [None, 5, np.zeros(3), len, ["05-gradient"]])
def test_what_is_no_id_is_told_that_the_id_comes_first(id):
    assert "The id of the exercise comes first" in repr(check(id, "05-gradient"))
    assert "The id of the exercise comes first" in repr(hint(id))


def test_a_chapter_is_loaded_when_an_id_asks_for_it():
    code = "import sys; from xentlib.teaching.exercises import check; check('05-signs', 1)\n"
    code += "print(*sorted(name[-2:] for name in sys.modules if '.chapter_' in name))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert loaded.split() == ["05"]


# Hints


def test_three_hints_come_one_by_one_and_then_no_more():
    exercise = find("05-batch")
    for n, words in enumerate(exercise.hints, 1):
        assert repr(hint("05-batch")) == f"05-batch, hint {n} of 3: {words}"
    for _ in range(2):
        assert repr(hint("05-batch")) == ("05-batch: no more hints. The chapter has a link to the solution.")
    assert "hint 1 of 3" in repr(hint("05-signs"))  # each exercise counts for itself


# Progress


def solve(id="05-signs", **options):
    return check(id, find(id).answer, **options)


def test_a_solved_exercise_is_remembered_beyond_the_session(record_file, monkeypatch):
    assert "0 of 10" in progress()
    solve()
    monkeypatch.setattr(record, "_remembered", set())  # as after a restart
    assert "5 The gradient" in progress()
    assert re.search(r"■□{9}  1 of 10", progress())
    assert json.loads(record_file.read_text()) == {"solved": ["05-signs"]}
    assert progress().endswith(f"1 of {len(ALL)} solved")


def test_only_what_is_solved_is_written(record_file):
    check("05-signs", [0, 0, 0])
    check("05-signs", ...)
    hint("05-signs")
    progress()
    solve(record=False)
    assert not record_file.exists()


def test_solving_twice_writes_once(record_file):
    solve()
    os.utime(record_file, (0, 0))
    solve()
    assert record_file.stat().st_mtime == 0
    solve("05-gradient")
    assert json.loads(record_file.read_text())["solved"] == ["05-gradient", "05-signs"]


def test_what_else_the_file_holds_is_kept(record_file):
    record_file.write_text('{"solved": ["99-later"], "name": "Ada"}')
    solve()
    assert json.loads(record_file.read_text()) == {"solved": ["05-signs", "99-later"], "name": "Ada"}


DAMAGED = ["", "{", "[]", "3", "null", '{"solved": 3}', '{"solved": [3]}', '{"other": []}', "\x00\x01", "[" * 10**5]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_told_once_kept_and_begun_anew(record_file, text):
    record_file.write_text(text)
    told = repr(solve())
    copy = record_file.with_name("progress.json.damaged")
    assert f"(progress starts anew: {record_file} was damaged, and is now {copy})" in told
    assert copy.read_text() == text
    assert json.loads(record_file.read_text()) == {"solved": ["05-signs"]}
    assert "anew" not in repr(solve("05-gradient"))
    assert "anew" not in progress()


def test_progress_tells_of_a_damaged_file_too_and_never_overwrites_a_copy(record_file):
    for n, text in enumerate(["first", "second"]):
        record_file.write_text(text)
        assert "starts anew" in progress()
        assert record_file.with_name(f"progress.json.damaged{n or ''}").read_text() == text
        assert "anew" not in progress()


def test_bytes_that_are_no_text_are_damage(record_file):
    record_file.write_bytes(b"\xff\xfe\xff")
    assert "was damaged" in progress()


def test_a_folder_in_its_place_is_put_aside(record_file):
    record_file.mkdir()
    assert "was damaged" in repr(solve())
    assert record_file.is_file()


def test_a_place_that_cannot_be_written_is_told_and_the_session_remembers(tmp_path, monkeypatch):
    monkeypatch.setenv("XENTLIB_PROGRESS", str(tmp_path / "missing" / "progress.json"))
    result = solve()
    assert result
    assert "cannot be written" in repr(result)
    assert "1 of 10" in progress()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(record_file, monkeypatch):
    solve()
    old = record_file.read_text()

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record.os, "replace", fail)
    assert "No space left" in repr(solve("05-gradient"))
    assert record_file.read_text() == old
    assert list(record_file.parent.iterdir()) == [record_file]


def test_the_file_lies_in_the_working_folder_or_nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XENTLIB_PROGRESS", "")
    assert solve()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.delenv("XENTLIB_PROGRESS")
    solve()
    assert [path.name for path in tmp_path.iterdir()] == [".xentlib-progress.json"]


def test_git_ignores_the_file_and_its_copies():
    names = ["chapters/.xentlib-progress.json", ".xentlib-progress.json.damaged"]
    ignored = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True)
    if ignored.returncode == 128:
        pytest.skip("not a git repository")
    assert ignored.stdout.split() == names
