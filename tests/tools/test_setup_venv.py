"""The Pythons that a set-up takes, and the versions that it installs; test_make.py has what may go wrong."""

import re
import subprocess
import tomllib
import venv
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools import setup_venv

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / folder / "requirements.txt" for folder in ("", "tools/lab", "tools/assign")]
PYTHONS = ("3.11.0", "3.11.9", "3.12.0", "3.13.0", "3.14.0")


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 15, 0)])
def test_a_python_that_the_pins_do_not_know_is_refused_in_one_line(version, monkeypatch, tmp_path):
    monkeypatch.setattr(setup_venv.sys, "version_info", version)
    with pytest.raises(SystemExit) as refusal:
        setup_venv.main(str(tmp_path / "venv"), "requirements.txt")
    assert "needs Python 3.11 to 3.14" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "venv").exists()


def test_a_python_without_pip_is_told_of_in_one_line(monkeypatch, tmp_path):
    def without_pip(folder, **options):
        raise subprocess.CalledProcessError(1, ["python", "-m", "ensurepip"])

    monkeypatch.setattr(venv, "create", without_pip)
    with pytest.raises(SystemExit, match=r"^This Python has no pip\. .*: sudo apt-get install python3-venv$"):
        setup_venv.main(str(tmp_path / "venv"), "requirements.txt")


def test_the_set_up_takes_each_python_that_is_promised():
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    promised = [name.rpartition(".")[2] for name in classifiers if re.search(r":: 3\.\d+$", name)]
    assert promised == [str(minor) for minor in range(setup_venv.OLDEST[1], setup_venv.NEWEST[1] + 1)]


def test_jupyterlab_comes_with_the_versions_that_are_tested():
    ours, labs = pins(ROOT), pins(ROOT / "tools" / "lab")
    assert [name for name in labs if labs[name] != ours.get(name, labs[name])] == []


def pins(folder):
    """Return the versions of each package: there may be several, for several Pythons."""
    lines = [line.partition("#")[0] for line in (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()]
    found = {}
    for requirement in map(Requirement, filter(str.strip, lines)):
        found.setdefault(requirement.name, set()).add(str(requirement.specifier))
    return found


def doubtful(lock):
    """Yield the packages that have several lines in a lock of which not one alone holds for some Python."""
    pins = [Requirement(line.partition("#")[0]) for line in lock.splitlines()]
    several = sorted(name for name, lines in Counter(pin.name for pin in pins).items() if lines > 1)
    for name, python in product(several, PYTHONS):
        holds = [pin for pin in pins if pin.name == name and pin.marker.evaluate({"python_full_version": python})]
        if len(holds) != 1:
            yield f"{name}: {len(holds)} pins for Python {python}"


@pytest.mark.parametrize("lock", LOCKS)
def test_each_package_has_one_pin_for_each_python(lock):
    assert list(doubtful(lock.read_text())) == []


def test_a_pin_that_was_overwritten_by_the_line_below_it_is_seen():
    twice = "one==2 ; python_full_version >= '3.12'\n" * 2 + "two==1\n"
    assert next(doubtful(twice)) == "one: 0 pins for Python 3.11.0"
