"""The bytes of a journal → facts, whatever happened to them since they were written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tui_voice.conversation.events import Event
from tui_voice.store import codec

NOTES_KEPT = 20

_GREW = b'{"event":"transcript_grew",'
_DONE = b'{"event":"transcript_done",'
_ITEM = b'"item_id":"'
_INDIFFERENT = tuple(
    b'{"event":"%b"' % name
    for name in (
        b"audio_received speech_started speech_grew speech_stopped speech_committed "
        b"turn_added response_started playback_finished connection_opening"
    ).split()
)
"""How lines begin whose events fold the same whether or not a turn's words have grown yet."""


@dataclass
class Progress:
    """How far a journal has been read, and what was found on the way."""

    version: int = codec.VERSION
    lines: int = 0
    corrupt: list[int] = field(default_factory=list)
    """Numbers of the lines that cannot be read, counted from 1."""
    unknown: Counter[str] = field(default_factory=Counter)
    newest: int = codec.VERSION
    """The newest version that any line told."""
    torn: int = 0
    """Bytes of a last line that was not written to its end."""

    def notes(self) -> tuple[str, ...]:
        """What a reader should be told, a sentence each."""
        found = []
        if self.newest > codec.VERSION:
            found.append(
                f"written by a newer version of tui-voice (schema {self.newest}); "
                "what this one does not know was skipped"
            )
        if self.torn:
            found.append(f"the last line was torn ({self.torn} bytes) and was left out")
        for number in self.corrupt[:NOTES_KEPT]:
            found.append(f"line {number} cannot be read and was skipped")
        if len(self.corrupt) > NOTES_KEPT:
            found.append(f"{len(self.corrupt) - NOTES_KEPT} more lines cannot be read")
        if self.unknown:
            kinds = ", ".join(sorted(self.unknown)[:NOTES_KEPT])
            found.append(f"{self.unknown.total()} lines of unknown kinds were skipped: {kinds}")
        return tuple(found)


def parse(data: bytes, progress: Progress, *, lean_for: Iterable[str] | None = None) -> list[Event]:
    """The events of whole lines, as `stream` gives them one by one."""
    return list(stream(data, progress, lean_for=lean_for))


def stream(
    data: bytes, progress: Progress, *, lean_for: Iterable[str] | None = None
) -> Iterator[Event]:
    """The events of whole lines, `progress` moved on by the end. A torn last line is counted and
    left out.

    `lean_for`: leave out the growing of words whose end came right after, which folds the same;
    except for turns of these ids, which have words already.
    """
    lines = _whole(data, progress)
    first = progress.lines + 1
    progress.lines += len(lines)
    if lean_for is not None:
        _strike_needless(lines, lean_for)
    for number, line in enumerate(lines, first):
        if not line:
            continue
        if codec.MARK in line and (version := codec.version_of(line)) is not None:
            progress.version = version
            progress.newest = max(progress.newest, version)
        try:
            event = codec.decode(line, progress.version)
        except codec.LineError:
            progress.corrupt.append(number)
            continue
        if event is None:
            progress.unknown[codec.event_name(line).decode(errors="replace")[:40]] += 1
        else:
            yield event


def _whole(data: bytes, progress: Progress) -> list[bytes]:
    lines = data.split(b"\n")
    tail = lines.pop()
    if tail:
        try:
            codec.decode(tail, progress.version)
        except codec.LineError:
            progress.torn = len(tail)
        else:
            lines.append(tail)  # whole, but for the line break
    return lines


def _strike_needless(lines: list[bytes], worded: Iterable[str]) -> None:
    """Empties the `transcript_grew` lines that the `transcript_done` behind them makes void."""
    pending: dict[bytes, list[int]] = {}
    seen = {item_id.encode() for item_id in worded}
    run, here = [], b"\n"  # the lines of the item that grew last, and how it is told there
    for index, line in enumerate(lines):
        if line.startswith(_GREW):
            if here in line:
                run.append(index)
                continue
            item = _item(line)
            if item and item not in seen:
                here, run = b'%b%b"' % (_ITEM, item), pending.setdefault(item, [])
                run.append(index)
        elif line.startswith(_DONE):
            item, here = _item(line), b"\n"
            for void in pending.pop(item, ()):
                lines[void] = b""
            seen.add(item)
        elif pending and not line.startswith(_INDIFFERENT):
            here = b"\n"
            seen.update(pending)
            pending.clear()


def _item(line: bytes) -> bytes:
    """The item's id as it stands in the line; b"" where it is not plain."""
    start = line.find(_ITEM)
    end = line.find(b'"', start + len(_ITEM))
    item = line[start + len(_ITEM) : end] if 0 <= start < end else b""
    return b"" if b"\\" in item else item
