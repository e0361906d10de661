"""Reads a journal from the disk: its events, or the ledger that they fold into."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from tui_voice.config import cache_dir
from tui_voice.conversation.events import Event, SessionOpened
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.reducers import fold
from tui_voice.errors import StoreError
from tui_voice.store import checkpoint
from tui_voice.store.parsing import Progress, parse
from tui_voice.store.saved_session import start_time

LARGEST = 2 << 30
"""Bytes. A year of speaking takes less; a larger file is not a session."""
_SUSPICIOUS = 64 << 20
"""Bytes. Of a larger file the first line is looked at before all of it is read into memory."""
_FIRST_LINE = 1 << 20
"""Bytes. No first line is as long: it has the instructions for the model."""
_FIRST_LINES = (b'{"event":"session_opened"', b'{"event":"talk_opened"')
"""How a journal begins, in versions 2 and 1."""


class Reading(NamedTuple):
    """All events of a journal. `notes`: what was wrong with it, a sentence each."""

    events: list[Event]
    notes: tuple[str, ...]


class Loaded(NamedTuple):
    """The ledger of a journal. `notes`: what was wrong with it, a sentence each."""

    ledger: Ledger
    notes: tuple[str, ...]


def read(path: Path) -> Reading:
    """Every event that can be read. Raises `StoreError` if the file is no journal at all."""
    with _opened(path) as file:
        data = file.read()
    progress = Progress()
    events = list(_with_header(path, parse(data, progress), data))
    return Reading(events, (*_header_notes(events[0]), *progress.notes()))


def load(path: Path, cache: Path | None = None) -> Loaded:
    """The ledger of a session, equal to folding `read(path).events`. Raises `StoreError` likewise.

    `cache`: the folder for checkpoints of long journals; by default the platform's cache folder.
    """
    cache = cache or cache_dir()
    with _opened(path) as file:
        known = checkpoint.find(cache, path, file)
        progress = known.progress() if known else Progress()
        ledger = known.restored() if known else Ledger()
        offset = known.offset if known else 0
        lines_before = progress.lines
        file.seek(offset)
        data = file.read()
        events = parse(data, progress)
        ledger = fold(events if known else _with_header(path, events, data), ledger)
        new_lines = progress.lines - lines_before
        if data.endswith(b"\n") and new_lines > checkpoint.WORTH_LINES:
            checkpoint.save(cache, path, file, offset + len(data), ledger, progress)
    return Loaded(ledger, (*_header_notes(ledger.opened), *progress.notes()))


def _with_header(path: Path, events: Iterator[Event], data: bytes) -> Iterator[Event]:
    """The events, with `SessionOpened` first. If that line is lost, one with the file's date."""
    first = next(events, None)
    if first is None and not _begins_like_a_journal(data):
        raise _no_session(path)
    if not isinstance(first, SessionOpened):
        written = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        started = written.isoformat(timespec="seconds")
        yield SessionOpened(id=path.stem, started=started, backend="", model="")
    if first is not None:
        yield first
    yield from events


def _no_session(path: Path) -> StoreError:
    return StoreError(f"{path} is not a saved session", "sessions are .jsonl files of tui-voice")


def _begins_like_a_journal(data: bytes) -> bool:
    """Whether the data is a first line, or the beginning of one that was torn."""
    return any(data[: len(start)] == start[: len(data)] for start in _FIRST_LINES)


def _header_notes(opened: Event | None) -> tuple[str, ...]:
    if isinstance(opened, SessionOpened) and not (opened.backend or opened.model):
        return ("the first line is lost: date, model and instructions are not known any more",)
    if isinstance(opened, SessionOpened) and start_time(opened.started) is None:
        return ("the time at which it began cannot be read, so its turns have no date",)
    return ()


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            kind = "a folder" if stat.S_ISDIR(about.st_mode) else "a pipe or a device"
            raise StoreError(f"{path} is not a file but {kind}", "name the file of a saved session")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not size:
                raise StoreError(f"{path} is empty: nothing was said in this session")
            if size > LARGEST:
                raise StoreError(f"{path} is too large for a session ({size / 1e9:.1f} GB)")
            if size > _SUSPICIOUS and b"\n" not in file.read(_FIRST_LINE):
                raise _no_session(path)
            file.seek(0)
            yield file
    except FileNotFoundError as error:
        raise StoreError(
            f"there is no session at {path}", "`tui-voice sessions list` shows those there are"
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"{path} cannot be read: {reason}") from error
