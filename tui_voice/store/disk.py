"""The few calls by which the journal touches the disk, in one object, so that each can fail on
purpose in a test. Everything else in this room reads, or writes what can be made again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
FOLDER_MODE = 0o700
FILE_MODE = 0o600
_BLOCK = 65_536


class Disk:
    """The real disk. All raise `OSError`."""

    def make_folder(self, folder: Path) -> None:
        """The folder, for its owner alone; one that is there already keeps its mode."""
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)

    def create(self, path: Path) -> int:
        """A new file to append to. Raises `FileExistsError`."""
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | _BINARY, FILE_MODE)

    def open(self, path: Path) -> int:
        """A file that is there, to append to."""
        return os.open(path, os.O_RDWR | os.O_APPEND | _BINARY)

    def write(self, fd: int, data: bytes) -> int:
        """Appends; returns how many bytes were taken, perhaps not all."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Returns once what was written would outlive a power cut."""
        if sys.platform == "darwin":  # fsync leaves it in the drive's own memory there
            import fcntl

            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        elif hasattr(os, "fdatasync"):
            os.fdatasync(fd)
        else:
            os.fsync(fd)

    def sync_folder(self, folder: Path) -> None:
        """Makes a new name in the folder outlive a power cut, where folders can be synced."""
        if os.name == "nt":
            return
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def size(self, fd: int) -> int:
        return os.fstat(fd).st_size

    def cut(self, fd: int, size: int) -> None:
        """Everything behind `size` is gone."""
        os.ftruncate(fd, size)

    def tail(self, fd: int) -> bytes:
        """What stands behind the last line break."""
        tail, at = b"", self.size(fd)
        while at and b"\n" not in tail:
            step = min(at, _BLOCK)
            at -= step
            os.lseek(fd, at, os.SEEK_SET)
            tail = os.read(fd, step) + tail
        return tail[tail.rfind(b"\n") + 1 :]

    def close(self, fd: int) -> None:
        os.close(fd)
