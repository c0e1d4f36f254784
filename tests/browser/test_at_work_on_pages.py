"""What a chapter shows at work: the page has it in the place of the way to it, and code is copied without prompts."""

import pytest
from bs4 import BeautifulSoup
from visits import without_formulas

from tools import at_work


@pytest.mark.parametrize("name", sorted(path.stem for path in at_work.FOLDER.glob("*.md")))
def test_the_page_has_the_text_and_not_the_way_to_it(book, name):
    html = (book / "chapters" / f"{name}.html").read_text(encoding="utf-8")
    _, section, *_ = html.partition('<section id="at-work">')[2].split("<h2")
    here = BeautifulSoup(without_formulas(f"<h2{section}"), "html.parser")
    blocks = here.find_all("pre")
    assert len(blocks) >= 2
    assert [block.text for block in blocks if block.text.endswith("\n\n")] == []
    assert here.text.count("What to watch") == 1
    assert "Open this file" not in here.text


def test_code_is_copied_without_prompts_and_without_what_it_prints(open_light_page, site):
    page = open_light_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{site}chapters/05_gradient.html")
    section = page.locator("section#at-work")
    section.locator("div.highlight").nth(1).hover()
    section.locator("button.copybtn").nth(1).click()
    section.locator("button.copybtn.success").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").splitlines() == [
        "import jax",
        "import jax.numpy as jnp",
        "import optax",
        "jnp.set_printoptions(precision=4)",
        "loss_of = optax.softmax_cross_entropy_with_integer_labels",
        "logits = jnp.array([1.0, 2.0, 0.5])",
        "loss, grad = jax.value_and_grad(loss_of)(logits, 1)",
        'print(f"{loss:.4f}", grad)',
    ]
