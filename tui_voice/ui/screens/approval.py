"""The dialog that asks whether the model may call a function of a tool server."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui_voice.runtime.session_handle import ApprovalRequest, Decision
from tui_voice.ui.screens.closing import OwnModalScreen
from tui_voice.ui.wrapping import clean

SHOWN_ARGUMENTS = 600
"""Characters of the arguments that are shown."""


class ApprovalDialog(OwnModalScreen[Decision]):
    """Returns the decision. Letters do nothing, and the first choice refuses: the dialog may open
    while the user types.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('refuse')", show=False)]

    def __init__(self, request: ApprovalRequest) -> None:
        super().__init__(classes="dialog")
        self.request = request

    def compose(self) -> ComposeResult:
        request = self.request
        function = clean(request.function)
        with Vertical(classes="box"):
            title = f"May the model call {function}?"
            yield Static(title, classes="title", markup=False)
            about = f"A function of the tool server {request.server}. The arguments:"
            yield Static(about, classes="about", markup=False)
            yield Static(clean(_shortened(request.arguments)), classes="text", markup=False)
            yield OptionList(
                Option("Refuse this call", id="refuse"),
                Option("Allow this call", id="once"),
                Option(f"Always allow {function}", id="always"),
                compact=True,
            )
            yield Static("up, down: choose   Enter: done   Esc: refuse", classes="hint")

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        chosen = event.option_id
        self.dismiss("once" if chosen == "once" else "always" if chosen == "always" else "refuse")


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_ARGUMENTS else f"{text[:SHOWN_ARGUMENTS]} …"
