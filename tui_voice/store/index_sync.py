"""Brings the search index up to date with a folder of journals.

A journal is read again when its stamp (size and modification time) differs from the stamp in the
index: from its checkpoint if it has one, else whole. Of a journal that was read again, only turns
that are new or different are written to the index.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

from tui_voice.errors import StoreError
from tui_voice.store import rows
from tui_voice.store.journal import SUFFIX
from tui_voice.store.reading import load
from tui_voice.store.rows import FileStamp

_NO_STAMP: FileStamp = (-1, -1)


def synchronise(
    db: sqlite3.Connection,
    folder: Path,
    cache: Path | None,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Takes every change in `folder` into the index; returns whether there was any.

    `stop` is asked before each journal that must be read. Once it says True, the rest is left to
    the next call. A folder that cannot be listed leaves the index as it is.
    """
    try:
        files = journal_stamps(folder)
    except OSError:
        return False
    known = rows.stamps(db)
    if known == files:
        return False
    for name in known.keys() - files.keys():
        with rows.transaction(db):
            rows.remove_session(db, name)
    for name, stamp in files.items():
        if known.get(name) == stamp:
            continue
        if stop():
            break
        try:
            ledger, refused = load(folder / name, cache).ledger, ""
        except StoreError as error:
            ledger, refused = None, str(error)
        with rows.transaction(db):
            rows.store_session(db, name, stamp, ledger, refused)
    return True


def journal_stamps(folder: Path) -> dict[str, FileStamp]:
    """The journals of a folder, each with its stamp; none for a folder that does not exist.

    Empty files are left out: a program killed before it wrote the first line leaves one. What is no
    file, or cannot be looked at, has a stamp, too, so that the list shows its fault. Raises
    `OSError` if the folder cannot be listed.
    """
    found: dict[str, FileStamp] = {}
    beginning = os.path.join(folder, "")  # of each path; joining 1 000 paths one by one takes 1 ms
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return found
    for name in names:
        if not name.endswith(SUFFIX) or name.startswith("."):
            continue
        try:
            # Not `os.scandir`: on Windows its entries show the size at the last closing of a file.
            about = os.stat(beginning + name)
        except FileNotFoundError:
            if os.path.islink(beginning + name):  # else it was deleted a moment ago
                found[name] = _NO_STAMP
            continue
        except OSError:  # such as a link that leads to itself
            found[name] = _NO_STAMP
            continue
        if about.st_size or not stat.S_ISREG(about.st_mode):
            # On Windows `st_ctime_ns` is the time of creation, which does not change.
            found[name] = (about.st_size, max(about.st_mtime_ns, about.st_ctime_ns))
    return found
