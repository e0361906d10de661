"""G.711, the telephone's two codes: 8 kHz, one byte a sample, loud samples told more coarsely.

The Realtime API names them `audio/pcmu` and `audio/pcma`. Both directions are look-up tables,
built once from the definition in ITU-T G.711 on first use: 65 536 bytes each for encoding.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from tui_voice.audio.pcm import samples

RATE = 8_000
"""Samples per second; resample with `pcm.resample` before encoding and after decoding."""

_ULAW_BIAS = 0x84
_ULAW_CLIP = 32_635


def encode_ulaw(pcm: bytes) -> bytes:
    """s16le at 8 kHz → µ-law (`audio/pcmu`), one byte a sample."""
    return _ulaw_encoding()[samples(pcm).view(np.uint16)].tobytes()


def decode_ulaw(data: bytes) -> bytes:
    """µ-law → s16le at 8 kHz."""
    return _ulaw_decoding()[np.frombuffer(data, np.uint8)].tobytes()


def encode_alaw(pcm: bytes) -> bytes:
    """s16le at 8 kHz → A-law (`audio/pcma`), one byte a sample."""
    return _alaw_encoding()[samples(pcm).view(np.uint16)].tobytes()


def decode_alaw(data: bytes) -> bytes:
    """A-law → s16le at 8 kHz."""
    return _alaw_decoding()[np.frombuffer(data, np.uint8)].tobytes()


def _every_sample() -> npt.NDArray[np.int32]:
    """All 65 536 samples, at the index that their two bytes read as an unsigned number."""
    return np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _exponent(magnitude: npt.NDArray[np.int32], lowest_bit: int) -> npt.NDArray[np.int32]:
    """The segment (0 to 7): how many bits the magnitude is longer than `lowest_bit`."""
    bits = np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32)
    return np.clip(bits - lowest_bit, 0, 7)


@cache
def _ulaw_encoding() -> npt.NDArray[np.uint8]:
    linear = _every_sample()
    sign = np.where(linear < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(linear), _ULAW_CLIP) + _ULAW_BIAS
    exponent = _exponent(magnitude, 7)
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    # All bits are sent inverted, so that silence on the line is all ones.
    code: npt.NDArray[np.int32] = ~(sign | exponent << 4 | mantissa) & 0xFF
    return code.astype(np.uint8)


@cache
def _ulaw_decoding() -> npt.NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    magnitude = (((mantissa << 3) + _ULAW_BIAS) << exponent) - _ULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype("<i2")


@cache
def _alaw_encoding() -> npt.NDArray[np.uint8]:
    linear = _every_sample() >> 3  # A-law is defined on 13 bits
    sign = np.where(linear >= 0, 0x80, 0)
    magnitude = np.where(linear >= 0, linear, ~linear)
    exponent = _exponent(magnitude, 4)
    mantissa = (magnitude >> np.maximum(exponent, 1)) & 0x0F
    # Every other bit is sent inverted.
    code: npt.NDArray[np.int32] = (sign | exponent << 4 | mantissa) ^ 0x55
    return code.astype(np.uint8)


@cache
def _alaw_decoding() -> npt.NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    # Half a step is added, so that the error is spread to both sides.
    step = (mantissa << 4) + 8
    magnitude = np.where(exponent > 0, (step + 0x100) << np.maximum(exponent - 1, 0), step)
    return np.where(code & 0x80, magnitude, -magnitude).astype("<i2")
