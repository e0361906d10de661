"""Analyses recorded sound: where it is audible, which words it contains, where a reply was cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.server.local.speech_harness import for_recogniser, word_errors
from tests.sound_server_harness import RATE, Recording
from tui_voice.server.local.engines import LocalEngines

Samples = NDArray[np.int16]

PER_MS = RATE // 1000
"""Samples per millisecond."""
_AUDIBLE = 200
"""A sample beyond this amplitude (of 32,767) is speech; quieter ones end a word."""
_PIECE = 120 * PER_MS
"""Samples of the piece that `find_cut` looks for in the whole reply."""
_SEARCH_MS = 500
_SAME = 0.95
"""Two pieces with at least this normalised correlation are the same sound."""


def samples(recording: Recording, start: int = 0) -> Samples:
    """Returns what was recorded since byte `start`."""
    data = bytes(recording.pcm[start:])
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2")


def is_silent(pcm: bytearray, ms: float) -> bool:
    """Returns whether the last `ms` milliseconds were recorded and are silent."""
    tail = np.frombuffer(bytes(pcm[-round(ms * PER_MS) * 2 :]), "<i2")
    return len(tail) >= ms * PER_MS and not len(audible(tail))


def ms_since_first_sound(pcm: bytearray, start: int) -> float:
    """Returns the milliseconds since the first sound after byte `start`; 0 if there is none."""
    sound = np.frombuffer(bytes(pcm[start : len(pcm) // 2 * 2]), "<i2")
    at = audible(sound)
    return (len(sound) - int(at[0])) / PER_MS if len(at) else 0.0


def audible(sound: Samples) -> NDArray[np.intp]:
    """Returns the indices of the samples that are audible."""
    return np.flatnonzero(np.abs(sound.astype(np.int32)) > _AUDIBLE)


def first_utterance(sound: Samples, pause_ms: float = 1000) -> Samples:
    """Returns the part from the first sound to the first pause of more than `pause_ms`.

    The default is longer than any pause between two sentences.
    """
    at = audible(sound)
    pauses = np.flatnonzero(np.diff(at) > pause_ms * PER_MS)
    last = at[pauses[0]] if len(pauses) else at[-1]
    return sound[at[0] : last + 1]


def rms(sound: Samples) -> float:
    """Returns the root mean square of the sound, 0.0 to 1.0."""
    return float(np.sqrt(np.mean((sound.astype(np.float64) / 32768) ** 2))) if len(sound) else 0.0


class SpeechEngines:
    """The speech engines of the embedded server, run by the test itself."""

    def __init__(self, engines: LocalEngines) -> None:
        self._engines = engines

    def transcribe(self, sound: Samples) -> str:
        """Returns the words that are spoken in the sound."""
        return self._engines.recogniser().transcribe(for_recogniser(sound))

    def error_rate(self, text: str, sound: Samples) -> float:
        """Returns the word error rate of the sound, 0 and above, if it should say `text`."""
        wrong, total = word_errors(text, self.transcribe(sound))
        return wrong / total

    def synthesize(self, clauses: list[str], voice: str = "marin") -> Samples:
        """Returns the sound that the embedded server makes of a reply's clauses."""
        speak = self._engines.synthesiser().speak
        return np.concatenate([speak(clause.strip(), voice, 1.0) for clause in clauses])


@dataclass(frozen=True)
class CutPosition:
    """The position, in milliseconds of a reply, at which its playback was cut.

    A cut within a pause of the reply may lie anywhere between `earliest` and `latest`.
    `correlation` is 1.0 where the recording certainly contains this reply.
    """

    earliest: float
    latest: float
    correlation: float


def find_cut(reply: Samples, recording: Samples) -> CutPosition:
    """Returns where in the whole reply the recording of it ends.

    A busy machine plays with small gaps, so a long stretch of the recording equals no stretch of
    the reply. This searches for the last short piece of the recording that equals one, near the
    place where it should be.
    """
    first, end = audible(recording)[0], int(audible(recording)[-1]) + 1
    offset = audible(reply)[0] - first
    best = CutPosition(0, 0, 0.0)
    for back in range(0, _SEARCH_MS * PER_MS, _PIECE // 4):
        piece = recording[end - back - _PIECE : end - back]
        if len(piece) < _PIECE:
            break
        start, correlation = _find_piece(reply, piece, end - back - _PIECE + offset)
        if correlation > best.correlation:
            last = min(start + _PIECE + back, len(reply))
            later = audible(reply[last:])
            latest = last + int(later[0]) if len(later) else len(reply)
            best = CutPosition(last / PER_MS, latest / PER_MS, correlation)
        if correlation > _SAME:
            break
    return best


def _find_piece(reply: Samples, piece: Samples, near: int) -> tuple[int, float]:
    """Returns the index of the piece in `reply`, at most `_SEARCH_MS` from the index `near`, and
    its normalised correlation.
    """
    low = max(0, near - _SEARCH_MS * PER_MS)
    part = reply[low : near + _SEARCH_MS * PER_MS + len(piece)].astype(np.float64)
    if len(part) < len(piece):
        return low, 0.0
    wanted = piece.astype(np.float64)
    products = np.correlate(part, wanted, "valid")
    energy = np.concatenate([[0.0], np.cumsum(part**2)])
    energies = energy[len(wanted) :] - energy[: len(products)]
    correlation = products / (np.sqrt(energies * float(wanted @ wanted)) + 1e-9)
    best = int(np.argmax(correlation))
    return low + best, float(correlation[best])
