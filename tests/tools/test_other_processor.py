"""The other processor is another one indeed, and refuses what this one happens to print."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

TOOL = Path(__file__).parents[2] / "tools" / "other_processor"
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}

# What a cell prints on most processors, and whether the other one must print it too
CELLS = [
    (
        "import numpy as np\nfrom numpy._core import _multiarray_umath as umath\nimport xentlib\n"
        "print([name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]])",
        "[]",
        True,
    ),
    ("from xentlib import _tiles\nprint(_tiles.n_threads(10**9))", "1", True),
    ("loss = xentlib.softmax_cross_entropy(np.float32([2, -1]), 0)\nprint(f'{loss:.5f}')", "0.04859", True),
    ("print(f'{loss:.7f}')", "0.0485873", False),  # 0.04858735157, on the edge of seven digits
    ("print(np.float32([loss, 1]).round(4))", "[0.0486 1.    ]", True),
    ("print(loss.round(7))", "0.0485873", False),
    ("print(np.log(3.0).round(9))", "1.098612289", True),
    ("print(np.log(3.0))", "1.0986122886681098", False),
    ("out = np.empty(2)\nnp.log([3.0, 7.0], out=out)\nprint(out[0])", "1.0986122886681098", False),
    ("print(np.exp([0, -np.inf, np.inf]), np.log(1.0), np.exp(2j * np.pi).round(9))", "[ 1.  0. inf] 0.0 (1-0j)", True),
]


def test_the_other_processor_refuses_what_not_every_processor_prints(tmp_path):
    cells = [
        new_code_cell(source, execution_count=n, outputs=[new_output("stream", name="stdout", text=text + "\n")])
        for n, (source, text, _) in enumerate(CELLS, start=1)
    ]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), tmp_path / "chapter.ipynb")
    (tmp_path / "rounded.md").write_text(">>> import numpy as np\n>>> print(np.log(3.0).round(9))\n1.098612289\n")
    (tmp_path / "in_full.md").write_text(">>> import numpy as np\n>>> print(np.log(3.0))\n1.0986122886681098\n")
    options = ["-c", "pytest.ini", "-n", "0", "-p", "no:cacheprovider", "--color=no"]
    environment = os.environ | {"SEED": "0"}
    result = subprocess.run([sys.executable, TOOL, *options, tmp_path], env=environment, capture_output=True, text=True)
    failed = set(re.findall(r"^FAILED (?:.*/)?(chapter.ipynb::Cell \d+|\w+\.md)", result.stdout, re.M))
    wanted = {f"chapter.ipynb::Cell {n}" for n, (_, _, holds) in enumerate(CELLS) if not holds}
    assert failed == wanted | {"in_full.md"}, result.stdout
