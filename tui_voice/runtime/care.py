"""Tells the user what they cannot notice: a closed or muted microphone, or one that clips."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from tui_voice.audio.pcm_format import BYTES_PER_MS

if TYPE_CHECKING:
    from tui_voice.audio.voice_detector import VoiceDetector

SPOKEN_MS = 1_000
"""Milliseconds of speech after which a notice says that it is not sent."""
AGAIN_S = 60.0
"""Seconds before the same is said again."""
_WINDOW_MS = 2_000
_CLIPPED_SHARE = 0.005
"""Share of the samples of one second at the limit from which the microphone is too loud."""

CLOSED = "You are speaking, and the microphone is closed: the talk key opens it."
MUTED = "You are speaking, and you are muted."
CLIPS = "The microphone is too loud, so your words are distorted: lower its level in the system."


class MicrophoneCare:
    """Gets every captured frame, also of a closed microphone, on the loop."""

    def __init__(self, detector: VoiceDetector) -> None:
        self._detector = detector
        self._said: dict[str, float] = {}
        self._recent: deque[tuple[float, float]] = deque()  # time in ms, ms of speech
        self._at_ms = self._speech_ms = 0.0
        self._clipped = self._samples = 0

    def unsent(self, frame: bytes, *, muted: bool) -> str:
        """Returns what to say of a frame that is not sent; "" for nothing."""
        from tui_voice.audio.voice_detector import CHUNK_MS

        self._at_ms += len(frame) / BYTES_PER_MS
        while self._recent and self._recent[0][0] < self._at_ms - _WINDOW_MS:
            self._speech_ms -= self._recent.popleft()[1]
        spoken = sum(self._detector.feed(frame)) * CHUNK_MS
        if spoken:
            self._recent.append((self._at_ms, spoken))
            self._speech_ms += spoken
        if self._speech_ms < SPOKEN_MS:
            return ""
        self._recent.clear()
        self._speech_ms = 0.0
        return self._once(MUTED if muted else CLOSED)

    def sent(self, frame: bytes) -> str:
        """Returns what to say of a frame that is sent; "" for nothing."""
        from tui_voice.audio.pcm import samples

        found = samples(frame)
        self._clipped += int((abs(found.astype("i4")) >= 32_700).sum())
        self._samples += found.size
        if self._samples < 24_000:
            return ""
        share, self._clipped, self._samples = self._clipped / self._samples, 0, 0
        return self._once(CLIPS) if share > _CLIPPED_SHARE else ""

    def _once(self, text: str) -> str:
        now = time.monotonic()
        if now - self._said.get(text, -AGAIN_S) < AGAIN_S:
            return ""
        self._said[text] = now
        return text
