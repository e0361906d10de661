"""What came out of the loudspeaker: where there is sound, which words, and how much of a reply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.server.local.voices import heard as as_heard
from tests.server.local.voices import word_errors
from tests.sound import RATE, Recording
from tui_voice.server.local.engines import LocalEngines

Samples = NDArray[np.int16]

PER_MS = RATE // 1000
_AUDIBLE = 200
"""Samples beyond this (of 32,767) are speech; what is below is the end of a breath."""
_TAIL_MS = 600


def samples(recording: Recording, start: int = 0) -> Samples:
    """What has been recorded since byte `start`."""
    data = bytes(recording.pcm[start:])
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2")


def is_quiet(pcm: bytearray, ms: float) -> bool:
    """Whether the last so many milliseconds were silent."""
    tail = np.frombuffer(bytes(pcm[-round(ms * PER_MS) * 2 :]), "<i2")
    return len(tail) >= ms * PER_MS and not (np.abs(tail.astype(np.int32)) > _AUDIBLE).any()


def sounding_ms(pcm: bytearray, start: int) -> float:
    """Milliseconds since the first sound after byte `start`; 0 before there is any."""
    sound = np.frombuffer(bytes(pcm[start : len(pcm) // 2 * 2]), "<i2")
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > _AUDIBLE)
    return (len(sound) - int(loud[0])) / PER_MS if len(loud) else 0.0


def first_utterance(sound: Samples, pause_ms: float = 1000) -> Samples:
    """From the first sound up to the first pause that is longer than any between two sentences."""
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > _AUDIBLE)
    pauses = np.flatnonzero(np.diff(loud) > pause_ms * PER_MS)
    last = loud[pauses[0]] if len(pauses) else loud[-1]
    return sound[loud[0] : last + 1]


def loudness(sound: Samples) -> float:
    """RMS, 0–1."""
    return float(np.sqrt(np.mean((sound.astype(np.float64) / 32768) ** 2))) if len(sound) else 0.0


class Ear:
    """Our own speech-to-text, listening from outside."""

    def __init__(self, engines: LocalEngines) -> None:
        self._engines = engines

    def words(self, sound: Samples) -> str:
        """What is said in it."""
        return self._engines.recogniser().transcribe(as_heard(sound))

    def error_rate(self, said: str, sound: Samples) -> float:
        """The share of words that are not heard as they were said."""
        wrong, total = word_errors(said, self.words(sound))
        return wrong / total

    def as_spoken(self, clauses: list[str], voice: str = "marin") -> Samples:
        """The same sound that the embedded server makes of a reply's clauses."""
        speak = self._engines.synthesiser().speak
        return np.concatenate([speak(clause.strip(), voice, 1.0) for clause in clauses])


@dataclass(frozen=True)
class Cut:
    """How much of a reply was heard, in its own milliseconds. Where it was cut in a pause, the
    cut lies anywhere between `least` and `most`. `likeness`: 1 when it is that reply for sure.
    """

    least: float
    most: float
    likeness: float


def where_cut(whole: Samples, monitor: Samples) -> Cut:
    """Finds the last sound on the monitor in the whole reply: gaps before it do not matter."""
    loud = np.flatnonzero(np.abs(monitor.astype(np.int32)) > _AUDIBLE)
    end = int(loud[-1]) + 1
    tail = monitor[max(0, end - _TAIL_MS * PER_MS) : end].astype(np.float64)
    reply = whole.astype(np.float64)
    size = 1 << (len(reply) + len(tail)).bit_length()
    product = np.fft.irfft(np.fft.rfft(reply, size) * np.conj(np.fft.rfft(tail, size)), size)
    energy = np.concatenate([[0.0], np.cumsum(reply**2)])
    starts = np.arange(len(reply) - len(tail) + 1)
    norm = np.sqrt((energy[starts + len(tail)] - energy[starts]) * float(tail @ tail)) + 1e-9
    likeness = product[: len(starts)] / norm
    best = int(np.argmax(likeness))
    last = best + len(tail)
    after = np.flatnonzero(np.abs(whole[last:].astype(np.int32)) > _AUDIBLE)
    most = last + (int(after[0]) if len(after) else len(whole) - last)
    return Cut(last / PER_MS, most / PER_MS, float(likeness[best]))
