"""Finds a turn in the recording of a session, and reads its sound."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_voice.audio.pcm_format import RATE
from tui_voice.config.program_form import with_extra
from tui_voice.errors import StoreError
from tui_voice.runtime.recorder import CHANNEL

if TYPE_CHECKING:
    from tui_voice.conversation.turns import Turn

_BEFORE_S = 1.0
"""Seconds before a turn's time at which its sound may begin: the server reports speech a little
after its beginning."""
_AFTER_S = 4.0
"""Seconds after its time at which a reply may begin to be played."""
_LOUD = 100
_SILENT_BEFORE = RATE // 20


def recordings(journal: Path) -> list[tuple[int, Path]]:
    """Returns the recordings of a session, each with the second of the session it begins at."""
    pattern = re.compile(re.escape(journal.stem) + r"(?:\.from-(\d+)s)?\.flac")
    found = (
        (pattern.fullmatch(path.name), path) for path in journal.parent.glob(f"{journal.stem}*")
    )
    return sorted((int(match[1] or 0), path) for match, path in found if match)


def sound_of(journal: Path, turn: Turn) -> bytes:
    """Returns the sound of a turn (s16le, mono, 24 kHz) as it was said or heard.

    It is empty where the turn was not recorded, or was typed.
    """
    earlier = [(first, path) for first, path in recordings(journal) if first <= turn.at]
    if not earlier or turn.role not in ("user", "assistant") or not turn.audio_ms:
        return b""
    first, path = earlier[-1]
    length_s = turn.audio_ms / 1000
    if turn.heard_ms is not None:
        length_s = min(length_s, turn.heard_ms / 1000)
    begin_s = max(0.0, turn.at - first - _BEFORE_S)
    channel = CHANNEL["you" if turn.role == "user" else "reply"]
    return _piece(path, begin_s, length_s, channel)


def _piece(path: Path, begin_s: float, length_s: float, channel: int) -> bytes:
    """Returns `length_s` seconds of one channel from its first sound after `begin_s`."""
    import numpy as np

    found = _read(path, round(begin_s * RATE), round((length_s + _BEFORE_S + _AFTER_S) * RATE))
    side = found[:, channel]
    loud = np.flatnonzero(np.abs(side.astype(np.int32)) > _LOUD)
    if not loud.size or loud[0] > (_BEFORE_S + _AFTER_S) * RATE:
        return b""
    start = max(0, int(loud[0]) - _SILENT_BEFORE)
    piece = side[start : start + round(length_s * RATE) + _SILENT_BEFORE]
    return bytes(piece.astype("<i2").tobytes())


def _read(path: Path, start: int, count: int) -> Any:
    """Returns up to `count` stereo samples from number `start`, also of a file whose process was
    killed, which states no length and has to be read from its beginning."""
    import numpy as np
    import soundfile

    with soundfile.SoundFile(path) as file:
        if file.frames < 1 << 62:
            file.seek(min(start, file.frames))
            return file.read(count, "int16", always_2d=True)
    try:
        import miniaudio
    except ImportError as error:
        raise StoreError(
            f"{path} was not closed by its program, and miniaudio, which can read it, is missing",
            f"run `{with_extra('sound')}`",
        ) from error
    pieces, at = [], 0
    form = miniaudio.SampleFormat.SIGNED16
    for piece in miniaudio.stream_file(str(path), form, 2, RATE, 10 * RATE):
        block = np.array(piece, np.int16).reshape(-1, 2)
        pieces.append(block[max(0, start - at) : max(0, start + count - at)])
        at += len(block)
        if at >= start + count:
            break
    return np.concatenate(pieces) if pieces else np.zeros((0, 2), np.int16)
