"""Small engines that really work, for sound that is made for them: tones that spell words.

A word is a tone; its pitch is its place in `WORDS`. The detector measures energy, the recogniser
counts cycles, the synthesiser makes the tones again, and the responder repeats or obeys a few
plain commands. So a whole talk can be held in milliseconds, and everything heard checked.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tui_voice.errors import BackendError
from tui_voice.server.interfaces import DETECTOR_RATE, SPEECH_RATE, ReplyRequest, ToolCall

_TEXT = (
    "hello what is the time tell me a story about cats and dogs please stop my name is Anna "
    "who am I yes no one two three four five six seven eight nine ten red green blue"
)
WORDS = list(dict.fromkeys(_TEXT.split()))
WORD_MS, GAP_MS = 120, 40
_LOWEST, _STEP = 300.0, 40.0


def pitch(word: str) -> float:
    return _LOWEST + _STEP * WORDS.index(word)


def tones(text: str, rate: int = SPEECH_RATE) -> NDArray[np.int16]:
    """Each known word as a tone of `WORD_MS`, a short gap after it; unknown words are skipped."""
    pieces: list[NDArray[np.float64]] = []
    for word in re.findall(r"\w+", text):
        if word in WORDS:
            t = np.arange(rate * WORD_MS // 1000) / rate
            pieces += [np.sin(2 * np.pi * pitch(word) * t), np.zeros(rate * GAP_MS // 1000)]
    if not pieces:
        return np.zeros(rate * WORD_MS // 1000, dtype=np.int16)
    return (np.concatenate(pieces) * 12_000).astype(np.int16)


def speech(text: str) -> bytes:
    """What a user says, as 24 kHz s16le."""
    return tones(text).astype("<i2").tobytes()


class EnergyDetector:
    """Loud is speech."""

    def __call__(self, chunk: NDArray[np.int16]) -> float:
        power = float(np.mean(chunk.astype(np.float64) ** 2)) ** 0.5
        return min(1.0, power / 2_000)

    def reset(self) -> None: ...


class ToneRecogniser:
    """Finds the tones and names their words."""

    name = "tones"

    def __init__(self) -> None:
        self.heard: list[float] = []
        """Seconds of each call."""
        self.breaks = False

    def transcribe(self, samples: NDArray[np.float32]) -> str:
        if self.breaks:
            raise BackendError("The recogniser is broken.")
        self.heard.append(len(samples) / DETECTOR_RATE)
        step = DETECTOR_RATE // 100
        frames = len(samples) // step
        loud = [
            float(np.abs(samples[n * step : (n + 1) * step]).max(initial=0)) > 0.1
            for n in range(frames)
        ]
        words, start = [], None
        for n, here in enumerate([*loud, False]):
            if here and start is None:
                start = n
            elif not here and start is not None:
                if n - start >= 6:
                    words.append(self._word(samples[start * step : n * step]))
                start = None
        return " ".join(words)

    def _word(self, samples: NDArray[np.float32]) -> str:
        middle = samples[len(samples) // 4 : -len(samples) // 4]
        crossings = int(np.sum(np.diff(np.signbit(middle).astype(np.int8)) != 0))
        found = crossings / 2 / (len(middle) / DETECTOR_RATE)
        index = round((found - _LOWEST) / _STEP)
        return WORDS[min(max(index, 0), len(WORDS) - 1)]


class ToneSynthesiser:
    """Speaks in tones; `held` stops it in the middle until it is set again."""

    name = "tones"
    voices: Sequence[str] = ("marin", "cedar", "tin")

    def __init__(self) -> None:
        self.said: list[tuple[str, str, float]] = []
        self.breaks = False
        self.free = threading.Event()
        self.free.set()

    def speak(self, text: str, voice: str, speed: float) -> NDArray[np.int16]:
        self.free.wait()
        if self.breaks:
            raise ValueError("no voice")
        self.said.append((text, voice, speed))
        return tones(text)


class Parrot:
    """Repeats what it heard last; obeys `count N`, `call NAME`, `recall`, `break` and `wait`."""

    name = "parrot"

    def __init__(self) -> None:
        self.requests: list[ReplyRequest] = []
        self.fails = False
        self.answer: str | None = None
        """Said whatever was asked."""
        self.free = threading.Event()
        self.free.set()

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        self.requests.append(request)
        last = request.turns[-1] if request.turns else None
        said = last.text if last else ""
        if self.answer is not None:
            yield self.answer
        elif request.metadata.purpose == "summary":
            yield f"{len(request.turns)} turns in {request.metadata.language or 'any'}."
        elif request.tool_choice not in ("auto", "none", "required"):
            yield ToolCall(request.tool_choice, '{"said": "' + said + '"}')
        elif said.startswith("call ") and request.tools:
            yield "One moment. "
            yield ToolCall(said.split()[1], "{}")
        elif said.startswith("count "):
            for n in range(int(said.split()[1])):
                if stop.is_set():
                    return
                yield f"{WORDS[n % len(WORDS)]}, "
        elif said == "wait":
            yield "one two three, "
            while not (stop.is_set() or self.free.is_set()):
                stop.wait(0.005)
            yield "four."
        elif said == "break" or self.fails:
            raise BackendError("The model is broken.")
        elif said == "window":
            yield " | ".join(f"{t.role}: {t.text}" for t in request.turns)
        else:
            for word in said.split():
                yield word + " "


class ToyEngines:
    """Implements `contracts.Engines`."""

    def __init__(self) -> None:
        self.hears, self.speaks, self.thinks = ToneRecogniser(), ToneSynthesiser(), Parrot()
        self.loaded = threading.Event()
        self.fails: str | None = None

    def describe(self) -> str:
        return "tones · parrot"

    def load(self) -> None:
        if self.fails:
            raise BackendError(self.fails)
        self.loaded.set()

    def detector(self) -> EnergyDetector:
        return EnergyDetector()

    def recogniser(self) -> ToneRecogniser:
        return self.hears

    def responder(self) -> Parrot:
        return self.thinks

    def synthesiser(self) -> ToneSynthesiser:
        return self.speaks

    def count_tokens(self, text: str) -> int:
        """A word is a token here, so that tests can count."""
        return len(text.split())


Json = dict[str, Any]
