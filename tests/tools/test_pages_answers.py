"""What a page says of an answer is what `check` says, on the whole table of learners' answers.

The page's checker runs in V8. What a page cannot get, such as SymPy's fractions or a function, is given to it as the
text that a reader would type.
"""

import json
import re
from contextlib import closing, contextmanager

import numpy as np
import pytest
from answers import RIGHT, WRONG
from py_mini_racer import MiniRacer

from tools.pages.answers import data, translation
from xentlib.teaching import exercises
from xentlib.teaching.exercises import checking, find

ANSWERED = [exercise for exercise in exercises.all_exercises() if exercise.kind in data.KINDS]
IDS = [exercise.id for exercise in ANSWERED]
NUMBER = r"(?<![\w.])-?(?:\d+\.?\d*(?:e[+-]\d+)?|nan|inf)(?![\w.]*\w)"
NEARLY_THE_SAME = r"the two do not differ enough here: a fault is a difference of more than [^.]*(\.\d+)?[^.]*(?=\. )"
BY_HAND = ["0.5", "1/2", "½", "1½", "50 %", "1e-3", "−0.5", "2,048", "nan", "−∞", "inf", "1_000", "1/0", "a", "(1, 2)"]


@contextmanager
def checker(script, ids=IDS):
    """Yield what a page says, by a script: a function of an exercise's id and a text."""
    with closing(MiniRacer()) as v8:
        v8.eval(script)
        v8.eval(f"const every = xentlibChecker.revived({json.dumps(data.of(map(find, ids)))});")
        v8.eval("const verdict = (id, text) => xentlibChecker.judge(every[id], text);")
        yield lambda id, text: v8.call("verdict", id, text)


@pytest.fixture(scope="module")
def page():
    with checker(data.checker()) as says:
        yield says


def text_of(answer):
    """Return an answer as a reader types it, or None where it is nothing that can be typed."""
    if isinstance(answer, str):
        return answer
    answer = answer.tolist() if isinstance(answer, np.ndarray) else answer
    if type(answer) in (list, tuple):
        parts = [text_of(part) for part in answer]
        return None if None in parts else f"[{', '.join(parts)}]"
    try:
        return repr(float(answer)) if not isinstance(answer, (bool, np.bool_)) else None
    except (TypeError, ValueError):
        return None


def typed(exercise):
    """Yield the answers to an exercise that are in the table, and can be typed, and others, each with its text."""
    known = [*RIGHT[exercise.id], *(answer for answer, _ in WRONG[exercise.id])]
    others = [mistake.wrong for mistake in exercise.mistakes] + drawn(exercise)
    for answer in [*known, exercise.answer, *others]:
        if text_of(answer):
            yield answer, text_of(answer)
    yield from ((text, text) for text in BY_HAND)


def drawn(exercise):
    """Return answers that are about right, or are not, as numbers that a reader may try."""
    if exercise.kind == "explain" or isinstance(exercise.answer, tuple):
        return []
    rng, shape = np.random.default_rng(0), np.shape(exercise.answer)
    scales = np.repeat([0.1, 1, 10, 30, 1000], 3)
    near = [np.asarray(exercise.answer) * (1 + rng.normal(0, s, shape)) for s in (1e-9, 1e-4, 1e-3, 0.01, 0.1, 1)]
    far = [np.round(rng.normal(0, scale, shape), places) for places, scale in enumerate(scales)]
    ties = [rng.integers(-1, 3, shape) for _ in range(5)]
    sums = [rng.dirichlet(np.ones(shape[0])) for _ in range(5) if len(shape) == 1]
    return [*near, *far, *ties, *sums]


def told(says):
    """Return the words of a verdict, and its numbers. Whether two agree to the last bit differs by processor."""
    says = re.sub(NEARLY_THE_SAME, "the two are the same here", says)
    return re.sub(r" +", " ", re.sub(NUMBER, "#", says)), np.array(re.findall(NUMBER, says), float)


def differences(page, exercise):
    """Yield the answers of which a page says something else than `check`, with both."""
    for answer, text in typed(exercise):
        several_rows = exercise.kind == "break" and np.ndim(exercise.answer) == 2 and not isinstance(answer, str)
        result = checking.judge(exercise, answer if several_rows else text)
        said = page(exercise.id, text)
        (words, numbers), (right_words, right_numbers) = told(said["feedback"]), told(repr(result))
        # What exp and log end in differs by processor, and so may the last digit that is shown.
        alike = words == right_words and np.allclose(numbers, right_numbers, rtol=2e-5, atol=1e-14, equal_nan=True)
        if said["solved"] != bool(result) or not alike:
            yield f"{text!r}\n--- check\n{result!r}\n--- page\n{said['feedback']}"


@pytest.mark.parametrize("id", IDS)
def test_the_page_says_what_check_says(page, id):
    different = list(differences(page, find(id)))
    assert not different, "\n\n".join(different)


def test_the_page_says_what_is_asked_for_where_nothing_is_typed(page):
    assert [page(id, "")["feedback"] for id in IDS] == [repr(checking.judge(find(id), ...)) for id in IDS]


@pytest.mark.parametrize(
    ("id", "right", "wrong"),
    [
        ("01-surplus", "[0.501]", "[5.01]"),
        ("01-surplus", "this is minus the right answer", "this is another answer"),
        ("01-who", 'replaceAll("−", "-")', 'replaceAll("–", "-")'),
        ("07-ties", 'place.type === "bool"', "false"),
        ("05-flat-zero", "y === argmax ? -rest", "y === argmax ? x - (1 + rest)"),
        ("11-stored", "even(x / step)", "Math.floor(x / step)"),
        ("05-cancel", '$given, attribute($exercise, "answer")', '$given, "A"'),
    ],
)
def test_a_page_that_says_something_else_is_found(id, right, wrong):
    assert data.checker().count(right) >= 1
    with checker(data.checker().replace(right, wrong), [id]) as page:
        assert list(differences(page, find(id))) != []


def test_what_is_no_line_of_numpy_is_refused():
    def spells(z):
        while z:
            z = z[1:]

    spells.__module__ = "xentlib.teaching.exercises.chapter_00"
    with pytest.raises(translation.Untold, match="while z"):
        translation.Script().value(spells)
