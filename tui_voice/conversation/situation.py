"""What the conversation knows in addition to its state and its ledger: a few frozen values.

The method `after(event, …)` of each class returns the next value. `Situation` bundles them, and
`Snapshot` shows them all. Besides them, only the limits and the timeouts affect what is decided.
`due` says when a value has been unchanged for too long: the watchdogs of the conversation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Literal

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.attention import Silence, words_of
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.microphone import AwaitedTranscripts, MicrophoneState
from tui_voice.conversation.pending_reply import PendingReply
from tui_voice.conversation.states import State
from tui_voice.conversation.timeouts import ConversationTimeouts
from tui_voice.conversation.turns import Turn

ENDED_KEPT = 8
"""Number of the newest ended responses whose ids are kept, to know a doubled event."""
MAX_CALLS = 5
"""Functions that the model may call for one reply. Then it has to answer without them."""


@dataclass(frozen=True, slots=True)
class ActiveResponse:
    """The response that the server makes in its conversation, and the one to ask for after it."""

    active: bool = False
    """True from the moment we ask for a response until `response.done`."""
    id: str = ""
    """Id of the active response. "": the server has not sent `response.created` yet."""
    cancelled_at: float | None = None
    """When we cancelled the active response. None: we did not. Seconds, as in `Event.at`."""
    abandoned: str = ""
    """Id of a response that was given up. The server may not have ended it. "": none."""
    ended: tuple[str, ...] = ()
    """Ids of the newest responses that have ended, oldest first. Later events of them are late."""
    follow_up: Literal["none", "response", "repair"] = "none"
    """What we ask for once the active response and its functions have ended. `response`: another
    response. `repair`: the same reply again, since it came without audio (`VoiceRepairRequested`).
    """
    asked_for_text: bool = False
    """The last `response.create` was for a typed turn."""
    answers_newest: bool = False
    """The active response, or the last one, began after the user's newest turn."""
    asked_once_more: bool = False
    """The reply to the user's last turn was cancelled and is asked for again. There is no third."""
    repaired: bool = False
    """The reply under way is already the second attempt. There is no third."""
    refused: frozenset[str] = frozenset()
    """Ids of cancelled responses. Their late audio is ignored."""
    open_tools: frozenset[str] = frozenset()
    """Call ids of functions that still run. The next response waits for all of them."""
    late_tools: frozenset[str] = frozenset()
    """Call ids of functions that still run, which the model knows."""
    called: frozenset[str] = frozenset()
    """Call ids of the functions that were called since the user's last turn."""
    without_tools: bool = False
    """The last response was asked for without functions, since too many were called."""

    def after(self, event: e.Event, *, repairable: bool = False) -> ActiveResponse:
        """`repairable`: the event ends a reply without audio that can be asked for again."""
        match event:
            case e.TextSubmitted() | e.SpeechCommitted():
                # The response that starts next answers this speech: it is not the cancelled one.
                newer = isinstance(event, e.SpeechCommitted) and not self.id
                return replace(
                    self,
                    cancelled_at=None if newer else self.cancelled_at,
                    called=frozenset(),
                    without_tools=False,
                    answers_newest=False,
                    asked_once_more=False,
                )
            case e.SpeechStarted():
                return replace(self, answers_newest=False)
            case e.ResponseStarted(response_id=response_id) if response_id not in self.ended:
                # Another reply comes first, so the one without audio is not repaired.
                follow_up = "none" if self.follow_up == "repair" else self.follow_up
                return replace(
                    self, active=True, id=response_id, answers_newest=True, follow_up=follow_up
                )
            case e.ResponseDone():
                return self._done(event, repairable=repairable)
            case e.CancelRefused() if self.active and self.cancelled_at is not None:
                return self._ended(self.id)  # `response.done` was lost
            case e.ResponseRefused(code=code):
                active = code == e.ALREADY_ACTIVE
                # After a spoken turn the server may be answering by itself already. A typed turn
                # it does not answer by itself, and neither does a response that we gave up.
                wanted = active and (self.asked_for_text or bool(self.abandoned))
                return replace(
                    self,
                    active=active,
                    id=self.abandoned if active else "",
                    follow_up="response" if wanted else "none",
                )
            case e.ToolAnswered(call_id=call_id):
                late = self.late_tools | {call_id} if event.interim else self.late_tools
                return replace(self, open_tools=self.open_tools - {call_id}, late_tools=late)
            case e.ToolOverdue(call_ids=call_ids):
                return replace(self, open_tools=self.open_tools - set(call_ids))
            case e.ConnectionLost() | e.ConnectionOpened():
                follow_up = "response" if self.follow_up == "repair" else self.follow_up
                return replace(self._ended(self.id), abandoned="", follow_up=follow_up)
            case e.SessionResumed() | e.SessionClosed():
                ended = self._ended(self.id)
                ended = replace(ended, abandoned="", follow_up="none")
                return replace(ended, open_tools=frozenset(), late_tools=frozenset())
        return self

    def is_current(self, response_id: str) -> bool:
        """Whether the active response has this id, or has an id that is not known yet."""
        if response_id and response_id in (*self.ended, self.abandoned):
            return self.id == response_id
        return self.id in ("", response_id)

    def due(self, silent_since: float, timeouts: ConversationTimeouts) -> float:
        """When the response is given up. `silent_since`: when the last sign of it came."""
        due = silent_since + timeouts.reply_s
        if self.active and self.cancelled_at is not None:
            return min(due, self.cancelled_at + timeouts.cancel_s)
        return due

    def _done(self, event: e.ResponseDone, *, repairable: bool) -> ActiveResponse:
        if not self.is_current(event.response_id):
            if event.response_id == self.abandoned:
                return replace(self, abandoned="")
            return self
        ended = self._ended(event.response_id)
        if repairable and not self.repaired and self.follow_up != "repair":
            return replace(ended, follow_up="repair", repaired=True)
        return replace(ended, repaired=False) if event.status == "completed" else ended

    def _ended(self, response_id: str) -> ActiveResponse:
        ended = self.ended
        if response_id and response_id not in ended:
            ended = (*ended, response_id)[-ENDED_KEPT:]
        abandoned = "" if self.abandoned == response_id else self.abandoned
        return replace(
            self, active=False, id="", cancelled_at=None, ended=ended, abandoned=abandoned
        )


@dataclass(frozen=True, slots=True)
class PlaybackState:
    """What the loudspeaker does with the assistant's items."""

    playing: frozenset[str] = frozenset()
    """Ids of the items whose audio is being played or waits to be played."""
    interrupted: frozenset[str] = frozenset()
    """Ids of the items that we stopped. How much of them was played is not known yet."""
    newest: str = ""
    """Id of the item whose audio came last."""
    begins_at: float = 0.0
    """When the audio of `newest` begins to be played. Seconds, as in `Event.at`."""
    ends_at: float = 0.0
    """When all audio received so far will have been played."""
    audible: bool = True
    """There is a loudspeaker; without one, replies are only shown."""
    paused_at: float | None = None
    """When the loudspeaker was stopped with the rest of the reply kept. None: it was not."""

    def after(self, event: e.Event, refused: frozenset[str], before: Ledger) -> PlaybackState:
        """`refused`: ids of cancelled responses; their late audio is not played. `before`: the
        ledger before the event.
        """
        match event:
            case e.LoudspeakerChanged(available=available):
                if available:
                    return replace(self, audible=True)
                return PlaybackState(audible=False)  # nothing is played, so nothing is interrupted
            case e.PlaybackPaused():
                return replace(self, paused_at=event.at)
            case e.PlaybackResumed() if self.paused_at is not None:
                paused_s = event.at - self.paused_at
                return replace(
                    self,
                    paused_at=None,
                    begins_at=self.begins_at + paused_s,
                    ends_at=self.ends_at + paused_s,
                )
            case e.InterruptionUndone(replies=replies):
                turns = [before.turns.get(item_id) for item_id in replies]
                rest_ms = sum(t.audio_ms - (t.heard_ms or 0) for t in turns if t is not None)
                return replace(
                    self,
                    playing=self.playing | frozenset(replies),
                    begins_at=self.begins_at + max(0.0, event.at - self.ends_at),
                    ends_at=max(self.ends_at, event.at + rest_ms / 1000),
                )
            case e.AudioReceived() if not self.audible:
                return replace(self, newest=event.item_id)
            case e.AudioReceived():
                begins = self.begins_at
                if event.item_id != self.newest:
                    begins = max(event.at, self.ends_at)
                late = event.response_id in refused
                ends = begins + event.audio_ms / 1000
                return replace(
                    self,
                    playing=self.playing if late else self.playing | {event.item_id},
                    newest=event.item_id,
                    begins_at=begins,
                    ends_at=self.ends_at if late else max(ends, event.at),
                )
            case e.PlaybackFinished(item_id=item_id) | e.PlaybackInterrupted(item_id=item_id):
                stopped = isinstance(event, e.PlaybackInterrupted)
                return replace(
                    self,
                    playing=self.playing - {item_id},
                    interrupted=self.interrupted - {item_id},
                    ends_at=event.at if stopped else self.ends_at,
                )
            case e.PlaybackOverdue(item_ids=item_ids):
                stopped_ids = self.playing & set(item_ids)
                return replace(
                    self,
                    playing=self.playing - stopped_ids,
                    interrupted=self.interrupted | stopped_ids,
                )
            case e.ResponseStarted() | e.ConnectionLost() | e.ConnectionOpened():
                return replace(self, interrupted=frozenset())
            case e.SessionResumed() | e.SessionClosed():
                return PlaybackState(audible=self.audible)
        return self

    def due(self, timeouts: ConversationTimeouts) -> float | None:
        """When the loudspeaker should have reported the end of what it plays. None: it plays
        nothing.
        """
        if not self.playing or self.paused_at is not None:
            return None
        return self.ends_at + timeouts.playback_s

    def stopped(self) -> PlaybackState:
        """After `InterruptPlayback`: nothing plays, and each item's played part is unknown."""
        stopped = self.interrupted | self.playing
        return replace(self, playing=frozenset(), interrupted=stopped, paused_at=None)

    @property
    def unsettled(self) -> frozenset[str]:
        """Ids of the items that may still be truncated: they play, or were just stopped."""
        return self.playing | self.interrupted


@dataclass(frozen=True, slots=True)
class Interruption:
    """The spoken turn that interrupted a reply, until its words show whether it was one."""

    turn_id: str = ""
    """Id of the turn. "": none, or it was judged."""
    replies: tuple[str, ...] = ()
    """Ids of the items that it stopped."""
    echoes: int = 0
    """Interruptions so far that were echoes of a reply."""

    def after(self, event: e.Event, playing: frozenset[str]) -> Interruption:
        """`playing`: ids of the items that were playing before the event."""
        match event:
            case e.SpeechStarted(item_id=item_id):
                stopped = tuple(sorted(playing))
                return replace(self, turn_id=item_id if stopped else "", replies=stopped)
            case e.InterruptionUndone(why=why):
                echoes = self.echoes + (why == "echo")
                return replace(self, turn_id="", replies=(), echoes=echoes)
            case e.TextSubmitted() | e.StopPressed() | e.ConnectionLost() | e.SessionClosed():
                return replace(self, turn_id="", replies=())
        return self

    def why_none(self, text: str, ledger: Ledger, words: int) -> Literal["", "echo", "short"]:
        """Returns why the turn with the transcript `text` is no interruption; "": it is one.

        `words`: how many words an interruption needs.
        """
        spoken = words_of(text)
        replies = [ledger.turns.get(item_id) for item_id in self.replies]
        if any(turn is not None and is_echo(spoken, turn) for turn in replies):
            return "echo"
        return "short" if len(spoken) < words else ""


ECHO_BEFORE_MS, ECHO_AFTER_MS = 4_000, 500
"""Milliseconds of a reply before and after the place where it was stopped, in which the words of
its echo are searched. The place is computed from the length alone, so it may be a word too early.
"""


def is_echo(spoken: list[str], reply: Turn) -> bool:
    """Returns whether these words are what the reply said where it was stopped: all of them, in
    this order, except one of five that the recognition may have got wrong."""
    said = words_of(reply.text)
    if not spoken or not said or reply.heard_ms is None or not reply.audio_ms:
        return False
    first, last = (
        round(len(said) * (reply.heard_ms + offset) / reply.audio_ms)
        for offset in (-ECHO_BEFORE_MS, ECHO_AFTER_MS)
    )
    near = said[max(0, first) : max(0, last) + 1]
    blocks = SequenceMatcher(None, near, spoken, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) >= 0.8 * len(spoken)


@dataclass(frozen=True, slots=True)
class Seeding:
    """The items that a new server session was sent and has not acknowledged yet."""

    items: tuple[x.CreateItem, ...] = ()
    sent_at: float = 0.0
    """When the items were sent. Seconds, as in `Event.at`."""
    repeated: bool = False
    """The items were sent a second time. There is no third."""

    def after(self, event: e.Event) -> Seeding:
        match event:
            case e.ItemPlaced(item_id=item_id) | e.ItemRefused(item_id=item_id):
                left = tuple(item for item in self.items if item.item_id != item_id)
                return self if len(left) == len(self.items) else replace(self, items=left)
            case e.ConnectionLost() | e.ConnectionOpened() | e.SessionResumed() | e.SessionClosed():
                return replace(self, items=())
        return self

    @property
    def under_way(self) -> bool:
        return bool(self.items)


@dataclass(frozen=True, slots=True)
class CompactionStep:
    """The step of a compaction that the server was asked for and has not acknowledged yet."""

    name: str = ""
    """Which step: "create ITEM" or "delete ITEM". "": none."""
    asked_at: float = 0.0
    """When it was asked for last. Seconds, as in `Event.at`."""
    repeated: bool = False
    """It was asked for a second time. There is no third."""

    def after(self, event: e.Event) -> CompactionStep:
        match event:
            case e.ConnectionLost() | e.ConnectionOpened() | e.SessionResumed() | e.SessionClosed():
                return replace(self, name="")
        return self


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the conversation knows in addition to its state and its ledger."""

    microphone: MicrophoneState = field(default_factory=MicrophoneState)
    transcripts: AwaitedTranscripts = field(default_factory=AwaitedTranscripts)
    response: ActiveResponse = field(default_factory=ActiveResponse)
    playback: PlaybackState = field(default_factory=PlaybackState)
    interruption: Interruption = field(default_factory=Interruption)
    reply: PendingReply = field(default_factory=PendingReply)
    seeding: Seeding = field(default_factory=Seeding)
    step: CompactionStep = field(default_factory=CompactionStep)
    silence: Silence = field(default_factory=Silence)

    def after(self, event: e.Event, state: State, ledger: Ledger) -> Situation:
        """The next situation. `state` and `ledger` are those before the event."""
        response = self.response.after(event, repairable=_repairable(event, state, ledger))
        reply = self.reply.after(event, ledger)
        if (
            isinstance(event, e.ResponseDone)
            and self.response.is_current(event.response_id)
            and event.status != "cancelled"
            and response.follow_up == "none"
        ):
            reply = replace(reply, pending=False, called=False)
        return Situation(
            microphone=self.microphone.after(event, ledger),
            transcripts=self.transcripts.after(event, ledger),
            response=response,
            playback=self.playback.after(event, self.response.refused, ledger),
            interruption=self.interruption.after(event, self.playback.playing),
            reply=reply,
            seeding=self.seeding.after(event),
            step=self.step.after(event),
            silence=self.silence.after(event),
        )

    @property
    def window_in_use(self) -> bool:
        """Whether a response reads the window, or a change of it is not settled yet."""
        busy = self.response.active or self.seeding.under_way
        return busy or bool(self.playback.unsettled)

    @property
    def silent_since(self) -> float:
        """When the last sign of the reply came, or when the loudspeaker will end. Seconds."""
        return max(self.reply.sign_at, self.playback.ends_at)


def _repairable(event: e.Event, state: State, ledger: Ledger) -> bool:
    """Whether the event ends a reply that the user waits for and that came without any audio.

    Some models answer in text only after earlier replies were given back to them as text.
    """
    return (
        isinstance(event, e.ResponseDone)
        and not event.audio
        and event.status == "completed"
        and state is State.AWAITING
        and ledger.compaction is None
        and bool(ledger.turns.silent_reply())
    )
