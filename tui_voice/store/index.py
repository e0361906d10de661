"""What the journals of a folder hold, as tables: one row a talk, one a turn, and the words.

It lives in the cache folder and can be made again from the journals at any time: a database that
is damaged, or of another make, is deleted; where none can be written, one in memory does.
"""

from __future__ import annotations

import hashlib
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tui_voice.config import cache_dir
from tui_voice.conversation.ledger import Ledger
from tui_voice.errors import StoreError
from tui_voice.store import rows
from tui_voice.store.journal import SUFFIX
from tui_voice.store.reading import load

T = TypeVar("T")
PATIENCE = 5.0
"""Seconds that another process is waited for, which is at the index, too."""


_looked: dict[Path, float] = {}
"""When this process looked through the journals last, by database."""


def ask(
    folder: Path,
    question: Callable[[sqlite3.Connection], T],
    cache: Path | None = None,
    *,
    stale: float = 0.0,
) -> T:
    """The answer to `question`, put to tables that are up to date with the journals of `folder`,
    or were so many seconds ago. Raises `StoreError` where not even new tables in memory answer.
    """
    place = database(folder, cache)
    for where in (place, place, None):
        try:
            with closing(_connect(where)) as db:
                if time.monotonic() - _looked.get(place, -math.inf) >= stale or _empty(db):
                    _refresh(db, folder, cache)
                    _looked[place] = time.monotonic()
                return question(db)
        except sqlite3.DatabaseError as error:
            if where is not None and getattr(error, "sqlite_errorcode", 0) not in _TRANSIENT:
                discard(folder, cache)
            reason = str(error)
    raise StoreError(f"the saved talks cannot be searched: {reason}")


def database(folder: Path, cache: Path | None = None) -> Path:
    """Where the tables of this folder are kept."""
    name = hashlib.blake2b(os.fsencode(folder.absolute()), digest_size=8).hexdigest()
    return (cache or cache_dir()) / f"talks-{name}.sqlite"


def discard(folder: Path, cache: Path | None = None) -> None:
    """Deletes the tables; the next question makes them anew."""
    place = database(folder, cache)
    for tail in ("", "-wal", "-shm"):
        with suppress(OSError):
            place.with_name(place.name + tail).unlink(missing_ok=True)


_TRANSIENT = frozenset(
    (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN)
)
"""What says nothing against the file: another process is at it, or the disk does not take it."""


def _connect(place: Path | None) -> sqlite3.Connection:
    if place is not None:
        with suppress(OSError):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(place, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(place or ":memory:", timeout=PATIENCE, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        made = _version(db)
        if made != rows.MAKE:
            with _step(db):
                if _version(db) == 0:  # nobody was faster
                    rows.create(db)
        if _version(db) != rows.MAKE:
            raise sqlite3.DatabaseError(f"tables of make {made}")
    except BaseException:
        db.close()
        raise
    return db


def _empty(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM talks LIMIT 1").fetchone() is None


def _refresh(db: sqlite3.Connection, folder: Path, cache: Path | None) -> None:
    """Takes in what changed since the last time: by size and time of each file."""
    known = {
        name: (size, changed)
        for name, size, changed in db.execute("SELECT name, size, changed FROM talks")
    }
    try:
        found = _journals(folder)
    except FileNotFoundError:
        found = {}
    except OSError:  # cannot be looked into just now: what is known stays
        return
    for name in known.keys() - found.keys():
        with _step(db):
            rows.forget(db, name)
    for name, print_ in found.items():
        if known.get(name) == print_:
            continue
        try:
            ledger: Ledger | None = load(folder / name, cache).ledger
            refused = ""
        except StoreError as error:
            ledger, refused = None, str(error)
        with _step(db):
            rows.learn(db, name, print_, ledger, refused)


def _journals(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each, by name."""
    found: dict[str, tuple[int, int]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX) and not entry.name.startswith("."):
                with suppress(FileNotFoundError):  # deleted just now
                    about = entry.stat()
                    if about.st_size:  # else a talk that was killed before its first word
                        found[entry.name] = (about.st_size, about.st_mtime_ns)
    return found


def _version(db: sqlite3.Connection) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


@contextmanager
def _step(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, and no other process in between."""
    db.execute("BEGIN IMMEDIATE")
    with db:  # commits, or rolls back
        yield
