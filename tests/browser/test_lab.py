"""`make lab`: chapters in JupyterLab, with the Python of the project's environment.

One chapter, with an explorer, a control and an exercise, stands for all: nbval compares what their cells print.
"""

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from notebooks import PATIENCE, Notebook
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
CHAPTER = "05_gradient"
ANSWER = 'from xentlib.teaching.exercises import check\nanswer = {}\ncheck("05-signs", answer)'
SOLVED = ANSWER.format([0.23, 0.63, -0.86])
ADDRESS = re.compile(r"http://localhost:\d+/lab\?token=\w+")


class Lab:
    """`make lab` on a free port, for a folder with a copy of a chapter and the solutions."""

    def __init__(self, folder):
        self.folder, self.log = folder, folder / "log"
        self.chapter = folder / "chapters" / f"{CHAPTER}.ipynb"
        shutil.copytree(ROOT / "chapters" / "solutions", folder / "chapters" / "solutions")
        shutil.copy(ROOT / "chapters" / self.chapter.name, self.chapter)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def start(self):
        """Start it as in a terminal: in a process group of its own, and with a keyboard to ask."""
        self.keyboard, terminal = pty.openpty()
        command = ["make", "lab", f"PORT={self.port}", f"IN={self.folder / 'chapters'}"]
        with self.log.open("w") as log:
            streams = {"stdin": terminal, "stdout": log, "stderr": subprocess.STDOUT}
            self.make = subprocess.Popen(
                command, cwd=ROOT, env=somebody(self.folder), start_new_session=True, **streams
            )
        os.close(terminal)

    def stop(self):
        if self.make.poll() is None:
            os.killpg(self.make.pid, signal.SIGTERM)
            self.make.wait()
        os.close(self.keyboard)

    def wait_for_address(self):
        wait_for(lambda: self.make.poll() is not None or ADDRESS.search(self.printed()))
        assert self.make.poll() is None, self.printed()
        self.url = ADDRESS.search(self.printed())[0]

    def printed(self):
        return self.log.read_text(encoding="utf-8")

    def open(self, page):
        notebook = Notebook(page, self.url)
        page.goto(self.url.replace("/lab?", f"/lab/tree/{self.chapter.name}?reset&"))  # not what was open last time
        notebook.wait_for_python()
        return notebook

    def interrupt(self):
        """Press Ctrl-C, and return the processes that are left."""
        processes = psutil.Process(self.make.pid).children(recursive=True)
        assert any("ipykernel_launcher" in process.cmdline() for process in processes)
        os.killpg(self.make.pid, signal.SIGINT)
        self.make.wait(timeout=10)
        return psutil.wait_procs(processes, timeout=1)[1]


def wait_for(condition):
    end = time.monotonic() + PATIENCE / 1000
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def somebody(folder):
    """Return the environment of somebody whose own Jupyter has a kernel of the same name, which does not start."""
    own = folder / "jupyter"
    kernel = own / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    kernel.write_text(json.dumps({"argv": ["false"], "display_name": "Python 3", "language": "python"}))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return inherited | {
        "JUPYTER_PREFER_ENV_PATH": "0",
        "JUPYTER_DATA_DIR": str(own),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "BROWSER": "true",  # the command, which shows nothing
    }


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    yield lab
    lab.stop()


def test_a_chapter_runs_and_answers_until_ctrl_c(lab, open_page):
    lab.start()
    lab.wait_for_address()
    notebook = lab.open(open_page())
    notebook.run_all()
    assert notebook.errors() == []
    assert notebook.has_run()
    notebook.page.locator("p", has_text="Nobody types").wait_for(timeout=PATIENCE)  # of what the book includes
    move_an_explorer(notebook)
    move_a_control(notebook)
    answer_an_exercise(notebook)
    save_and_compare(notebook, lab.chapter)
    assert "(5.1)" in notebook.page.locator("#eq-gradient").inner_text()
    open_a_solution_and_come_back(notebook.page)
    assert notebook.page.locator(".jp-toast-message").count() == 0  # nothing is asked
    assert notebook.wrong == []
    assert lab.interrupt() == []
    assert "Traceback" not in lab.printed()
    assert "***" not in lab.printed()  # so make says that what it ran has failed


def move_an_explorer(notebook):
    explorer = notebook.page.locator(".jp-OutputArea .xentlib-explorer")
    said = explorer.locator(".said").inner_text()
    explorer.get_by_role("button", name="Skip").click()
    explorer.get_by_role("slider").first.press("ArrowRight")
    assert explorer.locator(".said").inner_text() != said


def move_a_control(notebook):
    """The figure is there before, and is another one afterwards."""
    live = notebook.page.locator(".widget-interact")
    before = live.locator("img").get_attribute("src")
    track = live.locator(".noUi-base")
    track.scroll_into_view_if_needed()
    track.click(position={"x": track.bounding_box()["width"] - 1, "y": 2})
    expect(live.locator("img")).not_to_have_attribute("src", before, timeout=PATIENCE)


def answer_an_exercise(notebook):
    cell = notebook.cells.filter(has_text='check("05-signs", answer)').first
    assert "05-signs: not" in notebook.run(ANSWER.format([0.23, 0.63, 0.14]), cell)
    assert "05-signs: solved" in notebook.run(SOLVED, cell)


def save_and_compare(notebook, path):
    """What was changed in the notebook is in the file then, and nothing else."""
    before = sources(path)
    with notebook.page.expect_response(lambda answer: answer.request.method == "PUT" and path.name in answer.url):
        notebook.page.keyboard.press("Control+S")
    assert [new for old, new in zip(before, sources(path), strict=True) if new != old] == [SOLVED]


def open_a_solution_and_come_back(page):
    seen = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    seen.get_by_role("link", name="Solution").nth(1).click()
    seen.get_by_role("heading", name="Solutions to chapter 5").wait_for(timeout=PATIENCE)
    seen.get_by_role("link", name="Back to the exercise").nth(1).click()
    seen.get_by_role("heading", name="The gradient", exact=True).wait_for(timeout=PATIENCE)


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_a_port_that_is_taken_is_an_error(lab):
    with socket.create_server(("127.0.0.1", lab.port)):
        lab.start()
        assert lab.make.wait(timeout=30) == 2
    assert f"port {lab.port} is not available" in lab.printed()
