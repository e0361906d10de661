"""Exports a session as one HTML file that loads nothing, in light or dark colours."""

from __future__ import annotations

from html import escape

from tui_voice.store.exporters.document import ExportCompaction, ExportDocument, ExportTurn

_STYLE = """
:root { color-scheme: light dark; --back: #fdfdfb; --ink: #22242a; --quiet: #6a6f7a;
  --line: #dddcd6; --user: #b26a00; --assistant: #1d7a4c; }
@media (prefers-color-scheme: dark) { :root { --back: #15171c; --ink: #dcdfe5; --quiet: #8a909c;
  --line: #2b2f38; --user: #e0a458; --assistant: #8fcf9f; } }
body { background: var(--back); color: var(--ink); margin: 0 auto; padding: 2.5rem 1.25rem;
  max-width: 44rem; font: 1rem/1.6 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
header p, .head, details { color: var(--quiet); font-size: .875rem; }
article { border-left: .25rem solid var(--line); margin: 1.5rem 0; padding-left: 1rem; }
article p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.user { border-color: var(--user); } .user b { color: var(--user); }
.assistant { border-color: var(--assistant); } .assistant b { color: var(--assistant); }
.tool, .system { color: var(--quiet); font-size: .875rem; }
s { color: var(--quiet); }
details { border-block: 1px solid var(--line); padding: .5rem 0; }
details p, .minutes { white-space: pre-wrap; }
summary { cursor: pointer; }
@media print { body { max-width: none; padding: 0; } article { break-inside: avoid; } }
"""


def html(document: ExportDocument) -> str:
    """A whole HTML document. Everything that was said is escaped; scripts are forbidden in it."""
    title = escape(document.title)
    minutes = (
        f'<h2>Minutes</h2>\n<div class="minutes" dir="auto">{escape(document.minutes)}</div>\n'
        "<h2>Session</h2>\n"
        if document.minutes
        else ""
    )
    body = "\n".join(
        _compaction(part) if isinstance(part, ExportCompaction) else _turn(part)
        for part in document.parts
    )
    return f"""<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1 dir="auto">{title}</h1>
<p>{escape(" · ".join(document.about))}</p>
</header>
<main>
{minutes}{body}
</main>
</body>
</html>
"""


def _turn(turn: ExportTurn) -> str:
    rest = "".join(f" · {escape(word)}" for word in (turn.clock, *turn.remarks) if word)
    unheard = f" <s>{escape(turn.unheard)}</s>" if turn.unheard else ""
    return (
        f'<article class="{turn.role}">'
        f'<div class="head"><b>{escape(turn.name)}</b>{rest}</div>'
        f'<p dir="auto">{escape(turn.text)}{unheard}</p></article>'
    )


def _compaction(compaction: ExportCompaction) -> str:
    line = escape(" · ".join(filter(None, (compaction.clock, compaction.line))))
    summary = escape(compaction.summary or "The turns above stay in the transcript.")
    return f'<details><summary>{line}</summary><p dir="auto">{summary}</p></details>'
