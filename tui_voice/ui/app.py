"""The application: opens a session after the first paint, and draws its snapshots."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import events
from textual.app import App
from textual.binding import BindingsMap, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from tui_voice.errors import TuiVoiceError, UsageError
from tui_voice.ui.ascii_filter import AsciiFilter
from tui_voice.ui.commands import PaletteCommand, key_commands
from tui_voice.ui.key_queue import KeyQueue, NextKey
from tui_voice.ui.keys import BUILT_IN, KeyTable, binding
from tui_voice.ui.messages import (
    PruningRequested,
    SessionOpeningFailed,
    SessionReady,
    SnapshotArrived,
    SnapshotMailbox,
)
from tui_voice.ui.notices import Notice
from tui_voice.ui.number_format import plural
from tui_voice.ui.open_handles import OpenHandles
from tui_voice.ui.open_session import OpenSession
from tui_voice.ui.options import AppOptions, ExitSummary
from tui_voice.ui.screen_context import ExportChoice, ResumeRequest, ScreenContext
from tui_voice.ui.screen_table import SCREENS, key_actions
from tui_voice.ui.screens.session import SessionScreen
from tui_voice.ui.session_dialogs import SessionDialogs
from tui_voice.ui.session_drawing import SessionDrawing
from tui_voice.ui.theme import DARK, THEMES, colour_variables
from tui_voice.ui.typed_turns import TypedTurns
from tui_voice.ui.view import SessionView
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.notice import NoticeLine

if TYPE_CHECKING:
    from tui_voice.conversation.turns import Turn
    from tui_voice.runtime.session_handle import SessionHandle
    from tui_voice.ui.live_settings import LiveSettings
    from tui_voice.ui.widgets.transcript import Transcript

REST_CSS = Path(__file__).with_name("rest.tcss")
"""The style sheet of what is not in the first picture: it takes longer to parse than to draw it."""
DRAFT_SECONDS = 2.0
"""How often what is half typed is saved, in case the process is killed."""


def _command_provider() -> type[Provider]:
    from tui_voice.ui.commands import CommandProvider

    return CommandProvider


class VoiceApp(App[ExitSummary]):
    """`open_handle(session_id)` opens a saved session, or a new one for None. It is called in a
    worker thread, after the first paint and whenever the user opens another session.
    """

    CSS_PATH = Path(__file__).with_name("tui_voice.tcss")
    TITLE = "tui-voice"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_command_provider}
    BINDINGS: ClassVar[list[BindingType]] = [
        binding(BUILT_IN["new"], priority=True),
        binding(BUILT_IN["palette"], priority=True),
        binding(BUILT_IN["jump"], priority=True),
        binding(BUILT_IN["quit"], priority=True),
    ]

    def __init__(
        self,
        open_handle: Callable[[str | None], SessionHandle],
        options: AppOptions | None = None,
        *,
        session_id: str | None = None,
        choose_session: bool = False,
        signals: Sequence[int] = (),
    ) -> None:
        """`session_id`: the session to open first; None: a new one. `choose_session`: the list of
        saved sessions is opened first; where the user chooses none, a new session is opened.
        `signals`: those that end the application (`end_by_signal`).
        """
        self.options = options or AppOptions()
        self._ascii_filters = [AsciiFilter(self.options.encoding)] if self.options.ascii else []
        self.key_table = KeyTable(key_actions(), self.options.keys)
        super().__init__()
        self.handles = OpenHandles(open_handle)
        self._signals = signals
        self.ended_by: int | None = None
        """The signal that ended the application; None where none did."""
        self._quitting = False
        self._first_session_id = session_id
        self._choose_session = choose_session
        self.session = OpenSession(self.options)
        self.dialogs = SessionDialogs(
            self, self.options, self.session, lambda: self.view, self.redraw
        )
        self._typed = TypedTurns(self.session, self._sessions_folder, saves=not self.options.replay)
        self.settings: LiveSettings | None = None
        if self.options.editor is not None:
            from tui_voice.ui.live_settings import LiveSettings

            self.settings = LiveSettings(self, self.options.editor)
        self.failure: BaseException | None = None
        """The error that ended the application, if the user did not end it."""
        self._key_queue = KeyQueue(self, self._take_key)
        self._drawing = SessionDrawing(
            self, lambda: self.session_screen, self.options, self.session, self.dialogs
        )
        for theme in THEMES:
            self.register_theme(theme)
        if self.options.theme in (None, DARK.name):
            # Assigning the theme would have Textual refresh what is not drawn yet.
            self.set_reactive(App.theme, DARK.name)
            self.stylesheet.set_variables(self.get_css_variables())
        else:
            self.theme = self.options.theme
        # Textual has no public way to add bindings with an id and priority to one application.
        screen_bindings = [binding(spec.key_action, priority=True) for spec in SCREENS.values()]
        self._bindings = BindingsMap.merge([self._bindings, BindingsMap(screen_bindings)])
        self.set_keymap(self.key_table.keymap)

    def get_default_screen(self) -> Screen[None]:
        self.session_screen = SessionScreen(
            self.options, self.key_table, self.session.post, self._send, self
        )
        return self.session_screen

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Returns Textual's filters, and ours where the screen is drawn with ASCII signs."""
        return [*super().get_line_filters(), *self._ascii_filters]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return colour_variables(self.current_theme)

    def get_driver_class(self) -> type[Driver]:
        """Returns the driver that reports when the talk key is released, where Textual uses its
        driver for Linux and macOS.
        """
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from tui_voice.ui.held_keys import driver_for

        return driver_for(self.key_table.key("talk"))

    async def on_event(self, event: events.Event) -> None:
        """Puts keys and pasted text into the queue that keeps their order."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._key_queue.add(event)
        else:
            await super().on_event(event)

    async def on_next_key(self, _message: NextKey) -> None:
        await self._key_queue.handle_next()

    def _take_key(self, event: events.Key | events.Paste) -> bool:
        done = self.session.stop_countdown(event, self.key_table.key("talk"))
        return done or (
            self.screen is self.session_screen and self.session_screen.text_routing.take(event)
        )

    @property
    def view(self) -> SessionView:
        """The view that the session screen shows."""
        return self.session_screen.view

    # ── how it ends ─────────────────────────────────────────────────────────────────────────

    def on_load(self) -> None:
        """Handles the signals before the terminal is changed."""
        loop = asyncio.get_running_loop()
        for signum in self._signals:
            with suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(signum, self.end_by_signal, signum)

    def end_by_signal(self, signum: int) -> None:
        """Ends the application as `quit` does, and keeps which signal it was."""
        if self.ended_by is None:
            self.ended_by = signum
            self.call_later(self.action_quit)

    def _handle_exception(self, error: Exception) -> None:
        """Keeps the error for the caller, who reports it in one sentence once the session is
        closed. Textual, which has no public way to change this, would print all local variables.
        """
        self.failure = self.failure or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def panic(self, *_renderables: object) -> None:
        """Ends the application; what Textual wants to print is dropped."""
        self.failure = self.failure or RuntimeError("the screen could not be drawn")
        self._close_messages_no_wait()

    # ── opening a session ───────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        self._drawing.start()
        self.call_after_refresh(self._after_first_paint)

    async def _after_first_paint(self) -> None:
        self.stylesheet.read(REST_CSS)
        await self.session_screen.mount_rest()
        self._typed.load(self.session_screen.prompt)
        self.set_interval(DRAFT_SECONDS, self.save_draft)
        if self._choose_session:
            self._list_sessions_first()
        else:
            self.open_session(self._first_session_id)
            self.dialogs.welcome(self._screen_context(), lambda: self.run_key_action("talk"))
        self._key_queue.open()

    def _list_sessions_first(self) -> None:
        def chosen(request: ResumeRequest | None) -> None:
            self.open_session(request.session_id if request else None)

        self.push_screen(SCREENS["sessions"].create(self._screen_context()), chosen)

    def open_session(self, session_id: str | None) -> None:
        """Closes the open session, if any, and opens a saved one, or a new one for None."""
        self._typed.leave_session(self.session_screen.prompt)
        self._typed.opening = True
        before = self.session.detach()

        def work() -> None:
            try:
                if before is not None:
                    self.handles.close(before)
                handle = self.handles.open(session_id)
                mailbox = SnapshotMailbox(lambda box: self.post_message(SnapshotArrived(box)))
                self.post_message(SessionReady(handle, mailbox, handle.subscribe(mailbox.put)))
            except TuiVoiceError as error:
                self.post_message(SessionOpeningFailed(error))

        self.run_worker(work, thread=True, exit_on_error=False, group="session")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            self.failure = event.worker.error
            self.exit(return_code=1)

    def on_session_ready(self, message: SessionReady) -> None:
        self.session.attach(message.handle, message.mailbox, message.first)
        self.session_screen.show_problem(None)
        if self.settings is not None:
            self.settings.session_opened()
        self._typed.enter_session(self.session_screen.prompt)
        self._typed.opened()
        self.redraw()
        self._drawing.read_meters()

    # ── for the commands that are typed ─────────────────────────────────────────────────────

    def run_key_action(self, action_id: str) -> None:
        """Does what the key of an action does."""
        self.call_next(self.session_screen.run_key_action, action_id)

    def find(self, words: str) -> None:
        self.session_screen.find_words(words)

    def device_names(self, direction: str) -> Sequence[str]:
        """Returns the names of the devices for "input" or "output". They are listed in a thread;
        until then there are none.
        """
        return self.dialogs.device_names(direction, self.session_screen.prompt.commands.renew)

    def reopen_with(self, *, group: str = "backend", **settings: str) -> None:
        """Opens the session again with other settings of a group; the turns stay.
        Raises `SettingsError` for a value that is not allowed.
        """
        if self.options.change_settings is None:
            raise ValueError("The settings of this session cannot be changed.")
        self.options.change_settings({f"{group}.{name}": text for name, text in settings.items()})
        self.reopen()

    def reopen(self) -> None:
        """Opens the session again with the settings of now; the turns stay."""
        handle, snapshot = self.session.handle, self.session.snapshot
        said = handle is not None and snapshot is not None and bool(snapshot.ledger.turns)
        self.open_session(handle.id if handle and said else None)

    def open_settings(self, words: str = "") -> None:
        """Opens the settings screen. `words`: what it shows is filtered by them."""
        from tui_voice.ui.screens.settings import SettingsScreen

        if self.settings is not None:
            self.push_screen(SettingsScreen(self._screen_context(), self.settings, words))

    def show_panel(self, shown: bool) -> None:
        if self.session_screen.has_class("-panel") != shown:
            self.session_screen.action_panel()

    def show_timeline(self, shown: bool) -> None:
        self.session_screen.show_timeline(shown)

    def set_keys(self, keys: Mapping[str, str]) -> None:
        """Moves the keys of actions, action id → key."""
        self.key_table.change(keys)
        self.set_keymap(self.key_table.keymap)
        self.session_screen.show_keys()

    def save_draft(self) -> None:
        """Saves what is half typed. Also called before the application ends, however it ends."""
        if self.session_screen.complete:
            self._typed.save_draft(self.session_screen.prompt)

    def on_unmount(self) -> None:
        if not self._quitting:  # `action_quit` has saved it, while the session was known
            self.save_draft()

    def _send(self, text: str) -> bool:
        if not self._typed.send(text):
            return False
        if count := len(self._typed.waiting):
            text = f"{plural(count, 'turn')} will be sent when the session is open"
            self.session_screen.show_problem(Notice(text))
        return True

    def on_session_opening_failed(self, message: SessionOpeningFailed) -> None:
        """Shows the error. Settings with which no session can be opened end the application."""
        if isinstance(message.error, UsageError) and self.session.snapshot is None:
            self.failure = message.error
            self.exit(return_code=message.error.exit_status)
            return
        self._typed.refused(self.session_screen.prompt)
        self.session_screen.show_problem(Notice(str(message.error), message.error.hint, "error"))

    async def action_quit(self) -> None:
        """Closes the session, which saves it, and ends the application."""
        if self._quitting:
            return
        self._quitting = True
        self.save_draft()
        handle = self.session.detach()
        if handle is None:
            self.exit()
            return
        self.session_screen.show_problem(Notice("closing the session"))

        def work() -> None:
            self.handles.close(handle)
            self.call_from_thread(self.exit, ExitSummary(handle.id, handle.path))

        self.run_worker(work, thread=True, exit_on_error=False, group="session")

    # ── drawing ─────────────────────────────────────────────────────────────────────────────

    def on_snapshot_arrived(self, message: SnapshotArrived) -> None:
        if self.session.owns(message.mailbox):
            self._drawing.draw_soon()

    def redraw(self) -> None:
        """Shows the view of the newest snapshot; widgets whose part is equal draw nothing."""
        self._drawing.draw()

    def on_app_blur(self) -> None:
        self.session_screen.terminal_lost_focus()

    # ── what the user asks for ──────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether an action works now: screens open over the session screen alone."""
        if action in ("new", "command_palette"):
            return self.screen is self.session_screen
        if action == "open_screen":
            on_session = self.screen is self.session_screen
            if parameters[0] == "help":
                return hasattr(self.screen, "help_topic")
            return on_session and self.session_screen.works(str(parameters[0]))
        if action == "jump":
            return bool(self.screen.query(KeyHintsLine))
        return super().check_action(action, parameters)

    def action_command_palette(self) -> None:
        from tui_voice.ui.commands import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_open_screen(self, name: str) -> None:
        """Opens a screen of the screen table over the session screen, and takes its result."""
        spec, context = SCREENS[name], self._screen_context()

        def closed(result: Any) -> None:
            if result is not None:
                spec.on_result(context, result)

        self.push_screen(spec.create(context), closed)

    def action_jump(self) -> None:
        """Shows a letter at every part and every key on the screen."""
        from tui_voice.ui.screens.jump import open_jump_mode

        open_jump_mode(self)

    def action_new(self) -> None:
        self.open_session(None)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Literal["information", "warning", "error"] = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Shows a sentence in the notice line of the top screen that has one. Textual would draw a
        box over the prompt and the footer.
        """
        del timeout, markup  # a notice stays by its importance, and is plain text
        text = f"{title}: {message}" if title else message
        notice = Notice(text, severity="info" if severity == "information" else severity)
        for screen in reversed(self.screen_stack):
            for line in screen.query(NoticeLine):
                line.answer(notice)
                return

    def on_notice_dismissed(self) -> None:
        self.session.dismiss_notices()
        self.redraw()

    def on_transcript_play_requested(self, message: Transcript.PlayRequested) -> None:
        """Plays the sound of a turn of the open session."""
        if self.session.handle is not None:
            self.play_turn(self.session.handle.path, message.turn)

    def play_turn(self, journal: Path, turn: Turn) -> None:
        """Plays the recorded sound of a turn."""
        if self.options.play_turn is not None:
            say = partial(self.call_from_thread, self.notify, markup=False)
            self.options.play_turn(journal, turn, say)

    def on_pruning_requested(self, message: PruningRequested) -> None:
        self.dialogs.read_pruning(message.row)

    def palette_commands(self, screen: Screen[object]) -> list[PaletteCommand]:
        """Returns what the command palette offers: the keys that work now, then the rest."""
        if screen is not self.session_screen:
            return []
        found = key_commands(self.session_screen, self.key_table) + self.dialogs.commands()
        if self.view.turns:
            fold = self.session_screen.transcript.fold_all
            found.append(PaletteCommand("fold all prunings", "or unfold them", fold))
        choose = partial(self.open_settings, "theme") if self.settings else self.action_change_theme
        found.append(PaletteCommand("theme", "choose other colours", choose))
        return found

    def _screen_context(self) -> ScreenContext:
        handle, snapshot = self.session.handle, self.session.snapshot
        return ScreenContext(
            options=self.options,
            keys=self.key_table,
            sessions_folder=self._sessions_folder(),
            session_id=handle.id if handle else "",
            journal=handle.path if handle else None,
            topic=getattr(self.screen, "help_topic", self.session_screen.help_topic),
            ledger=snapshot.ledger if snapshot else None,
            facts=lambda: self.view.facts,
            post=None if self.options.replay else self.session.post,
            resume=self._resume,
            export=self._export,
            level=self.session.level,
            settings=self.settings,
            hear_voice=self.options.hear_voice if self.view.header.engines else None,
        )

    def _sessions_folder(self) -> Path:
        if self.options.sessions is not None:
            return self.options.sessions
        from tui_voice.config import sessions_dir

        return sessions_dir()

    def _resume(self, request: ResumeRequest) -> None:
        """Opens another session; in the open one it shows the turn that the user chose."""
        handle = self.session.handle
        if handle is None or request.session_id != handle.id:
            self.open_session(request.session_id)
        elif request.turn:
            self.session_screen.go_to(request.turn)

    def _export(self, choice: ExportChoice) -> None:
        self.dialogs.export(choice)
