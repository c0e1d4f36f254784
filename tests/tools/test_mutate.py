"""A mutant that no test notices is named, and tests that fail without one are not believed."""

import pytest

from tools import mutate

TEST = """
from pathlib import Path
from xentlib.module import double

def test_double():
    assert double(3) == 6
    assert Path("data").read_text() == "as it is"
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    for folder in ("xentlib", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "xentlib" / "__init__.py").touch()
    (tmp_path / "xentlib" / "module.py").write_text("def double(x):\n    return x + max(x, 0)\n")
    (tmp_path / "tests" / "test_module.py").write_text(TEST)
    (tmp_path / "data").write_text("as it is")
    monkeypatch.setattr(mutate, "ROOT", tmp_path)
    monkeypatch.setitem(mutate.PARTS, "part", (["module.py"], ["tests/test_module.py"]))
    return tmp_path


def test_each_mutant_is_tried_and_survivors_are_named(project, capsys):
    mutate.main("part", 1)
    assert capsys.readouterr().out.splitlines() == [
        "The part has 3 mutants. Those that its tests do not kill:",
        "survived: module.py, line 2: 0  →  1",
        "Tried 3: 2 killed, 1 survived, 0 out of time",
    ]


def test_tests_that_fail_without_a_mutant_are_not_believed(project):
    (project / "data").write_text("otherwise")
    with pytest.raises(SystemExit, match="The tests do not pass without a mutant"):
        mutate.main("part", 1)
