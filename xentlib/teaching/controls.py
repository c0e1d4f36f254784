"""Controls of ipywidgets for a function that draws, whose first figure a page keeps."""

from collections.abc import Callable
from typing import Any

from IPython.display import display
from IPython.utils.capture import RichOutput, capture_output
from ipywidgets import interactive


def interact(**controls: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put the arguments of the function that follows under controls: `ipywidgets.interact`, with a figure for a page.

    What `ipywidgets.interact` displays is a widget and no more, so that a page, GitHub, or a notebook before its first
    run has nothing to show. An output may hold several forms, of which Jupyter shows the richest that it can. This one
    holds the widget, and the figure at the first values.

    Parameters
    ----------
    **controls
        For each argument what `ipywidgets.interact` takes, such as (0.1, 5, 0.1): from, to, in steps of. It begins at
        the default of the argument.

    Returns
    -------
    callable
        To be written above the function, as `@interact(...)`. The function keeps the widget as its `widget`.
    """

    def show(function):
        function.widget = live = _Live(function, **controls)
        with capture_output() as first:
            function(**{control._kwarg: control.get_interact_value() for control in live.kwargs_widgets})
        printed = [{"output_type": "stream", "name": "stdout", "text": first.stdout}] if first.stdout else []
        drawn = [
            {"output_type": "display_data", "data": each.data, "metadata": each.metadata} for each in first.outputs
        ]
        live.out.outputs = (*printed, *drawn)
        figure = first.outputs[-1] if first.outputs else RichOutput()
        display(live._repr_mimebundle_() | figure.data, metadata=figure.metadata, raw=True)
        return function

    return show


class _Live(interactive):
    """Controls that do not call their function before one of them is moved."""

    def update(self, *change):
        if change:
            super().update(*change)
