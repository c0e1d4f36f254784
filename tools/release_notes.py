"""Print what CHANGELOG.md says of a version: `python tools/release_notes.py v0.1.0`.

It refuses a tag that is not the version of xentlib and of CITATION.cff, or that the changelog does not know.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(tag, changelog, package, citation):
    r"""Return the section of a tag's version, or raise ValueError.

    >>> notes("v1.0.0", "## 1.0.0 - 2026-12-01\n\nNew.\n", '__version__ = "1.0.0"', "version: 1.0.0")
    'New.'
    """
    version = tag.removeprefix("v")
    for name, text, pattern in (
        ("xentlib.__version__", package, r'^__version__ = "(.+?)"'),
        ("the version in CITATION.cff", citation, r"^version: (.+)"),
    ):
        found = re.search(pattern, text, re.M)[1]
        if found != version:
            raise ValueError(f"{name} must be that of the tag, {version}; got {found}")
    section = re.search(rf"^## {re.escape(version)} - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    if not section:
        raise ValueError(f"CHANGELOG.md must have a section '## {version} - YYYY-MM-DD', made of 'Unreleased'")
    return section[1].strip()


if __name__ == "__main__":
    texts = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("CHANGELOG.md", "xentlib/__init__.py", "CITATION.cff")
    )
    try:
        print(notes(sys.argv[1], *texts))
    except ValueError as error:
        sys.exit(str(error))
