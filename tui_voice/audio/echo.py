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
_SLACK = 3 * _BLOCK
"""The loudspeaker's blocks and the microphone's come in bursts; so much may wait between them."""
_TAIL_BLOCKS = 100
"""1 s after the last sound of the reply the room is quiet, and the canceller may rest."""


class EchoCanceller:
    """Give it all that is played, in order; it cleans what is captured, frame by frame.

    `played` belongs to the loudspeaker's thread, `clean` to the microphone's. While nothing has
    been played for a second, frames pass untouched and cost nothing. Raises ImportError when
    the package is missing.
    """

    def __init__(self) -> None:
        from pywebrtc_audio import EchoCanceller as Aec3

        self._aec: Any = Aec3(sample_rate=2 * RATE)
        self._reference = bytearray()
        self._lock = Lock()
        self._quiet_blocks = 0
        self._resting = True
        self._near_in, self._far_in, self._out = _Filter(), _Filter(), _Filter()

    def played(self, pcm: bytes) -> None:
        """What the loudspeaker was just given: s16le at 24 kHz, silence included."""
        if self._resting and not pcm.strip(b"\0"):
            return
        with self._lock:
            self._resting = False
            self._reference += pcm
            surplus = len(self._reference) - 2 * _SLACK * WIDTH
            if surplus > 0:  # nobody captures, or the two clocks drift: keep the newest
                del self._reference[: surplus + _SLACK * WIDTH]

    def clean(self, pcm: bytes) -> bytes:
        """The captured s16le without the echo: as long as it came, in whole blocks of 10 ms.

        A rest that fills no block passes as it is; drivers here capture whole blocks.
        """
        if self._resting:
            return pcm
        whole = len(pcm) // (_BLOCK * WIDTH) * _BLOCK * WIDTH
        cleaned = [
            self._clean_block(pcm[at : at + _BLOCK * WIDTH])
            for at in range(0, whole, _BLOCK * WIDTH)
        ]
        return b"".join([*cleaned, pcm[whole:]])

    def _clean_block(self, near: bytes) -> bytes:
        with self._lock:
            far = bytes(self._reference[: _BLOCK * WIDTH])
            del self._reference[: _BLOCK * WIDTH]
            self._quiet_blocks = 0 if far.strip(b"\0") else self._quiet_blocks + 1
            if self._quiet_blocks > _TAIL_BLOCKS and not self._reference.strip(b"\0"):
                self._resting = True
                self._reference.clear()
        far = far.ljust(_BLOCK * WIDTH, b"\0")
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
