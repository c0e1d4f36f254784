"""Make the project's virtual environment: `python tools/setup_venv.py .venv`.

Kept to syntax that an old Python can read, so that it can say in one line that it is too old.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)


def main(folder):
    if sys.version_info < OLDEST:
        sys.exit(
            "This project needs Python %d.%d or newer, and %s is Python %s. Name another: make book PYTHON=python3.12"
            % (OLDEST + (sys.executable, sys.version.split()[0]))
        )
    sys.stdout.write("Setting up %s with Python %s (once, about a minute) ...\n" % (folder, sys.version.split()[0]))
    sys.stdout.flush()
    pip = make_environment(folder)
    run(pip + ["install", "--quiet", "--requirement", "requirements.txt"])
    run(pip + ["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."])
    open(os.path.join(folder, "ready"), "w").close()


def make_environment(folder):
    """Make the empty environment, and return the command that installs into it."""
    import importlib.util
    import venv

    python = os.path.join(folder, "bin", "python")
    has_pip = importlib.util.find_spec("ensurepip") is not None
    venv.create(folder, clear=True, with_pip=has_pip, symlinks=True)
    if has_pip:
        return [python, "-m", "pip", "--disable-pip-version-check"]
    # Debian and Ubuntu keep ensurepip in a package of its own. Their pip, or its wheel, does as well.
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    return [python, unpack_debian_pip(folder), "--disable-pip-version-check"]


def unpack_debian_pip(folder):
    """Fetch pip's wheel as a Debian package, which needs no root, and return the path to run."""
    import glob

    place = os.path.join(os.path.abspath(folder), "pip")
    os.mkdir(place)
    try:
        subprocess.check_call(["apt-get", "-qq", "download", "python3-pip-whl"], cwd=place)
        (package,) = glob.glob(os.path.join(place, "*.deb"))
        subprocess.check_call(["dpkg-deb", "--extract", package, place])
    except (OSError, ValueError, subprocess.CalledProcessError):
        sys.exit("This Python has no pip. On Debian or Ubuntu: sudo apt-get install python3-venv")
    (wheel,) = glob.glob(os.path.join(place, "usr", "share", "python-wheels", "pip-*.whl"))
    return os.path.join(wheel, "pip")


def run(command):
    code = subprocess.call(command)
    if code:
        sys.exit("The set-up failed: '%s' ended with code %d." % (" ".join(command), code))


if __name__ == "__main__":
    main(sys.argv[1])
