"""What a reader does with a notebook, wherever its Python runs, and what went wrong meanwhile."""

import os
import re
import time
from urllib.parse import urlsplit

PATIENCE = 1000 * int(os.environ.get("XENTLIB_PATIENCE", 240))  # milliseconds
PROMPT = ".jp-InputPrompt"
RUN = re.compile(r"\[\d+\]:")  # the prompt of a cell that has run
FORGET = "prompts => prompts.forEach((prompt) => { prompt.textContent = ''; })"  # the number of an earlier run


class Notebook:
    """A notebook in a page, and what has gone wrong since it was opened."""

    def __init__(self, page, site):
        self.page, self.wrong, self.loaded = page, [], {}
        self.cells = page.locator(".jp-Notebook .jp-CodeCell")
        page.context.on("request", lambda request: self.check_host(request.url, site))
        page.context.on("response", self.note)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def wait_for_cells(self):
        self.page.locator(".jp-Notebook h1").first.wait_for(timeout=PATIENCE)  # one empty cell is there before

    def wait_for_python(self):
        self.wait_for_cells()
        self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=PATIENCE)

    def note(self, answer):
        self.loaded[answer.url] = int(answer.headers.get("content-length", 0))
        if answer.status >= 400:
            self.wrong.append(f"{answer.status} {answer.url}")

    def check_host(self, url, site):
        host = f"http://{urlsplit(site).netloc}/"  # the service worker's heartbeat is asked for at its root
        if not url.startswith((host, "data:", "blob:")):
            self.wrong.append(f"asked another host: {url}")

    def run_all(self):
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.cells.last.locator(PROMPT, has_text="[*]").wait_for(timeout=PATIENCE)  # what has run before has a number
        end = time.monotonic() + PATIENCE / 1000
        while not (all(map(RUN.fullmatch, self.prompts())) or self.errors()):
            assert time.monotonic() < end, f"still running: {self.prompts()}"
            self.page.wait_for_timeout(200)

    def prompts(self):
        return self.cells.locator(PROMPT).all_text_contents()  # inner text would lay out the page each time

    def has_run(self):
        """Say whether each cell has run once, and in order."""
        return self.prompts() == [f"[{number}]:" for number in range(1, self.cells.count() + 1)]

    def run(self, code, cell=None):
        """Replace a cell, the first one if none is named, by some code, run it, and return what it shows."""
        cell = cell or self.cells.first
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(code)
        cell.locator(PROMPT).evaluate_all(FORGET)
        self.page.keyboard.press("Control+Enter")
        cell.locator(PROMPT, has_text=RUN).wait_for(timeout=PATIENCE)
        return cell.locator(".jp-OutputArea").inner_text()

    def errors(self):
        """Return what went to the error stream of a cell, or was raised there."""
        kinds = [f"[data-mime-type='application/vnd.jupyter.{kind}']" for kind in ("stderr", "error")]
        return self.page.locator(".jp-Notebook").locator(", ".join(kinds)).all_text_contents()

    def shown(self):
        """Return for each cell the text that it shows: what it printed, and its value if that is text and no more."""
        kinds = [f"[data-mime-type='{kind}'] pre" for kind in ("application/vnd.jupyter.stdout", "text/plain")]
        return ["".join(cell.locator(", ".join(kinds)).all_inner_texts()) for cell in self.cells.all()]
