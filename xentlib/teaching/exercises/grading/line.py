"""A line between two processes: JSON messages, one after the other, over a socket."""

import json

from xentlib.teaching.exercises.grading.wire import LARGEST

LONGEST = LARGEST + 10_000  #: bytes of one message


class Closed(Exception):
    """Nothing more comes, or nothing that could be understood."""


class Line:
    """One end of the line."""

    def __init__(self, socket):
        self._socket = socket
        self._incoming = socket.makefile("rb")

    def send(self, **message):
        """Send one message."""
        try:
            self._socket.sendall(json.dumps(message).encode("ascii") + b"\n")
        except OSError as error:
            raise Closed from error

    def receive(self):
        """Return the next message, a dictionary."""
        try:
            text = self._incoming.readline(LONGEST)
            message = json.loads(text) if text.endswith(b"\n") else None
        except (OSError, ValueError, RecursionError) as error:
            raise Closed from error
        if not isinstance(message, dict):
            raise Closed
        return message
