"""The dialogs: a question with a line of text, a page to read."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from tui_voice.ui.screens.closing import OwnModalScreen
from tui_voice.ui.wrapping import clean


class TextQuestion(OwnModalScreen[str | None]):
    """Asks for one line of text. Returns it, or None where the user cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", show=False)]

    def __init__(self, title: str, about: str = "", value: str = "", placeholder: str = "") -> None:
        super().__init__(classes="dialog")
        self._title = title
        self._about = about
        self._value = value
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(self._title, classes="title", markup=False)
            if self._about:
                yield Static(self._about, classes="about", markup=False)
            yield Input(self._value, placeholder=self._placeholder, compact=True, classes="line")
            yield Static("Enter: done   Esc: cancel", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip())


class TextPage(OwnModalScreen[None]):
    """Shows paragraphs of text, which scroll where they are too long for the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", show=False),
    ]

    def __init__(self, title: str, about: str, body: list[tuple[str, str]]) -> None:
        """`body`: paragraphs as (heading, text); a heading may be empty."""
        super().__init__(classes="dialog")
        self._title = title
        self._about = about
        self._body = body

    def compose(self) -> ComposeResult:
        with Vertical(classes="box wide"):
            yield Static(self._title, classes="title", markup=False)
            yield Static(self._about, classes="about", markup=False)
            with VerticalScroll(classes="page"):
                for heading, text in self._body:
                    if heading:
                        yield Static(clean(heading), classes="heading", markup=False)
                    yield Static(clean(text), classes="text", markup=False)
            yield Static("up, down: scroll   Esc: back", classes="hint")
