"""What the conversation waits for, until when, and how it goes on without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.compaction_steps import step_due
from tui_voice.conversation.effects import Output
from tui_voice.conversation.events.attention import Closes
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.situation import Situation
from tui_voice.conversation.states import BUSY, State
from tui_voice.conversation.timeouts import ConversationTimeouts

TOOL_RUNS = (
    "The function still runs; its result comes later, in a message of its own. Tell the user in a "
    "few words, and continue the conversation."
)
UNCONFIRMED_SPEECH = "The server did not confirm what you said. Please say it again."


def interim_id(call_id: str) -> str:
    """Id of the item that tells the model that a function still runs."""
    return f"run_{call_id}"


class Wait(NamedTuple):
    """One wait that ends by itself."""

    due: float | None
    """When it is over (`Event.at`, seconds). None: there is no such wait now."""
    end: Callable[[], Sequence[Output]]
    """Returns the decision that ends it. Called only when it is over."""


@dataclass(frozen=True, slots=True)
class Watchdogs:
    """The waits of one moment. Every state other than IDLE has one, so that none lasts for ever."""

    state: State
    situation: Situation
    ledger: Ledger
    timeouts: ConversationTimeouts

    def waits(self, commit_late_speech: Callable[[], Sequence[Output]]) -> Iterator[Wait]:
        """Yields every wait. `commit_late_speech`: commits what was said before the microphone was
        closed.
        """
        microphone, timeouts = self.situation.microphone, self.timeouts
        online = self.ledger.connection.status == "online"
        if self.state is State.LISTENING:
            yield Wait(microphone.listening_due(timeouts), self._stop_listening)
        elif online:
            yield Wait(microphone.late_speech_due(timeouts), commit_late_speech)
        if online:
            yield Wait(microphone.commit_due(timeouts), self._give_up_commit)
            yield Wait(self.situation.transcripts.due(timeouts), self._give_up_transcript)
            yield Wait(self._reply_due(), self._give_up_reply)
            yield Wait(self._silence_due(), self._close_for_silence)
            yield Wait(self._tools_told_due(), self._tell_tools_run)
        yield Wait(self._tools_due(), self._give_up_tools)
        yield Wait(self._playback_due(), self._give_up_playback)

    def step_due(self) -> float | None:
        """When the acknowledgement that the compaction or the seeding waits for is overdue."""
        seeding = self.situation.seeding
        if seeding.under_way:
            return seeding.sent_at + self.timeouts.step_s
        if self.situation.response.active:
            return None
        return step_due(self.ledger, self.situation.step, self.timeouts.step_s)

    # ── the user ─────────────────────────────────────────────────────────────────────────────

    def _stop_listening(self) -> Sequence[Output]:
        return (e.ListeningOverdue(item_id=self.situation.microphone.turn),)

    def _give_up_commit(self) -> Sequence[Output]:
        commit = self.situation.microphone.commit
        assert commit is not None  # it is due
        overdue = e.CommitOverdue(item_id=commit.item_id, last=commit.repeated)
        if commit.repeated and commit.wants_response:
            return overdue, e.Noticed(text=UNCONFIRMED_SPEECH, severity="warning")
        return (overdue,)

    def _give_up_transcript(self) -> Sequence[Output]:
        item_id, _ = self.situation.transcripts.turns[0]
        return (e.TranscriptFailed(item_id=item_id, reason="the server sent no transcript"),)

    def _silence_due(self) -> float | None:
        """When the countdown begins or ends that closes the microphone, or then the connection."""
        silence, microphone = self.situation.silence, self.situation.microphone
        hands_free = microphone.open and not microphone.by_key
        idle = self.state is State.IDLE and self.ledger.compaction is None
        if not idle or not (hands_free or silence.closed_microphone):
            return None
        if silence.countdown is not None:
            return silence.ends_at
        closes: Closes = "microphone" if hands_free else "connection"
        return silence.countdown_due(closes, self.situation.playback.ends_at, self.timeouts)

    def _close_for_silence(self) -> Sequence[Output]:
        silence, timeouts = self.situation.silence, self.timeouts
        if silence.countdown is not None:
            return (e.HandsFreeEnded(closes=silence.countdown),)
        closes: Closes = "connection" if silence.closed_microphone else "microphone"
        wait_s = timeouts.disconnect_s if silence.closed_microphone else timeouts.idle_s
        assert wait_s is not None  # it is due
        return (e.CountdownStarted(closes=closes, seconds=timeouts.countdown_of(wait_s)),)

    # ── the reply ────────────────────────────────────────────────────────────────────────────

    def _reply_due(self) -> float | None:
        """When the reply is given up if no further sign of it comes. None: no reply is due."""
        response, microphone = self.situation.response, self.situation.microphone
        waits = self.state is State.AWAITING or response.active
        waits = waits and self.situation.playback.paused_at is None
        if not waits or response.open_tools or microphone.commit is not None:
            return None
        return response.due(self.situation.silent_since, self.timeouts)

    def _give_up_reply(self) -> Sequence[Output]:
        response = self.situation.response
        waited_for = self.state in BUSY and response.follow_up != "response"
        overdue = e.ReplyOverdue(
            response_id=response.id, seconds=self.timeouts.reply_s, waited_for=waited_for
        )
        return (overdue,)

    def _playback_due(self) -> float | None:
        """None while a response may bring more audio: then the reply as a whole is waited for."""
        if self.situation.response.active:
            return None
        return self.situation.playback.due(self.timeouts)

    def _give_up_playback(self) -> Sequence[Output]:
        return (e.PlaybackOverdue(item_ids=tuple(sorted(self.situation.playback.playing))),)

    # ── functions ────────────────────────────────────────────────────────────────────────────

    def _tools_told_due(self) -> float | None:
        if not self.situation.response.open_tools or self.situation.response.active:
            return None
        return self.situation.reply.sign_at + self.timeouts.tool_told_s

    def _tell_tools_run(self) -> Sequence[Output]:
        outputs: list[Output] = []
        for call_id in sorted(self.situation.response.open_tools):
            item_id = interim_id(call_id)
            outputs += (
                e.ToolAnswered(item_id=item_id, call_id=call_id, output=TOOL_RUNS, interim=True),
                x.TellToolRuns(item_id=item_id, call_id=call_id, output=TOOL_RUNS),
            )
        return outputs

    def _tools_due(self) -> float | None:
        response = self.situation.response
        if response.open_tools:
            return self.situation.reply.sign_at + self.timeouts.tool_s
        told = (self.ledger.turns.get(interim_id(call_id)) for call_id in response.late_tools)
        began = min((turn.at for turn in told if turn is not None), default=None)
        return None if began is None else began + self.timeouts.tool_s

    def _give_up_tools(self) -> Sequence[Output]:
        response = self.situation.response
        tools = tuple(sorted(response.open_tools or response.late_tools))
        return (e.ToolOverdue(call_ids=tools, seconds=self.timeouts.tool_s),)
