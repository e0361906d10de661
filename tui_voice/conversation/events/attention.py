"""Events: silence, and spoken words that do something by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui_voice.conversation.events.base import Event

Closes = Literal["microphone", "connection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountdownStarted(Event):
    """Our decision: nobody has spoken for long. In `seconds` the microphone or the connection is
    closed, unless the user presses a key or speaks.
    """

    closes: Closes
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceShown(Event):
    """The user pressed a key during a countdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsFreeEnded(Event):
    """Our decision: the microphone is closed, with `connection` the connection as well.

    `cause`: nobody spoke for the time that the user allows, or the user said good-bye.
    """

    closes: Closes
    cause: Literal["silence", "goodbye"] = "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodbyeSaid(Event):
    """Our decision: a spoken turn was nothing but words with which the user ends a session."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameCalled(Event):
    """Our decision: a spoken turn has the name by which the model is called, so it answers."""

    item_id: str
