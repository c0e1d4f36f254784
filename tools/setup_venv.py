"""Make a virtual environment for the project: `python tools/setup_venv.py .venv requirements.txt`.

Kept to syntax that an old Python can read, so that it can say in one line that it is too old.
"""

import os
import signal
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 14)  # that the pins of requirements.txt can be had for


def main(folder, requirements):
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(
            "This project needs Python %d.%d to %d.%d, and %s is Python %s. Name another: make book PYTHON=python3.%d"
            % (OLDEST + NEWEST + (sys.executable, sys.version.split()[0], NEWEST[1]))
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, so that pip is stopped as well
    try:
        set_up(folder, requirements)
    except KeyboardInterrupt:
        sys.stderr.write("The set-up was interrupted. The next run begins it again.\n")
        sys.exit(130)


def set_up(folder, requirements):
    sys.stdout.write("Setting up %s with Python %s (once, about a minute) ...\n" % (folder, sys.version.split()[0]))
    sys.stdout.flush()
    pip = make_environment(folder)
    begun = os.path.join(folder, "begun")
    open(begun, "w").close()
    run(pip + ["install", "--quiet", "--requirement", requirements])
    run(pip + ["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."])
    os.rename(begun, os.path.join(folder, "ready"))  # older than requirements that are changed meanwhile


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
    """Run pip, and show what it complains of only if it failed. As long as it runs, it holds the lock of `make`."""
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, close_fds=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        sys.exit("The set-up failed: '%s' ended with code %d." % (" ".join(command), done.returncode))


if __name__ == "__main__":
    main(*sys.argv[1:])
