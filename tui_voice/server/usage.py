"""Token counts of a response by modality, and a model of the prompt cache."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from tui_voice.realtime.wire.usage import (
    CachedTokensDetails,
    InputTokenDetails,
    OutputTokenDetails,
    Usage,
)

USER_MS_PER_TOKEN = 100
ASSISTANT_MS_PER_TOKEN = 50
CACHE_BLOCK_TOKENS = 64
"""The number of cached tokens is a multiple of this."""
CACHE_SECONDS = 300.0
"""How long a prompt stays cached after it was last read."""
_MAX_CACHED_PROMPTS = 4
"""The prompt of the conversation and those of a few out-of-band responses."""

CountTokens = Callable[[str], int]
"""Returns the number of tokens of a text."""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Tokens by modality."""

    text: int = 0
    audio: int = 0

    def __add__(self, other: TokenCount) -> TokenCount:
        return TokenCount(self.text + other.text, self.audio + other.audio)

    @property
    def total(self) -> int:
        return self.text + self.audio


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A part of a prompt that is cached as a whole or not at all: the instructions, or one item."""

    key: Hashable
    """Equal keys mean equal content."""
    tokens: TokenCount


def sum_tokens(parts: Sequence[PromptPart]) -> TokenCount:
    return sum((part.tokens for part in parts), TokenCount())


class PromptCache:
    """Counts as cached the longest common prefix with a recent prompt, in whole blocks."""

    def __init__(self) -> None:
        self._prompts: list[tuple[float, list[PromptPart]]] = []
        """Time of the last read (seconds), and the prompt."""

    def read(self, parts: Sequence[PromptPart], now: float) -> TokenCount:
        """Returns how many tokens of the prompt are cached, then caches it from `now` (s) on."""
        recent = [(at, old) for at, old in self._prompts if now - at < CACHE_SECONDS]
        prefixes = [_common_prefix(parts, old) for _, old in recent]
        longest = max(prefixes, key=lambda prefix: sum_tokens(prefix).total, default=[])
        # A prompt that continues an older one replaces it.
        kept = [
            entry
            for entry, prefix in zip(recent, prefixes, strict=True)
            if len(prefix) < len(entry[1])
        ]
        self._prompts = [*kept[1 - _MAX_CACHED_PROMPTS :], (now, list(parts))]
        return _whole_blocks(longest)


def _common_prefix(parts: Sequence[PromptPart], other: Sequence[PromptPart]) -> list[PromptPart]:
    prefix: list[PromptPart] = []
    for one, two in zip(parts, other, strict=False):
        if one != two:
            break
        prefix.append(one)
    return prefix


def _whole_blocks(prefix: Sequence[PromptPart]) -> TokenCount:
    """Returns the tokens of `prefix` up to the last complete block, counted in reading order."""
    room = sum_tokens(prefix).total // CACHE_BLOCK_TOKENS * CACHE_BLOCK_TOKENS
    text = audio = 0
    for part in prefix:
        cached = min(part.tokens.text, room)
        text, room = text + cached, room - cached
        cached = min(part.tokens.audio, room)
        audio, room = audio + cached, room - cached
    return TokenCount(text, audio)


def wire_usage(prompt: TokenCount, cached: TokenCount, output: TokenCount) -> Usage:
    """Returns the `usage` of `response.done`; `cached` is the part of `prompt` from the cache."""
    return Usage(
        total_tokens=prompt.total + output.total,
        input_tokens=prompt.total,
        output_tokens=output.total,
        input_token_details=InputTokenDetails(
            text_tokens=prompt.text,
            audio_tokens=prompt.audio,
            image_tokens=0,
            cached_tokens=cached.total,
            cached_tokens_details=CachedTokensDetails(
                text_tokens=cached.text, audio_tokens=cached.audio, image_tokens=0
            ),
        ),
        output_token_details=OutputTokenDetails(text_tokens=output.text, audio_tokens=output.audio),
    )
