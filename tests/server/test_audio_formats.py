"""The client's audio formats: the G.711 codecs, durations and the decoding of a stream."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_voice.audio import pcm
from tui_voice.realtime.wire.session import AudioFormat, Pcm, Pcma, Pcmu
from tui_voice.server.audio_formats import (
    InputDecoder,
    bytes_per_ms,
    decode,
    duration_ms,
    encode,
    has_whole_samples,
)

FORMATS = [Pcm(rate=24_000), Pcmu(), Pcma()]


def constant(sample: int, ms: int = 20) -> bytes:
    """24 kHz s16le in which every sample has the same value: resampling does not change it."""
    return np.full(ms * 24, sample, "<i2").tobytes()


@pytest.mark.parametrize(
    ("audio_format", "code", "sample"),
    [
        (Pcmu(), 0xFF, 0),
        (Pcmu(), 0xF2, 104),
        (Pcmu(), 0x72, -104),
        (Pcmu(), 0xCE, 988),
        (Pcmu(), 0x97, 12_412),
        (Pcma(), 0xD5, 8),
        (Pcma(), 0x55, -8),
        (Pcma(), 0xD3, 104),
        (Pcma(), 0xFA, 1_008),
        (Pcma(), 0xBD, 12_544),
    ],
)
def test_g711_codes_mean_what_the_standard_says(
    audio_format: AudioFormat, code: int, sample: int
) -> None:
    decoded = pcm.samples(decode(bytes([code]) * 160, audio_format))
    assert int(decoded[240]) == pytest.approx(sample, abs=1)  # the resampler rounds
    if sample:  # µ-law has two codes for zero
        # audioop drops the two lowest bits first: 2 keeps the rounding inside the same step.
        assert encode(constant(sample + 2), audio_format)[80] == code


@given(st.integers(-30_000, 30_000))
def test_g711_round_trip_is_off_by_at_most_one_step(sample: int) -> None:
    for audio_format in (Pcmu(), Pcma()):
        back = decode(encode(constant(sample), audio_format), audio_format)
        middle = int(pcm.samples(back)[240])
        assert abs(middle - sample) <= max(16, abs(sample) / 16 + 8) + 2


@pytest.mark.parametrize(("audio_format", "expected"), zip(FORMATS, [48, 8, 8], strict=True))
def test_duration_follows_the_format(audio_format: AudioFormat, expected: int) -> None:
    assert bytes_per_ms(audio_format) == expected
    assert duration_ms(bytes(expected * 250), audio_format) == 250
    assert len(encode(constant(0, ms=100), audio_format)) == expected * 100
    assert pcm.duration_ms(decode(bytes(expected * 100), audio_format)) == 100


def test_only_linear_audio_can_end_in_the_middle_of_a_sample() -> None:
    assert [has_whole_samples(bytes(3), audio_format) for audio_format in FORMATS] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("audio_format", FORMATS)
def test_stream_decoder_loses_no_sample(audio_format: AudioFormat) -> None:
    decoder = InputDecoder(audio_format)
    audio = encode(constant(1000, ms=200), audio_format)
    step = bytes_per_ms(audio_format) * 20
    pieces = [decoder.feed(audio[at : at + step]) for at in range(0, len(audio), step)]
    assert len(b"".join([*pieces, decoder.flush()])) == 200 * pcm.BYTES_PER_MS
    assert decoder.flush() == b""
