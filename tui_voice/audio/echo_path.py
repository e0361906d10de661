"""How much later the echo is heard than the reply was given to the loudspeaker.

Found in the sound itself: a driver's figures leave out the air, and a loudspeaker that ran dry for
a moment plays everything later from then on, which nobody tells.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tui_voice.audio.pcm import RATE, Samples

Signal = npt.NDArray[np.float32]

LONGEST_MS = 600
"""Searched: sound servers need 30 to 200 ms, headphones without a wire up to 400."""
_FACTOR = 3
"""The search runs at 8 kHz, where voices are; the sample is found at the full rate."""
_FINE = RATE // 1000


class Found(NamedTuple):
    """Where in the reply the microphone's sound is found, in samples before its end, and how alike
    the two are, -1 to 1; also at the place where it was expected.
    """

    delay: int
    alike: float
    as_expected: float


def find(heard: Samples, reply: Samples, expected: int) -> Found:
    """`heard`: a piece of the microphone. `reply`: what was played up to the same moment, longer
    by the longest delay. Both s16 at 24 kHz; `expected` samples is where it was the last time.
    """
    near, far = sharpen(heard), sharpen(reply)
    rough = _alike(_thin(near), _thin(far))
    best = int(np.argmax(rough)) * _FACTOR
    at, exact = _around(near, far, best)
    found = int(np.argmax(exact))
    _, before = _around(near, far, len(far) - len(near) - expected)
    return Found(
        len(far) - len(near) - at - found, float(exact[found]), float(before.max(initial=0.0))
    )


def likeness(one: Samples, other: Samples) -> float:
    """How alike two pieces of the same length are, give or take a millisecond: 0 to 1."""
    near, far = sharpen(one), sharpen(other)
    return float(_alike(near[_FINE:-_FINE], far).max(initial=0.0))


def sharpen(sound: Samples) -> Signal:
    """Without the loud low notes, of which all voices have the same."""
    found = sound.astype(np.float32)
    found[1:] -= np.float32(0.95) * found[:-1]
    found[:1] = 0
    return found


def _around(near: Signal, far: Signal, at: int) -> tuple[int, Signal]:
    """How alike within a millisecond of `at`; and where that stretch begins."""
    first = min(max(0, at - _FINE), len(far) - len(near))
    return first, _alike(near, far[first : at + _FINE + len(near)])


def _thin(sound: Signal) -> Signal:
    whole = len(sound) // _FACTOR * _FACTOR
    thinned: Signal = sound[len(sound) - whole :].reshape(-1, _FACTOR).mean(axis=1)
    return thinned


def _alike(near: Signal, far: Signal) -> Signal:
    """How alike `near` is to each stretch of `far`, -1 to 1."""
    size = 1 << (len(far) - 1).bit_length()
    spectrum = np.fft.rfft(far, size) * np.conj(np.fft.rfft(near, size))
    products = np.fft.irfft(spectrum, size)[: len(far) - len(near) + 1]
    power = np.concatenate(([0.0], np.cumsum(far.astype(np.float64) ** 2)))
    stretches = power[len(near) :] - power[: -len(near)]
    own = float(np.dot(near, near)) + 1.0
    # No echo is 30 dB louder than what it comes from: near silence is like anything.
    scale = np.sqrt(np.maximum(stretches, 1e-3 * own) * own)
    alike: Signal = (products / scale).astype(np.float32)
    return alike
