"""The page that a row of the pruning log opens: the summary and the turns that it replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui_voice.ui.block_painter import ROLE_NAMES
from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.number_format import plural, spaced, usd
from tui_voice.ui.pruning_rows import PruningRow

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger

_TITLES = {
    "summary": "summarised",
    "textify": "turned into text",
    "voice": "turned into notes",
    "restore": "restored",
    "tools": "function calls removed",
}


class PageContent(NamedTuple):
    """A title, one line about it, and paragraphs as (heading, text); a heading may be empty."""

    title: str
    about: str
    paragraphs: list[tuple[str, str]]


def pruning_details(row: PruningRow, ledger: Ledger, glyphs: Glyphs) -> PageContent:
    """Returns all that is known about one pruning, or about the user's limits."""
    if row.kind == "limits":
        sentence = f"{row.error[:1].upper()}{row.error[1:]}."
        return PageContent(f"limits at {row.when}", "", [("", sentence)])
    about = f" {glyphs.dot} ".join(_figures(row, glyphs))
    title = f"{_TITLES[row.kind]} at {row.when}"
    return PageContent(title, about, _paragraphs(row, ledger))


def _paragraphs(row: PruningRow, ledger: Ledger) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    wanted = set(row.ids)
    for compaction in (c for c in ledger.compactions if c.id in wanted):
        if compaction.error:
            found.append(("why it failed", f"{compaction.error}. {compaction.hint}".strip()))
        if compaction.summary:
            source = f" by {compaction.source}" if compaction.source else ""
            found.append((f"summary{source}", compaction.summary))
        if compaction.missing:
            lost = "\n".join(f"- {sentence}" for sentence in compaction.missing)
            found.append(("not in the summary", lost))
        if compaction.unanswered:
            listed = "\n".join(f"- {question}" for question in compaction.unanswered)
            found.append(("questions that the summary does not answer", listed))
        for turn in map(ledger.turns.get, compaction.turns):
            if turn is not None:
                text = turn.heard_text or turn.silence_remark or turn.note or "no transcript"
                found.append((ROLE_NAMES[turn.role], text))
    return found


def _figures(row: PruningRow, glyphs: Glyphs) -> list[str]:
    after = "" if row.after is None else f" {glyphs.arrow} {spaced(row.after)}"
    figures = [plural(row.turns, "turn"), f"{spaced(row.before)}{after} tokens"]
    if row.kind == "summary" and row.stage == "done":
        figures.append(f"{row.seconds:.1f} s")
    if row.details:
        figures.append(f"kept {row.kept} of {row.details} details")
    if row.asked:
        figures.append(f"answers {row.answered} of {row.asked} questions")
    if row.usd is not None:
        figures.append(usd(row.usd))
    if (worth := row.worth) is not None:
        if worth.broken:
            figures.append(f"{spaced(worth.broken)} read uncached once")
        if worth.replies is not None:
            figures.append(f"pays back in {plural(worth.replies, 'reply', 'replies')}")
        figures.append(f"saves {usd(worth.usd_per_hour)} an hour")
    return figures
