"""Tokens and seconds that were used, as the server reports them."""

from __future__ import annotations

from .base import UNSET, Tagged, UnsetType, Wire


class CachedTokensDetails(Wire):
    """The cached part of the input, by modality."""

    text_tokens: int | None = 0
    audio_tokens: int | None = 0
    image_tokens: int | None = 0


class InputTokenDetails(Wire):
    """Tokens of the input. `cached_tokens` are a part of the other counts."""

    text_tokens: int | None = 0
    audio_tokens: int | None = 0
    image_tokens: int | None = 0
    cached_tokens: int | None = 0
    cached_tokens_details: CachedTokensDetails | None = None


class OutputTokenDetails(Wire):
    text_tokens: int | None = 0
    audio_tokens: int | None = 0


class Usage(Wire):
    """Tokens of one response; any field may be missing where the response failed."""

    total_tokens: int | None = 0
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    input_token_details: InputTokenDetails | None = None
    output_token_details: OutputTokenDetails | None = None


class TranscriptionTokenDetails(Wire):
    audio_tokens: int | None = None
    text_tokens: int | None = None


class TranscriptionTokens(Tagged, tag="tokens"):
    """Transcription billed by tokens."""

    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: TranscriptionTokenDetails | UnsetType | None = UNSET


class TranscriptionSeconds(Tagged, tag="duration"):
    """Transcription billed by seconds of audio."""

    seconds: float


TranscriptionUsage = TranscriptionTokens | TranscriptionSeconds


class RateLimit(Wire):
    """`name`: `requests` or `tokens`. `reset_seconds`: until `remaining` is `limit` again."""

    name: str | None = None
    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None
