"""The page on the audits of other libraries says what was found, of all probes that there are."""

import json
import re
from pathlib import Path

import pytest

from audits import losses, report, run
from xentlib.audit.probes import ABOUT

FOLDER = Path(run.__file__).parent
STORED = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
HERE = ("xentlib", "SciPy", "scikit-learn")


def test_the_page_shows_the_stored_results():
    assert (FOLDER / "results.md").read_text(encoding="utf-8") == report.markdown(STORED)


def test_the_results_are_of_the_probes_and_the_losses_that_there_are():
    assert STORED["probes"] == list(ABOUT)
    assert [found["name"] for found in STORED["losses"]] == [loss.name for loss in losses.LOSSES]
    assert all(
        set(found["dtypes"]) == set(loss.dtypes) for found, loss in zip(STORED["losses"], losses.LOSSES, strict=True)
    )


def test_versions_are_those_that_are_pinned():
    pinned = dict(re.findall(r"^([a-z-]+)(?:\[cpu\])?==(.+)$", (FOLDER / "requirements.txt").read_text(), re.M))
    for found, loss in zip(STORED["losses"], losses.LOSSES, strict=True):
        if loss.package != "xentlib":
            assert found["version"].partition("+")[0] == pinned[loss.package.replace("_", "-")]


@pytest.mark.parametrize(
    "loss", [loss for loss in losses.LOSSES if loss.name.startswith(HERE)], ids=lambda loss: loss.name
)
def test_what_is_installed_here_gives_the_stored_verdicts(loss):
    stored = next(found for found in STORED["losses"] if found["name"] == loss.name)
    found = run.audited(loss)
    for dtype, each in found["dtypes"].items():
        assert (each["ok"], each["mistakes"]) == (stored["dtypes"][dtype]["ok"], stored["dtypes"][dtype]["mistakes"])
    assert [each["ok"] for each in found["options"]] == [each["ok"] for each in stored["options"]]


def test_a_wrong_loss_stands_out_on_the_page():
    found = json.loads(json.dumps(STORED))
    found["losses"][0]["dtypes"]["float64"]["ok"] = False
    assert "**no**" in report.markdown({**found, "losses": found["losses"][:1]})
    assert "**no**" not in report.markdown({**STORED, "losses": STORED["losses"][:1]})


def test_what_is_not_installed_is_named(monkeypatch):
    gone = losses.LOSSES[1]._replace(package="no-such-package-at-all")
    assert run.collect([gone])["missing"] == [gone.name]
