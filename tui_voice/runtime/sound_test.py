"""Tests one microphone or loudspeaker, without a session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TEST_S = 2.0
"""Seconds that are recorded."""
_WAIT_S = 6.0
"""Seconds after which a microphone that sends nothing is given up."""
_QUIET = 0.35
"""Level, 0 to 1, below which nothing was said."""


_running = list[None]()  # as long as the number of tests that run


def a_test_runs() -> bool:
    """Returns whether this process tests a device. The user's words are then no part of the
    session."""
    return bool(_running)


@contextmanager
def _noted() -> Iterator[None]:
    _running.append(None)
    try:
        yield
    finally:
        _running.pop()


class DeviceTest:
    """Plays and records through the devices. All methods block and raise `DeviceError`."""

    def __init__(self, output_device: Callable[[], str | None] = lambda: None) -> None:
        """`output_device` returns the loudspeaker on which a recording is played back."""
        self._output_device = output_device

    def play_tone(self, device: str | None) -> None:
        """Plays two short tones. `device`: id or name of the loudspeaker; None: the default."""
        from tui_voice.audio.cues import cue_sound

        self.play(cue_sound("listening") + bytes(24_000) + cue_sound("done"), device)

    def play(self, pcm: bytes, device: str | None = None) -> None:
        """Plays s16le at 24 kHz."""
        from tui_voice.audio.player import Player

        with _noted():
            Player().play(pcm, device)

    def record(self, device: str | None, on_level: Callable[[float], None]) -> str:
        """Records two seconds and plays them back. Returns a sentence about them.

        `on_level` is called on the device's thread with the level, 0 to 1, of each piece.
        """
        from tui_voice.audio.pcm import level

        loudest = 0.0

        def heard(piece: bytes) -> None:
            nonlocal loudest
            now = level(piece)
            loudest = max(loudest, now)
            on_level(now)

        with _noted():
            pcm = _record(device, heard)
            if not pcm:
                return "The microphone sends nothing. Choose another one."
            if loudest < _QUIET:
                return "Almost nothing was heard. Speak louder, or choose another microphone."
            self.play(pcm, self._output_device())
        return f"Heard you at {loudest:.0%} of the full level, and played it back."


def _record(device: str | None, on_piece: Callable[[bytes], None]) -> bytes:
    """Returns two seconds of s16le at 24 kHz; b"" where the microphone sends nothing."""
    from tui_voice.audio.devices import open_first
    from tui_voice.audio.pcm import FRAME_MS, RATE, WIDTH

    pcm, complete = bytearray(), threading.Event()
    wanted = round(TEST_S * RATE * WIDTH)

    def captured(piece: bytes) -> None:
        pcm.extend(piece)
        on_piece(piece)
        if len(pcm) >= wanted:
            complete.set()

    handle = open_first(
        "input",
        device,
        lambda driver, found: driver.open_input(
            found, captured, frame_ms=FRAME_MS, stopped=complete.set
        ),
    )
    try:
        complete.wait(_WAIT_S)
    finally:
        handle.close()
    return bytes(pcm[:wanted])
