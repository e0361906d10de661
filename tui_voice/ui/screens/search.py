"""Search in everything that was ever said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.widgets import Static
from textual.worker import get_current_worker

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.number_format import plural
from tui_voice.ui.options import Options
from tui_voice.ui.painting import NAMES
from tui_voice.ui.screens.listing import ListScreen, Open
from tui_voice.ui.screens.sessions import day
from tui_voice.ui.widgets.card import Part
from tui_voice.ui.widgets.choices import Choices
from tui_voice.ui.wrapping import fit

if TYPE_CHECKING:
    from tui_voice.store.search import Hit

MOST = 100


class HitRows(Choices["Hit"]):
    """Who, in which talk, when; then the words around, those that were looked for standing out."""

    def draw(self, row: Hit, width: int) -> list[list[Part]]:
        who = NAMES.get(row.role, row.role)
        ink = {"user": "user", "assistant": "voice"}.get(row.role, "quiet")
        where = f"  {row.title} {self._glyphs.dot} {day(row.started)}"
        room = width - len(who) - 1
        return [
            [(who, ink), (fit(where, room, self._glyphs.more), "quiet")],
            marked(row, width, self._glyphs.more),
        ]


def marked(hit: Hit, width: int, more: str = "…") -> list[Part]:
    """The excerpt as parts, cut to `width`, shifted so that the first mark is seen."""
    text, marks = hit.excerpt, hit.marks
    room, skip = width - 1 - len(more), 0
    if marks and marks[0][1] > width - 4:
        skip = text.rfind(" ", 0, max(0, marks[0][0] - width // 3)) + 1
    parts: list[Part] = []
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


class SearchScreen(ListScreen):
    HEADING = "search in everything that was said"
    PLACEHOLDER = 'words, "a phrase", begin*, role:you, role:voice, after:2026-04-01'
    HINTS = (
        ("pick", "Enter", "read it there"),
        ("back", "Esc", "back"),
    )

    def __init__(self, options: Options, folder: Path) -> None:
        super().__init__(options, folder)
        self._text = ""
        self._shown: tuple[str, list[Hit]] = ("", [])
        self._looking = False  # through the journals, for what a quick search cannot know of

    def rows(self) -> Choices[Any]:
        return HitRows(glyphs=self._options.glyphs, nothing="type what was said", id="rows")

    @property
    def previewed(self) -> tuple[Path, str] | None:
        hit = self.query_one(HitRows).marked
        return (hit.path, hit.turn) if hit else None

    def changed(self, text: str) -> None:
        self._text = text
        self._seek()
        if not self._looking:
            self._looking = True
            self.run_worker(self._catch_up, thread=True, group="look")

    def _seek(self) -> None:
        text = self._text
        if not text.strip():
            self._take(text, [])
            return

        def work() -> None:
            from tui_voice.store.search import search

            try:
                hits = search(self.folder, text, limit=MOST, typing=True)
            except TuiVoiceError as error:
                self.app.call_from_thread(self.trouble, error)
            else:
                self.app.call_from_thread(self._take, text, hits)

        self.run_worker(work, thread=True, exclusive=True, group="search")

    def _catch_up(self) -> None:
        """In a thread. Stops when the user leaves, and goes on the next time."""
        from tui_voice.store.search import update_index

        worker = get_current_worker()
        new = update_index(self.folder, lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._caught_up, new)

    def _caught_up(self, new: bool) -> None:
        self._looking = False
        if self.is_mounted and (new or not self._shown[1]):
            self._seek()

    def _take(self, text: str, hits: list[Hit]) -> None:
        if not self.is_mounted or text != self._text:
            return
        self.trouble(None)
        before, self._shown = self._shown, (text, hits)
        nothing = "nobody said that" if text.strip() else "type what was said"
        if text.strip() and self._looking:
            nothing = "reading the saved talks"
        if not hits or before != self._shown:
            rows = self.query_one(HitRows)
            marked = rows.marked if text == before[0] else None
            same = (n for n, hit in enumerate(hits) if marked and hit.place == marked.place)
            rows.show(hits, next(same, 0), nothing)
        dot = f" {self._options.glyphs.dot} "
        more = " or more" if len(hits) == MOST else ""
        found = f"{dot}{plural(len(hits), 'turn')}{more}" if text.strip() else ""
        self.query_one("#heading", Static).update(f"{self.HEADING}{found}")

    def picked(self) -> None:
        from tui_voice.ui.screens.reader import ReaderScreen

        hit = self.query_one(HitRows).marked
        if hit is not None:
            self.app.push_screen(ReaderScreen(self._options, hit.path, hit.turn), self._read)

    def _read(self, result: Open | None) -> None:
        if result is not None:
            self.dismiss(result)
