"""Lines to a file, in order, from a thread of its own; what cannot be written yet is held.

A line counts as saved once the sync after it came back. When a sync fails, the system may have
thrown away what it could not write and calls it clean, so everything since the last good sync is
written anew.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from tui_voice.errors import StoreError
from tui_voice.store.disk import Disk

RETRY_SECONDS = 2.0
HELD_BYTES = 64 << 20
"""From here on lines that can be spared are no longer held; completed turns always are."""
UNSYNCED_BYTES = 256 << 10
"""So much may be written before a sync is due even if nobody asked for one."""

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EEXIST: "its folder is a file",
    errno.ENOTDIR: "its folder is a file",
    errno.EACCES: "writing is not allowed there",
    errno.EPERM: "writing is not allowed there",
}


def _reason(error: OSError | StoreError) -> str:
    if isinstance(error, StoreError):
        return str(error)
    known = _REASONS.get(error.errno or 0)
    return known or (error.strerror or str(error)).lower()


class Writer:
    """`attach` opens the file, as often as it must be tried: its descriptor and size; `detach`
    closes it, when all is over. `on_trouble` is told, in the writer's thread, why nothing is being
    saved, and None when all that was held is on disk.
    """

    def __init__(
        self,
        disk: Disk,
        attach: Callable[[], tuple[int, int]],
        detach: Callable[[int], None],
        on_trouble: Callable[[str | None], None],
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._disk = disk
        self._attach = attach
        self._detach = detach
        self._on_trouble = on_trouble
        self._retry = retry_seconds
        self._queue: deque[tuple[bytes, bool]] = deque()  # lines; whether each is to be synced
        self._held = 0  # bytes in the queue
        self._taken = 0  # bytes of the first line in the queue that are in the file already
        self._unsynced: list[tuple[bytes, bool]] = []
        self._unsynced_bytes = 0
        self._durable = 0  # the size of the file at the last good sync
        self._fd: int | None = None
        self._dirty = False  # the last sync failed
        self._due = False  # something was written that is to be synced
        self._trouble: str | None = None
        self._wake = threading.Condition()
        self._kicks = 0
        self._waiting: list[Future[bool]] = []
        self._closing = False
        self.spared = 0
        """Lines that were not held because too much was."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """Opens the file, here and now; a disk that refuses is tried again later. Raises
        `StoreError` when another process holds the talk.
        """
        self._drain(due=True, raising=True)
        self._thread.start()

    @property
    def unsaved(self) -> int:
        """Lines that are held in memory because the disk does not take them."""
        return len(self._queue) if self._trouble else 0

    @property
    def trouble(self) -> str | None:
        return self._trouble

    def held(self) -> bytes:
        """What is not on disk, to be put elsewhere when all is over."""
        return b"".join(line for line, _due in self._lines_left())

    def add(self, line: bytes, *, due: bool, spare: bool) -> None:
        """`due`: to be synced at once. `spare`: may be left out when memory runs short."""
        with self._wake:
            if self._closing:
                raise StoreError(f"the journal is closed, and this came late: {line[:80]!r}")
            if spare and self._held > HELD_BYTES:
                self.spared += 1
                return
            self._queue.append((line, due))
            self._held += len(line)
            self._kick()

    def sync(self) -> Future[bool]:
        """Done once everything added so far is on disk: True; or is held in memory: False."""
        future: Future[bool] = Future()
        with self._wake:
            if self._closing:
                future.set_result(not self._queue)
                return future
            self._waiting.append(future)
            self._kick()
        return future

    def close(self, timeout: float | None) -> int:
        """One last try, for which a disk that hangs is waited for so many seconds. Returns how
        many lines are not on disk.
        """
        with self._wake:
            self._closing = True
            self._kick()
        self._thread.join(timeout)
        return len(self._lines_left())

    def _lines_left(self) -> list[tuple[bytes, bool]]:
        unsynced = self._unsynced if self._thread.is_alive() else []  # it hangs, perhaps in a sync
        return [*unsynced, *self._queue]

    def _kick(self) -> None:
        self._kicks += 1
        self._wake.notify()

    def _kicked_since(self, kicks: int) -> bool:
        return self._kicks != kicks

    def _run(self) -> None:
        seen = 0
        closing = False
        while not closing:
            with self._wake:
                retry = self._retry if self._trouble else None
                self._wake.wait_for(partial(self._kicked_since, seen), retry)
                seen, closing = self._kicks, self._closing
                waiting, self._waiting = self._waiting, []
            saved = self._drain(due=closing or bool(waiting))
            for future in waiting:
                if future.set_running_or_notify_cancel():  # else nobody waits any more
                    future.set_result(saved)
        if self._fd is not None:
            self._end_whole(self._fd)
            self._detach(self._fd)

    def _end_whole(self, fd: int) -> None:
        """No part of a line that is held, nor one that a sync may have lost, stays in the file."""
        with suppress(OSError):  # then reading leaves out the part of a line
            if self._dirty:
                self._disk.cut(fd, self._durable)
            elif self._taken:
                self._disk.cut(fd, self._disk.size(fd) - self._taken)

    def _drain(self, *, due: bool, raising: bool = False) -> bool:
        """Writes what is queued; True if all of it is in the file, synced where that was due."""
        try:
            if self._fd is None:
                self._fd, self._durable = self._attach()
            if self._dirty:
                self._disk.cut(self._fd, self._durable)
                self._dirty = False
            while self._queue:
                self._put(self._fd)
            if due or self._due or self._unsynced_bytes > UNSYNCED_BYTES:
                self._sync(self._fd)
        except StoreError as error:
            if raising:
                raise
            self._tell(_reason(error))
            return False
        except OSError as error:
            if self._fd is not None:
                with suppress(OSError):  # what was written before may be synced all the same
                    self._sync(self._fd)
            self._tell(_reason(error))
            return False
        self._tell(None)
        return True

    def _put(self, fd: int) -> None:
        line, due = self._queue[0]
        while self._taken < len(line):
            self._taken += self._disk.write(fd, line[self._taken :])
        with self._wake:
            self._queue.popleft()
            self._held -= len(line)
        self._taken = 0
        self._due |= due
        self._unsynced.append((line, due))
        self._unsynced_bytes += len(line)

    def _sync(self, fd: int) -> None:
        if not self._unsynced:
            return
        try:
            self._disk.sync(fd)
        except OSError:
            with self._wake:
                self._queue.extendleft(reversed(self._unsynced))
                self._held += self._unsynced_bytes
            self._dirty = True
            raise
        else:
            self._durable += self._unsynced_bytes
        finally:
            self._due = False
            self._unsynced, self._unsynced_bytes = [], 0

    def _tell(self, trouble: str | None) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            with suppress(RuntimeError):  # who listened is gone, as a loop that is closed
                self._on_trouble(trouble)
