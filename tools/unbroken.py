"""Keep on one line what a reader takes for one word: an extension.

A browser may break a line after a formula, even before the full stop that belongs to it, and inside of 97 %, 5e-7,
3 × 5, (1.3–1.6) and 28,000 MB.
"""

import re

AFTER_FORMULA = re.compile(r'(<span class="math\b[^>]*>[^<]*</span>)([.,;:!?)’”]+)')
UNITS = "%|[KMG]B|bits?|nats?|[mµn]?s|seconds?|minutes?|px"
NUMBER = re.compile(rf"\(\d[\d.]*–\d[\d.]*\)|\b\d+(?:[.,]\d+)*(?:e-\d+| × \d+(?:,\d+)*|[ \n](?:{UNITS})(?!\w))")
TAG = re.compile(r"(<[^>]+>)")
AS_IT_IS = re.compile(r"(<(?:pre|script|style)\b.*?</(?:pre|script|style)>)", re.S)


def unbroken(body):
    r"""Return the page with all of these in elements of a class of their own, which a style keeps from breaking.

    >>> unbroken(r'<p>Let <span class="math">\(q\)</span>. Now</p>')
    '<p>Let <span class="unbroken"><span class="math">\\(q\\)</span>.</span> Now</p>'
    >>> unbroken('<td title="97 %">4.65 (3.59–5.22)</td><pre>5e-7</pre>')
    '<td title="97 %">4.65 <span class="unbroken">(3.59–5.22)</span></td><pre>5e-7</pre>'
    >>> unbroken('float32, 512 × 50,000, 97 %')
    'float32, <span class="unbroken">512 × 50,000</span>, <span class="unbroken">97 %</span>'
    >>> unbroken('28,000 MB, 3 statements')
    '<span class="unbroken">28,000 MB</span>, 3 statements'
    """
    parts = AS_IT_IS.split(body)
    parts[::2] = [_in_text(AFTER_FORMULA.sub(r'<span class="unbroken">\1\2</span>', part)) for part in parts[::2]]
    return "".join(parts)


def _in_text(html):
    pieces = TAG.split(html)
    pieces[::2] = [NUMBER.sub(r'<span class="unbroken">\g<0></span>', text) for text in pieces[::2]]
    return "".join(pieces)


def keep_together(app, pagename, templatename, context, doctree):
    context["body"] = unbroken(context.get("body", ""))


def setup(app):
    app.connect("html-page-context", keep_together)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
