"""Runs the full-screen app, kills it after a turn was shown as complete, and resumes the session.

    python killed_screens_harness.py SERVER_URL FOLDER KILLS SEED

Each app is a fork of this process, which has the modules loaded, in a pseudo-terminal whose screen
an emulator (pyte) reads. Keys are typed; when question and reply are on the screen without the sign
of an incomplete turn, the app gets SIGKILL within 10 ms. What was shown must then be in the part of
the journal that was synced. Every second time the rest of the journal is cut off, as by a failure
of the power. The next app resumes the session with `--continue`, must show those turns, and is
killed in its turn.

For each app this prints one line of JSON: `{"app": 3, "shown": 2, "missing": [], "resumed": true}`.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import random
import re
import selectors
import signal
import struct
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyte

from tests.e2e.killed_programs_harness import (
    ENVIRONMENT,
    KILL_WITHIN_S,
    SlowDisk,
    synced_part,
    texts_of,
)
from tests.e2e.terminal_harness import pass_over_welcome
from tests.patience_harness import patience
from tui_voice.store.disk import Disk

AT_ONCE = 12
"""Number of apps that run side by side, each with a folder of its own."""
LONGEST_SYNC_S = (0.0, 0.05, 1.0, 1.0)
"""One of these is chosen for each app: a sync takes a random part of it."""
COLUMNS, ROWS = 80, 24
ASKS_FOR_PICTURES, HAS_PICTURES = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
BEGINS_PICTURE, ENDS_PICTURE = b"\x1b[?2026h", b"\x1b[?2026l"
"""Synchronized output: a terminal that has it shows a picture when it is complete. A text could
otherwise be read before the sign behind it is drawn.
"""
OPEN_MARK = "▌"
"""The sign behind a turn to which something is still missing."""
EDGE = "▏"
"""The edge of the list of turns while the input is not in it."""
READY = "idle"
"""On the screen of an app that takes input and does nothing else."""
APP_TIMEOUT_S = 20.0
"""Seconds on a quiet machine after which an app is given up."""


@dataclass
class App:
    """One app in its terminal, and how far it has come."""

    number: int
    pid: int
    terminal: int
    folder: Path
    earlier: list[str]
    """The newest turns that the app before it has shown; both sides have the same text."""
    wanted: int
    """How many turns are to be shown before it is killed."""
    kill_after_s: float
    typed: list[str] = field(default_factory=list)
    resumed: bool = False
    kill_at: float | None = None
    killed: bool = False
    give_up_at: float = field(default_factory=lambda: time.monotonic() + patience(APP_TIMEOUT_S))
    drawing: bool = False
    recent: bytes = b""
    screen: pyte.Screen = field(default_factory=lambda: pyte.Screen(COLUMNS, ROWS))

    def __post_init__(self) -> None:
        self.stream = pyte.ByteStream(self.screen)

    def take(self, data: bytes) -> None:
        """Draws what the app has written, and does what a user does next, on a complete picture."""
        self.stream.feed(data)
        if ASKS_FOR_PICTURES in data:
            os.write(self.terminal, HAS_PICTURES)
        recent = self.recent + data  # a sign may be cut in two
        begin, end = recent.rfind(BEGINS_PICTURE), recent.rfind(ENDS_PICTURE)
        self.recent = recent[-len(BEGINS_PICTURE) :]
        if begin >= 0 or end >= 0:
            self.drawing = begin > end
        if self.drawing:
            return
        text = "\n".join(self.screen.display)
        if self.kill_at is not None or READY not in text:
            return
        if not self.resumed:
            self.resumed = all(shows_complete(text, turn) for turn in self.earlier)
            if not self.resumed:
                return
        elif self.typed and not shows_complete(text, self.typed[-1]):
            return
        if len(self.typed) == self.wanted:
            self.kill_at = time.monotonic() + self.kill_after_s
            return
        self.typed.append(f"tell me {self.number} and {len(self.typed)}")
        os.write(self.terminal, self.typed[-1].encode() + b"\r")

    def missing(self) -> list[str]:
        """What was shown as complete, and is not in the synced part of the journal."""
        said = texts_of(synced_part(self.folder))
        return [text for text in self.typed if said.count(text) != 2]


def shows_complete(screen: str, text: str) -> bool:
    """Whether the question and the reply that repeats it are on the screen without the sign."""
    found = re.findall(rf"(?m)^{EDGE}? *{OPEN_MARK} +{text}( *{OPEN_MARK})?", screen)
    return len(found) == 2 and not any(found)


def start(number: int, url: str, folder: Path, earlier: list[str], chance: random.Random) -> App:
    """Forks a process that runs the app in a terminal of its own."""
    longest_s = chance.choice(LONGEST_SYNC_S)
    wanted = 1 if longest_s == 1.0 else 1 + chance.randrange(2)
    kill_after_s = chance.random() * KILL_WITHIN_S
    seed = chance.random()
    pid, terminal = pty.fork()
    if not pid:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            Disk.sync = SlowDisk(folder, longest_s, random.Random(seed)).sync  # type: ignore[method-assign]  # slow
            again = ["--continue"] if earlier else []
            main(["--text", "--backend", url, "--sessions-dir", str(folder), *again])
        finally:
            os._exit(1)
    return App(number, pid, terminal, folder, earlier, wanted, kill_after_s)


def run_all(url: str, folder: Path, kills: int, seed: str) -> None:
    """Runs and kills so many apps, and prints the result of each."""
    chance = random.Random(seed)
    selector = selectors.DefaultSelector()
    running: list[App] = []
    started = 0

    def start_next(where: Path, earlier: list[str]) -> None:
        nonlocal started
        if started < kills:
            app = start(started, url, where, earlier, chance)
            selector.register(app.terminal, selectors.EVENT_READ, app)
            running.append(app)
            started += 1

    for number in range(AT_ONCE):
        (folder / str(number)).mkdir(parents=True)
        start_next(folder / str(number), [])
    while running:
        due = [app.kill_at or app.give_up_at for app in running if not app.killed]
        ready = selector.select(max(0.0, min(due) - time.monotonic()) if due else None)
        for app in running:
            if not app.killed and time.monotonic() >= (app.kill_at or app.give_up_at):
                os.kill(app.pid, signal.SIGKILL)
                app.killed = True
        for key, _ in ready:
            app = key.data
            try:
                data = os.read(app.terminal, 65_536)
            except OSError:  # its terminal was closed with it
                data = b""
            if data:
                if not app.killed:
                    app.take(data)
                continue
            selector.unregister(app.terminal)
            os.close(app.terminal)
            os.waitpid(app.pid, 0)
            running.remove(app)
            report(app)
            if chance.random() < 0.5:
                cut_power(app.folder)
            start_next(app.folder, [text for text in app.typed[-1:] if text not in app.missing()])


def report(app: App) -> None:
    shown = len(app.typed) if app.kill_at else 0
    result = {"app": app.number, "shown": shown, "resumed": app.resumed, "missing": app.missing()}
    if not shown:
        result["screen"] = "\n".join(app.screen.display)
    print(json.dumps(result), flush=True)


def cut_power(folder: Path) -> None:
    """Leaves of the journal only what was synced."""
    if journal := next(folder.glob("*.jsonl"), None):
        journal.write_bytes(synced_part(folder))


if __name__ == "__main__":
    os.environ |= ENVIRONMENT | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    pass_over_welcome(os.environ)  # the keys are typed for the session's screen
    # What the app imports while it runs is imported once, before the forks.
    import filelock  # noqa: F401  (imported before the forks)
    import textual.drivers.linux_driver
    import textual.pilot  # noqa: F401  (imported before the forks)
    import websockets.asyncio.client  # noqa: F401  (imported before the forks)

    import tui_voice.audio.null
    import tui_voice.audio.sound
    import tui_voice.cli.app
    import tui_voice.cli.parser
    import tui_voice.runtime.session_factory
    import tui_voice.ui.app
    import tui_voice.ui.widgets.prompt_input
    import tui_voice.ui.widgets.side_panel  # noqa: F401  (imported before the forks)
    from tui_voice.__main__ import main

    run_all(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
