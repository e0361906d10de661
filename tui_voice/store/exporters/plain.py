"""Exports a session as plain text."""

from __future__ import annotations

import textwrap

from tui_voice.store.exporters.document import ExportCompaction, ExportDocument

_WIDTH = 78


def plain_text(document: ExportDocument) -> str:
    """The session in lines of 78 characters. Words that were not heard are in brackets."""
    parts = [f"{document.title}\n{' · '.join(document.about)}"]
    if document.minutes:
        parts += [f"MINUTES\n\n{document.minutes}", "SESSION"]
    for part in document.parts:
        if isinstance(part, ExportCompaction):
            head = " ".join(filter(None, ("---", part.clock, part.line)))
            text = part.summary
        else:
            head = " · ".join(filter(None, (part.name, part.clock, *part.remarks)))
            text = f"{part.text} [not heard: {part.unheard}]" if part.unheard else part.text
        parts.append("\n".join([head, *_indented(text)]))
    return "\n\n".join(parts) + "\n"


def _indented(text: str) -> list[str]:
    return [
        line
        for paragraph in text.splitlines()
        for line in textwrap.wrap(
            paragraph, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False
        )
    ]
