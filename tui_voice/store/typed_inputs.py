"""What the user has typed: sent inputs, for the up key, and half-typed drafts of each session.

One file in the folder of the saved sessions, `typed.ndjson`, for its owner alone. Each line is one
JSON object: `{"sent": "Hello"}`, or `{"draft": "half a sen", "session": "2026-…"}`. A draft
replaces the one before it of the same session; "" removes it. The session "" is one in which
nothing has been said yet, which is not kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tui_voice.store.disk import FILE_MODE, FOLDER_MODE
from tui_voice.store.secrets import Redactor

NAME = "typed.ndjson"
MOST_SENT, MOST_DRAFTS = 500, 50
_MOST_LINES = 2000
"""Lines from which the file is written anew with what is still of use."""


class TypedInputs(NamedTuple):
    """What the file holds: inputs, oldest first, and session id → draft."""

    sent: tuple[str, ...] = ()
    drafts: Mapping[str, str] = MappingProxyType({})


def load(folder: Path) -> TypedInputs:
    """Returns what was typed before. A file that cannot be read counts as empty, a line that
    cannot be read as missing.
    """
    try:
        lines = (folder / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return TypedInputs()
    sent: list[str] = []
    drafts: dict[str, str] = {}
    for line in lines:
        match _parsed(line):
            case {"sent": str(text)}:
                if text not in sent[-1:]:
                    sent.append(text)
            case {"draft": str(text), "session": str(session)}:
                drafts.pop(session, None)
                if text:
                    drafts[session] = text
    kept = TypedInputs(tuple(sent[-MOST_SENT:]), dict(list(drafts.items())[-MOST_DRAFTS:]))
    if len(lines) > _MOST_LINES:
        _rewrite(folder, kept)
    return kept


def save_sent(folder: Path, text: str) -> None:
    """Appends an input that was sent. A full or read-only disk is no error here."""
    _append(folder, {"sent": Redactor().text(text)})


def save_draft(folder: Path, session: str, text: str) -> None:
    """Appends the draft of a session; "" for none."""
    _append(folder, {"draft": Redactor().text(text), "session": session})


def delete_drafts(folder: Path, sessions: Collection[str]) -> None:
    """Removes the drafts of sessions that are deleted, also those that were replaced since: the
    file is written without them. A full or read-only disk is no error here.
    """
    try:
        lines = (folder / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    records = [record for line in lines if isinstance(record := _parsed(line), dict)]
    kept = [record for record in records if record.get("session") not in sessions]
    if len(kept) < len(records):
        _replace(folder, kept)


def _parsed(line: str) -> Any:
    with suppress(ValueError):
        return json.loads(line)
    return None


def _append(folder: Path, record: dict[str, str]) -> None:
    with suppress(OSError):
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        _write(folder / NAME, os.O_APPEND, [record])


def _rewrite(folder: Path, kept: TypedInputs) -> None:
    records = [{"sent": text} for text in kept.sent]
    records += [{"draft": text, "session": session} for session, text in kept.drafts.items()]
    _replace(folder, records)


def _replace(folder: Path, records: list[dict[str, str]]) -> None:
    """Writes the file anew, or leaves it as it is."""
    unfinished = folder / f"{NAME}.{os.getpid()}"
    with suppress(OSError):
        _write(unfinished, os.O_TRUNC, records)
        unfinished.replace(folder / NAME)


def _write(path: Path, how: int, records: list[dict[str, str]]) -> None:
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, FILE_MODE)
    with open(descriptor, "wb") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
