"""Whether the pages say to everyone what they show, by axe-core and by rules of our own, each shown to fail."""

import re
from itertools import pairwise

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from thorough import THOROUGH
from visits import KINDS, pages_of_the_book, with_nothing_but_its_explorers, without_formulas

PAGES = pages_of_the_book() if THOROUGH else KINDS  # axe takes some seconds for each
EXPLORERS = ["02_softmax", "01_cross_entropy", "03_classifier", "05_gradient", "08_descent", "10_why_cross_entropy"]
UNFOLD = """() => {
  document.querySelectorAll("details").forEach(e => e.open = true);
  document.querySelectorAll(".toggle-hidden").forEach(e => e.classList.remove("toggle-hidden"));
}"""
SWITCHED = "scheme => [undefined, scheme].includes(document.documentElement.dataset.theme)"
# The same on every page, as set formulas are, and so looked at on one only: they take much of axe's time.
ON_ONE_PAGE_ONLY = (".bd-sidebar-primary", "div.highlight pre")
# What axe finds by these is moderate at most, and so not looked at; `region` alone takes a tenth of its time.
MODERATE = (
    "region", "heading-order", "landmark-unique", "landmark-one-main", "page-has-heading-one", "skip-link",
    "image-redundant-alt", "empty-heading", "empty-table-header",
)  # fmt: skip
ALL = {
    "resultTypes": ["violations"],
    "preload": False,  # it would ask for style sheets at wrong addresses
    "rules": {rule: {"enabled": False} for rule in MODERATE},
}
COLORS = {"resultTypes": ["violations"], "preload": False, "runOnly": ["color-contrast"]}


@pytest.fixture
def axe():
    """Return a function from a visit to what axe finds serious or critical there, in light and then in dark."""

    def axe(visit, there="html"):
        visit.page.evaluate(UNFOLD)
        visit.page.add_style_tag(content="* { transition: none !important; }")  # no colour on its way to another
        visit.page.evaluate(AXE_SCRIPT)
        for scheme, options in {"light": ALL, "dark": COLORS}.items():
            visit.page.emulate_media(color_scheme=scheme)
            visit.page.wait_for_function(SWITCHED, arg=scheme)
            for violation in visit.page.evaluate("given => axe.run(...given)", [there, options])["violations"]:
                if violation["impact"] in ("serious", "critical"):
                    yield f"{scheme}: {violation['help']}: {[node['target'] for node in violation['nodes'][:3]]}"

    return axe


def remove(visit, *selectors):
    visit.page.evaluate("all => document.querySelectorAll(all).forEach(e => e.remove())", ", ".join(selectors))


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious_on_the_page(axe, visit, site, book, name):
    visited = visit(site, book, name, without_formulas)
    remove(visited, *ON_ONE_PAGE_ONLY)
    assert list(axe(visited)) == []


@pytest.mark.parametrize("name", EXPLORERS if THOROUGH else EXPLORERS[::2])
def test_axe_finds_nothing_serious_in_an_explorer_that_is_open(axe, visit, site, book, name):
    visited = visit(site, book, f"chapters/{name}", with_nothing_but_its_explorers)
    explorers = visited.page.locator("[data-explorer]")
    remove(visited, *ON_ONE_PAGE_ONLY)
    for explorer in explorers.all():
        for button in ("Skip", "Show me"):
            explorer.get_by_role("button", name=button).click()
    field = explorers.first.get_by_role("textbox").first
    field.fill("no number")
    field.press("Enter")
    assert list(axe(visited)) == []
    field.evaluate("field => field.removeAttribute('aria-label')")
    assert any("Form elements must have labels" in found for found in axe(visited))


def test_axe_finds_nothing_serious_in_navigation_code_and_formulas(axe, visit, site, book):
    visited = visit(site, book, "chapters/checks")
    assert visited.page.locator("mjx-assistive-mml math").count() > 5  # what is read out
    assert list(axe(visited)) == []


def test_axe_finds_nothing_serious_in_results_of_a_search(axe, visit, site, book):
    visited = visit(site, book, "search")
    visited.page.fill(".search-page input", "sofmax")
    assert visited.page.wait_for_selector(".search-page li")
    remove(visited, *ON_ONE_PAGE_ONLY)
    assert list(axe(visited)) == []


def test_every_token_of_code_has_contrast(axe, visit, site, book):
    sources = [path.read_text(encoding="utf-8") for path in book.glob("*/*.html")]
    blocks = [block for source in sources for block in re.findall(r'<div class="highlight">.*?</div>', source, re.S)]
    tokens = sorted({token for block in blocks for token in re.findall(r'<span class="(\w+)">', block)})
    assert len(tokens) > 20
    spans = " ".join(f'<span class="{token}">{token}</span>' for token in tokens)
    code = f'<div class="highlight"><pre style="white-space: pre-wrap">{spans}</pre></div>'
    visited = visit(site, book, "genindex")
    remove(visited, ".bd-sidebar-primary", "article > *")
    visited.page.evaluate(
        "html => document.querySelector('article').innerHTML = html",
        f'<h1>Code</h1><div class="cell_input">{code}</div>',
    )
    assert list(axe(visited)) == []


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ('<img src="data:,">', "light: Images must have alternative text"),
        ("<dl><dd>no term</dd></dl>", "light: <dl> elements must only"),
        ('<p style="color: #aaa; background: #fff">pale</p>', "light: Elements must meet minimum color contrast"),
        (
            "<style>@media (prefers-color-scheme: dark) {p {color: #444; background: #222}}</style><p>dark</p>",
            "dark: Elements must meet minimum color contrast",
        ),
        ('<details><p style="color: #ddd; background: #fff">folded</p></details>', "light: Elements must meet"),
    ],
)
def test_axe_refuses_a_bad_page(axe, visit, small_site, tmp_path, body, finding):
    assert any(found.startswith(finding) for found in axe(visit(small_site(body), tmp_path, "index")))


# Headings and pictures


def headings_are_in_order(html):
    levels = [int(level) for level in re.findall(r"<h([1-6])", article(html))]
    if levels.count(1) != 1 or levels[0] != 1:
        yield f"not one title, at the top: {levels}"
    yield from (f"h{after} under h{before}" for before, after in pairwise(levels) if after > before + 1)


def pictures_state_what_they_show(html):
    for picture in re.findall(r'<img[^>]*>|<svg class="drawing[^>]*>', article(html)):
        alt = re.search(r'(?:alt|role="img" aria-label)="([^"]*)"', picture)
        if alt is None or len(alt[1]) < 40:
            yield picture


def article(html):
    """Return the part of a page that is its own."""
    return re.search(r"<article.*?</article>", html, re.S)[0]


RULES = (headings_are_in_order, pictures_state_what_they_show)


@pytest.mark.parametrize("name", PAGES)
def test_headings_are_in_order_and_pictures_have_words(book, name):
    html = (book / f"{name}.html").read_text(encoding="utf-8")
    assert [problem for rule in RULES for problem in rule(html)] == []


@pytest.mark.parametrize(
    ("rule", "html"),
    [
        (headings_are_in_order, "<h1>Title</h1><h3>Too deep</h3>"),
        (headings_are_in_order, "<h1>Title</h1><h2>Part</h2><h1>Another title</h1>"),
        (headings_are_in_order, "<h2>No title</h2>"),
        (pictures_state_what_they_show, "<img src='a.png'>"),
        (pictures_state_what_they_show, '<img src="a.png" alt="">'),
        (pictures_state_what_they_show, '<img src="a.png" alt="A plot of the loss">'),
        (pictures_state_what_they_show, '<svg class="drawing card" viewBox="0 0 1 1"></svg>'),
    ],
)
def test_the_rule_refuses_a_bad_page(rule, html):
    assert list(rule(f"<article>{html}</article>")) != []
