"""Runs a program in a real pseudo-terminal and reads its screen through an emulator (pyte)."""

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

from tests.patience_harness import patience
from tui_voice.cli.welcome import SEEN

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "space": " ",
    "tab": "\t",
    "f4": "\x1bOS",
    "f10": "\x1b[21~",
    "down": "\x1b[B",
    "home": "\x1b[H",
    "pagedown": "\x1b[6~",
}
"""Name of a key → the bytes that a terminal sends for it."""
_POLL_S = 0.05
_STILL_S = 0.25
"""A screen on which nothing was drawn for this long, in seconds, is complete."""
_LEAVE_SCREEN = b"\x1b[?1049l"


def pass_over_welcome(env: Mapping[str, str]) -> None:
    """Leaves the file by which the app knows that it has shown its welcome."""
    data = Path(env.get("XDG_DATA_HOME") or Path(env.get("HOME", "/")) / ".local" / "share")
    folder = data / "tui-voice"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / SEEN).touch(mode=0o600)


class TerminalEmulator(pyte.Screen):
    """Counts how often a drawn line was too long and continued on the next one."""

    def __init__(self, columns: int, rows: int) -> None:
        self.overflows = 0
        self._drawing = False
        super().__init__(columns, rows)

    def draw(self, data: str) -> None:
        self._drawing = True
        super().draw(data)
        self._drawing = False

    def linefeed(self) -> None:
        self.overflows += self._drawing
        super().linefeed()


class TerminalProgram:
    """`command ARGUMENTS` in a terminal; the default command is `tui-voice`."""

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        columns: int = 120,
        rows: int = 36,
        command: Sequence[str] = (sys.executable, "-m", "tui_voice"),
        *,
        first_start: bool = False,
    ) -> None:
        """`first_start`: the welcome of the full-screen app was not shown yet."""
        if not first_start:
            pass_over_welcome(env)
        self.screen = TerminalEmulator(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.process = pexpect.spawn(
            command[0],
            [*command[1:], *arguments],
            env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            dimensions=(rows, columns),
            timeout=None,
        )
        # pexpect waits 50 ms before it sends a key, for programs that ask for passwords.
        self.process.delaybeforesend = None
        self.raw = bytearray()
        """All bytes that the program has written so far."""
        self._ended = False

    # ── the screen ──────────────────────────────────────────────────────────────────────────

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The current screen, line by line."""
        return "\n".join(self.lines)

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        """Waits until `text` is on the screen, within one line."""
        self.wait_until(lambda: text in self.text, repr(text), seconds)

    def wait_until(
        self, condition: Callable[[], object], description: str, seconds: float = 30.0
    ) -> None:
        """Waits until the condition is true, and draws meanwhile.

        Raises AssertionError, with the description and the screen, if it stays false.
        """
        seconds = patience(seconds)
        deadline = time.monotonic() + seconds
        while self._read(0):
            pass  # the condition is tested on the newest screen only
        while not condition():
            if self._ended or time.monotonic() > deadline:
                why = "the program has ended" if self._ended else f"waited {seconds:.0f} s"
                raise AssertionError(f"missing: {description} ({why}); screen:\n{self.text}")
            self._read(_POLL_S)

    def wait_until_still(self) -> None:
        """Waits until the program stops drawing, so that no half-drawn screen is read."""
        while self._read(_STILL_S):
            pass

    def drawn_after(self, position: int) -> str:
        """Returns all characters, in order, that were drawn since `raw` had this length."""
        return re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", self.raw[position:].decode(errors="ignore"))

    # ── keys and signals ────────────────────────────────────────────────────────────────────

    def press(self, *keys: str) -> None:
        """Sends keys: names in `KEYS`, `ctrl+x`, or characters."""
        for key in keys:
            if key.startswith("ctrl+"):
                self.process.send(chr(ord(key[-1]) - 96))
            else:
                self.process.send(KEYS.get(key, key))

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self.process.setwinsize(rows, columns)

    def kill(self) -> None:
        """Sends SIGKILL, and waits for the end of the process."""
        self.process.kill(signal.SIGKILL)
        self.process.wait()

    # ── the end ─────────────────────────────────────────────────────────────────────────────

    def wait_for_exit(self, seconds: float = 20.0) -> tuple[str, int | None]:
        """Waits until the program ends by itself; returns what it printed, and its exit status.

        If the program used the whole screen, this is only what it printed afterwards.
        """
        deadline = time.monotonic() + patience(seconds)
        while not self._ended and time.monotonic() < deadline:
            self._read(_POLL_S)
        assert self._ended, f"it did not end within {seconds:.0f} s; screen:\n{self.text}"
        self.process.wait()
        printed = bytes(self.raw).rsplit(_LEAVE_SCREEN, 1)[-1].decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", printed), self.process.exitstatus

    def close(self) -> None:
        with suppress(pexpect.ExceptionPexpect, OSError):
            self.process.close(force=True)

    def _read(self, seconds: float) -> bool:
        """Passes on to the emulator what the program draws within this time; False if nothing."""
        ready, _, _ = select.select([self.process.child_fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.process.child_fd, 65536)
        except OSError:  # the program has closed the terminal
            data = b""
        self._ended = not data
        self.raw += data
        self._stream.feed(data)
        return not self._ended
