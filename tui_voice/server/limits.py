"""How long a session lasts and how many tokens a minute it may use."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.realtime.wire.server import RateLimitsUpdated
from tui_voice.realtime.wire.usage import RateLimit


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one session, settable so that a client can be tried at each of them."""

    session_seconds: float = 3600.0
    tokens_per_minute: int = 10_000_000
    window: int = 28_224
    """Input tokens that the model can read."""
    max_items: int = 10_000
    max_sound_bytes: int = 64 * 2**20
    """Recordings kept for `conversation.item.retrieve`; beyond it the oldest are forgotten."""
    max_input_ms: float = 600_000.0
    """Audio in the input buffer; a spoken turn that long is ended."""
    max_responses: int = 8
    """Responses in progress at once, those out of band included."""

    @property
    def cap_reason(self) -> str:
        """What the close frame says when the session has lasted its time."""
        minutes = self.session_seconds / 60
        return f"Your session hit the maximum duration of {minutes:g} minutes."


class Bucket:
    """Tokens a minute, refilling all the time."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used = 0.0
        self._at = 0.0

    def _refill(self, now: float) -> None:
        self._used = max(0.0, self._used - (now - self._at) * self.limit / 60)
        self._at = now

    def has_room(self, tokens: int, now: float) -> bool:
        self._refill(now)
        return self._used + tokens <= self.limit

    def use(self, tokens: int, now: float) -> RateLimitsUpdated:
        """Counts `tokens` as used at `now` (s) and tells what is left."""
        self._refill(now)
        self._used += tokens
        return RateLimitsUpdated(
            rate_limits=[
                RateLimit(
                    name="tokens",
                    limit=self.limit,
                    remaining=max(0, self.limit - round(self._used)),
                    reset_seconds=round(self._used * 60 / self.limit, 3),
                )
            ]
        )
