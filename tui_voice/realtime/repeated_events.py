"""Recognises events that a relay or a server sends twice."""

from __future__ import annotations

from collections import OrderedDict

from tui_voice.realtime.wire import ServerEvent, server

EVENTS_KEPT = 64
"""Number of the newest events of a connection that a further one is compared with."""


class RepeatedEvents:
    """Compares events by their `event_id`, which the protocol makes unique.

    Some servers give different events the same id. Where that is seen, no event of the connection
    counts as repeated any more.
    """

    def __init__(self) -> None:
        self._newest: OrderedDict[str, ServerEvent] = OrderedDict()
        self._unique = True

    def contains(self, event: ServerEvent) -> bool:
        """Returns whether this event came before, and remembers it."""
        if not self._unique or isinstance(event, server.Unknown) or not event.event_id:
            return False
        before = self._newest.get(event.event_id)
        if before is not None:
            self._unique = before == event
            return self._unique
        self._newest[event.event_id] = event
        if len(self._newest) > EVENTS_KEPT:
            self._newest.popitem(last=False)
        return False
