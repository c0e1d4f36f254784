"""Break the kernel or the prover in small ways, and see if their tests notice: `python tools/mutate.py kernel 10`.

A mutant that survives is a line that no test needs, or a fault that no test would find. Mutants are drawn for as many
minutes as the second argument says. Each is judged by a pytest of its own, on a copy of the package.
"""

import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 300  # after which a mutant is given up
# What is mutated, and the tests that are to notice, the quick ones first.
PARTS = {
    "kernel": (
        ["_kernel.py", "_target.py", "_tiles.py", "loss.py"],
        [f"tests/test_{name}.py" for name in (
            "loss", "options", "threads", "linear", "sharded", "accuracy", "range", "robustness"
        )],
    ),
    "prover": (
        [f"teaching/{name}.py" for name in ("prover", "normal_form", "grammar", "counterexamples")],
        ["tests/test_symbolic.py", "tests/test_prover_attacked.py"],
    ),
}  # fmt: skip
COMPARED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
            ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}  # fmt: skip
COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
            ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}  # fmt: skip


def change(node):
    """Change a node in place, and tell whether there is a way to."""
    match node:
        case ast.Compare(ops=[op, *others]) if type(op) in COMPARED:
            node.ops = [COMPARED[type(op)](), *others]
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in COMPUTED:
            node.op = COMPUTED[type(op)]()
        case ast.BoolOp(op=op):
            node.op = ast.Or() if isinstance(op, ast.And) else ast.And()
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            node.test = ast.UnaryOp(ast.Not(), test)
        case ast.UnaryOp(op=ast.USub()):
            node.op = ast.UAdd()
        case ast.Constant(value=bool(value)):
            node.value = not value
        case ast.Constant(value=int(value) | float(value)):
            node.value = value + 1
        case ast.Return(value=ast.expr()):
            node.value = ast.Constant(None)
        case ast.Expr(value=ast.Call()) | ast.Raise():
            node.__class__ = ast.Pass  # it is left out
        case _:
            return False
    return True


def places(tree):
    """Return what of a module may be changed, as numbers of nodes in `ast.walk`: no annotation, no docstring."""
    left_out = set()
    for node in ast.walk(tree):
        annotations = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        guard = [node] if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) else []
        left_out |= {id(inner) for part in annotations + guard if part is not None for inner in ast.walk(part)}
    return [n for n, node in enumerate(ast.walk(tree)) if id(node) not in left_out and change(copy.copy(node))]


def mutant(source, place):
    """Return a module with the node at a place changed, and what was changed, as lines of a diff.

    >>> mutant("x = a < b", 3)
    ('x = a <= b', 'line 1: a < b  →  a <= b')
    """
    tree = ast.parse(source)
    node = list(ast.walk(tree))[place]
    before = ast.unparse(node)
    change(node)
    first = [text.splitlines()[0] for text in (before, ast.unparse(node))]
    return ast.unparse(ast.fix_missing_locations(tree)), f"line {node.lineno}: {first[0]}  →  {first[1]}"


def judged(module, text, tests):
    """Return what the tests say of the package with this text as one of its modules."""
    with tempfile.TemporaryDirectory() as folder:
        for path in ROOT.iterdir():
            if path.name not in ("xentlib", "tests", "pytest.ini", ".git"):
                Path(folder, path.name).symlink_to(path)  # a test reads a chapter
        for name in ("xentlib", "tests"):
            ignored = shutil.ignore_patterns("__pycache__", "browser", "frameworks")
            shutil.copytree(ROOT / name, Path(folder, name), ignore=ignored)
        Path(folder, "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # no plugins, and no warning is an error
        Path(folder, "xentlib", module).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        try:
            code = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS).returncode
        except subprocess.TimeoutExpired:
            return "out of time"
    return "killed" if code else "survived"


def main(part, minutes="10"):
    end = time.monotonic() + 60 * float(minutes)
    modules, tests = PARTS[part]
    sources = {name: (ROOT / "xentlib" / name).read_text(encoding="utf-8") for name in modules}
    unchanged = judged(modules[0], sources[modules[0]], tests)
    if unchanged != "survived":
        sys.exit(f"The tests do not pass without a mutant ({unchanged}): they would say nothing about one.")
    found = [(name, place) for name, source in sources.items() for place in places(ast.parse(source))]
    random.shuffle(found)
    print(f"The {part} has {len(found)} mutants. Those that its tests do not kill:", flush=True)
    counts = dict.fromkeys(("killed", "survived", "out of time"), 0)

    def try_one(one):
        if time.monotonic() > end:
            return
        name, place = one
        text, changed = mutant(sources[name], place)
        verdict = judged(name, text, tests)
        counts[verdict] += 1
        if verdict != "killed":
            print(f"{verdict}: {name}, {changed}", flush=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(try_one, found))
    print(f"Tried {sum(counts.values())}:", ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
