"""Explorers on the static page: they answer to mouse, finger, keyboard and links.

A page takes a second to load, so that it is shown with nothing but its explorer, and most tests share one for each.
"""

import json
import re
from functools import cache
from urllib.parse import quote

import pytest
from visits import Visit, change_pages, with_nothing_but_its_explorers

import xentlib
from xentlib.teaching import explorers

PAGES = {"QMinusP": "index"} | {name: f"chapters/{chapter}" for name, chapter in {
    "Backward": "07_backprop", "Border": "03_classifier", "Calibration": "10_why_cross_entropy",
    "CrossEntropy": "01_cross_entropy", "Digit": "03_classifier", "Flow": "08_descent", "FloatingPoint": "11_stability",
    "Gradient": "05_gradient", "OnlineSoftmax": "13_large_vocabulary", "Softmax": "02_softmax",
}.items()}  # fmt: skip
EACH = pytest.mark.parametrize("kind", explorers.ALL, ids=lambda kind: kind.__name__)
# One is all bars and buttons that the others have, and asks nothing: its own tests are at the end.
EACH_THAT_ASKS = pytest.mark.parametrize(
    "kind", [k for k in explorers.ALL if k.question], ids=lambda kind: kind.__name__
)


@pytest.fixture(scope="module")
def opened(browser, site, book):
    """Return a function from an explorer to a `Visit` of its chapter and the place where it stands."""
    pages = []

    def opened(kind, skip=True, query="", **options):
        pages.append(browser.new_page(**options))
        if kind is not explorers.QMinusP:  # which the landing page has among its own things
            change_pages(pages[-1], site, book, with_nothing_but_its_explorers)
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
    """Return the same, for tests that leave the explorer as it is; the last one answers its question."""
    return cache(lambda kind: opened(kind, skip=False))


@pytest.fixture(scope="module")
def used(opened):
    """Return the same for tests that use the explorer, which begin with a reset. Nothing moves by itself."""
    once = cache(lambda kind: opened(kind, reduced_motion="reduce", permissions=["clipboard-read", "clipboard-write"]))

    def used(kind):
        visit, place = once(kind)
        place.get_by_role("button", name="Reset").press("Enter")  # a click waits until there is something to reset
        return visit, place

    return used


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
def test_the_sentence_is_the_one_that_was_there_before_the_script(shown, kind):
    _, place = shown(kind)
    assert place.locator(".said").inner_text() == kind().say()
    assert place.locator(".title").inner_text() == kind.question


def test_where_no_script_runs_the_page_says_all_and_has_no_controls(opened):
    kind = explorers.Calibration
    _, still = opened(kind, skip=False, java_script_enabled=False)
    assert still.locator(".said").inner_text() == kind().say()
    assert still.locator(".finding").inner_text() == kind.title  # which is empty where it cannot be seen
    assert still.get_by_role("button").count() == 0


@EACH_THAT_ASKS
def test_the_question_comes_first_and_the_answer_is_told_when_it_is_seen(shown, kind):
    visit, place = shown(kind)
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
def test_every_control_answers_to_the_keyboard_and_the_sentence_is_announced(used, kind):
    """With reduced motion nothing plays, and the steps are there as buttons."""
    visit, place = used(kind)
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
def test_a_number_is_typed_or_refused_in_words(used, kind):
    _, place = used(kind)
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
def test_a_bar_follows_the_mouse_and_comes_back_by_reset(used, kind):
    visit, place = used(kind)
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


@pytest.mark.parametrize("kind", [explorers.Softmax, explorers.Flow])
def test_a_finger_scrolls_up_and_down_and_drags_sideways(opened, kind):
    visit, place = opened(kind, **PHONE)
    dragged = place.locator(".dragged").all()  # in Flow the last one is the drawing
    for node in (dragged[0], dragged[-1]):
        node.evaluate("e => e.scrollIntoView({block: 'center', behavior: 'instant'})")
        before = place.locator(".stage").inner_html()
        assert swipe(visit.page, node, 0, -150) > 50
        assert place.locator(".stage").inner_html() == before
        node.evaluate("e => e.scrollIntoView({block: 'center', behavior: 'instant'})")
        assert swipe(visit.page, node, -60, 0) == 0
        after = place.locator(".stage").inner_html()
        assert after != before
        box = node.bounding_box()
        visit.page.touchscreen.tap(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2)
        assert place.locator(".stage").inner_html() != after
        place.get_by_role("button", name="Reset").click()


@EACH
def test_whatever_is_dragged_leaves_up_and_down_to_the_page(shown, kind):
    _, place = shown(kind)
    ways = "nodes => nodes.map(node => getComputedStyle(node).touchAction)"
    sliders = place.get_by_role("slider").evaluate_all(ways)
    assert set(sliders + place.locator(".dragged").evaluate_all(ways)) == {"pan-y"}


def seen(place):
    texts = [slider.get_attribute("aria-valuetext") for slider in place.get_by_role("slider").all()]
    return [place.get_by_role("status").inner_text(), *texts]


@EACH_THAT_ASKS
def test_a_link_holds_the_state(used, kind):
    visit, place = used(kind)
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


def test_a_link_with_other_values_is_refused_in_words(opened):
    words = "<b>bold</b>"
    visit, place = opened(explorers.Softmax, query=f"?softmax={quote(words)}")
    assert place.get_by_role("alert").inner_text().startswith("The link's values")
    assert f"“{words}”" in place.get_by_role("alert").inner_text()
    assert place.get_by_role("status").inner_text() == explorers.Softmax().say()
    assert visit.errors == []


PLAYED = {  # where it begins, and the button that has nothing to press at the end
    explorers.Backward: ([[1, 2, 0.5], 1, 0], "Next"),
    explorers.Calibration: ([1, 15_000, 0], "100 more"),
    explorers.Flow: ([[3, -3, 1], 1, 0.5, False, 150], "Ten steps"),
    explorers.OnlineSoftmax: ([[1, 2, 0.5, -1, 1.5, 4, 0, 3], 1], "Next"),
}


@pytest.mark.parametrize("kind", PLAYED)
def test_what_takes_time_plays_to_its_end_and_can_be_held(opened, kind):
    start, last = PLAYED[kind]
    visit, place = opened(kind, skip=False, query=f"?{kind.name}={quote(json.dumps(start))}")
    visit.page.clock.install()
    said, play = place.get_by_role("status"), place.get_by_role("button", name="Play")
    begun = said.inner_text()
    play.click()
    visit.page.clock.run_for(1000)
    assert said.get_attribute("aria-live") == "off"
    assert said.inner_text() != begun
    place.get_by_role("button", name="Pause").click()
    held = said.inner_text()
    visit.page.clock.run_for(1000)
    assert said.inner_text() == held
    assert said.get_attribute("aria-live") == "polite"
    play.click()
    visit.page.clock.run_for(10_000)
    assert place.get_by_role("button", name=last).get_attribute("aria-disabled") == "true"
    assert place.get_by_role("button", name="Pause").count() == 0


def test_the_start_is_dragged_in_the_triangle(used):
    visit, place = used(explorers.Flow)
    drawing = place.locator("svg")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 26 + 2 / 3 * 340 * 3**0.5 / 2)  # its middle
    assert re.search(r"q is cat 0.33., dog 0.33., bird 0.33.", place.get_by_role("status").inner_text())
    visit.page.mouse.click(box["x"] + 5, box["y"] + 5)
    assert re.search(r"q is cat 0.33., dog 0.33., bird 0.33.", place.get_by_role("status").inner_text())


def test_the_end_of_the_first_step_is_dragged(used):
    visit, place = used(explorers.Flow)
    drawing = place.locator("svg")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    *_, end = drawing.locator("circle.now").all()
    x, y = (box[axis] + float(end.get_attribute(f"c{axis}")) for axis in "xy")
    said = place.get_by_role("status").inner_text()
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x + 40, y - 10)
    visit.page.mouse.up()
    assert float(place.get_by_role("slider", name="step size").get_attribute("aria-valuenow")) > 1
    assert place.get_by_role("status").inner_text() == said  # the start stays


def test_the_border_is_dragged_and_turned_and_a_factor_leaves_it_there(used):
    visit, place = used(explorers.Border)
    drawing, mouse = place.locator("svg"), visit.page.mouse
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()

    def drag(handle, across, along):
        at = drawing.locator("circle.handle").nth(handle)
        x, y = (box[axis] + float(at.get_attribute(f"c{axis}")) for axis in "xy")
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + across, y + along)
        mouse.up()
        return [float(each.get_attribute("aria-valuenow")) for each in place.get_by_role("slider").all()]

    ears, snout, angle, _ = drag(0, 30, 60)  # a pixel is 1/300
    assert (ears, snout, angle) == (pytest.approx(0.5, abs=0.01), pytest.approx(0.4, abs=0.01), 33.69)
    assert drag(1, 0, 80)[:3] == [ears, snout, pytest.approx(-32, abs=2)]
    line = drawing.locator("line.axis.shaft")
    before, loss = line.evaluate("e => e.outerHTML"), place.get_by_role("status").inner_text()
    place.get_by_role("slider", name="all weights and biases").press("End")
    assert line.evaluate("e => e.outerHTML") == before
    assert place.get_by_role("status").inner_text() != loss


@pytest.mark.parametrize("kind", [explorers.Softmax, explorers.Gradient])
def test_a_probability_that_is_set_is_what_the_scores_give(used, kind):
    _, place = used(kind)
    field = place.get_by_role("textbox", name="q of cat")
    field.fill("0.5")
    field.press("Enter")
    given = [float(each.get_attribute("aria-valuenow")) for each in place.get_by_role("slider", name="z of").all()]
    assert xentlib.softmax(given)[0] == pytest.approx(0.5, abs=0.002)  # scores have two decimals
    assert given[1:] == [2.0, 0.5]


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
    assert place.locator(".drawing").count() == 0
    place.get_by_role("slider", name="z of bird").press("End")
    assert said.inner_text() == explorers.QMinusP(logits=[1.0, 2.0, 4.0]).say()
    place.get_by_role("button", name="Reset").click()
    place.get_by_role("button", name="Take q − p off").click()
    assert said.inner_text() == explorers.QMinusP(logits=[0.77, 2.37, 0.36]).say()
    assert visited.errors == visited.failures == []
    _, place = opened(explorers.QMinusP, java_script_enabled=False)
    picture = place.locator(".drawing")
    assert "−0.37" in picture.get_attribute("aria-label")
    assert place.bounding_box()["height"] < picture.bounding_box()["height"] + 30
    assert place.get_by_role("button").count() == 0
