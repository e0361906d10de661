"""Intentions: what the conversation wants done. The answer to each comes back as an event."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.conversation.events import Event, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something for a backend to carry out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect(Effect):
    """There is no line and the user wants one: the next try is not to be waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMicrophone(Effect):
    """Let sound through to the server. `manual`: as one turn that `CommitInput` ends."""

    manual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseMicrophone(Effect):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteMicrophone(Effect):
    muted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInput(Effect):
    """`input_audio_buffer.commit`: the turn being spoken is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearInput(Effect):
    """`input_audio_buffer.clear`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateResponse(Effect):
    """`response.create` in the default conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelResponse(Effect):
    """`response.cancel`, and whatever of it still comes is to be dropped. `late_counts`: unless it
    begins only now, since an answer that comes late is better than none.
    """

    response_id: str = ""
    late_counts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptPlayback(Effect):
    """The speaker falls silent and refuses what still comes for the items it was playing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncateItem(Effect):
    """`conversation.item.truncate`: the model is to know what was heard. `audio_ms` > 0."""

    item_id: str
    audio_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateItem(Effect):
    """`conversation.item.create` as text. `previous_item_id`: None is the end, or `root`."""

    item_id: str
    role: Role
    text: str
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteItem(Effect):
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTool(Effect):
    """The function is to be run and its output put into the conversation."""

    call_id: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTurn:
    """A turn as the summariser reads it."""

    item_id: str
    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSummary(Effect):
    """A summary of `turns` is wanted, updating `memory`. Answered by `SummaryRequested` at once
    (so that the decision is a fact), then by `SummaryReady` or `SummaryFailed`.
    """

    compaction_id: str
    turns: tuple[SourceTurn, ...]
    memory: str
    focus: str
    window: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce(Effect):
    """A decision becomes a fact: this event is to be posted back as it is."""

    event: Event
