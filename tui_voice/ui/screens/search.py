"""The search screen: finds words in all turns of all saved sessions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.block_painter import ROLE_NAMES
from tui_voice.ui.keys import KeyTable
from tui_voice.ui.number_format import plural
from tui_voice.ui.options import AppOptions
from tui_voice.ui.screens.list_screen import ListScreen
from tui_voice.ui.screens.sessions import day
from tui_voice.ui.screens.worker_results import show_result
from tui_voice.ui.widgets.line_widget import StyledText
from tui_voice.ui.wrapping import fit

if TYPE_CHECKING:
    from tui_voice.store.search import Hit

MOST_HITS = 100
"""Hits that the list shows at most."""


def excerpt_line(hit: Hit, width: int, more: str = "…") -> list[StyledText]:
    """Returns the excerpt with the words that were found in bold, cut to `width` columns, and
    shifted so that the first of them is visible.
    """
    text, marks = hit.excerpt, hit.marks
    room, skip = width - 1 - len(more), 0
    if marks and marks[0][1] > width - 4:
        skip = text.rfind(" ", 0, max(0, marks[0][0] - width // 3)) + 1
    parts: list[StyledText] = [(f"{more} ", "quiet")] if skip else []
    room -= len(more) + 1 if skip else 0
    at = skip
    for first, behind in (*marks, (len(text), len(text))):
        begin, end = max(first, at), min(behind, skip + room)
        parts.append((text[at : min(begin, skip + room)], "machine"))
        if begin >= end:
            break
        parts.append((text[begin:end], "strong"))
        at = end
    if len(text) - skip > room:
        parts.append((more, "quiet"))
    return parts


class SearchScreen(ListScreen["Hit"]):
    """Returns a `ResumeRequest`, or None.

    While the user types, a search does not wait for the index: it shows at once what the index
    has. Then the index is brought up to date with the journals that changed, and the search runs
    again. This takes some ms, or seconds where a new index must be made.
    """

    HEADING = "search in all saved sessions"
    PLACEHOLDER = 'words, "a phrase", begin*, role:you, role:voice, after:2026-04-01'
    EMPTY = "type words to find"
    HINTS = (
        ("choose", "read"),
        ("back", "back"),
    )

    def __init__(self, options: AppOptions, keys: KeyTable, folder: Path) -> None:
        super().__init__(options, keys, folder)
        self._query = ""
        self.results: tuple[str, list[Hit]] = ("", [])
        """The query that is shown, and its hits."""
        self._indexing = False

    def paint_row(self, row: Hit, width: int) -> list[list[StyledText]]:
        """Returns who spoke in which session and when; then the words around the hit."""
        who, more = ROLE_NAMES.get(row.role, row.role), self._options.glyphs.more
        style = {"user": "user", "assistant": "voice"}.get(row.role, "quiet")
        where = f"  {row.title} {self._options.glyphs.dot} {day(row.started)}"
        return [
            [(who, style), (fit(where, width - len(who) - 1, more), "quiet")],
            excerpt_line(row, width, more),
        ]

    def preview_of(self, row: Hit) -> tuple[Path, str]:
        return row.path, row.turn

    def lit_in(self, row: Hit) -> re.Pattern[str] | None:
        from tui_voice.store.search import found_words

        return found_words(self.results[1], row.path)

    def apply_filter(self, text: str) -> None:
        self._query = text
        self._search(then=self._start_update)

    def _start_update(self) -> None:
        if not self._indexing:
            self._indexing = True
            self.run_worker(self._update_index, thread=True, group="index")

    def _search(self, then: Callable[[], None] = lambda: None) -> None:
        """Searches in a thread, then calls `then` and shows the hits."""
        text = self._query
        if not text.strip():
            then()
            self._show_hits(text, [])
            return

        def work() -> None:
            from tui_voice.store.search import search

            try:
                hits = search(self.folder, text, limit=MOST_HITS, typing=True, refresh=False)
                show = partial(self._show_hits, text, hits)
            except TuiVoiceError as error:
                show = partial(self.show_error, error)
            show_result(self, then)
            show_result(self, show)

        self.run_worker(work, thread=True, exclusive=True, group="search")

    def _update_index(self) -> None:
        """Runs in a thread. Stops when the screen closes; the next search continues."""
        from tui_voice.store.search import update_index

        worker = get_current_worker()
        changed = update_index(self.folder, lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            show_result(self, self._index_updated, changed)

    def _index_updated(self, changed: bool) -> None:
        self._indexing = False
        if changed or not self.results[1]:
            self._search()

    def _show_hits(self, text: str, hits: list[Hit]) -> None:
        if text != self._query:
            return
        self.show_error(None)
        before, self.results = self.results, (text, hits)
        if not hits or before != self.results:
            highlighted = self.chosen_row if text == before[0] else None
            same = (
                n for n, hit in enumerate(hits) if highlighted and hit.place == highlighted.place
            )
            self.list.show(hits, next(same, 0), self._empty_text(text))
        more = " or more" if len(hits) == MOST_HITS else ""
        self.set_heading(*([f"{plural(len(hits), 'turn')}{more}"] if text.strip() else []))

    def _empty_text(self, text: str) -> str:
        if not text.strip():
            return self.EMPTY
        return "reading the saved sessions" if self._indexing else "nothing found"

    def choose(self) -> None:
        from tui_voice.ui.screens.reader import ReaderScreen

        hit = self.chosen_row
        if hit is not None:
            lit = self.lit_in(hit)
            reader = ReaderScreen(self._options, self._key_table, hit.path, hit.turn, lit)
            self.app.push_screen(reader, self.dismiss_with)
