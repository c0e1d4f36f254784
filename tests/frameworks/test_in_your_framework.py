"""The page of the same task in every framework: each call on it is evaluated, and gives what the page says.

A framework that is not installed is skipped. TensorFlow and Keras are in no requirements: install them in an
environment of your own to run their rows.
"""

import importlib
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import xentlib

PAGE = (Path(__file__).parents[2] / "api" / "frameworks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
ROW = re.compile(r"^\| (?P<place>\w[\w-]*) \| (?P<cell>.+?) \|(?: (?P<gives>[^|]+) \|)?$", re.M)
OURS = {"xentlib", "NumPy"}  #: what a row without a number is compared with


def rows(page):
    """Return the task, the framework, the call and what it gives, of each row with a call."""
    found = []
    for task in re.split(r"^\*\*(?=[^*]+\.\*\*)", page.partition("\n## Arguments")[0], flags=re.M)[1:]:
        calls = [(row, re.match(r"\[?`([^`]+)`", row["cell"])) for row in ROW.finditer(task)]
        found += [(task.partition(".**")[0], row["place"], call[1], row["gives"]) for row, call in calls if call]
    return found


ROWS = rows(PAGE)


def example():
    """Return the example of the page, and the other arrays that it speaks of."""
    names = {"np": np, "softmax": xentlib.softmax}
    exec(BLOCKS[0], names)
    random = np.random.default_rng(0)
    arrays = {name: value for name, value in names.items() if isinstance(value, np.ndarray)}
    arrays |= {name: random.normal(size=shape) for name, shape in SHAPES.items()}
    return arrays | {"pixels": random.integers(3, size=(2, 4, 5)), "sure": np.array([[0, 40.0]]), "one": np.array([1])}


SHAPES = {"images": (2, 4, 5, 3), "features": (2, 4), "weight": (3, 4), "bias": (3,), "v": (2, 3)}


def ours():
    import dask.array as da

    from xentlib import sharded

    names = example()
    losses = xentlib.softmax_cross_entropy(names["logits"], names["labels"], reduction="none")
    functions = {name: getattr(xentlib, name) for name in xentlib.__all__}

    def mean_loss(z):
        return xentlib.softmax_cross_entropy(z, names["labels"])

    def gradient(z):
        return xentlib.softmax_cross_entropy_with_grad(z, names["labels"])[1]

    names |= {"np": np, "da": da, "sharded": sharded, "losses": losses, "mean_loss": mean_loss, "gradient": gradient}
    return functions | names


class Names:
    """A module, as far as the page needs it."""

    def __init__(self, names):
        self.__dict__.update(names)


def scientific():
    import scipy.special
    import scipy.stats
    from sklearn.metrics import log_loss

    return example() | {"scipy": scipy, "log_loss": log_loss}


def of_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: 'make frameworks' installs it")
    F = torch.nn.functional
    names = {name: torch.tensor(value) for name, value in example().items()}
    names |= {"torch": torch, "F": F, "partial": partial, "half": torch.tensor([[0, 6.0]], dtype=torch.bfloat16)}
    return names | {"mean_loss": lambda z: F.cross_entropy(z, names["labels"]), "loss_of_one": F.cross_entropy}


def in_pytorch():
    names = of_torch()
    return names | {"in_pytorch": modules("in_pytorch")}


def of_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed: 'make frameworks' installs it")
    optax = pytest.importorskip("optax", reason="Optax is not installed: 'make frameworks' installs it")
    importlib.import_module("jax.test_util")
    jnp, loss = jax.numpy, optax.softmax_cross_entropy_with_integer_labels
    names = {name: jnp.asarray(value) for name, value in example().items()}
    names |= {"jax": jax, "jnp": jnp, "optax": optax, "partial": partial, "half": jnp.array([[0, 6]], jnp.bfloat16)}
    exec(BLOCKS[1], names)
    return names | {"mean_loss": lambda z: loss(z, names["labels"]).mean(), "loss_of_one": loss}


def in_jax():
    return of_jax() | {"in_jax": modules("in_jax")}


def of_tensorflow():
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is in no requirements: install it to run its rows")
    keras = pytest.importorskip("keras")
    names = {name: tf.constant(value) for name, value in example().items()}
    return names | {"tf": tf, "keras": keras, "half": tf.constant([[0, 6]], tf.bfloat16)}


def modules(folder):
    paths = (Path(__file__).parents[2] / "frameworks" / folder).glob("[a-z]*.py")
    return Names({path.stem: importlib.import_module(f"{folder}.{path.stem}") for path in paths})


NAMES = {
    "xentlib": ours, "NumPy": ours, "scikit-learn": scientific, "SciPy": scientific, "PyTorch": of_torch,
    "in_pytorch": in_pytorch, "JAX": of_jax, "Optax": of_jax, "in_jax": in_jax, "TensorFlow": of_tensorflow,
    "Keras": of_tensorflow,
}  # fmt: skip


@pytest.fixture(autouse=True)
def double_precision():
    """JAX rounds to float32 unless told not to."""
    try:
        import jax
    except ImportError:
        yield
    else:
        with jax.enable_x64(True):
            yield


@pytest.fixture
def group():
    """A group of one process, for the calls that need one."""
    try:
        import torch.distributed as dist
    except ImportError:
        yield
    else:
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        yield
        dist.destroy_process_group()


def evaluated(place, call):
    value = eval(call, NAMES[place]())
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, np.bool_):
        return str(bool(value))
    value = value.detach().double() if hasattr(value, "detach") else value
    return np.asarray(value, np.float64)


def agree(found, said):
    """Tell whether a value is what the page says, in as many digits as it says."""
    if said in ("True", "None"):
        return isinstance(found, str) and found == said
    if float(said) == 0:
        return not found.any()
    digits = len(re.sub(r"e.*|\D", "", said).lstrip("0"))
    return f"{float(found.squeeze()):.{digits}g}" == said


def right(task):
    """Return xentlib's answer, or that of the formula in NumPy."""
    place, call = next((place, call) for name, place, call, _ in ROWS if name == task and place in OURS)
    return evaluated(place, call)


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize(("task", "place", "call", "gives"), ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS])
def test_a_call_gives_what_the_page_says(task, place, call, gives):
    found = evaluated(place, call)
    if gives:
        assert agree(found, gives)
    else:
        np.testing.assert_allclose(found, right(task), rtol=1e-6)
        assert found.shape == right(task).shape


@pytest.mark.parametrize(
    ("task", "place", "call"),
    [
        ("KL divergence", "SciPy", "scipy.stats.entropy(probs, target, axis=-1).mean()"),
        ("KL divergence", "PyTorch", "F.kl_div(target.log(), probs, reduction='batchmean')"),
        ("Log-softmax", "SciPy", "scipy.special.log_softmax(logits)"),
        ("From probabilities", "PyTorch", "F.nll_loss(probs, labels)"),
        ("ignore_index", "Keras", "keras.losses.sparse_categorical_crossentropy(padded, logits, True, -100)"),
        ("Class weights: the mean divides by N", "PyTorch", "F.cross_entropy(logits, labels, weight=class_weights)"),
        ("From class indices", "Optax", "optax.softmax_cross_entropy_with_integer_labels(logits, labels)"),
    ],
)
def test_a_wrong_call_is_seen(task, place, call):
    found = evaluated(place, call)
    assert found.shape != right(task).shape or not np.allclose(found, right(task), rtol=1e-3)


@pytest.mark.parametrize(
    ("found", "said", "so"),
    [
        (np.array([0.0024757]), "0.00248", True),
        (np.array([0.0024757]), "0.00247", False),
        (np.array(4.24835e-18), "4.248e-18", True),
        (np.array(4.24835e-18), "0", False),
        (np.array([0.0]), "0", True),
        ("None", "None", True),
        ("None", "True", False),
        (np.array(1.0), "True", False),
    ],
)
def test_numbers_are_compared_in_the_digits_that_are_said(found, said, so):
    assert agree(found, said) == so


# The page


def test_every_row_of_a_task_is_read_and_each_task_can_be_checked():
    tasks = PAGE.partition("\n## Arguments")[0]
    assert len(ROWS) == len([line for line in re.findall(r"^\| \w.*", tasks, re.M) if "| none" not in line])
    assert {place for _, place, _, _ in ROWS} == set(NAMES)
    for task in {row[0] for row in ROWS}:
        mine = [row for row in ROWS if row[0] == task]
        assert all(gives for *_, gives in mine) or OURS & {place for _, place, _, _ in mine}


XENTLIB = r"\[`([\w.]+)\([^`]+`\]\((\w+\.md#xentlib[^)]*)\)"


@pytest.mark.parametrize(("name", "target"), sorted(set(re.findall(XENTLIB, PAGE))))
def test_a_call_of_xentlib_leads_to_its_documentation(name, target):
    module, _, anchor = target.partition(".md#")
    assert anchor == f"xentlib.{name}"
    function = importlib.import_module(f"xentlib.{module}").__dict__[name.rpartition(".")[2]]
    assert function.__module__ == f"xentlib.{module}"
