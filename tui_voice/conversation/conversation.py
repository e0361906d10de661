"""The state machine of one session: events in; decisions and effects out."""
# Over 500 lines: the callbacks of the one table of transitions are methods of this one class.

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from transitions import Machine

from tui_voice.conversation import compaction, planning
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.attention import SpokenWords
from tui_voice.conversation.compaction_steps import (
    UNCONFIRMED,
    advance,
)
from tui_voice.conversation.effects import Output
from tui_voice.conversation.items import predecessor, seed_items, turn_item
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.reducers import reduce
from tui_voice.conversation.situation import MAX_CALLS, Seeding, Situation
from tui_voice.conversation.states import TRANSITIONS, State
from tui_voice.conversation.timeouts import ConversationTimeouts
from tui_voice.conversation.watchdogs import Wait, Watchdogs

# Late events that change nothing in the current state are normal. The library would log a warning
# for each of them.
logging.getLogger("transitions").setLevel(logging.ERROR)

CALL_REFUSED = (
    "Too many functions were called for one reply. Answer now, without calling another one."
)
TOOL_OVERDUE = "The function did not answer in time."

ASKED_TOO_OFTEN = (
    "The connection was lost each time that this reply was asked for. Say or type it again to try "
    "once more."
)
CLOSED_MICROPHONE = "Nobody spoke, so the microphone is closed. The talk key opens it again."
CLOSED_CONNECTION = {
    "silence": "Nobody spoke, so the connection is closed.",
    "goodbye": "You said good-bye, so microphone and connection are closed.",
}
ADVISE_AFTER_ECHOES = 2
ECHO_ADVICE = (
    "The microphone hears the replies, which interrupted themselves. From now on only a louder "
    "voice interrupts. Headphones or push-to-talk avoid this."
)

_TRIGGERS = frozenset(row["trigger"] for row in TRANSITIONS)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State, ledger and situation of a session at one moment."""

    state: State
    ledger: Ledger
    situation: Situation = field(default_factory=Situation)


class Received(NamedTuple):
    """What one event led to. The driver journals `events`, then performs `effects`."""

    events: tuple[e.Event, ...]
    """The event itself, then the decisions that the conversation made and has applied already."""
    effects: tuple[x.Effect, ...]


class Conversation:
    """The state machine of one session. The library `transitions` moves it by `states.TRANSITIONS`.

    The callbacks of that table are methods of this class. Its mutable fields are `state`, `ledger`,
    `situation`, `limits` and the outputs of the event being applied.
    """

    state: State
    trigger: Any
    """Method that `transitions` adds: it runs the rows of one trigger."""

    def __init__(
        self,
        limits: Limits | None = None,
        timeouts: ConversationTimeouts | None = None,
        interrupt_words: int = 0,
        words: SpokenWords | None = None,
    ) -> None:
        """`interrupt_words`: a turn with fewer words does not interrupt a reply. `words`: those
        that call the model, or end a hands-free session.
        """
        self.ledger = Ledger()
        self.situation = Situation()
        self.limits = limits or Limits()
        self._outputs: list[Output] = []
        self._timeouts = timeouts or ConversationTimeouts()
        self._interrupt_words = interrupt_words
        self._words = words or SpokenWords()
        self.machine = Machine(
            model=self,
            states=State,
            transitions=TRANSITIONS,
            initial=State.IDLE,
            auto_transitions=False,
            queued=True,
            ignore_invalid_triggers=True,
        )

    def receive(self, event: e.Event) -> Received:
        """Applies an event, then each decision that follows from it.

        A decision is an event of our own making, for example `SummaryRequested`. It has the time
        (`at`) of the event that caused it.
        """
        events: list[e.Event] = []
        effects: list[x.Effect] = []
        waiting = deque([event])
        while waiting:
            applied = waiting.popleft()
            events.append(applied)
            for output in self._apply(applied):
                if isinstance(output, x.Effect):
                    effects.append(output)
                else:
                    waiting.append(replace(output, at=event.at))
        return Received(tuple(events), tuple(effects))

    def replay(self, event: e.Event) -> None:
        """Applies a recorded event without decisions or effects: the journal has the decisions.

        The outputs of the callbacks are dropped. The policy `none` saves the work of planning them.
        """
        limits, self.limits = self.limits, replace(self.limits, policy="none")
        self._apply(event)
        self.limits = limits

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(self.state, self.ledger, self.situation)

    @property
    def wakes_at(self) -> float | None:
        """When a `TimePassed` is needed if no other event comes before (`Event.at`, seconds).

        None: nothing is due at a certain time.
        """
        waits = (
            *(wait.due for wait in self._waits()),
            self._watchdogs.step_due(),
            planning.next_check_at(self.ledger, self.limits),
        )
        return min((at for at in waits if at is not None), default=None)

    def _apply(self, event: e.Event) -> list[Output]:
        """Moves situation, ledger and state by one event. Returns the outputs of the callbacks."""
        self.situation = self.situation.after(event, self.state, self.ledger)
        self.ledger = reduce(self.ledger, event)
        if event.name in _TRIGGERS:
            self.trigger(event.name, event)
        outputs, self._outputs = self._outputs, []
        return outputs

    def _put(self, *outputs: Output) -> None:
        self._outputs.extend(outputs)

    @property
    def _decided(self) -> bool:
        """Whether a decision waits to be applied. Until then nothing else may be decided."""
        return any(isinstance(output, e.Event) for output in self._outputs)

    # ── conditions of the table ─────────────────────────────────────────────────────────────

    def key_is_held(self, _event: e.Event) -> bool:
        return self.situation.microphone.by_key and self.situation.microphone.open

    def is_manual(self, event: e.TalkPressed) -> bool:
        return event.manual

    def hears_the_user(self, event: e.SpeechStarted) -> bool:
        """Whether this speech is a new turn, and the microphone is open."""
        microphone = self.situation.microphone
        return microphone.open and microphone.turn == event.item_id

    def turn_is_over(self, _event: e.Event) -> bool:
        return not self.situation.microphone.hears_turn

    def is_to_be_answered(self, _event: e.Event) -> bool:
        """Whether we committed this turn, and are to ask for a response to it."""
        commit = self.situation.microphone.commit
        return commit is not None and commit.wants_response

    def is_given_up(self, event: e.CommitOverdue) -> bool:
        return event.last and self.nothing_more_comes(event)

    def is_under_way(self, event: e.ResponseStarted) -> bool:
        """Whether this response has not ended yet: its start may be reported late, or twice."""
        response = self.situation.response
        return response.active and response.id == event.response_id

    def is_played(self, event: e.AudioReceived) -> bool:
        """Late audio of a cancelled response is not played, nor any without a loudspeaker."""
        return event.item_id in self.situation.playback.playing

    def nothing_more_comes(self, _event: e.Event) -> bool:
        response = self.situation.response
        waits = response.active or response.follow_up != "none"
        return not (waits or self.situation.playback.playing)

    def nothing_plays(self, _event: e.Event) -> bool:
        return not self.situation.playback.playing

    def was_cut_off(self, event: e.ResponseDone) -> bool:
        """Whether the reply that the user waits for was cancelled, and by nothing that the user did
        since. Our cancel of the response before can reach the server after that one has begun.
        """
        response = self.situation.response
        waits = self.situation.reply.pending and response.answers_newest
        # "turn_detected": the server heard newer speech, and answers that by itself.
        cut_off = event.status == "cancelled" and event.reason != "turn_detected"
        return cut_off and waits and not response.asked_once_more and self.nothing_more_comes(event)

    def another_is_wanted(self, _event: e.Event) -> bool:
        """Whether the response that the user waits for has not been asked for yet."""
        return self.situation.response.follow_up == "response"

    def only_listens(self, _event: e.Event) -> bool:
        """Whether the model answers no spoken turn by itself."""
        return bool(self._words.name)

    def was_called(self, event: e.Event) -> bool:
        """Whether the model was called by its name while the user went on speaking."""
        return self.only_listens(event) and self.another_is_wanted(event)

    def is_unanswered(self, event: e.SpeechDiscarded) -> bool:
        """Whether speech that was none cut the reply to the turn before, and nobody heard of it."""
        is_cut = self.situation.reply.after_reconnect(self.ledger).ask_again
        return bool(event.item_id) and is_cut and self.nothing_more_comes(event)

    # ── callbacks of the table: the microphone ──────────────────────────────────────────────

    def open_microphone(self, event: e.TalkPressed) -> None:
        self._put(x.OpenMicrophone(manual=event.manual))
        self._want_connection()

    def close_microphone(self, _event: e.Event) -> None:
        self._put(x.CloseMicrophone())

    def end_turn(self, event: e.Event) -> None:
        self.close_microphone(event)
        self._commit()

    def end_turn_without_answer(self, _event: e.TextSubmitted) -> None:
        """Ends the user's spoken turn, since a typed one asks for the response to both."""
        if self.situation.microphone.by_key and self.situation.microphone.open:
            self._put(x.CloseMicrophone())
            self._set_microphone(open=False, muted=False)
        self._commit(wants_response=False)

    def end_unheard_turn(self, _event: e.ListeningOverdue) -> None:
        if self.situation.microphone.by_key:
            self._put(x.CloseMicrophone())
        self._commit()

    def commit_again(self, event: e.CommitOverdue) -> None:
        if not event.last:
            self._put(x.CommitInput())

    def discard_turn(self, _event: e.StopPressed) -> None:
        """Drops what the user has said of this turn. With VAD the microphone stays open."""
        microphone = self.situation.microphone
        if microphone.by_key:
            self._put(x.CloseMicrophone())
            self._set_microphone(open=False, muted=False)
        self._put(x.ClearInput())
        self._put(e.SpeechDiscarded(item_id=microphone.turn, reason="stopped"))

    def answer_commit(self, _event: e.SpeechCommitted) -> None:
        """Asks for a response to a turn that we committed: the server makes none by itself."""
        commit = self.situation.microphone.commit
        if commit is not None:
            self._set_microphone(commit=None)
            if commit.wants_response:
                self._set_response(asked_for_text=False)
                self._want_response()

    def _commit(self, *, wants_response: bool = True) -> None:
        microphone = self.situation.microphone
        wants_response = wants_response and not self._words.name
        committing = microphone.committing(self.ledger.at, wants_response=wants_response)
        self.situation = replace(self.situation, microphone=committing)
        self._put(x.CommitInput())
        self._want_connection()

    def _set_microphone(self, **fields: Any) -> None:
        microphone = replace(self.situation.microphone, **fields)
        self.situation = replace(self.situation, microphone=microphone)

    def mute(self, _event: e.MuteChanged) -> None:
        self._put(x.MuteMicrophone(muted=self.situation.microphone.muted))

    # ── callbacks of the table: the reply ───────────────────────────────────────────────────

    def barge_in(self, _event: e.Event) -> None:
        """Stops the reply at once: its playback, and the response that makes it."""
        if self.situation.playback.playing:
            self._put(x.InterruptPlayback())
            self.situation = replace(self.situation, playback=self.situation.playback.stopped())
        response = self.situation.response
        if response.active and response.cancelled_at is None:
            self._refuse(response.id)
            self._put(x.CancelResponse(response_id=response.id))
            self._set_response(cancelled_at=self.ledger.at)
        self._set_response(follow_up="none")

    def stop_playback(self, event: e.PlaybackOverdue) -> None:
        self._put(x.InterruptPlayback())
        self.settle_down(event)

    def pause(self, event: e.PausePressed) -> None:
        self._put(x.PausePlayback(paused=event.paused))

    def judge_words(self, event: e.TranscriptDone) -> None:
        """Takes an interruption back whose words show that it was none. Looks for words that call
        the model, or end the session.
        """
        interruption = self.situation.interruption
        if event.item_id == interruption.turn_id:
            why = interruption.why_none(event.text, self.ledger, self._interrupt_words)
            if why:
                undone = e.InterruptionUndone(
                    item_id=event.item_id, replies=interruption.replies, why=why
                )
                self._put(undone)
                return
        turn = self.ledger.turns.get(event.item_id)
        if turn is not None and turn.role == "user":
            microphone = self.situation.microphone
            goodbye = self._words.say_goodbye(event.text)
            goodbye = goodbye and microphone.open and not microphone.by_key
            if self._words.name and (goodbye or self._words.call(event.text)):
                self._put(e.NameCalled(item_id=event.item_id))
            if goodbye:
                self._put(e.GoodbyeSaid(item_id=event.item_id))
        self.settle_down(event)

    def end_wordless_turn(self, event: e.SpeechDiscarded) -> None:
        """Continues the reply that the turn interrupted, if it did: there were no words in it."""
        interruption = self.situation.interruption
        if event.item_id and event.item_id == interruption.turn_id:
            self._put(
                e.InterruptionUndone(
                    item_id=event.item_id, replies=interruption.replies, why="short"
                )
            )
        else:
            self.settle_down(event)

    def answer_after_speech(self, _event: e.NameCalled) -> None:
        """Has the reply asked for once the speech that is under way has ended."""
        self._set_response(follow_up="response")

    def resume_interrupted(self, event: e.InterruptionUndone) -> None:
        """Cancels what was begun for the turn, and plays the rest of the reply."""
        is_echo, replies = event.why == "echo", frozenset(event.replies)
        playback, response = self.situation.playback, self.situation.response
        if playback.playing - replies:
            self._put(x.InterruptPlayback())
            playback = replace(playback.stopped(), playing=replies)
            self.situation = replace(self.situation, playback=playback)
        # The server may have begun a response that it has not reported yet.
        self._put(x.CancelResponse(response_id=response.id))
        self._refuse(response.id)
        self._set_response(follow_up="none")
        self._put(x.ResumeInterrupted(item_ids=event.replies, echo=is_echo))
        turn = self.ledger.turns.get(event.item_id)
        if is_echo and turn is not None and turn.wire_id is not None:
            self._put(x.DeleteItem(item_id=turn.wire_id))
        if is_echo and self.situation.interruption.echoes == ADVISE_AFTER_ECHOES:
            self._put(e.Noticed(text=ECHO_ADVICE, severity="warning"))

    def step_volume(self, event: e.VolumeStepped) -> None:
        self._put(x.StepVolume(step=event.step, to=event.to))

    def step_speed(self, event: e.SpeedStepped) -> None:
        self._put(x.StepSpeed(step=event.step, to=event.to))

    def set_turn_mode(self, event: e.TurnModeChosen) -> None:
        """Closes the microphone, and tells the server who ends the turns. A turn that is under way
        was ended before.

        What it has captured since the last turn is silence, and no part of the next turn.
        """
        microphone = self.situation.microphone
        if microphone.open:
            self._put(x.CloseMicrophone())
        self._set_microphone(open=False, muted=False, mode=event.mode)
        self._put(x.SetTurnDetection(manual=event.mode != "hands-free"))
        if not microphone.by_key and microphone.commit is None:
            self._put(x.ClearInput())

    def tune_turn_detection(self, event: e.TurnDetectionChosen) -> None:
        self._put(x.TuneTurnDetection(chosen=event))

    def use_device(self, event: e.DeviceChosen) -> None:
        self._put(x.UseDevice(direction=event.direction, device=event.device))

    def truncate(self, event: e.PlaybackInterrupted) -> None:
        """Shortens the item on the server to the part that the user heard, so that the model knows.

        An item of which nothing was heard is deleted.
        """
        turn = self.ledger.turns.get(event.item_id)
        if turn is not None and turn.wire_id is not None and turn.modality == "audio":
            heard = min(event.played_ms, turn.audio_ms)
            if heard <= 0:
                self._put(x.DeleteItem(item_id=turn.wire_id))
            elif heard < turn.audio_ms or turn.words == "open":
                self._put(x.TruncateItem(item_id=turn.wire_id, audio_ms=heard))
        self.settle_down(event)

    def send_text(self, event: e.TextSubmitted) -> None:
        self.send_text_only(event)
        self._set_response(asked_for_text=True)
        self._want_response()

    def send_text_only(self, event: e.TextSubmitted) -> None:
        if self.ledger.connection.status == "online":
            self._put(x.CreateItem(item_id=event.item_id, role="user", text=event.text))
        self._want_connection()

    def send_image(self, event: e.ImageAttached) -> None:
        """Sends an image. The user's next turn, spoken or typed, asks about it."""
        turn = self.ledger.turns.get(event.item_id)
        if turn is not None and self.ledger.connection.status == "online":
            self._put(turn_item(turn, turn.id, None, assistant_as_system=False))
        self._want_connection()

    def tell_refused_image(self, event: e.ItemRefused) -> None:
        turn = self.ledger.turns.get(event.item_id)
        if turn is not None and turn.image:
            text = f"The image was not taken: {event.message or event.code}"
            self._put(e.Noticed(text=text, severity="warning"))

    def answer_tool(self, event: e.ToolCalled) -> None:
        """Runs the function. The next response is asked for once the function has answered.

        A model that calls again and again is stopped: beyond `MAX_CALLS` no function is run, and
        the next response may call none. If it calls one all the same, no other response follows.
        """
        response = self.situation.response
        if event.call_id in response.called:
            return  # reported twice
        called = response.called | {event.call_id}
        too_many = len(called) > MAX_CALLS
        self._set_response(
            called=called,
            open_tools=response.open_tools | {event.call_id},
            follow_up="none" if response.without_tools else "response",
        )
        refusal = CALL_REFUSED if too_many else ""
        self._put(
            x.AnswerTool(
                call_id=event.call_id, tool=event.tool, arguments=event.arguments, refusal=refusal
            )
        )
        if len(called) == MAX_CALLS + 1:
            text = f"The model called more than {MAX_CALLS} functions for one reply: no more run."
            self._put(e.Noticed(text=text, severity="warning"))

    def take_late_output(self, event: e.ToolAnswered) -> None:
        """Asks for a response to the late result of a function that the model knows to
        run. While the user speaks, the response to their turn takes it up.
        """
        response = self.situation.response
        if event.interim or event.call_id not in response.late_tools:
            return
        self._set_response(late_tools=response.late_tools - {event.call_id}, asked_for_text=True)
        if self.state is not State.LISTENING:
            self._want_response()

    def stop_tools(self, _event: e.StopPressed) -> None:
        """Stops the functions that run; while a reply is played, only that is stopped. No response
        is asked for when they have ended.
        """
        response = self.situation.response
        running = response.open_tools | response.late_tools
        if running and self.state is not State.SPEAKING:
            self._put(x.StopTools(call_ids=tuple(sorted(running))))
            self._set_response(late_tools=frozenset())

    def refuse_tools(self, event: e.ToolOverdue) -> None:
        """Tells the model that these functions did not answer."""
        for call_id in event.call_ids:
            self._put(x.AnswerTool(call_id=call_id, tool="", arguments="", refusal=TOOL_OVERDUE))
        late = self.situation.response.late_tools
        if late & set(event.call_ids):
            self._set_response(late_tools=late - set(event.call_ids))
            self._want_response()

    def ask_for_follow_up(self, event: e.Event) -> None:
        """Asks for the response that had to wait until this response or function ended."""
        response = self.situation.response
        if response.follow_up == "repair" and isinstance(event, e.ResponseDone):
            self._put(*compaction.voice_repair(self.ledger))
        elif response.follow_up == "response" and not response.open_tools:
            self._want_response()
        self.settle_down(event)

    def ask_once_more(self, _event: e.ResponseDone) -> None:
        self._set_response(asked_once_more=True)
        self._want_response()

    def ask_for_reply(self, _event: e.Event) -> None:
        self._want_response()

    def give_up(self, event: e.ReplyOverdue) -> None:
        """Gives up the overdue response, and asks the server to cancel it."""
        response = self.situation.response
        wanted = response.follow_up
        if response.cancelled_at is None:
            self._put(x.CancelResponse(response_id=response.id, keep_if_late=not response.id))
        self._set_response(active=False, cancelled_at=None, abandoned=response.id)
        self._refuse(response.id)
        self.barge_in(event)
        self._set_response(id="", follow_up=wanted if self.state is State.AWAITING else "none")

    def _want_response(self) -> None:
        """Asks for a response now, or as soon as the active one is done and we are online."""
        if not self.situation.response.active and self.ledger.connection.status == "online":
            without_tools = len(self.situation.response.called) > MAX_CALLS
            self._set_response(
                active=True, cancelled_at=None, follow_up="none", without_tools=without_tools
            )
            self._put(x.CreateResponse(without_tools=without_tools))
        else:
            self._set_response(follow_up="response")

    def _refuse(self, response_id: str) -> None:
        """Late audio of this response is ignored from now on. "": its id is not known."""
        if response_id:
            self._set_response(refused=self.situation.response.refused | {response_id})

    def _set_response(self, **fields: Any) -> None:
        response = replace(self.situation.response, **fields)
        self.situation = replace(self.situation, response=response)

    # ── callbacks of the table: time ────────────────────────────────────────────────────────

    def check_time(self, event: e.TimePassed) -> None:
        """Ends what has been waited for too long. The decisions are made one by one."""
        for wait in self._waits():
            if wait.due is not None and event.at >= wait.due and not self._decided:
                self._put(*wait.end())
        self.settle_down(event)

    def _waits(self) -> Iterator[Wait]:
        return self._watchdogs.waits(self._commit_late_speech)

    def _commit_late_speech(self) -> Sequence[Output]:
        self._commit()
        return ()

    @property
    def _watchdogs(self) -> Watchdogs:
        return Watchdogs(self.state, self.situation, self.ledger, self._timeouts)

    def end_hands_free(self, event: e.HandsFreeEnded) -> None:
        self._put(x.CloseMicrophone())
        if event.closes == "connection":
            self._put(x.Disconnect(reason=CLOSED_CONNECTION[event.cause]))
        else:
            self._put(e.Noticed(text=CLOSED_MICROPHONE))

    # ── callbacks of the table: the connection ──────────────────────────────────────────────

    def stop_waiting(self, event: e.ConnectionLost) -> None:
        """Nothing more comes. A question without an answer is asked on the next connection."""
        again = self._after_reconnect(event)
        self._set_response(follow_up="response" if again else "none")

    def seed(self, event: e.ConnectionOpened) -> None:
        """Sends the new server session what was said: the memory, then the turns as text."""
        items = seed_items(self.ledger)
        self.situation = replace(self.situation, seeding=Seeding(items, self.ledger.at))
        self._put(*items)
        # If the server makes a response by itself after the seeding, no other is asked for.
        self._set_response(asked_for_text=False)
        response = self.situation.response
        again = self._after_reconnect(event) or response.follow_up != "none"
        if again and not response.open_tools:
            self._want_response()

    def _after_reconnect(self, event: e.Event) -> bool:
        """Records what a lost connection cut off. Returns whether to ask for the reply again."""
        found = self.situation.reply.after_reconnect(self.ledger)
        if found.cut is not None:
            self._put(found.cut)
        if found.gave_up and isinstance(event, e.ConnectionOpened):
            self._put(e.Noticed(text=ASKED_TOO_OFTEN, severity="warning"))
        return found.ask_again and (self.situation.reply.called or not self._words.name)

    def _want_connection(self) -> None:
        if self.ledger.connection.status in ("offline", "reconnecting"):
            self._put(x.Reconnect())

    # ── callbacks of the table: the window ──────────────────────────────────────────────────

    def summarise_now(self, event: e.SummarisePressed) -> None:
        self._put(
            *compaction.summary_by_hand(self.ledger, self.limits, self.situation, event.focus)
        )

    def restore(self, event: e.RestorePressed) -> None:
        self._put(*compaction.restored_turns(self.ledger, event.turn_ids))

    def correct_memory(self, event: e.TurnCorrected) -> None:
        self._put(*compaction.corrected_memory(self.ledger, event.item_id))
        self.settle_down(event)

    def settle_down(self, event: e.Event) -> None:
        """Continues what was begun, then begins what is due. Stops after the first decision."""
        for work in (
            self._repeat_seeding,
            self._value_pruning,
            self._advance,
            self._repeat_summary,
            self._begin_due,
            self._end_after_goodbye,
        ):
            if not self._decided:
                work(event)

    def _repeat_seeding(self, _event: e.Event) -> None:
        """Sends unacknowledged seed items a second time. After that they count as refused."""
        seeding = self.situation.seeding
        if not seeding.under_way or self.ledger.at < seeding.sent_at + self._timeouts.step_s:
            return
        again = replace(seeding, sent_at=self.ledger.at, repeated=True)
        self.situation = replace(self.situation, seeding=again)
        if not seeding.repeated:
            # The server may have the other items already, so each one names the item before it.
            for item in seeding.items:
                previous = item.previous_item_id or predecessor(self.ledger, item.item_id)
                self._put(replace(item, previous_item_id=previous))
            return
        for item in seeding.items:
            self._put(e.ItemRefused(item_id=item.item_id, message=UNCONFIRMED))
        count = f"{len(seeding.items)} item{'s' * (len(seeding.items) != 1)}"
        text = (
            f"The server did not confirm {count} of this session, so the model may not know "
            "everything that was said."
        )
        self._put(e.Noticed(text=text, severity="warning"))

    def _value_pruning(self, _event: e.Event) -> None:
        """Records what a pruning costs and saves, once, before its first step."""
        self._put(*compaction.valued_pruning(self.ledger, self.limits))

    def _advance(self, _event: e.Event) -> None:
        """Takes the next step of a compaction, unless a response may be reading the window."""
        response, online = self.situation.response, self.ledger.connection.status == "online"
        if response.active or self.situation.seeding.under_way or not online:
            return
        following = advance(self.ledger, self.situation.step, self._timeouts.step_s)
        self.situation = replace(self.situation, step=following.step)
        self._put(*following.outputs)
        idle = not following.step.name and not following.outputs
        if idle and response.follow_up == "repair" and self.ledger.compaction is None:
            self._want_response()  # the earlier replies are system items now

    def _repeat_summary(self, event: e.Event) -> None:
        """Asks again for a summary that a lost connection interrupted, after the seeding."""
        if isinstance(event, e.ItemPlaced) and not self.situation.seeding.under_way:
            self._put(*compaction.summary_again(self.ledger, self.limits))

    def _end_after_goodbye(self, event: e.Event) -> None:
        """Ends the session once the reply to the user's good-bye is over."""
        is_over = self.state is State.IDLE and self.nothing_more_comes(event)
        if self.situation.silence.goodbye and is_over:
            self._put(e.HandsFreeEnded(closes="connection", cause="goodbye"))

    def _begin_due(self, _event: e.Event) -> None:
        self._put(*compaction.due_compaction(self.ledger, self.limits, self.situation, self.state))
