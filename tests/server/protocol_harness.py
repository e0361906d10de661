"""A client of `ServerProtocol` without a socket, threads or a real clock."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from tests.server.toy_engines_harness import ToyEngines
from tests.server.wire_check_harness import check_event
from tui_voice.realtime.wire import WireError, decode_client, encode
from tui_voice.realtime.wire.server import ServerMessage
from tui_voice.server.fair_pool import FairPool
from tui_voice.server.ids import random_ids
from tui_voice.server.jobs import CloseSocket, Job, JobResult
from tui_voice.server.limits import SessionLimits
from tui_voice.server.output_queue import Output
from tui_voice.server.protocol import ServerProtocol
from tui_voice.server.workers import EngineWorkers

UNIX_START = 1_800_000_000.0
SILENCE = bytes(48)
"""One millisecond of silence, as 24 kHz s16le."""


class _ImmediatePool(FairPool):
    """Does all work in `submit`."""

    def __init__(self, name: str, _threads: int, _per_client: int | None) -> None:
        super().__init__(name, 0)

    def submit(self, key: Hashable, work: Callable[[], None], is_urgent: bool = True) -> None:
        del key, is_urgent
        work()


class ProtocolClient:
    """`send` gives the protocol a client event and returns the events that follow, as plain JSON.

    Every event is checked against the `openai` package. Jobs of the classes in `hold` are kept in
    `held_jobs` until `release`. Time passes only in `say` and `wait`.
    """

    def __init__(
        self,
        engines: ToyEngines | None = None,
        limits: SessionLimits | None = None,
        *,
        ready: bool = True,
        transcription_only: bool = False,
    ) -> None:
        self.engines = engines or ToyEngines()
        self._workers = EngineWorkers(self.engines, _ImmediatePool)
        self.now = 100.0
        self.protocol = ServerProtocol(
            "gpt-realtime-2.1",
            self.engines.count_tokens,
            self.now,
            UNIX_START,
            limits,
            random_ids(7),
            transcription_only,
        )
        self.events: list[dict[str, Any]] = []
        """All events so far."""
        self.closed: CloseSocket | None = None
        self.hold: tuple[type, ...] = ()
        self.held_jobs: deque[Job] = deque()
        self._jobs: deque[Job] = deque()
        self._results: deque[JobResult] = deque()
        self._carry_out(self.protocol.tick(self.now))
        if ready:
            self.prepare_engines()

    def prepare_engines(self) -> None:
        self._workers.prepare(self, self._results.append)
        self._settle()

    def send(self, event_type: str, **fields: Any) -> list[dict[str, Any]]:
        return self.send_frame(json.dumps({"type": event_type, **fields}))

    def send_frame(self, frame: str | bytes) -> list[dict[str, Any]]:
        """Sends a frame that may be no event at all."""
        first = len(self.events)
        try:
            event: Any = decode_client(frame)
        except WireError as error:
            event = error
        self._carry_out(self.protocol.receive(event, self.now))
        self._settle()
        return self.events[first:]

    def say(self, pcm: bytes, step_ms: int = 20) -> list[dict[str, Any]]:
        """Appends audio in real time, in pieces of `step_ms`."""
        first = len(self.events)
        step = step_ms * 48
        for at in range(0, len(pcm), step):
            piece = base64.b64encode(pcm[at : at + step]).decode()
            self.send("input_audio_buffer.append", audio=piece)
            self.now += step_ms / 1000
        return self.events[first:]

    def update_session(self, **session: Any) -> list[dict[str, Any]]:
        return self.send("session.update", session={"type": "realtime", **session})

    def configure_input(self, **audio_input: Any) -> list[dict[str, Any]]:
        return self.update_session(audio={"input": audio_input})

    def type_turn(self, text: str, **fields: Any) -> list[dict[str, Any]]:
        return self.send("conversation.item.create", item=user_item(text, **fields))

    def ask(self, text: str, **response: Any) -> list[dict[str, Any]]:
        """Sends a typed turn and `response.create`; returns the events of the latter."""
        self.type_turn(text)
        return self.send("response.create", response=response)

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """Lets time pass and calls `tick` at each deadline."""
        first = len(self.events)
        end = self.now + seconds
        while self.protocol.deadline <= end and self.closed is None:
            self.now = self.protocol.deadline
            self._carry_out(self.protocol.tick(self.now))
            self._settle()
        self.now = end
        return self.events[first:]

    def release(self, count: int = -1) -> list[dict[str, Any]]:
        """Does the held jobs: all of them, or the first `count`."""
        first = len(self.events)
        while self.held_jobs and count:
            self._do(self.held_jobs.popleft())
            self._settle()
            count -= 1
        return self.events[first:]

    def last_event(self, event_type: str) -> dict[str, Any]:
        return next(e for e in reversed(self.events) if e["type"] == event_type)

    @property
    def item_ids(self) -> list[str]:
        """Ids of the conversation's items, in order."""
        return [record.id for record in self.protocol.items]

    def job_result(self, result: JobResult) -> None:
        """Reports the result of a job that the test has taken from `held_jobs` or invented."""
        self._carry_out(self.protocol.job_result(result, self.now))
        self._settle()

    def _settle(self) -> None:
        """Works until there is nothing left to do but held jobs."""
        while self._jobs or self._results or self.protocol.has_pending_work:
            if self._results:
                self._carry_out(self.protocol.job_result(self._results.popleft(), self.now))
            elif self._jobs:
                job = self._jobs.popleft()
                if isinstance(job, self.hold):
                    self.held_jobs.append(job)
                else:
                    self._do(job)
            else:
                self._carry_out(self.protocol.process_next(self.now))

    def _do(self, job: Job) -> None:
        self._workers.start(self, job, self._results.append)

    def _carry_out(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case ServerMessage():
                    event = json.loads(encode(output))
                    check_event(event)
                    assert event["event_id"] not in {e["event_id"] for e in self.events[-50:]}
                    self.events.append(event)
                case CloseSocket():
                    self.closed = output
                case job:
                    self._jobs.append(job)


def user_item(text: str, **fields: Any) -> dict[str, Any]:
    return message_item("user", {"type": "input_text", "text": text}, **fields)


def message_item(role: str, *content: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(content), **fields}


def event_types(events: list[dict[str, Any]]) -> list[str]:
    """Returns the types of `events`; consecutive deltas of the same type count once."""
    found: list[str] = []
    for event in events:
        if not (found and found[-1] == event["type"] and event["type"].endswith(".delta")):
            found.append(event["type"])
    return found


def audio_of(events: list[dict[str, Any]]) -> bytes:
    """Returns the audio of all `response.output_audio.delta` events."""
    return b"".join(
        base64.b64decode(e["delta"]) for e in events if e["type"] == "response.output_audio.delta"
    )


def error_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the error of the only `error` event among `events`."""
    (error,) = [e["error"] for e in events if e["type"] == "error"]
    assert isinstance(error, dict)
    return error
