"""Returned notebooks: where they lie, and what can be known of one before it runs."""

import os
import re
import stat
import warnings
from dataclasses import dataclass, field
from functools import cached_property

import nbformat

from xentlib.teaching.exercises import all_exercises

LARGEST = 100  #: MB, for a notebook
COPIES = ".ipynb_checkpoints"  # Jupyter's own, of each notebook

_LABEL = re.compile(r"^:label: ex-(\d\d-[a-z-]+)$", re.MULTILINE)
_CHECK = re.compile(r"\bcheck\(\s*[\"'](\d\d-[a-z-]+)[\"'](?!.*\brecord\s*=\s*False)")


@dataclass
class Returned:
    """One file that was handed in: the code cells of a notebook, or why it is none."""

    path: str
    cells: list = field(default_factory=list)
    shown: set = field(default_factory=set)  # ids whose statement or check it holds
    asked: set = field(default_factory=set)  # ids that some cell checks
    trouble: str = ""

    @cached_property
    def expected(self):
        """The ids of all exercises of the chapters that the notebook holds an exercise of."""
        chapters = {id[:2] for id in self.shown}
        return [exercise.id for exercise in all_exercises() if exercise.id[:2] in chapters]


def paths_below(folder):
    """Return the paths of all that is called .ipynb below a folder, in order. Links are not followed."""
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != COPIES]
        found += [os.path.join(here, name) for name in [*folders, *files] if name.endswith(".ipynb")]
    return sorted(found)


def read(path):
    """Return what was handed in, whatever it is."""
    try:
        notebook = _parsed(_text(path))
        sources = [(cell.cell_type, str(cell.source)) for cell in notebook.cells]
    except OSError as error:
        return Returned(path, trouble=f"It cannot be read: {error.strerror}.")
    except NoNotebook as error:
        return Returned(path, trouble=str(error))
    except Exception:  # nbformat meets JSON of any kind
        return Returned(path, trouble="It is JSON, but no notebook.")
    cells = [source for kind, source in sources if kind == "code"]
    known = {exercise.id for exercise in all_exercises()}
    asked = known.intersection(*[{id for source in cells for id in _CHECK.findall(source)}])
    stated = known & {id for kind, source in sources if kind == "markdown" for id in _LABEL.findall(source)}
    return Returned(path, cells, asked | stated, asked)


class NoNotebook(ValueError):
    """The file is not a notebook that can be read, and the message says why."""


def _text(path):
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFLNK: "a link, which is not followed"}
        raise NoNotebook(f"It is {kinds.get(stat.S_IFMT(status.st_mode), 'no file')}.")
    if status.st_size > LARGEST << 20:
        raise NoNotebook(f"It is larger than {LARGEST} MB.")
    if not status.st_size:
        raise NoNotebook("It is empty.")
    with open(path, "rb") as file:
        try:
            return file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise NoNotebook("It is no text.") from None


def _parsed(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what an older format lacks
        try:
            data = nbformat.reader.parse_json(text)
        except (nbformat.reader.NotJSONError, RecursionError):
            raise NoNotebook("It is no JSON: cut off, perhaps.") from None
        version = data.get("nbformat")
        if not isinstance(version, int) or not isinstance(data.get("cells", data.get("worksheets")), list):
            raise NoNotebook("It is JSON, but no notebook.")
        if version > nbformat.current_nbformat:
            raise NoNotebook(f"It is of format {version}, and {nbformat.current_nbformat} is the newest known.")
        return nbformat.reads(text, as_version=nbformat.current_nbformat)
