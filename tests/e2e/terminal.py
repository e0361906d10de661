"""A program in a real pseudo-terminal, with a real terminal emulator (pyte) at the other end."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pexpect
import pyte

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "space": " ",
    "tab": "\t",
    "f1": "\x1bOP",
    "up": "\x1b[A",
    "home": "\x1b[H",
    "pagedown": "\x1b[6~",
}
FOREIGN = (b"ALSA", b"jack server", b"JackShm", b"Traceback", b"PortAudio", b"onnxruntime", b"ggml")
"""What libraries, and Python, print when nobody stops them."""
_LOOK_S, _STILL_S = 0.05, 0.25
_LEFT_SCREEN = b"\x1b[?1049l"


class Emulator(pyte.Screen):
    """Counts how often a line was drawn too long and ran over into the next."""

    def __init__(self, columns: int, rows: int) -> None:
        self.spilled = 0
        self._drawing = False
        super().__init__(columns, rows)

    def draw(self, data: str) -> None:
        self._drawing = True
        super().draw(data)
        self._drawing = False

    def linefeed(self) -> None:
        self.spilled += self._drawing
        super().linefeed()


class Terminal:
    """`command` on a screen of `columns` × `rows`; without one, `tui-voice ARGUMENTS`."""

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        columns: int = 120,
        rows: int = 36,
        command: Sequence[str] = (sys.executable, "-m", "tui_voice"),
        cwd: Path | None = None,
    ) -> None:
        self.screen = Emulator(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.process = pexpect.spawn(
            command[0],
            [*command[1:], *arguments],
            env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            cwd=cwd,
            dimensions=(rows, columns),
            timeout=None,
        )
        # The emulator reads what is drawn; nobody but us types.
        self.process.delaybeforesend = None
        self.raw = bytearray()
        self._ended = False

    # ── what is seen ────────────────────────────────────────────────────────────────────────

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """What is on the screen now, line by line."""
        return "\n".join(self.lines)

    def wait_for(self, what: str | Callable[[str], bool], seconds: float = 30.0) -> str:
        """Waits until the screen shows `what`; fails with the screen's text when it does not."""
        if isinstance(what, str):
            self.until(lambda: what in self.text, what, seconds)
        else:
            self.until(lambda: what(self.text), "", seconds)
        return self.text

    def until(self, true: Callable[[], object], what: str = "", seconds: float = 30.0) -> None:
        """Waits for anything at all, drawing meanwhile. `what` it is, for the failure."""
        deadline = time.monotonic() + seconds
        while self._pump(0):
            pass  # what has been drawn by now is looked at, not what was before
        while not true():
            if self._ended or time.monotonic() > deadline:
                why = "the app has ended" if self._ended else f"not within {seconds:.0f} s"
                raise AssertionError(f"{what or 'it'} did not come: {why}; screen:\n{self.text}")
            self._pump(_LOOK_S)

    def catch_up(self) -> None:
        """Reads until nothing more is being drawn: no half-drawn screen is looked at."""
        while self._pump(_STILL_S):
            pass

    def drawn_after(self, position: int) -> str:
        """All characters that have been drawn since `raw` was so long, in order."""
        return re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", self.raw[position:].decode(errors="ignore"))

    # ── what is done ────────────────────────────────────────────────────────────────────────

    def press(self, *keys: str) -> None:
        """Names of keys, `ctrl+x`, or characters."""
        for key in keys:
            if key.startswith("ctrl+"):
                self.process.send(chr(ord(key[-1]) - 96))
            else:
                self.process.send(KEYS.get(key, key))

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self.process.setwinsize(rows, columns)

    def kill(self) -> None:
        """A real SIGKILL; nothing is said goodbye to."""
        self.process.kill(signal.SIGKILL)
        self.process.wait()

    def end(self, seconds: float = 20.0) -> tuple[str, int | None]:
        """Waits for the program to end by itself: what it printed after giving the screen back
        (all it printed, if it never took it), and its exit status.
        """
        deadline = time.monotonic() + seconds
        while not self._ended and time.monotonic() < deadline:
            self._pump(_LOOK_S)
        assert self._ended, f"it did not end within {seconds:.0f} s; screen:\n{self.text}"
        self.process.wait()
        printed = bytes(self.raw).rsplit(_LEFT_SCREEN, 1)[-1].decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", printed), self.process.exitstatus

    def close(self) -> None:
        with suppress(pexpect.ExceptionPexpect, OSError):
            self.process.close(force=True)

    def _pump(self, seconds: float) -> bool:
        """Feeds what the program has drawn to the emulator; False when it has drawn nothing."""
        ready, _, _ = select.select([self.process.child_fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.process.child_fd, 65536)
        except OSError:  # the other end is gone
            data = b""
        self._ended = not data
        self.raw += data
        self._stream.feed(data)
        return not self._ended
