"""The application: opens a door to a talk after the first paint, draws what comes through."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from tui_voice.errors import TuiVoiceError, UsageError
from tui_voice.ui.keys import BY_ID, binding, keymap
from tui_voice.ui.messages import DoorFailed, DoorOpened, Mailbox, Posted, SnapshotWaits
from tui_voice.ui.navigator import Navigator
from tui_voice.ui.notices import NOTHING, Notice, Waiting
from tui_voice.ui.options import ExitSummary, Options
from tui_voice.ui.screens.session import SessionScreen
from tui_voice.ui.theme import DARK, THEMES, voices
from tui_voice.ui.view import View, project

if TYPE_CHECKING:
    from tui_voice.conversation.conversation import Snapshot
    from tui_voice.conversation.events import Event
    from tui_voice.runtime.session_handle import SessionHandle

FRAME = 0.05
"""Seconds between two drawings of a talk that is going on."""


def _deeds() -> type[Provider]:
    from tui_voice.ui.commands import CommandProvider

    return CommandProvider


class _Told(NamedTuple):
    """Of the door's meters, what the view shows."""

    engines: str = ""
    unsaved: int = 0
    waiting: Waiting = NOTHING


class VoiceApp(Navigator):
    """`open_door(session_id)` opens a talk, a new one for None; it is called in a thread, after the
    first paint, and again whenever the user goes to another talk.
    """

    CSS_PATH = Path(__file__).with_name("tui_voice.tcss")
    TITLE = "tui-voice"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_deeds}
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("sessions", priority=True),
        binding("search", priority=True),
        binding("new", priority=True),
        Binding(
            BY_ID["palette"].key,
            "command_palette",
            show=False,
            priority=True,
            id="palette",
        ),
        binding("help"),
        binding("quit", priority=True),
    ]

    def __init__(
        self,
        open_door: Callable[[str | None], SessionHandle],
        options: Options | None = None,
        *,
        session_id: str | None = None,
    ) -> None:
        self.options = options or Options()
        super().__init__()
        self._open_door = open_door
        self._first_talk = session_id
        self.door: SessionHandle | None = None
        self.snapshot: Snapshot | None = None
        self.failure: BaseException | None = None
        """What ended the application, if it was not the user."""
        self._mailbox: Mailbox | None = None
        self._early: list[events.Event] = []  # typed before there is a line to type in
        self._draw_timer: Timer | None = None
        self._drawn_at = 0.0
        self._dismissed = -1.0
        self._told = _Told()
        self._stamp = (0.0, 0.0)  # the talk's time, and ours, when it last moved
        for theme in THEMES:
            self.register_theme(theme)
        if self.options.theme in (None, DARK.name):
            # Nothing is drawn yet that would have to change, as an assigned theme would have it.
            self.set_reactive(App.theme, DARK.name)
            self.stylesheet.set_variables(self.get_css_variables())
        else:
            self.theme = self.options.theme
        self.set_keymap(keymap(self.options.keys))

    def get_default_screen(self) -> Screen[None]:
        self.talk = SessionScreen(self.options)
        return self.talk

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return voices(self.current_theme)

    def get_driver_class(self) -> type[Driver]:
        """On terminals like those of Linux and macOS, one that reports keys being let go."""
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from tui_voice.ui.keyboard import driver_for

        return driver_for(self.options.key("talk"))

    async def on_event(self, event: events.Event) -> None:
        """Keys reach whatever has the focus one by one; the beginning of a typed turn is looked
        for here, before that, so that the keys that follow at once find the line to type in.
        """
        if (
            isinstance(event, events.Key | events.Paste)
            and not event.is_forwarded
            and self.screen_stack[-1:] == [self.talk]
        ):
            if not self.talk.furnished:
                self._early.append(event)
                return
            if self.talk.takes(event):
                return
        await super().on_event(event)

    # ── the door ────────────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        self._levels = self.set_interval(1 / 20, self._tick, pause=True)
        self.set_interval(1.0, self._second)
        self.call_after_refresh(self._after_first_paint)

    async def _after_first_paint(self) -> None:
        await self.talk.furnish()
        early, self._early = self._early, []
        for event in early:
            self.post_message(event)
        self.open_session(self._first_talk)

    def open_session(self, session_id: str | None) -> None:
        """Leaves the talk that is open, if any, and opens another; None: a new one."""
        before, self.door, self._mailbox = self.door, None, None

        def work() -> None:
            try:
                if before is not None:
                    before.close()
                door = self._open_door(session_id)
                mailbox = Mailbox(lambda box: self.post_message(SnapshotWaits(box)))
                self.post_message(DoorOpened(door, mailbox, door.subscribe(mailbox.put)))
            except TuiVoiceError as error:
                self.post_message(DoorFailed(error))

        self.run_worker(work, thread=True, exit_on_error=False, group="door")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            self.failure = event.worker.error
            self.exit(return_code=1)

    def on_door_opened(self, message: DoorOpened) -> None:
        self.door, self._mailbox = message.door, message.mailbox
        self.snapshot, self._dismissed = None, -1.0
        self.talk.show_problem(None)
        self._take(message.first)
        self._second()

    def on_door_failed(self, message: DoorFailed) -> None:
        """Settings that no talk can be had with end the program, as any other wrong usage does."""
        if isinstance(message.error, UsageError) and self.snapshot is None:
            self.failure = message.error
            self.exit(return_code=message.error.exit_status)
            return
        self.talk.show_problem(Notice(str(message.error), message.error.hint, "error"))

    def on_snapshot_waits(self, message: SnapshotWaits) -> None:
        """Draws at once, or after what is left of a frame: many words a second are one picture."""
        if message.mailbox is not self._mailbox or self._draw_timer is not None:
            return
        left = self._drawn_at + FRAME - monotonic()
        if left <= 0:
            self._draw()
        else:
            self._draw_timer = self.set_timer(left, self._draw)

    def _draw(self) -> None:
        self._draw_timer = None
        newest = self._mailbox.take() if self._mailbox else None
        if newest is not None:
            self._take(newest)

    def _take(self, snapshot: Snapshot) -> None:
        if self.snapshot is None or snapshot.ledger.at != self.snapshot.ledger.at:
            self._stamp = (snapshot.ledger.at, monotonic())
        self.snapshot, self._drawn_at = snapshot, monotonic()
        self.redraw()

    def redraw(self) -> None:
        """The view of now, slice by slice, to whoever draws it."""
        if self.snapshot is None or self.door is None:
            return
        view = project(
            self.snapshot,
            self.door.limits,
            budget=self.options.budget,
            dismissed=self._dismissed,
            engines=self._told.engines,
            unsaved=self._told.unsaved,
            waiting=self._told.waiting,
            previous=self.talk.view,
        )
        self.talk.show(view)
        if self.talk.moving:
            self._levels.resume()

    @property
    def view(self) -> View:
        return self.talk.view

    # ── time ────────────────────────────────────────────────────────────────────────────────

    def _second(self) -> None:
        if self.door is None:
            return
        meters = self.door.meters()
        if self.talk.view.status.line:
            left = None if meters.retry_at is None else meters.retry_at - monotonic()
            wait = None if left is None else max(0, ceil(left))
            waiting = Waiting(wait, meters.held_turns, meters.held_ms // 1000)
        else:
            waiting = NOTHING
        told = _Told(meters.engines, meters.unsaved, waiting)
        if told != self._told:
            self._told = told
            self.redraw()
        at, then = self._stamp
        seconds = at + (monotonic() - then if self.options.live else 0.0)
        self.talk.header.seconds = int(seconds)
        self.talk.status.progress = meters.progress
        self.talk.learn(hears=meters.hears)

    def _tick(self) -> None:
        bar = self.talk.status
        if self.door is not None:
            bar.tick(self.door.meters())
        if not self.talk.moving and bar.still:
            self._levels.pause()

    # ── what the screen says ────────────────────────────────────────────────────────────────

    def on_posted(self, message: Posted) -> None:
        self.post(message.event)

    def put_away(self) -> None:
        """Whatever stands above the line to type in has been read."""
        if self.snapshot is not None:
            self._dismissed = self.snapshot.ledger.at
            self.redraw()

    def post(self, event: Event) -> None:
        if self.door is not None:
            self.door.post(event)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What leads away from the talk works from the talk alone."""
        if action in ("sessions", "search", "new", "command_palette", "help"):
            return self.screen is self.talk
        return super().check_action(action, parameters)

    async def action_quit(self) -> None:
        """Saves, closes, leaves."""
        door, self.door, self._mailbox = self.door, None, None
        if door is None:
            self.exit()
            return
        self.talk.show_problem(Notice("closing the talk"))

        def work() -> None:
            door.close()
            self.call_from_thread(self.exit, ExitSummary(door.id, door.path))

        self.run_worker(work, thread=True, exit_on_error=False, group="door")
