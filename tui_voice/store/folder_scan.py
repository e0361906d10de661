"""Which journals of a folder may have changed since the tables were made.

A full look asks the system about every file. A quick one asks about the folder and about the talks
that stand open: whoever writes a talk leaves its number beside the journal (`locking`), so that
the folder's own time changes whenever a talk is begun, opened, closed, renamed or deleted, and
between two such moments only open talks grow. What the quick look misses is a file that another
program changes in place; a full look now and then finds it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tui_voice.store.journal import SUFFIX
from tui_voice.store.locking import PID_SUFFIX

SETTLED_NS = 2_000_000_000
"""A folder that was changed less long ago may change again and still show the same time: clocks
of file systems tick in steps, the coarsest (FAT) every 2 s."""
UNSETTLED = -1

FileStamp = tuple[int, int]
"""Size and time of a file: whether it is as it was."""


class Full(NamedTuple):
    """All journals there are."""

    files: dict[str, FileStamp]
    """By name; without empty ones: talks that were killed before their first word."""
    changed: int
    """The folder's time, ns; `UNSETTLED` where it does not tell enough."""
    open: tuple[str, ...]
    """Names of the journals that some process writes, or was killed writing."""


def look(folder: Path) -> Full:
    """Raises `OSError` where the folder cannot be looked into, but for one that is not there."""
    files: dict[str, FileStamp] = {}
    held: list[str] = []
    stat = os.stat
    try:
        changed = stat(folder).st_mtime_ns  # before the names: what comes meanwhile is newer
        with _beginning(folder) as (fd, beginning):
            for name in os.listdir(folder):
                if name.endswith(SUFFIX) and name[0] != ".":
                    try:
                        about = stat(beginning + name, dir_fd=fd)
                    except FileNotFoundError:  # deleted just now
                        continue
                    if about.st_size:
                        files[name] = (about.st_size, about.st_mtime_ns)
                elif name.endswith(PID_SUFFIX):
                    held.append(name[1 : -len(PID_SUFFIX)] + SUFFIX)
    except FileNotFoundError:
        return Full({}, UNSETTLED, ())
    if time.time_ns() - changed < SETTLED_NS:
        changed = UNSETTLED
    return Full(files, changed, tuple(sorted(held)))


@contextmanager
def _beginning(folder: Path) -> Iterator[tuple[int | None, str]]:
    """How paths of files in a folder begin, and from where. Where the folder itself can be held
    open they are short, which saves a third of the time.
    """
    if os.stat not in os.supports_dir_fd:  # pragma: no cover  (Windows)
        yield None, f"{folder}{os.sep}"
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        yield fd, ""
    finally:
        os.close(fd)


def glance(folder: Path, changed: int, held: tuple[str, ...]) -> dict[str, FileStamp] | None:
    """Of the journals that stood open at the last full look, those that have words, as they are
    now. None: the folder itself has changed since, so that all must be looked at.
    """
    files: dict[str, FileStamp] = {}
    try:
        if os.stat(folder).st_mtime_ns != changed:
            return None
        for name in held:
            with suppress(FileNotFoundError):  # whoever wrote it was killed, and it was deleted
                about = os.stat(folder / name)
                if about.st_size:
                    files[name] = (about.st_size, about.st_mtime_ns)
    except OSError:
        return None
    return files
