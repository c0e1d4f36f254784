"""What kind of mistake a wrong answer is, for all exercises: the sign, an index, a factor, the shift, lost digits.

A mistake of a kind turns the right numbers into other numbers, whatever they mean. So a diagnosis needs no list per
exercise: it spoils the reference in many ways, in a fixed order, and looks whether the answer comes out. It returns a
sentence, or "" if the answer is none of these.

`spoiling` serves all answers. `values` diagnoses a value; `functions` a function, by its results (`outputs`) and by
other arguments (`arguments`); `expressions` an expression, by the `variants` of the right one.
"""

from xentlib.teaching.exercises.diagnosis.expressions import of_expression
from xentlib.teaching.exercises.diagnosis.functions import of_function
from xentlib.teaching.exercises.diagnosis.outputs import Tried, has_no_number
from xentlib.teaching.exercises.diagnosis.values import ROUNDED, is_rounded, of_value

__all__ = ["ROUNDED", "Tried", "has_no_number", "is_rounded", "of_expression", "of_function", "of_value"]
