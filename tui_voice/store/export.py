"""Writes a session to a file for reading elsewhere. No existing file is ever overwritten."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from tui_voice.conversation.ledger import Ledger
from tui_voice.errors import StoreError
from tui_voice.store.disk import FILE_MODE
from tui_voice.store.exporters import EXPORT_FORMATS, ExportFormat
from tui_voice.store.exporters import markdown as markdown_export
from tui_voice.store.exporters.document import document_of
from tui_voice.store.saved_session import title_of
from tui_voice.store.secrets import Redactor

_LONGEST_NAME = 60
"""The most characters of a title in a file name."""


def render(ledger: Ledger, name: str = "md", minutes: str = "") -> str:
    """The session as text in the format `name`, a key of `EXPORT_FORMATS`.

    `minutes`: written before the session, in formats that have a place for them. Raises
    `StoreError` for an unknown format.
    """
    return Redactor().text(_format(name).render(document_of(ledger, minutes)))


def export(ledger: Ledger, name: str = "md", into: Path | None = None, minutes: str = "") -> Path:
    """Writes the session in the format `name` and returns the new file.

    `into`: a folder, or a file; by default the current folder. If the file exists, its name gets a
    number: `trip-2.md`. Raises `StoreError`.
    """
    file_name = f"{slug(ledger)}.{_format(name).suffix}"
    return write_new(render(ledger, name, minutes), into or Path(), file_name)


def export_minutes(ledger: Ledger, minutes: str, into: Path | None = None) -> Path:
    """Writes the minutes alone, as Markdown under the session's title; returns the new file."""
    text = Redactor().text(markdown_export.minutes(document_of(ledger, minutes)))
    return write_new(text, into or Path(), f"{slug(ledger)}-minutes.md")


def slug(ledger: Ledger) -> str:
    """The title as a file name: lower-case letters and digits of any script, with hyphens."""
    title = unicodedata.normalize("NFKC", title_of(ledger)).casefold()
    name = "-".join(re.findall(r"[^\W_]+", title))[:_LONGEST_NAME].strip("-")
    return name or "session"


def write_new(text: str, into: Path, name: str) -> Path:
    """Writes a new file: `into/name` if `into` is a folder, else `into`; returns its path.

    If the file exists, a number is added to the name: `trip-2.md`.

    Raises `StoreError` if nothing can be written there.
    """
    wanted = into / name if into.is_dir() else into
    number = 1
    while True:
        path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
        try:
            file = open(path, "xb", opener=_create_private)  # noqa: SIM115  (closed below)
        except FileExistsError:
            number += 1
            continue
        except OSError as error:
            raise _refused(path, error) from error
        try:
            with file:
                file.write(text.encode())
        except OSError as error:
            path.unlink(missing_ok=True)  # a part of the file would look like a whole one
            raise _refused(path, error) from error
        return path


def _create_private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def _format(name: str) -> ExportFormat:
    if name not in EXPORT_FORMATS:
        raise StoreError(f"there is no format {name}", f"there are {', '.join(EXPORT_FORMATS)}")
    return EXPORT_FORMATS[name]


def _refused(path: Path, error: OSError) -> StoreError:
    reason = (error.strerror or str(error)).lower()
    return StoreError(f"{path} cannot be written: {reason}", "name another place with --out")
