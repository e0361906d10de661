"""Events as lines of JSON: `{"event":"speech_started","at":1.234,"item_id":"item_7"}`.

Writing leaves out fields at their default. Reading is tolerant: unknown fields are ignored and
unknown events are `None`, so that a journal of a newer version still opens. Lines of an older
version pass through `UPGRADES`, one step a version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any

import msgspec

from tui_voice.conversation.events import EVENTS, Event, Usage

VERSION = 2
"""The schema that this program writes. The first line of a talk, and of every later run that goes
on with it, carries the version that its lines are written in."""

Record = dict[str, Any]
Step = Callable[[Record], Record | None]

UPGRADES: dict[int, Step] = {}
"""From this version to the next. A step may rename or fill in; `None` drops the line."""

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

_NEVER = object()  # the default of fields that have none: equal to nothing that is written
_START = b'{"event":"'
_NAME = len(_START)
MARK = b'"version":'
"""Stands in every line that announces a version; inside a text the quotes would be escaped."""


class LineError(ValueError):
    """The line is no JSON object, or not one that its event can be made of."""


class _Shape:
    """How one class is taken apart: its field names, their defaults, and all values at once."""

    __slots__ = ("decode", "defaults", "names", "values")

    def __init__(self, kind: type[Any]) -> None:
        parts = fields(kind)
        self.names = tuple(part.name for part in parts)
        # `at` is written always: a line without a time reads badly.
        self.defaults = tuple(
            _NEVER if part.default is MISSING or part.name in ("at", "version") else part.default
            for part in parts
        )
        getter = attrgetter(*self.names)
        several = len(self.names) > 1
        self.values: Callable[[Any], tuple[Any, ...]] = (
            getter if several else lambda thing: (getter(thing),)
        )
        self.decode = msgspec.json.Decoder(kind).decode

    def lean(self, thing: Any) -> Record:
        values = zip(self.names, self.values(thing), self.defaults, strict=True)
        return {name: value for name, value, default in values if value != default}


_SHAPES = {kind: _Shape(kind) for kind in EVENTS.values()}
_USAGE = _Shape(Usage)
_DECODERS = {name.encode(): _SHAPES[kind].decode for name, kind in EVENTS.items()}
_DECODERS |= {old.encode(): _DECODERS[new.encode()] for old, new in RENAMED.items()}
_encode = msgspec.json.Encoder().encode
_as_record = msgspec.json.Decoder(dict[str, Any]).decode


def encode(event: Event, *, version: int | None = None) -> bytes:
    """One line, newline included. `version` marks the first line of a run."""
    record: Record = {"event": event.name}
    record |= _SHAPES[type(event)].lean(event)
    if version is not None:
        record["version"] = version
    usage = record.get("usage")
    if usage is not None:
        record["usage"] = _USAGE.lean(usage)
    try:
        return _encode(record) + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, from a terminal's paste
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
    """The event's name without decoding the rest. Raises `LineError`."""
    if line.startswith(_START):  # as we write it
        return line[_NAME : line.find(b'"', _NAME)]
    name = _record(line).get("event")
    return name.encode() if isinstance(name, str) else b""


def decode(
    line: bytes, version: int = VERSION, steps: Mapping[int, Step] = UPGRADES
) -> Event | None:
    """The event of one line; None for one that this program does not know, or that an upgrade
    dropped. Raises `LineError`.
    """
    if version in steps:
        record = upgrade(_record(line), version, steps)
        if record is None:
            return None
        line = _encode(record)
    ours = line.startswith(_START)
    name = line[_NAME : line.find(b'"', _NAME)] if ours else event_name(line)
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
    """A record of an older schema as this one writes it. None: it says nothing any more."""
    upgraded: Record | None = record
    while upgraded is not None and from_version in steps:
        upgraded = steps[from_version](upgraded)
        from_version += 1
    return upgraded


def version_of(line: bytes) -> int | None:
    """The schema version that this line announces for itself and those after it, if it does."""
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
