"""Explorers: pictures that answer to sliders, in a notebook and on the static page alike."""

from xentlib.teaching.explorers.softmax import Softmax

ALL = (Softmax,)

__all__ = ["ALL", *(explorer.__name__ for explorer in ALL)]
