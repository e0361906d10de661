"""The microphone, the user's turn that is being heard, and our commit of it. Frozen values.

The server's input buffer holds the audio of a turn until it is committed: by the server, where its
voice activity detection (VAD) ends the turn, or by us. What is known of that buffer decides who
commits, so that a turn is committed and answered once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.timeouts import ConversationTimeouts


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """Our `input_audio_buffer.commit`, which the server has not answered yet."""

    item_id: str = ""
    """Id of the turn. "": the talk key began it, so the server has given it no id yet."""
    sent_at: float = 0.0
    """When it was sent last. Seconds, as in `Event.at`."""
    repeated: bool = False
    """It was sent a second time. There is no third."""
    wants_response: bool = True
    """Once it is answered we ask for a response. False: one was asked for already."""


@dataclass(frozen=True, slots=True)
class MicrophoneState:
    """Whether audio goes to the server, the turn that is being heard, and who ends it."""

    open: bool = False
    muted: bool = False
    """It is open, and silence is sent in place of sound. A closed microphone is never muted."""
    mode: str = ""
    """As in `TurnModeChosen`. "": as the settings say."""
    by_key: bool = False
    """The talk key starts and ends the turns, not the server's VAD."""
    turn: str = ""
    """Id of the turn that the server's VAD has begun and not ended. "": none."""
    began_at: float = 0.0
    """When that turn began. Seconds, as in `Event.at`."""
    heard_at: float = 0.0
    """When the last sign came that audio of the user's turn is captured."""
    commit: PendingCommit | None = None
    """None: the server has answered every commit of ours."""

    def after(self, event: e.Event, before: Ledger) -> MicrophoneState:
        """`before`: the ledger before the event."""
        match event:
            case e.TalkPressed(manual=manual):
                return replace(self, open=True, by_key=manual, heard_at=event.at)
            case e.TalkReleased():
                return self.closed()
            case e.HandsFreeEnded():
                return self.closed()
            case e.MuteChanged(muted=muted):
                return replace(self, muted=muted and self.open)
            case e.SpeechStarted(item_id=item_id) if before.turns.get(item_id) is None:
                return replace(self, turn=item_id, began_at=event.at, heard_at=event.at)
            case e.SpeechGrew():
                return replace(self, heard_at=event.at)
            case e.SpeechStopped(item_id=item_id):
                # The server ended this turn itself: it commits and answers it without us.
                overtaken = self.commit is not None and self.commit.item_id == item_id
                ended = replace(self, commit=None) if overtaken and item_id else self
                return ended._without(item_id)
            case e.SpeechCommitted(item_id=item_id):
                return self._without(item_id)
            case e.SpeechDiscarded(item_id=item_id):
                return replace(self, commit=None)._without(item_id or self.turn)
            case e.ListeningOverdue():
                return self.closed() if self.by_key else self
            case e.CommitOverdue(last=last) if self.commit is not None:
                again = replace(self.commit, sent_at=event.at, repeated=True)
                return replace(self, commit=None if last else again)
            case e.ConnectionLost(again=again) | e.ConnectionOpened(again=again):
                # The kept audio is sent again on the next connection, with another commit.
                resent = PendingCommit() if again and self.by_key else self.commit
                commit = resent and replace(resent, item_id="", sent_at=event.at)
                return replace(self, turn="", commit=commit)
            case e.SessionResumed() | e.SessionClosed():
                return MicrophoneState()
        return self

    def closed(self) -> MicrophoneState:
        return replace(self, open=False, muted=False)

    def committing(self, at: float, *, wants_response: bool = True) -> MicrophoneState:
        """After our commit was sent: what is being heard is no longer under way."""
        commit = PendingCommit(self.turn, at, wants_response=wants_response)
        return replace(self, turn="", commit=commit)

    @property
    def hears_turn(self) -> bool:
        """Whether a turn of the user is under way: begun by VAD, or by a key that is still held."""
        return bool(self.turn) or (self.by_key and self.open)

    def listening_due(self, timeouts: ConversationTimeouts) -> float:
        """When a turn counts as over though nothing ended it. Seconds, as in `Event.at`."""
        unheard = self.heard_at + timeouts.listening_s
        return min(unheard, self.began_at + timeouts.turn_s) if self.turn else unheard

    def late_speech_due(self, timeouts: ConversationTimeouts) -> float | None:
        """When to commit a turn that began before the microphone was closed, and whose start the
        server reported only afterwards. None: there is no such turn.
        """
        late = self.turn and not self.open and self.commit is None
        return self.heard_at + timeouts.late_speech_s if late else None

    def commit_due(self, timeouts: ConversationTimeouts) -> float | None:
        """When the answer to our commit is overdue. None: no answer is awaited."""
        if self.commit is None:
            return None
        left = max(timeouts.commit_s, timeouts.reply_s - timeouts.commit_s)
        return self.commit.sent_at + (left if self.commit.repeated else timeouts.commit_s)

    def _without(self, item_id: str) -> MicrophoneState:
        return replace(self, turn="") if self.turn == item_id else self


@dataclass(frozen=True, slots=True)
class AwaitedTranscripts:
    """The spoken turns whose words have not come yet."""

    turns: tuple[tuple[str, float], ...] = ()
    """Id of each, and when the last sign of its words came (seconds, as in `Event.at`)."""

    def after(self, event: e.Event, before: Ledger) -> AwaitedTranscripts:
        """`before`: the ledger before the event."""
        match event:
            case e.SpeechCommitted(item_id=item_id):
                turn = before.turns.get(item_id)
                if turn is not None and turn.words == "done":
                    return self
                return AwaitedTranscripts((*self._others(item_id), (item_id, event.at)))
            case e.TranscriptGrew(item_id=item_id) if self.waits_for(item_id):
                return AwaitedTranscripts((*self._others(item_id), (item_id, event.at)))
            case e.TranscriptDone(item_id=item_id) | e.TranscriptFailed(item_id=item_id):
                return AwaitedTranscripts(self._others(item_id))
            case e.ConnectionLost() | e.ConnectionOpened() | e.SessionResumed() | e.SessionClosed():
                return AwaitedTranscripts()
        return self

    def waits_for(self, item_id: str) -> bool:
        return any(awaited == item_id for awaited, _ in self.turns)

    def due(self, timeouts: ConversationTimeouts) -> float | None:
        """When the words that are missing longest are overdue. None: no words are missing."""
        return self.turns[0][1] + timeouts.transcript_s if self.turns else None

    def _others(self, item_id: str) -> tuple[tuple[str, float], ...]:
        if not self.waits_for(item_id):
            return self.turns
        return tuple(awaited for awaited in self.turns if awaited[0] != item_id)
