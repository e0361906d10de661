"""The input audio buffer, and the detection of spoken turns in it.

All positions are ms of audio that the client has appended in this session. The speech detector
works on chunks of 32 ms, so turns start and end on multiples of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from tui_voice.audio import pcm
from tui_voice.server.interfaces import DETECTOR_CHUNK, DETECTOR_RATE, SpeechDetector
from tui_voice.server.session_settings import TurnDetectionSettings

CHUNK_MS = DETECTOR_CHUNK * 1000 / DETECTOR_RATE
_CHUNK_BYTES = DETECTOR_CHUNK * pcm.WIDTH
_ONSET_CHUNKS = 3
"""Consecutive chunks with speech that start a turn: 96 ms, shorter than the shortest word."""
_HYSTERESIS = 0.15
"""During a turn the probability of speech may fall this far below the threshold before a chunk
counts as silence."""
PAUSE_MS = 128
"""Silence after which the server starts to prepare a reply. It is longer than the breaks within a
phrase, and leaves time for a transcript and a first clause before the end of the turn."""


class Pause(Enum):
    """What is known of a pause in a turn."""

    WITHIN = "words: within a sentence, or not known yet"
    AFTER_SENTENCE = "words: after a complete sentence"
    UNFINISHED = "a model: the speaker has not finished"
    FINISHED = "a model: the speaker has finished"


SILENCE_MS = {
    Pause.WITHIN: {"low": 8_000, "medium": 4_000, "auto": 4_000, "high": 2_000},
    Pause.AFTER_SENTENCE: {"low": 1_000, "medium": 600, "auto": 600, "high": 350},
    Pause.UNFINISHED: {"low": 4_000, "medium": 1_300, "auto": 1_300, "high": 1_000},
    Pause.FINISHED: {"low": 600, "medium": 300, "auto": 300, "high": 200},
}
"""`semantic_vad`, by eagerness: silence that ends a turn."""
_KEPT_SILENCE_MS = 60_000
"""Silence between turns that stays in the buffer in case the client commits it."""


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """A turn has started; `start_ms` includes the prefix padding."""

    start_ms: float


@dataclass(frozen=True, slots=True)
class VoicePaused:
    """There has been no speech for `PAUSE_MS`."""


@dataclass(frozen=True, slots=True)
class VoiceResumed:
    """Speech goes on after a pause."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn is over; `end_ms` is now, so the turn includes the silence that ended it."""

    end_ms: float


TurnSignal = VoiceStarted | VoicePaused | VoiceResumed | TurnEnded


class TurnDetector:
    """Holds the audio since the last commit; `write` adds audio and finds turns in it."""

    def __init__(self, detector: SpeechDetector, max_ms: float) -> None:
        self._detector = detector
        self._max_ms = max_ms
        self._buffer = bytearray()
        self.start_ms = 0.0
        """Position of the first byte in the buffer."""
        self.is_speaking = False
        """A turn has started and not yet ended."""
        self.voice_end_ms = 0.0
        """End of the last chunk with speech."""
        self.pause = Pause.WITHIN
        """What is known of the current pause (`semantic_vad`)."""
        self._turn_detection: TurnDetectionSettings | None = None
        self._reset_detection()

    @property
    def end_ms(self) -> float:
        """Position of the end of the buffer: all audio appended so far."""
        return self.start_ms + self.length_ms

    @property
    def length_ms(self) -> float:
        return pcm.duration_ms(self._buffer)

    @property
    def silence_ms(self) -> float:
        """Silence since the last speech of the current turn."""
        return self._silent_chunks * CHUNK_MS

    @property
    def is_full(self) -> bool:
        """The client must commit before it appends more; detected turns end by themselves."""
        return self._turn_detection is None and self.length_ms >= self._max_ms

    def configure(self, turn_detection: TurnDetectionSettings | None) -> None:
        """Detects turns in this way from now on; None: detects none."""
        if (turn_detection is None) != (self._turn_detection is None):
            self._reset_detection()
        self._turn_detection = turn_detection

    def _reset_detection(self) -> None:
        self._detector.reset()
        self._resampler = pcm.Resampler(pcm.RATE, DETECTOR_RATE)
        self._resampled = bytearray()
        self._detected_until_ms = self.end_ms
        self._speech_chunks = 0
        """Consecutive chunks with speech before a turn."""
        self._silent_chunks = 0
        """Consecutive chunks of silence within a turn."""
        self.is_speaking, self.pause = False, Pause.WITHIN
        self._turn_start_ms = self._detected_until_ms

    def write(self, sound: bytes) -> Iterator[TurnSignal]:
        """Appends `sound` (24 kHz s16le) and yields what is detected in it.

        The caller must handle each signal before it asks for the next: a commit in between removes
        audio from the buffer.
        """
        self._buffer += sound
        if self._turn_detection is None:
            return
        self._resampled += self._resampler.feed(sound)
        while len(self._resampled) >= _CHUNK_BYTES and self._turn_detection is not None:
            chunk = np.frombuffer(bytes(self._resampled[:_CHUNK_BYTES]), "<i2")
            del self._resampled[:_CHUNK_BYTES]
            self._detected_until_ms += CHUNK_MS
            yield from self._detect(self._detector(chunk), self._turn_detection)
        if not self.is_speaking and self.length_ms > _KEPT_SILENCE_MS:
            self._delete_until(self.end_ms - _KEPT_SILENCE_MS)

    def _detect(
        self, probability: float, turn_detection: TurnDetectionSettings
    ) -> Iterator[TurnSignal]:
        """Processes one chunk that contains speech with `probability`."""
        now = self._detected_until_ms
        if not self.is_speaking:
            is_speech = probability >= turn_detection.threshold
            self._speech_chunks = self._speech_chunks + 1 if is_speech else 0
            if self._speech_chunks >= _ONSET_CHUNKS:
                onset = now - _ONSET_CHUNKS * CHUNK_MS
                self.is_speaking, self._speech_chunks, self._silent_chunks = True, 0, 0
                self.voice_end_ms = now
                self._turn_start_ms = max(self.start_ms, onset - turn_detection.prefix_ms)
                yield VoiceStarted(self._turn_start_ms)
        elif probability >= max(turn_detection.threshold - _HYSTERESIS, 0.01):
            was_paused = self.silence_ms >= PAUSE_MS
            self._silent_chunks, self.voice_end_ms, self.pause = 0, now, Pause.WITHIN
            if now - self._turn_start_ms >= self._max_ms:
                yield self._end_turn()
            elif was_paused:
                yield VoiceResumed()
        else:
            silence_before = self.silence_ms
            self._silent_chunks += 1
            if self.silence_ms >= self._closing_silence_ms(turn_detection):
                yield self._end_turn()
            elif silence_before < PAUSE_MS <= self.silence_ms:
                yield VoicePaused()

    def _closing_silence_ms(self, turn_detection: TurnDetectionSettings) -> float:
        """Returns the silence that ends the current turn."""
        if turn_detection.eagerness is None:
            return turn_detection.silence_ms
        return SILENCE_MS[self.pause][turn_detection.eagerness]

    def _end_turn(self) -> TurnEnded:
        self.is_speaking, self.pause = False, Pause.WITHIN
        self._silent_chunks = 0
        self._detector.reset()
        return TurnEnded(self._detected_until_ms)

    def audio(self, start_ms: float, end_ms: float) -> bytes:
        """Returns the audio between two positions, as far as it is in the buffer."""
        return bytes(self._buffer[self._offset(start_ms) : self._offset(end_ms)])

    def take(self, start_ms: float, end_ms: float) -> bytes:
        """Returns the audio between two positions and deletes all audio until `end_ms`."""
        audio = self.audio(start_ms, end_ms)
        self._delete_until(end_ms)
        return audio

    def clear(self) -> None:
        """Deletes the buffer and forgets a turn that has started."""
        self._delete_until(self.end_ms)
        self._reset_detection()

    def _delete_until(self, end_ms: float) -> None:
        offset = self._offset(end_ms)
        self.start_ms += offset / pcm.BYTES_PER_MS
        del self._buffer[:offset]

    def _offset(self, ms: float) -> int:
        """Returns the index of the byte at position `ms`: at a whole sample, inside the buffer."""
        sample = round((ms - self.start_ms) * pcm.SAMPLES_PER_MS)
        return min(max(sample * pcm.WIDTH, 0), len(self._buffer))
