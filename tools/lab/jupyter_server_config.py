"""How `make lab` differs from a bare `jupyter lab`. `labconfig/` says what is switched off, and how notebooks open."""

import re

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

c = get_config()  # noqa: F821 - Jupyter's

c.ServerApp.answer_yes = True  # Ctrl-C stops it at once
c.ServerApp.port_retries = 0  # a port that is taken is an error, and not a reason to take another
c.ServerApp.allow_root = True  # whoever is root in a container
c.Application.log_level = "ERROR"  # of the rest, its address is all that one needs to know
c.KernelManager.transport_encryption = "auto"  # else each kernel warns that it has none


class Chapters(AsyncLargeFileManager):
    """Tells the MyST extension which chapter a notebook is, so that an equation is (5.1) there as well, and not (1).

    It reads that at the top of the first cell, where other viewers would show it. So it is there only while open.
    """

    async def get(self, path, content=True, **options):
        model = await super().get(path, content, **options)
        if content and model["type"] == "notebook":
            for cell in title(model):
                cell["source"] = numbering(path) + cell["source"]
        return model

    async def save(self, model, path=""):
        if model["type"] == "notebook":
            for cell in title(model):
                cell["source"] = cell["source"].removeprefix(numbering(path))
        return await super().save(model, path)


def title(model):
    return [cell for cell in model["content"]["cells"][:1] if cell["cell_type"] == "markdown"]


def numbering(path):
    chapter = re.search(r"\b0*(\d+)_\w+\.ipynb$", path)
    return f"---\nnumbering:\n  enumerator: {chapter[1]}.%s\n---\n\n" if chapter else ""


c.ServerApp.contents_manager_class = Chapters
