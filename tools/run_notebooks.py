"""Re-execute notebooks and store their outputs and drawings: `python tools/run_notebooks.py chapters/*.ipynb`.

A notebook whose results are what they were is written back byte for byte the same, so that a diff shows nothing but
what really changed: no timings, no version of the interpreter, no random cell ids. A notebook that fails is left
as it was. nbclient runs the cells; its own command, `jupyter execute`, stores the interpreter's version as well, and
makes no drawings.
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools import drawings

# Names a model by a random id that no page can use: the HTML beside it holds the state.
WIDGET = "application/vnd.jupyter.widget-view+json"
BOTH = [f"--InlineBackend.figure_formats={kind}" for kind in ("png", "svg")]
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def main(paths):
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the kernels inherit it, as they do in the tests
    failed = []
    for number, path in enumerate(map(Path, paths), start=1):
        print(f"[{number}/{len(paths)}] {path} ", end="", flush=True)
        try:
            changed = refresh(path)
        except CellExecutionError as error:
            failed.append(path)
            print(f"FAILED\n{error}")
        else:
            print("changed" if changed else "unchanged")
    if failed:
        sys.exit(f"not written, because a cell failed: {', '.join(map(str, failed))}")


def refresh(path):
    """Execute one notebook in its own folder, write it and its drawings back, and tell whether they changed."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    notebook, old = (nbformat.reads(before, as_version=4) for _ in range(2))
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR", *BOTH],
        store_widget_state=False,
        timeout=300,
    )
    client.execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    notebook.metadata["kernelspec"] = KERNEL
    notebook.metadata.pop("language_info", None)
    drawn_anew = drawings.store(path, notebook, old)
    after = nbformat.writes(notebook) + "\n"
    if after != before:
        path.write_text(after, encoding="utf-8")
    return drawn_anew or after != before


if __name__ == "__main__":
    main(sys.argv[1:])
