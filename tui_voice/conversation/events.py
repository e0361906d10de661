"""Facts: what happened in a talk, in the past tense. They are journaled and folded as they are.

Each class's `name` (its own, in snake case) is at once the journal's key and the trigger of the
state machine. New fields need a default, so that old journals still open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

Role = Literal["user", "assistant", "system", "tool"]
Modality = Literal["text", "audio"]

EVENTS: dict[str, type[Event]] = {}
"""Every event class by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact. `at`: seconds since the talk was opened, stamped once, at the session's door."""

    at: float = 0.0
    name: ClassVar[str] = "event"

    def __init_subclass__(cls) -> None:
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        EVENTS[cls.name] = cls


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one response, from `response.done` → `usage`. Cached tokens are part of input."""

    input_text: int = 0
    input_audio: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    output_text: int = 0
    output_audio: int = 0

    @property
    def input(self) -> int:
        return self.input_text + self.input_audio

    @property
    def output(self) -> int:
        return self.output_text + self.output_audio

    @property
    def cached(self) -> int:
        return self.cached_text + self.cached_audio

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_text=self.input_text + other.input_text,
            input_audio=self.input_audio + other.input_audio,
            cached_text=self.cached_text + other.cached_text,
            cached_audio=self.cached_audio + other.cached_audio,
            output_text=self.output_text + other.output_text,
            output_audio=self.output_audio + other.output_audio,
        )


# ── the talk and its line ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOpened(Event):
    """The first line of every journal. `started` is wall time, ISO 8601 with zone."""

    version: int = 1
    id: str
    started: str
    backend: str
    model: str
    voice: str = ""
    instructions: str = ""
    parent: str = ""
    """The talk this one was forked from, and the last turn they share."""
    parent_turn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkResumed(Event):
    """The talk goes on in a new run of the program."""

    backend: str
    model: str
    voice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkRenamed(Event):
    """`usd`: what it cost to have the title made; None where the user gave it, or unknown."""

    title: str
    usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkClosed(Event):
    """The user left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed(Event):
    """Something the user should know that changes nothing: no microphone, disk full, …"""

    text: str
    severity: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOpening(Event):
    """A connection is being made; the server knows nothing of the talk yet."""

    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOpened(Event):
    """`session.created` and our `session.updated` have come; the conversation there is empty."""

    server_session_id: str = ""
    model: str = ""
    expires_at: float | None = None
    """Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLost(Event):
    """The connection broke. `retry_in`: seconds until the next try; None: no more tries."""

    reason: str
    code: int | None = None
    hint: str = ""
    retry_in: float | None = None
    again: tuple[str, ...] = ()
    """Turns (ids) whose words had not come: their sound was kept and goes out on the next line,
    where they become new turns. Here they are a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed(Event):
    """Nothing else has happened for a while: what waits for its time looks again. When the next
    one is wanted, `policy.next_look` says.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerErred(Event):
    """An `error` event that nobody was waiting for; the connection lives on."""

    code: str
    message: str


# ── what the user did ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkPressed(Event):
    """The microphone is open. `manual`: no VAD, the turn ends when the user says so."""

    manual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkReleased(Event):
    """The microphone is closed; what was being said is a whole turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteChanged(Event):
    muted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSubmitted(Event):
    """A typed turn under an item id of our own choosing (at most 32 characters)."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPressed(Event):
    """The reply is to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryAsked(Event):
    """Summarise now, whatever the window holds. `focus`: what must not be lost."""

    focus: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreAsked(Event):
    """Give pruned turns back to the model as text. Empty: all of the last pruning."""

    turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPinned(Event):
    """A pinned turn is never pruned."""

    item_id: str
    pinned: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEdited(Event):
    """The user rewrote the summary; the model is to get it so."""

    text: str


# ── hearing ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(Event):
    """`input_audio_buffer.speech_started`."""

    item_id: str
    audio_start_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechGrew(Event):
    """So much of the running turn has been sent by now (about once a second)."""

    item_id: str
    audio_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStopped(Event):
    """`input_audio_buffer.speech_stopped`."""

    item_id: str
    audio_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechCommitted(Event):
    """`input_audio_buffer.committed`: the turn has its place behind `previous_item_id`."""

    item_id: str
    previous_item_id: str | None = None
    audio_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechDiscarded(Event):
    """The turn that had begun will not be answered: the line went, or the buffer was empty."""

    item_id: str
    reason: str = ""


# ── turns and their words ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAdded(Event):
    """`conversation.item.added` for an item that the server made."""

    item_id: str
    role: Role
    previous_item_id: str | None = None
    modality: Modality = "audio"
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptGrew(Event):
    """Some more words of a turn, of either side."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptDone(Event):
    """All the words of a turn. `usd`: what a transcription cost apart from the response."""

    item_id: str
    text: str
    usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptFailed(Event):
    """The words of a spoken turn will not come; its sound is still with the server."""

    item_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled(Event):
    """The model asked for a function; `arguments` is a JSON object as text."""

    item_id: str
    call_id: str
    tool: str
    arguments: str
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswered(Event):
    """What the function gave, under an item id of our own."""

    item_id: str
    call_id: str
    output: str


# ── the reply ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseStarted(Event):
    """`response.created` in the default conversation."""

    response_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioReceived(Event):
    """Sound of the reply has come: the first of it, then about once a second, then the last."""

    item_id: str
    response_id: str = ""
    audio_ms: int = 0
    """All of this item so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDone(Event):
    """`response.done`. `usage` None: the server gave none (cancelled, failed)."""

    response_id: str
    status: str = "completed"
    reason: str = ""
    usage: Usage | None = None
    usd: float | None = None
    """By the price table in force at the time; None: unknown model."""
    audio: bool = True
    """False: sound was asked for, and a message came whole, but without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRefused(Event):
    """Our `response.create` was not taken (one is active, or the server erred)."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackFinished(Event):
    """The device has taken the last sample of this item."""

    item_id: str
    played_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackInterrupted(Event):
    """The speaker was stopped after so much of this item had been taken."""

    item_id: str
    played_ms: int
    received_ms: int = 0
    """How much of it had come. 0: in journals from before it was told."""


# ── what the server says of items we changed ─────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPlaced(Event):
    """An item that we created is in the server's conversation."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRefused(Event):
    """An item that we wanted to create is not there."""

    item_id: str
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDeleted(Event):
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRefused(Event):
    """`unknown`: the server does not know the item, so it is gone all the same."""

    item_id: str
    unknown: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTruncated(Event):
    item_id: str
    audio_ms: int


# ── compaction ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequested(Event):
    """The turns `drop` (ids) are to be summarised, then pruned. `window`: tokens before."""

    compaction_id: str
    drop: tuple[str, ...]
    window: int
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryReady(Event):
    compaction_id: str
    text: str
    source: str = ""
    """Which model wrote it."""
    usage: Usage | None = None
    usd: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryFailed(Event):
    """Nothing changes but a line in the pruning log."""

    compaction_id: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextifyRequested(Event):
    """Audio turns are to become their own words. `turns`: ids; each becomes `<n>` text items."""

    compaction_id: str
    turns: tuple[str, ...]
    window: int
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRequested(Event):
    """A reply came without sound: `withdrawn` is taken back and asked for again, after what the
    assistant said before (`turns`, ids, those withdrawn included) has moved into system items.
    """

    compaction_id: str
    turns: tuple[str, ...]
    withdrawn: tuple[str, ...]
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequested(Event):
    """Pruned turns are to go back to the model as text."""

    compaction_id: str
    turns: tuple[str, ...]
    window: int
