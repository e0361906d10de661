"""The sound of a talk beside its journal, where the user asked for it: a WAV file for each side.

`<id>.you.wav` has what the microphone sent, `<id>.voice.wav` what the model said, each without
the silence between the turns. A thread writes; a disk that does not take it stops no talk.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Literal

Side = Literal["you", "voice"]
RATE, WIDTH = 24_000, 2
HEADER = 44
MOST = 2**32 - HEADER - 2
"""Bytes of sound that a WAV file can have: a day of it."""
PATCH_BYTES = RATE * WIDTH
"""The header is brought up to date about once a second of sound, so that a file whose writer was
killed plays all but its end."""


def beside(journal: Path, side: Side) -> Path:
    """Where the sound of one side of a talk is."""
    return journal.with_name(f"{journal.stem}.{side}.wav")


class Recorder:
    """All methods return at once, except `close`. `on_trouble` is told, in the writing thread and
    once for each side, why nothing more is recorded.
    """

    def __init__(self, journal: Path, on_trouble: Callable[[str], None]) -> None:
        self._journal = journal
        self._on_trouble = on_trouble
        self._waiting: SimpleQueue[tuple[Side, bytes] | None] = SimpleQueue()
        self._files: dict[Side, _Wav | None] = {}  # None: given up
        self._thread = Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def add(self, side: Side, pcm: bytes) -> None:
        """s16le, mono, 24 kHz."""
        self._waiting.put((side, pcm))

    def close(self) -> None:
        """Writes what is left."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            side, pcm = item
            try:
                if side not in self._files:
                    self._files[side] = _Wav(beside(self._journal, side))
                if (file := self._files[side]) is not None:
                    file.write(pcm)
            except OSError as error:
                self._files[side] = None
                why = (error.strerror or str(error)).lower()
                self._on_trouble(f"The sound of this talk is no longer recorded: {why}.")
        for file in self._files.values():
            if file is not None:
                file.close()


class _Wav:
    """A WAV file that grows, from its beginning or from where it ended the last time."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        size = os.fstat(self._fd).st_size
        whole = size > HEADER and os.pread(self._fd, 4, 0) == b"RIFF"
        self._length = (size - HEADER) // WIDTH * WIDTH if whole else 0
        self._told = -1
        self._patch()

    def write(self, pcm: bytes) -> None:
        if self._length + len(pcm) > MOST:
            raise OSError("a WAV file cannot be longer")
        view, at = memoryview(pcm), HEADER + self._length
        while view:
            done = os.pwrite(self._fd, view, at)
            view, at = view[done:], at + done
        self._length += len(pcm)
        if self._length - self._told >= PATCH_BYTES:
            self._patch()

    def close(self) -> None:
        self._patch()
        os.close(self._fd)

    def _patch(self) -> None:
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * WIDTH, WIDTH, 8 * WIDTH)
        head = struct.pack("<4sI4s", b"RIFF", self._length + HEADER - 8, b"WAVE")
        os.pwrite(self._fd, head + form + struct.pack("<4sI", b"data", self._length), 0)
        self._told = self._length
