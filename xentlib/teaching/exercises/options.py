"""The options of an "explain" exercise as they stand on its page: each unfolds to what there is to say about it.

HTML's own `details` need no script and no kernel, work by keyboard, and are read out by screen readers.
"""

from html import escape

from xentlib.teaching.exercises.checking import lettered


def on_page(exercise):
    """Return the options as a piece of Markdown. `python -m xentlib.teaching.exercises.options ID` prints it."""
    feedback = {mistake.wrong: f"**No.** {mistake.says}" for mistake in exercise.mistakes}
    feedback[exercise.answer] = f"**Right.** {exercise.because}"
    return "\n\n".join(
        f'<details class="option"><summary>{letter}. {escape(text, quote=False)}</summary>\n\n'
        f"{feedback[letter]}\n\n</details>"
        for letter, text in lettered(exercise.options)
    )


if __name__ == "__main__":
    import sys

    from xentlib.teaching.exercises import find

    print(on_page(find(sys.argv[1])))
