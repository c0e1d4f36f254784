"""The built book, served as it may be anywhere, and the browser that visits it."""

import os
from pathlib import Path

import pytest
from visits import Visit, change_pages, lightened

from tools import browser as tools_browser

collect_ignore = ["conftest.py"]  # it has no examples to run
BOOK = Path(__file__).parents[2] / "_build" / "html"
PREFIX = "/some/where/"  # a host may keep the book below any path

SMALL = """<!doctype html>
<html lang="en"><title>Small</title><link rel="icon" href="data:,"><main><h1>Small</h1>{}</main></html>
"""
WIDTHS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def browser():
    """A browser for one file of tests: while it runs, Playwright keeps others from using asyncio."""
    if tools_browser.find_chromium() is None:
        if os.environ.get("CI"):
            pytest.fail(tools_browser.NONE_FOUND)
        pytest.skip(tools_browser.NONE_FOUND)
    with tools_browser.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def book():
    """The folder of the built book."""
    assert (BOOK / "index.html").exists(), "The book is not built: run make book"
    return BOOK


@pytest.fixture(scope="session")
def site(book):
    """The URL of the book."""
    with tools_browser.serve(book, PREFIX) as url:
        yield url


@pytest.fixture
def open_page(browser):
    """Return a function from a device and a colour scheme to a new page, which further options may change."""
    contexts = []

    def open_page(device="desktop", scheme="light", **options):
        contexts.append(browser.new_context(viewport=WIDTHS[device], color_scheme=scheme, **options))
        return contexts[-1].new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def open_light_page(open_page, site, book):
    """Return the same, but for pages without formulas and drawings."""

    def open_light_page(*device_and_scheme, **options):
        page = open_page(*device_and_scheme, **options)
        change_pages(page, site, book, lightened)
        return page

    return open_light_page


@pytest.fixture
def small_site(tmp_path):
    """Return a function from the body of a page, and other files, to the URL of a site with no more than that."""
    with tools_browser.serve(tmp_path, PREFIX) as url:

        def small_site(body, **files):
            for name, text in ({"index": body} | files).items():
                (tmp_path / f"{name}.html").write_text(SMALL.format(text), encoding="utf-8")
            return url

        yield small_site


@pytest.fixture(scope="module")
def context(browser):
    """Where pages share a cache, as those of one reader do."""
    with browser.new_context(viewport=WIDTHS["phone"]) as context:
        yield context


@pytest.fixture
def visit(context):
    """Return a function from a site, its folder and the name of a page to the `Visit`; the pages may be changed."""
    pages = []

    def visit(site, folder, name, change=None):
        pages.append(context.new_page())
        if change:
            change_pages(pages[-1], site, folder, change)
        return Visit(pages[-1], site, folder, name)

    yield visit
    for page in pages:
        page.close()
