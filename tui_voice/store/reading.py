"""A journal from the disk: its facts, or at once what they add up to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from tui_voice.config import cache_dir
from tui_voice.conversation.events import Event, SessionOpened
from tui_voice.conversation.folding import fold
from tui_voice.conversation.ledger import Ledger
from tui_voice.errors import StoreError
from tui_voice.store import checkpoint
from tui_voice.store.parsing import Progress, stream

LARGEST = 2 << 30
"""Bytes. A talk of a year of speaking is smaller; a larger file is no talk."""
_HEAD = b'{"event":"session_opened"'


class Reading(NamedTuple):
    """All facts of a journal. `notes`: what was wrong with it, a sentence each."""

    events: list[Event]
    notes: tuple[str, ...]


class Loaded(NamedTuple):
    """What a journal adds up to. `notes`: what was wrong with it, a sentence each."""

    ledger: Ledger
    notes: tuple[str, ...]


def read(path: Path) -> Reading:
    """Every fact that can be read. Raises `StoreError` where the file is no talk at all."""
    with _opened(path) as file:
        data = file.read()
    progress = Progress()
    events = list(_headed(path, stream(data, progress), data))
    return Reading(events, (*_headless(events[0]), *progress.notes()))


def load(path: Path, cache: Path | None = None) -> Loaded:
    """The ledger of a talk; equal to folding `read(path).events`. Raises `StoreError` likewise.

    `cache`: the folder in which long talks leave what they add up to, so that the next reading
    takes up there; by default the platform's.
    """
    cache = cache or cache_dir()
    with _opened(path) as file:
        known = checkpoint.find(cache, path, file)
        progress = known.progress() if known else Progress()
        ledger = known.restored() if known else Ledger()
        offset = known.offset if known else 0
        seen = progress.lines
        file.seek(offset)
        data = file.read()
        worded = (turn.id for turn in ledger.turns if turn.text)
        events = stream(data, progress, lean_for=worded)
        ledger = fold(events if known else _headed(path, events, data), ledger)
        whole = data.endswith(b"\n")
        if whole and progress.lines - seen > checkpoint.WORTH_LINES:
            checkpoint.keep(cache, path, file, offset + len(data), ledger, progress)
    return Loaded(ledger, (*_headless(ledger.opened), *progress.notes()))


def _headed(path: Path, events: Iterator[Event], data: bytes) -> Iterator[Event]:
    """The events with their header. A talk whose first line is lost gets one made of its file."""
    first = next(events, None)
    if first is None and data[: len(_HEAD)] != _HEAD[: len(data)]:
        raise StoreError(f"{path} is not a saved talk", "talks are .jsonl files of tui-voice")
    if not isinstance(first, SessionOpened):
        written = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        started = written.isoformat(timespec="seconds")
        yield SessionOpened(id=path.stem, started=started, backend="", model="")
    if first is not None:
        yield first
    yield from events


def _headless(opened: Event | None) -> tuple[str, ...]:
    if isinstance(opened, SessionOpened) and not (opened.backend or opened.model):
        return ("the first line is lost: date, model and instructions are not known any more",)
    return ()


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        if path.exists() and not path.is_file():
            raise StoreError(f"{path} is no file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not size:
                raise StoreError(f"{path} is empty: nothing was said in this talk")
            if size > LARGEST:
                raise StoreError(f"{path} is too large for a talk ({size / 1e9:.1f} GB)")
            yield file
    except FileNotFoundError as error:
        raise StoreError(
            f"there is no talk at {path}", "`tui-voice sessions list` shows those there are"
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"{path} cannot be read: {reason}") from error
