"""What the pages need to judge answers: the checker in JavaScript, and of each chapter the exercises.

The exercises are written in base 64, so that nobody reads an answer by accident who looks at a file. Who wants to read
them can: so can who has the package.
"""

import base64
from pathlib import Path

from tools.pages.answers.translation import Script
from xentlib.teaching.exercises.checking import input, option, unanswered, value
from xentlib.teaching.exercises.checking.normalize import kind_of

KINDS = ("predict", "break", "explain")
FIELDS = (
    "id", "kind", "answer", "hints", "mistakes", "rtol", "atol", "through", "faulty", "right", "outcomes", "legal",
    "options", "because",
)  # fmt: skip
HERE = Path(__file__).parent
PARTS = ("numbers.js", "python.js", "judge.js")
EXPORT = """// What is evaluated is the book's own, and nothing that is typed.
// oxlint-disable-next-line no-eval
globalThis.xentlibChecker = { judge, revived: (text) => eval(text), Beyond };"""
CHECKER = (value.judge_value, input.judge_input, option.judge_option, unanswered, kind_of)


def checker():
    """Return the checker: `judge`, `revived`, which reads what `of` returns, and the error `Beyond`."""
    script = Script()
    names = {function.__name__: script.name(function) for function in CHECKER}
    python = f"const python = {{ {', '.join(f'{name}: {its}' for name, its in names.items())} }};\n"
    parts = [(HERE / part).read_text(encoding="utf-8") for part in PARTS]
    return "\n".join([*parts, script.text() + python, EXPORT])


def of(exercises):
    """Return in JavaScript those of the exercises that a page can answer, by their ids."""
    script = Script()
    data = {one.id: {name: getattr(one, name) for name in FIELDS} for one in exercises if one.kind in KINDS}
    told = script.value(data)
    return f"(() => {{ {script.text()} return {told}; }})()"


def encoded(exercises):
    """Return those of the exercises that a page can answer as one text."""
    return base64.b64encode(of(exercises).encode()).decode()
