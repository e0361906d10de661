"""Speaks a sentence in a voice of the embedded server, before the voice is chosen."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tui_voice.runtime.sound_test import DeviceTest

if TYPE_CHECKING:
    from tui_voice.server.local.hibari import Hibari

SENTENCE = "Hello, this is how I sound when I answer you."


def sample(voice: str, speed: float) -> bytes:
    """Returns the sentence as s16le at 24 kHz. Raises `EnginesMissing`."""
    return _synthesiser().speak(SENTENCE, voice, speed).tobytes()


@cache
def _synthesiser() -> Hibari:
    from tui_voice.server.local.hibari import Hibari

    return Hibari()


def play_sample(voice: str, speed: float, device: str | None) -> None:
    """Plays the sentence on a loudspeaker, None for the default. Blocks.

    Raises `EnginesMissing`, and `DeviceError` where there is no loudspeaker.
    """
    DeviceTest().play(sample(voice, speed), device)
