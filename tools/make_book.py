"""Build the book, and replace the old one by it if nothing went wrong: `python -m tools.make_book _build/html`."""

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

from tools.whole import replaced, stop_at_once


def main(folder):
    try:
        with replaced(Path(folder)) as new:
            build(new.parents[1])
    except (RuntimeError, SystemExit):  # of which Sphinx has said already what there is to say
        sys.exit(f"The book was not built. What {folder} holds is as it was.")


def build(place):
    """Build the book into `_build/html` of a folder; Jupyter Book would say that it is to be looked at there."""
    from jupyter_book.cli.main import main as jupyter_book  # takes a second

    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        jupyter_book(["build", ".", "-W", "-n", "-q", "--path-output", str(place)], standalone_mode=False)


if __name__ == "__main__":
    stop_at_once("The build")
    main(sys.argv[1])
