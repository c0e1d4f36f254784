"""How the book is served to the browser."""

import gzip
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tools.browser import serve


@pytest.fixture
def folder(tmp_path):
    for name in ("index.html", "script.js", "style.css", "picture.png", "page.ipynb"):
        (tmp_path / name).write_bytes(b"content " * 100)
    return tmp_path


def get(url):
    with urlopen(Request(url, headers={"Accept-Encoding": "gzip"})) as answer:
        return answer.headers, answer.read()


def test_the_folder_is_there_below_the_prefix_and_nowhere_else(folder):
    with serve(folder, "/some/where/") as url:
        assert get(url)[1] == get(f"{url}index.html")[1] == b"content " * 100
        root = url.removesuffix("some/where/")
        for elsewhere in (root, f"{root}index.html", f"{url}gone.html"):
            with pytest.raises(HTTPError, match="404"):
                get(elsewhere)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("index.html", "text/html"),
        ("script.js", "text/javascript"),
        ("style.css", "text/css"),
        ("picture.png", "image/png"),
        ("page.ipynb", "application/json"),
    ],
)
def test_each_type_is_named_and_nothing_is_compressed_unless_asked(folder, name, content_type):
    with serve(folder) as url:
        headers, content = get(f"{url}{name}")
    assert (headers["Content-Type"], headers["Content-Encoding"]) == (content_type, None)
    assert content == b"content " * 100


def test_text_is_compressed_when_asked_and_pictures_are_not(folder):
    with serve(folder, compress=True) as url:
        for name in ("index.html", "script.js", "style.css"):
            headers, content = get(f"{url}{name}")
            assert headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(content) == b"content " * 100
        assert get(f"{url}picture.png")[0]["Content-Encoding"] is None
