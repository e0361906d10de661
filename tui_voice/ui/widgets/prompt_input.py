"""The prompt, in which the user types a turn or a command. It grows with its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult

from tui_voice.ui.folded_pastes import FoldedPastes
from tui_voice.ui.input_history import InputHistory
from tui_voice.ui.key_queue import is_text
from tui_voice.ui.keys import BUILT_IN, KeyTable, binding
from tui_voice.ui.widgets.command_list import SlashCommandList
from tui_voice.ui.wrapping import clean


class PromptInput(TextArea):
    """Several lines. A long pasted text is shown as a label, which is edited as one character."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding(BUILT_IN["send"]),
        binding(BUILT_IN["newline"]),
        binding(BUILT_IN["expand"]),
        Binding("tab", "complete", show=False),
        Binding("up", "up", show=False),
        Binding("down", "down", show=False),
        Binding("home", "home", show=False),
        Binding("end", "end", show=False),
        Binding("pageup", "screen.page(-1)", show=False),
        Binding("pagedown", "screen.page(1)", show=False),
        Binding("ctrl+home", "screen.first", show=False),
        Binding("ctrl+end", "screen.newest", show=False),
    ]

    def __init__(
        self,
        submit: Callable[[str], bool],
        commands: SlashCommandList,
        *,
        keys: KeyTable,
        placeholder: str = "",
        id: str | None = None,
    ) -> None:
        """`submit(text)` takes what the user sends, and returns False where it cannot. It is called
        before the next key is handled. `commands`: the list above the prompt. `keys`: those of
        other actions are not the prompt's.
        """
        super().__init__(id=id, compact=True, placeholder=placeholder, highlight_cursor_line=False)
        # It has the focus for hours: to blink took a third of an idle session's processor time.
        self.set_reactive(TextArea.cursor_blink, False)
        self._submit = submit
        self.commands = commands
        taken = {keys.key(action.id) for action in keys.actions}
        self._newline_keys = {"ctrl+j", "shift+enter", "enter"} - taken
        own = {"send", "newline", "expand"}
        for key in taken - {keys[action_id].key for action_id in own}:
            self._bindings.key_to_bindings.pop(key, None)
        self.inputs = InputHistory()
        self.pastes = FoldedPastes()

    # ── the text ────────────────────────────────────────────────────────────────────────────

    @property
    def value(self) -> str:
        """The whole text: what Enter sends."""
        return self.pastes.expand(self.text)

    @value.setter
    def value(self, text: str) -> None:
        if not text:
            self.pastes.forget()
        self.load_text(self.pastes.fold(text))
        self.move_cursor(self.document.end)

    @property
    def is_empty(self) -> bool:
        return not self.text

    def insert_typed(self, text: str) -> None:
        """Takes the focus, and inserts these characters at the cursor, as if typed here."""
        self.screen.set_focus(self)  # at once; `focus()` would wait for the event loop
        self.replace(text, *self.selection, maintain_selection_offset=False)
        self.commands.follow(self.text)

    def insert_pasted(self, text: str) -> None:
        """Inserts a text with its line breaks; a long one as a label."""
        lines = "\n".join(text.splitlines())  # other systems' line breaks; none at the end
        self.insert_typed(self.pastes.fold(clean(lines)))

    def edit(self, edit: Edit) -> EditResult:
        """Extends the edit to whole labels: half a label would stand for nothing."""
        begin, end = sorted((edit.from_location, edit.to_location))
        first, last = self._outside(begin, 0), self._outside(end, 1)
        if begin == end:
            first = last  # typed inside a label: goes behind it
        if (first, last) != (begin, end):
            edit = Edit(edit.text, first, last, maintain_selection_offset=False)
        return super().edit(edit)

    def _outside(self, location: tuple[int, int], side: int) -> tuple[int, int]:
        """Returns the location, or that of the label's begin (0) or end (1) where it is in one."""
        row, column = location
        if row >= self.document.line_count:  # Textual deletes the last line to the one after it
            return location
        for span in self.pastes.spans(self.document.get_line(row)):
            if span[0] < column < span[1]:
                return row, (span[0], span[1])[side]
        return location

    def _on_paste(self, event: events.Paste) -> None:  # type: ignore[override]  # need not wait
        event.stop()
        event.prevent_default()
        self.insert_pasted(event.text)

    def _on_key(self, event: events.Key) -> None:  # type: ignore[override]  # need not wait
        """Leaves keys to the bindings; characters come by `insert_typed`."""
        if event.key in self._newline_keys:
            event.stop()
            self.action_newline()
        if not is_text(event):
            event.prevent_default()

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Returns False: text does not reach the bindings, and Textual would drop those for it."""
        del key, character
        return False

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def action_send(self) -> None:
        """Sends the text. The prompt is empty before the next key is handled."""
        text, complete = self.commands.entered(self.value)
        if not complete:
            self.value = text
            return
        text = text.strip()
        if not text:
            return
        self.value = ""
        if self._submit(text):
            self.inputs.add(text)
        else:
            self.value = text

    def action_newline(self) -> None:
        self.insert_typed("\n")

    def action_expand(self) -> None:
        """Replaces the labels of pasted texts by the texts."""
        if self.value != self.text:
            self.replace(self.value, (0, 0), self.document.end, maintain_selection_offset=False)

    def action_up(self) -> None:
        """Shows the earlier input, where the prompt is empty or shows one; else moves up."""
        self._move(-1, self.action_cursor_up)

    def action_down(self) -> None:
        self._move(1, self.action_cursor_down)

    def action_complete(self) -> None:
        """Completes a command; where there is none, goes to the next part of the screen."""
        if self.commands.is_open:
            self.value = self.commands.completed()
        else:
            self.call_next(self.run_action, "screen.next_pane")

    def _move(self, by: int, move: Callable[[], None]) -> None:
        if self.commands.is_open:
            self.commands.move(by)
            return
        if not (self.is_empty or self.inputs.shows(self.value)):
            move()
            return
        if self.is_empty:
            self.inputs.leave()
        text = self.inputs.step(by)
        if text is not None:
            self.value = text

    async def action_home(self) -> None:
        """Goes to the begin of the line; where nothing is typed, to the begin of the session."""
        if self.is_empty:
            await self.run_action("screen.first")
        else:
            self.action_cursor_line_start()

    async def action_end(self) -> None:
        if self.is_empty:
            await self.run_action("screen.newest")
        else:
            self.action_cursor_line_end()
