"""The timer behind `idle_timeout_ms`: it runs out when the user has been silent for that time."""

from __future__ import annotations

from tui_voice.server.response import RunningResponse
from tui_voice.server.session_settings import TurnDetectionSettings


class IdleTimer:
    """Starts when a reply has been played to its end; any activity stops it."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        """When the timer runs out, in seconds of the server's clock; None while it is stopped."""

    def stop(self) -> None:
        self.deadline = None

    def start(
        self, response: RunningResponse, turn_detection: TurnDetectionSettings | None, now: float
    ) -> None:
        """Starts the timer after `response`, which has just ended.

        The server cannot see the playback at the client, so it assumes that playback started when
        the first audio was sent.
        """
        if response.is_out_of_band or turn_detection is None:
            return
        if turn_detection.idle_timeout_ms is None:
            return
        started = response.first_audio_at if response.first_audio_at is not None else now
        played = max(now, started + response.audio_ms / 1000)
        self.deadline = played + turn_detection.idle_timeout_ms / 1000
