"""Exports a session as Markdown."""

from __future__ import annotations

import re

from tui_voice.store.exporters.document import ExportCompaction, ExportDocument, ExportTurn

_MARKUP = re.compile(r"([\\`*_\[\]<>|~])")
_LINE_STARTS = re.compile(r"^(\s*)([#+-]|\d+[.)]|={3,})(?=\s|$)", re.MULTILINE)


def markdown(document: ExportDocument) -> str:
    """The session as CommonMark. Markup in what was said is escaped."""
    parts = _head(document, "")
    if document.minutes:
        parts += ["## Minutes", document.minutes, "## Session"]
    for part in document.parts:
        if isinstance(part, ExportCompaction):
            parts.append(f"---\n\n*{' · '.join(filter(None, (part.clock, part.line)))}*")
            if part.summary:
                parts.append(_quoted(_escaped(part.summary)))
            parts.append("---")
        else:
            parts += [_heading(part), _words(part)]
    return "\n\n".join(filter(None, parts)) + "\n"


def minutes(document: ExportDocument) -> str:
    """The minutes alone, under the session's title."""
    return "\n\n".join([*_head(document, ": minutes"), document.minutes]) + "\n"


def _head(document: ExportDocument, addition: str) -> list[str]:
    about = " · ".join(map(_escaped, document.about))
    return [f"# {_escaped(document.title)}{addition}", about]


def _heading(turn: ExportTurn) -> str:
    remarks = "".join(f" · {_escaped(word)}" for word in (turn.clock, *turn.remarks) if word)
    return f"**{_escaped(turn.name)}**{remarks}"


def _words(turn: ExportTurn) -> str:
    unheard = f"~~{_escaped(turn.unheard)}~~" if turn.unheard else ""
    return " ".join(filter(None, (_escaped(turn.text), unheard)))


def _escaped(text: str) -> str:
    escaped = _MARKUP.sub(r"\\\1", text)
    return _LINE_STARTS.sub(lambda m: f"{m[1]}{m[2][:-1]}\\{m[2][-1]}", escaped)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
