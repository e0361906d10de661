"""What the keys of the session screen do: each hands the session an event, or moves the focus."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Literal, Protocol

from textual.message import Message

from tui_voice.conversation.states import State
from tui_voice.ui.messages import NoticeDismissed
from tui_voice.ui.options import AppOptions
from tui_voice.ui.transcript_document import CompactionMark
from tui_voice.ui.view import SessionView
from tui_voice.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui_voice.config.model import BackendSettings
    from tui_voice.conversation.events import Event

SPEED_STEP = 0.1
"""Added to the factor of the speaking speed by one key."""
VOLUME_STEP = 0.1
"""Added to the factor for the loudness of replies by one key."""
SNAPSHOT_SECONDS = 1.0
"""How long the session's answer to a key may take until what the screen shows counts again."""
Mode = Literal["hands-free", "push-to-talk", "manual"]
MODES: tuple[Mode, ...] = ("hands-free", "push-to-talk", "manual")
PATIENCE_MS = (300, 500, 800, 1_200, 2_000)
"""Pauses that a key chooses from: a longer one ends the turn (server_vad)."""
Eagerness = Literal["auto", "low", "medium", "high"]
EAGERNESS: dict[Eagerness, Eagerness] = {"high": "auto", "auto": "low", "medium": "low"}
"""The next one that the same key chooses (semantic_vad)."""
HOLD_SECONDS = 0.35
"""A talk key that is pressed for at least so long is push-to-talk; shorter, it is a toggle."""


class ControlledScreen(Protocol):
    """The part of the session screen that the controller needs."""

    view: SessionView
    transcript: Transcript

    @property
    def typing(self) -> bool:
        """Whether the prompt has the focus."""
        ...

    def post_message(self, message: Message) -> bool: ...

    def notify(self, message: str) -> None: ...

    def back_to_prompt(self) -> None: ...

    def close_list(self) -> bool:
        """Closes the list of commands. Returns whether it was open."""
        ...

    def select(self) -> bool:
        """Begins select mode. Returns False where there is no turn to choose."""
        ...


class SessionController:
    """The session screen owns one, and delegates its actions to it."""

    def __init__(
        self, screen: ControlledScreen, options: AppOptions, post: Callable[[Event], object]
    ) -> None:
        """`post(event)` hands an event to the session at once: a key must not wait in a queue of
        messages while the next one is handled.
        """
        self._screen = screen
        self._options = options
        self._post = post
        self._patience: tuple[BackendSettings, int, Eagerness] | None = None
        """The settings, and the pause in ms and the eagerness that a key chose instead."""
        self._opened_microphone_at = math.inf  # when the talk key did, by `time.monotonic()`
        self._asked: tuple[bool, float] | None = None
        self._stopped_at = -math.inf  # when the talk key stopped a reply that is still shown
        self.armed = False
        """Esc had nothing to do; pressed again, it begins select mode."""

    @property
    def _microphone_open(self) -> bool:
        """Whether the microphone is open, or will be once the session has handled the last key:
        two presses of the talk key may come before the first one's snapshot.
        """
        shown = self._screen.view.status.microphone_open
        if self._asked is not None:
            wanted, since = self._asked
            if wanted != shown and monotonic() - since < SNAPSHOT_SECONDS:
                return wanted
            self._asked = None
        return shown

    @property
    def _speaks(self) -> bool:
        """Whether a reply is played that the talk key has not stopped yet."""
        if self._screen.view.status.state is not State.SPEAKING:
            self._stopped_at = -math.inf
            return False
        return monotonic() - self._stopped_at >= SNAPSHOT_SECONDS

    def talk(self) -> None:
        """Opens the microphone, or closes it. Over a reply it stops the reply, and opens it."""
        from tui_voice.conversation.events import StopPressed, TalkPressed, TalkReleased

        manual, is_open = self.mode != "hands-free", self._microphone_open
        if not manual and self._speaks:
            self._post(StopPressed())
            self._stopped_at = monotonic()
            if is_open:
                return
        if is_open:
            self._post(TalkReleased())
        else:
            self._opened_microphone_at = monotonic()
            self._post(TalkPressed(manual=manual))
        self._asked = (not is_open, monotonic())

    @property
    def mode(self) -> Mode:
        """Who ends the turns, as in `TurnModeChosen`."""
        chosen = self._screen.view.status.mode
        for mode in MODES:
            if mode == chosen:
                return mode
        return "manual" if self._options.manual else "hands-free"

    def change_mode(self) -> None:
        """Changes to the next mode; the status bar names it."""
        from tui_voice.conversation.events import TurnModeChosen

        following = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        self._post(TurnModeChosen(mode=following))

    def change_patience(self) -> None:
        """Lets the user's pauses be longer before a turn ends; after the longest, short again."""
        from tui_voice.config.model import BackendSettings
        from tui_voice.ui.live_settings import turn_detection_of

        editor = self._options.editor
        backend = BackendSettings() if editor is None else editor.settings.backend
        if self._patience is None or self._patience[0] != backend:
            self._patience = backend, backend.silence_ms, backend.eagerness
        _, silence_ms, eagerness = self._patience
        silence_ms = next((ms for ms in PATIENCE_MS if ms > silence_ms), PATIENCE_MS[0])
        eagerness = EAGERNESS.get(eagerness, "high")
        self._patience = backend, silence_ms, eagerness
        chosen = replace(backend, silence_ms=silence_ms, eagerness=eagerness)
        self._post(turn_detection_of(chosen))

    def pause(self) -> None:
        """Pauses the reply, or lets it go on."""
        from tui_voice.conversation.events import PausePressed

        self._post(PausePressed(paused=not self._screen.view.status.paused))

    def step_volume(self, step: float) -> None:
        """Makes the replies louder, or softer."""
        from tui_voice.conversation.events import VolumeStepped

        self._post(VolumeStepped(step=step))

    def step_speed(self, step: float) -> None:
        """Lets the model speak faster, or slower."""
        from tui_voice.conversation.events import SpeedStepped

        self._post(SpeedStepped(step=step))

    def talk_key_released(self) -> None:
        """Closes the microphone where the user held the key down while speaking. In push-to-talk
        every release closes it, with manual turns none.
        """
        held = monotonic() - self._opened_microphone_at
        chosen = self._screen.view.status.mode
        if chosen == "push-to-talk" or (chosen != "manual" and held >= HOLD_SECONDS):
            self._close_held()
        self._opened_microphone_at = math.inf

    def focus_lost(self) -> None:
        """Ends the turn where the talk key is held: its release will not be reported."""
        from tui_voice.ui.held_keys import HeldKeyDriver

        if HeldKeyDriver.reports_release and self._opened_microphone_at < math.inf:
            self._close_held()
            self._opened_microphone_at = math.inf

    def _close_held(self) -> None:
        from tui_voice.conversation.events import TalkReleased

        if self._microphone_open:
            self._post(TalkReleased())
            self._asked = (False, monotonic())

    def stop(self) -> None:
        """Does the first of these that is possible: stops the reply, closes the list of
        commands, dismisses the notice, goes back to the prompt; pressed twice with nothing to do,
        begins select mode.
        """
        from tui_voice.conversation.events import StopPressed

        screen, armed, self.armed = self._screen, self.armed, False
        if "stop" in screen.view.live_keys and not self._options.replay:
            self._post(StopPressed())
        elif screen.close_list():
            return
        elif screen.view.notice.can_dismiss:
            screen.post_message(NoticeDismissed())
        elif not screen.typing:
            screen.back_to_prompt()
        elif armed:
            screen.select()
        else:
            self.armed = bool(screen.view.turns)

    def mute(self) -> None:
        """Mutes the microphone, or unmutes it. A closed one cannot be muted."""
        from tui_voice.conversation.events import MuteChanged

        muted = self._screen.view.status.muted
        if not (muted or self._microphone_open):
            self._screen.notify("The microphone is closed: nothing is sent.")
            return
        self._post(MuteChanged(muted=not muted))

    def click_microphone(self) -> None:
        """Unmutes a muted microphone, closes an open one, and opens a closed one."""
        if self._screen.view.status.muted:
            self.mute()
        else:
            self.talk()

    def summarise(self) -> None:
        """Asks for a summary now. Where none is possible, the session says why."""
        from tui_voice.conversation.events import SummarisePressed

        self._post(SummarisePressed())

    def restore(self) -> None:
        """Restores the chosen turn or pruning; where none is chosen, all of the last pruning."""
        from tui_voice.conversation.events import RestorePressed

        transcript = self._screen.transcript
        chosen, turn = transcript.chosen, transcript.chosen_turn
        ids: tuple[str, ...] = ()
        if isinstance(chosen, CompactionMark):
            ids = chosen.compaction.turns
        elif turn is not None and turn.pruned_in:
            ids = (turn.id,)
        self._post(RestorePressed(turn_ids=ids))

    def pin(self) -> None:
        """Pins the chosen turn; unpins it where it is pinned."""
        from tui_voice.conversation.events import TurnPinned

        turn = self._screen.transcript.chosen_turn
        if turn is not None:
            self._post(TurnPinned(item_id=turn.id, pinned=not turn.pinned))
