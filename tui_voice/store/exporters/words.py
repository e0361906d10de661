"""A talk as Markdown, and as plain text."""

from __future__ import annotations

import re
import textwrap

from tui_voice.store.exporters.document import Document, Pruned, Said

_WIDTH = 78
_MARKS = re.compile(r"([\\`*_\[\]<>|~])")
_BEGINNINGS = re.compile(r"^(\s*)([#+-]|\d+[.)]|={3,})(?=\s|$)", re.MULTILINE)


def markdown(page: Document) -> str:
    """CommonMark; what was said is escaped, so that it reads as it was said."""
    parts = [f"# {_escaped(page.title)}", " · ".join(map(_escaped, page.about))]
    if page.minutes:
        parts += ["## Minutes", page.minutes, "## SavedSession"]
    for part in page.parts:
        if isinstance(part, Pruned):
            parts.append(f"---\n\n*{' · '.join(filter(None, (part.clock, part.line)))}*")
            if part.summary:
                parts.append(_quoted(_escaped(part.summary)))
            parts.append("---")
        else:
            parts += [_heading(part), _words(part)]
    return "\n\n".join(filter(None, parts)) + "\n"


def minutes(page: Document) -> str:
    """The minutes alone, as Markdown."""
    head = [f"# {_escaped(page.title)}: minutes", " · ".join(map(_escaped, page.about))]
    return "\n\n".join([*head, page.minutes]) + "\n"


def _heading(said: Said) -> str:
    rest = "".join(f" · {_escaped(word)}" for word in (said.clock, *said.remarks) if word)
    return f"**{_escaped(said.name)}**{rest}"


def _words(said: Said) -> str:
    unheard = f"~~{_escaped(said.unheard)}~~" if said.unheard else ""
    return " ".join(filter(None, (_escaped(said.text), unheard)))


def _escaped(text: str) -> str:
    escaped = _MARKS.sub(r"\\\1", text)
    return _BEGINNINGS.sub(lambda m: f"{m[1]}{m[2][:-1]}\\{m[2][-1]}", escaped)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def plain(page: Document) -> str:
    """Words in lines of 78 characters; what was not heard stands in brackets."""
    parts = [f"{page.title}\n{' · '.join(page.about)}"]
    if page.minutes:
        parts += [f"MINUTES\n\n{page.minutes}", "TALK"]
    for part in page.parts:
        if isinstance(part, Pruned):
            head = " ".join(filter(None, ("---", part.clock, part.line)))
            parts.append("\n".join([head, *_indented(part.summary)]))
        else:
            head = " · ".join(filter(None, (part.name, part.clock, *part.remarks)))
            said = f"{part.text} [not heard: {part.unheard}]" if part.unheard else part.text
            parts.append("\n".join([head, *_indented(said)]))
    return "\n\n".join(parts) + "\n"


def _indented(text: str) -> list[str]:
    return [
        line
        for paragraph in text.splitlines()
        for line in textwrap.wrap(
            paragraph, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False
        )
    ]
