"""Limits of one server session, and the rate limit of tokens per minute."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.realtime.wire.server import RateLimitsUpdated
from tui_voice.realtime.wire.usage import RateLimit


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Limits of one server session. Tests set them low to reach each limit quickly."""

    session_seconds: float = 3600.0
    """The server closes the connection after this time."""
    tokens_per_minute: int = 10_000_000
    window_tokens: int = 28_224
    """Input tokens that a model with a window of 32 k can use."""
    max_items: int = 10_000
    max_audio_bytes: int = 64 * 2**20
    """Audio kept for `conversation.item.retrieve`: 23 minutes at 24 kHz. Beyond it the oldest
    audio is deleted; its transcript stays."""
    max_input_ms: float = 600_000.0
    """Audio in the input buffer; a spoken turn of that length is ended."""
    max_responses: int = 8
    """Responses in progress at the same time, out-of-band responses included."""

    @property
    def session_end_reason(self) -> str:
        """The reason in the close frame when `session_seconds` have passed."""
        minutes = self.session_seconds / 60
        return f"Your session hit the maximum duration of {minutes:g} minutes."


class TokenRateLimiter:
    """Counts used tokens; the count falls continuously by `tokens_per_minute`."""

    def __init__(self, tokens_per_minute: int) -> None:
        self.tokens_per_minute = tokens_per_minute
        self._used_tokens = 0.0
        self._counted_at = 0.0

    def has_room(self, tokens: int, now: float) -> bool:
        """Returns whether `tokens` more may be used at `now` (seconds)."""
        self._count_down(now)
        return self._used_tokens + tokens <= self.tokens_per_minute

    def use(self, tokens: int, now: float) -> RateLimitsUpdated:
        """Counts `tokens` as used; returns the event `rate_limits.updated`."""
        self._count_down(now)
        self._used_tokens += tokens
        return RateLimitsUpdated(
            rate_limits=[
                RateLimit(
                    name="tokens",
                    limit=self.tokens_per_minute,
                    remaining=max(0, self.tokens_per_minute - round(self._used_tokens)),
                    reset_seconds=round(self._used_tokens * 60 / self.tokens_per_minute, 3),
                )
            ]
        )

    def _count_down(self, now: float) -> None:
        freed = (now - self._counted_at) * self.tokens_per_minute / 60
        self._used_tokens = max(0.0, self._used_tokens - freed)
        self._counted_at = now
