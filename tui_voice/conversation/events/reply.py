"""The reply: asked for, received, played."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.conversation.events.base import Event, Usage


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
class ReplyCut(Event):
    """The line broke in the middle of a reply. `heard`: in part, so its words stay as far as they
    came; else nothing of it was, and it is asked for again as if it had never begun.
    """

    item_ids: tuple[str, ...]
    heard: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyOverdue(Event):
    """So many seconds nothing came of a reply, and none was being heard: it is given up.
    `waited_for`: by the user; else it had been stopped, and the server never said so, and what the
    user waits for by now comes next.
    """

    response_id: str = ""
    seconds: float = 0.0
    waited_for: bool = True


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
