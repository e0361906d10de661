"""Events: the session, its connection to a server, and notices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui_voice.conversation.events.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened(Event):
    """A session began. It is the first event of every journal."""

    version: int = 2
    """Version of the journal's format."""
    id: str
    started: str
    """Wall time, ISO 8601 with a time zone."""
    backend: str
    model: str
    voice: str = ""
    instructions: str = ""
    parent: str = ""
    """Id of the session that this one was forked from. "": none."""
    parent_turn: str = ""
    """Id of the last turn that the two share."""
    server: str = ""
    """Host of the server. "": the usual one of the backend, or not known (older journals)."""
    profile: str = ""
    """Name of the profile of settings. "": none, or not known (older journals)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResumed(Event):
    """The session was resumed in a new run of the program."""

    backend: str
    model: str
    voice: str = ""
    server: str = ""
    """As in `SessionOpened`."""
    profile: str = ""
    """As in `SessionOpened`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyChanged(Event):
    """The session was marked private, or the mark was taken away.

    A private session is never found by `recall` of another session, and never sent elsewhere.
    """

    private: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRenamed(Event):
    """The session got a title."""

    title: str
    usd: float | None = None
    """What a model cost that wrote the title, in USD. None: the user wrote it, or it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeWritten(Event):
    """What the profile wants at the end of a session was written, after the session was closed.

    `memory`: what the next session of the profile begins with. `minutes`, `ticket` (JSON): also in
    a file beside the journal. What it cost is in a `WritingBilled`.
    """

    kind: Literal["memory", "minutes", "ticket"]
    text: str
    source: str = ""
    """The model that wrote it. "": it quotes the user, without a model."""
    until: str = ""
    """Id of the last turn that it covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed(Event):
    """The user left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed(Event):
    """A notice for the user that changes nothing else. Example: the disk is full."""

    text: str
    severity: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOpening(Event):
    """We began to connect."""

    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOpened(Event):
    """`session.created`, then `session.updated`: the server's conversation is open and empty."""

    server_session_id: str = ""
    model: str = ""
    expires_at: float | None = None
    """When the server session ends, in Unix seconds. None: not known."""
    again: tuple[str, ...] = ()
    """Ids of turns that the connection before left without words, where this connection replaced it
    without a loss. See `ConnectionLost.again`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost(Event):
    """The connection broke, or we closed it."""

    reason: str
    code: int | None = None
    """The WebSocket's close code. None: there was none."""
    hint: str = ""
    """What the user can do about it."""
    retry_in: float | None = None
    """Seconds until the next try. None: there will be none."""
    again: tuple[str, ...] = ()
    """Ids of turns without words. Their audio was kept and is sent on the next connection, where
    they become new turns. These turns stay, empty, until the first of the new ones begins."""
    cut: tuple[str, ...] = ()
    """Ids of replies whose audio was still coming."""
    released: bool = False
    """We closed it, because nobody spoke or the user said good-bye."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLimitReached(Event):
    """The session has cost as much as the user allows, or the same again."""

    usd: float
    """What it has cost so far."""
    limit_usd: float
    """The setting `cost.limit`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed(Event):
    """The time `Conversation.wakes_at` has come: what is due then is checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerErred(Event):
    """`error`: the server reported an error that belongs to no request. The connection stays."""

    code: str
    message: str
