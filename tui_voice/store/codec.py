"""Converts events to lines of JSON and back.

Example: `{"event":"speech_started","at":1.234,"item_id":"item_7"}`. Fields at their default are
not written. Unknown fields are ignored and an unknown event is read as None, so that a journal of
a newer version still opens. A line of an older version passes through `UPGRADES`, one step for
each version. `docs/journal.md` describes the format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any

import msgspec

from tui_voice.conversation.events import EVENTS, Event, Usage

VERSION = 2
"""The format version that this program writes. The first line of a session, and of every later run
that resumes it, states the version of the lines that follow."""

Record = dict[str, Any]
Step = Callable[[Record], Record | None]

UPGRADES: dict[int, Step] = {}
"""By version: the step from it to the next. A step returns the changed record, or None to drop the
line. Version 1 needs none: `RENAMED` is enough."""

RENAMED = {
    "talk_opened": "session_opened",
    "talk_resumed": "session_resumed",
    "talk_renamed": "session_renamed",
    "talk_closed": "session_closed",
    "link_opening": "connection_opening",
    "link_opened": "connection_opened",
    "link_lost": "connection_lost",
    "summary_asked": "summarise_pressed",
    "restore_asked": "restore_pressed",
    "trigger_judged": "trigger_checked",
    "voice_requested": "voice_repair_requested",
}
"""Event names of version 1 and their names since version 2. The fields are the same."""

_NO_DEFAULT = object()
"""Stands for the default of a field that has none: it equals no value that is written."""
_START = b'{"event":"'
MARK = b'"version":'
"""Stands in every line that states a version. Inside a text the quotes would be escaped."""


class LineError(ValueError):
    """The line is not a JSON object, or its fields do not fit its event."""


class _Shape:
    """The field names and defaults of one class, and its decoder."""

    __slots__ = ("decode", "defaults", "names", "values")

    def __init__(self, kind: type[Any]) -> None:
        parts = fields(kind)
        self.names = tuple(part.name for part in parts)
        # `at` is always written: a person who reads the file looks for it.
        self.defaults = tuple(
            _NO_DEFAULT
            if part.default is MISSING or part.name in ("at", "version")
            else part.default
            for part in parts
        )
        getter = attrgetter(*self.names)
        several = len(self.names) > 1
        self.values: Callable[[Any], tuple[Any, ...]] = (
            getter if several else lambda thing: (getter(thing),)
        )
        self.decode = msgspec.json.Decoder(kind).decode

    def record(self, thing: Any) -> Record:
        """The fields that are not at their default."""
        values = zip(self.names, self.values(thing), self.defaults, strict=True)
        return {name: value for name, value, default in values if value != default}


_SHAPES = {kind: _Shape(kind) for kind in EVENTS.values()}
_USAGE = _Shape(Usage)
_DECODERS = {name.encode(): _SHAPES[kind].decode for name, kind in EVENTS.items()}
_DECODERS |= {old.encode(): _DECODERS[new.encode()] for old, new in RENAMED.items()}
_encode = msgspec.json.Encoder().encode
_as_record = msgspec.json.Decoder(dict[str, Any]).decode


def encode(event: Event, *, version: int | None = None) -> bytes:
    """The event as one line, with its line break. `version`: stated in the first line of a run."""
    record: Record = {"event": event.name}
    record |= _SHAPES[type(event)].record(event)
    if version is not None:
        record["version"] = version
    usage = record.get("usage")
    if usage is not None:
        record["usage"] = _USAGE.record(usage)
    try:
        return _encode(record) + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, as a terminal may paste it
        return _encode(_clean(record)) + b"\n"


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, tuple):
        return [_clean(part) for part in value]
    if isinstance(value, dict):
        return {name: _clean(part) for name, part in value.items()}
    return value


def event_name(line: bytes) -> bytes:
    """The name of the line's event, without decoding the rest. Raises `LineError`."""
    if line.startswith(_START):  # as this program writes it
        return line[len(_START) : line.find(b'"', len(_START))]
    name = _record(line).get("event")
    return name.encode() if isinstance(name, str) else b""


def decode(
    line: bytes, version: int = VERSION, steps: Mapping[int, Step] = UPGRADES
) -> Event | None:
    """The event of one line. None: this program does not know the event, or an upgrade dropped it.

    `version`: the format version of the line. Raises `LineError`.
    """
    if version in steps:
        record = upgrade(_record(line), version, steps)
        if record is None:
            return None
        line = _encode(record)
    name = event_name(line)
    decoder = _DECODERS.get(name)
    if decoder is None:
        _record(line)
        return None
    try:
        event: Event = decoder(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LineError(str(error)) from error
    return event


def upgrade(
    record: Record, from_version: int, steps: Mapping[int, Step] = UPGRADES
) -> Record | None:
    """A record of an older version as this version writes it. None: the line is dropped."""
    upgraded: Record | None = record
    while upgraded is not None and from_version in steps:
        upgraded = steps[from_version](upgraded)
        from_version += 1
    return upgraded


def version_of(line: bytes) -> int | None:
    """The format version that this line states for itself and the lines after it; else None."""
    if MARK not in line:
        return None
    try:
        version = _record(line).get("version")
    except LineError:
        return None
    return version if isinstance(version, int) and version > 0 else None


def _record(line: bytes) -> Record:
    try:
        return _as_record(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LineError(str(error)) from error
