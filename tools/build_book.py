"""Build the book aside, and replace the old one if nothing went wrong: `python -m tools.build_book _build/html`.

Jupyter Book alone writes into the old book, which a failed build leaves half new, and `make` then takes for made.
"""

import os
import re
import shutil
import signal
import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path


def main(folder):
    stop_at_once("The build")
    try:
        with replaced(folder) as new:
            build(new.parents[1])
    except (RuntimeError, SystemExit) as error:
        sys.exit(f"{reason(error)}The book was not built. What {folder} holds is as it was.")


def stop_at_once(what):
    """Let Ctrl-C end the process: as an exception, Sphinx may take it for one of a module that it reads, and go on."""

    def stop(*arguments):
        sys.stderr.write(f"{what} was interrupted. The next run begins it again.\n")
        os._exit(130)

    signal.signal(signal.SIGINT, stop)


@contextmanager
def replaced(book):
    """Yield the path of a new book, to be made, which takes the place of the old one unless an error is raised.

    The new book counts as made when its making began: what is edited meanwhile is newer, and the next `make` sees it.
    """
    aside = book.with_name(f"{book.name}.next")
    new = aside / "_build" / "html"  # Jupyter Book names it so
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    began = aside.stat().st_mtime_ns
    try:
        yield new
        os.utime(new / "index.html", ns=(began, began))
        if book.exists():
            book.rename(aside / "old")  # whoever stops it here has no book, and the next `make` builds one
        new.rename(book)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def build(place):
    """Build the book into `_build/html` of a folder; Jupyter Book would say that it is to be looked at there."""
    from jupyter_book.cli.main import main as jupyter_book  # takes a second

    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        jupyter_book(["build", ".", "-W", "-n", "-q", "--path-output", str(place)], standalone_mode=False)


def reason(error):
    r"""Return what Jupyter Book says in a box, such as of a faulty table of contents. Sphinx has spoken by then.

    >>> reason(RuntimeError("\n\033[91m=====\033[0m\n\nThe table is malformed\n\n\033[91m=====\033[0m\n"))
    'The table is malformed\n'
    """
    text = re.sub(r"\033\[\d+m|={5,}", "", str(error)).strip()
    return f"{text}\n" if text and "Look above" not in text and not isinstance(error, SystemExit) else ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
