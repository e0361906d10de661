"""An outage: how often it has been tried to end it, what has been told of it, when to try next."""

from __future__ import annotations

import time

from tui_voice.realtime.close_reasons import CloseReason
from tui_voice.runtime.timeouts import ConnectionTimeouts


class Backoff:
    """From the end of one line to the next that holds. Tries that fail for a reason that was told
    already are not told again: hours without a net would otherwise fill the journal.
    """

    def __init__(self, patience: ConnectionTimeouts) -> None:
        self._patience = patience
        self._attempt = 0
        self._began = time.monotonic()
        self._opened_at: float | None = None
        self._told: set[str] = set()
        self._given_up = False

    @property
    def tells_opening(self) -> bool:
        """Whether a try that begins is news."""
        return not self._told or self._given_up

    @property
    def open_s(self) -> float:
        """How long the next try may take. A net that swallows everything is asked anew soon, since
        what was sent before it came back is only repeated ever more rarely.
        """
        if not self._attempt:
            return self._patience.open
        return min(self._patience.open, self._patience.reopen * 1.5 ** min(self._attempt - 1, 8))

    def opened(self) -> None:
        self._opened_at = time.monotonic()

    def failed(self, end: CloseReason, *, spare: bool) -> tuple[float | None, bool]:
        """After the end of a line, or of a try: seconds until the next (None: not before the user
        does something), and whether it is news. `spare`: another line stands ready.
        """
        now = time.monotonic()
        news = end.reason not in self._told or end.fatal
        if self._opened_at is not None:
            held = now - self._opened_at
            self._opened_at, self._began, news = None, now, True
            self._told.clear()
            if held >= self._patience.proven:
                self._attempt = 0
        delay = self._delay(end, now - self._began, spare=spare)
        self._attempt += 1
        self._told.add(end.reason)
        self._given_up = end.fatal
        return delay, news

    def _delay(self, end: CloseReason, outage: float, *, spare: bool) -> float | None:
        if end.fatal:
            return None
        if spare:
            return 0.0
        told = end.code is not None
        return self._patience.back_off(self._attempt, outage, told=told, cheap=end.cheap)
