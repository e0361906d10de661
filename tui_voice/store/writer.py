"""Writes lines to a file, in order, in a thread of its own; holds what cannot be written yet.

A line counts as saved once a sync after it has succeeded. When a sync fails, the operating system
may drop the data that it could not write and report success the next time, so everything since the
last good sync is written again.
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
"""Seconds between two tries to write to a disk that refused."""
HELD_BYTES = 64 << 20
"""Above this, dispensable lines are dropped; lines that complete a turn are always held."""
UNSYNCED_BYTES = 256 << 10
"""After this many bytes the file is synced even if no line asked for it."""
CHECK_SECONDS = 5.0
"""Seconds after which an idle journal looks whether its file is still there."""

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
    """Why nothing can be written, in a few words: `the disk is full`."""
    if isinstance(error, StoreError):
        return str(error)
    known = _REASONS.get(error.errno or 0)
    return known or (error.strerror or str(error)).lower()


class JournalWriter:
    """A thread that writes lines to one file.

    `attach` opens the file and returns its descriptor and size; it is called again until it
    succeeds. `detach` closes the file at the end. `reattach` is called with the open file, and
    returns the descriptor and size of another one where the file had to be written again, else
    None. `on_trouble` is called in the writer's thread: with the reason when nothing can be saved,
    and with None when all that was held is on disk.
    """

    def __init__(
        self,
        disk: Disk,
        attach: Callable[[], tuple[int, int]],
        detach: Callable[[int], None],
        on_trouble: Callable[[str | None], None],
        retry_seconds: float = RETRY_SECONDS,
        reattach: Callable[[int], tuple[int, int] | None] = lambda _fd: None,
    ) -> None:
        self._disk = disk
        self._reattach = reattach
        self._attach = attach
        self._detach = detach
        self._on_trouble = on_trouble
        self._retry = retry_seconds
        self._queue: deque[tuple[bytes, bool]] = deque()  # each line, and whether to sync after it
        self._held = 0  # bytes in the queue
        self._taken = 0  # bytes of the first line in the queue that are in the file already
        self._unsynced: list[tuple[bytes, bool]] = []  # written since the last good sync
        self._unsynced_bytes = 0
        self._durable = 0  # the size of the file at the last good sync
        self._fd: int | None = None
        self._sync_failed = False
        self._sync_due = False  # a line was written after which the file is to be synced
        self._trouble: str | None = None
        self._wake = threading.Condition()
        self._calls = 0  # how often the thread was woken: by `add`, `sync` and `close`
        self._waiting: list[Future[bool]] = []
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """Opens the file in the calling thread, then starts the writer's thread.

        A disk that refuses is tried again later. Raises `StoreError` if another process has the
        session open.
        """
        self._drain(sync=True, raising=True)
        self._thread.start()

    @property
    def unsaved(self) -> int:
        """How many lines are only in memory, because they cannot be written to the disk."""
        return len(self._queue) + len(self._unsynced) if self._trouble else 0

    @property
    def trouble(self) -> str | None:
        """Why nothing is being saved at the moment; None if all is well."""
        return self._trouble

    def held(self) -> bytes:
        """The lines that are not on disk."""
        return b"".join(line for line, _sync in self._lines_left())

    def add(self, line: bytes, *, sync: bool, dispensable: bool) -> None:
        """Queues a line. `sync`: the file is synced after it. `dispensable`: the line is dropped
        if too much is held already. Raises `StoreError` after `close`.
        """
        with self._wake:
            if self._closing:
                raise StoreError(f"the journal is closed, and this came late: {line[:80]!r}")
            if dispensable and self._held > HELD_BYTES:
                return
            self._queue.append((line, sync))
            self._held += len(line)
            self._wake_thread()

    def sync(self) -> Future[bool]:
        """Done once everything added so far is on disk (True) or held in memory (False)."""
        future: Future[bool] = Future()
        with self._wake:
            if self._closing:
                future.set_result(not self._queue)
                return future
            self._waiting.append(future)
            self._wake_thread()
        return future

    def close(self, timeout: float | None) -> int:
        """Tries a last time to write everything; returns how many lines are not on disk.

        `timeout`: seconds to wait for a disk that does not answer; None: for ever.
        """
        with self._wake:
            self._closing = True
            self._wake_thread()
        self._thread.join(timeout)
        return len(self._lines_left())

    def _lines_left(self) -> list[tuple[bytes, bool]]:
        # After `close`, a thread that is still alive waits for the disk, perhaps in a sync.
        unsynced = self._unsynced if self._thread.is_alive() else []
        return [*unsynced, *self._queue]

    def _wake_thread(self) -> None:
        self._calls += 1
        self._wake.notify()

    def _called_since(self, calls: int) -> bool:
        return self._calls != calls

    def _run(self) -> None:
        seen = 0
        closing = False
        while not closing:
            with self._wake:
                retry = self._retry if self._trouble else CHECK_SECONDS
                self._wake.wait_for(partial(self._called_since, seen), retry)
                seen, closing = self._calls, self._closing
                waiting, self._waiting = self._waiting, []
            saved = self._drain(sync=closing or bool(waiting))
            for future in waiting:
                if future.set_running_or_notify_cancel():  # else the caller cancelled it
                    future.set_result(saved)
        if self._fd is not None:
            self._remove_unsaved(self._fd)
            self._detach(self._fd)

    def _remove_unsaved(self, fd: int) -> None:
        """Cuts the file after its last saved line.

        After it may be a part of a line, or lines that a failed sync may have lost. `held` returns
        all of them.
        """
        with suppress(OSError):  # reading leaves out a part of a line
            if self._sync_failed:
                self._disk.cut(fd, self._durable)
            elif self._taken:
                self._disk.cut(fd, self._disk.size(fd) - self._taken)

    def _drain(self, *, sync: bool, raising: bool = False) -> bool:
        """Writes what is queued; returns whether all of it is in the file, and synced where due.

        `raising`: a `StoreError` of `attach` is raised, not reported as trouble.
        """
        try:
            if self._fd is None:
                self._fd, self._durable = self._attach()
            if self._sync_failed:
                self._disk.cut(self._fd, self._durable)
                self._sync_failed = False
            self._keep_in_place(self._fd)
            while self._queue:
                self._write_first(self._fd)
            if sync or self._sync_due or self._unsynced_bytes > UNSYNCED_BYTES:
                self._sync(self._fd)
                self._keep_in_place(self._fd)  # what was synced may be in a deleted file
        except StoreError as error:
            if raising:
                raise
            self._report(_reason(error))
            return False
        except OSError as error:
            if self._fd is not None:
                with suppress(OSError):  # what was written before the error can still be synced
                    self._sync(self._fd)
            self._report(_reason(error))
            return False
        self._report(None)
        return True

    def _keep_in_place(self, fd: int) -> None:
        """Writes the file again if it was deleted or replaced. Raises `StoreError`, `OSError`."""
        found = self._reattach(fd)
        if found is not None:
            self._fd, self._durable = found
            self._taken = 0
            self._unsynced, self._unsynced_bytes = [], 0

    def _write_first(self, fd: int) -> None:
        """Writes the first line of the queue, from where an earlier try stopped."""
        line, sync = self._queue[0]
        while self._taken < len(line):
            self._taken += self._disk.write(fd, line[self._taken :])
        self._taken = 0
        self._sync_due |= sync
        self._unsynced.append((line, sync))  # first, so that `unsaved` never misses the line
        self._unsynced_bytes += len(line)
        with self._wake:
            self._queue.popleft()
            self._held -= len(line)

    def _sync(self, fd: int) -> None:
        if not self._unsynced:
            return
        try:
            self._disk.sync(fd)
        except OSError:
            with self._wake:
                self._queue.extendleft(reversed(self._unsynced))
                self._held += self._unsynced_bytes
            self._sync_failed = True
            raise
        else:
            self._durable += self._unsynced_bytes
        finally:
            self._sync_due = False
            self._unsynced, self._unsynced_bytes = [], 0

    def _report(self, trouble: str | None) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            with suppress(RuntimeError):  # the listener's event loop may be closed
                self._on_trouble(trouble)
