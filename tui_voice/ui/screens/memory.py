"""The memory screen: every fact by kind; add, correct, delete and pin them in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList, Static, TextArea

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.fact_rows import FactRow, heading_of, kind_after
from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.notices import Notice
from tui_voice.ui.number_format import plural
from tui_voice.ui.screen_context import HelpTopic
from tui_voice.ui.screens.closing import OwnScreen
from tui_voice.ui.screens.list_screen import SHORT
from tui_voice.ui.widgets.fact_list import FactList
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.pane import Pane

if TYPE_CHECKING:
    from tui_voice.conversation.events import FactChanged

RENEW_SECONDS = 0.1
"""Between two looks for facts that a summary or another key changed."""
NEW_KIND = "people_and_facts"
"""Kind of a new fact where no fact is chosen."""


@dataclass(frozen=True, slots=True)
class FactSource:
    """Where the facts come from, and where changes go."""

    facts: Callable[[], tuple[FactRow, ...]]
    change: Callable[[FactChanged], None] | None
    """None: they can only be read. Raises `TuiVoiceError`."""
    title: str = ""


class _FactEditor(TextArea):
    """Enter saves; the text has one line, which is wrapped."""

    class Submitted(Message):
        """The user pressed Enter."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted())
        else:
            await super()._on_key(event)


class MemoryScreen(OwnScreen[None]):
    """Letters act on the chosen fact, as in select mode; while a fact is edited they are text."""

    AUTO_FOCUS = "#facts"
    VERTICAL_BREAKPOINTS = SHORT
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False, priority=True),
        Binding("tab", "other_kind", show=False, priority=True),
        Binding("e", "edit", show=False),
        Binding("a", "add", show=False),
        Binding("d,delete", "delete", show=False),
        Binding("p", "pin", show=False),
        Binding("u", "undo", show=False),
    ]
    READ_HINTS = (("back", "Esc", "back"),)
    HINTS = (
        ("edit", "Enter", "correct"),
        ("add", "a", "add"),
        ("delete", "d", "delete"),
        ("pin", "p", "pin"),
        *READ_HINTS,
    )
    UNDO_HINT = ("undo", "u", "restore")
    EDIT_HINTS = (
        ("other_kind", "Tab", "another kind"),
        ("save", "Enter", "save"),
        ("back", "Esc", "cancel"),
    )

    def __init__(self, source: FactSource, glyphs: Glyphs) -> None:
        super().__init__()
        self._source = source
        self._glyphs = glyphs
        self._shown: tuple[FactRow, ...] | None = None
        self._edited: FactRow | None = None  # None while editing: a new fact
        self._kind = NEW_KIND
        self._deleted: FactRow | None = None
        self._changed = ""  # the text of a fact that was changed and is to be chosen

    def compose(self) -> ComposeResult:
        yield Static(classes="bar", id="heading", markup=False)
        yield Pane(FactList(glyphs=self._glyphs, id="facts"), id="facts-pane")
        with Vertical(id="fact-edit"):
            yield Static(classes="title", id="fact-kind", markup=False)
            yield _FactEditor(soft_wrap=True, compact=True, id="fact-text")
        yield NoticeLine(glyphs=self._glyphs, id="trouble")
        yield KeyHintsLine(glyphs=self._glyphs, id="keys")

    def on_mount(self) -> None:
        self._renew()
        self.set_interval(RENEW_SECONDS, self._renew)

    def _renew(self) -> None:
        facts = self._source.facts()
        if facts == self._shown:
            return
        self._shown = facts
        before = self._list.chosen
        self._list.show(facts, self._changed or (before.text if before else ""))
        self._changed = ""
        parts = ["memory", plural(len(facts), "fact")]
        if pinned := sum(fact.pinned for fact in facts):
            parts.append(f"{pinned} pinned")
        parts += [self._source.title] if self._source.title else []
        self.query_one("#heading", Static).update(f" {self._glyphs.dot} ".join(parts))
        self._show_hints()

    def _show_hints(self) -> None:
        hints: tuple[tuple[str, str, str], ...] = self.READ_HINTS
        if self.editing:
            hints = self.EDIT_HINTS
        elif self._source.change is not None:
            undo = (self.UNDO_HINT,) if self._deleted else ()
            fact = self._list.chosen
            pin = ("pin", "p", "unpin" if fact is not None and fact.pinned else "pin")
            hints = (
                (*self.HINTS[:-2], pin, *undo, *self.READ_HINTS)
                if self._shown
                else (self.HINTS[1], *undo, *self.READ_HINTS)
            )
        self.query_one(KeyHintsLine).hints = hints

    @property
    def _list(self) -> FactList:
        return self.query_one(FactList)

    @property
    def _text(self) -> _FactEditor:
        return self.query_one(_FactEditor)

    @property
    def editing(self) -> bool:
        """Whether a fact is being corrected or added."""
        return self.query_one("#fact-edit").has_class("-open")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether a key does anything: letters are text while a fact is edited."""
        del parameters
        if action in ("edit", "add", "delete", "pin", "undo"):
            return self._source.change is not None and not self.editing
        return True

    # ── changes ─────────────────────────────────────────────────────────────────────────────

    def _change(self, kind: str, before: str, after: str, *, pinned: bool) -> None:
        from tui_voice.conversation.events import FactChanged

        assert self._source.change is not None  # `check_action` sees to it
        notice, self._changed = Notice(), after
        try:
            self._source.change(FactChanged(kind=kind, before=before, after=after, pinned=pinned))
        except TuiVoiceError as error:
            notice = Notice(str(error), error.hint, "error")
        self.query_one(NoticeLine).notice = notice
        self._renew()

    def action_pin(self) -> None:
        if (fact := self._list.chosen) is not None:
            self._change(fact.kind, fact.text, fact.text, pinned=not fact.pinned)

    def action_delete(self) -> None:
        if (fact := self._list.chosen) is not None:
            self._deleted = fact
            self._change(fact.kind, fact.text, "", pinned=False)
            self._show_hints()

    def action_undo(self) -> None:
        """Adds the fact again that was deleted last."""
        if (fact := self._deleted) is not None:
            self._deleted = None
            self._change(fact.kind, "", fact.text, pinned=fact.pinned)
            self._show_hints()

    def action_edit(self) -> None:
        if (fact := self._list.chosen) is not None:
            self._open_editor(fact, fact.kind)

    def action_add(self) -> None:
        fact = self._list.chosen
        self._open_editor(None, fact.kind if fact is not None else NEW_KIND)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._show_hints()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.check_action("edit", ()):
            self.action_edit()

    # ── the line in which a fact is edited ──────────────────────────────────────────────────

    def _open_editor(self, fact: FactRow | None, kind: str) -> None:
        self._edited, self._kind = fact, kind
        self.query_one("#fact-edit").add_class("-open")
        self._text.text = fact.text if fact is not None else ""
        self._text.move_cursor(self._text.document.end)
        self._text.focus()
        self._show_kind()
        self._show_hints()

    def _show_kind(self) -> None:
        what = "correct" if self._edited is not None else "add"
        text = f"{what} {self._glyphs.dot} {heading_of(self._kind).lower()}"
        self.query_one("#fact-kind", Static).update(text)

    def action_other_kind(self) -> None:
        """Gives the fact that is edited the next kind."""
        if self.editing:
            self._kind = kind_after(self._kind)
            self._show_kind()

    def action_save(self) -> None:
        text, fact = " ".join(self._text.text.split()), self._edited
        before = fact.text if fact is not None else ""
        unchanged = fact is not None and (fact.kind, fact.text) == (self._kind, text)
        pinned = fact is not None and fact.pinned
        self._close_editor()
        if text and not unchanged:
            self._change(self._kind, before, text, pinned=pinned)

    def on__fact_editor_submitted(self) -> None:
        self.action_save()

    def _close_editor(self) -> None:
        self.query_one("#fact-edit").remove_class("-open")
        self._list.focus()
        self._show_hints()

    def action_back(self) -> None:
        """Closes the line in which a fact is edited, else the screen."""
        if self.editing:
            self._close_editor()
        else:
            self.dismiss(None)

    @property
    def help_topic(self) -> HelpTopic:
        """What the help explains first."""
        rows = tuple((key, word) for _action, key, word in (*self.HINTS, self.UNDO_HINT))
        return HelpTopic("memory", rows)

    async def on_key_hints_line_clicked(self, event: KeyHintsLine.Clicked) -> None:
        await self.run_action(event.action)
