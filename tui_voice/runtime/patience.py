"""How long a line waits, and for what."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tui_voice.realtime.link import OPEN_TIMEOUT_S, PING_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds, all of them."""

    open: float = OPEN_TIMEOUT_S
    configure: float = 15.0
    """Until the server has said that it is as we asked."""
    ping: float = PING_S
    first: float = 0.25
    longest: float = 15.0
    proven: float = 30.0
    """A line that held so long was a good one: trying again begins anew after it."""
    rollover: float = 300.0
    """A server session is left so long before its own end, at the first silence."""

    def back_off(self, attempt: int, outage: float, *, told: bool) -> float:
        """Before try number `attempt` (0 is the first): doubling, with jitter on the upper half,
        so that many clients do not come back at once. `outage`: since the line broke. `told`:
        whether a server answered; one that is busy is left alone for longer than a net that is
        gone, which is looked for about once a second at first and then ever more rarely.
        """
        most = self.longest if told else min(self.longest, max(1.0, outage / 20))
        delay = min(most, self.first * 2.0 ** min(attempt, 16))
        return delay * (0.5 + random.random() / 2)
