"""Make a virtual environment for the project: `python tools/setup_venv.py .venv requirements.txt`.

`python -m venv` and pip would do, but answer Ctrl-C with a traceback, and a Python that the pins do not know with a
complaint of NumPy. Kept to syntax that an old Python can read, so that it can say in one line that it is too old.
"""

import os
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 14)  # that the pins of requirements.txt can be had for


def main(folder, requirements):
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(
            "This project needs Python %d.%d to %d.%d, and %s is Python %s. Name another: make book PYTHON=python3.%d"
            % (OLDEST + NEWEST + (sys.executable, sys.version.split()[0], NEWEST[1]))
        )
    sys.stdout.write("Setting up %s with Python %s (once, about a minute) ...\n" % (folder, sys.version.split()[0]))
    sys.stdout.flush()
    try:
        set_up(folder, requirements)
    except KeyboardInterrupt:
        sys.stderr.write("The set-up was interrupted. The next run begins it again.\n")
        sys.exit(130)
    except subprocess.CalledProcessError as error:
        if "ensurepip" in error.cmd:
            sys.exit("This Python has no pip. On Debian or Ubuntu: sudo apt-get install python3-venv")
        sys.exit("The set-up failed: '%s' ended with code %d." % (" ".join(error.cmd), error.returncode))


def set_up(folder, requirements):
    import venv

    venv.create(folder, clear=True, with_pip=True, symlinks=True)
    begun = os.path.join(folder, "begun")
    open(begun, "w").close()
    # As the Makefile says of its own. As long as pip runs, it holds the lock of `make`.
    python = os.path.join(folder, "bin", "python")
    install = [python, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--no-compile"]
    for what in ["--requirement", requirements], ["--no-deps", "--no-build-isolation", "--editable", "."]:
        subprocess.check_call(install + what, close_fds=False)
    os.rename(begun, os.path.join(folder, "ready"))  # older than requirements that are changed meanwhile


if __name__ == "__main__":
    main(*sys.argv[1:])
