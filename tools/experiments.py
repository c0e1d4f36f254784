"""Run the experiments that take too long for a cell, and store what they find: `make experiments`.

An experiment calls the functions that its chapter defines, so it is the chapter's own code that is measured. A cell
loads the result and prints it.
"""

import ast
import json
import os
from pathlib import Path

import nbformat

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
RESULTS = CHAPTERS / "data" / "experiments.json"
CLASSIFIER = CHAPTERS.parent / "xentlib" / "teaching" / "explorers" / "digit.json"


def main():
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the tests; NumPy is imported by the chapter
    results = {"digits by seed": digits_by_seed(), "variants trained long": variants_trained_long()}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in digit_classifier().items())
    CLASSIFIER.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    for path in (RESULTS, CLASSIFIER):
        print(f"written: {path.relative_to(CHAPTERS.parent)}")


def digits_by_seed(seeds=range(10), **options):
    """Chapter 7: how many test images its network gets right, with learned and with frozen filters."""
    names = functions_of("07_backprop.ipynb", last="accuracy")
    images = len(names["images"]) - 1200
    counts = {"images": images, "learned": [], "frozen": []}
    for seed in seeds:
        for name, first in (("learned", 0), ("frozen", 2)):
            share = names["accuracy"](names["fit"](seed, first=first, **options))
            counts[name].append(round(float(share) * images))
    return counts


def variants_trained_long(steps=20_000):
    """Chapter 12: what `measures` returns for each variant of the loss, after a long training on few images."""
    names = functions_of("12_variants.ipynb", last="train")
    found = names["train"](images=200, steps=steps)
    return {variant: [round(float(number), 4) for number in numbers] for variant, numbers in found.items()}


def digit_classifier():
    """Chapter 3: its classifier of pixels for all ten digits, in thousandths, and three test images to start from.

    Whole numbers are the same on every processor, and a browser adds them up as exactly as Python does.
    """
    names = functions_of("03_classifier.ipynb", last="leads")
    np, images, digits = names["np"], names["images"].reshape(-1, 64), names["digits"]
    weight, bias, _ = names["fit"](images[:1200] / 16, digits[:1200], 10)
    logits = images[1200:] / 16 @ weight.T + bias
    lead, wrong = names["leads"](logits), logits.argmax(axis=1) != digits[1200:]
    picks = 1200 + np.array([lead.argmax(), lead.argmin(), (lead * wrong).argmax()])  # as the chapter picks them
    rounded = {name: np.rint(1000 * numbers).astype(int) for name, numbers in {"weight": weight, "bias": bias}.items()}
    arrays = rounded | {"images": images[picks], "labels": digits[picks]}
    return {name: array.tolist() for name, array in arrays.items()}


def functions_of(chapter, last):
    """Return what a chapter imports, loads from data/ and defines up to the function `last`. Nothing else is run."""
    names = {}
    os.chdir(CHAPTERS)
    for cell in nbformat.read(chapter, as_version=4).cells:
        if cell.cell_type == "code" and last not in names:
            code = ast.parse(cell.source)
            kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.With)
            code.body = [part for part in code.body if isinstance(part, kept)]
            exec(compile(code, chapter, "exec"), names)
    return names


if __name__ == "__main__":
    main()
