"""Ensures that one process at a time writes a session.

The lock is on a file of its own beside the journal, `.<session>.pid`, which also holds the number
of the process, so that an error message can name it. The operating system ends the lock with its
process, however that ends. A killed process leaves the file behind; the next one locks it again.

The journal itself is not locked: `filelock` locks byte 0 on Windows, and a locked byte cannot be
read by other processes there, which list and search the session while it is written. For the same
reason the number is written after the first byte.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tui_voice.errors import StoreError

if TYPE_CHECKING:  # it takes 36 ms to import; a command that lists sessions needs no lock
    from filelock import BaseFileLock


def pid_file(journal: Path) -> Path:
    """The file beside a journal that is locked and names the process which writes the journal."""
    journal = journal.resolve()  # a symbolic link leads to the lock of the real file
    return journal.with_name(f".{journal.stem}.pid")


class SessionLock:
    """The right to write one journal, held by this process until `release`."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._lock: BaseFileLock | None = None

    def acquire(self) -> None:
        """Takes the lock. Raises `StoreError` naming the process that holds it.

        Where the file system has no locks, or no room for the file, no lock is taken and the
        session continues: saving it matters more.
        """
        from filelock import FileLock, Timeout

        lock: BaseFileLock = FileLock(
            pid_file(self._journal),
            blocking=False,
            mode=0o600,
            thread_local=False,  # the journal's writer thread may take or release it
            fallback_to_soft=False,  # such a lock would outlive its process
            on_acquired=_write_process_number,
        )
        try:
            lock.acquire()
        except Timeout as error:
            raise self._held_elsewhere() from error
        except OSError:
            return
        self._lock = lock

    def renew(self) -> None:
        """Takes the lock again where its file was deleted. Raises `StoreError` like `acquire`."""
        with suppress(OSError, ValueError):
            if self._lock is not None and _read_process_number(self._journal) == os.getpid():
                return
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        self.acquire()

    def release(self) -> None:
        """Releases the lock and removes its file."""
        if self._lock is None:
            return
        with suppress(OSError):  # Windows removes it after the release
            pid_file(self._journal).unlink(missing_ok=True)
        self._lock.release()
        self._lock = None

    @contextmanager
    def kept_unless_error(self) -> Iterator[None]:
        """Takes the lock for what is done inside and keeps it; an exception releases it."""
        self.acquire()
        try:
            yield
        except BaseException:
            self.release()
            raise

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _held_elsewhere(self) -> StoreError:
        try:
            holder = f"process {_read_process_number(self._journal)}"
        except (OSError, ValueError):
            holder = "another process"
        return StoreError(
            f"the session {self._journal.stem} is open in {holder}",
            "Close it there first, or fork it into a session of its own.",
        )


def _write_process_number(fd: int) -> None:
    with suppress(OSError):  # the lock holds without it
        os.ftruncate(fd, 0)
        os.write(fd, b"\n%d\n" % os.getpid())


def _read_process_number(journal: Path) -> int:
    with pid_file(journal).open("rb", buffering=0) as file:
        file.seek(1)
        return int(file.read(32))
