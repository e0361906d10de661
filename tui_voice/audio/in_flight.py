"""The blocks that a device took ahead of time, until they are heard."""

from __future__ import annotations

from collections import deque

from tui_voice.audio.playback import PlayedBlock


class BlocksInFlight:
    """Blocks in the order of playing, each with the time at which it is heard (seconds)."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[float, PlayedBlock]] = deque()
        self.samples = 0

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def put(self, block: PlayedBlock, heard_at: float) -> None:
        """Adds a block; it is heard after the blocks before it."""
        newest = self._blocks[-1][0] if self._blocks else heard_at
        self._blocks.append((max(newest, heard_at), block))
        self.samples += block.sounding

    def heard(self, now: float) -> list[PlayedBlock]:
        """Takes out the blocks that have been heard by now, oldest first."""
        found = []
        while self._blocks and self._blocks[0][0] <= now:
            found.append(self._blocks.popleft()[1])
            self.samples -= found[-1].sounding
        return found

    def drop(self) -> list[PlayedBlock]:
        """Takes out all blocks, newest first: they will not be heard."""
        found = [block for _, block in reversed(self._blocks)]
        self._blocks.clear()
        self.samples = 0
        return found
