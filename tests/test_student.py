"""The chapters without solutions: nothing that gives an answer away is left, and nothing else is missing."""

import re
from copy import deepcopy
from html import escape
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from xentlib.teaching.exercises import __main__ as command
from xentlib.teaching.exercises import all_exercises, student

ROOT = Path(__file__).parents[1]
CHAPTERS = ROOT / "chapters"
EXERCISES = all_exercises()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """All student notebooks, by name, as `make student` writes them."""
    folder = tmp_path_factory.mktemp("student") / "deeper"
    student.write(CHAPTERS, folder)
    return {path.name: nbformat.read(path, as_version=4) for path in folder.glob("*.ipynb")}


def text_of(notebooks):
    return "\n".join(cell.source for notebook in notebooks.values() for cell in notebook.cells)


def given_away(notebooks):
    """Yield what is left of the answers."""
    text = text_of(notebooks)
    yield from re.findall(r"\{solution.*|record=False|class=\"option\"|</?details.*", text)
    for exercise in EXERCISES:
        if exercise.kind == "explain":
            sentences = [exercise.because, *(mistake.says for mistake in exercise.mistakes)]
            yield from (sentence for sentence in sentences if sentence in text)
    for notebook in notebooks.values():
        outputs = "\n".join(str(cell.get("outputs")) for cell in notebook.cells)
        yield from re.findall(r"\d\d-[a-z-]+: solved", outputs)


def test_no_solution_and_no_feedback_is_left(written):
    assert list(given_away(written)) == []


def test_what_gives_answers_away_is_found_in_the_book_itself():
    found = list(given_away({path.name: nbformat.read(path, as_version=4) for path in CHAPTERS.glob("*.ipynb")}))
    explained = [exercise for exercise in EXERCISES if exercise.kind == "explain"]
    assert len([what for what in found if what == "record=False"]) == len(EXERCISES) - len(explained)
    assert all(exercise.because in found for exercise in explained)
    assert sum("{solution-start}" in what for what in found) == len(EXERCISES) - len(explained)


def test_every_statement_hint_and_unsolved_cell_remains(written):
    cells = [cell for notebook in written.values() for cell in notebook.cells]
    outputs = "\n".join(str(cell.get("outputs")) for cell in cells)
    words = " ".join(text_of(written).split())
    for exercise in EXERCISES:
        assert f":label: ex-{exercise.id}\n" in text_of(written)
        assert " ".join(exercise.task.split()) in words
        assert f'check("{exercise.id}", answer)' in words
        assert f"{exercise.id}: not answered yet" in outputs
        for letter, option in zip("ABCDEFGH", exercise.options, strict=False):
            assert f"- {letter}. {escape(option, quote=False)}" in text_of(written).replace("\\", "")


def test_nothing_else_changes(written):
    """What is left of each notebook stands in the same order in the chapter, and only solutions are gone."""
    for name, notebook in written.items():
        original = nbformat.read(CHAPTERS / name, as_version=4)
        ids = [cell.id for cell in notebook.cells]
        assert ids == [cell.id for cell in original.cells if cell.id in ids]
        before = {cell.id: cell for cell in original.cells}
        for cell in notebook.cells:
            touched = cell.cell_type == "markdown" and re.search(
                r"\{solution-|class=\"option\"|\]\(\.\./", before[cell.id].source
            )
            assert touched or cell == before[cell.id]
        gone = [cell for cell in original.cells if cell.id not in ids]
        assert all("record=False" in cell.source or "{solution-" in cell.source for cell in gone)
        assert notebook.metadata == original.metadata
        assert (notebook.nbformat, notebook.nbformat_minor) == (original.nbformat, original.nbformat_minor)


def test_each_is_a_valid_notebook_and_a_chapter_without_exercises_is_the_same_file(written, tmp_path):
    student.write(CHAPTERS, tmp_path)
    for name, notebook in written.items():
        nbformat.validate(notebook)
        if not any("{exercise" in cell.source for cell in notebook.cells):
            assert (tmp_path / name).read_bytes() == (CHAPTERS / name).read_bytes()


def test_the_data_come_along_and_the_chapters_stay_as_they_are(tmp_path, capsys):
    before = {path: path.read_bytes() for path in CHAPTERS.rglob("*") if path.is_file()}
    for _ in range(2):  # a second time over the first
        assert command.main(["student", str(tmp_path / "out"), "--chapters", str(CHAPTERS)]) == 0
    assert f"{len(list(CHAPTERS.glob('*.ipynb')))} notebooks without solutions" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out" / "data").iterdir()} == {
        path.name for path in (CHAPTERS / "data").iterdir()
    }
    assert {path: path.read_bytes() for path in before} == before


# One small notebook, in every state of disrepair

START = "````{solution-start} ex-99-one\n:class: dropdown\n````"
END = "````{solution-end}\n````"


def small(*texts):
    """A notebook: what begins with > is a code cell."""
    cells = [new_code_cell(t[1:]) if t.startswith(">") else new_markdown_cell(t) for t in texts]
    return new_notebook(cells=cells)


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def test_what_stands_before_and_after_a_solution_stays():
    notebook = small("Before.", ">1", f"Last words.\n\n{START}\n\nBecause.", ">2", "More.", f"{END}\n\nNext.", ">3")
    before = deepcopy(notebook)
    assert sources(student.without_solutions(notebook)) == ["Before.", "1", "Last words.", "Next.", "3"]
    assert notebook == before


def test_two_solutions_may_meet_in_one_cell_or_one_lie_in_it():
    notebook = small(
        f"{START}\n\nOne.", f"{END}\n\nBetween.\n\n{START}\n\nTwo.", ">2", END, f"a\n\n{START}\nb\n{END}\n\nc"
    )
    assert [text.split() for text in sources(student.without_solutions(notebook))] == [["Between."], ["a", "c"]]


def test_options_become_a_list_and_stay_the_text_that_they_were():
    option = '<details class="option"><summary>{}</summary>\n\n**No.** It is not.\n\n</details>'
    text = "Why?\n\n" + "\n\n".join(option.format(what) for what in ("A. 0 &lt; a*b", "B. c*d")) + "\n\nAnd so on."
    (source,) = sources(student.without_solutions(small(text)))
    assert source == "Why?\n\n- A. 0 &lt; a\\*b\n- B. c\\*d\n\nAnd so on."


def test_a_link_out_of_the_folder_leaves_its_words():
    text = "[`softmax`](../api/normalization.md#xentlib.softmax) is derived in [chapter 2](02_softmax.ipynb)."
    (source,) = sources(student.without_solutions(small(text)))
    assert source == "`softmax` is derived in [chapter 2](02_softmax.ipynb)."


@pytest.mark.parametrize(
    ("says", "texts"),
    [
        (r"cell 2 .*a solution begins that does not end", ["Text.", START, ">1", "Text."]),
        (r"cell 3 .*begins inside of another, that of one.ipynb, cell 1 ", [START, ">1", START, ">2", END]),
        (r"cell 2 .*a solution ends that has not begun", ["Text.", END]),
        (r"cell 1 .*a solution ends that has not begun", [f"{START}\n\n{END}\n\n{END}"]),
    ],
)
def test_an_unclosed_solution_is_refused_with_the_cell_and_nothing_is_written(says, texts, tmp_path):
    (tmp_path / "book" / "data").mkdir(parents=True)
    nbformat.write(small("Fine."), tmp_path / "book" / "00.ipynb")
    nbformat.write(small(*texts), tmp_path / "book" / "one.ipynb")
    with pytest.raises(ValueError, match=rf"one\.ipynb, {says}"):
        student.write(tmp_path / "book", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit, match=says):
        command.main(["student", str(tmp_path / "out"), "--chapters", str(tmp_path / "book")])


@pytest.fixture
def book(tmp_path):
    (tmp_path / "book" / "data").mkdir(parents=True)
    (tmp_path / "book" / "data" / "x").write_text("x")
    nbformat.write(small(START, ">1", END), tmp_path / "book" / "one.ipynb")
    return tmp_path / "book"


@pytest.mark.parametrize("where", [".", "data", "data/..", "link"])
def test_the_chapters_are_never_written_over(book, where):
    (book / "link").symlink_to(book)
    before = (book / "one.ipynb").read_bytes()
    with pytest.raises(ValueError, match="folder has to be another one than that of the chapters, got"):
        student.write(book, book / where)
    assert (book / "one.ipynb").read_bytes() == before


def test_neither_by_way_of_a_link(book, tmp_path):
    before = (book / "one.ipynb").read_bytes()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one.ipynb").symlink_to(book / "one.ipynb")
    student.write(book, tmp_path / "out")
    assert (book / "one.ipynb").read_bytes() == before
    assert sources(nbformat.read(tmp_path / "out" / "one.ipynb", 4)) == []


def test_nor_by_a_link_to_their_data(book, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "data").symlink_to(book / "data")
    with pytest.raises(ValueError, match="folder has to be another"):
        student.write(book, tmp_path / "out")


def test_a_folder_without_chapters_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(ValueError, match="chapters has to be a folder with notebooks, got"):
        student.write(tmp_path, tmp_path / "out")
