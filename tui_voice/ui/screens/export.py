"""Writing a talk into a file: which format, and where."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.widgets.card import Part
from tui_voice.ui.widgets.choices import Choices

FORMATS: tuple[tuple[str, str], ...] = (
    ("md", "Markdown: headings, times, prunings"),
    ("txt", "plain text"),
    ("html", "a web page in one file"),
    ("json", "JSON, for programs"),
    ("srt", "subtitles (SubRip)"),
    ("vtt", "subtitles (WebVTT)"),
    ("minutes", "decisions, open questions, to-dos"),
)


class _Formats(Choices[tuple[str, str]]):
    ROW: ClassVar[int] = 1

    def draw(self, row: tuple[str, str], width: int) -> list[list[Part]]:
        return [[(f"{row[0]:<9}", "words"), (row[1][: width - 9], "quiet")]]


class ExportDialog(ModalScreen[tuple[str, Path] | None]):
    """Returns the format and where to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]

    def __init__(self, glyphs: Glyphs, folder: Path) -> None:
        super().__init__(classes="dialog")
        self._glyphs = glyphs
        self._folder = folder

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static("export the talk", classes="title")
            yield Static("as", classes="about")
            yield _Formats(glyphs=self._glyphs, id="formats")
            yield Static("into this folder, or under this name", classes="about")
            yield Input(str(self._folder), compact=True, classes="line")
            yield Static("up, down: format   Enter: write   Esc: never mind", classes="hint")

    def on_mount(self) -> None:
        self.query_one(_Formats).show(FORMATS)
        self.query_one(Input).focus()

    def action_move(self, by: int) -> None:
        self.query_one(_Formats).action_move(by)

    def on_choices_picked(self) -> None:
        self._done()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._done()

    def _done(self) -> None:
        marked = self.query_one(_Formats).marked
        target = Path(self.query_one(Input).value.strip() or ".").expanduser()
        if marked is not None:
            self.dismiss((marked[0], target))
