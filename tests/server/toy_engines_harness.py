"""Small working engines for tests, for audio in which each word is a tone.

A word's pitch is its place in `WORDS`. The detector measures the level, the recogniser counts the
cycles of each tone, the synthesiser makes the tones again, and the responder repeats the last turn
or obeys a few commands. So a whole conversation takes milliseconds, and a test can check every
word of it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from threading import Event

import numpy as np
from numpy.typing import NDArray

from tui_voice.errors import BackendError
from tui_voice.server.interfaces import (
    DETECTOR_RATE,
    SPEECH_RATE,
    ContextTurn,
    EndOfSentence,
    ReplyRequest,
    ToolCall,
)

_TEXT = (
    "hello what is the time tell me a story about cats and dogs please stop my name is Anna "
    "who am I yes no one two three four five six seven eight nine ten red green blue"
)
WORDS = list(dict.fromkeys(_TEXT.split()))
WORD_MS, GAP_MS = 120, 40
_LOWEST_HZ, _STEP_HZ = 300.0, 40.0


def pitch_hz(word: str) -> float:
    return _LOWEST_HZ + _STEP_HZ * WORDS.index(word)


def tones(text: str, rate: int = SPEECH_RATE) -> NDArray[np.int16]:
    """Returns a tone of `WORD_MS` and a gap of `GAP_MS` for each known word; skips other words."""
    pieces: list[NDArray[np.float64]] = []
    for word in re.findall(r"\w+", text):
        if word in WORDS:
            times = np.arange(rate * WORD_MS // 1000) / rate
            tone = np.sin(2 * np.pi * pitch_hz(word) * times)
            pieces += [tone, np.zeros(rate * GAP_MS // 1000)]
    if not pieces:
        return np.zeros(rate * WORD_MS // 1000, dtype=np.int16)
    return (np.concatenate(pieces) * 12_000).astype(np.int16)


def speech(text: str) -> bytes:
    """Returns `text` as the user speaks it, as 24 kHz s16le."""
    return tones(text).astype("<i2").tobytes()


class LevelDetector:
    """Takes loud audio for speech."""

    def __call__(self, chunk: NDArray[np.int16]) -> float:
        level = float(np.mean(chunk.astype(np.float64) ** 2)) ** 0.5
        return min(1.0, level / 2_000)

    def reset(self) -> None: ...


class ToneRecogniser:
    """Finds the tones and returns their words."""

    name = "tones"

    def __init__(self) -> None:
        self.durations_s: list[float] = []
        """Seconds of audio in each call."""
        self.fails = False

    def transcribe(self, samples: NDArray[np.float32]) -> str:
        if self.fails:
            raise BackendError("The recogniser is broken.")
        self.durations_s.append(len(samples) / DETECTOR_RATE)
        step = DETECTOR_RATE // 100
        frames = len(samples) // step
        is_loud = [
            float(np.abs(samples[n * step : (n + 1) * step]).max(initial=0)) > 0.1
            for n in range(frames)
        ]
        words, start = [], None
        for n, here in enumerate([*is_loud, False]):
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
        frequency_hz = crossings / 2 / (len(middle) / DETECTOR_RATE)
        index = round((frequency_hz - _LOWEST_HZ) / _STEP_HZ)
        return WORDS[min(max(index, 0), len(WORDS) - 1)]


class ToneSynthesiser:
    """Speaks in tones; waits while `may_continue` is not set."""

    name = "tones"

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, float]] = []
        """Text, voice and speed of each call."""
        self.fails = False
        self.may_continue = threading.Event()
        self.may_continue.set()

    def speak(self, text: str, voice: str, speed: float) -> NDArray[np.int16]:
        self.may_continue.wait()
        if self.fails:
            raise ValueError("no voice")
        self.calls.append((text, voice, speed))
        return tones(text)


class CommandResponder:
    """Repeats the last turn, or obeys it: `count N`, `call NAME`, `window`, `break`, `wait`."""

    name = "parrot"

    def __init__(self) -> None:
        self.requests: list[ReplyRequest] = []
        self.fails = False
        self.answer: str | None = None
        """The reply to everything, where it is set."""
        self.may_continue = threading.Event()
        """While it is not set, the reply to `wait` does not end."""
        self.may_continue.set()

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        self.requests.append(request)
        last = request.turns[-1].text if request.turns else ""
        if self.answer is not None:
            yield self.answer
        elif request.metadata.purpose == "summary":
            yield f"{len(request.turns)} turns in {request.metadata.language or 'any'}."
        elif request.tool_choice not in ("auto", "none", "required"):
            yield ToolCall(request.tool_choice, '{"said": "' + last + '"}')
        elif last.startswith("call ") and request.tools:
            yield "One moment. "
            yield ToolCall(last.split()[1], "{}")
        elif last.startswith("count "):
            for n in range(int(last.split()[1])):
                if stop.is_set():
                    return
                yield f"{WORDS[n % len(WORDS)]}, "
        elif last == "wait":
            yield "one two three, "
            while not (stop.is_set() or self.may_continue.is_set()):
                stop.wait(0.005)
            yield "four."
        elif last == "break" or self.fails:
            raise BackendError("The model is broken.")
        elif last == "window":
            yield " | ".join(f"{turn.role}: {turn.text}" for turn in request.turns)
        else:
            for word in last.split():
                yield word + " "


class ToyEngines:
    """Implements `server.interfaces.Engines`."""

    voices: Sequence[str] = ("marin", "cedar", "tin")

    def __init__(self) -> None:
        self.stt, self.tts, self.llm = ToneRecogniser(), ToneSynthesiser(), CommandResponder()
        self.loaded = threading.Event()
        self.judge: Callable[[NDArray[np.float32]], bool] | None = None
        """Judges the end of a turn by sound, where it is set."""
        self.read: list[str] = []
        """The turns that were read ahead, each time as one text."""
        self.judge_words: EndOfSentence | None = None
        self.fails: str | None = None
        """The error that `load` raises, where it is set."""

    def describe(self) -> str:
        return "tones · parrot"

    def load(self) -> None:
        if self.fails:
            raise BackendError(self.fails)
        self.loaded.set()

    def detector(self) -> LevelDetector:
        return LevelDetector()

    def recogniser(self) -> ToneRecogniser:
        return self.stt

    def end_of_turn(self) -> Callable[[NDArray[np.float32]], bool] | None:
        return self.judge

    def end_of_sentence(self) -> EndOfSentence | None:
        return self.judge_words

    def responder(self) -> CommandResponder:
        return self.llm

    def read_ahead(self, turns: Sequence[ContextTurn]) -> None:
        self.read.append(" / ".join(turn.text for turn in turns))

    def synthesiser(self) -> ToneSynthesiser:
        return self.tts

    def count_tokens(self, text: str) -> int:
        """Counts a word as a token, so that tests can count, too."""
        return len(text.split())
