"""Events: a reply is asked for, received and played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui_voice.conversation.events.base import Event, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseStarted(Event):
    """`response.created` in the server's own conversation."""

    response_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioReceived(Event):
    """`response.output_audio.delta`: audio came. Journaled for the first piece of an item, then
    about once a second, then for the last piece.
    """

    item_id: str
    response_id: str = ""
    audio_ms: int = 0
    """Milliseconds of this item received so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDone(Event):
    """`response.done`: the response ended."""

    response_id: str
    status: str = "completed"
    """"completed", "cancelled", "failed" or "incomplete"."""
    reason: str = ""
    usage: Usage | None = None
    """None: the server sent none, because it was cancelled or failed."""
    usd: float | None = None
    """What it cost, in USD, by the prices of that time. None: the model's price is unknown."""
    audio: bool = True
    """False: audio was asked for, and a complete message came without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRefused(Event):
    """`error`: the server refused our `response.create`. Example of a code: `ALREADY_ACTIVE`."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRefused(Event):
    """`error`: the server refused our `response.cancel`, since no response is active."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyCut(Event):
    """Our decision: a lost connection cut off a reply.

    `heard`: the user heard a part of it, so the words received so far stay. Otherwise it is asked
    for again, as if it had never begun.
    """

    item_ids: tuple[str, ...]
    heard: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyOverdue(Event):
    """Our decision: a response is given up, since no sign of it came and nothing is played.

    `seconds`: how long no sign came. `waited_for`: the user waits for it. Otherwise it had been
    cancelled and never ended, and the response that the user waits for comes next.
    """

    response_id: str = ""
    seconds: float = 0.0
    waited_for: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackOverdue(Event):
    """Our decision: the response has ended and its audio should be over, but the loudspeaker did
    not report the end of these items, so they are stopped.
    """

    item_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackFinished(Event):
    """The loudspeaker played an item to its end. `played_ms`: its milliseconds."""

    item_id: str
    played_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackInterrupted(Event):
    """The loudspeaker was stopped after `played_ms` milliseconds of an item."""

    item_id: str
    played_ms: int
    received_ms: int = 0
    """Milliseconds of the item received until then. Journals of earlier versions have 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackPaused(Event):
    """The loudspeaker stopped, and the rest of the reply waits. Example: its device is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackResumed(Event):
    """The reply goes on from where it was paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoudspeakerChanged(Event):
    """Replies are played from now on (`available`), or only shown, since there is no device."""

    available: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptionUndone(Event):
    """Our decision: a turn that interrupted a reply was no interruption, so the reply goes on.

    `item_id`: the turn. `replies`: the reply's items. `why`: the turn was an `echo` of the reply,
    or had fewer words than the user wants for an interruption (`short`).
    """

    item_id: str
    replies: tuple[str, ...]
    why: Literal["echo", "short"] = "echo"
