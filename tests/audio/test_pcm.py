import math
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.requirements_harness import require_package
from tui_voice.audio import pcm
from tui_voice.audio.files import read_sound, write_wav
from tui_voice.errors import UsageError


def tone(ms: float, hz: float = 440.0, loud: float = 0.5, rate: int = pcm.RATE) -> bytes:
    at = np.arange(round(ms * rate / 1000)) / rate
    return np.rint(np.sin(2 * np.pi * hz * at) * loud * 32767).astype("<i2").tobytes()


def loudest_hz(sound: bytes, rate: int = pcm.RATE) -> float:
    found = np.abs(np.fft.rfft(np.frombuffer(sound, "<i2")))
    return float(found.argmax()) * rate / (len(sound) // 2)


def test_a_second_is_48_000_bytes() -> None:
    assert pcm.duration_ms(bytes(48_000)) == 1000
    assert len(pcm.silence(1000)) == 48_000


def test_level_runs_from_silence_to_full_scale() -> None:
    square = np.where(np.arange(480) % 2, 32767, -32768).astype("<i2").tobytes()
    assert pcm.level(b"") == pcm.level(bytes(960)) == 0.0
    assert pcm.level(square) == pytest.approx(1.0, abs=1e-3)
    assert pcm.level_db(tone(100, loud=0.5)) == pytest.approx(-9.03, abs=0.05)
    assert pcm.level(tone(100, loud=0.1)) < pcm.level(tone(100, loud=0.5))
    assert pcm.level_db(bytes(960)) == -math.inf


def test_the_resampler_keeps_the_pitch_and_the_length() -> None:
    stream = pcm.Resampler(48_000, 24_000)
    sound = tone(1000, hz=1000, rate=48_000)
    blocks = [stream.feed(sound[at : at + 1920]) for at in range(0, len(sound), 1920)]
    out = b"".join([*blocks, stream.finish()])
    assert abs(pcm.duration_ms(out) - 1000) < 1
    assert loudest_hz(out) == pytest.approx(1000, abs=2)


def test_a_resampler_between_equal_rates_returns_its_input() -> None:
    stream = pcm.Resampler(24_000, 24_000)
    assert stream.feed(b"abcd") == b"abcd"
    assert stream.finish() == b""


@pytest.mark.parametrize("rate", [8_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_any_wav_becomes_24_khz_mono(tmp_path: Path, rate: int, channels: int, width: int) -> None:
    wave_form = np.sin(2 * np.pi * 500 * np.arange(rate) / rate) * 0.5
    scaled = np.rint(wave_form * (2 ** (8 * width - 1) - 1)).astype("<i8")
    if width == 1:
        scaled += 128
    as_bytes = scaled.view(np.uint8).reshape(-1, 8)[:, :width]
    with wave.open(str(tmp_path / "in.wav"), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.repeat(as_bytes, channels, axis=0).tobytes())
    sound = read_sound(tmp_path / "in.wav")
    assert abs(pcm.duration_ms(sound) - 1000) < 1
    assert loudest_hz(sound) == pytest.approx(500, abs=2)
    assert pcm.level_db(sound) == pytest.approx(-9.03, abs=0.2)


def test_a_float_wav_is_read_and_clipped(tmp_path: Path) -> None:
    import struct

    body = np.array([0.0, 0.5, -0.5, 2.0, np.nan], "<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, 24_000, 96_000, 4, 32)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(body)) + body
    path = tmp_path / "float.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    assert np.frombuffer(read_sound(path), "<i2").tolist() == [0, 16384, -16384, 32767, 0]


def test_a_written_file_is_read_back_unchanged(tmp_path: Path) -> None:
    write_wav(tmp_path / "out.wav", tone(50))
    assert read_sound(tmp_path / "out.wav") == tone(50)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"hello", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd"]
)
def test_a_file_without_sound_is_refused_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(UsageError) as refusal:
        read_sound(path)
    assert "broken.wav" in str(refusal.value)
    assert "ffmpeg" in refusal.value.hint


def test_every_truncation_of_a_wav_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    write_wav(path, tone(5))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            sound = read_sound(path)
        except UsageError:
            continue
        assert tone(5).startswith(sound)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no sound file"):
        read_sound(tmp_path / "nothing.wav")


def test_a_file_that_is_no_mp3_is_refused(tmp_path: Path) -> None:
    require_package("miniaudio")
    path = tmp_path / "song.mp3"
    path.write_bytes(b"not a song")
    with pytest.raises(UsageError, match=r"song\.mp3"):
        read_sound(path)
