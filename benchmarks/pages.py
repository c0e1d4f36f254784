"""Measure what each page of the built book weighs and how soon it stands still: `make weigh` writes pages.md.

Each page is loaded with an empty cache from this machine, compressed, and once at each width: no network is measured.
The landing page, chapter 5 and the heaviest page are loaded by a phone on a slow line as well, which Chromium plays.
"""

import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import table
from tools import browser as tools_browser

BOOK = Path("_build/html")
WIDTHS = {"phone": (390, 844), "desktop": (1280, 900)}
LIMITS = {"kilobytes": 500, "shift": 0.1, "largest": 1000}
# "Fast 3G", as the developer tools of Chromium had it: milliseconds, and bytes a second.
SLOW_LINE = {"offline": False, "latency": 562.5, "downloadThroughput": 180_000, "uploadThroughput": 84_375}
SLOW_PAGES = ("index", "chapters/05_gradient")
SLOW_LIMITS = {"largest": 2500, "wait": 500, "shift": 0.05}
# Shifts are all added up, which is never less than the score that takes the worst five seconds of them.
OBSERVE = """async () => {
  let shift = 0, largest = 0;
  const observe = (type, note) =>
    new PerformanceObserver(list => list.getEntries().forEach(note)).observe({type, buffered: true});
  const text = await new Promise(resolve =>
    observe("paint", entry => entry.name === "first-contentful-paint" && resolve(entry.startTime)));
  observe("layout-shift", entry => shift += entry.value);
  observe("largest-contentful-paint", entry => largest = entry.startTime);
  const fonts = performance.getEntriesByType("resource").filter(entry => entry.name.includes("MathJax"));
  const formulas = Math.max(text, ...fonts.map(entry => entry.responseEnd));
  await new Promise(resolve => setTimeout(resolve, 200));
  return [shift, largest, text, formulas];
}"""


class Load(NamedTuple):
    """What one page took to load."""

    name: str
    width: str
    kilobytes: float  #: transferred, without pictures
    shift: float  #: cumulative layout shift
    largest: float  #: milliseconds until the largest piece of the first screen is painted
    text: float  #: milliseconds until the first text is painted
    formulas: float  #: milliseconds until the fonts of all its formulas are there, and the text

    @property
    def wait(self):
        """Milliseconds between text and formulas."""
        return self.formulas - self.text


def main():
    with tools_browser.chromium() as browser:
        loads = measure(BOOK, browser)
        slow = measure_slow(BOOK, browser, [*SLOW_PAGES, max(loads, key=lambda load: load.kilobytes).name])
    path = Path(__file__).with_name("pages.md")
    path.write_text(markdown(loads, slow), encoding="utf-8")
    print(f"written: {path.name}", file=sys.stderr)


def measure(folder, browser):
    """Return a `Load` for each page with text of its own, at each width."""
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in sorted(folder.glob("**/*.html"))]
    names = [name for name in names if "<article" in (folder / f"{name}.html").read_text(encoding="utf-8")]
    with tools_browser.serve(folder, compress=True) as url:
        return [load(browser, url, name, width) for name in names for width in WIDTHS]


def measure_slow(folder, browser, names):
    """Return a `Load` for each of these pages, by a phone on a slow line."""
    with tools_browser.serve(folder, compress=True) as url:
        return [load(browser, url, name, "phone", SLOW_LINE) for name in names]


def load(browser, url, name, width, line=None):
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    with browser.new_context(viewport=size) as context:
        page = context.new_page()
        pictures, sizes = set(), {}
        network = context.new_cdp_session(page)
        network.on("Network.responseReceived", lambda e: e["type"] == "Image" and pictures.add(e["requestId"]))
        network.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
        network.send("Network.enable")
        if line:
            network.send("Network.emulateNetworkConditions", line)
        page.goto(f"{url}{name}.html")
        page.evaluate("document.fonts.ready.then(() => true)")
        shift, largest, text, formulas = page.evaluate(OBSERVE)
    transferred = sum(size for request, size in sizes.items() if request not in pictures)
    return Load(name, width, transferred / 1000, shift, largest, text, formulas)


def markdown(loads, slow):
    """Return the tables: the aims with the worst page of each, pages on a slow line, then every page at both widths."""
    texts = {"kilobytes": "{:.0f} KB before its figures", "shift": "a layout shift of {:.2g}", "largest": "{:.0f} ms"}
    aims = {
        "kilobytes": "every page under 500 KB before its figures, compressed",
        "shift": "a cumulative layout shift under 0.1",
        "largest": "the largest piece of the first screen within a second",
    }
    on_a_slow_line = {
        "largest": "on a slow line within 2.5 seconds",
        "wait": "on a slow line formulas within half a second of the text",
        "shift": "on a slow line a layout shift under 0.05",
    }
    rows = judged(loads, LIMITS, aims, texts) + judged(slow, SLOW_LIMITS, on_a_slow_line, texts | {"wait": "{:.0f} ms"})
    head = table(["aim", "worst page", "reached"], rows)
    slow_rows = [
        [load.name, f"{load.text:.0f}", f"{load.formulas:.0f}", f"{load.largest:.0f}", f"{load.shift:.3f}"]
        for load in slow
    ]
    slow_table = table(["on a slow line (Fast 3G)", "text, ms", "formulas, ms", "largest, ms", "shift"], slow_rows)
    rows = [
        [load.name, load.width, f"{load.kilobytes:.0f}", f"{load.shift:.3f}", f"{load.largest:.0f}", f"{load.text:.0f}"]
        for load in loads
    ]
    every = table(["page", "width", "KB", "shift", "largest, ms", "text, ms"], rows)
    return f"{head}\n\n{slow_table}\n\n{every}\n"


def judged(loads, limits, aims, texts):
    """Return a row for each aim, with the worst page, and whether that one reaches it."""
    worst = {field: max(loads, key=lambda load: getattr(load, field)) for field in limits}
    return [
        [
            aims[field],
            f"{texts[field].format(getattr(load, field))} ({load.name}, {load.width})",
            "yes" if getattr(load, field) < limits[field] else "**no**",
        ]
        for field, load in worst.items()
    ]


if __name__ == "__main__":
    main()
