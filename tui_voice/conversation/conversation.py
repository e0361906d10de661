"""The talk: takes in facts, moves by the table of `states`, hands out intentions."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from transitions import Machine

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.compacting import (
    ASK_AGAIN_AFTER,
    UNCONFIRMED,
    Compacting,
    as_item,
)
from tui_voice.conversation.folding import record
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.pending_reply import PendingReply
from tui_voice.conversation.policy import Limits
from tui_voice.conversation.states import BUSY, TRANSITIONS, State

# A fact that moves nothing in some state is normal here; the library would warn of each.
logging.getLogger("transitions").setLevel(logging.ERROR)

REPLY_PATIENCE = 60.0
"""Generous: reasoning models and small machines may need half of it."""

_MOVES = frozenset(row["trigger"] for row in TRANSITIONS)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All there is to know of a talk at one moment; a value."""

    state: State
    ledger: Ledger
    microphone_open: bool = False
    muted: bool = False
    seeding: bool = False
    """The server is being told what was said before."""


class Conversation(Compacting):
    """The model that the machine moves: five states, one table (`states.TRANSITIONS`)."""

    state: State
    trigger: Any  # given by `transitions`

    def __init__(
        self,
        limits: Limits | None = None,
        ledger: Ledger | None = None,
        reply_patience: float = REPLY_PATIENCE,
    ) -> None:
        """`reply_patience`: seconds without a sign of the answer after which it is given up."""
        self.ledger = ledger or Ledger()
        self.limits = limits or Limits()
        self.microphone_open = False
        self.muted = False
        self.reply_patience = reply_patience
        self._owed = PendingReply()
        self._effects: list[x.Effect] = []
        self._response_id = ""  # of the response that is active on the server, "" before it told
        self._response_active = False  # from the moment we ask for it
        self._response_wanted = False  # as soon as the active one is done
        self._commit_pending = False  # our own commit, to be answered when it has come
        self._by_key = False  # the talk key makes the turns
        self._asked_for_text = False  # the last `response.create` was for a typed turn
        self._open_tools: set[str] = set()  # calls whose functions are still running
        self._playing: set[str] = set()  # items of which the speaker still has sound
        self._silenced: set[str] = set()  # of these: stopped, but how much was heard is not told
        self._asked_again = False  # the reply under way was asked for again: not a third time
        self._refused: set[str] = set()  # responses whose late sound no longer counts
        self._seeding: dict[str, x.CreateItem] = {}  # whose acknowledgement is awaited
        self._seeded_at = 0.0
        self._seeded_twice = False
        self.machine = Machine(
            model=self,
            states=State,
            transitions=TRANSITIONS,
            initial=State.IDLE,
            auto_transitions=False,
            queued=True,
            ignore_invalid_triggers=True,
        )

    def receive(self, event: e.Event) -> list[x.Effect]:
        """First what happened, then what follows from it. Returns what is now to be done."""
        self._note(event)
        self.ledger = record(self.ledger, event)
        if event.name in _MOVES:
            self.trigger(event.name, event)
        effects, self._effects = self._effects, []
        return effects

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(
            self.state, self.ledger, self.microphone_open, self.muted, bool(self._seeding)
        )

    def live_triggers(self) -> set[str]:
        """What would matter now, by the table: the footer shows the keys of these."""
        return set(self.machine.get_triggers(self.state))

    # ── what each fact says about the response and the speaker ──────────────────────────────

    def _note(self, event: e.Event) -> None:
        self._owed.note(event, self.ledger)
        match event:
            case e.ResponseStarted(response_id=response_id):
                self._response_id, self._response_active = response_id, True
                self._silenced.clear()
                if self._repairing:  # another reply comes first: no need to ask again
                    self._repairing = self._response_wanted = False
            case e.ResponseDone(response_id=response_id):
                current = response_id == self._response_id or not self._response_id
                if current:
                    self._response_active, self._response_id = False, ""
                self._hear_silence(event)
                if current and event.status != "cancelled" and not self._response_wanted:
                    self._owed.pending = False
            case e.ResponseRefused():
                # Refused because another is active (VAD was faster): its `response.done` will come.
                self._response_active = event.code == "conversation_already_has_active_response"
                self._response_wanted = self._response_active and self._asked_for_text
            case e.AudioReceived(item_id=item_id, response_id=response_id):
                if response_id not in self._refused:
                    self._playing.add(item_id)
            case e.PlaybackFinished(item_id=item_id) | e.PlaybackInterrupted(item_id=item_id):
                self._playing.discard(item_id)
                self._silenced.discard(item_id)
            case e.TalkPressed(manual=manual):
                self.microphone_open, self._by_key = True, manual
            case e.TalkReleased():
                self.microphone_open = False
            case e.MuteChanged(muted=muted):
                self.muted = muted
            case e.ToolCalled(call_id=call_id):
                self._open_tools.add(call_id)
            case e.ToolAnswered(call_id=call_id):
                self._open_tools.discard(call_id)
            case e.SpeechDiscarded():
                self._commit_pending = False
            case e.ConnectionLost() | e.ConnectionOpened():
                self._forget_line()
                if isinstance(event, e.ConnectionLost) and event.again and self._by_key:
                    self._commit_pending = True  # said, and committed, once more
            case e.SessionResumed() | e.SessionClosed():
                self._forget_line()
                self._commit_pending = self._response_wanted = False
                self._open_tools.clear()
                self._playing.clear()
            case (
                e.SummaryRequested(compaction_id=compaction_id)
                | e.TextifyRequested(compaction_id=compaction_id)
                | e.RestoreRequested(compaction_id=compaction_id)
                | e.VoiceRepairRequested(compaction_id=compaction_id)
            ):
                if compaction_id == self._proposed:
                    self._proposed = ""
            case e.TriggerChecked():
                self._judging = False
            case e.ItemPlaced(item_id=item_id) | e.ItemRefused(item_id=item_id):
                self._seeding.pop(item_id, None)

    def _forget_line(self) -> None:
        """Nothing of the old line comes any more. Functions go on running, the speaker playing,
        and a commit that was not acknowledged is repeated with the sound that it ends.
        """
        self._response_active, self._response_id = False, ""
        self._repairing = False
        self._seeding.clear()
        self._silenced.clear()
        self._asked = self._proposed = ""

    # ── conditions ──────────────────────────────────────────────────────────────────────────

    def key_is_held(self, _event: e.Event) -> bool:
        return self._by_key and self.microphone_open

    def is_manual(self, event: e.TalkPressed) -> bool:
        return event.manual

    def is_current(self, event: e.AudioReceived) -> bool:
        """Late sound of a reply that was stopped does not make us speak again."""
        return event.response_id not in self._refused

    def nothing_more_comes(self, _event: e.Event) -> bool:
        return not (self._response_active or self._response_wanted or self._playing)

    def nothing_plays(self, _event: e.Event) -> bool:
        return not self._playing

    def another_is_wanted(self, _event: e.Event) -> bool:
        """Whether what the user waits for was not even asked for: another was in its way."""
        return self._response_wanted and not self._repairing

    # ── callbacks: they only append effects ─────────────────────────────────────────────────

    def do(self, *effects: x.Effect) -> None:
        self._effects.extend(effects)

    def barge_in(self, _event: e.Event) -> None:
        """The user is first: the reply falls silent at once."""
        if self._playing:
            self.do(x.InterruptPlayback())
            self._silenced |= self._playing
            self._playing.clear()
        if self._response_active:
            if self._response_id:
                self._refused.add(self._response_id)
            self.do(x.CancelResponse(response_id=self._response_id))
        self._response_wanted = self._repairing = False

    def truncate(self, event: e.PlaybackInterrupted) -> None:
        """The model is to know what was heard; what was not heard at all is taken away."""
        turn = self.ledger.turns.get(event.item_id)
        if turn is not None and turn.wire_id is not None and turn.modality == "audio":
            heard = min(event.played_ms, turn.audio_ms)
            if heard <= 0:
                self.do(x.DeleteItem(item_id=turn.wire_id))
            elif heard < turn.audio_ms or turn.words == "open":
                self.do(x.TruncateItem(item_id=turn.wire_id, audio_ms=heard))
        self.settle_down(event)

    def open_microphone(self, event: e.TalkPressed) -> None:
        self.do(x.OpenMicrophone(manual=event.manual))
        self._want_line()

    def close_microphone(self, _event: e.Event) -> None:
        self.do(x.CloseMicrophone())

    def end_turn(self, event: e.Event) -> None:
        self.close_microphone(event)
        self._commit_pending = True
        self.do(x.CommitInput())

    def answer_commit(self, _event: e.SpeechCommitted) -> None:
        """A commit of our own makes no response by itself (`input_audio_buffer.commit`)."""
        if self._commit_pending:
            self._commit_pending = self._asked_for_text = False
            self._want_response()

    def mute(self, event: e.MuteChanged) -> None:
        self.do(x.MuteMicrophone(muted=event.muted))

    def send_text(self, event: e.TextSubmitted) -> None:
        self.send_text_only(event)
        self._asked_for_text = True
        self._want_response()

    def send_text_only(self, event: e.TextSubmitted) -> None:
        if self.ledger.connection.status == "online":
            self.do(x.CreateItem(item_id=event.item_id, role="user", text=event.text))
        self._want_line()

    def answer_tool(self, event: e.ToolCalled) -> None:
        self._response_wanted = True  # once the function has answered
        self.do(x.AnswerTool(call_id=event.call_id, tool=event.tool, arguments=event.arguments))

    def go_on(self, event: e.Event) -> None:
        """A response is over, or a function has answered: ask for the next where one waits."""
        if self._repairing and isinstance(event, e.ResponseDone):  # there can be but one
            self.repair_voice()
        elif self._response_wanted and not self._open_tools and not self._repairing:
            self._want_response()
        self.settle_down(event)

    def _hear_silence(self, event: e.ResponseDone) -> None:
        """Sound was asked for and words came: the trap that is known from turns given back as
        text. Once, the reply is asked for again (`go_on`, then `repair_voice`).
        """
        silent = not event.audio and event.status == "completed"
        free = self.ledger.compaction is None and not self._proposed and not self._repairing
        waited_for = self.state is State.AWAITING and not self._asked_again
        if silent and waited_for and free and self.silent_turns():
            self._repairing = self._response_wanted = self._asked_again = True
        elif event.status == "completed":
            self._asked_again = False

    def ask_for_reply(self, _event: e.Event | None = None) -> None:
        self._want_response()

    def settle_down(self, event: e.Event) -> None:
        """A quiet moment: finish what was begun, see whether the window is too full."""
        self.advance(event)
        self.consider_compaction()

    def _want_line(self) -> None:
        if self.ledger.connection.status in ("offline", "reconnecting"):
            self.do(x.Reconnect())

    def fall_silent(self, _event: e.ConnectionLost) -> None:
        """Nothing more will come; a question that waits is asked again on the next line."""
        self._response_wanted = self._still_owed()

    def _still_owed(self) -> bool:
        owed, cut = self._owed.after_a_break(self.ledger)
        if cut is not None:
            self.do(x.Announce(event=cut))
        return owed

    def look_at_the_clock(self, event: e.TimePassed) -> None:
        due = self._reply_due()
        if due is not None and event.at >= due:
            overdue = e.ReplyOverdue(
                response_id=self._response_id,
                seconds=self.reply_patience,
                waited_for=self.state in BUSY and not self.another_is_wanted(event),
            )
            self.do(x.Announce(event=overdue))
        self.settle_down(event)

    def _reply_due(self) -> float | None:
        """When (`at`) a reply is given up of which nothing has come any more."""
        waits = self.state is State.AWAITING or self._response_active
        if not waits or self._open_tools or self.ledger.connection.status != "online":
            return None
        return self._owed.silent_since() + self.reply_patience

    def give_up(self, event: e.ReplyOverdue) -> None:
        """The server is told to stop, should it still be at it."""
        wanted, known = self._response_wanted, bool(self._response_id)
        self._response_active = False
        self.do(x.CancelResponse(response_id=self._response_id, late_counts=not known))
        if known:
            self._refused.add(self._response_id)
        self.barge_in(event)
        self._response_id, self._response_wanted = "", wanted and self.state is State.AWAITING

    @property
    def looks_at(self) -> float | None:
        """When (`at`) a `TimePassed` is wanted, though nothing else happens."""
        step = self._seeded_at + ASK_AGAIN_AFTER if self._seeding else self.step_due
        times = (self._reply_due(), None if self._response_active and not self._seeding else step)
        return min((time for time in times if time is not None), default=None)

    def seed(self, _event: e.ConnectionOpened) -> None:
        """The new server session is told what was said: the memory, then the turns as text."""
        items = [self.memory_item()] if self.ledger.memory else []
        items += [
            as_item(turn, turn.id, None, self.ledger.voice_by_system)
            for turn in self.ledger.unpruned()
            if turn.heard_text
        ]
        self._seeding = {item.item_id: item for item in items}
        self._seeded_at, self._seeded_twice = self.ledger.at, False
        self.do(*items)
        self._asked_for_text = False  # where the server answers by itself, that is the answer
        if (self._still_owed() or self._response_wanted) and not self._open_tools:
            self._want_response()

    def advance(self, event: e.Event) -> None:
        if self._seeding and self.ledger.at - self._seeded_at >= ASK_AGAIN_AFTER:
            self._seed_again()
        super().advance(event)
        if not self._seeding and isinstance(event, e.ItemPlaced):
            self.ask_again()

    def _seed_again(self) -> None:
        """What was not acknowledged is sent once more; after that the talk goes on without it."""
        self._seeded_at = self.ledger.at
        for item in self._seeding.values():  # what came through stands already
            if self._seeded_twice:
                refused = e.ItemRefused(item_id=item.item_id, message=UNCONFIRMED)
                self.do(x.Announce(event=refused))
            else:
                place = item.previous_item_id or self.predecessor(item.item_id)
                self.do(replace(item, previous_item_id=place))
        if self._seeded_twice:
            text = f"The server did not confirm {len(self._seeding)} of the turns it was told."
            self.do(x.Announce(event=e.Noticed(text=text, severity="warning")))
        self._seeded_twice = True

    def _want_response(self) -> None:
        if self._response_active:
            self._response_wanted = True
        elif self.ledger.connection.status == "online":
            self._response_wanted = False
            self._response_active = True
            self.do(x.CreateResponse())
        else:
            self._response_wanted = True

    @property
    def sounding(self) -> frozenset[str]:
        return frozenset(self._playing | self._silenced)

    @property
    def response_active(self) -> bool:
        return self._response_active

    @property
    def seeding(self) -> bool:
        return bool(self._seeding)
