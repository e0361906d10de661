"""Records the audio of a session beside its journal: a WAV file for each side.

`<id>.you.wav` has what the microphone sent, `<id>.voice.wav` the replies, each without the silence
between turns. A thread writes them; a full disk ends the recording, not the session.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Literal

from tui_voice.audio.pcm_format import RATE, WIDTH

Side = Literal["you", "voice"]
HEADER = 44
MAX_BYTES = 2**32 - HEADER - 2
"""Bytes of audio that a WAV file can have: about 25 hours."""
HEADER_EVERY = RATE * WIDTH
"""Bytes of audio, 1 s, between two updates of the header: a file whose process was killed plays all
but its last second."""


def recording_path(journal: Path, side: Side) -> Path:
    """Returns the path of the recording of one side."""
    return journal.with_name(f"{journal.stem}.{side}.wav")


class Recorder:
    """Writes audio in a thread of its own. All methods but `close` return at once.

    `on_trouble` is called, in that thread and once for each side, with the reason why its
    recording ended.
    """

    def __init__(self, journal: Path, on_trouble: Callable[[str], None]) -> None:
        self._journal = journal
        self._on_trouble = on_trouble
        self._waiting: SimpleQueue[tuple[Side, bytes] | None] = SimpleQueue()
        self._files: dict[Side, _Wav | None] = {}  # None: its recording has ended
        self._thread = Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def add(self, side: Side, pcm: bytes) -> None:
        """Queues the next audio of one side (s16le, mono, 24 kHz)."""
        self._waiting.put((side, pcm))

    def close(self) -> None:
        """Writes what is waiting, then closes the files."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            side, pcm = item
            try:
                if side not in self._files:
                    self._files[side] = _Wav(recording_path(self._journal, side))
                if (file := self._files[side]) is not None:
                    file.write(pcm)
            except OSError as error:
                self._files[side] = None
                why = (error.strerror or str(error)).lower()
                self._on_trouble(f"The audio of this session is no longer recorded: {why}.")
        for file in self._files.values():
            if file is not None:
                file.close()


class _Wav:
    """A WAV file to which audio is appended. A file of an earlier run is continued."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        size = os.fstat(self._fd).st_size
        whole = size > HEADER and os.pread(self._fd, 4, 0) == b"RIFF"
        self._length = (size - HEADER) // WIDTH * WIDTH if whole else 0
        self._length_in_header = -1
        self._write_header()

    def write(self, pcm: bytes) -> None:
        if self._length + len(pcm) > MAX_BYTES:
            raise OSError("a WAV file cannot be longer")
        view, at = memoryview(pcm), HEADER + self._length
        while view:
            done = os.pwrite(self._fd, view, at)
            view, at = view[done:], at + done
        self._length += len(pcm)
        if self._length - self._length_in_header >= HEADER_EVERY:
            self._write_header()

    def close(self) -> None:
        self._write_header()
        os.close(self._fd)

    def _write_header(self) -> None:
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * WIDTH, WIDTH, 8 * WIDTH)
        head = struct.pack("<4sI4s", b"RIFF", self._length + HEADER - 8, b"WAVE")
        os.pwrite(self._fd, head + form + struct.pack("<4sI", b"data", self._length), 0)
        self._length_in_header = self._length
