"""What all explorers share: a widget where there is a kernel, and the same drawing on a page without one."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import anywidget

HERE = Path(__file__).parent


class Explorer(anywidget.AnyWidget):
    """A picture to drag, after a question, if any, that the reader answers first.

    A subclass has traits, the state; `values`, the numbers that it shows, by `xentlib`; `say`, a sentence about them;
    and `NAME.js` next to this file, which computes the same numbers in the browser and draws them. A test compares
    the two.

    The controls are HTML's own, inside the view, and not linked widgets: the page of the book then needs a model of
    a few lines, and not the widget manager, which is heavier than the page.
    """

    name = ""  #: of the file with its drawing
    question = ""  #: what the reader predicts before the explorer opens
    title = ""  #: what is to be found with it
    state: tuple[str, ...] = ()  #: the names of its traits
    heights = (0, 0)  #: in pixels, on a screen and on a phone, which a page keeps free until the script has run

    _css = HERE / "explorers.css"

    def __init_subclass__(cls, **kwargs):
        if "name" in vars(cls):  # traits that are added later make a subclass, too
            cls._esm = module(cls.name)
        super().__init_subclass__(**kwargs)

    def values(self) -> dict[str, Any]:
        """Return the numbers that are shown, by name."""
        raise NotImplementedError

    def say(self) -> str:
        """Return in a sentence or two what is to be seen."""
        raise NotImplementedError

    def shown_state(self) -> dict[str, Any]:
        """Return the traits that the view reads."""
        return {name: getattr(self, name) for name in self.state}

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.shown_state().items())})"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/plain": repr(self), "text/html": self._repr_html_()}, metadata

    def _repr_html_(self):
        """Return what a page shows until its script has run, or where none runs."""
        question, said, title = map(html.escape, (self.question, self.say(), self.title))
        return self.on_page(
            f'<section class="xentlib-explorer"><p class="title">{question}</p><p class="said">{said}</p>'
            f'<p class="finding">{title}</p></section>'
        )

    def on_page(self, until_then):
        """Return its place on a page, with some HTML that is there until its script has run."""
        state = html.escape(json.dumps(self.shown_state()), quote=True)
        room = "; ".join(f"--x-{n}: {pixels}px" for n, pixels in zip(("wide", "narrow"), self.heights, strict=True))
        name = f'id="explorer-{self.name}" data-explorer="{self.name}"'
        return f'<div {name} data-state="{state}" style="{room}">{until_then}</div>'


def module(name: str) -> str:
    """Return the JavaScript module of an explorer, which is one text, since a widget has no place to import from."""
    parts = [(HERE / file).read_text(encoding="utf-8") for file in ("common.js", f"{name}.js")]
    data = HERE / f"{name}.json"
    if data.exists():
        parts.insert(1, f"const DATA = {data.read_text(encoding='utf-8').strip()};\n")
    return "\n".join(parts)


def script(name: str) -> str:
    """Return the same as a plain script, which also runs on a page that was opened as a file."""
    body = module(name).replace("export default view;", f"(window.xentlibExplorers ??= {{}})[{name!r}] = view;")
    return f"(() => {{\n{body}\n}})();\n"
