"""A real disk of which chosen calls fail, and a listener for the trouble that follows."""

from __future__ import annotations

import errno
import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tui_voice.store.disk import Disk


class FaultyDisk(Disk):
    """A real disk of which chosen calls fail.

    `fails(call, n)` returns the errno with which the n-th call of that name fails, or None.
    `most_bytes`: how many bytes one write takes at most.
    """

    def __init__(
        self,
        fails: Callable[[str, int], int | None] = lambda _call, _n: None,
        most_bytes: int = 1 << 30,
    ) -> None:
        self.fails = fails
        self.most_bytes = most_bytes
        self.calls: Counter[str] = Counter()

    def _count(self, call: str) -> None:
        self.calls[call] += 1
        if number := self.fails(call, self.calls[call]):
            raise OSError(number, os.strerror(number))

    def make_folder(self, folder: Path) -> None:
        self._count("make_folder")
        super().make_folder(folder)

    def create(self, path: Path) -> int:
        self._count("create")
        return super().create(path)

    def open(self, path: Path) -> int:
        self._count("open")
        return super().open(path)

    def write(self, fd: int, data: bytes) -> int:
        self._count("write")
        return super().write(fd, data[: self.most_bytes])

    def sync(self, fd: int) -> None:
        self._count("sync")
        super().sync(fd)

    def sync_folder(self, folder: Path) -> None:
        self._count("sync_folder")
        super().sync_folder(folder)

    def cut(self, fd: int, size: int) -> None:
        self._count("cut")
        super().cut(fd, size)

    def tail(self, fd: int) -> bytes:
        self._count("tail")
        return super().tail(fd)


CALLS = ("make_folder", "create", "open", "write", "sync", "sync_folder", "cut", "tail")
FULL = errno.ENOSPC


class Troubles:
    """An `on_trouble` listener: keeps what it was called with, and waits for a value."""

    def __init__(self) -> None:
        self.reported: list[str | None] = []
        self._changed = threading.Condition()

    def __call__(self, trouble: str | None) -> None:
        with self._changed:
            self.reported.append(trouble)
            self._changed.notify_all()

    def wait_for(self, trouble: str | None) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.reported[-1:] == [trouble], 30), (
                self.reported
            )
