"""The calls by which a journal touches the disk, in one object, so that tests can make each fail.

Exports, caches and the lines that `rescue` saves elsewhere are written without it.
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
    """The real disk. Every method may raise `OSError`."""

    def make_folder(self, folder: Path) -> None:
        """Creates the folder, for its owner alone; an existing folder keeps its mode."""
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)

    def create(self, path: Path) -> int:
        """Opens a new file to append to. Raises `FileExistsError`."""
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | _BINARY, FILE_MODE)

    def open(self, path: Path) -> int:
        """Opens an existing file to append to."""
        return os.open(path, os.O_RDWR | os.O_APPEND | _BINARY)

    def write(self, fd: int, data: bytes) -> int:
        """Appends; returns how many bytes were written, perhaps not all."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Returns once everything written would survive a power cut."""
        if sys.platform == "darwin":  # fsync leaves the data in the drive's own memory there
            import fcntl

            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        elif hasattr(os, "fdatasync"):
            os.fdatasync(fd)
        else:
            os.fsync(fd)

    def sync_folder(self, folder: Path) -> None:
        """Makes a new name in the folder survive a power cut, where folders can be synced."""
        if os.name == "nt":
            return
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def is_at(self, fd: int, path: Path) -> bool:
        """Whether the open file is still the one at `path`: not deleted, moved or replaced."""
        try:
            return os.path.samestat(os.fstat(fd), os.stat(path))
        except FileNotFoundError:
            return False
        except OSError:  # the folder cannot be read at the moment
            return True

    def content(self, fd: int) -> bytes:
        """All bytes of the file, also of one that has been deleted since it was opened."""
        os.lseek(fd, 0, os.SEEK_SET)
        parts = []
        while part := os.read(fd, _BLOCK):
            parts.append(part)
        return b"".join(parts)

    def size(self, fd: int) -> int:
        """The size of the file in bytes."""
        return os.fstat(fd).st_size

    def cut(self, fd: int, size: int) -> None:
        """Shortens the file to `size` bytes."""
        os.ftruncate(fd, size)

    def tail(self, fd: int) -> bytes:
        """The bytes after the last line break."""
        tail, at = b"", self.size(fd)
        while at and b"\n" not in tail:
            step = min(at, _BLOCK)
            at -= step
            os.lseek(fd, at, os.SEEK_SET)
            tail = os.read(fd, step) + tail
        return tail[tail.rfind(b"\n") + 1 :]

    def close(self, fd: int) -> None:
        os.close(fd)
