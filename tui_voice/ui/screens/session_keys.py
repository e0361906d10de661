"""What the keys of the talk do: each posts a fact, or asks for something beyond the talk."""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType
from textual.screen import Screen
from textual.timer import Timer

from tui_voice.ui.document import Mark
from tui_voice.ui.keys import BY_ID, binding
from tui_voice.ui.messages import Posted, Wanted
from tui_voice.ui.options import Options
from tui_voice.ui.view import View
from tui_voice.ui.widgets.footer import KeyLine
from tui_voice.ui.widgets.transcript import Transcript, copy_from
from tui_voice.ui.wrapping import one_line

if TYPE_CHECKING:
    from tui_voice.ui.widgets.memory_card import MemoryCard
    from tui_voice.ui.widgets.prompt import Prompt
    from tui_voice.ui.widgets.pruning_log import PruningLog

HELD = 0.35
"""Seconds from which a press of the talk key was a hold; shorter, it is a toggle."""
SECOND_PRESS = 0.4
"""Seconds within which a second press of `summarise` asks what matters."""


class SessionKeys(Screen[None]):
    """The half of the talk's screen that listens."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("talk"),
        binding("stop"),
        binding("mute"),
        binding("pin"),
        binding("copy"),
        binding("summarise", priority=True),
        binding("restore", priority=True),
        binding("panel", priority=True),
        binding("export", priority=True),
        ("tab", "next_place", "onwards"),
    ]

    _options: Options
    view: View
    transcript: Transcript
    prompt: Prompt
    furnished: bool
    _pressed_at = math.inf  # when the talk key opened the microphone
    _summarise_timer: Timer | None = None

    def works(self, action: str) -> bool:
        raise NotImplementedError

    def show_keys(self) -> None:
        raise NotImplementedError

    @property
    def typing(self) -> bool:
        """Whether the line to type in has the focus."""
        return self.furnished and self.focused is self.prompt

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        if action == "summarise" and not self._options.replay:
            return True  # the talk says why there is nothing to summarise
        return action == "stop" or action not in BY_ID or self.works(action)

    def takes(self, event: events.Key | events.Paste) -> bool:
        """Whether this is the beginning of a typed turn: whatever can be typed and means nothing
        here, and all that is pasted. The line to type in has the focus when this returns, so that
        what follows at once reaches it.
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
        # A talk key that cannot talk leads to the line as well, but is no part of a sentence.
        self.prompt.begin("" if event.key == self._options.key("talk") else event.character)
        return True

    def on_key(self, event: events.Key) -> None:
        if event.key.startswith(("repeated+", "released+")):
            self._held(released=event.key.startswith("released+"))

    def _held(self, *, released: bool) -> None:
        """The talk key was held down, or let go: who held it to speak has spoken."""
        if released and monotonic() - self._pressed_at >= HELD:
            self._pressed_at = math.inf
            if self.view.status.microphone_open:
                self.action_talk()

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        self.show_keys()

    def action_next_place(self) -> None:
        if self.typing:
            self.transcript.focus()
        else:
            self.focus_next()

    def action_talk(self) -> None:
        from tui_voice.conversation.events import TalkPressed, TalkReleased

        if self.view.status.microphone_open:
            self.post_message(Posted(TalkReleased()))
        else:
            self._pressed_at = monotonic()
            self.post_message(Posted(TalkPressed(manual=self._options.manual)))

    def action_stop(self) -> None:
        """The reply first; then what stands above the line; then the line; the chosen turn."""
        from tui_voice.conversation.events import StopPressed

        if "stop" in self.view.keys and not self._options.replay:
            self.post_message(Posted(StopPressed()))
        elif self.view.notice.passing:
            self.post_message(Wanted("put away"))
        elif self.typing or not isinstance(self.focused, Transcript):
            self.transcript.focus()
        else:
            self.transcript.release()

    def action_mute(self) -> None:
        from tui_voice.conversation.events import MuteChanged

        self.post_message(Posted(MuteChanged(muted=not self.view.status.muted)))

    def action_summarise(self) -> None:
        if self._summarise_timer is not None:
            self._summarise_timer.stop()
            self._summarise_timer = None
            self.post_message(Wanted("focus"))
        else:
            self._summarise_timer = self.set_timer(SECOND_PRESS, self._summarise)

    def _summarise(self) -> None:
        from tui_voice.conversation.events import SummarisePressed

        self._summarise_timer = None
        self.post_message(Posted(SummarisePressed()))

    def action_restore(self) -> None:
        """What is chosen, or all of the last pruning."""
        from tui_voice.conversation.events import RestorePressed

        chosen = self.transcript.chosen
        ids: tuple[str, ...] = ()
        if isinstance(chosen, Mark):
            ids = chosen.compaction.turns
        elif chosen is not None and chosen.pruned_in:
            ids = (chosen.id,)
        self.post_message(Posted(RestorePressed(turn_ids=ids)))

    def action_pin(self) -> None:
        """The chosen turn, or the newest."""
        from tui_voice.conversation.events import TurnPinned

        if isinstance(self.transcript.chosen, Mark):
            return
        turns = self.view.turns
        turn = self.transcript.chosen_turn or (turns.last if turns is not None else None)
        if turn is not None:
            self.post_message(Posted(TurnPinned(item_id=turn.id, pinned=not turn.pinned)))

    def action_copy(self) -> None:
        copy_from(self.transcript)

    def action_export(self) -> None:
        self.post_message(Wanted("export"))

    # ── what the widgets say ────────────────────────────────────────────────────────────────

    def on_input_submitted(self, event: Prompt.Submitted) -> None:
        from secrets import token_hex

        from tui_voice.conversation.events import TextSubmitted

        event.stop()
        text = event.value.strip()
        if not text:
            self.transcript.focus()
            return
        if "send" not in self.view.keys or self._options.replay:
            return
        self.prompt.clear()
        self.transcript.action_to_end()
        item_id = f"typed_{token_hex(8)}"
        self.post_message(Posted(TextSubmitted(item_id=item_id, text=text)))

    def on_prompt_left(self) -> None:
        self.transcript.focus()
        self.transcript.action_choose(-1)

    def on_transcript_chosen(self) -> None:
        self.show_keys()

    def on_transcript_opened(self, event: Transcript.Opened) -> None:
        if event.block is None:
            self.prompt.focus()

    def on_pruning_log_opened(self, event: PruningLog.Opened) -> None:
        self.post_message(Wanted("pruning", event.pruning))

    def on_memory_card_opened(self, event: MemoryCard.Opened) -> None:
        self.post_message(Wanted("memory", event.edit))

    async def on_key_line_clicked(self, event: KeyLine.Clicked) -> None:
        if event.action == "send":
            await self.prompt.action_submit()
        elif hasattr(self, f"action_{event.action}"):
            await self.run_action(event.action)
        else:
            await self.app.run_action(event.action)
