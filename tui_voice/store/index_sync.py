"""What changed in a folder of journals → into the tables; of each talk only what is new."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path

from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn
from tui_voice.errors import StoreError
from tui_voice.store import folder_scan, rows
from tui_voice.store.following import follow
from tui_voice.store.reading import load


def take_in(
    db: sqlite3.Connection,
    folder: Path,
    cache: Path | None,
    *,
    quick: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Whether there was anything new. `quick`: see `looking`. `stop`: asked before each talk; what
    is left then is taken in the next time.
    """
    if quick and (before := rows.last_look(db)) is not None:
        files = folder_scan.glance(folder, *before)
        if files is not None:
            known = {name: print_ for name in before[1] if (print_ := rows.print_of(db, name))}
            return _take(db, folder, cache, known, files, before[1], stop) is not None
    try:
        found = folder_scan.look(folder)
    except OSError:  # cannot be looked into just now: what is known stays
        return False
    whole = _take(db, folder, cache, rows.prints(db), found.files, found.open, stop)
    if whole is not False and rows.last_look(db) != found[1:]:
        with rows.step(db):
            rows.note_look(db, found.changed, found.open)
    return whole is not None


def _take(
    db: sqlite3.Connection,
    folder: Path,
    cache: Path | None,
    known: dict[str, folder_scan.FileStamp],
    files: dict[str, folder_scan.FileStamp],
    held: Collection[str],
    stop: Callable[[], bool],
) -> bool | None:
    """`known`: the same files as the tables have them. `held`: those that stand open. None: there
    was nothing new; else whether all of it was taken in.
    """
    if known == files:
        return None
    for name in known.keys() - files.keys():
        with rows.step(db):
            rows.forget(db, name)
    for name, print_ in files.items():
        if known.get(name) == print_:
            continue
        if stop():
            return False
        ledger: Ledger | None
        touched: dict[str, Turn | None] | None
        try:
            if name in held:
                ledger, touched = follow(folder / name, print_, known.get(name), cache)
            else:
                ledger, touched = load(folder / name, cache).ledger, None
            refused = ""
        except StoreError as error:
            ledger, touched, refused = None, None, str(error)
        with rows.step(db):
            rows.learn(db, name, print_, ledger, refused, touched)
    return True
