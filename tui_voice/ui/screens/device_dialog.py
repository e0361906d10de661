"""Asks which microphone or loudspeaker the session uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui_voice.ui.wrapping import clean

Direction = Literal["input", "output"]
_NOUNS = {"input": "microphone", "output": "loudspeaker"}
LEVEL_CELLS = 20
DEFAULT = "the system's default"


class DeviceDialog(ModalScreen[str | None]):
    """Returns the id of a device, "" for the system's default, or None where the user cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", show=False)]

    def __init__(
        self,
        direction: Direction,
        devices: Callable[[Direction], list[tuple[str, str]]],
        level: Callable[[], float],
    ) -> None:
        """`devices` returns ids and names; it may block for some ms. `level`: that of the
        microphone in use, 0 to 1."""
        super().__init__(classes="dialog")
        self._devices = devices
        self._level = level
        self._direction = direction

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(f"choose the {_NOUNS[self._direction]}", classes="title", markup=False)
            yield OptionList(Option(DEFAULT, id="default"), markup=False)
            if self._direction == "input":
                yield Static("", id="level", markup=False)
            yield Static("Enter: use   Esc: cancel", classes="hint")

    def on_mount(self) -> None:
        self.run_worker(self._list, thread=True)
        if self._direction == "input":
            self.set_interval(1 / 10, self._draw_level)

    def _draw_level(self) -> None:
        """Shows how loud the microphone in use is, also while it is closed."""
        filled = round(self._level() * LEVEL_CELLS)
        bar = "#" * filled + "." * (LEVEL_CELLS - filled)
        self.query_one("#level", Static).update(f"level now  {bar}", layout=False)

    def _list(self) -> None:
        self.app.call_from_thread(self._show, self._devices(self._direction))

    def _show(self, devices: list[tuple[str, str]]) -> None:
        self._ids = ["", *(device_id for device_id, _ in devices)]
        self.query_one(OptionList).add_options([Option(clean(name)) for _, name in devices])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._ids[event.option_index] if event.option_index else "")
