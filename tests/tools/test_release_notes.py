"""A release is told by the changelog, and its tag is one that the project knows."""

import pytest

from tools import release_notes

RELEASED = "## Unreleased\n\n## 1.1.0 - 2027-01-02\n\n**Readers**\n\n- New.\n\n## 1.0.0 - 2026-12-01\n\n- Old.\n"


def notes(tag="v1.1.0", changelog=RELEASED, package="1.1.0", citation="1.1.0"):
    return release_notes.notes(tag, changelog, f'__version__ = "{package}"  # x', f"a: b\nversion: {citation}\n")


def test_a_release_is_told_by_its_section_of_the_changelog():
    assert notes() == "**Readers**\n\n- New."
    assert notes("v1.0.0", package="1.0.0", citation="1.0.0") == "- Old."


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"package": "1.0.9"}, r"xentlib.__version__ must be that of the tag, 1\.1\.0; got 1\.0\.9"),
        ({"citation": "1.0.9"}, "CITATION.cff must be that of the tag"),
        ({"changelog": "## Unreleased\n\n- New.\n"}, r"must have a section '## 1\.1\.0 - YYYY-MM-DD'"),
        ({"changelog": "## 1.1.0\n\n- New.\n"}, "must have a section"),
    ],
)
def test_a_tag_that_the_texts_do_not_know_is_refused(given, complaint):
    with pytest.raises(ValueError, match=complaint):
        notes(**given)
