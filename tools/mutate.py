"""Break the kernel or the prover in small ways, and see if their tests notice: `python tools/mutate.py kernel 10`.

A mutant that survives is a line that no test needs, or a fault that no test would find. Mutants are drawn for as many
minutes as the second argument says. The third is how many seconds one may compute, the fourth draws others. Each is
judged in a fork that has NumPy and SymPy but no xentlib, since xentlib may have started threads.
"""

import ast
import copy
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What is mutated, and the tests that are to notice, the quick ones first.
PARTS = {
    "kernel": (
        ["_kernel.py", "_target.py", "_tiles.py", "loss.py"],
        [f"tests/test_{name}.py" for name in ("loss", "options", "threads", "linear", "sharded", "accuracy", "range")],
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


def ways(node):
    """Yield changes of one node, each a function that makes it."""
    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in COMPARED:
            yield lambda node: node.ops.__setitem__(0, COMPARED[type(op)]())
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in COMPUTED:
            yield lambda node: setattr(node, "op", COMPUTED[type(op)]())
        case ast.BoolOp(op=op):
            yield lambda node: setattr(node, "op", ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield lambda node: setattr(node, "test", ast.UnaryOp(ast.Not(), test))
        case ast.UnaryOp(op=ast.USub()):
            yield lambda node: setattr(node, "op", ast.UAdd())
        case ast.Constant(value=bool(value)):
            yield lambda node: setattr(node, "value", not value)
        case ast.Constant(value=int(value) | float(value)):
            yield lambda node: setattr(node, "value", value + 1)
        case ast.Return(value=ast.expr()):
            yield lambda node: setattr(node, "value", ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield None  # left out: see `mutant`


def places(tree):
    """Return what of a module may be changed, as numbers of nodes in `ast.walk`: no annotation, no docstring."""
    left_out = set()
    for node in ast.walk(tree):
        annotations = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        guard = [node] if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) else []
        left_out |= {id(inner) for part in annotations + guard if part is not None for inner in ast.walk(part)}
    return [n for n, node in enumerate(ast.walk(tree)) if id(node) not in left_out and list(ways(node))]


def mutant(source, place):
    """Return a module with the node at a place changed, and what was changed, as lines of a diff."""
    tree = ast.parse(source)
    node = list(ast.walk(tree))[place]
    before = ast.unparse(node)
    if isinstance(node, ast.Expr | ast.Raise):
        after, changed = "pass", replaced(tree, node, ast.Pass())
    else:
        next(ways(node))(node)
        after, changed = ast.unparse(node), tree
    first = [text.splitlines()[0] for text in (before, after)]
    return ast.unparse(ast.fix_missing_locations(changed)), f"line {node.lineno}: {first[0]}  →  {first[1]}"


def replaced(tree, old, new):
    class Replace(ast.NodeTransformer):
        def visit(self, node):
            return copy.copy(new) if node is old else self.generic_visit(node)

    return Replace().visit(tree)


def run_tests(folder, tests):
    """Run tests in this process on the package in a folder, and end it with what they say."""
    os.chdir(folder)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    import pytest

    sys.path.insert(0, str(folder))
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    os._exit(int(pytest.main([*options, *tests])))


def judged(job):
    """Return whether the tests notice a mutant: killed, survived, or killed by the clock."""
    module, place, tests, seconds = job
    source = (ROOT / "xentlib" / module).read_text(encoding="utf-8")
    text, change = mutant(source, place)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name in ("xentlib", "tests"):
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "browser", "frameworks")
            )
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # no plugins, and no warning is an error
        (folder / "xentlib" / module).write_text(text, encoding="utf-8")
        child = os.fork()
        if not child:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))  # of its own, however busy the machine is
            run_tests(folder, tests)
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
        signal.alarm(20 * seconds)  # threads that wait for each other
        _, status = os.waitpid(child, 0)
        signal.alarm(0)
    verdict = "killed" if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 1 else "survived"
    if os.WIFSIGNALED(status):
        verdict = "out of time"
    elif os.WEXITSTATUS(status) not in (0, 1):
        verdict = "killed"  # it could not even be imported
    return verdict, module, change


def main(part, minutes="10", seconds="60", seed="0"):
    end = time.monotonic() + 60 * float(minutes)
    # What each fork then has: none of it starts a thread.
    for name in ("hypothesis", "mpmath", "numpy", "pytest", "sympy"):
        importlib.import_module(name)
    modules, tests = PARTS[part]
    found = [(name, place) for name in modules for place in places(ast.parse((ROOT / "xentlib" / name).read_text()))]
    random.Random(int(seed)).shuffle(found)
    print(f"The {part} has {len(found)} mutants. Those that its tests do not kill:", flush=True)
    counts = dict.fromkeys(("killed", "survived", "out of time"), 0)
    with get_context("fork").Pool(len(os.sched_getaffinity(0)), maxtasksperchild=1) as pool:
        for verdict, module, change in pool.imap_unordered(judged, [(*one, tests, int(seconds)) for one in found]):
            counts[verdict] += 1
            if verdict != "killed":
                print(f"{verdict}: {module}, {change}", flush=True)
            if time.monotonic() > end:
                break
    print(f"Tried {sum(counts.values())}:", ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
