"""What the public functions cannot show: see theirs for the dtypes, the axes and the error messages."""

import numpy as np
import pytest
from reference import exactly

from xentlib._validate import as_float, check_axis, first_index


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_float_array_is_not_copied(dtype):
    array = np.ones(3, dtype)
    assert as_float("z", array)[0] is array


@pytest.mark.parametrize(
    ("dtype", "computed_in", "kept"),
    [
        (np.float16, np.float32, np.float16),
        (np.float32, np.float32, np.float32),
        (np.float64, np.float64, np.float64),
        (np.int8, np.float64, np.float64),
        (np.uint64, np.float64, np.float64),
    ],
)
def test_the_dtype_to_compute_in_and_the_dtype_to_return(dtype, computed_in, kept):
    array, result_dtype = as_float("z", np.ones((2, 3), dtype))
    assert (array.dtype, result_dtype) == (computed_in, kept)
    assert array.shape == (2, 3)


@pytest.mark.parametrize("values", [[True], [1j], ["1.0"], [None], np.array(["2020"], "M8[Y]")])
def test_what_is_no_real_number_of_a_known_dtype_is_refused(values):
    dtype = np.asarray(values).dtype
    message = f"weights must hold real numbers (float16, float32, float64 or integers); got dtype {dtype}"
    with pytest.raises(TypeError, match=exactly(message)):
        as_float("weights", values)


@pytest.mark.parametrize(("axis", "from_the_front"), [(0, 0), (2, 2), (-1, 2), (-3, 0)])
def test_an_axis_is_counted_from_the_front(axis, from_the_front):
    assert check_axis("z", np.zeros((2, 3, 4)), axis) == from_the_front


def test_the_first_of_several_indices_is_returned_as_plain_integers():
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = mask[2, 0] = True
    assert first_index(mask) == (1, 2)
    assert {type(n) for n in first_index(mask)} == {int}
