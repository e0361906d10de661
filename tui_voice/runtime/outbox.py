"""What waits to be sent: messages always, sound only as far as it is still worth sending."""

from __future__ import annotations

import asyncio
from collections import deque

SOUND_KEPT = 3000
"""Frames of sound (a minute at 20 ms) that may wait for a slow line."""


class Outbox:
    """In order. When too much sound waits, the oldest sound goes first and is counted."""

    def __init__(self, sound_kept: int = SOUND_KEPT) -> None:
        self._waiting: deque[tuple[bool, bytes]] = deque()
        self._sound_kept = sound_kept
        self._sound = 0
        self._filled = asyncio.Event()
        self.dropped = 0
        """Frames of sound that were never sent."""

    def put(self, frame: bytes, *, sound: bool = False) -> None:
        self._waiting.append((sound, frame))
        self._sound += sound
        if self._sound > self._sound_kept:
            self._drop_oldest_sound()
        self._filled.set()

    async def get(self) -> bytes:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        sound, frame = self._waiting.popleft()
        self._sound -= sound
        return frame

    def _drop_oldest_sound(self) -> None:
        for index, (sound, _frame) in enumerate(self._waiting):
            if sound:
                del self._waiting[index]
                self._sound -= 1
                self.dropped += 1
                return
