"""The queue of frames that wait to be written: all messages, and at most a minute of audio."""

from __future__ import annotations

import asyncio
from collections import deque

MAX_AUDIO_FRAMES = 3000
"""Audio frames (at 20 ms each, one minute) that may wait on a slow connection."""


class Outbox:
    """A queue in order. When too many audio frames wait, the oldest of them is dropped."""

    def __init__(self, max_audio_frames: int = MAX_AUDIO_FRAMES) -> None:
        self._waiting: deque[tuple[bool, bytes]] = deque()  # whether it is audio, the frame
        self._max_audio_frames = max_audio_frames
        self._audio_frames = 0
        self._filled = asyncio.Event()
        self.dropped_frames = 0
        """Audio frames that were dropped."""

    def put(self, frame: bytes, *, audio: bool = False) -> None:
        self._waiting.append((audio, frame))
        self._audio_frames += audio
        if self._audio_frames > self._max_audio_frames:
            self._drop_oldest_audio()
        self._filled.set()

    async def get(self) -> bytes:
        """Waits for the next frame and takes it out."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        audio, frame = self._waiting.popleft()
        self._audio_frames -= audio
        return frame

    def _drop_oldest_audio(self) -> None:
        for index, (audio, _frame) in enumerate(self._waiting):
            if audio:
                del self._waiting[index]
                self._audio_frames -= 1
                self.dropped_frames += 1
                return
