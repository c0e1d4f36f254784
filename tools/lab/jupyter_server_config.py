"""How `make lab` differs from a bare `jupyter lab`. `labconfig/` says what is switched off, and how notebooks open."""

import re
import sys
from pathlib import Path

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

sys.path.insert(0, str(Path(__file__).parents[2]))

from tools import at_work

c = get_config()  # noqa: F821 - Jupyter's

c.ServerApp.answer_yes = True  # Ctrl-C stops it at once
c.ServerApp.port_retries = 0  # a port that is taken is an error, and not a reason to take another
c.ServerApp.allow_root = True  # whoever is root in a container
c.Application.log_level = "ERROR"  # of the rest, its address is all that one needs to know
c.KernelManager.transport_encryption = "auto"  # else each kernel warns that it has none


class Chapters(AsyncLargeFileManager):
    """Tells the MyST extension which chapter a notebook is, so that an equation is (5.1) there as well, and not (1).

    It reads that at the top of the first cell, where other viewers would show it. So it is there only while open, and
    so is what the extension cannot include.
    """

    async def get(self, path, content=True, **options):
        model = await super().get(path, content, **options)
        if content and model["type"] == "notebook":
            for cell in title(model):
                cell["source"] = numbering(path) + cell["source"]
            for cell in text(model):
                cell["source"] = at_work.put_in(cell["source"])
        return model

    async def save(self, model, path=""):
        if model["type"] == "notebook":
            for cell in title(model):
                cell["source"] = cell["source"].removeprefix(numbering(path))
            for cell in text(model):
                cell["source"] = at_work.taken_out(cell["source"])
        return await super().save(model, path)


def text(model):
    return [cell for cell in model["content"]["cells"] if cell["cell_type"] == "markdown"]


def title(model):
    return [cell for cell in text(model)[:1] if cell is model["content"]["cells"][0]]


def numbering(path):
    chapter = re.search(r"\b0*(\d+)_\w+\.ipynb$", path)
    return f"---\nnumbering:\n  enumerator: {chapter[1]}.%s\n---\n\n" if chapter else ""


c.ServerApp.contents_manager_class = Chapters
