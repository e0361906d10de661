"""Taking the reply out of what the microphone hears, so that it never talks to itself.

WebRTC's AEC3, from the package `pywebrtc_audio`, works on 10 ms frames at 48 kHz; ours are
doubled on the way in and halved on the way out by one short filter, which keeps the number of
samples exact.
"""

from typing import Any

from tui_voice.audio.alignment import Alignment
from tui_voice.audio.echo_gate import EchoGate
from tui_voice.audio.half_band import HalfBand
from tui_voice.audio.pcm import RATE, samples
from tui_voice.audio.reference import Reference

_TAIL = RATE * 3 // 2
"""This long after the last sound was given to the loudspeaker it has been heard, and the room is
quiet: the canceller may rest."""


class EchoCanceller:
    """Give it all that is played, in order; it cleans what is captured, frame by frame.

    `played` belongs to the loudspeaker's thread, `clean` to the microphone's. While nothing has
    been played for a second, frames pass untouched. Raises ImportError when the package is
    missing.
    """

    def __init__(self) -> None:
        from pywebrtc_audio import EchoCanceller as Aec3

        self._aec: Any = Aec3(sample_rate=2 * RATE, stream_delay_ms=28)
        self._reference = Reference()
        self._alignment = Alignment(self._reference)
        self._gate = EchoGate(self._alignment)
        self._near_in, self._far_in, self._out = HalfBand(), HalfBand(), HalfBand()

    def align(self, latency_ms: float) -> None:
        """Tell how long sound takes from `played` to `clean` through both devices, as far as
        their drivers know; the rest is found out."""
        self._alignment.expect(latency_ms)

    def played(self, pcm: bytes) -> None:
        """What the loudspeaker was just given: s16le at 24 kHz, silence included."""
        self._reference.add(pcm)

    def clean(self, pcm: bytes) -> list[bytes]:
        """The captured s16le frames without the echo, in order, as far as they are decided; each
        a multiple of 10 ms, as `Microphone` cuts it."""
        near = samples(pcm)
        if self._reference.played - self._reference.sounded > _TAIL:
            self._alignment.skip(near.size)
            return [*self._gate.release(), pcm]
        end = self._alignment.beside(near)
        far = self._reference.before(end, near.size)
        cleaned = self._aec.process(self._near_in.double(near), self._far_in.double(far))
        return self._gate.put(near, self._out.halve(cleaned))

    def release(self) -> list[bytes]:
        """The frames that wait for what follows them, decided by what is known now. Not while
        `clean` runs."""
        return self._gate.release()
