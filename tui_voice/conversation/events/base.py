"""The base of all events, and the values that their fields hold.

An event says what happened, in the past tense. It is journaled and reduced as it is. The `name` of
its class, in snake case, is the journal's key and the trigger of the state machine. A new field
needs a default, so that older journals still open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

ALREADY_ACTIVE = "conversation_already_has_active_response"
"""Code of a `ResponseRefused`: another response was active (the server's word)."""
UNANSWERED = "unanswered"
"""Code of an `ItemRefused` of our own: the server never answered, so the item may exist."""

Role = Literal["user", "assistant", "system", "tool"]
Modality = Literal["text", "audio"]

EVENTS: dict[str, type[Event]] = {}
"""Every event class by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. `at`: seconds since the session was first opened."""

    at: float = 0.0
    name: ClassVar[str] = "event"

    def __init_subclass__(cls) -> None:
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        EVENTS[cls.name] = cls


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one response: `response.done` → `usage`. Input tokens include the cached ones."""

    input_text: int = 0
    input_audio: int = 0
    input_image: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    output_text: int = 0
    output_audio: int = 0
    estimated: bool = False
    """The server gave no usage, or one that contradicts itself."""

    @property
    def input(self) -> int:
        return self.input_text + self.input_audio + self.input_image

    @property
    def output(self) -> int:
        return self.output_text + self.output_audio

    @property
    def cached(self) -> int:
        return self.cached_text + self.cached_audio + self.cached_image

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_text=self.input_text + other.input_text,
            input_audio=self.input_audio + other.input_audio,
            input_image=self.input_image + other.input_image,
            cached_text=self.cached_text + other.cached_text,
            cached_audio=self.cached_audio + other.cached_audio,
            cached_image=self.cached_image + other.cached_image,
            output_text=self.output_text + other.output_text,
            output_audio=self.output_audio + other.output_audio,
            estimated=self.estimated or other.estimated,
        )
