"""A talk into a file for reading elsewhere. Nothing is ever overwritten."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from tui_voice.conversation.ledger import Ledger
from tui_voice.errors import StoreError
from tui_voice.store.exporters import data, subtitles, web, words
from tui_voice.store.exporters.document import Document, document
from tui_voice.store.secrets import Redactor

FORMATS: dict[str, Callable[[Document], str]] = {
    "md": words.markdown,
    "txt": words.plain,
    "json": data.json,
    "html": web.html,
    "srt": subtitles.srt,
    "vtt": subtitles.vtt,
}
"""What a talk can be written as; the name is also the ending of the file."""

_LONGEST_NAME = 60


def render(ledger: Ledger, form: str = "md", minutes: str = "") -> str:
    """The talk as text of one of `FORMATS`. `minutes`: put before the talk, where the format has
    room for them. Raises `StoreError` for a format there is not.
    """
    if form not in FORMATS:
        raise StoreError(f"there is no format {form}", f"there are {', '.join(FORMATS)}")
    text = FORMATS[form](document(ledger, minutes))
    return Redactor()(text.encode()).decode()


def render_minutes(ledger: Ledger, minutes: str) -> str:
    """The minutes alone, as Markdown under the talk's title."""
    return words.minutes(document(ledger, minutes))


def export(ledger: Ledger, form: str = "md", into: Path | None = None, minutes: str = "") -> Path:
    """Writes the talk and returns the file, which is new: `into` is a folder, or a file whose name
    gets a -2 where it is taken; by default the folder one is in. Raises `StoreError`.
    """
    return write_new(render(ledger, form, minutes), into or Path(), f"{slug(ledger)}.{form}")


def export_minutes(ledger: Ledger, minutes: str, into: Path | None = None) -> Path:
    """Writes the minutes alone and returns the new file."""
    return write_new(render_minutes(ledger, minutes), into or Path(), f"{slug(ledger)}-minutes.md")


def slug(ledger: Ledger) -> str:
    """The title as a file name: letters and digits of any script, small, with hyphens."""
    title = unicodedata.normalize("NFKC", document(ledger).title).casefold()
    name = "-".join(re.findall(r"[^\W_]+", title))[:_LONGEST_NAME].strip("-")
    return name or "talk"


def write_new(text: str, into: Path, name: str) -> Path:
    """Writes `into/name`, or `into` if that is no folder; with -2, -3 where there is one already.

    Raises `StoreError` where nothing can be written.
    """
    wanted = into / name if into.is_dir() else into
    number = 1
    while True:
        path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
        try:
            file = path.open("xb")
        except FileExistsError:
            number += 1
            continue
        except OSError as error:
            raise _refused(path, error) from error
        try:
            with file:
                file.write(text.encode())
        except OSError as error:
            path.unlink(missing_ok=True)  # half a talk is worse than none
            raise _refused(path, error) from error
        return path


def _refused(path: Path, error: OSError) -> StoreError:
    reason = (error.strerror or str(error)).lower()
    return StoreError(f"{path} cannot be written: {reason}", "name another place with --out")
