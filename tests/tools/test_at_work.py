"""What a notebook elsewhere has in the place of a file that the book includes."""

import pytest

from tools import at_work


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """Return a function from the text of a file to what a notebook elsewhere has in the place of the way to it."""
    monkeypatch.setattr(at_work, "FOLDER", tmp_path)

    def shown(text):
        (tmp_path / "04_loss.md").write_text(text, encoding="utf-8")
        return at_work.put_in(at_work.cell("04_loss"))

    return shown


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("By hand.\n", "By hand."),
        ("```python\n>>> 1\n1\n\n```\n", "```python\n>>> 1\n1\n```"),
        (
            "[One](/chapters/04_loss.ipynb#gap), [two](/api/loss.md).",
            "[One](04_loss.ipynb#gap), [two](../api/loss.md).",
        ),
        ("[There](https://a.b/c)", "[There](https://a.b/c)"),
    ],
)
def test_a_notebook_elsewhere_has_what_the_book_includes(shown, text, there):
    assert shown(text) == f"## At work\n\n{there}"


@pytest.mark.parametrize("place", ["/tools/standalone.py", "../tools/standalone.py"])
def test_a_part_of_a_file_of_code_is_put_in_as_the_book_shows_it(shown, place):
    part = "```{literalinclude} " + place + "\n:start-at: def notebooks_in\n:end-before: def name_of\n```"
    _, _, fence, signature, *_, end = shown(part).splitlines()
    assert (fence, signature, end) == ("```python", "def notebooks_in(chapters):", "```")


def test_what_is_put_in_is_taken_out_again_and_nothing_else(shown):
    there = shown("By hand.")
    for source in (there, at_work.cell("04_loss")):
        assert at_work.taken_out(source) == at_work.cell("04_loss")
    for source in (f"{there} And more.", "## At work", "By hand."):
        assert at_work.taken_out(source) == at_work.put_in(source) == source
