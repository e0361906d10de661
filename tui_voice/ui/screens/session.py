"""The session screen: transcript on the left, side panel on the right, prompt below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from tui_voice.conversation.states import State
from tui_voice.ui.key_hints import KeyHints
from tui_voice.ui.keys import BUILT_IN, KeyTable, binding
from tui_voice.ui.messages import MemoryRequested, PruningRequested
from tui_voice.ui.notices import Notice
from tui_voice.ui.options import AppOptions
from tui_voice.ui.session_controller import SessionController
from tui_voice.ui.session_texts import SessionTexts, SilentReason, silent_reason
from tui_voice.ui.view import SessionView
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.header import HeaderLine
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.panel_summary import PanelSummary
from tui_voice.ui.widgets.status_bar import StatusBar
from tui_voice.ui.widgets.transcript import Transcript, copy_from
from tui_voice.ui.wrapping import one_line

if TYPE_CHECKING:
    from tui_voice.ui.widgets.memory_panel import MemoryPanel
    from tui_voice.ui.widgets.prompt_input import PromptInput
    from tui_voice.ui.widgets.pruning_log import PruningLog
    from tui_voice.ui.widgets.side_panel import SidePanel

WIDE = 100
"""Columns from which the side panel has room beside the transcript."""
LOW, TINY = 32, 16
"""Rows below which the screen leaves out what it can do without."""


class SessionScreen(Screen[None]):
    """Shows views. What its keys do is in `SessionController`, which keys work in `KeyHints`."""

    AUTO_FOCUS = "#transcript"
    BINDINGS: ClassVar[list[BindingType]] = [
        binding(BUILT_IN["talk"]),
        binding(BUILT_IN["stop"]),
        binding(BUILT_IN["mute"]),
        binding(BUILT_IN["pin"]),
        binding(BUILT_IN["copy"]),
        binding(BUILT_IN["summarise"], priority=True),
        binding(BUILT_IN["restore"], priority=True),
        binding(BUILT_IN["panel"], priority=True),
        ("tab", "next_pane", "next pane"),
    ]

    def __init__(self, options: AppOptions, keys: KeyTable) -> None:
        super().__init__()
        glyphs = options.glyphs
        self._options = options
        self._key_table = keys
        self._microphone = True
        self._controller = SessionController(self, options)
        self.view = SessionView()
        self.header = HeaderLine(glyphs=glyphs, id="header")
        self.status = StatusBar(glyphs=glyphs, id="status")
        self.transcript = Transcript(
            glyphs=glyphs,
            timestamps=options.timestamps,
            empty=self._texts.welcome(),
            id="transcript",
        )
        self._notice = NoticeLine(glyphs=glyphs, id="notice")
        self._summary = PanelSummary(glyphs=glyphs, id="summary")
        self._footer = KeyHintsLine(glyphs=glyphs, id="keys")
        self.complete = False
        """Panel and prompt exist; they are made after the first paint."""
        self.prompt: PromptInput
        self._panel: SidePanel
        self._problem: Notice | None = None  # why no session could be opened
        self._panel_wanted: bool | None = None  # None: as the settings and the width say
        self.status.silent = self.silent

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def compose(self) -> ComposeResult:
        self._set_size_classes(*self.app.size)
        yield self.header
        yield self.status
        with Horizontal(id="body"):
            yield self.transcript
            yield Vertical(id="panel")
        yield self._notice
        yield self._summary
        with Horizontal(id="entry"):
            yield Static(self._options.glyphs.prompt, id="sign")
        yield self._footer

    def on_mount(self) -> None:
        self._summary.key = self._key_table.name("panel")
        self.show_keys()

    async def mount_rest(self) -> None:
        """Creates the side panel and the prompt, for which the first paint does not wait."""
        from tui_voice.ui.widgets.prompt_input import PromptInput
        from tui_voice.ui.widgets.side_panel import SidePanel

        self._panel = SidePanel(self._summary, glyphs=self._options.glyphs)
        self._panel.set_low(self.size.height < LOW)
        self.prompt = PromptInput(id="prompt", compact=True, placeholder=self._texts.placeholder())
        await self.query_one("#panel").mount(self._panel)
        await self.query_one("#entry").mount(self.prompt)
        self.complete = True
        self.show(self.view)
        if self.silent and self._options.live:
            self.set_focus(self.prompt)

    def set_microphone(self, *, available: bool) -> None:
        """Stores whether there is a microphone, which is known once the devices are listed."""
        if available == self._microphone or not self.complete:
            return
        self._microphone = available
        self.status.silent = self.silent
        if self.silent and self.focused is self.transcript and self.transcript.cursor is None:
            self.set_focus(self.prompt)
        self.show(self.view)
        self.show_keys()

    @property
    def silent(self) -> SilentReason:
        """Why the user cannot speak here; "" where they can."""
        return silent_reason(self._options, self._microphone)

    @property
    def _texts(self) -> SessionTexts:
        return SessionTexts(self._options, self._key_table, self.view, self.silent)

    # ── showing ─────────────────────────────────────────────────────────────────────────────

    def show(self, view: SessionView) -> None:
        """Hands each part of the view to its widget; an equal part is not drawn again."""
        before, self.view = self.view, view
        if not self.complete:
            return
        self.header.header = view.header
        self.status.status = view.status
        self.transcript.show(view.turns, view.compactions, view.started, view.pruning_rows)
        if not view.turns:
            self.transcript.set_empty(self._texts.welcome())
        self._panel.show(view)
        self.prompt.placeholder = self._texts.placeholder()
        self._show_notice()
        if view.live_keys != before.live_keys or view.status != before.status:
            self.show_keys()

    def show_problem(self, notice: Notice | None) -> None:
        """Shows why no session could be opened, in place of the session's own notices."""
        self._problem = notice
        self._show_notice()

    def _show_notice(self) -> None:
        self._notice.notice = self._problem or self.view.notice

    def show_keys(self) -> None:
        """Shows in the footer the keys that work now."""
        self._footer.hints = self._hints.footer(typing=self.typing)

    @property
    def _hints(self) -> KeyHints:
        turn = self.transcript.chosen_turn
        return KeyHints(
            self._options,
            self._key_table,
            self.view,
            self.silent,
            chosen=turn is not None,
            chosen_pinned=turn is not None and turn.pinned,
            selection=self.transcript.text_selection is not None,
        )

    def works(self, action_id: str) -> bool:
        """Returns whether the action would do anything now."""
        return self._hints.works(action_id)

    def label(self, action_id: str) -> str:
        """Returns the action's word for footer and palette."""
        return self._hints.label(action_id)

    @property
    def typing(self) -> bool:
        """Whether the prompt has the focus."""
        return self.complete and self.focused is self.prompt

    @property
    def level_moves(self) -> bool:
        """Whether the level of microphone or loudspeaker may change now."""
        status = self.view.status
        return status.microphone_open or status.state is State.SPEAKING

    # ── size ────────────────────────────────────────────────────────────────────────────────

    def on_resize(self, event: events.Resize) -> None:
        self._set_size_classes(event.size.width, event.size.height)
        if self.complete:
            self._panel.set_low(event.size.height < LOW)

    def _set_size_classes(self, width: int, height: int) -> None:
        panel = self._options.side_panel and width >= WIDE
        if self._panel_wanted is not None:
            panel = self._panel_wanted
        classes = {
            "-panel": panel,
            "-narrow": width < WIDE,
            "-low": height < LOW,
            "-tiny": height < TINY,
        }
        wanted = frozenset(name for name, holds in classes.items() if holds)
        if wanted != self.classes:
            self.set_classes(wanted)

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether a key does anything; one that does not may be text for the prompt."""
        del parameters
        if action == "summarise" and not self._options.replay:
            return True  # the session says why there is nothing to summarise
        return action == "stop" or action not in self._key_table or self.works(action)

    def starts_typing(self, event: events.Key | events.Paste) -> bool:
        """Gives the prompt the focus and this text, where it begins a typed turn: every character
        that is no key here, and everything pasted. Returns whether it did.
        """
        if self.typing or self._options.replay:
            return False
        if isinstance(event, events.Paste):
            self.prompt.begin(one_line(event.text))
            return True
        held = event.key.startswith(("repeated+", "released+"))
        if held or not (event.is_printable and event.character):
            return False
        active = self.active_bindings.get(event.key)
        if active is not None and active.enabled:
            return False
        # A talk key that cannot open a microphone gives the focus as well, but adds no text.
        self.prompt.begin("" if event.key == self._key_table.key("talk") else event.character)
        return True

    def on_key(self, event: events.Key) -> None:
        if event.key.startswith("released+"):
            self._controller.talk_key_released()

    async def run_key_action(self, action_id: str) -> None:
        """Does what the key of an action does, for the footer and the palette."""
        if action_id == "send":
            await self.prompt.action_submit()
            return
        owner = self if hasattr(self, f"action_{action_id}") else self.app
        await self.app.run_action(self._key_table[action_id].textual_action, owner)

    def action_talk(self) -> None:
        self._controller.talk()

    def action_stop(self) -> None:
        self._controller.stop()

    def action_mute(self) -> None:
        self._controller.mute()

    def action_summarise(self) -> None:
        self._controller.summarise()

    def action_restore(self) -> None:
        self._controller.restore()

    def action_pin(self) -> None:
        self._controller.pin()

    def action_copy(self) -> None:
        copy_from(self.transcript)

    def action_panel(self) -> None:
        """Shows the side panel, or hides it."""
        self._panel_wanted = not self.has_class("-panel")
        self._set_size_classes(self.size.width, self.size.height)
        if not self._panel_wanted and self.focused is None:
            self.transcript.focus()

    def action_next_pane(self) -> None:
        if self.typing:
            self.transcript.focus()
        else:
            self.focus_next()

    # ── messages of the widgets ─────────────────────────────────────────────────────────────

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        self.show_keys()

    def on_input_submitted(self, event: PromptInput.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if not text:
            self.transcript.focus()
        elif self._controller.send(text):
            self.prompt.clear()

    def on_prompt_input_leave_requested(self) -> None:
        self.transcript.focus()
        self.transcript.action_choose(-1)

    def on_transcript_chosen(self) -> None:
        self.show_keys()

    def on_transcript_opened(self, event: Transcript.Opened) -> None:
        if event.block is None:
            self.prompt.focus()

    def on_pruning_log_opened(self, event: PruningLog.Opened) -> None:
        self.post_message(PruningRequested(event.row))

    def on_memory_panel_opened(self, event: MemoryPanel.Opened) -> None:
        self.post_message(MemoryRequested(event.edit))

    async def on_key_hints_line_clicked(self, event: KeyHintsLine.Clicked) -> None:
        await self.run_key_action(event.action)
