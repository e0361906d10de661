"""Measures how much of what the loudspeaker plays the microphone captures, and how much later."""

from __future__ import annotations

import asyncio
import math
import time
from typing import NamedTuple

import numpy as np

from tui_voice.audio.driver import Driver
from tui_voice.audio.pcm import RATE, Samples, level_db, samples
from tui_voice.audio.sound import open_sound

SWEEP_S = 1.0
_LOWEST_HZ, _HIGHEST_HZ = 300.0, 5_000.0
_AMPLITUDE = 6_000
_LISTENED_S = 1.2
"""Seconds that are captured after the sweep: the longest delay."""
_FOUND = 0.1
"""Normalised correlation from which the sweep is in the captured sound; noise reaches 0.03."""


class EchoMeasurement(NamedTuple):
    """The way of sound from the loudspeaker to the microphone."""

    loudspeaker: str
    microphone: str
    leak_db: float | None
    """Captured level relative to the played one, in dB. None: nothing of it was captured."""
    delay_ms: float
    noise_db: float
    """Level of the microphone before the sweep, in dB below full scale."""


def sweep() -> Samples:
    """Returns a tone that rises from 300 to 5 000 Hz within a second."""
    at = np.arange(round(SWEEP_S * RATE)) / RATE
    ratio = math.log(_HIGHEST_HZ / _LOWEST_HZ)
    phase = 2 * math.pi * _LOWEST_HZ * SWEEP_S / ratio * (np.exp(at / SWEEP_S * ratio) - 1)
    fade = np.minimum(1, np.minimum(at, SWEEP_S - at) * 50)
    tone: Samples = (np.sin(phase) * fade * _AMPLITUDE).astype(np.int16)
    return tone


async def measure_echo(
    input_device: str | None = None,
    output_device: str | None = None,
    driver: Driver | None = None,
) -> EchoMeasurement | str:
    """Plays the sweep once and listens; takes 4 s. Returns a sentence where a device is missing."""
    captured, began = bytearray(), 0.0
    played_at: list[float] = []
    awake, started, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    def capture(frame: bytes) -> None:
        nonlocal began
        began = began or time.monotonic() - len(frame) / 2 / RATE
        captured.extend(frame)
        if len(captured) >= RATE:  # half a second: a suspended microphone starts late
            awake.set()

    def played(_pcm: bytes) -> None:
        """Called on the device's thread."""
        if not played_at:
            played_at.append(time.monotonic())
            loop.call_soon_threadsafe(started.set)

    sound = await open_sound(
        capture,
        input_device=input_device,
        output_device=output_device,
        cancel_echo=False,
        driver=driver,
    )
    try:
        if sound.notice and not (sound.has_microphone and sound.speaker.available):
            return sound.notice
        sound.speaker.on_played = played
        async with asyncio.timeout(20):
            await awake.wait()
            noise_db = level_db(captured)
            before = len(captured) // 2
            sound.speaker.write("sweep", sweep().tobytes())
            sound.speaker.finish("sweep")
            await started.wait()
            await asyncio.sleep(SWEEP_S + _LISTENED_S)
    except TimeoutError:
        return "The microphone or the loudspeaker does not answer. Restart the sound server."
    finally:
        names = sound.speaker.name, sound.microphone.name
        await sound.close()
    leak_db, at = find_sweep(samples(captured)[before:])
    delay_ms = (began + (before + at) / RATE - played_at[0]) * 1000
    return EchoMeasurement(*names, leak_db, delay_ms, noise_db)


def find_sweep(captured: Samples) -> tuple[float | None, int]:
    """Returns the level of the sweep in captured sound relative to the played one, in dB, and the
    number of the sample at which it begins; None where it is not in it."""
    played = sweep().astype(np.float64)
    near = captured.astype(np.float64)
    if len(near) < len(played):
        return None, 0
    size = 1 << (len(near) + len(played)).bit_length()
    crossed = np.fft.irfft(np.fft.rfft(near, size) * np.conj(np.fft.rfft(played, size)), size)
    products = np.abs(crossed[: len(near) - len(played) + 1])
    at = int(products.argmax())
    own = float(np.dot(played, played))
    energy = float(np.dot(near[at : at + len(played)], near[at : at + len(played)]))
    if products[at] / math.sqrt(own * energy + 1.0) < _FOUND:
        return None, 0
    return 20 * math.log10(float(products[at]) / own), at
