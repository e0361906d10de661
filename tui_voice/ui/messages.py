"""The messages that widgets, screens and threads send to the application."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.pruning_rows import PruningRow

if TYPE_CHECKING:
    from tui_voice.conversation.conversation import Snapshot
    from tui_voice.runtime.session_handle import SessionHandle


class NoticeDismissed(Message):
    """The user has read the notice above the prompt."""


class PruningRequested(Message):
    """The user wants to read the details of one row of the pruning log."""

    def __init__(self, row: PruningRow) -> None:
        super().__init__()
        self.row = row


class SnapshotArrived(Message):
    """The mailbox holds a snapshot that has not been drawn. Sent from the session's thread."""

    bubble = False

    def __init__(self, mailbox: SnapshotMailbox) -> None:
        super().__init__()
        self.mailbox = mailbox


class SessionReady(Message):
    """A session is open; `first` is its first snapshot. Sent from a worker thread."""

    def __init__(self, handle: SessionHandle, mailbox: SnapshotMailbox, first: Snapshot) -> None:
        super().__init__()
        self.handle = handle
        self.mailbox = mailbox
        self.first = first


class SessionOpeningFailed(Message):
    """No session could be opened. Sent from a worker thread."""

    def __init__(self, error: TuiVoiceError) -> None:
        super().__init__()
        self.error = error


class SnapshotMailbox:
    """Holds the newest snapshot until it is taken; a newer one replaces it."""

    def __init__(self, wake: Callable[[SnapshotMailbox], object]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._newest: Snapshot | None = None

    def put(self, snapshot: Snapshot) -> None:
        """Stores a snapshot, from any thread. Calls `wake` once, however many snapshots come
        before the next `take`.
        """
        with self._lock:
            waiting, self._newest = self._newest is not None, snapshot
        if not waiting:
            self._wake(self)

    def take(self) -> Snapshot | None:
        """Returns the newest snapshot, or None where it has been taken already."""
        with self._lock:
            newest, self._newest = self._newest, None
        return newest
