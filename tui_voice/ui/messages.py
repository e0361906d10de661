"""The few messages that come from outside Textual's own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message

from tui_voice.errors import TuiVoiceError

if TYPE_CHECKING:
    from tui_voice.conversation.conversation import Snapshot
    from tui_voice.conversation.events import Event
    from tui_voice.runtime.session_handle import SessionHandle


class SnapshotWaits(Message):
    """There is something in the mailbox."""

    bubble = False

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__()
        self.mailbox = mailbox


class Posted(Message):
    """The user did something to the talk."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class Wanted(Message):
    """Something beyond the talk: `export`, `focus`, `memory` (`detail`: whether to edit it),
    `pruning` (`detail`: which), `put away`: the notice.
    """

    def __init__(self, what: str, detail: object = None) -> None:
        super().__init__()
        self.what = what
        self.detail = detail


class DoorOpened(Message):
    """A talk has been opened; `first` is how it stands."""

    def __init__(self, door: SessionHandle, mailbox: Mailbox, first: Snapshot) -> None:
        super().__init__()
        self.door = door
        self.mailbox = mailbox
        self.first = first


class DoorFailed(Message):
    """No talk could be opened."""

    def __init__(self, error: TuiVoiceError) -> None:
        super().__init__()
        self.error = error


class Mailbox:
    """Holds the newest snapshot until it is read; one that was not read yet is replaced."""

    def __init__(self, wake: Callable[[Mailbox], object]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._newest: Snapshot | None = None

    def put(self, snapshot: Snapshot) -> None:
        """From any thread. Wakes the reader once for however many come before it reads."""
        with self._lock:
            waiting, self._newest = self._newest is not None, snapshot
        if not waiting:
            self._wake(self)

    def take(self) -> Snapshot | None:
        with self._lock:
            newest, self._newest = self._newest, None
        return newest
