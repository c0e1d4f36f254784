"""Write the results of the audits as Markdown."""

import re

from audits.losses import LOSSES
from benchmarks.report import table
from xentlib.audit.probes import ABOUT

DIGITS = {"float64": 15.7, "float32": 6.9, "float16": 3.0, "bfloat16": 2.1}  # −log10 eps
SHORT = {"float64": "64", "float32": "32", "float16": "16", "bfloat16": "b16"}
CELLS = {"ok": "ok", "accuracy": "digits", "range": "**range**", "wrong": "**wrong**", "not tried": "–"}


def markdown(results):
    """Return what stands on the page below its introduction."""
    parts = [_facts(results), "## At a glance", _overview(results), "## Digits of a small loss", *_digits(results)]
    for found in results["losses"]:
        parts += [f"## {_breakable(found['name'])}", *_section(found)]
    return "\n\n".join(parts) + "\n"


def _breakable(name):
    """Return a name that a phone can break after an underscore and before a capital or a bracket."""
    return re.sub(r"(?<=_)(?=\w)|(?<=[a-z])(?=[A-Z(])", "\u200b", name)


def _facts(results):
    missing = ", ".join(results["missing"]) or "none"
    versions = dict.fromkeys(f"{loss['name'].partition(':')[0]} {loss['version']}" for loss in results["losses"])
    return "\n".join([
        f"Run by `make audit` on {results['date']}.", "",
        f"- on {results['system']}, Python {results['python']}, NumPy {results['numpy']}, without a GPU",
        f"- versions: {', '.join(versions)}",
        f"- not installed, so not audited: {missing}",
    ])  # fmt: skip


def _table(head, rows):
    return table(head, rows, rule=[":--"] * len(head))


def _overview(results):
    rows = []
    for found in results["losses"]:
        cells = [_verdict(found["dtypes"].get(dtype)) for dtype in SHORT]
        rows.append([_breakable(found["name"]), *cells, _under_options(found)])
    return _table(["loss", *SHORT.values(), "options"], rows)


def _verdict(run):
    return "–" if run is None else "ok" if run["ok"] else "**no**"


def _under_options(found):
    runs = found["options"]
    right = sum(run["ok"] for run in runs)
    return "–" if not runs else f"{right} of {len(runs)}"


def _digits(results):
    yield (
        "How many decimal digits of the loss are right when the true class leads the other by 8, and by 16. "
        f"The dtypes have about {', '.join(f'{n:g} ({name})' for name, n in DIGITS.items())}; a dash where the loss is "
        "below their normal numbers. A loss of 0 has no digit right."
    )
    rows = [
        [
            _breakable(found["name"]),
            *(_kept(found, dtype, place) for dtype in ("float64", "float32") for place in (1, 2)),
        ]
        for found in results["losses"]
    ]
    yield _table(["loss", "64, by 8", "64, by 16", "32, by 8", "32, by 16"], rows)


def _kept(found, dtype, place):
    kept = found["digits"].get(dtype, [None] * 4)[place]
    return "–" if kept is None else f"{abs(kept):.0f}"


def _section(found):
    about = next(loss for loss in LOSSES if loss.name == found["name"])
    yield f"Version {found['version']}. **Promised:** {about.promise}."
    if about.conventions:
        yield f"**Meant to be so:** {about.conventions}"
    if about.seen:
        yield f"**Seen:** {about.seen}"
    noted = [
        probe for probe in ABOUT if any(run["probes"].get(probe, "ok") != "ok" for run in found["dtypes"].values())
    ]
    shown = [probe for probe in noted if not _only_untried(found, probe)]
    untried = [probe for probe in noted if _only_untried(found, probe)]
    clean = [probe for probe in ABOUT if probe not in noted and _tried(found, probe)]
    if shown:
        dtypes = list(found["dtypes"])
        rows = [
            [probe, *(CELLS[found["dtypes"][dtype]["probes"].get(probe, "not tried")] for dtype in dtypes)]
            for probe in shown
        ]
        yield _table(["probe", *dtypes], rows)
    yield f"Ok {'in the other probes' if shown else 'in all probes'}: {', '.join(clean) or 'none'}." + (
        f" Not tried, for want of a gradient: {', '.join(untried)}." if untried else ""
    )
    named = dict.fromkeys(name for run in found["dtypes"].values() for name in run["mistakes"])
    if named:
        yield f"Known mistakes with these numbers: {', '.join(named)}."
    yield from _evidence(found)
    if found["options"]:
        yield _options(found)


def _tried(found, probe):
    return any(probe in run["probes"] for run in found["dtypes"].values())


def _only_untried(found, probe):
    return all(run["probes"].get(probe, "not tried") == "not tried" for run in found["dtypes"].values())


def _evidence(found):
    """Yield one alarm, or else one note, whose six digits show that something is lost."""
    every = [
        (dtype, finding, _first(finding["got"]), _first(finding["right"]))
        for dtype, run in found["dtypes"].items()
        for finding in run["findings"]
    ]
    visible = [each for each in every if each[2] != each[3] and each[3].startswith("loss ")]
    grave = [each for each in visible if each[1]["severity"] in ("wrong", "range")] or visible
    if grave:
        dtype, finding, got, right = grave[0]
        yield f"For example, *{finding['probe']}* in {dtype}: {got}, where {right} is right."


def _first(numbers):
    return numbers.partition(", gradient")[0] if "gradient of" not in numbers else numbers


def _options(found):
    parts = []
    for run in found["options"]:
        verdict = (
            "ok"
            if run["ok"]
            else "**not ok**: "
            + ", ".join(
                f"{probe} ({severity})" for probe, severity in run["probes"].items() if severity in ("wrong", "range")
            )
        )
        named = f" (known: {', '.join(run['mistakes'])})" if run["mistakes"] and not run["ok"] else ""
        parts.append(f"- {_call(run['options'])}: {verdict}{named}")
    return "With options, in float32:\n\n" + "\n".join(parts)


def _call(options):
    return ", ".join(f"`{name}={value}`" for name, value in options.items())
