"""Speech to text by Moonshine tiny: English, 8-bit weights, run by onnxruntime.

The encoder takes raw samples at 16 kHz. The decoder is one graph for the first step and for the
later ones, which reuse its cache: 6 layers of 8 heads of 36 values. The model was trained on pieces
of less than 30 s.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tui_voice.realtime.wire.items import LogProb
from tui_voice.server.interfaces import DETECTOR_RATE
from tui_voice.weights import Weights, library

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
_BLANK = "▁".encode()
"""What a token has instead of a blank."""
_TOKENS_PER_SECOND = 6.5
"""Of sound; a limit for a decoder that does not end."""
_PADDING = 3 * DETECTOR_RATE // 10
"""Samples of silence (300 ms) put before and behind each piece: with them, word errors on short
clips fall from 9 % to 7 %."""
_MOST_SAMPLES = 28 * DETECTOR_RATE
"""Of one piece."""
_CUT_RANGE = 10 * DETECTOR_RATE
"""Samples at the end of a full piece in which the quietest place is searched for the cut."""


class Moonshine:
    """Implements `server.interfaces.Recogniser`; safe to call from several threads."""

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
        """Returns the words in `samples` (mono, 16 kHz, −1…1, any length); "" for no speech."""
        return self.transcribe_scored(samples)[0]

    def transcribe_scored(self, samples: NDArray[np.float32]) -> tuple[str, list[LogProb]]:
        """Returns the words, and their tokens with the log probabilities that the decoder gave."""
        texts: list[str] = []
        scores: list[LogProb] = []
        for piece in cut_into_pieces(samples):
            text, tokens = self._transcribe_piece(piece)
            if text:
                texts.append(text)
                scores += tokens
        return " ".join(texts), scores

    def _transcribe_piece(self, samples: NDArray[np.float32]) -> tuple[str, list[LogProb]]:
        if not len(samples) or float(np.abs(samples).max()) < 1e-4:
            return "", []
        audio = np.pad(samples, _PADDING).astype(np.float32)
        tokens = self._decode(audio[None, :])
        text = _text(tokens)
        if not any(char.isalnum() for char in text):
            return "", []  # the model writes hum as music notes
        return text, tokens

    def _decode(self, audio: NDArray[np.float32]) -> list[LogProb]:
        """Returns the tokens of a piece, shaped 1 × samples: always the most likely next one."""
        # The decoder, too, wants a mask of the length of the audio, not of the encoder's frames.
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
        tokens: list[LogProb] = []
        last = _START
        for step in range(max(4, int(audio.shape[1] / DETECTOR_RATE * _TOKENS_PER_SECOND))):
            inputs: dict[str, Any] = {f"past_key_values.{n}": value for n, value in past.items()}
            inputs |= {
                "input_ids": np.array([[last]], np.int64),
                "encoder_hidden_states": states,
                "encoder_attention_mask": mask,
                "use_cache_branch": np.array([step > 0]),
            }
            logits, *present = self._decoder.run(None, inputs)
            scores = logits[0, -1]
            last = int(scores.argmax())
            if last == _END:
                break
            if last > _END:
                logprob = float(-np.log(np.exp(scores - scores[last]).sum()))  # softmax
                raw = self._pieces[last].replace(_BLANK, b" ")
                token = raw.decode(errors="replace")
                tokens.append(LogProb(token=token, logprob=logprob, bytes=list(raw)))
            for name, value in zip(names, present, strict=True):
                # The first step computes the encoder's part of the cache, and it does not change.
                if step == 0 or ".decoder." in name:
                    past[name] = value
        return tokens


def _text(tokens: list[LogProb]) -> str:
    raw = b"".join(bytes(token.bytes or ()) for token in tokens)
    return raw.decode("utf-8", errors="ignore").strip()


def read_pieces(path: Path) -> list[bytes]:
    """Returns the tokens of a tokenizer file as bytes.

    Before each token stands its length in one byte, or in two where it is 128 or more.
    """
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


def cut_into_pieces(samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Returns `samples` in pieces of at most 28 s, cut where they are quietest."""
    cuts = [0]
    while len(samples) - cuts[-1] > _MOST_SAMPLES:
        start = cuts[-1] + _MOST_SAMPLES - _CUT_RANGE
        cuts.append(start + _quietest(samples[start : start + _CUT_RANGE]))
    return [samples[start:end] for start, end in pairwise([*cuts, len(samples)])]


def _quietest(samples: NDArray[np.float32]) -> int:
    """Returns the sample in the middle of the quietest 200 ms."""
    frame = DETECTOR_RATE // 50
    energy = (samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    smooth = np.convolve(energy, np.ones(10), "valid")
    return (int(np.argmin(smooth)) + 5) * frame
