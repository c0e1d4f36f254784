"""House rules: every chapter keeps them, and each of them refuses a notebook that breaks it."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import house_rules
import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import at_work

ROOT = Path(__file__).parents[1]
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
NUMBERED = [path for path in CHAPTERS if path.stem[:2].isdigit()]
EVERY_RULE = house_rules.RULES + house_rules.TEACHING


def stem(path):
    return path.stem


def rules_of(path):
    """Return the rules that a chapter is held to."""
    if path.stem == "checks":
        return [rule for rule in EVERY_RULE if rule not in house_rules.NOT_OF_A_CHAPTER]
    return EVERY_RULE if path in NUMBERED else house_rules.RULES


@pytest.mark.parametrize(
    ("path", "rule"),
    [pytest.param(path, rule, id=f"{path.stem}-{rule.__name__}") for path in CHAPTERS for rule in rules_of(path)],
)
def test_chapter_keeps_the_rule(path, rule):
    assert list(rule(nbformat.read(path, as_version=4))) == []


# What is shown at work

SHOWN = sorted(at_work.FOLDER.glob("*.md"))


def test_every_chapter_has_a_file_of_what_it_shows_at_work_and_no_other_is_there():
    assert [path.stem for path in SHOWN] == [path.stem for path in NUMBERED]


@pytest.mark.parametrize("path", [path for path in NUMBERED if at_work.FOLDER / f"{path.stem}.md" in SHOWN], ids=stem)
def test_a_chapter_shows_its_file_before_the_exercises(path):
    assert list(house_rules.shown_at_work(nbformat.read(path, as_version=4), path.stem)) == []


@pytest.mark.parametrize("rule", house_rules.AT_WORK, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", SHOWN, ids=stem)
def test_what_is_shown_at_work_keeps_the_rule(path, rule):
    assert list(rule(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "sources",
    [
        ["## Exercises"],
        [at_work.cell("04_loss")],
        ["## Exercises", at_work.cell("04_loss")],
        [at_work.cell("04_loss"), at_work.cell("04_loss"), "## Exercises"],
        [at_work.cell("04_loss"), "text", "## Exercises"],
        [at_work.cell("05_gradient"), "## Exercises"],
        [at_work.cell("04_loss") + "\n\nMore", "## Exercises"],
    ],
)
def test_a_chapter_that_does_not_show_its_file_there_is_refused(sources):
    def problems(sources):
        return list(house_rules.shown_at_work(new_notebook(cells=list(map(new_markdown_cell, sources))), "04_loss"))

    assert problems(sources) != []
    assert problems(["text", at_work.cell("04_loss"), "## Exercises\n\ntext"]) == []


WIDE = "```{literalinclude} /frameworks/in_pytorch/_pieces.py\n:pyobject: PieceSurprisal\n```\n\nTwo lines"
GOOD = """Two lines, [as there](/chapters/04_loss.ipynb).

**PyTorch**

```python
>>> import torch
>>> 1 + 1
2

```

**JAX**

```python
>>> from jax import grad
# Two
2

```

**What to watch.** `dim`.
"""


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("both_frameworks_and_what_to_watch", "**JAX**", "JAX"),
        ("both_frameworks_and_what_to_watch", "**What to watch.**", "Watch"),
        ("both_frameworks_and_what_to_watch", ">>> import torch\n", ""),
        ("both_frameworks_and_what_to_watch", ">>> from jax", "from jax"),
        ("both_frameworks_and_what_to_watch", "**PyTorch**", "**JAX**"),
        ("few_words_at_work", "Two lines", "Two lines" * 200),
        ("few_words_at_work", "Two lines", "# Two lines"),
        ("lines_and_what_they_include_are_narrow", "Two lines", 30 * "Two lines "),
        ("lines_and_what_they_include_are_narrow", "Two lines", WIDE),
        ("examples_fit_the_page", "1 + 1", "1 + " * 20 + "1"),
        ("links_begin_at_the_top", "/chapters", "../../chapters"),
    ],
)
def test_a_rule_refuses_what_is_badly_shown_at_work(rule, old, new):
    assert [problem for each in house_rules.AT_WORK for problem in each(GOOD)] == []
    assert list(getattr(house_rules, rule)(GOOD.replace(old, new))) != []


def test_every_chapter_is_in_the_table_of_contents_and_in_the_readme():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    readme = (ROOT / "README.md").read_text()
    for path in CHAPTERS:
        assert f"chapters/{path.stem}" in listed
        assert f"(chapters/{path.name})" in readme


# A notebook that keeps every rule, and the ways to break it


def good_notebook():
    text = "# Title\n\n**You will be able to** …\n\n**You need** …\n\n$$\nx\n$$ (eq-x)\n\n"
    text += "<!-- status: proved for every K -->\n\n{cite}`bahumi`\n\n## Summary"
    text += "\n\n[How to read the checks](checks.ipynb)"
    text += "\n\n[`entropy`](../api/information.md#xentlib.entropy), and `entropy` once more"
    figure = new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"})
    alt = {"mystnb": {"image": {"alt": "A curve that falls from the left to the right, and so on"}}}
    folded = {"tags": ["hide-input"]}
    cells = [
        new_markdown_cell(text),
        new_code_cell("import numpy as np", execution_count=1, metadata=folded),
        new_code_cell("1 + 1", execution_count=2, outputs=[new_output("execute_result", {"text/plain": "2"})]),
        new_code_cell("draw()", execution_count=3, outputs=[figure], metadata=alt | folded),
        new_code_cell("# proves eq-x\nassert_identity(x, 1 + x - 1)", execution_count=4),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule.__name__)
def test_rule_accepts_a_good_notebook(rule):
    assert list(rule(good_notebook())) == []


def set_outputs(*outputs):
    return lambda notebook: notebook.cells[2].update(outputs=list(outputs))


def set_source(source, cell=2):
    return lambda notebook: notebook.cells[cell].update(source=source)


def set_output_of_float32(text):
    outputs = [new_output("stream", text=text)]
    return lambda notebook: notebook.cells[2].update(source="print(np.float32(x))", outputs=outputs)


def set_metadata(cell=2, **metadata):
    return lambda notebook: notebook.cells[cell].update(metadata=nbformat.from_dict(metadata))


def set_alt(text):
    return set_metadata(cell=3, mystnb={"image": {"alt": text}})


def replace_text(old, new, cell=0):
    return lambda notebook: notebook.cells[cell].update(source=notebook.cells[cell].source.replace(old, new))


def set_status(status):
    return replace_text("proved for every K", status)


def add(*cells):
    return lambda notebook: notebook.cells.extend(cells)


def set_proof(source):
    return set_source(source, cell=4)


PROOF = "# proves eq-x\nassert_identity(x, 1 + x - 1)"
FAILED = new_output("error", ename="NotProved", evalue="", traceback=[])


REFUSAL = "try:\n    assert_identity(x, 2)\nexcept OutsideTheGrammar as refusal:\n    print(refusal)"
LONG = add(new_markdown_cell("word " * 600))


BREACHES = [
    ("executed_in_order", lambda notebook: notebook.cells[2].update(execution_count=None)),
    ("executed_in_order", lambda notebook: notebook.cells[2].update(execution_count=7)),
    ("executed_in_order", lambda notebook: notebook.update(cells=notebook.cells[:1])),
    ("no_errors_or_warnings", set_outputs(new_output("error", ename="ValueError", evalue="", traceback=[]))),
    ("no_errors_or_warnings", set_outputs(new_output("stream", name="stderr", text="a warning"))),
    ("nothing_left_uncompared", set_metadata(tags=["nbval-ignore-output"])),
    ("nothing_left_uncompared", set_source("# NBVAL_SKIP\n1 + 1")),
    ("nothing_that_varies", set_outputs(new_output("execute_result", {"text/plain": "<f at 0x7f3b00c0ffee>"}))),
    ("nothing_that_varies", set_source("1 + 1;")),
    ("nothing_that_varies", set_metadata(execution={"iopub.status.busy": "now"})),
    ("nothing_that_varies", lambda notebook: notebook.metadata.update(language_info={"version": "3.11"})),
    ("no_digits_that_processors_round_differently", set_outputs(new_output("stream", text="0.30000000000000004"))),
    ("no_digits_that_processors_round_differently", set_output_of_float32("0.0485873\n")),
    ("figures_have_alt_text", set_metadata(cell=3)),
    ("figures_have_alt_text", set_alt("Loss curve")),
    ("figures_have_alt_text", set_alt("an_identifier_is_not_a_finding_however_long")),
    ("argument_in_the_open", set_metadata(tags=["hide-input"])),
    ("argument_in_the_open", set_metadata(cell=1, tags=["hide-cell"])),
    ("argument_in_the_open", set_metadata(cell=3, tags=["remove-input"])),
    ("argument_in_the_open", set_metadata(cell=4, tags=["hide-input"])),
    ("argument_in_the_open", set_source("# checks eq-x\nassert x == 1", cell=3)),
    ("argument_in_the_open", lambda notebook: notebook.cells[3].outputs.append(new_output("stream", text="0.46\n"))),
    ("cells_are_short", set_source("\n".join(["x = 1"] * 16))),
    ("cells_are_short", set_source("x = " + "1" * 80)),
    ("cells_are_short", lambda notebook: [cell.update(source="\n".join("abcdef")) for cell in notebook.cells[1:]]),
    ("has_the_rhythm_of_a_chapter", replace_text("# Title", "Title")),
    ("has_the_rhythm_of_a_chapter", replace_text("## Summary", "# Summary")),
    ("has_the_rhythm_of_a_chapter", replace_text("**You need**", "You need")),
    ("has_the_rhythm_of_a_chapter", replace_text("$$ (eq-x)", "$$")),
    ("has_the_rhythm_of_a_chapter", replace_text("{cite}`bahumi`", "")),
    ("has_the_rhythm_of_a_chapter", set_source("x = 1", cell=1)),
    ("names_are_linked_at_first_mention", replace_text("[`entropy`]", "`xentlib.entropy` [there]")),
    ("names_are_linked_at_first_mention", replace_text("#xentlib.entropy", "#xentlib.softmax")),
    ("equations_have_a_status", replace_text("<!-- status: proved for every K -->", "")),
    ("equations_have_a_status", replace_text("\n\n<!--", "\n\nText\n\n<!--")),
    ("equations_have_a_status", replace_text("<!--", "<!-- status: definition -->\n\n<!--")),
    ("equations_have_a_status", set_status("proved for all K")),
    ("equations_have_a_status", set_status("")),
    ("equations_have_a_status", set_status("on paper")),
    ("equations_have_a_status", set_status("by another chapter")),
    ("equations_have_a_status", set_status("definition (here)")),
    ("cells_do_what_they_claim", set_proof("# proves eq-y\nassert_identity(x, 1 + x - 1)")),
    ("cells_do_what_they_claim", set_proof("# proves eq-x\nspot_check(x, 1 + x - 1)")),
    ("cells_do_what_they_claim", set_proof("assert_identity(x, 1 + x - 1)\n# proves eq-x")),
    ("cells_do_what_they_claim", set_proof("# proves eq-x\n'assert_identity(x, x + 0)'")),
    ("cells_do_what_they_claim", set_proof(f"# proves eq-x\n# A second one:\n{PROOF}")),
    ("cells_do_what_they_claim", lambda notebook: notebook.cells[4].update(outputs=[FAILED])),
    ("cells_do_what_they_claim", set_proof("# checks eq-x\nprint(x)")),
    ("cells_do_what_they_claim", set_proof("# measures eq-x\nx = 1")),
    ("statuses_are_earned", set_proof("assert_identity(x, 1 + x - 1)")),
    ("statuses_are_earned", set_proof(PROOF.replace("proves", "checks"))),
    ("statuses_are_earned", set_status("checked at points")),
    ("statuses_are_earned", set_status("measured")),
    ("statuses_are_earned", set_status("definition")),
    ("no_proof_may_fail", set_proof("try:\n    assert_identity(x, 2)\nexcept NotAnIdentity:\n    pass")),
    ("no_proof_may_fail", set_proof("with suppress(NotProved):\n    assert_identity(x, 2)")),
    ("no_proof_may_fail", set_proof(REFUSAL.replace("OutsideTheGrammar", "(OutsideTheGrammar, NotProved)"))),
    ("no_proof_may_fail", set_proof(REFUSAL.replace("OutsideTheGrammar as refusal", "").replace("refusal", "0"))),
    ("no_proof_may_fail", set_proof(f"# proves eq-x\n{REFUSAL}")),
    ("numbers_instead_of_verdicts", set_outputs(new_output("execute_result", {"text/plain": "True"}))),
    ("numbers_instead_of_verdicts", set_outputs(new_output("execute_result", {"text/plain": "np.False_"}))),
    ("numbers_instead_of_verdicts", set_outputs(new_output("stream", text="0.46\nTrue True\n"))),
    ("numbers_instead_of_verdicts", set_outputs(new_output("stream", text="[ True False]\n"))),
    ("symbols_stay_symbols", set_source("q = 1")),
    ("symbols_stay_symbols", set_source("q += 1")),
    ("symbols_stay_symbols", set_source("loss, (p, _) = f()")),
    ("symbols_stay_symbols", set_source("for k in range(3):\n    pass")),
    ("symbols_stay_symbols", set_source("[i for i in range(3)]")),
    ("symbols_stay_symbols", set_source("with f() as y:\n    pass")),
    ("symbols_stay_symbols", set_source("if (T := 2) > 1:\n    pass")),
    ("symbols_stay_symbols", set_source("def f(x, *, z=1):\n    return z")),
    ("symbols_stay_symbols", set_source("lambda z: z")),
    ("symbols_stay_symbols", set_source("def z():\n    pass")),
    ("symbols_stay_symbols", set_source("import numpy as K")),
    ("symbols_stay_symbols", set_source("from here import j")),
    ("symbols_stay_symbols", set_source("from xentlib.teaching.symbolic import z as y")),
    ("little_code_in_sight", add(*[new_code_cell("x = 1")] * 139)),
    ("short", add(new_markdown_cell("word " * 3600))),
    ("short", add(new_markdown_cell("$x + y$ " * 3600))),
    ("short", add(new_markdown_cell("## Exercises"), new_markdown_cell("## Notes\n\n" + "word " * 3600))),
    ("a_figure_comes_early", replace_text("# Title", "# Title\n\n" + "word " * 600)),
    ("a_figure_comes_early", lambda notebook: (notebook.cells.pop(3), LONG(notebook))),
    ("set_up_and_drawing_are_folded", set_metadata(cell=1)),
    ("set_up_and_drawing_are_folded", set_metadata(cell=3)),
    ("code_reads_without_a_manual", set_source("reduce(f, x)")),
    ("code_reads_without_a_manual", set_source("functools.reduce(f, x)")),
    ("code_reads_without_a_manual", set_source("np.einsum('ij->i', x)")),
    ("code_reads_without_a_manual", set_source("np.lib.stride_tricks.sliding_window_view(x, 2)")),
    ("code_reads_without_a_manual", set_source("[[a for a in b] for b in c]")),
    ("code_reads_without_a_manual", set_source("sum(max(a for a in b) for b in c)")),
    ("code_reads_without_a_manual", set_source("[a for b in c for a in b]")),
    ("checks_are_introduced", replace_text("checks.ipynb", "errata.ipynb")),
    ("checks_are_introduced", lambda notebook: notebook.cells.insert(0, new_code_cell("refuted(x, 2)"))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "breach"), BREACHES, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(BREACHES)])
def test_rule_refuses_a_bad_notebook(rule, breach):
    notebook = deepcopy(good_notebook())
    breach(notebook)
    assert list(getattr(house_rules, rule)(notebook)) != []


# What looks like a breach, and is none
IN_ORDER = [
    ("argument_in_the_open", set_source("assert x == 1\ndraw()", cell=3)),
    ("no_proof_may_fail", set_source(REFUSAL)),
    ("numbers_instead_of_verdicts", set_outputs(new_output("stream", text="True for every K: sums worked out\n"))),
    ("numbers_instead_of_verdicts", set_outputs(new_output("stream", text="Is 0.46 > 0.23? True\n"))),
    ("symbols_stay_symbols", set_source("from xentlib.teaching.symbolic import T, i, z\nx = f(q=z[i]).T")),
    ("symbols_stay_symbols", add(new_markdown_cell("## Exercises"), new_code_cell("def answer(p, q): ..."))),
    ("little_code_in_sight", add(*[new_code_cell("# why\n\nx = 1")] * 138)),
    ("little_code_in_sight", add(*[new_code_cell("x = 1", metadata={"tags": ["hide-input"]})] * 200)),
    ("little_code_in_sight", add(new_markdown_cell("## Exercises"), *[new_code_cell("x = 1")] * 200)),
    ("short", add(new_markdown_cell("$x + y + z$ " * 3500), new_markdown_cell("| --- | " * 200))),
    ("short", add(new_markdown_cell("```\n" + "word " * 3600 + "\n```"), new_markdown_cell("<!-- no word -->" * 2000))),
    ("short", add(new_markdown_cell("## Exercises"), new_markdown_cell("word " * 3600))),
    ("short", add(new_markdown_cell("## At work\n\n" + "word " * 3600))),
    ("a_figure_comes_early", LONG),
    ("code_reads_without_a_manual", set_source("[[a for a in b] for b in c]", cell=3)),
    ("code_reads_without_a_manual", set_source("[f(a) for a in b]\n[a for a in c]")),
    ("checks_are_introduced", replace_text("# proves eq-x\nassert_identity", "print", cell=4)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "change"), IN_ORDER, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(IN_ORDER)])
def test_rule_accepts_what_only_looks_like_a_breach(rule, change):
    notebook = deepcopy(good_notebook())
    change(notebook)
    assert list(getattr(house_rules, rule)(notebook)) == []


STATUSES = [
    ("definition", ""),
    ("checked at points", "# checks eq-x\nnp.testing.assert_allclose(1, 1)"),
    ("checked at points", "# checks eq-x\nspot_check(x, x + 0)"),
    ("checked at points", "# checks eq-x: its first line\nprint(x == x + 0)"),
    ("measured", "# measures eq-x\nassert faster > 1"),
    ("on paper (here)", "# checks eq-x\nassert x == 1"),
    ("on paper (bahumi, shannon1948)", ""),
    ("by another chapter (eq-y)", ""),
]  # fmt: skip


@pytest.mark.parametrize(("status", "source"), STATUSES)
def test_each_status_can_be_earned(status, source):
    notebook = good_notebook()
    set_status(status)(notebook)
    set_proof(source)(notebook)
    assert [problem for rule in EVERY_RULE for problem in rule(notebook)] == []


def test_every_rule_is_shown_to_fail():
    assert {rule.__name__ for rule in EVERY_RULE} == {rule for rule, _ in BREACHES}


def test_nbval_compares_what_is_stored_with_a_fresh_run(tmp_path):
    cells = []
    for count, stored in enumerate(("2", "3"), start=1):
        cells.append(new_code_cell("1 + 1", execution_count=count))
        cells[-1].outputs = [new_output("execute_result", {"text/plain": stored}, execution_count=count)]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), tmp_path / "two.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env", "two.ipynb"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1
    assert "FAILED two.ipynb::Cell 1" in result.stdout
    assert "1 failed, 1 passed" in result.stdout
