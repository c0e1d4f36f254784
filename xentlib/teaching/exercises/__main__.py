"""For teachers: `python -m xentlib.teaching.exercises --help`."""

import argparse
import contextlib
import importlib.util
import signal
import sys
from pathlib import Path

import click

from xentlib.teaching.exercises.grading import grader, returned


def main(arguments=None):
    options = _parser().parse_args(arguments)
    return options.run(options)


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m xentlib.teaching.exercises", description="Grade the exercises of the book."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "grade",
        help="run returned notebooks, and write a table of what they solve",
        description="Run each notebook below a folder, and write a CSV table of what it solves, a row for each. "
        "The notebooks' code is limited, not locked in: grade strangers' notebooks as a user of their own, or in a "
        "container. teachers.md says more.",
    )
    command.add_argument("folder", metavar="DIR", help="the folder with the returned notebooks, searched through")
    command.add_argument("--output", metavar="FILE", help="where to write the table (default: standard output)")
    limits = grader.Limits()
    command.add_argument("--timeout", metavar="SECONDS", type=_at_least_1, default=limits.timeout,
                         help="how long one notebook may run (default: %(default)s)")  # fmt: skip
    command.add_argument("--memory", metavar="MB", type=_at_least_1, default=limits.memory,
                         help="how much memory each of its processes may have (default: %(default)s)")  # fmt: skip
    _add_chapters(command)
    command.set_defaults(run=_grade)
    return parser


def _add_chapters(command):
    command.add_argument("--chapters", metavar="DIR", type=_chapters, default="chapters",
                         help="the folder of the book's chapters, with their data/ (default: %(default)s)")  # fmt: skip


def _at_least_1(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 is needed, got {text!r}")
    return int(text)


def _chapters(text):
    if not (Path(text) / "data").is_dir():
        raise argparse.ArgumentTypeError(f"a folder that holds data/ is needed, got {text!r}")
    return Path(text)


def _grade(options):
    if importlib.util.find_spec("resource") is None:
        sys.exit("Grading limits what a notebook may use, which takes Linux or macOS. On Windows, run it inside WSL.")
    if not Path(options.folder).is_dir():
        sys.exit(f"DIR has to be a folder, got {options.folder!r}.")
    everything = [returned.read(path) for path in returned.paths_below(options.folder)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidies up as after Ctrl-C
    try:
        with _opened(options.output) as file:
            _grade_all(everything, file, options)
    except KeyboardInterrupt:
        print("\nStopped. The notebooks that were graded are in the table.", file=sys.stderr)
        return 130
    except OSError as error:
        sys.exit(f"The table cannot be written: {error}.")
    return 0


def _opened(output):
    if output is None:
        return contextlib.nullcontext(sys.stdout)
    return open(output, "w", encoding="utf-8", newline="")


def _grade_all(everything, file, options):
    table = grader.Table(file, everything)
    limits = grader.Limits(timeout=options.timeout, memory=options.memory)
    with click.progressbar(everything, file=sys.stderr, show_pos=True, item_show_func=_name) as bar:
        for number, each in enumerate(bar, 1):
            run = grader.grade(each, options.chapters, limits)
            table.add(each, run)
            if not sys.stderr.isatty():
                print(f"[{number}/{len(everything)}] {_name(each)}: {run.status}", file=sys.stderr, flush=True)


def _name(each):
    return each and grader.plain(each.path)


if __name__ == "__main__":
    sys.exit(main())
