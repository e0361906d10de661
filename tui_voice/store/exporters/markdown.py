"""Exports a session as Markdown."""

from __future__ import annotations

import re

from tui_voice.store.exporters.document import ExportCompaction, ExportDocument, ExportTurn

_MARKUP = re.compile(r"([\\`*_\[\]<>|~]|&(?=#?\w+;))")
_LINE_START = re.compile(r"(#+|[+-]|-{2,}|=+|\d+(?=[.)]))(?=[\s.)]|\Z)")
"""What makes a line a heading, a list, a rule, or underlines the line before it."""


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
    # Signs at the end of a heading would be taken for its frame: "C#".
    title = re.sub(r"(#+)$", r"\\\1", _escaped(" ".join(document.title.split())))
    return [f"# {title}{addition}", about]


def _heading(turn: ExportTurn) -> str:
    remarks = "".join(f" · {_escaped(word)}" for word in (turn.clock, *turn.remarks) if word)
    return f"**{_escaped(turn.name)}**{remarks}"


def _words(turn: ExportTurn) -> str:
    unheard = f"~~{_escaped(turn.unheard)}~~" if turn.unheard else ""
    return " ".join(filter(None, (_escaped(turn.text), unheard)))


def _escaped(text: str) -> str:
    """The text as Markdown that is read back as it is: its lines, blanks at their beginnings, and
    everything that would be markup.
    """
    paragraphs = re.split(r"\n(?:[^\S\n]*\n)+", text.expandtabs(4))
    return "\n\n".join("\\\n".join(map(_line, one.split("\n"))) for one in paragraphs)


def _line(line: str) -> str:
    line = line.rstrip()
    words = line.lstrip(" ")
    if words == "":
        return "&nbsp;"  # an empty line would end the paragraph
    # Four blanks would make it code; readers keep no-break spaces.
    blanks = "&nbsp;" * (len(line) - len(words))
    escaped = _MARKUP.sub(r"\\\1", words)
    if found := _LINE_START.match(escaped):
        at = found.end() if found[1].isdigit() else 0
        escaped = f"{escaped[:at]}\\{escaped[at:]}"
    return blanks + escaped


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
