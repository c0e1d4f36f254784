"""Mend what Sphinx writes of a page: for those who listen to it, and for narrow lines.

A signature on several lines becomes a list of terms without a term, and the references a list without items. What
unfolds a cell is called other than it reads. A browser may break a line after a formula, even before the full stop
that belongs to it, and inside of 97 %, 5e-7, 3 × 5, (1.3–1.6) and 28,000 MB. Sphinx has no option for any of that.
"""

import re

PARAMETERS = re.compile(r"<dl>\s*((?:<dd>.*?</dd>\s*)+)</dl>", re.S)
AFTER_FORMULA = re.compile(r'(<span class="math\b[^>]*>[^<]*</span>)([.,;:!?)’”]+)')
UNITS = "%|[KMG]B|bits?|nats?|[mµn]?s|seconds?|minutes?|px"
NUMBER = re.compile(rf"\(\d[\d.]*–\d[\d.]*\)|\b\d+(?:[.,]\d+)*(?:e-\d+| × \d+(?:,\d+)*|[ \n](?:{UNITS})(?!\w))")
IN_CODE = re.compile(r'(<span class="pre">[^<]*=)(-?\d+(?:\.\d+)?)')  # a phone breaks code anywhere
TAG = re.compile(r"(<[^>]+>)")
AS_IT_IS = re.compile(r"(<(?:pre|script|style)\b.*?</(?:pre|script|style)>)", re.S)


def mend(html):
    return nonbreaking(accessible(html))


def accessible(html):
    """Return a page with each of the two as a plain list, and folded cells called as they read.

    >>> accessible('<dl><dd>logits</dd><dd>targets</dd></dl>')
    '<ul class="sig-parameters"><li>logits</li><li>targets</li></ul>'
    >>> accessible('<div role="list"><div role="doc-biblioentry">Shannon</div></div>')
    '<div role="list"><div role="listitem">Shannon</div></div>'
    >>> accessible('<summary aria-label="Toggle hidden content"><p>Show the code</p></summary>')
    '<summary><p>Show the code</p></summary>'
    """
    html = PARAMETERS.sub(_as_list, html).replace('role="doc-biblioentry"', 'role="listitem"')
    return html.replace('<summary aria-label="Toggle hidden content">', "<summary>")


def _as_list(match):
    items = match[1].replace("<dd>", "<li>").replace("</dd>", "</li>")
    return f'<ul class="sig-parameters">{items}</ul>'


def nonbreaking(html):
    r"""Return a page with what a reader takes for one word in elements that a style keeps on one line.

    >>> nonbreaking(r'<p>Let <span class="math">\(q\)</span>. Now</p>')
    '<p>Let <span class="nonbreaking"><span class="math">\\(q\\)</span>.</span> Now</p>'
    >>> nonbreaking('<td title="97 %">4.65 (3.59–5.22)</td><pre>5e-7</pre>')
    '<td title="97 %">4.65 <span class="nonbreaking">(3.59–5.22)</span></td><pre>5e-7</pre>'
    >>> nonbreaking('float32, 512 × 50,000, 97 %')
    'float32, <span class="nonbreaking">512 × 50,000</span>, <span class="nonbreaking">97 %</span>'
    >>> nonbreaking('28,000 MB, 3 statements')
    '<span class="nonbreaking">28,000 MB</span>, 3 statements'
    >>> nonbreaking('<code><span class="pre">ignore_index=-100</span></code>')
    '<code><span class="pre">ignore_index=<span class="nonbreaking">-100</span></span></code>'
    """
    parts = AS_IT_IS.split(html)
    parts[::2] = [_kept_together(part) for part in parts[::2]]
    return "".join(parts)


def _kept_together(html):
    html = AFTER_FORMULA.sub(r'<span class="nonbreaking">\1\2</span>', html)
    return _in_text(IN_CODE.sub(r'\1<span class="nonbreaking">\2</span>', html))


def _in_text(html):
    pieces = TAG.split(html)
    pieces[::2] = [NUMBER.sub(r'<span class="nonbreaking">\g<0></span>', text) for text in pieces[::2]]
    return "".join(pieces)
