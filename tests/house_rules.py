"""The rules that chapters keep, each a function from a notebook to what is wrong with it.

`RULES` are for every chapter. `TEACHING` are for those that are written to be followed alone by a first-year student.
`AT_WORK` are for what those show of PyTorch and JAX, each a function from the text of a file to what is wrong with it.
"""

import ast
import re
import statistics

import numpy as np

import xentlib
from tools import at_work, ledger

LONGEST_LINE = 72  # fits the text column of a desktop page
LONGEST_INCLUDED = 88
LONGEST_CELL = 15
SHORTEST_ALT_TEXT = 40
MOST_LINES, MOST_WORDS, FIRST_FIGURE = 140, 3600, 600  # of code in sight, of text, and of text before a figure
MOST_WORDS_AT_WORK = 200
SYMBOLS = set("zpqyijkKT")
CHECKS = {"assert_identity", "refuted", "spot_check"}
VERDICT = re.compile(r"^[\s\[\](),]*((np\.)?(True|False)_?[\s\[\](),]*)+$", re.M)
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]+\$", re.S)
NO_WORDS = re.compile(r"```.*?```|<!--.*?-->", re.S)
GOLF = {"reduce", "einsum", "as_strided", "sliding_window_view"}
AT_WORK_PARTS = re.compile(r"^\*+(PyTorch|JAX|What to watch)\b", re.M)
EXAMPLES = re.compile(r"```python\n(>>>.*?)\n```", re.S)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


def tags(cell):
    return cell.metadata.get("tags", [])


def in_sight(notebook):
    """Return the code cells of the argument that the page does not fold."""
    return [cell for cell in argument(notebook) if cell.cell_type == "code" and "hide-input" not in tags(cell)]


def argument(notebook):
    """Return the cells of a notebook without what it shows at work, and without its exercises."""
    kept, inside = [], False
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            inside = cell.source.startswith((at_work.TITLE, "## Exercises"))
        if not inside:
            kept.append(cell)
    return kept


def words(cell):
    """Return how many words a cell of text has."""
    return words_of(cell.source) if cell.cell_type == "markdown" else 0


def words_of(text):
    """Return how many words a text has, with each formula as one, and without code."""
    text = FORMULA.sub(" formula ", NO_WORDS.sub("", text))
    return sum(bool(re.search(r"\w", word)) for word in text.split())


def said(cell):
    """Return each text that a cell prints or returns."""
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]


def shows(cell):
    """Tell whether a cell of code shows a figure or an explorer."""
    kinds = {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}
    return bool(kinds & {"image/png", "text/html"})


def called(cell):
    calls = [node.func for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
    return {ast.unparse(function).split(".")[-1] for function in calls}


def executed_in_order(notebook):
    """Strict nbval compares nothing in a cell without an execution count."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if not counts:
        yield "no code cell"
    elif counts != list(range(1, len(counts) + 1)):
        yield f"not executed from top to bottom in a fresh kernel: counts {counts}"


def no_errors_or_warnings(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                yield f"unexpected {output.ename} from {cell.source!r}"
            if output.get("name") == "stderr":
                yield f"stderr from {cell.source!r}: {output.text!r}"


def nothing_left_uncompared(notebook):
    for cell in code_cells(notebook):
        tags = [tag for tag in cell.metadata.get("tags", []) if tag.startswith("nbval-")]
        if tags or "NBVAL_" in cell.source:
            yield f"nbval is told not to compare {cell.source!r}"


def nothing_that_varies(notebook):
    """Addresses and timings differ from run to run, and a trailing semicolon from kernel to kernel."""
    for cell in code_cells(notebook):
        if re.search(r"\bat 0x[0-9a-f]{6,}", str(cell.outputs)):
            yield f"an address in the output of {cell.source!r}"
        if cell.source.rstrip().endswith(";"):
            yield f"a trailing semicolon in {cell.source!r}"
        if "execution" in cell.metadata:
            yield f"timings in the metadata of {cell.source!r}"
    if set(notebook.metadata) - {"kernelspec"}:
        yield f"metadata beside the kernelspec: {sorted(notebook.metadata)}"


def no_digits_that_processors_round_differently(notebook):
    """A dtype holds `precision` digits for sure; the last of them belongs to the processor and its exp."""
    for cell in code_cells(notebook):
        most = np.finfo("float32" if "float32" in cell.source else "float64").precision - 1
        for output in cell.outputs:
            text = output.get("text", "") + output.get("data", {}).get("text/plain", "")
            for number in re.findall(r"\d[\d,]*\.\d+", text):
                if len(re.sub("[,.]", "", number).strip("0")) > most:
                    yield f"{number} has more than {most} digits, from {cell.source!r}"


def figures_have_alt_text(notebook):
    for cell in code_cells(notebook):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            if len(alt) < SHORTEST_ALT_TEXT or " " not in alt:
                yield f"a figure whose alt text does not state a finding: {alt!r} for {cell.source!r}"


def argument_in_the_open(notebook):
    """What is folded sets up or draws. It claims nothing and prints nothing."""
    for cell in code_cells(notebook):
        if any(tag.startswith(("hide-", "remove-")) and tag != "hide-input" for tag in tags(cell)):
            yield f"{tags(cell)} on {cell.source!r}"
        elif "hide-input" in tags(cell):
            silent = shows(cell) or not cell.outputs
            prints = not silent or any(output.output_type == "stream" for output in cell.outputs)
            if prints or called(cell) & (CHECKS | {"check"}) or ledger.CLAIM.search(cell.source):
                yield f"a part of the argument is folded: {cell.source!r}"


def cells_are_short(notebook):
    for cell in code_cells(notebook):
        if len(lines(cell)) > LONGEST_CELL:
            yield f"{len(lines(cell))} lines, at most {LONGEST_CELL}: {cell.source!r}"
        for line in cell.source.splitlines():
            if len(line) > LONGEST_LINE:
                yield f"{len(line)} characters, at most {LONGEST_LINE}: {line!r}"
    if statistics.median([len(lines(cell)) for cell in code_cells(notebook)] or [0]) > 5:
        yield "more than 5 lines in the median code cell"


def has_the_rhythm_of_a_chapter(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    if not notebook.cells[0].source.startswith("# ") or len(re.findall("^# ", text, re.M)) != 1:
        yield "not one title, at the top"
    for part in ("**You will be able to**", "**You need**", "## Summary", "{cite}`bahumi`"):
        if part not in text:
            yield f"no {part}"
    if not re.search(r"^\$\$ \(eq-", text, re.M):
        yield "no numbered equation"
    first = next(iter(code_cells(notebook)), None)
    if first is None or not first.source.startswith(("import ", "from ")):
        yield "a first code cell that is no set-up"


def names_are_linked_at_first_mention(notebook):
    """Where a chapter first names what xentlib has, its documentation is a click away."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for name in xentlib.__all__:
        first = re.search(rf"`(xentlib\.)?{name}(\(\))?`", text)
        if first and not re.match(rf"\]\(\.\./api/\w+\.md#xentlib\.{name}\)", text[first.end() :]):
            yield f"{first[0]}, but not [{first[0]}](../api/PAGE.md#xentlib.{name})"


def equations_have_a_status(notebook):
    equations = list(ledger.equations(notebook))
    for equation in equations:
        if equation.status not in ledger.STATUSES:
            yield f"{equation.label}: {equation.status or 'no status right below it'}"
        elif bool(equation.note) != (equation.status in ledger.BY_OTHERS):
            yield f"{equation.label}: {equation.status} ({equation.note})"
    text = "\n".join(cell.source for cell in notebook.cells)
    if text.count("<!-- status") != sum(bool(equation.status) for equation in equations):
        yield "a status of no equation, or a second one"


def cells_do_what_they_claim(notebook):
    """A comment is a promise: the call must be there, and the equation in the same chapter."""
    labels = {equation.label for equation in ledger.equations(notebook)}
    for claim in ledger.claims(notebook):
        if claim.label not in labels:
            yield f"{claim.verb} {claim.label}, which is no equation of this chapter"
        elif not ledger.is_true(claim):
            yield f"{claim.verb} {claim.label}, but how? {claim.cell.source!r}"


def statuses_are_earned(notebook):
    for equation in ledger.equations(notebook):
        verbs = {claim.verb for claim in equation.claims}
        needed = ledger.STATUSES.get(equation.status)
        if needed and needed not in verbs:
            yield f"{equation.label}: {equation.status}, but no cell {needed} it"
        if "proves" in verbs and needed != "proves":
            yield f"{equation.label}: {equation.status}, but a cell proves it"


def no_proof_may_fail(notebook):
    for cell in code_cells(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            caught = isinstance(node, ast.Try) or (isinstance(node, ast.With) and "suppress(" in ast.unparse(node))
            if caught and "assert_identity(" in ast.unparse(node) and not _shows_a_refusal(node, cell):
                yield f"assert_identity may fail in {cell.source!r}; `refuted` shows that it does"


def _shows_a_refusal(node, cell):
    """That a claim cannot be read is no failed proof, as long as the cell does not pass for one."""
    caught = {ast.unparse(handler.type or ast.Name("any")) for handler in getattr(node, "handlers", [])}
    return caught == {"OutsideTheGrammar"} and not ledger.CLAIM.search(cell.source)


# Of teaching


def numbers_instead_of_verdicts(notebook):
    """A number teaches where a bare True certifies."""
    for cell in code_cells(notebook):
        if any(VERDICT.search(text) for text in said(cell)):
            yield f"a bare True or False from {cell.source!r}"


def symbols_stay_symbols(notebook):
    """A name of the book's symbols is given to nothing else, be it in a loop, in a comprehension or by a parameter."""
    for cell in argument(notebook):
        for node in ast.walk(ast.parse(cell.source if cell.cell_type == "code" else "")):
            if taken := SYMBOLS & set(_bound(node)):
                yield f"{', '.join(sorted(taken))} bound anew in {cell.source!r}"


def _bound(node):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        if getattr(node, "module", None) != "xentlib.teaching.symbolic":
            yield from (alias.asname or alias.name for alias in node.names)
        else:
            yield from (alias.asname for alias in node.names if alias.asname not in (None, alias.name))


def little_code_in_sight(notebook):
    count = sum(not line.lstrip().startswith("#") for cell in in_sight(notebook) for line in lines(cell))
    if count > MOST_LINES:
        yield f"{count} lines of code in sight, at most {MOST_LINES}"


def short(notebook):
    count = sum(map(words, argument(notebook)))
    if count > MOST_WORDS:
        yield f"{count} words, at most {MOST_WORDS}"


def a_figure_comes_early(notebook):
    count = 0
    for cell in notebook.cells:
        if shows(cell):
            break
        count += words(cell)
    if count > FIRST_FIGURE:
        yield f"{count} words before the first figure or explorer, at most {FIRST_FIGURE}"


def set_up_and_drawing_are_folded(notebook):
    first = code_cells(notebook)[:1]
    for cell in code_cells(notebook):
        if (cell in first or shows(cell)) and "hide-input" not in tags(cell):
            yield f"no hide-input on {cell.source!r}"


def code_reads_without_a_manual(notebook):
    for cell in in_sight(notebook):
        if golf := called(cell) & GOLF:
            yield f"{', '.join(sorted(golf))} in {cell.source!r}"
        for node in ast.walk(ast.parse(cell.source)):
            inner = [each for each in ast.walk(node) if isinstance(each, COMPREHENSIONS)]
            if isinstance(node, COMPREHENSIONS) and (len(inner) > 1 or len(node.generators) > 1):
                yield f"a comprehension in another one: {ast.unparse(node)}"


def checks_are_introduced(notebook):
    """Before its first check a chapter links to the page that says how to read one."""
    text = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text += cell.source
        elif called(cell) & CHECKS:
            if "](checks.ipynb" not in text:
                yield f"no link to checks.ipynb before {cell.source!r}"
            return


# Of what is shown at work


def shown_at_work(notebook, name):
    """Right before its exercises a chapter includes the file of its name, and nowhere else."""
    sources = [cell.source for cell in notebook.cells]
    places = [number for number, source in enumerate(sources) if source.startswith(("## At work", "## Exercises"))]
    if [sources[number].splitlines()[0] for number in places] != ["## At work", "## Exercises"]:
        yield "not one section At work, before the exercises"
    elif places[1] != places[0] + 1:
        yield "something between the section At work and the exercises"
    elif sources[places[0]] != at_work.cell(name):
        yield f"not the cell that tools/at_work.py has for {name}: {sources[places[0]]!r}"


def examples(text):
    """Return the lines of code that a text shows, without what they print."""
    return [line[4:] for block in EXAMPLES.findall(text) for line in block.splitlines() if line[:3] in (">>>", "...")]


def both_frameworks_and_what_to_watch(text):
    _, *parts = AT_WORK_PARTS.split(text)
    if parts[::2] != ["PyTorch", "JAX", "What to watch"]:
        yield f"not **PyTorch**, **JAX** and **What to watch**, but {parts[::2]}"
    for name, part in zip(parts[:4:2], parts[1:4:2], strict=True):
        if not any(line.startswith(("import ", "from ")) for line in examples(part)):
            yield f"no example of {name} that imports what it shows"


def few_words_at_work(text):
    if words_of(text) > MOST_WORDS_AT_WORK:
        yield f"{words_of(text)} words, at most {MOST_WORDS_AT_WORK}"
    if re.search("^#+ ", NO_WORDS.sub("", text), re.M):
        yield "a heading: the chapter has it"


def examples_fit_the_page(text):
    for block in re.findall(r"```.*?```", text, re.S):
        yield from (f"{len(line)} characters: {line!r}" for line in block.splitlines() if len(line) > LONGEST_LINE)


def lines_and_what_they_include_are_narrow(text):
    """Parts of files too, which are code for those who copy it, and may be wider than examples."""
    for line in at_work.on_its_own(text).splitlines():
        if len(line) > LONGEST_INCLUDED:
            yield f"{len(line)} characters: {line!r}"


def links_begin_at_the_top(text):
    """They are read from the folder of the file on GitHub, and from that of the chapters in the book."""
    for target in re.findall(r"\]\(([^)]+)\)", NO_WORDS.sub("", text)):
        if not target.startswith(("/", "https://")):
            yield f"a link to {target}, which has to begin with / and to be seen from the top folder"


RULES = (
    executed_in_order,
    no_errors_or_warnings,
    nothing_left_uncompared,
    nothing_that_varies,
    no_digits_that_processors_round_differently,
    figures_have_alt_text,
    argument_in_the_open,
    cells_are_short,
    has_the_rhythm_of_a_chapter,
    names_are_linked_at_first_mention,
    equations_have_a_status,
    cells_do_what_they_claim,
    statuses_are_earned,
    no_proof_may_fail,
)
TEACHING = (
    numbers_instead_of_verdicts,
    symbols_stay_symbols,
    little_code_in_sight,
    short,
    a_figure_comes_early,
    set_up_and_drawing_are_folded,
    code_reads_without_a_manual,
    checks_are_introduced,
)
AT_WORK = (
    both_frameworks_and_what_to_watch,
    few_words_at_work,
    examples_fit_the_page,
    lines_and_what_they_include_are_narrow,
    links_begin_at_the_top,
)
NOT_OF_A_CHAPTER = {a_figure_comes_early, checks_are_introduced}  # they do not hold for the page on checks itself
