"""A deletion that the user may still undo: until it is finished, nothing has happened to the files.

So nothing can be lost, however the process ends and however full the disk is. Meanwhile the session
is locked: no process resumes a session that is about to go.
"""

from __future__ import annotations

from pathlib import Path

from tui_voice.errors import StoreError
from tui_voice.store import catalog
from tui_voice.store.locking import SessionLock


class PendingDeletion:
    """One session that was deleted on the screen. Call `undo` or `finish`, once."""

    def __init__(self, path: Path, title: str) -> None:
        """`path`: the journal. Raises `StoreError` while a process has the session open, or if
        there is none.
        """
        if not path.is_file():
            raise StoreError(f"there is no session at {path}", "it has been deleted already")
        self.path = path
        self.title = title
        self._lock = SessionLock(path)
        self._lock.acquire()

    def undo(self) -> None:
        """The session is as it was."""
        self._lock.release()

    def finish(self) -> None:
        """Moves the session, its sound and its draft away, as `catalog.delete` does. Raises
        `StoreError`; the session is then still there.
        """
        try:
            catalog.delete_locked(self.path)
        finally:
            self._lock.release()
