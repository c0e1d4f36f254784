"""Say what a class got wrong, from what nbgrader has graded: `python -m tools.assign.report assignment.toml`.

The page and the table beside it name no student.
"""

import csv
import html
import re
import sys
from collections import Counter
from pathlib import Path

import nbformat

from tools.assign import settings
from xentlib.teaching.exercises import find
from xentlib.teaching.exercises.points import MIME

OUTCOMES = {
    "solved": "solved",
    "named": "mistakes with a name",
    "unnamed": "wrong without a name, by the numbers given",
    "not answered": "not answered",
    "not checked": "not checked: an error, no time left, or the cell is missing",
}
NUMBER = re.compile(r"\d+\.?\d*(?:e[+-]?\d+)?")
PAGE = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 1rem/1.5 sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }} td {{ padding: .2rem .6rem; vertical-align: top }}
td:first-child {{ text-align: right; width: 3rem }} th {{ text-align: left; padding-top: .6rem }}</style>
<h1>{title}</h1><p>{summary}</p>
{exercises}</html>
"""


def main(file):
    try:
        assignment = settings.read(file)
    except settings.Unusable as error:
        sys.exit(str(error))
    course = file.parent / "course"
    graded = sorted(course.glob(f"autograded/*/{assignment.name}/{assignment.name}.ipynb"))
    handed_in = len(list(course.glob(f"submitted/*/{assignment.name}")))
    if not graded:
        sys.exit(f"{course}/autograded has no notebook of {assignment.name}: run `nbgrader autograde` first.")
    counts = counted(assignment, [nbformat.read(path, as_version=4) for path in graded])
    page = course / f"{assignment.name}-report.html"
    page.write_text(as_page(assignment, counts, len(graded), handed_in), encoding="utf-8")
    with page.with_suffix(".csv").open("w", encoding="utf-8", newline="") as table:
        csv.writer(table).writerows(rows(counts))
    print(f"{page} and {page.with_suffix('.csv').name}: {len(graded)} of {handed_in} notebooks could be graded.")


def counted(assignment, notebooks):
    """Return for each exercise how many answers fared how: a Counter of the outcome and what is alike."""
    counts = {id: Counter() for id in assignment.exercises}
    for notebook in notebooks:
        for id, fared in outcomes(notebook, assignment.exercises).items():
            counts[id][fared] += 1
    return counts


def outcomes(notebook, ids):
    """Return how each exercise fared in a notebook. What its check has not said is not checked."""
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    found = dict.fromkeys(ids, ("not checked", ""))
    for id in ids:
        for output in cells.get(f"check-{id}", {}).get("outputs", []):
            if MIME in output.get("data", {}):
                said = output.data[MIME]
                found[id] = said["outcome"], alike(said["what"]) if said["outcome"] == "unnamed" else said["what"]
    return found


def alike(text):
    """Return text with its numbers to three digits, so that answers which differ by rounding are one.

    >>> alike("[0.231224, -1, 640]")
    '[0.231, -1, 640]'
    """
    return NUMBER.sub(lambda number: f"{float(number[0]):.3g}" if "." in number[0] else number[0], text)


def rows(counts):
    """Yield the table: a row for each outcome of each exercise, the commonest first."""
    yield "exercise", "outcome", "what", "students"
    for id, count in counts.items():
        for (outcome, what), students in count.most_common():
            yield id, outcome, what, students


def as_page(assignment, counts, graded, handed_in):
    missing = f" {handed_in - graded} could not be graded: see nbgrader's log." if handed_in > graded else ""
    return PAGE.format(
        title=html.escape(assignment.title or assignment.name),
        summary=f"{graded} notebook{'s' * (graded != 1)}.{missing}",
        exercises="\n".join(_section(id, counts[id]) for id in assignment.exercises),
    )


def _section(id, count):
    solved, total = count["solved", ""], count.total()
    lines = [f"<h2>{html.escape(find(id).title)} ({id}): {solved} of {total}</h2>", "<table>"]
    for outcome, heading in list(OUTCOMES.items())[1:]:
        alike = [(what, students) for (fared, what), students in count.most_common() if fared == outcome]
        if alike:
            lines.append(f'<tr><th colspan="2">{heading}</th></tr>')
        lines += [f"<tr><td>{students}</td><td>{html.escape(what)}</td></tr>" for what, students in alike]
    return "\n".join([*lines, "</table>"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
