"""Exercises as data, for the pages that answer: what `judge.js` needs to say of an answer what `check` says.

The data are made of the exercises themselves, whose functions go along as syntax trees. They are written in base 64,
so that nobody reads an answer by accident who looks at a file. Who wants to read them can: so can who has the package.
"""

import base64
import json
from pathlib import Path

import numpy as np

from tools.pages.answers.program import Program, array
from xentlib.teaching.exercises.checking import judge, lettered

KINDS = ("predict", "break", "explain")
HERE = Path(__file__).parent
PARTS = ("numbers.js", "program.js", "judge.js")


def encoded(exercises):
    """Return those of the exercises that a page can answer, by their ids, as one text."""
    data = {exercise.id: of(exercise) for exercise in exercises if exercise.kind in KINDS}
    return base64.b64encode(json.dumps(data, ensure_ascii=False).encode()).decode()


def script():
    """Return the checker: a function `judge` of an exercise's data and the text of an answer, and what it needs."""
    return "\n".join((HERE / part).read_text(encoding="utf-8") for part in PARTS)


def of(exercise):
    """Return the data of one exercise."""
    program = Program()
    data = {"id": exercise.id, "kind": exercise.kind, "hints": list(exercise.hints)}
    data |= {"predict": _prediction, "break": _input, "explain": _option}[exercise.kind](exercise, program)
    if exercise.kind != "explain":
        data |= {"rtol": exercise.rtol, "atol": exercise.atol, "functions": program.functions}
    return data


def _prediction(exercise, program):
    through = exercise.through or (lambda value: value)
    data = {
        "answer": _value(exercise.answer),
        "solved": judge(exercise, exercise.answer).feedback.removeprefix(f"{exercise.id}: solved. "),
        "mistakes": [],
    }
    for mistake in exercise.mistakes:
        told = {"says": mistake.feedback, "wrong": _value(mistake.wrong)}
        if mistake.when:
            told["when"] = program.value(mistake.when)
        elif exercise.through:
            told["becomes"] = array(through(np.array(mistake.wrong)))
        data["mistakes"].append(told)
    if exercise.through:
        data |= {"through": program.value(through), "expected": array(through(np.array(exercise.answer)))}
    return data


def _value(value):
    return list(value) if isinstance(value, tuple) else array(value)


def _input(exercise, program):
    return {
        "axes": np.ndim(exercise.answer),
        "outcomes": list(exercise.outcomes),
        "faulty": program.value(exercise.faulty),
        "right": program.value(exercise.right),
        "legal": program.value(exercise.legal),
        "mistakes": [{"says": m.feedback, "when": program.value(m.when)} for m in exercise.mistakes],
    }


def _option(exercise, program):
    says = {mistake.wrong: mistake.feedback for mistake in exercise.mistakes} | {exercise.answer: exercise.because}
    return {"answer": exercise.answer, "verdicts": {letter: says[letter] for letter, _ in lettered(exercise.options)}}
