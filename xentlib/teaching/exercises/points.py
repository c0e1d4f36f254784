"""What an answer earns, in the form in which nbgrader takes points and the report on the class takes the rest."""

from __future__ import annotations

from xentlib.teaching.exercises.checking import Result

MIME = "application/vnd.xentlib.outcome+json"  # of a notebook's output: what is found with the points


class Points(float):
    """A number that a notebook shows, with what it was given for."""

    found: dict[str, str]

    def __new__(cls, value, found):
        """Return `value`, to be stored with `found`."""
        points = super().__new__(cls, value)
        points.found = found
        return points

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": f"{self:g}", MIME: self.found}


def outcome(result: Result) -> dict[str, str]:
    """Return what a report on the class counts: how an answer fared, and what those that fared alike have in common."""
    if result.solved:
        return {"outcome": "solved", "what": ""}
    if result.named:
        return {"outcome": "named", "what": result.named}
    verdict = result.feedback.partition("\n")[0].partition(": ")[2]
    if verdict.startswith("not answered yet"):
        return {"outcome": "not answered", "what": ""}
    return {"outcome": "unnamed", "what": result.got or verdict.removeprefix("not yet. ")}
