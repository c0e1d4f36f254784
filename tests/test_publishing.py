"""The workflows call what exists, and the citation names this very book; each check is shown to fail.

Nothing here can run a workflow: a shell on somebody else's machine does.
"""

import re
from pathlib import Path

import pytest
import yaml

import xentlib

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CHECKOUT = "3d3c42e5aac5ba805825da76410c181273ba90b1"
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def commands(workflow):
    return [line for step in steps(workflow) for line in step.get("run", "").splitlines()]


def makes_what_the_makefile_has(workflow):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    asked = [target for line in commands(workflow) for target in re.findall(r"\bmake ([a-z]+)", line)]
    yield from (f"make {target}" for target in asked if target not in targets)


def names_what_is_there(workflow):
    """Each file or folder of the project that a command of Python names exists."""
    for line in commands(workflow):
        words = line.split() if line.startswith("python") else []
        paths = [word for word in words if re.fullmatch(r"@?(tests|xentlib|requirements|\.github|tools)/?\S*", word)]
        modules = [name.replace(".", "/") + ".py" for name in re.findall(r"-m (tools\.\S+)", line)]
        yield from (path for path in paths + modules if not (ROOT / path.removeprefix("@")).exists())


def pins_its_actions(workflow):
    for step in steps(workflow):
        if "uses" in step and not re.fullmatch(r"(actions|pypa)/[\w-]+@[0-9a-f]{40}", step["uses"]):
            yield step["uses"]


def gives_rights_to_those_that_install_nothing(workflow):
    """A job that may write, or prove who it is, takes what another job has made, and runs no code of a package."""
    for name, job in ({"workflow": workflow} | workflow["jobs"]).items():
        may_write = "write" in (job.get("permissions") or {}).values()
        if may_write and (name == "workflow" or re.search(r"\b(checkout|pip|make|python)\b", str(job))):
            yield f"{name} may {job['permissions']}"


def publishes_what_is_tested(workflow):
    """Each job that may write waits for the tests, itself or through a job that it needs."""
    jobs = workflow["jobs"]

    def waits(name):
        return name == "test" or any(map(waits, listed(jobs[name].get("needs", []))))

    for name, job in jobs.items():
        if "write" in (job.get("permissions") or {}).values() and not waits(name):
            yield name


def listed(needs):
    return [needs] if isinstance(needs, str) else needs


def runs_on_every_python_that_is_promised(workflow):
    if "everything" not in workflow["jobs"]:
        return
    promised = re.findall(r"Python :: (3\.\d+)", PYPROJECT)
    tested = workflow["jobs"]["everything"]["strategy"]["matrix"]["python"]
    if tested != promised:
        yield f"tested on {tested}, promised are {promised}"


CHECKS = (
    makes_what_the_makefile_has,
    names_what_is_there,
    pins_its_actions,
    gives_rights_to_those_that_install_nothing,
    publishes_what_is_tested,
    runs_on_every_python_that_is_promised,
)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_workflow_passes_every_check(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {check.__name__: list(check(workflow)) for check in CHECKS} == {check.__name__: [] for check in CHECKS}


@pytest.mark.parametrize(
    ("check", "name", "old", "new"),
    [
        (makes_what_the_makefile_has, "publish", "make pdf", "make epub"),
        (names_what_is_there, "test", "requirements.txt", "requirements-dev.txt"),
        (names_what_is_there, "publish", "tools.colab", "tools.kaggle"),
        (names_what_is_there, "release", "tools/release_notes.py", "tools/notes.py"),
        (names_what_is_there, "test", ".github/requirements.txt", ".github/pins.txt"),
        (names_what_is_there, "weekly", "@tests/fast", "@tests/quick"),
        (names_what_is_there, "test", "tests/browser", "tests/pages"),
        (pins_its_actions, "publish", f"actions/checkout@{CHECKOUT}", "actions/checkout@v7"),
        (pins_its_actions, "publish", f"actions/checkout@{CHECKOUT}", f"somebody/checkout@{CHECKOUT}"),
        (gives_rights_to_those_that_install_nothing, "publish", "permissions: {}", "permissions: {contents: write}"),
        (gives_rights_to_those_that_install_nothing, "publish", "contents: read\n      pages: read", "contents: write"),
        (publishes_what_is_tested, "publish", "needs: [test, build]", "needs: build"),
        (publishes_what_is_tested, "release", "needs: [test, book]", "needs: book"),
        (publishes_what_is_tested, "release", "needs: pypi", "needs: []"),
        (runs_on_every_python_that_is_promised, "test", '"3.11", ', ""),
    ],
)
def test_the_check_refuses_a_broken_workflow(check, name, old, new):
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    assert old in text
    assert list(check(yaml.safe_load(text.replace(old, new)))) != []


def test_the_published_folder_is_the_one_that_is_built():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8"))
    (upload,) = (step for step in steps(workflow) if "upload-pages-artifact" in step.get("uses", ""))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^pdf: {upload['with']['path']}/\S+\.pdf", makefile, re.M)


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_a_form_asks_for_what_is_needed(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
    assert [field["id"] for field in form["body"] if not field["validations"]["required"]] == []
    assert len({field["id"] for field in form["body"]}) == len(form["body"]) > 2


def test_what_make_test_fast_runs_is_there():
    paths = (ROOT / "tests" / "fast").read_text(encoding="utf-8").split()
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def disagreements(citation, pyproject, config, version=xentlib.__version__):
    """Return the fields in which a citation is not that of the book."""
    expected = {
        "title": yaml.safe_load(config)["title"],
        "version": version,
        "license": re.search(r'^license = "(.+)"', pyproject, re.M)[1],
        "authors": [{"name": re.search(r'^authors = .*name = "(.+?)"', pyproject, re.M)[1]}],
        "cff-version": "1.2.0",
    }
    found = yaml.safe_load(citation)
    return [field for field, value in expected.items() if found.get(field) != value]


def test_the_citation_is_that_of_the_book():
    citation, config = ((ROOT / name).read_text(encoding="utf-8") for name in ("CITATION.cff", "_config.yml"))
    assert disagreements(citation, PYPROJECT, config) == []
    assert disagreements(citation.replace("Why q", "Why p"), PYPROJECT, config) == ["title"]
    assert disagreements(citation, PYPROJECT, config, version="9.9.9") == ["version"]
