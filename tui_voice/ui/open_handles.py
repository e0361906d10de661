"""The sessions that the application has opened, so that each one is closed however it ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from tui_voice.ui.options import ExitSummary

if TYPE_CHECKING:
    from tui_voice.runtime.session_handle import SessionHandle


class OpenHandles:
    """May be called from any thread."""

    def __init__(self, open_handle: Callable[[str | None], SessionHandle]) -> None:
        self._open_handle = open_handle
        self._open: list[SessionHandle] = []
        self._lock = Lock()
        self.last: ExitSummary | None = None
        """The session that was opened last."""

    def open(self, session_id: str | None) -> SessionHandle:
        """Opens a session; None: a new one. Raises `TuiVoiceError`."""
        handle = self._open_handle(session_id)
        with self._lock:
            self._open.append(handle)
            self.last = ExitSummary(handle.id, handle.path)
        return handle

    def close(self, handle: SessionHandle) -> None:
        """Closes a session. Raises what its `close` raises."""
        with self._lock, suppress(ValueError):
            self._open.remove(handle)
        handle.close()

    def close_all(self) -> BaseException | None:
        """Closes every session that is still open. Returns the first error."""
        failure: BaseException | None = None
        while self._open:
            try:
                self.close(self._open[-1])
            except Exception as error:  # noqa: BLE001  # the others must be closed as well
                failure = failure or error
        return failure
