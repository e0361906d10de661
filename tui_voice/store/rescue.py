"""Saves elsewhere the lines that could not be written to a journal, and finds them again.

The next time that the session is opened, `Journal.open` writes these lines to the journal.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shlex
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tui_voice.config import cache_dir, state_dir
from tui_voice.errors import StoreError
from tui_voice.store.disk import FILE_MODE, FOLDER_MODE

_OPEN_FLAGS = sum(
    getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK")
)
"""Opening a link fails, and opening a pipe does not wait: in a folder that others can write to,
somebody may have put one under this name."""


def put_aside(journal: Path, count: int, lines: bytes, why: str) -> StoreError:
    """Appends the lines that `journal` lacks to the first place that takes them.

    Returns the error that tells the user where they are and how they come back.
    """
    events = f"{count} event{'' if count == 1 else 's'}"
    for place in places(journal):
        try:
            _append(place, lines)
        except OSError:
            continue
        problem = (
            f"the last {events} of this session could not be saved ({why}) and are kept in {place}"
        )
        if journal.exists():
            remedy = f"Make room, then `tui-voice resume {journal.stem}` has them."
        else:
            remedy = f"Make room, then: mv {_quoted(place)} {_quoted(journal)}"
        return StoreError(problem, remedy)
    return StoreError(
        f"the last {events} of the session {journal.stem} could not be saved anywhere: {why}",
        "Make room on the disk before the next session.",
    )


@dataclass(frozen=True, slots=True)
class Rescued:
    """Files with lines that were saved elsewhere. `lines`: those that the journal lacks."""

    places: tuple[Path, ...] = ()
    lines: tuple[bytes, ...] = ()

    def forget(self) -> None:
        """Deletes the files; called once the lines are in the journal and on disk."""
        for place in self.places:
            with suppress(OSError):
                place.unlink(missing_ok=True)


def found(journal: Path) -> Rescued:
    """The lines that were saved elsewhere for this journal.

    Lines that the journal has already are left out, one by one: a program may have been killed
    while it wrote them back. Raises `OSError` if the journal cannot be read.
    """
    waiting = {place: data for place in places(journal) if (data := _read_own(place))}
    if not waiting:
        return Rescued()
    there = set(journal.read_bytes().splitlines()) if journal.exists() else set()
    lines = dict.fromkeys(line for data in waiting.values() for line in data.splitlines())
    return Rescued(tuple(waiting), tuple(line + b"\n" for line in lines if line not in there))


def places(journal: Path) -> Iterator[Path]:
    """The files to try, in order. Folders that a restart empties come last.

    The name contains a digest of the journal's path: sessions of two folders may have the same id.
    """
    digest = hashlib.blake2b(os.fsencode(journal.absolute()), digest_size=6).hexdigest()
    folders = [state_dir(), cache_dir()]
    with suppress(OSError):  # it tries to write, and the disk may be full
        folders.append(Path(tempfile.gettempdir()))
    folders += [Path(p) for p in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm") if p]
    for folder in dict.fromkeys(folders):
        if folder.is_dir() or folder in folders[:2]:
            yield folder / f"tui-voice-unsaved-{journal.stem}-{digest}.jsonl"


def _append(place: Path, lines: bytes) -> None:
    """Appends all of the lines or nothing. Raises `OSError`."""
    place.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _OPEN_FLAGS, FILE_MODE)
    try:
        _refuse_foreign(fd)
        before = os.fstat(fd).st_size
        try:
            view = memoryview(lines)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        except OSError:
            os.ftruncate(fd, before)
            if not before:
                place.unlink()
            raise
    finally:
        os.close(fd)


def _refuse_foreign(fd: int) -> None:
    """Raises `OSError` if another user may have made the file, or can read it."""
    about = os.fstat(fd)
    foreign = os.name == "posix" and (about.st_uid != os.geteuid() or about.st_mode & 0o077)
    if foreign or not stat.S_ISREG(about.st_mode):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _read_own(place: Path) -> bytes:
    """The content of the file; b"" if there is none, or another user may have made it."""
    try:
        fd = os.open(place, os.O_RDONLY | _OPEN_FLAGS)
    except OSError:
        return b""
    try:
        _refuse_foreign(fd)
        with open(fd, "rb", closefd=False) as file:
            return file.read()
    except OSError:
        return b""
    finally:
        os.close(fd)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
