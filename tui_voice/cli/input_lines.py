"""The lines of standard input, read in a thread so that whoever waits for one can also wait for
something else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from queue import Queue
from threading import Thread

WAITING_LINES = 100
"""Number of lines that are read in advance."""
_BYTES = 65_536


class InputLines:
    """`next_line` returns one line after the other. `on_line` is called, in the reading thread,
    whenever there is one more.
    """

    def __init__(self, on_line: Callable[[], None]) -> None:
        self._on_line = on_line
        self._lines: Queue[bytes | None] = Queue(WAITING_LINES)
        # A daemon: it may be reading when the command ends. It uses the descriptor, since Python
        # cannot end while such a thread holds the lock of `sys.stdin`.
        Thread(target=self._read, name="standard-input", daemon=True).start()

    def has_next(self) -> bool:
        """Returns whether `next_line` returns at once."""
        return not self._lines.empty()

    def next_line(self) -> bytes | None:
        """Returns the next line without its end, None after the last one; waits for it."""
        return self._lines.get()

    def _read(self) -> None:
        rest, descriptor = b"", sys.stdin.fileno()
        try:
            while data := os.read(descriptor, _BYTES):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._put(line)
        except OSError:
            pass  # the terminal is gone: no more lines come
        if rest:
            self._put(rest)
        self._put(None)

    def _put(self, line: bytes | None) -> None:
        self._lines.put(line)
        self._on_line()
