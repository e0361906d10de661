"""The widgets in which a setting is entered: a list to choose from, a line of text, or several.

`dialog_for` is the only place that maps the kind of a setting to a widget.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from tui_voice.config.editor import SettingField
from tui_voice.ui.keys import BUILT_IN, KeyTable, binding
from tui_voice.ui.screens.closing import OwnModalScreen
from tui_voice.ui.wrapping import clean

Save = Callable[[str | None], str]
"""Saves a text, None for the default. Returns why it was refused, "" where it was saved."""
OTHER = "another one"


class SettingDialog(OwnModalScreen[bool]):
    """What both kinds share. Returns True once a value was saved, False where the user cancelled.

    A value that is refused is explained here, and the dialog stays.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", show=False, priority=True),
        binding(BUILT_IN["reset"], priority=True),
    ]
    SAVES = "Enter"
    """The key that saves."""

    def __init__(self, label: str, field: SettingField, keys: KeyTable, save: Save) -> None:
        super().__init__(classes="dialog")
        self._keys = keys
        self._label = label
        self._field = field
        self._save = save

    def compose(self) -> ComposeResult:
        field = self._field
        about = f"{field.sentence[:1].upper()}{field.sentence[1:]}."
        with Vertical(classes="box"):
            yield Static(self._label, classes="title", markup=False)
            yield Static(about, classes="about", markup=False)
            yield from self.compose_entry()
            if field.fixed_by:
                text = f"{field.fixed_by} is stronger than the file in this run."
                yield Static(text, classes="text", markup=False)
            yield Static("", id="refusal", markup=False)
            reset = self._keys.name("reset")
            default = f"   {reset}: default" if reset else ""
            hint = f"{self.SAVES}: save{default}   Esc: cancel"
            yield Static(hint, classes="hint", markup=False)

    def compose_entry(self) -> ComposeResult:
        """Returns the widgets of the value."""
        raise NotImplementedError

    def save(self, text: str | None) -> None:
        """Saves and closes, or says why not."""
        if refusal := self._save(text):
            self.explain(refusal)
        else:
            self.dismiss(True)

    def explain(self, refusal: str) -> None:
        line = self.query_one("#refusal", Static)
        line.update(clean(refusal))
        line.display = bool(refusal)

    def on_mount(self) -> None:
        self.explain("")

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.height < 16, "-tiny")

    def action_reset(self) -> None:
        self.save(None)


class ChoiceDialog(SettingDialog):
    """A list of values. `preview` is called with the highlighted one; `hear` with it, for `t`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "hear", show=False)]

    def __init__(
        self,
        label: str,
        field: SettingField,
        keys: KeyTable,
        save: Save,
        preview: Callable[[str], object] | None = None,
        hear: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(label, field, keys, save)
        self._preview = preview
        self._hear = hear
        self._texts = list(field.choices)
        if field.value not in self._texts:
            self._texts.insert(0, field.value)

    def compose_entry(self) -> ComposeResult:
        now, default = self._field.value, self._field.default
        options = []
        for text in self._texts:
            marks = [name for name, value in (("now", now), ("default", default)) if text == value]
            mark = f"  ({', '.join(marks)})" if marks else ""
            options.append(Option(clean(text) + mark))
        if self._field.open_choice:
            options.append(Option(OTHER))
        yield OptionList(*options, markup=False, compact=True, id="values")
        if self._field.meanings:
            yield Static("", id="meaning", markup=False)
        if self._hear is not None:
            yield Static("t: hear a sample", classes="hint", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(OptionList).highlighted = self._texts.index(self._field.value)

    @property
    def _highlighted(self) -> str | None:
        """The highlighted value; None for the line `another one`."""
        at = self.query_one(OptionList).highlighted
        return self._texts[at] if at is not None and at < len(self._texts) else None

    def on_option_list_option_highlighted(self) -> None:
        for line in self.query("#meaning").results(Static):
            sentence = self._field.meanings.get(self._highlighted or "", "")
            line.update(f"{sentence[:1].upper()}{sentence[1:]}." if sentence else "")
        if self._preview is not None and (text := self._highlighted) is not None:
            self._preview(text)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if (text := self._highlighted) is not None:
            self.save(text)
            return

        def entered(saved: bool | None) -> None:
            if saved:
                self.dismiss_next(True)

        other = ValueDialog(self._label, self._field, self._keys, self._save)
        self.app.push_screen(other, entered)

    def action_hear(self) -> None:
        if self._hear is not None and (text := self._highlighted) is not None:
            self._hear(text)


class ValueDialog(SettingDialog):
    """A line of text: a number, a name, words with commas."""

    def compose_entry(self) -> ComposeResult:
        field = self._field
        value = "" if field.value == "none" else clean(field.value)
        yield Input(value, placeholder=field.value, compact=True, classes="line")
        yield Static(
            f"Allowed: {field.allowed}. Default: {field.default or 'empty'}.",
            classes="about",
            markup=False,
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.save(event.value.strip())


class LinesDialog(SettingDialog):
    """A text of several lines, or a table with one line for each row."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "save", show=False, priority=True)]
    SAVES = "^S"

    def compose_entry(self) -> ComposeResult:
        value = "" if self._field.value == "none" else clean(self._field.value)
        yield TextArea(value, classes="area", highlight_cursor_line=False)
        yield Static(f"Allowed: {self._field.allowed}.", classes="about", markup=False)

    def action_save(self) -> None:
        self.save(self.query_one(TextArea).text.strip())


def dialog_for(
    label: str,
    field: SettingField,
    keys: KeyTable,
    save: Save,
    preview: Callable[[str], object] | None = None,
    hear: Callable[[str], object] | None = None,
) -> SettingDialog | None:
    """Returns the dialog for a setting; None for a switch, which needs none. `preview`, `hear`: as
    in `ChoiceDialog`.
    """
    match field.kind:
        case "choice":
            return ChoiceDialog(label, field, keys, save, preview, hear)
        case "number" | "text" | "list":
            return ValueDialog(label, field, keys, save)
        case "lines" | "table":
            return LinesDialog(label, field, keys, save)
    return None
