"""An engine on the desk: no socket, no thread, no clock but the one that the test turns."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from tests.server.engines import ToyEngines
from tests.server.validation import check
from tui_voice.realtime.wire import WireError, decode_client, encode
from tui_voice.realtime.wire.server import ServerMessage
from tui_voice.server.engine import Engine
from tui_voice.server.ids import random_ids
from tui_voice.server.jobs import Close, Fact, Job
from tui_voice.server.limits import Limits
from tui_voice.server.outbox import Output
from tui_voice.server.pool import FairPool
from tui_voice.server.workers import Workers

UNIX_START = 1_800_000_000.0
SILENCE = bytes(48)
"""One millisecond."""


class _AtOnce(FairPool):
    """Does the work where it is given."""

    def __init__(self, name: str, _threads: int) -> None:
        super().__init__(name, 0)

    def submit(self, key: Hashable, work: Callable[[], None], urgent: bool = True) -> None:
        del key, urgent
        work()


class Desk:
    """`send` gives the engine an event and returns the events that came of it, as plain JSON.

    Every event that the engine emits is checked against the openai package. `hold` names the job
    classes that are kept back until `release`.
    """

    def __init__(
        self,
        engines: ToyEngines | None = None,
        limits: Limits | None = None,
        *,
        ready: bool = True,
        transcription_only: bool = False,
    ) -> None:
        self.engines = engines or ToyEngines()
        self._workers = Workers(self.engines, _AtOnce)
        self.now = 100.0
        self.engine = Engine(
            "gpt-realtime-2.1",
            self.engines.count_tokens,
            self.now,
            UNIX_START,
            limits,
            random_ids(7),
            transcription_only,
        )
        self.events: list[dict[str, Any]] = []
        self.closed: Close | None = None
        self.hold: tuple[type, ...] = ()
        self.held: deque[Job] = deque()
        self._jobs: deque[Job] = deque()
        self._facts: deque[Fact] = deque()
        self._obey(self.engine.tick(self.now))
        if ready:
            self.equip()

    def equip(self) -> None:
        self._workers.prepare(self, self._facts.append)
        self._settle()

    def send(self, event_type: str, **fields: Any) -> list[dict[str, Any]]:
        return self.send_raw(json.dumps({"type": event_type, **fields}))

    def send_raw(self, frame: str | bytes) -> list[dict[str, Any]]:
        first = len(self.events)
        try:
            event: Any = decode_client(frame)
        except WireError as error:
            event = error
        self._obey(self.engine.receive(event, self.now))
        self._settle()
        return self.events[first:]

    def say(self, pcm: bytes, step_ms: int = 20) -> list[dict[str, Any]]:
        """Appends sound as a microphone would, its time passing."""
        first = len(self.events)
        step = step_ms * 48
        for at in range(0, len(pcm), step):
            piece = base64.b64encode(pcm[at : at + step]).decode()
            self.send("input_audio_buffer.append", audio=piece)
            self.now += step_ms / 1000
        return self.events[first:]

    def update(self, **session: Any) -> list[dict[str, Any]]:
        return self.send("session.update", session={"type": "realtime", **session})

    def configure(self, **audio_input: Any) -> list[dict[str, Any]]:
        return self.update(audio={"input": audio_input})

    def type(self, text: str, **fields: Any) -> list[dict[str, Any]]:
        return self.send("conversation.item.create", item=user(text, **fields))

    def ask(self, text: str, **response: Any) -> list[dict[str, Any]]:
        """A typed turn and its response."""
        self.type(text)
        return self.send("response.create", response=response)

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """Time passes; the engine is called when it wants to be."""
        first = len(self.events)
        end = self.now + seconds
        while self.engine.deadline <= end and self.closed is None:
            self.now = self.engine.deadline
            self._obey(self.engine.tick(self.now))
            self._settle()
        self.now = end
        return self.events[first:]

    def release(self, count: int = -1) -> list[dict[str, Any]]:
        """Does the jobs that were held back (all, or the first `count`)."""
        first = len(self.events)
        while self.held and count:
            self._do(self.held.popleft())
            self._settle()
            count -= 1
        return self.events[first:]

    def last(self, event_type: str) -> dict[str, Any]:
        return next(e for e in reversed(self.events) if e["type"] == event_type)

    @property
    def items(self) -> list[str]:
        return [entry.id for entry in self.engine.conversation]

    def learn(self, fact: Fact) -> None:
        self._obey(self.engine.learn(fact, self.now))
        self._settle()

    def _settle(self) -> None:
        while self._jobs or self._facts or self.engine.hungry:
            if self._facts:
                self._obey(self.engine.learn(self._facts.popleft(), self.now))
            elif self._jobs:
                job = self._jobs.popleft()
                if isinstance(job, self.hold):
                    self.held.append(job)
                else:
                    self._do(job)
            else:
                self._obey(self.engine.pump(self.now))

    def _do(self, job: Job) -> None:
        self._workers.start(self, job, self._facts.append)

    def _obey(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case ServerMessage():
                    event = json.loads(encode(output))
                    check(event)
                    assert event["event_id"] not in {e["event_id"] for e in self.events[-50:]}
                    self.events.append(event)
                case Close():
                    self.closed = output
                case job:
                    self._jobs.append(job)


def user(text: str, **fields: Any) -> dict[str, Any]:
    return message("user", {"type": "input_text", "text": text}, **fields)


def message(role: str, *content: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(content), **fields}


def types(events: list[dict[str, Any]]) -> list[str]:
    """Their types, repeats of a delta written once."""
    found: list[str] = []
    for event in events:
        if not (found and found[-1] == event["type"] and event["type"].endswith(".delta")):
            found.append(event["type"])
    return found


def audio_of(events: list[dict[str, Any]]) -> bytes:
    return b"".join(
        base64.b64decode(e["delta"]) for e in events if e["type"] == "response.output_audio.delta"
    )


def error_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The one error among `events`."""
    (found,) = [e["error"] for e in events if e["type"] == "error"]
    assert isinstance(found, dict)
    return found
