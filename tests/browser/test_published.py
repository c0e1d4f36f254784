"""What a page says of itself to search engines, and to those who are sent a link to it."""

import re

import pytest
from bs4 import BeautifulSoup
from visits import pages_of_the_book

from tools import make_pdf
from tools.pages import published

PAGES = [name for name in pages_of_the_book() if name not in ("genindex", "search")]


def descriptions(html):
    return re.findall(r'<meta name="description" content="([^"]*)"', html)


def says_what_it_is_about(html):
    """Return whether a page has one description, in words, as long as a search engine shows."""
    return [] if [*map(_is_prose, descriptions(html))] == [True] else descriptions(html) or ["none"]


def _is_prose(text):
    return 40 <= len(text) <= 165 and not re.search(r"[\\$`]|&lt;", text)


@pytest.mark.parametrize("name", PAGES)
def test_each_page_has_a_description_and_a_picture_for_links(book, name):
    html = (book / f"{name}.html").read_text(encoding="utf-8")
    assert says_what_it_is_about(html) == []
    assert re.search(r'<meta property="og:image" content="[^"]*q-minus-p.png"', html)
    assert 'content="Why q − p?"' in html


@pytest.mark.parametrize(
    "head",
    [
        "",
        '<meta name="description" content="Too short.">',
        f'<meta name="description" content="{"The gradient is q - p. " * 20}">',
        r'<meta name="description" content="The loss is \(-\log q_y\), and its gradient is what this page is about.">',
        '<meta name="description" content="A page that describes itself once, and then again.">' * 2,
    ],
)
def test_a_page_that_does_not_say_what_it_is_about_is_seen(head):
    assert says_what_it_is_about(head) != []


def test_a_wrong_address_leads_to_a_page_of_the_book(book):
    page = (book / "404.html").read_text(encoding="utf-8")
    assert "Page not found" in page
    assert 'href="/chapters/05_gradient.html"' in page  # from the root, as the wrong address may lie anywhere


def test_three_ways_lead_in_and_a_button_starts(book):
    html = (book / "index.html").read_text(encoding="utf-8")
    page = BeautifulSoup(html, "html.parser")
    ways = {link.text: link["href"] for link in page.select(".ways strong a")}
    assert ways == {
        "I am new": "chapters/01_cross_entropy.html",
        "I want the derivation": "chapters/05_gradient.html",
        "I want the code": "api/loss.html",
    }
    start = page.select_one(".start")
    assert start.a["href"] == ways["I am new"]
    assert {"pdf", "source"} == {place["id"] for place in start.select("span[id]")}
    assert make_pdf.PLACE in html or make_pdf.LINK in html
    assert published.PLACE in html or "The source on GitHub" in html
