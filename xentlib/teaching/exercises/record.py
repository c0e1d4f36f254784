"""Which exercises are solved: one JSON file in the reader's folder, so that a restarted kernel knows it too.

The file is `.xentlib-progress.json` in the working folder, or what the environment variable XENTLIB_PROGRESS names.
If that is set and empty, nothing is written.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import tempfile
from pathlib import Path

NAME = ".xentlib-progress.json"

_remembered: set[str] = set()  # in this session, for a folder that cannot be written to


def path() -> Path | None:
    """Return where the record is kept, or None if it is not to be kept."""
    name = os.environ.get("XENTLIB_PROGRESS", NAME)
    return Path(name) if name else None


def load() -> tuple[set[str], str]:
    """Return the ids of the solved exercises, and a sentence on what was wrong with the file, mostly ""."""
    data, trouble = _read()
    return _remembered | set(data["solved"]), trouble


def add(solved: str) -> str:
    """Add an id to the record, and return a sentence on what went wrong, mostly ""."""
    data, trouble = _read()
    _remembered.add(solved)
    file = path()
    if solved in data["solved"] or file is None:
        return trouble
    try:
        _write(file, {**data, "solved": sorted({*data["solved"], solved})})
    except OSError as error:
        return f"progress is kept until the kernel stops, no longer: {file} cannot be written ({error.strerror})"
    return trouble


def _read():
    file = path()
    try:
        data = json.loads(file.read_text(encoding="utf-8")) if file else {"solved": []}
        if isinstance(data["solved"], list) and all(isinstance(id, str) for id in data["solved"]):
            return data, ""
    except FileNotFoundError:
        return {"solved": []}, ""
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass
    return {"solved": []}, _put_aside(file)


def _put_aside(file):
    """Rename a file that is damaged. What is written next would replace it, and it may hold what can be saved."""
    names = (file.with_name(f"{file.name}.damaged{n or ''}") for n in itertools.count())
    copy = next(name for name in names if not name.exists())
    try:
        file.rename(copy)
    except OSError as error:
        return f"progress starts anew: {file} cannot be read, nor put aside ({error.strerror})"
    return f"progress starts anew: {file} was damaged, and is now {copy}"


def _write(file, data):
    """Replace the file in one step, so that nobody ever sees half of it."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=file.name, suffix=".part", delete=False
    ) as part:
        try:
            json.dump(data, part, indent=1)
            part.close()
            os.replace(part.name, file)
        except BaseException:
            part.close()
            with contextlib.suppress(OSError):
                os.unlink(part.name)
            raise
