"""The journal of one session: an append-only file, each event a line written by one `write`.

`append` returns at once; a thread writes, and syncs the file whenever a turn is complete. A full
or read-only disk never stops a session: what it does not take is held in memory and written later.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Self

from tui_voice.conversation import events as e
from tui_voice.errors import StoreError
from tui_voice.store import codec, rescue
from tui_voice.store.disk import Disk
from tui_voice.store.locking import SessionLock
from tui_voice.store.writer import RETRY_SECONDS, JournalWriter

SUFFIX = ".jsonl"
FINISH_SECONDS = 5.0
"""Seconds that `finish` waits for a disk that does not answer."""

_SYNCED = (
    e.SessionOpened,
    e.SessionRenamed,
    e.PrivacyChanged,
    e.SessionClosed,
    e.TextSubmitted,
    e.TurnPinned,
    e.MemoryEdited,
    e.FactChanged,
    e.SpeechDiscarded,
    e.TranscriptDone,
    e.TranscriptFailed,
    e.ToolCalled,
    e.ToolAnswered,
    e.ResponseDone,
    e.PlaybackInterrupted,
    e.ItemPlaced,
    e.ItemDeleted,
    e.SummaryRequested,
    e.SummaryReady,
    e.SummaryFailed,
    e.WritingBilled,
)
_DISPENSABLE = (e.TranscriptGrew, e.AudioReceived, e.SpeechGrew)
"""Events whose content comes again with a later event, so that they may be dropped."""


def is_synced(event: e.Event) -> bool:
    """Whether the file is synced after this event, so that it survives a power cut.

    That is so if the event completes something that the user said, did or heard.
    """
    return isinstance(event, _SYNCED)


def ignore_trouble(_trouble: str | None) -> None:
    """The `on_trouble` of a caller that looks at `Journal.trouble` instead."""


def ignore_rewriting() -> None:
    """The `on_rewritten` of a caller that need not know."""


class Journal:
    """An open session on disk, which only this process writes. Made by `create` or `open`."""

    def __init__(
        self,
        path: Path,
        attach: Callable[[Journal], tuple[int, int]],
        *,
        first_version: int | None,
        disk: Disk,
        on_trouble: Callable[[str | None], None],
        on_rewritten: Callable[[], None],
        retry_seconds: float,
    ) -> None:
        self.path = path
        self.recovered = 0
        """How many events an earlier run had to save elsewhere; they are in the journal now."""
        self._disk = disk
        self._lock = SessionLock(path)
        self._next_version = first_version  # the version that the next line states, if any
        self._rescued = rescue.Rescued()
        self._on_rewritten = on_rewritten
        self._writer = JournalWriter(
            disk,
            lambda: attach(self),
            self._detach,
            on_trouble,
            retry_seconds,
            reattach=self._reattach,
        )

    @classmethod
    def create(
        cls,
        folder: Path,
        opened: e.SessionOpened,
        *,
        disk: Disk | None = None,
        on_trouble: Callable[[str | None], None] = ignore_trouble,
        on_rewritten: Callable[[], None] = ignore_rewriting,
        retry_seconds: float = RETRY_SECONDS,
    ) -> Self:
        """A new journal, `<folder>/<opened.id>.jsonl`, with `opened` as its first line.

        Raises `StoreError` if the file exists. A disk that refuses is no error: the session begins
        in memory, and `trouble` has the reason. `on_rewritten` is called in the writer's thread
        each time that the file was deleted, moved or replaced, and has been written again.
        """
        journal = cls(
            folder / f"{opened.id}{SUFFIX}",
            Journal._attach_new,
            first_version=None,  # `SessionOpened` has a field for it
            disk=disk or Disk(),
            on_trouble=on_trouble,
            on_rewritten=on_rewritten,
            retry_seconds=retry_seconds,
        )
        journal._writer.add(journal._encoded(opened), sync=True, dispensable=False)
        journal._writer.start()
        return journal

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        disk: Disk | None = None,
        on_trouble: Callable[[str | None], None] = ignore_trouble,
        on_rewritten: Callable[[], None] = ignore_rewriting,
        retry_seconds: float = RETRY_SECONDS,
    ) -> Self:
        """The journal of a saved session, to be resumed: read it, then append `SessionResumed`.

        Events that `finish` of an earlier run saved elsewhere are written to it first. Raises
        `StoreError` if the file does not exist or another process writes it.
        """
        if not path.is_file():
            raise StoreError(
                f"there is no session at {path}", "`tui-voice sessions list` shows those there are"
            )
        journal = cls(
            path,
            Journal._attach_existing,
            first_version=codec.VERSION,
            disk=disk or Disk(),
            on_trouble=on_trouble,
            on_rewritten=on_rewritten,
            retry_seconds=retry_seconds,
        )
        with suppress(OSError):  # the caller reads the same file and reports the error
            journal._rescued = rescue.found(path)
        for line in journal._rescued.lines:
            journal._writer.add(line, sync=True, dispensable=False)
        journal._writer.start()
        if journal.trouble is None:
            journal.recovered = len(journal._rescued.lines)
            journal._rescued.forget()
        return journal

    @property
    def id(self) -> str:
        """The file name without its suffix."""
        return self.path.stem

    @property
    def unsaved(self) -> int:
        """How many events are only in memory, because they cannot be written to the disk."""
        return self._writer.unsaved

    @property
    def trouble(self) -> str | None:
        """Why nothing is being saved at the moment; None if all is well."""
        return self._writer.trouble

    def append(self, event: e.Event) -> None:
        """Queues one event to be written; after an event of `is_synced` the file is synced."""
        self._writer.add(
            self._encoded(event),
            sync=is_synced(event),
            dispensable=isinstance(event, _DISPENSABLE),
        )

    def sync(self) -> Future[bool]:
        """Done once all events so far are on disk (True) or held in memory (False).

        From a coroutine: `await asyncio.wrap_future(journal.sync())`.
        """
        return self._writer.sync()

    def close(self, timeout: float | None = 10.0) -> int:
        """Writes and syncs what is left, and lets other processes write the session.

        Returns how many events could not be saved; `held` has them. `timeout`: seconds to wait for
        a disk that does not answer.
        """
        count = self._writer.close(timeout)
        if not count:
            self._rescued.forget()
        return count

    def held(self) -> bytes:
        """The lines that are not on disk."""
        return self._writer.held()

    def finish(self) -> None:
        """Closes the journal; events that could not be saved are written elsewhere.

        In that case raises `StoreError`, which says where they are and how they come back.
        """
        trouble = self.trouble
        if count := self.close(FINISH_SECONDS):
            why = trouble or self.trouble or "the disk does not answer"
            raise rescue.put_aside(self.path, count, self.held(), why)

    def discard(self) -> None:
        """Deletes the closed journal of a session in which nothing was said."""
        with suppress(OSError):  # it stays in the list, empty
            self.path.unlink(missing_ok=True)

    def _encoded(self, event: e.Event) -> bytes:
        version, self._next_version = self._next_version, None
        return codec.encode(event, version=version)

    def _attach_new(self) -> tuple[int, int]:
        """Creates the file; returns its descriptor and size. Raises `StoreError`, `OSError`."""
        self._disk.make_folder(self.path.parent)
        with self._lock.kept_unless_error():
            try:
                fd = self._disk.create(self.path)
            except FileExistsError as error:
                raise StoreError(f"there is a session {self.id} already") from error
        with suppress(OSError):  # a power cut may lose the name; the file itself is safe
            self._disk.sync_folder(self.path.parent)
        return fd, 0

    def _attach_existing(self) -> tuple[int, int]:
        """Opens the file; returns its descriptor and size. Raises `StoreError`, `OSError`."""
        with self._lock.kept_unless_error():
            fd = self._disk.open(self.path)
            try:
                return fd, self._repair(fd)
            except OSError:
                self._disk.close(fd)
                raise

    def _reattach(self, fd: int) -> tuple[int, int] | None:
        """Writes the journal again if `fd` is no longer the file at its path; else returns None.

        The file may have been deleted, moved away, or replaced by an editor or a backup. What the
        file at the path lacks is appended to it, line by line. Returns its descriptor and size.
        Raises `StoreError`, `OSError`; `fd` then stays open.
        """
        if self._disk.is_at(fd, self.path):
            return None
        self._disk.make_folder(self.path.parent)
        self._lock.renew()
        try:
            new = self._disk.create(self.path)
        except FileExistsError:
            new = self._disk.open(self.path)
        try:
            self._repair(new)
            there = set(self._disk.content(new).splitlines(keepends=True))
            lines = self._disk.content(fd).splitlines(keepends=True)
            # A part of a line at the end is left out: the writer writes that line from its start.
            rest = b"".join(line for line in lines if line not in there and line.endswith(b"\n"))
            while rest:
                rest = rest[self._disk.write(new, rest) :]
            self._disk.sync(new)
            size = self._disk.size(new)
        except OSError:
            self._disk.close(new)
            raise
        with suppress(OSError):
            self._disk.sync_folder(self.path.parent)
        self._disk.close(fd)
        self._on_rewritten()
        return new, size

    def _detach(self, fd: int) -> None:
        self._disk.close(fd)
        self._lock.release()

    def _repair(self, fd: int) -> int:
        """Ends the last line, so that the next one begins on its own; returns the file's size.

        A line that a crash has torn is removed. If nothing but a torn line is in the file, it
        stays, for the user to look at.
        """
        tail, size = self._disk.tail(fd), self._disk.size(fd)
        if not tail:
            return size
        try:
            codec.decode(tail)
        except codec.LineError:
            if len(tail) < size:
                self._disk.cut(fd, size - len(tail))
                return size - len(tail)
        return size + self._disk.write(fd, b"\n")
