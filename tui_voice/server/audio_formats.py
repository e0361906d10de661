"""The client's audio formats to and from what the server keeps: 24 kHz, mono, s16le."""

from __future__ import annotations

from tui_voice.audio import g711, pcm
from tui_voice.realtime.wire.session import AudioFormat, Pcma, Pcmu

BYTES_PER_MS = pcm.BYTES_PER_MS


def milliseconds(sound: bytes | bytearray) -> float:
    """How long a sound as the server keeps it is."""
    return pcm.duration_ms(sound)


def sent_ms(data: bytes, form: AudioFormat) -> float:
    """How long a sound in the client's format is."""
    return len(data) / (8 if isinstance(form, (Pcmu, Pcma)) else BYTES_PER_MS)


def whole(data: bytes, form: AudioFormat) -> bool:
    """No half sample at the end."""
    return isinstance(form, (Pcmu, Pcma)) or len(data) % pcm.WIDTH == 0


def decoded(data: bytes, form: AudioFormat) -> tuple[bytes, int]:
    """s16le and its rate in samples a second."""
    match form:
        case Pcmu():
            return g711.decode_ulaw(data), g711.RATE
        case Pcma():
            return g711.decode_alaw(data), g711.RATE
        case _:
            return data, pcm.RATE


def taken(data: bytes, form: AudioFormat) -> bytes:
    """A whole sound from a client, as the server keeps it."""
    found, rate = decoded(data, form)
    return pcm.resample(found, rate)


def given(sound: bytes, form: AudioFormat) -> bytes:
    """A whole sound that the server keeps, in the client's format."""
    match form:
        case Pcmu():
            return g711.encode_ulaw(pcm.resample(sound, pcm.RATE, g711.RATE))
        case Pcma():
            return g711.encode_alaw(pcm.resample(sound, pcm.RATE, g711.RATE))
        case _:
            return sound


class InputDecoder:
    """A stream in the client's format, turned into what is kept; loses no sample at its end."""

    def __init__(self, form: AudioFormat) -> None:
        self.form = form
        self._resampler = self._fresh()

    def feed(self, data: bytes) -> bytes:
        return self._resampler.feed(decoded(data, self.form)[0])

    def flush(self) -> bytes:
        """What the filter still held; the stream begins anew."""
        rest = self._resampler.finish()
        self._resampler = self._fresh()
        return rest

    def _fresh(self) -> pcm.Resampler:
        return pcm.Resampler(decoded(b"", self.form)[1], pcm.RATE)
