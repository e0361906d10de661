"""Compares captured sound with what the loudspeaker played just before.

An echo correlates with what was played at one delay; the voice of a user does so by chance, and the
less the longer the compared sound is.
"""

import numpy as np
import numpy.typing as npt

from tui_voice.audio.pcm import SAMPLES_PER_MS, Samples
from tui_voice.audio.playback_history import PlaybackHistory

LONGEST_DELAY_MS = 600
"""Longest delay of an echo that is recognised: sound servers need 30 to 200 ms, wireless headphones
up to 400 ms."""
ECHO_SIMILARITY = 0.55
"""Normalised correlation from which 60 ms of captured sound count as an echo: of 100 pieces of
other voices one reaches 0.5."""
_SEARCH_STEP = 3
"""The search runs at a third of the rate, 8 kHz, where the energy of voices is."""

Signal = npt.NDArray[np.float32]


def is_echo(captured: Samples, history: PlaybackHistory, late_ms: float = 0) -> bool:
    """Returns whether captured sound, at least 60 ms of it, is what was played just before."""
    return likeness(captured, history, late_ms) > ECHO_SIMILARITY


def likeness(captured: Samples, history: PlaybackHistory, late_ms: float = 0) -> float:
    """Returns the largest normalised correlation with what was played in the last 600 ms.

    `late_ms`: how late the captured sound arrived; what was played so much earlier is compared too.
    """
    length = captured.size + round((LONGEST_DELAY_MS + late_ms) * SAMPLES_PER_MS)
    return similarity(captured, history.read(history.played, length))


def similarity(captured: Samples, played: Samples) -> float:
    """Returns the largest normalised cross-correlation, -1 to 1, over all delays.

    Both are s16 at 24 kHz; `played` is longer than `captured` by the longest delay. The best delay
    is searched at 8 kHz and refined by 1 ms at 24 kHz.
    """
    near, far = emphasised(captured), emphasised(played)
    coarse = _correlation(_thinned(near), _thinned(far))
    best = int(np.argmax(coarse)) * _SEARCH_STEP
    first = min(max(0, best - SAMPLES_PER_MS), len(far) - len(near))
    exact = _correlation(near, far[first : best + SAMPLES_PER_MS + len(near)])
    return float(exact.max())


def emphasised(sound: Samples) -> Signal:
    """Pre-emphasis: weakens low frequencies, which are alike in all voices."""
    found = sound.astype(np.float32)
    found[1:] -= np.float32(0.95) * found[:-1]
    found[:1] = 0
    return found


def _thinned(sound: Signal) -> Signal:
    whole = len(sound) // _SEARCH_STEP * _SEARCH_STEP
    thinned: Signal = sound[len(sound) - whole :].reshape(-1, _SEARCH_STEP).mean(axis=1)
    return thinned


def _correlation(near: Signal, far: Signal) -> Signal:
    """Normalised correlation of `near` with each stretch of `far` of the same length."""
    size = 1 << (len(far) - 1).bit_length()
    spectrum = np.fft.rfft(far, size) * np.conj(np.fft.rfft(near, size))
    products = np.fft.irfft(spectrum, size)[: len(far) - len(near) + 1]
    energy = np.concatenate(([0.0], np.cumsum(far.astype(np.float64) ** 2)))
    stretches = energy[len(near) :] - energy[: -len(near)]
    own = float(np.dot(near, near)) + 1.0
    # An echo is never 30 dB louder than its source: without this bound, near silence would
    # correlate with anything.
    scale = np.sqrt(np.maximum(stretches, 1e-3 * own) * own)
    found: Signal = (products / scale).astype(np.float32)
    return found


def rms(sound: Samples | Signal) -> float:
    """Returns the root mean square of the sample values."""
    return float(np.sqrt(np.mean(sound.astype(np.float32) ** 2)))
