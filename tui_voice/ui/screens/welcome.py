"""The welcome at the first start, in three steps: who answers, the sound, the key to talk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Resize
from textual.reactive import reactive
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.options import Welcome
from tui_voice.ui.screen_context import ScreenContext
from tui_voice.ui.screens.closing import OwnModalScreen
from tui_voice.ui.screens.device_dialog import (
    TESTING,
    DeviceDialog,
    Direction,
    level_bar,
    run_test,
)
from tui_voice.ui.screens.worker_results import show_result
from tui_voice.ui.wrapping import clean

_DEVICE_KEYS = {"input": "audio.input_device", "output": "audio.output_device"}


class WelcomeScreen(OwnModalScreen[bool]):
    """Returns True where the user ended it with the talk key. Esc leaves it at every step."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", show=False),
        Binding("enter", "next", show=False),
        Binding("space", "talk", show=False, id="talk"),
    ]

    step: reactive[int] = reactive(0, recompose=True)

    def __init__(self, context: ScreenContext, welcome: Welcome) -> None:
        super().__init__(classes="dialog")
        self._given = context
        self._welcome = welcome
        self._answers = ["Looking for a key…"]
        self._tested: float | None = None  # the level of the microphone that is being tested
        talk = f"{context.keys.name('talk')}: talk now   " if context.options.sound else ""
        sound = (self._compose_sound, "up, down: choose   Enter: do it   Esc: skip all")
        self._steps: list[tuple[Callable[[], ComposeResult], str]] = [
            (self._compose_server, "Enter: next   Esc: skip all"),
            *([sound] if self._has_sound else []),
            (self._compose_talk, f"{talk}Enter, Esc: begin"),
        ]
        """What composes each step, and the line that names its keys."""

    @property
    def _has_sound(self) -> bool:
        options = self._given.options
        return options.sound and options.devices is not None and options.sound_test is not None

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            number = f"{self.step + 1} of {len(self._steps)}"
            yield Static(f"welcome to tui-voice   {number}", classes="title", markup=False)
            compose_step, hint = self._steps[self.step]
            with VerticalScroll(classes="page"):
                yield from compose_step()
            yield Static(hint, classes="hint", markup=False)

    def on_mount(self) -> None:
        self._welcome.remember()
        # Later: answers that came before the first layout would be shown in the room for one line.
        self.call_after_refresh(
            self.run_worker, self._find_server, thread=True, exit_on_error=False
        )
        self.set_interval(1 / 10, self._draw_level)

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.height < 16, "-tiny")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The talk key begins the session in the last step only."""
        del parameters
        return action != "talk" or (self.step == len(self._steps) - 1 and self._given.options.sound)

    def action_next(self) -> None:
        if self.step + 1 == len(self._steps):
            self.dismiss(False)
        else:
            self.step += 1

    def action_talk(self) -> None:
        self.dismiss(True)

    # ── who answers ─────────────────────────────────────────────────────────────────────────

    def _compose_server(self) -> ComposeResult:
        yield Static("Who answers you", classes="heading", markup=False)
        yield Static("\n".join(self._answers), classes="text", id="answers", markup=False)
        settings = self._given.keys.name("settings")
        yield Static(
            f"{settings} opens the settings later: backend, model, voice.", classes="about"
        )

    def _find_server(self) -> None:
        try:
            answers = self._welcome.who_answers()
        except TuiVoiceError as error:
            answers = [f"{error} {error.hint}"]
        show_result(self, self._show_server, answers)

    def _show_server(self, answers: list[str]) -> None:
        self._answers = [clean(answer) for answer in answers]
        for line in self.query("#answers").results(Static):
            line.update("\n".join(self._answers))

    # ── the sound ───────────────────────────────────────────────────────────────────────────

    def _compose_sound(self) -> ComposeResult:
        yield Static("Can you be heard, and do you hear?", classes="heading", markup=False)
        yield OptionList(
            Option("go on", id="next"),
            Option("test the microphone", id="test input"),
            Option("test the loudspeaker", id="test output"),
            Option("choose another microphone", id="choose input"),
            Option("choose another loudspeaker", id="choose output"),
            compact=True,
            markup=False,
        )
        yield Static("", id="level", markup=False)
        yield Static("", id="tested", markup=False)
        self.call_after_refresh(self._focus_list)

    def _focus_list(self) -> None:
        for options in self.query(OptionList):
            options.highlighted = 0
            options.focus()
        self._draw_level()

    def _draw_level(self) -> None:
        level = self._given.level("input") if self._tested is None else self._tested
        for line in self.query("#level").results(Static):
            line.update(f"microphone  {level_bar(level, self._given.options.glyphs)}", layout=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        verb, _, direction = (event.option_id or "").partition(" ")
        if verb == "next":
            self.action_next()
        elif verb == "test":
            self._test("input" if direction == "input" else "output")
        else:
            self._choose("input" if direction == "input" else "output")

    def _test(self, direction: Direction) -> None:
        options, live = self._given.options, self._given.settings
        if self._tested is not None or options.sound_test is None:
            return
        self._tested = 0.0
        self._say(TESTING[direction])
        device = live.editor.settings.value(_DEVICE_KEYS[direction]) if live else None
        run_test(self, options.sound_test, direction, device, self._heard, self._ended)

    def _heard(self, level: float) -> None:
        """Called in another thread."""
        self._tested = level

    def _ended(self, said: str) -> None:
        self._tested = None
        self._say(said)

    def _say(self, text: str) -> None:
        for line in self.query("#tested").results(Static):
            line.update(clean(text))
            self.call_after_refresh(line.scroll_visible, animate=False)  # on a low screen

    def on_option_list_option_highlighted(self) -> None:
        for page in self.query(".page").results(VerticalScroll):
            page.scroll_home(animate=False)

    def _choose(self, direction: Direction) -> None:
        def answered(device: str | None) -> None:
            if device is None or self._given.settings is None:
                return
            try:
                name = dialog.lasting_name(device)
                self._say(self._given.settings.save(_DEVICE_KEYS[direction], name or None))
            except TuiVoiceError as error:
                self._say(f"{error} {error.hint}")

        level = partial(self._given.level, direction)
        dialog = DeviceDialog(direction, self._given.options, level)
        self.app.push_screen(dialog, answered)

    # ── the key to talk ─────────────────────────────────────────────────────────────────────

    def _compose_talk(self) -> ComposeResult:
        keys = self._given.keys
        talk = keys.name("talk")
        yield Static("How to talk", classes="heading", markup=False)
        if self._given.options.sound:
            how = (
                f"Press {talk}, and talk. The answer comes when you pause; talk over it to stop "
                f"it. {talk} again closes the microphone. Or type, and press Enter."
            )
        else:
            how = "Type, and press Enter: this session has no sound."
        yield Static(how, classes="text", markup=False)
        about = f"{keys.name('help')} explains all keys, {keys.name('settings')} the settings."
        yield Static(about, classes="about", markup=False)
