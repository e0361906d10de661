"""Echo cancellation: removes the reply that the loudspeaker plays from the captured sound.

WebRTC's AEC3 (package `pywebrtc_audio`) cancels, its own delay estimation included; `EchoGate`
silences what AEC3 lets through while it learns. AEC3 runs at 48 kHz, the program at 24 kHz.

Measured on synthetic sentences played through a simulated room (`tests/audio/test_echo.py`): the
echo is 44 to 47 dB weaker at delays of 40 to 250 ms, and 39 dB in the first two seconds of the
first reply. An alignment by cross-correlation in front of AEC3 did not improve these figures.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tui_voice.audio.audioop_import import audioop
from tui_voice.audio.echo_gate import EchoGate
from tui_voice.audio.pcm import RATE, SAMPLES_PER_MS, WIDTH, Samples, samples
from tui_voice.audio.playback_history import PlaybackHistory

_AEC_RATE = 2 * RATE
_REST_AFTER_MS = 1_500
"""Milliseconds after the last audible sample was played, after which its echo has faded."""
_LONGEST_LAG_MS = 60
"""How far the reference may lag behind the newest played sample: the loudspeaker's own buffer. It
must not lag more, since then it would come after its echo."""


class EchoCanceller:
    """Takes all played sound in order and removes its echo from captured frames.

    `played` is called on the loudspeaker's thread, `clean` and `release` on the microphone's side,
    one at a time. Raises ImportError where the package `pywebrtc_audio` is missing.
    """

    def __init__(self) -> None:
        from pywebrtc_audio import EchoCanceller as Aec3

        self._aec: Any = Aec3(sample_rate=_AEC_RATE)
        self.history = PlaybackHistory()
        self.before_frame: Callable[[], None] | None = None
        """Adds to `played` what was heard until now; called by `clean`."""
        self._gate = EchoGate(self.history)
        self._next = 0  # number of the played sample that goes with the next captured one
        self._captured_up = _LinearResampler(RATE, _AEC_RATE)
        self._played_up = _LinearResampler(RATE, _AEC_RATE)
        self._down = _LinearResampler(_AEC_RATE, RATE)

    @property
    def has_echo(self) -> bool:
        """Whether an echo was captured so far."""
        return self._gate.has_echo

    def played(self, pcm: bytes) -> None:
        """Adds what the loudspeaker was just given: s16le at 24 kHz, silence included."""
        self.history.add(pcm)

    def clean(self, pcm: bytes, late_ms: float = 0) -> list[bytes]:
        """Takes a captured s16le frame, a multiple of 10 ms; returns the frames that are ready.

        `late_ms`: how late it arrives; it is compared with what was played at its time. While a
        reply can be heard, frames are returned 60 ms later. Otherwise they pass unchanged.
        """
        if self.before_frame is not None:
            self.before_frame()
        captured = samples(pcm)
        reference = self._reference(captured.size, late_ms)
        if self.history.silent_ms - late_ms > _REST_AFTER_MS:
            return [*self._gate.release(), pcm]
        return self._gate.put(captured, self._cancel(captured, reference), late_ms)

    def release(self) -> list[bytes]:
        """Returns the frames that wait for the frames after them."""
        return self._gate.release()

    def _reference(self, count: int, late_ms: float) -> Samples:
        """Returns the next `count` played samples, and silence for those not played yet."""
        newest = self.history.played - round(late_ms * SAMPLES_PER_MS)
        first = max(self._next, newest - _LONGEST_LAG_MS * SAMPLES_PER_MS)
        self._next = min(first + count, newest)
        return self.history.read(first + count, count)

    def _cancel(self, captured: Samples, reference: Samples) -> Samples:
        cleaned = self._aec.process(
            self._captured_up.convert(captured), self._played_up.convert(reference)
        )
        return self._down.convert(np.asarray(cleaned, np.int16))


class _LinearResampler:
    """Doubles or halves the rate by linear interpolation (`audioop.ratecv`).

    Halving takes every second sample, so doubling and halving again returns the same samples.
    Filters of higher quality (`soxr` HQ) hold back 57 ms of sound and cancel no more echo.
    """

    def __init__(self, source: int, target: int) -> None:
        self._source, self._target = source, target
        self._state: Any = None

    def convert(self, sound: Samples) -> Samples:
        converted, self._state = audioop.ratecv(
            sound.tobytes(), WIDTH, 1, self._source, self._target, self._state
        )
        return samples(converted)
