"""Build JupyterLite with the chapters in it: `python -m tools.lite.build .venv/lite _build/lite`.

`_build/lite/site` then holds a notebook application and Python for the browser, which the book serves beside its
pages. A chapter needs no cell that installs anything: all that it imports stands in the lock from which Pyodide
loads packages by itself, with its sha256, xentlib as a wheel made from this tree.
"""

import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import yaml
from flit_core.wheel import make_wheel_in

from tools import standalone
from tools.lite.fetch import LOCK, PURE
from tools.standalone import CHAPTERS, ROOT

KERNEL = "@jupyterlite/pyodide-kernel-extension"
WIDGETS = "@jupyter-widgets/jupyterlab-manager"
EXTENSIONS = Path(sys.prefix, "share", "jupyter", "labextensions")
# Each wheel that is not Pyodide's, and what it imports. With xentlib comes whatever a chapter imports with it.
ADDED = PURE | {
    "ipykernel": [],
    "piplite": ["micropip"],
    "pyodide-kernel": ["ipykernel", "ipython"],
    "pyyaml": [],
    "xentlib": ["anywidget", "ipywidgets", "matplotlib", "numpy", "sympy"],
}
# What the kernel would install one after the other when it starts, and xentlib: all are loaded at once.
AT_ONCE = ["ssl", "sqlite3", "ipykernel", "comm", "pyodide_kernel", "jedi", "ipython", "micropip", "piplite", "xentlib"]
FORMULA = re.compile(r"^\$\$\n(.*?)\n\$\$$", re.MULTILINE | re.DOTALL)  # would get a number beside the one that it has
ONE = r"\html@mathml{\mathrm{1\hspace{-0.24em}l}}{𝟙}"  # KaTeX has no font with a 𝟙: draw it, and say 𝟙 to who listens
NEEDS_SERVER = """<script>
  if (location.protocol === "file:")
    document.write("<p>A chapter runs only where a web server sends it. <code>make serve</code> starts one.</p>");
</script>
"""


def main(source, target):
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    (target / "begun").touch()
    if (source / "pyodide.js").exists():
        print("Building the chapters to run in the browser ...", flush=True)
        write_settings(target / "stage", source)
        collect_python(source, target / "stage" / "static" / "pyodide")
        run_jupyterlite(target)
        shutil.rmtree(target / "stage")
        finish_site(target / "site")
    (target / "begun").rename(target / "ready")  # older than what is edited meanwhile


def write_settings(stage, source):
    kernel = {
        "disablePyPIFallback": True,  # what the book has not brings an error, and no request to another host
        "loadPyodideOptions": {"packages": AT_ONCE},
    }
    settings = {"appName": "Why q − p?", "appUrl": "./tree", "litePluginSettings": {f"{KERNEL}:kernel": kernel}}
    notebook = {
        "autoStartDefaultKernel": True,  # else it asks the reader for a kernel that is named as in the notebook
        "windowingMode": "none",  # all cells are in the page, so that the browser finds what it is asked for
    }
    myst = [str(wheel.resolve()) for wheel in source.glob("jupyterlab_myst-*.whl")]
    build = {
        "apps": ["notebooks", "tree"],
        "disable_addons": ["contents"],  # it needs jupyter_server: `write_contents` does as well
        "federated_extensions": myst + [str(EXTENSIONS / name) for name in (KERNEL, WIDGETS, "anywidget")],
        "ignore_sys_prefix": True,  # else what `make lab` installs gets into the site
        "no_sourcemaps": True,
        "output_dir": str((stage.parent / "site").resolve()),
    }
    stage.mkdir()
    write_json(stage / "jupyter-lite.json", {"jupyter-lite-schema-version": 0, "jupyter-config-data": settings})
    write_json(stage / "overrides.json", {"@jupyterlab/notebook-extension:tracker": notebook})
    write_json(stage / "jupyter_lite_config.json", {"LiteBuildConfig": build})


def collect_python(source, folder):
    """Put all wheels into one folder, with a lock that names them."""
    kernel = EXTENSIONS / KERNEL / "static" / "pypi"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("ready", "jupyterlab_myst-*"))
    for name in "ipykernel", "piplite", "pyodide_kernel":
        (wheel,) = kernel.glob(f"{name}-*.whl")
        shutil.copy(wheel, folder)
    (matplotlib,) = folder.glob("matplotlib-[0-9]*.whl")
    leave_its_own_fonts(matplotlib)
    make_wheel_in(ROOT / "pyproject.toml", folder)
    make_yaml_wheel(folder)
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    lock["packages"]["matplotlib"]["sha256"] = sha256(matplotlib)
    for name, depends in ADDED.items():
        (wheel,) = folder.glob(f"{name.replace('-', '_')}-[0-9]*.whl")
        wheel.chmod(0o644)
        lock["packages"][name] = lock_entry(name, wheel, depends)
    write_json(folder / "pyodide-lock.json", {"info": lock["info"], "packages": lock["packages"]})


def leave_its_own_fonts(wheel):
    """Make the list of fonts in Matplotlib's wheel one that it takes: else it says that it makes another, in a second.

    The list that came with it is one of a Mac, for a later version of Matplotlib.
    """
    with zipfile.ZipFile(wheel) as archive:
        members = {member.filename: (member, archive.read(member)) for member in archive.infolist()}
    member, content = members["matplotlib/fontlist.json"]
    fonts, code = json.loads(content), members["matplotlib/font_manager.py"][1]
    fonts["_version"] = int(re.search(rb"__version__ = (\d+)", code)[1])
    for kind in "ttflist", "afmlist":
        fonts[kind] = [font for font in fonts[kind] if f"matplotlib/mpl-data/{font['fname']}" in members]
    members[member.filename] = member, json.dumps(fonts)
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, content in members.values():
            archive.writestr(member, content)


def make_yaml_wheel(folder):
    """Make a wheel of the Python part of PyYAML, which Dask imports: PyPI has none without the compiled part."""
    version = importlib.metadata.version("pyyaml")
    with zipfile.ZipFile(folder / f"pyyaml-{version}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        for module in Path(yaml.__file__).parent.glob("*.py"):
            wheel.write(module, f"yaml/{module.name}")
        wheel.writestr(f"pyyaml-{version}.dist-info/METADATA", f"Name: PyYAML\nVersion: {version}\n")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lock_entry(name, wheel, depends):
    with zipfile.ZipFile(wheel) as archive:
        tops = {Path(member).parts[0].removesuffix(".py") for member in archive.namelist()}
    return {
        "name": name,
        "version": wheel.name.split("-")[1],
        "file_name": wheel.name,
        "sha256": sha256(wheel),
        "imports": sorted(filter(str.isidentifier, tops)),
        "depends": depends,
        "install_dir": "site",
        "package_type": "package",
        "unvendored_tests": False,
    }


def run_jupyterlite(target):
    command = [sys.executable, "-W", "ignore", "-m", "jupyterlite_core", "build"]
    # As long as it runs, it holds the lock of `make`.
    done = subprocess.run(command, cwd=target / "stage", capture_output=True, text=True, close_fds=False)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}JupyterLite could not be built")


def finish_site(site):
    write_contents(site)
    page = site / "notebooks" / "index.html"
    page.write_text(page.read_text(encoding="utf-8").replace("<body", f"{NEEDS_SERVER}<body", 1), encoding="utf-8")
    (site / "static" / "favicons").mkdir()
    for name in "notebook", "busy-1":  # the application asks for them, and does not bring them
        shutil.copy(site / "icon-120x120.png", site / "static" / "favicons" / f"favicon-{name}.ico")


def write_contents(site):
    """Copy the chapters and their data, and list them as JupyterLite looks for them."""
    files = site / "files"
    shutil.copytree(CHAPTERS, files, ignore=shutil.ignore_patterns(".*"))
    for path, notebook in standalone.standalone(standalone.notebooks_in(files), link).items():
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = as_katex_sets_it(cell.source)
        page = standalone.name_of(path).removesuffix(".ipynb")
        way_back = f'<a href="../../chapters/{page}.html">← Back to this page of the book</a>'
        title = notebook.cells[0]
        title.source = re.sub(r"^# .*", rf"\g<0>\n\n{way_back}", title.source)
        write_json(path, notebook)  # with the lines of each output joined, as JupyterLite needs them
    for folder in [files, *filter(Path.is_dir, files.rglob("*"))]:
        listing = site / "api" / "contents" / folder.relative_to(files) / "all.json"
        listing.parent.mkdir(parents=True, exist_ok=True)
        inside = [describe(path, files) for path in sorted(folder.iterdir())]
        write_json(listing, describe(folder, files) | {"content": inside, "format": "json"})


def link(words, target, kind, place):
    """Return a link as HTML, from `lite/notebooks/index.html`.

    Jupyter looks for what a link in Markdown names among its own files, and leaves HTML alone.
    """
    here = f"index.html?path={target.removeprefix('chapters/')}.ipynb"
    address = here if kind == "ipynb" else f"../../{target}.html{place}"
    return f'<a href="{address}" target="_blank">{words}</a>'


def as_katex_sets_it(text):
    """Return Markdown with its formulas unnumbered, and a letter drawn that is in no font."""
    return FORMULA.sub(r"```{math}\n:enumerated: false\n\1\n```", text).replace(r"\mathbb{1}", ONE)


def describe(path, files):
    kind = "directory" if path.is_dir() else "notebook" if path.suffix == ".ipynb" else "file"
    name = path.relative_to(files).as_posix().removeprefix(".")
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
    return dict.fromkeys(["content", "format", "mimetype"]) | {
        "name": path.name if name else "",
        "path": name,
        "type": kind,
        "size": path.stat().st_size,
        "created": changed,
        "last_modified": changed,
        "writable": True,
    }


def write_json(path, value):
    path.write_text(json.dumps(value), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except KeyboardInterrupt:
        sys.exit("Building the chapters was interrupted. The next run begins it again.")
