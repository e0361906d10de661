"""The talk itself and the line to its server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui_voice.conversation.events.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened(Event):
    """The first line of every journal. `started` is wall time, ISO 8601 with zone."""

    version: int = 2
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
class SessionResumed(Event):
    """The talk goes on in a new run of the program."""

    backend: str
    model: str
    voice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRenamed(Event):
    """`usd`: what it cost to have the title made; None where the user gave it, or unknown."""

    title: str
    usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed(Event):
    """The user left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed(Event):
    """Something the user should know that changes nothing: no microphone, disk full, …"""

    text: str
    severity: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOpening(Event):
    """A connection is being made; the server knows nothing of the talk yet."""

    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOpened(Event):
    """`session.created` and our `session.updated` have come; the conversation there is empty."""

    server_session_id: str = ""
    model: str = ""
    expires_at: float | None = None
    """Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost(Event):
    """The connection broke. `retry_in`: seconds until the next try; None: no more tries."""

    reason: str
    code: int | None = None
    hint: str = ""
    retry_in: float | None = None
    again: tuple[str, ...] = ()
    """Turns (ids) whose words had not come: their sound was kept and goes out on the next line,
    where they become new turns. Here they are a gap."""
    cut: tuple[str, ...] = ()
    """Replies (item ids) whose sound had begun to come and not ended."""


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
