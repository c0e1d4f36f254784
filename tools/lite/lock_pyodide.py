"""Choose what the book takes of Pyodide: `python tools/lite/lock_pyodide.py FOLDER > tools/lite/pyodide-lock.json`.

FOLDER is npm's package `pyodide`, unpacked. Its `pyodide-lock.json` names a sha256 for each package of the
distribution, and those of the core files are taken from the files themselves. What comes out is that lock, cut to
what the book needs, with the core files beside it. Only an upgrade of Pyodide needs this.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

CORE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")
ROOTS = ("micropip", "ssl", "sqlite3", "ipython", "jedi", "numpy", "matplotlib")  # the rest depends on the version


def main(folder):
    lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
    version, names = lock["info"]["version"], set()
    add_with_dependencies(names, ROOTS, lock["packages"])
    chosen = {
        "source": f"npm's pyodide@{version}, cut by tools/lite/lock_pyodide.py",
        "core": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in CORE},
        "info": lock["info"],
        "packages": {name: lock["packages"][name] for name in sorted(names)},
    }
    print(json.dumps(chosen, indent=1))


def add_with_dependencies(names, more, packages):
    for name in (re.sub("[-_.]+", "-", name).lower() for name in more):
        if name not in names:
            names.add(name)
            add_with_dependencies(names, packages[name]["depends"], packages)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
