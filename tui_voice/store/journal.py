"""One talk, one append-only file: every fact a line, each written by one `write`.

`append` returns at once; a thread writes, and syncs whenever a turn is complete. A full or
read-only disk never stops a talk: what it does not take is held and written when it does.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Self

from tui_voice.conversation import events as e
from tui_voice.errors import StoreError
from tui_voice.store import codec, locking, rescue
from tui_voice.store.disk import Disk
from tui_voice.store.writer import RETRY_SECONDS, Writer

SUFFIX = ".jsonl"
FINISH_SECONDS = 5.0
"""A disk that hangs keeps nobody longer who wants to leave."""

_COMPLETING = (
    e.SessionOpened,
    e.SessionRenamed,
    e.SessionClosed,
    e.TextSubmitted,
    e.TurnPinned,
    e.MemoryEdited,
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
)
_SPARE = (e.TranscriptGrew, e.AudioReceived, e.SpeechGrew)


def completes_turn(event: e.Event) -> bool:
    """Whether something is now whole that must outlive a power cut before the talk goes on."""
    return isinstance(event, _COMPLETING)


def no_listener(_trouble: str | None) -> None:
    """For talks that nobody watches: what could not be saved is told by `close`."""


class Journal:
    """An open talk on disk; this process holds it alone. Use `create` or `open`."""

    def __init__(
        self,
        path: Path,
        attach: Callable[[Journal], tuple[int, int]],
        *,
        version: int | None,
        disk: Disk,
        on_trouble: Callable[[str | None], None],
        retry_seconds: float,
    ) -> None:
        self.path = path
        self.mended = ""
        """What was found torn at the end of the file and taken away, "" for nothing."""
        self.put_back = 0
        """Facts that no disk took when the talk was left, and that are in it again."""
        self._disk = disk
        self._version = version
        self._rescued = rescue.Rescued()
        self._writer = Writer(disk, lambda: attach(self), self._detach, on_trouble, retry_seconds)

    @classmethod
    def create(
        cls,
        directory: Path,
        opened: e.SessionOpened,
        *,
        disk: Disk | None = None,
        on_trouble: Callable[[str | None], None] = no_listener,
        retry_seconds: float = RETRY_SECONDS,
    ) -> Self:
        """A new talk, `<directory>/<opened.id>.jsonl`. Raises `StoreError` if there is one of that
        id. A disk that does not take it is trouble, not an error: the talk begins in memory.
        """
        path = directory / f"{opened.id}{SUFFIX}"
        journal = cls(
            path,
            Journal._attach_new,
            version=None,
            disk=disk or Disk(),
            on_trouble=on_trouble,
            retry_seconds=retry_seconds,
        )
        journal._writer.add(journal._line(opened), due=True, spare=False)
        journal._writer.start()
        return journal

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        disk: Disk | None = None,
        on_trouble: Callable[[str | None], None] = no_listener,
        retry_seconds: float = RETRY_SECONDS,
    ) -> Self:
        """A saved talk, to go on with; read it, then append `SessionResumed`. What `finish` had to
        put elsewhere is in it again. Raises `StoreError` if it is not there or another process
        has it.
        """
        if not path.is_file():
            raise StoreError(
                f"there is no talk at {path}", "`tui-voice sessions list` shows those there are"
            )
        journal = cls(
            path,
            Journal._attach_old,
            version=codec.VERSION,
            disk=disk or Disk(),
            on_trouble=on_trouble,
            retry_seconds=retry_seconds,
        )
        with suppress(OSError):  # it will be read again, and then the user is told
            journal._rescued = rescue.found(path)
        for line in journal._rescued.lines:
            journal._writer.add(line, due=True, spare=False)
        journal._writer.start()
        if journal.trouble is None:
            journal.put_back = len(journal._rescued.lines)
            journal._rescued.forget()
        return journal

    @property
    def id(self) -> str:
        return self.path.stem

    @property
    def unsaved(self) -> int:
        """Facts that are held in memory because the disk does not take them."""
        return self._writer.unsaved

    @property
    def trouble(self) -> str | None:
        """Why nothing is being saved just now; None: all is well."""
        return self._writer.trouble

    def append(self, event: e.Event) -> None:
        """Queues one fact; of `completes_turn` it is also synced as soon as it is written."""
        line = self._line(event)
        self._writer.add(line, due=completes_turn(event), spare=isinstance(event, _SPARE))

    def sync(self) -> Future[bool]:
        """Done once all facts so far are on disk: True; or held in memory for want of it: False.

        From a coroutine: `await asyncio.wrap_future(journal.sync())`.
        """
        return self._writer.sync()

    def close(self, timeout: float | None = 10.0) -> int:
        """Writes and syncs what is left and lets the talk go. Returns how many facts could not be
        saved; `held` has them. `timeout`: seconds that a stuck disk is waited for.
        """
        count = self._writer.close(timeout)
        if not count:
            self._rescued.forget()
        return count

    def held(self) -> bytes:
        """The lines that are not on disk."""
        return self._writer.held()

    def finish(self) -> None:
        """`close`, after which what could not be saved is put elsewhere. Raises `StoreError` that
        tells where, and how it comes back.
        """
        trouble = self.trouble
        if count := self.close(FINISH_SECONDS):
            why = trouble or self.trouble or "the disk does not answer"
            raise rescue.put_aside(self.path, count, self.held(), why)

    def _line(self, event: e.Event) -> bytes:
        version, self._version = self._version, None
        return codec.encode(event, version=version)

    def _attach_new(self) -> tuple[int, int]:
        self._disk.make_folder(self.path.parent)
        try:
            fd = self._disk.create(self.path)
        except FileExistsError as error:
            raise StoreError(f"there is a talk {self.id} already") from error
        self._hold(fd)
        with suppress(OSError):  # the name may not outlive a power cut; the file itself is fine
            self._disk.sync_folder(self.path.parent)
        return fd, 0

    def _attach_old(self) -> tuple[int, int]:
        fd = self._disk.open(self.path)
        self._hold(fd)
        try:
            return fd, self._mend(fd)
        except OSError:
            self._detach(fd)
            raise

    def _hold(self, fd: int) -> None:
        try:
            locking.lock(fd, self.path)
        except StoreError:
            self._disk.close(fd)
            raise
        except OSError:
            pass  # a file system without locks: go on without one

    def _detach(self, fd: int) -> None:
        """After the last line, which the index would miss otherwise (`looking`), and before
        another process can take the talk and leave its own number.
        """
        locking.forget_holder(self.path)
        self._disk.close(fd)

    def _mend(self, fd: int) -> int:
        """A line that a crash tore is taken away, so that the next one begins on its own.
        Returns the size of the file after that.
        """
        tail, size = self._disk.tail(fd), self._disk.size(fd)
        if not tail:
            return size
        try:
            codec.decode(tail)
        except codec.LineError:
            if len(tail) < size:
                self._disk.cut(fd, size - len(tail))
                self.mended = f"the last line was torn ({len(tail)} bytes) and is gone"
                return size - len(tail)
        # Whole but for its end; or all there is, and left to be seen.
        return size + self._disk.write(fd, b"\n")
