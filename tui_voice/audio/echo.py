"""Taking the reply out of what the microphone hears, so that it never talks to itself.

WebRTC's AEC3, from the package `pywebrtc_audio`, works on 10 ms frames at 48 kHz; ours are
doubled on the way in and halved on the way out by one short filter, which keeps the number of
samples exact.
"""

from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from tui_voice.audio.pcm import RATE, WIDTH, Samples, samples

_BLOCK = RATE // 100
"""Samples at 24 kHz in the canceller's 10 ms."""
_MS = RATE * WIDTH // 1000
_APART_MS = 25
_APART_FRAMES = 25
"""Late callbacks of either device catch up at once. When the distance between the two is wrong
by so much for so many captured frames, sound was lost for good, or their clocks have drifted."""
_UNHEARD_MS = 1_000
_TAIL_BLOCKS = 100
"""1 s after the last sound of the reply the room is quiet, and the canceller may rest."""


class EchoCanceller:
    """Give it all that is played, in order; it cleans what is captured, frame by frame.

    `played` belongs to the loudspeaker's thread, `clean` to the microphone's. The canceller
    learns how much later the echo comes than the reply, so the two must keep their distance: one
    sample of the reply goes with each captured sample, always the one given `cushion_ms` before.
    While nothing has been played for a second, frames pass untouched and only this is kept up.
    Raises ImportError when the package is missing.
    """

    def __init__(self) -> None:
        from pywebrtc_audio import EchoCanceller as Aec3

        self._aec: Any = Aec3(sample_rate=2 * RATE)
        self._reference = bytearray()
        self._cushion = 20 * _MS
        self._owed = 0  # bytes that silence stood in for; what comes for them comes too late
        self._aligned = False
        self._apart = 0
        self._lock = Lock()
        self._quiet_blocks = _TAIL_BLOCKS
        self._near_in, self._far_in, self._out = _Filter(), _Filter(), _Filter()

    def align(self, latency_ms: float) -> None:
        """Tell how long sound takes from `played` to `clean` through both devices.

        The cushion against late callbacks must stay below that, or the echo would come before
        the reply; half is safe and enough.
        """
        with self._lock:
            self._cushion = int(min(40, max(10, latency_ms / 2))) * _MS
            self._aligned = False

    def played(self, pcm: bytes) -> None:
        """What the loudspeaker was just given: s16le at 24 kHz, silence included."""
        with self._lock:
            late = min(self._owed, len(pcm))
            self._owed -= late
            self._reference += pcm[late:]
            if len(self._reference) > _UNHEARD_MS * _MS:  # nobody captures
                self._aligned = False
                del self._reference[: -self._cushion]

    def clean(self, pcm: bytes) -> bytes:
        """The captured s16le without the echo; a multiple of 10 ms, as `Microphone` cuts it."""
        far = self._beside(len(pcm))
        step = _BLOCK * WIDTH
        return b"".join(
            self._clean_block(pcm[at : at + step], far[at : at + step])
            for at in range(0, len(pcm), step)
        )

    def _beside(self, size: int) -> bytes:
        """The part of the reply that goes with the next `size` captured bytes."""
        with self._lock:
            if not self._aligned:
                self._aligned, self._owed, self._apart = True, 0, 0
                wanted = self._cushion + size
                self._reference[:] = self._reference[-wanted:].rjust(wanted, b"\0")
            far = bytes(self._reference[:size])
            del self._reference[:size]
            self._owed += size - len(far)
            distance = len(self._reference) - self._owed - self._cushion
            self._apart = self._apart + 1 if abs(distance) > _APART_MS * _MS else 0
            self._aligned = self._apart < _APART_FRAMES
            return far.ljust(size, b"\0")

    def _clean_block(self, near: bytes, far: bytes) -> bytes:
        self._quiet_blocks = 0 if far.strip(b"\0") else self._quiet_blocks + 1
        if self._quiet_blocks > _TAIL_BLOCKS:
            return near
        cleaned = self._aec.process(
            self._near_in.double(samples(near)), self._far_in.double(samples(far))
        )
        return self._out.halve(cleaned).tobytes()


def _half_band() -> npt.NDArray[np.float32]:
    """47 taps of a windowed sinc: passes 0 to 11 kHz, delays by half a millisecond."""
    at = np.arange(-23, 24)
    taps = np.sinc(at / 2) * np.kaiser(47, 6.0)
    taps /= taps.sum()
    return taps.astype(np.float32)


class _Filter:
    """One direction of the change between 24 and 48 kHz, remembering the end of the last block."""

    _taps = _half_band()

    def __init__(self) -> None:
        self._memory = np.zeros(len(self._taps) - 1, np.float32)

    def double(self, pcm: Samples) -> Samples:
        spread = np.zeros(2 * pcm.size, np.float32)
        spread[::2] = pcm
        return _to_s16(2 * self._run(spread))

    def halve(self, pcm: Samples) -> Samples:
        return _to_s16(self._run(pcm.astype(np.float32))[::2])

    def _run(self, block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        joined = np.concatenate((self._memory, block))
        self._memory = joined[-len(self._memory) :]
        found: npt.NDArray[np.float32] = np.convolve(joined, self._taps, "valid")
        return found


def _to_s16(found: npt.NDArray[np.float32]) -> Samples:
    return np.clip(np.rint(found), -32768, 32767).astype(np.int16)
