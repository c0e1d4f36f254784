"""What holds for the losses of every framework, and is checked where none is installed; each check is shown to fail."""

import ast
import importlib.util
import inspect
import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRAMEWORKS = ROOT / "frameworks"
FOLDERS = {"in_pytorch": {"torch"}, "in_jax": {"jax", "jaxlib", "optax", "numpy"}}
FILES = sorted(path for folder in FOLDERS for path in (FRAMEWORKS / folder).glob("*.py"))
OPTIONS = ["class_weights", "ignore_index", "label_smoothing", "reduction"]
CONTRACT = {  #: the arguments by position, and those by name that every framework has
    "accurate_loss.cross_entropy": (["logits", "targets"], OPTIONS),
    "linear_loss.linear_cross_entropy": (["features", "weight", "targets", "bias"], ["block", *OPTIONS]),
    "parallel_loss.vocab_parallel_cross_entropy": (["logits_piece", "targets", "first_class", "group"], OPTIONS),
    "language.next_token_loss": (["logits", "tokens"], ["ignore_index", "n_counted"]),
    "language.count_targets": (["tokens"], ["ignore_index"]),
    "calibration.fit_temperature": (["logits", "labels"], []),
    "variants.z_loss": (["logits", "targets"], ["strength", "ignore_index", "reduction"]),
    "variants.focal_loss": (["logits", "targets"], ["gamma", "ignore_index", "reduction"]),
    "variants.distillation_loss": (["logits", "teacher_logits"], ["temperature", "reduction"]),
    "variants.soft_cap": (["logits", "cap"], []),
    "gradient_check.check_gradient": (["loss", "logits"], ["second"]),
}
FURTHER = {  #: and what one of them needs beside: a mesh cuts into equal pieces, some of which are filled up
    ("in_jax", "parallel_loss.vocab_parallel_cross_entropy"): {"n_classes"},
}


def is_short(source, _):
    if len(source.splitlines()) >= 80:
        yield f"{len(source.splitlines())} lines"


def needs_its_framework_alone(source, framework):
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        others = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - framework
        yield from (f"imports {name}" for name in sorted(others))


def is_documented_and_typed(source, _):
    tree = ast.parse(source)
    for node in (tree, *ast.walk(tree)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and not ast.get_docstring(node):
            yield f"{getattr(node, 'name', 'the file')} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not (
            node.returns and all(arg.annotation for arg in (*node.args.args, *node.args.kwonlyargs))
        ):
            yield f"{node.name} is not typed"


CHECKS = {
    is_short: '"""A file."""\n' * 80,
    needs_its_framework_alone: '"""A file."""\n\nimport xentlib\n',
    is_documented_and_typed: '"""A file."""\n\n\ndef loss(z):\n    """Return it."""\n    return z\n',
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_file_is_short_documented_typed_and_on_its_own(path):
    source, framework = path.read_text(encoding="utf-8"), FOLDERS[path.parent.name]
    found = {check.__name__: list(check(source, framework)) for check in CHECKS}
    assert found == {check.__name__: [] for check in CHECKS}


@pytest.mark.parametrize(("check", "broken"), CHECKS.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_the_check_refuses_a_broken_file(check, broken):
    assert list(check(broken, {"torch"})) != []
    assert list(check('"""A file."""\n\nimport torch\n', {"torch"})) == []


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if (FRAMEWORKS / folder).is_dir()])
@pytest.mark.parametrize("name", CONTRACT)
def test_the_functions_are_those_of_the_contract(folder, name):
    module, function = name.split(".")
    tree = ast.parse((FRAMEWORKS / folder / f"{module}.py").read_text(encoding="utf-8"))
    (found,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    by_position, by_name = CONTRACT[name]
    assert [arg.arg for arg in found.args.args] == by_position
    assert {arg.arg for arg in found.args.kwonlyargs} == {*by_name} | FURTHER.get((folder, name), set())


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_without_an_underscore_is_of_the_contract(folder):
    files = {path.stem for path in FILES if path.parent.name == folder and not path.stem.startswith("_")}
    assert files == {name.split(".")[0] for name in CONTRACT}


def test_the_pins_are_those_of_the_benchmarks():
    """Which measure the same losses against the same releases."""
    pins = [re.findall(r"^(torch|jax)==(\S+)", (ROOT / folder / "requirements.txt").read_text(encoding="utf-8"), re.M)
            for folder in ("frameworks", "benchmarks")]  # fmt: skip
    assert pins[0] == pins[1]
    assert len(pins[0]) == 2


class Written:
    """As much of pytest's reporter as is asked for."""

    def __init__(self):
        self.lines = []

    def write_line(self, line, **_):
        self.lines.append(line)


@pytest.mark.parametrize("missing", [(), ("torch",), ("torch", "jax"), ("optax",)])
def test_one_line_says_what_is_not_tested(monkeypatch, missing):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else inspect)
    conftest = runpy.run_path(str(FRAMEWORKS / "conftest.py"))
    reporter = Written()
    conftest["pytest_terminal_summary"](reporter)
    assert len(reporter.lines) == bool(missing)
    assert all(name in line for line in reporter.lines for name in missing)
    assert ("in_pytorch" in conftest["collect_ignore"]) == ("torch" in missing)
    assert ("at_work" in conftest["collect_ignore"]) == bool(missing)
