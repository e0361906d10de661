"""A real disk whose n-th call fails, or takes only a part, as a test has it."""

from __future__ import annotations

import errno
import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tui_voice.store.disk import Disk


class FaultyDisk(Disk):
    """`fails(call, n)` → errno or None, asked before each n-th call of that name. `gulp`: at most
    so many bytes are taken at once.
    """

    def __init__(
        self, fails: Callable[[str, int], int | None] = lambda _call, _n: None, gulp: int = 1 << 30
    ) -> None:
        self.fails = fails
        self.gulp = gulp
        self.calls: Counter[str] = Counter()

    def _meet(self, call: str) -> None:
        self.calls[call] += 1
        if number := self.fails(call, self.calls[call]):
            raise OSError(number, os.strerror(number))

    def make_folder(self, folder: Path) -> None:
        self._meet("make_folder")
        super().make_folder(folder)

    def create(self, path: Path) -> int:
        self._meet("create")
        return super().create(path)

    def open(self, path: Path) -> int:
        self._meet("open")
        return super().open(path)

    def write(self, fd: int, data: bytes) -> int:
        self._meet("write")
        return super().write(fd, data[: self.gulp])

    def sync(self, fd: int) -> None:
        self._meet("sync")
        super().sync(fd)

    def sync_folder(self, folder: Path) -> None:
        self._meet("sync_folder")
        super().sync_folder(folder)

    def cut(self, fd: int, size: int) -> None:
        self._meet("cut")
        super().cut(fd, size)

    def tail(self, fd: int) -> bytes:
        self._meet("tail")
        return super().tail(fd)


CALLS = ("make_folder", "create", "open", "write", "sync", "sync_folder", "cut", "tail")
FULL = errno.ENOSPC


class Troubles:
    """What `on_trouble` was told, and a way to wait for the next word of it."""

    def __init__(self) -> None:
        self.told: list[str | None] = []
        self._news = threading.Condition()

    def __call__(self, trouble: str | None) -> None:
        with self._news:
            self.told.append(trouble)
            self._news.notify_all()

    def wait_for(self, trouble: str | None) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.told[-1:] == [trouble], 30), self.told
