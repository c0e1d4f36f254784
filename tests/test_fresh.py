"""Exercises with other numbers than the book's: as they are with the book's, and told apart with any."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from xentlib.teaching.exercises import all_exercises, check, checking, find, fresh, score
from xentlib.teaching.exercises.exercise import Mistake
from xentlib.teaching.exercises.points import MIME

PREDICTED = [find(id) for id in fresh.NUMBERS]
CODED = [find(id) for id in fresh.INPUTS]
SEEDS = range(8)


def by_id(exercise):
    return exercise.id


def wrong_with(exercise):
    """Yield where an exercise and its own with the book's numbers differ."""
    numbers = fresh.NUMBERS[exercise.id]
    again = fresh.with_numbers(exercise, *numbers.book)
    text = exercise.title + exercise.task + "".join(mistake.feedback for mistake in exercise.mistakes)
    yield from (f"{words!r} is not in it" for words in numbers.words if words not in text)
    if not checking.judge(exercise, again.answer):
        yield f"the answer is {again.answer}"
    for mistake, own in zip(again.mistakes, exercise.mistakes, strict=False):
        if not np.allclose(mistake.wrong, own.wrong, rtol=1e-3, atol=2e-4):  # the book's are rounded
            yield f"{own.feedback!r} is {mistake.wrong}"


@pytest.mark.parametrize("exercise", PREDICTED, ids=by_id)
def test_with_the_numbers_of_the_book_it_is_the_book_s(exercise):
    assert list(wrong_with(exercise)) == []


def test_another_word_in_the_book_and_another_mistake_are_found():
    exercise = find("03-count")
    other = Mistake("Another one.", 1)
    assert [*wrong_with(replace(exercise, task="How many?"))] == ["'10 classes from 64 features' is not in it",
                                                                "'on 32 images' is not in it"]  # fmt: skip
    assert len([*wrong_with(replace(exercise, mistakes=(other, *exercise.mistakes)))]) == 3
    assert [*wrong_with(replace(exercise, answer=651))] == ["the answer is 650"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", PREDICTED, ids=by_id)
def test_other_numbers_have_their_answer_and_their_mistakes(exercise, seed):
    again = fresh.renewed(exercise, seed)
    assert again.task != exercise.task
    assert checking.judge(again, again.answer)
    assert not checking.judge(again, exercise.answer) or np.allclose(
        again.answer, exercise.answer, rtol=0.02, atol=0.01
    )
    assert len(again.mistakes) == len(exercise.mistakes)
    for mistake in again.mistakes:
        assert checking.judge(again, mistake.wrong).named == mistake.feedback


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", CODED, ids=by_id)
def test_other_inputs_come_before_those_of_the_book(exercise, seed):
    again = fresh.renewed(exercise, seed)
    assert again.inputs[fresh.FRESH_INPUTS :] == exercise.inputs
    assert checking.judge(again, exercise.answer)


@pytest.mark.parametrize("exercise", CODED, ids=by_id)
def test_a_mistake_keeps_its_name_on_other_inputs(exercise):
    again = fresh.renewed(exercise, 3)
    for mistake in exercise.mistakes:
        assert checking.judge(again, mistake.wrong).named == mistake.feedback


def test_a_function_that_knows_the_inputs_of_the_book_alone_is_found_out():
    by_heart = {repr(arguments): find("05-gradient").answer(*map(np.array, arguments[:1]), arguments[1])
                for arguments in find("05-gradient").inputs}  # fmt: skip

    def learned(logits, y):
        return by_heart.get(repr((logits.tolist(), y)), np.zeros(len(logits)))

    assert check("05-gradient", learned, record=False)
    assert "4 of 6 inputs right" in repr(check("05-gradient", learned, record=False, seed=1))


def test_a_seed_gives_the_same_numbers_each_time_and_everywhere():
    """Those of RandomState are promised never to change: a sheet of last year can be graded."""
    assert fresh.renewed(find("05-signs"), 2026).task.startswith(
        "The scores are $(1, 2, 1.5)$, and the photo shows a cat"
    )
    assert fresh.renewed(find("03-count"), 2026).answer == fresh.renewed(find("03-count"), 2026).answer
    assert len({fresh.renewed(find("03-count"), seed).answer for seed in range(20)}) > 15


def test_what_has_no_numbers_to_draw_stays_as_it_is():
    for exercise in all_exercises():
        renewed = fresh.renewed(exercise, 1)
        assert (renewed is exercise) != fresh.can_be_renewed(exercise)
        assert fresh.renewed(exercise, None) is exercise
    assert all(find(id).kind == "predict" for id in fresh.NUMBERS)
    assert all(find(id).kind == "code" for id in fresh.INPUTS)


# Points


def scored(capsys, *arguments, **settings):
    points = score(*arguments, **settings)
    return float(points), capsys.readouterr().out, points._repr_mimebundle_()[MIME]


def overflowing(logits, y):
    return np.exp(logits) / np.exp(logits).sum() - np.eye(len(logits))[y]


@pytest.fixture(autouse=True)
def nothing_recorded(monkeypatch):
    monkeypatch.setenv("XENTLIB_PROGRESS", "")


def test_a_right_answer_earns_all_points(capsys):
    points, said, found = scored(capsys, "05-signs", find("05-signs").answer, 2)
    assert (points, found) == (2, {"outcome": "solved", "what": ""})
    assert said.endswith("Points: 2 of 2\n")
    assert "Hint" not in said


def test_a_mistake_earns_its_name_and_a_hint(capsys):
    points, said, found = scored(capsys, "05-signs", [0.23, 0.63, 0.14], 2)
    assert (points, found) == (0, {"outcome": "named", "what": "This is q: the one-hot was not subtracted."})
    assert "This is q: the one-hot was not subtracted." in said
    assert f"Hint: {find('05-signs').hints[0]}\n" in said


@pytest.mark.parametrize(("partial", "earned"), [(True, 3), (False, 0)])
def test_some_inputs_earn_some_points_if_the_assignment_says_so(capsys, partial, earned):
    assert scored(capsys, "05-gradient", overflowing, 4, partial=partial)[0] == earned


def test_an_input_that_raises_takes_no_points_from_those_before_it(capsys):
    def raising(logits, y):
        if logits[0] == -1000:
            raise ValueError
        return find("05-gradient").answer(logits, y)

    points, _, found = scored(capsys, "05-gradient", raising, 4, partial=True)
    assert points == 3
    assert found["what"].startswith("Your function raised ValueError")


def test_a_hint_that_is_not_allowed_waits_for_the_feedback(capsys, monkeypatch):
    assert "Hint" not in scored(capsys, "05-signs", 1, 2, hints=False)[1]
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert "Hint" in scored(capsys, "05-signs", 1, 2, hints=False)[1]


WITHOUT_A_NAME = {
    "05-signs": ([0.5, 0.25, 7], "[0.5, 0.25, 7]"),
    "05-gradient": (
        lambda logits, y: np.round(np.cos(logits + 3 * y), 3),
        "[-0.654, 0.284, -0.936] for f(logits=[1, 2, 0.5], y=1)",
    ),
    "05-flat-zero": ("x", "Asked for: an input of numbers; got a string."),
}


@pytest.mark.parametrize("id", WITHOUT_A_NAME)
def test_an_answer_without_a_name_is_known_by_its_numbers(capsys, id):
    answer, what = WITHOUT_A_NAME[id]
    assert scored(capsys, id, answer, 1)[2] == {"outcome": "unnamed", "what": what}


@pytest.mark.parametrize(("id", "blank"), [("05-signs", ...), ("05-gradient", lambda logits, y: None)])
def test_no_answer_is_no_wrong_one(capsys, id, blank):
    assert scored(capsys, id, blank, 1)[2] == {"outcome": "not answered", "what": ""}


def test_what_an_answer_says_on_the_standard_error_costs_no_points(capsys):
    def loud(logits, y):
        print("!", file=sys.stderr)
        return find("05-gradient").answer(logits, y)

    points = score("05-gradient", loud, 2)
    assert (float(points), capsys.readouterr().err) == (2, "")


def test_an_assignment_with_an_unknown_exercise_gives_no_points_and_says_so(capsys):
    assert scored(capsys, "05-gradeint", 0, 2)[0] == 0
    assert "There is no exercise '05-gradeint'. Nearest: 05-gradient" in scored(capsys, "05-gradeint", 0, 2)[1]
