"""Pictures on a page keep their room, and those far below wait until they are scrolled to."""

import pytest
from PIL import Image

from tools.pages import body


@pytest.mark.parametrize(("before", "late"), [("", ""), ("-" * 2000, 'loading="lazy" ')])
def test_a_picture_says_its_size_and_waits_below_the_first_screen(tmp_path, before, late):
    Image.new("1", (64, 48)).save(tmp_path / "a.png")
    page = body.load_late(f'{before}<img alt="A" src="../_images/b.png" />', {"b.png": tmp_path / "a.png"})
    assert page == f'{before}<img {late}width="64" height="48" alt="A" src="../_images/b.png" />'
