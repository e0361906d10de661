"""When to try again after a connection was lost, and which failures to report."""

from __future__ import annotations

import time

from tui_voice.protocol.close_reason import CloseReason
from tui_voice.runtime.timeouts import ConnectionTimeouts


class Backoff:
    """Follows the attempts of one session to connect.

    A failure whose reason was reported before is not reported again during the same outage: a
    night without a network would otherwise fill the journal.
    """

    def __init__(self, timeouts: ConnectionTimeouts) -> None:
        self._timeouts = timeouts
        self._attempt = 0
        self._outage_began = time.monotonic()
        self._opened_at: float | None = None
        self._reported: set[str] = set()  # reasons, during this outage
        self._gave_up = False

    @property
    def reports_opening(self) -> bool:
        """Whether the next attempt is to be reported when it begins."""
        return not self._reported or self._gave_up

    @property
    def open_timeout_s(self) -> float:
        """Seconds that the next attempt may take.

        It is short at first. An attempt that was begun before the network came back repeats its
        packets less and less often, so a new attempt is faster.
        """
        if not self._attempt:
            return self._timeouts.open_s
        growth: float = 1.5 ** min(self._attempt - 1, 8)
        return min(self._timeouts.open_s, self._timeouts.reopen_s * growth)

    def opened(self) -> None:
        """Records that an attempt succeeded."""
        self._opened_at = time.monotonic()

    def failed(self, reason: CloseReason, *, has_spare: bool) -> tuple[float | None, bool]:
        """Records that a connection, or an attempt, ended.

        Returns the seconds until the next attempt (None: not before the user does something) and
        whether the failure is to be reported. `has_spare`: another connection is open already.
        """
        now = time.monotonic()
        report = reason.reason not in self._reported or reason.fatal
        if self._opened_at is not None:  # an open connection was lost: a new outage begins
            lasted_s = now - self._opened_at
            self._opened_at, self._outage_began, report = None, now, True
            self._reported.clear()
            if lasted_s >= self._timeouts.stable_s:
                self._attempt = 0
        delay_s = self._delay_s(reason, now - self._outage_began, has_spare=has_spare)
        self._attempt += 1
        self._reported.add(reason.reason)
        self._gave_up = reason.fatal
        return delay_s, report

    def _delay_s(self, reason: CloseReason, outage_s: float, *, has_spare: bool) -> float | None:
        if reason.fatal:
            return None
        if has_spare:
            return 0.0
        answered = reason.code is not None
        return self._timeouts.retry_delay_s(
            self._attempt, outage_s, answered=answered, cheap=reason.cheap
        )
