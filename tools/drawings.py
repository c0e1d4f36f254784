"""Make a drawing of what Matplotlib writes as SVG, for pages to take in; `tools/run_notebooks.py` stores it.

A drawing has text as text, and no font, background, date or name of its own. A hundredth of a point is its finest
detail: so it is the same from every processor. It says of which picture it is the drawing: of the PNG in the notebook.
"""

import re
from base64 import b64decode
from hashlib import sha256
from io import StringIO
from itertools import groupby
from xml.etree import ElementTree

import numpy as np
from matplotlib.path import Path as Line

SVG, PNG = "image/svg+xml", "image/png"
OF = re.compile(r'data-of="([\w-]+)"')
REFERENCE = re.compile(r"^(?:url\()?#([^)]+)")
NUMBER = re.compile(r"-?\d+\.\d+")
FINE = 100  # steps in a point
BENT = 0.05  # points by which a corner is off the straight line, to be kept
WIDE = 0.6  # about the width of a letter, as a part of its size
BREAK = re.compile(r"<(?:clipPath|g|image|path|text|use|/svg)\b")
COMMAND = re.compile(r"([MLCQz])([^MLCQz]*)")
MANY = 500  # dots of a cloud, of which a tenth of a point is the finest detail
ROUND = re.compile(r"M0 (\d*\.?\d+)c[^a-z]*z")  # as Matplotlib draws a circle: of curves alone
SOLID = re.compile(r"fill:(#\w+);stroke:\1")
N_POINTS = {"L": 1, "Q": 2, "C": 3}
SAID_ANYWAY = ("font-family", "stroke-dashoffset:0", "text-anchor:start", "stroke-linejoin:round")


def store(path, notebook, before):
    """Take the SVG out of a notebook that was just run, into files beside it, and tell whether one of them changed.

    Where the drawing is what it was, the picture is the one that the notebook had before: other processors and
    versions shade its edges in other ways.
    """
    folder = path.parent / "figures"
    stored = {file.name: file.read_text(encoding="utf-8") for file in folder.glob(f"{path.stem}-*.svg")}
    pictures = {stamp(data[PNG]): data[PNG] for data in figures(before)}
    drawn = {}
    for data in figures(notebook):
        name = f"{path.stem}-{len(drawn) + 1}"
        new, old = drawing(data.pop(SVG), name, stamp(data[PNG])), stored.get(f"{name}.svg", "")
        held = of(old)
        if held in pictures and OF.sub("", new) == OF.sub("", old):
            data[PNG], new = pictures[held], old
        drawn[f"{name}.svg"] = new
    for name in stored.keys() - drawn.keys():
        (folder / name).unlink()
    for name, text in drawn.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return drawn != stored


def figures(notebook):
    """Return the data of each output that is a picture."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"] for output in outputs if PNG in output.get("data", {})]


def stamp(png):
    """Return what a page calls a picture, which is Base64 here: the sum of its bytes."""
    return sha256(b64decode(png)).hexdigest()


def of(drawing):
    """Return the stamp of the picture of which this is the drawing.

    >>> of('<svg data-of="4f6a">'), of("")
    ('4f6a', '')
    """
    found = OF.search(drawing)
    return found[1] if found else ""


def save(figure, path):
    """Write the drawing of a figure that is in no notebook, and so is of itself alone."""
    figure.savefig(svg := StringIO(), format="svg")
    path.write_text(drawing(svg.getvalue(), path.stem, path.stem), encoding="utf-8")


def drawing(svg, name, picture):
    """Return the drawing of a picture; within a book, names that begin with `name` are its own."""
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        element.text, element.tail = (text if text and text.strip() else "" for text in (element.text, element.tail))
    without_background(root)
    upright = [text for tick in root.iter("g") if tick.get("id", "").startswith("ytick") for text in tick.iter("text")]
    for text in root.iter("text"):
        set_formula(text, "end" if text in upright else "middle")
    for group in root.iter("g"):
        share_style(group)
    for element in root.iter():
        tidy(element)
    join_dots(root)
    rename(root, name)
    dissolve(root)
    box = root.get("viewBox")
    width, height = box.split()[2:]
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg", "data-of": picture, "width": width, "height": height, "viewBox": box,
        "stroke-linejoin": "round",
    }  # fmt: skip
    return BREAK.sub(r"\n\g<0>", ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")) + "\n"


def without_background(root):
    """Remove what Matplotlib says of itself, and the white sheets below the figure and its axes."""
    for parent in list(root.iter()):
        for child in list(parent):
            is_sheet = parent.get("id", "").startswith(("figure_", "axes_")) and child is parent[0]
            if child.tag in ("metadata", "style") or (is_sheet and is_white(child)):
                parent.remove(child)


def is_white(group):
    return [path.get("style") for path in group] == ["fill: #ffffff"]


def set_formula(text, anchor):
    r"""Let the letters of a formula, if it is one, follow each other; Matplotlib puts each where its own font would.

    >>> text = ElementTree.fromstring('<text><tspan x="0" y="0" style="font-size: 10px">1</tspan>'
    ...     '<tspan x="6" y="0" style="font-size: 10px">0</tspan>'
    ...     '<tspan x="13" y="-4.5" style="font-size: 7px">6</tspan></text>')
    >>> set_formula(text, "end")
    >>> print(ElementTree.tostring(text, encoding="unicode").replace(" style", "\n style"))
    <text x="17.20"
     style="text-anchor: end"><tspan dy="0.00"
     style="font-size: 10px">10</tspan><tspan dy="-4.50"
     style="font-size: 7px">6</tspan></text>
    """
    letters = text.findall("tspan")
    if not letters:
        return
    last = letters[-1]
    width = float(last.get("x")) + WIDE * float(re.search(r"font-size: ([\d.]+)", last.get("style"))[1])
    text.attrib = {"x": f"{width if anchor == 'end' else width / 2:.2f}", "style": f"text-anchor: {anchor}"}
    text[:] = []
    height = 0.0
    for (y, style), run in groupby(letters, key=lambda letter: (float(letter.get("y")), letter.get("style"))):
        piece = ElementTree.SubElement(text, "tspan", {"dy": f"{y - height:.2f}", "style": style})
        piece.text, height = "".join(letter.text for letter in run), y


def share_style(group):
    """Let the marks of a line have their style in common."""
    styles = {mark.get("style") for mark in group}
    if len(group) > 1 and {mark.tag for mark in group} == {"use"} and len(styles) == 1 and None not in styles:
        group.set("style", styles.pop())
        for mark in group:
            del mark.attrib["style"]


def join_dots(root):
    """Draw many dots of one colour as one line of points, whose ends are round: thousands of marks weigh on a page."""
    shapes = {path.get("id"): (defs, path) for defs in root.iter("defs") for path in defs}
    for group in list(root.iter("g")):
        marks = group.findall("use")
        names, style = {mark.get("href")[1:] for mark in marks}, SOLID.fullmatch(group.get("style", ""))
        if len(marks) < MANY or len(names) > 1 or not style:
            continue
        defs, shape = shapes[names.pop()]
        circle = ROUND.fullmatch(shape.get("d"))
        if circle:
            places = sorted({tuple(round(float(mark.get(axis)) * 10) for axis in "xy") for mark in marks})
            width = 2 * float(circle[1]) + 1  # Matplotlib's edge of a dot is a point wide, half of it outside
            group.set("style", f"fill:none;stroke:{style[1]};stroke-width:{width:g};stroke-linecap:round")
            group[:] = [ElementTree.Element("path", {"d": line_of_points(places)})]
            defs.remove(shape)


def line_of_points(places):
    """Return a path through places in tenths of a point, which it shows by the ends of lines without a length.

    >>> line_of_points([(10, 25), (12, 5)])
    'm1 2.5h0m.2-2h0'
    """
    steps = np.diff(places, axis=0, prepend=[[0, 0]]) * FINE // 10
    return "".join(f"m{written(step)}h0" for step in steps)


def tidy(element):
    """Shorten what an element says, and leave out what is said anyway."""
    for key, value in element.attrib.items():
        if key == "d":
            element.set(key, outline(value))
        elif key == "style":
            rules = [rule.strip().replace(": ", ":") for rule in value.split(";")]
            element.set(key, ";".join(rule for rule in rules if not rule.startswith(SAID_ANYWAY)))
        elif key == "href":
            element.set(key, value.replace("\n", ""))
        elif key != "id":
            element.set(key, NUMBER.sub(lambda number: short(round(float(number[0]) * FINE)), value))
    if element.get("transform", "").startswith("rotate(-0"):
        del element.attrib["transform"]


def outline(path):
    """Return a path in relative steps, without the corners that nobody can see.

    >>> outline("M 10 20 L 10.5 20.004 L 11 20 L 11 30.128 z")
    'M10 20l1 0 0 10.13z'
    >>> outline("M 0 1 C 0 0.5 0.5 0 1 0")
    'M0 1c0-.5 .5-1 1-1'
    """
    text, start, here = "", np.zeros(2, int), np.zeros(2, int)
    for command, points in segments(path):
        if command == "M":
            start = here = points[-1]
            text += f"M{written(points)}"
        elif command == "z":
            here = start
            text += "z"
        else:
            ends = points[N_POINTS[command] - 1 :: N_POINTS[command]]
            steps = points - np.repeat([here, *ends[:-1]], N_POINTS[command], axis=0)
            if command == "L" and len(steps) > 1:
                steps = steps[steps.any(axis=1)]
            here = points[-1]
            text += f"{command.lower()}{written(steps)}" if len(steps) else ""
    return text


def segments(path):
    """Yield the commands of a path, each with the points of all that follow it, in our steps."""
    found = [(command, np.array(numbers.split(), float).reshape(-1, 2)) for command, numbers in COMMAND.findall(path)]
    last = np.zeros(2)
    for command, group in groupby(found, key=lambda pair: pair[0]):
        for points in [np.concatenate([points for _, points in group])] if command in "LCQ" else [p for _, p in group]:
            if command == "L":
                points = straightened(np.vstack([last, points]))[1:]
            last = points[-1] if len(points) else last
            yield command, np.round(points * FINE).astype(int)


def straightened(corners):
    line = Line(corners)
    line.simplify_threshold = BENT
    return line.cleaned(simplify=True).vertices[:-1]  # after its end it has one that means nothing


def written(points):
    return " ".join(map(short, np.ravel(points))).replace(" -", "-")


def short(steps):
    """Return a number of steps in points.

    >>> short(150), short(-5), short(0)
    ('1.5', '-.05', '0')
    """
    return re.sub(r"^(-?)0\.", r"\1.", f"{steps / FINE:g}")


def rename(root, name):
    """Let nothing have a name that is not used, and what has one a name of our own."""
    values = [value for element in root.iter() for value in element.attrib.values()]
    used = {name for value in values for name in REFERENCE.findall(value)}
    names = {}
    for element in root.iter():
        known = element.attrib.pop("id", None)
        if known in used:
            names[known] = f"{name}-{len(names) + 1}"
            element.set("id", names[known])
    for element in root.iter():
        for key in element.attrib.keys() & {"href", "clip-path"}:
            found = REFERENCE.search(element.get(key))
            if found:
                element.set(key, element.get(key).replace(found[1], names[found[1]]))


def dissolve(parent):
    """Put what is in a group that says nothing into its parent, and leave out what is empty."""
    children = []
    for child in parent:
        dissolve(child)
        says_nothing = not child.attrib and (child.tag == "g" or (child.tag == "defs" and len(child) == 0))
        children += child if says_nothing else [child]
    parent[:] = children
