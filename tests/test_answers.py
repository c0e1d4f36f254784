"""The table of learners' answers: the right ones are accepted in any form, and the wrong ones get a name."""

import re

import pytest
from answers import RIGHT, UNNAMED, WRONG

from xentlib.teaching import exercises
from xentlib.teaching.exercises import checking, find

IDS = [exercise.id for exercise in exercises.all_exercises()]
INPUT = re.compile(r"^  (tried|got|expected)", re.MULTILINE)


def verdict(id, answer):
    return checking.judge(find(id), answer)


def words(result):
    """Return what a verdict says, without the numbers below it."""
    return INPUT.split(repr(result))[0]


@pytest.mark.parametrize("id", RIGHT)
def test_a_right_answer_is_accepted_in_any_form(id):
    refused = [repr(result) for result in (verdict(id, answer) for answer in RIGHT[id]) if not result]
    assert refused == []


@pytest.mark.parametrize("id", WRONG)
def test_a_wrong_answer_is_told_what_it_is(id):
    told = [(verdict(id, answer), pattern) for answer, pattern in WRONG[id]]
    assert [repr(result) for result, _ in told if result] == []
    assert [(pattern, repr(result)) for result, pattern in told if not re.search(pattern, words(result))] == []


def test_each_exercise_has_a_right_answer_and_three_wrong_ones():
    assert set(RIGHT) == set(WRONG) == set(IDS)
    few = [id for id in RIGHT if not RIGHT[id] or len(WRONG[id]) < 3]
    assert few == []


def test_few_wrong_answers_have_no_name():
    patterns = [pattern for wrong in WRONG.values() for _, pattern in wrong]
    assert len(patterns) > 550
    assert patterns.count(UNNAMED) < len(patterns) / 15
