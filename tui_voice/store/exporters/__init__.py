"""The formats that a session can be exported to.

To add a format, write a module with a function from `ExportDocument` to text, and add a row here:
the command line, the export dialog and the documents read this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui_voice.store.exporters import data, markdown, plain, subtitles, web
from tui_voice.store.exporters.document import ExportDocument


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One format. Its key in `EXPORT_FORMATS` is what the user types: `--format md`."""

    suffix: str
    """The ending of its files, without the dot."""
    sentence: str
    """What it is, for lists and dialogs."""
    render: Callable[[ExportDocument], str]
    """The whole file as text."""


EXPORT_FORMATS: dict[str, ExportFormat] = {
    "md": ExportFormat("md", "Markdown with headings, times and prunings", markdown.markdown),
    "txt": ExportFormat("txt", "plain text", plain.plain_text),
    "html": ExportFormat("html", "a web page in one file", web.html),
    "json": ExportFormat("json", "JSON for programs", data.json),
    "srt": ExportFormat("srt", "subtitles (SubRip)", subtitles.srt),
    "vtt": ExportFormat("vtt", "subtitles (WebVTT)", subtitles.vtt),
}
"""Every format by its name. Other code may add rows."""
