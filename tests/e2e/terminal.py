"""The app in a real pseudo-terminal, with a real terminal emulator (pyte) at the other end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pexpect
import pyte

KEYS = {"enter": "\r", "escape": "\x1b", "space": " ", "tab": "\t", "f1": "\x1bOP", "up": "\x1b[A"}


class Terminal:
    """`tui-voice ARGUMENTS` on a screen of `columns` × `rows`."""

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        columns: int = 120,
        rows: int = 36,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.process = pexpect.spawn(
            sys.executable,
            ["-m", "tui_voice", *arguments],
            env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            dimensions=(rows, columns),
            timeout=None,
        )
        self.raw = bytearray()

    @property
    def text(self) -> str:
        """What is on the screen now, line by line."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, what: str | Callable[[str], bool], seconds: float = 30.0) -> str:
        """Waits until the screen shows `what`; fails with the screen's text when it does not."""
        shown = what if callable(what) else lambda text: what in text
        deadline = time.monotonic() + seconds
        while not shown(self.text):
            left = deadline - time.monotonic()
            if left <= 0 or not self._pump(left):
                raise AssertionError(f"{what!r} was not shown; the screen:\n{self.text}")
        return self.text

    def press(self, *keys: str) -> None:
        """Names of keys, `ctrl+x`, or characters."""
        for key in keys:
            if key.startswith("ctrl+"):
                self.process.send(chr(ord(key[-1]) - 96))
            else:
                self.process.send(KEYS.get(key, key))

    def type_line(self, text: str) -> None:
        self.process.send(text)
        self.wait_for(text[-20:])
        self.press("enter")

    def kill(self) -> None:
        """A real SIGKILL; nothing is said goodbye to."""
        self.process.kill(signal.SIGKILL)
        self.process.wait()

    def quit(self, seconds: float = 15.0) -> str:
        """Ctrl+Q; returns what was printed after the screen was given back."""
        self.press("ctrl+q")
        deadline = time.monotonic() + seconds
        while self._pump(deadline - time.monotonic()):
            pass
        self.process.wait()
        return bytes(self.raw).rsplit(b"\x1b[?1049l", 1)[-1].decode(errors="replace")

    def close(self) -> None:
        with suppress(pexpect.ExceptionPexpect, OSError):
            self.process.close(force=True)

    def _pump(self, seconds: float) -> bool:
        """Feeds what the app has drawn to the emulator. False: the time is over, or the app."""
        if seconds <= 0:
            return False
        ready, _, _ = select.select([self.process.child_fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.process.child_fd, 65536)
        except OSError:  # the app has ended
            return False
        if not data:
            return False
        self.raw += data
        self._stream.feed(data)
        return True


def say_with_flite(text: str, path: Path, voice: str = "slt") -> Path:
    """A sentence by a voice that is not the server's, as a WAV file."""
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
    return path
