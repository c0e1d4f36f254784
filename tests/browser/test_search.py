"""The search: where some questions lead, a wrong letter, what a result says, and what it takes to get there."""

import re

import pytest
from visits import Visit

NUDGE = "exercise-5-1-predict-a-gradient"
# What is typed; where the first result leads, and after it what else is among the first three.
QUESTIONS = {
    "gradient of softmax": ["chapters/05_gradient.html", "chapters/05_gradient.html#the-gradient"],
    "label smoothing": [
        "chapters/12_variants.html#change-the-target",
        "chapters/12_variants.html#exercise-12-1-the-floor-under-a-smoothed-loss",
    ],
    "temperature": ["chapters/02_softmax.html#the-knob", "chapters/12_variants.html#change-the-logits"],
    "log-sum-exp overflow": ["chapters/11_stability.html#three-ways", "api/normalization.html#xentlib.logsumexp"],
    "hessian": ["api/curvature.html#xentlib.softmax_cross_entropy_hessian", "chapters/09_curvature.html"],
    "momentum": ["chapters/08_descent.html#momentum-and-adam", "chapters/07_backprop.html#train-it"],
    "perplexity": [
        "chapters/04_loss.html#how-many-classes-is-that",
        "chapters/04_loss.html#exercise-4-6-perplexity-of-a-batch",
    ],
    "online softmax": ["chapters/13_large_vocabulary.html#online-softmax-two-numbers-for-a-row"],
    "softmax_cross_entropy_hvp": ["api/curvature.html#xentlib.softmax_cross_entropy_hvp"],
    "exercise ten classes": ["chapters/04_loss.html#exercise-4-1-ten-classes-no-idea"],
    "F.kl_div": ["api/information.html#xentlib.kl_divergence", "chapters/01_cross_entropy.html#at-work"],
    "retain_grad": ["chapters/07_backprop.html#at-work"],
    "AdamW weight decay PyTorch": ["chapters/08_descent.html#at-work"],
    "softmax cross entropy ignore_index label smoothing weight mean": ["api/frameworks.html"],
    "5.1": [f"chapters/05_gradient.html#{name}" for name in ("equation-eq-gradient", "nudge-it", NUDGE)],
}
MISSPELT = {
    "gadient": "gradient",
    "sofmax jacobian": "softmax jacobian",
    "lebel smothing": "label smoothing",
    "temperatrue": "temperature",
    "Hesssian": "hessian",
}


class Search:
    """The search page, and what it answers."""

    def __init__(self, page, site, book):
        self.visit = Visit(page, site, book, "search")
        self.page, self.site = page, site
        self.status = page.locator("[role=status]")

    def ask(self, question):
        """Return what is announced, once the results are there."""
        for text in ("", question):
            self.page.fill(".search-page input", text)
            self.page.wait_for_function(
                "text => !text === !document.querySelector('[role=status]').textContent", arg=text
            )
        return self.status.inner_text()

    def addresses(self):
        links = self.page.locator(".search-page li a")
        return [url.removeprefix(self.site) for url in links.evaluate_all("links => links.map(link => link.href)")]

    def snippets(self):
        return self.page.locator(".search-page li p").all_inner_texts()


@pytest.fixture(scope="module")
def search(browser, site, book):
    page = browser.new_page()
    yield Search(page, site, book)
    page.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_leads_to_its_place_and_snippets_are_prose(search, question):
    search.ask(question)
    first_three, expected = search.addresses()[:3], QUESTIONS[question]
    assert first_three[0].startswith(expected[0])
    assert [place for place in expected if not any(found.startswith(place) for found in first_three)] == []
    assert [text for text in search.snippets() if not text or not is_prose(text)] == []


@pytest.mark.parametrize("typed", MISSPELT)
def test_one_wrong_letter_in_a_word_still_finds_the_page(search, typed):
    search.ask(MISSPELT[typed])
    right = search.addresses()
    said = search.ask(typed)
    assert search.addresses() == right
    assert said.startswith("The book has no “")
    assert said.endswith(f"results for “{MISSPELT[typed]}”.")


def test_what_the_book_does_not_have_is_said(search):
    assert search.ask("kubernetes") == "The book has no “kubernetes”."
    assert search.addresses() == []
    assert search.ask("kubernetes softmax").startswith("The book has no “kubernetes”. ")
    assert len(search.addresses()) == 10


def test_where_no_place_has_all_words_the_rarer_ones_count(search):
    search.ask("momentum kronecker")
    assert search.addresses()[0].startswith(("chapters/05_gradient.html", "chapters/08_descent.html"))


# What a result says


def is_prose(text):
    return re.search(r"\\|\$|>>>|\w\(\w*=|\bimport\b|\{|\bnp\.", text) is None


@pytest.mark.parametrize(
    "text",
    [r"a velocity \(V\)", "e^{z_j}", ">>> softmax([1.0])", "import numpy", "np.log(q)", "f(axis=1)", "$q - p$"],
)
def test_a_snippet_that_is_no_prose_is_seen(text):
    assert not is_prose(text)


def test_a_result_names_its_kind_and_its_page_and_marks_the_words(search):
    search.ask("label smoothing")
    first = search.page.locator(".search-page li").first
    assert first.locator("a").inner_text() == "12.2. Change the target"
    assert first.locator("span").inner_text() == "Section in 12. Variants"
    assert {"Label", "smoothing"} <= set(first.locator("mark").all_inner_texts())


# Getting there


def test_the_keyboard_leads_from_any_page_to_a_result(visit, site, book):
    page = visit(site, book, "teachers").page
    page.keyboard.press("Control+k")
    page.keyboard.type("label smoothing")
    page.keyboard.press("Enter")
    page.wait_for_selector(".search-page li")
    assert page.url == f"{site}search.html?q=label%20smoothing"
    focused = "document.activeElement.textContent"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == "12.2. Change the target"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) not in ("", "12.2. Change the target")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}chapters/12_variants.html#change-the-target")


def test_no_contents_show_above_the_search_in_the_sidebar(open_page, site):
    page = open_page()
    page.goto(f"{site}chapters/17_elsewhere.html")
    page.locator(".bd-sidebar-primary").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    above = "([x, y]) => document.elementFromPoint(x, y).closest('.sidebar-primary-item').textContent.trim()"
    assert all(page.evaluate(above, [60, y]).startswith("Search") for y in (1, 8, 15, 30))


def test_more_results_follow_on_demand(search):
    said = search.ask("softmax")
    button = search.page.get_by_role("button", name="More results")
    button.click()
    search.page.wait_for_function("document.querySelectorAll('.search-page li').length === 20")
    assert int(said.split()[0]) > 20
    assert (
        search.page.evaluate("document.activeElement.textContent")
        == search.page.locator(".search-page li a").nth(10).inner_text()
    )
    search.ask("perplexity")
    assert not button.is_visible()


def test_a_search_asks_no_other_host_and_reports_no_error(search):
    search.ask("label smoothing")
    assert [url for url in search.visit.requests if not url.startswith((search.site, "blob:"))] == []
    assert search.visit.failures == search.visit.errors == []
    assert any("/pagefind/" in url for url in search.visit.requests)


def test_without_a_server_or_scripts_the_page_says_what_the_search_needs(visit, browser, site, book):
    opened = visit(f"{book.as_uri()}/", book, "search")
    assert opened.page.locator("[role=status]").inner_text().startswith("The search needs a server")
    assert opened.failures == opened.errors == []
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site}search.html")
        assert page.locator("noscript p").inner_text().startswith("The search needs scripts.")


def test_no_other_page_loads_anything_for_the_search(book):
    pages = [path for path in book.rglob("*.html") if "lite" not in path.parts]
    loads = re.compile(r"<(?:script|link)[^>]*(?:pagefind|searchindex|searchtools|language_data)[^>]*>")
    assert [path.name for path in pages if loads.search(path.read_text(encoding="utf-8"))] == ["search.html"]
    scripts = {path.name for path in book.rglob("*.js") if "lite" not in path.parts}
    assert "search.js" in scripts
    assert scripts & {"searchindex.js", "searchtools.js", "language_data.js"} == set()
