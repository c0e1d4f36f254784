"""Every page of the book in a browser, from a phone's width to a desktop's; each rule is shown pages that break it."""

import pytest
from thorough import THOROUGH
from visits import KINDS, anchors, pages_of_the_book

PAGES = pages_of_the_book()
# In haste the ends of each layout are left out, and solutions are looked at by thirds.
SOLUTIONS = [name for name in PAGES if name.startswith("chapters/solutions/")]
SEEN = PAGES if THOROUGH else [name for name in PAGES if name not in SOLUTIONS or name in SOLUTIONS[::3]]
WIDTHS = [320, 390, 800, 992, 1100, 1280, 1440] if THOROUGH else [320, 800, 1280]
# What is wrong with the layout of a page at its present width. In a drawing a line goes on unseen where it is clipped.
BEYOND = """() => {
  const width = document.documentElement.clientWidth;
  const needed = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth);
  const scrolls = e => e && e !== document.body
    && (getComputedStyle(e).overflowX !== "visible" || getComputedStyle(e).clipPath !== "none"
      || scrolls(e.parentElement));
  return [...document.querySelectorAll("article *")]
    .filter(e => e.getBoundingClientRect().right > width + 1 && e.checkVisibility() && !scrolls(e))
    .map(e => `beyond the edge: ${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`)
    .concat(needed > width ? [`the page is ${needed} pixels wide`] : []);
}"""
# Formulas hold, in a box of no size, what only those hear who listen to them.
CUT = """() => [...document.querySelectorAll("article *:not(.math, .math *, svg *)")]
  .filter(e => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1 && e.checkVisibility()
    && !["visible", "auto", "scroll"].includes(getComputedStyle(e).overflowX))
  .map(e => `cut off: ${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`)"""
# Code fits a screen, if not a phone's; elsewhere a shadow at the edge tells that there is more.
SCROLLS = """() => [...document.querySelectorAll("article pre, .pst-scrollable-table-container")]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && e.checkVisibility())
  .filter(e => !getComputedStyle(e).backgroundAttachment.includes("local")
    || (innerWidth >= 800 && e.closest(".cell_input")))
  .map(e => `goes on beyond its box: ${e.textContent.trim().slice(0, 40)}`)"""
TORN = r"""() => {
  const torn = [], range = document.createRange();
  const texts = document.createTreeWalker(document.querySelector("article") ?? document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = texts.nextNode()); ) {
    if (!/\d/.test(text.data) || text.parentElement.closest("a, pre, script, style, mjx-container, svg"))
      continue;
    for (const number of text.data.matchAll(/(?<![\w.,-])[-−]?\d[\d.,]*(e-\d+|[ \n](%|[KMG]B)(?!\w))?/g)) {
      range.setStart(text, number.index);
      range.setEnd(text, number.index + number[0].length);
      if (new Set([...range.getClientRects()].map(line => Math.round(line.top))).size > 1)
        torn.push(`torn: ${number[0]}`);
    }
  }
  return torn;
}"""
UNSEEN = """() => ["article h1", "article p", "article pre", "article .math"].flatMap(selector =>
  [...document.querySelectorAll(selector)]
    .filter(e => e.textContent.trim() && !e.closest("details:not([open])"))
    .filter(e => !e.checkVisibility({opacityProperty: true, visibilityProperty: true}) || !e.innerText.trim())
    .map(e => `${selector}: ${e.textContent.slice(0, 40)}`))"""

# The header has it; the contents, which a phone folds away, do not count.
SYMBOLS = """() => [...document.querySelectorAll("a[href]:not(nav a, article a)")]
  .filter(e => e.pathname.endsWith("/notation.html"))
  .filter(e => e.checkVisibility({visibilityProperty: true}) && e.tabIndex >= 0).map(e => e.getBoundingClientRect())
  .some(box => box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight)"""


# All of these in one call: that takes longer than most of them.
LAYOUT = f"() => ({{problems: [{BEYOND}, {CUT}, {SCROLLS}, {TORN}].flatMap(look => look()), symbols: ({SYMBOLS})()}})"


# The rules, each a function from a visit to what is wrong with the page


def asks_no_other_host(visit):
    yield from (url for url in visit.requests if not url.startswith((visit.site, "data:", "blob:")))


def gets_all_that_it_asks_for(visit):
    yield from visit.failures


def reports_no_error(visit):
    yield from visit.errors


def links_lead_somewhere(visit):
    own_host = visit.site.split("/", 3)[2]
    for url, fragment in visit.links():
        path = visit.file_of(url)
        if path is None:
            if f"//{own_host}/" in url or url.startswith("file:"):
                yield f"{url} is not part of the book"
        elif not path.is_file():
            yield f"{url} is not there"
        elif path.suffix == ".html" and fragment not in anchors(path):
            yield f"{url} has no #{fragment}"


def layouts(visit):
    """Return for each width what LAYOUT finds: a resized page is laid out as one loaded at that width, and sooner."""
    if not hasattr(visit, "layouts"):
        visit.layouts = {width: layout(visit, width) for width in WIDTHS}
    return visit.layouts


def layout(visit, width):
    visit.page.set_viewport_size({"width": width, "height": 900})
    return visit.page.evaluate(LAYOUT)


def fits_every_width(visit):
    for width, found in layouts(visit).items():
        yield from (f"{width}: {problem}" for problem in found["problems"])


def symbols_are_a_click_away(visit):
    for width, found in layouts(visit).items():
        if not found["symbols"]:
            yield f"{width}: no link to the table of symbols in the first screen"


RULES = (
    asks_no_other_host,
    gets_all_that_it_asks_for,
    reports_no_error,
    links_lead_somewhere,
    fits_every_width,
    symbols_are_a_click_away,
)


@pytest.mark.parametrize("name", SEEN)
def test_the_page_keeps_every_rule(visit, site, book, name):
    visited = visit(site, book, name)
    assert {rule.__name__: list(rule(visited)) for rule in RULES} == {rule.__name__: [] for rule in RULES}


MISFITS = [
    ('<div style="width: 391px">wide on a phone</div>', "320: the page is"),
    ('<div style="min-width: 100vw; margin-left: 50px">wide on all</div>', "1280: the page is"),
    ('<article><style>body {overflow: hidden}</style><p style="width: 500px">cut off</p></article>', "beyond the edge"),
    ('<article><p style="overflow: hidden; width: 50px">Antidisestablishmentarianism</p></article>', "800: cut off"),
    (f'<article><pre style="overflow: auto">{"no shadow " * 20}</pre></article>', "320: goes on"),
    (
        '<article class="cell_input"><pre style="overflow: auto; background: linear-gradient(red, red) local">'
        f"{'1 + ' * 500}</pre></article>",
        "800: goes on",
    ),
    ('<article><p style="width: 60px">about 28,000 MB</p></article>', "torn: 28,000 MB"),
    ('<article><p style="width: 20px; word-break: break-all">0.123456</p></article>', "torn: 0.123456"),
    (
        '<article><table style="width: 9px"><td><code style="overflow-wrap: anywhere">a=-10</code></table></article>',
        "torn: -10",
    ),
]
BREACHES = [
    (asks_no_other_host, '<img src="http://127.0.0.1:9/counted.png">'),
    (gets_all_that_it_asks_for, '<img src="gone.png">'),
    (gets_all_that_it_asks_for, '<img src="/from/the/root.png">'),
    (reports_no_error, "<script>console.error('late')</script>"),
    (reports_no_error, "<script>undefined.length</script>"),
    (links_lead_somewhere, '<a href="gone.html">gone</a>'),
    (links_lead_somewhere, '<a href="other.html#gone">gone</a>'),
    (links_lead_somewhere, '<a href="#gone">gone</a>'),
    (links_lead_somewhere, '<a href="/other.html">from the root</a>'),
    *[(fits_every_width, body) for body, _ in MISFITS],
    (symbols_are_a_click_away, "<p>none</p>"),
    (symbols_are_a_click_away, '<nav><a href="notation.html">Symbols</a></nav>'),
    (symbols_are_a_click_away, '<a href="notation.html" tabindex="-1">Symbols</a>'),
    (symbols_are_a_click_away, '<a href="notation.html" style="margin-left: 600px">Symbols</a>'),
    (symbols_are_a_click_away, '<p style="height: 1000px"></p><a href="notation.html">Symbols</a>'),
]


@pytest.mark.parametrize(("rule", "body"), BREACHES)
def test_the_rule_refuses_a_bad_page(visit, small_site, tmp_path, rule, body):
    site = small_site(body, other='<p id="here">Other</p>')
    assert list(rule(visit(site, tmp_path, "index"))) != []


@pytest.mark.parametrize(("body", "problem"), MISFITS)
def test_a_misfit_is_called_what_it_is(visit, small_site, tmp_path, body, problem):
    assert problem in "\n".join(fits_every_width(visit(small_site(body), tmp_path, "index")))


def test_a_good_page_keeps_every_rule(visit, small_site, tmp_path):
    good = (
        '<a href="notation.html">Symbols</a><p>It <a href="other.html#here">links</a>.</p>'
        '<div style="overflow: auto"><p style="width: 2000px">wide</p></div>'
    )
    visited = visit(small_site(good, other='<p id="here">Other</p>', notation=""), tmp_path, "index")
    assert [problem for rule in RULES for problem in rule(visited)] == []


def test_every_rule_is_shown_to_fail():
    assert {rule for rule, _ in BREACHES} == set(RULES)


def test_a_link_to_the_repository_leaves_the_smallest_phone_its_other_buttons(open_page, site):
    page = open_page()
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(f"{site}index.html")
    if not page.locator(".btn-source-repository-button").count():  # only a published book has it
        one_more = "e => e.prepend(e.querySelector('.search-button').cloneNode(true))"
        page.locator(".article-header-buttons").evaluate(one_more)
    assert page.evaluate(f"({BEYOND})()") == []


# Before any script has run


@pytest.fixture(scope="module")
def still_page(browser):
    """A page that runs no script."""
    with browser.new_context(java_script_enabled=False) as context:
        yield context.new_page()


@pytest.mark.parametrize("name", PAGES if THOROUGH else KINDS)
def test_the_text_is_readable_before_any_script_has_run(still_page, site, name):
    still_page.goto(f"{site}{name}.html")
    assert still_page.locator("h1:visible").count() == 1
    assert still_page.evaluate(UNSEEN) == []


def test_without_scripts_code_and_formulas_are_there(still_page, site):
    still_page.goto(f"{site}chapters/05_gradient.html")
    assert still_page.locator("pre", has_text="softmax_cross_entropy").first.is_visible()
    formula = still_page.locator(".math", has_text=r"\nabla_z").locator("mjx-math").first
    assert formula.is_visible()
    assert formula.evaluate("e => e.getBoundingClientRect().width") > 50


@pytest.mark.parametrize(
    "body",
    [
        '<article><p style="opacity: 0">faded in later</p></article>',
        '<article><pre style="display: none">coloured later</pre></article>',
        '<article><div class="math" style="visibility: hidden">typeset later</div></article>',
        "<article hidden><p>shown later</p></article>",
    ],
)
def test_text_that_waits_for_a_script_is_seen_to_be_missing(still_page, small_site, body):
    still_page.goto(f"{small_site(body)}index.html")
    assert len(still_page.evaluate(UNSEEN)) == 1


# Without a server


@pytest.mark.parametrize("name", ["index", "chapters/05_gradient"])
def test_the_folder_works_without_a_server(visit, book, name):
    """All of it does but the search, whose page says so."""
    visited = visit(f"{book.as_uri()}/", book, name)
    assert [problem for rule in RULES for problem in rule(visited)] == []
    assert visited.page.locator("mjx-container").count() > 0
    assert visited.page.evaluate("document.fonts.load('16px MJXTEX').then(fonts => fonts.length)") > 0


def test_a_folder_that_needs_a_server_is_seen_to_fail(visit, tmp_path, small_site):
    small_site('<script type="module" src="module.js"></script>')
    (tmp_path / "module.js").write_text("export {};")
    assert visit(f"{tmp_path.as_uri()}/", tmp_path, "index").errors != []
