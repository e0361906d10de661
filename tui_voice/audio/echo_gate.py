"""Holds back what the canceller lets through while it has yet to learn where the echo is.

That is at the very first reply, and for a moment whenever the echo is suddenly heard later than
before. The canceller cannot know; but what is captured can be compared with what was played.
"""

from collections import deque
from typing import NamedTuple

import numpy as np

from tui_voice.audio.alignment import Alignment
from tui_voice.audio.pcm import RATE, SAMPLES_PER_MS, Samples

LOOK_AHEAD_MS = 60
"""A frame waits so long for what follows it, while a reply sounds: less is too little to tell an
echo by."""
_QUIET = 60.0
"""RMS in sample values, -55 dB: nobody takes that for speech."""
_ECHO, _ECHO_IN_PLACE = 0.55, 0.45
"""As like some place in the reply as this, or the place where its echo comes from, and it is an
echo: of a hundred pieces of other voices, one reaches 0.5 and 0.2."""
_ELSEWHERE = 0.8
_LEARNS_MS = 1_000
_LEARNS_AGAIN_MS = 300


class _Held(NamedTuple):
    near: Samples
    cleaned: Samples


class EchoGate:
    """Frames go in by `put` and come out of it in order, changed or not, none is lost."""

    def __init__(self, alignment: Alignment) -> None:
        self._alignment = alignment
        self._held: deque[_Held] = deque()
        self._waiting = 0  # samples in `_held`
        self._learning = _LEARNS_MS * SAMPLES_PER_MS
        self._moved = 0
        self._gain = 1.0

    def put(self, near: Samples, cleaned: Samples) -> list[bytes]:
        """A captured frame as it was and as the canceller left it; the frames that are ready."""
        self._held.append(_Held(near, cleaned))
        self._waiting += near.size
        ready = []
        while self._waiting > LOOK_AHEAD_MS * SAMPLES_PER_MS and len(self._held) > 1:
            ready.append(self._decide())
        return ready

    def release(self) -> list[bytes]:
        """All that is still held, when no reply can be heard any more or the talk is over."""
        return [self._decide() for _ in range(len(self._held))]

    def _decide(self) -> bytes:
        if self._alignment.moved != self._moved:
            self._moved = self._alignment.moved
            self._learning = max(self._learning, _LEARNS_AGAIN_MS * SAMPLES_PER_MS)
        passes = self._passes()
        frame = self._held.popleft().cleaned
        self._waiting -= frame.size
        return self._faded(frame, 1.0 if passes else 0.0)

    def _passes(self) -> bool:
        frame = self._held[0]
        echoes = _rms(frame.near) > _QUIET
        if _rms(frame.cleaned) < _QUIET:
            if echoes and self._learning:  # it is an echo that the canceller knows
                self._learning = max(0, self._learning - frame.near.size)
            return True
        found = self._alignment.search(np.concatenate([held.near for held in self._held]))
        elsewhere = found.as_expected < _ELSEWHERE * found.alike
        if found.alike < _ECHO and found.as_expected < _ECHO_IN_PLACE:
            return True
        return not (self._learning or elsewhere)

    def _faded(self, frame: Samples, gain: float) -> bytes:
        if gain == self._gain == 1.0:
            return frame.tobytes()
        ramp = np.full(frame.size, gain, np.float32)
        steps = min(frame.size, RATE // 200)
        ramp[:steps] = np.linspace(self._gain, gain, steps, dtype=np.float32)
        self._gain = gain
        return (frame * ramp).astype(np.int16).tobytes()


def _rms(sound: Samples) -> float:
    return float(np.sqrt(np.mean(sound.astype(np.float32) ** 2)))
