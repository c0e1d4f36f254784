"""Put a new book into the place of the old one in one step, once it is complete."""

import os
import shutil
import signal
import sys
from contextlib import contextmanager

STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


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
    new, old = aside / "_build" / "html", aside / "old"  # Jupyter Book names it so
    put_back(old, book)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    began = aside.stat().st_mtime_ns
    try:
        yield new
        os.utime(new / "index.html", ns=(began, began))
        exchange(new, book, old)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def exchange(new, book, old):
    """Move the new book into the place of the old one. Only `kill -9` can come between; the next `make` mends that."""
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        if book.exists():
            book.rename(old)
        new.rename(book)
    finally:
        put_back(old, book)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)


def put_back(old, book):
    if old.exists() and not book.exists():
        old.rename(book)
