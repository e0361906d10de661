"""The input audio buffer, and the ear that finds turns in it.

All positions are ms of audio written in this session. The detector runs on 32 ms chunks, so that
is how finely turns begin and end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tui_voice.audio import pcm
from tui_voice.server.interfaces import DETECTOR_CHUNK, DETECTOR_RATE, SpeechDetector
from tui_voice.server.settings import Turns

CHUNK_MS = DETECTOR_CHUNK * 1000 / DETECTOR_RATE
_CHUNK_BYTES = DETECTOR_CHUNK * pcm.WIDTH
_ONSET_CHUNKS = 3
"""So much voice in a row begins a turn: 96 ms, shorter than the shortest word."""
_HYSTERESIS = 0.15
"""A voice that has begun may fade by this much before it counts as silence."""
PAUSE_MS = 128
"""A silence after which it pays to guess that the turn is over: longer than people break off within
a phrase, and so long before the end of a turn that writing down and a first clause fit between."""
_PATIENCE_MS = {"low": 8_000, "medium": 4_000, "auto": 4_000, "high": 2_000}
"""`semantic_vad`: the longest wait for the rest of a sentence."""
_CONTENT_MS = {"low": 1_000, "medium": 600, "auto": 600, "high": 350}
"""`semantic_vad`: the wait after a sentence that sounds finished."""
_QUIET_KEPT_MS = 60_000
"""Silence kept for a commit by hand while turns are being listened for."""


@dataclass(frozen=True, slots=True)
class Began:
    """A voice; the turn starts at `start_ms`, prefix padding included."""

    start_ms: float


@dataclass(frozen=True, slots=True)
class Paused:
    """The voice has been silent for `PAUSE_MS`."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The voice went on after a pause."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The turn is over; `end_ms` is now, the closing silence included."""

    end_ms: float


Signal = Began | Paused | Resumed | Ended


class TurnDetector:
    """Holds what was written since the last commit; `hear` finds turns in it."""

    def __init__(self, detector: SpeechDetector, max_ms: float) -> None:
        self._detector = detector
        self._max_ms = max_ms
        self._buffer = bytearray()
        self.start_ms = 0.0
        """Where the buffer begins."""
        self.speaking = False
        self.voiced_ms = 0.0
        """Where a voice was heard last."""
        self.sounds_finished = False
        """What was said before the present pause is a whole sentence (`semantic_vad`)."""
        self._turns: Turns | None = None
        self._listen_anew()

    @property
    def end_ms(self) -> float:
        """Where the buffer ends: how much audio was written."""
        return self.start_ms + len(self._buffer) / pcm.BYTES_PER_MS

    @property
    def length_ms(self) -> float:
        return len(self._buffer) / pcm.BYTES_PER_MS

    @property
    def silence_ms(self) -> float:
        """How long the voice has been silent within a turn."""
        return self._silent * CHUNK_MS

    @property
    def full(self) -> bool:
        """No more may be written before a commit; turns that are listened for end by themselves."""
        return self._turns is None and self.length_ms >= self._max_ms

    def set_turns(self, turns: Turns | None) -> None:
        """Listens for turns in this way from here on, or not at all."""
        if (turns is None) != (self._turns is None):
            self._listen_anew()
        self._turns = turns

    def _listen_anew(self) -> None:
        self._detector.reset()
        self._resampler = pcm.Resampler(pcm.RATE, DETECTOR_RATE)
        self._fine = bytearray()
        self._at = self.end_ms
        self._loud = 0
        self._silent = 0
        self.speaking = self.sounds_finished = False
        self._turn_start = self._at

    def hear(self, sound: bytes) -> Iterator[Signal]:
        """Writes `sound` (24 kHz s16le); the signals must be obeyed as they come."""
        self._buffer += sound
        if self._turns is None:
            return
        self._fine += self._resampler.feed(sound)
        while len(self._fine) >= _CHUNK_BYTES and self._turns is not None:
            chunk = np.frombuffer(bytes(self._fine[:_CHUNK_BYTES]), "<i2")
            del self._fine[:_CHUNK_BYTES]
            self._at += CHUNK_MS
            yield from self._step(self._detector(chunk), self._turns)
        if not self.speaking and self.length_ms > _QUIET_KEPT_MS:
            self._drop_until(self.end_ms - _QUIET_KEPT_MS)

    def _step(self, probability: float, turns: Turns) -> Iterator[Signal]:
        if not self.speaking:
            self._loud = self._loud + 1 if probability >= turns.threshold else 0
            if self._loud >= _ONSET_CHUNKS:
                onset = self._at - _ONSET_CHUNKS * CHUNK_MS
                self.speaking, self._loud, self._silent = True, 0, 0
                self.voiced_ms = self._at
                self._turn_start = max(self.start_ms, onset - turns.prefix_ms)
                yield Began(self._turn_start)
        elif probability >= max(turns.threshold - _HYSTERESIS, 0.01):
            resumed = self.silence_ms >= PAUSE_MS
            self._silent, self.voiced_ms, self.sounds_finished = 0, self._at, False
            if self._at - self._turn_start >= self._max_ms:
                yield self._ended()
            elif resumed:
                yield Resumed()
        else:
            before = self.silence_ms
            self._silent += 1
            if self.silence_ms >= self._enough(turns):
                yield self._ended()
            elif before < PAUSE_MS <= self.silence_ms:
                yield Paused()

    def _enough(self, turns: Turns) -> float:
        """The silence that ends a turn."""
        if turns.eagerness is None:
            return turns.silence_ms
        waits = _CONTENT_MS if self.sounds_finished else _PATIENCE_MS
        return waits[turns.eagerness]

    def _ended(self) -> Ended:
        self.speaking = self.sounds_finished = False
        self._silent = 0
        self._detector.reset()
        return Ended(self._at)

    def sound(self, start_ms: float, end_ms: float | None = None) -> bytes:
        """A stretch of the buffer, as far as it is there."""
        first = self._offset(start_ms)
        last = len(self._buffer) if end_ms is None else self._offset(end_ms)
        return bytes(self._buffer[first:last])

    def take(self, start_ms: float, end_ms: float) -> bytes:
        """As `sound`, and forgets everything up to `end_ms`."""
        found = self.sound(start_ms, end_ms)
        self._drop_until(end_ms)
        return found

    def _drop_until(self, ms: float) -> None:
        offset = self._offset(ms)
        del self._buffer[:offset]
        self.start_ms += offset / pcm.BYTES_PER_MS

    def _offset(self, ms: float) -> int:
        """The byte at which `ms` begins; a whole sample, inside the buffer."""
        samples = round((ms - self.start_ms) * pcm.BYTES_PER_MS / pcm.WIDTH)
        return min(max(samples * pcm.WIDTH, 0), len(self._buffer))

    def clear(self) -> None:
        """Forgets what was written, and a turn that had begun."""
        self._drop_until(self.end_ms)
        self._listen_anew()
