"""The session screen: transcript on the left, side panel on the right, prompt below."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui_voice.conversation.states import State
from tui_voice.ui.key_hints import KeyHints
from tui_voice.ui.keys import BUILT_IN, KeyTable, binding
from tui_voice.ui.messages import PruningRequested
from tui_voice.ui.notices import Notice
from tui_voice.ui.options import AppOptions
from tui_voice.ui.screen_context import HelpTopic
from tui_voice.ui.session_controller import SPEED_STEP, VOLUME_STEP, SessionController
from tui_voice.ui.session_layout import LOW, SessionLayout
from tui_voice.ui.session_texts import SessionTexts, SilentReason, silent_reason
from tui_voice.ui.text_routing import TextRouting
from tui_voice.ui.transcript_copy import copy_code_from, copy_from
from tui_voice.ui.transcript_document import Mark
from tui_voice.ui.view import SessionView, is_correctable
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.header import HeaderLine
from tui_voice.ui.widgets.kept_lines import Columns, Ground, Rows
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.pane import Pane, keys_of
from tui_voice.ui.widgets.panel_summary import PanelSummary
from tui_voice.ui.widgets.status_bar import StatusBar
from tui_voice.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui_voice.conversation.events import Event
    from tui_voice.ui.slash_commands import CommandHost
    from tui_voice.ui.widgets.find_bar import FindBar
    from tui_voice.ui.widgets.prompt_input import PromptInput
    from tui_voice.ui.widgets.pruning_log import PruningLog
    from tui_voice.ui.widgets.side_panel import SidePanel
    from tui_voice.ui.widgets.timeline import Timeline


class SessionScreen(Ground, Screen[None]):
    """Shows views. What its keys do is in `SessionController`, which keys work in `KeyHints`."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            binding(BUILT_IN[name])
            for name in ("talk", "stop", "mute", "pin", "copy", "copy_code", "correct", "raw")
        ),
        *(
            binding(BUILT_IN[name], priority=True)
            for name in (
                *("mode", "patience", "pause", "softer", "louder", "slower", "faster", "select"),
                *("find", "summarise", "restore", "panel", "timeline"),
            )
        ),
        ("tab", "next_pane", "next pane"),
    ]

    def __init__(
        self,
        options: AppOptions,
        keys: KeyTable,
        post: Callable[[Event], object],
        send: Callable[[str], bool],
        host: CommandHost,
    ) -> None:
        """`post(event)` hands an event to the session. `send(text)` sends a typed turn; it returns
        False where that is not possible. `host`: for the commands that are typed.
        """
        super().__init__()
        glyphs = options.glyphs
        self._options = options
        self._key_table = keys
        self._microphone = True
        self._controller = SessionController(self, options, post)
        self.text_routing = TextRouting(self, keys, self._controller, replay=options.replay)
        self._send = send
        self._host = host
        self.view = SessionView()
        self.header = HeaderLine(glyphs=glyphs, id="header")
        self.status = StatusBar(
            glyphs=glyphs, mode="manual" if options.manual else "hands-free", id="status"
        )
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
        self.find: FindBar
        self._panel: SidePanel
        self._timeline: Timeline
        self._prompt_shown = (False, False)  # the part of `KeyHints` that typing changes
        self._problem: Notice | None = None  # why no session could be opened
        self.parts = SessionLayout(options)
        self.status.silent = self.silent

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def compose(self) -> ComposeResult:
        self._set_size_classes(*self.app.size)
        yield self.header
        yield self.status
        with Columns(id="body"):
            with Rows(id="reading"):
                yield Pane(self.transcript, id="page")
            yield Rows(id="panel")
        yield self._notice
        yield self._summary
        with Columns(id="entry"):
            yield Static(self._options.glyphs.prompt, id="sign")
        yield self._footer

    def on_mount(self) -> None:
        self._summary.key = self._key_table.name("panel")
        self.show_keys()

    async def mount_rest(self) -> None:
        """Creates the side panel and the prompt, for which the first paint does not wait."""
        from tui_voice.ui.slash_commands import suggestions
        from tui_voice.ui.widgets.command_list import SlashCommandList
        from tui_voice.ui.widgets.find_bar import FindBar
        from tui_voice.ui.widgets.prompt_input import PromptInput
        from tui_voice.ui.widgets.side_panel import SidePanel
        from tui_voice.ui.widgets.timeline import Timeline

        self._panel = SidePanel(self._summary, glyphs=self._options.glyphs)
        self._panel.set_low(self.size.height < LOW)
        commands = SlashCommandList(
            lambda text: suggestions(text, self._host), glyphs=self._options.glyphs, id="commands"
        )
        await self.mount(commands, before=self.query_one("#entry"))
        self.prompt = PromptInput(
            self._submit,
            commands,
            keys=self._key_table,
            placeholder=self._texts.placeholder(),
            id="prompt",
        )
        self.prompt.disabled = self._options.replay
        self.find = FindBar(self.transcript, done=self.transcript.focus, id="find")
        await self.mount(self.find, after=self._notice)
        await self.query_one("#panel").mount(self._panel)
        self._timeline = Timeline(glyphs=self._options.glyphs, id="timeline")
        await self.query_one("#reading").mount(Pane(self._timeline, id="timeline-pane"), before=0)
        await self.query_one("#entry").mount(self.prompt)
        self.complete = True
        self.show(self.view)
        self.set_focus(self.transcript if self._options.replay else self.prompt)

    def set_microphone(self, *, available: bool) -> None:
        """Stores whether there is a microphone, which is known once the devices are listed."""
        if available == self._microphone or not self.complete:
            return
        self._microphone = available
        self.status.silent = self.silent
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
        if bool(view.turns) != bool(before.turns):
            self._set_size_classes(self.size.width, self.size.height)
        self.header.header = view.header
        self.status.status = view.status
        self.transcript.show(view.turns, view.compactions, view.started, view.pruning_rows)
        self._timeline.show(view.turns)
        if not view.turns:
            self.transcript.set_empty(self._texts.welcome())
        self._panel.show(view)
        self._show_notice()
        shown = (view.live_keys, view.status, view.header.recording)
        if shown != (before.live_keys, before.status, before.header.recording):
            self.show_keys()

    def show_problem(self, notice: Notice | None) -> None:
        """Shows why no session could be opened, in place of the session's own notices."""
        self._problem = notice
        self._show_notice()

    def _show_notice(self) -> None:
        self._notice.notice = self._problem or self.view.notice

    def show_keys(self) -> None:
        """Shows in the footer the keys that work now."""
        hints = self._hints
        self._prompt_shown = (hints.typed, hints.pasted)
        self._footer.mode = hints.mode
        self._footer.hints = hints.footer()
        if self.complete:
            self.prompt.placeholder = self._texts.placeholder(
                selecting=self.selecting, folds=hints.opens
            )

    @property
    def _hints(self) -> KeyHints:
        turn = self.transcript.chosen_turn
        return KeyHints(
            self._options,
            self._key_table,
            self.view,
            self.silent,
            pane=keys_of(type(self.focused)),
            selecting=self.selecting,
            finding=self.complete and self.find.is_typing,
            searches=self.transcript.searches,
            chosen=turn is not None,
            opens=isinstance(self.transcript.chosen, Mark),
            chosen_code=turn is not None and "```" in turn.text,
            chosen_spoken=turn is not None and is_correctable(turn),
            chosen_pinned=turn is not None and turn.pinned,
            selection=self.transcript.text_selection is not None,
            typed=self.complete and not self.prompt.is_empty,
            pasted=self.complete and self.prompt.value != self.prompt.text,
            armed=self._controller.armed,
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
    def selecting(self) -> bool:
        """Whether the screen is in select mode: letters act on the chosen turn."""
        return self.focused is self.transcript

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
        wanted = self.parts.classes(width, height, turns=bool(self.view.turns))
        if wanted != self.classes:
            self.set_classes(wanted)

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether a key does anything; one that does not may be text for the prompt."""
        del parameters
        if action == "summarise" and not self._options.replay:
            return True  # the session says why there is nothing to summarise
        if action == "mute" and not self.silent:
            return True  # the controller says why there is nothing to mute
        return action == "stop" or action not in self._key_table or self.works(action)

    def on_key(self, event: events.Key) -> None:
        if event.key.startswith("released+"):
            self._controller.talk_key_released()

    def terminal_lost_focus(self) -> None:
        self._controller.focus_lost()

    def _submit(self, text: str) -> bool:
        from tui_voice.ui.slash_commands import run

        if (refusal := run(text, self._host)) is not None:
            if refusal:
                self.notify(refusal, severity="error", markup=False)
            return True
        self.transcript.action_to_end()
        return self._send(text)

    def select(self) -> bool:
        """Begins select mode with the newest turn. Returns False where there is no turn."""
        if not self.view.turns:
            return False
        self.set_focus(self.transcript)
        if self.transcript.cursor is None:
            self.transcript.action_choose(-1)
        return True

    def focus_part(self, part: Widget) -> None:
        """Gives a part of the screen the focus; in the transcript it begins select mode."""
        if part is not self.transcript or not self.select():
            self.set_focus(part)

    @property
    def help_topic(self) -> HelpTopic:
        """Returns what the help explains first: the keys of the part that has the focus."""
        return self._hints.help_topic

    def go_to(self, turn: str) -> None:
        """Begins select mode with this turn."""
        if self.transcript.go_to(turn):
            self.set_focus(self.transcript)

    def close_list(self) -> bool:
        """Closes the list of commands. Returns whether it was open."""
        is_open = self.prompt.commands.is_open
        self.prompt.commands.close()
        return is_open

    def find_words(self, words: str) -> None:
        """Finds words in the session, and goes to the newest hit."""
        self.find.open(words)
        self.set_focus(self.transcript)

    def back_to_prompt(self) -> None:
        """Ends select mode, and the search in the session; shows the newest turn."""
        self.find.close()
        self.transcript.release()
        if not self._options.replay:
            self.set_focus(self.prompt)

    async def run_key_action(self, action_id: str) -> None:
        """Does what the key of an action does, for the footer and the palette."""
        owners = (self, self.prompt, self.app)
        owner = next(
            one for one in owners if hasattr(one, f"action_{action_id}") or one is self.app
        )
        await self.app.run_action(self._key_table[action_id].textual_action, owner)

    def action_talk(self) -> None:
        self._controller.talk()

    def action_stop(self) -> None:
        self._controller.stop()
        self.show_keys()  # Esc pressed again may do something else

    def action_mute(self) -> None:
        self._controller.mute()

    def action_mode(self) -> None:
        self._controller.change_mode()

    def action_patience(self) -> None:
        self._controller.change_patience()

    def action_pause(self) -> None:
        self._controller.pause()

    def action_softer(self) -> None:
        self._controller.step_volume(-VOLUME_STEP)

    def action_slower(self) -> None:
        self._controller.step_speed(-SPEED_STEP)

    def action_faster(self) -> None:
        self._controller.step_speed(SPEED_STEP)

    def action_louder(self) -> None:
        self._controller.step_volume(VOLUME_STEP)

    def action_summarise(self) -> None:
        self._controller.summarise()

    def action_restore(self) -> None:
        self._controller.restore()

    def action_pin(self) -> None:
        self._controller.pin()

    def action_copy(self) -> None:
        copy_from(self.transcript)

    def action_copy_code(self) -> None:
        copy_code_from(self.transcript)

    def action_correct(self) -> None:
        if (turn := self.transcript.chosen_turn) is not None:
            self._host.dialogs.correct(turn)

    def action_raw(self) -> None:
        self.transcript.toggle_raw()

    def action_select(self) -> None:
        self.select()

    def action_find(self) -> None:
        self.find.open()

    def action_page(self, by: int) -> None:
        self.transcript.action_page(by)

    def action_first(self) -> None:
        self.transcript.scroll_home(animate=False, immediate=True, force=True)

    def action_newest(self) -> None:
        self.transcript.action_to_end()

    def action_panel(self) -> None:
        """Shows the side panel, or hides it."""
        self.parts.panel = not self.has_class("-panel")
        self._set_size_classes(self.size.width, self.size.height)
        if not self.parts.panel and self.focused is None:
            self.back_to_prompt()

    def action_timeline(self) -> None:
        """Goes to the timeline, which is shown where it is hidden; from there it is hidden."""
        inside = self.focused is self._timeline
        self.show_timeline(not inside)
        if inside:
            self.back_to_prompt()
        elif self.has_class("-timeline"):
            self.set_focus(self._timeline)

    def show_timeline(self, shown: bool) -> None:
        """Shows the timeline, also where it would have to go for the height, or hides it."""
        self.parts.timeline = shown
        self._set_size_classes(self.size.width, self.size.height)

    def action_next_pane(self) -> None:
        if not (self.typing and self.select()):
            self.focus_next()

    # ── messages of the widgets ─────────────────────────────────────────────────────────────

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        if not self.selecting and not (self.complete and self.focused is self._timeline):
            self.transcript.choose_none()
        self.show_keys()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.transcript.turn_wheel(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.transcript.turn_wheel(1)

    def on_text_area_changed(self, event: PromptInput.Changed) -> None:
        event.stop()
        self.prompt.commands.follow(self.prompt.text)
        hints = self._hints
        if (hints.typed, hints.pasted) != self._prompt_shown:
            self.show_keys()

    def on_transcript_chosen(self) -> None:
        if self.complete:
            self.find.show_count()
            self._timeline.choose(self.transcript.cursor)
        self.show_keys()

    def on_transcript_left(self) -> None:
        self.back_to_prompt()

    def on_timeline_jumped(self, event: Timeline.Jumped) -> None:
        self.transcript.go_to(event.turn.id)

    def on_pruning_log_opened(self, event: PruningLog.Opened) -> None:
        self.post_message(PruningRequested(event.row))

    async def on_memory_panel_opened(self) -> None:
        await self.run_key_action("memory")

    def on_status_bar_microphone_clicked(self) -> None:
        self._controller.click_microphone()

    async def on_key_hints_line_clicked(self, event: KeyHintsLine.Clicked) -> None:
        if event.action in self._key_table:
            await self.run_key_action(event.action)
        elif self.focused is not None:
            await self.app.run_action(event.action, self.focused)
