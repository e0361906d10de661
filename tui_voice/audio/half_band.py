"""Between our 24 kHz and the 48 kHz of the echo canceller, with an exact number of samples."""

import numpy as np
import numpy.typing as npt

from tui_voice.audio.pcm import Samples


def _taps() -> npt.NDArray[np.float32]:
    """47 taps of a windowed sinc: passes 0 to 11 kHz, delays by half a millisecond."""
    at = np.arange(-23, 24)
    taps = np.sinc(at / 2) * np.kaiser(47, 6.0)
    taps /= taps.sum()
    return taps.astype(np.float32)


class HalfBand:
    """One direction of the change, remembering the end of the last block."""

    _taps = _taps()

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
