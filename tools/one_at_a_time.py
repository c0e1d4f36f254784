"""Run a command once no other is run like this: `python tools/one_at_a_time.py make .venv/ready`.

The lock is held by the command and by all that it starts. It is free when the last of them has ended, however it ended.
"""

import fcntl
import os
import sys


def main(command):
    lock = os.open(".lock", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(lock, True)
    try:
        take(lock)
    except KeyboardInterrupt:
        sys.exit(130)
    os.execvp(command[0], command)


def take(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another make is at work here; waiting for it to end ...", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:
        pass  # this file system has no locks


if __name__ == "__main__":
    main(sys.argv[1:])
