"""Reads sound files as 24 kHz mono, and writes WAV files."""

import os
import struct
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tui_voice.audio.pcm import RATE, WIDTH, resample
from tui_voice.config.program_form import with_extra
from tui_voice.errors import UsageError

LARGEST = 400_000_000
"""Bytes of a WAV file: 35 minutes of the largest usual form, two channels of 96 kHz and 16 bits."""
LARGEST_COMPRESSED = 40_000_000
"""Bytes of a compressed file, which are ten times as many when they are decoded."""
_MOST_CHUNKS = 10_000
_CONVERT = "Convert it first: ffmpeg -i INPUT -ac 1 -ar 24000 OUTPUT.wav"
_COMPRESSED = {".flac", ".mp3", ".oga", ".ogg"}
_EXTENSIBLE = 0xFFFE
_BINARY = getattr(os, "O_BINARY", 0)


def read_sound(path: Path) -> bytes:
    """Returns a file's sound as 24 kHz mono s16le; several channels are averaged.

    WAV of any rate, 8 to 32 bit or float; FLAC, MP3 and Ogg Vorbis where `miniaudio` is installed.
    Raises UsageError when the file is missing, incomplete or not a sound file.
    """
    try:
        is_file = path.is_file()
    except OSError:  # such as a name that is too long
        is_file = False
    if not is_file:
        raise UsageError(f"There is no sound file {path}.", "Give the path of a WAV file.")
    suffix = path.suffix.lower()
    if suffix not in _COMPRESSED and suffix != ".wav":
        raise UsageError(f"{suffix} files cannot be read.", _CONVERT)
    largest = LARGEST_COMPRESSED if suffix in _COMPRESSED else LARGEST
    if (size := path.stat().st_size) > largest:
        raise UsageError(
            f"{path} is too large for a turn: {size / 1e6:,.0f} MB, of {largest / 1e6:,.0f} MB.",
            "Cut it first: ffmpeg -i INPUT -t 600 -ac 1 -ar 24000 OUTPUT.wav",
        )
    if suffix in _COMPRESSED:
        return _read_compressed(path)
    try:
        mixed, rate = _read_wav(path.read_bytes())
    except (wave.Error, EOFError, struct.error, ValueError, OSError) as error:
        raise UsageError(
            f"{path} is not a WAV file that can be read ({error}).",
            _CONVERT,
        ) from error
    return resample(_to_s16(mixed), rate)


def write_wav(path: Path, pcm: bytes, rate: int = RATE) -> None:
    """Writes mono s16le as a WAV file, which only its owner can read. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o600)
    with open(descriptor, "wb") as raw, wave.open(raw, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(WIDTH)
        file.setframerate(rate)
        file.writeframes(pcm)


def _read_wav(data: bytes) -> tuple[npt.NDArray[np.float32], int]:
    """Returns the mono samples in -1.0..1.0 and the rate in samples/s.

    The chunks are parsed here, because the standard library's `wave` refuses the float and
    "extensible" headers that recorders write.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("no RIFF/WAVE header")
    at, form, body = 12, b"", None
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data) or body is not None:
            break
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"fmt ":
            form = data[at + 8 : at + 8 + size]
        elif name == b"data":
            # A recorder that was killed leaves a size of 0 or too large: what is there counts.
            body = data[at + 8 : at + 8 + size] if size else data[at + 8 :]
        at += 8 + size + size % 2
    if body is None:
        raise ValueError("no sound in it")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if kind == _EXTENSIBLE:
        kind = struct.unpack_from("<H", form, 24)[0]
    if not channels or not 4_000 <= rate <= 768_000:
        raise ValueError(f"{channels} channels at {rate} Hz")
    whole = len(body) - len(body) % (channels * bits // 8 or 1)
    flat = _to_float(body[:whole], kind, bits)
    return flat.reshape(-1, channels).mean(axis=1, dtype=np.float32), rate


def _to_float(body: bytes, kind: int, bits: int) -> npt.NDArray[np.float32]:
    match kind, bits:
        case 1, 8:  # the only width that is unsigned
            return (
                np.frombuffer(body, np.uint8).astype(np.float32) - np.float32(128)
            ) / np.float32(128)
        case 1, 16:
            return np.frombuffer(body, "<i2").astype(np.float32) / np.float32(2**15)
        case 1, 24:
            padded = np.zeros((len(body) // 3, 4), np.uint8)
            padded[:, 1:] = np.frombuffer(body, np.uint8).reshape(-1, 3)
            return padded.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
        case 1, 32:
            return np.frombuffer(body, "<i4").astype(np.float32) / np.float32(2**31)
        case 3, 32:
            return np.frombuffer(body, "<f4").astype(np.float32)
        case 3, 64:
            return np.frombuffer(body, "<f8").astype(np.float32)
    raise ValueError(f"an encoding (format {kind}, {bits} bit) that is not plain PCM")


def _to_s16(mixed: npt.NDArray[np.float32]) -> bytes:
    scaled = np.nan_to_num(mixed) * 2**15
    return np.clip(np.rint(scaled), -(2**15), 2**15 - 1).astype("<i2").tobytes()


def _read_compressed(path: Path) -> bytes:
    try:
        import miniaudio
    except ImportError as error:
        raise UsageError(
            f"{path.suffix} files cannot be read: the package miniaudio is not installed.",
            f"Run `{with_extra('sound')}`, or convert it: "
            "ffmpeg -i INPUT -ac 1 -ar 24000 OUTPUT.wav",
        ) from error
    try:
        rate = miniaudio.get_file_info(str(path)).sample_rate
        # Decoded at its own rate: soxr resamples better than the decoder does.
        found = miniaudio.decode_file(str(path), nchannels=1, sample_rate=rate)
    except (miniaudio.MiniaudioError, OSError) as error:
        raise UsageError(
            f"{path} holds no readable sound.",
            "Play it in another program to check that it is complete.",
        ) from error
    return resample(found.samples.tobytes(), rate)
