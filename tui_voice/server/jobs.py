"""Work that the protocol server hands to the engines, and the results that come back.

A job blocks, so it runs in a worker thread; its `job_id` connects the results to it. The protocol
server ignores the result of a job that it no longer waits for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

from tui_voice.realtime.wire.items import LogProb
from tui_voice.realtime.wire.session import AudioFormat, Pcm
from tui_voice.server.interfaces import ContextTurn, ReplyRequest, SpeechDetector, ToolCall


@dataclass(frozen=True, slots=True)
class TranscribeJob:
    """Transcribes `sound` (24 kHz s16le); urgent where a reply waits for the transcript."""

    job_id: int
    sound: bytes
    is_urgent: bool = False
    stop: Event = field(default_factory=Event)
    before: Sequence[ContextTurn] | None = None
    """The items before the turn, where a reply may follow: the language model reads ahead."""
    judges_end: bool = False
    """Asks, too, whether the speaker has finished."""


@dataclass(frozen=True, slots=True)
class ReplyJob:
    """Generates the text of a response."""

    job_id: int
    request: ReplyRequest
    stop: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class SpeakJob:
    """Synthesises one clause, in the format that the client wants."""

    job_id: int
    text: str
    voice: str
    speed: float
    audio_format: AudioFormat = field(default_factory=Pcm)
    stop: Event = field(default_factory=Event)


Job = TranscribeJob | ReplyJob | SpeakJob


@dataclass(frozen=True, slots=True)
class EnginesReady:
    """The engines are loaded; `detector` is for this connection alone."""

    detector: SpeechDetector
    voices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnginesUnavailable:
    """The engines could not be loaded; `message` is one sentence."""

    message: str


@dataclass(frozen=True, slots=True)
class TranscriptReady:
    """The result of a `TranscribeJob`."""

    job_id: int
    text: str
    logprobs: tuple[LogProb, ...] = ()
    """The tokens of the text; empty where the recogniser does not know how sure it is."""
    finished: bool | None = None
    """Whether the speaker has finished; None: not judged."""


@dataclass(frozen=True, slots=True)
class ReplyPiece:
    """The next piece of text, or a function call, of a `ReplyJob`."""

    job_id: int
    piece: str | ToolCall


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """A `ReplyJob` has generated its whole text."""

    job_id: int


@dataclass(frozen=True, slots=True)
class SpeechReady:
    """The result of a `SpeakJob`: `sound` at 24 kHz, `encoded` in the client's format."""

    job_id: int
    sound: bytes
    encoded: bytes


@dataclass(frozen=True, slots=True)
class JobFailed:
    """An engine failed; `message` is one sentence."""

    job_id: int
    message: str


JobResult = (
    EnginesReady
    | EnginesUnavailable
    | TranscriptReady
    | ReplyPiece
    | ReplyEnded
    | SpeechReady
    | JobFailed
)


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """The connection must be closed with this WebSocket close code and reason."""

    code: int
    reason: str
