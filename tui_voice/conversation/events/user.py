"""What the user did."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.conversation.events.base import Event


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
class SummarisePressed(Event):
    """Summarise now, whatever the window holds. `focus`: what must not be lost."""

    focus: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePressed(Event):
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
