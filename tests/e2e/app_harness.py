"""Runs the app in a terminal, and reads its screen, its journal and its child processes."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.terminal_harness import TerminalProgram
from tests.server.local.speech_harness import plain

JournalEvent = dict[str, Any]

_LIVE_STATE = re.compile(r"● ?(idle|listening|awaiting response|speaking|summarising)")
_PANEL_EDGE = "▏"
"""Separates the transcript from the panel beside it."""
_TURN_EDGES = "▌┊▏│◆ "
"""Characters beside the words of a turn."""
_LIBRARY_OUTPUT = (
    *(b"ALSA", b"jack server", b"JackShm", b"PortAudio"),
    *(b"onnxruntime", b"ggml", b"Traceback"),
)
"""Parts of what libraries, and Python, print by themselves."""


class AppUnderTest(TerminalProgram):
    """`tui-voice ARGUMENTS --sessions-dir FOLDER` in a terminal."""

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str],
        folder: Path,
        size: tuple[int, int] = (120, 36),
        command: Sequence[str] = (sys.executable, "-m", "tui_voice"),
    ) -> None:
        super().__init__([*arguments, "--sessions-dir", str(folder)], env, *size, command)
        self.folder = folder
        self._older_journals = {path: len(read_journal(path)) for path in folder.glob("*.jsonl")}
        """Journal that existed before this app started → the number of its events then."""

    # ── the screen ──────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> str:
        """The state that the status bar shows as the current one; "" if it shows none."""
        found = _LIVE_STATE.search("\n".join(self.lines[:5]))
        return found[1] if found else ""

    def states_after(self, position: int) -> list[str]:
        """Returns the states, in order, that were drawn since `raw` had this length."""
        states: list[str] = []
        for state in _LIVE_STATE.findall(self.drawn_after(position)):
            if not states or states[-1] != state:
                states.append(state)
        return states

    @property
    def transcript(self) -> str:
        """The visible part of the transcript, as one line without the panel and the edges."""
        edged = (line.lstrip(_TURN_EDGES).split(_PANEL_EDGE)[0] for line in self.lines[2:-3])
        lines = (line.strip(_TURN_EDGES) for line in edged)
        return " ".join(lines).strip()

    def shows(self, text: str) -> bool:
        """Returns whether the transcript shows these words in this order, over any line breaks."""
        return " ".join(plain(text)) in " ".join(plain(self.transcript))

    def wait_until_shown(self, text: str) -> None:
        """Waits until the transcript shows these words, as `shows` compares them."""
        self.wait_until(lambda: self.shows(text), f"{text!r} in the transcript")

    def transcript_pages(self) -> list[str]:
        """Returns the whole transcript, read page by page from its beginning."""
        self.wait_until_still()
        pages: list[str] = []
        key = "home"
        while True:
            pages.append(self.transcript)
            self.press(key)
            try:
                self.wait_until(lambda: self.transcript != pages[-1], "another page", 2.0)
            except AssertionError:  # there is none
                return pages
            self.wait_until_still()
            key = "pagedown"

    def wait_for_state(self, state: str, seconds: float = 40.0) -> None:
        self.wait_until(lambda: self.state == state, f"the state {state}", seconds)

    # ── what a user does ────────────────────────────────────────────────────────────────────

    def open_microphone(self) -> None:
        """Presses Space while nothing is typed."""
        self.press("space")
        self.wait_for("close mic")

    def submit(self, text: str) -> None:
        """Types a turn and presses Enter."""
        self.press(text)
        self.wait_for(text.rsplit(maxsplit=1)[-1])  # the prompt breaks a long text between words
        self.press("enter")

    def ask(self, text: str, seconds: float = 60.0) -> str:
        """Submits a turn, waits until the reply has been played, and returns its text."""
        before = len(self.journal())
        self.submit(text)
        self.wait_for_event("text_submitted", after=before)
        reply = self.wait_for_event("turn_added", is_reply, before, seconds)["item_id"]
        self.wait_for_event("transcript_done", concerns(reply), before, seconds)
        self.wait_for_event("response_done", after=before, seconds=seconds)
        if any(event["item_id"] == reply for event in self.events("audio_received", before)):
            self.wait_for_event("playback_finished", concerns(reply), before, seconds)
        self.wait_for_state("idle", seconds)
        return self.text_of(reply)

    def quit(self) -> str:
        """Presses Ctrl+Q; returns what the app printed afterwards. The exit status must be 0."""
        self.press("ctrl+q")
        printed, status = self.wait_for_exit()
        assert status == 0, printed
        return printed

    # ── the journal ─────────────────────────────────────────────────────────────────────────

    @property
    def journal_path(self) -> Path:
        """The journal of the session that this app has created or resumed."""
        paths = set(self.folder.glob("*.jsonl"))
        return next(iter(paths - set(self._older_journals) or paths))

    def journal(self) -> list[JournalEvent]:
        """Returns all events so far."""
        return read_journal(self.journal_path) if any(self.folder.glob("*.jsonl")) else []

    def events(self, name: str, after: int = 0) -> list[JournalEvent]:
        """Returns the events of this name that follow the first `after` events."""
        return [event for event in self.journal()[after:] if event["event"] == name]

    def wait_for_event(
        self,
        name: str,
        where: Callable[[JournalEvent], object] = lambda _event: True,
        after: int = 0,
        seconds: float = 40.0,
    ) -> JournalEvent:
        """Waits for an event of this name that follows the first `after` events; returns it."""
        found: list[JournalEvent] = []

        def is_there() -> bool:
            found[:] = [event for event in self.events(name, after) if where(event)]
            return bool(found)

        self.wait_until(is_there, f"the event {name}", seconds)
        return found[0]

    def wait_until_connected(self, seconds: float = 40.0) -> None:
        """Waits until this app, not an earlier one that saved the session, has connected."""

        def is_connected() -> bool:
            if not any(self.folder.glob("*.jsonl")):
                return False
            after = self._older_journals.get(self.journal_path, 0)
            return bool(self.events("connection_opened", after))

        self.wait_until(is_connected, "the connection", seconds)

    def newest_reply(self, after: int = 0) -> str:
        """Returns the text of the newest reply that follows the first `after` events."""
        replies = [event for event in self.events("turn_added", after) if is_reply(event)]
        assert replies, f"no reply; screen:\n{self.text}"
        return self.text_of(replies[-1]["item_id"])

    def text_of(self, item_id: str) -> str:
        """Returns the text of a turn, as far as the journal has it."""
        done = [
            event["text"] for event in self.events("transcript_done") if concerns(item_id)(event)
        ]
        grew = [
            event["text"] for event in self.events("transcript_grew") if concerns(item_id)(event)
        ]
        return str(done[-1]) if done else "".join(grew)

    # ── processes ───────────────────────────────────────────────────────────────────────────

    def child_processes(self) -> list[int]:
        """Returns the process ids of all descendants of the app."""
        return descendants(self.process.pid)

    def close(self) -> None:
        super().close()
        self.check_that_no_library_printed()

    def check_that_no_library_printed(self) -> None:
        """Raises AssertionError if a library has written to the screen."""
        written = bytes(self.raw).lower()
        found = [text for text in _LIBRARY_OUTPUT if text.lower() in written]
        assert not found, f"written by libraries: {found}\n{self.text}"


StartApp = Callable[..., AppUnderTest]
"""The type of the fixture `start_app`: `start_app("--text", size=(80, 24), env=…)`."""


def is_reply(event: JournalEvent) -> bool:
    """Returns whether the event, `turn_added`, adds a turn of the assistant."""
    return bool(event["role"] == "assistant")


def concerns(item_id: str) -> Callable[[JournalEvent], bool]:
    """Returns a function that tells whether an event concerns this item."""
    return lambda event: bool(event["item_id"] == item_id)


def read_journal(path: Path) -> list[JournalEvent]:
    """Returns the events of a journal, without an incomplete line at its end."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def descendants(pid: int) -> list[int]:
    """Returns the ids of all processes below this one (Linux)."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *descendants(child)]
    return found


def wait_until_ended(processes: list[int], seconds: float = 15.0) -> None:
    """Waits until none of these processes runs."""
    deadline = time.monotonic() + seconds
    while left := [pid for pid in processes if is_running(pid)]:
        assert time.monotonic() < deadline, f"{left} still run"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Returns whether the process runs; a zombie does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
