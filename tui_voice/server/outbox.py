"""Where the parts of the engine leave what is to be sent and done."""

from __future__ import annotations

from itertools import count
from typing import Any

from msgspec.structs import replace

from tui_voice.realtime.wire.server import ServerMessage
from tui_voice.server.ids import Ids
from tui_voice.server.jobs import Close, Job

Output = ServerMessage | Job | Close
"""In order: events to send, jobs to start, and at last maybe the end."""


class Outbox:
    """Numbers jobs and names events as they are put in; emptied by `take`."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids
        self._waiting: list[Output] = []
        self._jobs = count(1)

    def emit(self, event: ServerMessage) -> None:
        """Sends `event` under an id of its own."""
        named: Any = replace(event, event_id=self.ids("event"))
        self._waiting.append(named)

    def start(self, job: Job) -> None:
        self._waiting.append(job)

    def close(self, code: int, reason: str) -> None:
        self._waiting.append(Close(code, reason))

    def next_job(self) -> int:
        return next(self._jobs)

    def take(self) -> list[Output]:
        waiting, self._waiting = self._waiting, []
        return waiting
