"""A room that answers: what a microphone hears of a reply, and the canceller in it."""

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
    """Loudness in dB above one step of the converter."""
    return 10 * math.log10(float((sound.astype(float) ** 2).mean()) + 1e-9)


def later(sound: Sound, ms: float) -> Sound:
    """The same sound so much later, of the same length."""
    delay = round(RATE * ms / 1000)
    return np.concatenate((np.zeros(delay), sound))[: len(sound)]


def room(reply: Sound, delay_ms: float, gain: float, direct: float = 4.0) -> Sound:
    """The reply as the microphone hears it: later, weaker, and with 150 ms of reverberation:
    at `direct` 20 half of it comes straight, at 4 a thirtieth."""
    rng = np.random.default_rng(7)
    tail = rng.standard_normal(RATE * 150 // 1000) * np.exp(-np.arange(RATE * 150 // 1000) / 800)
    tail[0] = direct
    heard = np.convolve(reply, tail / np.abs(tail).sum() * 4)[: len(reply)] * gain
    return later(heard, delay_ms)


def with_holes(reply: Sound, holes: dict[int, int], delay_ms: float) -> Sound:
    """What a loudspeaker that runs dry makes of it: at each millisecond of `holes`, silence for
    so many; the rest comes later."""
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
    """Both streams through the canceller, the loudspeaker's 10 ms blocks `burst` at a time; as
    long as what went in."""
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
