"""What a response costs, by modality, and how much of its prompt a cache would have known."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from tui_voice.realtime.wire.usage import (
    CachedTokensDetails,
    InputTokenDetails,
    OutputTokenDetails,
    Usage,
)
from tui_voice.server.items import Weight

BLOCK = 64
"""Cached tokens come in multiples of this."""
WARM_SECONDS = 300.0
"""How long a prompt is remembered after it was last read."""
_REMEMBERED = 4
"""Prompts kept: the talk's own, and those of responses beside it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a prompt that is cached as a whole or not at all: instructions, or one item."""

    key: Hashable
    weight: Weight


Prompt = Sequence[Unit]


def total(prompt: Prompt) -> Weight:
    return sum((unit.weight for unit in prompt), Weight())


class PromptCache:
    """The longest common prefix with a recent prompt is cached, rounded down to a block."""

    def __init__(self) -> None:
        self._known: list[tuple[float, list[Unit]]] = []

    def read(self, prompt: Prompt, now: float) -> Weight:
        """The cached part of `prompt`, which is remembered from `now` (s) on."""
        self._known = [(at, old) for at, old in self._known if now - at < WARM_SECONDS]
        best: list[Unit] = max(
            (_common(prompt, old) for _, old in self._known), key=_size, default=[]
        )
        self._known = [
            (at, old) for at, old in self._known if len(_common(prompt, old)) < len(old)
        ][1 - _REMEMBERED :]
        self._known.append((now, list(prompt)))
        return _rounded(best)


def _common(prompt: Prompt, other: Prompt) -> list[Unit]:
    shared: list[Unit] = []
    for ours, theirs in zip(prompt, other, strict=False):
        if ours != theirs:
            break
        shared.append(ours)
    return shared


def _size(prompt: Prompt) -> int:
    return total(prompt).total


def _rounded(shared: Prompt) -> Weight:
    """The first tokens of `shared`, in reading order, up to whole blocks."""
    room = _size(shared) // BLOCK * BLOCK
    text = audio = 0
    for unit in shared:
        taken = min(unit.weight.text, room)
        text, room = text + taken, room - taken
        taken = min(unit.weight.audio, room)
        audio, room = audio + taken, room - taken
    return Weight(text, audio)


def usage(read: Weight, cached: Weight, made: Weight) -> Usage:
    """`read`: the prompt; `cached`: the part of it that was known; `made`: the output."""
    return Usage(
        total_tokens=read.total + made.total,
        input_tokens=read.total,
        output_tokens=made.total,
        input_token_details=InputTokenDetails(
            text_tokens=read.text,
            audio_tokens=read.audio,
            image_tokens=0,
            cached_tokens=cached.total,
            cached_tokens_details=CachedTokensDetails(
                text_tokens=cached.text, audio_tokens=cached.audio, image_tokens=0
            ),
        ),
        output_token_details=OutputTokenDetails(text_tokens=made.text, audio_tokens=made.audio),
    )


Count = Callable[[str], int]
