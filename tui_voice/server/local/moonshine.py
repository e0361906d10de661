"""Speech to text: Moonshine tiny, English, int8, on plain onnxruntime.

Shapes: the encoder takes raw samples at 16 kHz, the decoder is the merged kind (one graph with and
without its cache), 6 layers of 8 heads of 36. The model was made for pieces of under half a minute.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tui_voice.server.interfaces import DETECTOR_RATE
from tui_voice.server.local.vad import speech_share
from tui_voice.server.local.weights import Weights, library

_RELEASE = "moonshine-voice==0.0.73"
ENCODER = Weights(
    "moonshine_voice",
    _RELEASE,
    "assets/tiny-en/encoder_model.ort",
    "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
)
DECODER = Weights(
    "moonshine_voice",
    _RELEASE,
    "assets/tiny-en/decoder_model_merged.ort",
    "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
)
TOKENIZER = Weights(
    "moonshine_voice",
    _RELEASE,
    "assets/tiny-en/tokenizer.bin",
    "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
)

_LAYERS, _HEADS, _WIDTH = 6, 8, 36
_START, _END = 1, 2
_TOKENS_A_SECOND = 6.5
_QUIET = 3 * DETECTOR_RATE // 10
"""Silence put before and after: it took the word errors on short clips from 9 to 7 in a hundred."""
_LONGEST = 28 * DETECTOR_RATE
_SEARCH = 10 * DETECTOR_RATE
"""A cut is looked for in the last ten seconds of what one piece may hold."""
_NON_SPEECH = re.compile(r"(?:(?:you|thank you|uh|um|oh|the|so|and|mm+|hm+)\W*){1,2}", re.I)
_ENOUGH_SPEECH = 0.15


class Moonshine:
    """Holds both sessions; safe to call from several threads."""

    name = "moonshine tiny-en"

    def __init__(self, threads: int = 1) -> None:
        onnxruntime = library("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3

        def session(weights: Weights) -> Any:
            return onnxruntime.InferenceSession(
                str(weights.find()), options, providers=["CPUExecutionProvider"]
            )

        self._encoder, self._decoder = session(ENCODER), session(DECODER)
        self._pieces = read_pieces(TOKENIZER.find())

    def transcribe(self, samples: NDArray[np.float32]) -> str:
        """Mono samples at 16 kHz, −1…1, any length. "" where there is no speech."""
        texts = [self._segment(segment) for segment in segments(samples)]
        return " ".join(text for text in texts if text)

    def _segment(self, samples: NDArray[np.float32]) -> str:
        if not len(samples) or float(np.abs(samples).max()) < 1e-4:
            return ""
        audio = np.pad(samples, _QUIET).astype(np.float32)
        text = self._decode(audio[None, :])
        if not any(char.isalnum() for char in text):
            return ""  # hum comes out as notes of music
        # On silence, clicks and hum this model says "You": believe a lone word only on real speech.
        if _NON_SPEECH.fullmatch(text) and speech_share(audio) < _ENOUGH_SPEECH:
            return ""
        return text

    def _decode(self, audio: NDArray[np.float32]) -> str:
        # The mask has the length of the audio in the decoder too, not that of the encoder's frames.
        mask = np.ones(audio.shape, np.int64)
        states = self._encoder.run(None, {"input_values": audio, "attention_mask": mask})[0]
        names = [
            f"{layer}.{side}.{part}"
            for layer in range(_LAYERS)
            for side in ("decoder", "encoder")
            for part in ("key", "value")
        ]
        empty = np.zeros((1, _HEADS, 0, _WIDTH), np.float32)
        past: dict[str, Any] = dict.fromkeys(names, empty)
        tokens: list[int] = []
        last = _START
        for step in range(max(4, int(audio.shape[1] / DETECTOR_RATE * _TOKENS_A_SECOND))):
            inputs: dict[str, Any] = {f"past_key_values.{n}": value for n, value in past.items()}
            inputs |= {
                "input_ids": np.array([[last]], np.int64),
                "encoder_hidden_states": states,
                "encoder_attention_mask": mask,
                "use_cache_branch": np.array([step > 0]),
            }
            logits, *present = self._decoder.run(None, inputs)
            last = int(logits[0, -1].argmax())
            if last == _END:
                break
            tokens.append(last)
            for name, value in zip(names, present, strict=True):
                # What the encoder gave is computed in the first step and stays.
                if step == 0 or ".decoder." in name:
                    past[name] = value
        return self._text(tokens)

    def _text(self, tokens: list[int]) -> str:
        raw = b"".join(self._pieces[token] for token in tokens if token > _END)
        return raw.decode("utf-8", errors="ignore").replace("▁", " ").strip()


def read_pieces(path: Path) -> list[bytes]:
    """The tokenizer's file: each piece behind its length, which takes two bytes from 128 on."""
    data = path.read_bytes()
    pieces: list[bytes] = []
    at = 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            length += 128 * data[at] - 128
            at += 1
        pieces.append(data[at : at + length])
        at += length
    return pieces


def segments(samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Pieces of at most 28 s, cut where it is quietest."""
    cuts = [0]
    while len(samples) - cuts[-1] > _LONGEST:
        start = cuts[-1] + _LONGEST - _SEARCH
        cuts.append(start + _quietest(samples[start : start + _SEARCH]))
    return [samples[start:end] for start, end in pairwise([*cuts, len(samples)])]


def _quietest(samples: NDArray[np.float32]) -> int:
    """The middle of the quietest 200 ms."""
    frame = DETECTOR_RATE // 50
    energy = (samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    smooth = np.convolve(energy, np.ones(10), "valid")
    return (int(smooth.argmin()) + 5) * frame
