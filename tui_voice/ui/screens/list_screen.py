"""What the lists of saved sessions and of search hits share: a filter above, a preview beside."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.keys import BUILT_IN, KeyTable, binding
from tui_voice.ui.notices import Notice
from tui_voice.ui.options import AppOptions
from tui_voice.ui.screen_context import HelpTopic, ResumeRequest
from tui_voice.ui.screens.closing import OwnScreen
from tui_voice.ui.screens.worker_results import show_result
from tui_voice.ui.view import started_at
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.line_widget import StyledText
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.row_list import RowList
from tui_voice.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger

Row = TypeVar("Row")

SHORT = [(0, "-short"), (16, "-tall")]
"""Rows from which a screen has each class: a short one has no empty lines."""
PREVIEW_FROM = 96
"""Columns from which there is room for a preview."""
LIST_KEYS = (
    ("letters", "the filter"),
    ("up, down", "choose a row"),
    ("PgUp, PgDn", "choose a row of another page"),
    ("Esc", "leave the list"),
)
"""The keys of every list, which cannot be moved."""
PAUSE = 0.12
"""Seconds without a key after which the typed filter is applied."""


class ListScreen(OwnScreen[ResumeRequest | None], Generic[Row]):
    """The filter keeps the focus, and the arrow keys move the highlight of the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        binding(BUILT_IN["choose"], priority=True),
    ]
    AUTO_FOCUS = "#filter"
    HEADING: ClassVar[str] = ""
    PLACEHOLDER: ClassVar[str] = ""
    EMPTY: ClassVar[str] = ""
    """What the list says until there are rows."""
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Id of the action in the key table and word of each key, for the footer."""
    ROW_HEIGHT: ClassVar[int] = 2
    """Lines of a row, where `row_height` does not say otherwise."""
    VERTICAL_BREAKPOINTS = SHORT
    PREVIEW: ClassVar[bool] = True
    """Whether there is a transcript beside the list, where the screen is wide enough."""

    def __init__(self, options: AppOptions, keys: KeyTable, folder: Path) -> None:
        """`folder`: where the sessions are saved."""
        super().__init__()
        self._options = options
        self._key_table = keys
        self.folder = folder
        self.list: RowList[Row] = RowList(
            self.paint_row, glyphs=options.glyphs, height=self.row_height, id="rows"
        )
        self._filter_timer: Timer | None = None
        self._parts: tuple[str, ...] = ()  # of the heading

    def compose(self) -> ComposeResult:
        glyphs = self._options.glyphs
        yield Static(self.HEADING, classes="bar", id="heading", markup=False)
        yield Input(placeholder=self.PLACEHOLDER, compact=True, id="filter")
        with Horizontal(id="lists"):
            yield self.list
            if self.PREVIEW:
                yield Transcript(glyphs=glyphs, timestamps=self._options.timestamps, id="preview")
        yield NoticeLine(glyphs=glyphs, id="trouble")
        yield KeyHintsLine(glyphs=glyphs, id="keys")

    def on_mount(self) -> None:
        for preview in self.query("#preview"):
            preview.can_focus = False
        self.show_keys()
        self.list.show((), empty=self.EMPTY)
        self.apply_filter(self.query_one(Input).value)

    def on_resize(self, event: events.Resize) -> None:
        before = self.has_class("-wide")
        self.set_class(self.PREVIEW and event.size.width >= PREVIEW_FROM, "-wide")
        if not before:
            self._load_preview()
        room = event.size.width - 6
        fits = len(self.PLACEHOLDER) <= room
        self.query_one(Input).placeholder = self.PLACEHOLDER if fits else "type to filter"
        self._show_heading(event.size.width)

    # ── for subclasses ──────────────────────────────────────────────────────────────────────

    def paint_row(self, row: Row, width: int) -> list[list[StyledText]]:
        """Returns the lines of a row."""
        raise NotImplementedError

    def row_height(self, row: Row, width: int) -> int:
        """Returns the number of these lines."""
        del row, width
        return self.ROW_HEIGHT

    def apply_filter(self, text: str) -> None:
        """Shows the rows for what is typed in the filter."""
        raise NotImplementedError

    def choose(self) -> None:
        """Does what Enter does with the highlighted row."""
        raise NotImplementedError

    def preview_of(self, row: Row) -> tuple[Path, str]:
        """Returns the journal to show beside the list, and the turn to show; "" for its end."""
        raise NotImplementedError

    def lit_in(self, row: Row) -> re.Pattern[str] | None:
        """Returns the pattern of what is lit in the preview; None for nothing."""
        del row
        return None

    def works(self, action_id: str) -> bool:
        """Returns whether the footer shows a key now."""
        del action_id
        return True

    # ── for subclasses to call ──────────────────────────────────────────────────────────────

    @property
    def chosen_row(self) -> Row | None:
        """The highlighted row."""
        return self.list.chosen_row

    def show_error(self, error: TuiVoiceError | None) -> None:
        """Shows an error above the footer, or none."""
        notice = Notice(str(error), error.hint, "error") if error else Notice()
        self.query_one(NoticeLine).notice = notice

    def show_message(self, text: str) -> None:
        """Shows a sentence above the footer."""
        self.query_one(NoticeLine).notice = Notice(text)

    def show_keys(self) -> None:
        """Shows in the footer the keys that work now."""
        hints = [hint for hint in self.HINTS if self.works(hint[0])]
        self.query_one(KeyHintsLine).hints = self._key_table.hints(hints)

    @property
    def help_topic(self) -> HelpTopic:
        """Returns what the help explains first."""
        return HelpTopic(self.HEADING, (*self._key_table.rows(self.HINTS), *LIST_KEYS))

    def set_heading(self, *parts: str) -> None:
        """Shows the heading with these parts behind it, as many as have room."""
        self._parts = parts
        self._show_heading(self.size.width)

    def _show_heading(self, width: int) -> None:
        dot, parts = f" {self._options.glyphs.dot} ", [self.HEADING, *self._parts]
        while len(parts) > 1 and len(dot.join(parts)) > width - 2:
            parts.pop()
        self.query_one("#heading", Static).update(dot.join(parts))

    def dismiss_with(self, request: ResumeRequest | None) -> None:
        """Closes the list with the result of a screen over it, unless that is None. It is called
        while that screen closes.
        """
        if request is not None:
            self.dismiss_next(request)

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def on_input_changed(self, event: Input.Changed) -> None:
        if self._filter_timer is not None:
            self._filter_timer.stop()
        self._filter_timer = self.set_timer(PAUSE, lambda: self.apply_filter(event.value))

    def on_row_list_double_clicked(self) -> None:
        self.choose()

    def action_back(self) -> None:
        self.dismiss(None)

    def action_choose(self) -> None:
        self.choose()

    def action_move(self, by: int) -> None:
        self.list.move(by)

    def action_page(self, by: int) -> None:
        self.list.page(by)

    async def on_key_hints_line_clicked(self, event: KeyHintsLine.Clicked) -> None:
        await self.run_action(self._key_table.textual_action(event.action))

    # ── the preview ─────────────────────────────────────────────────────────────────────────

    def on_option_list_option_highlighted(self, _event: OptionList.OptionHighlighted) -> None:
        self._load_preview()

    def _load_preview(self) -> None:
        """Reads the chosen session, where there is room for its preview."""
        row = self.chosen_row
        if row is None or not self.has_class("-wide"):
            return
        path, turn = self.preview_of(row)

        def work() -> None:
            from tui_voice.store.reading import load

            try:
                ledger = load(path).ledger
            except TuiVoiceError as error:
                show_result(self, self.show_error, error)
            else:
                show_result(self, self._show_preview, path, turn, ledger)

        self.run_worker(work, thread=True, exclusive=True, group="preview")

    def _show_preview(self, path: Path, turn: str, ledger: Ledger) -> None:
        row = self.chosen_row
        if row is None or self.preview_of(row) != (path, turn):
            return
        preview = self.query_one("#preview", Transcript)
        preview.release()
        preview.light_pattern(self.lit_in(row))
        preview.show(ledger.turns, ledger.compactions, started_at(ledger))
        if turn:
            preview.go_to(turn)
        else:
            preview.action_to_end()
