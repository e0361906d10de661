"""One process writes a talk at a time. The lock dies with its process, whatever kills it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from tui_voice.errors import StoreError

_FAR = 1 << 40
"""Where Windows locks a byte: beyond the end of any talk, since it locks readers out as well."""


PID_SUFFIX = ".pid"


def pid_file(path: Path) -> Path:
    """Beside the journal: the number of the process that holds it. A word for people, and for the
    index: it knows by it which talks grow, and by its coming and going that one was opened.
    """
    return path.with_name(f".{path.stem}{PID_SUFFIX}")


def lock(fd: int, path: Path) -> None:
    """Holds the journal for this process until `fd` is closed. Raises `StoreError` with the
    process that has it, `OSError` where the file system knows no locks.
    """
    try:
        _try(fd)
    except (BlockingIOError, PermissionError) as error:
        raise _taken(path) from error
    with suppress(OSError):  # the lock holds without it
        pid_file(path).write_text(f"{os.getpid()}\n")


def forget_holder(path: Path) -> None:
    """Takes the process number away; the lock itself goes with the closing of the file."""
    with suppress(OSError):
        pid_file(path).unlink(missing_ok=True)


def refuse_if_held(path: Path) -> None:
    """Raises `StoreError` when some process writes this talk just now, or nobody can tell."""
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"{path} cannot be opened: {reason}") from error
    try:
        _try(fd)
    except (BlockingIOError, PermissionError) as error:
        raise _taken(path) from error
    except OSError:
        pass  # a file system without locks
    finally:
        os.close(fd)


def _taken(path: Path) -> StoreError:
    try:
        holder = f"process {int(pid_file(path).read_text())}"
    except (OSError, ValueError):
        holder = "another process"
    return StoreError(
        f"the talk {path.stem} is open in {holder}",
        "close it there first, or fork it into a talk of its own",
    )


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _try(fd: int) -> None:
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
