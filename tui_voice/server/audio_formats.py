"""Conversion between the client's audio formats and the server's own: 24 kHz, mono, s16le.

The API names three formats: `audio/pcm`, which is also what the server keeps, and the telephone
codecs `audio/pcmu` and `audio/pcma` (G.711 µ-law and A-law: 8 kHz, one byte a sample).
"""

from __future__ import annotations

from tui_voice.audio import pcm
from tui_voice.audio.audioop_import import audioop
from tui_voice.realtime.wire.session import AudioFormat, Pcma, Pcmu

G711_RATE = 8_000
"""Samples per second of `audio/pcmu` and `audio/pcma`."""
_G711_BYTES_PER_MS = G711_RATE // 1000


def bytes_per_ms(audio_format: AudioFormat) -> int:
    """Returns how many bytes one millisecond of audio has in the client's format."""
    return _G711_BYTES_PER_MS if _is_g711(audio_format) else pcm.BYTES_PER_MS


def duration_ms(audio: bytes, audio_format: AudioFormat) -> float:
    """Returns the duration of audio in the client's format."""
    return len(audio) / bytes_per_ms(audio_format)


def has_whole_samples(audio: bytes, audio_format: AudioFormat) -> bool:
    """Returns whether the last sample is complete."""
    return _is_g711(audio_format) or len(audio) % pcm.WIDTH == 0


def decode(audio: bytes, audio_format: AudioFormat) -> bytes:
    """Converts a complete recording from the client's format to 24 kHz s16le."""
    return pcm.resample(_to_linear(audio, audio_format), _rate(audio_format))


def encode(sound: bytes, audio_format: AudioFormat) -> bytes:
    """Converts a complete recording from 24 kHz s16le to the client's format."""
    linear = pcm.resample(sound, pcm.RATE, _rate(audio_format))
    match audio_format:
        case Pcmu():
            return audioop.lin2ulaw(linear, pcm.WIDTH)
        case Pcma():
            return audioop.lin2alaw(linear, pcm.WIDTH)
        case _:
            return linear


class InputDecoder:
    """Converts a stream of audio from the client's format to 24 kHz s16le.

    The resampler holds back a few samples; `flush` returns them, so that no sample is lost.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self.audio_format = audio_format
        self._resampler = self._new_resampler()

    def feed(self, audio: bytes) -> bytes:
        return self._resampler.feed(_to_linear(audio, self.audio_format))

    def flush(self) -> bytes:
        """Returns the samples that the resampler still holds, then starts a new stream."""
        rest = self._resampler.finish()
        self._resampler = self._new_resampler()
        return rest

    def _new_resampler(self) -> pcm.Resampler:
        return pcm.Resampler(_rate(self.audio_format), pcm.RATE)


def _is_g711(audio_format: AudioFormat) -> bool:
    return isinstance(audio_format, (Pcmu, Pcma))


def _rate(audio_format: AudioFormat) -> int:
    """Returns the samples per second of the client's format."""
    return G711_RATE if _is_g711(audio_format) else pcm.RATE


def _to_linear(audio: bytes, audio_format: AudioFormat) -> bytes:
    """Decodes to s16le at the rate of the client's format."""
    match audio_format:
        case Pcmu():
            return audioop.ulaw2lin(audio, pcm.WIDTH)
        case Pcma():
            return audioop.alaw2lin(audio, pcm.WIDTH)
        case _:
            return audio
