"""What nbgrader has to know of this course. It is yours: `make assign` writes it once, and never again."""

import re
from pathlib import Path

from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin

c = get_config()  # noqa: F821 - nbgrader's

# The answers in the source are the dots that students get. There is no solution in it to be cleared away.
c.GenerateAssignment.preprocessors = [
    f"nbgrader.preprocessors.{name}"
    for name in ("LockCells", "ClearOutput", "CheckCellMetadata", "ComputeChecksums", "SaveCells")
]
c.Execute.timeout = 90  # seconds for a cell. The check of an answer stops by itself after 60.

# Moodle: "Ada Lovelace_1234_assignsubmission_file_/week-3.ipynb", in older versions without the slash.
MOODLE = re.compile(r"(?P<student>[^/\\]+_\d+)_assignsubmission_file_")
# Canvas: "lovelaceada_98_7654_week-3.ipynb", with LATE after the name if it is, and "-1" or so for another attempt.
CANVAS = re.compile(r"(?P<student>[^/\\_]+)_(?:LATE_)?\d+_\d+_[^/\\]+$")


class Extractor(ExtractorPlugin):
    """Takes .ipynb.txt, as some browsers save a notebook, for what it is."""

    def extract(self, archive_path, extracted_path):
        """Unpack what was downloaded."""
        super().extract(archive_path, extracted_path)
        for path in Path(extracted_path).rglob("*.ipynb.txt"):
            path.rename(path.with_suffix(""))


class Collector(FileNameCollectorPlugin):
    """Takes a notebook under any name for the sheet of its assignment, which has no other."""

    def __init__(self, **settings):
        """Begin with nobody's notebook."""
        super().__init__(**settings)
        self.taken = set()

    def collect(self, submitted_file):
        """Return whose notebook it is, or None; of several by one student, take that with the name of the sheet."""
        path, sheet = Path(submitted_file), self.parent.coursedir.assignment_id
        found = MOODLE.search(submitted_file) or CANVAS.search(submitted_file)
        if not found or path.suffix != ".ipynb":
            return None
        student = found["student"]
        own = path.with_name(f"{sheet}.ipynb")
        if (path != own and MOODLE.search(str(path.parent)) and own.exists()) or student in self.taken:
            self.log.warning("%s handed in several notebooks", student)
            return None
        self.taken.add(student)
        return {"student_id": student, "file_id": sheet}


c.ZipCollectApp.extractor_plugin = Extractor
c.ZipCollectApp.collector_plugin = Collector
