"""Speech as the server hears it, and turns as they get their words."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.conversation.events.base import Event, Modality, Role


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
