"""Judges from the sound of a turn whether its speaker has finished, by the model smart-turn v3.2.

The model (BSD-2) hears the last 8 s before a pause as a Whisper spectrogram: 80 mel bands of the
Slaney scale, a frame each 10 ms. Its weights are in a package with many dependencies, so they are
optional: without them `semantic_vad` judges by words.
Source: https://github.com/pipecat-ai/smart-turn, and for the spectrogram, `WhisperFeatureExtractor`
of https://github.com/huggingface/transformers
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tui_voice.audio.mel import mel_filters
from tui_voice.server.interfaces import DETECTOR_RATE
from tui_voice.weights import Weights, library

WEIGHTS = Weights(
    "pipecat",
    "pipecat-ai==1.14.0",
    "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",
    "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
)
FINISHED_FROM = 0.95
"""Probability from which a speaker counts as finished: with it, a speaker who stops between two
words is rarely cut, and more than half of the finished sentences end at once
(`benchmarks/turn_ends.py`)."""
_SAMPLES = 8 * DETECTOR_RATE
_WINDOW, _HOP, _BANDS = 400, 160, 80


class SmartTurn:
    """Implements `server.interfaces.EndOfTurn`. Raises `EnginesMissing` without its weights."""

    def __init__(self) -> None:
        weights = WEIGHTS.find()
        onnxruntime = library("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._model: Any = onnxruntime.InferenceSession(
            str(weights), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, samples: NDArray[np.float32]) -> bool:
        """Returns whether the speaker has finished. `samples`: as for `probability`."""
        return self.probability(samples) > FINISHED_FROM

    def probability(self, samples: NDArray[np.float32]) -> float:
        """Returns how likely it is, 0 to 1, that the speaker has finished.

        `samples`: the turn until its pause (mono, 16 kHz, −1…1, any length).
        """
        last = samples[-_SAMPLES:]
        features = spectrogram(np.pad(last, (_SAMPLES - len(last), 0)))
        return float(self._model.run(None, {"input_features": features[None]})[0].ravel()[0])


def spectrogram(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the logarithm of the power in 80 bands, a column each 10 ms, in about −1…1."""
    even = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    padded = np.pad(even, _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:-1]
    window = np.hanning(_WINDOW + 1)[:-1]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    bands = np.log10(np.maximum(_mel_filters() @ power.T, 1e-10))
    loud = np.maximum(bands, bands.max() - 8.0)
    found: NDArray[np.float32] = ((loud + 4.0) / 4.0).astype(np.float32)
    return found


@cache
def _mel_filters() -> NDArray[np.float64]:
    """Returns the weight of each frequency in each band: triangles of equal area."""
    mels = np.linspace(0.0, 15.0 + np.log(DETECTOR_RATE / 2 / 1000) * 27 / np.log(6.4), _BANDS + 2)
    log_part = 1000.0 * np.exp((mels - 15.0) * np.log(6.4) / 27)
    edges = np.where(mels < 15.0, mels * 200.0 / 3, log_part)  # in Hz
    triangles = mel_filters(edges, np.linspace(0, DETECTOR_RATE / 2, _WINDOW // 2 + 1))
    filters: NDArray[np.float64] = triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return filters
