"""The export dialog: in which format a session is written, and where."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from tui_voice.config import user_path
from tui_voice.errors import UsageError
from tui_voice.ui.export_writer import MINUTES
from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.screen_context import ExportChoice
from tui_voice.ui.screens.closing import OwnModalScreen
from tui_voice.ui.screens.list_screen import SHORT
from tui_voice.ui.widgets.line_widget import StyledText
from tui_voice.ui.widgets.row_list import RowList
from tui_voice.ui.wrapping import fit


def offered_formats() -> list[tuple[str, str]]:
    """Returns the name and the sentence of every format, the minutes last."""
    from tui_voice.store.exporters import EXPORT_FORMATS

    formats = [(name, format.sentence) for name, format in EXPORT_FORMATS.items()]
    return [*formats, (MINUTES, "minutes: decisions, open questions, to-dos")]


class ExportDialog(OwnModalScreen[ExportChoice | None]):
    """Returns the format and the target, or None."""

    VERTICAL_BREAKPOINTS = SHORT
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(classes="dialog")
        self._glyphs = glyphs
        self._formats = RowList(self._format_line, glyphs=glyphs, id="formats")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static("export the session", classes="title")
            yield Static("as", classes="about")
            yield self._formats
            yield Static("to this folder or file", classes="about")
            yield Input(str(Path.cwd()), compact=True, classes="line")
            yield Static("up, down: format   Enter: write   Esc: cancel", classes="hint")

    def _format_line(self, row: tuple[str, str], width: int) -> list[list[StyledText]]:
        sentence = fit(row[1], width - 9, self._glyphs.more)
        return [[(f"{row[0]:<9}", "words"), (sentence, "quiet")]]

    def on_mount(self) -> None:
        self._formats.show(offered_formats())
        self.query_one(Input).focus()

    def action_move(self, by: int) -> None:
        self._formats.move(by)

    def on_row_list_double_clicked(self) -> None:
        self._finish()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._finish()

    def _finish(self) -> None:
        chosen = self._formats.chosen_row
        try:
            target = user_path(self.query_one(Input).value.strip() or ".", "the folder or file")
        except UsageError as error:
            self.query_one(".hint", Static).update(f"{error} {error.hint}")
            return
        if chosen is not None:
            self.dismiss(ExportChoice(chosen[0], target))
