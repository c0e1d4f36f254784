"""Exercises are answered on their pages, and the list of all knows what is solved."""

import json
import re

import pytest
from thorough import THOROUGH

from tools.make_pdf import contents
from tools.pages.answers import data
from xentlib.teaching import exercises

FORM = "form[data-exercise='{}']"
COUNT = ".xentlib-exercises [role=status]"
SHIFT = """() => new Promise(done => new PerformanceObserver(list =>
    done(list.getEntries().filter(e => !e.hadRecentInput).reduce((sum, e) => sum + e.value, 0)))
    .observe({type: "layout-shift", buffered: true}) ?? setTimeout(() => done(0), 300))"""


@pytest.fixture
def chapter(open_light_page, site):
    page = open_light_page()
    page.goto(f"{site}chapters/05_gradient.html")
    return page


def answer(page, id, text):
    """Type an answer, and return what the page says."""
    field = page.locator(FORM.format(id)).get_by_role("textbox")
    field.fill(text)
    field.press("Enter")
    verdict = page.locator(FORM.format(id)).locator(".verdict p")
    verdict.wait_for()
    return verdict.inner_text()


def test_each_exercise_that_a_page_can_check_has_a_form_and_all_others_a_way_to_the_notebook(book):
    found, elsewhere = [], 0
    for _, names in contents():
        for name in names:
            html = (book / f"{name}.html").read_text(encoding="utf-8")
            found += re.findall('<form class="xentlib-answer" method="dialog" data-exercise="([^"]+)"', html)
            elsewhere += html.count('class="answer-elsewhere"')
    every = exercises.all_exercises()
    assert found == [exercise.id for exercise in every if exercise.kind in data.KINDS]
    assert elsewhere == len(every) - len(found)


def test_no_answer_can_be_read_in_a_page_or_in_what_it_loads(book):
    exercise = exercises.find("05-cancel")
    told = [exercise.because, *(mistake.feedback for mistake in exercise.mistakes), *exercise.hints]
    texts = [(book / name).read_text(encoding="utf-8") for name in ("chapters/05_gradient.html", "answers/05.js")]
    assert [words for words in told for text in texts if words in text] == []


def test_a_wrong_answer_gets_its_name_and_a_right_one_is_kept(chapter, site):
    form = chapter.locator(FORM.format("05-signs"))
    assert not form.locator(".done").is_visible()
    assert "This is q: the one-hot was not subtracted" in answer(chapter, "05-signs", "0.23, 0.63, 0.14")
    assert chapter.evaluate("document.activeElement.id") == "answer-05-signs"
    assert form.get_by_role("textbox").get_attribute("aria-invalid") == "true"
    form.get_by_role("textbox").fill("23 %; 63 %; −0.86")
    form.get_by_role("button", name="Check").click()
    form.locator(".verdict[data-solved=true]").wait_for()
    assert form.locator(".done").is_visible()
    chapter.goto(f"{site}exercises.html")
    assert chapter.locator(COUNT).inner_text() == f"{len(exercises.all_exercises())} exercises, 1 solved"


def test_options_are_chosen_from_the_keyboard(chapter):
    form = chapter.locator(FORM.format("05-cancel"))
    form.get_by_role("radio").first.focus()
    chapter.keyboard.press("ArrowDown")
    chapter.keyboard.press("Enter")
    form.locator(".verdict[data-solved=true]").wait_for()
    assert exercises.find("05-cancel").because in form.locator(".verdict").inner_text()


def test_hints_come_one_by_one(chapter):
    form, hints = chapter.locator(FORM.format("05-signs")), exercises.find("05-signs").hints
    for n, hint in enumerate(hints, 1):
        form.get_by_role("button", name="Hint").click()
        form.locator(f".hints p:nth-child({n})").wait_for()
        assert form.locator(".hints p").last.inner_text() == f"Hint {n} of 3: {hint}"
    form.get_by_role("button", name="Hint").click(force=True)
    assert form.locator(".hints p").count() == 3


def test_nothing_is_loaded_before_somebody_answers_and_no_connection_is_said(open_light_page, site):
    page, asked = open_light_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/answers/05.js", lambda route: route.abort())
    page.goto(f"{site}chapters/05_gradient.html")
    assert [url for url in asked if "checker" in url or "05.js" in url] == []
    assert "is there a connection?" in answer(page, "05-signs", "1")
    page.unroute("**/answers/05.js")
    page.locator(FORM.format("05-signs")).get_by_role("button", name="Check").click()
    page.get_by_text("Asked for: an array of numbers of shape (3,)").wait_for()


def test_without_scripts_there_is_no_form_but_the_options_and_the_cell(open_light_page, site):
    page = open_light_page(java_script_enabled=False)
    page.goto(f"{site}chapters/05_gradient.html")
    assert not page.locator(".answer-controls").first.is_visible()
    assert not page.get_by_role("radio").first.is_visible()
    assert page.get_by_text("cancels the factor").is_visible()
    assert page.get_by_text('check("05-cancel", answer)').is_visible()


@pytest.mark.parametrize("width", [320, 390, 1280, 1600] if THOROUGH else [320, 1280])
def test_what_is_kept_moves_nothing_and_all_fits(browser, site, width):
    kept = json.dumps({"solved": [exercise.id for exercise in exercises.all_exercises()]})
    with browser.new_context(viewport={"width": width, "height": 900}) as context:
        context.add_init_script(f"localStorage.setItem('xentlib-progress', {kept!r})")
        page = context.new_page()
        for name in ("exercises", "chapters/05_gradient", "chapters/11_stability"):
            page.goto(f"{site}{name}.html")
            assert page.evaluate(SHIFT) < 0.02, name
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_the_list_is_chosen_from_exported_and_forgotten(open_light_page, site, tmp_path):
    page, every = open_light_page(), exercises.all_exercises()
    page.goto(f"{site}exercises.html")
    page.evaluate('localStorage.setItem(\'xentlib-progress\', \'{"solved": ["05-signs", "05-cancel"]}\')')
    page.reload()
    short = [one for one in every if one.chapter == 5 and one.kind == "explain" and one.minutes <= 3]
    for name, value in (("chapter", "5"), ("kind", "explain"), ("minutes", "3")):
        page.get_by_label(name, exact=True).select_option(value)
    assert page.locator(COUNT).inner_text().startswith(f"{len(short)} exercise")
    assert page.locator("table tbody tr:visible").count() == len(short)
    for name in ("chapter", "kind", "minutes"):
        page.get_by_label(name, exact=True).select_option("")
    page.get_by_label("done", exact=True).select_option("yes")
    assert page.locator(COUNT).inner_text() == "2 exercises, 2 solved"
    with page.expect_download() as download:
        page.get_by_role("button", name="Export progress").click()
    download.value.save_as(tmp_path / "progress.json")
    assert json.loads((tmp_path / "progress.json").read_text()) == {"solved": ["05-cancel", "05-signs"]}
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Forget progress").click()
    assert page.locator(COUNT).inner_text() == "0 exercises, 0 solved"
    assert page.evaluate("localStorage.getItem('xentlib-progress')") is None


def test_progress_is_imported_beside_what_is_there_and_a_bad_file_changes_nothing(open_light_page, site):
    page = open_light_page()
    page.goto(f"{site}exercises.html")
    page.evaluate("localStorage.setItem('xentlib-progress', '{\"solved\": [\"05-signs\"]}')")
    page.reload()
    button = page.get_by_role("button", name="Import progress")

    def choose(name, text, words):
        """Let a file be chosen from the keyboard, wait for what is announced, and return what is kept then."""
        with page.expect_file_chooser() as chooser:
            button.press("Enter")
        chooser.value.set_files({"name": name, "mimeType": "application/json", "buffer": text.encode()})
        page.wait_for_function("words => document.querySelector('[role=log]').textContent === words", arg=words)
        return page.evaluate("JSON.parse(localStorage.getItem('xentlib-progress')).solved")

    refused = "“{}.json” is not a file of progress, which Export progress writes: nothing was changed."
    for n, bad in enumerate(["", "{", "null", "[]", '{"solved": "05-cancel"}', '{"solved": ["05-cancel", 1]}']):
        assert choose(f"{n}.json", bad, refused.format(n)) == ["05-signs"]
    words = "Imported 2 solved, 1 of them new. 1 not in this book left out."
    kept = choose("good.json", '{"solved": ["05-signs", "05-cancel", "99-none"]}', words)
    assert kept == ["05-cancel", "05-signs"]
    assert page.locator(COUNT).inner_text().endswith(" 2 solved")
    assert button.evaluate("e => e === document.activeElement")


def test_what_somebody_else_wrote_there_does_no_harm(chapter):
    for kept in ("", "{", "null", '{"solved": 5}', '{"solved": [1, "05-signs"]}'):
        chapter.evaluate("kept => localStorage.setItem('xentlib-progress', kept)", kept)
        chapter.reload()
        assert re.match("Solved", answer(chapter, "05-signs", "0.23, 0.63, -0.86"))
        assert chapter.evaluate("JSON.parse(localStorage.getItem('xentlib-progress')).solved") == ["05-signs"], kept
