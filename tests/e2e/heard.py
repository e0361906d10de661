"""What came out of the loudspeaker: where there is sound, which words, and how much of a reply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.server.local.speech_harness import for_recogniser as as_heard
from tests.server.local.speech_harness import word_errors
from tests.sound_server_harness import RATE, Recording
from tui_voice.server.local.engines import LocalEngines

Samples = NDArray[np.int16]

PER_MS = RATE // 1000
_AUDIBLE = 200
"""Samples beyond this (of 32,767) are speech; what is below is the end of a breath."""
_PIECE = 120 * PER_MS
_SEARCH_MS = 500
_ALIKE = 0.95


def samples(recording: Recording, start: int = 0) -> Samples:
    """What has been recorded since byte `start`."""
    data = bytes(recording.pcm[start:])
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2")


def is_quiet(pcm: bytearray, ms: float) -> bool:
    """Whether the last so many milliseconds were silent."""
    tail = np.frombuffer(bytes(pcm[-round(ms * PER_MS) * 2 :]), "<i2")
    return len(tail) >= ms * PER_MS and not len(loud(tail))


def sounding_ms(pcm: bytearray, start: int) -> float:
    """Milliseconds since the first sound after byte `start`; 0 before there is any."""
    sound = np.frombuffer(bytes(pcm[start : len(pcm) // 2 * 2]), "<i2")
    at = loud(sound)
    return (len(sound) - int(at[0])) / PER_MS if len(at) else 0.0


def loud(sound: Samples) -> NDArray[np.intp]:
    """Where it is more than breath."""
    return np.flatnonzero(np.abs(sound.astype(np.int32)) > _AUDIBLE)


def first_utterance(sound: Samples, pause_ms: float = 1000) -> Samples:
    """From the first sound up to the first pause that is longer than any between two sentences."""
    at = loud(sound)
    pauses = np.flatnonzero(np.diff(at) > pause_ms * PER_MS)
    last = at[pauses[0]] if len(pauses) else at[-1]
    return sound[at[0] : last + 1]


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
    """Finds the last sound on the monitor in the whole reply.

    A busy machine plays with small gaps, so no long stretch is alike: the last short piece that
    is, not far from where it must be, tells where the end was.
    """
    first, end = loud(monitor)[0], int(loud(monitor)[-1]) + 1
    expected = loud(whole)[0] - first
    best = Cut(0, 0, 0.0)
    for back in range(0, _SEARCH_MS * PER_MS, _PIECE // 4):
        piece = monitor[end - back - _PIECE : end - back]
        if len(piece) < _PIECE:
            break
        start, likeness = _find(whole, piece, end - back - _PIECE + expected)
        if likeness > best.likeness:
            last = min(start + _PIECE + back, len(whole))
            later = loud(whole[last:])
            most = last + int(later[0]) if len(later) else len(whole)
            best = Cut(last / PER_MS, most / PER_MS, likeness)
        if likeness > _ALIKE:
            break
    return best


def _find(whole: Samples, piece: Samples, near: int) -> tuple[int, float]:
    """Where in `whole` the piece is, at most `_SEARCH_MS` from `near`; and how alike they are."""
    low = max(0, near - _SEARCH_MS * PER_MS)
    part = whole[low : near + _SEARCH_MS * PER_MS + len(piece)].astype(np.float64)
    if len(part) < len(piece):
        return low, 0.0
    wanted = piece.astype(np.float64)
    products = np.correlate(part, wanted, "valid")
    energy = np.concatenate([[0.0], np.cumsum(part**2)])
    energies = energy[len(wanted) :] - energy[: len(products)]
    likeness = products / (np.sqrt(energies * float(wanted @ wanted)) + 1e-9)
    best = int(np.argmax(likeness))
    return low + best, float(likeness[best])
