"""Explorers on the static page: their numbers are xentlib's, and they answer to mouse, finger, keyboard and links."""

import re
from functools import cache
from urllib.parse import quote

import numpy as np
import pytest
from visits import Visit

import xentlib
from xentlib.teaching import explorers
from xentlib.teaching.explorers.explorer import script

SETTINGS = 200  # of each explorer
PAGES = {"QMinusP": "index"} | {name: f"chapters/{chapter}" for name, chapter in {
    "CrossEntropy": "01_cross_entropy", "Softmax": "02_softmax", "Digit": "03_classifier", "Gradient": "05_gradient",
    "Backward": "07_backprop", "Flow": "08_descent", "FloatingPoint": "11_stability",
    "OnlineSoftmax": "13_large_vocabulary",
}.items()}  # fmt: skip
EACH = pytest.mark.parametrize("kind", explorers.ALL, ids=lambda kind: kind.__name__)
# One is all bars and buttons that the others have, and asks nothing: its own tests are at the end.
EACH_THAT_ASKS = pytest.mark.parametrize(
    "kind", [k for k in explorers.ALL if k.question], ids=lambda kind: kind.__name__
)


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
    # A shift of 1000 rounds the logits, in both, and a low temperature amplifies that; 200 steps add up.
    loose = kind.__name__ in ("Softmax", "Flow")
    return np.allclose(shown, right, rtol=1e-11 if loose else 1e-13, atol=0, equal_nan=True)


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

    def opened(kind, skip=True, query="", **options):
        pages.append(browser.new_page(**options))
        visit = Visit(pages[-1], site, book, PAGES[kind.__name__], query)
        place = pages[-1].locator(f"[data-explorer={kind.name}]")
        if skip and kind.question:
            place.get_by_role("button", name="Skip").click()
        return visit, place

    yield opened
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def shown(opened):
    """Return the same, for tests that leave the explorer as it is."""
    return cache(lambda kind: opened(kind, skip=False))


@EACH
def test_the_browser_shows_what_xentlib_computes(shown, kind):
    visit, _ = shown(kind)
    assert list(differences(visit.page, kind, f"xentlibExplorers.{kind.name}")) == []


WRONG = {
    "Backward": ("at_total: Math.exp(-lse)", "at_total: Math.exp(lse)"),
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


@EACH_THAT_ASKS
def test_the_sentence_was_there_before_the_script(shown, opened, kind):
    _, place = shown(kind)
    _, still = opened(kind, skip=False, java_script_enabled=False)
    for each in (place, still):
        assert each.locator(".said").inner_text() == kind().say()
        assert each.locator(".title").inner_text() == kind.question
    assert still.locator(".finding").inner_text() == kind.title  # which is empty where it cannot be seen
    assert (place.get_by_role("button").count() > 2, still.get_by_role("button").count()) == (True, 0)


@EACH_THAT_ASKS
def test_the_question_comes_first_and_the_answer_is_told_when_it_is_seen(opened, kind):
    visit, place = opened(kind, skip=False)
    verdict, first = place.locator(".verdict"), place.locator(".stage [tabindex='0']").first
    assert place.locator(".stage").evaluate("e => e.inert")  # until there is a prediction
    answers = place.get_by_role("group", name="Your prediction").get_by_role("button")
    assert 3 <= answers.count() <= 4
    answer = answers.first.inner_text()
    answers.first.focus()
    visit.page.keyboard.press("Enter")
    assert first.evaluate("e => e === document.activeElement")
    assert verdict.get_attribute("aria-live") == "polite"
    assert verdict.inner_text().startswith(f"You said: {answer}. Now try")
    assert kind.title not in place.inner_text()
    place.get_by_role("button", name="Show me").press("Enter")
    assert verdict.inner_text().startswith(f"You said: {answer}. ")
    assert verdict.inner_text().endswith(kind.title)
    assert first.evaluate("e => e === document.activeElement")
    assert visit.errors == []


@EACH_THAT_ASKS
def test_every_control_answers_to_the_keyboard_and_the_sentence_is_announced(opened, kind):
    """With reduced motion nothing plays, and the steps are there as buttons."""
    visit, place = opened(kind, reduced_motion="reduce")
    said = place.get_by_role("status")
    assert place.get_by_role("button", name="Play").count() == 0
    for slider in place.get_by_role("slider").all():
        place.get_by_role("button", name="Reset").press("Enter")
        slider.focus()
        texts = []
        for key in ("End", "Home", "ArrowRight", "PageUp"):
            visit.page.keyboard.press(key)
            texts.append(slider.get_attribute("aria-valuetext"))
            least, now, most = (float(slider.get_attribute(f"aria-value{name}")) for name in ("min", "now", "max"))
            assert least <= now <= most
        assert len(set(texts[:3])) == 3
        assert texts[3] not in texts[1:3]
        visit.page.keyboard.press("Home")
        assert slider.get_attribute("aria-valuetext") == texts[1]
        assert slider.get_attribute("aria-label")
        assert "undefined" not in place.inner_text()
        assert place.evaluate("place => place.getAnimations({subtree: true}).length") == 0
    for choice in place.get_by_role("radio").all():
        choice.focus()
        visit.page.keyboard.press("Space")
        assert choice.is_checked()
    for button in place.locator(".stage").get_by_role("button").all():
        before, off = said.inner_text(), button.get_attribute("aria-disabled") == "true"
        button.focus()
        visit.page.keyboard.press("Enter")
        assert (said.inner_text() == before) == off
        assert button.evaluate("button => button === document.activeElement")
    place.get_by_role("button", name="Reset").press("Enter")
    assert said.inner_text() == kind().say()
    assert visit.errors == []


@EACH_THAT_ASKS
def test_a_number_is_typed_or_refused_in_words(opened, kind):
    _, place = opened(kind)
    field, slider = place.get_by_role("textbox").first, place.get_by_role("slider").first
    number = 3 if kind is explorers.Digit else 0.25
    field.fill(f" {number} ".replace(".", ","))
    field.press("Enter")
    assert float(slider.get_attribute("aria-valuenow")) == number
    name = slider.get_attribute("aria-label")
    for words in ("abc", "", "1e9"):
        field.fill(words)
        field.press("Enter")
        refused = place.get_by_role("alert").inner_text()
        assert re.fullmatch(f"{name} must be a number from .* to .*; got “{words}”.", refused)
        assert float(slider.get_attribute("aria-valuenow")) == number
        assert field.get_attribute("aria-invalid") == "true"
    field.fill(f"{number}")
    field.press("Enter")
    assert place.get_by_role("alert").inner_text() == ""
    assert field.get_attribute("aria-invalid") is None


@EACH_THAT_ASKS
def test_a_bar_follows_the_mouse_and_comes_back_by_reset(opened, kind):
    visit, place = opened(kind)
    slider = place.get_by_role("slider").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    values = []
    visit.page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 5)
    visit.page.mouse.down()
    for part in (0.1, 0.5, 0.9, 1.2):
        visit.page.mouse.move(box["x"] + part * box["width"], box["y"] + 5)
        values.append(float(slider.get_attribute("aria-valuenow")))
    visit.page.mouse.up()
    assert values == sorted(set(values))
    assert values[-1] == float(slider.get_attribute("aria-valuemax"))
    visit.page.mouse.move(box["x"], box["y"] + 5)
    assert float(slider.get_attribute("aria-valuenow")) == values[-1]
    place.get_by_role("button", name="Reset").press("Enter")
    assert place.get_by_role("status").inner_text() == kind().say()


AT_REST = """() => new Promise((rest) => {
  let [last, still] = [scrollY, 0];
  requestAnimationFrame(function look() {
    [last, still] = [scrollY, scrollY === last ? still + 1 : 0];
    if (still > 20) rest(); else requestAnimationFrame(look);
  });
})"""


def swipe(page, node, across, along, start=0):
    """Let a finger go from the middle of a node, or so far right of it, and return how far the page was scrolled."""
    page.evaluate(AT_REST)
    before, box = page.evaluate("scrollY"), node.bounding_box()
    touch = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2 + start, box["y"] + box["height"] / 2
    fingers = [[{"x": x + across * part / 10, "y": y + along * part / 10}] for part in range(11)]
    for kind, at in [("touchStart", fingers[0]), *(("touchMove", at) for at in fingers[1:]), ("touchEnd", [])]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
        page.evaluate("() => new Promise(requestAnimationFrame)")
    return page.evaluate("scrollY") - before


PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}


@EACH_THAT_ASKS
def test_a_finger_scrolls_up_and_down_and_drags_sideways(opened, kind):
    visit, place = opened(kind, **PHONE)
    sliders = place.get_by_role("slider").all()
    for slider in (sliders[0], sliders[-1]):
        slider.evaluate("e => e.scrollIntoView({block: 'center', behavior: 'instant'})")
        before = place.locator(".stage").inner_html()
        assert swipe(visit.page, slider, 0, -150) > 50
        assert place.locator(".stage").inner_html() == before
        slider.evaluate("e => e.scrollIntoView({block: 'center', behavior: 'instant'})")
        assert swipe(visit.page, slider, -60, 0) == 0
        dragged = place.locator(".stage").inner_html()
        assert dragged != before
        box = slider.bounding_box()
        visit.page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
        assert place.locator(".stage").inner_html() != dragged
        place.get_by_role("button", name="Reset").click()


def seen(place):
    texts = [slider.get_attribute("aria-valuetext") for slider in place.get_by_role("slider").all()]
    return [place.get_by_role("status").inner_text(), *texts]


@EACH_THAT_ASKS
def test_a_link_holds_the_state(opened, kind):
    visit, place = opened(kind, permissions=["clipboard-read", "clipboard-write"])
    first = seen(place)
    place.get_by_role("slider").first.press("End")
    for choice in place.get_by_role("radio").all():
        choice.check()
    place.get_by_role("link", name="Copy link").click()
    place.get_by_text("Copied.").wait_for()
    sent, url = seen(place), visit.page.evaluate("navigator.clipboard.readText()")
    visit.page.goto(url)
    assert seen(place) == sent != first
    assert not place.locator(".stage").evaluate("e => e.inert")  # whoever was sent a state is not asked
    assert visit.page.evaluate("scrollY") > 0
    place.get_by_role("button", name="Reset").click()
    assert seen(place) == first


BAD_LINKS = ["", "null", "[1]", "[[1,2,3],1,0,64,1e9]", "[[1,2],1,0,64,true]", "[[1,2,99],1,0,64,true]", "<b>bold</b>"]


@pytest.mark.parametrize("words", BAD_LINKS)
def test_a_link_with_other_values_is_refused_in_words(opened, words):
    visit, place = opened(explorers.Softmax, query=f"?softmax={quote(words)}")
    assert place.get_by_role("alert").inner_text().startswith("The link's values")
    assert f"“{words}”" in place.get_by_role("alert").inner_text()
    assert place.get_by_role("status").inner_text() == explorers.Softmax().say()
    assert visit.errors == []


LAST = {"Backward": "Next", "Flow": "Ten steps", "OnlineSoftmax": "Next"}


@pytest.mark.parametrize("kind", [explorers.Backward, explorers.Flow, explorers.OnlineSoftmax])
def test_what_takes_time_plays_to_its_end_and_can_be_held(opened, kind):
    visit, place = opened(kind)
    visit.page.clock.install()
    said, play = place.get_by_role("status"), place.get_by_role("button", name="Play")
    play.click()
    visit.page.clock.run_for(2000)
    assert said.get_attribute("aria-live") == "off"
    assert said.inner_text() != kind().say()
    place.get_by_role("button", name="Pause").click()
    held = said.inner_text()
    visit.page.clock.run_for(2000)
    assert said.inner_text() == held
    assert said.get_attribute("aria-live") == "polite"
    play.click()
    visit.page.clock.run_for(40_000)
    assert place.get_by_role("button", name=LAST[kind.__name__]).get_attribute("aria-disabled") == "true"
    assert place.get_by_role("button", name="Pause").count() == 0


def test_the_start_is_dragged_in_the_triangle(opened):
    visit, place = opened(explorers.Flow)
    drawing = place.locator("svg")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 26 + 2 / 3 * 340 * 3**0.5 / 2)  # its middle
    assert re.search(r"q is cat 0.33., dog 0.33., bird 0.33.", place.get_by_role("status").inner_text())
    visit.page.mouse.click(box["x"] + 5, box["y"] + 5)
    assert re.search(r"q is cat 0.33., dog 0.33., bird 0.33.", place.get_by_role("status").inner_text())


@pytest.mark.parametrize("kind", [explorers.Softmax, explorers.Gradient])
def test_a_probability_that_is_set_is_what_the_scores_give(opened, kind):
    _, place = opened(kind)
    field = place.get_by_role("textbox", name="q of cat")
    field.fill("0.5")
    field.press("Enter")
    given = [float(each.get_attribute("aria-valuenow")) for each in place.get_by_role("slider", name="z of").all()]
    assert xentlib.softmax(given)[0] == pytest.approx(0.5, abs=0.002)  # scores have two decimals
    assert given[1:] == [2.0, 0.5]


def test_float16_is_that_of_numpy(browser):
    rng = np.random.default_rng(16)
    halves = rng.integers(0, 2**16, 2000).astype(np.uint16).view(np.float16).astype(float)
    halves = halves[np.isfinite(halves)]
    between = (halves[:-1] + halves[1:]) / 2
    edges = [0.0, 65503.9, 65519.999, 65520.0, 1e9, 2**-24, 2**-25, 1.5 * 2**-24, 2**-26, 1 + 2**-11, 1 + 3 * 2**-11]
    numbers = np.array([*halves, *between, *(halves * 1.0003), *edges])
    with np.errstate(over="ignore"):
        right = numbers.astype(np.float16).astype(float)
    page = browser.new_page()
    page.evaluate(script("softmax").replace("const view =", "window.float16 = nearestFloat16; const view ="))
    shown = page.evaluate("numbers => numbers.map(window.float16)", numbers.tolist())
    assert [pair for pair in zip(shown, right.tolist(), strict=True) if pair[0] != pair[1]] == []
    page.close()


def test_a_page_without_explorers_loads_nothing_of_them(browser, site, book):
    page = browser.new_page()
    visit = Visit(page, site, book, "chapters/04_loss")
    assert not [url for url in visit.requests if "explorers" in url]
    page.close()


# The digit that is drawn


def ink_of(place):
    return place.get_by_role("gridcell").evaluate_all("cells => cells.map(cell => Number(cell.dataset.ink))")


def test_a_digit_is_drawn_by_mouse_and_keyboard(opened):
    visit, place = opened(explorers.Digit)
    place.get_by_role("button", name="Wipe all").click()
    assert ink_of(place) == [0] * 64
    box = place.get_by_role("grid").bounding_box()
    mouse, said = visit.page.mouse, place.get_by_role("status")
    mouse.move(box["x"] + box["width"] / 16, box["y"] + box["height"] / 16)  # the middle of the first pixel
    mouse.down()
    assert said.get_attribute("aria-live") == "off"
    mouse.move(box["x"] + box["width"] * 5 / 16, box["y"] + box["height"] / 16)
    mouse.up()
    assert said.get_attribute("aria-live") == "polite"
    line = ink_of(place)
    assert line[:8] == [16, 16, 16, 2, 0, 0, 0, 0]
    assert said.inner_text() == explorers.Digit(ink=line).say()
    place.get_by_role("button", name="Wipe all").click()
    cell = place.get_by_role("gridcell")
    cell.first.focus()
    for key in ("Space", "Shift+ArrowRight", "Shift+ArrowRight"):
        visit.page.keyboard.press(key)
    assert ink_of(place) == line  # the same by keyboard
    assert cell.nth(2).evaluate("e => e === document.activeElement && e.tabIndex === 0 && e.ariaLabel")
    assert cell.nth(2).get_attribute("aria-label") == "row 0, column 2: ink 16"
    for key in ("Delete", "ArrowDown", "End", "ArrowDown", "ArrowRight"):
        visit.page.keyboard.press(key)
    assert cell.nth(23).evaluate("e => e === document.activeElement")
    assert ink_of(place)[2] == 0
    assert visit.errors == []


def test_a_finger_draws_on_the_square_and_scrolls_beside_it(opened):
    visit, place = opened(explorers.Digit, **PHONE)
    grid, before = place.get_by_role("grid"), ink_of(place)
    grid.evaluate("e => e.scrollIntoView({block: 'center', behavior: 'instant'})")
    assert swipe(visit.page, grid, 0, -100) == 0
    drawn = ink_of(place)
    assert drawn != before
    box = grid.bounding_box()
    beside = visit.page.viewport_size["width"] - box["x"] - box["width"]
    assert beside > 40
    across = box["width"] / 2 + beside / 2
    assert swipe(visit.page, grid, 0, -150, start=across) > 50
    assert ink_of(place) == drawn


# The landing page


def test_the_picture_of_the_landing_page_is_alive_or_without_scripts_the_picture(opened):
    visited, place = opened(explorers.QMinusP)
    said = place.get_by_role("status")
    assert said.inner_text() == explorers.QMinusP().say()
    assert place.locator("img").count() == 0
    place.get_by_role("slider", name="z of bird").press("End")
    assert said.inner_text() == explorers.QMinusP(logits=[1.0, 2.0, 4.0]).say()
    place.get_by_role("button", name="Reset").click()
    place.get_by_role("button", name="Take q − p off").click()
    assert said.inner_text() == explorers.QMinusP(logits=[0.77, 2.37, 0.36]).say()
    assert visited.errors == visited.failures == []
    _, place = opened(explorers.QMinusP, java_script_enabled=False)
    picture = place.locator("img")
    assert "−0.37" in picture.get_attribute("alt")
    assert place.bounding_box()["height"] < picture.bounding_box()["height"] + 30
    assert place.get_by_role("button").count() == 0
