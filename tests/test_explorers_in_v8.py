"""Explorers in V8, without a page: numbers and sentences are xentlib's, drags and links do what they should."""

import json
from functools import cache

import numpy as np
import pytest
from py_mini_racer import MiniRacer

from xentlib.teaching import explorers
from xentlib.teaching.explorers.explorer import HERE, script

SETTINGS, FEWER = 100, {"Calibration": 12, "Flow": 40}  # of each explorer; these two compute more
EACH = pytest.mark.parametrize("kind", explorers.ALL, ids=lambda kind: kind.__name__)
# JSON has no word for what is not finite. Python's float() reads these.
TOLD = "const told = (_, x) => (typeof x === 'number' && !Number.isFinite(x) ? String(x) : x);"


@pytest.fixture
def v8():
    """Return a function that evaluates texts, and returns the value of the last."""
    with MiniRacer() as engine:

        def evaluate(*texts):
            *before, last = texts
            for text in before:
                engine.eval(f"{text}; null")
            return json.loads(engine.eval(f"JSON.stringify({last}, told)"))

        engine.eval(f"globalThis.window = globalThis; {TOLD} null")
        yield evaluate


# Settings as the controls can make them


def tenths(rng, least, most, n=None):
    made = rng.integers(10 * least, 10 * most + 1, n) / 10
    return made.tolist() if n else float(made)


def weights(rng):
    """Zeros are frequent in a fifth of the settings: they decide between 0, a number and ∞."""
    return rng.integers(0, 11 if rng.random() < 0.8 else 2, 3).astype(float).tolist()


SETTING = {
    "Backward": lambda rng: {
        "logits": tenths(rng, -3, 3, 3), "label": int(rng.integers(3)), "step": int(rng.integers(11)),
    },
    "Border": lambda rng: {
        "place": (rng.integers(20, 101, 2) / 100).tolist(), "angle": float(rng.integers(-180, 181)),
        "times": tenths(rng, 0, 10) + 0.1,
    },
    "Calibration": lambda rng: {
        "temperature": int(rng.integers(1, 51)) / 10, "answers": 100 * int(rng.choice([1, 2, 17, 200])),
        "seed": int(rng.integers(1000)),
    },
    "CrossEntropy": lambda rng: {"p": weights(rng), "q": weights(rng)},
    "Digit": lambda rng: {
        "ink": (rng.integers(0, 17, 64) * (rng.random(64) < rng.random())).tolist(), "label": int(rng.integers(10)),
        "pen": int(rng.integers(17)),
    },
    "FloatingPoint": lambda rng: {"gap": tenths(rng, -50, 50), "power": int(rng.integers(17))},
    "Flow": lambda rng: {
        "logits": tenths(rng, -6, 6, 3), "label": int(rng.integers(3)), "rate": int(rng.integers(1, 21)) / 10,
        "adam": bool(rng.integers(2)), "steps": int(rng.choice([0, 1, 2, 5, 40, 200])),
    },
    "Gradient": lambda rng: {
        "logits": tenths(rng, -6, 6, 3) if rng.random() < 0.8 else rng.choice([-6.0, 0.0, 6.0], 3).tolist(),
        "label": int(rng.integers(3)),
    },
    "OnlineSoftmax": lambda rng: {
        "logits": [1.0, 2.0, 0.5, -1.0, 1.5, tenths(rng, -2, 8), 0.0, 3.0], "read": int(rng.integers(1, 9)),
    },
    "QMinusP": lambda rng: {"logits": tenths(rng, -1, 4, 3), "label": int(rng.integers(3))},
    "Softmax": lambda rng: {
        "logits": tenths(rng, -3, 3, 3), "temperature": int(rng.integers(1, 51)) / 10,
        "shift": float(rng.integers(-100, 101) * 10) if rng.random() < 0.5 else tenths(rng, -20, 20),
        "bits": int(rng.choice([16, 32, 64])), "subtract_max": bool(rng.integers(2)),
    },
}  # fmt: skip
SPECIAL = {"CrossEntropy": [{"p": [10.0, 9.0, 9.0], "q": [9.0, 8.0, 8.0]}]}  # a divergence below 0.0005


def settings_of(kind):
    rng = np.random.default_rng(7)
    made = [SETTING[kind.__name__](rng) for _ in range(FEWER.get(kind.__name__, SETTINGS))]
    return SPECIAL.get(kind.__name__, []) + made


def agree(kind, state, name, shown, right):
    """Tell whether a number of the browser, or all of a list, is that of Python."""
    shown, right = np.array(shown, float), np.array(right, float)
    if shown.shape != right.shape:
        return False
    if (kind.__name__, name) == ("FloatingPoint", "digits"):  # exp and log may differ in their last bit
        return abs(shown - right).max() <= 1
    if (kind.__name__, name) == ("FloatingPoint", "losses"):  # three of the formulas amplify that bit: it is the point
        a_bit = 4 * np.finfo(float).eps * 10.0 ** state["power"]
        return np.allclose(shown, right, rtol=0, atol=a_bit, equal_nan=True) and np.isclose(
            shown[-1], right[-1], 1e-13, 0
        )
    if (kind.__name__, name) == ("CrossEntropy", "divergence"):  # Python adds what the sums of p and q round by
        return np.allclose(shown, right, rtol=1e-13, atol=4 * np.finfo(float).eps)
    # A shift of 1000 rounds the logits, in both, and a low temperature amplifies that; steps and losses add up.
    loose = kind.__name__ in ("Softmax", "Flow", "Calibration")
    return np.allclose(shown, right, rtol=1e-11 if loose else 1e-13, atol=0, equal_nan=True)


def differences(v8, kind, text):
    """Yield the settings in which a script of an explorer and Python do not show the same."""
    view = f"xentlibExplorers.{kind.name}"
    both = (
        f"{json.dumps(settings_of(kind))}.map((s) => {{ const v = {view}.values(s); return [v, {view}.say(s, v)]; }})"
    )
    for (state, right, said), (values, sentence) in zip(answers(kind), v8(text, both), strict=True):
        if set(values) != set(right) or not all(agree(kind, state, name, values[name], right[name]) for name in right):
            yield state, values, right
        if sentence != said:
            yield state, sentence, said


@cache
def answers(kind):
    """Return each setting, with the numbers and the sentence of Python."""
    widgets = [(state, kind(**state)) for state in settings_of(kind)]
    return [(state, widget.values(), widget.say()) for state, widget in widgets]


@EACH
def test_javascript_shows_what_xentlib_computes(v8, kind):
    assert list(differences(v8, kind, script(kind.name))) == []


WRONG = {
    "Backward": ("at_total: Math.exp(-lse)", "at_total: Math.exp(lse)"),
    "Border": ("times * SIZE * x", "SIZE * x"),
    "Calibration": ("(2 * score) / temperature", "2 * score"),
    "CrossEntropy": ("(probability > 0 ? probability * Math.log(", "(probability > 0 ? q[i] * Math.log("),
    "Digit": ("16 * DATA.bias[k]", "DATA.bias[k]"),
    "FloatingPoint": ("Math.log1p(sum(", "Math.log(1 + sum("),
    "Flow": ("score - rate * slopes[i]", "score + rate * slopes[i]"),
    "Gradient": ("(i === y ? -sum(others(q, y)) : probability)", "(i === y ? q[y] - 1 : probability)"),
    "OnlineSoftmax": ("s * Math.exp(m - top)", "s"),
    "QMinusP": ("? -sum(others(q, y))", "? sum(others(q, y))"),
    "Softmax": ("nearest(sofar + weight)", "sofar + weight"),
}


@EACH
def test_a_wrong_formula_is_seen(v8, kind):
    right, wrong = WRONG[kind.__name__]
    text = script(kind.name)
    assert text.count(right) == 1
    assert any(differences(v8, kind, text.replace(right, wrong)))


def test_float16_is_that_of_numpy(v8):
    rng = np.random.default_rng(16)
    halves = rng.integers(0, 2**16, 2000).astype(np.uint16).view(np.float16).astype(float)
    halves = halves[np.isfinite(halves)]
    between = (halves[:-1] + halves[1:]) / 2
    edges = [0.0, 65503.9, 65519.999, 65520.0, 1e9, 2**-24, 2**-25, 1.5 * 2**-24, 2**-26, 1 + 2**-11, 1 + 3 * 2**-11]
    numbers = np.array([*halves, *between, *(halves * 1.0003), *edges])
    with np.errstate(over="ignore"):
        right = numbers.astype(np.float16).astype(float)
    text = script("softmax").replace("const view =", "window.float16 = nearestFloat16; const view =")
    shown = map(float, v8(text, f"{json.dumps(numbers.tolist())}.map(float16)"))
    assert [pair for pair in zip(shown, right.tolist(), strict=True) if pair[0] != pair[1]] == []


FLOW = script("flow").replace("const view =", "window.flow = { drag, triangle, firstStep }; const view =")


def dragged(v8, state, begun, along):
    """Return what a drag in the triangle changes, from a place in it, an expression of JavaScript, by some pixels."""
    place = f"((state) => {begun})({json.dumps(state)})"
    return v8(
        FLOW,
        f"(([x, y], [dx, dy], state) => flow.drag(state, x + dx, y + dy, 560, {{ x, y, state }}))"
        f"({place}, {json.dumps(along)}, {json.dumps(state)})",
    )


START = {"logits": [3.0, -3.0, 1.0], "label": 1, "rate": 0.5, "adam": False, "steps": 0}
STEP_ENDS = "flow.triangle(560).at(flow.firstStep(state, {}))"


@pytest.mark.parametrize("rate", [0.1, 0.7, 2.0])
def test_the_end_of_the_first_step_is_dragged_along_the_step_sizes(v8, rate):
    """Both points are those of Python: where q is after one step."""
    ends = [explorers.Flow(**START | {"rate": each, "steps": 1}).values()["path"][-1] for each in (0.5, rate)]
    left, base, side = 110, 26 + 340 * 3**0.5 / 2, 340
    (x, y), (x2, y2) = ((left + side * (q[2] + q[1] / 2), base - side * 3**0.5 / 2 * q[1]) for q in ends)
    assert v8(FLOW, STEP_ENDS.format(0.5).replace("state", json.dumps(START))) == pytest.approx([x, y])
    assert dragged(v8, START, STEP_ENDS.format("state.rate"), [x2 - x, y2 - y]) == {"rate": rate}


def test_elsewhere_in_the_triangle_the_start_is_dragged(v8):
    begun = "flow.triangle(560).at([0.4, 0.2, 0.4])"
    assert set(dragged(v8, START, begun, [5, 5])) == {"logits"}
    assert dragged(v8, START, "[3, 3]", [0, 0]) == {}  # beside it


BORDER = script("border").replace("const view =", "window.border = { drag, plane, along }; const view =")


@pytest.mark.parametrize(
    ("handle", "to", "changes"),
    [
        (0, [0.55, 0.72], {"place": [0.55, 0.72]}),
        (0, [1.3, -0.1], {"place": [1.0, 0.2]}),  # no further than its bars
        (0.25, [0.4, 0.9], {"angle": 90}),
        (-0.25, [0.4, 0.9], {"angle": -90}),  # what was the other end
    ],
)
def test_the_border_is_moved_by_its_middle_and_turned_by_its_ends(v8, handle, to, changes):
    state = json.dumps(explorers.Border().shown_state())
    moved = v8(
        BORDER,
        f"((state, {{ at }}) => border.drag(state, ...at({to}), 560, {{ ...(([x, y]) => ({{ x, y }}))"
        f"(at(border.along(state, {handle}))), state }}))({state}, border.plane(560))",
    )
    assert moved == changes


LINKED = """(() => {
  globalThis.location = { search: "" };
  globalThis.URLSearchParams = class { get() { return WORDS; } };
  const view = { ...xentlibExplorers.NAME, render: ({ model }) => { globalThis.model = model; } };
  xentlibExplorers.NAME = view;
  globalThis.document = { querySelectorAll: () => [{ dataset: { explorer: "NAME", state: JSON.stringify(FIRST) } }] };
})()"""


def linked(v8, kind, words):
    """Return the state that a page shows when its link has some words about an explorer, and its complaint."""
    first = kind().shown_state()
    page = LINKED.replace("NAME", kind.name).replace("WORDS", json.dumps(words)).replace("FIRST", json.dumps(first))
    text = (HERE / "page.js").read_text(encoding="utf-8")
    names = json.dumps(kind.state)
    return v8(script(kind.name), page, text, f"[{names}.map((name) => model.get(name)), model.complaint ?? '']")


@EACH
def test_a_link_brings_any_state_back(v8, kind):
    for state in settings_of(kind)[:5]:
        values = [state[name] for name in kind.state if name in state]
        assert linked(v8, kind, json.dumps(values)) == [values, ""]


BAD_LINKS = ["", "null", "[1]", "[[1,2,3],1,0,64,1e9]", "[[1,2],1,0,64,true]", "[[1,2,99],1,0,64,true]", "<b>bold</b>"]


@pytest.mark.parametrize("words", BAD_LINKS)
def test_a_link_with_other_values_is_refused(v8, words):
    state, complaint = linked(v8, explorers.Softmax, words)
    assert state == list(explorers.Softmax().shown_state().values())
    assert f"“{words}”" in complaint


@pytest.mark.parametrize("words", ["[2,150,0]", "[2,20100,0]", "[9,100,0]", "[2,100,-1]", "[2,100,0.5]"])
def test_a_link_cannot_ask_for_answers_that_do_not_come(v8, words):
    assert linked(v8, explorers.Calibration, words)[0] == [1.0, 100, 0]
