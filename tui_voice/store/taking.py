"""What changed in a folder of journals → into the tables; of each talk only what is new."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tui_voice.conversation.ledger import Ledger
from tui_voice.errors import StoreError
from tui_voice.store import looking, rows
from tui_voice.store.reading import load


def take_in(
    db: sqlite3.Connection, folder: Path, cache: Path | None, *, quick: bool = False
) -> bool:
    """Whether there was anything new. `quick`: see `looking`."""
    if quick and (before := rows.last_look(db)) is not None:
        files = looking.glance(folder, *before)
        if files is not None:
            known = {name: rows.print_of(db, name) for name in before[1]}
            return _take(db, folder, cache, known, files)
    try:
        found = looking.look(folder)
    except OSError:  # cannot be looked into just now: what is known stays
        return False
    new = _take(db, folder, cache, rows.prints(db), found.files)
    if rows.last_look(db) != found[1:]:
        with rows.step(db):
            rows.note_look(db, found.changed, found.open)
    return new


def _take(
    db: sqlite3.Connection,
    folder: Path,
    cache: Path | None,
    known: dict[str, looking.Print | None],
    files: dict[str, looking.Print],
) -> bool:
    """`known`: the same files as the tables have them."""
    if known == files:
        return False
    for name in known.keys() - files.keys():
        with rows.step(db):
            rows.forget(db, name)
    for name, print_ in files.items():
        if known.get(name) == print_:
            continue
        try:
            ledger: Ledger | None = load(folder / name, cache).ledger
            refused = ""
        except StoreError as error:
            ledger, refused = None, str(error)
        with rows.step(db):
            rows.learn(db, name, print_, ledger, refused)
    return True
