"""How long a line waits, and for what."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tui_voice.realtime.link import OPEN_TIMEOUT_S, PING_S


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTimeouts:
    """Seconds, all of them."""

    open: float = OPEN_TIMEOUT_S
    configure: float = 15.0
    """Until the server has said that it is as we asked."""
    ping: float = PING_S
    reopen: float = 4.0
    """Until the first try after a break is given up; later ones are left longer, up to `open`."""
    tick: float = 2.0
    """So often it is looked whether the machine was asleep."""
    probe: float = 3.0
    """After a sleep the line must show within so long that it lives."""
    first: float = 0.25
    longest: float = 15.0
    proven: float = 30.0
    """A line that held so long was a good one: trying again begins anew after it."""
    rollover: float = 300.0
    """A server session is left so long before its own end, at the first silence."""

    def back_off(self, attempt: int, outage: float, *, told: bool, cheap: bool = False) -> float:
        """Before try number `attempt` (0 is the first): doubling, with jitter on the upper half,
        so that many clients do not come back at once. `outage`: since the line broke. `told`:
        whether a server answered: one that is busy or restarts is left alone for up to `longest`.
        Else the net is gone, which is looked for about once a second at first and then ever more
        rarely; where a try is `cheap` (nothing leaves this machine) that goes on for ten minutes,
        and never becomes much rarer, so that the talk is back as soon as the net is.
        """
        if told:
            most = self.longest
        elif cheap:
            most = min(5.0, max(1.0, outage / 600))
        else:
            most = max(1.0, outage / 20)
        delay = min(self.longest, most, self.first * 2.0 ** min(attempt, 16))
        return delay * (0.5 + random.random() / 2)
