"""What the public functions cannot show: see theirs for the dtypes, the axes and the error messages."""

import inspect

import numpy as np
import pytest
from reference import exactly

import xentlib
from xentlib._validate import (
    as_array,
    as_float,
    cast,
    check_axis,
    check_choice,
    check_float,
    check_integer,
    check_number,
    explain_keywords,
    first_index,
    format_index,
    narrow,
)

F16, F32, F64 = (np.dtype(name) for name in ("f2", "f4", "f8"))
INF, NAN = np.inf, np.nan


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


def container(name, module, **attributes):
    """Return an object of a class as other packages have them."""
    return type(name, (), {"__module__": module, **attributes})()


OBJECTS = np.array([[1.0, True]], object)
NO_NUMBERS = "z must hold real numbers (float16, float32, float64 or integers); got "
NO_ARRAY = "z must be an array, or lists of numbers; got "


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (container("csr_array", "scipy.sparse", toarray=None), f"{NO_ARRAY}scipy csr_array, whose toarray() is one"),
        ({1: 2}, f"{NO_ARRAY}dict"),
        (None, f"{NO_ARRAY}NoneType"),
        ((n for n in [1]), f"{NO_ARRAY}generator"),
        (
            container("DataFrame", "pandas.core", __array__=lambda *_, **__: OBJECTS, dtypes=[F64, np.dtype(bool)]),
            f"{NO_NUMBERS}pandas DataFrame of dtype float64, bool",
        ),
        (
            container("Series", "pandas.core", __array__=lambda *_, **__: OBJECTS, dtype="Float64"),
            f"{NO_NUMBERS}pandas Series of dtype Float64",
        ),
        (
            container("DataArray", "xarray.core", __array__=lambda *_, **__: np.array(["a"]), dtype=np.dtype("U1")),
            f"{NO_NUMBERS}xarray DataArray of dtype <U1",
        ),
    ],
)  # fmt: skip
def test_a_container_that_holds_no_numbers_is_named(values, message):
    with pytest.raises(TypeError, match=exactly(message)):
        as_float("z", values)


def test_a_container_that_holds_numbers_is_taken():
    values = container("DataFrame", "pandas.core", __array__=lambda *_, **__: np.eye(2), dtypes=[F64, F64])
    assert (as_float("z", values)[0] == np.eye(2)).all()


MASKED = np.ma.array([1.0, 2.0], mask=[False, True])


@pytest.mark.parametrize("values", [MASKED, [MASKED, MASKED], [1.0, np.ma.masked], np.ma.array([1.0, 2.0])])
def test_a_masked_array_is_refused(values):
    message = "z must have no mask, which would be lost; got a masked array: fill it first"
    with pytest.raises(TypeError, match=exactly(message)):
        as_array("z", values)


@pytest.mark.parametrize(
    ("values", "there", "and_there"),
    [
        ([[1, 2], [3]], "(2,) at index (0,)", "(1,) at index (1,)"),
        (([1, 2], [3, 4], 5), "(2,) at index (0,)", "() at index (2,)"),
        ([[[1, 2], [3, 4]], [[1, 2], [3]]], "(2,) at index (1, 0)", "(1,) at index (1, 1)"),
        ([np.zeros((2, 3)), np.zeros((1, 3))], "(2, 3) at index (0,)", "(1, 3) at index (1,)"),
    ],
)
def test_ragged_lists_are_refused_with_the_first_two_that_differ(values, there, and_there):
    message = f"z must hold rows of one length; got shape {there} and {and_there}"
    with pytest.raises(ValueError, match=exactly(message)):
        as_array("z", values)


def test_booleans_are_numbers_only_where_that_is_asked_for():
    one_hot = np.array([[True, False], [False, True]])
    numbers = check_float("targets", one_hot, allow_bool=True)
    assert numbers.dtype == F16
    assert (numbers == np.eye(2)).all()
    with pytest.raises(TypeError, match=r"got dtype bool$"):
        check_float("targets", one_hot)


def test_numbers_beyond_the_range_of_the_dtype_are_refused():
    numbers = np.array([[1.0, 3e38], [-1e39, 1e-60]])
    message = "bias must lie within the range of float32, at most 3.4e+38 in size; got -1e+39 at index (8, 0)"
    with pytest.raises(ValueError, match=exactly(message)):
        cast("bias", numbers, F32, (7,))
    with np.errstate(all="raise"):
        assert cast("bias", numbers[[0]], F32).dtype == F32
        assert cast("bias", np.array([INF, 1e-60]), F32).tolist() == [INF, 0]
        assert cast("bias", numbers, F64) is numbers


def test_a_result_is_narrowed_in_silence_and_without_minus_0():
    with np.errstate(all="raise"):
        result = narrow(np.array([1e6, -1e-9, -0.0, 0.5], np.float32), F16)
    assert result.dtype == F16
    assert result.tolist() == [INF, 0, 0, 0.5]
    assert not np.signbit(result).any()


@pytest.mark.parametrize("axis", ["k", None, 1.0, True, (0, 1)])
def test_an_axis_that_is_no_integer_is_refused(axis):
    with pytest.raises(TypeError, match=exactly(f"axis must be an integer; got {axis!r}")):
        check_axis("z", np.zeros((2, 3)), axis)


@pytest.mark.parametrize(("axis", "from_the_front"), [(0, 0), (2, 2), (-1, 2), (-3, 0)])
def test_an_axis_is_counted_from_the_front(axis, from_the_front):
    assert check_axis("z", np.zeros((2, 3, 4)), axis) == from_the_front


def test_the_first_of_several_indices_is_returned_as_plain_integers():
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = mask[2, 0] = True
    assert first_index(mask) == (1, 2)
    assert {type(n) for n in first_index(mask)} == {int}


def test_an_index_counts_from_the_offset_of_the_tile():
    assert format_index((1, 2)) == " at index (1, 2)"
    assert format_index((1, 2), (10, 20)) == " at index (11, 22)"
    assert format_index((1, 2), (10,)) == " at index (11, 2)"
    assert format_index(()) == ""


# Options


def smoothing(value):
    return check_number("label_smoothing", value, "lie in [0, 1]", lambda x: 0 <= x <= 1)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int8(1), np.float16(0.5)])
def test_a_number_becomes_a_float(value):
    assert type(smoothing(value)) is float
    assert smoothing(value) == value


@pytest.mark.parametrize("value", ["x", True, np.True_, None, 1j, [0.5], np.array([0.5])])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match=exactly(f"label_smoothing must be a real number; got {value!r}")):
        smoothing(value)


@pytest.mark.parametrize(
    ("value", "shown"), [(1.5, "1.5"), (2, "2"), (NAN, "nan"), (np.float32(-0.5), "-0.5"), (-(10**400), "-inf")]
)
def test_a_number_out_of_range_is_refused(value, shown):
    with pytest.raises(ValueError, match=exactly(f"label_smoothing must lie in [0, 1]; got {shown}")):
        smoothing(value)


def test_a_long_value_is_not_printed():
    with pytest.raises(TypeError, match=exactly("label_smoothing must be a real number; got numpy ndarray")):
        smoothing(np.zeros(100))


@pytest.mark.parametrize("value", [3, -100, np.int64(3), np.uint8(3)])
def test_an_integer_becomes_an_int(value):
    assert type(check_integer("ignore_index", value)) is int
    assert check_integer("ignore_index", value) == value


@pytest.mark.parametrize("value", [1.5, 1.0, "a", True, np.True_, None, [1], np.array([1])])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(TypeError, match=exactly(f"ignore_index must be an integer; got {value!r}")):
        check_integer("ignore_index", value)


def test_an_integer_below_the_minimum_is_refused():
    assert check_integer("block_bytes", 1, 1) == 1
    with pytest.raises(ValueError, match=exactly("block_bytes must be at least 1; got 0")):
        check_integer("block_bytes", 0, 1)


@pytest.mark.parametrize("value", ["median", 3, None, ["sum"], np.array(["sum", "mean"])])
def test_what_is_not_among_the_choices_is_refused(value):
    check_choice("reduction", "sum", ("sum", "mean"))
    with pytest.raises(ValueError, match=exactly(f"reduction must be one of 'sum', 'mean'; got {value!r}")):
        check_choice("reduction", value, ("sum", "mean"))


# Keywords


@explain_keywords
def of_logits(logits, targets, *, class_weights=None, axis=-1, reduction="mean"):
    """Return nothing."""
    return logits + 0


@pytest.mark.parametrize(
    ("foreign", "native"),
    [
        ("weight", "class_weights"),
        ("dim", "axis"),
        ("input", "logits"),
        ("target", "targets"),
        ("reduce", "reduction"),
        ("size_average", "reduction"),
    ],
)
def test_a_keyword_of_pytorch_is_answered_with_ours(foreign, native):
    message = f"of_logits() got an unexpected keyword argument {foreign!r}; PyTorch's {foreign} is {native} here"
    with pytest.raises(TypeError, match=exactly(message)):
        of_logits(1, 2, **{foreign: 3})


def test_all_else_about_a_call_is_as_it_was():
    assert of_logits(1, targets=2) == 1
    assert of_logits.__doc__ == "Return nothing."
    assert of_logits.__name__ == "of_logits"
    assert list(inspect.signature(of_logits).parameters) == [
        "logits",
        "targets",
        "class_weights",
        "axis",
        "reduction",
    ]
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'alpha'$"):
        of_logits(1, 2, alpha=3)
    with pytest.raises(TypeError, match=r"^can only concatenate"):
        of_logits("1", 2)
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'targets'$"):
        of_logits(1)


def test_an_argument_that_has_the_name_of_pytorch_here_too_is_left_alone():
    @explain_keywords
    def of_layer(features, weight, *, class_weights=None):
        return weight + 0

    assert of_layer(1, weight=2) == 2
    with pytest.raises(TypeError, match=r"^can only concatenate"):
        of_layer(1, weight="2")


@pytest.mark.parametrize("function", [xentlib.entropy, xentlib.cross_entropy, xentlib.kl_divergence])
def test_dim_is_answered_with_axis(function):
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'dim'; PyTorch's dim is axis here$"):
        function([0.5, 0.5], dim=0)
