"""Measure what each page of the built book weighs and how soon it stands still: `make weigh` writes pages.md.

Each page is loaded with an empty cache from this machine, compressed, and once at each width: no network is measured.
"""

import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import table
from tools import browser as tools_browser

BOOK = Path("_build/html")
WIDTHS = {"phone": (390, 844), "desktop": (1280, 900)}
LIMITS = {"kilobytes": 500, "shift": 0.1, "largest": 1000}
# Shifts are all added up, which is never less than the score that takes the worst five seconds of them.
OBSERVE = """() => new Promise(resolve => {
  let shift = 0, largest = 0;
  const observe = (type, note) =>
    new PerformanceObserver(list => list.getEntries().forEach(note)).observe({type, buffered: true});
  observe("layout-shift", entry => shift += entry.value);
  observe("largest-contentful-paint", entry => largest = entry.startTime);
  setTimeout(() => resolve([shift, largest, performance.getEntriesByName("first-contentful-paint")[0].startTime]), 200);
})"""


class Load(NamedTuple):
    """What one page took to load."""

    name: str
    width: str
    kilobytes: float  #: transferred, without pictures
    shift: float  #: cumulative layout shift
    largest: float  #: milliseconds until the largest piece of the first screen is painted
    text: float  #: milliseconds until the first text is painted


def main():
    with tools_browser.chromium() as browser:
        loads = measure(BOOK, browser)
    path = Path(__file__).with_name("pages.md")
    path.write_text(markdown(loads), encoding="utf-8")
    print(f"written: {path.name}", file=sys.stderr)


def measure(folder, browser):
    """Return a `Load` for each page with text of its own, at each width."""
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in sorted(folder.glob("**/*.html"))]
    names = [name for name in names if "<article" in (folder / f"{name}.html").read_text(encoding="utf-8")]
    with tools_browser.serve(folder, compress=True) as url:
        return [load(browser, url, name, width) for name in names for width in WIDTHS]


def load(browser, url, name, width):
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    with browser.new_context(viewport=size) as context:
        page = context.new_page()
        pictures, sizes = set(), {}
        network = context.new_cdp_session(page)
        network.on("Network.responseReceived", lambda e: e["type"] == "Image" and pictures.add(e["requestId"]))
        network.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
        network.send("Network.enable")
        page.goto(f"{url}{name}.html")
        page.evaluate("document.fonts.ready.then(() => true)")
        shift, largest, text = page.evaluate(OBSERVE)
    transferred = sum(size for request, size in sizes.items() if request not in pictures)
    return Load(name, width, transferred / 1000, shift, largest, text)


def markdown(loads):
    """Return the tables: the aims with the worst page of each, then every page at both widths."""
    worst = {field: max(loads, key=lambda load: getattr(load, field)) for field in LIMITS}
    texts = {"kilobytes": "{:.0f} KB before its figures", "shift": "a layout shift of {:.2g}", "largest": "{:.0f} ms"}
    aims = {
        "kilobytes": "every page under 500 KB before its figures, compressed",
        "shift": "a cumulative layout shift under 0.1",
        "largest": "the largest piece of the first screen within a second",
    }
    head = table(
        ["aim", "worst page", "reached"],
        [
            [
                aims[field],
                f"{texts[field].format(getattr(load, field))} ({load.name}, {load.width})",
                "yes" if getattr(load, field) < LIMITS[field] else "**no**",
            ]
            for field, load in worst.items()
        ],
    )
    rows = [
        [load.name, load.width, f"{load.kilobytes:.0f}", f"{load.shift:.3f}", f"{load.largest:.0f}", f"{load.text:.0f}"]
        for load in loads
    ]
    every = table(["page", "width", "KB", "shift", "largest, ms", "text, ms"], rows)
    return f"{head}\n\n{every}\n"


if __name__ == "__main__":
    main()
