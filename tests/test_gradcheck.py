import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import RUNNING_EXAMPLE, exactly, generators

from xentlib import check_grad, softmax_cross_entropy_with_grad

# What a right gradient stays below, and one that is wrong by 0.1 % above.
RIGHT = {"central": 1e-8, "complex": 1e-13}
WRONG = 9e-4
TOLERANCE = {"central": 1e-6, "complex": 1e-12}  # as the docstring says
METHODS = pytest.mark.parametrize("method", ["central", "complex"])


def cubes(x):
    return (x**3).sum()


def grad_of_cubes(x):
    return 3 * x**2


def loss(z):
    """The textbook loss of class 1 over the rows of z: analytic, so that the complex step goes through it."""
    return (np.log(np.exp(z).sum(-1)) - z[..., 1]).mean()


def grad_of_loss(z, reduction="mean"):
    return softmax_cross_entropy_with_grad(z, np.ones(z.shape[:-1], int), reduction=reduction)[1]


def points(rng):
    """Points whose entries have gradients of about the same size."""
    return rng.uniform(0.5, 2, 4) * rng.choice((-1, 1), 4)


@METHODS
@given(rng=generators())
def test_a_right_gradient_is_accepted(method, rng):
    x = points(rng)
    assert check_grad(cubes, grad_of_cubes, x, method=method) < RIGHT[method]
    assert check_grad(loss, grad_of_loss, x.reshape(2, 2), method=method) < RIGHT[method]


@METHODS
@given(rng=generators(), factor=st.sampled_from((0.999, 1.001, 0.5, 2, -1)))
def test_a_gradient_that_is_wrong_as_a_whole_is_rejected(method, rng, factor):
    x = points(rng)
    assert check_grad(cubes, lambda x: factor * grad_of_cubes(x), x, method=method) > WRONG


@METHODS
@given(rng=generators(), place=st.integers(0, 3), factor=st.sampled_from((0.999, 1.001, -1, 0)))
def test_one_wrong_component_is_rejected_even_where_it_is_a_hundredth_of_the_largest(method, rng, place, factor):
    x = points(rng)
    x[place] = 0.1 * np.abs(np.delete(x, place)).max()  # a tenth of x, a hundredth of x²
    wrong = np.ones(4)
    wrong[place] = factor
    # A digit less, since the rounding of f is that of its large terms.
    assert check_grad(cubes, grad_of_cubes, x, method=method) < 10 * RIGHT[method]
    assert check_grad(cubes, lambda x: wrong * grad_of_cubes(x), x, method=method) > WRONG


@METHODS
def test_the_error_is_the_relative_one(method):
    for factor, error in ((1.001, 0.001 / 1.001), (0.999, 0.001), (-1, 2), (0, 1), (4, 0.75)):
        got = check_grad(cubes, lambda x, factor=factor: factor * grad_of_cubes(x), [1.0, -2.0], method=method)
        assert type(got) is float
        assert got == pytest.approx(error, rel=1e-5)


@METHODS
def test_mistakes_in_the_gradient_of_the_loss_are_rejected(method):
    z = np.array([RUNNING_EXAMPLE, [0.0, 0.3, -1.0]])
    q = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    p = np.eye(3)[[1, 1]]
    mistakes = {
        "right": (q - p) / 2,
        "wrong sign": (p - q) / 2,
        "q + p": (q + p) / 2,
        "no 1/N": grad_of_loss(z, reduction="sum"),
        "no p": q / 2,
        "another class": (q - np.eye(3)[[1, 0]]) / 2,
        "not shifted but scaled": (q - p) / 3,
    }
    errors = {name: check_grad(loss, lambda z, grad=grad: grad, z, method=method) for name, grad in mistakes.items()}
    assert errors.pop("right") < RIGHT[method]
    assert min(errors.values()) > 0.1, errors


@METHODS
def test_the_gradient_of_a_constant_is_0(method):
    def constant(x):
        return 0 * x.sum() + 3

    assert check_grad(constant, np.zeros_like, [1.0, 2.0], method=method) == 0
    assert check_grad(constant, lambda x: [0.0, 1e-9], [1.0, 2.0], method=method) == 1


@METHODS
def test_a_component_that_is_0_may_stand_beside_others(method):
    def f(x):
        return x[0] ** 2 + 0 * x[1]

    assert check_grad(f, lambda x: [2 * x[0], 0.0], [3.0, 1.0], method=method) < RIGHT[method]
    assert check_grad(f, lambda x: [2 * x[0], 0.01], [3.0, 1.0], method=method) > WRONG


@pytest.mark.parametrize(("method", "noise"), [("central", 1e-3), ("complex", np.finfo(float).eps)])
def test_a_component_smaller_than_the_noise_is_measured_against_the_noise(method, noise):
    tiny = noise / 100
    error = check_grad(lambda x: x[0] + tiny * x[1], lambda x: [1.0, 0.0], [0.0, 0.0], method=method)
    assert error == pytest.approx(0.01)


@METHODS
@pytest.mark.parametrize("x", [3.0, [3.0], [[1.0, 2.0], [3.0, 4.0]], np.ones((2, 1, 3)), [1, 2], [], np.float32([1])])
def test_x_has_any_shape_and_is_widened_to_float64(method, x):
    seen = set()

    def grad(x):
        seen.add(x.dtype)
        return grad_of_cubes(x)

    assert check_grad(cubes, grad, x, method=method) < RIGHT[method]
    assert seen == {np.dtype(np.float64)}


@METHODS
def test_x_is_not_modified_even_by_a_gradient_that_writes_to_it(method):
    def careless_grad(x):
        x *= x
        return 3 * x

    x = np.array([1.0, -2.0])
    assert check_grad(cubes, careless_grad, x, method=method) < RIGHT[method]
    assert x.tolist() == [1, -2]


@pytest.mark.parametrize("scale", [1, 1e6, 1e12])
def test_the_central_step_grows_with_x(scale):
    x = scale * np.array([1.0, -1.5])
    assert check_grad(cubes, grad_of_cubes, x) < RIGHT["central"]


@pytest.mark.parametrize("scale", [1e-3, 1e-6, 1e-12, 1e-100])
def test_the_central_step_shrinks_with_x(scale):
    """A step that is large beside x leaves the domain of a logarithm, and what is right to say of cubes."""
    x = scale * np.array([1.0, 1.5])
    assert check_grad(lambda x: np.log(x).sum(), lambda x: 1 / x, x) < TOLERANCE["central"]
    assert check_grad(lambda x: 1 / x.sum(), lambda x: np.full(2, -1 / x.sum() ** 2), x) < TOLERANCE["central"]
    if scale > 1e-50:
        assert check_grad(cubes, grad_of_cubes, x) < TOLERANCE["central"]
        assert check_grad(cubes, lambda x: 1.001 * grad_of_cubes(x), x) > WRONG


@pytest.mark.parametrize("scale", [1e-3, 1e-6, 1e-12, 1e-100, 5e-324])
def test_a_small_x_does_not_drown_a_function_that_pays_no_heed_to_it(scale):
    """A step of the size of x would change f by less than its rounding."""
    x = scale * np.array([1.0, -1.0])
    for f, derivative in ((np.sin, np.cos), (np.exp, np.exp)):
        assert check_grad(lambda x, f=f: 3 + f(x).sum(), lambda x, d=derivative: d(x), x) < TOLERANCE["central"]
    assert check_grad(lambda x: 3 + np.sin(x).sum(), lambda x: 1.001 * np.cos(x), x) > WRONG
    assert check_grad(lambda x: 3 + np.sin(x).sum(), lambda x: 0 * x, x) == 1


def test_entries_of_any_size_go_together():
    x = np.array([1e-6, 1.0, 1e6, 0.0])

    def f(x):
        return 1e-3 * np.log(x[0]) + np.sin(x[1]) + 1e-6 * x[2] + np.sin(x[3])

    def grad(x):
        return [1e-3 / x[0], np.cos(x[1]), 1e-6, np.cos(x[3])]

    assert check_grad(f, grad, x) < TOLERANCE["central"]


@METHODS
@given(rng=generators())
def test_the_tolerances_that_the_docstring_names_hold(method, rng):
    """For a loss of logits of any size up to 10, whose entries of the gradient may be tiny."""
    z = rng.normal(size=(3, 4)) * 10 ** rng.uniform(-3, 1)
    assert check_grad(loss, grad_of_loss, z, method=method) < TOLERANCE[method]


@METHODS
def test_nothing_of_its_own_warns_and_f_is_called_as_numpy_was_told(method):
    seen = set()

    def f(x):
        seen.add(np.geterr()["under"])
        return cubes(x)

    with np.errstate(all="raise"):
        assert check_grad(f, grad_of_cubes, [1e-60, 1e-80, 0.0], method=method) <= 1
        assert check_grad(lambda x: 0 * x.sum(), lambda x: [1e-306], [1.0], method=method) == 1
    assert seen == {"raise"}


def test_the_complex_step_resolves_what_central_differences_cannot():
    def grad(x):
        return grad_of_cubes(x) * (1 + 1e-11)

    assert check_grad(cubes, grad, RUNNING_EXAMPLE, method="complex") == pytest.approx(1e-11, rel=1e-3)


# Errors


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match=exactly("method must be one of 'central', 'complex'; got 'forward'")):
        check_grad(cubes, grad_of_cubes, RUNNING_EXAMPLE, method="forward")


@METHODS
@pytest.mark.parametrize(
    ("x", "grad", "message"),
    [
        (["a"], grad_of_cubes, "x must hold real numbers; got dtype <U1"),
        ([1j], grad_of_cubes, "x must hold real numbers; got dtype complex128"),
        (
            np.ma.array([1.0]),
            grad_of_cubes,
            "x must have no mask, which would be lost; got a masked array: fill it first",
        ),
        ([1.0], lambda x: [1j], "grad(x) must hold real numbers; got dtype complex128"),
        ([1.0], lambda x: None, "grad(x) must be an array, or lists of numbers; got NoneType"),
    ],
)
def test_what_is_no_real_number_is_refused(method, x, grad, message):
    with pytest.raises(TypeError, match=exactly(message)):
        check_grad(cubes, grad, x, method=method)


@METHODS
@pytest.mark.parametrize(
    ("grad", "message"),
    [
        (lambda x: 3 * x[:2] ** 2, "grad must return the shape of x, (3,); got (2,)"),
        (lambda x: 1.0, "grad must return the shape of x, (3,); got ()"),
        (lambda x: [1.0, np.nan, 2.0], "grad(x) must be finite; got [ 1. nan  2.]"),
        (lambda x: [1.0, 2.0, -np.inf], "grad(x) must be finite; got [  1.   2. -inf]"),
    ],
)
def test_a_gradient_of_another_shape_or_not_finite_is_refused(method, grad, message):
    with pytest.raises(ValueError, match=exactly(message)):
        check_grad(cubes, grad, RUNNING_EXAMPLE, method=method)


@METHODS
@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x**2, "f must return a scalar; got an array of shape (3,)"),
        (lambda x: (x**2).sum(keepdims=True), "f must return a scalar; got an array of shape (1,)"),
        (lambda x: x.sum() * np.nan, "the difference of f must be finite; got [nan nan nan]"),
    ],
)
def test_a_function_that_is_no_finite_scalar_is_refused(method, f, message):
    with pytest.raises(ValueError, match=exactly(message)):
        check_grad(f, grad_of_cubes, RUNNING_EXAMPLE, method=method)


@pytest.mark.parametrize(
    "f", [lambda x: cubes(x).real, lambda x: np.abs(x).sum(), lambda x: float(cubes(x.real)), lambda x: 3]
)
def test_the_complex_step_refuses_a_function_that_drops_the_imaginary_part(f):
    with pytest.raises(TypeError, match=r"^f must keep the imaginary part under method 'complex'; got .*\d"):
        check_grad(f, grad_of_cubes, RUNNING_EXAMPLE, method="complex")


def test_the_complex_step_refuses_the_library_itself_which_compares_logits():
    with pytest.raises(TypeError, match=r"^logits must hold real numbers"):
        check_grad(lambda z: softmax_cross_entropy_with_grad(z, 1)[0], grad_of_loss, RUNNING_EXAMPLE, method="complex")
