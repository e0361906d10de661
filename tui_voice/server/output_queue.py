"""The queue in which the parts of the protocol server put events to send and jobs to start."""

from __future__ import annotations

from itertools import count
from typing import Any

from msgspec.structs import replace

from tui_voice.realtime.wire.server import ServerMessage
from tui_voice.server.ids import IdFactory
from tui_voice.server.jobs import CloseSocket, Job

Output = ServerMessage | Job | CloseSocket


class OutputQueue:
    """Keeps the order of outputs; also gives out ids of events, items and jobs."""

    def __init__(self, new_id: IdFactory) -> None:
        self.new_id = new_id
        self._outputs: list[Output] = []
        self._job_ids = count(1)

    def send(self, event: ServerMessage) -> None:
        """Queues `event` and gives it a new `event_id`."""
        with_id: Any = replace(event, event_id=self.new_id("event"))
        self._outputs.append(with_id)

    def start(self, job: Job) -> None:
        self._outputs.append(job)

    def close(self, code: int, reason: str) -> None:
        """Queues the end of the connection."""
        self._outputs.append(CloseSocket(code, reason))

    def next_job_id(self) -> int:
        return next(self._job_ids)

    def take(self) -> list[Output]:
        """Returns the queued outputs, oldest first, and empties the queue."""
        outputs, self._outputs = self._outputs, []
        return outputs
