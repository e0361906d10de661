"""What the engine asks to be done elsewhere, and the facts that come back.

A job blocks and runs in a worker thread; its `job` number ties the facts to it. Facts about a job
nobody waits for any more are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from tui_voice.realtime.wire.session import AudioFormat, Pcm
from tui_voice.server.interfaces import ReplyRequest, SpeechDetector, ToolCall


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Write down `sound` (24 kHz s16le); `urgent`: somebody waits for the answer."""

    job: int
    sound: bytes
    urgent: bool = False
    stop: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class Reply:
    """Make the words of a response."""

    job: int
    request: ReplyRequest
    stop: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class Speak:
    """Say one clause, in the format that the client wants."""

    job: int
    text: str
    voice: str
    speed: float
    format: AudioFormat = field(default_factory=Pcm)
    stop: Event = field(default_factory=Event)


Job = Transcribe | Reply | Speak


@dataclass(frozen=True, slots=True)
class Ready:
    """The engines are loaded; `detector` is this connection's own, `voices` are to be had."""

    detector: SpeechDetector
    voices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The engines cannot be had; `message` is one sentence."""

    message: str


@dataclass(frozen=True, slots=True)
class Transcribed:
    job: int
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """The next piece of a reply."""

    job: int
    piece: str | ToolCall


@dataclass(frozen=True, slots=True)
class SaidAll:
    job: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clause as sound: `pcm` at 24 kHz to keep, `sent` in the client's format."""

    job: int
    pcm: bytes
    sent: bytes


@dataclass(frozen=True, slots=True)
class Broke:
    """An engine failed; `message` is one sentence."""

    job: int
    message: str


Fact = Ready | Unavailable | Transcribed | Said | SaidAll | Spoken | Broke


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection with this code and reason."""

    code: int
    reason: str
