"""When to try again after a connection was lost, and which failures to report."""

from __future__ import annotations

import time
from typing import NamedTuple

from tui_voice.protocol.close_reason import CloseReason
from tui_voice.runtime.timeouts import ConnectionTimeouts

GAVE_UP = "Talk or type to try again."


class NextAttempt(NamedTuple):
    """What follows the end of a connection, or of an attempt."""

    delay_s: float | None
    """Seconds until the next attempt; None: not before the user does something."""
    report: bool
    """Whether the failure is to be reported."""
    hint: str
    """What the user can do."""


class Backoff:
    """Follows the attempts of one session to connect.

    A connection that ends soon after it was opened, and on which no reply was completed, counts as
    a failed attempt: the delays grow. After `ConnectionTimeouts.most_short_connections` of them in
    a row only the user begins the next attempt, since each one sends the history, and may ask for a
    reply, which costs money.

    A failure whose reason was reported before is not reported again during the same outage: a
    night without a network would otherwise fill the journal.
    """

    def __init__(self, timeouts: ConnectionTimeouts) -> None:
        self._timeouts = timeouts
        self._attempt = 0
        self._short_connections = 0
        self._outage_began = time.monotonic()
        self._opened_at: float | None = None
        self._useful = False
        self._reported: set[str] = set()  # reasons, during this outage
        self._gave_up = False

    @property
    def reports_opening(self) -> bool:
        """Whether the next attempt is to be reported when it begins."""
        return not self._reported or self._gave_up

    @property
    def probation_s(self) -> float:
        """Seconds for which the next connection must last before it is used. It is 0 until two
        connections in a row have ended soon.
        """
        return self._timeouts.probation_s if self._short_connections >= 2 else 0.0

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
        self._opened_at, self._useful = time.monotonic(), False

    def reply_completed(self) -> None:
        """Records that the connection has served a reply, so its end is no failed attempt."""
        self._useful = True

    def released(self) -> None:
        """Records that we closed the connection, which is no failed attempt."""
        self._useful = True

    def failed(self, reason: CloseReason, *, has_spare: bool) -> NextAttempt:
        """Records that a connection, or an attempt, ended. `has_spare`: another connection is open
        already.
        """
        now = time.monotonic()
        report = reason.reason not in self._reported or reason.fatal
        was_open = self._opened_at is not None
        if self._opened_at is not None:  # an open connection was lost: a new outage begins
            self._count(now - self._opened_at)
            self._opened_at, self._outage_began, report = None, now, True
            self._reported.clear()
        given_up = self._short_connections >= self._timeouts.most_short_connections
        if reason.fatal or given_up:
            delay_s = None
        elif has_spare:
            delay_s = 0.0
        else:
            answered = was_open or reason.answered
            delay_s = self._timeouts.retry_delay_s(
                self._attempt, now - self._outage_began, answered=answered, cheap=reason.cheap
            )
            delay_s = max(delay_s, reason.retry_after_s or 0.0)
        self._attempt += 1
        self._reported.add(reason.reason)
        self._gave_up = delay_s is None
        if given_up:
            self._short_connections = 0  # the user may try as often again
        hint = reason.hint or (GAVE_UP if given_up else "")
        return NextAttempt(delay_s, report, hint)

    def _count(self, lasted_s: float) -> None:
        """Counts an open connection as a failed attempt, unless it lasted or was of use."""
        if lasted_s >= self._timeouts.stable_s or self._useful:
            self._attempt = self._short_connections = 0
        else:
            self._short_connections += 1
