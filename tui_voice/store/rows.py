"""A talk as rows: one for the talk, one for each turn with words, and the words themselves."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn
from tui_voice.store.saved_session import saved_session_of

MAKE = 2
"""Changes whenever the tables, or what is put into them, do."""

_TABLES = """
CREATE TABLE talks (
    file INTEGER PRIMARY KEY, name TEXT UNIQUE, size INTEGER, changed INTEGER, refused TEXT,
    id TEXT, title TEXT, started TEXT, last REAL, seconds REAL, turns INTEGER, model TEXT,
    backend TEXT, usd REAL, parent TEXT
) STRICT;
CREATE TABLE turns (
    place INTEGER PRIMARY KEY, file INTEGER, turn TEXT, role TEXT, at REAL, text TEXT
) STRICT;
CREATE INDEX turns_of_file ON turns (file, turn);
CREATE INDEX turns_of_role ON turns (role, place);
CREATE TABLE looks (changed INTEGER, held TEXT) STRICT;
CREATE VIRTUAL TABLE words USING fts5 (
    text, role, content='', prefix='1 2 3 4 5 6', tokenize='unicode61 remove_diacritics 2'
);
"""

SLOTS = 1_024
"""Turns that may share a millisecond: a place is its time × this, so that the newest come last."""
_LATEST = 1 << 52
_OF_A_TALK = (
    "id",
    "title",
    "started",
    "last",
    "seconds",
    "turns",
    "model",
    "backend",
    "usd",
    "parent",
)

_UNSPACED = re.compile(
    "([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)


def spaced(text: str) -> str:
    """Scripts that write no blanks between words get them: each character is a word of its own."""
    return _UNSPACED.sub(r" \1 ", text)


def unspaced(character: str) -> bool:
    return _UNSPACED.match(character) is not None


def create(db: sqlite3.Connection) -> None:
    for statement in _TABLES.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version={MAKE}")


def version(db: sqlite3.Connection) -> int:
    made: int = db.execute("PRAGMA user_version").fetchone()[0]
    return made


@contextmanager
def step(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, and no other process in between."""
    db.execute("BEGIN IMMEDIATE")
    with db:  # commits, or rolls back
        yield


def prints(db: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Size and time of each journal as it was taken in, by name."""
    return {
        name: (size, changed)
        for name, size, changed in db.execute("SELECT name, size, changed FROM talks")
    }


def print_of(db: sqlite3.Connection, name: str) -> tuple[int, int] | None:
    """The same of one journal; None: not taken in."""
    print_: tuple[int, int] | None = db.execute(
        "SELECT size, changed FROM talks WHERE name = ?", (name,)
    ).fetchone()
    return print_


def last_look(db: sqlite3.Connection) -> tuple[int, tuple[str, ...]] | None:
    """The folder's time, ns, and the journals that stood open, at the last look at all of them."""
    row = db.execute("SELECT changed, held FROM looks").fetchone()
    return (row[0], tuple(json.loads(row[1]))) if row else None


def note_look(db: sqlite3.Connection, changed: int, held: tuple[str, ...]) -> None:
    db.execute("DELETE FROM looks")
    db.execute("INSERT INTO looks VALUES (?, ?)", (changed, json.dumps(held)))


def forget(db: sqlite3.Connection, name: str) -> None:
    """The talk is gone, with its turns."""
    turns = "SELECT place, role, text FROM turns JOIN talks USING (file) WHERE name = ?"
    _drop(db, db.execute(turns, (name,)))
    db.execute("DELETE FROM talks WHERE name = ?", (name,))


def learn(
    db: sqlite3.Connection,
    name: str,
    print_: tuple[int, int],
    ledger: Ledger | None,
    refused: str,
    touched: Mapping[str, Turn | None] | None = None,
) -> None:
    """Takes in a talk as it is now; of its turns only those that are new or changed.

    `print_`: size and time of the file. `ledger` None: it cannot be read, `refused` says why.
    `touched`: the only turns that can be new, changed or gone (None), where that is known.
    """
    db.execute("INSERT OR IGNORE INTO talks (name) VALUES (?)", (name,))
    file: int = db.execute("SELECT file FROM talks WHERE name = ?", (name,)).fetchone()[0]
    talk = saved_session_of(ledger, Path(name)) if ledger else None
    begun = talk.begun if talk else 0.0
    rows = "SELECT turn, place, role, text FROM turns WHERE file = ?"
    if touched is None:
        found = db.execute(rows, (file,)).fetchall()
        turns = list(ledger.turns) if ledger else []
    else:
        found = [
            row for turn in touched for row in db.execute(f"{rows} AND turn = ?", (file, turn))
        ]
        turns = [turn for turn in touched.values() if turn]
    known = {turn: (place, role, text) for turn, place, role, text in found}
    now = {turn.id: turn for turn in turns if turn.text}
    _drop(
        db,
        (
            row
            for turn_id, row in known.items()
            if turn_id not in now or (now[turn_id].role, now[turn_id].text) != row[1:]
        ),
    )
    for turn in now.values():
        if known.get(turn.id, ("",))[1:] != (turn.role, turn.text):
            _add(db, file, begun, turn)
    row: dict[str, str | float] = {"size": print_[0], "changed": print_[1], "refused": refused}
    row |= {column: getattr(talk, column) for column in _OF_A_TALK} if talk else {}
    names = ", ".join(f"{column} = :{column}" for column in row)
    db.execute(f"UPDATE talks SET {names} WHERE file = :file", row | {"file": file})


def _add(db: sqlite3.Connection, file: int, begun: float, turn: Turn) -> None:
    moment = int(min(max(0.0, (begun + turn.at) * 1000), _LATEST)) * SLOTS
    while (last := _last_place(db, moment)) == moment + SLOTS - 1:
        moment += SLOTS  # all taken, as when a talk has lost its times
    place = moment if last is None else last + 1
    db.execute(
        "INSERT INTO turns (place, file, turn, role, at, text) VALUES (?, ?, ?, ?, ?, ?)",
        (place, file, turn.id, turn.role, turn.at, turn.text),
    )
    db.execute(
        "INSERT INTO words (rowid, text, role) VALUES (?, ?, ?)",
        (place, spaced(turn.text), turn.role),
    )


def _last_place(db: sqlite3.Connection, moment: int) -> int | None:
    place: int | None = db.execute(
        "SELECT max(place) FROM turns WHERE place BETWEEN ? AND ?", (moment, moment + SLOTS - 1)
    ).fetchone()[0]
    return place


def _drop(db: sqlite3.Connection, turns: Iterable[tuple[int, str, str]]) -> None:
    for place, role, text in list(turns):
        db.execute(
            "INSERT INTO words (words, rowid, text, role) VALUES ('delete', ?, ?, ?)",
            (place, spaced(text), role),
        )
        db.execute("DELETE FROM turns WHERE place = ?", (place,))
