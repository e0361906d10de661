"""Works with audio as bytes in the format of `pcm_format`, unless a name says otherwise."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tui_voice.audio.pcm_format import BYTES_PER_MS, FRAME_MS, RATE, SAMPLES_PER_MS, WIDTH

if TYPE_CHECKING:
    from soxr import ResampleStream

__all__ = [
    "BYTES_PER_MS",
    "FLOOR_DB",
    "FRAME_MS",
    "RATE",
    "SAMPLES_PER_MS",
    "WIDTH",
    "Resampler",
    "Samples",
    "duration_ms",
    "level",
    "level_db",
    "resample",
    "samples",
    "silence",
]

FLOOR_DB = -60.0
"""dB below full scale that the meter shows as 0: the noise of a quiet room."""

Samples = npt.NDArray[np.int16]


def samples(pcm: bytes | bytearray | memoryview) -> Samples:
    """Returns the samples in `pcm` as a view, without a copy; an odd last byte is left out."""
    return np.frombuffer(pcm, dtype="<i2", count=len(pcm) // WIDTH)


def silence(ms: float) -> bytes:
    """Returns `ms` milliseconds of digital silence."""
    return bytes(round(ms * SAMPLES_PER_MS) * WIDTH)


def duration_ms(pcm: bytes | bytearray | memoryview) -> float:
    """Returns the duration of `pcm` in milliseconds."""
    return len(pcm) / BYTES_PER_MS


def level_db(pcm: bytes | bytearray | memoryview) -> float:
    """Returns the RMS level in dB relative to full scale: 0.0 at most, -inf for silence."""
    found = samples(pcm)
    if not found.size:
        return -math.inf
    # A dot product in float32 needs no squared copy; 32768² x 480 is far inside its range.
    as_float = found.astype(np.float32)
    power = float(np.dot(as_float, as_float)) / found.size
    return 10.0 * math.log10(power / 32768.0**2) if power else -math.inf


def level(pcm: bytes | bytearray | memoryview) -> float:
    """Returns the level for a meter, 0.0 to 1.0: linear in dB from `FLOOR_DB` to full scale."""
    return min(1.0, max(0.0, 1.0 - level_db(pcm) / FLOOR_DB))


class Resampler:
    """Converts a stream of mono s16le from one rate to another; keeps its filter between calls.

    Rates are in samples per second. `feed` may return less than its share at first, because the
    filter needs later samples; `finish` returns the remainder and ends the stream.
    """

    def __init__(self, source: int, target: int) -> None:
        self._stream: ResampleStream | None = None
        if source != target:
            import soxr

            self._stream = soxr.ResampleStream(source, target, 1, dtype="int16", quality="HQ")

    def feed(self, pcm: bytes) -> bytes:
        return self._run(pcm, last=False)

    def finish(self) -> bytes:
        return self._run(b"", last=True)

    def _run(self, pcm: bytes, *, last: bool) -> bytes:
        if self._stream is None:
            return pcm
        found: npt.NDArray[Any] = self._stream.resample_chunk(samples(pcm), last=last)
        return found.astype("<i2", copy=False).tobytes()


def resample(pcm: bytes, source: int, target: int = RATE) -> bytes:
    """Converts a whole sound to another rate: mono s16le, length scaled by target/source."""
    if source == target:
        return pcm
    import soxr

    found: npt.NDArray[Any] = soxr.resample(samples(pcm), source, target, quality="HQ")
    return found.astype("<i2", copy=False).tobytes()
