"""Explorers: pictures that are dragged and answer, in a notebook and on the static page alike."""

from xentlib.teaching.explorers.backward import Backward
from xentlib.teaching.explorers.border import Border
from xentlib.teaching.explorers.calibration import Calibration
from xentlib.teaching.explorers.cross_entropy import CrossEntropy
from xentlib.teaching.explorers.digit import Digit
from xentlib.teaching.explorers.floating_point import FloatingPoint
from xentlib.teaching.explorers.flow import Flow
from xentlib.teaching.explorers.gradient import Gradient
from xentlib.teaching.explorers.online_softmax import OnlineSoftmax
from xentlib.teaching.explorers.q_minus_p import QMinusP
from xentlib.teaching.explorers.softmax import Softmax

ALL = (
    Backward, Border, Calibration, CrossEntropy, Digit, FloatingPoint, Flow, Gradient, OnlineSoftmax, QMinusP,
    Softmax,
)  # fmt: skip

__all__ = ["ALL", *(explorer.__name__ for explorer in ALL)]
