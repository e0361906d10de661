"""What the keys of the session screen do: each posts an event, or moves the focus."""

from __future__ import annotations

import math
from time import monotonic
from typing import Protocol

from textual.message import Message

from tui_voice.ui.messages import EventPosted, NoticeDismissed
from tui_voice.ui.options import AppOptions
from tui_voice.ui.transcript_document import CompactionMark
from tui_voice.ui.view import SessionView
from tui_voice.ui.widgets.transcript import Transcript

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


class SessionController:
    """The session screen owns one, and delegates its actions to it."""

    def __init__(self, screen: ControlledScreen, options: AppOptions) -> None:
        self._screen = screen
        self._options = options
        self._opened_microphone_at = math.inf  # when the talk key did, by `time.monotonic()`

    def talk(self) -> None:
        """Opens the microphone, or closes it."""
        from tui_voice.conversation.events import TalkPressed, TalkReleased

        if self._screen.view.status.microphone_open:
            self._screen.post_message(EventPosted(TalkReleased()))
        else:
            self._opened_microphone_at = monotonic()
            self._screen.post_message(EventPosted(TalkPressed(manual=self._options.manual)))

    def talk_key_released(self) -> None:
        """Closes the microphone where the user held the key down while speaking."""
        if monotonic() - self._opened_microphone_at >= HOLD_SECONDS:
            self._opened_microphone_at = math.inf
            if self._screen.view.status.microphone_open:
                self.talk()

    def stop(self) -> None:
        """Does the first of these that is possible: stops the reply, dismisses the notice, leaves
        the prompt or the panel, clears the choice of a turn.
        """
        from tui_voice.conversation.events import StopPressed

        screen = self._screen
        if "stop" in screen.view.live_keys and not self._options.replay:
            screen.post_message(EventPosted(StopPressed()))
        elif screen.view.notice.can_dismiss:
            screen.post_message(NoticeDismissed())
        elif screen.typing or not screen.transcript.has_focus:
            screen.transcript.focus()
        else:
            screen.transcript.release()

    def mute(self) -> None:
        """Mutes the microphone, or unmutes it."""
        from tui_voice.conversation.events import MuteChanged

        muted = not self._screen.view.status.muted
        self._screen.post_message(EventPosted(MuteChanged(muted=muted)))

    def summarise(self) -> None:
        """Asks for a summary now. Where none is possible, the session says why."""
        from tui_voice.conversation.events import SummarisePressed

        self._screen.post_message(EventPosted(SummarisePressed()))

    def restore(self) -> None:
        """Restores the chosen turn or pruning; where none is chosen, all of the last pruning."""
        from tui_voice.conversation.events import RestorePressed

        chosen = self._screen.transcript.chosen
        ids: tuple[str, ...] = ()
        if isinstance(chosen, CompactionMark):
            ids = chosen.compaction.turns
        elif chosen is not None and chosen.pruned_in:
            ids = (chosen.id,)
        self._screen.post_message(EventPosted(RestorePressed(turn_ids=ids)))

    def pin(self) -> None:
        """Pins the chosen turn, or the newest one; unpins it where it is pinned."""
        from tui_voice.conversation.events import TurnPinned

        transcript = self._screen.transcript
        if isinstance(transcript.chosen, CompactionMark):
            return
        turn = transcript.chosen_turn or transcript.last_turn
        if turn is not None:
            event = TurnPinned(item_id=turn.id, pinned=not turn.pinned)
            self._screen.post_message(EventPosted(event))

    def send(self, text: str) -> bool:
        """Sends a typed turn. Returns False where the session takes none now."""
        from secrets import token_hex

        from tui_voice.conversation.events import TextSubmitted

        if "send" not in self._screen.view.live_keys or self._options.replay:
            return False
        self._screen.transcript.action_to_end()
        event = TextSubmitted(item_id=f"typed_{token_hex(8)}", text=text)
        self._screen.post_message(EventPosted(event))
        return True
