"""The newest events of one journal as lines of text, for the log screen.

A journal of a long session has hundreds of thousands of lines. It is read from the disk line by
line, and again only where it grew; of the events that match, the newest `MOST` are held.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tui_voice.store.saved_session import start_time
from tui_voice.store.secrets import Redactor

MOST = 500
"""Lines of the log that are held."""
PIECES = ("transcript_grew", "audio_received", "speech_grew")
"""Events that come many times a second. Those that follow each other are one line."""
TROUBLES = (
    *("connection_lost", "server_erred", "item_refused", "delete_refused", "cancel_refused"),
    *("response_refused", "reply_overdue", "playback_overdue", "listening_overdue"),
    *("commit_overdue", "tool_overdue", "transcript_failed", "summary_failed"),
    "cost_limit_reached",
)
"""Events that say that something went wrong."""
UNREADABLE = "unreadable line"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event, or several pieces of one text or sound."""

    unix_at: float
    """When it happened, in Unix seconds; seconds since the beginning where that is not known."""
    name: str
    fields: tuple[tuple[str, str], ...]
    """Name and value of each field, as text of JSON where the value is no text."""
    count: int = 1
    trouble: bool = False

    @property
    def text(self) -> str:
        """The fields in one line: `reason=timeout code=1006`."""
        return " ".join(f"{name}={value}" for name, value in self.fields)


class JournalLog:
    """Reads one journal, which a session may be writing."""

    def __init__(self, path: Path, words: str = "") -> None:
        """`words`: only lines that contain all of these words are read; upper and lower case count
        as equal. The word `trouble` selects the lines that report an error or a loss.
        """
        self.lines: deque[LogLine] = deque(maxlen=MOST)
        """The lines that match, oldest first."""
        self.events = 0
        """Number of all events that were read."""
        self._path = path
        self._words = words.casefold().split()
        self._read_to = 0
        self._began = 0.0

    def read(self) -> bool:
        """Reads what was appended to the journal. Returns whether there was anything. A file that
        cannot be read has no lines: the session is not on disk yet.
        """
        before = self._read_to
        try:
            with self._path.open("rb") as file:
                file.seek(self._read_to)
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # it is being written
                    self._read_to += len(line)
                    self._add(line)
        except OSError:
            return False
        return self._read_to > before

    def _add(self, text: bytes) -> None:
        self.events += 1
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            record = {"event": UNREADABLE, "text": text.decode(errors="replace").strip()}
        name = str(record.pop("event", UNREADABLE))
        if name in ("session_opened", "talk_opened"):
            when = start_time(str(record.get("started", "")))
            self._began = when.timestamp() if when else 0.0
        line = self._line(name, record)
        last = self.lines[-1] if self.lines else None
        if last is not None and name == last.name and name in PIECES and _item(line) == _item(last):
            self.lines[-1] = replace(line, count=last.count + 1)
        elif self._matches(line):
            self.lines.append(line)

    def _line(self, name: str, record: dict[str, Any]) -> LogLine:
        at = record.pop("at", 0.0)
        at = at if isinstance(at, int | float) else 0.0
        trouble = (
            name in (*TROUBLES, UNREADABLE)
            or record.get("severity") in ("warning", "error")
            or record.get("status") == "failed"
        )
        fields = tuple(
            (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for key, value in record.items()
        )
        return LogLine(self._began + at, name, fields, trouble=trouble)

    def _matches(self, line: LogLine) -> bool:
        if not self._words:
            return True
        text = f"{line.name} {'trouble' if line.trouble else ''} {line.text}".casefold()
        return all(word in text for word in self._words)


def without_keys(text: str) -> str:
    """A text of the log without API keys. The session removes them before it writes the journal;
    a journal that something else has written may have some.
    """
    return Redactor().text(text)


def _item(line: LogLine) -> str:
    return dict(line.fields).get("item_id", "")
