"""What a disk did not take until the talk was left: kept elsewhere, and put back later."""

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

_OPEN = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"))
"""In a folder of everybody's there may be anything of that name: a link, a pipe."""


def put_aside(journal: Path, count: int, lines: bytes, why: str) -> StoreError:
    """Writes the lines that `journal` has not to the first place that takes them. Returns what
    the user is to be told. Never overwrites what waits there already.
    """
    facts = f"{count} fact{'' if count == 1 else 's'}"
    for place in _places(journal):
        try:
            _append(place, lines)
        except OSError:
            continue
        said = f"the last {facts} of this talk could not be saved ({why}) and are kept in {place}"
        if journal.exists():
            return StoreError(said, f"Make room, then `tui-voice resume {journal.stem}` has them.")
        return StoreError(said, f"Make room, then: mv {_quoted(place)} {_quoted(journal)}")
    return StoreError(
        f"the last {facts} of the talk {journal.stem} could not be saved anywhere: {why}",
        "Make room on the disk before the next talk.",
    )


@dataclass(frozen=True, slots=True)
class Rescued:
    """What was put aside. `lines`: those that the journal has not."""

    places: tuple[Path, ...] = ()
    lines: tuple[bytes, ...] = ()

    def forget(self) -> None:
        """They are in the journal, and on disk."""
        for place in self.places:
            with suppress(OSError):
                place.unlink(missing_ok=True)


def found(journal: Path) -> Rescued:
    """What waits for this journal. Line by line, since whoever put it back may have been killed
    before it was done, or have put it aside once more. Raises `OSError` of the journal.
    """
    waiting = {place: data for place in _places(journal) if (data := _ours(place))}
    if not waiting:
        return Rescued()
    there = set(journal.read_bytes().splitlines()) if journal.exists() else set()
    lines = dict.fromkeys(line for data in waiting.values() for line in data.splitlines())
    return Rescued(tuple(waiting), tuple(line + b"\n" for line in lines if line not in there))


def _places(journal: Path) -> Iterator[Path]:
    """From those that last to those that a restart empties. The folder of the user's own comes
    first; nothing but the name says whose talk it is, so it has the journal's place in it.
    """
    mark = hashlib.blake2b(os.fsencode(journal.absolute()), digest_size=6).hexdigest()
    folders = [state_dir(), cache_dir()]
    with suppress(OSError):  # a full disk: it tries to write
        folders.append(Path(tempfile.gettempdir()))
    folders += [Path(p) for p in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm") if p]
    for folder in dict.fromkeys(folders):
        if folder.is_dir() or folder in folders[:2]:
            yield folder / f"tui-voice-unsaved-{journal.stem}-{mark}.jsonl"


def _append(place: Path, lines: bytes) -> None:
    """All of it or nothing; raises `OSError`."""
    place.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _OPEN, FILE_MODE)
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
    """Raises `OSError` for a file that somebody else can have left there, or can read."""
    about = os.fstat(fd)
    foreign = os.name == "posix" and (about.st_uid != os.geteuid() or about.st_mode & 0o077)
    if foreign or not stat.S_ISREG(about.st_mode):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _ours(place: Path) -> bytes:
    """What the file has; b"" where there is none, or it may not be ours."""
    try:
        fd = os.open(place, os.O_RDONLY | _OPEN)
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
