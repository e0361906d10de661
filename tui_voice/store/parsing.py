"""Turns the bytes of a journal into events, also those of a damaged file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tui_voice.conversation.events import Event
from tui_voice.store import codec

NOTES_LIMIT = 20
"""How many damaged lines, and how many unknown kinds of event, `Progress.notes` names."""


@dataclass
class Progress:
    """How far a journal has been read, and what was wrong with it."""

    version: int = codec.VERSION
    """The format version of the next line."""
    lines: int = 0
    corrupt: list[int] = field(default_factory=list)
    """Numbers of the lines that cannot be read, counted from 1."""
    unknown: Counter[str] = field(default_factory=Counter)
    """How many events of each name this program does not know."""
    newest: int = codec.VERSION
    """The highest format version that a line stated."""
    torn: int = 0
    """Bytes of a last line that was not written to its end."""

    def notes(self) -> tuple[str, ...]:
        """What was wrong with the journal, a sentence each."""
        found = []
        if self.newest > codec.VERSION:
            found.append(
                f"written by a newer version of tui-voice (schema {self.newest}); "
                "what this one does not know was skipped"
            )
        if self.torn:
            found.append(f"the last line was torn ({self.torn} bytes) and was left out")
        for number in self.corrupt[:NOTES_LIMIT]:
            found.append(f"line {number} cannot be read and was skipped")
        if len(self.corrupt) > NOTES_LIMIT:
            found.append(f"{len(self.corrupt) - NOTES_LIMIT} more lines cannot be read")
        if self.unknown:
            kinds = ", ".join(sorted(self.unknown)[:NOTES_LIMIT])
            found.append(f"{self.unknown.total()} lines of unknown kinds were skipped: {kinds}")
        return tuple(found)


def parse(data: bytes, progress: Progress) -> Iterator[Event]:
    """Yields the events of whole lines, and counts the lines in `progress`.

    A line that cannot be read is counted and skipped, and so is a last line that was torn.
    """
    for line in _whole_lines(data, progress):
        progress.lines += 1
        if not line:
            continue
        if codec.MARK in line and (version := codec.version_of(line)) is not None:
            progress.version = version
            progress.newest = max(progress.newest, version)
        try:
            event = codec.decode(line, progress.version)
        except codec.LineError:
            progress.corrupt.append(progress.lines)
            continue
        if event is None:
            progress.unknown[codec.event_name(line).decode(errors="replace")[:40]] += 1
        else:
            yield event


def _whole_lines(data: bytes, progress: Progress) -> list[bytes]:
    lines = data.split(b"\n")
    tail = lines.pop()
    if tail:
        try:
            codec.decode(tail, progress.version)
        except codec.LineError:
            progress.torn = len(tail)
        else:
            lines.append(tail)  # only its line break is missing
    return lines
