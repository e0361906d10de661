"""The app with a talk in it: its screen, its journal, the processes it has started."""

from __future__ import annotations

import json
import re
import select
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.e2e.terminal import FOREIGN, Terminal
from tests.server.local.speech_harness import plain

Fact = dict[str, Any]

_LIVE = re.compile(r"● ?(idle|listening|awaiting response|speaking|summarising)")
_EDGES = "▌┊▏│◆ "
PROMPT = "›"
PANEL = "▏"
"""Stands between the talk and the panel beside it."""


class Talk(Terminal):
    """`tui-voice ARGUMENTS --sessions-dir FOLDER` on a screen."""

    def __init__(
        self, *arguments: str, env: Mapping[str, str], folder: Path, size: tuple[int, int]
    ) -> None:
        super().__init__([*arguments, "--sessions-dir", str(folder)], env, *size)
        self.folder = folder
        self._typing = False
        self._known = set(folder.glob("*.jsonl"))

    # ── the screen ──────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> str:
        """The live one of the five states; "" where none is shown."""
        found = _LIVE.search("\n".join(self.lines[:5]))
        return found[1] if found else ""

    def states_after(self, position: int) -> list[str]:
        """The states in the order in which they were drawn since `raw` was so long."""
        states: list[str] = []
        for state in _LIVE.findall(self.drawn_after(position)):
            if not states or states[-1] != state:
                states.append(state)
        return states

    @property
    def shown(self) -> str:
        """The talk's words on the screen as one line: without panel, edges and line breaks."""
        return " ".join(line.split(PANEL)[0].strip(_EDGES) for line in self.lines[2:-3]).strip()

    def shows(self, words: str) -> bool:
        """Whether these words stand on the screen in this order, whatever the line breaks."""
        return " ".join(plain(words)) in " ".join(plain(self.shown))

    def pages(self) -> list[str]:
        """The whole transcript as it is read, from its first to its last page."""
        self.leave_line()
        self.catch_up()
        found: list[str] = []
        key = "home"
        while not found or self.shown != found[-1]:
            found.append(self.shown)
            self.press(key)
            self.catch_up()
            key = "pagedown"
        return found

    def wait_for_state(self, state: str, seconds: float = 40.0) -> None:
        self.until(lambda: self.state == state, f"the state {state}", seconds)

    def open_microphone(self) -> None:
        """Space, as a user presses it."""
        self.leave_line()
        self.press("space")
        self.wait_for("close mic")

    def close_microphone(self) -> None:
        """Space again."""
        self.leave_line()
        self.press("space")
        self.until(lambda: "close mic" not in self.text, "the closed microphone")

    def type_line(self, text: str) -> None:
        """As a user types it: the first letter opens the line, Enter sends it."""
        if not self._typing:
            self.press(text[0])
            self.wait_for(f"{PROMPT} {text[0]}")
            text, self._typing = text[1:], True
        self.press(text)
        self.wait_for(text[-12:])
        self.press("enter")

    def leave_line(self) -> None:
        """Back from the line to type in to the talk, where keys are commands."""
        if self._typing:
            self.press("tab")
            self.until(lambda: "Enter send" not in self.text, "the focus on the talk")
            self._typing = False

    def online(self, seconds: float = 40.0) -> None:
        """Waits until a server has taken the talk."""
        self.fact("connection_opened", seconds=seconds)

    def ask(self, text: str, seconds: float = 60.0) -> str:
        """Types a turn, waits until its answer has been heard, returns the answer's words."""
        before = len(self.journal())
        self.type_line(text)
        self.fact("text_submitted", after=before)
        reply = self.fact("turn_added", lambda f: f["role"] == "assistant", before, seconds)
        item = reply["item_id"]
        self.fact("transcript_done", lambda f: f["item_id"] == item, before, seconds)
        self.fact("response_done", after=before, seconds=seconds)
        if any(fact["item_id"] == item for fact in self.facts("audio_received", before)):
            self.fact("playback_finished", lambda f: f["item_id"] == item, before, seconds)
        self.wait_for_state("idle", seconds)
        return self.words(item)

    # ── the journal ─────────────────────────────────────────────────────────────────────────

    @property
    def path(self) -> Path:
        """The journal of the talk that this run has begun, or goes on with."""
        paths = set(self.folder.glob("*.jsonl"))
        return next(iter(paths - self._known or paths))

    def journal(self) -> list[Fact]:
        """Every fact so far."""
        paths = set(self.folder.glob("*.jsonl"))
        if not paths:
            return []
        return read(self.path)

    def facts(self, name: str, after: int = 0) -> list[Fact]:
        return [fact for fact in self.journal()[after:] if fact["event"] == name]

    def fact(
        self,
        name: str,
        where: Callable[[Fact], object] = lambda _fact: True,
        after: int = 0,
        seconds: float = 40.0,
    ) -> Fact:
        """Waits for such a fact behind the first `after` ones."""
        found: list[Fact] = []

        def there() -> bool:
            found[:] = [fact for fact in self.facts(name, after) if where(fact)]
            return bool(found)

        self.until(there, f"the fact {name}", seconds)
        return found[0]

    def answer(self, after: int = 0) -> str:
        """The words of the newest reply that was begun behind the first `after` facts."""
        turns = [fact for fact in self.facts("turn_added", after) if fact["role"] == "assistant"]
        assert turns, f"no reply; screen:\n{self.text}"
        return self.words(turns[-1]["item_id"])

    def words(self, item_id: str) -> str:
        """What the journal knows of a turn's words."""
        done = [f["text"] for f in self.facts("transcript_done") if f["item_id"] == item_id]
        grew = [f["text"] for f in self.facts("transcript_grew") if f["item_id"] == item_id]
        return str(done[-1]) if done else "".join(grew)

    # ── its end ─────────────────────────────────────────────────────────────────────────────

    def children(self) -> list[int]:
        """Ids of the processes that it has started, and of those that these have."""
        return descendants(self.process.pid)

    def until_gone(self, processes: list[int], seconds: float = 15.0) -> None:
        """Waits until none of these runs any more."""
        deadline = time.monotonic() + seconds
        while left := [pid for pid in processes if alive(pid)]:
            assert time.monotonic() < deadline, f"{left} still run"
            select.select([], [], [], 0.05)

    def quit(self) -> str:
        """Ctrl+Q; what is printed after the screen was given back. The status must be 0."""
        self.press("ctrl+q")
        printed, status = self.end()
        assert status == 0, printed
        return printed

    def close(self) -> None:
        super().close()
        self.is_clean()

    def is_clean(self) -> None:
        """Nothing but ours has been drawn so far."""
        foreign = [word for word in FOREIGN if word.lower() in bytes(self.raw).lower()]
        assert not foreign, f"drawn by others: {foreign}\n{self.text}"


Start = Callable[..., Talk]
"""`start("--text", size=(80, 24), env=…)`: see the fixture."""


def read(path: Path) -> list[Fact]:
    """The facts of a journal; what is being written at its end does not count yet."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def descendants(pid: int) -> list[int]:
    """Ids of all processes below this one (Linux)."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *descendants(child)]
    return found


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and waits to be buried does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
