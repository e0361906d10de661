"""Simulated rooms: what a microphone captures of a reply, and the canceller applied to it."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.pcm import RATE

FRAME = 480
Sound = npt.NDArray[Any]


def db(sound: Sound) -> float:
    """Returns the level in dB relative to one step of 16-bit PCM."""
    return 10 * math.log10(float((sound.astype(float) ** 2).mean()) + 1e-9)


def later(sound: Sound, ms: float) -> Sound:
    """Returns the sound delayed by `ms` milliseconds, with the same length."""
    delay = round(RATE * ms / 1000)
    return np.concatenate((np.zeros(delay), sound))[: len(sound)]


def room(reply: Sound, delay_ms: float, gain: float, direct: float = 4.0) -> Sound:
    """Returns the reply as captured: delayed, scaled, with 150 ms of reverberation.

    With `direct` 20 half of the energy is direct sound, with 4 a thirtieth.
    """
    rng = np.random.default_rng(7)
    tail = rng.standard_normal(RATE * 150 // 1000) * np.exp(-np.arange(RATE * 150 // 1000) / 800)
    tail[0] = direct
    heard = np.convolve(reply, tail / np.abs(tail).sum() * 4)[: len(reply)] * gain
    return later(heard, delay_ms)


def with_holes(reply: Sound, holes: dict[int, int], delay_ms: float) -> Sound:
    """Returns the reply of a loudspeaker that runs dry: {start ms: length ms} of each gap; a gap
    delays the rest."""
    parts, cuts = [], [0, *(RATE * at // 1000 for at in holes), len(reply)]
    for (start, end), ms in zip(pairwise(cuts), [*holes.values(), 0], strict=True):
        parts += [reply[start:end], np.zeros(RATE * ms // 1000)]
    return later(np.concatenate(parts), delay_ms)[: len(reply)]


def through(
    near: Sound,
    far: Sound,
    burst: int = 1,
    each: Callable[[EchoCanceller, list[bytes]], None] | None = None,
) -> Sound:
    """Runs both streams through the canceller, `burst` loudspeaker blocks of 10 ms at a time;
    returns as many samples as went in."""
    canceller, out = EchoCanceller(), list[bytes]()
    near, far = (np.clip(x, -32768, 32767).astype("<i2") for x in (near, far))
    for number, at in enumerate(range(0, len(near) - FRAME + 1, FRAME)):
        if number % burst == 0:
            canceller.played(far[at : at + burst * FRAME].tobytes())
        ready = canceller.clean(near[at : at + FRAME].tobytes())
        out += ready
        if each is not None:
            each(canceller, ready)
    out += canceller.release()
    return np.frombuffer(b"".join(out), "<i2")
