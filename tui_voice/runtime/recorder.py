"""Records the sound of a session beside its journal: one FLAC file with both sides.

The left channel has what the microphone captured while it was open, the right one what the
loudspeaker played. The file's time is the session's time, so turn times and subtitles fit it. A
later run of the session has a file of its own, whose name says at which second it begins. A thread
writes; a full disk ends the recording, not the session.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

from tui_voice.audio.pcm_format import RATE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Side = Literal["you", "reply"]
CHANNEL: dict[Side, int] = {"you": 0, "reply": 1}
_SAME_S = 0.8
"""Sound that comes within so many seconds of the end of what came before continues it: blocks come
irregularly, and the pre-roll comes at once."""
_NEW_STRETCH = b""
_KEPT_S = 1.0
"""Seconds that wait for the other side before they are written."""


def recording_path(journal: Path, first_second: int) -> Path:
    """Returns the path of the recording that begins at this second of the session."""
    run = f".from-{first_second}s" if first_second else ""
    return journal.with_name(f"{journal.stem}{run}.flac")


class Recorder:
    """Writes sound in a thread of its own. All methods but `close` return at once, and may be
    called from any thread.

    `clock` returns the seconds since the session was first opened. `on_trouble` is called, in the
    recorder's thread and once, with the reason why the recording ended.
    """

    def __init__(
        self, journal: Path, clock: Callable[[], float], on_trouble: Callable[[str], None]
    ) -> None:
        self._clock = clock
        self._first = int(clock())
        self._path = recording_path(journal, self._first)
        self._on_trouble = on_trouble
        self._waiting: SimpleQueue[tuple[Side, float, bytes] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def add(self, side: Side, pcm: bytes) -> None:
        """Adds sound (s16le, mono, 24 kHz): of "you" what ends now, of "reply" what begins now."""
        self._waiting.put((side, self._clock() - self._first, pcm))

    def begin_stretch(self, side: Side) -> None:
        """The next sound of this side does not continue what came before."""
        self._waiting.put((side, self._clock() - self._first, _NEW_STRETCH))

    def close(self) -> None:
        """Writes what is waiting, then closes the file."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        file: _StereoFile | None = None
        while (item := self._waiting.get()) is not None:
            try:
                file = file or _StereoFile(self._path)
                file.add(*item)
            except (OSError, RuntimeError) as error:  # RuntimeError: libsndfile's own errors
                self._on_trouble(
                    f"The audio of this session is no longer recorded: {_reason(error)}."
                )
                break
        if file is not None:
            try:
                file.close()
            except (OSError, RuntimeError) as error:
                self._on_trouble(f"The end of the recording is lost: {_reason(error)}.")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower().rstrip(".")


class _StereoFile:
    """A FLAC file whose channels are written by time."""

    def __init__(self, path: Path) -> None:
        import numpy
        import soundfile

        self._np: Any = numpy
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file: Any = soundfile.SoundFile(
            fd, "w", RATE, 2, "PCM_16", format="FLAC", closefd=True
        )
        self._written = 0  # samples
        self._ends = [0, 0]  # of each channel, in samples
        self._continues = [True, True]  # the next sound of the channel may continue the last
        self._mix: npt.NDArray[np.int16] = numpy.zeros((0, 2), numpy.int16)

    def add(self, side: Side, at: float, pcm: bytes) -> None:
        """Puts sound at its time, in seconds since the file's beginning."""
        channel = CHANNEL[side]
        if pcm == _NEW_STRETCH:
            self._continues[channel] = False
            return
        sound = self._np.frombuffer(pcm, "<i2")
        start = round(at * RATE) - (len(sound) if side == "you" else 0)
        end = self._ends[channel]
        if start < end + (_SAME_S * RATE if self._continues[channel] else 0):
            start = end
        self._continues[channel] = True
        start = max(start, self._written)
        self._ends[channel] = start + len(sound)
        self._make_room(start + len(sound))
        first = start - self._written
        self._mix[first : first + len(sound), channel] = sound
        self._write_until(max(self._ends) - round(_KEPT_S * RATE))

    def close(self) -> None:
        try:
            self._write_until(max(self._ends))
        finally:
            self._file.close()

    def _make_room(self, end: int) -> None:
        """Adds silence; of a long gap most is written at once."""
        while end - self._written > 20 * RATE:
            self._grow(self._written + 10 * RATE)
            self._write_until(self._written + 10 * RATE)
        self._grow(end)

    def _grow(self, end: int) -> None:
        more = end - self._written - len(self._mix)
        if more > 0:
            silence = self._np.zeros((more, 2), self._np.int16)
            self._mix = self._np.concatenate((self._mix, silence))

    def _write_until(self, end: int) -> None:
        count = min(end - self._written, len(self._mix))
        if count <= 0 or (count < RATE // 2 and end < max(self._ends)):
            return
        self._file.write(self._mix[:count])
        self._file.flush()
        self._mix = self._mix[count:]
        self._written += count
