"""Microphone and loudspeaker without a device, for text sessions, scripts and tests.

A session behaves as with real devices: replies take as long as their sound, can be interrupted,
and report how much was played.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tui_voice.audio.capture_gate import CaptureGate, Framer
from tui_voice.audio.driver import BLOCK_MS
from tui_voice.audio.files import write_wav
from tui_voice.audio.pcm import BYTES_PER_MS, SAMPLES_PER_MS, WIDTH
from tui_voice.audio.speaker import BaseSpeaker


class NullMicrophone(CaptureGate):
    """Captures only what `feed` is given."""

    async def feed(self, pcm: bytes, *, speed: float = 1.0) -> None:
        """Delivers s16le at 24 kHz frame by frame, `speed` times as fast as real time.

        Returns after the last frame. An incomplete frame is filled with silence.
        """
        pcm += bytes(-len(pcm) % (self.frame_ms * BYTES_PER_MS))
        loop = asyncio.get_running_loop()
        due = loop.time()
        for frame in Framer(self.frame_ms).feed(pcm):
            due += self.frame_ms / 1000 / speed
            # Also when late, so that other tasks of the loop run.
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.accept(frame)


class NullSpeaker(BaseSpeaker):
    """Plays by the loop's clock, `speed` times as fast as real time.

    With `record` it keeps the played sound, see `recording`; an interrupted item ends where it was
    interrupted. No timer runs while nothing plays.
    """

    def __init__(
        self,
        on_started: Callable[[str], None] | None = None,
        on_finished: Callable[[str, int], None] | None = None,
        *,
        speed: float = 1.0,
        record: bool = False,
    ) -> None:
        super().__init__(on_started, on_finished)
        self._loop = asyncio.get_running_loop()
        self.speed = speed
        """Times as fast as real time; may be changed while it plays."""
        self._taken = bytearray() if record else None
        self._tick: asyncio.TimerHandle | None = None
        self._due = 0.0

    def write(self, item_id: str, pcm: bytes) -> bool:
        accepted = super().write(item_id, pcm)
        self._wake()
        return accepted

    def finish(self, item_id: str) -> None:
        super().finish(item_id)
        self._wake()

    def pause(self, paused: bool) -> None:
        super().pause(paused)
        self._wake()

    def resume(self, item_id: str) -> bool:
        resumed = super().resume(item_id)
        self._wake()
        return resumed

    @property
    def recording(self) -> bytes:
        """All played sound, item after item, without the silence between them."""
        return bytes(self._taken or b"")

    def save(self, path: Path) -> None:
        """Writes the recording as a WAV file."""
        write_wav(path, self.recording)

    async def close(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def _wake(self) -> None:
        if self._tick is None and self._advances:
            self._due = self._loop.time()
            self._tick = self._loop.call_at(self._due, self._play)

    @property
    def _advances(self) -> bool:
        return not (self._playback.idle or self._playback.paused)

    def _play(self) -> None:
        """Takes the blocks that are due: one every 10 ms, or several after a late call."""
        now = self._loop.time()
        blocks = 1 + max(0, int((now - self._due) * 1000 / BLOCK_MS))
        self._due += blocks * BLOCK_MS / 1000
        block = self._playback.take(round(blocks * BLOCK_MS * SAMPLES_PER_MS * self.speed))
        if block.sounding and self.on_played is not None:
            self.on_played(block.pcm[: block.sounding * WIDTH])
        if self._taken is not None:
            self._taken += block.pcm[: block.sounding * WIDTH]
        self._tick = None
        if self._advances:
            self._tick = self._loop.call_at(self._due, self._play)
        else:
            self._playback.take(0)  # resets the level
        self._took(block)
