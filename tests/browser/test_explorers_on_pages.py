"""Explorers on the static page: the numbers that they show are xentlib's, and every control works by keyboard."""

from functools import cache

import numpy as np
import pytest
from visits import Visit

from xentlib.teaching import explorers
from xentlib.teaching.explorers.explorer import script

SETTINGS = 200  # of each explorer
CHAPTERS = {
    "CrossEntropy": "01_cross_entropy", "Softmax": "02_softmax", "Gradient": "05_gradient", "Backward": "07_backprop",
    "Flow": "08_descent", "FloatingPoint": "11_stability", "OnlineSoftmax": "13_large_vocabulary",
}  # fmt: skip
EACH = pytest.mark.parametrize("kind", explorers.ALL, ids=lambda kind: kind.__name__)


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
    "CrossEntropy": lambda rng: {"p": weights(rng), "q": weights(rng)},
    "FloatingPoint": lambda rng: {"gap": tenths(rng, -50, 50), "power": int(rng.integers(17))},
    "Flow": lambda rng: {
        "logits": tenths(rng, -3, 3, 3), "label": int(rng.integers(3)), "rate": int(rng.integers(1, 21)) / 10,
        "steps": int(rng.choice([0, 1, 2, 5, 40, 200])),
    },
    "Gradient": lambda rng: {
        "logits": tenths(rng, -6, 6, 3) if rng.random() < 0.8 else rng.choice([-6.0, 0.0, 6.0], 3).tolist(),
        "label": int(rng.integers(3)),
    },
    "OnlineSoftmax": lambda rng: {
        "logits": [1.0, 2.0, 0.5, -1.0, 1.5, tenths(rng, -2, 8), 0.0, 3.0], "read": int(rng.integers(1, 9)),
    },
    "Softmax": lambda rng: {
        "logits": tenths(rng, -3, 3, 3), "temperature": int(rng.integers(1, 51)) / 10,
        "shift": float(rng.integers(-100, 101) * 10),
    },
}  # fmt: skip
SPECIAL = {"CrossEntropy": [{"p": [10.0, 9.0, 9.0], "q": [9.0, 8.0, 8.0]}]}  # a divergence below 0.0005


def settings_of(kind):
    rng = np.random.default_rng(7)
    return [*SPECIAL.get(kind.__name__, []), *(SETTING[kind.__name__](rng) for _ in range(SETTINGS))]


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
    # A shift of 1000 rounds the logits, in both, and a low temperature amplifies that.
    return np.allclose(shown, right, rtol=1e-11 if kind.__name__ == "Softmax" else 1e-13, atol=0, equal_nan=True)


def differences(page, kind, view):
    """Yield the settings in which a view, an expression of JavaScript, and Python do not show the same."""
    states = settings_of(kind)
    both = f"(states) => states.map((s) => {{ const v = ({view}).values(s); return [v, ({view}).say(s, v)]; }})"
    for state, (values, sentence) in zip(states, page.evaluate(both, states), strict=True):
        widget = kind(**state)
        right = widget.values()
        if set(values) != set(right) or not all(agree(kind, state, name, values[name], right[name]) for name in right):
            yield state, values, right
        if sentence != widget.say():
            yield state, sentence, widget.say()


@pytest.fixture(scope="module")
def opened(browser, site, book):
    """Return a function from an explorer to a `Visit` of its chapter and the place where it stands."""
    pages = []

    def opened(kind, **options):
        pages.append(browser.new_page(**options))
        visit = Visit(pages[-1], site, book, f"chapters/{CHAPTERS[kind.__name__]}")
        return visit, pages[-1].locator(f"[data-explorer={kind.name}]")

    yield opened
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def shown(opened):
    """Return the same, for tests that leave the explorer as it is."""
    return cache(opened)


@EACH
def test_the_browser_shows_what_xentlib_computes(shown, kind):
    visit, _ = shown(kind)
    assert list(differences(visit.page, kind, f"xentlibExplorers.{kind.name}")) == []


WRONG = {
    "Backward": ("at_total: Math.exp(-lse)", "at_total: Math.exp(lse)"),
    "CrossEntropy": ("(probability > 0 ? probability * Math.log(", "(probability > 0 ? q[i] * Math.log("),
    "FloatingPoint": ("Math.log1p(sum(", "Math.log(1 + sum("),
    "Flow": ("score - rate * slopes[i]", "score + rate * slopes[i]"),
    "Gradient": ("(i === y ? -sum(others(q, y)) : probability)", "(i === y ? q[y] - 1 : probability)"),
    "OnlineSoftmax": ("s * Math.exp(m - top)", "s"),
    "Softmax": ("(z + shift) / temperature", "z / temperature + (z > 1 ? shift / 1e9 : 0)"),
}


@EACH
def test_a_wrong_formula_is_seen(browser, kind):
    right, wrong = WRONG[kind.__name__]
    text = script(kind.name)
    assert text.count(right) == 1
    page = browser.new_page()
    page.evaluate(text.replace(right, wrong))
    assert list(differences(page, kind, f"xentlibExplorers.{kind.name}")) != []
    page.close()


OVER = "place => [...place.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"


@EACH
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_the_page_keeps_room_for_what_comes_and_nothing_is_cut_off(shown, kind, width):
    visit, place = shown(kind)
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.page.evaluate("() => new Promise(requestAnimationFrame)")  # in which it is drawn again
    kept = place.evaluate("place => parseFloat(getComputedStyle(place).minHeight)")
    height = place.locator("section").bounding_box()["height"]
    assert width == 320 or kept - 45 < height <= kept
    assert place.evaluate(OVER) == 0
    assert visit.errors == visit.failures == []


@EACH
def test_the_sentence_was_there_before_the_script(shown, opened, kind):
    _, place = shown(kind)
    _, still = opened(kind, java_script_enabled=False)
    for each in (place, still):
        assert each.locator(".said").inner_text() == kind().say()
        assert each.locator(".title").inner_text() == kind.title
    assert (place.locator("svg").count(), still.locator("svg").count()) == (1, 0)


@EACH
def test_every_control_answers_to_the_keyboard_and_the_sentence_is_announced(opened, kind):
    """Reduced motion needs no special case, since there is no motion."""
    visit, place = opened(kind)
    said = place.get_by_role("status")
    pictures, sliders = set(), place.get_by_role("slider").all()
    for slider in sliders:
        slider.focus()
        texts = set()
        for key in ("End", "Home", "ArrowRight"):
            visit.page.keyboard.press(key)
            texts.add(slider.get_attribute("aria-valuetext"))
            pictures.add(place.locator("svg").inner_html())
        assert len(texts) == 3
        assert "undefined" not in place.inner_text()
        assert place.evaluate("place => place.getAnimations({subtree: true}).length") == 0
    assert len(pictures) > len(sliders)
    for choice in place.get_by_role("radio").all():
        choice.focus()
        visit.page.keyboard.press("Space")
        assert choice.is_checked()
    for button in place.get_by_role("button").all():
        before, off = said.inner_text(), button.get_attribute("aria-disabled") == "true"
        button.focus()
        visit.page.keyboard.press("Enter")
        assert (said.inner_text() == before) == off
        assert button.evaluate("button => button === document.activeElement")
    assert visit.errors == []


def test_a_finger_moves_a_slider(opened):
    visit, place = opened(explorers.Gradient, has_touch=True, viewport={"width": 390, "height": 844})
    slider = place.get_by_role("slider").first
    slider.scroll_into_view_if_needed()
    before, box = slider.get_attribute("aria-valuetext"), slider.bounding_box()
    visit.page.touchscreen.tap(box["x"] + box["width"] * 0.9, box["y"] + box["height"] / 2)
    assert slider.get_attribute("aria-valuetext") != before


def test_a_page_without_explorers_loads_nothing_of_them(browser, site, book):
    page = browser.new_page()
    visit = Visit(page, site, book, "chapters/03_classifier")
    assert not [url for url in visit.requests if "explorers" in url]
    page.close()
