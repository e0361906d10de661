"""What the journals of a folder hold, as tables: one row a talk, one a turn, and the words.

It lives in the cache folder and can be made again from the journals at any time: a database that
is damaged, or of another make, is deleted; where none can be written, one in memory does.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar

from tui_voice.config import cache_dir
from tui_voice.errors import StoreError
from tui_voice.store import rows
from tui_voice.store.index_sync import take_in

T = TypeVar("T")
PATIENCE = 5.0
"""Seconds that another process is waited for, which is at the index, too."""

QUICK_SECONDS = 0.1
"""A question that must not wait is answered after so long from what has been taken in by then."""

_busy: dict[Path, Lock] = defaultdict(Lock)
"""Held, by database, while a thread of this process takes in what changed."""


def ask(
    folder: Path,
    question: Callable[[sqlite3.Connection], T],
    cache: Path | None = None,
    *,
    quick: bool = False,
) -> T:
    """The answer to `question`, put to tables that are up to date with the journals of `folder`.
    `quick`: with all that tui-voice itself wrote (`looking`), but without waiting for anybody who
    is at the tables just now, nor for much that is new: `catch_up` takes in the rest. Raises
    `StoreError` where not even new tables in memory answer.
    """
    place = database(folder, cache)
    for where in (place, place, None):
        try:
            with closing(_connect(where)) as db:
                _update(db, folder, cache, quick=quick)
                return question(db)
        except sqlite3.DatabaseError as error:
            if where is not None and not _transient(error):
                discard(folder, cache)
            reason = str(error)
    raise StoreError(f"the saved talks cannot be searched: {reason}")


def catch_up(
    folder: Path, cache: Path | None = None, stop: Callable[[], bool] = lambda: False
) -> bool:
    """Looks at every journal, however long it takes; `stop` is asked before each that has changed.
    Whether there was anything new; False, too, where the tables cannot be written just now.
    """
    place = database(folder, cache)
    try:
        with _busy[place], closing(_connect(place)) as db:
            return take_in(db, folder, cache, stop=stop)
    except sqlite3.DatabaseError:  # the next question deals with it
        return False


def database(folder: Path, cache: Path | None = None) -> Path:
    """Where the tables of this folder are kept."""
    name = hashlib.blake2b(os.fsencode(folder.absolute()), digest_size=8).hexdigest()
    return (cache or cache_dir()) / f"talks-{name}.sqlite"


def discard(folder: Path, cache: Path | None = None) -> None:
    """Deletes the tables; the next question makes them anew."""
    place = database(folder, cache)
    _keep_open(None)
    for tail in ("", "-wal", "-shm"):
        with suppress(OSError):
            place.with_name(place.name + tail).unlink(missing_ok=True)


def _update(db: sqlite3.Connection, folder: Path, cache: Path | None, *, quick: bool) -> None:
    busy = _busy[database(folder, cache)]
    if not quick:
        with busy:
            take_in(db, folder, cache)
    elif busy.acquire(blocking=False):  # else another thread is at it
        until = time.monotonic() + QUICK_SECONDS
        try:
            db.execute("PRAGMA busy_timeout=0")
            take_in(db, folder, cache, quick=True, stop=lambda: time.monotonic() > until)
        except sqlite3.DatabaseError as error:
            if not _transient(error):
                raise
        finally:
            busy.release()


_TRANSIENT = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    )
)
"""What says nothing against the file: another process is at it, or the disk does not take it."""


def _transient(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _TRANSIENT


_kept: tuple[Path, sqlite3.Connection] | None = None
"""A connection that nobody uses. While there is one, the closing of another need not bring the
whole database up to date on the disk, which takes longer than a search."""
_keeping = Lock()


def _keep_open(place: Path | None) -> None:
    global _kept
    with _keeping:
        if _kept is None or _kept[0] != place:
            if _kept is not None:
                _kept[1].close()
            _kept = None
            if place is not None:
                kept = sqlite3.connect(place, check_same_thread=False)
                _kept = (place, kept)
                kept.execute("PRAGMA user_version")


atexit.register(_keep_open, None)


def _connect(place: Path | None) -> sqlite3.Connection:
    if place is not None:
        with suppress(OSError):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # One that is there is not opened: to close it would end the locks of this process.
            os.close(os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    db = sqlite3.connect(place or ":memory:", timeout=PATIENCE, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        made = rows.version(db)
        if made != rows.MAKE:
            with rows.step(db):
                if rows.version(db) == 0:  # nobody was faster
                    rows.create(db)
        if rows.version(db) != rows.MAKE:
            raise sqlite3.DatabaseError(f"tables of make {made}")
        if place is not None:
            _keep_open(place)
    except BaseException:
        db.close()
        raise
    return db
