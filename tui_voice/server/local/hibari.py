"""Text to speech by hibari, at 24 kHz: one trained voice, changed into ten for the Realtime names.

The model gives the pitch of the voice (`f0`) and the resonances of the throat (spectral envelopes)
separately. Another speaker has another pitch and a throat of another length, so `f0` is multiplied
and the frequency axis of the envelopes is stretched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tui_voice.server.local.spoken import spoken
from tui_voice.weights import Weights, library

MODEL = Weights(
    "hibari",
    "hibari-tts==0.2.1",
    "assets/hibari.onnx",
    "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
)
_VOICED_HZ = 40.0
"""The model gives a lower pitch for whispered sounds, such as `s`."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a voice differs from the trained one, each field as a factor."""

    pitch: float = 1.0
    formant: float = 1.0
    """Of the frequency of the resonances; above 1 the throat is shorter."""
    speed: float = 1.0
    melody: float = 1.0
    """Of the movement of the pitch (an exponent); above 1 the speech is livelier."""


VOICES = {
    "marin": Voice(),
    "cedar": Voice(0.56, 0.85),
    "alloy": Voice(0.86, 0.98, melody=0.85),
    "ash": Voice(0.62, 0.95, speed=1.05),
    "ballad": Voice(0.68, 0.86, speed=0.92, melody=1.25),
    "coral": Voice(1.12, 1.06, melody=1.15),
    "echo": Voice(0.72, 1.0, melody=0.6),
    "sage": Voice(0.92, 0.92, speed=0.88),
    "shimmer": Voice(1.26, 1.10),
    "verse": Voice(0.78, 0.91, speed=1.05, melody=1.4),
}
_DEFAULT = VOICES["marin"]
_AUDIBLE = 0.001
"""Amplitude, of 1."""
_LEAD_SAMPLES = 720
"""30 ms, kept before the first audible sample: a soft consonant begins below the threshold."""


class Hibari:
    """Implements `server.interfaces.Synthesiser`; safe to call from several threads."""

    name = "hibari"
    voices: Sequence[str] = tuple(sorted(VOICES))

    def __init__(self, threads: int = 1) -> None:
        # Without the name of a file, hibari may look for a model on the network.
        self._tts = library("hibari").Hibari(model=str(MODEL.find()), threads=threads)
        self._synth = library("hibari.dsp").synth
        self._lock = Lock()
        with self._lock:
            self._tts.phonemize("Ready.")

    def speak(self, text: str, voice: str, speed: float) -> NDArray[np.int16]:
        """Returns one clause or sentence as mono samples at 24 kHz; none where no word is in it.

        `speed`: 0.25–4, a factor of the voice's own speed. An unknown voice sounds like `marin`.
        """
        sound = VOICES.get(voice, _DEFAULT)
        with self._lock:  # its tables of pronunciations grow with each new word
            phonemes = self._tts.phonemize(spoken(text))
        parts = [self._phrase(self._tts.ids(phrase), sound, speed) for phrase in phonemes]
        if not parts:
            return np.zeros(0, np.int16)
        wave = _without_lead_in(np.concatenate(parts))
        peak = float(np.abs(wave).max(initial=0.0))
        scale = 32767 * (0.98 / peak if peak > 0.98 else 1.0)
        return (wave * scale).astype(np.int16)

    def _phrase(self, ids: list[int], voice: Voice, speed: float) -> NDArray[np.float32]:
        if len(ids) < 3:
            return np.zeros(0, np.float32)
        pace = float(np.clip(speed * voice.speed, 0.25, 4.0))
        inputs = {"ids": np.asarray([ids], np.int64), "speed": np.asarray([pace], np.float32)}
        lh, th, ln, lr, phi, f0 = (out[0] for out in self._tts.sess.run(None, inputs))
        noise = np.random.default_rng(len(ids))
        bands = stretch(np.stack([lh, th, ln, lr]), voice.formant)
        wave: NDArray[np.float32] = self._synth(*bands, phi, _melody(f0, voice), noise)
        return wave


def _without_lead_in(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the sound without the silence before it, about 300 ms, which only delays the reply.

    The silence behind a clause stays: it is the pause before the next one.
    """
    audible = np.flatnonzero(np.abs(wave) > _AUDIBLE)
    return wave[max(0, int(audible[0]) - _LEAD_SAMPLES) :] if len(audible) else wave


def _melody(f0: NDArray[np.float32], voice: Voice) -> NDArray[np.float32]:
    """Returns the pitch of each frame in Hz, as `voice` speaks it."""
    voiced = f0 > _VOICED_HZ
    if not voiced.any():
        return f0
    mean = float(np.exp(np.log(f0[voiced]).mean()))
    moved = mean * voice.pitch * (np.maximum(f0, 1.0) / mean) ** voice.melody
    # A voiced frame whose pitch falls below the threshold would be whispered.
    kept = np.where(voiced, np.maximum(moved, _VOICED_HZ + 5), f0)
    return np.asarray(kept, np.float32)


def stretch(bands: NDArray[np.float32], formant: float) -> NDArray[np.float32]:
    """Returns the envelopes with the frequency of every resonance multiplied by `formant`.

    `bands`: parts × 601 frequencies × frames.
    """
    if formant == 1.0:
        return bands
    bins = bands.shape[1]
    source = np.minimum(np.arange(bins) / formant, bins - 1)
    low = source.astype(np.int64)
    high = np.minimum(low + 1, bins - 1)
    share = (source - low).astype(np.float32)[None, :, None]
    return np.asarray(bands[:, low] * (1 - share) + bands[:, high] * share, np.float32)
