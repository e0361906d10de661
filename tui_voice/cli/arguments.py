"""Reads arguments that several commands take: words, sound files, numbers."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tui_voice.config import user_path
from tui_voice.errors import UsageError

if TYPE_CHECKING:
    from tui_voice.store.saved_session import SavedSession

N = TypeVar("N", int, float)

SOUND_SUFFIXES = (
    *(".aac", ".aif", ".aifc", ".aiff", ".amr", ".caf", ".flac", ".m4a", ".mp3", ".mp4", ".oga"),
    *(".ogg", ".opus", ".wav", ".webm", ".wma"),
)
"""The endings of an argument that names a sound file, whether it can be read or not."""


def sound_argument(argument: str) -> Path | None:
    """Returns the path of a sound file; None where the argument is words.

    Words that contain blanks are a path only if there is such a file: "what is an .mp3". Raises
    UsageError for a text that can be no path.
    """
    if Path(argument).suffix.lower() not in SOUND_SUFFIXES:
        return None
    with suppress(OSError, ValueError):
        if " " in argument.strip() and not Path(argument).is_file():
            return None
    return user_path(argument, "the path of the sound file")


def find_session(folder: Path, wanted: str) -> SavedSession:
    """Returns the saved session that an argument names: an id, a path, a title, or `last`.

    Raises UsageError for an empty argument, StoreError where there is no such session.
    """
    if not wanted.strip():
        raise UsageError(
            "The name of the session is empty.", "`tui-voice sessions list` shows all."
        )
    from tui_voice.store.catalog import find

    return find(folder, wanted)


def words_argument(argument: str) -> str:
    """Returns the words as they were typed. Raises UsageError for blanks and for no text."""
    if not argument.strip():
        raise UsageError("An argument contains no words.", "Leave it out.")
    return text_argument(argument)


def text_argument(argument: str) -> str:
    """Returns the text as it was typed. Raises UsageError for bytes that are no text."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        raise UsageError(
            "The words are not text in the encoding of this terminal.",
            "Type them in UTF-8, or set the locale: export LC_ALL=C.UTF-8",
        ) from None
    return argument


def number(kind: type[N], low: N, high: N) -> Callable[[str], N]:
    """Returns a function for argparse that reads a number and refuses one out of bounds."""

    def read(text: str) -> N:
        try:
            value = kind(text)
        except (ValueError, OverflowError):
            value = None
        if value is None or not math.isfinite(value) or not low <= value <= high:
            shown = text if len(text) <= 20 else f"{text[:20]}..."
            raise argparse.ArgumentTypeError(f"{shown!r} is no number from {low} to {high}")
        return value

    return read
