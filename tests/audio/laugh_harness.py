"""A recorded laugh of a person, from Debian's package `bambam`."""

from __future__ import annotations

from pathlib import Path

from tests.requirements_harness import require
from tui_voice.audio.files import read_sound

_FILE = Path("/usr/share/bambam/data/giggle.wav")


def laugh() -> bytes:
    """Returns it as s16le at 24 kHz: 1.4 s."""
    require(_FILE.is_file(), "no recorded laugh (apt: bambam)")
    return read_sound(_FILE)
