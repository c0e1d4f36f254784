"""Mend what Sphinx says wrongly to those who listen to a page: an extension.

A signature on several lines becomes a list of terms without a term, and the references a list without items. What
unfolds a cell is called other than it reads.
"""

import re

PARAMETERS = re.compile(r"<dl>\s*((?:<dd>.*?</dd>\s*)+)</dl>", re.S)


def mend(body):
    """Return the page with each of the two as a plain list, and folded cells called as they read.

    >>> mend('<dl><dd>logits</dd><dd>targets</dd></dl>')
    '<ul class="sig-parameters"><li>logits</li><li>targets</li></ul>'
    >>> mend('<div role="list"><div role="doc-biblioentry">Shannon</div></div>')
    '<div role="list"><div role="listitem">Shannon</div></div>'
    >>> mend('<summary aria-label="Toggle hidden content"><p>Show the code</p></summary>')
    '<summary><p>Show the code</p></summary>'
    """
    body = PARAMETERS.sub(_as_list, body).replace('role="doc-biblioentry"', 'role="listitem"')
    return body.replace('<summary aria-label="Toggle hidden content">', "<summary>")


def _as_list(match):
    items = match[1].replace("<dd>", "<li>").replace("</dd>", "</li>")
    return f'<ul class="sig-parameters">{items}</ul>'


def mend_page(app, pagename, templatename, context, doctree):
    context["body"] = mend(context.get("body", ""))


def setup(app):
    app.connect("html-page-context", mend_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
