"""Short sounds that say what the session does, for a user who does not look at the screen."""

from __future__ import annotations

from typing import Literal

import numpy as np

from tui_voice.audio.pcm import RATE

Cue = Literal["listening", "thinking", "done", "error"]
_TONES: dict[Cue, tuple[tuple[float, int], ...]] = {
    "listening": ((660, 60), (880, 80)),
    "thinking": ((520, 60),),
    "done": ((880, 60), (660, 80)),
    "error": ((220, 120), (0, 40), (220, 120)),
}
"""Hertz and milliseconds of each tone; 0 Hz is a pause."""
_AMPLITUDE = 2_500


def cue_sound(cue: Cue) -> bytes:
    """Returns the sound of a cue, s16le at 24 kHz; none is longer than 0.3 s."""
    return b"".join(_tone(hertz, ms) for hertz, ms in _TONES[cue])


def _tone(hertz: float, ms: int) -> bytes:
    at = np.arange(RATE * ms // 1000) / RATE
    fade = np.minimum(1, np.minimum(at, ms / 1000 - at) * 200)
    tone = np.sin(2 * np.pi * hertz * at) * fade * _AMPLITUDE
    return bytes(tone.astype("<i2").tobytes())
