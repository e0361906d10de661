"""How long a connection waits, and for what."""

from __future__ import annotations

import random
from dataclasses import dataclass

_jitter = random.Random()  # of its own: no other code sees its state change


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTimeouts:
    """The timeouts and delays of a connection, in seconds."""

    open_s: float = 15.0
    """Seconds until an attempt to open the transport is given up."""
    configure_s: float = 15.0
    """Seconds in which the server must acknowledge our configuration."""
    ping_s: float = 15.0
    """Seconds between two pings, and until a server that did not answer a ping counts as lost."""
    reopen_s: float = 4.0
    """Seconds until the first attempt after a loss is given up. Later attempts may take longer, at
    most `open_s`."""
    sleep_check_s: float = 2.0
    """Seconds between two checks whether this machine was asleep."""
    alive_s: float = 3.0
    """Seconds in which the server must answer a ping after this machine was asleep."""
    first_retry_s: float = 0.25
    """Seconds before the first new attempt; each later delay is twice as long."""
    max_retry_s: float = 15.0
    """The longest delay before a new attempt, in seconds."""
    stable_s: float = 30.0
    """After a connection of at least so many seconds, delays begin at `first_retry_s` again."""
    probation_s: float = 1.0
    """After two connections that ended soon, the next one must last so many seconds before it is
    used: the history is not sent to a server that ends each connection at once."""
    most_short_connections: int = 10
    """Number of connections in a row that may end within `stable_s`, without a completed reply.
    After that, only the user begins another attempt."""
    handover_s: float = 300.0
    """Seconds before the end of a server session at which its replacement is opened."""

    def retry_delay_s(
        self, attempt: int, outage_s: float, *, answered: bool, cheap: bool = False
    ) -> float:
        """Returns the delay before attempt number `attempt` (0 is the first).

        It doubles each time, and it is random between half and all of that value, so that many
        clients do not come back at the same time. `outage_s`: seconds since the connection was
        lost. `answered`: a server answered the last attempt; it may be overloaded or restarting, so
        the delay grows up to `max_retry_s`. Without an answer the network is down, and attempts are
        made about once a second at first, every 3 s after 60 s, every 15 s after 5 min. `cheap`:
        attempts do not leave this machine, so they are made once a second for ten minutes, and at
        least every 5 s after that.
        """
        if answered:
            most = self.max_retry_s
        elif cheap:
            most = min(5.0, max(1.0, outage_s / 600))
        else:
            most = max(1.0, outage_s / 20)
        delay = min(self.max_retry_s, most, self.first_retry_s * 2.0 ** min(attempt, 16))
        return delay * (0.5 + _jitter.random() / 2)
