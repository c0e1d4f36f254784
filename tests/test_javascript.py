"""The scripts of the pages pass oxlint, each as a page has it: an explorer together with what all share."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tools.pages.answers import data
from xentlib.teaching import explorers
from xentlib.teaching.explorers.explorer import HERE, script

ROOT = Path(__file__).parents[1]
SCRIPTS = {explorer.name: script(explorer.name) for explorer in explorers.ALL} | {
    path.stem: path.read_text(encoding="utf-8")
    for path in (HERE / "page.js", ROOT / "tools" / "pages" / "search" / "search.js")
}
SCRIPTS |= {"answers": (data.HERE / "page.js").read_text(encoding="utf-8"), "checker": data.checker()}


def faults(text, folder):
    """Return what oxlint says of a script, or nothing if it is sound."""
    (folder / "script.js").write_text(text, encoding="utf-8")
    oxlint = shutil.which("oxlint", path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]))
    assert oxlint, "oxlint is not installed: requirements.txt has it"
    command = [oxlint, "--config", ROOT / ".oxlintrc.json", "--deny-warnings", "script.js"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_of_the_pages_is_sound(name, tmp_path):
    assert faults(SCRIPTS[name], tmp_path) == ""


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("drawn(bars);", "no-undef"),
        ("const same = 1; same = 2;", "no-const-assign"),
        ("if (name == NaN) close();", "use-isnan"),
        ("const twice = { a: 1, a: 2 };", "no-dupe-keys"),
        ("const = 1;", "Unexpected token"),
    ],
)
def test_a_fault_is_found(line, complaint, tmp_path):
    assert complaint in faults(f"{SCRIPTS['softmax']}\n{line}\n", tmp_path)
