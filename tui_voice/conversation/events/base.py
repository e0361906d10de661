"""Facts: what happened in a talk, in the past tense. They are journaled and folded as they are.

Each class's `name` (its own, in snake case) is at once the journal's key and the trigger of the
state machine. New fields need a default, so that old journals still open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

ALREADY_ACTIVE = "conversation_already_has_active_response"
"""Error code of the server in `ResponseRefused`: another response was active."""
UNANSWERED = "unanswered"
"""Our own code in `ItemRefused`: the server never answered, so the item may exist all the same."""

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
