"""Asks which microphone or loudspeaker the session uses, and tests one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.options import AppOptions, SoundTest
from tui_voice.ui.screens.closing import OwnModalScreen
from tui_voice.ui.screens.worker_results import show_result
from tui_voice.ui.wrapping import clean

Direction = Literal["input", "output"]
NOUNS = {"input": "microphone", "output": "loudspeaker"}
LEVEL_CELLS = 20
DEFAULT = "the system's default"
TESTING = {"input": "Speak now, for two seconds.", "output": "Playing a tone."}


def level_bar(level: float, glyphs: Glyphs) -> str:
    """Returns a sound level, 0 to 1, as a bar of `LEVEL_CELLS` columns."""
    filled = max(0, min(LEVEL_CELLS, round(level * LEVEL_CELLS)))
    return glyphs.cached * filled + glyphs.free * (LEVEL_CELLS - filled)


def run_test(
    screen: Screen[Any],
    sound_test: SoundTest,
    direction: Direction,
    device: str | None,
    heard: Callable[[float], None],
    ended: Callable[[str], object],
) -> None:
    """Plays a tone, or records two seconds and plays them, in a thread of its own.

    `heard` is called in another thread with the level of the microphone, 0 to 1; `ended` with a
    sentence about the test.
    """

    def work() -> None:
        try:
            if direction == "output":
                sound_test.play_tone(device)
                said = "Did you hear it? If not, choose another one."
            else:
                said = sound_test.record(device, heard)
        except TuiVoiceError as error:
            said = f"{error} {error.hint}"
        show_result(screen, ended, said)

    screen.run_worker(work, thread=True, exit_on_error=False)


class DeviceDialog(OwnModalScreen[str | None]):
    """Returns the id of a device, "" for the system's default, or None where the user cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("t", "test", show=False),
    ]

    def __init__(
        self, direction: Direction, options: AppOptions, level: Callable[[], float]
    ) -> None:
        """`level`: that of the device in use, 0 to 1."""
        super().__init__(classes="dialog")
        self._options = options
        self._level = level
        self._direction = direction
        self._ids, self._names = [""], [""]
        self._tested: float | None = None  # the level of the microphone that is being tested

    def compose(self) -> ComposeResult:
        test = "   t: test it" if self._options.sound_test is not None else ""
        with Vertical(classes="box"):
            yield Static(f"choose the {NOUNS[self._direction]}", classes="title", markup=False)
            yield OptionList(Option(DEFAULT, id="default"), markup=False, compact=True)
            yield Static("", id="level", markup=False)
            yield Static("", id="tested", markup=False)
            yield Static(f"Enter: use{test}   Esc: cancel", classes="hint")

    def on_mount(self) -> None:
        self.run_worker(self._list, thread=True)
        self.set_interval(1 / 10, self._draw_level)
        self._draw_level()
        self._say("")

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.height < 16, "-tiny")

    def _draw_level(self) -> None:
        """Shows how loud the device in use is, also while the microphone is closed."""
        level = self._level() if self._tested is None else self._tested
        bar = level_bar(level, self._options.glyphs)
        self.query_one("#level", Static).update(f"level now  {bar}", layout=False)

    def _list(self) -> None:
        assert self._options.devices is not None  # checked by whoever opens the dialog
        show_result(self, self._show, self._options.devices(self._direction))

    def _show(self, devices: list[tuple[str, str]]) -> None:
        self._ids = ["", *(device_id for device_id, _ in devices)]
        self._names = ["", *(name for _, name in devices)]
        self.query_one(OptionList).add_options([Option(clean(name)) for _, name in devices])

    def lasting_name(self, device: str) -> str:
        """Returns the name of a device, which stays when an id changes; its id where the name is
        that of another one, too, or has a mark.
        """
        name = self._names[self._ids.index(device)]
        return name if self._names.count(name) == 1 and "  " not in name else device

    def _say(self, text: str) -> None:
        line = self.query_one("#tested", Static)
        line.update(clean(text))
        line.display = bool(text)

    def action_test(self) -> None:
        """Tests the highlighted device: plays a tone, or records two seconds and plays them."""
        at, sound_test = self.query_one(OptionList).highlighted, self._options.sound_test
        if sound_test is None or at is None or self._tested is not None:
            return
        self._tested = 0.0
        self._say(TESTING[self._direction])
        device = self._ids[at] or None
        run_test(self, sound_test, self._direction, device, self._heard, self._ended)

    def _heard(self, level: float) -> None:
        """Called in the worker's thread with the level of each piece of sound."""
        self._tested = level

    def _ended(self, said: str) -> None:
        self._tested = None
        self._say(said)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._ids[event.option_index])
