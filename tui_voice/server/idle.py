"""`idle_timeout_ms`: when the user has said nothing for too long."""

from __future__ import annotations

from tui_voice.server.response import Response
from tui_voice.server.settings import Turns


class IdleTimer:
    """Starts when a reply has been played to its end; anything that happens stops it."""

    def __init__(self) -> None:
        self.at: float | None = None
        """Seconds of the engine's clock at which the time is out."""

    def stop(self) -> None:
        self.at = None

    def start(self, response: Response, turns: Turns | None, now: float) -> None:
        """`response` is over. The server cannot see it played: audio starts when it is sent."""
        if response.conversation is None or turns is None or turns.idle_ms is None:
            return
        begun = response.first_sound_at if response.first_sound_at is not None else now
        played = max(now, begun + response.voiced_ms / 1000)
        self.at = played + turns.idle_ms / 1000
