"""Converts events to lines of JSON and back.

Example: `{"event":"speech_started","at":1.234,"item_id":"item_7"}`. Fields at their default are
not written. Unknown fields are ignored and an unknown event is read as None, so that a journal of
a newer version still opens. A line of an older version passes through `UPGRADES`, one step for
each version. `docs/journal.md` describes the format.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
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

_START = b'{"event":"'
MARK = b'"version":'
"""Stands in every line that states a version. Inside a text the quotes would be escaped."""


class LineError(ValueError):
    """The line is not a JSON object, or its fields do not fit its event."""


def _defaults(kind: type[Any]) -> dict[str, Any]:
    """The default of each field of a class, by field name; `MISSING` for a field without one.

    `at` and `version` count as fields without a default, so that they are always written: a person
    who reads the file looks for them.
    """
    return {
        field.name: MISSING if field.name in ("at", "version") else field.default
        for field in fields(kind)
    }


_DEFAULTS = {kind: _defaults(kind) for kind in (*EVENTS.values(), Usage)}
_DECODERS = {
    name.encode(): msgspec.json.Decoder(EVENTS[RENAMED.get(name, name)]).decode
    for name in (*EVENTS, *RENAMED)
}
"""By name of the event, old or new, as it stands in a line: the decoder of the line."""
_encode = msgspec.json.Encoder().encode
_as_record = msgspec.json.Decoder(dict[str, Any]).decode


def encode(event: Event, *, version: int | None = None) -> bytes:
    """The event as one line, with its line break. `version`: stated in the first line of a run."""
    record: Record = {"event": event.name} | _changed_fields(event)
    if version is not None:
        record["version"] = version
    if "usage" in record:
        record["usage"] = _changed_fields(record["usage"])
    try:
        return _encode(record) + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, as a terminal may paste it
        return _encode(_clean(record)) + b"\n"


def _changed_fields(thing: Event | Usage) -> Record:
    """The fields that are not at their default, by name."""
    return {
        name: value
        for name, default in _DEFAULTS[type(thing)].items()
        if (value := getattr(thing, name)) != default
    }


def _clean(value: Any) -> Any:
    """The value with `?` instead of each half of a surrogate pair, which UTF-8 cannot encode."""
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


def decode(line: bytes, version: int = VERSION) -> Event | None:
    """The event of one line. None: this program does not know the event, or an upgrade dropped it.

    `version`: the format version of the line. Raises `LineError`.
    """
    if version in UPGRADES:
        record = _upgraded(_record(line), version)
        if record is None:
            return None
        line = _encode(record)
    decoder = _DECODERS.get(event_name(line))
    if decoder is None:
        _record(line)
        return None
    try:
        event: Event = decoder(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LineError(str(error)) from error
    return event


def _upgraded(record: Record, version: int) -> Record | None:
    """The record after every step from `version` on. None: a step dropped the line."""
    upgraded: Record | None = record
    while upgraded is not None and version in UPGRADES:
        upgraded = UPGRADES[version](upgraded)
        version += 1
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
    """The line as a dict. Raises `LineError`."""
    try:
        return _as_record(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LineError(str(error)) from error
