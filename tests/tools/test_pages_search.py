"""The records of the search: what of a page can be found, and as which words."""

from tools.pages.search.records import ONE_RECORD, records

CHAPTER = """<nav>5. The gradient</nav><article>
<section id="top"><h1><span>5. </span>The gradient<a class="headerlink" href="#top">#</a></h1>
<p>Which way, and how far? It is <span class="math">\\(q_i - p_i\\)</span>, or</p>
<div class="math" id="eq"><span class="eqno">(5.1)<a class="headerlink" href="#eq">#</a></span>\\[ g = q - p. \\]</div>
<p class="equation-status"><a href="../ledger.html#eq">proved for every K</a></p>
<section id="nudge"><h2><span>5.1. </span>Nudge it</h2><p><strong>A slope</strong> is a price:</p>
<div class="cell"><pre>print(slope)</pre></div><p>A table has <span class="math">\\(\\frac{a}{b}\\)</span>.</p>
<div class="math">\\[ \\sqrt{q} \\]</div>
<table><tr><td>one</td><td>two</td></tr></table></section>
<section id="ex-a"><h3>Exercise 5.1: Signs</h3><p>Predict the signs.</p></section>
<section id="ex-b"><h3>Exercise 5.2: Write it</h3><p>Write a function.</p></section>
</section></article>"""
REFERENCE = """<article><section id="loss"><h1>The loss</h1><p>In nats.</p>
<dl class="py function"><dt id="xentlib.loss"><span class="sig-prename">xentlib.</span>
<span class="sig-name">loss</span><em class="sig-param">z</em></dt>
<dd><p>Return log Σ<sub>j</sub> e<sup>z<sub>j</sub></sup>.</p>
<div class="doctest"><pre>&gt;&gt;&gt; 1</pre></div></dd></dl>
<div class="citation" id="id1"><span class="label">[Sha48]</span><p>Claude Shannon. A theory.</p></div>
</section></article>"""


def test_a_chapter_gives_sections_equations_and_exercises():
    found = records("chapters/05", CHAPTER)
    assert {record.page for record in found} == {"5. The gradient"}
    assert [(record.url, record.kind, record.title, record.terms, record.text) for record in found] == [
        ("chapters/05.html#top", "Chapter", "5. The gradient", "Chapter 5",
         "Which way, and how far? It is q_i − p_i, or …"),
        ("chapters/05.html#eq", "Equation", "Equation (5.1)", "",
         "Which way, and how far? It is q_i − p_i, or g = q − p."),
        ("chapters/05.html#nudge", "Section", "5.1. Nudge it", "Section 5.1; A slope",
         "A slope is a price: … A table has …. … one; two;"),
        ("chapters/05.html#ex-a", "Exercise", "Exercise 5.1: Signs", "", "Predict the signs."),
        ("chapters/05.html#ex-b", "Exercise", "Exercise 5.2: Write it", "", "Write a function."),
    ]  # fmt: skip


def test_a_row_with_a_call_is_code_and_no_other_row_is():
    rows = "<tr><td>JAX</td><td><code>f(z, y)</code></td></tr><tr><td><code>dim</code></td><td>the axis</td></tr>"
    page = f'<article><section id="one"><h1>One</h1><table>{rows}</table></section></article>'
    assert [record.text for record in records("one", page)] == ["dim; the axis;"]


def test_the_rows_of_the_ledger_are_no_place_to_be_led_to():
    rows = '<section class="equations" id="one"><h2>1. One</h2><table><tr><td>proved</td></tr></table></section>'
    page = f'<article><section id="ledger"><h1>Ledger</h1><p>What is known.</p>{rows}</section></article>'
    assert [(record.title, record.text) for record in records("ledger", page)] == [("Ledger", "What is known.")]


def test_an_appendix_gives_functions_and_works():
    found = [tuple(record) for record in records("api/loss", REFERENCE)]
    assert found == [
        ("api/loss.html#loss", "Page", "The loss", "The loss", "", "In nats."),
        ("api/loss.html#xentlib.loss", "Function", "loss", "The loss", "xentlib", "Return log Σ_j e^(z_j)."),
        ("api/loss.html#id1", "Work", "Claude Shannon. A theory.", "The loss", "", "Claude Shannon. A theory."),
    ]


def test_a_page_that_says_so_is_found_by_its_title_alone():
    page = CHAPTER.replace("</h1>", f"</h1>{ONE_RECORD}")
    assert records("audits/index", page) == records("audits/index", CHAPTER)[:1]
