"""Build the book, and replace the old one by it if nothing went wrong: `python -m tools.make_book _build/html`."""

import os
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

from tools.whole import replaced, stop_at_once


def main(folder):
    try:
        with replaced(Path(folder)) as new:
            build(new.parents[1])
    except (RuntimeError, SystemExit) as error:
        sys.exit(f"{said(error)}The book was not built. What {folder} holds is as it was.")


def said(error):
    r"""Return what Jupyter Book says in a box, such as of a faulty table of contents. Sphinx has spoken by then.

    >>> said(RuntimeError("\n\033[91m=====\033[0m\n\nThe table is malformed\n\n\033[91m=====\033[0m\n"))
    'The table is malformed\n'
    """
    text = re.sub(r"\033\[\d+m|={5,}", "", str(error)).strip()
    return f"{text}\n" if text and "Look above" not in text and not isinstance(error, SystemExit) else ""


def build(place):
    """Build the book into `_build/html` of a folder; Jupyter Book would say that it is to be looked at there."""
    from jupyter_book.cli.main import main as jupyter_book  # takes a second

    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        jupyter_book(["build", ".", "-W", "-n", "-q", "--path-output", str(place)], standalone_mode=False)


if __name__ == "__main__":
    stop_at_once("The build")
    main(sys.argv[1])
