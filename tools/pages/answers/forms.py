"""The forms in which exercises are answered on a page, and chosen from the list of all: whole before a script runs."""

from html import escape

import numpy as np

from xentlib.teaching import exercises

BUTTONS = """<button>Check</button> <button type="button" class="hint">Hint</button>
<span class="done">✓ solved</span>"""
VERDICT = '<div class="verdict" role="status"></div><div class="hints" role="status"></div>'
NUMBER, NUMBERS = "0.5, 1/2, 50 %", "0.5, 1/2, 3e-4"
MINUTES = (3, 5, 8)


def field(exercise):
    """Return the form of an exercise that asks for numbers or words."""
    id, (asked, example) = f"answer-{exercise.id}", _asked(exercise)
    whose = "An input" if exercise.kind == "break" else "Your answer"
    return f"""{opening(exercise)}<div class="answer-controls">
<label for="{id}">{whose}: {asked}</label>
<input id="{id}" type="text" placeholder="{escape(example)}" autocomplete="off" autocapitalize="off" spellcheck="false">
{BUTTONS}{VERDICT}</div></form>"""


def opening(exercise):
    # A form of the method "dialog" that is in none does nothing by itself, also before its script is there.
    return f'<form class="xentlib-answer" method="dialog" data-exercise="{exercise.id}">'


def choice(exercise):
    """Return what stands before the options of an exercise, and after them."""
    before = f'{opening(exercise)}<fieldset><legend class="answer-controls">Your answer</legend>'
    return before, f'</fieldset><div class="answer-controls">{BUTTONS}{VERDICT}</div></form>'


def option(exercise, letter):
    """Return what stands before an option, and after it."""
    return f'<label><input type="radio" name="answer-{exercise.id}" value="{letter}"> ', "</label>"


def elsewhere(notebook):
    """Return what is said of an exercise that takes Python; `notebook` is the address of one that runs, or ""."""
    link = f': <a href="{notebook}">run this chapter</a>' if notebook else ""
    return f'<p class="answer-elsewhere">Answered in the notebook, where Python is{link}.</p>'


def _asked(exercise):
    answer = exercise.answer
    if isinstance(answer, tuple):
        return f"{len(answer)} letters in order", "letters"
    shape = np.shape(answer)
    if not shape:
        return "a number", NUMBER
    numbers = f"{shape[-1]} numbers"
    return (numbers, NUMBERS) if len(shape) == 1 else (f"{shape[0]} rows of {numbers}", "a row; the next row")


def filters(titles):
    """Return what chooses from the list of exercises, and keeps what is solved; `titles` are those of the chapters."""
    every = exercises.all_exercises()
    kinds = dict.fromkeys(exercise.kind for exercise in every)
    fields = [
        _select("chapter", {"": "all", **{n: f"{n} {title}" for n, title in titles.items()}}),
        _select("kind", {"": "all", **{kind: kind for kind in kinds}}),
        _select("minutes", {"": "any", **{n: f"at most {n}" for n in MINUTES}}),
        _select("done", {"": "all", "no": "not yet", "yes": "solved"}),
    ]
    ids = " ".join(exercise.id for exercise in every)
    return f"""<form class="xentlib-exercises" method="dialog" data-exercises="{ids}" aria-label="Choose exercises">
{"".join(fields)}<div class="kept"><span role="status">{len(every)} exercises</span>
<button type="button" class="export">Export progress</button>
<button type="button" class="import">Import progress</button><input type="file" accept=".json" hidden>
<button type="button" class="forget">Forget progress</button>
<span class="imported" role="log"></span></div></form>"""


def _select(name, choices):
    options = "".join(f'<option value="{value}">{escape(text)}</option>' for value, text in choices.items())
    id = f"choose-{name}"
    return f'<div><label for="{id}">{name}</label> <select id="{id}" name="{name}">{options}</select></div>\n'
