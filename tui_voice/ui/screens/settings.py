"""The settings screen: every setting, found by typing, changed in place."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input, Static

from tui_voice.config.editor import SettingField
from tui_voice.config.model import all_settings
from tui_voice.errors import SettingsError
from tui_voice.ui.keys import BUILT_IN, binding
from tui_voice.ui.live_settings import LiveSettings, when_in_force
from tui_voice.ui.notices import Notice
from tui_voice.ui.screen_context import HelpTopic, ScreenContext
from tui_voice.ui.screens.closing import OwnScreen
from tui_voice.ui.screens.device_dialog import DeviceDialog, Direction, level_bar
from tui_voice.ui.screens.setting_dialogs import dialog_for
from tui_voice.ui.theme import DARK
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.row_list import RowList
from tui_voice.ui.wrapping import clean, fit, wrap

TALKING: dict[str, str] = {
    "audio.input_device": "microphone",
    "audio.output_device": "loudspeaker",
    "backend.voice": "voice",
    "backend.model": "model",
    "backend.speed": "speaking speed",
    "backend.turn_detection": "turn detection",
    "backend.silence_ms": "pause tolerance",
    "backend.language": "language",
    "context.policy": "policy",
    "context.trigger": "summarise from",
    "context.keep": "turns to keep",
    "session.profile": "profile",
    "ui.theme": "theme",
}
"""The settings that are changed while one talks, with their names here. They come first."""
DEVICES: dict[str, Direction] = {"audio.input_device": "input", "audio.output_device": "output"}
MEANINGS: dict[tuple[str, str], str] = {
    ("audio.input_device", "none"): "system default",
    ("audio.output_device", "none"): "system default",
    ("context.trigger", "0"): "by the model",
    ("context.keep", "none"): "by the policy",
    ("ui.theme", "none"): "our own",
}
"""Setting and value → what the value stands for."""
WIDE, NARROW = 96, 60
"""Columns from which the explanation stands beside the list, and each row names its group."""
GROUP_WIDTH, NAME_WIDTH, SOURCE_WIDTH = 10, 22, 16


class _Row(NamedTuple):
    group: str
    """Shown in the first row of each group, else ""."""
    label: str
    field: SettingField


class _Detail(BlockWidget):
    """What there is to know about the highlighted setting."""

    DEFAULT_CSS = "_Detail { height: auto; width: 1fr; }"
    paragraphs: tuple[tuple[str, str], ...] = ()
    """(text, style) of each."""

    def show(self, paragraphs: tuple[tuple[str, str], ...]) -> None:
        if paragraphs != self.paragraphs:
            self.paragraphs = paragraphs
            self.refresh(layout=True)

    def lines(self, width: int) -> list[list[StyledText]]:
        found: list[list[StyledText]] = []
        for text, style in self.paragraphs:
            found += [[(text[begin:end], style)] for begin, end in wrap(text, max(8, width))]
        return found


SETTINGS_HINTS = (("choose", "change"), ("reset", "default"), ("back", "back"))
"""Id of the action in the key table and word of each key, for the footer."""
SETTINGS_KEYS = (
    ("letters", "find settings by name, meaning, value or source"),
    ("up, down", "choose a setting"),
    ("t", "in the list of devices or voices: test it, hear it"),
    ("Esc", "leave the settings"),
)
"""The keys of the settings screen that cannot be moved."""
UNITS = {"_ms": "ms", "_s": "s"}
"""How the name of a setting ends → the unit of its value."""


def _without_unit(name: str) -> str:
    return next((name.removesuffix(end) for end in UNITS if name.endswith(end)), name)


def _shown(field: SettingField) -> str:
    """Returns the value as the list shows it: `500 ms`."""
    if field.value in ("", "none") or (field.key, field.value) in MEANINGS:
        return MEANINGS.get((field.key, field.value), "none")
    unit = next((unit for end, unit in UNITS.items() if field.key.endswith(end)), "")
    return f"{field.value} {unit}".rstrip()


class SettingsScreen(OwnScreen[None]):
    """The filter keeps the focus; the arrow keys move the highlight, and Enter changes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False, priority=True),
        Binding("f3", "back", show=False, priority=True, id="settings"),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        binding(BUILT_IN["reset"], priority=True),
        binding(BUILT_IN["choose"], priority=True),
    ]
    AUTO_FOCUS = "#filter"

    def __init__(self, context: ScreenContext, live: LiveSettings, wanted: str = "") -> None:
        """`wanted`: the words of the filter at the beginning."""
        super().__init__()
        self._given = context
        self._live = live
        self._wanted = wanted
        self._glyphs = context.options.glyphs
        self._rows: RowList[_Row] = RowList(self._paint, glyphs=self._glyphs, id="rows")
        self._detail = _Detail(glyphs=self._glyphs, id="detail")

    def compose(self) -> ComposeResult:
        yield Static("settings", classes="bar", id="heading", markup=False)
        yield Input(self._wanted, placeholder="type to find a setting", compact=True, id="filter")
        with Horizontal(id="lists"):
            yield self._rows
            with Vertical(id="about"):
                yield self._detail
        yield NoticeLine(glyphs=self._glyphs, id="trouble")
        yield KeyHintsLine(glyphs=self._glyphs, id="keys")

    def on_mount(self) -> None:
        self.query_one(KeyHintsLine).hints = self._given.keys.hints(SETTINGS_HINTS)
        settings = self._live.editor.settings
        parts = ["settings", clean(str(settings.path))]
        if settings.profile:
            parts.append(f"profile {settings.profile}")
        self.query_one("#heading", Static).update(f" {self._glyphs.dot} ".join(parts))
        self._filter(self._wanted)
        self.set_interval(1 / 10, self._show_detail)

    @property
    def help_topic(self) -> HelpTopic:
        """Returns what the help explains first."""
        shown = (("choose", "change the setting"), ("reset", "default"))
        return HelpTopic("settings", (*self._given.keys.rows(shown), *SETTINGS_KEYS))

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self.set_class(event.size.height < 16, "-tiny")

    # ── the list ────────────────────────────────────────────────────────────────────────────

    def on_input_changed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    def _filter(self, words: str, keep: str = "") -> None:
        """Shows the settings in which all words occur; `keep`: the one to highlight."""
        wanted = words.casefold().split()
        keys = [*TALKING, *(key for key in all_settings() if key not in TALKING)]
        rows: list[_Row] = []
        last = at = 0
        group_before = ""
        for key in keys:
            field = self._live.editor.field(key)
            group, _, name = key.partition(".")
            group = "talking" if key in TALKING else group
            label = TALKING.get(key, _without_unit(name).replace("_", " "))
            text = f"{group} {label} {key} {field.sentence} {field.value} {field.source}".casefold()
            if all(word in text for word in wanted):
                at = last if key == keep else at
                last += 1
                rows.append(_Row("" if group == group_before else group, label, field))
                group_before = group
        self._rows.show(rows, at, f'no setting with "{clean(words)}"')
        self._show_detail()

    def _paint(self, row: _Row, width: int) -> list[list[StyledText]]:
        field = row.field
        parts: list[StyledText] = []
        if self.size.width >= NARROW:
            parts.append((f"{row.group:<{GROUP_WIDTH}}", "quiet"))
        name_width = min(NAME_WIDTH, width // 2)
        parts.append((fit(row.label, name_width - 1).ljust(name_width), "words"))
        used = sum(len(text) for text, _ in parts)
        is_variable = field.source.isupper()
        variable = "environment" if self.size.width >= NARROW else "env"
        source = variable if is_variable else fit(field.source, SOURCE_WIDTH)
        source = "" if source == "default" else source
        room = width - used - len(source) - (3 if source else 1)
        value = fit(clean(_shown(field).replace("\n", " ")), max(4, room))
        style = "words" if source else "machine"
        parts.append((value.ljust(max(0, room + 2)), style))
        parts.append((source, "user" if field.fixed_by else "quiet"))
        return [parts]

    @property
    def _field(self) -> SettingField | None:
        row = self._rows.chosen_row
        return row.field if row is not None else None

    def on_option_list_option_highlighted(self) -> None:
        self._show_detail()

    def _show_detail(self) -> None:
        row = self._rows.chosen_row
        if row is None:
            self._detail.show(())
            return
        field = row.field
        default = field.default or "empty"
        when = when_in_force(field.key)
        about = f"{field.sentence[:1].upper()}{field.sentence[1:]}."
        if self.has_class("-wide"):
            paragraphs = [(field.key, "strong"), ("", "words"), (about, "words"), ("", "words")]
            if field.key in DEVICES:
                paragraphs += [self._level(field.key), ("", "words")]
            paragraphs += [
                (f"Now: {field.value or 'empty'} ({field.source}).", "machine"),
                (f"Default: {default}.", "machine"),
                (f"Allowed: {field.allowed}.", "machine"),
                (f"A change counts {when}.", "machine"),
            ]
        else:
            paragraphs = [self._level(field.key)] if field.key in DEVICES else []
            paragraphs += [
                (about, "words"),
                (f"Default: {default}. Allowed: {field.allowed}. Counts {when}.", "machine"),
            ]
        if field.fixed_by:
            paragraphs.append((f"Fixed by {field.fixed_by} in this run.", "user"))
        self._detail.show(tuple(paragraphs))

    def _level(self, key: str) -> tuple[str, str]:
        """Returns the sound level of the device in use, which moves."""
        level = self._given.level(DEVICES[key])
        return f"level now  {level_bar(level, self._glyphs)}", "voice"

    # ── changing ────────────────────────────────────────────────────────────────────────────

    def on_row_list_double_clicked(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Toggles a switch; opens the dialog of another setting."""
        row = self._rows.chosen_row
        if row is None:
            return
        field = row.field
        if field.key in DEVICES and self._given.options.devices is not None:
            self._choose_device(field.key)
        elif field.kind == "switch":
            refusal = self._save(field.key, "false" if field.value == "true" else "true")
            if refusal:
                self._say(refusal, wrong=True)
        elif (dialog := self._dialog(row)) is not None:
            self.app.push_screen(dialog, lambda saved: self._left(field.key, saved))

    def _dialog(self, row: _Row) -> Screen[bool] | None:
        key = row.field.key
        return dialog_for(
            row.label,
            row.field,
            self._given.keys,
            partial(self._save, key),
            self._preview_theme if key == "ui.theme" else None,
            self._given.hear_voice if key == "backend.voice" else None,
        )

    def _preview_theme(self, name: str) -> None:
        self.app.theme = DARK.name if name == "none" else name

    def _left(self, key: str, saved: bool | None) -> None:
        """A dialog was closed: where nothing was saved, the theme is that of before."""
        if not saved and key == "ui.theme":
            self._preview_theme(self._live.editor.settings.ui.theme or "none")

    def _choose_device(self, key: str) -> None:
        direction = DEVICES[key]

        def answered(device: str | None) -> None:
            if device is None:
                return
            if refusal := self._save(key, dialog.lasting_name(device) or None):
                self._say(refusal, wrong=True)

        level = partial(self._given.level, direction)
        dialog = DeviceDialog(direction, self._given.options, level)
        self.app.push_screen(dialog, answered)

    def action_reset(self) -> None:
        """Takes the setting out of the file, so that its default holds."""
        if (field := self._field) is not None and (refusal := self._save(field.key, None)):
            self._say(refusal, wrong=True)

    def _save(self, key: str, text: str | None) -> str:
        """Saves a value. Returns why it was refused; "" where it was saved."""
        try:
            said = self._live.save(key, text)
        except SettingsError as error:
            self._filter(self.query_one(Input).value, key)  # the file may have been changed
            return f"{error} {error.hint}".strip()
        self._filter(self.query_one(Input).value, key)
        self._say(said)
        return ""

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self.query_one(NoticeLine).notice = Notice(text, severity="error" if wrong else "info")

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def action_back(self) -> None:
        self.dismiss(None)
        self._live.leave()

    def action_move(self, by: int) -> None:
        self._rows.move(by)

    def action_page(self, by: int) -> None:
        self._rows.page(by)

    async def on_key_hints_line_clicked(self, event: KeyHintsLine.Clicked) -> None:
        await self.run_action(event.action)
