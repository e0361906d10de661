"""Events: the user's speech as the server reports it, words of turns, function calls."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.conversation.events.base import Event, Modality, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(Event):
    """`input_audio_buffer.speech_started`: the server detected that the user began to speak.

    `audio_start_ms`: milliseconds of audio since the session was opened on the server.
    """

    item_id: str
    audio_start_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechGrew(Event):
    """`audio_ms` milliseconds of the running turn were captured so far; about once a second."""

    item_id: str
    """"": the talk key began the turn, so the server has given it no id yet."""
    audio_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStopped(Event):
    """`input_audio_buffer.speech_stopped`: the turn is `audio_ms` milliseconds long."""

    item_id: str
    audio_ms: int = 0
    silence_ms: int = 0
    """Milliseconds since the user's last word, as this program heard it. 0: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechCommitted(Event):
    """`input_audio_buffer.committed`: the turn is an item behind `previous_item_id` now."""

    item_id: str
    previous_item_id: str | None = None
    audio_ms: int | None = None
    """Milliseconds of the whole turn. None: not known."""
    silence_ms: int = 0
    """As in `SpeechStopped`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechDiscarded(Event):
    """A turn that had begun gets no answer: its audio buffer was empty or was lost."""

    item_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceTimedOut(Event):
    """`input_audio_buffer.timeout_triggered`: the user was silent for `idle_timeout_ms`, so the
    server commits the silence as the item `item_id` and lets the model speak.
    """

    item_id: str
    audio_ms: int = 0
    """Milliseconds of the silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningOverdue(Event):
    """Our decision: the user's turn ends, since no audio of it comes any more, or for too long."""

    item_id: str = ""
    """Id of the turn. "": the talk key began it, so the server has given it no id yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitOverdue(Event):
    """Our decision: the server did not answer our `input_audio_buffer.commit`.

    `last` false: it is sent a second time. True: what was said is given up.
    """

    item_id: str = ""
    """Id of the turn. "": not known."""
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAdded(Event):
    """`conversation.item.added`: the server made an item."""

    item_id: str
    role: Role
    previous_item_id: str | None = None
    modality: Modality = "audio"
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptGrew(Event):
    """More words of a turn came, of either side. `text`: only the new ones."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptDone(Event):
    """The words of a turn are complete. `text`: all of them."""

    item_id: str
    text: str
    uncertain: tuple[tuple[int, int], ...] = ()
    """The words of which the recogniser was less sure than the user wants: first character of each
    in `text`, and the one behind it."""
    usd: float | None = None
    """What a separate transcription cost, in USD. None: nothing, or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptFailed(Event):
    """The words of a spoken turn will not come. The server still holds its audio."""

    item_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled(Event):
    """The model called a function. `arguments`: a JSON object as text."""

    item_id: str
    call_id: str
    tool: str
    arguments: str
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswered(Event):
    """A function returned `output`. `item_id`: an id of our own for the item that holds it.

    `interim`: our decision: the function still runs, and `output` says so; its result comes in a
    second event.
    """

    item_id: str
    call_id: str
    output: str
    interim: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOverdue(Event):
    """Our decision: the functions of these calls are given up, since they did not answer."""

    call_ids: tuple[str, ...]
    seconds: float = 0.0
    """How long they did not answer."""
