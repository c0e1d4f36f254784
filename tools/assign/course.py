"""Make an nbgrader course of an assignment: `python -m tools.assign.course assignment.toml`.

The folder `course` beside the file gets the sheet with nbgrader's metadata in `source`, what students get in `release`,
and `nbgrader_config.py`. Several assignments of the same folder share a course.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from tools.assign import settings, sheet

HERE = Path(__file__).parent


def main(file):
    try:
        assignment = settings.read(file)
    except settings.Unusable as error:
        sys.exit(str(error))
    course = write(assignment, file.parent / "course")
    nbgrader(course, "generate_assignment", assignment.name, "--force")
    print(f"Hand out {course / 'release' / assignment.name / assignment.name}.ipynb; teachers.md says how to go on.")


def write(assignment, course):
    """Write the source of an assignment, and the course's configuration if there is none, and return the course."""
    folder = course / "source" / assignment.name
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(sheet.notebook(assignment), folder / f"{assignment.name}.ipynb")
    if not (course / "nbgrader_config.py").exists():
        shutil.copy(HERE / "nbgrader_config.py", course)
    return course


def nbgrader(course, *command):
    """Run a command of nbgrader in a course, and show what it says only if it fails."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic by its name
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command], cwd=course, env={**os.environ, "PATH": beside},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}nbgrader {command[0]} failed.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
