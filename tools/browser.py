"""Show pages to the Chromium of this machine: for the tests, the benchmark of the pages and the PDF."""

import gzip
import os
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from mimetypes import MimeTypes
from pathlib import Path

from playwright.sync_api import sync_playwright

# Debian's chromium-headless-shell is the same without windows: a page opens three times as fast.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
NONE_FOUND = (
    f"No Chromium on the path ({', '.join(NAMES)}). On Debian or Ubuntu: sudo apt-get install chromium-headless-shell"
)
COMPRESSED = (".html", ".css", ".js", ".svg", ".json", ".md", ".txt", ".ipynb")


def find_chromium():
    """Return the path of the browser, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium():
    """Yield a browser with a fresh profile, which Playwright drives; its own download of a browser is never used."""
    path = find_chromium()
    if path is None:
        raise FileNotFoundError(NONE_FOUND)
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if as_root else [])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serve(folder, prefix="/", compress=False):
    """Serve a folder below a prefix of this machine's own address, and yield its URL, which ends in a slash."""
    handler = partial(_Handler, directory=str(folder), prefix=prefix, compress=compress)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{prefix}"
        finally:
            server.shutdown()


class _Handler(SimpleHTTPRequestHandler):
    """Answers for what is below the prefix, with types that do not depend on the machine, and keeps quiet."""

    protocol_version = "HTTP/1.1"
    # Without the table of the machine: a browser runs no module that comes as plain text.
    extensions_map = MimeTypes().types_map[True] | {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".ipynb": "application/json",
        "": "application/octet-stream",
    }

    def __init__(self, *arguments, prefix, compress, **options):
        self.prefix, self.compress = prefix, compress
        super().__init__(*arguments, **options)

    def send_head(self):
        if not self.path.startswith(self.prefix):
            self.send_error(404)
            return None
        path = Path(self.translate_path(self.path))
        if not (self.compress and path.suffix in COMPRESSED and path.is_file()):
            return super().send_head()
        content = gzip.compress(path.read_bytes())
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return BytesIO(content)

    def translate_path(self, path):
        return super().translate_path("/" + path.removeprefix(self.prefix))

    def log_message(self, *arguments):
        pass
