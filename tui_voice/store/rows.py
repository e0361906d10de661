"""Tables of the search index: a row for each session, a row for each turn with text, and the words.

A turn's words are indexed as written, and its stems where they differ from the words, in the
language of its session. `stems` counts the turns that have each stem; under "" it counts all turns.

A turn's row number (`place`) is its time in ms × `SLOTS`, plus a number for turns of the same ms.
So the rows of all sessions are in order of time, and SQLite finds the newest hits without sorting.
Example: the second turn at 1 000 ms has the place 1 000 × 1 024 + 1.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn
from tui_voice.languages.statements import language_code
from tui_voice.store.saved_session import SavedSession, saved_session_of
from tui_voice.store.stems import Stemmed

FileStamp = tuple[int, int]
"""Size in bytes; time of the last change, of content or permissions, in ns. A journal with the same
stamp has not changed."""

SCHEMA = 7
"""Number of the table layout. An index with another number is deleted and made again."""

_TABLES = """
CREATE TABLE sessions (
    file INTEGER PRIMARY KEY, name BLOB UNIQUE, size INTEGER, changed INTEGER, refused TEXT,
    id TEXT, title TEXT, started TEXT, last REAL, seconds REAL, turns INTEGER, model TEXT,
    backend TEXT, usd REAL, parent TEXT, held_with TEXT, private INTEGER,
    profile TEXT,
    language TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE turns (
    place INTEGER PRIMARY KEY, file INTEGER, turn TEXT, role TEXT, at REAL, text TEXT
) STRICT;
CREATE INDEX turns_of_file ON turns (file);
CREATE VIRTUAL TABLE words USING fts5 (
    text, stems, content='', columnsize=0, prefix='2 3',
    tokenize='unicode61 remove_diacritics 2'
);
CREATE TABLE stems (stem TEXT PRIMARY KEY, turns INTEGER) STRICT, WITHOUT ROWID;
"""

LANGUAGE_CHARACTERS = 50
"""Characters of the first turns of a session from which its language is detected."""
SLOTS = 1_024
"""How many turns can have the same ms."""
_LATEST_MS = 1 << 52
"""Unix ms. A later time is damaged; this one replaces it, so that the row number fits 64 bits."""
SESSION_COLUMNS = tuple(
    field.name for field in fields(SavedSession) if field.name not in ("path", "fault")
)
"""Columns of the table `sessions` with the values of a `SavedSession`, in its order."""


def create(db: sqlite3.Connection) -> None:
    """Makes the tables in an empty database."""
    for statement in _TABLES.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version={SCHEMA}")


def schema(db: sqlite3.Connection) -> int:
    """The number of the table layout in this database; 0 for an empty one."""
    number: int = db.execute("PRAGMA user_version").fetchone()[0]
    return number


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commits everything that is done inside, or nothing if an exception is raised."""
    db.execute("BEGIN IMMEDIATE")
    with db:  # commits, or rolls back
        yield


def stamps(db: sqlite3.Connection) -> dict[str, FileStamp]:
    """By file name: the stamp that each journal had when it was last read into the index."""
    rows = db.execute("SELECT name, size, changed FROM sessions")
    return {os.fsdecode(name): (size, changed) for name, size, changed in rows}


def storable(text: str) -> str:
    """The text with an escape for each byte of a file name that is not UTF-8, such as `\\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()


def copied_ids(db: sqlite3.Connection) -> frozenset[str]:
    """The ids that several journals of the folder have in their first lines."""
    rows = db.execute("SELECT id FROM sessions WHERE refused = '' GROUP BY id HAVING count(*) > 1")
    return frozenset(session for (session,) in rows)


def remove_session(db: sqlite3.Connection, name: str) -> None:
    """Deletes the session of this file name, with its turns."""
    key = (os.fsencode(name),)
    found = db.execute("SELECT file, language FROM sessions WHERE name = ?", key).fetchall()
    for file, language in found:
        counts: Counter[str] = Counter()
        for place, _role, text in _known_turns(db, file).values():
            _remove_turn(db, place, Stemmed(text, language), counts)
        _count_stems(db, counts)
    db.execute("DELETE FROM sessions WHERE name = ?", key)


def store_session(
    db: sqlite3.Connection, name: str, stamp: FileStamp, ledger: Ledger | None, refused: str
) -> None:
    """Writes a session as it is now. Turns that are in the index already are not written again.

    `ledger` None: the journal cannot be read, and `refused` is the reason.
    """
    key = (os.fsencode(name),)
    db.execute("INSERT OR IGNORE INTO sessions (name) VALUES (?)", key)
    file: int
    before: str
    found = db.execute("SELECT file, language FROM sessions WHERE name = ?", key).fetchone()
    file, before = found
    session = saved_session_of(ledger, Path(name)) if ledger else None
    turns = {turn.id: turn for turn in ledger.turns if turn.text} if ledger else {}
    known = _known_turns(db, file)
    language = before or _language_of(turns.values())
    counts: Counter[str] = Counter()
    for turn_id, (place, role, text) in tuple(known.items()):
        turn = turns.get(turn_id)
        if turn is None or (turn.role, turn.text) != (role, text) or language != before:
            _remove_turn(db, place, Stemmed(text, before), counts)
            del known[turn_id]
    start = session.start_seconds if session else 0.0
    for turn in turns.values():
        if turn.id not in known:
            _add_turn(db, file, start, turn, Stemmed(turn.text, language), counts)
    _count_stems(db, counts)
    row: dict[str, str | float] = {
        "language": language,
        "size": stamp[0],
        "changed": stamp[1],
        "refused": storable(refused),
    }
    if session:
        values = {column: getattr(session, column) for column in SESSION_COLUMNS}
        row |= values | {"id": storable(session.id)}
    assignments = ", ".join(f"{column} = :{column}" for column in row)
    db.execute(f"UPDATE sessions SET {assignments} WHERE file = :file", row | {"file": file})


def _known_turns(db: sqlite3.Connection, file: int) -> dict[str, tuple[int, str, str]]:
    """Place, role and text of each turn of a session that is in the index, by turn id."""
    rows = db.execute("SELECT turn, place, role, text FROM turns WHERE file = ?", (file,))
    return {turn: (place, role, text) for turn, place, role, text in rows}


def _language_of(turns: Iterable[Turn]) -> str:
    """ISO 639-1 code of the language of the first turns; "" if they say too little to tell."""
    text = ""
    for turn in turns:
        if turn.role in ("user", "assistant"):
            text += f"{turn.text} "
        if len(text) >= LANGUAGE_CHARACTERS:
            return language_code(text)
    return ""


def _count_stems(db: sqlite3.Connection, counts: Mapping[str, int]) -> None:
    """Adds to the numbers of turns that have each stem."""
    db.executemany(
        "INSERT INTO stems VALUES (?, ?) ON CONFLICT DO UPDATE SET turns = turns + excluded.turns",
        counts.items(),
    )


def _add_turn(
    db: sqlite3.Connection,
    file: int,
    start_seconds: float,
    turn: Turn,
    stemmed: Stemmed,
    counts: Counter[str],
) -> None:
    """`start_seconds`: Unix seconds of the session's beginning."""
    counts.update(("", *stemmed.all))
    place = _free_place(db, int(min(max(0.0, (start_seconds + turn.at) * 1000), _LATEST_MS)))
    db.execute(
        "INSERT INTO turns (place, file, turn, role, at, text) VALUES (?, ?, ?, ?, ?, ?)",
        (place, file, turn.id, turn.role, turn.at, turn.text),
    )
    db.execute(
        "INSERT INTO words (rowid, text, stems) VALUES (?, ?, ?)",
        (place, stemmed.words, stemmed.stems),
    )


def _free_place(db: sqlite3.Connection, ms: int) -> int:
    """The first free row number at this time, or at the next ms that has one."""
    while True:
        first, last = ms * SLOTS, (ms + 1) * SLOTS - 1
        taken: int | None = db.execute(
            "SELECT max(place) FROM turns WHERE place BETWEEN ? AND ?", (first, last)
        ).fetchone()[0]
        if taken is None:
            return first
        if taken < last:
            return taken + 1
        ms += 1  # all places are taken, as in a session whose times were lost


def _remove_turn(
    db: sqlite3.Connection, place: int, stemmed: Stemmed, counts: Counter[str]
) -> None:
    counts.subtract(("", *stemmed.all))
    db.execute(
        "INSERT INTO words (words, rowid, text, stems) VALUES ('delete', ?, ?, ?)",
        (place, stemmed.words, stemmed.stems),
    )
    db.execute("DELETE FROM turns WHERE place = ?", (place,))
